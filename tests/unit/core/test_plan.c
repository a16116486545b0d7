/* From what is wanted and what is held to the few actions between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/plan.h"
#include "scene.h"

static struct scene s;
static struct plan plan;
static struct choice choice[CLASSES_MAX][FAMILY_COUNT];

static int fresh(void **state)
{
	(void)state;
	scene_reset(&s);
	memset(&plan, 0, sizeof(plan));
	for (unsigned c = 0; c < CLASSES_MAX; c++)
		for (unsigned f = 0; f < FAMILY_COUNT; f++)
			choice_init(&choice[c][f]);
	/* two links are enough here */
	s.path[V4(2)].wanted = s.path[V4(3)].wanted = false;
	return 0;
}

static void choose(unsigned path)
{
	struct choice *c = &choice[0][path_family(path)];

	c->n = 1;
	c->path[0] = (uint8_t)path;
	c->weight[0] = 100;
}

static void run(int64_t later_us)
{
	s.env.now_us += later_us;
	s.out.n_actions = s.out.n_events = 0;
	plan.settled = 0; /* tests change facts as they like */
	plan_run(&plan, &s.env, s.path, scene_usable(&s), choice);
}

static bool apply(unsigned i, int32_t error)
{
	struct input_applied a = {s.out.action[i].seq, error, 900};

	return plan_applied(&plan, &s.env, &a);
}

static void apply_all(void)
{
	for (unsigned i = 0; i < s.out.n_actions; i++)
		if (s.out.action[i].kind != ACTION_FLOWS)
			assert_true(apply(i, 0));
}

static void assert_kinds(unsigned n, const enum action_kind kind[])
{
	assert_int_equal(s.out.n_actions, n);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(s.out.action[i].kind, kind[i]);
}
#define ASSERT_KINDS(...)                                                                          \
	assert_kinds(sizeof((const enum action_kind[]){__VA_ARGS__}) / sizeof(enum action_kind),   \
		(const enum action_kind[]){__VA_ARGS__})

static void assert_nothing(int64_t later_us)
{
	run(later_us);
	assert_int_equal(s.out.n_actions, 0);
	assert_int_equal(s.out.n_events, 0);
}

/* Both paths and the route over link 0 are in the kernel. */
static int held(void **state)
{
	fresh(state);
	choose(V4(0));
	run(0);
	apply_all();
	s.out.n_events = 0;
	return 0;
}

static void paths_come_before_the_route_over_them(void **state)
{
	(void)state;
	choose(V4(1));
	run(0);
	ASSERT_KINDS(ACTION_PATH, ACTION_PATH, ACTION_ROUTE);
	assert_int_equal(s.out.action[0].path.path, V4(0));
	assert_true(s.out.action[0].path.install);
	assert_int_equal(s.out.action[0].path.facts.ifindex, s.path[V4(0)].facts.ifindex);
	assert_int_equal(s.out.action[1].path.path, V4(1));
	assert_int_equal(s.out.action[2].route.class, 0);
	assert_int_equal(s.out.action[2].route.family, FAMILY_IPV4);
	assert_int_equal(s.out.action[2].route.n, 1);
	assert_int_equal(s.out.action[2].route.path[0], V4(1));
	assert_int_equal(s.out.action[2].route.weight[0], 100);
	assert_nothing(0); /* asked is asked */
	assert_false(plan_confirmed(&plan, 0, FAMILY_IPV4));
}

static void only_the_kernels_answer_makes_it_held(void **state)
{
	(void)state;
	choose(V4(0));
	run(0);
	assert_false(plan_confirmed(&plan, 0, FAMILY_IPV4));
	apply_all();
	assert_true(plan_confirmed(&plan, 0, FAMILY_IPV4));
	assert_int_equal(scene_event(&s, EVENT_APPLIED)->value[0], 900);
	for (int i = 0; i < 100; i++)
		assert_nothing(USEC_S);
}

