/* The total order of docs/decision.md, a row for each of its steps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "scene.h"

#define NOW_US SCENE_START_US

static struct scene scene;
static struct decide_context context;

static int fresh(void **state)
{
	(void)state;
	scene_reset(&scene);
	context = (struct decide_context){.pinned_link = LINKS_MAX, .incumbent = PATHS_MAX};
	return 0;
}

static int compare(unsigned a, unsigned b, enum step *ret_step)
{
	struct candidate ca, cb;

	decide_candidate(&scene.path[a], &scene.policy, &context, NOW_US, &ca);
	decide_candidate(&scene.path[b], &scene.policy, &context, NOW_US, &cb);
	return decide_compare(&ca, &cb, ret_step);
}

/* What differs in favour of link 1 over link 0, which by order alone would win. */
static void no_carrier(void)
{
	scene.path[V4(0)].facts.carrier = false;
}

static void dead(void)
{
	scene.path[V4(0)].health = HEALTH_DEAD;
}

static void pinned(void)
{
	context.pinned_link = 1;
}

static void drained(void)
{
	context.drained = BIT(0);
}

static void over_quota(void)
{
	context.over_quota = BIT(0);
}

static void bad(void)
{
	scene.path[V4(0)].bad[0] = true;
}

static void announced(void)
{
	scene.path[V4(0)].outage_at_us = NOW_US + 9 * USEC_S;
}

static void preferred(void)
{
	scene.policy.link[1].preference = 1;
}

static void scored(void)
{
	scene.path[V4(0)].score[0] = 79;
	scene.path[V4(1)].score[0] = 80;
}

static void incumbent(void)
{
	context.incumbent = V4(1);
}

static void ordered(void)
{
	scene.policy.link[0].order = 7;
}

static const struct {
	void (*favours_the_other)(void);
	enum step step;
} row[] = {
	{no_carrier, STEP_USABLE},
	{dead, STEP_ALIVE},
	{pinned, STEP_PIN},
	{drained, STEP_QUOTA},
	{over_quota, STEP_QUOTA},
	{bad, STEP_NEEDS},
	{announced, STEP_FORECAST},
	{preferred, STEP_PREFERENCE},
	{scored, STEP_SCORE},
	{incumbent, STEP_INCUMBENT},
	{ordered, STEP_ORDER},
};
#define ROWS (sizeof(row) / sizeof(row[0]))

static void each_step_settles_what_it_says(void **state)
{
	for (size_t i = 0; i < ROWS; i++) {
		enum step step;

		fresh(state);
		assert_true(compare(V4(0), V4(1), &step) > 0);
		assert_int_equal(step, STEP_ORDER);
		row[i].favours_the_other();
		assert_true(compare(V4(0), V4(1), &step) < 0);
		assert_int_equal(step, row[i].step);
		assert_true(compare(V4(1), V4(0), &step) > 0);
		assert_int_equal(step, row[i].step);
	}
}

/* Gives link 0 the same advantage that the row gives link 1, by trading the places of the two. */
static void trade_places(void)
{
	struct path path = scene.path[V4(0)];
	struct link_policy link = scene.policy.link[0];

	scene.path[V4(0)] = scene.path[V4(1)];
	scene.path[V4(1)] = path;
	scene.path[V4(0)].index = V4(0);
	scene.path[V4(1)].index = V4(1);
	scene.policy.link[0] = scene.policy.link[1];
	scene.policy.link[1] = link;
	if (context.pinned_link < LINKS_MAX)
		context.pinned_link = !context.pinned_link;
	if (context.incumbent < PATHS_MAX)
		context.incumbent = context.incumbent == V4(0) ? V4(1) : V4(0);
	context.drained = context.drained ? context.drained ^ 3U : 0;
	context.over_quota = context.over_quota ? context.over_quota ^ 3U : 0;
}

static void an_earlier_step_outweighs_a_later_one(void **state)
{
	for (size_t i = 0; i < ROWS; i++) {
		for (size_t k = i + 1; k < ROWS; k++) {
			enum step step;

			if (row[i].step == row[k].step)
				continue;
			fresh(state);
			row[k].favours_the_other();
			trade_places();
			row[i].favours_the_other();
			assert_true(compare(V4(0), V4(1), &step) < 0);
			assert_int_equal(step, row[i].step);
		}
	}
}

