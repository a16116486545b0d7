/* What an earlier process left to be put back is believed only as far as it can be ours. */
#include "io/steer_sysctl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct steer_sysctl sysctl;

static void remember(const char *text)
{
	char directory[] = "/tmp/steer_sysctl_XXXXXX";
	char file[64];
	FILE *f;

	assert_non_null(mkdtemp(directory));
	snprintf(file, sizeof(file), "%s/sysctl", directory);
	f = fopen(file, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	steer_sysctl_init(&sysctl);
	steer_sysctl_remember(&sysctl, directory);
	unlink(file);
	rmdir(directory);
}

static void settings_are_remembered(void **state)
{
	(void)state;
	remember("net/ipv4/conf/eth0.7/rp_filter 1 2\nnet/ipv4/fib_multipath_hash_policy 0 1\n");
	assert_int_equal(sysctl.n, 2);
	assert_string_equal(sysctl.setting[0].name, "net/ipv4/conf/eth0.7/rp_filter");
	assert_int_equal(sysctl.setting[0].was, 1);
	assert_int_equal(sysctl.setting[0].set, 2);
}

static void the_first_word_on_a_setting_counts(void **state)
{
	(void)state;
	remember("net/ipv4/conf/a/rp_filter 1 2\nnet/ipv4/conf/a/rp_filter 0 2\n");
	assert_int_equal(sysctl.n, 1);
	assert_int_equal(sysctl.setting[0].was, 1);
}

static void names_that_cannot_be_ours_are_not_believed(void **state)
{
	static const char *const lines[] = {
		"",
		"\n\n",
		"net/ipv4/conf/eth0/rp_filter",
		"net/ipv4/conf/../../../kernel/rp_filter 1 2\n",
		"net/ipv4/conf/../rp_filter 1 2\n",
		"net/ipv4/conf/./rp_filter 1 2\n",
		"net/ipv4/conf//rp_filter 1 2\n",
		"net/ipv4/conf/eth0/rp_filter/x 1 2\n",
		"net/ipv4/conf/eth0/accept_local 0 1\n",
		"net/ipv4/conf/a_name_that_is_too_long/rp_filter 1 2\n",
		"kernel/core_pattern 1 2\n",
		"net/ipv4/conf/eth0/rp_filter -1 2\n",
		"net/ipv4/conf/eth0/rp_filter 99999999999999999999 2\n",
		"net/ipv4/conf/eth0/rp_filter 1 4\n",
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		remember(lines[i]);
		assert_int_equal(sysctl.n, 0);
	}
}

static void more_than_fits_is_left_out(void **state)
{
	static char text[8192];
	size_t size = 0;

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		size += (size_t)snprintf(text + size, sizeof(text) - size,
			"net/ipv4/conf/wan%u/rp_filter 1 2\n", i);
	remember(text);
	assert_int_equal(sysctl.n, STEER_SYSCTLS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings_are_remembered),
		cmocka_unit_test(the_first_word_on_a_setting_counts),
		cmocka_unit_test(names_that_cannot_be_ours_are_not_believed),
		cmocka_unit_test(more_than_fits_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
