#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "fake_engine.h"

#include "api/event_text.h"

#define WAN ((uint8_t)path_of(FAKE_WAN, FAMILY_IPV4))
#define LTE ((uint8_t)path_of(FAKE_LTE, FAMILY_IPV4))
#define WAN6 ((uint8_t)path_of(FAKE_WAN, FAMILY_IPV6))

struct row {
	struct event e;
	const char *text;
};

static void check(const struct row *row, size_t n)
{
	char text[EVENT_TEXT_SIZE];

	fake_reset();
	for (size_t i = 0; i < n; i++) {
		event_text(&row[i].e, &fake.policy, text, sizeof(text));
		assert_string_equal(text, row[i].text);
	}
}

#define CHECK(row) check(row, sizeof(row) / sizeof((row)[0]))
#define NOWHERE .path = PATHS_MAX, .class = CLASSES_MAX

static void health_is_told_with_numbers_and_limits(void **state)
{
	const struct row row[] = {
		{fake_death(), "wan: up -> dead: nothing came back for 140 ms (patience 100 ms), "
			       "12 probes lost; the gateway answers, nothing beyond it does: the "
			       "provider's fault"},
		{{.kind = EVENT_HEALTH,
			 .path = WAN6,
			 .from = HEALTH_UP,
			 .to = HEALTH_DOWN,
			 .verdict = VERDICT_NO_CARRIER,
			 .value = {5000, 3, -1, -1}},
			"wan ipv6: up -> down; no carrier: the cable, radio or modem"},
		{{.kind = EVENT_HEALTH,
			 .path = LTE,
			 .from = HEALTH_UP,
			 .to = HEALTH_DEGRADED,
			 .verdict = VERDICT_LOSS,
			 .value = {0, 0, 310000, 60000}},
			"lte: up -> degraded: loss 31 %, round trip 60 ms; too many packets are "
			"lost: the line or the provider"},
		{{.kind = EVENT_HEALTH,
			 .path = LTE,
			 .from = HEALTH_DEAD,
			 .to = HEALTH_RECOVERING,
			 .value = {0, 0, 0, 48200}},
			"lte: dead -> recovering: round trip 48 ms"},
	};

	(void)state;
	CHECK(row);
}

static void decisions_are_told_with_their_step(void **state)
{
	const struct row row[] = {
		{fake_switch(), "default ipv4: wan -> lte, settled at step 2 (alive), score 93 -> "
				"88, wan in trouble for 140 ms; the gateway answers, nothing "
				"beyond it does: the provider's fault"},
		{{.kind = EVENT_SWITCH,
			 .path = WAN,
			 .from = PATHS_MAX,
			 .to = WAN,
			 .value = {0, 0, 93, 0}},
			"default ipv4: uses wan, score 93"},
		{{.kind = EVENT_STAY,
			 .path = LTE,
			 .from = LTE,
			 .to = WAN,
			 .value = {STAY_HOLD, 23 * USEC_S, 0}},
			"default ipv4: stays on lte, wan was wanted: a hold is in force, due in "
			"23 s"},
		{{.kind = EVENT_CANARY,
			 .path = WAN,
			 .from = LTE,
			 .to = WAN,
			 .step = STEP_PREFERENCE,
			 .value = {30 * USEC_S, 88, 93, 0}},
			"default ipv4: new flows go back from lte to wan, settled at step 8 "
			"(preference), after 30 s without trouble, score 88 -> 93"},
		{{.kind = EVENT_FAIL_OPEN, .path = LTE, .value = {0, 0, FAMILY_IPV4}},
			"default ipv4: no link answers; traffic stays on lte until one does"},
	};

	(void)state;
	CHECK(row);
}

