#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/usec.h"
#include "core/passive.h"

#define STEP_US (10 * USEC_MS)
#define TIMEOUT_US (100 * USEC_MS)

static struct passive p;
static struct input_counters counters;
static int64_t now_us;

static int fresh(void **state)
{
	(void)state;
	memset(&p, 0, sizeof(p));
	memset(&counters, 0, sizeof(counters));
	now_us = 1000 * USEC_S;
	passive_read(&p, &counters, now_us);
	return 0;
}

/* One reading, 10 ms after the one before, with so many packets of so many bytes more. */
static void feed_bytes(unsigned tx, unsigned rx, unsigned bytes)
{
	now_us += STEP_US;
	counters.tx_packets += tx;
	counters.rx_packets += rx;
	counters.tx_bytes += (uint64_t)tx * bytes;
	counters.rx_bytes += (uint64_t)rx * bytes;
	passive_read(&p, &counters, now_us);
}

static void feed(unsigned tx, unsigned rx)
{
	feed_bytes(tx, rx, 200);
}

static void stream(int64_t for_us, unsigned tx, unsigned rx)
{
	for (int64_t t = 0; t < for_us; t += STEP_US)
		feed(tx, rx);
}

static void a_steady_stream_that_stops_is_noticed_within_three_packets(void **state)
{
	(void)state;
	stream(3 * USEC_S, 1, 1);
	assert_false(passive_silent(&p, now_us, TIMEOUT_US));
	feed(1, 0);
	feed(1, 0);
	assert_false(passive_silent(&p, now_us, TIMEOUT_US));
	feed(1, 0);
	assert_true(passive_silent(&p, now_us, TIMEOUT_US));
	feed(1, 1);
	assert_false(passive_silent(&p, now_us, TIMEOUT_US));
}

static void nothing_shorter_than_25_ms_is_a_silence(void **state)
{
	(void)state;
	stream(3 * USEC_S, 10, 10);
	stream(20 * USEC_MS, 10, 0);
	assert_false(passive_silent(&p, now_us + 4999, TIMEOUT_US));
	assert_true(passive_silent(&p, now_us + 5000, TIMEOUT_US));
}

static void gaps_that_are_usual_are_no_silence(void **state)
{
	(void)state;
	/* every second ten packets in a row are answered late: 100 ms without a packet are usual */
	for (int i = 0; i < 5; i++) {
		stream(USEC_S, 1, 1);
		stream(90 * USEC_MS, 1, 0);
		feed(1, 10);
	}
	stream(140 * USEC_MS, 1, 0);
	assert_false(passive_silent(&p, now_us, TIMEOUT_US));
	stream(30 * USEC_MS, 1, 0);
	assert_true(passive_silent(&p, now_us, TIMEOUT_US));
}

static void a_few_packets_wait_for_a_whole_time_out(void **state)
{
	(void)state;
	feed(1, 0);
	stream(130 * USEC_MS, 0, 0);
	assert_false(passive_silent(&p, now_us, TIMEOUT_US));
	stream(10 * USEC_MS, 0, 0);
	assert_true(passive_silent(&p, now_us, TIMEOUT_US));
}

/* A link that died is read rarely until traffic comes back: that pause is none of its usual gaps. */
static void what_sparse_readings_span_is_no_gap(void **state)
{
	(void)state;
	stream(3 * USEC_S, 1, 1);
	stream(120 * USEC_MS, 1, 0);
	now_us += 4 * USEC_S;
	feed(1, 0);
	stream(USEC_S, 1, 1);
	assert_true(p.gap_us <= 120 * USEC_MS);
	feed(1, 0);
	feed(1, 0);
	stream(180 * USEC_MS, 1, 0);
	assert_true(passive_silent(&p, now_us, TIMEOUT_US));
}

static void nothing_sent_is_no_silence(void **state)
{
	(void)state;
	stream(3 * USEC_S, 1, 1);
	stream(10 * USEC_S, 0, 0);
	assert_false(passive_silent(&p, now_us, TIMEOUT_US));
	assert_int_equal(passive_overdue(&p, now_us, 40 * USEC_MS, TIMEOUT_US), 0);
}

static void an_old_reading_says_nothing(void **state)
{
	(void)state;
	stream(3 * USEC_S, 1, 1);
	stream(100 * USEC_MS, 1, 0);
	assert_true(passive_silent(&p, now_us + USEC_S, TIMEOUT_US));
	assert_false(passive_silent(&p, now_us + 3 * USEC_S, TIMEOUT_US));
}