static void answers_nobody_asked_for_change_nothing(void **state)
{
	struct input_applied a = {77, 5, 0};

	(void)state;
	assert_false(plan_applied(&plan, &s.env, &a));
	a.action = 0;
	assert_false(plan_applied(&plan, &s.env, &a));
	a.action = plan.route[0][FAMILY_IPV4].seq; /* it has been answered already */
	assert_false(plan_applied(&plan, &s.env, &a));
	assert_true(plan_confirmed(&plan, 0, FAMILY_IPV4));
	assert_nothing(USEC_S);
}

/* New path, route, flows, old path. */
static void a_switch_is_done_in_the_order_that_loses_nothing(void **state)
{
	(void)state;
	s.path[V4(2)].wanted = true;
	s.path[V4(0)].facts.carrier = false;
	choose(V4(2));
	choice[0][FAMILY_IPV4].flows = BIT(V4(0));
	run(0);
	ASSERT_KINDS(ACTION_PATH, ACTION_ROUTE, ACTION_FLOWS, ACTION_PATH);
	assert_int_equal(s.out.action[0].path.path, V4(2));
	assert_true(s.out.action[0].path.install);
	assert_int_equal(s.out.action[1].route.path[0], V4(2));
	assert_int_equal(s.out.action[2].flows.path, V4(0));
	assert_int_equal(s.out.action[2].flows.class, CLASSES_MAX);
	assert_int_equal(s.out.action[3].path.path, V4(0));
	assert_false(s.out.action[3].path.install);
	for (unsigned i = 1; i < s.out.n_actions; i++)
		assert_int_equal(s.out.action[i].seq, s.out.action[i - 1].seq + 1);
	assert_int_equal(choice[0][FAMILY_IPV4].flows, 0);
	apply_all();
	assert_nothing(USEC_S);
}

static void flows_wait_for_the_route(void **state)
{
	(void)state;
	s.path[V4(1)].facts.mtu =
		1400; /* asked for anew and refused: no route over it can be asked for */
	run(0);
	ASSERT_KINDS(ACTION_PATH);
	assert_true(apply(0, 22));
	choose(V4(1));
	choice[0][FAMILY_IPV4].flows = BIT(V4(0));
	run(0);
	assert_int_equal(s.out.n_actions, 0);
	assert_int_equal(choice[0][FAMILY_IPV4].flows, BIT(V4(0)));
	run(100 * USEC_MS);
	ASSERT_KINDS(ACTION_PATH, ACTION_ROUTE, ACTION_FLOWS);
}

static void flows_name_their_class_where_there_are_several(void **state)
{
	(void)state;
	s.policy.n_classes = 2;
	choose(V4(1));
	choice[0][FAMILY_IPV4].flows = BIT(V4(0));
	run(0);
	ASSERT_KINDS(ACTION_ROUTE, ACTION_FLOWS);
	assert_int_equal(s.out.action[1].flows.class, 0);
}

static void a_path_in_use_is_not_taken_out(void **state)
{
	(void)state;
	s.path[V4(0)].facts.carrier = false;
	assert_nothing(0); /* choice.c has not moved yet */
	choose(V4(1));
	run(0);
	ASSERT_KINDS(ACTION_ROUTE, ACTION_PATH);
}

static void nothing_to_offer_empties_the_route(void **state)
{
	(void)state;
	s.path[V4(0)].facts.carrier = s.path[V4(1)].facts.carrier = false;
	choice[0][FAMILY_IPV4].n = 0;
	run(0);
	ASSERT_KINDS(ACTION_ROUTE, ACTION_PATH, ACTION_PATH);
	assert_int_equal(s.out.action[0].route.n, 0);
	apply_all();
	assert_nothing(USEC_S);
}

