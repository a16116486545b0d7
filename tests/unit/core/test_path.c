/* What a path makes of silences while our own traffic fills a queue. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "scene.h"

static struct scene s;
static struct passive passive;
static struct input_counters counters;

static struct path *path(void)
{
	return &s.path[V4(0)];
}

/* So many bytes a reading each way; 10 ms later. */
static void read_counters(unsigned tx, unsigned rx)
{
	s.env.now_us += 10 * USEC_MS;
	counters.tx_packets += tx;
	counters.rx_packets += rx;
	counters.tx_bytes += (uint64_t)tx * 1250;
	counters.rx_bytes += (uint64_t)rx * 1250;
	passive_read(&passive, &counters, s.env.now_us);
}

static int fresh(void **state)
{
	(void)state;
	scene_reset(&s);
	memset(&passive, 0, sizeof(passive));
	memset(&counters, 0, sizeof(counters));
	passive_read(&passive, &counters, s.env.now_us);
	for (int i = 0; i < 20; i++)
		baseline_add_rtt(&path()->baseline, 40 * USEC_MS);
	return 0;
}

static void probe(enum probe_state state, int64_t age_us)
{
	struct window_probe *w = window_add(&path()->window, s.env.now_us - age_us);

	w->state = (uint8_t)state;
	w->method = PROBE_ICMP;
	w->deadline_us = w->sent_us + 100 * USEC_MS;
	w->rtt_us = 40000;
}

static void send_a_row(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		read_counters(0, 0);
		probe(PROBE_STATE_MISSED, 0);
	}
	read_counters(0, 0);
	probe(PROBE_STATE_ANSWERED, 0);
	path_judge(path(), &s.env, &passive, true);
}

/* No answer can be on its way any longer. */
static void wait_for_late_answers(void)
{
	s.env.now_us += 2 * 100 * USEC_MS;
	path_judge(path(), &s.env, &passive, true);
}

static void lose_a_row(unsigned n)
{
	send_a_row(n);
	wait_for_late_answers();
}

static void rows_of_losses_teach_burstiness(void **state)
{
	uint32_t before_ppm = path()->baseline.learned.burst_ppm;

	(void)state;
	lose_a_row(12);
	assert_false(path()->queueing);
	assert_true(path()->baseline.learned.burst_ppm > before_ppm);
}

static void what_is_answered_late_was_not_lost(void **state)
{
	uint32_t before_ppm = path()->baseline.learned.burst_ppm;

	(void)state;
	send_a_row(12);
	for (unsigned i = 0; i < 13; i++)
		path()->window.ring[i].state = PROBE_STATE_ANSWERED;
	wait_for_late_answers();
	assert_int_equal(path()->baseline.learned.burst_ppm, before_ppm);
}

static void a_row_that_was_called_death_says_nothing_of_bursts(void **state)
{
	uint32_t before_ppm = path()->baseline.learned.burst_ppm;

	(void)state;
	path()->died_us = s.env.now_us + 10 * USEC_MS; /* the first of those to come */
	lose_a_row(12);
	assert_int_equal(path()->baseline.learned.burst_ppm, before_ppm);
	/* the one after it does again */
	lose_a_row(12);
	assert_true(path()->baseline.learned.burst_ppm > before_ppm);
}

/* Its fate is settled only when the path has been called dead in the next one. */
static void a_row_before_the_death_counts(void **state)
{
	uint32_t before_ppm = path()->baseline.learned.burst_ppm;

	(void)state;
	send_a_row(12);
	path()->died_us = s.env.now_us + 10 * USEC_MS;
	wait_for_late_answers();
	assert_true(path()->baseline.learned.burst_ppm > before_ppm);
}

/* An upload that overflows its queue loses our probes in rows: that says nothing of how the line loses. */
static void nothing_is_learned_while_our_own_traffic_fills_a_queue(void **state)
{
	struct path_learned before = path()->baseline.learned;

	(void)state;
	for (int i = 0; i < 150; i++)
		read_counters(10, 1);
	for (unsigned i = 0; i < 12; i++) {
		read_counters(10, 1);
		probe(PROBE_STATE_MISSED, 0);
	}
	probe(PROBE_STATE_ANSWERED, 0);
	wait_for_late_answers();
	assert_true(path()->queueing);
	assert_int_equal(path()->baseline.learned.burst_ppm, before.burst_ppm);
	assert_memory_equal(&path()->baseline.learned.silence, &before.silence,
		sizeof(before.silence));
}

