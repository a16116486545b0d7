/* One link that carries both families: whose packets are unanswered? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/usec.h"
#include "core/apart.h"

#define STEP_US (10 * USEC_MS)
#define TIMEOUT_US (100 * USEC_MS)

static struct passive family[FAMILY_COUNT];
static struct apart apart;
static struct input_counters counters;
static int64_t now_us;

static const struct passive *const v4 = &family[FAMILY_IPV4], *const v6 = &family[FAMILY_IPV6];

/* Packets each 10 ms. */
struct traffic {
	unsigned tx4, rx4, tx6, rx6;
};
static const struct traffic both = {1, 1, 1, 1}, only6_dead = {1, 1, 1, 0},
			    only4_dead = {1, 0, 1, 1}, only4 = {1, 1, 0, 0},
			    all_dead = {1, 0, 1, 0};

static int fresh(void **state)
{
	(void)state;
	memset(family, 0, sizeof(family));
	memset(&apart, 0, sizeof(apart));
	memset(&counters, 0, sizeof(counters));
	now_us = 1000 * USEC_S;
	return 0;
}

/* One reading; told: as the kernel can tell the families apart. */
static bool feed(const struct traffic *t, bool told)
{
	bool asked = apart_ask(&apart, true, now_us), known;

	now_us += STEP_US;
	counters.tx_packets += t->tx4 + t->tx6;
	counters.rx_packets += t->rx4 + t->rx6;
	counters.tx_bytes += 200 * (t->tx4 + t->tx6);
	counters.rx_bytes += 200 * (t->rx4 + t->rx6);
	counters.tx_of[FAMILY_IPV4] += t->tx4;
	counters.rx_of[FAMILY_IPV4] += t->rx4;
	counters.tx_of[FAMILY_IPV6] += t->tx6;
	counters.rx_of[FAMILY_IPV6] += t->rx6;
	counters.apart = asked && told;
	known = apart_read(&apart, &counters, family, now_us);
	passive_read_both(family, &counters, known, now_us);
	return known;
}

static void stream(const struct traffic *t, int64_t for_us)
{
	for (int64_t k = 0; k < for_us; k += STEP_US)
		feed(t, true);
}

static bool silent(const struct passive *p)
{
	return passive_silent(p, now_us, TIMEOUT_US);
}

static void a_family_that_falls_silent_is_noticed_beside_the_other(void **state)
{
	static const struct {
		const struct traffic *t;
		bool silent4, silent6;
	} row[] = {
		{&both, false, false},
		{&only6_dead, false, true},
		{&only4_dead, true, false},
		{&all_dead, true, true},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		fresh(state);
		stream(&both, 2 * USEC_S);
		assert_true(v4->apart && v6->apart);
		stream(row[i].t, 30 * USEC_MS);
		assert_int_equal(silent(v4), row[i].silent4);
		assert_int_equal(silent(v6), row[i].silent6);
		assert_int_equal(v6->unanswered, row[i].silent6 ? 3 : 0);
	}
}

static void both_are_asked_for_as_long_as_both_have_traffic(void **state)
{
	unsigned asked = 0;

	(void)state;
	for (int i = 0; i < 100; i++) {
		feed(&only4, true);
		asked += counters.apart;
	}
	assert_int_equal(asked, 4);
	assert_false(v4->apart);
	stream(&both, 600 * USEC_MS);
	for (int i = 0; i < 100; i++) {
		assert_true(feed(&both, true));
		assert_true(counters.apart);
	}
	stream(&only4, 31 * USEC_S);
	assert_false(feed(&only4, true));
	assert_false(v4->apart || v6->apart);
}

static void an_idle_link_is_not_asked(void **state)
{
	(void)state;
	assert_false(apart_ask(&apart, false, now_us));
	assert_true(apart_ask(&apart, true, now_us));
	assert_false(apart_ask(&apart, true, now_us + 249 * USEC_MS));
	assert_true(apart_ask(&apart, true, now_us + 250 * USEC_MS));
}

static void where_the_kernel_cannot_tell_packets_of_both_count(void **state)
{
	(void)state;
	for (int i = 0; i < 200; i++)
		assert_false(feed(&both, false));
	for (int i = 0; i < 3; i++)
		feed(&only6_dead, false);
	assert_false(silent(v4) || silent(v6));
	for (int i = 0; i < 4; i++)
		feed(&all_dead, false);
	assert_true(silent(v4) && silent(v6));
}

