#include "core/decide.h"

#include "base/usec.h"
#include "core/predict.h"

#define HORIZON_US (10 * USEC_S) /* an outage announced for within this time counts as certain */
#define SCORE_STEP                                                                                 \
	20 /* scores this close are equal: under the bucket's width nobody hears a difference */
#define TEN_POINTS 10
#define STEADY_STEPS 12

/* How well it is known to work.  The incumbent is presumed alive until the test has ended. */
static int32_t alive_key(const struct path *p, bool incumbent)
{
	switch (p->health) {
	case HEALTH_UP:
	case HEALTH_DEGRADED:
		return 3;
	case HEALTH_SUSPECT:
		return incumbent ? 3 : 1;
	case HEALTH_RECOVERING:
		return 2;
	case HEALTH_UNKNOWN:
		return 1;
	case HEALTH_ABSENT:
	case HEALTH_DOWN:
	case HEALTH_DEAD:
	case HEALTH_COUNT:
		break;
	}
	return 0;
}

bool decide_service_lacking(const struct path *p, const struct policy *policy)
{
	return p->service[SERVICE_PORTAL].broken || p->service[SERVICE_WEB].broken ||
	       p->service[SERVICE_MTU].broken ||
	       (policy->dns_matters && p->service[SERVICE_DNS].broken);
}

/*
 * 100: meets the class's needs.  Otherwise the score in steps of ten, so that of two bad paths the clearly better one
 * wins; a path without a service it should have is worse than any that only scores badly.
 */
static int32_t needs_key(const struct path *p, const struct policy *policy, unsigned class,
	bool incumbent)
{
	if (decide_service_lacking(p, policy))
		return p->service[SERVICE_PORTAL].broken ? -2 : -1;
	if (!p->bad[class])
		return 100;
	return p->score[class] / TEN_POINTS + (incumbent ? 1 : 0);
}

/*
 * Trouble to be expected in an hour, in steps of half as much again, none below the first.  A metered link is charged
 * as much as the first step, and the one in use is a step better.  A path that has been well for as long as any hold
 * lasts is given another trial.
 */
static int32_t steady_key(const struct path *p, const struct policy *policy, bool incumbent,
	int64_t now_us)
{
	const struct link_policy *link = &policy->link[path_link(p->index)];
	int64_t edge_us = policy->unsteady_us, rate_us = trouble_rate_us(&p->trouble);
	int32_t steps = 0;

	if (rate_us && p->trusted_us &&
		now_us - usec_max(p->trusted_us, p->trouble.ended_us) >= link->hold_max_us)
		rate_us = 0;
	if (link->metered)
		rate_us += edge_us;
	for (; edge_us && steps < STEADY_STEPS && rate_us >= edge_us; steps++)
		edge_us += edge_us / 2;
	return -(steps && incumbent ? steps - 1 : steps);
}

void decide_candidate(const struct path *p, const struct policy *policy,
	const struct decide_context *context, int64_t now_us, struct candidate *ret)
{
	unsigned link = path_link(p->index);
	bool incumbent = p->index == context->incumbent;

	ret->path = p->index;
	ret->key[STEP_NONE] = 0;
	ret->key[STEP_USABLE] = path_usable(p);
	ret->key[STEP_ALIVE] = alive_key(p, incumbent);
	ret->key[STEP_PIN] = link == context->pinned_link;
	ret->key[STEP_QUOTA] =
		!(context->drained & (1U << link)) + !(context->over_quota & (1U << link));
	ret->key[STEP_NEEDS] = needs_key(p, policy, context->class, incumbent);
	ret->key[STEP_FORECAST] = (!p->outage_at_us || p->outage_at_us > now_us + HORIZON_US) &&
				  !predict_doomed(p, policy, now_us);
	ret->key[STEP_STEADY] = steady_key(p, policy, incumbent, now_us);
	ret->key[STEP_PREFERENCE] = policy->link[link].preference;
	ret->key[STEP_SCORE] = p->score[context->class] / SCORE_STEP;
	ret->key[STEP_INCUMBENT] = incumbent;
	ret->key[STEP_ORDER] = -(int32_t)policy->link[link].order * PATHS_MAX - p->index;
}

int decide_compare(const struct candidate *a, const struct candidate *b, enum step *ret_step)
{
	const int32_t *x = a->key, *y = b->key;

	for (unsigned step = STEP_USABLE; step < STEP_COUNT; step++) {
		if (*++x == *++y)
			continue;
		*ret_step = (enum step)step;
		return *x > *y ? 1 : -1;
	}
	/* only a path compared with itself comes here: two paths differ in the last key at the latest */
	*ret_step = STEP_NONE;
	return 0;
}
