/*
 * What a path can lack although it answers pings: names, connections, an unchanged web, large packets.  Each is
 * checked by its own probe method and is broken only after several misses in a row, of different targets, while the path
 * itself was answering; and only if it has worked on this path before (a network that never let DNS out is not broken).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/policy.h"

enum service {
	SERVICE_DNS,
	SERVICE_WEB,    /* TCP connections */
	SERVICE_PORTAL, /* HTTP arrives unchanged */
	SERVICE_MTU,    /* packets as large as the link's MTU */
	SERVICE_COUNT,
};

struct service_state {
	bool broken;
	bool worked;       /* on this path, since its address or gateway last changed */
	uint8_t misses;    /* in a row, while the path itself answered */
	uint8_t answers;   /* in a row, while broken */
	int64_t missed_us; /* when the last miss that counted was sent */
	bool doubt;        /* the next check is to be sent with an echo request beside it */
	int64_t next_us;   /* next check */
};

/* The service that a probe method checks; SERVICE_COUNT: none. */
enum service service_of(enum probe_method method);

/* Each returns true when broken has changed. */
bool service_answered(struct service_state state[SERVICE_COUNT], enum service service,
	int64_t now_us);
bool service_missed(struct service_state state[SERVICE_COUNT], enum service service,
	int64_t sent_us, int64_t now_us);

/* A miss that proves nothing, because nothing else was answered at that moment: ask again, with company. */
void service_doubted(struct service_state state[SERVICE_COUNT], enum service service,
	int64_t now_us);
bool service_portal_seen(struct service_state state[SERVICE_COUNT], int64_t now_us);