static void a_false_alarm_makes_such_gaps_usual(void **state)
{
	(void)state;
	stream(3 * USEC_S, 1, 1);
	stream(80 * USEC_MS, 1, 0);
	assert_true(passive_silent(&p, now_us, TIMEOUT_US));
	passive_forgive(&p, now_us);
	assert_false(passive_silent(&p, now_us, TIMEOUT_US));
	stream(50 * USEC_MS, 1, 0); /* beyond half as long again */
	assert_true(passive_silent(&p, now_us, TIMEOUT_US));
}

static void our_own_probes_are_no_traffic(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++) {
		p.own_tx = 2;
		feed(2, 0);
	}
	assert_false(passive_busy(&p, now_us));
	assert_false(passive_silent(&p, now_us, TIMEOUT_US));
	p.own_tx = 2;
	feed(3, 0);
	assert_true(passive_busy(&p, now_us));
	assert_int_equal(p.unanswered, 1);
	assert_int_equal(p.own_tx, 0);
}

/* The engine asks for a reading before it sends, and hears of it afterwards. */
static void probes_sent_while_a_reading_is_under_way_are_in_the_next(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++) {
		passive_sent(&p);
		p.asked_us = now_us;
		passive_sent(&p);
		passive_sent(&p);
		feed(1, 0);
		assert_int_equal(p.own_tx, 2);
		assert_int_equal(p.asked_us, 0);
		feed(2, 0);
		assert_int_equal(p.own_tx, 0);
		assert_false(passive_busy(&p, now_us));
	}
}

/* Of n packets sent evenly over s, those are overdue that were sent more than a time-out ago. */
static void overdue_answers_are_counted(void **state)
{
	static const struct {
		int64_t silent_ms;
		uint32_t overdue;
	} row[] = {
		{60, 0}, /* 60 + 40 - 100 */
		{100, 4},
		{200, 14}, /* 20 * (200 + 40 - 100) / 200 */
		{500, 44},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		fresh(state);
		stream(3 * USEC_S, 1, 1);
		stream(row[i].silent_ms * USEC_MS, 1, 0);
		/* a little less: the silence itself lowers what is usual */
		assert_in_range(passive_overdue(&p, now_us, 40 * USEC_MS, TIMEOUT_US),
			row[i].overdue * 19 / 20, row[i].overdue);
	}
}

static void one_way_traffic_is_owed_no_answers(void **state)
{
	(void)state;
	stream(3 * USEC_S, 10, 1);
	stream(USEC_S, 10, 0);
	assert_int_equal(passive_overdue(&p, now_us, 40 * USEC_MS, TIMEOUT_US), 0);
}

static void fewer_answers_than_usual_are_noticed(void **state)
{
	static const struct {
		unsigned tx, usual, now;
		bool lacking, thinned, frayed;
	} row[] = {
		{10, 10, 10, false, false, false},
		{100, 100, 99, false, false, false},
		{100, 100, 95, false, false, true},
		{10, 10, 9, false, false, true},
		{100, 100, 82, false, true, true},
		{10, 10, 7, true, true, true},
		{10, 5, 3, true, true, true}, /* half is usual for a download's acknowledgements */
		{10, 5, 5, false, false, false},
		{10, 10, 20, false, false, false},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		fresh(state);
		stream(9 * USEC_S, row[i].tx, row[i].usual);
		assert_false(passive_thinned(&p, now_us));
		assert_false(passive_frayed(&p, now_us));
		stream(USEC_S, row[i].tx, row[i].now);
		assert_int_equal(passive_lacking(&p, now_us), row[i].lacking);
		stream(2 * USEC_S, row[i].tx, row[i].now);
		assert_int_equal(passive_thinned(&p, now_us), row[i].thinned);
		assert_int_equal(passive_frayed(&p, now_us), row[i].frayed);
		assert_false(passive_thinned(&p, now_us + 3 * USEC_S));
		assert_false(passive_frayed(&p, now_us + 3 * USEC_S));
	}
}

