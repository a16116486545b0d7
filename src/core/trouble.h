/*
 * How much trouble a path has given of late, in seconds an hour: the time it was silent or bad, weighed by how bad.
 *
 * It counts what users would have felt whose traffic is moved away when a spell lasts: of spells that come close
 * together only the first seconds, and none that is shorter than a glance.  The memory fades over hours.  A path that
 * is hardly known is presumed to give a little.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/usec.h"

struct trouble {
	int64_t since_us;        /* begin of the present spell; 0: there is none */
	int64_t seen_us;         /* the last look at it */
	int64_t ended_us;        /* end of the last spell that counted; 0: none did */
	int64_t spell_us;        /* cost of the present spell so far */
	int64_t cluster_us;      /* begin of the spells that count as one */
	int64_t cluster_cost_us; /* what has been counted of them */
	int64_t cost_us;         /* of all ended spells, fading */
	int64_t watched_us;      /* the time in which they were seen, fading */
	int64_t faded_us;        /* when it faded last; 0: never */
};

/* The path is in trouble: since when, and how bad it is now (percent). */
void trouble_see(struct trouble *t, int64_t since_us, int percent, int64_t now_us);

/* It is not, or not any more. */
void trouble_end(struct trouble *t);

/* Whether trouble_watch() has anything to do: it goes by seconds. */
static inline bool trouble_watch_due(const struct trouble *t, int64_t now_us)
{
	return !t->faded_us || now_us - t->faded_us >= USEC_S;
}

/* Time passes; share_ppm of it is watched closely enough to notice trouble. */
void trouble_watch(struct trouble *t, uint32_t share_ppm, int64_t now_us);

/* Trouble to be expected, microseconds an hour. */
int64_t trouble_rate_us(const struct trouble *t);
