#include "core/passive.h"

#include <string.h>

#include "base/imath.h"
#include "base/usec.h"

#define PROBE_BYTES                                                                                \
	90 /* our own probes are about so long; what matters is that a burst of them is not taken for load */
#define RATE_US (400 * USEC_MS)
#define MEAN_US (2 * USEC_S)
#define SHARE_WINDOW_US (400 * USEC_MS)
#define LONG_WINDOW_US (1500 * USEC_MS)
#define LONG_PACKETS 50
#define FIRST_PACKETS 8
#define SHARE_PACKETS 15 /* fewer say nothing about a share */
#define THINNED_PPM 850000
#define LACKING_PPM 800000
#define FRAYED_PERMILLE 20
#define GAP_FLOOR_US                                                                               \
	(25 * USEC_MS) /* nothing shorter is ever a silence: readings are 10-20 ms apart */
#define GAP_MAX_US (10 * USEC_S)
#define UNANSWERED_MIN 3
#define STEADY_PPM                                                                                 \
	300000 /* three answers to ten packets: TCP with delayed acknowledgements has five */
#define DENSE_US (150 * USEC_MS)
#define FLOWING_US (200 * USEC_MS)
#define BUSY_US USEC_S
#define LOAD_BPS_MIN                                                                               \
	500000 /* under half a megabit a second nobody fills a line worth failing over to */
#define BORNE_US (4 * USEC_S) /* a queue that fills has shown itself by then */
#define BEGINS_US USEC_S
#define LATELY_US (5 * USEC_S)
#define BORNE_DECAY 4096 /* stretches: e-fold in four and a half hours */
#define STALE_US (2 * USEC_S)
#define BPS_MAX (INT64_C(1) << 42) /* no link is faster; keeps the average in range */

static int64_t smooth(int64_t old, int64_t new, int64_t took_us, int64_t over_us)
{
	int64_t new_us = usec_min(took_us, over_us);

	return (old * (over_us - new_us) + new *new_us) / over_us;
}

static void rates(struct passive *p, int64_t tx_bytes, int64_t rx_bytes, int64_t took_us)
{
	int64_t tx_bps = usec_min(tx_bytes * 8 * USEC_S / took_us, BPS_MAX);
	int64_t rx_bps = usec_min(rx_bytes * 8 * USEC_S / took_us, BPS_MAX);
	int64_t decay = 800 * USEC_S / usec_max(took_us, USEC_MS); /* about ln 2 in ten minutes */

	p->tx_bps = smooth(p->tx_bps, tx_bps, took_us, RATE_US);
	p->rx_bps = smooth(p->rx_bps, rx_bps, took_us, RATE_US);
	p->tx_mean_bps = smooth(p->tx_mean_bps, tx_bps, took_us, MEAN_US);
	p->rx_mean_bps = smooth(p->rx_mean_bps, rx_bps, took_us, MEAN_US);
	p->borne_tx_bytes += tx_bytes;
	p->borne_rx_bytes += rx_bytes;
	p->tx_peak_bps -= p->tx_peak_bps / usec_max(decay, 1);
	p->rx_peak_bps -= p->rx_peak_bps / usec_max(decay, 1);
	p->tx_peak_bps = usec_max(p->tx_peak_bps, p->tx_mean_bps);
	p->rx_peak_bps = usec_max(p->rx_peak_bps, p->rx_mean_bps);
}

/* Among many of our own probes the users' packets cannot be counted exactly. */
static bool countable(const struct passive *p)
{
	return p->share_own * 4 <= p->share_tx;
}

