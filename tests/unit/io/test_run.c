/* What a program is told and says arrives whole, whatever its size. */
#include "io/run.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Sizes around those of a pipe's portions, in which output is read. */
static void output_of_every_size_is_whole(void **state)
{
	static const unsigned sizes[] = {0, 1, 4095, 4096, 4097, 8192, 12288, 65536, 300000};

	(void)state;
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char size[16];
		const char *const argv[] = {"sh", "-c", "head -c $0 /dev/zero | tr '\\0' x", size,
			NULL};
		char *output = NULL;

		snprintf(size, sizeof(size), "%u", sizes[i]);
		assert_int_equal(run_program(argv, NULL, &output, NULL), 0);
		assert_int_equal(strlen(output), sizes[i]);
		assert_int_equal(strspn(output, "x"), sizes[i]);
		free(output);
	}
}

static void what_goes_in_comes_out(void **state)
{
	const char *const argv[] = {"cat", NULL};
	const size_t size = 200000;
	char *input = malloc(size + 1), *output = NULL;

	(void)state;
	assert_non_null(input);
	for (size_t i = 0; i < size; i++)
		input[i] = (char)('a' + i % 26);
	input[size] = '\0';
	assert_int_equal(run_program(argv, input, &output, NULL), 0);
	assert_string_equal(output, input);
	free(output);
	free(input);
}

static void a_failure_is_told_with_its_first_line(void **state)
{
	const char *const argv[] = {"sh", "-c", "echo first >&2; echo second >&2; exit 3", NULL};
	struct problem problem = {0};
	char *output = NULL;

	(void)state;
	assert_int_equal(run_program(argv, NULL, &output, &problem), -EIO);
	assert_null(output);
	assert_string_equal(problem.text, "first (ended with 3)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(output_of_every_size_is_whole),
		cmocka_unit_test(what_goes_in_comes_out),
		cmocka_unit_test(a_failure_is_told_with_its_first_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
