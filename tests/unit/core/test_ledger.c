#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/usec.h"
#include "core/ledger.h"

static struct ledger ledger;
static struct path_view world[PATHS_MAX];
static int views;

static void view(void *user, unsigned path, int64_t now_us, struct path_view *ret)
{
	(void)user;
	(void)now_us;
	views++;
	*ret = world[path];
}

static int fresh(void **state)
{
	(void)state;
	memset(world, 0, sizeof(world));
	for (unsigned i = 0; i < PATHS_MAX; i++)
		world[i] = (struct path_view){.exists = true,
			.health = HEALTH_UP,
			.heartbeat_us = USEC_S,
			.rtt_us = 40000,
			.score = {90}};
	ledger_init(&ledger);
	return 0;
}

static void tell(enum event_kind kind, int64_t at_us, unsigned from, unsigned to, int64_t value)
{
	struct event e = {.kind = kind,
		.at_us = at_us,
		.path = PATHS_MAX,
		.from = (uint8_t)from,
		.to = (uint8_t)to,
		.verdict = kind == EVENT_SWITCH && world[from % PATHS_MAX].health == HEALTH_DEAD
				   ? VERDICT_SILENT
				   : VERDICT_NONE,
		.value = {kind == EVENT_SWITCH ? 250000 : value}};

	ledger_event(&ledger, &e, view, NULL);
}

static int64_t pass(int64_t now_us, int seconds)
{
	for (int i = 0; i < seconds; i++)
		ledger_update(&ledger, now_us += USEC_S, view, NULL);
	return now_us;
}

static void a_switch_is_taken_down_with_its_numbers(void **state)
{
	const struct ledger_entry *e;

	(void)state;
	world[0].health = HEALTH_DEAD;
	world[0].silence_us = 250000;
	world[0].score[0] = 0;
	tell(EVENT_SWITCH, USEC_S, 0, 2, 0);
	e = ledger_get(&ledger, 1);
	assert_non_null(e);
	assert_int_equal(e->from.path, 0);
	assert_int_equal(e->from.silence_us, 250000);
	assert_int_equal(e->from.health, HEALTH_DEAD);
	assert_int_equal(e->to.score, 90);
	assert_int_equal(e->fault_us, 250000);
	assert_int_equal(e->apply_us, -1);
	assert_null(ledger_get(&ledger, 2));
	assert_null(ledger_get(&ledger, 0));
}

static void the_kernels_answer_is_added(void **state)
{
	struct event e = {.kind = EVENT_APPLIED,
		.at_us = USEC_S + 1500,
		.path = 2,
		.value = {1400}};

	(void)state;
	tell(EVENT_SWITCH, USEC_S, 0, 2, 0);
	ledger_event(&ledger, &e, view, NULL);
	assert_int_equal(ledger_get(&ledger, 1)->apply_us, 1500);
	/* one answer, one decision */
	tell(EVENT_SWITCH, 2 * USEC_S, 1, 3, 0);
	e.path = 2;
	ledger_event(&ledger, &e, view, NULL);
	assert_int_equal(ledger_get(&ledger, 2)->apply_us, -1);
}

static void what_staying_would_have_cost_is_found_out(void **state)
{
	const struct ledger_entry *e;
	int64_t now = USEC_S;

	(void)state;
	world[0].health = HEALTH_DEAD;
	world[0].silence_us = 250000;
	tell(EVENT_SWITCH, now, 0, 2, 0);
	now = pass(now, 30);
	world[0].health = HEALTH_UP;
	world[0].silence_us = 0;
	now = pass(now, 20);
	world[2].health = HEALTH_DEGRADED;
	now = pass(now, 5);
	world[2].health = HEALTH_UP;
	world[0].sample_age_us = USEC_MIN; /* nothing is known any more */
	now = pass(now, 10);
	e = ledger_get(&ledger, 1);
	assert_int_equal(e->watched_us, 65 * USEC_S);
	assert_int_equal(e->known_us, 55 * USEC_S);
	assert_int_equal(e->from_bad_us, 30 * USEC_S);
	assert_int_equal(e->to_bad_us, 5 * USEC_S);
	assert_int_equal(e->from_well_us, 31 * USEC_S);
	assert_int_equal(ledger_gain_us(e), 25 * USEC_S);
	pass(now, 700);
	assert_true(e->closed);
	assert_int_equal(e->watched_us, LEDGER_WATCH_US);
}