/* What a standby's few packets seem to be answered is forgotten as soon as traffic comes. */
static void what_is_usual_is_not_learned_among_our_own_probes(void **state)
{
	(void)state;
	for (int i = 0; i < 200; i++) {
		p.own_tx = 1;
		p.own_rx = 1;
		feed(2, 1); /* half of what is left seems to go unanswered */
	}
	assert_int_equal(p.usual_ppm, 0);
	stream(USEC_S, 2, 2);
	assert_in_range(p.usual_ppm, 990000, 1010000);
	/* too low to begin with: it rises at once */
	p.usual_ppm = 500000;
	stream(2 * USEC_S, 2, 2);
	assert_in_range(p.usual_ppm, 930000, 1010000);
}

static void too_few_packets_say_nothing_of_a_share(void **state)
{
	(void)state;
	stream(5 * USEC_S, 10, 10);
	for (int i = 0; i < 10; i++) {
		feed(10, 0); /* ten in 400 ms */
		stream(390 * USEC_MS, 0, 0);
	}
	assert_false(passive_thinned(&p, now_us));
	assert_false(passive_frayed(&p, now_us));
}

static void busy_ends_a_second_after_the_last_packet(void **state)
{
	(void)state;
	assert_false(passive_busy(&p, now_us));
	feed(1, 0);
	assert_true(passive_busy(&p, now_us + USEC_S - 1));
	assert_false(passive_busy(&p, now_us + USEC_S));
}

/* 1250 bytes each 10 ms are one megabit a second. */
static void a_line_near_its_most_is_loaded(void **state)
{
	static const struct {
		unsigned most, now;
		bool loaded;
	} row[] = {
		{10, 10, true},
		{10, 7, true},
		{10, 5, false},
		{10, 0, false},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		fresh(state);
		for (int k = 0; k < 1000; k++)
			feed_bytes(row[i].most, 0, 1250);
		for (int k = 0; k < 300; k++)
			feed_bytes(row[i].now, 0, 1250);
		assert_int_equal(passive_loaded(&p, now_us), row[i].loaded);
		assert_false(passive_loaded(&p, now_us + 3 * USEC_S));
	}
	/* downloads fill a line as well; under half a megabit nothing does */
	fresh(state);
	for (int k = 0; k < 300; k++)
		feed_bytes(0, 1, 1250);
	assert_true(passive_loaded(&p, now_us));
	fresh(state);
	for (int k = 0; k < 300; k++)
		feed_bytes(1, 1, 500);
	assert_false(passive_loaded(&p, now_us));
}

static void judged(unsigned tx, int64_t for_us, bool well)
{
	for (int64_t end_us = now_us + for_us; now_us < end_us;) {
		feed_bytes(tx, 0, 1250);
		passive_judge(&p, well, now_us);
	}
}

/* A call that went well for a while is not what strains the line; a bulk transfer beside it may be. */
static void a_load_that_was_borne_well_is_no_strain(void **state)
{
	fresh(state);
	judged(2, 3 * USEC_S, true);
	assert_true(passive_strained(&p, now_us)); /* it has not shown yet */
	judged(2, 6 * USEC_S, true);
	assert_false(passive_strained(&p, now_us));
	judged(2, 10 * USEC_S, false);
	assert_false(passive_strained(&p, now_us));
	judged(8, 3 * USEC_S, false);
	assert_true(passive_strained(&p, now_us));
	judged(8, 30 * USEC_S, false); /* what was never borne well stays a strain */
	assert_true(passive_strained(&p, now_us));
	judged(2, 3 * USEC_S, false);
	assert_false(passive_strained(&p, now_us));
}

/* A thousand probes a second of 90 bytes each, both ways, and nothing else. */
static void a_burst_of_our_own_probes_is_no_load(void **state)
{
	(void)state;
	for (int i = 0; i < 300; i++) {
		p.own_tx = p.own_rx = 10;
		feed_bytes(10, 10, 90);
		assert_false(passive_loaded(&p, now_us));
	}
	assert_int_equal(p.tx_mean_bps, 0);
}