static void a_refused_route_is_asked_again_with_growing_pauses(void **state)
{
	static const int64_t pause_ms[] = {100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000,
		10000};

	(void)state;
	choose(V4(1));
	run(0);
	for (size_t i = 0; i < sizeof(pause_ms) / sizeof(pause_ms[0]); i++) {
		int64_t pause_us = pause_ms[i] * USEC_MS;

		ASSERT_KINDS(ACTION_ROUTE);
		assert_true(apply(0, 16));
		assert_int_equal(scene_event(&s, EVENT_APPLIED)->value[1], 16);
		assert_false(plan_confirmed(&plan, 0, FAMILY_IPV4));
		assert_int_equal(plan_due_us(&plan), s.env.now_us + pause_us);
		assert_nothing(pause_us - 1);
		run(1);
	}
	assert_true(apply(0, 0));
	assert_int_equal(plan_due_us(&plan), USEC_NEVER);
	assert_nothing(USEC_S);
	/* success makes the next pause short again */
	choose(V4(0));
	run(0);
	assert_true(apply(0, 16));
	assert_int_equal(plan_due_us(&plan), s.env.now_us + 100 * USEC_MS);
}

static void another_choice_does_not_wait_for_the_refused_one(void **state)
{
	(void)state;
	choose(V4(1));
	run(0);
	assert_true(apply(0, 16));
	choose(V4(0));
	run(1);
	ASSERT_KINDS(ACTION_ROUTE);
	assert_int_equal(s.out.action[0].route.path[0], V4(0));
}

static void a_refused_path_takes_its_route_along(void **state)
{
	(void)state;
	choose(V4(0));
	run(0);
	ASSERT_KINDS(ACTION_PATH, ACTION_PATH, ACTION_ROUTE);
	assert_true(apply(0, 19));
	assert_int_equal(plan_due_us(&plan), s.env.now_us + 100 * USEC_MS);
	assert_nothing(99 * USEC_MS);
	run(USEC_MS);
	ASSERT_KINDS(ACTION_PATH, ACTION_ROUTE);
	assert_int_equal(s.out.action[0].path.path, V4(0));
	apply_all();
	assert_true(plan_confirmed(&plan, 0, FAMILY_IPV4));
	assert_nothing(USEC_S);
	/* success makes the next pause short again */
	s.path[V4(0)].facts.mtu = 1400;
	run(0);
	assert_true(apply(0, 19));
	assert_int_equal(plan_due_us(&plan), s.env.now_us + 100 * USEC_MS);
}

static void what_cannot_be_removed_is_gone(void **state)
{
	(void)state;
	s.path[V4(1)].facts.carrier = false;
	run(0);
	ASSERT_KINDS(ACTION_PATH);
	assert_true(apply(0, 3));
	assert_int_equal(plan_due_us(&plan), USEC_NEVER);
	assert_nothing(USEC_MIN);
	s.path[V4(1)].facts.carrier = true;
	run(0);
	ASSERT_KINDS(ACTION_PATH);
	assert_true(s.out.action[0].path.install);
}

/* What is as it should be is not compared at every step. */
static void a_settled_path_is_looked_at_when_told(void **state)
{
	(void)state;
	assert_nothing(0);
	assert_true(plan.settled & BIT(V4(0)));
	s.path[V4(0)].facts.mtu = 1400;
	s.out.n_actions = 0;
	plan_run(&plan, &s.env, s.path, scene_usable(&s), choice);
	assert_int_equal(s.out.n_actions, 0);
	plan.settled = 0;
	plan_run(&plan, &s.env, s.path, scene_usable(&s), choice);
	ASSERT_KINDS(ACTION_PATH);
	assert_false(plan.settled & BIT(V4(0)));
	assert_true(apply(0, 0));
	assert_int_equal(plan.settled, 0);
}

