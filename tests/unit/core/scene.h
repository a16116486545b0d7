/* Paths, a policy and an environment for tests of what decides over them: four links, all well. */
#pragma once

#include <string.h>

#include "base/usec.h"
#include "core/choice.h"

#define SCENE_LINKS 4
#define SCENE_START_US (1000 * USEC_S)
#define V4(link) ((uint8_t)path_of(link, FAMILY_IPV4))
#define V6(link) ((uint8_t)path_of(link, FAMILY_IPV6))
#define BIT(n) (UINT32_C(1) << (n))

struct scene {
	struct policy policy;
	struct path path[PATHS_MAX];
	struct output out;
	uint8_t proven[FAMILY_COUNT][TARGETS_MAX];
	struct step_env env;
	uint32_t action_seq;
	uint64_t random, dropped;
};

/* As the adapter would have found it and the probes would have proved it, long ago. */
static inline void scene_path_well(struct scene *s, unsigned i)
{
	struct path *p = &s->path[i];

	path_init(p, i, &s->policy);
	p->wanted = true;
	p->facts = (struct path_facts){.present = true,
		.carrier = true,
		.has_address = true,
		.has_gateway = true,
		.ifindex = 10 + path_link(i),
		.mtu = 1500};
	p->health = HEALTH_UP;
	p->health_since_us = p->trusted_us = p->alive_us = USEC_S;
	for (unsigned c = 0; c < CLASSES_MAX; c++)
		p->score[c] = 90;
}

static inline void scene_reset(struct scene *s)
{
	memset(s, 0, sizeof(*s));
	policy_default(&s->policy);
	s->policy.links = BIT(SCENE_LINKS) - 1;
	for (unsigned i = 0; i < SCENE_LINKS; i++) {
		s->policy.link[i].enabled = true;
		s->policy.link[i].order = (uint16_t)i;
		s->policy.link[i].weight = (uint16_t)(10 + i);
		s->policy.link[i].hold_us = USEC_MIN;
		s->policy.link[i].hold_max_us = USEC_H;
	}
	for (unsigned i = 0; i < PATHS_MAX; i++)
		path_init(&s->path[i], i, &s->policy);
	for (unsigned i = 0; i < SCENE_LINKS; i++)
		scene_path_well(s, V4(i));
	s->random = 1;
	s->env = (struct step_env){.policy = &s->policy,
		.now_us = SCENE_START_US,
		.out = &s->out,
		.action_seq = &s->action_seq,
		.random = &s->random,
		.dropped_events = &s->dropped,
		.proven = s->proven};
}

static inline uint32_t scene_usable(const struct scene *s)
{
	uint32_t mask = 0;

	for (unsigned i = 0; i < PATHS_MAX; i++)
		mask |= path_usable(&s->path[i]) ? BIT(i) : 0;
	return mask;
}

/* The first event of a kind; NULL: none. */
static inline const struct event *scene_event(const struct scene *s, enum event_kind kind)
{
	for (unsigned i = 0; i < s->out.n_events; i++)
		if (s->out.event[i].kind == kind)
			return &s->out.event[i];
	return NULL;
}
