#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/usec.h"
#include "core/window.h"

#define RTT_US (40U * 1000)
#define LIMIT 4

static struct window w;
static uint8_t unfit[TARGETS_MAX][PROBE_METHOD_COUNT];

static int fresh(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	memset(unfit, 0, sizeof(unfit));
	return 0;
}

static struct window_probe *add(int64_t at_us, enum probe_method method, unsigned target,
	enum probe_state state)
{
	struct window_probe *p = window_add(&w, at_us);

	p->method = (uint8_t)method;
	p->target = (uint8_t)target;
	p->deadline_us = at_us + 100 * USEC_MS;
	p->state = (uint8_t)state;
	p->rtt_us = state == PROBE_STATE_ANSWERED ? RTT_US : 0;
	return p;
}

static struct window_stats read_all(void)
{
	struct window_stats s;

	window_read(&w, 0, WINDOW_SIZE, unfit, LIMIT, &s);
	return s;
}

static void late_answer_takes_the_loss_back(void **state)
{
	uint32_t late;

	(void)state;
	add(USEC_S, PROBE_ICMP, 0, PROBE_STATE_ANSWERED);
	late = add(2 * USEC_S, PROBE_ICMP, 0, PROBE_STATE_MISSED)->probe;
	add(3 * USEC_S, PROBE_ICMP, 0, PROBE_STATE_ANSWERED);
	assert_int_equal(read_all().lost, 1);
	window_find(&w, late)->state = PROBE_STATE_ANSWERED;
	assert_int_equal(read_all().lost, 0);
	assert_int_equal(read_all().n, 3);
}

static void a_run_of_losses_counts_two(void **state)
{
	for (unsigned run = 0; run < 40; run++) {
		struct window_stats s;
		int64_t at_us = USEC_S;

		fresh(state);
		for (int i = 0; i < 5; i++)
			add(at_us++, PROBE_ICMP, 0, PROBE_STATE_ANSWERED);
		for (unsigned i = 0; i < run; i++)
			add(at_us++, PROBE_ICMP, 0, PROBE_STATE_MISSED);
		for (int i = 0; i < 5; i++)
			add(at_us++, PROBE_ICMP, 0, PROBE_STATE_ANSWERED);
		s = read_all();
		assert_int_equal(s.lost, run < 2 ? run : 2);
		assert_int_equal(s.n, 10 + s.lost);
	}
}

static void losses_apart_all_count(void **state)
{
	(void)state;
	for (int64_t i = 0; i < 30; i++)
		add(USEC_S + i, PROBE_ICMP, 0,
			i % 3 == 2 ? PROBE_STATE_MISSED : PROBE_STATE_ANSWERED);
	assert_int_equal(read_all().lost, 10);
	assert_int_equal(read_all().n, 30);
}

/* Ten probes to each target in turn; target t loses lost[t] of them, from its round 3 t on. */
static void a_target_that_stands_out_is_left_out(void **state)
{
	static const struct {
		unsigned targets;
		unsigned lost[3];
		uint32_t n, lost_read;
	} row[] = {
		{3, {0, 0, 5}, 20, 0},
		{3, {0, 0, 10}, 20, 0},
		{3, {2, 2, 2}, 30, 6},
		{3, {0, 0, 1}, 30, 1}, /* one loss is chance */
		{3, {0, 0, 3}, 30, 3}, /* less than a third of its own */
		{2, {0, 5, 0}, 20, 5}, /* of two nobody can tell whose fault it is */
		{3, {3, 3, 9}, 20, 6}, /* three times what the others lose */
		{3, {3, 3, 8}, 30, 14},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct window_stats s;

		fresh(state);
		for (unsigned round = 0; round < 10; round++)
			for (unsigned t = 0; t < row[i].targets; t++)
				add(USEC_S + round, PROBE_ICMP, t,
					(round + 10 - 3 * t) % 10 < row[i].lost[t]
						? PROBE_STATE_MISSED
						: PROBE_STATE_ANSWERED);
		s = read_all();
		assert_int_equal(s.n, row[i].n);
		assert_int_equal(s.lost, row[i].lost_read);
	}
}

