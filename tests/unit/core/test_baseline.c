#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/usec.h"
#include "core/baseline.h"
#include "core/spells.h"

static struct policy policy;
static struct baseline b;

static int fresh(void **state)
{
	(void)state;
	policy_default(&policy);
	baseline_init(&b, &policy);
	return 0;
}

static void probes_wait_the_longest_before_an_answer_is_known(void **state)
{
	(void)state;
	assert_int_equal(baseline_timeout_us(&b, 50 * USEC_MS, USEC_S), USEC_S);
}

/* RFC 6298 section 2: round trip and four deviations, between the bounds. */
static void time_out_follows_the_round_trip(void **state)
{
	static const struct {
		int64_t rtt_us, var_us, timeout_us;
	} row[] = {
		{40 * USEC_MS, 10 * USEC_MS, 80 * USEC_MS},
		{40 * USEC_MS, 0, 50 * USEC_MS},   /* the floor */
		{160 * USEC_MS, 0, 180 * USEC_MS}, /* an eighth at least */
		{600 * USEC_MS, 200 * USEC_MS, USEC_S},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		b.learned.rtt_us = row[i].rtt_us;
		b.learned.rtt_var_us = row[i].var_us;
		assert_int_equal(baseline_timeout_us(&b, 50 * USEC_MS, USEC_S), row[i].timeout_us);
	}
}

static void round_trip_converges_and_deviation_settles(void **state)
{
	(void)state;
	baseline_add_rtt(&b, 200 * USEC_MS);
	assert_int_equal(b.learned.rtt_us, 200 * USEC_MS);
	assert_int_equal(b.learned.rtt_var_us, 50 * USEC_MS);
	for (int i = 0; i < 500; i++)
		baseline_add_rtt(&b, 40 * USEC_MS);
	assert_in_range(b.learned.rtt_us, 40 * USEC_MS, 40 * USEC_MS + 100);
	assert_in_range(b.learned.rtt_var_us, 0, 100);
	/* one straggler does not move it much */
	baseline_add_rtt(&b, 400 * USEC_MS);
	assert_true(b.learned.rtt_us < 65 * USEC_MS);
}

static void loss_converges_and_is_bounded(void **state)
{
	(void)state;
	assert_int_equal(b.learned.loss_ppm, 2000);
	for (int i = 0; i < 20000; i++)
		baseline_add_loss(&b, i % 20 == 0);
	assert_in_range(b.learned.loss_ppm, 35000, 65000);
	for (int i = 0; i < 20000; i++)
		baseline_add_loss(&b, true);
	assert_int_equal(b.learned.loss_ppm,
		200000); /* a line that loses all is dead, not used to it */
	for (int i = 0; i < 20000; i++)
		baseline_add_loss(&b, false);
	assert_true(b.learned.loss_ppm < 100);
}

static void burstiness_is_learned_from_rows(void **state)
{
	(void)state;
	assert_int_equal(b.learned.burst_ppm, 400000); /* two of five, before anything is known */
	for (int i = 0; i < 200; i++)
		baseline_add_silence(&b, 30 * USEC_MS, 3, false, &policy);
	assert_in_range(b.learned.burst_ppm, 640000, 680000); /* two of three are followed */
	for (int i = 0; i < 2000; i++)
		baseline_add_silence(&b, 10 * USEC_MS, 1, false, &policy);
	assert_in_range(b.learned.burst_ppm, 100000,
		150000); /* none is; the least that is believed */
}

static void one_long_pause_does_not_outweigh_all_others(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++)
		baseline_add_silence(&b, 10 * USEC_MS, 1, false, &policy);
	baseline_add_silence(&b, 20 * USEC_S, 100000, false, &policy);
	assert_true(b.learned.burst_ppm < 250000);
	for (int i = 0; i < 100; i++)
		baseline_add_silence(&b, 20 * USEC_S, 100000, false, &policy);
	assert_int_equal(b.learned.burst_ppm, 850000);
}

static void losses_of_a_death_say_nothing_of_burstiness(void **state)
{
	(void)state;
	for (int i = 0; i < 50; i++)
		baseline_add_silence(&b, 3 * USEC_S, 30, true, &policy);
	assert_int_equal(b.learned.burst_ppm, 400000);
	assert_true(spells_ended(&b.learned.silence) > 0);
}

