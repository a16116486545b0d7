/*
 * Read-only copies of the engine's state for whoever shows it (status, explain, history, checkpoint).  The core does
 * not know who asks.  Ages and remaining times are computed for now_us.
 */
#pragma once

#include "core/engine.h"
#include "core/forecast.h"

struct forecast_view {
	uint32_t chance_ppm; /* to become unusable within the horizon; 0: not known */
	enum trust trust;
	int32_t skill_ppm;     /* against how often it happens here; 0: not known */
	uint32_t said_ppm;     /* mean of the forecasts whose time has come ... */
	uint32_t happened_ppm; /* ... and how many of them came true */
	uint32_t n, onsets;    /* how many they were, and how many outages */
	uint32_t bin_n[FORECAST_BINS], bin_happened[FORECAST_BINS];
};

struct path_view {
	bool exists; /* the slot is in use in this family */
	enum health health;
	int64_t health_since_us;
	enum verdict verdict;
	struct path_facts facts;
	bool installed; /* the kernel holds its nexthop and table */

	int64_t rtt_us;       /* median of the window; -1: not known */
	int64_t rtt_usual_us; /* learned baseline; -1: not known */
	int64_t jitter_us; /* mean absolute difference of neighbours, RFC 3550 §6.4.1; -1: not known */
	int32_t loss_ppm; /* window; -1: not known */
	int32_t loss_usual_ppm;
	uint8_t score[CLASSES_MAX]; /* 0..100, per class */
	int64_t sample_age_us;      /* of the newest answer; -1: there was none */
	int64_t silence_us;       /* how long nothing has come back although asked; 0: not silent */
	int64_t patience_us;      /* a silence this long makes it dead: learned */
	uint32_t silences_healed; /* of these, as remembered (rounded) */
	uint32_t silences_dead;

	bool congested; /* own load raises delay or loss now */
	bool flapping;
	int64_t tx_bps, rx_bps;    /* user traffic and probes, last second or so */
	int64_t heartbeat_us;      /* time between heartbeats now */
	int64_t probe_bytes;       /* spent on probes since the start, both ways */
	int64_t budget_left_bytes; /* in the bucket now; -1: no budget */
	uint32_t probes_sent, probes_answered, probes_late;

	int64_t hold_us; /* failback hold as learned */
	int64_t hold_left_us; /* until it may take traffic back; 0: now; USEC_NEVER: it has to live first */
	uint16_t relapses;
	int64_t drained_us;       /* until when; 0: not drained */
	int64_t quota_used_bytes; /* -1: not known */
	struct path_learned learned;
	int64_t trouble_us; /* to be expected in an hour */
	struct forecast_view forecast[HAZARD_HORIZONS];
};

struct decision_view {
	uint8_t n; /* paths in use now; 0: none */
	uint8_t path[ROUTE_PATHS_MAX];
	uint8_t weight[ROUTE_PATHS_MAX];
	bool confirmed; /* the kernel has said so */
	bool fail_open;
	int64_t since_us;
	enum step step;    /* that settled the choice against the runner-up */
	uint8_t runner_up; /* PATHS_MAX: none */
	uint8_t wanted; /* the path that would be chosen if nothing held it back; PATHS_MAX: the same */
	enum stay stay; /* what holds it back, when wanted is another */
	int64_t due_us; /* when that may end by itself; USEC_NEVER: not by time */
	enum step against
		[PATHS_MAX]; /* per path: the step at which it loses to the chosen one; STEP_NONE: chosen or not a candidate */
	int64_t pinned_until_us, held_until_us; /* 0: not */
	uint8_t pinned_link;                    /* LINKS_MAX: none */
	uint32_t switches;
};

struct engine_view {
	int64_t now_us;
	uint64_t inputs, actions, events;
	uint64_t inputs_ignored; /* malformed */
	uint64_t time_corrections;
	bool released; /* by COMMAND_RELEASE */
};

const struct policy *engine_policy(const struct engine *e);
void engine_view(const struct engine *e, struct engine_view *ret);
/* path < PATHS_MAX. */
void engine_view_path(const struct engine *e, unsigned path, int64_t now_us, struct path_view *ret);
/* class < CLASSES_MAX. */
void engine_view_decision(const struct engine *e, unsigned class, enum family family,
	int64_t now_us, struct decision_view *ret);

/* A probe whose fate is known, in the order of sending. */
struct probe_view {
	int64_t sent_us;
	int64_t rtt_us; /* answered only */
	bool lost;
	uint32_t next; /* cursor for the one after it */
};

/* The first at or after cursor (0: the oldest that is remembered).  False: none has ended yet. */
bool engine_view_probe(const struct engine *e, unsigned path, uint32_t cursor,
	struct probe_view *ret);

/* Carrier, address, gateway and policy allow traffic. */
bool engine_view_usable(const struct engine *e, unsigned path);

/* The path that a class uses first, PATHS_MAX: none; and since when. */
unsigned engine_view_used(const struct engine *e, unsigned class, enum family family,
	int64_t *ret_since_us);
