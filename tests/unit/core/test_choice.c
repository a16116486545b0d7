/* What moves traffic, what holds it, and what the user may say to that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "scene.h"

static struct scene s;
static struct choice c;
static struct class_state wish;
static struct choice_context context;

static int fresh(void **state)
{
	(void)state;
	scene_reset(&s);
	choice_init(&c);
	wish = (struct class_state){.pinned_link = LINKS_MAX};
	context = (struct choice_context){.family = FAMILY_IPV4, .wish = &wish};
	return 0;
}

static void run(int64_t later_us)
{
	s.env.now_us += later_us;
	s.out.n_actions = s.out.n_events = 0;
	context.usable = scene_usable(&s);
	choice_run(&c, &s.env, s.path, &context);
}

/* On link 0, where everything is well. */
static int settled(void **state)
{
	fresh(state);
	run(0);
	assert_int_equal(c.n, 1);
	assert_int_equal(c.path[0], V4(0));
	return 0;
}

static struct path *path(unsigned link)
{
	return &s.path[V4(link)];
}

static void dies(unsigned link)
{
	path(link)->health = HEALTH_DEAD;
	path(link)->silent_us = s.env.now_us - 300 * USEC_MS;
	path(link)->trusted_us = 0;
}

static void revives(unsigned link)
{
	path(link)->health = HEALTH_UP;
	path(link)->silent_us = 0;
	path(link)->trusted_us = s.env.now_us;
}

static void answers(unsigned link)
{
	path(link)->alive_us = s.env.now_us;
}

static void turns_bad(unsigned link, uint8_t score)
{
	path(link)->bad[0] = true;
	path(link)->bad_us[0] = s.env.now_us;
	path(link)->score[0] = score;
}

static void probed(unsigned link, unsigned answered, unsigned missed)
{
	for (unsigned i = 0; i < answered + missed; i++) {
		struct window_probe *p = window_add(&path(link)->window, s.env.now_us);

		p->state = i < answered ? PROBE_STATE_ANSWERED : PROBE_STATE_MISSED;
		p->rtt_us = 40000;
	}
}

static void assert_on(unsigned link)
{
	assert_int_equal(c.n, 1);
	assert_int_equal(c.path[0], V4(link));
}

static void assert_stays(unsigned link, unsigned wanted, enum stay why)
{
	assert_on(link);
	assert_int_equal(c.wanted, V4(wanted));
	assert_int_equal(c.stay, why);
}

/* Link 0 fails and traffic goes to link 1. */
static void fail_over(void)
{
	dies(0);
	answers(1);
	run(0);
	assert_on(1);
	c.flows = 0;
}

/* It comes back after its hold. */
static void fail_back(void)
{
	revives(0);
	run(path(0)->hold_us);
	answers(0);
	run(0);
	assert_on(0);
}

/* Flows that were there before us on a path that has never answered us have nothing to lose; on one that has, they have. */
static void flows_on_a_path_that_was_dead_from_the_start_are_freed_once(void **state)
{
	(void)state;
	dies(0);
	path(0)->alive_us = 0;
	dies(2);
	run(0);
	assert_on(1);
	assert_int_equal(c.flows, BIT(V4(0)));
	c.flows = 0;
	run(USEC_MIN);
	assert_int_equal(c.flows, 0);
	/* it lives, and dies again while nothing of ours is on it: trouble on a standby */
	revives(0);
	answers(0);
	run(USEC_S);
	dies(0);
	run(USEC_S);
	assert_int_equal(c.flows, 0);
	/* another address, and no answer over that either */
	path(0)->alive_us = 0;
	run(USEC_S);
	assert_int_equal(c.flows, BIT(V4(0)));
}

static void flows_stay_where_they_are_while_nothing_works(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SCENE_LINKS; i++) {
		dies(i);
		path(i)->alive_us = 0;
	}
	context.started_us = 0;
	run(USEC_MIN);
	assert_int_equal(c.flows, 0);
	revives(3);
	answers(3);
	run(USEC_S);
	run(USEC_S);
	assert_on(3);
	assert_int_equal(c.flows, BIT(V4(0)) | BIT(V4(1)) | BIT(V4(2)));
}