/* The metric, for instance, is none of the nexthop's business. */
static void a_path_is_changed_when_its_hop_is_another(void **state)
{
	static const struct {
		struct path_facts change; /* what is not zero is added */
		bool asks;
	} row[] = {
		{{.gateway = {1}}, true},
		{{.address = {1}}, true},
		{{.ifindex = 1}, true},
		{{.mtu = 1}, true},
		{{.metric = 1}, false},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct path_facts *f = &s.path[V4(0)].facts;

		held(state);
		f->gateway[0] = (uint8_t)(f->gateway[0] + row[i].change.gateway[0]);
		f->address[0] = (uint8_t)(f->address[0] + row[i].change.address[0]);
		f->ifindex += row[i].change.ifindex;
		f->mtu += row[i].change.mtu;
		f->metric += row[i].change.metric;
		run(0);
		assert_int_equal(s.out.n_actions, row[i].asks);
		if (row[i].asks)
			assert_memory_equal(&s.out.action[0].path.facts, f, sizeof(*f));
	}
}

static void drift(enum drift_kind kind, unsigned path)
{
	struct input_drift d = {.kind = (uint8_t)kind,
		.path = (uint8_t)path,
		.class = 0,
		.family = FAMILY_IPV4};

	s.out.n_events = 0;
	plan_drift(&plan, &s.env, &d);
}

static void what_the_kernel_lost_is_put_back(void **state)
{
	(void)state;
	drift(DRIFT_PATH, V4(0)); /* its route went with it */
	assert_int_equal(scene_event(&s, EVENT_DRIFT)->path, V4(0));
	assert_false(plan_confirmed(&plan, 0, FAMILY_IPV4));
	run(0);
	ASSERT_KINDS(ACTION_PATH, ACTION_ROUTE);
	apply_all();

	drift(DRIFT_PATH, V4(1)); /* nothing used it */
	run(0);
	ASSERT_KINDS(ACTION_PATH);
	assert_int_equal(s.out.action[0].path.path, V4(1));
	apply_all();

	drift(DRIFT_CLASS, PATHS_MAX);
	assert_int_equal(scene_event(&s, EVENT_DRIFT)->class, 0);
	assert_false(plan_confirmed(&plan, 0, FAMILY_IPV4));
	run(0);
	ASSERT_KINDS(ACTION_ROUTE);
	assert_int_equal(s.out.action[0].route.path[0], V4(0));
	apply_all();

	drift(DRIFT_FLOWS, PATHS_MAX);
	assert_non_null(scene_event(&s, EVENT_DRIFT));
	run(0);
	assert_true(s.out.n_actions >= 2);
	assert_int_equal(s.out.action[0].kind, ACTION_PATH);
	assert_int_equal(s.out.action[1].kind, ACTION_PATH);
	apply_all();
	assert_true(plan_confirmed(&plan, 0, FAMILY_IPV4));
	assert_nothing(USEC_S);
}

static void the_loss_of_what_is_not_held_is_no_drift(void **state)
{
	(void)state;
	drift(DRIFT_PATH, V4(2));
	assert_int_equal(s.out.n_events, 0);
	choose(V4(1));
	run(0);
	drift(DRIFT_CLASS, PATHS_MAX); /* our own change is under way */
	assert_int_equal(s.out.n_events, 0);
	assert_nothing(0);
}

static void release_is_one_action_and_then_silence(void **state)
{
	(void)state;
	plan.release = plan.passive = true;
	choose(V4(1));
	choice[0][FAMILY_IPV4].flows = BIT(V4(0));
	run(0);
	ASSERT_KINDS(ACTION_RELEASE);
	assert_int_equal(choice[0][FAMILY_IPV4].flows, 0);
	assert_int_equal(plan_due_us(&plan), USEC_NEVER);
	s.path[V4(0)].facts.carrier = false;
	for (int i = 0; i < 20; i++)
		assert_nothing(USEC_S);
	/* steering again starts from nothing */
	plan.passive = false;
	run(0);
	ASSERT_KINDS(ACTION_PATH, ACTION_ROUTE);
	assert_int_equal(s.out.action[0].path.path, V4(1));
}

