/* The record of forecasts: counted when their time has come, trusted as far as they were right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/imath.h"
#include "core/forecast.h"

enum { H1, H10, H60 };

static void say(struct forecast *f, bool unusable, uint32_t ppm)
{
	const uint32_t chance_ppm[HAZARD_HORIZONS] = {ppm, ppm, ppm};

	forecast_second(f, unusable, chance_ppm);
}

static void counts_a_forecast_when_its_horizon_has_passed(void **state)
{
	struct forecast f;

	(void)state;
	forecast_init(&f);
	say(&f, false, 50000);
	assert_int_equal(f.record[H1].n, 0);
	say(&f, false, 50000);
	assert_int_equal(f.record[H1].n, 1);
	for (int i = 0; i < 8; i++)
		say(&f, false, 50000);
	assert_int_equal(f.record[H10].n, 0);
	say(&f, false, 50000);
	assert_int_equal(f.record[H10].n, 1);
	assert_int_equal(f.record[H10].happened, 0);
	assert_in_range(f.record[H10].said_ppm, 48000, 52000);
	assert_int_equal(f.record[H10].bin_n[2], 1);
}

static void an_outage_makes_all_true_that_foretold_it(void **state)
{
	struct forecast f;

	(void)state;
	forecast_init(&f);
	for (int i = 0; i < 15; i++)
		say(&f, false, 50000);
	say(&f, true, 0);
	assert_int_equal(f.record[H1].happened, 1);
	assert_int_equal(f.record[H10].happened, 10);
	assert_int_equal(f.record[H10].n, 15);
	assert_int_equal(f.record[H60].happened, 15);
	assert_int_equal(f.record[H10].onsets, 1);
	/* while it lasts nothing is said, and it is one outage */
	say(&f, true, 900000);
	assert_int_equal(f.record[H10].onsets, 1);
	assert_int_equal(f.record[H10].n, 15);
	assert_int_equal(f.chance_ppm[H10], 0);
}

static void what_cannot_be_checked_is_not_counted(void **state)
{
	struct forecast f;

	(void)state;
	forecast_init(&f);
	for (int i = 0; i < 5; i++)
		say(&f, false, 50000);
	forecast_drop(&f);
	for (int i = 0; i < 70; i++)
		forecast_second(&f, false, NULL);
	assert_int_equal(f.record[H10].n, 0);
	assert_int_equal(f.record[H60].n, 0);
}

/* An outage each 200 s; in the ten seconds before it near_ppm is said, else far_ppm. */
static void live(struct forecast *f, unsigned outages, uint32_t near_ppm, uint32_t far_ppm)
{
	for (unsigned i = 0; i < outages * 200; i++)
		say(f, i % 200 == 199, i % 200 >= 189 ? near_ppm : far_ppm);
}

static void begins_untried_where_recordings_have_proved_it(void **state)
{
	struct forecast f;

	(void)state;
	forecast_init(&f);
	for (unsigned h = 0; h < HAZARD_HORIZONS; h++)
		assert_int_equal(f.record[h].trust,
			hazard_model[h].proven ? TRUST_UNTRIED : TRUST_NONE);
}

static void earns_trust_by_being_right(void **state)
{
	struct forecast f;

	(void)state;
	forecast_init(&f);
	live(&f, 4, 600000, 5000);
	assert_int_equal(f.record[H10].trust, TRUST_SOME);
	live(&f, 10, 600000, 5000);
	assert_int_equal(f.record[H10].trust, TRUST_FULL);
	assert_in_range(forecast_skill_ppm(&f.record[H10]), 500000, 1000000);
}

static void stands_down_when_it_is_wrong_at_the_wrong_time(void **state)
{
	struct forecast f;

	(void)state;
	forecast_init(&f);
	for (unsigned i = 0; i < 4000; i++)
		say(&f, i % 200 == 199, i % 200 < 20 ? 300000 : 20000);
	assert_true(forecast_skill_ppm(&f.record[H10]) < 0);
	assert_int_equal(f.record[H10].trust, TRUST_NONE);
	/* and comes back when it is right again for long enough */
	live(&f, 200, 600000, 5000);
	assert_true(f.record[H10].trust > TRUST_NONE);
}

