/* Configurations of the predecessor.  With GOLDEN_WRITE=1 the results are written anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "config/legacy.h"
#include "ctl/import.h"
#include "ctl/import_table.h"

#define TEXT_MAX 65536

static unsigned fates[IMPORT_FATE_COUNT];

static void count(void *user, const struct import_note *n)
{
	(void)user;
	assert_true(n->fate < IMPORT_FATE_COUNT);
	assert_non_null(import_fate_name(n->fate));
	assert_true(n->fate == IMPORT_KEPT || *n->to);
	assert_true(n->line > 0);
	fates[n->fate]++;
}

static void golden_path(const char *name, char path[512])
{
	snprintf(path, 512, "%.*s/golden/%s", (int)(strrchr(__FILE__, '/') - __FILE__), __FILE__,
		name);
}

static size_t read_golden(const char *name, char text[TEXT_MAX])
{
	char path[512];
	FILE *f;
	size_t n;

	golden_path(name, path);
	f = fopen(path, "r");
	if (!f)
		fail_msg("%s: %s", path, strerror(errno));
	n = fread(text, 1, TEXT_MAX - 1, f);
	fclose(f);
	text[n] = '\0';
	return n;
}

static char *import(const char *text, size_t size, size_t *ret_size)
{
	struct problem problem;
	char *made = NULL;

	memset(fates, 0, sizeof(fates));
	if (import_text("old", text, size, count, NULL, &made, ret_size, &problem))
		fail_msg("%s:%d: %s", problem.place, problem.line, problem.text);
	return made;
}

static void check_golden(const char *name, unsigned mapped, unsigned kept)
{
	static char in[TEXT_MAX], ok[TEXT_MAX];
	static struct config config;
	static struct config_problems problems;
	char file[64], path[512];
	size_t size, again_size;
	char *made, *again;

	snprintf(file, sizeof(file), "%s.in", name);
	made = import(in, read_golden(file, in), &size);
	snprintf(file, sizeof(file), "%s.ok", name);
	if (getenv("GOLDEN_WRITE")) {
		FILE *f;

		golden_path(file, path);
		f = fopen(path, "w");
		assert_non_null(f);
		fwrite(made, 1, size, f);
		fclose(f);
	}
	read_golden(file, ok);
	assert_string_equal(made, ok);
	assert_int_equal(fates[IMPORT_MAPPED], mapped);
	assert_int_equal(fates[IMPORT_KEPT], kept);
	assert_int_equal(config_parse("new", made, size, &config, &problems), 0);
	assert_int_equal(problems.n, 0);
	again = import(made, size, &again_size);
	assert_string_equal(again, made);
	assert_int_equal(again_size, size);
	free(again);
	free(made);
}

static void everything_the_predecessor_shipped_has_a_place(void **state)
{
	(void)state;
	check_golden("full", 18, 1);
}

static void old_and_new_side_by_side(void **state)
{
	(void)state;
	check_golden("mixed", 6, 7);
}

static void a_file_of_today_stays_as_it_is(void **state)
{
	static char in[TEXT_MAX];
	size_t n = read_golden("today.in", in), size;
	char *made = import(in, n, &size);

	(void)state;
	assert_string_equal(made, in);
	assert_int_equal(fates[IMPORT_KEPT], 2);
	free(made);
	made = import("", 0, &size);
	assert_string_equal(made, "");
	free(made);
}

/* Every word of the old file is in the new one, except where it said what the predecessor shipped. */
static void check_nothing_lost(void *user, const struct import_note *n)
{
	const char *made = user;

	if (n->fate != IMPORT_DROPPED && n->fate != IMPORT_UNKNOWN)
		return;
	assert_non_null(strstr(made, n->type));
	assert_non_null(strstr(made, n->section));
	assert_non_null(strstr(made, n->option));
	if (!strpbrk(n->value, "'\n"))
		assert_non_null(strstr(made, n->value));
}

static void nothing_is_lost(void **state)
{
	static const char *const name[] = {"full.in", "mixed.in"};
	static char in[TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		size_t n = read_golden(name[i], in), size;
		char *made = import(in, n, &size), *again = NULL;
		struct problem problem;

		assert_int_equal(import_text("old", in, n, check_nothing_lost, made, &again, &size,
					 &problem),
			0);
		free(again);
		free(made);
	}
}

static void what_the_reader_calls_old_has_a_rule(void **state)
{
	static const char *const types[] = {"member", "thresholds", "ml", "adaptive_monitoring",
		"metered", "starlink", "monitoring", "notifications", "gps", "wifi", "maintenance",
		"system_management"};
	static const char *const options[] = {"enable", "use_mwan3", "poll_interval_ms",
		"history_window_s", "predictive", "block_duration", "log_file"};

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		assert_true(legacy_knows(types[i], NULL));
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		assert_true(legacy_knows("autonomy", options[i]));
		assert_non_null(import_rule("autonomy", "main", options[i]));
	}
	assert_false(legacy_knows("link", NULL));
	assert_false(legacy_knows("autonomy", "mode"));
	assert_false(legacy_knows("link", "enable"));
	assert_null(import_rule("autonomy", "main", "mode"));
}

static void a_file_that_cannot_be_read_is_named(void **state)
{
	static char large[CONFIG_FILE_MAX + 1];
	struct problem problem;
	char *made = NULL;
	size_t size;

	(void)state;
	assert_int_equal(import_text("old", "config a\noption 'x\n", 19, count, NULL, &made, &size,
				 &problem),
		-EINVAL);
	assert_string_equal(problem.place, "old");
	assert_int_equal(problem.line, 2);
	memset(large, '\n', sizeof(large));
	assert_int_equal(import_text("old", large, sizeof(large), count, NULL, &made, &size,
				 &problem),
		-EFBIG);
	assert_null(made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_the_predecessor_shipped_has_a_place),
		cmocka_unit_test(old_and_new_side_by_side),
		cmocka_unit_test(a_file_of_today_stays_as_it_is),
		cmocka_unit_test(nothing_is_lost),
		cmocka_unit_test(what_the_reader_calls_old_has_a_rule),
		cmocka_unit_test(a_file_that_cannot_be_read_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