static void observing_asks_nothing_of_the_kernel(void **state)
{
	(void)state;
	plan.passive = true;
	choose(V4(0));
	assert_nothing(0);
	assert_true(plan_confirmed(&plan, 0, FAMILY_IPV4));
	choose(V4(1));
	choice[0][FAMILY_IPV4].flows = BIT(V4(0));
	assert_nothing(USEC_S);
	assert_int_equal(choice[0][FAMILY_IPV4].flows, 0);
}

static void an_adopted_route_is_confirmed_as_it_is_and_left_alone(void **state)
{
	const struct input_adopted a = {.class = 0, .family = FAMILY_IPV4, .path = V4(1)};

	(void)state;
	choose(V4(1));
	plan_adopt(&plan, &a);
	run(0);
	/* asked for once, unchanged, so that the adapter compares: nothing is taken out or moved */
	ASSERT_KINDS(ACTION_PATH, ACTION_PATH, ACTION_ROUTE);
	assert_int_equal(s.out.action[2].route.path[0], V4(1));
	apply_all();
	for (int i = 0; i < 20; i++)
		assert_nothing(USEC_S);
}

static void an_adopted_route_waits_for_its_path(void **state)
{
	const struct input_adopted a = {.class = 0, .family = FAMILY_IPV4, .path = V4(1)};

	(void)state;
	choose(V4(1));
	plan_adopt(&plan, &a);
	s.path[V4(0)].facts.present = s.path[V4(1)].facts.present = false;
	assert_nothing(USEC_S);
	s.path[V4(1)].facts.present = true;
	run(0);
	ASSERT_KINDS(ACTION_PATH, ACTION_ROUTE);
}

/* A time that has passed would make the caller call again and again. */
static void a_refused_route_is_not_waited_for_when_its_successors_path_is(void **state)
{
	(void)state;
	s.path[V4(1)].facts.mtu = 1400;
	run(0);
	for (int i = 0; i < 6; i++) {
		ASSERT_KINDS(ACTION_PATH);
		assert_true(apply(0, 16));
		run(plan_due_us(&plan) - s.env.now_us);
	}
	assert_true(apply(0, 16)); /* asked again in 6.4 s */
	drift(DRIFT_CLASS, PATHS_MAX);
	run(0);
	ASSERT_KINDS(ACTION_ROUTE);
	assert_true(apply(0, 16)); /* and this in 100 ms */
	choose(V4(1));
	for (int i = 0; i < 60; i++) {
		assert_nothing(100 * USEC_MS);
		assert_true(plan_due_us(&plan) > s.env.now_us);
	}
	run(USEC_S);
	ASSERT_KINDS(ACTION_PATH, ACTION_ROUTE);
}

static void a_class_that_is_gone_leaves_nothing_behind(void **state)
{
	for (int refused = 0; refused < 2; refused++) {
		held(state);
		s.policy.n_classes = 2;
		choice[1][FAMILY_IPV4] = choice[0][FAMILY_IPV4];
		choice[1][FAMILY_IPV4].path[0] = V4(1);
		run(0);
		ASSERT_KINDS(ACTION_ROUTE);
		assert_int_equal(s.out.action[0].route.class, 1);
		assert_true(apply(0, refused ? 16 : 0));
		s.policy.n_classes = 1;
		run(USEC_S);
		ASSERT_KINDS(ACTION_ROUTE);
		assert_int_equal(s.out.action[0].route.class, 1);
		assert_int_equal(s.out.action[0].route.n, 0);
		apply_all();
		assert_int_equal(plan_due_us(&plan), USEC_NEVER);
		/* and its path is free to go */
		s.path[V4(1)].facts.carrier = false;
		run(USEC_S);
		ASSERT_KINDS(ACTION_PATH);
	}
}

