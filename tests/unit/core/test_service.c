#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/usec.h"
#include "core/service.h"

static struct service_state state[SERVICE_COUNT];

static int fresh(void **unused)
{
	(void)unused;
	memset(state, 0, sizeof(state));
	return 0;
}

static bool miss(enum service service, int64_t at_us)
{
	return service_missed(state, service, at_us, at_us + USEC_MS);
}

static void each_method_checks_its_service(void **unused)
{
	static const enum service row[PROBE_METHOD_COUNT] = {
		[PROBE_ICMP] = SERVICE_COUNT,
		[PROBE_TCP] = SERVICE_WEB,
		[PROBE_DNS] = SERVICE_DNS,
		[PROBE_HTTP] = SERVICE_PORTAL,
		[PROBE_NEIGHBOUR] = SERVICE_COUNT,
		[PROBE_BIG] = SERVICE_MTU,
	};

	(void)unused;
	for (unsigned m = 0; m < PROBE_METHOD_COUNT; m++)
		assert_int_equal(service_of((enum probe_method)m), row[m]);
}

static void four_misses_in_a_row_break_it(void **unused)
{
	static const enum service row[] = {SERVICE_DNS, SERVICE_WEB, SERVICE_MTU};

	(void)unused;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		enum service s = row[i];

		service_answered(state, s, USEC_S);
		assert_false(miss(s, 1 * USEC_S));
		assert_false(miss(s, 2 * USEC_S));
		assert_false(miss(s, 3 * USEC_S));
		assert_false(state[s].broken);
		assert_true(miss(s, 4 * USEC_S));
		assert_true(state[s].broken);
		assert_false(miss(s, 5 * USEC_S)); /* no change any more */
		assert_true(state[s].broken);
	}
}

static void an_answer_between_starts_the_count_over(void **unused)
{
	(void)unused;
	service_answered(state, SERVICE_DNS, USEC_S);
	for (int64_t i = 1; i <= 40; i++) {
		assert_false(miss(SERVICE_DNS, i * USEC_S));
		if (i % 3 == 0)
			service_answered(state, SERVICE_DNS, USEC_S);
	}
	assert_false(state[SERVICE_DNS].broken);
}

static void what_never_worked_here_cannot_break(void **unused)
{
	(void)unused;
	for (int64_t i = 1; i < 20; i++)
		assert_false(miss(SERVICE_DNS, i * USEC_S));
	assert_false(state[SERVICE_DNS].broken);
	service_doubted(state, SERVICE_DNS, USEC_S);
	assert_false(state[SERVICE_DNS].doubt);
}

static void misses_sent_together_count_once(void **unused)
{
	(void)unused;
	service_answered(state, SERVICE_DNS, USEC_S);
	for (int64_t i = 0; i < 10; i++)
		assert_false(miss(SERVICE_DNS, USEC_S + i));
	assert_int_equal(state[SERVICE_DNS].misses, 1);
	/* 40 ms apart they are two */
	assert_false(miss(SERVICE_DNS, USEC_S + 40 * USEC_MS));
	assert_int_equal(state[SERVICE_DNS].misses, 2);
}

static void two_answers_mend_it(void **unused)
{
	(void)unused;
	service_answered(state, SERVICE_DNS, USEC_S);
	for (int64_t i = 1; i <= 4; i++)
		miss(SERVICE_DNS, i * USEC_S);
	state[SERVICE_DNS].next_us = USEC_MIN;
	assert_false(service_answered(state, SERVICE_DNS, USEC_S));
	assert_true(state[SERVICE_DNS].next_us < 2 * USEC_S); /* the next is asked for at once */
	assert_true(state[SERVICE_DNS].broken);
	miss(SERVICE_DNS, 9 * USEC_S); /* one of each: no way back yet */
	assert_false(service_answered(state, SERVICE_DNS, USEC_S));
	assert_true(service_answered(state, SERVICE_DNS, USEC_S));
	assert_false(state[SERVICE_DNS].broken);
	assert_false(service_answered(state, SERVICE_DNS, USEC_S));
}

static void two_portal_pages_in_a_row_are_a_portal(void **unused)
{
	(void)unused;
	assert_false(service_portal_seen(state, USEC_S));
	service_answered(state, SERVICE_PORTAL, USEC_S);
	assert_false(service_portal_seen(state, 2 * USEC_S));
	assert_false(state[SERVICE_PORTAL].broken);
	assert_true(service_portal_seen(state, 3 * USEC_S));
	assert_true(state[SERVICE_PORTAL].broken);
}

static void a_missing_page_is_no_portal(void **unused)
{
	(void)unused;
	service_answered(state, SERVICE_PORTAL, USEC_S);
	for (int64_t i = 1; i < 20; i++)
		assert_false(miss(SERVICE_PORTAL, i * USEC_S));
	assert_false(state[SERVICE_PORTAL].broken);
}

static void a_miss_is_asked_again_soon(void **unused)
{
	(void)unused;
	service_answered(state, SERVICE_DNS, USEC_S);
	state[SERVICE_DNS].next_us = 60 * USEC_S;
	miss(SERVICE_DNS, USEC_S);
	assert_true(state[SERVICE_DNS].next_us <= USEC_S + 60 * USEC_MS);
	assert_true(state[SERVICE_DNS].doubt);
	service_answered(state, SERVICE_DNS, USEC_S);
	assert_false(state[SERVICE_DNS].doubt);
}

static void a_doubted_miss_counts_nothing_but_is_asked_again(void **unused)
{
	(void)unused;
	service_answered(state, SERVICE_DNS, USEC_S);
	state[SERVICE_DNS].next_us = 60 * USEC_S;
	for (int i = 0; i < 10; i++)
		service_doubted(state, SERVICE_DNS, USEC_S);
	assert_int_equal(state[SERVICE_DNS].misses, 0);
	assert_true(state[SERVICE_DNS].doubt);
	assert_int_equal(state[SERVICE_DNS].next_us, USEC_S + 50 * USEC_MS);
}

static void a_connection_that_does_not_open_makes_a_portal_likely(void **unused)
{
	(void)unused;
	state[SERVICE_PORTAL].next_us = 60 * USEC_S;
	miss(SERVICE_WEB, USEC_S);
	assert_int_equal(state[SERVICE_PORTAL].next_us, USEC_S + USEC_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_method_checks_its_service),
		cmocka_unit_test_setup(four_misses_in_a_row_break_it, fresh),
		cmocka_unit_test_setup(an_answer_between_starts_the_count_over, fresh),
		cmocka_unit_test_setup(what_never_worked_here_cannot_break, fresh),
		cmocka_unit_test_setup(misses_sent_together_count_once, fresh),
		cmocka_unit_test_setup(two_answers_mend_it, fresh),
		cmocka_unit_test_setup(two_portal_pages_in_a_row_are_a_portal, fresh),
		cmocka_unit_test_setup(a_missing_page_is_no_portal, fresh),
		cmocka_unit_test_setup(a_miss_is_asked_again_soon, fresh),
		cmocka_unit_test_setup(a_doubted_miss_counts_nothing_but_is_asked_again, fresh),
		cmocka_unit_test_setup(a_connection_that_does_not_open_makes_a_portal_likely,
			fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
