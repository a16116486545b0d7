#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/usec.h"
#include "core/spells.h"

#define FLOOR_US (90 * USEC_MS)
#define COST_US (500 * USEC_MS)
#define PRIOR ((struct spells_prior){.lasting = 4})

static void repeat(struct spells *s, int64_t length_us, int times)
{
	for (int i = 0; i < times; i++)
		spells_add(s, length_us);
}

static int64_t patience_ms(const struct spells *s, int64_t floor_us)
{
	return spells_patience_us(s, &PRIOR, floor_us, COST_US) / USEC_MS;
}

/* Against four spells that never end: the bucket's edge, until waiting costs more than leaving. */
static void waits_as_long_as_spells_usually_last(void **state)
{
	static const struct {
		int64_t length_ms;
		int times;
		int64_t patience_ms;
	} row[] = {
		{0, 0, 90}, {50, 30, 90}, {130, 30, 130}, {131, 30, 200}, {300, 30, 300},
		{301, 30, 450}, {800, 40, 1000},
		{300, 1, 90},   /* one does not outweigh the four assumed */
		{4000, 40, 90}, /* two switches cost a second: never wait four */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct spells s = {0};

		repeat(&s, row[i].length_ms * USEC_MS, row[i].times);
		assert_int_equal(patience_ms(&s, FLOOR_US), row[i].patience_ms);
	}
}

static void never_waits_less_than_the_floor(void **state)
{
	static const int64_t floor_ms[] = {0, 1, 90, 91, 500, 1000, 40000, 60000};

	(void)state;
	for (size_t i = 0; i < sizeof(floor_ms) / sizeof(floor_ms[0]); i++) {
		struct spells s = {0};

		assert_true(patience_ms(&s, floor_ms[i] * USEC_MS) >= floor_ms[i]);
		repeat(&s, 100 * USEC_MS, 50);
		assert_true(patience_ms(&s, floor_ms[i] * USEC_MS) >= floor_ms[i]);
	}
}

static void what_is_usual_for_the_kind_counts_before_anything_is_known(void **state)
{
	const struct spells_prior radio = {.ended = {0, 0, 0, 5}, .lasting = 4};
	struct spells s = {0};

	(void)state;
	assert_int_equal(spells_patience_us(&s, &radio, FLOOR_US, COST_US), 300 * USEC_MS);
	for (int i = 0; i < 60; i++)
		spells_add_lasting(&s);
	assert_int_equal(spells_patience_us(&s, &radio, FLOOR_US, COST_US), FLOOR_US);
}

static void a_dearer_switch_is_waited_for_longer(void **state)
{
	struct spells s = {0};

	(void)state;
	repeat(&s, 4 * USEC_S, 40);
	assert_int_equal(spells_patience_us(&s, &PRIOR, FLOOR_US, COST_US), FLOOR_US);
	assert_int_equal(spells_patience_us(&s, &PRIOR, FLOOR_US, 30 * USEC_S), 5 * USEC_S);
}

static void memory_halves_when_full(void **state)
{
	struct spells s = {0};

	(void)state;
	repeat(&s, 100 * USEC_MS, 64);
	assert_int_equal(spells_ended(&s), 64);
	spells_add(&s, 100 * USEC_MS);
	assert_int_equal(spells_ended(&s), 33); /* 65 halved, rounded for people */
	for (int i = 0; i < 1000; i++) {
		spells_add_lasting(&s);
		assert_true(spells_ended(&s) + spells_lasting(&s) <= 65);
	}
	assert_int_equal(spells_ended(&s), 0);
}

static void a_line_that_changed_its_ways_is_learned_anew(void **state)
{
	struct spells s = {0};

	(void)state;
	repeat(&s, 300 * USEC_MS, 200);
	assert_int_equal(patience_ms(&s, FLOOR_US), 300);
	for (int i = 0; i < 200; i++)
		spells_add_lasting(&s);
	assert_int_equal(patience_ms(&s, FLOOR_US), 90);
}

static void a_spell_beyond_the_last_bucket_counts_as_lasting(void **state)
{
	struct spells s = {0};

	(void)state;
	spells_add(&s, spells_longest_us());
	assert_int_equal(spells_ended(&s), 1);
	assert_int_equal(spells_lasting(&s), 0);
	spells_add(&s, spells_longest_us() + 1);
	spells_add(&s, INT64_MAX);
	assert_int_equal(spells_ended(&s), 1);
	assert_int_equal(spells_lasting(&s), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_as_long_as_spells_usually_last),
		cmocka_unit_test(never_waits_less_than_the_floor),
		cmocka_unit_test(what_is_usual_for_the_kind_counts_before_anything_is_known),
		cmocka_unit_test(a_dearer_switch_is_waited_for_longer),
		cmocka_unit_test(memory_halves_when_full),
		cmocka_unit_test(a_line_that_changed_its_ways_is_learned_anew),
		cmocka_unit_test(a_spell_beyond_the_last_bucket_counts_as_lasting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
