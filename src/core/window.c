#include "core/window.h"

#include <string.h>

#include "base/imath.h"
#include "base/usec.h"

#define PLACE(n) ((n) & (WINDOW_SIZE - 1))
#define RUN_MAX                                                                                    \
	2 /* losses in a row that count as loss; longer runs are a silence, and judged as such */
#define MEDIAN_OF 15 /* answers that the median and the jitter are taken from */

struct window_probe *window_add(struct window *w, int64_t now_us)
{
	struct window_probe *p = &w->ring[PLACE(w->next)];

	memset(p, 0, sizeof(*p));
	w->next++;
	if (w->next - w->first_open > WINDOW_SIZE)
		w->first_open = w->next - WINDOW_SIZE;
	p->probe = w->next; /* from 1 */
	p->sent_us = now_us;
	p->state = PROBE_STATE_PENDING;
	return p;
}

struct window_probe *window_find(struct window *w, uint32_t probe)
{
	struct window_probe *p = &w->ring[PLACE(probe - 1)];

	return probe && p->probe == probe ? p : NULL;
}

struct window_probe *window_expired(struct window *w, int64_t now_us)
{
	bool open = false;

	for (uint32_t n = w->first_open; n != w->next; n++) {
		struct window_probe *p = &w->ring[PLACE(n)];

		if (p->state != PROBE_STATE_PENDING) {
			if (!open)
				w->first_open = n + 1;
			continue;
		}
		open = true;
		if (p->deadline_us <= now_us)
			return p;
	}
	return NULL;
}

int64_t window_deadline_us(const struct window *w)
{
	int64_t least = USEC_NEVER;

	for (uint32_t n = w->first_open; n != w->next; n++) {
		const struct window_probe *p = &w->ring[PLACE(n)];

		if (p->state == PROBE_STATE_PENDING)
			least = usec_min(least, p->deadline_us);
	}
	return least;
}

struct window_company window_company(const struct window *w, const struct window_probe *p,
	int64_t span_us, bool by_method)
{
	struct window_company c = {0, 0};
	const struct window_probe *q;

	for (unsigned i = 0; (q = window_newest(w, i)) && q->sent_us >= p->sent_us - span_us; i++) {
		if (q->sent_us > p->sent_us + span_us || q->method == PROBE_NEIGHBOUR ||
			(by_method ? q->method == p->method : q->target == p->target))
			continue;
		c.answered += q->state == PROBE_STATE_ANSWERED;
		c.missed += q->state == PROBE_STATE_MISSED;
	}
	return c;
}

struct window_probe *window_recent(struct window *w, unsigned i)
{
	return i < WINDOW_SIZE && i < w->next ? &w->ring[PLACE(w->next - 1 - i)] : NULL;
}

const struct window_probe *window_newest(const struct window *w, unsigned i)
{
	if (i >= WINDOW_SIZE || i >= w->next)
		return NULL;
	return &w->ring[PLACE(w->next - 1 - i)];
}

/* Insertion sort: n is small. */
static uint32_t median(uint32_t v[], unsigned n)
{
	for (unsigned i = 1; i < n; i++) {
		uint32_t x = v[i];
		unsigned k = i;

		for (; k && v[k - 1] > x; k--)
			v[k] = v[k - 1];
		v[k] = x;
	}
	return v[n / 2];
}

static bool proves_path(uint8_t method)
{
	return method == PROBE_ICMP || method == PROBE_TCP || method == PROBE_DNS;
}

/* Is nothing more to be expected of it?  An answer may be late: it gets its time-out once more. */
static bool ended(const struct window_probe *p, int64_t late_us)
{
	return p->state != PROBE_STATE_PENDING &&
	       (p->state != PROBE_STATE_MISSED ||
		       p->deadline_us + (p->deadline_us - p->sent_us) <= late_us);
}

static const struct window_probe *next_ended(const struct window *w, uint32_t *cursor,
	int64_t late_us)
{
	if (w->next - *cursor > WINDOW_SIZE)
		*cursor = w->next - WINDOW_SIZE;
	while (*cursor != w->next) {
		const struct window_probe *p = &w->ring[PLACE(*cursor)];

		if (proves_path(p->method) && !ended(p, late_us))
			return NULL;
		++*cursor;
		if (proves_path(p->method) &&
			(p->state == PROBE_STATE_ANSWERED || p->state == PROBE_STATE_MISSED))
			return p;
	}
	return NULL;
}

