/*
 * What a choice of links would have cost its user in a scenario, as the scorer counts it: time is
 * cut into slots; a slot is bad when the rating R of docs/decision.md is under 70 on the link in use,
 * out when nothing gets through, and counts only where that is known.  A switch costs half a second.
 */
#pragma once

#include "replay/scenario.h"

#define JUDGE_SLOT_US INT64_C(200000)
#define JUDGE_SWITCH_US INT64_C(500000)

struct judge_move {
	int64_t at_us;
	unsigned link; /* of the scenario; LINKS_MAX: none */
};

/* The links that were used, in the order of time; the first from the begin.  The last one up to t0_us of a scenario is
   where that begins: what was before it is no switch. */
struct judge_moves {
	struct judge_move *move;
	size_t n, room;
	bool incomplete; /* no memory for more */
};

void judge_note(struct judge_moves *m, int64_t at_us, unsigned link);
void judge_forget(struct judge_moves *m);

struct judge_cost {
	int64_t known_us, bad_us, out_us;
	unsigned switches;
	uint64_t metered_bytes;
};

/* Bad time plus the price of the switches. */
int64_t judge_total_us(const struct judge_cost *c);

/* Bytes that users sent and got in a while that ends at at_us; in the order of time. */
struct judge_traffic {
	int64_t at_us;
	uint64_t bytes;
};

/* all_known: only slots count in which every link is known, as the scorer has it and as judge_bounds() does. */
struct judge_cost judge(struct scenario *s, const struct judge_moves *m,
	const struct judge_traffic traffic[], size_t n_traffic, bool all_known);

/* The least cost that anyone who knew the future could have had, and that of never leaving the first link; over slots
   in which every link is known. */
void judge_bounds(struct scenario *s, int64_t *ret_least_us, int64_t *ret_first_us);

/* One slot of one link. */
struct judge_slot {
	bool known, bad, out;
};

struct judge_slot judge_at(struct scenario *s, unsigned link, int64_t at_us);
