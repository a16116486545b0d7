#include "core/choice.h"

#include <string.h>

#include "base/usec.h"
#include "core/predict.h"

#define SETTLE_US (2 * USEC_S) /* hold of a path that never failed */
#define START_WAIT_US                                                                              \
	(1500 * USEC_MS) /* at the start: wait this long for a better path's first answer */
#define RELAPSE_US (30 * USEC_MIN)
#define FORGIVE_US USEC_H
#define FRESH_US USEC_S
#define TELL_AGAIN_US (10 * USEC_MIN)
#define TRIAL_US (250 * USEC_MS)
#define TRIAL_LONG_US USEC_S
#define TRIAL_STALE_US (4 * USEC_S) /* then it starts over: old answers prove nothing */
#define TRIAL_FAILED_US (1500 * USEC_MS)
#define PASS_OVER_US (10 * USEC_S)    /* a path whose trial came to nothing */
#define STANDBY_FRESH_US (5 * USEC_S) /* before a likely outage the next best is known to be well */
#define HEAVY_LOSS_PPM 200000 /* established flows do not survive this either: they move too */

struct field {
	struct candidate candidate[PATHS_MAX];
	unsigned n;
	unsigned
		behind; /* path; PATHS_MAX: none.  second_to() is asked twice about the same path */
	const struct candidate *second;
};

void choice_init(struct choice *c)
{
	memset(c, 0, sizeof(*c));
	c->runner_up = c->wanted = c->canary_from = PATHS_MAX;
	c->due_us = USEC_NEVER;
}

bool choice_uses(const struct choice *c, unsigned path)
{
	for (unsigned i = 0; i < c->n; i++)
		if (c->path[i] == path)
			return true;
	return false;
}

int64_t choice_held_until_us(const struct path *p)
{
	if (!p->trusted_us)
		return USEC_NEVER;
	return p->trusted_us + (p->left_us ? p->hold_us : SETTLE_US);
}

static void gather(struct field *f, const struct choice *c, const struct step_env *env,
	const struct path path[], const struct choice_context *context)
{
	const struct class_policy *class = &env->policy->class[context->class];
	struct decide_context d = {
		.class = context->class,
		.pinned_link =
			context->wish->pinned_until_us ? context->wish->pinned_link : LINKS_MAX,
		.drained = context->drained,
		.over_quota = context->over_quota,
		.incumbent = c->n ? c->path[0] : PATHS_MAX,
	};

	f->n = 0;
	f->behind = PATHS_MAX;
	path_each (i, context->usable & PATHS_OF_FAMILY(context->family)) {
		const struct path *p = &path[i];

		if (class->links && !(class->links & (1U << path_link(i))))
			continue;
		decide_candidate(p, env->policy, &d, env->now_us, &f->candidate[f->n++]);
	}
}

static const struct candidate *find(const struct field *f, unsigned path)
{
	for (unsigned i = 0; i < f->n; i++)
		if (f->candidate[i].path == path)
			return &f->candidate[i];
	return NULL;
}

/* The best of those that are not in except (bit mask of paths); NULL when there is none. */
static const struct candidate *best_of(const struct field *f, uint32_t except)
{
	const struct candidate *best = NULL;
	enum step step;

	for (unsigned i = 0; i < f->n; i++) {
		const struct candidate *c = &f->candidate[i];

		if (except & (UINT32_C(1) << c->path))
			continue;
		if (!best || decide_compare(c, best, &step) > 0)
			best = c;
	}
	return best;
}

/* The best of the others. */
static const struct candidate *second_to(struct field *f, unsigned path)
{
	if (f->behind != path) {
		f->behind = path;
		f->second = best_of(f, UINT32_C(1) << path);
	}
	return f->second;
}

/* Why each candidate is not the chosen one, for explain. */
static void explain(struct choice *c, struct field *f)
{
	const struct candidate *chosen = c->n ? find(f, c->path[0]) : NULL, *runner;

	memset(c->against, 0, sizeof(c->against));
	c->step = STEP_NONE;
	c->runner_up = PATHS_MAX;
	if (!chosen)
		return;
	for (unsigned i = 0; i < f->n; i++)
		if (f->candidate[i].path != chosen->path)
			decide_compare(chosen, &f->candidate[i], &c->against[f->candidate[i].path]);
	runner = second_to(f, chosen->path);
	if (!runner)
		return;
	c->runner_up = runner->path;
	c->step = c->against[runner->path];
}

