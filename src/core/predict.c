#include "core/predict.h"

#include <stddef.h>

#include "base/imath.h"
#include "base/usec.h"

#define LATE_US                                                                                    \
	(2 * USEC_S) /* nothing was seen for so long: what was known of the moment is forgotten */
#define MEDIAN_OF 9

/* Chances that count as a warning, by horizon. */
static const uint32_t warning_ppm[HORIZON_COUNT] = {30000, 100000, 300000};
_Static_assert((unsigned)HORIZON_COUNT == HAZARD_HORIZONS, "a horizon without a model");

static void insert(uint32_t v[], unsigned n, uint32_t x)
{
	for (; n && v[n - 1] > x; n--)
		v[n] = v[n - 1];
	v[n] = x;
}

/* What the probes have told whose fate has become known since the last second. */
static void read_second(struct path *p, struct hazard_second *ret)
{
	uint32_t rtt[MEDIAN_OF] = {0};
	unsigned answers = 0;
	const struct window_probe *w;

	*ret = (struct hazard_second){0};
	while ((w = window_next_ended(&p->window, &p->predicted_next))) {
		ret->asked++;
		ret->lost += w->state == PROBE_STATE_MISSED;
		/* name servers think before they answer */
		if (w->state == PROBE_STATE_ANSWERED && w->method != PROBE_DNS &&
			answers < MEDIAN_OF)
			insert(rtt, answers++, w->rtt_us);
	}
	ret->rtt_us = answers ? rtt[answers / 2] : 0;
	ret->unusable = p->health == HEALTH_DEAD || (ret->lost >= 2 && 2 * ret->lost >= ret->asked);
}

static void tell(const struct path *p, const struct step_env *env, enum trust before)
{
	const struct forecast_record *r = &p->forecast.record[env->policy->horizon];
	struct event *e;

	if ((before == TRUST_NONE) == (r->trust == TRUST_NONE))
		return;
	e = step_event(env, EVENT_FORECAST);
	e->path = p->index;
	e->from = (uint8_t)before;
	e->to = r->trust;
	e->value[0] = forecast_skill_ppm(r);
	e->value[1] = r->n ? (int64_t)(r->said_ppm / r->n) : 0;
	e->value[2] = imath_ratio_ppm(r->happened, r->n);
	e->value[3] = hazard_model[env->policy->horizon].horizon_s;
}

static bool trusted(const struct path *p, const struct policy *policy, enum trust least)
{
	return policy->prediction == PREDICTION_ON &&
	       p->forecast.record[policy->horizon].trust >= least;
}

bool predict_warns(const struct path *p, const struct policy *policy, enum trust least)
{
	return p->forecast.chance_ppm[policy->horizon] >= warning_ppm[policy->horizon] &&
	       trusted(p, policy, least);
}

/* Leaving now costs two switches if no outage comes, staying costs the patience if one does. */
static bool leaving_pays(const struct path *p, const struct policy *policy)
{
	int64_t chance_ppm = p->forecast.chance_ppm[policy->horizon];

	return chance_ppm * (p->baseline.patience_us / USEC_MS) >
	       (1000000 - chance_ppm) * 2 * (policy->switch_cost_us / USEC_MS);
}

void predict_run(struct path *p, const struct step_env *env)
{
	uint32_t chance_ppm[HAZARD_HORIZONS];
	struct hazard_second s;
	enum trust before;

	if (env->now_us < p->predict_us || env->policy->prediction == PREDICTION_OFF)
		return;
	if (env->now_us - p->predict_us > LATE_US) {
		p->predicted_next = p->window.next;
		hazard_gap(&p->hazard);
		forecast_drop(&p->forecast);
		p->predict_us = env->now_us + USEC_S;
		return;
	}
	p->predict_us += USEC_S;
	read_second(p, &s);
	hazard_add(&p->hazard, &s);
	hazard_chances(&p->hazard, chance_ppm);
	before = (enum trust)p->forecast.record[env->policy->horizon].trust;
	forecast_second(&p->forecast, s.unusable, s.asked ? chance_ppm : NULL);
	tell(p, env, before);
	if (!trusted(p, env->policy, TRUST_FULL))
		p->doomed_until_us = 0;
	else if (predict_warns(p, env->policy, TRUST_FULL) && leaving_pays(p, env->policy))
		p->doomed_until_us = env->now_us + p->hold_us;
}

bool predict_doomed(const struct path *p, const struct policy *policy, int64_t now_us)
{
	return policy->prediction == PREDICTION_ON && p->doomed_until_us > now_us;
}