static void the_first_choice_is_the_best(void **state)
{
	(void)state;
	s.policy.link[2].preference = 5;
	run(0);
	assert_on(2);
	assert_int_equal(scene_event(&s, EVENT_SWITCH)->from, PATHS_MAX);
	assert_int_equal(c.switches, 0);
	assert_int_equal(c.step, STEP_PREFERENCE);
	assert_int_equal(c.runner_up, V4(0));
	assert_int_equal(c.flows, 0);
}

static void the_start_waits_a_moment_for_a_better_path(void **state)
{
	(void)state;
	context.started_us = s.env.now_us;
	s.policy.link[0].preference = 5;
	path(0)->health = HEALTH_UNKNOWN;
	run(USEC_S);
	assert_int_equal(c.n, 0);
	assert_int_equal(c.due_us, context.started_us + 1500 * USEC_MS);
	run(500 * USEC_MS);
	assert_on(1);
}

static void a_route_of_an_earlier_run_waits_for_its_link(void **state)
{
	(void)state;
	context.started_us = s.env.now_us;
	c.n = 1;
	c.path[0] = V4(0);
	c.adopted = true;
	path(0)->facts.present = false;
	run(USEC_S);
	assert_on(0);
	run(500 * USEC_MS);
	assert_on(1);
}

static void a_path_without_facts_is_left_at_once(void **state)
{
	for (unsigned fact = 0; fact < 4; fact++) {
		settled(state);
		wish.held_until_us = s.env.now_us + USEC_H; /* even then */
		path(0)->facts.present = fact != 0;
		path(0)->facts.carrier = fact != 1;
		path(0)->facts.has_address = fact != 2;
		path(0)->facts.has_gateway = fact != 3;
		run(0);
		assert_on(1); /* although link 1 has not been asked lately */
		assert_int_equal(c.flows, BIT(V4(0)));
		assert_int_equal(scene_event(&s, EVENT_SWITCH)->step, STEP_USABLE);
		assert_int_equal(c.switches, 1);
	}
}

static void a_dead_path_is_left_for_one_that_answered_since(void **state)
{
	(void)state;
	wish.held_until_us = s.env.now_us + USEC_H; /* a hold does not keep traffic on it */
	path(1)->alive_us = s.env.now_us - USEC_S;
	dies(0);
	run(0);
	assert_stays(0, 1, STAY_UNPROVEN);
	assert_true(path(1)->confirm);
	assert_int_equal(c.flows, 0);
	assert_int_equal(s.out.n_events, 0); /* proving takes a moment: not worth telling */
	run(10 * USEC_MS);
	assert_on(0);
	answers(1);
	run(10 * USEC_MS);
	assert_on(1);
	assert_int_equal(c.flows, BIT(V4(0)));
	assert_int_equal(scene_event(&s, EVENT_SWITCH)->step, STEP_ALIVE);
	assert_int_equal(scene_event(&s, EVENT_SWITCH)->value[0], 320 * USEC_MS);
}

/* The best has no probes left, or nobody answers them: the next best is asked, and the best again later. */
static void a_path_that_cannot_be_proven_is_passed_over(void **state)
{
	(void)state;
	settled(state);
	dies(0);
	for (int i = 0; i < 8; i++) {
		run(250 * USEC_MS);
		assert_int_equal(c.path[0], V4(0));
	}
	assert_int_equal(c.wanted, V4(2));
	run(250 * USEC_MS);
	path(2)->alive_us = s.env.now_us;
	run(250 * USEC_MS);
	assert_int_equal(c.path[0], V4(2));
	/* nobody can be proven: each is asked in turn, again and again */
	dies(2);
	for (int i = 0; i < 20; i++)
		run(USEC_S);
	assert_int_equal(c.path[0], V4(2));
	path(1)->alive_us = path(3)->alive_us = s.env.now_us;
	run(USEC_S);
	assert_true(c.path[0] == V4(1) || c.path[0] == V4(3));
}

static void the_next_best_is_asked_while_the_test_is_running(void **state)
{
	(void)state;
	path(0)->health = HEALTH_SUSPECT;
	path(0)->suspicion = SUSPICION_CHECK;
	path(0)->suspect_us = s.env.now_us;
	run(0);
	assert_false(path(1)->confirm);
	path(0)->suspicion = SUSPICION_BURST;
	run(0);
	assert_true(path(1)->confirm);
	assert_on(0);
}

