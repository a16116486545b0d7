#include "core/hazard.h"

#include "base/imath.h"

/* The same constants are in tools/train/features.py. */
#define ONE (UINT32_C(1) << 24)
#define RTT_MOST_US UINT32_C(4000000)
#define ONSET (UINT32_C(1) << 20)
#define ONSETS_MOST (2000 * ONSET)
#define SECOND (UINT32_C(1) << 16)
#define PRIOR_ONSETS UINT32_C(104858)
#define PRIOR_TIME (300 * SECOND)
#define FAST_S 300
#define SLOW_SHIFT 14
#define FAST_SHIFT 7
#define CHANCE_FIRST_Q8 (-20 * 256)
#define CHANCE_STEP_Q8 128

static uint32_t toward(uint32_t average, uint32_t sample, unsigned shift)
{
	return average - (average >> shift) + (sample >> shift);
}

static uint32_t counted(uint32_t count, unsigned shift, bool onset)
{
	count -= count >> shift;
	if (onset)
		count += ONSET;
	return count < ONSETS_MOST ? count : ONSETS_MOST;
}

static uint32_t watched(uint32_t time, unsigned shift, bool usable)
{
	return time - (time >> shift) + (usable ? SECOND : 0);
}

static void count(struct hazard *h, bool unusable)
{
	bool onset = unusable && !h->was_unusable;

	h->was_unusable = unusable;
	h->onsets_slow = counted(h->onsets_slow, SLOW_SHIFT, onset);
	h->onsets_fast = counted(h->onsets_fast, FAST_SHIFT, onset);
	h->time_slow = watched(h->time_slow, SLOW_SHIFT, !unusable);
	h->time_fast = watched(h->time_fast, FAST_SHIFT, !unusable);
}

void hazard_add(struct hazard *h, const struct hazard_second *s)
{
	uint32_t rtt, off;

	if (!s->asked && !s->unusable)
		return;
	h->loss_now = toward(h->loss_now, s->unusable ? ONE : ONE / s->asked * s->lost, 2);
	count(h, s->unusable);
	if (!s->rtt_us)
		return;
	rtt = (s->rtt_us < RTT_MOST_US ? s->rtt_us : RTT_MOST_US) << 4;
	if (!h->rtt_usual)
		h->rtt_usual = rtt;
	off = rtt > h->rtt_usual ? rtt - h->rtt_usual : h->rtt_usual - rtt;
	h->rtt_off = toward(h->rtt_off, off, 4);
	h->rtt_usual = toward(h->rtt_usual, rtt, 8);
}

void hazard_restore(struct hazard *h, uint32_t onsets, uint32_t time)
{
	h->onsets_slow = onsets < ONSETS_MOST ? onsets : ONSETS_MOST;
	h->time_slow = time < SECOND << SLOW_SHIFT ? time : SECOND << SLOW_SHIFT;
}

void hazard_gap(struct hazard *h)
{
	h->loss_now = 0;
	h->was_unusable = false;
}

/* log2 of the outages to be expected in a second: the last two minutes, weighed against the last hours. */
static int32_t rate_q8(const struct hazard *h)
{
	uint64_t slow =
		((uint64_t)(h->onsets_slow + PRIOR_ONSETS) << 26) / (h->time_slow + PRIOR_TIME);
	uint64_t fast = h->onsets_fast + (FAST_S * slow >> 10);

	return (int32_t)imath_log2_q8((uint32_t)((fast << 26) / (h->time_fast + FAST_S * SECOND))) -
	       30 * 256;
}

static uint32_t chance(int32_t x_q8)
{
	int32_t place = x_q8 - CHANCE_FIRST_Q8, most = (HAZARD_CHANCES - 1) * CHANCE_STEP_Q8 - 1;
	uint32_t i, rest;

	place = place < 0 ? 0 : place > most ? most : place;
	i = (uint32_t)place / CHANCE_STEP_Q8;
	rest = (uint32_t)place % CHANCE_STEP_Q8;
	return hazard_chance_ppm[i] +
	       (hazard_chance_ppm[i + 1] - hazard_chance_ppm[i]) * rest / CHANCE_STEP_Q8;
}

void hazard_chances(const struct hazard *h, uint32_t ret_ppm[HAZARD_HORIZONS])
{
	int32_t rate = rate_q8(h), feature[HAZARD_FEATURES] = {0, 0};

	feature[0] = (int32_t)imath_log2_q8(256 + (h->loss_now >> 8)) - 2048;
	if (h->rtt_usual >= 256)
		feature[1] = (int32_t)imath_log2_q8(256 + (h->rtt_off << 3) / (h->rtt_usual >> 8)) -
			     2048;
	for (unsigned i = 0; i < HAZARD_HORIZONS; i++) {
		const struct hazard_model *m = &hazard_model[i];
		int32_t lift = m->weight_q8[0] * feature[0] + m->weight_q8[1] * feature[1];

		ret_ppm[i] = chance(rate + (int32_t)imath_log2_q8((uint32_t)m->horizon_s) +
				    m->offset_q8 + lift / 256);
	}
}
