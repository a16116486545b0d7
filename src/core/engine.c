#include "core/engine.h"

#include <string.h>

#include "base/usec.h"
#include "core/assess.h"
#include "core/predict.h"
#include "core/state.h"

#define COUNT_IDLE_US                                                                              \
	(100 * USEC_MS) /* readings of an active link without traffic: the first unanswered packet matters */
#define COUNT_STANDBY_US (2 * USEC_S)
#define COUNT_STALE_US USEC_S

size_t engine_size(void)
{
	return sizeof(struct engine);
}

void engine_init(struct engine *e, int64_t now_us, uint64_t seed)
{
	memset(e, 0, sizeof(*e));
	policy_default(&e->policy);
	e->now_us = e->started_us = now_us;
	e->random = seed ? seed : 0x9e3779b97f4a7c15;
	for (unsigned i = 0; i < PATHS_MAX; i++)
		path_init(&e->path[i], i, &e->policy);
	for (unsigned i = 0; i < LINKS_MAX; i++)
		e->link[i].quota_used_bytes = -1;
	for (unsigned c = 0; c < CLASSES_MAX; c++) {
		e->wish[c].pinned_link = LINKS_MAX;
		for (unsigned f = 0; f < FAMILY_COUNT; f++)
			choice_init(&e->choice[c][f]);
	}
}

/* Bit mask of the paths that carry some class. */
static uint32_t paths_in_use(const struct engine *e)
{
	uint32_t mask = e->shared;

	for (unsigned c = 0; c < e->policy.n_classes; c++)
		for (unsigned f = 0; f < FAMILY_COUNT; f++)
			for (unsigned i = 0; i < e->choice[c][f].n; i++)
				mask |= UINT32_C(1) << e->choice[c][f].path[i];
	return mask;
}

static struct passive *passive_of(struct engine *e, unsigned path)
{
	return &e->link[path_link(path)].passive[path_family(path)];
}

static bool nothing_alive(const struct engine *e, enum family family)
{
	path_each (i, e->usable & PATHS_OF_FAMILY(family))
		if (e->path[i].health != HEALTH_DEAD && e->path[i].health != HEALTH_UNKNOWN)
			return false;
	return true;
}

/* After anything that path_usable() depends on, or a link's policy. */
static void note_usable(struct engine *e)
{
	e->usable = e->shared = 0;
	for (unsigned i = 0; i < PATHS_MAX; i++) {
		e->usable |= path_usable(&e->path[i]) ? UINT32_C(1) << i : 0;
		e->shared |= e->policy.link[path_link(i)].shared ? UINT32_C(1) << i : 0;
	}
}

static bool same_targets(const struct policy *a, const struct policy *b)
{
	for (unsigned f = 0; f < FAMILY_COUNT; f++) {
		if (a->n_targets[f] != b->n_targets[f])
			return false;
		for (unsigned i = 0; i < a->n_targets[f]; i++) {
			const struct target *s = &a->target[f][i], *t = &b->target[f][i];

			if (memcmp(s->address, t->address, sizeof(s->address)) != 0 ||
				s->tcp_port != t->tcp_port || s->methods != t->methods)
				return false;
		}
	}
	return true;
}

