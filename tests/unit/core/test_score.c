/* Scores against the formulas of docs/decision.md, worked out by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/usec.h"
#include "core/score.h"

struct row {
	int64_t rtt_ms, jitter_ms; /* -1: not known */
	uint32_t loss_ppm;
	unsigned score;
};

static unsigned score_of(enum class_need need, const struct row *r)
{
	return score_path(need, r->rtt_ms < 0 ? -1 : r->rtt_ms * USEC_MS,
		r->jitter_ms < 0 ? -1 : r->jitter_ms * USEC_MS, r->loss_ppm);
}

/*
 * R = 93.2 - 0.024 d - 0.11 (d - 177.3 if positive) - 95 p / (p + 25.1)
 * d = rtt / 2 + 40 ms + 2 (jitter - 20 ms if positive)
 */
static void voice_is_rated_as_in_g107(void **state)
{
	static const struct row row[] = {
		{-1, -1, 0, 92},      /* 93.2 - 0.96 */
		{0, 0, 0, 92},        /* the same */
		{40, 0, 0, 91},       /* 93.2 - 1.44 */
		{40, 20, 0, 91},      /* the buffer takes it up */
		{40, 70, 0, 89},      /* d 160: 93.2 - 3.84 = 89.36 */
		{40, 0, 10000, 88},   /* 91.76 - 95/26.1 = 88.12 */
		{40, 0, 77000, 69},   /* 91.76 - 22.30 = 69.46: about 70 */
		{40, 0, 75000, 69},   /* 91.76 - 21.86 = 69.90 */
		{40, 0, 74000, 70},   /* 91.76 - 21.63 = 70.13 */
		{40, 0, 300000, 40},  /* 91.76 - 51.72 = 40.04 */
		{40, 0, 1000000, 15}, /* 91.76 - 75.94 = 15.82 */
		{300, 0, 0, 87},      /* d 190: 93.2 - 4.56 - 1.40 = 87.24 */
		{700, 0, 0, 60},      /* d 390: 93.2 - 9.36 - 23.40 = 60.44 */
		{10000, 0, 0, 0},     /* never under nothing */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		assert_int_equal(score_of(CLASS_NEED_DEFAULT, &row[i]), row[i].score);
		assert_int_equal(score_of(CLASS_NEED_REALTIME, &row[i]), row[i].score);
	}
}

/* 100 - 12 sqrt(p) - (rtt - 100 ms) / 25 ms, the last 0 to 20 */
static void transfers_are_rated_by_loss(void **state)
{
	static const struct row row[] = {
		{40, 0, 0, 100},
		{40, 500, 0, 100}, /* jitter does not matter */
		{40, 0, 10000, 88},
		{40, 0, 40000, 76},
		{350, 0, 0, 90},
		{600, 0, 0, 80},
		{9000, 0, 0, 80},
		{600, 0, 40000, 56},
		{40, 0, 1000000, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		assert_int_equal(score_of(CLASS_NEED_BULK, &row[i]), row[i].score);
}

static void worse_measurements_never_score_better(void **state)
{
	(void)state;
	for (unsigned need = 0; need < CLASS_NEED_COUNT; need++) {
		for (int64_t rtt_us = 0; rtt_us < 2 * USEC_S; rtt_us += 97 * USEC_MS) {
			unsigned before = 100;

			for (uint32_t loss = 0; loss <= 1000000; loss += 12500) {
				unsigned s = score_path((enum class_need)need, rtt_us, -1, loss);

				assert_true(s <= before);
				assert_true(score_path((enum class_need)need, rtt_us + USEC_S, -1,
						    loss) <= s);
				assert_true(score_path((enum class_need)need, rtt_us, USEC_S,
						    loss) <= s);
				before = s;
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(voice_is_rated_as_in_g107),
		cmocka_unit_test(transfers_are_rated_by_loss),
		cmocka_unit_test(worse_measurements_never_score_better),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