static void stay(struct choice *c, const struct step_env *env, const struct choice_context *context,
	unsigned wanted, enum stay why, int64_t due_us)
{
	struct event *e;

	c->wanted = (uint8_t)wanted;
	c->stay = why;
	c->due_us = due_us;
	/* proving takes a moment each time: only a refusal that lasts is worth telling */
	if (why == STAY_UNPROVEN || (c->told_us && env->now_us - c->told_us < TELL_AGAIN_US &&
					    c->told_wanted == wanted && c->told_stay == why))
		return;
	c->told_us = env->now_us;
	c->told_wanted = (uint8_t)wanted;
	c->told_stay = why;
	e = step_event(env, EVENT_STAY);
	e->class = (uint8_t)context->class;
	e->path = c->n ? c->path[0] : PATHS_MAX;
	e->from = e->path;
	e->to = (uint8_t)wanted;
	e->value[0] = why;
	e->value[1] = due_us == USEC_NEVER ? -1 : due_us - env->now_us;
	e->value[2] = context->family;
}

static void content(struct choice *c)
{
	c->wanted = PATHS_MAX;
	c->due_us = USEC_NEVER;
	c->trial_us = 0;
}

/* Traffic leaves p for its own fault: a path that fails soon after it came back must wait longer the next time. */
static void note_left(struct path *p, const struct step_env *env)
{
	const struct link_policy *link = &env->policy->link[path_link(p->index)];
	int64_t base_us = usec_max(link->hold_us, USEC_S);
	bool relapse = p->returned_us &&
		       env->now_us - p->returned_us < usec_max(RELAPSE_US, 4 * p->hold_us);

	if (relapse) {
		struct event *e;

		p->hold_us = usec_min(usec_max(p->hold_us, base_us) * 2,
			usec_max(link->hold_max_us, base_us));
		if (p->relapses < UINT16_MAX)
			p->relapses++;
		e = step_event(env, EVENT_FLAP);
		e->path = p->index;
		e->value[0] = p->hold_us;
		e->value[1] = p->relapses;
	} else if (!p->left_us || env->now_us - p->left_us > FORGIVE_US) {
		p->hold_us = base_us;
		p->relapses = 0;
	}
	p->left_us = env->now_us;
	p->returned_us = 0;
}

/* When the trouble of the path in use began. */
static int64_t trouble_us(const struct path *p, unsigned class, int64_t now_us)
{
	if (p->health == HEALTH_DEAD && p->silent_us)
		return p->silent_us;
	if (!path_usable(p))
		return p->health_since_us;
	return p->bad_us[class] ? p->bad_us[class] : now_us;
}

static void move(struct choice *c, const struct step_env *env, struct path path[],
	const struct choice_context *context, const struct field *f, unsigned to, bool hard)
{
	unsigned from = c->n ? c->path[0] : PATHS_MAX;
	bool back = from != PATHS_MAX && !hard && path[to].left_us;
	enum step step = STEP_NONE;
	struct event *e = step_event(env, back ? EVENT_CANARY : EVENT_SWITCH);

	e->class = (uint8_t)context->class;
	e->path = (uint8_t)to;
	e->from = (uint8_t)from;
	e->to = (uint8_t)to;
	e->verdict = (uint8_t)(from != PATHS_MAX ? path[from].verdict : VERDICT_NONE);
	if (from != PATHS_MAX) {
		const struct candidate *a = find(f, to), *b = find(f, from);

		step = STEP_USABLE;
		if (a && b)
			decide_compare(a, b, &step);
		e->step = (uint8_t)step;
		e->value[0] = env->now_us - trouble_us(&path[from], context->class, env->now_us);
		e->value[1] = path[from].score[context->class];
		c->switches++;
	}
	e->value[2] = path[to].score[context->class];
	e->value[3] = context->family;
	if (back) {
		e->value[0] = path[to].hold_us;
		e->value[1] = env->policy->move_flows_on_failback ? env->policy->canary_us : -1;
	}

	if (from != PATHS_MAX && hard) {
		note_left(&path[from], env);
		if (path[from].health == HEALTH_DEAD || !path_usable(&path[from]) ||
			path[from].loss_ppm >= HEAVY_LOSS_PPM ||
			path[from].verdict == VERDICT_PORTAL || path[from].verdict == VERDICT_WEB ||
			path[from].verdict == VERDICT_MTU)
			c->flows |= UINT32_C(1) << from;
	}
	if (from != PATHS_MAX && !hard && step == STEP_STEADY)
		path[from].left_us = env->now_us;
	c->canary_from = PATHS_MAX;
	if (back) {
		path[to].returned_us = env->now_us;
		c->canary_us = env->now_us + env->policy->canary_us;
		if (env->policy->move_flows_on_failback)
			c->canary_from = (uint8_t)from;
	}
	c->n = 1;
	c->path[0] = (uint8_t)to;
	c->weight[0] = 100;
	c->since_us = env->now_us;
	c->told_us = 0;
	c->fail_open = false;
	content(c);
}