/* engine_step() is called again at once when the output is full: nothing is lost or doubled. */
static void what_does_not_fit_follows(void **state)
{
	static const unsigned room[] = {0, 1, 2, 3};

	for (size_t i = 0; i < sizeof(room) / sizeof(room[0]); i++) {
		unsigned full = OUTPUT_ACTIONS_MAX - room[i];

		held(state);
		s.path[V4(2)].wanted = true;
		s.path[V4(0)].facts.carrier = false;
		choose(V4(2));
		choice[0][FAMILY_IPV4].flows = BIT(V4(0));
		s.out.n_actions = (uint16_t)full;
		plan_run(&plan, &s.env, s.path, scene_usable(&s), choice);
		assert_int_equal(s.out.n_actions, OUTPUT_ACTIONS_MAX);
		run(0);
		assert_int_equal(s.out.n_actions, 4 - room[i]);
		assert_int_equal(s.out.action[3 - room[i]].kind, ACTION_PATH);
		assert_false(s.out.action[3 - room[i]].path.install);
		assert_nothing(0);
	}
	held(state);
	plan.release = plan.passive = true;
	s.out.n_actions = OUTPUT_ACTIONS_MAX;
	plan_run(&plan, &s.env, s.path, scene_usable(&s), choice);
	run(0);
	ASSERT_KINDS(ACTION_RELEASE);
}

static void families_have_routes_of_their_own(void **state)
{
	(void)state;
	scene_path_well(&s, V6(1));
	choose(V6(1));
	run(0);
	ASSERT_KINDS(ACTION_PATH, ACTION_ROUTE);
	assert_int_equal(s.out.action[1].route.family, FAMILY_IPV6);
	apply_all();
	drift(DRIFT_PATH, V4(1));
	run(0);
	ASSERT_KINDS(ACTION_PATH);
	assert_true(plan_confirmed(&plan, 0, FAMILY_IPV6));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(paths_come_before_the_route_over_them, fresh),
		cmocka_unit_test_setup(only_the_kernels_answer_makes_it_held, fresh),
		cmocka_unit_test_setup(answers_nobody_asked_for_change_nothing, held),
		cmocka_unit_test_setup(a_switch_is_done_in_the_order_that_loses_nothing, held),
		cmocka_unit_test_setup(flows_wait_for_the_route, held),
		cmocka_unit_test_setup(flows_name_their_class_where_there_are_several, held),
		cmocka_unit_test_setup(a_path_in_use_is_not_taken_out, held),
		cmocka_unit_test_setup(nothing_to_offer_empties_the_route, held),
		cmocka_unit_test_setup(a_refused_route_is_asked_again_with_growing_pauses, held),
		cmocka_unit_test_setup(another_choice_does_not_wait_for_the_refused_one, held),
		cmocka_unit_test_setup(a_refused_path_takes_its_route_along, fresh),
		cmocka_unit_test_setup(what_cannot_be_removed_is_gone, held),
		cmocka_unit_test_setup(a_settled_path_is_looked_at_when_told, held),
		cmocka_unit_test_setup(a_path_is_changed_when_its_hop_is_another, held),
		cmocka_unit_test_setup(what_the_kernel_lost_is_put_back, held),
		cmocka_unit_test_setup(the_loss_of_what_is_not_held_is_no_drift, held),
		cmocka_unit_test_setup(release_is_one_action_and_then_silence, held),
		cmocka_unit_test_setup(observing_asks_nothing_of_the_kernel, fresh),
		cmocka_unit_test_setup(an_adopted_route_is_confirmed_as_it_is_and_left_alone,
			fresh),
		cmocka_unit_test_setup(an_adopted_route_waits_for_its_path, fresh),
		cmocka_unit_test_setup(
			a_refused_route_is_not_waited_for_when_its_successors_path_is, held),
		cmocka_unit_test_setup(a_class_that_is_gone_leaves_nothing_behind, held),
		cmocka_unit_test_setup(what_does_not_fit_follows, held),
		cmocka_unit_test_setup(families_have_routes_of_their_own, held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