static void the_rest_is_told_too(void **state)
{
	const struct row row[] = {
		{{.kind = EVENT_PATH_FACTS, .path = WAN, .class = CLASSES_MAX, .value = {4 | 8}},
			"wan: new from the kernel: address, gateway"},
		{{.kind = EVENT_TARGET,
			 NOWHERE,
			 .to = 1,
			 .verdict = VERDICT_TARGET,
			 .value = {2, FAMILY_IPV4}},
			"probe target 2 (ipv4): dead on every link, its own fault; it no longer "
			"counts"},
		{{.kind = EVENT_VERDICT,
			 .path = WAN,
			 .class = CLASSES_MAX,
			 .to = VERDICT_CONGESTION,
			 .verdict = VERDICT_CONGESTION},
			"wan: our own traffic fills the line: not the link's fault"},
		{{.kind = EVENT_VERDICT, .path = WAN, .class = CLASSES_MAX, .from = VERDICT_DNS},
			"wan: no longer so: names do not resolve, the rest works: the DNS "
			"servers' fault"},
		{{.kind = EVENT_APPLIED, .path = LTE, .value = {800, 0}},
			"lte: the kernel has taken the route change, 0.8 ms"},
		{{.kind = EVENT_APPLIED, .path = LTE, .value = {800, 17}},
			"lte: the kernel refused the route change (error 17); tried again"},
		{{.kind = EVENT_DRIFT, .path = PATHS_MAX, .class = CLASSES_MAX, .value = {2}},
			"the ruleset that marks flows was gone; put back"},
		{{.kind = EVENT_COMMAND,
			 .path = LTE,
			 .class = CLASSES_MAX,
			 .from = COMMAND_PIN,
			 .value = {USEC_H}},
			"user: pin lte, for 1 h"},
		{{.kind = EVENT_COMMAND,
			 .path = LTE,
			 .class = CLASSES_MAX,
			 .from = COMMAND_DRAIN,
			 .value = {-1}},
			"user: drain lte, until it is taken back"},
		{{.kind = EVENT_COMMAND, NOWHERE, .from = COMMAND_RELEASE, .value = {-1}},
			"user: release"},
		{{.kind = EVENT_EXPIRED, .path = LTE, .from = COMMAND_PIN},
			"pin of lte, class default, has ended"},
		{{.kind = EVENT_POLICY, NOWHERE}, "configuration taken"},
		{{.kind = EVENT_BUDGET, .path = LTE, .class = CLASSES_MAX, .to = 1},
			"lte: the probe budget is spent; probes come more slowly"},
		{{.kind = EVENT_FLAP, .path = LTE, .class = CLASSES_MAX, .value = {60 * USEC_S, 1}},
			"lte: held down for 1 min after 1 relapse"},
		{{.kind = EVENT_TIME, NOWHERE, .value = {1500}},
			"an input's time ran backwards by 1.5 ms and was corrected"},
		{{.kind = EVENT_FORECAST,
			 .path = LTE,
			 .class = CLASSES_MAX,
			 .from = TRUST_SOME,
			 .to = TRUST_NONE,
			 .value = {-120000, 15000, 2000, 10}},
			"lte: forecasts of outages within 10 s are no longer heeded: 1.5 % was the "
			"mean forecast, 0.2 % came true, skill -12 %"},
	};

	(void)state;
	CHECK(row);
}

/* Whatever bytes an event consists of, it becomes some text. */
static void nonsense_is_harmless(void **state)
{
	unsigned seed = 1;

	(void)state;
	fake_reset();
	for (int i = 0; i < 200000; i++) {
		char text[EVENT_TEXT_SIZE];
		struct event e;

		for (size_t k = 0; k < sizeof(e); k++)
			((unsigned char *)&e)[k] = (unsigned char)rand_r(&seed);
		e.kind = (enum event_kind)(rand_r(&seed) % (EVENT_KIND_COUNT + 1));
		event_text(&e, &fake.policy, text, sizeof(text));
		assert_true(strlen(text) > 3);
		event_level(&e);
		event_link(&e);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(health_is_told_with_numbers_and_limits),
		cmocka_unit_test(decisions_are_told_with_their_step),
		cmocka_unit_test(the_rest_is_told_too),
		cmocka_unit_test(nonsense_is_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
