#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "ctl/table.h"

static char *printed(const struct table *t, bool colours, int width)
{
	static char *text;
	size_t size;
	FILE *f;

	free(text);
	text = NULL;
	f = open_memstream(&text, &size);
	table_print(t, f, colours, width);
	fclose(f);
	return text;
}

static void columns_are_as_wide_as_their_widest_cell(void **state)
{
	struct table t;

	(void)state;
	table_init(&t, "LINK|>RTT|WHY");
	table_row(&t);
	table_cell(&t, COLOUR_NONE, "wan");
	table_cell(&t, COLOUR_NONE, "8.1 ms");
	table_cell(&t, COLOUR_NONE, "because it is");
	table_row(&t);
	table_cell(&t, COLOUR_NONE, "M\xc3\xbcnchen");
	table_cell(&t, COLOUR_GOOD, "-");
	table_cell(&t, COLOUR_NONE, "");
	assert_string_equal(printed(&t, false, 0), "LINK        RTT  WHY\n"
						   "wan      8.1 ms  because it is\n"
						   "M\xc3\xbcnchen       -  \n");
	assert_string_equal(printed(&t, false, 24), "LINK        RTT  WHY\n"
						    "wan      8.1 ms  because\n"
						    "M\xc3\xbcnchen       -  \n");
	assert_non_null(strstr(printed(&t, true, 0), "\033[32m-\033[0m"));
	table_done(&t);
}

static void control_characters_do_not_reach_the_terminal(void **state)
{
	struct table t;

	(void)state;
	table_init(&t, "LINK");
	table_row(&t);
	table_cell(&t, COLOUR_NONE, "w\033[2Ja\xc2\x9bn");
	assert_string_equal(printed(&t, false, 0), "LINK\nw?[2Ja?n\n");
	table_done(&t);
}

static void too_many_cells_and_rows_are_harmless(void **state)
{
	struct table t;

	(void)state;
	table_init(&t, "A|B");
	for (int i = 0; i < 2 * TABLE_ROWS_MAX; i++) {
		table_row(&t);
		for (int k = 0; k < 5; k++)
			table_cell(&t, COLOUR_NONE, "x");
	}
	assert_int_equal(t.rows, TABLE_ROWS_MAX);
	printed(&t, false, 1);
	table_done(&t);
}

static void text_is_cut_between_characters(void **state)
{
	char out[5];

	(void)state;
	assert_string_equal(text_printable("ab\xc3\xbc", out, sizeof(out)), "ab\xc3\xbc");
	assert_string_equal(text_printable("abc\xc3\xbc", out, sizeof(out)), "abc");
	assert_string_equal(text_printable("abcdef", out, sizeof(out)), "abcd");
	assert_string_equal(text_printable("", out, sizeof(out)), "");
}

static void text_wraps_between_words(void **state)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	text_wrap(f, "one two three four", 2, 10);
	fclose(f);
	assert_string_equal(text, "one two\n  three\n  four\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_as_wide_as_their_widest_cell),
		cmocka_unit_test(control_characters_do_not_reach_the_terminal),
		cmocka_unit_test(too_many_cells_and_rows_are_harmless),
		cmocka_unit_test(text_is_cut_between_characters),
		cmocka_unit_test(text_wraps_between_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
