/* The options that whatif and tune share. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "replay/subject.h"

static void a_process_in_the_background_ends_after_four_hours(void **state)
{
	struct subject_options o;
	unsigned left_s;

	(void)state;
	subject_options_init(&o);
	assert_true(subject_option(&o, 'b', NULL));
	left_s = alarm(0);
	assert_in_range(left_s, 4 * 3600 - 10, 4 * 3600);
}

static void a_seed_is_a_number(void **state)
{
	struct subject_options o;
	char good[] = "0x10", word[] = "ten", less[] = "-1", empty[] = "";

	(void)state;
	subject_options_init(&o);
	assert_true(subject_option(&o, 'n', good));
	assert_int_equal(o.seed, 16);
	assert_false(subject_option(&o, 'n', word));
	assert_false(subject_option(&o, 'n', less));
	assert_false(subject_option(&o, 'n', empty));
	assert_int_equal(o.seed, 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_process_in_the_background_ends_after_four_hours),
		cmocka_unit_test(a_seed_is_a_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