static void unfit_targets_are_left_out_by_method(void **state)
{
	(void)state;
	add(USEC_S, PROBE_ICMP, 1, PROBE_STATE_MISSED);
	add(USEC_S, PROBE_TCP, 1, PROBE_STATE_MISSED);
	add(USEC_S, PROBE_ICMP, 0, PROBE_STATE_ANSWERED);
	unfit[1][PROBE_ICMP] = LIMIT - 1;
	assert_int_equal(read_all().lost, 2);
	unfit[1][PROBE_ICMP] = LIMIT;
	assert_int_equal(read_all().lost, 1);
	assert_int_equal(read_all().method_lost[PROBE_ICMP], 0);
	assert_int_equal(read_all().method_lost[PROBE_TCP], 1);
}

static void only_methods_that_prove_the_path_count(void **state)
{
	static const bool proves[PROBE_METHOD_COUNT] =
		{[PROBE_ICMP] = true, [PROBE_TCP] = true, [PROBE_DNS] = true};

	for (unsigned m = 0; m < PROBE_METHOD_COUNT; m++) {
		uint32_t cursor = 0;

		fresh(state);
		add(USEC_S, (enum probe_method)m, 0, PROBE_STATE_MISSED);
		assert_int_equal(read_all().n, proves[m]);
		assert_int_equal(window_next_ended(&w, &cursor) != NULL, proves[m]);
	}
}

static void what_is_open_or_ignored_is_no_loss(void **state)
{
	(void)state;
	add(USEC_S, PROBE_ICMP, 0, PROBE_STATE_PENDING);
	add(USEC_S, PROBE_ICMP, 0, PROBE_STATE_IGNORED);
	assert_int_equal(read_all().n, 0);
	assert_int_equal(read_all().rtt_us, -1);
	assert_int_equal(read_all().jitter_us, -1);
}

static void reads_no_further_than_asked(void **state)
{
	struct window_stats s;

	(void)state;
	for (int64_t i = 1; i <= 20; i++)
		add(i * USEC_S, PROBE_ICMP, 0,
			i <= 10 && i % 2 ? PROBE_STATE_MISSED : PROBE_STATE_ANSWERED);
	window_read(&w, 0, 7, unfit, LIMIT, &s);
	assert_int_equal(s.n, 7);
	assert_int_equal(s.lost, 0);
	window_read(&w, 9 * USEC_S, WINDOW_SIZE, unfit, LIMIT, &s);
	assert_int_equal(s.n, 12);
	assert_int_equal(s.lost, 1);
}

static void delay_is_the_median_and_jitter_the_mean_difference(void **state)
{
	static const uint32_t rtt_ms[] = {40, 50, 40, 900, 40};

	(void)state;
	for (size_t i = 0; i < sizeof(rtt_ms) / sizeof(rtt_ms[0]); i++)
		add(USEC_S, PROBE_ICMP, 0, PROBE_STATE_ANSWERED)->rtt_us = rtt_ms[i] * 1000;
	assert_int_equal(read_all().rtt_us, 40 * USEC_MS);
	assert_int_equal(read_all().jitter_us, (10 + 10 + 860 + 860) * USEC_MS / 4);
}

static void methods_with_delays_of_their_own_are_no_jitter(void **state)
{
	(void)state;
	for (int i = 0; i < 6; i++) {
		add(USEC_S, PROBE_ICMP, 0, PROBE_STATE_ANSWERED)->rtt_us = 20000;
		add(USEC_S, PROBE_DNS, 0, PROBE_STATE_ANSWERED)->rtt_us = 80000;
	}
	assert_int_equal(read_all().jitter_us, 0);
}

