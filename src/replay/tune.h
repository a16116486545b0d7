/*
 * Which values of some options would have cost the users least?  A coarse grid, one option after the
 * other until nothing gets better, then between the grid's values.  What makes no difference stays as it is
 * configured.
 *
 * Cross-validated: for each group of recordings the search runs on the others and its result is judged
 * on that group, so what is told of the gain was not seen by the search.  Costs are the share of the
 * avoidable that is left: (cost - least) / (first - least), as the scorer has it.
 */
#pragma once

#include "replay/whatif.h"

#define TUNE_OPTIONS_MAX 8
#define TUNE_VALUES_MAX 10
#define TUNE_RECORDINGS_MAX 32
#define TUNE_POINTS_MAX 1024
#define TUNE_AS_CONFIGURED (-1)

/* An option that is a duration. */
struct tune_option {
	char name[64]; /* "failover.bad_hold" */
	int64_t value_us[TUNE_VALUES_MAX];
	unsigned n;
};

/* The options that decide when traffic moves; those that cost data are not among them. */
extern const struct tune_option tune_option_table[];
extern const unsigned tune_option_count;

/* "failover.bad_hold=250ms,1s": 0 or -EINVAL with ret filled. */
int tune_option_parse(const char *text, struct tune_option *ret, struct problem *ret_problem);

struct tune_point {
	int64_t value_us[TUNE_OPTIONS_MAX]; /* TUNE_AS_CONFIGURED, or a value */
};

/* A scenario, or a piece of a site's record. */
struct tune_recording {
	char name[64];
	struct scenario *scenario;
	int64_t t0_us, t1_us; /* the piece */
	unsigned group;       /* recordings that share something are never on both sides */
	int64_t least_us, first_us;
};

struct tune_run {
	struct tune_recording recording[TUNE_RECORDINGS_MAX];
	unsigned n_recordings, n_groups;
	struct tune_option option[TUNE_OPTIONS_MAX];
	unsigned n_options;
	unsigned seeds;
	int64_t deadline_us; /* monotonic; what is known by then is the answer; 0: none */
	bool all_known;
	/* A configuration with these settings: 0 or -errno (that point is not tried). */
	int (*configure)(void *user, const char *const setting[], unsigned n, struct config *ret);
	/* Before each play; may be NULL. */
	void (*progress)(void *user, unsigned points, double best);
	void *user;
};

/* A group that was held out. */
struct tune_fold {
	struct tune_point found; /* on the others */
	double before, after;    /* share left, mean of its recordings */
};

struct tune_result {
	struct tune_point found;        /* on all recordings */
	double before, after;           /* on all: seen by the search, so too good */
	double held_before, held_after; /* mean of the folds */
	double gain_error;              /* standard error of their difference */
	bool clear;                     /* the gain is more than chance and worth a change */
	bool out_of_time;
	unsigned points;
	struct tune_fold fold[TUNE_RECORDINGS_MAX];
	int64_t cost_before_us[TUNE_RECORDINGS_MAX]; /* held out, mean of the seeds */
	int64_t cost_after_us[TUNE_RECORDINGS_MAX];
};

/* 0 or -errno. */
int tune(struct tune_run *run, struct tune_result *ret);

/* "failover.bad_hold=1s" of an option that is not as configured. */
void tune_setting(const struct tune_option *o, int64_t value_us, char *ret, size_t size);

/* The share left; a world in which nothing much can be avoided does not count much. */
double tune_left(const struct tune_recording *r, int64_t cost_us);