/* Away from a bad path: three answers of a burst at least, a quarter lost at the most. */
static void a_bad_path_is_left_for_one_that_proves_better(void **state)
{
	static const struct {
		unsigned answered, missed;
		int64_t after_us;
		bool moves;
	} row[] = {
		{3, 0, 250 * USEC_MS, true},
		{3, 1, 250 * USEC_MS, true},
		{2, 0, 250 * USEC_MS, false},
		{3, 0, 250 * USEC_MS - 1, false},
		{4, 2, 250 * USEC_MS, false},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		settled(state);
		answers(1);
		turns_bad(0, 30);
		run(0);
		assert_stays(0, 1, STAY_UNPROVEN);
		assert_true(path(1)->confirm);
		assert_true(path(1)->examine_until_us > s.env.now_us);
		probed(1, row[i].answered, row[i].missed);
		run(row[i].after_us);
		assert_on(row[i].moves ? 1 : 0);
		assert_int_equal(c.flows, 0); /* they can live on */
	}
}

static void answers_of_an_old_burst_prove_nothing(void **state)
{
	(void)state;
	probed(1, 20, 0);
	s.env.now_us += USEC_S;
	turns_bad(0, 30);
	run(0);
	run(250 * USEC_MS);
	assert_on(0);
}

static void flows_leave_a_bad_path_where_they_could_not_live(void **state)
{
	static const struct {
		int64_t loss_ppm;
		enum verdict verdict;
		bool move;
	} row[] = {
		{50000, VERDICT_LOSS, false},
		{199999, VERDICT_LOSS, false},
		{200000, VERDICT_LOSS, true},
		{0, VERDICT_DNS, false},
		{0, VERDICT_DELAY, false},
		{0, VERDICT_PORTAL, true},
		{0, VERDICT_WEB, true},
		{0, VERDICT_MTU, true},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		settled(state);
		turns_bad(0, 30);
		path(0)->loss_ppm = row[i].loss_ppm;
		path(0)->verdict = row[i].verdict;
		run(0);
		probed(1, 5, 0);
		run(USEC_S);
		assert_on(1);
		assert_int_equal(c.flows, row[i].move ? BIT(V4(0)) : 0);
	}
}

static void no_better_path_no_move(void **state)
{
	(void)state;
	turns_bad(0, 30);
	for (unsigned i = 1; i < SCENE_LINKS; i++) {
		turns_bad(i, 35);
		probed(i, 20, 0);
	}
	for (int i = 0; i < 50; i++) {
		run(100 * USEC_MS);
		assert_on(0);
		assert_int_equal(s.out.n_events, 0);
	}
}

static void trouble_on_a_standby_changes_nothing(void **state)
{
	(void)state;
	dies(1);
	turns_bad(2, 10);
	path(3)->facts.carrier = false;
	run(0);
	assert_on(0);
	assert_int_equal(s.out.n_events, 0);
	assert_int_equal(c.flows, 0);
	assert_int_equal(path(1)->left_us, 0);
}

static void a_hold_keeps_traffic_on_a_bad_path(void **state)
{
	const struct event *e;

	(void)state;
	wish.held_until_us = s.env.now_us + USEC_MIN;
	turns_bad(0, 30);
	probed(1, 20, 0);
	run(USEC_S);
	assert_stays(0, 1, STAY_HOLD);
	assert_int_equal(c.due_us, wish.held_until_us);
	e = scene_event(&s, EVENT_STAY);
	assert_non_null(e);
	assert_int_equal(e->to, V4(1));
	assert_int_equal(e->value[0], STAY_HOLD);
	/* taken back by the engine when it is over */
	wish.held_until_us = 0;
	run(USEC_MIN);
	probed(1, 20, 0);
	run(USEC_S);
	assert_on(1);
}

static void a_refusal_is_told_once(void **state)
{
	int told = 0;

	(void)state;
	wish.held_until_us = s.env.now_us + USEC_DAY;
	turns_bad(0, 30);
	for (int i = 0; i < 599; i++) {
		run(USEC_S);
		told += scene_event(&s, EVENT_STAY) != NULL;
	}
	assert_int_equal(told, 1);
	run(2 * USEC_S); /* ten minutes */
	assert_non_null(scene_event(&s, EVENT_STAY));
}

