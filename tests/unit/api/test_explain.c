#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "fake_engine.h"

#include "api/explain.h"

#define WAN path_of(FAKE_WAN, FAMILY_IPV4)
#define LTE path_of(FAKE_LTE, FAMILY_IPV4)
#define SAT path_of(FAKE_SAT, FAMILY_IPV4)

static struct explanation explanation;

static void explain_now(void)
{
	static struct snapshot s;

	snapshot_take(&s, NULL, FAKE_NOW_US);
	explain(&s, 0, FAMILY_IPV4, FAKE_WALL_US, &explanation);
}

/* The text of the nth line of a topic, or "" */
static const char *said(enum topic topic, unsigned nth)
{
	for (unsigned i = 0; i < explanation.n; i++)
		if (explanation.line[i].topic == topic && !nth--)
			return explanation.line[i].text;
	return "";
}

static void a_healthy_site_is_explained_whole(void **state)
{
	(void)state;
	fake_reset();
	explain_now();
	assert_string_equal(said(TOPIC_NOW, 0),
		"default over IPv4 has used wan (wired, eth1) for 3 h 12 min.");
	assert_string_equal(said(TOPIC_WHY, 0),
		"wan is preferred to lte (100 over 50); it is up, 8.1 ms, no loss, score 93.");
	assert_string_equal(said(TOPIC_WHY_NOT, 0),
		"lte loses at step 8 (preference): 50 against 100; up, 48 ms, 0.2 % loss, score "
		"88.");
	assert_string_equal(said(TOPIC_WHY_NOT, 1),
		"sat loses at step 2 (alive): dead for 14 s: nothing has come back for 16 s "
		"(patience 900 ms).");
	assert_string_equal(said(TOPIC_FAULT, 0),
		"sat: the gateway answers, nothing beyond it does: the provider's fault.");
	assert_string_equal(said(TOPIC_CHANGE, 0),
		"lte takes over when wan is silent for 140 ms, loses carrier, or scores under 70 "
		"for 3 s.");
	assert_string_equal(said(TOPIC_CHANGE, 1),
		"lte is used before wan with a preference above 100, or now by: autonomyctl pin "
		"lte.");
	assert_string_equal(said(TOPIC_CHANGE, 2),
		"sat counts again once it answers and has stayed well for 30 s.");
	assert_string_equal(said(TOPIC_WAITING, 0), "");
	assert_string_equal(said(TOPIC_USER, 0), "");
}

static void a_failback_that_waits_says_until_when(void **state)
{
	(void)state;
	fake_failed_over();
	explain_now();
	assert_string_equal(said(TOPIC_WHY, 0),
		"lte stays in use for now, although wan is preferred to lte (100 over 50); lte is "
		"up, 48 ms, 0.2 % loss, score 88.");
	assert_string_equal(said(TOPIC_WHY_NOT, 0),
		"wan would be better, but something holds the move back: up, 8.1 ms, no loss, "
		"score 93.");
	assert_string_equal(said(TOPIC_WAITING, 0),
		"wan would be the choice, but it has to stay well for 30 s after its failure (1 "
		"relapse); due in 23 s (at 14:00:23).");
}

static void each_refusal_has_its_reason(void **state)
{
	static const struct {
		enum stay stay;
		const char *text;
	} row[] = {
		{STAY_NO_BETTER, "wan would be the choice, but it is not measured to be better "
				 "than lte; due in 23 s (at 14:00:23)."},
		{STAY_UNPROVEN, "wan would be the choice, but it has not answered a fresh burst of "
				"probes yet; due in 23 s (at 14:00:23)."},
		{STAY_WAIT, "wan would be the choice, but lte usually comes back sooner than a "
			    "switch pays: silent for 60 ms, patience 140 ms, 41 such silences "
			    "healed and 0 did not; due in 23 s (at 14:00:23)."},
		{STAY_CONGESTION, "wan would be the choice, but our own traffic is the cause, and "
				  "wan would suffer it too; due in 23 s (at 14:00:23)."},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		fake_failed_over();
		fake.decision[0][FAMILY_IPV4].stay = row[i].stay;
		fake.path[LTE].silence_us = 60 * USEC_MS;
		explain_now();
		assert_string_equal(said(TOPIC_WAITING, 0), row[i].text);
	}
}