static void share(struct passive *p, uint32_t tx, uint32_t rx, uint32_t own, int64_t now_us)
{
	if (!p->share_us)
		p->share_us = now_us;
	p->share_tx += tx;
	p->share_rx += rx;
	p->share_own += own;
	/* traffic has just begun here: a first idea of its share is wanted at once */
	if (!p->usual_ppm && p->share_tx >= FIRST_PACKETS && p->share_rx && countable(p))
		p->usual_ppm =
			(uint32_t)usec_min(imath_ratio_ppm(p->share_rx, p->share_tx), 4000000);
	if (now_us - p->share_us < SHARE_WINDOW_US)
		return;
	p->share_ppm = 0;
	if (p->share_tx >= SHARE_PACKETS && countable(p)) {
		uint32_t ppm =
			(uint32_t)usec_min(imath_ratio_ppm(p->share_rx, p->share_tx), 4000000);

		if (!p->usual_ppm)
			p->usual_ppm = ppm;
		p->share_ppm =
			p->usual_ppm ? (uint32_t)((uint64_t)ppm * 1000000 / p->usual_ppm) : 0;
		p->usual_ppm =
			(uint32_t)imath_average(p->usual_ppm, ppm, ppm > p->usual_ppm ? 1 : 5);
	}
	p->share_us = now_us;
	p->share_tx = p->share_rx = p->share_own = 0;
}

static void share_long(struct passive *p, uint32_t tx, uint32_t rx, int64_t now_us)
{
	uint64_t expected;

	if (!p->long_us)
		p->long_us = now_us;
	p->long_tx += tx;
	p->long_rx += rx;
	if (now_us - p->long_us < LONG_WINDOW_US)
		return;
	expected = (uint64_t)p->long_tx * (uint64_t)usec_min(p->usual_ppm, 1000000) / 1000000;
	p->long_lacking = p->long_tx >= LONG_PACKETS && expected > p->long_rx
				  ? (uint32_t)(expected - p->long_rx) * 1000 / p->long_tx
				  : 0;
	p->long_us = now_us;
	p->long_tx = p->long_rx = 0;
}

/* Answers were arriving when the present silence began: it is no beginning that waits for its first round trip. */
static bool was_flowing(const struct passive *p)
{
	return p->unanswered_us && p->received_us &&
	       p->unanswered_us - p->received_us <= FLOWING_US;
}

bool passive_busy(const struct passive *p, int64_t now_us)
{
	return p->busy_us && now_us - p->busy_us < BUSY_US;
}

static void silence(struct passive *p, uint32_t tx, uint32_t rx, int64_t before_us, int64_t now_us)
{
	if (tx)
		p->busy_us = now_us;
	/* a link that is read rarely is not used: what began before is over, moved elsewhere or not */
	if (now_us - before_us > DENSE_US) {
		p->unanswered_us = 0;
		p->unanswered = 0;
		if (rx)
			p->received_us = now_us;
		return;
	}
	if (rx) {
		int64_t gap_us = now_us - (p->unanswered_us ? p->unanswered_us : before_us);

		/* up at once, down slowly: the usual gap is near the longest one */
		if ((tx && !p->unanswered_us) || was_flowing(p)) {
			p->gap_us =
				gap_us > p->gap_us ? gap_us : imath_average(p->gap_us, gap_us, 5);
			p->gap_us = usec_clamp(p->gap_us, 0, GAP_MAX_US);
		}
		p->received_us = now_us;
		p->unanswered_us = 0;
		p->unanswered = 0;
	} else if (tx) {
		if (!p->unanswered_us)
			p->unanswered_us = before_us;
		p->unanswered += tx;
	}
}

static bool near_most(int64_t bps, int64_t peak_bps)
{
	return bps >= LOAD_BPS_MIN && bps >= peak_bps * 6 / 10;
}

bool passive_loaded(const struct passive *p, int64_t now_us)
{
	return now_us - p->read_us < STALE_US &&
	       (near_most(p->tx_bps, p->tx_peak_bps) || near_most(p->rx_bps, p->rx_peak_bps));
}

bool passive_strained(const struct passive *p, int64_t now_us)
{
	return now_us - p->read_us < STALE_US &&
	       ((near_most(p->tx_bps, p->tx_peak_bps) &&
			p->tx_mean_bps > p->borne_tx_bps * 3 / 2) ||
		       (near_most(p->rx_bps, p->rx_peak_bps) &&
			       p->rx_mean_bps > p->borne_rx_bps * 3 / 2));
}