static void a_pin_moves_traffic_even_against_a_hold(void **state)
{
	(void)state;
	s.policy.link[0].preference = 9;
	wish.pinned_link = 2;
	wish.pinned_until_us = s.env.now_us + USEC_MIN;
	wish.held_until_us = s.env.now_us + USEC_MIN;
	path(2)->trusted_us = s.env.now_us; /* nor does it wait for a failback hold */
	run(0);
	assert_stays(0, 2, STAY_UNPROVEN);
	answers(2);
	run(0);
	assert_on(2);
	assert_int_equal(c.flows, 0);
	assert_int_equal(c.step, STEP_PIN);
}

static void a_pin_does_not_hold_traffic_on_a_dead_link(void **state)
{
	(void)state;
	wish.pinned_link = 0;
	wish.pinned_until_us = s.env.now_us + USEC_MIN;
	fail_over();
	/* without a time it is none */
	fresh(state);
	wish.pinned_link = 2;
	run(0);
	assert_on(0);
}

static void a_drained_link_keeps_its_flows(void **state)
{
	(void)state;
	context.drained = BIT(0);
	answers(1);
	run(0);
	assert_on(1);
	assert_int_equal(c.flows, 0);
	assert_int_equal(path(0)->left_us, 0); /* it did nothing wrong */
	context.drained = 0;
	run(0);
	assert_on(1); /* nothing speaks for going back: both are equal and this one is in use */
	s.policy.link[0].preference = 1;
	answers(0);
	run(USEC_S);
	assert_on(0);
}

static void fails_open_when_all_are_dead(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SCENE_LINKS; i++)
		dies(i);
	run(0);
	assert_on(0);
	assert_true(c.fail_open);
	assert_non_null(scene_event(&s, EVENT_FAIL_OPEN));
	run(USEC_S);
	assert_null(scene_event(&s, EVENT_FAIL_OPEN)); /* told once */
	assert_int_equal(c.flows, 0);                  /* nothing is flushed */
	/* the first that answers gets the traffic, without any hold */
	path(3)->health = HEALTH_RECOVERING;
	answers(3);
	run(0);
	assert_on(3);
	assert_false(c.fail_open);
}

static void without_any_usable_path_traffic_follows_main(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SCENE_LINKS; i++)
		path(i)->facts.carrier = false;
	run(0);
	assert_int_equal(c.n, 0);
	assert_true(c.fail_open);
	assert_int_equal(c.flows, BIT(V4(0)));
	path(2)->facts.carrier = true;
	run(0);
	assert_on(2);
}

static void failback_waits_for_its_hold(void **state)
{
	const struct event *e;
	int64_t back_us;

	(void)state;
	s.policy.link[0].preference = 1;
	fail_over();
	revives(0);
	back_us = s.env.now_us + USEC_MIN;
	run(USEC_S);
	answers(0);
	run(0);
	assert_stays(1, 0, STAY_HOLD);
	assert_int_equal(c.due_us, back_us);
	run(USEC_MIN - USEC_S - 1);
	answers(0);
	run(0);
	assert_on(1);
	run(1);
	assert_on(0);
	e = scene_event(&s, EVENT_CANARY);
	assert_non_null(e);
	assert_int_equal(e->value[0], USEC_MIN);
	assert_int_equal(e->value[1], -1);
	run(USEC_H);
	assert_int_equal(c.flows, 0); /* established flows stay */
}

static void trouble_during_the_hold_starts_it_over(void **state)
{
	(void)state;
	s.policy.link[0].preference = 1;
	fail_over();
	revives(0);
	run(50 * USEC_S);
	path(0)->trusted_us = 0; /* as path.c does when it is no longer up */
	path(0)->health = HEALTH_DEGRADED;
	run(20 * USEC_S);
	answers(0);
	run(0);
	assert_on(1);
	revives(0);
	run(59 * USEC_S);
	assert_on(1);
	answers(0);
	run(USEC_S);
	assert_on(0);
}

static void flows_follow_the_canary_if_wanted(void **state)
{
	(void)state;
	s.policy.link[0].preference = 1;
	s.policy.move_flows_on_failback = true;
	fail_over();
	fail_back();
	assert_int_equal(scene_event(&s, EVENT_CANARY)->value[1], s.policy.canary_us);
	run(s.policy.canary_us - 1);
	assert_int_equal(c.flows, 0);
	run(1);
	assert_int_equal(c.flows, BIT(V4(1)));
	c.flows = 0;
	run(USEC_S);
	assert_int_equal(c.flows, 0); /* once */
}

