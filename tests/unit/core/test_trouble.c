#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/usec.h"
#include "core/trouble.h"

/* A spell of so long, as bad as that, seen to its end; the time at which it is over. */
static int64_t spell(struct trouble *t, int64_t at_us, int64_t length_us, int percent)
{
	for (int64_t k = 0; k <= length_us; k += 50 * USEC_MS)
		trouble_see(t, at_us, percent, at_us + k);
	trouble_end(t);
	return at_us + length_us;
}

static int64_t quiet(struct trouble *t, int64_t from_us, int64_t span_us)
{
	for (int64_t k = 0; k <= span_us; k += USEC_S)
		trouble_watch(t, 1000000, from_us + k);
	return from_us + span_us;
}

static void one_outage_is_chance(void **state)
{
	struct trouble t = {0};

	(void)state;
	spell(&t, USEC_MIN, 20 * USEC_S, 100);
	assert_int_equal(trouble_rate_us(&t), 0);
}

static void outages_that_return_are_trouble(void **state)
{
	struct trouble t = {0};
	int64_t now_us = USEC_MIN;

	(void)state;
	for (unsigned i = 0; i < 6; i++)
		now_us = quiet(&t, spell(&t, now_us, USEC_S, 100), 5 * USEC_MIN);
	/* six seconds but for the two of chance, in half an hour and the one presumed */
	assert_in_range(trouble_rate_us(&t), 3 * USEC_S, 4 * USEC_S);
}

static void glances_do_not_count(void **state)
{
	struct trouble t = {0};
	int64_t now_us = USEC_MIN;

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		now_us = quiet(&t, spell(&t, now_us, 150 * USEC_MS, 100), 10 * USEC_S);
	assert_int_equal(trouble_rate_us(&t), 0);
}

static void a_cluster_costs_what_moving_away_costs(void **state)
{
	struct trouble t = {0};
	int64_t now_us = USEC_MIN;

	(void)state;
	for (unsigned i = 0; i < 10; i++)
		now_us = spell(&t, now_us + USEC_S, 3 * USEC_S, 100);
	assert_int_equal(t.cost_us, 2 * USEC_S);
}

static void slight_trouble_weighs_little(void **state)
{
	struct trouble slight = {0}, heavy = {0};

	(void)state;
	spell(&slight, USEC_MIN, USEC_S, 10);
	spell(&heavy, USEC_MIN, USEC_S, 80);
	assert_int_equal(slight.cost_us, 100 * USEC_MS);
	assert_int_equal(heavy.cost_us, 800 * USEC_MS);
}

static void trouble_fades_over_hours(void **state)
{
	struct trouble t = {0};
	int64_t now_us = USEC_MIN, before_us;

	(void)state;
	for (unsigned i = 0; i < 10; i++)
		now_us = quiet(&t, spell(&t, now_us, 2 * USEC_S, 100), 2 * USEC_MIN);
	before_us = t.cost_us;
	quiet(&t, now_us, 2 * USEC_H);
	/* a factor of e */
	assert_in_range(t.cost_us * 1000 / before_us, 360, 376);
}

static void time_that_was_not_watched_proves_nothing(void **state)
{
	struct trouble t = {0};

	(void)state;
	for (int64_t k = 0; k < 1000; k++)
		trouble_watch(&t, 200000, USEC_MIN + k * USEC_S);
	assert_in_range(t.watched_us, 180 * USEC_S, 200 * USEC_S);
	/* nor do hours in which nothing ran: a minute of them at the most */
	trouble_watch(&t, 1000000, USEC_DAY);
	assert_in_range(t.watched_us, 230 * USEC_S, 260 * USEC_S);
}

static void the_present_spell_counts_while_it_lasts(void **state)
{
	struct trouble t = {0};
	int64_t now_us = quiet(&t, spell(&t, USEC_MIN, 2 * USEC_S, 100), 5 * USEC_MIN);

	(void)state;
	assert_int_equal(trouble_rate_us(&t), 0);
	trouble_see(&t, now_us, 100, now_us);
	trouble_see(&t, now_us, 100, now_us + USEC_S);
	assert_true(trouble_rate_us(&t) > USEC_S);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_outage_is_chance),
		cmocka_unit_test(outages_that_return_are_trouble),
		cmocka_unit_test(glances_do_not_count),
		cmocka_unit_test(a_cluster_costs_what_moving_away_costs),
		cmocka_unit_test(slight_trouble_weighs_little),
		cmocka_unit_test(trouble_fades_over_hours),
		cmocka_unit_test(time_that_was_not_watched_proves_nothing),
		cmocka_unit_test(the_present_spell_counts_while_it_lasts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
