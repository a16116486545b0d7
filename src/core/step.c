#include "core/step.h"

#include <string.h>

struct action *step_action(const struct step_env *env, enum action_kind kind)
{
	struct output *out = env->out;
	struct action *a;

	if (out->n_actions == OUTPUT_ACTIONS_MAX)
		return NULL;
	a = &out->action[out->n_actions++];
	memset(a, 0, sizeof(*a));
	a->kind = kind;
	a->seq = ++*env->action_seq;
	return a;
}

struct event *step_event(const struct step_env *env, enum event_kind kind)
{
	struct output *out = env->out;
	struct event *e = &out->event[OUTPUT_EVENTS_MAX - 1];

	if (out->n_events < OUTPUT_EVENTS_MAX)
		e = &out->event[out->n_events++];
	else
		++*env->dropped_events;
	memset(e, 0, sizeof(*e));
	e->kind = kind;
	e->at_us = env->now_us;
	e->path = PATHS_MAX;
	e->class = CLASSES_MAX;
	return e;
}

bool step_room(const struct step_env *env, unsigned n)
{
	return env->out->n_actions + n <= OUTPUT_ACTIONS_MAX;
}

uint32_t step_random(const struct step_env *env, uint32_t limit)
{
	uint64_t x = *env->random; /* xorshift64, Marsaglia 2003 */

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	*env->random = x;
	return (uint32_t)((x >> 32) % limit);
}

int64_t step_jitter_us(const struct step_env *env, int64_t interval_us)
{
	int64_t fifth_us = interval_us / 5;

	return interval_us - fifth_us / 2 +
	       (fifth_us > 0 ? step_random(env,
				       (uint32_t)(fifth_us > INT32_MAX ? INT32_MAX : fifth_us))
			     : 0);
}
