#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/usec.h"
#include "core/budget.h"

#define MB INT64_C(1000000)
#define TB (MB * MB)
#define PERIOD_US (30 * USEC_DAY)
#define SPENDINGS 200000

static int64_t at_us[SPENDINGS];
static int64_t size[SPENDINGS];

static uint32_t random_next(uint64_t *x)
{
	*x = *x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*x >> 33);
}

/* Spends whatever is allowed at random times over four months; looks at every 30 days. */
static void no_span_of_30_days(int64_t budget_bytes, uint64_t seed)
{
	struct budget b = {0};
	int64_t now_us = 1, in_span = 0;
	unsigned n = 0, first = 0;

	budget_set(&b, budget_bytes, now_us);
	while (now_us < 4 * PERIOD_US && n < SPENDINGS) {
		int64_t bytes = 40 + random_next(&seed) % 1500;
		enum budget_use use = (enum budget_use)(random_next(&seed) % 3);

		/* now a crowd, now a pause */
		now_us += random_next(&seed) % 8 ? random_next(&seed) % 200000
						 : random_next(&seed) % 4 * 40 * USEC_MIN;
		if (!budget_allows(&b, use, bytes, now_us))
			continue;
		budget_spend(&b, bytes, now_us);
		at_us[n] = now_us;
		size[n++] = bytes;
		for (in_span += bytes; at_us[first] <= now_us - PERIOD_US; first++)
			in_span -= size[first];
		assert_true(in_span <= budget_bytes);
		assert_true(budget_left_bytes(&b) >= 0);
	}
	/* the span is what limits, not the supply of wishes */
	assert_true(n > 100);
}

static void never_more_than_the_budget_in_any_30_days(void **state)
{
	static const int64_t budget_bytes[] = {100000, MB, 5 * MB, 20 * MB};

	(void)state;
	for (size_t i = 0; i < sizeof(budget_bytes) / sizeof(budget_bytes[0]); i++)
		for (uint64_t seed = 1; seed <= 3; seed++)
			no_span_of_30_days(budget_bytes[i], seed);
}

static void greed_gets_the_budget_and_no_more(void **state)
{
	struct budget b = {0};
	int64_t spent = 0;

	(void)state;
	budget_set(&b, 5 * MB, 0);
	for (int64_t now_us = 0; now_us < PERIOD_US; now_us += USEC_MIN)
		while (budget_allows(&b, BUDGET_BURST, 100, now_us)) {
			budget_spend(&b, 100, now_us);
			spent += 100;
		}
	assert_in_range(spent, 5 * MB - 1000, 5 * MB);
	assert_int_equal(b.spent_bytes, spent);
}

/* Of a bucket of half a megabyte: what each use may take before it has to stop. */
static void lesser_uses_leave_some_to_bursts(void **state)
{
	static const struct {
		enum budget_use use;
		int64_t takes;
	} row[] = {
		{BUDGET_BURST, 500000},
		{BUDGET_HEARTBEAT, 333300},
		{BUDGET_CHECK, 166600},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct budget b = {0};
		int64_t taken = 0;

		budget_set(&b, 5 * MB, 0);
		for (; budget_allows(&b, row[i].use, 100, 0); taken += 100)
			budget_spend(&b, 100, 0);
		assert_int_equal(taken, row[i].takes);
	}
}

static void probing_at_its_interval_never_runs_dry(void **state)
{
	struct budget b = {0};
	int64_t interval_us;

	(void)state;
	budget_set(&b, 5 * MB, 0);
	interval_us = budget_interval_us(&b, 84);
	assert_in_range(interval_us, 48 * USEC_S, 49 * USEC_S); /* 30 days / (4.5 MB / 84) */
	for (int64_t now_us = 0; now_us < 2 * PERIOD_US; now_us += interval_us) {
		assert_true(budget_allows(&b, BUDGET_HEARTBEAT, 84, now_us));
		budget_spend(&b, 84, now_us);
	}
}

static void without_a_limit_everything_is_allowed(void **state)
{
	struct budget b = {0};

	(void)state;
	budget_set(&b, 0, 0);
	assert_true(budget_allows(&b, BUDGET_CHECK, INT32_MAX, 0));
	budget_spend(&b, INT32_MAX, 0);
	assert_int_equal(budget_interval_us(&b, 84), 0);
	assert_int_equal(budget_percent(&b), 100);
	assert_int_equal(budget_left_bytes(&b), -1);
	assert_int_equal(b.spent_bytes, INT32_MAX);
}

static void a_new_limit_keeps_what_is_there_as_far_as_it_fits(void **state)
{
	struct budget b = {0};

	(void)state;
	budget_set(&b, 10 * MB, 0);
	budget_spend(&b, 400000, 0);
	budget_set(&b, 20 * MB, 0);
	assert_int_equal(budget_left_bytes(&b), 600000);
	budget_set(&b, 20 * MB, 0); /* the same again is no new one */
	assert_int_equal(budget_left_bytes(&b), 600000);
	budget_set(&b, MB, 0);
	assert_int_equal(budget_left_bytes(&b), 100000);
}

static void largest_budgets_do_not_overflow(void **state)
{
	static const int64_t budget_bytes[] = {400 * MB, TB, 50 * TB, INT64_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(budget_bytes) / sizeof(budget_bytes[0]); i++) {
		struct budget b = {0};
		int64_t capacity;

		budget_set(&b, budget_bytes[i], 0);
		capacity = budget_left_bytes(&b);
		assert_true(capacity >= 40 * MB);
		assert_int_equal(budget_percent(&b), 100);
		budget_spend(&b, capacity, 0);
		assert_int_equal(budget_percent(&b), 0);
		assert_false(budget_allows(&b, BUDGET_BURST, 1, 0));
		/* a ninth of the month brings a tenth of the budget: the bucket is full again */
		assert_true(budget_allows(&b, BUDGET_BURST, capacity / 2, PERIOD_US / 17));
		assert_false(budget_allows(&b, BUDGET_BURST, capacity, PERIOD_US / 17));
		assert_true(budget_allows(&b, BUDGET_BURST, capacity, 100 * PERIOD_US));
		assert_int_equal(budget_percent(&b), 100);
		assert_true(budget_interval_us(&b, 84) >= 0);
	}
}

static void time_that_stands_still_fills_nothing(void **state)
{
	struct budget b = {0};

	(void)state;
	budget_set(&b, 5 * MB, USEC_S);
	budget_spend(&b, 500000, USEC_S);
	assert_false(budget_allows(&b, BUDGET_BURST, 1, USEC_S));
	assert_false(budget_allows(&b, BUDGET_BURST, 1, 0));
	assert_true(budget_allows(&b, BUDGET_BURST, 1, 2 * USEC_S));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(never_more_than_the_budget_in_any_30_days),
		cmocka_unit_test(greed_gets_the_budget_and_no_more),
		cmocka_unit_test(lesser_uses_leave_some_to_bursts),
		cmocka_unit_test(probing_at_its_interval_never_runs_dry),
		cmocka_unit_test(without_a_limit_everything_is_allowed),
		cmocka_unit_test(a_new_limit_keeps_what_is_there_as_far_as_it_fits),
		cmocka_unit_test(largest_budgets_do_not_overflow),
		cmocka_unit_test(time_that_stands_still_fills_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
