#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/arguments.h"
#include "ctl/client.h"

static struct arguments a;
static char problem[256];

/* Splits at blanks. */
static int parse(const char *line)
{
	static char text[512];
	static char program[] = "autonomyctl";
	char *word[32] = {program};
	int n = 1;

	arguments_done(&a);
	snprintf(text, sizeof(text), "%s", line);
	for (char *p = strtok(text, " "); p; p = strtok(NULL, " "))
		word[n++] = p;
	return arguments_parse(&a, n, word, problem, sizeof(problem));
}

static void commands_of_one_and_two_words_are_found(void **state)
{
	(void)state;
	assert_int_equal(parse("status"), 0);
	assert_string_equal(a.command->name, "status");
	assert_string_equal(a.socket, CLIENT_SOCKET);
	assert_false(a.json);
	assert_int_equal(parse("config show"), 0);
	assert_string_equal(a.command->name, "config.show");
	assert_int_equal(parse("config.show --all"), 0);
	assert_int_equal(parse("--version"), 0);
	assert_string_equal(a.command->name, "version");
}

static void options_and_places_become_params(void **state)
{
	(void)state;
	assert_int_equal(parse("pin lte --for 90s --class=calls"), 0);
	assert_string_equal(json_object_to_json_string_ext(a.params, JSON_C_TO_STRING_PLAIN),
		"{\"link\":\"lte\",\"for\":\"90s\",\"class\":\"calls\"}");
	assert_int_equal(parse("pin --for 90s lte"), 0);
	assert_int_equal(parse("pin -- --lte"), 0);
	assert_string_equal(json_object_to_json_string_ext(a.params, JSON_C_TO_STRING_PLAIN),
		"{\"link\":\"--lte\"}");
	assert_int_equal(parse("events --follow --since=7"), 0);
	assert_string_equal(json_object_to_json_string_ext(a.params, JSON_C_TO_STRING_PLAIN),
		"{\"follow\":\"true\",\"since\":\"7\"}");
	assert_int_equal(parse("explain default ipv6"), 0);
}

static void changes_become_a_list(void **state)
{
	(void)state;
	assert_int_equal(parse("config set default.hold=10s +match --confirm 60 wan="), 0);
	assert_string_equal(json_object_to_json_string_ext(a.params, JSON_C_TO_STRING_PLAIN),
		"{\"changes\":[\"default.hold=10s\",\"+match\",\"wan=\"],\"confirm\":\"60\"}");
}

static void config_import_needs_no_daemon(void **state)
{
	(void)state;
	assert_int_equal(parse("config import old --output new --json"), 0);
	assert_int_equal(a.local, LOCAL_IMPORT);
	assert_string_equal(a.word, "old");
	assert_string_equal(a.output, "new");
	assert_true(a.json);
	assert_false(a.dry_run);
	assert_int_equal(parse("config import --dry-run --output=x -- --old"), 0);
	assert_true(a.dry_run);
	assert_string_equal(a.word, "--old");
	assert_int_equal(parse("config import old --help"), 0);
	assert_int_equal(a.local, LOCAL_HELP);
	assert_int_not_equal(parse("config import"), 0);
	assert_non_null(strstr(problem, "autonomyctl config import OLD"));
	assert_int_not_equal(parse("config import a b"), 0);
	assert_int_not_equal(parse("config import a --output"), 0);
}

static void global_options_may_stand_anywhere(void **state)
{
	(void)state;
	assert_int_equal(parse("--json --socket /x status"), 0);
	assert_true(a.json);
	assert_string_equal(a.socket, "/x");
	assert_int_equal(parse("status --json --socket=/y"), 0);
	assert_true(a.json);
	assert_string_equal(a.socket, "/y");
	assert_int_equal(parse("watch --socket /z"), 0);
	assert_int_equal(a.local, LOCAL_WATCH);
	assert_string_equal(a.socket, "/z");
}

