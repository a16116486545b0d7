/* What is read out of mwan3's configuration: numbers and marks, members, and which flow is under which policy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "config/mwan3.h"

#define INTERFACES                                                                                 \
	"config interface 'wan'\n option enabled '1'\n"                                            \
	"config interface 'wan6'\n option enabled '1'\n option family 'ipv6'\n"                    \
	"config interface 'lte'\n option enabled '0'\n"
#define MEMBERS                                                                                    \
	"config member 'wan_m1'\n option interface 'wan'\n option metric '1'\n option weight "     \
	"'3'\n"                                                                                    \
	"config member 'lte_m2'\n option interface 'lte'\n option metric '2'\n"
#define POLICIES                                                                                   \
	"config policy 'both'\n list use_member 'wan_m1'\n list use_member 'lte_m2'\n"             \
	"config policy 'only'\n list use_member 'wan_m1'\n option last_resort 'blackhole'\n"       \
	"config policy 'same'\n list use_member 'wan_m1'\n list use_member 'lte_m2'\n"             \
	"config policy 'idle'\n list use_member 'lte_m2'\n"
#define BASE INTERFACES MEMBERS POLICIES
#define RULE(options) "config rule\n" options
#define USE(policy) " option use_policy '" policy "'\n"

static struct mwan3_config c;

static void parse(const char *text)
{
	struct problem problem = {0};

	if (mwan3_parse(text, strlen(text), &c, &problem) < 0)
		fail_msg("line %d: %s", problem.line, problem.text);
}

static void refuses(const char *text, const char *why)
{
	struct problem problem = {0};
	struct mwan3_config before;

	memset(&c, 0x55, sizeof(c));
	before = c;
	assert_true(mwan3_parse(text, strlen(text), &c, &problem) < 0);
	assert_non_null(strstr(problem.text, why));
	assert_memory_equal(&c, &before, sizeof(c));
}

static void numbers_follow_the_order_of_the_sections(void **state)
{
	(void)state;
	parse(BASE);
	assert_int_equal(c.mask, 0x3f00);
	assert_int_equal(c.n_interfaces, 3);
	assert_string_equal(c.interface[2].name, "lte");
	assert_true(c.interface[0].enabled);
	assert_false(c.interface[2].enabled);
	assert_int_equal(c.interface[1].family, FAMILY_IPV6);
	assert_int_equal(mwan3_mark(c.mask, 3), 0x300);
}

static void marks_are_spread_over_the_bits_of_the_mask(void **state)
{
	(void)state;
	assert_int_equal(mwan3_mark(0xaa, 5), 0x22);
	assert_int_equal(mwan3_mark(0xff0000, 60), 0x3c0000);
	assert_int_equal(mwan3_mark(0x80000007, 15), 0x80000007);
	parse("config globals 'globals'\n option mmx_mask '0xf0000000'\n" INTERFACES);
	assert_int_equal(mwan3_mark(c.mask, 3), 0x30000000);
	parse("config globals 'globals'\n option mmx_mask '0xffffffff'\n" INTERFACES);
	parse("config globals 'globals'\n option mmx_mask '0xe0000000'\n" INTERFACES
	      "config interface 'd'\n");
	assert_int_equal(c.n_interfaces, 4);
}

static void members_have_metric_and_weight(void **state)
{
	(void)state;
	parse(BASE);
	assert_int_equal(c.n_policies, 4);
	assert_int_equal(c.policy[0].n_members, 2);
	assert_int_equal(c.policy[0].member[0].weight, 3);
	assert_int_equal(c.policy[0].member[1].interface, 2);
	assert_int_equal(c.policy[0].member[1].metric, 2);
	assert_int_equal(c.policy[0].member[1].weight, 1);
}

static void members_that_lead_nowhere_are_passed_over(void **state)
{
	(void)state;
	parse(INTERFACES "config member 'far'\n option interface 'wan'\n option metric '257'\n"
			 "config member 'lost'\n option interface 'gone'\n"
			 "config policy 'p'\n list use_member 'far'\n list use_member 'lost'\n"
			 " list use_member 'nobody'\n list use_member 'wan'\n"
			 "config policy 'longer_than_fifteen'\n");
	assert_int_equal(c.n_policies, 1);
	assert_int_equal(c.policy[0].n_members, 0);
}

static void policies_with_the_same_members_share_a_class(void **state)
{
	(void)state;
	parse(BASE RULE(USE("only") " option proto 'tcp'\n")
			RULE(USE("both") " option proto 'udp'\n") RULE(USE("same")));
	assert_int_equal(c.n_classes, 3);
	assert_int_equal(c.policy[1].class, 1);
	assert_int_equal(c.policy[0].class, 2);
	assert_int_equal(c.policy[2].class, 2);
	assert_false(c.policy[3].used);
	assert_int_equal(c.main_policy, 2);
}

static void a_rule_becomes_a_matcher_for_each_combination(void **state)
{
	(void)state;
	parse(BASE RULE(USE("only") " option proto 'tcp'\n option dest_port '443,8000:8100'\n"
				    " option dest_ip '203.0.113.0/24,198.51.100.7'\n")
			RULE(USE("both") " option dest_ip '0.0.0.0/0'\n"));
	assert_int_equal(c.n_matches, 5);
	assert_int_equal(c.match[0].protocol, 6);
	assert_int_equal(c.match[0].destination_bits, 24);
	assert_int_equal(c.match[1].destination_bits, 32);
	assert_int_equal(c.match[2].port_first, 8000);
	assert_int_equal(c.match[3].port_last, 8100);
	assert_int_equal(c.match[3].class, 1);
	assert_int_equal(c.match[4].class, 2);
	assert_int_equal(c.match[4].family, FAMILY_IPV4);
	assert_int_equal(c.match[4].destination_bits, 0);
	assert_int_equal(c.left_out, 0);
}

static void ports_count_with_tcp_and_udp_alone(void **state)
{
	(void)state;
	parse(BASE RULE(USE("only") " option dest_port '443'\n") RULE(USE("both")));
	assert_int_equal(c.n_matches, 2);
	assert_int_equal(c.match[0].port_first, 0);
}

static void what_cannot_be_told_apart_is_in_no_class(void **state)
{
	static const char *const options[] = {" option ipset 'videos'\n",
		" option src_iface 'lan'\n", " option proto 'tcp'\n option src_port '7'\n",
		" option proto 'nonsense'\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		char text[4096];

		snprintf(text, sizeof(text), "%s%s%s%s", BASE, RULE(USE("only")), options[i],
			RULE(USE("both")));
		parse(text);
		assert_int_equal(c.n_matches, 2);
		assert_int_equal(c.match[0].class, 0);
		assert_int_equal(c.match[1].class, 2);
		assert_int_equal(c.left_out, 1);
	}
}

static void but_it_does_not_matter_where_the_rest_is_under_the_same_policy(void **state)
{
	(void)state;
	parse(BASE RULE(USE("both") " option ipset 'videos'\n") RULE(USE("same")));
	assert_int_equal(c.n_matches, 1);
	assert_int_equal(c.match[0].class, 1);
	assert_int_equal(c.left_out, 0);
}

/* A negated address, which iptables takes: what comes after it might be its. */
static void nothing_is_told_apart_after_what_cannot_be_read(void **state)
{
	(void)state;
	parse(BASE RULE(USE("only") " option dest_ip '!192.0.2.1'\n") RULE(USE("both")));
	assert_int_equal(c.n_matches, 0);
	assert_int_equal(c.left_out, 1);
}