static void overdue_probes_come_oldest_first(void **state)
{
	struct window_probe *a, *c;

	(void)state;
	a = add(USEC_S, PROBE_ICMP, 0, PROBE_STATE_PENDING);
	add(USEC_S + 1, PROBE_ICMP, 0, PROBE_STATE_ANSWERED);
	c = add(USEC_S + 2, PROBE_ICMP, 0, PROBE_STATE_PENDING);
	assert_int_equal(window_deadline_us(&w), a->deadline_us);
	assert_null(window_expired(&w, a->deadline_us - 1));
	assert_ptr_equal(window_expired(&w, a->deadline_us), a);
	a->state = PROBE_STATE_MISSED;
	assert_null(window_expired(&w, a->deadline_us));
	assert_int_equal(window_deadline_us(&w), c->deadline_us);
	assert_ptr_equal(window_expired(&w, USEC_NEVER), c);
	c->state = PROBE_STATE_MISSED;
	assert_null(window_expired(&w, USEC_NEVER));
	assert_int_equal(window_deadline_us(&w), USEC_NEVER);
}

/* Time-outs differ: a later probe may be overdue first. */
static void a_patient_probe_does_not_hide_those_after_it(void **state)
{
	struct window_probe *b;

	(void)state;
	add(USEC_S, PROBE_ICMP, 0, PROBE_STATE_PENDING)->deadline_us = 9 * USEC_S;
	b = add(2 * USEC_S, PROBE_ICMP, 0, PROBE_STATE_PENDING);
	assert_int_equal(window_deadline_us(&w), b->deadline_us);
	assert_ptr_equal(window_expired(&w, 3 * USEC_S), b);
}

static void the_oldest_are_forgotten_when_the_ring_is_full(void **state)
{
	const uint32_t all = WINDOW_SIZE + 44;

	(void)state;
	for (uint32_t i = 1; i <= all; i++)
		add(i, PROBE_ICMP, 0, PROBE_STATE_PENDING);
	assert_null(window_find(&w, 0));
	assert_null(window_find(&w, 1));
	assert_null(window_find(&w, 44));
	assert_int_equal(window_find(&w, 45)->sent_us, 45);
	assert_int_equal(window_find(&w, all)->sent_us, all);
	assert_null(window_find(&w, all + 1));
	assert_null(window_find(&w, UINT32_MAX));
	assert_int_equal(window_newest(&w, 0)->probe, all);
	assert_int_equal(window_newest(&w, WINDOW_SIZE - 1)->probe, 45);
	assert_null(window_newest(&w, WINDOW_SIZE));
	/* those that are forgotten can no longer be overdue */
	assert_int_equal(window_expired(&w, USEC_NEVER)->probe, 45);
	assert_int_equal(window_deadline_us(&w), 45 + 100 * USEC_MS);
}

static void the_reader_jumps_over_what_is_forgotten(void **state)
{
	uint32_t cursor = 0, seen = 0;

	(void)state;
	for (uint32_t i = 1; i <= WINDOW_SIZE + 44; i++)
		add(i, PROBE_ICMP, 0, PROBE_STATE_ANSWERED);
	for (const struct window_probe *p; (p = window_next_ended(&w, &cursor)); seen++)
		assert_int_equal(p->probe, 45 + seen);
	assert_int_equal(seen, WINDOW_SIZE);
}

static void the_reader_waits_where_the_fate_is_open(void **state)
{
	struct window_probe *open;
	uint32_t cursor = 0;

	(void)state;
	add(1, PROBE_ICMP, 0, PROBE_STATE_MISSED);
	add(2, PROBE_BIG, 0, PROBE_STATE_PENDING); /* proves nothing: is not waited for */
	open = add(3, PROBE_ICMP, 0, PROBE_STATE_PENDING);
	add(4, PROBE_ICMP, 0, PROBE_STATE_ANSWERED);
	assert_int_equal(window_next_ended(&w, &cursor)->sent_us, 1);
	assert_null(window_next_ended(&w, &cursor));
	open->state = PROBE_STATE_MISSED;
	assert_int_equal(window_next_ended(&w, &cursor)->sent_us, 3);
	assert_int_equal(window_next_ended(&w, &cursor)->sent_us, 4);
	assert_null(window_next_ended(&w, &cursor));
}

