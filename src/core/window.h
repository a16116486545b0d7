/*
 * The probes of one path, newest last: those under way and those that ended.  Loss is judged when it is read, so a
 * late reply still takes its loss back.  Fixed size: the oldest is forgotten, under way or not.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/policy.h"

#define WINDOW_SIZE 256 /* a power of two: a probe's number holds its place */

enum probe_state {
	PROBE_STATE_NONE,
	PROBE_STATE_PENDING,
	PROBE_STATE_ANSWERED,
	PROBE_STATE_MISSED,  /* its time-out is over; an answer may still come */
	PROBE_STATE_IGNORED, /* says nothing of the path: not sent, or its target is at fault */
};

struct window_probe {
	int64_t sent_us;
	int64_t deadline_us;
	uint32_t probe;  /* its number; 0: none */
	uint32_t rtt_us; /* answered only */
	uint8_t state;   /* enum probe_state */
	uint8_t method;  /* enum probe_method */
	uint8_t target;
	bool judged;    /* its miss has been held against its service */
	bool blamed;    /* and against its target */
	bool heartbeat; /* sent by the clock, not because of a suspicion: unbiased */
};

struct window {
	struct window_probe ring[WINDOW_SIZE];
	uint32_t
		next; /* count of all probes ever; next & (WINDOW_SIZE - 1) is the place of the next */
	uint32_t first_open; /* nothing before it is pending */
};

/* Loss and delay of the probes that ended, newest first, back to some age or count. */
struct window_stats {
	uint32_t n, lost;
	uint32_t method_n[PROBE_METHOD_COUNT], method_lost[PROBE_METHOD_COUNT];
	int64_t rtt_us; /* median of the newest answers; -1: none */
	int64_t jitter_us; /* mean absolute difference of neighbours (RFC 3550 §6.4.1); -1: fewer than two */
};

struct window_probe *window_add(struct window *w, int64_t now_us);
struct window_probe *window_find(struct window *w, uint32_t probe); /* NULL when forgotten */

/* The next pending probe whose deadline is over, or NULL; mark it before asking again. */
struct window_probe *window_expired(struct window *w, int64_t now_us);

/* The earliest deadline of the pending ones; USEC_NEVER when nothing is under way. */
int64_t window_deadline_us(const struct window *w);

/* Of the other probes sent within span_us of this one to other targets (or, by_method, by other methods): how many were
   answered, and how many missed.  Answers mean that the path was well at that moment. */
struct window_company {
	unsigned answered, missed;
};
struct window_company window_company(const struct window *w, const struct window_probe *p,
	int64_t span_us, bool by_method);

/* The next answered or missed probe that can prove a path, in the order of sending from *cursor on (a count like next);
   NULL when there is none or its fate is still open. */
const struct window_probe *window_next_ended(const struct window *w, uint32_t *cursor);

/* The same, but what was missed is open for as long again as its time-out was: what comes late was not lost. */
const struct window_probe *window_next_settled(const struct window *w, uint32_t *cursor,
	int64_t now_us);

/* The i-th newest probe, 0 first; NULL when there is none. */
const struct window_probe *window_newest(const struct window *w, unsigned i);
struct window_probe *window_recent(struct window *w, unsigned i); /* the same, to be marked */

/*
 * Only methods that prove the path are counted (ICMP, TCP, DNS); at most max_n of them, none sent before since_us.
 * unfit[target][method] >= limit: left out, that target's misses are its own.  So are those of a
 * target that loses three times what the others do, where at least three were asked: a path loses alike to all.  Of losses in a row the first two count: a
 * short silence, during which many probes were sent, is no proof of a high loss.
 */
void window_read(const struct window *w, int64_t since_us, unsigned max_n,
	const uint8_t unfit[TARGETS_MAX][PROBE_METHOD_COUNT], uint8_t limit,
	struct window_stats *ret);