static void help_is_found_everywhere(void **state)
{
	(void)state;
	assert_int_equal(parse(""), 0);
	assert_int_equal(a.local, LOCAL_HELP);
	assert_int_equal(parse("pin --help"), 0);
	assert_int_equal(a.local, LOCAL_HELP);
	assert_string_equal(a.word, "pin");
	assert_int_equal(parse("help config check"), 0);
	assert_string_equal(a.word, "config.check");
	assert_int_equal(parse("help status"), 0);
	assert_string_equal(a.word, "status");
}

static void mistakes_say_what_to_do(void **state)
{
	static const struct {
		const char *line, *text;
	} row[] = {
		{"statsu", "there is no command \"statsu\"; did you mean \"status\"?"},
		{"config chekc", "there is no command \"config\"; did you mean \"config check\"?"},
		{"trace", "trace what? one of: start, stop, status"},
		{"trace --limit 1MB", "trace what? one of: start, stop, status"},
		{"trace frobnicate",
			"there is no \"trace frobnicate\"; one of: start, stop, status"},
		{"frobnicate", "there is no command \"frobnicate\"; see: autonomyctl help"},
		{"pin", "link is missing: autonomyctl pin LINK [--class CLASS] [--for DURATION]"},
		{"pin a b", "\"b\" is one argument too many; see: autonomyctl help pin"},
		{"pin a --fro 1h", "there is no option --fro here; see: autonomyctl help pin"},
		{"pin a --for", "--for needs a value: How long; forever: until unpin."},
		{"pin a --for 1 --for 2", "for is given twice"},
		{"pin a -f", "there is no option -f; options are written --name"},
		{"--socket", "--socket needs a path"},
		{"--frob", "there is no option --frob; see: autonomyctl help"},
		{"config apply /nonexistent", "/nonexistent: No such file or directory"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		assert_int_not_equal(parse(row[i].line), 0);
		assert_string_equal(problem, row[i].text);
	}
}

static void files_are_read_and_checked(void **state)
{
	char name[] = "/tmp/test-arguments-XXXXXX", line[96];
	int fd = mkstemp(name);

	(void)state;
	assert_int_equal(write(fd, "config x\n", 9), 9);
	snprintf(line, sizeof(line), "config apply %s --confirm 60", name);
	assert_int_equal(parse(line), 0);
	assert_string_equal(a.file, name);
	assert_string_equal(json_object_to_json_string_ext(a.params, JSON_C_TO_STRING_PLAIN),
		"{\"text\":\"config x\\n\",\"confirm\":\"60\"}");
	assert_int_equal(write(fd, "\0", 1), 1);
	assert_int_not_equal(parse(line), 0);
	assert_non_null(strstr(problem, "this is no text"));
	assert_int_equal(ftruncate(fd, 100000), 0);
	assert_int_not_equal(parse(line), 0);
	assert_non_null(strstr(problem, "the file is too large"));
	close(fd);
	unlink(name);
}

static void usages_are_written_as_typed(void **state)
{
	char text[256];

	(void)state;
	arguments_usage(command_find("config.apply"), text, sizeof(text));
	assert_string_equal(text, "config apply FILE [--confirm DURATION]");
	arguments_usage(command_find("events"), text, sizeof(text));
	assert_string_equal(text,
		"events [--since SINCE] [--limit LIMIT] [--link LINK] [--follow]");
	arguments_usage(command_find("explain"), text, sizeof(text));
	assert_string_equal(text, "explain [CLASS] [ipv4|ipv6]");
}

static int teardown(void **state)
{
	(void)state;
	arguments_done(&a);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_of_one_and_two_words_are_found),
		cmocka_unit_test(options_and_places_become_params),
		cmocka_unit_test(changes_become_a_list),
		cmocka_unit_test(config_import_needs_no_daemon),
		cmocka_unit_test(global_options_may_stand_anywhere),
		cmocka_unit_test(help_is_found_everywhere),
		cmocka_unit_test(mistakes_say_what_to_do),
		cmocka_unit_test(files_are_read_and_checked),
		cmocka_unit_test(usages_are_written_as_typed),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
