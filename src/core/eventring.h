/*
 * The last events, each with a sequence number that never comes twice.  Readers hold a cursor and
 * read when they can write; a slow one loses the oldest and is told how many.  Pure; no reader is
 * known here.
 */
#pragma once

#include <stddef.h>

#include "core/output.h"

#define EVENTRING_SIZE 512 /* a power of two */

struct eventring_entry {
	uint64_t seq;
	struct event event;
};

struct eventring {
	uint64_t
		/* sequence number of the next event; the ring holds the (at most) EVENTRING_SIZE
		   before it */
		next;
	uint64_t first; /* of the oldest that this run has put in */
	struct event ring[EVENTRING_SIZE];
};

/* first: number of the first event, at least 1; above those of an earlier run, where these are
   known. */
void eventring_init(struct eventring *r, uint64_t first);

/* Returns its sequence number. */
uint64_t eventring_put(struct eventring *r, const struct event *e);

/* The cursor that reads everything still held. */
uint64_t eventring_oldest(const struct eventring *r);

/*
 * Copies up to max events from *cursor on (a cursor is the number of the next event wanted; 0: the
 * oldest held), oldest first, and moves the cursor behind them.  ret_lost: how many between the
 * cursor and the first one copied are gone; a cursor from the future (of a run whose numbers were
 * higher) counts as one at the end.  Returns how many were copied.
 */
size_t eventring_read(const struct eventring *r, uint64_t *cursor, struct eventring_entry ret[],
	size_t max, uint64_t *ret_lost);