/* Evidence for a death is there, and the silence lasts for_us: is it called dead? */
static bool dies_after(int64_t for_us)
{
	struct path *p = path();

	p->health = HEALTH_SUSPECT;
	p->suspicion = SUSPICION_BURST;
	p->suspect_us = p->silent_us = s.env.now_us - for_us;
	p->misses = 100;
	p->evidence = 2 * path_evidence_limit(&s.policy);
	path_judge(p, &s.env, &passive, true);
	return p->health == HEALTH_DEAD;
}

static void a_silence_is_borne_while_a_load_begins(void **state)
{
	(void)state;
	assert_true(dies_after(300 * USEC_MS));
	fresh(state);
	for (int i = 0; i < 30; i++)
		read_counters(10, 1);
	for (int i = 0; i < 12; i++)
		read_counters(10,
			0); /* nothing has come back for longer than the flows would excuse */
	assert_false(dies_after(300 * USEC_MS));
	assert_true(dies_after(3 * USEC_S));
}

/* What stands in the queue comes out of it as late as the slowest answer of late. */
static void a_silence_under_load_is_borne_as_long_as_the_queue_is(void **state)
{
	static const struct {
		int64_t slowest_us, silence_us;
		bool dead;
	} row[] = {
		{40 * USEC_MS, 150 * USEC_MS, true},
		{440 * USEC_MS, 150 * USEC_MS, false},
		{440 * USEC_MS, 600 * USEC_MS, true},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		fresh(state);
		for (int k = 0; k < 300; k++)
			read_counters(10, 1);
		for (int k = 0; k < 12; k++)
			read_counters(10, 0);
		path()->slowest_us = row[i].slowest_us;
		path()->slowest_at_us = s.env.now_us - 200 * USEC_MS;
		assert_int_equal(dies_after(row[i].silence_us), row[i].dead);
	}
}

/* The reset after a connection leaves a round trip after the SYN, often in another reading: no user's packet. */
static void what_we_send_upon_an_answer_is_ours_too(void **state)
{
	static const struct {
		enum probe_method method;
		enum sample_outcome outcome;
		uint32_t packets;
	} row[] = {
		{PROBE_TCP, SAMPLE_ANSWERED, 1},
		{PROBE_TCP, SAMPLE_REFUSED, 0}, /* the reset is theirs */
		{PROBE_TCP, SAMPLE_LOST, 0},
		{PROBE_HTTP, SAMPLE_ANSWERED, 4},
		{PROBE_HTTP, SAMPLE_PORTAL, 4},
		{PROBE_ICMP, SAMPLE_ANSWERED, 0},
		{PROBE_DNS, SAMPLE_ANSWERED, 0},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct input_sample sample = {.path = V4(0),
			.outcome = (uint8_t)row[i].outcome,
			.rtt_us = 40000};
		struct window_probe *w;

		fresh(state);
		w = window_add(&path()->window, s.env.now_us);
		w->method = (uint8_t)row[i].method;
		w->deadline_us = w->sent_us + 100 * USEC_MS;
		sample.probe = w->probe;
		s.env.now_us += 40 * USEC_MS;
		path_sample(path(), &s.env, &sample, &passive);
		assert_int_equal(passive.own_tx, row[i].packets);
		read_counters(row[i].packets, 0);
		assert_false(passive_busy(&passive, s.env.now_us));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_we_send_upon_an_answer_is_ours_too, fresh),
		cmocka_unit_test_setup(rows_of_losses_teach_burstiness, fresh),
		cmocka_unit_test_setup(what_is_answered_late_was_not_lost, fresh),
		cmocka_unit_test_setup(a_row_that_was_called_death_says_nothing_of_bursts, fresh),
		cmocka_unit_test_setup(a_row_before_the_death_counts, fresh),
		cmocka_unit_test_setup(nothing_is_learned_while_our_own_traffic_fills_a_queue,
			fresh),
		cmocka_unit_test_setup(a_silence_is_borne_while_a_load_begins, fresh),
		cmocka_unit_test_setup(a_silence_under_load_is_borne_as_long_as_the_queue_is,
			fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
