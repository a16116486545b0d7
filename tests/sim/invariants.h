/*
 * What holds after every step of the engine, whatever the inputs were.  For sim_property.c and the
 * fuzzer; a breach aborts with a sentence.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/usec.h"
#include "core/engine.h"
#include "core/view.h"

struct invariants {
	uint32_t seq;       /* of the last action */
	int64_t now_us;     /* never goes back */
	uint32_t installed; /* bit mask of paths that were asked to be installed */
	uint64_t steps;
};

#define INVARIANT(condition)                                                                       \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "breach at step %llu, %lld us: %s\n",                      \
				(unsigned long long)v->steps, (long long)v->now_us, #condition);   \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

static inline void invariants_route(struct invariants *v, const struct action_route *r)
{
	INVARIANT(r->class < CLASSES_MAX && r->family < FAMILY_COUNT);
	INVARIANT(r->n <= ROUTE_PATHS_MAX);
	for (unsigned i = 0; i < r->n; i++) {
		INVARIANT(r->path[i] < PATHS_MAX);
		INVARIANT(path_family(r->path[i]) == (enum family)r->family);
		INVARIANT(r->weight[i] >= 1 && r->weight[i] <= 100);
		/* a route over a nexthop that is not there would be refused */
		INVARIANT(v->installed >> r->path[i] & 1);
		for (unsigned k = 0; k < i; k++)
			INVARIANT(r->path[k] != r->path[i]);
	}
}

static inline void invariants_action(struct invariants *v, const struct policy *p,
	const struct action *a)
{
	INVARIANT(a->seq == v->seq + 1 || v->steps == 1);
	v->seq = a->seq;
	switch (a->kind) {
	case ACTION_PROBE:
		INVARIANT(a->probe.probe != 0);
		INVARIANT(a->probe.path < PATHS_MAX);
		INVARIANT(a->probe.method < PROBE_METHOD_COUNT);
		INVARIANT(a->probe.method == PROBE_NEIGHBOUR ||
			  a->probe.target < p->n_targets[path_family(a->probe.path)]);
		INVARIANT(p->links >> path_link(a->probe.path) & 1);
		break;
	case ACTION_COUNT:
		INVARIANT(a->count.links && !(a->count.links >> LINKS_MAX));
		INVARIANT(!(a->count.apart & ~a->count.links));
		break;
	case ACTION_PATH:
		INVARIANT(a->path.path < PATHS_MAX);
		if (a->path.install)
			v->installed |= UINT32_C(1) << a->path.path;
		else
			v->installed &= ~(UINT32_C(1) << a->path.path);
		break;
	case ACTION_ROUTE:
		invariants_route(v, &a->route);
		break;
	case ACTION_FLOWS:
		INVARIANT(a->flows.path < PATHS_MAX && a->flows.class <= CLASSES_MAX);
		break;
	case ACTION_RELEASE:
		v->installed = 0;
		break;
	case ACTION_KIND_COUNT:
		INVARIANT(a->kind < ACTION_KIND_COUNT);
		break;
	}
}

static inline void invariants_event(struct invariants *v, const struct event *e)
{
	INVARIANT((unsigned)e->kind < EVENT_KIND_COUNT);
	INVARIANT(e->path <= PATHS_MAX && e->class <= CLASSES_MAX);
	INVARIANT(e->verdict < VERDICT_COUNT && e->step < STEP_COUNT);
	INVARIANT(e->at_us <= v->now_us);
	if (e->kind == EVENT_HEALTH)
		INVARIANT(e->from < HEALTH_COUNT && e->to < HEALTH_COUNT && e->from != e->to);
	if (e->kind == EVENT_SWITCH)
		INVARIANT(e->from <= PATHS_MAX && e->to <= PATHS_MAX && e->from != e->to);
	if (e->kind == EVENT_FORECAST)
		INVARIANT(e->path < PATHS_MAX && e->from < TRUST_COUNT && e->to < TRUST_COUNT);
	if (e->kind == EVENT_STAY)
		INVARIANT(e->value[0] >= 0 && e->value[0] < STAY_COUNT);
}

static inline void invariants_path(struct invariants *v, const struct engine *e, unsigned path)
{
	struct path_view view;

	engine_view_path(e, path, v->now_us, &view);
	INVARIANT((unsigned)view.health < HEALTH_COUNT && (unsigned)view.verdict < VERDICT_COUNT);
	for (unsigned c = 0; c < CLASSES_MAX; c++)
		INVARIANT(view.score[c] <= 100);
	INVARIANT(view.rtt_us >= -1 && view.jitter_us >= -1);
	INVARIANT(view.loss_ppm >= -1 && view.loss_ppm <= 1000000);
	INVARIANT(view.loss_usual_ppm >= -1 && view.loss_usual_ppm <= 1000000);
	INVARIANT(view.silence_us >= 0 && view.sample_age_us >= -1);
	INVARIANT(view.hold_left_us >= 0);
	INVARIANT(view.probes_answered <= view.probes_sent);
	for (unsigned h = 0; h < HAZARD_HORIZONS; h++) {
		const struct forecast_view *f = &view.forecast[h];

		INVARIANT(f->chance_ppm <= 1000000 && (unsigned)f->trust < TRUST_COUNT);
		INVARIANT(f->skill_ppm >= -1000000 && f->skill_ppm <= 1000000);
		INVARIANT(f->said_ppm <= 1000000 && f->happened_ppm <= 1000000);
		INVARIANT(f->onsets <= f->n);
	}
}

static inline void invariants_decision(struct invariants *v, const struct engine *e, unsigned class,
	enum family family)
{
	struct decision_view d;

	engine_view_decision(e, class, family, v->now_us, &d);
	INVARIANT(d.n <= ROUTE_PATHS_MAX);
	INVARIANT((unsigned)d.step < STEP_COUNT && (unsigned)d.stay <= STAY_COUNT);
	INVARIANT(d.runner_up <= PATHS_MAX && d.wanted <= PATHS_MAX);
	/* two paths never tie: whoever came second lost at a step */
	INVARIANT(d.runner_up == PATHS_MAX || d.n == 0 || d.step != STEP_NONE);
	for (unsigned i = 0; i < d.n; i++)
		INVARIANT(d.path[i] < PATHS_MAX && path_family(d.path[i]) == family);
}

/* After a step with this input; out as the engine left it. */
static inline void invariants_check(struct invariants *v, const struct engine *e,
	const struct input *in, const struct output *out)
{
	struct engine_view view;

	v->steps++;
	engine_view(e, &view);
	INVARIANT(view.now_us >= v->now_us);
	v->now_us = view.now_us;
	(void)in;
	INVARIANT(out->n_actions <= OUTPUT_ACTIONS_MAX && out->n_events <= OUTPUT_EVENTS_MAX);
	for (unsigned i = 0; i < out->n_actions; i++)
		invariants_action(v, engine_policy(e), &out->action[i]);
	for (unsigned i = 0; i < out->n_events; i++)
		invariants_event(v, &out->event[i]);
}

/* Dearer: everything that can be seen of the engine. */
static inline void invariants_views(struct invariants *v, const struct engine *e)
{
	for (unsigned path = 0; path < PATHS_MAX; path++)
		invariants_path(v, e, path);
	for (unsigned c = 0; c < CLASSES_MAX; c++) {
		for (unsigned f = 0; f < FAMILY_COUNT; f++)
			invariants_decision(v, e, c, (enum family)f);
	}
}