static void take_policy(struct engine *e, const struct step_env *env, const struct policy *policy)
{
	bool was_passive = e->plan.passive;
	bool other_targets = !same_targets(&e->policy, policy);

	e->policy = *policy;
	if (other_targets)
		memset(e->proven, 0, sizeof(e->proven));
	for (unsigned i = 0; other_targets && i < PATHS_MAX; i++)
		path_forget_targets(&e->path[i]);
	if (!e->policy.n_classes)
		e->policy.n_classes = 1;
	e->plan.passive = policy->observe || e->released;
	if (was_passive && !e->plan.passive) {
		memset(&e->plan.path, 0, sizeof(e->plan.path));
		e->plan.installed = 0;
	}
	if (!was_passive && e->plan.passive && !e->released)
		e->plan.release = true;
	for (unsigned link = 0; link < LINKS_MAX; link++) {
		const struct link_policy *l = &e->policy.link[link];
		bool wanted = (e->policy.links & (UINT32_C(1) << link)) && l->enabled;

		budget_set(&e->link[link].budget, l->budget_bytes, env->now_us);
		path_set_wanted(&e->path[path_of(link, FAMILY_IPV4)], env, wanted);
		path_set_wanted(&e->path[path_of(link, FAMILY_IPV6)], env,
			wanted && e->policy.ipv6);
		for (unsigned f = 0; f < FAMILY_COUNT; f++) {
			struct path *p = &e->path[path_of(link, (enum family)f)];

			baseline_set_kind(&p->baseline, l->kind, &e->policy);
			if (!p->relapses)
				p->hold_us = l->hold_us;
		}
	}
	note_usable(e);
	step_event(env, EVENT_POLICY);
}

static void take_hint(struct engine *e, const struct step_env *env, const struct input_hint *h)
{
	for (unsigned f = 0; f < FAMILY_COUNT; f++) {
		struct path *p = &e->path[path_of(h->link, (enum family)f)];

		switch ((enum hint_kind)h->kind) {
		case HINT_OBSTRUCTED:
		case HINT_NO_SERVICE:
			if (h->value)
				path_suspect(p, env, SUSPICION_CHECK);
			break;
		case HINT_OUTAGE_AT:
			p->outage_at_us = h->value >= 0 ? env->now_us + h->value : 0;
			break;
		case HINT_QUOTA_USED:
			e->link[h->link].quota_used_bytes = h->value;
			break;
		case HINT_SIGNAL_DBM:
		case HINT_SINR_CDB:
		case HINT_KIND_COUNT:
			break;
		}
	}
}

static void recheck(struct engine *e, const struct step_env *env, unsigned link)
{
	for (unsigned f = 0; f < FAMILY_COUNT; f++) {
		struct path *p = &e->path[path_of(link, (enum family)f)];

		p->confirm = true;
		p->left_us = 0;
		p->relapses = 0;
		p->hold_us = e->policy.link[link].hold_us;
		p->round_us = usec_min(p->round_us, env->now_us);
		for (unsigned s = 0; s < SERVICE_COUNT; s++)
			p->service[s].next_us = env->now_us;
	}
}

static void command_class(struct engine *e, const struct input_command *c, unsigned class)
{
	struct class_state *wish = &e->wish[class];

	switch ((enum command_verb)c->verb) {
	case COMMAND_PIN:
		wish->pinned_link = c->link;
		wish->pinned_until_us = c->expires_us;
		break;
	case COMMAND_UNPIN:
		wish->pinned_until_us = 0;
		break;
	case COMMAND_HOLD:
		wish->held_until_us = c->expires_us;
		break;
	case COMMAND_UNHOLD:
		wish->held_until_us = 0;
		break;
	case COMMAND_DRAIN:
	case COMMAND_UNDRAIN:
	case COMMAND_RECHECK:
	case COMMAND_RELEASE:
	case COMMAND_STEER:
	case COMMAND_VERB_COUNT:
		break;
	}
}

static void take_command(struct engine *e, const struct step_env *env,
	const struct input_command *c)
{
	struct event *event = step_event(env, EVENT_COMMAND);

	event->from = c->verb;
	event->class = c->class;
	event->path = (uint8_t)(c->link < LINKS_MAX ? path_of(c->link, FAMILY_IPV4) : PATHS_MAX);
	event->value[0] = c->expires_us == USEC_NEVER ? -1 : c->expires_us - env->now_us;
	for (unsigned class = 0; class < CLASSES_MAX; class ++)
		if (c->class == CLASSES_MAX || c->class == class)
			command_class(e, c, class);
	for (unsigned link = 0; link < LINKS_MAX; link++) {
		if (c->link != LINKS_MAX && c->link != link)
			continue;
		if (c->verb == COMMAND_DRAIN)
			e->link[link].drained_until_us = c->expires_us;
		else if (c->verb == COMMAND_UNDRAIN)
			e->link[link].drained_until_us = 0;
		else if (c->verb == COMMAND_RECHECK)
			recheck(e, env, link);
	}
	if (c->verb == COMMAND_RELEASE && !e->released) {
		e->plan.release = !e->plan.passive;
		e->plan.passive = e->released = true;
	} else if (c->verb == COMMAND_STEER && e->released) {
		e->released = false;
		e->plan.passive = e->policy.observe;
	}
}

