#include "core/forecast.h"

#include <string.h>

#include "base/imath.h"

#define MEMORY                                                                                     \
	(UINT32_C(1) << 17) /* forecasts after which all counts are halved: a day and a half */
#define STEP_Q8 21          /* a pending chance is kept to within three percent */
#define PER_BILLION 1000    /* of 10^-12 */
#define RATE_WATCHED 1000   /* the running rate begins at one in so many */
#define ONSETS_SOME 3
#define ONSETS_FULL 10
#define SKILL_AGAIN_PPM 10000
#define SKILL_FULL_PPM 50000
#define MISLED 3 /* said so many times too much or too little: uncalibrated */

static const uint32_t bin_edge_ppm[FORECAST_BINS - 1] = {10000, 30000, 100000, 300000};

static uint8_t *ring(struct forecast *f, unsigned h)
{
	uint8_t *r = f->pending;

	for (unsigned i = 0; i < h; i++)
		r += hazard_model[i].horizon_s;
	return r;
}

static bool misled(const struct forecast_record *r, const struct hazard_model *m)
{
	uint64_t true_ppm = (uint64_t)r->happened * 1000000;
	uint64_t slack_ppm = (uint64_t)MISLED * (uint64_t)m->horizon_s * 1000000;

	return r->said_ppm > MISLED * true_ppm + slack_ppm ||
	       true_ppm > MISLED * r->said_ppm + slack_ppm;
}

static enum trust earned(const struct forecast_record *r, const struct hazard_model *m)
{
	int32_t skill_ppm = forecast_skill_ppm(r);

	if (misled(r, m))
		return TRUST_NONE;
	if (r->onsets < ONSETS_SOME)
		return m->proven ? TRUST_UNTRIED : TRUST_NONE;
	if (skill_ppm <= (r->trust == TRUST_NONE ? SKILL_AGAIN_PPM : 0))
		return TRUST_NONE;
	return r->onsets >= ONSETS_FULL && skill_ppm >= SKILL_FULL_PPM ? TRUST_FULL : TRUST_SOME;
}

static void set_trust(struct forecast_record *r, unsigned h)
{
	r->trust = (uint8_t)earned(r, &hazard_model[h]);
}

void forecast_init(struct forecast *f)
{
	memset(f, 0, sizeof(*f));
	for (unsigned h = 0; h < HAZARD_HORIZONS; h++)
		set_trust(&f->record[h], h);
}

static void fade(struct forecast_record *r)
{
	if (r->n < MEMORY)
		return;
	r->n /= 2;
	r->happened /= 2;
	r->onsets /= 2;
	r->said_ppm /= 2;
	r->brier /= 2;
	r->climate /= 2;
	for (unsigned i = 0; i < FORECAST_BINS; i++) {
		r->bin_n[i] /= 2;
		r->bin_happened[i] /= 2;
	}
}

static uint64_t square(uint32_t said_ppm, bool happened)
{
	uint64_t off = happened ? 1000000 - said_ppm : said_ppm;

	return off * off;
}

/* The time of a forecast has come. */
static void settle(struct forecast_record *r, uint8_t *pending, bool happened)
{
	uint32_t rate_ppm = imath_ratio_ppm(r->happened + 1, r->n + RATE_WATCHED), said_ppm;
	unsigned bin = 0;

	if (!*pending)
		return;
	said_ppm = imath_exp2_q8((uint32_t)*pending * STEP_Q8 - STEP_Q8 / 2);
	*pending = 0;
	said_ppm = said_ppm < 1000000 ? said_ppm : 1000000;
	while (bin < FORECAST_BINS - 1 && said_ppm >= bin_edge_ppm[bin])
		bin++;
	r->brier += square(said_ppm, happened);
	r->climate += square(rate_ppm, happened);
	r->said_ppm += said_ppm;
	r->bin_n[bin]++;
	r->n++;
	r->bin_happened[bin] += happened;
	r->happened += happened;
	fade(r);
}

static void second_of(struct forecast *f, unsigned h, bool unusable, uint32_t said_ppm)
{
	struct forecast_record *r = &f->record[h];
	unsigned length = (unsigned)hazard_model[h].horizon_s;
	uint8_t *pending = ring(f, h), *place = &pending[f->second % length];
	uint32_t happened = r->happened;

	for (unsigned i = 0; unusable && i < length; i++)
		settle(r, &pending[i], true);
	settle(r, place, false);
	r->onsets += r->happened > happened;
	if (said_ppm && !unusable)
		*place = (uint8_t)(imath_log2_q8(said_ppm) / STEP_Q8 + 1);
	if (r->happened > happened || !(f->second % 64))
		set_trust(r, h);
}

void forecast_second(struct forecast *f, bool unusable, const uint32_t chance_ppm[HAZARD_HORIZONS])
{
	for (unsigned h = 0; h < HAZARD_HORIZONS; h++) {
		if (chance_ppm || unusable)
			f->chance_ppm[h] = unusable ? 0 : chance_ppm[h];
		second_of(f, h, unusable, chance_ppm ? f->chance_ppm[h] : 0);
	}
	f->second++;
}

void forecast_drop(struct forecast *f)
{
	memset(f->pending, 0, sizeof(f->pending));
	memset(f->chance_ppm, 0, sizeof(f->chance_ppm));
}

int32_t forecast_skill_ppm(const struct forecast_record *r)
{
	uint64_t share;

	if (!r->climate)
		return 0;
	/* both fit into 2^57; parts per million of the quotient need no more than this */
	share = r->brier / (r->climate / 1000000 + 1);
	return share < 2000000 ? 1000000 - (int32_t)share : -1000000;
}

void forecast_learned(const struct forecast *f, struct forecast_learned ret[HAZARD_HORIZONS])
{
	for (unsigned h = 0; h < HAZARD_HORIZONS; h++) {
		const struct forecast_record *r = &f->record[h];
		uint32_t n = r->n ? r->n : 1;

		ret[h] = (struct forecast_learned){r->n, r->happened, r->onsets,
			(uint32_t)(r->said_ppm / n), (uint32_t)(r->brier / n / PER_BILLION),
			(uint32_t)(r->climate / n / PER_BILLION)};
	}
}

static uint64_t sum_of(uint32_t mean, uint32_t most, uint32_t n)
{
	return (uint64_t)(mean < most ? mean : most) * n;
}

void forecast_restore(struct forecast *f, const struct forecast_learned learned[HAZARD_HORIZONS])
{
	for (unsigned h = 0; h < HAZARD_HORIZONS; h++) {
		struct forecast_record *r = &f->record[h];
		const struct forecast_learned *l = &learned[h];

		r->n = l->n < MEMORY ? l->n : MEMORY - 1;
		r->happened = l->happened < r->n ? l->happened : r->n;
		r->onsets = l->onsets < r->happened ? l->onsets : r->happened;
		r->said_ppm = sum_of(l->said_ppm, 1000000, r->n);
		r->brier = sum_of(l->brier_ppb, 1000000000, r->n) * PER_BILLION;
		r->climate = sum_of(l->climate_ppb, 1000000000, r->n) * PER_BILLION;
		memset(r->bin_n, 0, sizeof(r->bin_n));
		memset(r->bin_happened, 0, sizeof(r->bin_happened));
		set_trust(r, h);
	}
}
