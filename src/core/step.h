/* What every part of one engine step shares: the policy, the time, where results go. */
#pragma once

#include "core/output.h"

struct step_env {
	const struct policy *policy;
	int64_t now_us;
	struct output *out;
	uint32_t *action_seq;
	uint64_t *random; /* state of step_random(); seeded, so that a trace replays */
	uint64_t *dropped_events;
	uint8_t (*proven)
		[TARGETS_MAX]; /* by family and target: methods by which it has ever answered, on any path */
};

/* The next action, numbered; NULL when the output is full (engine_step() is then called again at once). */
struct action *step_action(const struct step_env *env, enum action_kind kind);

/* A new event of now with every reference empty; never NULL: when the output is full it is counted and thrown away. */
struct event *step_event(const struct step_env *env, enum event_kind kind);

/* True while at least n more actions fit. */
bool step_room(const struct step_env *env, unsigned n);

/* Uniform in 0..limit-1; limit > 0. */
uint32_t step_random(const struct step_env *env, uint32_t limit);

/* interval_us, a tenth more or less: probes must not march in step with a line's own rhythm. */
int64_t step_jitter_us(const struct step_env *env, int64_t interval_us);
