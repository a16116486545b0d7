#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "fake_engine.h"

#include "api/command.h"
#include "api/request.h"

static void every_command_is_described(void **state)
{
	(void)state;
	for (size_t i = 0; i < COMMAND_ID_COUNT; i++) {
		const struct command *c = &command_table[i];

		assert_non_null(c->name);
		assert_true(strlen(c->name) < 24);
		assert_non_null(c->text);
		assert_true(c->text[strlen(c->text) - 1] == '.');
		assert_non_null(c->result);
		assert_non_null(c->help);
		assert_true(c->permission < PERMISSION_COUNT);
		assert_ptr_equal(command_find(c->name), c);
		/* looking is open to all, doing is not */
		assert_int_equal(c->changes, c->permission != PERMISSION_READ);
	}
}

static void every_argument_is_described(void **state)
{
	(void)state;
	for (size_t i = 0; i < COMMAND_ID_COUNT; i++) {
		const struct command *c = &command_table[i];
		bool optional = false;

		assert_true(command_n_arguments(c) <= COMMAND_ARGUMENTS_MAX);
		for (unsigned k = 0; k < command_n_arguments(c); k++) {
			const struct argument *a = &c->argument[k];

			assert_non_null(a->text);
			assert_true(a->text[strlen(a->text) - 1] == '.');
			assert_true(a->type < ARGUMENT_TYPE_COUNT);
			assert_true(a->completion < COMPLETION_COUNT);
			assert_int_equal(a->type == ARGUMENT_CHOICE, a->choices != NULL);
			if (a->type != ARGUMENT_CHOICE && a->type != ARGUMENT_BOOL)
				assert_true(a->max > a->min);
			assert_false(a->required && a->fallback);
			/* by place a required one cannot follow an optional one */
			assert_false(a->required && optional);
			optional |= !a->required;
			assert_int_equal(command_argument_index(c, a->name), k);
		}
	}
}

static void every_default_is_valid(void **state)
{
	(void)state;
	for (size_t i = 0; i < COMMAND_ID_COUNT; i++) {
		const struct command *c = &command_table[i];
		struct json_object *params = json_object_new_object();
		struct api_error error = {0};
		struct request r;

		for (unsigned k = 0; k < command_n_arguments(c); k++)
			if (c->argument[k].required)
				json_object_object_add(params, c->argument[k].name,
					json_object_new_string(
						c->argument[k].type == ARGUMENT_CHOICE ? "debug"
										       : "x"));
		if (request_parse(c, params, &r, &error))
			fail_msg("%s: %s", c->name, error.text);
		for (unsigned k = 0; k < command_n_arguments(c); k++)
			assert_int_equal(r.value[k].given,
				c->argument[k].required || c->argument[k].fallback);
		json_object_put(params);
	}
}

static void every_word_of_the_enums_has_a_name(void **state)
{
	(void)state;
	for (unsigned i = 0; i < PERMISSION_COUNT; i++)
		assert_non_null(permission_name((enum permission)i));
	for (unsigned i = 0; i < ARGUMENT_TYPE_COUNT; i++)
		assert_non_null(argument_type_name((enum argument_type)i));
	for (unsigned i = 0; i < COMPLETION_COUNT; i++)
		assert_non_null(completion_name((enum completion)i));
	assert_null(permission_name(PERMISSION_COUNT));
}

static void a_misspelt_command_finds_its_neighbour(void **state)
{
	(void)state;
	assert_string_equal(command_nearest("statsu")->name, "status");
	assert_string_equal(command_nearest("pni")->name, "pin");
	assert_string_equal(command_nearest("config.chek")->name, "config.check");
	assert_null(command_nearest("frobnicate"));
	assert_null(command_nearest("a word that is far longer than any command there is"));
}

static void choices_are_whole_words(void **state)
{
	(void)state;
	assert_true(command_is_choice("ipv4|ipv6", "ipv4"));
	assert_true(command_is_choice("ipv4|ipv6", "ipv6"));
	assert_false(command_is_choice("ipv4|ipv6", "ipv"));
	assert_false(command_is_choice("ipv4|ipv6", "ipv4|ipv6"));
	assert_false(command_is_choice("ipv4|ipv6", ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_command_is_described),
		cmocka_unit_test(every_argument_is_described),
		cmocka_unit_test(every_default_is_valid),
		cmocka_unit_test(every_word_of_the_enums_has_a_name),
		cmocka_unit_test(a_misspelt_command_finds_its_neighbour),
		cmocka_unit_test(choices_are_whole_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
