/*
 * What if the options had been others?  The recorded time is played twice, with the configuration as it
 * is and with the changes, in the same world with the same chance; both are judged, and the moments
 * are found in which they differ.
 */
#pragma once

#include "replay/site.h"

#define WHATIF_MOMENTS_MAX 20

/* A time in which the two were on different links; those that are close together are one. */
struct whatif_moment {
	int64_t from_us, until_us;
	unsigned was, would; /* links of the scenario at its begin */
	int64_t was_bad_us, would_bad_us;
};

struct whatif {
	bool has_happened; /* what really was used is known */
	struct judge_cost happened, was, would;
	int64_t span_us, both_known_us;
	int64_t happened_us, same_us; /* how long it is known, and the play was on the same link */
	unsigned n_moments, moments_more;
	struct whatif_moment
		moment[WHATIF_MOMENTS_MAX]; /* those that matter most, in the order of time */
};

struct whatif_run {
	struct scenario *scenario;
	const struct judge_traffic *traffic;
	size_t n_traffic;
	const struct judge_moves *happened; /* NULL or none: not known */
	const struct config *was, *would;
	uint64_t seed;
	bool all_known; /* see judge() */
	void (*progress)(void *user, unsigned permille);
	void *user;
};

/* 0 or -errno. */
int whatif(const struct whatif_run *run, struct whatif *ret);

/* One play, judged; also for tuning.  ret_moves may be NULL. */
int whatif_play(const struct whatif_run *run, const struct config *config, unsigned part,
	unsigned parts, struct judge_moves *ret_moves, struct judge_cost *ret);