/* Ranks of health; equal ranks are told apart only by the order. */
static void health_ranks_as_documented(void **state)
{
	static const struct {
		enum health health;
		bool in_use;
		int rank;
	} r[] = {
		{HEALTH_UP, false, 3},
		{HEALTH_DEGRADED, false, 3},
		{HEALTH_SUSPECT, true, 3},
		{HEALTH_RECOVERING, false, 2},
		{HEALTH_SUSPECT, false, 1},
		{HEALTH_UNKNOWN, false, 1},
		{HEALTH_DEAD, false, 0},
		{HEALTH_DEAD, true, 0},
	};

	for (size_t i = 0; i < sizeof(r) / sizeof(r[0]); i++) {
		for (size_t k = 0; k < sizeof(r) / sizeof(r[0]); k++) {
			enum step step;
			int sign;

			if (r[i].in_use && r[k].in_use)
				continue;
			fresh(state);
			scene.path[V4(0)].health = r[i].health;
			scene.path[V4(1)].health = r[k].health;
			context.incumbent = r[i].in_use ? V4(0) : r[k].in_use ? V4(1) : PATHS_MAX;
			sign = compare(V4(0), V4(1), &step);
			if (r[i].rank == r[k].rank) {
				assert_true(step > STEP_ALIVE);
				continue;
			}
			assert_int_equal(step, STEP_ALIVE);
			assert_int_equal(sign, r[i].rank > r[k].rank ? 1 : -1);
		}
	}
}

/* Of two that do not meet the needs. */
static void the_lesser_evil_wins(void **state)
{
	static const struct {
		uint8_t score_a, score_b;
		enum service lacks_a, lacks_b; /* SERVICE_COUNT: none */
		bool a_in_use;
		int sign; /* 0: equal in this step */
	} r[] = {
		{50, 30, SERVICE_COUNT, SERVICE_COUNT, false, 1},
		{39, 30, SERVICE_COUNT, SERVICE_COUNT, false, 0},
		{40, 39, SERVICE_COUNT, SERVICE_COUNT, false, 1},
		{30, 40, SERVICE_COUNT, SERVICE_COUNT, true, 0},
		{30, 50, SERVICE_COUNT, SERVICE_COUNT, true, -1},
		{69, 0, SERVICE_DNS, SERVICE_COUNT, false, -1},
		{69, 0, SERVICE_WEB, SERVICE_COUNT, false, -1},
		{69, 0, SERVICE_MTU, SERVICE_COUNT, false, -1},
		{69, 0, SERVICE_PORTAL, SERVICE_DNS, false, -1},
		{69, 0, SERVICE_DNS, SERVICE_WEB, false, 0},
	};

	for (size_t i = 0; i < sizeof(r) / sizeof(r[0]); i++) {
		struct path *a = &scene.path[V4(0)], *b = &scene.path[V4(1)];
		enum step step;
		int sign;

		fresh(state);
		a->bad[0] = b->bad[0] = true;
		a->score[0] = r[i].score_a;
		b->score[0] = r[i].score_b;
		if (r[i].lacks_a != SERVICE_COUNT)
			a->service[r[i].lacks_a].broken = true;
		if (r[i].lacks_b != SERVICE_COUNT)
			b->service[r[i].lacks_b].broken = true;
		context.incumbent = r[i].a_in_use ? V4(0) : PATHS_MAX;
		sign = compare(V4(0), V4(1), &step);
		if (r[i].sign) {
			assert_int_equal(step, STEP_NEEDS);
			assert_int_equal(sign, r[i].sign);
		} else {
			assert_true(step > STEP_NEEDS);
		}
	}
}

static void dead_names_matter_only_if_the_policy_says_so(void **state)
{
	enum step step;

	(void)state;
	scene.path[V4(0)].service[SERVICE_DNS].broken = true;
	assert_true(compare(V4(0), V4(1), &step) < 0);
	assert_int_equal(step, STEP_NEEDS);
	scene.policy.dns_matters = false;
	assert_true(compare(V4(0), V4(1), &step) > 0);
	assert_int_equal(step, STEP_ORDER);
}

