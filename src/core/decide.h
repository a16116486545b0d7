/*
 * Which path carries a class: a total order in numbered steps, as users read it in docs/decision.md.  Pure comparison of
 * candidates; what may hold a move back (proof, failback hold, a user's hold) is choice.c's business.
 */
#pragma once

#include "core/path.h"

/* One candidate, reduced to what each step compares: higher wins.  Indexed by enum step; [STEP_NONE] is unused. */
struct candidate {
	uint8_t path;
	int32_t key[STEP_COUNT];
};

struct decide_context {
	unsigned class;
	unsigned pinned_link; /* LINKS_MAX: none */
	uint32_t drained;     /* bit mask of links whose flows are to run out */
	uint32_t over_quota;  /* bit mask of links */
	unsigned incumbent;   /* path; PATHS_MAX: none */
};

void decide_candidate(const struct path *p, const struct policy *policy,
	const struct decide_context *context, int64_t now_us, struct candidate *ret);

/* A portal, or no names, connections or large packets. */
bool decide_service_lacking(const struct path *p, const struct policy *policy);

/* > 0: a is better, < 0: b is; never 0 for two different paths.  ret_step: the step that settled it. */
int decide_compare(const struct candidate *a, const struct candidate *b, enum step *ret_step);
