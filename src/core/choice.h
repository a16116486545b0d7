/*
 * What one class of traffic uses in one family, and what holds a change back.  The order of decide.h names the best
 * path; a move to it is
 *
 *   at once       away from a path without carrier, address or gateway
 *   when proven   away from a dead or bad path: the other one must have answered something sent after the trouble began;
 *                 if it cannot show that (its probes are spent or limited, or it is bad too) the next best is asked
 *   when settled  to a preferred path that has come back: after its failback hold; new flows go first, the rest stays
 *
 * and never happens without a path that is measured to be better.
 */
#pragma once

#include "core/decide.h"

struct choice {
	uint8_t n; /* paths in use, in order of rank; 0: none, traffic follows table main */
	uint8_t path[ROUTE_PATHS_MAX];
	uint8_t weight[ROUTE_PATHS_MAX];
	bool adopted; /* found in the kernel at the start; the path's facts have not come yet */
	int64_t since_us;
	enum step step;
	uint8_t runner_up; /* PATHS_MAX: none */
	uint8_t wanted;    /* PATHS_MAX: what is in use */
	enum stay stay;
	int64_t due_us;
	bool fail_open;
	enum step against[PATHS_MAX];
	uint32_t switches;

	int64_t trial_us; /* since when wanted is being proven; 0: it is not */
	uint8_t trial;    /* the path on trial */
	uint32_t
		failed; /* bit mask of paths whose trial came to nothing: passed over for a while */
	int64_t failed_until_us;
	uint8_t told_wanted; /* the last STAY event, so that it is told once */
	enum stay told_stay;
	int64_t told_us;     /* 0: none */
	uint8_t canary_from; /* flows of this path follow at canary_us; PATHS_MAX: none */
	int64_t canary_us;
	uint32_t flows; /* bit mask of paths whose flows are to start anew; plan.c takes them out */
	uint32_t
		freed; /* bit mask of dead paths that were not in use: their flows have been in flows */
};

/* A user's wishes for a class; ..._until_us 0: none. */
struct class_state {
	uint8_t pinned_link;
	int64_t pinned_until_us;
	int64_t held_until_us;
};

struct choice_context {
	unsigned class;
	enum family family;
	const struct class_state *wish;
	uint32_t usable; /* bit mask of paths */
	uint32_t drained, over_quota;
	int64_t started_us; /* of the engine */
};

void choice_init(struct choice *c);

/* Chooses anew.  May ask paths for proof (confirm, examine) and notes on them that traffic left or returned. */
void choice_run(struct choice *c, const struct step_env *env, struct path path[PATHS_MAX],
	const struct choice_context *context);

bool choice_uses(const struct choice *c, unsigned path);

/* Until when the path may not take traffic back from one that works; <= now: it may. */
int64_t choice_held_until_us(const struct path *p);