const struct window_probe *window_next_ended(const struct window *w, uint32_t *cursor)
{
	return next_ended(w, cursor, USEC_NEVER);
}

const struct window_probe *window_next_settled(const struct window *w, uint32_t *cursor,
	int64_t now_us)
{
	return next_ended(w, cursor, now_us);
}

struct selection {
	int64_t since_us;
	unsigned max_n;
	const uint8_t (*unfit)[PROBE_METHOD_COUNT];
	uint8_t limit;
	unsigned without; /* a target; TARGETS_MAX: none */
};

/* The next probe that counts, from the i-th newest on; NULL at the end. */
static const struct window_probe *select_next(const struct window *w, const struct selection *s,
	unsigned *i)
{
	const struct window_probe *p;

	while ((p = window_newest(w, *i)) && p->sent_us >= s->since_us) {
		++*i;
		if (proves_path(p->method) && p->target != s->without && p->target < TARGETS_MAX &&
			(p->state == PROBE_STATE_ANSWERED || p->state == PROBE_STATE_MISSED) &&
			s->unfit[p->target][p->method] < s->limit)
			return p;
	}
	return NULL;
}

/* The one target that loses far more than the others together; TARGETS_MAX: none does. */
static unsigned worst_target(const struct window *w, const struct selection *s)
{
	uint32_t n[TARGETS_MAX] = {0}, lost[TARGETS_MAX] = {0}, all = 0, all_lost = 0;
	unsigned targets = 0, worst = TARGETS_MAX;
	const struct window_probe *p;

	for (unsigned i = 0; all < s->max_n && (p = select_next(w, s, &i)); all++) {
		targets += !n[p->target];
		n[p->target]++;
		lost[p->target] += p->state == PROBE_STATE_MISSED;
		all_lost += p->state == PROBE_STATE_MISSED;
	}
	for (unsigned t = 0; targets >= 3 && t < TARGETS_MAX; t++)
		if (lost[t] > 1 && (worst == TARGETS_MAX || (uint64_t)lost[t] * n[worst] >
								    (uint64_t)lost[worst] * n[t]))
			worst = t;
	/* chance alone makes one the worst: it must lose a third of all, and three times what the others do */
	if (worst < TARGETS_MAX && 3 * lost[worst] < n[worst])
		worst = TARGETS_MAX;
	if (worst < TARGETS_MAX && (uint64_t)lost[worst] * (all - n[worst]) <
					   3 * (uint64_t)(all_lost - lost[worst]) * n[worst])
		worst = TARGETS_MAX;
	return worst;
}

void window_read(const struct window *w, int64_t since_us, unsigned max_n,
	const uint8_t unfit[TARGETS_MAX][PROBE_METHOD_COUNT], uint8_t limit,
	struct window_stats *ret)
{
	struct selection s = {since_us, max_n, unfit, limit, TARGETS_MAX};
	uint32_t rtt[MEDIAN_OF], previous[PROBE_METHOD_COUNT] = {0};
	uint64_t difference = 0;
	unsigned answers = 0, differences = 0, run = 0;
	const struct window_probe *p;

	s.without = worst_target(w, &s);
	memset(ret, 0, sizeof(*ret));
	for (unsigned i = 0; ret->n < max_n && (p = select_next(w, &s, &i));) {
		run = p->state == PROBE_STATE_MISSED ? run + 1 : 0;
		if (run > RUN_MAX)
			continue;
		ret->n++;
		ret->method_n[p->method]++;
		if (p->state == PROBE_STATE_MISSED) {
			ret->lost++;
			ret->method_lost[p->method]++;
			continue;
		}
		if (answers == MEDIAN_OF)
			continue;
		/* methods have their own usual delay (a DNS server thinks), so neighbours are of one method */
		if (previous[p->method]) {
			difference += (uint64_t)imath_abs((int64_t)previous[p->method] - p->rtt_us);
			differences++;
		}
		previous[p->method] = p->rtt_us;
		rtt[answers++] = p->rtt_us;
	}
	ret->rtt_us = answers ? (int64_t)median(rtt, answers) : -1;
	ret->jitter_us = differences ? (int64_t)(difference / differences) : -1;
}