static void take_adopted(struct engine *e, const struct step_env *env,
	const struct input_adopted *a)
{
	struct choice *c = &e->choice[a->class][a->family];

	if (c->n)
		return;
	c->n = 1;
	c->path[0] = a->path;
	c->weight[0] = 100;
	c->adopted = true;
	c->since_us = env->now_us;
	plan_adopt(&e->plan, a);
}

static bool valid(const struct input *in)
{
	switch (in->kind) {
	case INPUT_TICK:
		return true;
	case INPUT_POLICY:
		return in->policy && in->policy->n_classes <= CLASSES_MAX &&
		       in->policy->n_targets[FAMILY_IPV4] <= TARGETS_MAX &&
		       in->policy->n_targets[FAMILY_IPV6] <= TARGETS_MAX;
	case INPUT_PATH:
		return in->path.path < PATHS_MAX;
	case INPUT_SAMPLE:
		return in->sample.path < PATHS_MAX && in->sample.outcome < SAMPLE_OUTCOME_COUNT;
	case INPUT_COUNTERS:
		return in->counters.link < LINKS_MAX;
	case INPUT_HINT:
		return in->hint.link < LINKS_MAX && in->hint.kind < HINT_KIND_COUNT &&
		       in->hint.value < USEC_NEVER / 2 && in->hint.value > -USEC_NEVER / 2;
	case INPUT_COMMAND:
		return in->command.verb < COMMAND_VERB_COUNT && in->command.class <= CLASSES_MAX &&
		       in->command.link <= LINKS_MAX && in->command.expires_us >= 0;
	case INPUT_APPLIED:
		return true;
	case INPUT_DRIFT:
		return in->drift.kind <= DRIFT_FLOWS && in->drift.path < PATHS_MAX &&
		       in->drift.class < CLASSES_MAX && in->drift.family < FAMILY_COUNT;
	case INPUT_LEARNED:
		return in->learned.path < PATHS_MAX;
	case INPUT_ADOPTED:
		return in->adopted.class < CLASSES_MAX && in->adopted.family < FAMILY_COUNT &&
		       in->adopted.path < PATHS_MAX &&
		       path_family(in->adopted.path) == (enum family)in->adopted.family;
	case INPUT_KIND_COUNT:
		break;
	}
	return false;
}

static void take_facts(struct engine *e, const struct step_env *env, unsigned path,
	const struct path_facts *facts)
{
	struct path *p = &e->path[path];
	bool moved = path_usable(p) && (paths_in_use(e) & (UINT32_C(1) << path)) &&
		     path_family(path) == FAMILY_IPV4 && facts->has_address &&
		     memcmp(p->facts.address, facts->address, sizeof(facts->address));

	path_set_facts(p, env, facts);
	note_usable(e);
	/* flows that are masqueraded behind an address that is gone are dead: let them begin anew on the same path */
	for (unsigned c = 0; moved && path_usable(p) && c < e->policy.n_classes; c++)
		if (choice_uses(&e->choice[c][FAMILY_IPV4], path))
			e->choice[c][FAMILY_IPV4].flows |= UINT32_C(1) << path;
}

static void take_counters(struct link *l, const struct input_counters *c, int64_t now_us)
{
	bool apart = apart_read(&l->apart, c, l->passive, now_us);

	passive_read_both(l->passive, c, apart, now_us);
}