static void an_outage_far_off_does_not_count_yet(void **state)
{
	enum step step;

	(void)state;
	scene.path[V4(0)].outage_at_us = NOW_US + 10 * USEC_S + 1;
	assert_true(compare(V4(0), V4(1), &step) > 0);
	scene.path[V4(0)].outage_at_us = NOW_US + 10 * USEC_S;
	assert_true(compare(V4(0), V4(1), &step) < 0);
	assert_int_equal(step, STEP_FORECAST);
}

static void each_class_is_judged_by_its_own_needs(void **state)
{
	enum step step;

	(void)state;
	scene.path[V4(0)].bad[1] = true;
	assert_true(compare(V4(0), V4(1), &step) > 0);
	context.class = 1;
	assert_true(compare(V4(0), V4(1), &step) < 0);
	assert_int_equal(step, STEP_NEEDS);
}

static uint32_t random_next(uint64_t *x, uint32_t limit)
{
	*x = *x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*x >> 33) % limit;
}

static void random_paths(uint64_t *x)
{
	for (unsigned i = 0; i < PATHS_MAX; i++) {
		struct path *p = &scene.path[i];

		p->wanted = p->facts.present = p->facts.has_address = p->facts.has_gateway = true;
		p->facts.carrier = random_next(x, 8);
		p->health = (enum health)random_next(x, HEALTH_COUNT);
		p->bad[0] = !random_next(x, 3);
		p->score[0] = (uint8_t)random_next(x, 101);
		p->outage_at_us = random_next(x, 4) ? 0 : NOW_US + random_next(x, 20) * USEC_S;
		for (unsigned s = 0; s < SERVICE_COUNT; s++)
			p->service[s].broken = !random_next(x, 8);
	}
	for (unsigned i = 0; i < LINKS_MAX; i++) {
		scene.policy.link[i].preference = (int32_t)random_next(x, 5) - 2;
		scene.policy.link[i].order = (uint16_t)(random_next(x, 2) ? i : UINT16_MAX - i);
	}
	context.pinned_link = random_next(x, LINKS_MAX + 1);
	context.incumbent = random_next(x, PATHS_MAX + 1);
	context.drained = random_next(x, UINT16_MAX);
	context.over_quota = random_next(x, UINT16_MAX);
}

static void random_candidates_are_totally_ordered(void **state)
{
	static struct candidate c[PATHS_MAX];
	static int sign[PATHS_MAX][PATHS_MAX];
	uint64_t x = 42;
	enum step step, back;

	(void)state;
	for (int round = 0; round < 100; round++) {
		random_paths(&x);
		for (unsigned i = 0; i < PATHS_MAX; i++)
			decide_candidate(&scene.path[i], &scene.policy, &context, NOW_US, &c[i]);
		for (unsigned i = 0; i < PATHS_MAX; i++) {
			for (unsigned k = 0; k < PATHS_MAX; k++) {
				sign[i][k] = decide_compare(&c[i], &c[k], &step);
				/* no ties, and the same step from both sides */
				assert_true((i == k) == !sign[i][k]);
				assert_int_equal(decide_compare(&c[k], &c[i], &back), -sign[i][k]);
				assert_int_equal(step, back);
			}
		}
		for (unsigned i = 0; i < PATHS_MAX; i++)
			for (unsigned k = 0; k < PATHS_MAX; k++)
				for (unsigned m = 0; m < PATHS_MAX; m++)
					if (sign[i][k] > 0 && sign[k][m] > 0)
						assert_true(sign[i][m] > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(each_step_settles_what_it_says, fresh),
		cmocka_unit_test_setup(an_earlier_step_outweighs_a_later_one, fresh),
		cmocka_unit_test_setup(health_ranks_as_documented, fresh),
		cmocka_unit_test_setup(the_lesser_evil_wins, fresh),
		cmocka_unit_test_setup(dead_names_matter_only_if_the_policy_says_so, fresh),
		cmocka_unit_test_setup(an_outage_far_off_does_not_count_yet, fresh),
		cmocka_unit_test_setup(each_class_is_judged_by_its_own_needs, fresh),
		cmocka_unit_test_setup(random_candidates_are_totally_ordered, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