bool passive_loaded_lately(const struct passive *p, int64_t now_us)
{
	return p->loaded_us && now_us - p->loaded_us < LATELY_US;
}

bool passive_load_begins(const struct passive *p, int64_t now_us)
{
	return passive_loaded_lately(p, now_us) && now_us - p->loaded_since_us < BEGINS_US;
}

/* Packets that were somebody's, not ours. */
static uint32_t users(uint64_t packets, uint32_t own)
{
	packets = packets > own ? packets - own : 0;
	return (uint32_t)(packets < 1000000 ? packets : 1000000);
}

/* From here on the packets are others: what was usual of those before says nothing of these. */
static void set_apart(struct passive *p, bool apart)
{
	if (p->apart == apart)
		return;
	p->apart = apart;
	p->share_us = p->long_us = 0;
	p->share_tx = p->share_rx = p->share_own = p->long_tx = p->long_rx = 0;
	p->share_ppm = p->usual_ppm = p->long_lacking = 0;
	/* a family's gaps are no shorter than the link's */
	if (!apart)
		return;
	p->received_us = p->unanswered_us = p->gap_us = 0;
	p->unanswered = 0;
}

static bool steady(const struct passive *p)
{
	return p->usual_ppm > STEADY_PPM && p->gap_us && was_flowing(p);
}

static void packets(struct passive *p, const struct input_counters *c, enum family family,
	int64_t now_us)
{
	const struct input_counters *last = &p->last;
	uint32_t own_tx = p->own_tx + p->other_tx, own_rx = p->own_rx + p->other_rx;
	uint32_t tx = users(c->tx_packets - last->tx_packets, own_tx);
	uint32_t rx = users(c->rx_packets - last->rx_packets, own_rx), of_link_rx = rx;

	if (p->apart) {
		own_tx = p->own_tx;
		tx = users(imath_rise(c->tx_of[family], last->tx_of[family]), own_tx);
		rx = users(imath_rise(c->rx_of[family], last->rx_of[family]), p->own_rx);
	}
	share(p, tx, rx, own_tx, now_us);
	share_long(p, tx, rx, now_us);
	silence(p, tx, rx, p->read_us, now_us);
	/* one family's few packets may well be owed no answer while the link is alive: a stream that was answered is */
	if (p->apart && of_link_rx && !steady(p)) {
		p->unanswered_us = 0;
		p->unanswered = 0;
	}
}

static void read_path(struct passive *p, const struct input_counters *c, enum family family,
	bool apart, int64_t now_us)
{
	const struct input_counters *last = &p->last;
	int64_t took_us = now_us - p->read_us;
	bool usable = p->known && c->tx_packets >= last->tx_packets &&
		      c->rx_packets >= last->rx_packets && c->tx_bytes >= last->tx_bytes &&
		      c->rx_bytes >= last->rx_bytes && took_us > 0;

	set_apart(p, apart);
	if (usable) {
		int64_t tx_bytes = (int64_t)(c->tx_bytes - last->tx_bytes);
		int64_t rx_bytes = (int64_t)(c->rx_bytes - last->rx_bytes);
		int64_t own_tx = (int64_t)p->own_tx + p->other_tx;
		int64_t own_rx = (int64_t)p->own_rx + p->other_rx;

		/* a jump beyond any link's speed is somebody's reset of the counters */
		tx_bytes = usec_clamp(tx_bytes - own_tx * PROBE_BYTES, 0, INT64_C(1) << 36);
		rx_bytes = usec_clamp(rx_bytes - own_rx * PROBE_BYTES, 0, INT64_C(1) << 36);
		rates(p, tx_bytes, rx_bytes, took_us);
		packets(p, c, family, now_us);
	} else {
		p->unanswered_us = 0;
		p->unanswered = 0;
	}
	p->known = true;
	p->last = *c;
	p->read_us = now_us;
	if (passive_loaded(p, now_us)) {
		if (!passive_loaded_lately(p, now_us))
			p->loaded_since_us = now_us;
		p->loaded_us = now_us;
	}
	p->asked_us = 0;
	p->own_tx = p->late_tx;
	p->late_tx = p->own_rx = p->other_tx = p->other_rx = 0;
}

