#include "core/view.h"

#include <string.h>

#include "base/imath.h"
#include "base/usec.h"
#include "core/spells.h"
#include "core/state.h"

const struct policy *engine_policy(const struct engine *e)
{
	return &e->policy;
}

void engine_view(const struct engine *e, struct engine_view *ret)
{
	ret->now_us = e->now_us;
	ret->inputs = e->inputs;
	ret->actions = e->actions;
	ret->events = e->events;
	ret->inputs_ignored = e->ignored;
	ret->time_corrections = e->time_corrections;
	ret->released = e->released;
}

static int64_t remaining_us(int64_t until_us, int64_t now_us)
{
	return until_us == USEC_NEVER ? USEC_NEVER : usec_max(until_us - now_us, 0);
}

static void view_forecast(const struct path *p, struct forecast_view ret[HAZARD_HORIZONS])
{
	for (unsigned h = 0; h < HAZARD_HORIZONS; h++) {
		const struct forecast_record *r = &p->forecast.record[h];

		ret[h].chance_ppm = p->forecast.chance_ppm[h];
		ret[h].trust = (enum trust)r->trust;
		ret[h].skill_ppm = forecast_skill_ppm(r);
		ret[h].said_ppm = r->n ? (uint32_t)(r->said_ppm / r->n) : 0;
		ret[h].happened_ppm = imath_ratio_ppm(r->happened, r->n);
		ret[h].n = r->n;
		ret[h].onsets = r->onsets;
		memcpy(ret[h].bin_n, r->bin_n, sizeof(r->bin_n));
		memcpy(ret[h].bin_happened, r->bin_happened, sizeof(r->bin_happened));
	}
}

void engine_view_path(const struct engine *e, unsigned path, int64_t now_us, struct path_view *ret)
{
	const struct path *p = &e->path[path];
	const struct link *l = &e->link[path_link(path)];
	const struct passive *passive = &l->passive[path_family(path)];
	const struct path_learned *learned = &p->baseline.learned;

	memset(ret, 0, sizeof(*ret));
	ret->exists = p->wanted || p->facts.present;
	ret->health = p->health;
	ret->health_since_us = p->health_since_us;
	ret->verdict = p->verdict;
	ret->facts = p->facts;
	ret->installed = e->plan.path[path].state == PLAN_HELD && e->plan.path[path].install;
	ret->rtt_us = p->rtt_us;
	ret->rtt_usual_us = learned->rtt_us;
	ret->jitter_us = p->jitter_us;
	ret->loss_ppm = (int32_t)p->loss_ppm;
	ret->loss_usual_ppm = (int32_t)learned->loss_ppm;
	memcpy(ret->score, p->score, sizeof(ret->score));
	ret->sample_age_us = p->answered_us ? now_us - p->answered_us : -1;
	ret->silence_us = p->silent_us ? now_us - p->silent_us : 0;
	ret->patience_us = p->baseline.patience_us;
	ret->silences_healed = spells_ended(&learned->silence);
	ret->silences_dead = spells_lasting(&learned->silence);
	ret->congested = p->congested;
	ret->flapping = p->relapses >= 2;
	ret->tx_bps = passive->tx_bps;
	ret->rx_bps = passive->rx_bps;
	ret->heartbeat_us = p->heartbeat_interval_us;
	ret->probe_bytes = l->budget.spent_bytes;
	ret->budget_left_bytes = budget_left_bytes(&l->budget);
	ret->probes_sent = p->sent;
	ret->probes_answered = p->answered;
	ret->probes_late = p->late;
	ret->hold_us = p->hold_us;
	ret->hold_left_us = p->left_us ? remaining_us(choice_held_until_us(p), now_us) : 0;
	ret->relapses = p->relapses;
	ret->drained_us = l->drained_until_us;
	ret->quota_used_bytes = l->quota_used_bytes;
	ret->learned = *learned;
	ret->learned.rx_per_tx_ppm = passive->usual_ppm;
	ret->learned.relapses = p->relapses;
	ret->learned.hold_us = p->hold_us;
	ret->learned.trouble_us = p->trouble.cost_us;
	ret->learned.watched_us = p->trouble.watched_us;
	ret->learned.outages = p->hazard.onsets_slow;
	ret->learned.outages_time = p->hazard.time_slow;
	forecast_learned(&p->forecast, ret->learned.forecast);
	ret->trouble_us = trouble_rate_us(&p->trouble);
	view_forecast(p, ret->forecast);
}

void engine_view_decision(const struct engine *e, unsigned class, enum family family,
	int64_t now_us, struct decision_view *ret)
{
	const struct choice *c = &e->choice[class][family];
	const struct class_state *w = &e->wish[class];

	(void)now_us;
	memset(ret, 0, sizeof(*ret));
	ret->n = c->n;
	memcpy(ret->path, c->path, sizeof(ret->path));
	memcpy(ret->weight, c->weight, sizeof(ret->weight));
	ret->confirmed = plan_confirmed(&e->plan, class, family);
	ret->fail_open = c->fail_open;
	ret->since_us = c->since_us;
	ret->step = c->step;
	ret->runner_up = c->runner_up;
	ret->wanted = c->wanted;
	ret->stay = c->stay;
	ret->due_us = c->due_us;
	memcpy(ret->against, c->against, sizeof(ret->against));
	ret->pinned_until_us = w->pinned_until_us;
	ret->held_until_us = w->held_until_us;
	ret->pinned_link = w->pinned_until_us ? w->pinned_link : LINKS_MAX;
	ret->switches = c->switches;
}

bool engine_view_probe(const struct engine *e, unsigned path, uint32_t cursor,
	struct probe_view *ret)
{
	const struct window_probe *p = window_next_ended(&e->path[path].window, &cursor);

	if (!p)
		return false;
	ret->sent_us = p->sent_us;
	ret->rtt_us = p->rtt_us;
	ret->lost = p->state == PROBE_STATE_MISSED;
	ret->next = cursor;
	return true;
}

bool engine_view_usable(const struct engine *e, unsigned path)
{
	return e->usable & (UINT32_C(1) << path);
}

unsigned engine_view_used(const struct engine *e, unsigned class, enum family family,
	int64_t *ret_since_us)
{
	const struct choice *c = &e->choice[class][family];

	*ret_since_us = c->since_us;
	return c->n ? c->path[0] : PATHS_MAX;
}