static void looks_at_each_path_once(void **state)
{
	(void)state;
	for (int i = 0; i < 50; i++)
		tell(EVENT_STAY, i * USEC_MS, 0, 2, i % STAY_COUNT);
	views = 0;
	ledger_update(&ledger, USEC_S, view, NULL);
	assert_int_equal(views, 2);
	pass(USEC_S, 800);
	views = 0;
	ledger_update(&ledger, 900 * USEC_S, view, NULL);
	assert_int_equal(views, 0);
}

static void the_same_refusal_again_is_one_entry(void **state)
{
	(void)state;
	tell(EVENT_STAY, USEC_S, 0, 2, STAY_HOLD);
	tell(EVENT_STAY, 2 * USEC_S, 0, 2, STAY_HOLD);
	tell(EVENT_STAY, 3 * USEC_S, 0, 2, STAY_WAIT);
	assert_int_equal(ledger.held, 2);
	assert_int_equal(ledger_get(&ledger, 1)->repeats, 1);
	assert_int_equal(ledger_get(&ledger, 2)->stay, STAY_WAIT);
}

static void a_relapse_is_marked(void **state)
{
	(void)state;
	tell(EVENT_SWITCH, USEC_S, 2, 0, 0); /* failback to 0 */
	pass(USEC_S, 10);
	world[0].health = HEALTH_DEAD;
	world[0].verdict = VERDICT_SILENT;
	tell(EVENT_SWITCH, 12 * USEC_S, 0, 2, 0);
	assert_true(ledger_get(&ledger, 1)->relapse);
	assert_true(ledger_get(&ledger, 1)->closed);
	assert_false(ledger_get(&ledger, 2)->relapse);
	/* back again of its own will: no fault of 2 */
	world[0].health = HEALTH_UP;
	world[0].verdict = VERDICT_NONE;
	tell(EVENT_SWITCH, 60 * USEC_S, 2, 0, 0);
	assert_false(ledger_get(&ledger, 2)->relapse);
}

static void the_oldest_fall_out(void **state)
{
	(void)state;
	for (int i = 0; i < LEDGER_SIZE + 10; i++)
		tell(EVENT_SWITCH, i * USEC_S, i % 2 ? 0 : 2, i % 2 ? 2 : 0, 0);
	assert_int_equal(ledger_oldest(&ledger), 11);
	assert_null(ledger_get(&ledger, 10));
	assert_int_equal(ledger_get(&ledger, LEDGER_SIZE + 10)->seq, LEDGER_SIZE + 10);
}

static void entries_of_an_earlier_run_keep_their_numbers(void **state)
{
	struct ledger_entry e = {.seq = 500, .kind = EVENT_SWITCH};

	(void)state;
	ledger_restore(&ledger, &e);
	e.seq = 501;
	ledger_restore(&ledger, &e);
	ledger_restore(&ledger, &e);
	assert_int_equal(ledger.held, 2);
	assert_int_equal(ledger_oldest(&ledger), 500);
	assert_true(ledger_get(&ledger, 500)->closed);
	tell(EVENT_SWITCH, USEC_S, 0, 2, 0);
	assert_int_equal(ledger_get(&ledger, 502)->at_us, USEC_S);
	/* a restored path number that is none must not be looked at */
	pass(USEC_S, 3);
}

static void without_a_second_path_there_is_nothing_to_compare(void **state)
{
	(void)state;
	tell(EVENT_SWITCH, USEC_S, PATHS_MAX, 2, 0);
	tell(EVENT_FAIL_OPEN, 2 * USEC_S, PATHS_MAX, PATHS_MAX, 0);
	pass(2 * USEC_S, 3);
	assert_true(ledger_get(&ledger, 1)->closed);
	assert_int_equal(ledger_get(&ledger, 1)->watched_us, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_switch_is_taken_down_with_its_numbers, fresh),
		cmocka_unit_test_setup(the_kernels_answer_is_added, fresh),
		cmocka_unit_test_setup(what_staying_would_have_cost_is_found_out, fresh),
		cmocka_unit_test_setup(looks_at_each_path_once, fresh),
		cmocka_unit_test_setup(the_same_refusal_again_is_one_entry, fresh),
		cmocka_unit_test_setup(a_relapse_is_marked, fresh),
		cmocka_unit_test_setup(the_oldest_fall_out, fresh),
		cmocka_unit_test_setup(entries_of_an_earlier_run_keep_their_numbers, fresh),
		cmocka_unit_test_setup(without_a_second_path_there_is_nothing_to_compare, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
