/* --set: what goes where in a configuration file, and what is said of mistakes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/usec.h"
#include "replay/settings.h"

static const char file_text[] = "# a comment\n"
				"config defaults\n"
				"\toption hold '30s'\n"
				"\n"
				"config link 'wan'\n"
				"\toption metered '1'\n"
				"\n"
				"config link 'cfg7'\n"
				"\toption name 'wan-2'\n"
				"\toption device 'eth7'\n"
				"\n"
				"config class 'calls'\n"
				"\tlist link 'wan'\n";

static struct config config;
static struct problem problem;
static char text[CONFIG_FILE_MAX];

static int with(const char *const setting[], unsigned n)
{
	memset(&problem, 0, sizeof(problem));
	return settings_parse("file", file_text, strlen(file_text), setting, n, &config, text,
		&problem);
}

static int with_one(const char *setting)
{
	return with(&setting, 1);
}

static const struct config_link *link_of(const char *name)
{
	for (unsigned i = 0; i < config.n_links; i++)
		if (!strcmp(config.link[i].policy.name, name))
			return &config.link[i];
	return NULL;
}

static void an_option_goes_into_the_section_that_is_there(void **state)
{
	static const char *const both[] = {"default.hold=10s", "wan.metered=0"};

	(void)state;
	assert_int_equal(with(both, 2), 0);
	assert_int_equal(config.link_default.policy.hold_us, 10 * USEC_S);
	assert_false(link_of("wan")->policy.metered);
	assert_int_equal(link_of("wan")->policy.hold_us, 10 * USEC_S);
	assert_null(strstr(text, "30s"));
	assert_int_equal(with_one("defaults.hold=11s"), 0);
	assert_int_equal(config.link_default.policy.hold_us, 11 * USEC_S);
}

static void a_section_that_is_not_there_is_made(void **state)
{
	(void)state;
	assert_int_equal(with_one("failover.bad_hold=3s"), 0);
	assert_int_equal(config.policy.bad_hold_us, 3 * USEC_S);
	assert_int_equal(with_one("main.ipv6=0"), 0);
	assert_false(config.policy.ipv6);
	assert_int_equal(with_one("autonomy.ipv6=0"), 0);
	assert_int_equal(with_one("class.video.min_score=33"), 0);
	assert_int_equal(config.policy.n_classes, 3);
	assert_int_equal(with_one("lte.preference=5"), 0);
	assert_int_equal(link_of("lte")->policy.preference, 5);
}

static void a_link_is_known_by_its_option_name_too(void **state)
{
	(void)state;
	assert_int_equal(with_one("wan-2.preference=9"), 0);
	assert_int_equal(link_of("wan-2")->policy.preference, 9);
	assert_string_equal(link_of("wan-2")->policy.device, "eth7");
	assert_int_equal(config.n_links, 2);
	/* and a name that no section may have becomes one */
	assert_int_equal(with_one("lte-3.preference=4"), 0);
	assert_int_equal(link_of("lte-3")->policy.preference, 4);
}

static void a_list_is_replaced_by_its_words(void **state)
{
	(void)state;
	assert_int_equal(with_one("class.calls.link=wan-2 wan"), 0);
	assert_int_equal(config.class_links[1].n, 2);
	assert_string_equal(config.class_links[1].name[0], "wan-2");
	assert_int_equal(with_one("class.calls.link="), 0);
	assert_int_equal(config.class_links[1].n, 0);
}

static void an_empty_value_takes_the_option_out(void **state)
{
	(void)state;
	assert_int_equal(with_one("default.hold="), 0);
	assert_int_equal(config.link_default.policy.hold_us, 60 * USEC_S);
}

static void of_the_same_option_the_last_one_counts(void **state)
{
	static const char *const twice[] = {"default.hold=1s", "default.hold=2s"};

	(void)state;
	assert_int_equal(with(twice, 2), 0);
	assert_int_equal(config.link_default.policy.hold_us, 2 * USEC_S);
}

