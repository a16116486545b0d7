#include "core/plan.h"

#include <string.h>

#include "base/usec.h"

#define RETRY_US (100 * USEC_MS)
#define RETRY_MAX_US (10 * USEC_S)

static int64_t retry_at_us(const struct step_env *env, uint8_t *refusals)
{
	int64_t wait_us = RETRY_US << (*refusals < 7 ? *refusals : 7);

	if (*refusals < UINT8_MAX)
		++*refusals;
	return env->now_us + usec_min(wait_us, RETRY_MAX_US);
}

static bool same_hop(const struct path_facts *a, const struct path_facts *b)
{
	return a->ifindex == b->ifindex && a->mtu == b->mtu &&
	       !memcmp(a->gateway, b->gateway, sizeof(a->gateway)) &&
	       !memcmp(a->address, b->address, sizeof(a->address));
}

static bool route_has(const struct action_route *r, unsigned path)
{
	for (unsigned i = 0; i < r->n; i++)
		if (r->path[i] == path)
			return true;
	return false;
}

/* A path's nexthop is gone or new: groups that had it have lost it, and are asked for again. */
static void routes_lost(struct plan *plan, unsigned path)
{
	for (unsigned c = 0; c < CLASSES_MAX; c++) {
		struct plan_route *r = &plan->route[c][path_family(path)];

		if (route_has(&r->route, path) && (r->state == PLAN_HELD || r->state == PLAN_ASKED))
			r->state = PLAN_ABSENT;
	}
}

static void install_path(struct plan *plan, const struct step_env *env, const struct path *p)
{
	struct plan_path *k = &plan->path[p->index];
	bool was_there = k->install && k->state == PLAN_HELD;
	struct action *a;

	if (k->install && (k->state == PLAN_HELD || k->state == PLAN_ASKED) &&
		same_hop(&k->facts, &p->facts)) {
		plan->settled |= UINT32_C(1) << p->index;
		return;
	}
	if (k->install && k->state == PLAN_REFUSED && env->now_us < k->retry_us &&
		same_hop(&k->facts, &p->facts))
		return;
	a = step_action(env, ACTION_PATH);
	if (!a)
		return;
	a->path.path = p->index;
	a->path.install = true;
	a->path.facts = p->facts;
	k->facts = p->facts;
	k->install = true;
	plan->installed |= UINT32_C(1) << p->index;
	k->state = PLAN_ASKED;
	k->seq = a->seq;
	if (!was_there)
		routes_lost(plan, p->index);
}

static bool route_in_use(const struct plan *plan, unsigned path)
{
	for (unsigned c = 0; c < CLASSES_MAX; c++) {
		const struct plan_route *r = &plan->route[c][path_family(path)];

		if (r->state != PLAN_ABSENT && route_has(&r->route, path))
			return true;
	}
	return false;
}

static void remove_path(struct plan *plan, const struct step_env *env, const struct path *p)
{
	struct plan_path *k = &plan->path[p->index];
	struct action *a;

	if (!k->install || route_in_use(plan, p->index))
		return;
	a = step_action(env, ACTION_PATH);
	if (!a)
		return;
	a->path.path = p->index;
	a->path.facts = k->facts;
	k->install = false;
	plan->installed &= ~(UINT32_C(1) << p->index);
	plan->settled &= ~(UINT32_C(1) << p->index);
	k->state = PLAN_ASKED;
	k->seq = a->seq;
}

static bool members_installed(const struct plan *plan, const struct choice *c)
{
	for (unsigned i = 0; i < c->n; i++) {
		const struct plan_path *k = &plan->path[c->path[i]];

		if (!k->install || (k->state != PLAN_HELD && k->state != PLAN_ASKED))
			return false;
	}
	return true;
}

static bool same_route(const struct action_route *r, const struct choice *c)
{
	if (r->n != c->n)
		return false;
	for (unsigned i = 0; i < c->n; i++)
		if (r->path[i] != c->path[i] || r->weight[i] != c->weight[i])
			return false;
	return true;
}

static void set_route(struct plan *plan, const struct step_env *env, const struct choice *choice,
	unsigned c, enum family family)
{
	struct plan_route *r = &plan->route[c][family];
	bool same = same_route(&r->route, choice);
	struct action *a;

	if (same && (r->state == PLAN_HELD || r->state == PLAN_ASKED ||
			    (r->state == PLAN_ABSENT && !choice->n)))
		return;
	if (same && r->state == PLAN_REFUSED && env->now_us < r->retry_us)
		return;
	if (!members_installed(plan, choice)) {
		/* the path is asked for first, and its time counts: this one's own may be over */
		if (r->state == PLAN_REFUSED)
			r->state = PLAN_ABSENT;
		return;
	}
	a = step_action(env, ACTION_ROUTE);
	if (!a)
		return;
	a->route.class = (uint8_t)c;
	a->route.family = (uint8_t)family;
	a->route.n = choice->n;
	memcpy(a->route.path, choice->path, choice->n);
	memcpy(a->route.weight, choice->weight, choice->n);
	r->route = a->route;
	r->state = PLAN_ASKED;
	r->seq = a->seq;
	r->asked_us = env->now_us;
}

/* Flows follow only a route that was asked for: moved earlier they would come back to where they were. */
static void move_flows(const struct plan *plan, const struct step_env *env, struct choice *choice,
	unsigned c, enum family family)
{
	const struct plan_route *r = &plan->route[c][family];

	if (!choice->flows || (!plan->passive && !same_route(&r->route, choice)))
		return;
	for (unsigned path = 0; path < PATHS_MAX; path++) {
		struct action *a;

		if (!(choice->flows & (UINT32_C(1) << path)))
			continue;
		if (!plan->passive) {
			a = step_action(env, ACTION_FLOWS);
			if (!a)
				return;
			a->flows.path = (uint8_t)path;
			a->flows.class = (uint8_t)(env->policy->n_classes > 1 ? c : CLASSES_MAX);
		}
		choice->flows &= ~(UINT32_C(1) << path);
	}
}

