#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "ctl/canvas.h"

static struct canvas one, two;
static char out[CANVAS_DIFF_SIZE];

static void what_does_not_fit_is_cut(void **state)
{
	(void)state;
	canvas_init(&one, 2, 5, false, true);
	canvas_put(&one, COLOUR_BAD, "abcdefgh");
	canvas_end(&one);
	canvas_put(&one, COLOUR_NONE, "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc");
	canvas_end(&one);
	canvas_put(&one, COLOUR_NONE, "below the screen");
	canvas_end(&one);
	assert_string_equal(one.line[0].text, "abcde");
	assert_string_equal(one.line[1].text, "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc");
	assert_int_equal(one.row, 2);
}

static void without_unicode_only_ascii_is_sent(void **state)
{
	static const int value[] = {0, 50, 100, -1};

	(void)state;
	canvas_init(&one, 2, 20, false, false);
	canvas_put(&one, COLOUR_NONE, "M\xc3\xbc\033n");
	canvas_end(&one);
	canvas_bars(&one, value, 4, 6);
	assert_string_equal(one.line[0].text, "M??n");
	assert_string_equal(one.line[1].text, "  _=# ");
}

static void bars_show_the_newest_at_the_right(void **state)
{
	static const int value[] = {0, 100, 0, 100, 60};

	(void)state;
	canvas_init(&one, 1, 20, false, true);
	canvas_bars(&one, value, 5, 2);
	assert_string_equal(one.line[0].text, "█▅");
}

static void only_rows_that_changed_are_sent(void **state)
{
	size_t n;

	(void)state;
	canvas_init(&one, 3, 10, false, true);
	canvas_init(&two, 3, 10, false, true);
	for (int i = 0; i < 3; i++) {
		canvas_put(&one, COLOUR_NONE, "same");
		canvas_put(&two, COLOUR_NONE, i == 1 ? "other" : "same");
		canvas_end(&one);
		canvas_end(&two);
	}
	n = canvas_diff(&one, &two, out, sizeof(out));
	out[n] = '\0';
	assert_string_equal(out, "\033[2;1Hother\033[K");
	assert_int_equal(canvas_diff(&one, &one, out, sizeof(out)), 0);
	n = canvas_diff(NULL, &one, out, sizeof(out));
	out[n] = '\0';
	assert_memory_equal(out, "\033[H\033[2J\033[1;1Hsame", 17);
	/* another size: everything again */
	two.rows = 2;
	assert_true(canvas_diff(&two, &one, out, sizeof(out)) > 20);
}

static void wrapped_text_keeps_within_its_rows(void **state)
{
	(void)state;
	canvas_init(&one, 9, 12, false, true);
	canvas_tab(&one, 2);
	assert_int_equal(canvas_wrap(&one, COLOUR_NONE, "one two three four five six", 2, 2), 2);
	assert_string_equal(one.line[0].text, "  one two");
	assert_string_equal(one.line[1].text, "  three four");
	assert_int_equal(one.row, 2);
}

static void any_size_is_survived(void **state)
{
	(void)state;
	for (int rows = -1; rows < 200; rows += 50)
		for (int columns = -1; columns < 500; columns += 100) {
			canvas_init(&one, rows, columns, true, true);
			for (int i = 0; i < 300; i++) {
				for (int k = 0; k < 400; k++)
					canvas_put(&one, COLOUR_GOOD, "x");
				canvas_end(&one);
			}
			assert_true(canvas_diff(NULL, &one, out, sizeof(out)) < sizeof(out));
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_does_not_fit_is_cut),
		cmocka_unit_test(without_unicode_only_ascii_is_sent),
		cmocka_unit_test(bars_show_the_newest_at_the_right),
		cmocka_unit_test(only_rows_that_changed_are_sent),
		cmocka_unit_test(wrapped_text_keeps_within_its_rows),
		cmocka_unit_test(any_size_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
