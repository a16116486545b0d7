#include "core/trouble.h"

#include "base/usec.h"

#define GLANCE_US (200 * USEC_MS) /* nobody notices less */
#define CLUSTER_US USEC_MIN       /* as long as traffic that was moved away stays away at least */
#define CLUSTER_MOST_US (2 * USEC_S) /* until traffic has been moved, and the price of that */
#define MEMORY_US (2 * USEC_H)
#define PRESUMED_WATCH_US (30 * USEC_MIN)
#define CHANCE_US CLUSTER_MOST_US /* one outage is chance: what comes on top of it counts */
#define STEP_MOST_US USEC_MIN     /* of fading at a time: longer pauses were not watched at all */

static int64_t spell_cost(const struct trouble *t)
{
	int64_t most_us = CLUSTER_MOST_US;

	if (t->seen_us - t->since_us < GLANCE_US)
		return 0;
	if (t->since_us - t->cluster_us < CLUSTER_US)
		most_us -= t->cluster_cost_us;
	return usec_clamp(t->spell_us, 0, most_us);
}

void trouble_see(struct trouble *t, int64_t since_us, int percent, int64_t now_us)
{
	if (!t->since_us) {
		t->since_us = t->seen_us = since_us;
		t->spell_us = 0;
	}
	t->spell_us += (now_us - t->seen_us) * percent / 100;
	t->seen_us = now_us;
}

void trouble_end(struct trouble *t)
{
	int64_t cost_us;

	if (!t->since_us)
		return;
	cost_us = spell_cost(t);
	if (cost_us && t->since_us - t->cluster_us >= CLUSTER_US) {
		t->cluster_us = t->since_us;
		t->cluster_cost_us = 0;
	}
	t->cluster_cost_us += cost_us;
	t->cost_us += cost_us;
	if (cost_us)
		t->ended_us = t->seen_us;
	t->since_us = 0;
}

void trouble_watch(struct trouble *t, uint32_t share_ppm, int64_t now_us)
{
	int64_t passed_us = now_us - t->faded_us;

	if (!trouble_watch_due(t, now_us))
		return;
	passed_us = t->faded_us ? usec_min(passed_us, STEP_MOST_US) : 0;
	t->faded_us = now_us;
	t->cost_us -= t->cost_us * (passed_us / USEC_MS) / (MEMORY_US / USEC_MS);
	t->watched_us -= t->watched_us * (passed_us / USEC_MS) / (MEMORY_US / USEC_MS);
	t->watched_us += passed_us * share_ppm / 1000000;
}

int64_t trouble_rate_us(const struct trouble *t)
{
	int64_t cost_us = t->cost_us + (t->since_us ? spell_cost(t) : 0) - CHANCE_US;

	if (cost_us <= 0)
		return 0;
	return cost_us * (USEC_H / USEC_MS) / ((t->watched_us + PRESUMED_WATCH_US) / USEC_MS);
}
