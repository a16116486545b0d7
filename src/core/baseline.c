#include "core/baseline.h"

#include <string.h>

#include "base/imath.h"
#include "base/usec.h"
#include "core/spells.h"

#define UNIT 16 /* one observation */

/* What clean lines show once they lose anything: 2 of 5 losses are followed by another. */
#define PRIOR_BURST_LOST (2 * UNIT)
#define PRIOR_BURST_ENDED (3 * UNIT)
#define BURST_PPM_MIN 100000
#define BURST_PPM_MAX 850000
#define BURST_MEMORY (1024 * UNIT)
#define BURST_MOST 30 /* losses of one row that count: one pause may not outweigh all others */
#define LOSS_PPM_MAX 200000
#define PATIENCE_FLOOR_US (90 * USEC_MS)

/*
 * Radio links stop for some tenths of a second at every hand-over and come back; a wire that is silent is cut.  The
 * figures are pseudo-observations; a few real ones outweigh them.
 */
static const struct spells_prior radio_silences = {.ended = {2, 2, 4, 2, 1}, .lasting = 4};
static const struct spells_prior wire_silences = {.lasting = 4};
static const struct spells_prior bad_spells = {.lasting = 4};

#define RADIO_BAD 5 /* bad moments of radio links are many and short */

bool baseline_radio(enum link_kind kind)
{
	return kind == LINK_KIND_STARLINK || kind == LINK_KIND_CELLULAR || kind == LINK_KIND_WIFI;
}

static const struct spells_prior *silence_prior(enum link_kind kind)
{
	switch (kind) {
	case LINK_KIND_STARLINK:
	case LINK_KIND_CELLULAR:
	case LINK_KIND_WIFI:
		return &radio_silences;
	case LINK_KIND_OTHER:
	case LINK_KIND_WIRED:
	case LINK_KIND_VPN:
	case LINK_KIND_COUNT:
		break;
	}
	return &wire_silences;
}

static void settle(struct baseline *b, const struct policy *policy)
{
	uint32_t lost = b->burst_lost_q + PRIOR_BURST_LOST,
		 ended = b->burst_ended_q + PRIOR_BURST_ENDED;
	uint32_t ppm = imath_ratio_ppm(lost, lost + ended);

	b->learned.burst_ppm = (uint32_t)usec_clamp(ppm, BURST_PPM_MIN, BURST_PPM_MAX);
	b->patience_us = spells_patience_us(&b->learned.silence, silence_prior(b->kind),
		PATIENCE_FLOOR_US, policy->switch_cost_us);
	b->bad_patience_us = spells_patience_us(&b->learned.bad, &bad_spells,
		policy->bad_hold_us * (baseline_radio(b->kind) ? RADIO_BAD : 1),
		policy->switch_cost_us);
}

void baseline_init(struct baseline *b, const struct policy *policy)
{
	memset(b, 0, sizeof(*b));
	b->learned.rtt_us = -1;
	b->learned.loss_ppm = 2000;
	settle(b, policy);
}

void baseline_restore(struct baseline *b, const struct path_learned *learned,
	const struct policy *policy)
{
	uint32_t ppm = (uint32_t)usec_clamp(learned->burst_ppm, BURST_PPM_MIN, BURST_PPM_MAX);

	b->learned = *learned;
	b->learned.loss_ppm = (uint32_t)usec_clamp(learned->loss_ppm, 0, LOSS_PPM_MAX);
	b->learned.rtt_us = usec_clamp(learned->rtt_us, -1, 10 * USEC_S);
	b->learned.rtt_var_us = usec_clamp(learned->rtt_var_us, 0, 10 * USEC_S);
	/* the ratio as it was, with the weight of ten observations */
	b->burst_lost_q = 10 * UNIT * (ppm / 1000) / 1000;
	b->burst_ended_q = 10 * UNIT - b->burst_lost_q;
	settle(b, policy);
}

void baseline_set_kind(struct baseline *b, enum link_kind kind, const struct policy *policy)
{
	b->kind = kind;
	settle(b, policy);
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

static void add_burst(struct baseline *b, uint32_t lost)
{
	uint32_t followed = lost - 1 < BURST_MOST ? lost - 1 : BURST_MOST;

	b->burst_lost_q += followed * UNIT;
	b->burst_ended_q += UNIT;
	if (b->burst_lost_q + b->burst_ended_q > BURST_MEMORY) {
		b->burst_lost_q /= 2;
		b->burst_ended_q /= 2;
	}
}

void baseline_add_silence(struct baseline *b, int64_t length_us, uint32_t lost, bool died,
	const struct policy *policy)
{
	/* what was called death says nothing of how the living line loses */
	if (!died)
		add_burst(b, lost);
	if (lost > 1)
		spells_add(&b->learned.silence, length_us);
	settle(b, policy);
}

void baseline_add_death(struct baseline *b, const struct policy *policy)
{
	spells_add_lasting(&b->learned.silence);
	settle(b, policy);
}

void baseline_add_bad(struct baseline *b, int64_t length_us, const struct policy *policy)
{
	spells_add(&b->learned.bad, length_us);
	settle(b, policy);
}

int64_t baseline_timeout_us(const struct baseline *b, int64_t floor_us, int64_t max_us)
{
	const struct path_learned *l = &b->learned;

	if (l->rtt_us < 0)
		return max_us;
	return usec_clamp(l->rtt_us + usec_max(4 * l->rtt_var_us, l->rtt_us / 8), floor_us, max_us);
}