static void what_is_missed_may_still_be_answered(void **state)
{
	uint32_t cursor = 0;

	(void)state;
	add(USEC_S, PROBE_ICMP, 0, PROBE_STATE_MISSED);
	add(USEC_S, PROBE_ICMP, 1, PROBE_STATE_ANSWERED);
	assert_null(window_next_settled(&w, &cursor, USEC_S + 199 * USEC_MS));
	assert_int_equal(cursor, 0);
	assert_int_equal(window_next_settled(&w, &cursor, USEC_S + 200 * USEC_MS)->target, 0);
	assert_int_equal(window_next_settled(&w, &cursor, USEC_S + 200 * USEC_MS)->target, 1);
	assert_null(window_next_settled(&w, &cursor, USEC_NEVER));
}

static void company_is_who_was_asked_at_the_same_moment(void **state)
{
	const int64_t span_us = 50 * USEC_MS, at_us = 10 * USEC_S;
	struct window_company c;
	struct window_probe *p;

	(void)state;
	add(at_us - span_us - 1, PROBE_ICMP, 1, PROBE_STATE_ANSWERED); /* too early */
	add(at_us - span_us, PROBE_ICMP, 1, PROBE_STATE_ANSWERED);
	p = add(at_us, PROBE_ICMP, 0, PROBE_STATE_MISSED);
	add(at_us, PROBE_TCP, 0, PROBE_STATE_ANSWERED);       /* same target */
	add(at_us, PROBE_NEIGHBOUR, 3, PROBE_STATE_ANSWERED); /* no further than the gateway */
	add(at_us + span_us, PROBE_DNS, 2, PROBE_STATE_MISSED);
	add(at_us + span_us + 1, PROBE_ICMP, 2, PROBE_STATE_ANSWERED); /* too late */
	c = window_company(&w, p, span_us, false);
	assert_int_equal(c.answered, 1);
	assert_int_equal(c.missed, 1);
	c = window_company(&w, p, span_us, true);
	assert_int_equal(c.answered, 1); /* TCP */
	assert_int_equal(c.missed, 1);   /* DNS */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(late_answer_takes_the_loss_back, fresh),
		cmocka_unit_test_setup(a_run_of_losses_counts_two, fresh),
		cmocka_unit_test_setup(losses_apart_all_count, fresh),
		cmocka_unit_test_setup(a_target_that_stands_out_is_left_out, fresh),
		cmocka_unit_test_setup(unfit_targets_are_left_out_by_method, fresh),
		cmocka_unit_test_setup(only_methods_that_prove_the_path_count, fresh),
		cmocka_unit_test_setup(what_is_open_or_ignored_is_no_loss, fresh),
		cmocka_unit_test_setup(reads_no_further_than_asked, fresh),
		cmocka_unit_test_setup(delay_is_the_median_and_jitter_the_mean_difference, fresh),
		cmocka_unit_test_setup(methods_with_delays_of_their_own_are_no_jitter, fresh),
		cmocka_unit_test_setup(overdue_probes_come_oldest_first, fresh),
		cmocka_unit_test_setup(a_patient_probe_does_not_hide_those_after_it, fresh),
		cmocka_unit_test_setup(the_oldest_are_forgotten_when_the_ring_is_full, fresh),
		cmocka_unit_test_setup(the_reader_jumps_over_what_is_forgotten, fresh),
		cmocka_unit_test_setup(the_reader_waits_where_the_fate_is_open, fresh),
		cmocka_unit_test_setup(what_is_missed_may_still_be_answered, fresh),
		cmocka_unit_test_setup(company_is_who_was_asked_at_the_same_moment, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
