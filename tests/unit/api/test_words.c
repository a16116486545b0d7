#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "api/words.h"
#include "base/usec.h"

static void spans_read_naturally(void **state)
{
	static const struct {
		int64_t us;
		const char *text;
	} row[] = {
		{0, "0 ms"},
		{40, "0.04 ms"},
		{400, "0.4 ms"},
		{8100, "8.1 ms"},
		{9960, "10 ms"},
		{140 * USEC_MS, "140 ms"},
		{999 * USEC_MS, "999 ms"},
		{USEC_S - 1, "1 s"},
		{USEC_S, "1 s"},
		{1250 * USEC_MS, "1.3 s"},
		{45 * USEC_S, "45 s"},
		{USEC_MIN - 1, "1 min"},
		{125 * USEC_S, "2 min 5 s"},
		{42 * USEC_MIN, "42 min"},
		{USEC_H - 1, "1 h"},
		{3 * USEC_H + 12 * USEC_MIN, "3 h 12 min"},
		{5 * USEC_DAY + 3 * USEC_H, "5 d 3 h"},
		{365 * USEC_DAY, "365 d"},
		{-5, "0 ms"},
		{USEC_NEVER, "for ever"},
		{USEC_NEVER - 1, "106751991 d 4 h"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		assert_string_equal(word_span(row[i].us).text, row[i].text);
}

static void percents_rates_and_bytes_read_naturally(void **state)
{
	(void)state;
	assert_string_equal(word_percent(0).text, "0 %");
	assert_string_equal(word_percent(500).text, "0.05 %");
	assert_string_equal(word_percent(2000).text, "0.2 %");
	assert_string_equal(word_percent(310000).text, "31 %");
	assert_string_equal(word_percent(1000000).text, "100 %");
	assert_string_equal(word_percent(-1).text, "0 %");
	assert_string_equal(word_rate(0).text, "0 bit/s");
	assert_string_equal(word_rate(1200000).text, "1.2 Mbit/s");
	assert_string_equal(word_rate(999999).text, "1 Mbit/s");
	assert_string_equal(word_rate(INT64_C(2500000000)).text, "2.5 Gbit/s");
	assert_string_equal(word_bytes(512).text, "512 B");
	assert_string_equal(word_bytes(4800000).text, "4.8 MB");
	assert_string_equal(word_bytes(INT64_MIN).text, "0 B");
	assert_true(strlen(word_bytes(INT64_MAX).text) < sizeof(struct word));
}

static void clocks_name_the_day_when_it_is_another(void **state)
{
	int64_t now_us = INT64_C(1774792800) * USEC_S;

	(void)state;
	assert_string_equal(word_clock(now_us + 23 * USEC_S, now_us).text, "14:00:23");
	assert_string_equal(word_clock(now_us + 3 * USEC_DAY, now_us).text, "2026-04-01 14:00");
	assert_true(strlen(word_clock(INT64_MAX, now_us).text) > 0);
}

static void sentences_are_cut_at_a_character(void **state)
{
	char text[8];
	struct words w;

	(void)state;
	words_init(&w, text, sizeof(text));
	words_add(&w, "abcde");
	words_add(&w, "%s",
		"ü"
		"ü");
	assert_true(strlen(text) < sizeof(text));
	/* no half of a character is left */
	assert_int_equal((unsigned char)text[strlen(text) - 1] & 0x80, 0);
	words_add(&w, "more");
	assert_true(strlen(text) < sizeof(text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spans_read_naturally),
		cmocka_unit_test(percents_rates_and_bytes_read_naturally),
		cmocka_unit_test(clocks_name_the_day_when_it_is_another),
		cmocka_unit_test(sentences_are_cut_at_a_character),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
