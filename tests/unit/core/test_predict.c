/* What follows from a forecast, and what does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/predict.h"
#include "scene.h"

static struct scene s;
static struct choice c;
static struct class_state wish;
static struct choice_context context;
static struct passive passive;

static void choose(int64_t later_us)
{
	s.env.now_us += later_us;
	s.out.n_actions = s.out.n_events = 0;
	context.usable = scene_usable(&s);
	choice_run(&c, &s.env, s.path, &context);
}

static struct path *path(unsigned link)
{
	return &s.path[V4(link)];
}

static int settled(void **state)
{
	(void)state;
	scene_reset(&s);
	choice_init(&c);
	wish = (struct class_state){.pinned_link = LINKS_MAX};
	context = (struct choice_context){.family = FAMILY_IPV4, .wish = &wish};
	choose(0);
	assert_int_equal(c.path[0], V4(0));
	return 0;
}

static void foretell(unsigned link, enum trust trust, uint32_t chance_ppm)
{
	path(link)->forecast.record[HORIZON_10S].trust = (uint8_t)trust;
	path(link)->forecast.chance_ppm[HORIZON_10S] = chance_ppm;
}

static void answers(unsigned link)
{
	path(link)->alive_us = s.env.now_us;
}

/* A second in which four probes were sent over link 0. */
static void second(unsigned lost)
{
	for (unsigned i = 0; i < 4; i++) {
		struct window_probe *w = window_add(&path(0)->window, s.env.now_us);

		w->method = PROBE_ICMP;
		w->state = i < lost ? PROBE_STATE_MISSED : PROBE_STATE_ANSWERED;
		w->rtt_us = 30000;
	}
	s.env.now_us += USEC_S;
	s.out.n_actions = s.out.n_events = 0;
	predict_run(path(0), &s.env);
}

static void nothing_is_heeded_without_trust_or_leave(void **state)
{
	(void)state;
	foretell(0, TRUST_NONE, 900000);
	assert_false(predict_warns(path(0), &s.policy, TRUST_UNTRIED));
	foretell(0, TRUST_UNTRIED, 900000);
	assert_true(predict_warns(path(0), &s.policy, TRUST_UNTRIED));
	assert_false(predict_warns(path(0), &s.policy, TRUST_SOME));
	foretell(0, TRUST_FULL, 90000);
	assert_false(predict_warns(path(0), &s.policy, TRUST_UNTRIED));
	foretell(0, TRUST_FULL, 900000);
	s.policy.prediction = PREDICTION_OBSERVE;
	assert_false(predict_warns(path(0), &s.policy, TRUST_UNTRIED));
	s.policy.prediction = PREDICTION_ON;
	s.policy.horizon = HORIZON_60S;
	assert_false(predict_warns(path(0), &s.policy, TRUST_UNTRIED));
}

static void a_warning_has_the_standby_asked_now_and_then(void **state)
{
	(void)state;
	path(1)->heartbeat_us = USEC_NEVER;
	foretell(0, TRUST_UNTRIED, 200000);
	choose(USEC_S);
	assert_int_equal(path(1)->heartbeat_us, s.env.now_us);
	path(1)->heartbeat_us = USEC_NEVER;
	choose(USEC_S);
	assert_true(path(1)->heartbeat_us == USEC_NEVER);
	choose(5 * USEC_S);
	assert_int_equal(path(1)->heartbeat_us, s.env.now_us);
	/* it has just answered: it need not be asked */
	answers(1);
	path(1)->heartbeat_us = USEC_NEVER;
	choose(5 * USEC_S - 1);
	assert_true(path(1)->heartbeat_us == USEC_NEVER);
	assert_int_equal(c.path[0], V4(0));
}

static void without_a_warning_the_standby_keeps_its_clock(void **state)
{
	(void)state;
	path(1)->heartbeat_us = USEC_NEVER;
	foretell(0, TRUST_NONE, 900000);
	choose(USEC_S);
	foretell(0, TRUST_FULL, 20000);
	choose(USEC_S);
	assert_true(path(1)->heartbeat_us == USEC_NEVER);
}

static void miss_one(void)
{
	struct window_probe *w = window_add(&path(0)->window, s.env.now_us);

	w->method = PROBE_ICMP;
	w->deadline_us = s.env.now_us + 100 * USEC_MS;
	s.env.now_us += 200 * USEC_MS;
	path_judge(path(0), &s.env, &passive, true);
	assert_int_equal(path(0)->health, HEALTH_SUSPECT);
}

static void the_first_miss_after_a_trusted_warning_is_a_burst(void **state)
{
	(void)state;
	foretell(0, TRUST_SOME, 200000);
	miss_one();
	assert_int_equal(path(0)->suspicion, SUSPICION_BURST);
}

static void otherwise_it_is_checked_first(void **state)
{
	(void)state;
	foretell(0, TRUST_UNTRIED, 200000);
	miss_one();
	assert_int_equal(path(0)->suspicion, SUSPICION_CHECK);
}