/*
 * Has the path answered since the trouble began?  Asks it to when it has not.  Away from silence one fresh answer
 * proves enough; away from a bad path the other must show that it is not as bad.
 */
static bool proven(struct choice *c, const struct step_env *env, struct path *to, int64_t since_us,
	bool bad)
{
	struct window_stats s;

	if (!bad && to->alive_us && to->alive_us >= since_us)
		return true;
	if (!c->trial_us || c->trial != to->index || env->now_us - c->trial_us > TRIAL_STALE_US) {
		c->trial_us = env->now_us;
		c->trial = to->index;
		to->confirm = true;
		if (bad) {
			to->examine_until_us =
				usec_max(to->examine_until_us, env->now_us + TRIAL_LONG_US);
			to->round_us = usec_min(to->round_us, env->now_us);
		}
	}
	if (!bad && to->alive_us >= c->trial_us)
		return true;
	window_read(&to->window, c->trial_us, 64, to->unfit, PATH_UNFIT, &s);
	if (bad && env->now_us - c->trial_us >= TRIAL_US && s.n - s.lost >= 3 && s.lost * 4 <= s.n)
		return true;
	if (env->now_us - c->trial_us >= TRIAL_FAILED_US) {
		c->failed |= UINT32_C(1) << to->index;
		c->failed_until_us = env->now_us + PASS_OVER_US;
		c->trial_us = 0;
	}
	return false;
}

/* The best that has not failed its trial just now; when all have, the best of all. */
static const struct candidate *best_to_try(struct choice *c, const struct field *f,
	const struct candidate *best, const struct candidate *incumbent, int64_t now_us)
{
	const struct candidate *next;
	enum step step;

	if (now_us >= c->failed_until_us)
		c->failed = 0;
	if (!(c->failed & (UINT32_C(1) << best->path)))
		return best;
	next = best_of(f, c->failed | UINT32_C(1) << incumbent->path);
	if (!next || next->key[STEP_ALIVE] == 0 || decide_compare(next, incumbent, &step) < 0 ||
		step > STEP_NEEDS)
		return best;
	return next;
}

static void fail_open(struct choice *c, const struct step_env *env,
	const struct choice_context *context)
{
	struct event *e;

	content(c);
	if (c->fail_open)
		return;
	c->fail_open = true;
	e = step_event(env, EVENT_FAIL_OPEN);
	e->class = (uint8_t)context->class;
	e->path = e->from = e->to = c->path[0];
	e->value[2] = context->family;
}

static void leave_dead(struct choice *c, const struct step_env *env, struct path path[],
	const struct choice_context *context, const struct field *f, const struct candidate *best)
{
	struct path *from = &path[c->path[0]], *to = &path[best->path];

	if (best->key[STEP_ALIVE] == 0) {
		fail_open(c, env, context);
		return;
	}
	if (proven(c, env, to, from->silent_us ? from->silent_us : from->health_since_us, false))
		move(c, env, path, context, f, best->path, true);
	else
		stay(c, env, context, best->path, STAY_UNPROVEN, env->now_us + TRIAL_US);
}

/* Is it bad at this very moment?  The few percent that harm a call come and go with the sample. */
static bool lacking(const struct path *p, const struct policy *policy, unsigned class)
{
	return p->bad_us[class] || policy->class[class].need == CLASS_NEED_REALTIME ||
	       decide_service_lacking(p, policy);
}

static void leave_bad(struct choice *c, const struct step_env *env, struct path path[],
	const struct choice_context *context, const struct field *f, const struct candidate *best)
{
	if (context->wish->held_until_us) {
		stay(c, env, context, best->path, STAY_HOLD, context->wish->held_until_us);
		return;
	}
	if (!lacking(&path[c->path[0]], env->policy, context->class)) {
		stay(c, env, context, best->path, STAY_WAIT, env->now_us + TRIAL_US);
		return;
	}
	if (proven(c, env, &path[best->path], 0, true))
		move(c, env, path, context, f, best->path, true);
	else
		stay(c, env, context, best->path, STAY_UNPROVEN, env->now_us + TRIAL_US / 4);
}

