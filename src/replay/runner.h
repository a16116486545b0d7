/*
 * Virtual time: an engine, the inputs that are on their way to it, and a world that answers its
 * actions.  What the engine wants to send is answered by the world's callbacks; the answers are
 * inputs with a later time.  Nothing waits: time goes from one input, or one wake_us, to the next.
 *
 *      runner_put() -> heap by time -> engine_step() -> actions -> the world's answers -> heap
 *
 * Used by autonomy-replay and by tests/sim.
 */
#pragma once

#include "core/engine.h"

#define RUNNER_PENDING_MAX 8192
/* An engine that asks to be called again at the same time more often than this makes no
   progress. */
#define RUNNER_SPIN_MAX 20000

struct runner_world {
	void *user;
	/* A probe is sent now.  Fills outcome, rtt_us, detail, error; rtt_us is also when a refusal
	   or an error comes back.  SAMPLE_LOST comes when the adapter would give up. */
	void (*probe)(void *user, int64_t now_us, const struct action_probe *a,
		struct input_sample *ret);
	/* The link's counters as they are now.  NULL: ACTION_COUNT is not answered. */
	void (*count)(void *user, int64_t now_us, unsigned link, struct input_counters *ret);
	/* After each step.  May be NULL. */
	void (*stepped)(void *user, const struct input *in, const struct output *out);
	int64_t apply_us; /* the kernel answers this much later */
	/* The kernel's answer to a route or path action: 0 or errno.  NULL: always 0. */
	int32_t (*apply)(void *user, int64_t now_us, const struct action *a);
};

struct runner_pending {
	struct input input;
	uint64_t seq; /* what was put first comes first among equals */
};

struct runner {
	struct engine *engine;
	struct runner_world world;
	int64_t now_us, wake_us;
	uint64_t seq, steps, probes;
	uint64_t refused; /* inputs that found no room */
	uint32_t spin;    /* steps since time went on */
	bool stuck;       /* the engine made no progress; the run has ended */
	size_t n;
	uint16_t heap[RUNNER_PENDING_MAX]; /* places in pending, the earliest first */
	uint16_t free
		[RUNNER_PENDING_MAX]; /* free places; the first RUNNER_PENDING_MAX - n are valid */
	struct runner_pending pending[RUNNER_PENDING_MAX];
	struct output out;
};

/* engine: engine_size() bytes.  world is copied. */
void runner_init(struct runner *r, void *engine, const struct runner_world *world, int64_t now_us,
	uint64_t seed);

/* An input for later (or now); times before now count as now. */
void runner_put(struct runner *r, const struct input *in);

/* Steps the engine at once with this input, before anything that is pending at the same time. */
void runner_step(struct runner *r, const struct input *in);

/* Goes on until time until_us; everything at until_us has happened then. */
void runner_run(struct runner *r, int64_t until_us);