static void a_canary_that_dies_takes_no_flows_along(void **state)
{
	(void)state;
	s.policy.link[0].preference = 1;
	s.policy.move_flows_on_failback = true;
	fail_over();
	fail_back();
	run(USEC_S);
	fail_over();
	run(USEC_MIN);
	assert_int_equal(c.flows, 0);
}

static void the_hold_doubles_with_each_relapse(void **state)
{
	(void)state;
	s.policy.link[0].preference = 1;
	fail_over();
	assert_int_equal(path(0)->hold_us, USEC_MIN);
	assert_int_equal(path(0)->relapses, 0);
	for (unsigned i = 1; i < 10; i++) {
		const struct event *e;

		fail_back();
		run(29 * USEC_MIN);
		dies(0);
		answers(1);
		run(0);
		assert_on(1);
		assert_int_equal(path(0)->hold_us,
			usec_min(USEC_MIN << i, s.policy.link[0].hold_max_us));
		assert_int_equal(path(0)->relapses, i);
		e = scene_event(&s, EVENT_FLAP);
		assert_non_null(e);
		assert_int_equal(e->value[0], path(0)->hold_us);
		assert_int_equal(e->value[1], i);
	}
}

/* After a first relapse, by the time between the return of traffic and the next failure. */
static void the_hold_is_forgiven_with_time(void **state)
{
	static const struct {
		int64_t well_us, hold_us;
	} row[] = {
		{29 * USEC_MIN, 4 * USEC_MIN}, /* another relapse */
		{31 * USEC_MIN, 2 * USEC_MIN}, /* none, but not long enough ago either */
		{2 * USEC_H, USEC_MIN},        /* starts over */
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		settled(state);
		s.policy.link[0].preference = 1;
		fail_over();
		fail_back();
		fail_over();
		assert_int_equal(path(0)->hold_us, 2 * USEC_MIN);
		fail_back();
		run(row[i].well_us);
		fail_over();
		assert_int_equal(path(0)->hold_us, row[i].hold_us);
	}
}

static void only_links_of_the_class_carry_it(void **state)
{
	(void)state;
	s.policy.class[0].links = BIT(2) | BIT(3);
	s.policy.link[0].preference = 100;
	run(0);
	assert_on(2);
	path(2)->facts.carrier = path(3)->facts.carrier = false;
	run(0);
	assert_int_equal(c.n, 0);
}

static void families_are_chosen_apart(void **state)
{
	(void)state;
	scene_path_well(&s, V6(1));
	dies(0);
	answers(1);
	context.family = FAMILY_IPV6;
	run(0);
	assert_int_equal(c.n, 1);
	assert_int_equal(c.path[0], V6(1));
}

static unsigned weight_of(unsigned link)
{
	for (unsigned i = 0; i < c.n; i++)
		if (c.path[i] == V4(link))
			return c.weight[i];
	return 0;
}

static void equal_paths_share_by_weight(void **state)
{
	(void)state;
	s.policy.class[0].balance = true;
	s.policy.link[3].preference = -1;
	path(1)->score[0] = 75; /* scores do not matter while the needs are met */
	run(0);
	assert_int_equal(c.n, 3);
	assert_int_equal(c.path[0], V4(0));
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(weight_of(i), 10 + i);
	for (int i = 0; i < 20; i++) {
		run(USEC_S);
		assert_int_equal(c.n, 3);
		assert_int_equal(s.out.n_events, 0);
	}
}

static void a_dead_member_leaves_the_balance_with_its_flows(void **state)
{
	for (unsigned dead = 0; dead < 4; dead++) {
		fresh(state);
		s.policy.class[0].balance = true;
		run(0);
		assert_int_equal(c.n, 4);
		for (unsigned i = 0; i < SCENE_LINKS; i++)
			answers(i);
		dies(dead);
		run(0);
		assert_int_equal(c.n, 3);
		assert_int_equal(weight_of(dead), 0);
		assert_int_equal(c.flows, BIT(V4(dead)));
		c.flows = 0;
		run(USEC_S);
		assert_int_equal(c.flows, 0);
	}
}

static void a_member_that_comes_back_serves_its_hold_first(void **state)
{
	(void)state;
	s.policy.class[0].balance = true;
	run(0);
	dies(2);
	run(0);
	assert_int_equal(c.n, 3);
	revives(2);
	run(USEC_MIN - 1);
	assert_int_equal(c.n, 3);
	run(1);
	assert_int_equal(c.n, 4);
	assert_int_equal(c.path[0], V4(0));
}