static void a_load_begins_once(void **state)
{
	(void)state;
	assert_false(passive_load_begins(&p, now_us));
	stream(USEC_S, 1, 1);
	assert_false(passive_load_begins(&p, now_us));
	for (int i = 0; i < 80; i++)
		feed_bytes(10, 1, 1250);
	assert_true(passive_load_begins(&p, now_us));
	for (int i = 0; i < 100; i++)
		feed_bytes(10, 1, 1250);
	assert_true(passive_loaded(&p, now_us));
	assert_false(passive_load_begins(&p, now_us));
	/* a pause of two seconds is not its end */
	stream(2 * USEC_S, 1, 1);
	assert_true(passive_loaded_lately(&p, now_us));
	for (int i = 0; i < 50; i++)
		feed_bytes(10, 1, 1250);
	assert_false(passive_load_begins(&p, now_us));
	stream(6 * USEC_S, 1, 1);
	assert_false(passive_loaded_lately(&p, now_us));
	for (int i = 0; i < 50; i++)
		feed_bytes(10, 1, 1250);
	assert_true(passive_load_begins(&p, now_us));
}

static void counters_that_start_over_are_no_evidence(void **state)
{
	(void)state;
	stream(3 * USEC_S, 1, 1);
	stream(100 * USEC_MS, 1, 0);
	memset(&counters, 0, sizeof(counters));
	counters.tx_packets = 5;
	now_us += STEP_US;
	passive_read(&p, &counters, now_us);
	assert_int_equal(p.unanswered, 0);
	assert_false(passive_silent(&p, now_us, TIMEOUT_US));
}

/* Whatever the counters do, the sums stay in range (the sanitizer looks on). */
static void senseless_counters_do_no_harm(void **state)
{
	(void)state;
	for (uint64_t i = 1; i < 3000; i++) {
		counters.tx_packets += i % 5 ? UINT64_MAX / 4096 : i;
		counters.rx_packets += i % 7 ? UINT64_MAX / 4096 : 0;
		counters.tx_bytes += UINT64_MAX / 4096;
		counters.rx_bytes += i % 3 ? UINT64_MAX / 4096 : 1;
		now_us += i % 11 ? 1 : STEP_US * (int64_t)(i % 13);
		passive_read(&p, &counters, now_us);
		assert_true(p.tx_bps >= 0 && p.rx_bps >= 0);
		assert_true(p.tx_peak_bps >= p.tx_mean_bps && p.rx_peak_bps >= p.rx_mean_bps);
		passive_loaded(&p, now_us);
		passive_overdue(&p, now_us, USEC_S, USEC_S);
	}
	for (int i = 0; i < 300; i++) {
		counters.tx_bytes += UINT64_MAX / 4096;
		now_us += STEP_US;
		passive_read(&p, &counters, now_us);
		assert_true(p.tx_bps >= 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_steady_stream_that_stops_is_noticed_within_three_packets,
			fresh),
		cmocka_unit_test_setup(nothing_shorter_than_25_ms_is_a_silence, fresh),
		cmocka_unit_test_setup(gaps_that_are_usual_are_no_silence, fresh),
		cmocka_unit_test_setup(a_few_packets_wait_for_a_whole_time_out, fresh),
		cmocka_unit_test_setup(nothing_sent_is_no_silence, fresh),
		cmocka_unit_test_setup(an_old_reading_says_nothing, fresh),
		cmocka_unit_test_setup(a_false_alarm_makes_such_gaps_usual, fresh),
		cmocka_unit_test_setup(our_own_probes_are_no_traffic, fresh),
		cmocka_unit_test_setup(probes_sent_while_a_reading_is_under_way_are_in_the_next,
			fresh),
		cmocka_unit_test_setup(overdue_answers_are_counted, fresh),
		cmocka_unit_test_setup(one_way_traffic_is_owed_no_answers, fresh),
		cmocka_unit_test_setup(fewer_answers_than_usual_are_noticed, fresh),
		cmocka_unit_test_setup(what_is_usual_is_not_learned_among_our_own_probes, fresh),
		cmocka_unit_test_setup(too_few_packets_say_nothing_of_a_share, fresh),
		cmocka_unit_test_setup(busy_ends_a_second_after_the_last_packet, fresh),
		cmocka_unit_test_setup(a_line_near_its_most_is_loaded, fresh),
		cmocka_unit_test_setup(what_sparse_readings_span_is_no_gap, fresh),
		cmocka_unit_test_setup(a_burst_of_our_own_probes_is_no_load, fresh),
		cmocka_unit_test_setup(a_load_begins_once, fresh),
		cmocka_unit_test_setup(a_load_that_was_borne_well_is_no_strain, fresh),
		cmocka_unit_test_setup(counters_that_start_over_are_no_evidence, fresh),
		cmocka_unit_test_setup(senseless_counters_do_no_harm, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
