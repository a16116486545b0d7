#include "core/spells.h"

#include "base/usec.h"

#define UNIT 16            /* one observation */
#define MEMORY (64 * UNIT) /* observations after which all counts are halved */

/* Upper edges of the buckets; each about 1.5 times the one before. */
static const int32_t edge_ms[LEARNED_SPELLS] = {90, 130, 200, 300, 450, 670, 1000, 1500, 2250, 3400,
	5000, 7600, 11400, 17000, 25000, 40000};

static int64_t middle_us(unsigned bucket)
{
	int64_t low_ms = bucket ? edge_ms[bucket - 1] : 0;

	return (low_ms + edge_ms[bucket]) * USEC_MS / 2;
}

static void forget(struct spells *s)
{
	uint32_t sum = s->lasting;

	for (unsigned i = 0; i < LEARNED_SPELLS; i++)
		sum += s->ended[i];
	if (sum <= MEMORY)
		return;
	for (unsigned i = 0; i < LEARNED_SPELLS; i++)
		s->ended[i] /= 2;
	s->lasting /= 2;
}

void spells_add(struct spells *s, int64_t length_us)
{
	unsigned i = 0;

	while (i < LEARNED_SPELLS && length_us > edge_ms[i] * USEC_MS)
		i++;
	if (i < LEARNED_SPELLS)
		s->ended[i] = (uint16_t)(s->ended[i] + UNIT);
	else
		s->lasting = (uint16_t)(s->lasting + UNIT);
	forget(s);
}

void spells_add_lasting(struct spells *s)
{
	s->lasting = (uint16_t)(s->lasting + UNIT);
	forget(s);
}

int64_t spells_patience_us(const struct spells *s, const struct spells_prior *prior,
	int64_t floor_us, int64_t switch_cost_us)
{
	int64_t best_us = floor_us, best_cost = INT64_MAX, shorter_cost = 0;
	int64_t longer = s->lasting + prior->lasting * UNIT;

	for (unsigned i = 0; i < LEARNED_SPELLS; i++)
		longer += s->ended[i] + prior->ended[i] * UNIT;
	for (unsigned i = 0; i < LEARNED_SPELLS; i++) {
		int64_t n = s->ended[i] + prior->ended[i] * UNIT, cost;

		shorter_cost += n * middle_us(i);
		longer -= n;
		cost = shorter_cost + longer * (edge_ms[i] * USEC_MS + 2 * switch_cost_us);
		if (cost >= best_cost || edge_ms[i] * USEC_MS < floor_us)
			continue;
		best_cost = cost;
		best_us = edge_ms[i] * USEC_MS;
	}
	return best_us;
}

static uint32_t rounded(uint32_t units)
{
	return (units + UNIT / 2) / UNIT;
}

uint32_t spells_ended(const struct spells *s)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < LEARNED_SPELLS; i++)
		sum += s->ended[i];
	return rounded(sum);
}

uint32_t spells_lasting(const struct spells *s)
{
	return rounded(s->lasting);
}

int64_t spells_longest_us(void)
{
	return edge_ms[LEARNED_SPELLS - 1] * USEC_MS;
}
