/* What the child is asked, by a program of its name that says so. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../scratch.h"
#include "api/json.h"
#include "base/usec.h"
#include "daemon/daemon.h"

static struct study study;

static int make_program(void **state)
{
	char path[80];

	(void)state;
	scratch_make();
	snprintf(path, sizeof(path), "%s/autonomy-replay", scratch_folder);
	put(path, "#!/bin/sh\necho \"{\\\"said\\\": \\\"$*\\\"}\"\n");
	/* no program is beside this test, so it is looked for there */
	return chmod(path, 0755) || setenv("PATH", scratch_folder, 1);
}

static int remove_program(void **state)
{
	char path[80];

	(void)state;
	snprintf(path, sizeof(path), "%s/autonomy-replay", scratch_folder);
	unlink(path);
	snprintf(path, sizeof(path), "%s/study.json", scratch_folder);
	unlink(path);
	return rmdir(scratch_folder); /* PATH has no rm any more */
}

/* The command line that the question became. */
static void ask(const char *verb, const char *set, int64_t since_us, char ret[512])
{
	const struct daemon_options options = {.config_file = "config", .run_dir = scratch_folder};
	const struct api_study q = {.verb = verb,
		.set = set,
		.family = "ipv4",
		.since_us = since_us};
	struct json_object *o = NULL;
	struct problem problem;

	for (int i = 0; i < 1000; i++) {
		assert_int_equal(study_ask(&study, &q, &options, "record", USEC_S, &o, &problem),
			0);
		if (!json_object_object_get_ex(o, "running", NULL))
			break;
		json_object_put(o);
		o = NULL;
		usleep(10000);
	}
	assert_non_null(o);
	snprintf(ret, 512, "%s", json_get_text(o, "said", ""));
	json_object_put(o);
}

static void whatif_is_asked_with_its_settings(void **state)
{
	char said[512];

	(void)state;
	ask("whatif", "default.hold=10s", 7 * USEC_DAY, said);
	assert_string_equal(said,
		"whatif --json --quiet --background --record record --config config --family ipv4 "
		"--since 604800s --set default.hold=10s");
}

/* A process in the background is ended after four hours: 240 minutes. */
static void a_search_is_cut_short_before_it_is_ended(void **state)
{
	char said[512];
	const char *minutes;

	(void)state;
	ask("tune", NULL, USEC_NEVER, said);
	assert_non_null(strstr(said, " --since all"));
	minutes = strstr(said, " --minutes ");
	assert_non_null(minutes);
	assert_in_range(strtol(minutes + 11, NULL, 10), 60, 230);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatif_is_asked_with_its_settings),
		cmocka_unit_test(a_search_is_cut_short_before_it_is_ended),
	};

	return cmocka_run_group_tests(tests, make_program, remove_program);
}