static void take(struct engine *e, const struct step_env *env, const struct input *in)
{
	struct path *p;

	switch (in->kind) {
	case INPUT_TICK:
	case INPUT_KIND_COUNT:
		break;
	case INPUT_POLICY:
		take_policy(e, env, in->policy);
		break;
	case INPUT_PATH:
		take_facts(e, env, in->path.path, &in->path.facts);
		break;
	case INPUT_SAMPLE:
		p = &e->path[in->sample.path];
		path_sample(p, env, &in->sample, passive_of(e, in->sample.path));
		break;
	case INPUT_COUNTERS:
		take_counters(&e->link[in->counters.link], &in->counters, env->now_us);
		break;
	case INPUT_HINT:
		take_hint(e, env, &in->hint);
		break;
	case INPUT_COMMAND:
		take_command(e, env, &in->command);
		break;
	case INPUT_APPLIED:
		plan_applied(&e->plan, env, &in->applied);
		break;
	case INPUT_DRIFT:
		plan_drift(&e->plan, env, &in->drift);
		break;
	case INPUT_LEARNED:
		p = &e->path[in->learned.path];
		baseline_restore(&p->baseline, &in->learned.learned, &e->policy);
		p->hold_us = usec_clamp(in->learned.learned.hold_us, 0, USEC_DAY);
		p->relapses = in->learned.learned.relapses;
		p->trouble.cost_us = usec_clamp(in->learned.learned.trouble_us, 0, USEC_H);
		hazard_restore(&p->hazard, in->learned.learned.outages,
			in->learned.learned.outages_time);
		forecast_restore(&p->forecast, in->learned.learned.forecast);
		p->trouble.watched_us = usec_clamp(in->learned.learned.watched_us, 0, USEC_DAY);
		break;
	case INPUT_ADOPTED:
		take_adopted(e, env, &in->adopted);
		break;
	}
}

/* Pins, holds and drains end by themselves. */
static void expire(const struct step_env *env, int64_t *until_us, enum command_verb verb,
	unsigned class, unsigned path)
{
	struct event *event;

	if (!*until_us || *until_us > env->now_us)
		return;
	*until_us = 0;
	event = step_event(env, EVENT_EXPIRED);
	event->from = (uint8_t)verb;
	event->class = (uint8_t) class;
	event->path = (uint8_t)path;
}

static void expire_wishes(struct engine *e, const struct step_env *env)
{
	int64_t due_us = USEC_NEVER;

	e->drained = 0;
	for (unsigned c = 0; c < e->policy.n_classes; c++) {
		struct class_state *w = &e->wish[c];

		expire(env, &w->pinned_until_us, COMMAND_PIN, c,
			path_of(w->pinned_link % LINKS_MAX, FAMILY_IPV4));
		expire(env, &w->held_until_us, COMMAND_HOLD, c, PATHS_MAX);
		if (w->pinned_until_us)
			due_us = usec_min(due_us, w->pinned_until_us);
		if (w->held_until_us)
			due_us = usec_min(due_us, w->held_until_us);
	}
	for (unsigned i = 0; i < LINKS_MAX; i++) {
		expire(env, &e->link[i].drained_until_us, COMMAND_DRAIN, CLASSES_MAX,
			path_of(i, FAMILY_IPV4));
		if (!e->link[i].drained_until_us)
			continue;
		e->drained |= UINT32_C(1) << i;
		due_us = usec_min(due_us, e->link[i].drained_until_us);
	}
	e->wishes_due_us = due_us;
}

static void note_over_quota(struct engine *e)
{
	e->over_quota = 0;
	for (unsigned i = 0; i < LINKS_MAX; i++)
		if (e->policy.link[i].quota_bytes &&
			e->link[i].quota_used_bytes >= e->policy.link[i].quota_bytes)
			e->over_quota |= UINT32_C(1) << i;
}

/* Most inputs are probes, counters and time: they change neither facts nor what people want. */
static bool rare(enum input_kind kind)
{
	return kind != INPUT_TICK && kind != INPUT_SAMPLE && kind != INPUT_COUNTERS;
}

