#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/usec.h"
#include "daemon/quota.h"

static char dir[64];

static int make_dir(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/test-quota-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	char file[96];

	(void)state;
	snprintf(file, sizeof(file), "%s/quota", dir);
	unlink(file);
	return rmdir(dir);
}

static void count(struct quota *q, const char *device, uint64_t bytes, int32_t month)
{
	struct input_counters c = {.tx_bytes = bytes / 2, .rx_bytes = bytes - bytes / 2};

	quota_count(q, 0, device, &c, month);
}

static void counts_from_the_first_reading_on(void **state)
{
	struct quota q;

	(void)state;
	quota_open(&q, dir);
	count(&q, "wwan0", 500, 202611);
	assert_int_equal(q.link[0].bytes, 0);
	count(&q, "wwan0", 1500, 202611);
	assert_int_equal(q.link[0].bytes, 1000);
	count(&q, "wwan0", 300, 202611); /* the device is new and counts from zero */
	assert_int_equal(q.link[0].bytes, 1300);
}

static void starts_over_with_the_month_but_not_when_the_clock_is_lost(void **state)
{
	struct quota q;

	(void)state;
	quota_open(&q, dir);
	count(&q, "wwan0", 0, 202611);
	count(&q, "wwan0", 1000, 0);
	assert_int_equal(q.link[0].bytes, 1000);
	count(&q, "wwan0", 1200, 202612);
	assert_int_equal(q.link[0].bytes, 200);
}

static void survives_a_restart_in_whatever_slot(void **state)
{
	struct quota q;
	struct input_counters c = {0};

	(void)state;
	quota_open(&q, dir);
	count(&q, "wwan0", 0, 202611);
	count(&q, "wwan0", 7000000, 202611);
	assert_int_equal(quota_write(&q, USEC_S, true), 0);
	assert_int_equal(quota_open(&q, dir), 0);
	quota_count(&q, 5, "wwan0", &c, 202611);
	assert_int_equal(q.link[5].bytes, 7000000);
}

static void tells_each_megabyte_once(void **state)
{
	struct quota q;
	struct input in;

	(void)state;
	quota_open(&q, dir);
	count(&q, "wwan0", 0, 202611);
	assert_true(quota_hint(&q, 0, &in));
	assert_int_equal(in.hint.value, 0);
	count(&q, "wwan0", 900000, 202611);
	assert_false(quota_hint(&q, 0, &in));
	count(&q, "wwan0", 1100000, 202611);
	assert_true(quota_hint(&q, 0, &in));
	assert_int_equal(in.hint.value, 1100000);
	assert_false(quota_hint(&q, 0, &in));
}

static void leaves_out_lines_that_are_none(void **state)
{
	char file[96];
	struct quota q;
	FILE *f;

	(void)state;
	snprintf(file, sizeof(file), "%s/quota", dir);
	f = fopen(file, "w");
	assert_non_null(f);
	fputs("wwan0 202611 12345\n\ngarbage\nwwan1 99 5\n", f);
	fclose(f);
	assert_int_equal(quota_open(&q, dir), 3);
	assert_string_equal(q.link[0].device, "wwan0");
	assert_int_equal(q.link[0].bytes, 12345);
	assert_string_equal(q.link[1].device, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(counts_from_the_first_reading_on, make_dir,
			remove_dir),
		cmocka_unit_test_setup_teardown(
			starts_over_with_the_month_but_not_when_the_clock_is_lost, make_dir,
			remove_dir),
		cmocka_unit_test_setup_teardown(survives_a_restart_in_whatever_slot, make_dir,
			remove_dir),
		cmocka_unit_test_setup_teardown(tells_each_megabyte_once, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(leaves_out_lines_that_are_none, make_dir,
			remove_dir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
