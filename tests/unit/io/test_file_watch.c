/* A file's changes, whoever makes them and however. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/file_watch.h"

static char folder[64], file[96], other[96];
static struct event_base *base;
static struct file_watch *watch;
static int changes;

static void changed(void *user)
{
	(void)user;
	changes++;
}

static void put(const char *path)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs("text", f);
	fclose(f);
}

static void expect_changes(int n)
{
	const struct timeval second = {n ? 20 : 0, 300000};

	changes = 0;
	event_base_loopexit(base, &second);
	while (changes < n || !n)
		if (event_base_loop(base, EVLOOP_ONCE) || event_base_got_exit(base))
			break;
	assert_int_equal(changes, n);
}

static int setup(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/file_watch_XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(file, sizeof(file), "%s/autonomy", folder);
	snprintf(other, sizeof(other), "%s/other", folder);
	base = event_base_new();
	return 0;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	file_watch_free(watch);
	event_base_free(base);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static void a_rename_and_a_write_are_told_once_each(void **state)
{
	(void)state;
	watch = file_watch_new(base, file, changed, NULL);
	assert_non_null(watch);
	put(other);
	expect_changes(0);
	assert_int_equal(rename(other, file), 0);
	expect_changes(1);
	put(file);
	put(file);
	expect_changes(1);
}

static void behind_a_symbolic_link_the_real_file_is_watched(void **state)
{
	char far[96];

	(void)state;
	snprintf(far, sizeof(far), "%s/far", folder);
	snprintf(other, sizeof(other), "%s/far/real", folder);
	assert_int_equal(mkdir(far, 0700), 0);
	put(other);
	assert_int_equal(symlink("far/real", file), 0);
	watch = file_watch_new(base, file, changed, NULL);
	put(other);
	expect_changes(1);
}

static void without_a_folder_there_is_nothing_to_watch(void **state)
{
	(void)state;
	watch = file_watch_new(base, "/nowhere/autonomy", changed, NULL);
	assert_null(watch);
	assert_int_equal(errno, ENOENT);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(a_rename_and_a_write_are_told_once_each),
		CASE(behind_a_symbolic_link_the_real_file_is_watched),
		CASE(without_a_folder_there_is_nothing_to_watch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
