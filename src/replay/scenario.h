/*
 * A scenario: recorded links side by side as one world that answers an engine's probes, and the
 * timeline of the links that the engine used in it.
 *
 *      {"name", "t0_s", "t1_s", "links": [
 *              {"name", "file", "class", "metered", "offset_s", "compact"}]}
 *
 * The order of the links is the user's preference.  Every probe, whatever its method, meets the
 * link as it was recorded; one to the gateway is always answered.  Only IPv4 exists.
 */
#pragma once

#include <stdio.h>

#include "config/config.h"
#include "replay/probe_size.h"
#include "replay/recording.h"
#include "replay/runner.h"

enum scenario_traffic {
	SCENARIO_TRAFFIC_NONE, /* only the engine's own probes are on the links */
	SCENARIO_TRAFFIC_VOIP, /* 20 packets a second each way on the link in use */
	SCENARIO_TRAFFIC_WEB,  /* a page every ten seconds: 60 packets out, 300 back */
	SCENARIO_TRAFFIC_COUNT,
};

struct scenario_link {
	char name[NAME_SIZE];
	enum link_kind kind;
	bool metered;
	bool placed; /* preference is the user's; false: the order of links is it */
	int32_t preference;
	struct recording recording;
	uint32_t source; /* the same for two links that are one recording */

	/* packet counters, and up to when user packets were sent and answers have come back in
	   them */
	struct input_counters counters;
	struct probe_answers answers;
	int64_t sent_until_us, back_until_us;
	uint64_t probes, probes_lost, probe_bytes;
};

struct scenario {
	char name[64];
	int64_t t0_us, t1_us;
	struct scenario_link link[LINKS_MAX];
	unsigned n_links;
};

/* 0 or -errno with ret filled.  On failure there is nothing to free. */
int scenario_load(struct scenario *s, const char *file, const char *traces_dir,
	struct problem *ret);
void scenario_free(struct scenario *s);

/* How the engine fared. */
struct scenario_result {
	uint64_t steps, probes;
	unsigned switches;
	bool stuck;       /* the engine made no progress ... */
	int64_t stuck_us; /* ... from then on */
};

struct scenario_run {
	const struct config *config;
	uint64_t seed;
	enum scenario_traffic traffic;
	FILE *timeline; /* t_s,link; may be NULL */
	FILE *events;   /* a JSON object a line; may be NULL */
	FILE *record;   /* a trace; may be NULL */
	/* The link of the scenario in use from at_us on, LINKS_MAX: none; may be NULL. */
	void (*moved)(void *user, int64_t at_us, unsigned link);
	/* Told now and then how far it is, in 1/1000; may be NULL. */
	void (*progress)(void *user, unsigned permille);
	void *user;
};

int scenario_play(struct scenario *s, const struct scenario_run *run, struct scenario_result *ret);