static void a_kernel_that_cannot_tell_any_more_is_believed_at_once(void **state)
{
	(void)state;
	stream(&both, 2 * USEC_S);
	assert_false(feed(&both, false));
	assert_false(v4->apart);
	for (int i = 0; i < 20; i++)
		assert_false(feed(&both, i % 2 == 0));
}

/* A stray packet, or a stream that nobody ever answered, is owed no answer while the link is alive. */
static void few_packets_of_one_family_are_no_silence_beside_the_other(void **state)
{
	static const struct traffic stray6 = {1, 1, 1, 0};

	(void)state;
	stream(&both, 2 * USEC_S);
	stream(&only4, USEC_S);
	assert_true(v6->apart);
	feed(&stray6, true);
	stream(&only4, 500 * USEC_MS);
	assert_false(silent(v6));
	stream(&stray6, 5 * USEC_S);
	assert_false(silent(v6));
	assert_int_equal(v6->unanswered, 0);
	/* the whole link is another matter */
	stream(&all_dead, 200 * USEC_MS);
	assert_true(silent(v4) && silent(v6));
}

static void probes_are_nobodys_traffic(void **state)
{
	struct traffic with_probes = {2, 2, 2, 2};

	(void)state;
	for (int i = 0; i < 100; i++) {
		family[FAMILY_IPV4].own_tx = family[FAMILY_IPV4].own_rx = 2;
		family[FAMILY_IPV6].own_tx = family[FAMILY_IPV6].own_rx = 2;
		assert_false(feed(&with_probes, true));
	}
	assert_false(passive_busy(v4, now_us) || passive_busy(v6, now_us));
	assert_int_equal(v4->tx_mean_bps, v6->tx_mean_bps);
	stream(&both, 2 * USEC_S);
	with_probes = (struct traffic){2, 1, 3, 2};
	for (int i = 0; i < 4; i++) {
		family[FAMILY_IPV4].own_tx = 1;
		family[FAMILY_IPV6].own_tx = family[FAMILY_IPV6].own_rx = 2;
		feed(&with_probes, true);
	}
	assert_false(silent(v4));
	assert_true(silent(v6));
}

/* What one family does is no news of how the other's packets are usually answered. */
static void a_family_that_comes_back_to_the_sum_is_not_thinned(void **state)
{
	static const struct traffic busy6 = {1, 1, 10, 10}, upload4 = {10, 3, 0, 0};

	(void)state;
	stream(&busy6, 5 * USEC_S);
	assert_true(v6->apart);
	while (v6->apart)
		feed(&upload4, true);
	stream(&upload4, 5 * USEC_S);
	assert_false(passive_thinned(v6, now_us));
	assert_false(passive_thinned(v4, now_us));
}

static void numbers_that_fall_do_no_harm(void **state)
{
	(void)state;
	stream(&both, 2 * USEC_S);
	for (unsigned i = 1; i < 500; i++) {
		counters.rx_of[i % 2] = i % 3 ? UINT64_MAX - i : i;
		counters.tx_of[i % 2] = i % 5 ? 0 : UINT64_MAX;
		feed(&both, true);
		assert_true(v4->unanswered <= 500000000 && v6->unanswered <= 500000000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_family_that_falls_silent_is_noticed_beside_the_other,
			fresh),
		cmocka_unit_test_setup(both_are_asked_for_as_long_as_both_have_traffic, fresh),
		cmocka_unit_test_setup(an_idle_link_is_not_asked, fresh),
		cmocka_unit_test_setup(where_the_kernel_cannot_tell_packets_of_both_count, fresh),
		cmocka_unit_test_setup(a_kernel_that_cannot_tell_any_more_is_believed_at_once,
			fresh),
		cmocka_unit_test_setup(few_packets_of_one_family_are_no_silence_beside_the_other,
			fresh),
		cmocka_unit_test_setup(probes_are_nobodys_traffic, fresh),
		cmocka_unit_test_setup(a_family_that_comes_back_to_the_sum_is_not_thinned, fresh),
		cmocka_unit_test_setup(numbers_that_fall_do_no_harm, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