static void judge_paths(struct engine *e, const struct step_env *env)
{
	uint32_t in_use = paths_in_use(e);

	path_each (i, e->usable) {
		struct path *p = &e->path[i];
		struct passive *passive = passive_of(e, i);
		enum health before = p->health;
		bool active = in_use & (UINT32_C(1) << i);

		path_judge(p, env, passive, active);
		assess_trouble(p, env, active);
		assess_path(p, env, passive, active);
		predict_run(p, env);
		/* what cut one family has often cut the other: ask at once */
		if (before != HEALTH_DEAD && p->health == HEALTH_DEAD)
			path_suspect(&e->path[i ^ 1U], env, SUSPICION_CHECK);
	}
}

/* True when no path gets an answer out of the target by any means, although it gets answers from others. */
static bool target_at_fault(const struct engine *e, enum family family, unsigned target)
{
	unsigned methods = e->policy.target[family][target].methods &
			   ((1U << PROBE_ICMP) | (1U << PROBE_TCP) | (1U << PROBE_DNS));
	bool asked = false;

	if (!methods)
		return false;
	path_each (i, e->usable & PATHS_OF_FAMILY(family)) {
		const struct path *p = &e->path[i];

		if (!p->alive_us)
			continue;
		asked = true;
		for (unsigned m = 0; m < PROBE_METHOD_COUNT; m++)
			if ((methods & (1U << m)) && p->unfit[target][m] < PATH_UNFIT)
				return false;
	}
	return asked;
}

/* Every path that is alive must miss a target that is at fault: one of them without any miss acquits all targets. */
static bool targets_blameless(const struct engine *e, enum family family)
{
	static const uint8_t none[sizeof(e->path->unfit)];

	path_each (i, e->usable & PATHS_OF_FAMILY(family))
		if (e->path[i].alive_us)
			return memcmp(e->path[i].unfit, none, sizeof(none)) == 0;
	return true;
}

static void judge_targets(struct engine *e, const struct step_env *env)
{
	for (unsigned f = 0; f < FAMILY_COUNT; f++) {
		if (!e->target_fault[f] && targets_blameless(e, (enum family)f))
			continue;
		for (unsigned t = 0; t < e->policy.n_targets[f]; t++) {
			bool fault = target_at_fault(e, (enum family)f, t);
			struct event *event;

			if (fault == !!(e->target_fault[f] & (1U << t)))
				continue;
			e->target_fault[f] ^= 1U << t;
			event = step_event(env, EVENT_TARGET);
			event->to = fault;
			event->verdict = VERDICT_TARGET;
			event->value[0] = t;
			event->value[1] = f;
		}
	}
}

static int64_t choose(struct engine *e, const struct step_env *env)
{
	int64_t due_us = USEC_NEVER;

	for (unsigned c = 0; c < e->policy.n_classes; c++) {
		for (unsigned f = 0; f < FAMILY_COUNT; f++) {
			struct choice *choice = &e->choice[c][f];
			struct choice_context context = {
				.class = c,
				.family = (enum family)f,
				.wish = &e->wish[c],
				.usable = e->usable,
				.drained = e->drained,
				.over_quota = e->over_quota,
				.started_us = e->started_us,
			};

			choice_run(choice, env, e->path, &context);
			due_us = usec_min(due_us, choice->due_us);
			if (choice->canary_from < PATHS_MAX)
				due_us = usec_min(due_us, choice->canary_us);
		}
	}
	return due_us;
}

static bool link_busy(const struct link *l, int64_t now_us)
{
	return passive_busy(&l->passive[FAMILY_IPV4], now_us) ||
	       passive_busy(&l->passive[FAMILY_IPV6], now_us);
}

static void note_asked(struct link *l, int64_t asked_us)
{
	for (unsigned f = 0; f < FAMILY_COUNT; f++)
		l->passive[f].asked_us = asked_us;
}

