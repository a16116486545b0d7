#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_engine.h"

#include "api/snapshot.h"

#define WAN path_of(FAKE_WAN, FAMILY_IPV4)
#define LTE path_of(FAKE_LTE, FAMILY_IPV4)

static enum state state_now(void)
{
	static struct snapshot s;

	snapshot_take(&s, NULL, FAKE_NOW_US);
	return snapshot_state(&s);
}

static void on_the_preferred_link_all_is_well(void **state)
{
	(void)state;
	fake_reset();
	assert_int_equal(state_now(), STATE_HEALTHY);
}

static void a_dead_standby_is_no_degradation(void **state)
{
	(void)state;
	fake_reset();
	fake.path[LTE].health = HEALTH_DEAD;
	assert_int_equal(state_now(), STATE_HEALTHY);
}

static void on_a_backup_it_is_degraded(void **state)
{
	(void)state;
	fake_failed_over();
	assert_int_equal(state_now(), STATE_DEGRADED);
	/* unless the user wants it so */
	fake.decision[0][FAMILY_IPV4].pinned_until_us = USEC_NEVER;
	assert_int_equal(state_now(), STATE_HEALTHY);
}

static void a_link_of_equal_preference_is_no_backup(void **state)
{
	(void)state;
	fake_failed_over();
	fake.policy.link[FAKE_WAN].preference = 50;
	assert_int_equal(state_now(), STATE_HEALTHY);
}

static void a_score_under_the_needs_is_degraded(void **state)
{
	(void)state;
	fake_reset();
	fake.path[WAN].score[0] = 69;
	assert_int_equal(state_now(), STATE_DEGRADED);
}

static void nothing_that_answers_is_dead(void **state)
{
	(void)state;
	fake_reset();
	fake.path[WAN].health = fake.path[LTE].health = HEALTH_DEAD;
	fake.decision[0][FAMILY_IPV4].fail_open = true;
	assert_int_equal(state_now(), STATE_DEAD);
	fake.decision[0][FAMILY_IPV4].fail_open = false;
	assert_int_equal(state_now(), STATE_DEAD);
}

static void nothing_plugged_in_is_offline(void **state)
{
	(void)state;
	fake_reset();
	fake.decision[0][FAMILY_IPV4].n = 0;
	for (unsigned link = 0; link < 3; link++)
		fake.path[path_of(link, FAMILY_IPV4)].health = HEALTH_DOWN;
	assert_int_equal(state_now(), STATE_OFFLINE);
	fake.policy.links = 0;
	assert_int_equal(state_now(), STATE_OFFLINE);
}

static void before_the_first_answer_it_is_starting(void **state)
{
	(void)state;
	fake_reset();
	for (unsigned link = 0; link < 3; link++)
		fake.path[path_of(link, FAMILY_IPV4)].health = HEALTH_UNKNOWN;
	assert_int_equal(state_now(), STATE_STARTING);
	fake.decision[0][FAMILY_IPV4].n = 0;
	assert_int_equal(state_now(), STATE_STARTING);
}

static void an_ipv6_that_was_never_there_is_not_missed(void **state)
{
	struct path_view *v6 = &fake.path[path_of(FAKE_WAN, FAMILY_IPV6)];

	(void)state;
	fake_reset();
	*v6 = fake_path(HEALTH_DOWN, -1, -1, 0);
	v6->facts.has_address = v6->facts.has_gateway = false;
	v6->sample_age_us = -1;
	assert_int_equal(state_now(), STATE_HEALTHY);
	/* once it has answered, it counts */
	v6->sample_age_us = USEC_MIN;
	assert_int_equal(state_now(), STATE_DEGRADED);
}

static void every_state_has_a_name(void **state)
{
	(void)state;
	for (unsigned i = 0; i < STATE_COUNT; i++)
		assert_non_null(state_name((enum state)i));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(on_the_preferred_link_all_is_well),
		cmocka_unit_test(a_dead_standby_is_no_degradation),
		cmocka_unit_test(on_a_backup_it_is_degraded),
		cmocka_unit_test(a_link_of_equal_preference_is_no_backup),
		cmocka_unit_test(a_score_under_the_needs_is_degraded),
		cmocka_unit_test(nothing_that_answers_is_dead),
		cmocka_unit_test(nothing_plugged_in_is_offline),
		cmocka_unit_test(before_the_first_answer_it_is_starting),
		cmocka_unit_test(an_ipv6_that_was_never_there_is_not_missed),
		cmocka_unit_test(every_state_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
