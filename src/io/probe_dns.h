/*
 * Queries for names that do not exist: PROBE_DNS.  One UDP socket a path; its port and ids change
 * every few queries, so that neither an attacker nor a stale address translation lasts.
 */
#pragma once

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

struct probe_dns {
	bool open;
	int fd;
	uint16_t key;     /* hides slot and generation in the id */
	uint16_t queries; /* sent from this port */
	uint16_t waiting; /* not ended yet */
	struct event *readable;
};

extern const struct probe_method_ops probe_dns;