static void a_doomed_path_is_left_for_a_proven_one_and_not_taken_back_at_once(void **state)
{
	(void)state;
	path(0)->doomed_until_us = s.env.now_us + USEC_MIN;
	choose(0);
	assert_int_equal(c.path[0], V4(0));
	assert_int_equal(c.stay, STAY_UNPROVEN);
	answers(1);
	choose(10 * USEC_MS);
	assert_int_equal(c.path[0], V4(1));
	assert_int_equal(scene_event(&s, EVENT_SWITCH)->step, STEP_FORECAST);
	/* its flows go on where they are: nothing has failed yet */
	assert_int_equal(c.flows, 0);
	for (unsigned i = 0; i < 10; i++) {
		answers(0);
		choose(5 * USEC_S);
		assert_int_equal(c.path[0], V4(1));
	}
}

static void observing_it_stays(void **state)
{
	(void)state;
	s.policy.prediction = PREDICTION_OBSERVE;
	path(0)->doomed_until_us = s.env.now_us + USEC_MIN;
	answers(1);
	choose(10 * USEC_MS);
	assert_int_equal(c.path[0], V4(0));
}

static void live(unsigned rounds, unsigned well, unsigned out)
{
	for (unsigned i = 0; i < rounds; i++) {
		for (unsigned k = 0; k < well; k++)
			second(0);
		for (unsigned k = 0; k < out; k++)
			second(4);
	}
}

static void seconds_are_counted_as_they_pass(void **state)
{
	const struct forecast_record *r = &path(0)->forecast.record[HORIZON_10S];

	(void)state;
	live(1, 101, 0);
	/* the first only began the count, the last ten are open */
	assert_int_equal(r->n, 90);
	assert_int_equal(r->happened, 0);
	live(1, 0, 5);
	assert_int_equal(r->onsets, 1);
	assert_int_equal(r->happened, 10);
	assert_int_equal(path(0)->forecast.chance_ppm[HORIZON_10S], 0);
	live(1, 1, 0);
	assert_true(path(0)->forecast.chance_ppm[HORIZON_10S] > 10000);
}

static void outages_like_clockwork_are_nothing_it_can_foretell(void **state)
{
	const struct forecast_record *r = &path(0)->forecast.record[HORIZON_10S];
	bool told = false;

	(void)state;
	/* it says that trouble follows upon trouble, and here it never does */
	for (unsigned i = 0; i < 60 && !told; i++) {
		live(1, 300, 0);
		for (unsigned k = 0; k < 8; k++) {
			const struct event *e;

			second(k < 4 ? 4 : 0);
			e = scene_event(&s, EVENT_FORECAST);
			if (!e)
				continue;
			told = true;
			assert_int_equal(e->to, TRUST_NONE);
			assert_true(e->value[0] <= 0);
			assert_int_equal(e->value[3], 10);
		}
	}
	assert_true(told);
	assert_int_equal(r->trust, TRUST_NONE);
	assert_false(predict_warns(path(0), &s.policy, TRUST_UNTRIED));
}

static void outages_in_clusters_are_foretold(void **state)
{
	const struct forecast_record *r = &path(0)->forecast.record[HORIZON_10S];

	(void)state;
	for (unsigned i = 0; i < 12; i++) {
		live(6, 4, 3);
		live(1, 1200, 0);
	}
	assert_true(forecast_skill_ppm(r) > 50000);
	assert_int_equal(r->trust, TRUST_FULL);
}

static void a_pause_leaves_nothing_open(void **state)
{
	const struct forecast_record *r = &path(0)->forecast.record[HORIZON_10S];

	(void)state;
	live(1, 50, 0);
	s.env.now_us += USEC_MIN;
	live(1, 1, 5);
	assert_int_equal(r->happened, 0);
	assert_int_equal(r->n, 39);
}

static void switched_off_it_does_nothing(void **state)
{
	(void)state;
	s.policy.prediction = PREDICTION_OFF;
	live(3, 50, 5);
	assert_int_equal(path(0)->forecast.record[HORIZON_10S].n, 0);
	assert_int_equal(path(0)->forecast.chance_ppm[HORIZON_10S], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(nothing_is_heeded_without_trust_or_leave, settled),
		cmocka_unit_test_setup(a_warning_has_the_standby_asked_now_and_then, settled),
		cmocka_unit_test_setup(without_a_warning_the_standby_keeps_its_clock, settled),
		cmocka_unit_test_setup(the_first_miss_after_a_trusted_warning_is_a_burst, settled),
		cmocka_unit_test_setup(otherwise_it_is_checked_first, settled),
		cmocka_unit_test_setup(
			a_doomed_path_is_left_for_a_proven_one_and_not_taken_back_at_once, settled),
		cmocka_unit_test_setup(observing_it_stays, settled),
		cmocka_unit_test_setup(seconds_are_counted_as_they_pass, settled),
		cmocka_unit_test_setup(outages_like_clockwork_are_nothing_it_can_foretell, settled),
		cmocka_unit_test_setup(outages_in_clusters_are_foretold, settled),
		cmocka_unit_test_setup(a_pause_leaves_nothing_open, settled),
		cmocka_unit_test_setup(switched_off_it_does_nothing, settled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
