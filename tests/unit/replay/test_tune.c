/* The search: what is better is found and proposed, what makes no difference or is chance is not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/usec.h"
#include "replay/settings.h"
#include "replay/tune.h"

#define WORLDS 4
#define SPAN_S 1800

static struct scenario world[WORLDS];
static struct tune_run run;
static struct tune_result result;
static unsigned played;

static const char config_text[] = "config defaults\n"
				  "\toption hold '1s'\n"
				  "config failover 'failover'\n"
				  "\toption unsteady '0'\n";

static int configure(void *user, const char *const setting[], unsigned n, struct config *ret)
{
	struct problem problem;

	(void)user;
	played++;
	return settings_parse("test", config_text, strlen(config_text), setting, n, ret, NULL,
		&problem);
}

/* The preferred link fails for five seconds every every_s seconds; the other is well. */
static void make_world(struct scenario *s, int every_s, int phase_s)
{
	memset(s, 0, sizeof(*s));
	s->n_links = 2;
	strcpy(s->link[0].name, "first");
	strcpy(s->link[1].name, "second");
	for (unsigned i = 0; i < 2; i++) {
		struct recording *r = &s->link[i].recording;

		r->hold_us = RECORDING_HOLD_US;
		for (int64_t t = 0; t < SPAN_S; t++) {
			bool dead = !i && (t + phase_s) % every_s < 5;
			struct recording_row row = {.at_us = t * USEC_S,
				.rtt_us = dead ? -1 : 30000,
				.loss = dead ? UINT32_MAX : 0};

			assert_int_equal(recording_append(r, &row), 0);
		}
		assert_int_equal(recording_finish(r), 0);
	}
	s->t1_us = (SPAN_S - 1) * USEC_S;
}

static void make_run(int every_s)
{
	memset(&run, 0, sizeof(run));
	for (unsigned i = 0; i < WORLDS; i++) {
		make_world(&world[i], every_s, (int)i * 17);
		run.recording[i] = (struct tune_recording){.scenario = &world[i],
			.t1_us = world[i].t1_us,
			.group = i};
	}
	run.n_recordings = run.n_groups = WORLDS;
	run.seeds = 1;
	run.all_known = true;
	run.configure = configure;
	played = 0;
}

static void add_option(const char *text)
{
	struct problem problem;

	assert_int_equal(tune_option_parse(text, &run.option[run.n_options++], &problem), 0);
}

static int teardown(void **state)
{
	(void)state;
	for (unsigned i = 0; i < WORLDS; i++)
		scenario_free(&world[i]);
	return 0;
}

static void what_is_better_is_found_and_proposed(void **state)
{
	(void)state;
	make_run(100);
	add_option("default.hold=1s,1h");
	add_option("detect.false_switch_period=365d,366d"); /* makes no difference */
	assert_int_equal(tune(&run, &result), 0);
	assert_true(result.clear);
	assert_true(result.held_after < result.held_before);
	assert_true(result.found.value_us[0] >= 30 * USEC_MIN);
	assert_int_equal(result.found.value_us[1], TUNE_AS_CONFIGURED);
	for (unsigned i = 0; i < WORLDS; i++) {
		assert_true(result.fold[i].after < result.fold[i].before);
		assert_true(result.cost_after_us[i] < result.cost_before_us[i]);
	}
	assert_true(played <= result.points * WORLDS);
}

static void nothing_to_gain_is_nothing_proposed(void **state)
{
	(void)state;
	make_run(100000); /* one outage at the begin of each world at the most */
	add_option("default.hold=1s,2s");
	assert_int_equal(tune(&run, &result), 0);
	assert_false(result.clear);
}

static void a_search_cut_short_proposes_nothing(void **state)
{
	(void)state;
	make_run(100);
	add_option("default.hold=1s,1h");
	run.deadline_us = 1;
	assert_int_equal(tune(&run, &result), 0);
	assert_true(result.out_of_time);
	assert_false(result.clear);
	assert_int_equal(played, 0);
}

static void values_that_do_not_go_together_are_passed_over(void **state)
{
	(void)state;
	make_run(100);
	add_option("default.hold=90d,1h"); /* the first is beyond its range */
	assert_int_equal(tune(&run, &result), 0);
	assert_true(result.found.value_us[0] <= USEC_DAY);
	assert_true(result.clear);
}

static void options_are_read_as_they_are_written(void **state)
{
	static const char *const bad[] = {"", "=", "a", "a=", "=1s", "a=1s,", "a=x", "a=1s,,2s",
		"a=1,2,3,4,5,6,7,8,9,10,11",
		"0123456789012345678901234567890123456789012345678901234567890123456789=1s"};
	struct tune_option o;
	struct problem problem;
	char text[96];

	(void)state;
	assert_int_equal(tune_option_parse("failover.bad_hold=0,250ms,1s", &o, &problem), 0);
	assert_string_equal(o.name, "failover.bad_hold");
	assert_int_equal(o.n, 3);
	assert_int_equal(o.value_us[0], 0);
	assert_int_equal(o.value_us[1], 250 * USEC_MS);
	tune_setting(&o, o.value_us[1], text, sizeof(text));
	assert_string_equal(text, "failover.bad_hold=250ms");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!tune_option_parse(bad[i], &o, &problem))
			fail_msg("%s was taken", bad[i]);
}

static void every_option_of_the_table_can_be_set(void **state)
{
	(void)state;
	for (unsigned i = 0; i < tune_option_count; i++)
		for (unsigned k = 0; k < tune_option_table[i].n; k++) {
			static struct config config;
			struct problem problem;
			char text[96];
			const char *setting = text;

			tune_setting(&tune_option_table[i], tune_option_table[i].value_us[k], text,
				sizeof(text));
			if (settings_parse("test", "", 0, &setting, 1, &config, NULL, &problem))
				fail_msg("%s: %s", text, problem.text);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(what_is_better_is_found_and_proposed, teardown),
		cmocka_unit_test_teardown(nothing_to_gain_is_nothing_proposed, teardown),
		cmocka_unit_test_teardown(a_search_cut_short_proposes_nothing, teardown),
		cmocka_unit_test_teardown(values_that_do_not_go_together_are_passed_over, teardown),
		cmocka_unit_test(options_are_read_as_they_are_written),
		cmocka_unit_test(every_option_of_the_table_can_be_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