static void move_softly(struct choice *c, const struct step_env *env, struct path path[],
	const struct choice_context *context, const struct field *f, const struct candidate *best,
	enum step step)
{
	struct path *to = &path[best->path];
	bool asked_for = step == STEP_PIN || step == STEP_QUOTA ||
			 (step == STEP_FORECAST && path[c->path[0]].outage_at_us);
	int64_t held_us = asked_for ? 0 : choice_held_until_us(to);

	if (context->wish->held_until_us && step != STEP_PIN)
		held_us = usec_max(held_us, context->wish->held_until_us);
	if (held_us > env->now_us) {
		stay(c, env, context, best->path, STAY_HOLD, held_us);
		return;
	}
	if (proven(c, env, to, env->now_us - FRESH_US, false))
		move(c, env, path, context, f, best->path, false);
	else
		stay(c, env, context, best->path, STAY_UNPROVEN, env->now_us + TRIAL_US);
}

/* The first choice waits a moment for a better path whose first answer is still due: table main serves meanwhile. */
static void choose_first(struct choice *c, const struct step_env *env, struct path path[],
	const struct choice_context *context, const struct field *f, const struct candidate *best)
{
	int64_t until_us = context->started_us + START_WAIT_US;

	if (env->now_us < until_us) {
		for (unsigned i = 0; i < f->n; i++) {
			const struct candidate *k = &f->candidate[i];

			if (path[k->path].health == HEALTH_UNKNOWN &&
				(k->key[STEP_PREFERENCE] > best->key[STEP_PREFERENCE] ||
					best->key[STEP_ALIVE] <= 1)) {
				c->due_us = until_us;
				return;
			}
		}
	}
	if (best->key[STEP_ALIVE] == 0 && env->now_us < until_us)
		return;
	move(c, env, path, context, f, best->path, false);
}

/* Candidates that may not take traffic from a working incumbent yet. */
static uint32_t held_back(const struct field *f, const struct path path[],
	const struct candidate *incumbent, int64_t now_us)
{
	uint32_t mask = 0;

	for (unsigned i = 0; i < f->n; i++) {
		const struct candidate *k = &f->candidate[i];
		enum step step;

		if (k == incumbent || decide_compare(k, incumbent, &step) < 0)
			continue;
		if (step >= STEP_STEADY && choice_held_until_us(&path[k->path]) > now_us)
			mask |= UINT32_C(1) << k->path;
	}
	return mask;
}

/* An outage of the path in use is likely: the answer to whether the other would do is had before it is needed. */
static void keep_fresh(struct path *p, const struct step_env *env)
{
	if (env->now_us - p->alive_us >= STANDBY_FRESH_US && p->fresh_us <= env->now_us) {
		p->fresh_us = env->now_us + STANDBY_FRESH_US;
		p->heartbeat_us = usec_min(p->heartbeat_us, env->now_us);
	}
}

/* The one in use is the best.  While it is under a burst, the next best is asked already whether it would do. */
static void keep(struct choice *c, const struct step_env *env, struct path path[], struct field *f)
{
	const struct path *p = &path[c->path[0]];
	const struct candidate *next = second_to(f, p->index);

	c->fail_open = false;
	if (next && predict_warns(p, env->policy, TRUST_UNTRIED))
		keep_fresh(&path[next->path], env);
	if (p->health != HEALTH_SUSPECT || p->suspicion != SUSPICION_BURST || !next ||
		!next->key[STEP_ALIVE]) {
		content(c);
		return;
	}
	proven(c, env, &path[next->path], p->suspect_us, false);
}

/* What an earlier run left in the kernel stays until the kernel has had time to tell of its link. */
static bool waits_for_adopted(struct choice *c, const struct step_env *env,
	const struct path path[], const struct choice_context *context)
{
	if (!c->adopted)
		return false;
	c->due_us = context->started_us + START_WAIT_US;
	c->adopted = !path_usable(&path[c->path[0]]) && env->now_us < c->due_us;
	if (!c->adopted)
		c->due_us = USEC_NEVER;
	return c->adopted;
}