static void the_text_reads_back_to_the_same(void **state)
{
	static const char *const some[] = {"default.hold=10s", "class.calls.link=wan wan-2",
		"failover.unsteady=700ms"};
	static struct config again;
	static struct config_problems problems;

	(void)state;
	assert_int_equal(with(some, 3), 0);
	assert_int_equal(config_parse("again", text, strlen(text), &again, &problems), 0);
	assert_int_equal(config_diff(&config, &again, NULL, NULL), 0);
}

static void mistakes_name_the_setting(void **state)
{
	static const struct {
		const char *setting, *says;
	} row[] = {
		{"x=3", "SECTION.OPTION=VALUE"},
		{"default.hold", "SECTION.OPTION=VALUE"},
		{".hold=3s", "SECTION.OPTION=VALUE"},
		{"default.=3s", "SECTION.OPTION=VALUE"},
		{"=", "SECTION.OPTION=VALUE"},
		{"", "SECTION.OPTION=VALUE"},
		{"default.hlod=3s", "did you mean 'hold'"},
		{"default.hold=soon", "is no time"},
		{"default.hold=-1s", "hold"},
		{"failover.bad_hold=99d", "bad_hold"},
		{"main.mode=obs", "is not known: write"},
		{"wan.met ered=1", "letters, digits and _"},
		{"wan.metered=1\noption x", "metered"},
		{"class.calls.link=nobody and \"", "link"},
		{"target.address=1.1.1.1", "belongs"},
	};
	char longest[4096];

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		int error = with_one(row[i].setting);

		if (!error || !strstr(problem.text, row[i].says))
			print_message("%s: %d %s: %s\n", row[i].setting, error, problem.place,
				problem.text);
		assert_int_equal(error, -EINVAL);
		assert_non_null(strstr(problem.text, row[i].says));
		assert_string_equal(problem.place, row[i].setting);
	}
	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	longest[4000] = '=';
	longest[3000] = '.';
	assert_int_equal(with_one(longest), -EINVAL);
}

static void of_several_the_one_at_fault_is_named(void **state)
{
	static const char *const some[] = {"default.hold=10s", "failover.bad_hold=x",
		"wan.metered=0"};

	(void)state;
	assert_int_equal(with(some, 3), -EINVAL);
	assert_string_equal(problem.place, "failover.bad_hold=x");
}

static void mistakes_of_the_file_keep_their_line(void **state)
{
	static const char bad[] = "config defaults\n\toption hold 'x'\n";

	(void)state;
	assert_int_equal(settings_parse("file", bad, strlen(bad), NULL, 0, &config, NULL, &problem),
		-EINVAL);
	assert_string_equal(problem.place, "file");
	assert_int_equal(problem.line, 2);
}

static void a_file_that_is_not_there_is_the_defaults(void **state)
{
	static const char *const one = "default.hold=10s";

	(void)state;
	assert_int_equal(settings_load("/nonexistent/file", &one, 1, &config, NULL, &problem), 0);
	assert_int_equal(config.link_default.policy.hold_us, 10 * USEC_S);
	assert_int_equal(settings_load("/proc", &one, 1, &config, NULL, &problem), -EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_option_goes_into_the_section_that_is_there),
		cmocka_unit_test(a_section_that_is_not_there_is_made),
		cmocka_unit_test(a_link_is_known_by_its_option_name_too),
		cmocka_unit_test(a_list_is_replaced_by_its_words),
		cmocka_unit_test(an_empty_value_takes_the_option_out),
		cmocka_unit_test(of_the_same_option_the_last_one_counts),
		cmocka_unit_test(the_text_reads_back_to_the_same),
		cmocka_unit_test(mistakes_name_the_setting),
		cmocka_unit_test(of_several_the_one_at_fault_is_named),
		cmocka_unit_test(mistakes_of_the_file_keep_their_line),
		cmocka_unit_test(a_file_that_is_not_there_is_the_defaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
