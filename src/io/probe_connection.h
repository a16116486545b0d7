/*
 * TCP connections of probes: a fixed pool.  Each belongs to one slot and is reset, never closed
 * politely, when the slot ends, so that nothing of it stays behind in the kernel.
 */
#pragma once

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "codec/http204.h"

#define PROBE_CONNECTIONS_MAX 256

struct probes;
struct probe_path;
struct probe_slot;

struct probe_connection {
	bool used;
	int fd;
	struct probe_path *path;
	struct probe_slot *slot;
	struct event *event;
	int64_t asked_us;      /* HTTP: when the request went out */
	struct http204 reader; /* HTTP */
};

struct probe_connections {
	struct probe_connection connection[PROBE_CONNECTIONS_MAX];
	uint16_t used;
};

/*
 * Begins to connect to slot's target and port; ready(fd, EV_WRITE, connection) is called when that
 * has ended either way.  Sets slot->connection and sent_us.  0 or -errno; -ENOBUFS when the pool is
 * empty.
 */
int probe_connection_open(struct probe_path *path, struct probe_slot *slot, uint16_t port,
	event_callback_fn ready);

/* Resets the slot's connection, if it has one. */
void probe_connection_forget(struct probe_path *path, struct probe_slot *slot);

/* After ready(): 0 when connected, else the error; ret_rtt_us is that of the first SYN. */
int probe_connection_result(struct probe_connection *c, uint32_t *ret_rtt_us);

/* Ends the slot as the failed connection says: refused, unreachable, lost. */
void probe_connection_failed(struct probe_connection *c, int error, uint32_t rtt_us);
