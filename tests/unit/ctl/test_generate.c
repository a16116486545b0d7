#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/arguments.h"
#include "ctl/generate.h"

static char *text;
static size_t size;

static int teardown(void **state)
{
	(void)state;
	free(text);
	text = NULL;
	return 0;
}

static FILE *begin(void)
{
	free(text);
	text = NULL;
	return open_memstream(&text, &size);
}

static void help_names_every_command(void **state)
{
	char words[64];
	FILE *f = begin();

	(void)state;
	generate_help(f, NULL, 80);
	fclose(f);
	for (size_t i = 0; i < COMMAND_ID_COUNT; i++)
		assert_non_null(
			strstr(text, arguments_words(&command_table[i], words, sizeof(words))));
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		assert_true(strlen(line) <= 80);
}

static void every_command_explains_itself_in_eighty_columns(void **state)
{
	(void)state;
	for (size_t i = 0; i < COMMAND_ID_COUNT; i++) {
		FILE *f = begin();

		generate_help(f, &command_table[i], 80);
		fclose(f);
		for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
			assert_true(strlen(line) <= 80);
	}
}

static void documents_hold_every_command_and_argument(void **state)
{
	static const char *const name[] = {"autonomyctl.8", "api.md"};

	(void)state;
	for (size_t n = 0; n < 2; n++) {
		FILE *f = begin();

		assert_int_equal(generate_document(f, name[n]), 0);
		fclose(f);
		for (size_t i = 0; i < COMMAND_ID_COUNT; i++) {
			char words[64];
			const struct command *c = &command_table[i];

			assert_non_null(strstr(text,
				n ? c->name : arguments_words(c, words, sizeof(words))));
			for (unsigned k = 0; k < command_n_arguments(c); k++)
				assert_non_null(strstr(text, c->argument[k].name));
		}
	}
	FILE *f = begin();
	assert_int_equal(generate_document(f, "autonomyd.8"), 0);
	assert_int_not_equal(generate_document(f, "nothing"), 0);
	fclose(f);
}

static char *whole_file(const char *name)
{
	char path[512];
	size_t n = 0;
	char *in = calloc(1, 1 << 17);
	FILE *f;

	/* the tree is where this file is */
	snprintf(path, sizeof(path), "%.*s/docs/%s", (int)(strstr(__FILE__, "/tests/") - __FILE__),
		__FILE__, name);
	f = fopen(path, "r");
	if (f) {
		n = fread(in, 1, (1 << 17) - 1, f);
		fclose(f);
	}
	in[n] = '\0';
	return in;
}

static void documents_in_the_tree_are_up_to_date(void **state)
{
	static const char *const name[] = {"autonomyctl.8", "autonomyd.8", "api.md"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		FILE *f = begin();
		char *in;

		assert_int_equal(generate_document(f, name[i]), 0);
		fclose(f);
		in = whole_file(name[i]);
		if (strcmp(in, text) != 0)
			fail_msg("make it anew: autonomyctl generate %s > docs/%s", name[i],
				name[i]);
		free(in);
	}
}

/* Runs bash with the completion and a command line; what it offers is left in text. */
static const char *offered(const char *line)
{
	char file[] = "/tmp/test-completion-XXXXXX", command[600];
	int fd = mkstemp(file);
	FILE *f = fdopen(fd, "w");
	size_t n;

	assert_int_equal(generate_completion(f, "bash"), 0);
	fprintf(f,
		"autonomyctl() { [ \"$1 $2\" = 'names link' ] && echo 'wan lte sat'; }\n"
		"COMP_WORDS=(%s); [ '%c' = ' ' ] && COMP_WORDS+=('')\n"
		"COMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n"
		"_autonomyctl\necho \"${COMPREPLY[*]}\"\n",
		line, line[strlen(line) - 1]);
	fclose(f);
	snprintf(command, sizeof(command), "bash %s 2>&1", file);
	f = popen(command, "r");
	free(text);
	text = malloc(4096);
	n = fread(text, 1, 4095, f);
	text[n] = '\0';
	pclose(f);
	unlink(file);
	return text;
}

static void bash_is_offered_what_fits(void **state)
{
	(void)state;
	if (system("bash -c 'type compgen' >/dev/null 2>&1"))
		skip();
	assert_string_equal(offered("autonomyctl sta"), "status\n");
	assert_string_equal(offered("autonomyctl config re"), "reload\n");
	assert_string_equal(offered("autonomyctl pin "), "wan lte sat\n");
	assert_string_equal(offered("autonomyctl pin l"), "lte\n");
	assert_string_equal(offered("autonomyctl pin lte --f"), "--for\n");
	assert_string_equal(offered("autonomyctl --json explain default ip"), "ipv4 ipv6\n");
	assert_string_equal(offered("autonomyctl log d"), "debug\n");
	assert_string_equal(offered("autonomyctl completion "), "bash zsh\n");
}

static void other_shells_are_refused(void **state)
{
	FILE *f = begin();

	(void)state;
	assert_int_equal(generate_completion(f, "zsh"), 0);
	assert_int_not_equal(generate_completion(f, "fish"), 0);
	fclose(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(help_names_every_command),
		cmocka_unit_test(every_command_explains_itself_in_eighty_columns),
		cmocka_unit_test(documents_hold_every_command_and_argument),
		cmocka_unit_test(documents_in_the_tree_are_up_to_date),
		cmocka_unit_test(bash_is_offered_what_fits),
		cmocka_unit_test(other_shells_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
