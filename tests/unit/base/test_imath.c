#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/imath.h"

/* 1024 * ln(v / 10^6), worked out by hand to the nearest whole. */
static void logarithm_is_right_to_two_in_1024(void **state)
{
	static const struct {
		uint32_t v_ppm;
		int32_t ln;
	} row[] = {
		{1000000, 0},
		{500000, -710},
		{850000, -166},
		{400000, -938},
		{100000, -2358},
		{2000, -6364},
		{1, -14147},
		{0, -14147},
		{2000000, 710},
		{UINT32_MAX, 8566},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		assert_in_range(imath_ln_ppm(row[i].v_ppm) - row[i].ln + 2, 0, 4);
}

static void logarithm_never_falls(void **state)
{
	int32_t before = imath_ln_ppm(1);

	(void)state;
	for (uint32_t v = 2; v < 1100000; v += 7) {
		int32_t ln = imath_ln_ppm(v);

		assert_true(ln >= before);
		before = ln;
	}
}

static void root_is_the_largest_that_fits(void **state)
{
	static const uint64_t row[] = {0, 1, 2, 3, 4, 15, 16, 17, 999999, 1000000, UINT32_MAX,
		UINT64_C(1) << 32, (UINT64_C(1) << 62) - 1, UINT64_C(1) << 62, UINT64_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		uint64_t r = imath_sqrt(row[i]);

		assert_true(r * r <= row[i]);
		assert_true(r == UINT32_MAX || (r + 1) * (r + 1) > row[i]);
	}
}

static void average_arrives_from_both_sides(void **state)
{
	static const int64_t from[] = {0, 100000, -5, 41};

	(void)state;
	for (size_t i = 0; i < sizeof(from) / sizeof(from[0]); i++) {
		int64_t average = from[i];

		for (int k = 0; k < 2000; k++)
			average = imath_average(average, 42, 5);
		assert_int_equal(average, 42);
	}
	assert_int_equal(imath_average(0, 1600, 4), 100);
	assert_int_equal(imath_average(1600, 0, 4), 1500);
}

static void ratio_of_nothing_is_nothing(void **state)
{
	(void)state;
	assert_int_equal(imath_ratio_ppm(0, 0), 0);
	assert_int_equal(imath_ratio_ppm(5, 0), 0);
	assert_int_equal(imath_ratio_ppm(1, 3), 333333);
	assert_int_equal(imath_ratio_ppm(7, 7), 1000000);
	assert_int_equal(imath_ratio_ppm(2, 1), 2000000);
}

static void ratio_is_the_same_either_way_of_dividing(void **state)
{
	static const uint64_t edge[] = {1, 3, 999999, 4293, 4294, 4295, 4296, UINT32_MAX - 1,
		UINT32_MAX, UINT64_C(1) << 32, UINT64_C(1) << 40};

	(void)state;
	for (size_t i = 0; i < sizeof(edge) / sizeof(edge[0]); i++)
		for (size_t j = 0; j < sizeof(edge) / sizeof(edge[0]); j++)
			assert_int_equal(imath_ratio_ppm(edge[i], edge[j]),
				(uint32_t)(edge[i] * 1000000 / edge[j]));
}

static void magnitude_has_no_sign(void **state)
{
	(void)state;
	assert_int_equal(imath_abs(-7), 7);
	assert_int_equal(imath_abs(7), 7);
	assert_int_equal(imath_abs(0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(logarithm_is_right_to_two_in_1024),
		cmocka_unit_test(logarithm_never_falls),
		cmocka_unit_test(root_is_the_largest_that_fits),
		cmocka_unit_test(average_arrives_from_both_sides),
		cmocka_unit_test(ratio_of_nothing_is_nothing),
		cmocka_unit_test(ratio_is_the_same_either_way_of_dividing),
		cmocka_unit_test(magnitude_has_no_sign),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
