/* What the links of a world do to packets. */
#include "sim/world_links.h"

#define PPM 1000000

static uint32_t draw32(struct world *w)
{
	/* xorshift64*, its upper half */
	w->random ^= w->random >> 12;
	w->random ^= w->random << 25;
	w->random ^= w->random >> 27;
	return (uint32_t)(w->random * UINT64_C(0x2545f4914f6cdd1d) >> 32);
}

uint32_t world_draw(struct world *w, uint32_t below)
{
	return (uint32_t)((uint64_t)draw32(w) * below >> 32);
}

const struct world_fault *world_fault_now(const struct world_link *l, enum fault_kind kind,
	int64_t at_us)
{
	for (unsigned i = 0; i < l->n_faults; i++) {
		const struct world_fault *f = &l->fault[i];

		if (f->kind == kind && at_us >= f->from_us && at_us < f->until_us)
			return f;
	}
	return NULL;
}

bool world_link_works(const struct world *w, unsigned link, int64_t at_us)
{
	const struct world_link *l = &w->link[link];

	return !world_fault_now(l, FAULT_BLACK_HOLE, at_us) &&
	       !world_fault_now(l, FAULT_SILENT, at_us) &&
	       !world_fault_now(l, FAULT_CARRIER, at_us);
}

/* One packet and its answer meet the line: is either lost? */
bool world_packet_lost(struct world *w, struct world_link *l, int64_t at_us)
{
	const struct world_fault *loss;

	if (l->in_burst)
		l->in_burst = world_draw(w, PPM) >= l->leave_burst_ppm;
	else if (l->enter_burst_ppm)
		l->in_burst = world_draw(w, PPM) < l->enter_burst_ppm;
	if (l->in_burst)
		return true;
	if (!l->n_faults)
		return false;
	if (world_fault_now(l, FAULT_BLACK_HOLE, at_us) ||
		world_fault_now(l, FAULT_SILENT, at_us) || world_fault_now(l, FAULT_CARRIER, at_us))
		return true;
	loss = world_fault_now(l, FAULT_LOSS, at_us);
	return loss && world_draw(w, PPM) < (uint32_t)loss->value;
}

/* An exponential variate without floating point. */
static int64_t exponential(struct world *w, int64_t mean)
{
	/* a geometric number of steps of an eighth has nearly that distribution */
	int64_t steps = 0;

	while (steps < 80 && draw32(w) > UINT32_C(504717990)) /* 1 - e^(-1/8) of 2^32 */
		steps++;
	return mean * steps / 8;
}

int64_t world_round_trip_us(struct world *w, struct world_link *l, int64_t at_us)
{
	const struct world_fault *delay =
		l->n_faults ? world_fault_now(l, FAULT_DELAY, at_us) : NULL;
	int64_t rtt_us = l->rtt_us + (delay ? delay->value : 0);

	return l->jitter_us ? rtt_us + exponential(w, l->jitter_us) : rtt_us;
}

static void answer_as_method(struct world *w, const struct world_link *l, int64_t now_us,
	const struct action_probe *a, struct input_sample *ret)
{
	const struct world_fault *f;

	switch ((enum probe_method)a->method) {
	case PROBE_ICMP:
		f = world_fault_now(l, FAULT_RATE_LIMIT, now_us);
		if (f && world_draw(w, PPM) < (uint32_t)f->value)
			ret->outcome = SAMPLE_LOST;
		break;
	case PROBE_BIG:
		f = world_fault_now(l, FAULT_MTU, now_us);
		if (f && a->size > f->value)
			ret->outcome = SAMPLE_LOST;
		break;
	case PROBE_DNS:
		if (world_fault_now(l, FAULT_DNS, now_us))
			ret->outcome = SAMPLE_LOST;
		break;
	case PROBE_HTTP:
		ret->detail = 20;
		if (world_fault_now(l, FAULT_PORTAL, now_us)) {
			ret->outcome = SAMPLE_PORTAL;
			ret->detail = 30;
		}
		break;
	case PROBE_TCP:
	case PROBE_NEIGHBOUR:
	case PROBE_METHOD_COUNT:
		break;
	}
	f = world_fault_now(l, FAULT_TARGET, now_us);
	if (f && a->target == f->value)
		ret->outcome = SAMPLE_LOST;
}

void world_probe(void *user, int64_t now_us, const struct action_probe *a, struct input_sample *ret)
{
	struct world *w = user;
	struct world_link *l = &w->link[path_link(a->path)];
	struct probe_size size = probe_size(a);

	ret->outcome = SAMPLE_ANSWERED;
	if (a->method == PROBE_NEIGHBOUR) {
		ret->rtt_us = 500;
		if (world_fault_now(l, FAULT_SILENT, now_us) ||
			world_fault_now(l, FAULT_CARRIER, now_us))
			ret->outcome = SAMPLE_LOST;
		return;
	}
	l->probes++;
	l->probe_bytes += size.out;
	probe_leaves(&l->counters, &size);
	ret->rtt_us = (uint32_t)world_round_trip_us(w, l, now_us);
	if (world_packet_lost(w, l, now_us))
		ret->outcome = SAMPLE_LOST;
	else if (l->n_faults)
		answer_as_method(w, l, now_us, a, ret);
	if (ret->outcome == SAMPLE_LOST) {
		l->probes_lost++;
		return;
	}
	l->probe_bytes += size.back;
	probe_answers_add(&l->answers, &l->counters, now_us + ret->rtt_us, &size);
}

/* Counts in what the user has sent, and what has come back a round trip later. */
void world_count_user(struct world *w, unsigned link, int64_t now_us)
{
	struct world_link *l = &w->link[link];
	const struct world_fault *delay;
	int64_t gap_us, n, until_us;

	if (!l->user_pps || link != w->active) {
		l->sent_until_us = l->back_until_us = now_us;
		return;
	}
	gap_us = USEC_S / l->user_pps;
	n = now_us / gap_us - l->sent_until_us / gap_us;
	l->counters.tx_packets += (uint64_t)n;
	l->counters.tx_bytes += (uint64_t)n * 200;
	l->sent_until_us = now_us;
	delay = world_fault_now(l, FAULT_DELAY, now_us);
	until_us = now_us - l->rtt_us - (delay ? delay->value : 0);
	for (int64_t at = (l->back_until_us / gap_us + 1) * gap_us; at <= until_us; at += gap_us) {
		if (world_packet_lost(w, l, at))
			continue;
		l->counters.rx_packets++;
		l->counters.rx_bytes += 200;
	}
	l->back_until_us = usec_max(until_us, l->back_until_us);
}

void world_count(void *user, int64_t now_us, unsigned link, struct input_counters *ret)
{
	struct world *w = user;
	uint8_t slot = ret->link;

	if (link >= w->n_links)
		return;
	world_count_user(w, link, now_us);
	probe_answers_count(&w->link[link].answers, &w->link[link].counters, now_us);
	*ret = w->link[link].counters;
	ret->link = slot;
}
