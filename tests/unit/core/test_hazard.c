/* The model in C against the numbers that its trainer wrote, and against what hostile seconds could do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/hazard.h"

static const struct {
	bool begin, gap; /* a new path; nothing was seen for a while */
	uint32_t asked, lost, rtt_us;
	bool unusable;
	uint32_t ppm[HAZARD_HORIZONS];
} vector[] = {
#include "hazard_vectors.inc"
};

static void says_what_the_trainer_says(void **state)
{
	struct hazard h;

	(void)state;
	memset(&h, 0, sizeof(h));
	for (size_t i = 0; i < sizeof(vector) / sizeof(vector[0]); i++) {
		uint32_t ppm[HAZARD_HORIZONS];

		if (vector[i].begin)
			memset(&h, 0, sizeof(h));
		if (vector[i].gap)
			hazard_gap(&h);
		if (vector[i].begin || vector[i].gap)
			continue;
		hazard_add(&h, &(struct hazard_second){vector[i].asked, vector[i].lost,
				       vector[i].rtt_us, vector[i].unusable});
		hazard_chances(&h, ppm);
		for (unsigned k = 0; k < HAZARD_HORIZONS; k++)
			if (ppm[k] != vector[i].ppm[k])
				fail_msg("vector %zu: %u within %d s, the trainer says %u", i,
					ppm[k], hazard_model[k].horizon_s, vector[i].ppm[k]);
	}
}

static void live(struct hazard *h, unsigned seconds, uint32_t asked, uint32_t lost, uint32_t rtt_us)
{
	for (unsigned i = 0; i < seconds; i++)
		hazard_add(h, &(struct hazard_second){asked, lost, rtt_us, 2 * lost > asked});
}

static uint32_t chance_10s(const struct hazard *h)
{
	uint32_t ppm[HAZARD_HORIZONS];

	hazard_chances(h, ppm);
	return ppm[1];
}

static void quiet_hours_make_it_trust_a_path(void **state)
{
	struct hazard h = {0};
	uint32_t first;

	(void)state;
	first = chance_10s(&h);
	live(&h, 3600, 4, 0, 30000);
	assert_true(chance_10s(&h) * 10 < first);
}

static void trouble_follows_upon_trouble(void **state)
{
	struct hazard h = {0};
	uint32_t before, after, later;

	(void)state;
	live(&h, 3600, 4, 0, 30000);
	before = chance_10s(&h);
	live(&h, 5, 4, 4, 0);
	live(&h, 1, 4, 0, 30000);
	after = chance_10s(&h);
	live(&h, 600, 4, 0, 30000);
	later = chance_10s(&h);
	assert_true(after > 20 * before);
	assert_true(later < after / 4);
}

static void loss_and_unrest_are_bad_signs(void **state)
{
	struct hazard h = {0};
	uint32_t before;

	(void)state;
	live(&h, 600, 4, 0, 30000);
	before = chance_10s(&h);
	live(&h, 4, 4, 1, 30000);
	assert_true(chance_10s(&h) > before);
	live(&h, 30, 4, 0, 30000);
	before = chance_10s(&h);
	live(&h, 8, 4, 0, 200000);
	assert_true(chance_10s(&h) > before);
}

static void longer_horizons_are_likelier(void **state)
{
	struct hazard h = {0};
	uint32_t ppm[HAZARD_HORIZONS];

	(void)state;
	live(&h, 100, 4, 0, 30000);
	hazard_chances(&h, ppm);
	assert_true(ppm[0] < ppm[1] && ppm[1] < ppm[2]);
}

static void a_second_without_probes_says_nothing(void **state)
{
	struct hazard h = {0}, was;

	(void)state;
	live(&h, 100, 4, 0, 30000);
	memcpy(&was, &h, sizeof(h));
	live(&h, 1000, 0, 0, 0);
	assert_memory_equal(&was, &h, sizeof(h));
}

static void any_life_has_a_chance_within_bounds(void **state)
{
	struct hazard h = {0};
	uint32_t ppm[HAZARD_HORIZONS], x = 1;

	(void)state;
	for (unsigned i = 0; i < 200000; i++) {
		struct hazard_second s;

		x = x * 1664525 + 1013904223;
		s.asked = x >> 28 ? x >> 29 : x;
		s.lost = s.asked ? (x >> 8) % s.asked + (x >> 31) : 0;
		s.rtt_us = x & 256 ? x : x >> 14;
		s.unusable = i / 1000 % 2 ? i & 1 : x >> 27 == 3;
		hazard_add(&h, &s);
		hazard_chances(&h, ppm);
		for (unsigned k = 0; k < HAZARD_HORIZONS; k++)
			assert_in_range(ppm[k], 1, 1000000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_what_the_trainer_says),
		cmocka_unit_test(quiet_hours_make_it_trust_a_path),
		cmocka_unit_test(trouble_follows_upon_trouble),
		cmocka_unit_test(loss_and_unrest_are_bad_signs),
		cmocka_unit_test(longer_horizons_are_likelier),
		cmocka_unit_test(a_second_without_probes_says_nothing),
		cmocka_unit_test(any_life_has_a_chance_within_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
