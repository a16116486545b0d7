/* Every value of every enum has a word, and no two of one enum share it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/names.h"

#define WORD_OF(function, type)                                                                    \
	static const char *word_of_##function(unsigned v)                                          \
	{                                                                                          \
		return function((enum type)v);                                                     \
	}
WORD_OF(family_name, family)
WORD_OF(link_kind_name, link_kind)
WORD_OF(class_need_name, class_need)
WORD_OF(probe_method_name, probe_method)
WORD_OF(health_name, health)
WORD_OF(verdict_name, verdict)
WORD_OF(step_name, step)
WORD_OF(stay_name, stay)
WORD_OF(event_kind_name, event_kind)
WORD_OF(input_kind_name, input_kind)
WORD_OF(sample_outcome_name, sample_outcome)
WORD_OF(hint_kind_name, hint_kind)
WORD_OF(command_verb_name, command_verb)
WORD_OF(prediction_name, prediction)
WORD_OF(horizon_name, horizon)
WORD_OF(trust_name, trust)

static const struct {
	const char *(*word)(unsigned v);
	unsigned count;
} list[] = {
	{word_of_family_name, FAMILY_COUNT},
	{word_of_link_kind_name, LINK_KIND_COUNT},
	{word_of_class_need_name, CLASS_NEED_COUNT},
	{word_of_probe_method_name, PROBE_METHOD_COUNT},
	{word_of_health_name, HEALTH_COUNT},
	{word_of_verdict_name, VERDICT_COUNT},
	{word_of_step_name, STEP_COUNT},
	{word_of_stay_name, STAY_COUNT},
	{word_of_event_kind_name, EVENT_KIND_COUNT},
	{word_of_input_kind_name, INPUT_KIND_COUNT},
	{word_of_sample_outcome_name, SAMPLE_OUTCOME_COUNT},
	{word_of_hint_kind_name, HINT_KIND_COUNT},
	{word_of_command_verb_name, COMMAND_VERB_COUNT},
	{word_of_prediction_name, PREDICTION_COUNT},
	{word_of_horizon_name, HORIZON_COUNT},
	{word_of_trust_name, TRUST_COUNT},
};
#define LISTS (sizeof(list) / sizeof(list[0]))

static void every_value_has_a_word_of_its_own(void **state)
{
	(void)state;
	for (size_t i = 0; i < LISTS; i++) {
		for (unsigned v = 0; v < list[i].count; v++) {
			const char *word = list[i].word(v);

			assert_non_null(word);
			assert_true(word[0]);
			assert_int_equal(strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789-"),
				strlen(word));
			for (unsigned k = 0; k < v; k++)
				assert_string_not_equal(word, list[i].word(k));
		}
	}
}

static void values_out_of_range_have_none(void **state)
{
	(void)state;
	for (size_t i = 0; i < LISTS; i++) {
		assert_null(list[i].word(list[i].count));
		assert_null(list[i].word(255));
		assert_null(list[i].word(UINT32_MAX));
	}
}

/* A row put in the middle of an enum but at the end of its table would shift all words after it. */
static void words_belong_to_their_values(void **state)
{
	(void)state;
	assert_string_equal(family_name(FAMILY_IPV6), "ipv6");
	assert_string_equal(link_kind_name(LINK_KIND_VPN), "vpn");
	assert_string_equal(class_need_name(CLASS_NEED_BULK), "bulk");
	assert_string_equal(probe_method_name(PROBE_BIG), "big");
	assert_string_equal(health_name(HEALTH_DEAD), "dead");
	assert_string_equal(health_name(HEALTH_RECOVERING), "recovering");
	assert_string_equal(verdict_name(VERDICT_PROVIDER), "provider");
	assert_string_equal(verdict_name(VERDICT_WEB), "web");
	assert_string_equal(verdict_name(VERDICT_LOSS), "loss");
	assert_string_equal(verdict_name(VERDICT_DELAY), "delay");
	assert_string_equal(verdict_name(VERDICT_DNS), "dns");
	assert_string_equal(verdict_name(VERDICT_PORTAL), "portal");
	assert_string_equal(verdict_name(VERDICT_MTU), "mtu");
	assert_string_equal(verdict_name(VERDICT_TARGET), "target");
	assert_string_equal(verdict_name(VERDICT_LOCAL), "local");
	assert_string_equal(step_name(STEP_PIN), "pin");
	assert_string_equal(step_name(STEP_NEEDS), "needs");
	assert_string_equal(step_name(STEP_SCORE), "score");
	assert_string_equal(step_name(STEP_ORDER), "order");
	assert_string_equal(stay_name(STAY_CONGESTION), "congestion");
	assert_string_equal(event_kind_name(EVENT_FAIL_OPEN), "fail-open");
	assert_string_equal(event_kind_name(EVENT_TIME), "time");
	assert_string_equal(event_kind_name(EVENT_FORECAST), "forecast");
	assert_string_equal(prediction_name(PREDICTION_OBSERVE), "observe");
	assert_string_equal(horizon_name(HORIZON_60S), "60s");
	assert_string_equal(trust_name(TRUST_UNTRIED), "untried");
	assert_string_equal(input_kind_name(INPUT_ADOPTED), "adopted");
	assert_string_equal(sample_outcome_name(SAMPLE_LOST), "lost");
	assert_string_equal(hint_kind_name(HINT_QUOTA_USED), "quota-used");
	assert_string_equal(command_verb_name(COMMAND_STEER), "steer");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_value_has_a_word_of_its_own),
		cmocka_unit_test(values_out_of_range_have_none),
		cmocka_unit_test(words_belong_to_their_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