static void choose_one(struct choice *c, const struct step_env *env, struct path path[],
	const struct choice_context *context, struct field *f)
{
	const struct candidate *best = best_of(f, 0),
			       *incumbent = c->n ? find(f, c->path[0]) : NULL, *free;
	enum step step = STEP_NONE;

	if (waits_for_adopted(c, env, path, context))
		return;
	if (!best) {
		if (c->n && !path_usable(&path[c->path[0]])) {
			note_left(&path[c->path[0]], env);
			c->flows |= UINT32_C(1) << c->path[0];
			c->n = 0;
			fail_open(c, env, context);
		}
		return;
	}
	if (!c->n) {
		choose_first(c, env, path, context, f, best);
		return;
	}
	if (!incumbent) {
		move(c, env, path, context, f, best->path, true);
		return;
	}
	if (best == incumbent) {
		if (incumbent->key[STEP_ALIVE] == 0)
			fail_open(c, env, context);
		else
			keep(c, env, path, f);
		return;
	}
	free = best_of(f, held_back(f, path, incumbent, env->now_us));
	if (free != incumbent)
		best = free;
	best = best_to_try(c, f, best, incumbent, env->now_us);
	decide_compare(best, incumbent, &step);
	if (incumbent->key[STEP_ALIVE] == 0)
		leave_dead(c, env, path, context, f, best);
	else if (step == STEP_NEEDS)
		leave_bad(c, env, path, context, f, best);
	else
		move_softly(c, env, path, context, f, best, step);
}

static bool shares(const struct candidate *a, const struct candidate *best)
{
	for (unsigned step = STEP_USABLE; step <= STEP_PREFERENCE; step++)
		if (step != STEP_STEADY && a->key[step] != best->key[step])
			return false;
	return a->key[STEP_ALIVE] >= 2;
}

/* Every path that is as good as the best up to the preference carries its weight of new flows. */
static void choose_many(struct choice *c, const struct step_env *env, struct path path[],
	const struct field *f)
{
	const struct candidate *best = c->n ? find(f, c->path[0]) : NULL;
	struct choice old = *c;
	bool changed;

	if (!best || best->key[STEP_ALIVE] == 0)
		return;
	c->n = 0;
	for (unsigned i = 0; i < f->n; i++) {
		unsigned k = f->candidate[i].path;
		bool in = &f->candidate[i] == best ||
			  (shares(&f->candidate[i], best) &&
				  (choice_uses(&old, k) ||
					  choice_held_until_us(&path[k]) <= env->now_us));

		if (!in)
			continue;
		c->weight[c->n] =
			(uint8_t)usec_clamp(env->policy->link[path_link(k)].weight, 1, 100);
		c->path[c->n++] = (uint8_t)k;
	}
	/* the best stays first: it is the incumbent of the next round */
	for (unsigned i = 1; i < c->n; i++) {
		if (c->path[i] == best->path) {
			uint8_t weight = c->weight[i];

			c->path[i] = c->path[0];
			c->weight[i] = c->weight[0];
			c->path[0] = best->path;
			c->weight[0] = weight;
		}
	}
	changed = c->n != old.n || memcmp(c->path, old.path, c->n) != 0;
	for (unsigned i = 0; i < old.n; i++) {
		unsigned k = old.path[i];

		if (!choice_uses(c, k) &&
			(path[k].health == HEALTH_DEAD || !path_usable(&path[k]))) {
			note_left(&path[k], env);
			c->flows |= UINT32_C(1) << k;
		}
	}
	if (changed && old.n)
		c->since_us = env->now_us;
}

/* What began over a path before us, and nothing has come back over it since: it starts anew on the one that works. */
static void free_stranded(struct choice *c, const struct path path[], const struct field *f)
{
	if (!c->n || !path_answers(&path[c->path[0]]))
		return;
	for (unsigned i = 0; i < f->n; i++) {
		unsigned k = f->candidate[i].path;
		uint32_t bit = UINT32_C(1) << k;

		if (path[k].alive_us)
			c->freed &= ~bit;
		else if (path[k].health == HEALTH_DEAD && !choice_uses(c, k) && !(c->freed & bit)) {
			c->freed |= bit;
			c->flows |= bit;
		}
	}
}

void choice_run(struct choice *c, const struct step_env *env, struct path path[PATHS_MAX],
	const struct choice_context *context)
{
	struct field f;
	unsigned before = c->n ? c->path[0] : PATHS_MAX;
	struct choice old = *c;

	gather(&f, c, env, path, context);
	c->due_us = USEC_NEVER; /* whoever waits for something sets it anew */
	choose_one(c, env, path, context, &f);
	if (env->policy->class[context->class].balance) {
		if (before != PATHS_MAX && c->n == 1 && c->path[0] == before) {
			c->n = old.n; /* choose_one() knows one path; the others are settled below */
			memcpy(c->path, old.path, sizeof(c->path));
			memcpy(c->weight, old.weight, sizeof(c->weight));
		}
		choose_many(c, env, path, &f);
	}
	if (c->canary_from < PATHS_MAX && env->now_us >= c->canary_us) {
		c->flows |= UINT32_C(1) << c->canary_from;
		c->canary_from = PATHS_MAX;
	}
	free_stranded(c, path, &f);
	explain(c, &f);
}
