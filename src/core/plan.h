/*
 * What the kernel must hold, what it is known to hold, and the few actions that lead from one to the other.  Only the
 * kernel's own answer (INPUT_APPLIED) makes something count as held; a refusal is retried with growing pauses.
 */
#pragma once

#include "core/choice.h"

enum plan_state {
	PLAN_ABSENT,
	PLAN_ASKED, /* an action is under way */
	PLAN_HELD,
	PLAN_REFUSED, /* retry at retry_us */
};

struct plan_path {
	enum plan_state state;
	bool install;            /* what was asked last */
	struct path_facts facts; /* of the last installation */
	uint32_t seq;
	int64_t retry_us;
	uint8_t refusals;
};

struct plan_route {
	enum plan_state state;
	struct action_route route; /* as asked last */
	uint32_t seq;
	int64_t asked_us, retry_us;
	uint8_t refusals;
};

struct plan {
	struct plan_path path[PATHS_MAX];
	struct plan_route route[CLASSES_MAX][FAMILY_COUNT];
	uint32_t
		installed; /* bit mask of paths whose installation was asked for and not taken back */
	uint32_t
		settled; /* of those that are as they should be: not looked at again until something changes */
	bool release; /* COMMAND_RELEASE: one ACTION_RELEASE, then nothing */
	bool passive; /* observe mode, or released: nothing is asked of the kernel */
};

/* Emits what is missing, in the order: new paths, routes, flows, old paths.  Whoever changes facts sets settled to 0. */
void plan_run(struct plan *plan, const struct step_env *env, const struct path path[PATHS_MAX],
	uint32_t usable, struct choice choice[CLASSES_MAX][FAMILY_COUNT]);

/* True when the answer belonged to something that is still wanted. */
bool plan_applied(struct plan *plan, const struct step_env *env, const struct input_applied *a);

void plan_drift(struct plan *plan, const struct step_env *env, const struct input_drift *d);

/* A route that was found in the kernel: it is asked for once more, which changes nothing there, and counts as held then. */
void plan_adopt(struct plan *plan, const struct input_adopted *a);

/* Retry time; USEC_NEVER: none. */
int64_t plan_due_us(const struct plan *plan);

bool plan_confirmed(const struct plan *plan, unsigned class, enum family family);