static void a_bad_or_drained_member_gets_no_new_flows(void **state)
{
	(void)state;
	s.policy.class[0].balance = true;
	run(0);
	turns_bad(1, 30);
	context.drained = BIT(2);
	run(0);
	assert_int_equal(weight_of(1), 0);
	assert_int_equal(weight_of(2), 0);
	assert_int_equal(c.n, 2);
	assert_int_equal(c.flows, 0);
}

static void says_which_step_settled_it_against_each(void **state)
{
	(void)state;
	dies(1);
	turns_bad(2, 30);
	s.policy.link[3].preference = -1;
	run(0);
	assert_int_equal(c.against[V4(1)], STEP_ALIVE);
	assert_int_equal(c.against[V4(2)], STEP_NEEDS);
	assert_int_equal(c.against[V4(3)], STEP_PREFERENCE);
	assert_int_equal(c.runner_up, V4(3));
	assert_int_equal(c.step, STEP_PREFERENCE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(flows_on_a_path_that_was_dead_from_the_start_are_freed_once,
			fresh),
		cmocka_unit_test_setup(flows_stay_where_they_are_while_nothing_works, fresh),
		cmocka_unit_test_setup(the_first_choice_is_the_best, fresh),
		cmocka_unit_test_setup(the_start_waits_a_moment_for_a_better_path, fresh),
		cmocka_unit_test_setup(a_route_of_an_earlier_run_waits_for_its_link, fresh),
		cmocka_unit_test_setup(a_path_without_facts_is_left_at_once, settled),
		cmocka_unit_test_setup(a_dead_path_is_left_for_one_that_answered_since, settled),
		cmocka_unit_test_setup(a_path_that_cannot_be_proven_is_passed_over, fresh),
		cmocka_unit_test_setup(a_path_that_cannot_be_proven_is_passed_over, fresh),
		cmocka_unit_test_setup(the_next_best_is_asked_while_the_test_is_running, settled),
		cmocka_unit_test_setup(a_bad_path_is_left_for_one_that_proves_better, settled),
		cmocka_unit_test_setup(answers_of_an_old_burst_prove_nothing, settled),
		cmocka_unit_test_setup(flows_leave_a_bad_path_where_they_could_not_live, settled),
		cmocka_unit_test_setup(no_better_path_no_move, settled),
		cmocka_unit_test_setup(trouble_on_a_standby_changes_nothing, settled),
		cmocka_unit_test_setup(a_hold_keeps_traffic_on_a_bad_path, settled),
		cmocka_unit_test_setup(a_refusal_is_told_once, settled),
		cmocka_unit_test_setup(a_pin_moves_traffic_even_against_a_hold, settled),
		cmocka_unit_test_setup(a_pin_does_not_hold_traffic_on_a_dead_link, settled),
		cmocka_unit_test_setup(a_drained_link_keeps_its_flows, settled),
		cmocka_unit_test_setup(fails_open_when_all_are_dead, settled),
		cmocka_unit_test_setup(without_any_usable_path_traffic_follows_main, settled),
		cmocka_unit_test_setup(failback_waits_for_its_hold, settled),
		cmocka_unit_test_setup(trouble_during_the_hold_starts_it_over, settled),
		cmocka_unit_test_setup(flows_follow_the_canary_if_wanted, settled),
		cmocka_unit_test_setup(a_canary_that_dies_takes_no_flows_along, settled),
		cmocka_unit_test_setup(the_hold_doubles_with_each_relapse, settled),
		cmocka_unit_test_setup(the_hold_is_forgiven_with_time, settled),
		cmocka_unit_test_setup(only_links_of_the_class_carry_it, fresh),
		cmocka_unit_test_setup(families_are_chosen_apart, fresh),
		cmocka_unit_test_setup(equal_paths_share_by_weight, fresh),
		cmocka_unit_test_setup(a_dead_member_leaves_the_balance_with_its_flows, settled),
		cmocka_unit_test_setup(a_member_that_comes_back_serves_its_hold_first, fresh),
		cmocka_unit_test_setup(a_bad_or_drained_member_gets_no_new_flows, fresh),
		cmocka_unit_test_setup(says_which_step_settled_it_against_each, settled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