/* Readings: often where traffic flows and matters, rarely elsewhere; one action for all that are due. */
static int64_t count(struct engine *e, const struct step_env *env, uint32_t in_use)
{
	int64_t due_us = USEC_NEVER;
	uint32_t links = 0, apart = 0;

	path_each (k, (e->usable | e->usable >> 1) & PATHS_OF_FAMILY(FAMILY_IPV4)) {
		unsigned i = path_link(k);
		struct link *l = &e->link[i];
		struct passive *passive = &l->passive[FAMILY_IPV4]; /* both are read at once */
		bool busy = link_busy(l, env->now_us);
		int64_t every_us = COUNT_STANDBY_US;

		if (in_use >> k & 3) /* either family */
			every_us = busy ? e->policy.counters_us : COUNT_IDLE_US;
		l->count_us = usec_min(l->count_us, env->now_us + every_us);
		if (passive->asked_us && env->now_us - passive->asked_us > COUNT_STALE_US)
			note_asked(l, 0);
		if (l->count_us <= env->now_us && !passive->asked_us) {
			links |= UINT32_C(1) << i;
			if ((in_use >> k & 3) == 3 && apart_ask(&l->apart, busy, env->now_us))
				apart |= UINT32_C(1) << i;
			note_asked(l, env->now_us);
			l->count_us = env->now_us + every_us;
		}
		due_us = usec_min(due_us,
			passive->asked_us ? passive->asked_us + COUNT_STALE_US + 1 : l->count_us);
	}
	if (links) {
		struct action *a = step_action(env, ACTION_COUNT);

		if (a) {
			a->count.links = links;
			a->count.apart = apart;
		}
	}
	return due_us;
}

static int64_t probe(struct engine *e, const struct step_env *env, uint32_t in_use)
{
	int64_t due_us = USEC_NEVER;

	path_each (i, e->usable) {
		struct path *p = &e->path[i];
		struct link *l = &e->link[path_link(i)];
		struct probing_role role;

		role.active = in_use & (UINT32_C(1) << i);
		role.sibling = e->usable & (UINT32_C(1) << (i ^ 1U));
		role.alone = p->health != HEALTH_UP && nothing_alive(e, path_family(i));
		probing_run(p, env, role, &l->budget, passive_of(e, i));
		due_us = usec_min(due_us, probing_due_us(p));
		due_us = usec_min(due_us, path_due_us(p, env, passive_of(e, i)));
		due_us = usec_min(due_us, assess_due_us(p));
	}
	return due_us;
}

void engine_step(struct engine *e, const struct input *in, struct output *out)
{
	struct step_env env = {
		.policy = &e->policy,
		.now_us = in->now_us,
		.out = out,
		.action_seq = &e->action_seq,
		.random = &e->random,
		.dropped_events = &e->dropped_events,
		.proven = e->proven,
	};
	uint32_t in_use;
	int64_t due_us;

	out->n_actions = out->n_events = 0;
	if (env.now_us < e->now_us) {
		struct event *event = step_event(&env, EVENT_TIME);

		event->value[0] = e->now_us - env.now_us;
		event->at_us = env.now_us = e->now_us;
		e->time_corrections++;
	}
	e->now_us = env.now_us;
	e->inputs++;
	if (valid(in))
		take(e, &env, in);
	else
		e->ignored++;
	if (rare((enum input_kind)in->kind)) {
		note_over_quota(e);
		e->plan.settled = 0;
		e->wishes_due_us = 0;
	}
	if (e->wishes_due_us <= env.now_us)
		expire_wishes(e, &env);
	judge_paths(e, &env);
	judge_targets(e, &env);
	due_us = usec_min(e->wishes_due_us, choose(e, &env));
	plan_run(&e->plan, &env, e->path, e->usable, e->choice);
	due_us = usec_min(due_us, plan_due_us(&e->plan));
	in_use = paths_in_use(e);
	due_us = usec_min(due_us, count(e, &env, in_use));
	due_us = usec_min(due_us, probe(e, &env, in_use));
	if (out->n_actions >= OUTPUT_ACTIONS_MAX - 12)
		due_us = env.now_us;
	out->wake_us = usec_max(due_us, env.now_us);
	e->actions += out->n_actions;
	e->events += out->n_events;
}