static void stands_down_when_nothing_of_what_it_says_happens(void **state)
{
	struct forecast f;

	(void)state;
	forecast_init(&f);
	for (unsigned i = 0; i < 3000; i++)
		say(&f, false, 100000);
	assert_int_equal(f.record[H10].onsets, 0);
	assert_int_equal(f.record[H10].trust, TRUST_NONE);
}

static void a_restart_forgets_neither_record_nor_trust(void **state)
{
	struct forecast_learned learned[HAZARD_HORIZONS], again[HAZARD_HORIZONS];
	struct forecast f, g;

	(void)state;
	forecast_init(&f);
	forecast_init(&g);
	live(&f, 14, 600000, 5000);
	forecast_learned(&f, learned);
	forecast_restore(&g, learned);
	for (unsigned h = 0; h < HAZARD_HORIZONS; h++) {
		assert_int_equal(g.record[h].trust, f.record[h].trust);
		assert_int_equal(g.record[h].n, f.record[h].n);
		assert_int_equal(g.record[h].onsets, f.record[h].onsets);
		assert_true(imath_abs(forecast_skill_ppm(&g.record[h]) -
				      forecast_skill_ppm(&f.record[h])) < 1000);
	}
	forecast_learned(&g, again);
	assert_memory_equal(learned, again, sizeof(learned));
}

static void what_is_remembered_may_be_anything(void **state)
{
	struct forecast_learned learned[HAZARD_HORIZONS];
	struct forecast f;

	(void)state;
	forecast_init(&f);
	memset(learned, 0xff, sizeof(learned));
	forecast_restore(&f, learned);
	live(&f, 5, 600000, 5000);
	for (unsigned h = 0; h < HAZARD_HORIZONS; h++)
		assert_true(f.record[h].happened <= f.record[h].n &&
			    f.record[h].onsets <= f.record[h].happened);
	memset(learned, 0, sizeof(learned));
	forecast_restore(&f, learned);
	assert_int_equal(f.record[H10].trust, TRUST_UNTRIED);
}

static void forgets_in_days_and_never_overflows(void **state)
{
	struct forecast f;

	(void)state;
	forecast_init(&f);
	for (unsigned i = 0; i < 500000; i++)
		say(&f, i % 3 == 0, i % 3 == 2 ? 1000000 : 1);
	for (unsigned h = 0; h < HAZARD_HORIZONS; h++) {
		const struct forecast_record *r = &f.record[h];
		uint32_t n = 0, happened = 0;

		assert_true(r->n <= UINT32_C(1) << 17);
		assert_true(r->happened <= r->n);
		for (unsigned i = 0; i < FORECAST_BINS; i++) {
			assert_true(r->bin_happened[i] <= r->bin_n[i]);
			n += r->bin_n[i];
			happened += r->bin_happened[i];
		}
		/* each halving may round each of them down once */
		assert_true(n <= r->n && n + 5 * 8 >= r->n);
		assert_true(happened <= r->happened && happened + 5 * 8 >= r->happened);
		assert_in_range(forecast_skill_ppm(r) + 1000000, 0, 2000000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_a_forecast_when_its_horizon_has_passed),
		cmocka_unit_test(an_outage_makes_all_true_that_foretold_it),
		cmocka_unit_test(what_cannot_be_checked_is_not_counted),
		cmocka_unit_test(begins_untried_where_recordings_have_proved_it),
		cmocka_unit_test(earns_trust_by_being_right),
		cmocka_unit_test(stands_down_when_it_is_wrong_at_the_wrong_time),
		cmocka_unit_test(stands_down_when_nothing_of_what_it_says_happens),
		cmocka_unit_test(a_restart_forgets_neither_record_nor_trust),
		cmocka_unit_test(what_is_remembered_may_be_anything),
		cmocka_unit_test(forgets_in_days_and_never_overflows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