static void a_forecast_is_said_with_its_worth(void **state)
{
	static const struct {
		enum prediction prediction;
		enum trust trust;
		const char *text;
	} row[] = {
		{PREDICTION_ON, TRUST_NONE,
			"wan fails with a chance of 37 % within 10s (0.2 % is usual here); not "
			"heeded: such forecasts have shown no skill here."},
		{PREDICTION_ON, TRUST_UNTRIED,
			"wan fails with a chance of 37 % within 10s (0.2 % is usual here); heeded "
			"for being ready only: too little has happened here to tell their worth."},
		{PREDICTION_ON, TRUST_SOME,
			"wan fails with a chance of 37 % within 10s (0.2 % is usual here); heeded "
			"for being ready and for asking sooner."},
		{PREDICTION_ON, TRUST_FULL,
			"wan fails with a chance of 37 % within 10s (0.2 % is usual here); heeded, "
			"for leaving in time too."},
		{PREDICTION_OBSERVE, TRUST_FULL,
			"wan fails with a chance of 37 % within 10s (0.2 % is usual here); only "
			"watched (prediction observe)."},
		{PREDICTION_OFF, TRUST_FULL, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		fake_reset();
		fake.policy.prediction = row[i].prediction;
		fake.policy.horizon = HORIZON_10S;
		fake.path[WAN].forecast[HORIZON_10S] = (struct forecast_view){.chance_ppm = 370000,
			.trust = row[i].trust,
			.happened_ppm = 2000,
			.n = 5000};
		explain_now();
		assert_string_equal(said(TOPIC_FORECAST, 0), row[i].text);
	}
}

static void a_path_left_in_time_is_said_to_fail(void **state)
{
	(void)state;
	fake_reset();
	fake.decision[0][FAMILY_IPV4].step = STEP_FORECAST;
	fake.decision[0][FAMILY_IPV4].against[LTE] = STEP_FORECAST;
	fake.policy.horizon = HORIZON_10S;
	fake.path[LTE].forecast[HORIZON_10S] =
		(struct forecast_view){.chance_ppm = 600000, .trust = TRUST_FULL};
	explain_now();
	assert_non_null(strstr(said(TOPIC_WHY, 0),
		"is expected to stay, lte will probably fail (60 % within 10s); "));
}

static void each_step_has_its_sentence(void **state)
{
	static const struct {
		enum step step;
		const char *why, *why_not;
	} row[] = {
		{STEP_USABLE, "wan is usable, lte is not; ", "lte loses at step 1 (usable): up"},
		{STEP_ALIVE, "wan answers, lte is up; ", "lte loses at step 2 (alive): up"},
		{STEP_PIN, "wan is pinned by the user, whatever lte offers; ",
			"lte loses at step 3 (pin): wan is pinned; up"},
		{STEP_QUOTA, "wan has data left, lte has used up its quota; ",
			"lte loses at step 4 (quota): 5 GB of 5 GB used; up"},
		{STEP_NEEDS,
			"wan meets the needs of default better (score 93, at least 70) than lte "
			"(88); ",
			"lte loses at step 5 (needs): score 88, default needs 70; up"},
		{STEP_FORECAST, "wan is expected to stay, lte has announced an outage; ",
			"lte loses at step 6 (forecast): lte has announced an outage; up"},
		{STEP_STEADY, "wan gives less trouble than lte (500 ms against 14 s in an hour); ",
			"lte loses at step 7 (steady): 14 s of trouble in an hour; up"},
		{STEP_SCORE, "wan scores better than lte (93 over 88); ",
			"lte loses at step 9 (score): 88 against 93; up"},
		{STEP_INCUMBENT,
			"wan carries the traffic already, and lte is no better (93 over 88); ",
			"lte loses at step 10 (incumbent): 88 against 93; up"},
		{STEP_ORDER, "wan comes before lte in the configuration, all else is equal; ",
			"lte loses at step 11 (order): all else is equal; up"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		fake_reset();
		fake.decision[0][FAMILY_IPV4].step = row[i].step;
		fake.decision[0][FAMILY_IPV4].against[LTE] = row[i].step;
		fake.policy.link[FAKE_LTE].quota_bytes = INT64_C(5000000000);
		fake.path[LTE].quota_used_bytes = INT64_C(5000000000);
		fake.path[WAN].trouble_us = 500 * USEC_MS;
		fake.path[LTE].trouble_us = 14 * USEC_S;
		explain_now();
		assert_memory_equal(said(TOPIC_WHY, 0), row[i].why, strlen(row[i].why));
		assert_memory_equal(said(TOPIC_WHY_NOT, 0), row[i].why_not, strlen(row[i].why_not));
	}
}

static void a_portal_is_told_in_place_of_a_score(void **state)
{
	(void)state;
	fake_reset();
	fake.path[LTE].health = HEALTH_DEGRADED;
	fake.path[LTE].verdict = VERDICT_PORTAL;
	fake.decision[0][FAMILY_IPV4].step = STEP_NEEDS;
	fake.decision[0][FAMILY_IPV4].against[LTE] = STEP_NEEDS;
	explain_now();
	assert_string_equal(said(TOPIC_WHY, 0),
		"wan lacks nothing, on lte a captive portal answers in place of the Internet: "
		"somebody has to log in; it is up, 8.1 ms, no loss, score 93.");
	assert_string_equal(said(TOPIC_CHANGE, 1), "lte counts again once that works over it.");
}

static void wishes_of_the_user_are_told_with_their_end(void **state)
{
	struct decision_view *d = &fake.decision[0][FAMILY_IPV4];

	(void)state;
	fake_reset();
	d->pinned_link = FAKE_WAN;
	d->pinned_until_us = FAKE_NOW_US + 43 * USEC_MIN;
	d->held_until_us = USEC_NEVER;
	fake.path[LTE].drained_us = FAKE_NOW_US + USEC_H;
	explain_now();
	assert_string_equal(said(TOPIC_USER, 0), "Pinned to wan for 43 min more (until 14:43:00).");
	assert_string_equal(said(TOPIC_USER, 1),
		"Held: no switch except away from a dead link, until it is taken back.");
	assert_string_equal(said(TOPIC_USER, 2), "lte is drained for 1 h more (until 15:00:00).");
}

static void when_all_are_dead_nothing_is_promised(void **state)
{
	struct decision_view *d = &fake.decision[0][FAMILY_IPV4];

	(void)state;
	fake_reset();
	d->fail_open = true;
	fake.path[WAN].health = HEALTH_DEAD;
	explain_now();
	assert_string_equal(said(TOPIC_NOW, 0),
		"default over IPv4 has used wan (wired, eth1) for 3 h 12 min; every link is dead, "
		"so traffic stays where it was.");
	assert_string_equal(said(TOPIC_WHY, 0),
		"No link answers; moving would help nobody. All are probed on.");
	assert_string_equal(said(TOPIC_CHANGE, 0),
		"The first link that answers a burst of probes is used at once.");
}

static void without_any_link_the_system_decides(void **state)
{
	(void)state;
	fake_reset();
	fake.policy.links = 0;
	fake.decision[0][FAMILY_IPV4].n = 0;
	explain_now();
	assert_int_equal(explanation.n, 1);
	assert_string_equal(said(TOPIC_NOW, 0),
		"default over IPv4 uses no link of ours; it follows the system's own routes, if "
		"any.");
}

static void balancing_names_the_weights(void **state)
{
	struct decision_view *d = &fake.decision[0][FAMILY_IPV4];

	(void)state;
	fake_reset();
	d->n = 2;
	d->path[1] = (uint8_t)LTE;
	d->weight[0] = 60;
	d->weight[1] = 40;
	explain_now();
	assert_string_equal(said(TOPIC_NOW, 0),
		"default over IPv4 has spread new flows over wan (weight 60) and lte (weight 40) "
		"for 3 h 12 min.");
}

static void observing_and_released_are_said(void **state)
{
	(void)state;
	fake_reset();
	fake.policy.observe = true;
	explain_now();
	assert_string_equal(said(TOPIC_NOW, 1),
		"Observing: nothing is steered, this is only what would be done.");
	fake.engine.released = true;
	explain_now();
	assert_string_equal(said(TOPIC_NOW, 1),
		"Released by the user: nothing is steered, this is only what would be done.");
}

static void every_verdict_has_a_sentence(void **state)
{
	(void)state;
	for (unsigned i = 0; i < VERDICT_COUNT; i++)
		assert_true(strlen(explain_verdict((enum verdict)i)) > 10);
}

/* What does not live has no time at which it may take traffic back. */
static void no_time_is_promised_to_what_does_not_live(void **state)
{
	struct path_view *sat = &fake.path[SAT];

	(void)state;
	fake_failed_over();
	sat->flapping = true;
	sat->relapses = 3;
	sat->hold_left_us = USEC_NEVER;
	fake.decision[0][FAMILY_IPV4].against[SAT] = STEP_USABLE;
	explain_now();
	assert_non_null(
		strstr(said(TOPIC_WHY_NOT, 1), "held down after 3 relapses, until it lives"));
	sat->health = HEALTH_RECOVERING;
	explain_now();
	assert_string_equal(said(TOPIC_WAITING, 1), "");
}

static void a_full_house_fits(void **state)
{
	(void)state;
	fake_reset();
	for (unsigned link = 0; link < LINKS_MAX; link++) {
		char name[NAME_SIZE];

		snprintf(name, sizeof(name), "a-link-with-a-name-so-long-%02u", link);
		fake_link(link, name, "abcdefghijklmno", LINK_KIND_CELLULAR, 1);
		fake.path[path_of(link, FAMILY_IPV4)] = fake.path[SAT];
		fake.path[path_of(link, FAMILY_IPV4)].drained_us = USEC_NEVER;
		fake.path[path_of(link, FAMILY_IPV4)].hold_left_us = USEC_S;
		fake.decision[0][FAMILY_IPV4].against[path_of(link, FAMILY_IPV4)] = STEP_ALIVE;
	}
	explain_now();
	assert_true(explanation.n <= EXPLANATION_LINES_MAX);
	assert_true(explanation.n > LINKS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_healthy_site_is_explained_whole),
		cmocka_unit_test(a_failback_that_waits_says_until_when),
		cmocka_unit_test(each_refusal_has_its_reason),
		cmocka_unit_test(each_step_has_its_sentence),
		cmocka_unit_test(a_forecast_is_said_with_its_worth),
		cmocka_unit_test(a_path_left_in_time_is_said_to_fail),
		cmocka_unit_test(a_portal_is_told_in_place_of_a_score),
		cmocka_unit_test(wishes_of_the_user_are_told_with_their_end),
		cmocka_unit_test(when_all_are_dead_nothing_is_promised),
		cmocka_unit_test(without_any_link_the_system_decides),
		cmocka_unit_test(balancing_names_the_weights),
		cmocka_unit_test(observing_and_released_are_said),
		cmocka_unit_test(every_verdict_has_a_sentence),
		cmocka_unit_test(no_time_is_promised_to_what_does_not_live),
		cmocka_unit_test(a_full_house_fits),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
