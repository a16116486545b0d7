#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/crashes.h"

static char dir[] = "/tmp/test-crashes-XXXXXX";

static int fresh(void **state)
{
	(void)state;
	crashes_forget(dir);
	return 0;
}

static void counts_starts_without_an_end(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(crashes_count(dir, 5, i * USEC_S), i);
	assert_int_equal(crashes_count(dir, 5, 6 * USEC_S), 5);
}

static void next_start_after_giving_up_is_the_first(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++)
		crashes_count(dir, 2, USEC_S);
	assert_int_equal(crashes_count(dir, 2, USEC_S), 0);
}

static void orderly_end_counts_for_nothing(void **state)
{
	(void)state;
	crashes_count(dir, 5, USEC_S);
	crashes_forget(dir);
	assert_int_equal(crashes_count(dir, 5, USEC_S), 0);
}

static void crashes_of_long_ago_are_forgotten(void **state)
{
	(void)state;
	crashes_count(dir, 5, USEC_S);
	crashes_count(dir, 5, 2 * USEC_S);
	assert_int_equal(crashes_count(dir, 5, 2 * USEC_S + CRASHES_WINDOW_US), 0);
}

static void clock_of_an_earlier_boot_counts_for_nothing(void **state)
{
	(void)state;
	crashes_count(dir, 5, USEC_H);
	assert_int_equal(crashes_count(dir, 5, USEC_S), 0);
}

static void damaged_file_never_keeps_it_down(void **state)
{
	static const char *const text[] = {"", "\n", "x", "99999999999999999999 0", "-1 -1", "3",
		"3 99999999999999999999999", "\xff\xff\xff 1"};
	char file[64];

	(void)state;
	snprintf(file, sizeof(file), "%s/starts", dir);
	for (unsigned i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
		FILE *f = fopen(file, "w");

		assert_non_null(f);
		fputs(text[i], f);
		fclose(f);
		crashes_count(dir, 5, USEC_DAY);
		crashes_forget(dir);
		assert_int_equal(crashes_count(dir, 5, USEC_DAY), 0);
	}
}

static void without_a_folder_nothing_is_counted(void **state)
{
	(void)state;
	assert_int_equal(crashes_count("/nonexistent", 1, USEC_S), 0);
	assert_int_equal(crashes_count("/nonexistent", 1, USEC_S), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(counts_starts_without_an_end, fresh),
		cmocka_unit_test_setup(next_start_after_giving_up_is_the_first, fresh),
		cmocka_unit_test_setup(orderly_end_counts_for_nothing, fresh),
		cmocka_unit_test_setup(crashes_of_long_ago_are_forgotten, fresh),
		cmocka_unit_test_setup(clock_of_an_earlier_boot_counts_for_nothing, fresh),
		cmocka_unit_test_setup(damaged_file_never_keeps_it_down, fresh),
		cmocka_unit_test(without_a_folder_nothing_is_counted),
	};
	int failed;

	if (!mkdtemp(dir))
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	crashes_forget(dir);
	rmdir(dir);
	return failed;
}