static void a_single_loss_is_no_silence(void **state)
{
	(void)state;
	baseline_add_silence(&b, 300 * USEC_MS, 1, false, &policy);
	assert_int_equal(spells_ended(&b.learned.silence), 0);
	baseline_add_silence(&b, 300 * USEC_MS, 2, false, &policy);
	assert_int_equal(spells_ended(&b.learned.silence), 1);
}

static void wires_have_no_patience_radio_has_some(void **state)
{
	static const struct {
		enum link_kind kind;
		int64_t patience_ms;
	} row[] = {
		{LINK_KIND_OTHER, 90},
		{LINK_KIND_WIRED, 90},
		{LINK_KIND_VPN, 90},
		{LINK_KIND_STARLINK, 450},
		{LINK_KIND_CELLULAR, 450},
		{LINK_KIND_WIFI, 450},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		baseline_set_kind(&b, row[i].kind, &policy);
		assert_int_equal(b.patience_us, row[i].patience_ms * USEC_MS);
	}
}

static void patience_is_learned_and_lost_again(void **state)
{
	(void)state;
	for (int i = 0; i < 30; i++)
		baseline_add_silence(&b, 250 * USEC_MS, 10, false, &policy);
	assert_int_equal(b.patience_us, 300 * USEC_MS);
	for (int i = 0; i < 100; i++)
		baseline_add_death(&b, &policy);
	assert_int_equal(b.patience_us, 90 * USEC_MS);
}

static void patience_with_bad_spells_is_of_its_own(void **state)
{
	int64_t silence_us = b.patience_us;

	(void)state;
	assert_true(b.bad_patience_us >= policy.bad_hold_us);
	for (int i = 0; i < 40; i++)
		baseline_add_bad(&b, 900 * USEC_MS, &policy);
	assert_int_equal(b.bad_patience_us, USEC_S);
	assert_int_equal(b.patience_us, silence_us);
}

static void what_was_learned_is_taken_up_again(void **state)
{
	struct baseline again;

	(void)state;
	for (int i = 0; i < 60; i++) {
		baseline_add_rtt(&b, 55 * USEC_MS);
		baseline_add_silence(&b, 250 * USEC_MS, 4, false, &policy);
	}
	baseline_init(&again, &policy);
	baseline_restore(&again, &b.learned, &policy);
	assert_int_equal(again.learned.rtt_us, b.learned.rtt_us);
	assert_int_equal(again.patience_us, b.patience_us);
	/* ten observations of what it was among the five assumed */
	assert_in_range(again.learned.burst_ppm, 600000, b.learned.burst_ppm);
}

static void nonsense_from_a_checkpoint_is_bounded(void **state)
{
	struct path_learned learned;

	(void)state;
	memset(&learned, 0xff, sizeof(learned));
	learned.rtt_us = INT64_MAX;
	learned.rtt_var_us = INT64_MIN;
	baseline_restore(&b, &learned, &policy);
	assert_in_range(b.learned.burst_ppm, 100000, 850000);
	assert_in_range(b.learned.loss_ppm, 0, 200000);
	assert_in_range(b.learned.rtt_us, 0, 10 * USEC_S);
	assert_int_equal(b.learned.rtt_var_us, 0);
	assert_true(b.patience_us >= 90 * USEC_MS && b.patience_us <= spells_longest_us());
	assert_in_range(baseline_timeout_us(&b, 50 * USEC_MS, USEC_S), 50 * USEC_MS, USEC_S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(probes_wait_the_longest_before_an_answer_is_known, fresh),
		cmocka_unit_test_setup(time_out_follows_the_round_trip, fresh),
		cmocka_unit_test_setup(round_trip_converges_and_deviation_settles, fresh),
		cmocka_unit_test_setup(loss_converges_and_is_bounded, fresh),
		cmocka_unit_test_setup(burstiness_is_learned_from_rows, fresh),
		cmocka_unit_test_setup(one_long_pause_does_not_outweigh_all_others, fresh),
		cmocka_unit_test_setup(losses_of_a_death_say_nothing_of_burstiness, fresh),
		cmocka_unit_test_setup(a_single_loss_is_no_silence, fresh),
		cmocka_unit_test_setup(wires_have_no_patience_radio_has_some, fresh),
		cmocka_unit_test_setup(patience_is_learned_and_lost_again, fresh),
		cmocka_unit_test_setup(patience_with_bad_spells_is_of_its_own, fresh),
		cmocka_unit_test_setup(what_was_learned_is_taken_up_again, fresh),
		cmocka_unit_test_setup(nonsense_from_a_checkpoint_is_bounded, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
