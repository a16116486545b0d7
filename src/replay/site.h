/*
 * What the daemon has recorded of a site, as a scenario: from its site files (core/sitelog.h), or from
 * a trace, replayed through the engine that asks which probes were sent and which came back.
 *
 * One address family is taken and played as IPv4.  Between the probes of a standby nothing is known;
 * what a row says holds for SITE_HOLD_US at the most.  Time is Unix time where the daemon knew it; what
 * was recorded before that (a boot without a clock) is left out, unless the clock was never known: then
 * what is recorded is laid end to end.
 *
 * Memory: the file, 16 bytes a row, and as much again while the rows grow.
 */
#pragma once

#include "replay/judge.h"

#define SITE_HOLD_US (INT64_C(150) * 1000000)

struct site {
	struct scenario scenario; /* times are Unix time where that was known */
	bool wall;                /* they are */
	struct judge_traffic *traffic;
	size_t n_traffic, traffic_room;
	struct judge_moves moves; /* what class 0 really used */
	/* what was left out, and why */
	uint64_t blocks, damaged, undated, backwards;
	int64_t probed_us[LINKS_MAX]; /* how much of the time each link is known */
};

/*
 * path: a folder with site.old and site.rec, one such file, or a trace.  since_us before the end of
 * what is recorded; 0: all.  0 or -errno with ret filled; site_free() after success only.
 */
int site_load(struct site *s, const char *path, enum family family, int64_t since_us,
	struct problem *ret);
void site_free(struct site *s);
