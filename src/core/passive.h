/*
 * What a link's packet counters tell without a probe: how much traffic there is, whether it is answered, and whether we
 * are the ones who fill the line.  One per path.  The load is the link's; packets too, as long as the kernel counts both
 * families together (core/apart.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/input.h"

struct passive {
	bool known; /* last holds a reading */
	struct input_counters last;
	int64_t read_us;         /* time of last */
	int64_t asked_us;        /* a reading was asked for and has not come; 0: none */
	uint32_t own_tx, own_rx; /* packets of our probes since last */
	uint32_t
		late_tx; /* sent since asked_us: not in the reading that is to come, but in the one after */
	uint32_t other_tx, other_rx; /* the same of the link's other family */
	bool apart;                  /* what follows of packets is of this family alone */

	int64_t tx_bps, rx_bps;           /* smoothed over about half a second */
	int64_t tx_mean_bps, rx_mean_bps; /* smoothed over about two seconds */
	int64_t tx_peak_bps, rx_peak_bps; /* the most of these, decaying by half in ten minutes */
	int64_t busy_us;                  /* when users' packets were last sent */

	/* load that the link has borne well: no delay, no loss.  In stretches of some seconds, the best of them kept */
	int64_t stretch_us; /* when the present stretch began; 0: none */
	int64_t borne_tx_bytes, borne_rx_bytes;
	int64_t borne_tx_bps, borne_rx_bps; /* decaying by half in some hours */
	int64_t loaded_us;                  /* when passive_loaded() was true last; 0: never */
	int64_t loaded_since_us;            /* since when, breaks of some seconds apart */

	/* silence of the users' traffic */
	int64_t received_us; /* time of the reading that last showed a packet received */
	int64_t unanswered_us; /* since when packets have been sent and nothing came back; 0: not so */
	uint32_t unanswered; /* packets sent since then */
	int64_t gap_us; /* usual longest time without a packet received while sending, learned */

	/* share that comes back, over windows of about half a second */
	int64_t share_us;
	uint32_t share_tx, share_rx, share_own;
	int64_t long_us; /* the same over windows of some seconds, for small losses */
	uint32_t long_tx, long_rx;
	uint32_t
		long_lacking; /* of a thousand sent, how many the last whole long window lacks against the usual share */
	uint32_t share_ppm; /* of the last whole window; 1000000 or more: as usual or better */
	uint32_t usual_ppm; /* learned; 0: not known */
};

/* A probe is sent. */
void passive_sent(struct passive *p);

/* Takes a reading of a link that has one family only. */
void passive_read(struct passive *p, const struct input_counters *c, int64_t now_us);

/* Of both paths of a link.  apart: the packets of each family are known, of this reading and the last. */
void passive_read_both(struct passive family[FAMILY_COUNT], const struct input_counters *c,
	bool apart, int64_t now_us);

/* Packets have gone unanswered for longer than this link's traffic ever leaves them. */
bool passive_silent(const struct passive *p, int64_t now_us, int64_t timeout_us);

/* How many answers to users' packets are overdue by now: each is as good as a lost probe.  rtt_us: usual round trip. */
uint32_t passive_overdue(const struct passive *p, int64_t now_us, int64_t rtt_us,
	int64_t timeout_us);

/* A suspicion raised by passive_silent() was wrong: such gaps are usual here. */
void passive_forgive(struct passive *p, int64_t now_us);

/* Clearly fewer packets come back than usual. */
bool passive_thinned(const struct passive *p, int64_t now_us);

/* A fifth of them is missing, or more. */
bool passive_lacking(const struct passive *p, int64_t now_us);

/* A few in a hundred fewer than usual, over some seconds of steady traffic. */
bool passive_frayed(const struct passive *p, int64_t now_us);

/* Users send within the last second. */
bool passive_busy(const struct passive *p, int64_t now_us);

/* Whether one of the link's paths is without loss and delay just now: then what it carries is no strain to it. */
void passive_judge(struct passive *p, bool well, int64_t now_us);

/* Our own traffic is near the most this link has ever carried, either way: there may be a queue. */
bool passive_loaded(const struct passive *p, int64_t now_us);

/*
 * And it is clearly more than the link has borne well: delay and loss are of our own making.  A steady load that was no strain
 * before does not become one: then the link has changed.
 */
bool passive_strained(const struct passive *p, int64_t now_us);

/* Loaded just now or some seconds ago: the queue may still be there. */
bool passive_loaded_lately(const struct passive *p, int64_t now_us);

/* It has just begun: a queue is filling, and what enters it now comes out later than anything has before. */
bool passive_load_begins(const struct passive *p, int64_t now_us);
