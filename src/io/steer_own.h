/*
 * The router's own connections that began with an address that is of no use any more.  To find
 * them takes milliseconds (all TCP sockets are looked at), so actions that are still to come go
 * first.
 */
#pragma once

#include <event2/event.h>

#include "io/sockets.h"
#include "io/steer_numbers.h"

struct steer_own {
	struct sockets *sockets; /* NULL: the kernel has no sock_diag */
	struct netlink_batch *batch;
	struct event *timer;
	uint32_t link_mask;
	uint32_t paths; /* bit mask: those from here are to end */
	uint8_t from[PATHS_MAX][16];
};

/* batch: room to work in, shared.  0 or -ENOMEM. */
int steer_own_init(struct steer_own *o, struct event_base *base, struct netlink_batch *batch,
	const struct steer_numbers *numbers);
void steer_own_done(struct steer_own *o); /* also one that is all zero */

/* from: as in struct path_facts; all zero: none. */
void steer_own_end(struct steer_own *o, unsigned path, const uint8_t from[16]);