static void nothing_is_told_apart_after_the_last_matcher(void **state)
{
	char text[8192] = BASE;

	(void)state;
	for (unsigned i = 0; i < CONFIG_MATCHES_MAX + 5; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			"%s option dest_ip '192.0.2.%u'\n",
			i % 2 ? RULE(USE("only")) : RULE(USE("both")), i);
	parse(text);
	assert_int_equal(c.n_matches, CONFIG_MATCHES_MAX);
	assert_int_equal(c.left_out, 1);
}

static void more_groups_than_classes_are_in_class_0(void **state)
{
	(void)state;
	parse(INTERFACES MEMBERS
		"config policy 'a'\n list use_member 'wan_m1'\nconfig policy 'b'\n list use_member "
		"'lte_m2'\n"
		"config policy 'c'\n list use_member 'lte_m2'\n list use_member 'wan_m1'\n"
		"config policy 'd'\n" RULE(USE("a")) RULE(USE("b")) RULE(USE("c")) RULE(USE("d")));
	assert_int_equal(c.n_classes, CLASSES_MAX);
	assert_int_equal(c.policy[2].class, 3);
	assert_int_equal(c.policy[3].class, 0);
	assert_true(c.policy[3].used);
}

static void files_that_are_none_are_refused(void **state)
{
	char text[8192] = "";

	(void)state;
	refuses("config interface 'a\n", "");
	refuses("config globals 'globals'\n option mmx_mask '0x3'\n", "too few bits");
	refuses("config globals 'globals'\n option mmx_mask '0x700'\n" INTERFACES
		"config interface 'd'\nconfig interface 'e'\n",
		"too few bits");
	/* the uppermost bits count as the others do */
	refuses("config globals 'globals'\n option mmx_mask '0xe0000000'\n" INTERFACES
		"config interface 'd'\nconfig interface 'e'\n",
		"too few bits");
	for (unsigned i = 0; i <= MWAN3_INTERFACES_MAX; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			"config interface 'i%u'\n", i);
	refuses(text, "more than");
}

static void a_file_that_is_not_there_says_so(void **state)
{
	struct problem problem = {0};

	(void)state;
	assert_int_equal(mwan3_load("/nonexistent/mwan3", &c, &problem), -2);
	assert_true(mwan3_load("/", &c, &problem) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_follow_the_order_of_the_sections),
		cmocka_unit_test(marks_are_spread_over_the_bits_of_the_mask),
		cmocka_unit_test(members_have_metric_and_weight),
		cmocka_unit_test(members_that_lead_nowhere_are_passed_over),
		cmocka_unit_test(policies_with_the_same_members_share_a_class),
		cmocka_unit_test(a_rule_becomes_a_matcher_for_each_combination),
		cmocka_unit_test(ports_count_with_tcp_and_udp_alone),
		cmocka_unit_test(what_cannot_be_told_apart_is_in_no_class),
		cmocka_unit_test(but_it_does_not_matter_where_the_rest_is_under_the_same_policy),
		cmocka_unit_test(nothing_is_told_apart_after_what_cannot_be_read),
		cmocka_unit_test(nothing_is_told_apart_after_the_last_matcher),
		cmocka_unit_test(more_groups_than_classes_are_in_class_0),
		cmocka_unit_test(files_that_are_none_are_refused),
		cmocka_unit_test(a_file_that_is_not_there_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
