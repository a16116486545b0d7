#include "core/baseline.h"

#include <string.h>

#include "base/imath.h"
#include "base/usec.h"

#define UNIT 16 /* one observation */

/* Upper edges of the buckets; each about 1.5 times the one before. */
static const int32_t edge_ms[LEARNED_SILENCES] = {90, 130, 200, 300, 450, 670, 1000, 1500, 2250,
	3400, 5000, 7600, 11400, 17000, 25000, 40000};

/*
 * Before anything is known: one silence in two is the line's death.  Prior of burstiness: 2 of 5 losses are followed by
 * another, what clean lines show once they lose anything.
 */
#define PRIOR_DEAD (2 * UNIT)
#define PRIOR_BURST_LOST (2 * UNIT)
#define PRIOR_BURST_ENDED (3 * UNIT)
#define BURST_PPM_MIN 100000
#define BURST_PPM_MAX 850000
#define LOSS_PPM_MAX 200000
#define MEMORY (64 * UNIT) /* observations after which all counts are halved */

static int64_t middle_us(unsigned bucket)
{
	int64_t low = bucket ? edge_ms[bucket - 1] : 0;

	return (low + edge_ms[bucket]) * USEC_MS / 2;
}

/* The edge with the least cost over the remembered silences; see the header. */
static int64_t patience(const struct path_learned *l, int64_t switch_cost_us)
{
	int64_t best_us = BASELINE_PATIENCE_FLOOR_US, best_cost = INT64_MAX;
	int64_t shorter_cost = 0, longer = l->silence_dead + PRIOR_DEAD;

	for (unsigned i = 0; i < LEARNED_SILENCES; i++)
		longer += l->silence[i];
	for (unsigned i = 0; i < LEARNED_SILENCES; i++) {
		int64_t cost;

		shorter_cost += l->silence[i] * middle_us(i);
		longer -= l->silence[i];
		/* leaving and coming back: two switches */
		cost = shorter_cost + longer * (edge_ms[i] * USEC_MS + 2 * switch_cost_us);
		if (cost < best_cost) {
			best_cost = cost;
			best_us = edge_ms[i] * USEC_MS;
		}
	}
	return best_us;
}

static void settle(struct baseline *b, int64_t switch_cost_us)
{
	uint32_t lost = b->burst_lost_q + PRIOR_BURST_LOST,
		 ended = b->burst_ended_q + PRIOR_BURST_ENDED;
	uint32_t ppm = imath_ratio_ppm(lost, lost + ended);

	b->learned.burst_ppm = (uint32_t)usec_clamp(ppm, BURST_PPM_MIN, BURST_PPM_MAX);
	b->patience_us = patience(&b->learned, switch_cost_us);
}

void baseline_init(struct baseline *b, int64_t switch_cost_us)
{
	memset(b, 0, sizeof(*b));
	b->learned.rtt_us = -1;
	b->learned.loss_ppm = 2000;
	settle(b, switch_cost_us);
}

void baseline_restore(struct baseline *b, const struct path_learned *learned,
	int64_t switch_cost_us)
{
	uint32_t ppm = (uint32_t)usec_clamp(learned->burst_ppm, BURST_PPM_MIN, BURST_PPM_MAX);

	memset(b, 0, sizeof(*b));
	b->learned = *learned;
	b->learned.loss_ppm = (uint32_t)usec_clamp(learned->loss_ppm, 0, LOSS_PPM_MAX);
	b->learned.rtt_us = usec_clamp(learned->rtt_us, -1, 10 * USEC_S);
	b->learned.rtt_var_us = usec_clamp(learned->rtt_var_us, 0, 10 * USEC_S);
	/* the ratio as it was, with the weight of ten observations */
	b->burst_lost_q = 10 * UNIT * (ppm / 1000) / 1000;
	b->burst_ended_q = 10 * UNIT - b->burst_lost_q;
	settle(b, switch_cost_us);
}

void baseline_add_rtt(struct baseline *b, int64_t rtt_us)
{
	struct path_learned *l = &b->learned;

	if (l->rtt_us < 0) {
		l->rtt_us = rtt_us;
		l->rtt_var_us = rtt_us / 4;
		return;
	}
	l->rtt_var_us = imath_average(l->rtt_var_us, imath_abs(rtt_us - l->rtt_us), 3);
	l->rtt_us = imath_average(l->rtt_us, rtt_us, 4);
}

void baseline_add_loss(struct baseline *b, bool lost)
{
	int64_t ppm = imath_average(b->learned.loss_ppm, lost ? 1000000 : 0, 9);

	b->learned.loss_ppm = (uint32_t)usec_clamp(ppm, 0, LOSS_PPM_MAX);
}

static void forget(struct baseline *b)
{
	uint32_t sum = b->learned.silence_dead;

	for (unsigned i = 0; i < LEARNED_SILENCES; i++)
		sum += b->learned.silence[i];
	if (sum > MEMORY) {
		for (unsigned i = 0; i < LEARNED_SILENCES; i++)
			b->learned.silence[i] /= 2;
		b->learned.silence_dead /= 2;
	}
	if (b->burst_lost_q + b->burst_ended_q > 4 * MEMORY) {
		b->burst_lost_q /= 2;
		b->burst_ended_q /= 2;
	}
}

void baseline_add_silence(struct baseline *b, int64_t length_us, uint32_t lost,
	int64_t switch_cost_us)
{
	/* one silence may not outweigh all others, however many probes it swallowed */
	uint32_t followed = lost > 1 ? (lost - 1 < 32 ? lost - 1 : 32) : 0;

	if (lost) {
		b->burst_lost_q += followed * UNIT;
		b->burst_ended_q += UNIT;
	}
	for (unsigned i = 0; lost > 1 && i < LEARNED_SILENCES; i++) {
		if (length_us <= edge_ms[i] * USEC_MS) {
			b->learned.silence[i] = (uint16_t)(b->learned.silence[i] + UNIT);
			break;
		}
	}
	if (length_us > baseline_longest_silence_us())
		b->learned.silence_dead += UNIT;
	forget(b);
	settle(b, switch_cost_us);
}

void baseline_add_death(struct baseline *b, int64_t switch_cost_us)
{
	b->learned.silence_dead += UNIT;
	forget(b);
	settle(b, switch_cost_us);
}

int64_t baseline_timeout_us(const struct baseline *b, int64_t floor_us, int64_t max_us)
{
	const struct path_learned *l = &b->learned;

	if (l->rtt_us < 0)
		return max_us;
	return usec_clamp(l->rtt_us + usec_max(4 * l->rtt_var_us, l->rtt_us / 8), floor_us, max_us);
}

int64_t baseline_longest_silence_us(void)
{
	return edge_ms[LEARNED_SILENCES - 1] * USEC_MS;
}