void passive_sent(struct passive *p)
{
	if (p->asked_us)
		p->late_tx++;
	else
		p->own_tx++; /* what follows upon an answer is counted then */
}

void passive_read(struct passive *p, const struct input_counters *c, int64_t now_us)
{
	read_path(p, c, FAMILY_IPV4, false, now_us);
}

void passive_read_both(struct passive family[FAMILY_COUNT], const struct input_counters *c,
	bool apart, int64_t now_us)
{
	for (unsigned f = 0; f < FAMILY_COUNT; f++) {
		family[f].other_tx = family[f ^ 1U].own_tx;
		family[f].other_rx = family[f ^ 1U].own_rx;
	}
	for (unsigned f = 0; f < FAMILY_COUNT; f++)
		read_path(&family[f], c, (enum family)f, apart, now_us);
}

bool passive_silent(const struct passive *p, int64_t now_us, int64_t timeout_us)
{
	int64_t usual_us = usec_max(3 * p->gap_us / 2, GAP_FLOOR_US);

	if (!p->unanswered_us || now_us - p->read_us > STALE_US)
		return false;
	/* a steady stream: shorter than a round trip already tells; a few packets: a whole time-out */
	if (p->unanswered >= UNANSWERED_MIN && steady(p))
		return now_us - p->unanswered_us >= usual_us;
	return p->unanswered &&
	       now_us - p->unanswered_us >= usec_max(usual_us, timeout_us + timeout_us / 2);
}

void passive_forgive(struct passive *p, int64_t now_us)
{
	if (was_flowing(p))
		p->gap_us = usec_clamp(now_us - p->unanswered_us, p->gap_us, GAP_MAX_US);
}

bool passive_thinned(const struct passive *p, int64_t now_us)
{
	return p->share_ppm && p->share_ppm < THINNED_PPM && now_us - p->read_us < STALE_US;
}

bool passive_lacking(const struct passive *p, int64_t now_us)
{
	return passive_thinned(p, now_us) && p->share_ppm < LACKING_PPM;
}

uint32_t passive_overdue(const struct passive *p, int64_t now_us, int64_t rtt_us,
	int64_t timeout_us)
{
	int64_t silent_us = now_us - p->unanswered_us;
	/* the first unanswered packet left a round trip before the last answer came */
	int64_t overdue_us = silent_us + rtt_us - timeout_us;

	if (!p->unanswered_us || p->usual_ppm < STEADY_PPM || silent_us <= 0 || overdue_us <= 0)
		return 0;
	return (uint32_t)((int64_t)p->unanswered * overdue_us / silent_us *
			  usec_min(p->usual_ppm, 1000000) / 1000000);
}

bool passive_frayed(const struct passive *p, int64_t now_us)
{
	return p->long_lacking >= FRAYED_PERMILLE && now_us - p->read_us < STALE_US;
}

static int64_t borne(int64_t before_bps, int64_t bytes, int64_t took_us)
{
	int64_t bps = usec_min(bytes * 8 / (took_us / USEC_MS) * 1000, BPS_MAX);

	return usec_max(before_bps - before_bps / BORNE_DECAY, bps);
}

void passive_judge(struct passive *p, bool well, int64_t now_us)
{
	int64_t took_us = now_us - p->stretch_us;

	if (well && p->stretch_us && took_us < BORNE_US)
		return;
	if (well && p->stretch_us) {
		p->borne_tx_bps = borne(p->borne_tx_bps, p->borne_tx_bytes, took_us);
		p->borne_rx_bps = borne(p->borne_rx_bps, p->borne_rx_bytes, took_us);
	}
	p->stretch_us = now_us;
	p->borne_tx_bytes = p->borne_rx_bytes = 0;
}