void plan_run(struct plan *plan, const struct step_env *env, const struct path path[PATHS_MAX],
	uint32_t usable, struct choice choice[CLASSES_MAX][FAMILY_COUNT])
{
	if (plan->release && step_action(env, ACTION_RELEASE)) {
		plan->release = false;
		plan->installed = plan->settled = 0;
		memset(plan->path, 0, sizeof(plan->path));
		memset(plan->route, 0, sizeof(plan->route));
	}
	if (!plan->passive)
		path_each (i, usable & ~plan->settled)
			install_path(plan, env, &path[i]);
	for (unsigned c = 0; c < CLASSES_MAX; c++) {
		for (unsigned family = 0; family < FAMILY_COUNT; family++) {
			if (c >= env->policy->n_classes) /* gone: its route goes as well */
				choice[c][family].n = 0;
			if (!plan->passive)
				set_route(plan, env, &choice[c][family], c, (enum family)family);
			move_flows(plan, env, &choice[c][family], c, (enum family)family);
		}
	}
	if (!plan->passive)
		path_each (k, plan->installed & ~usable)
			remove_path(plan, env, &path[k]);
}

static void tell_applied(const struct step_env *env, const struct input_applied *a, unsigned path,
	unsigned c)
{
	struct event *e = step_event(env, EVENT_APPLIED);

	e->path = (uint8_t)path;
	e->class = (uint8_t)c;
	e->value[0] = a->took_us;
	e->value[1] = a->error;
}

bool plan_applied(struct plan *plan, const struct step_env *env, const struct input_applied *a)
{
	plan->settled = 0;
	for (unsigned i = 0; i < PATHS_MAX; i++) {
		struct plan_path *k = &plan->path[i];

		if (k->state != PLAN_ASKED || k->seq != a->action)
			continue;
		k->state = a->error ? PLAN_REFUSED : k->install ? PLAN_HELD : PLAN_ABSENT;
		if (a->error) {
			k->retry_us = retry_at_us(env, &k->refusals);
			if (k->install)
				routes_lost(plan, i);
			else /* what cannot be removed is gone already, or not ours */
				k->state = PLAN_ABSENT;
			tell_applied(env, a, i, CLASSES_MAX);
		} else {
			k->refusals = 0;
		}
		return true;
	}
	for (unsigned c = 0; c < CLASSES_MAX; c++) {
		for (unsigned family = 0; family < FAMILY_COUNT; family++) {
			struct plan_route *r = &plan->route[c][family];

			if (r->state != PLAN_ASKED || r->seq != a->action)
				continue;
			r->state = a->error ? PLAN_REFUSED : r->route.n ? PLAN_HELD : PLAN_ABSENT;
			if (a->error)
				r->retry_us = retry_at_us(env, &r->refusals);
			else
				r->refusals = 0;
			tell_applied(env, a, r->route.n ? r->route.path[0] : PATHS_MAX, c);
			return true;
		}
	}
	return false;
}

void plan_drift(struct plan *plan, const struct step_env *env, const struct input_drift *d)
{
	struct event *e;

	plan->settled = 0;
	switch ((enum drift_kind)d->kind) {
	case DRIFT_PATH:
		if (!plan->path[d->path].install || plan->path[d->path].state != PLAN_HELD)
			return;
		plan->path[d->path].state = PLAN_ABSENT;
		routes_lost(plan, d->path);
		break;
	case DRIFT_CLASS:
		if (plan->route[d->class][d->family].state != PLAN_HELD)
			return;
		plan->route[d->class][d->family].state = PLAN_ABSENT;
		break;
	case DRIFT_FLOWS:
		/* installing any path makes the adapter put its ruleset back */
		for (unsigned i = 0; i < PATHS_MAX; i++)
			if (plan->path[i].state == PLAN_HELD && plan->path[i].install)
				plan->path[i].state = PLAN_ABSENT;
		break;
	}
	e = step_event(env, EVENT_DRIFT);
	e->value[0] = d->kind;
	e->path = d->kind == DRIFT_PATH ? d->path : PATHS_MAX;
	e->class = d->kind == DRIFT_CLASS ? d->class : CLASSES_MAX;
}

void plan_adopt(struct plan *plan, const struct input_adopted *a)
{
	struct plan_route *r = &plan->route[a->class][a->family];

	memset(r, 0, sizeof(*r));
	r->route.class = a->class;
	r->route.family = a->family;
	r->route.n = 1;
	r->route.path[0] = a->path;
	r->route.weight[0] = 100;
}

int64_t plan_due_us(const struct plan *plan)
{
	int64_t due_us = USEC_NEVER;

	if (plan->passive)
		return due_us;
	path_each (i, plan->installed)
		if (plan->path[i].state == PLAN_REFUSED)
			due_us = usec_min(due_us, plan->path[i].retry_us);
	for (unsigned c = 0; c < CLASSES_MAX; c++)
		for (unsigned family = 0; family < FAMILY_COUNT; family++)
			if (plan->route[c][family].state == PLAN_REFUSED)
				due_us = usec_min(due_us, plan->route[c][family].retry_us);
	return due_us;
}

bool plan_confirmed(const struct plan *plan, unsigned c, enum family family)
{
	return plan->passive || plan->route[c][family].state == PLAN_HELD;
}
