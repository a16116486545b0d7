/* The ruleset as a list, played against packets: what mark do packet and flow have afterwards? */
#include "io/firewall_rules.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "io/steer_numbers.h"

static struct config config;
static struct firewall_link link_of[LINKS_MAX];
static struct firewall_rules rules;

struct packet {
	const char *in, *out;
	bool original, fresh;
	uint32_t mark, flow_mark;
	uint8_t protocol;
	uint16_t port;
};

static bool mark_fits(struct firewall_mark is, uint32_t mark)
{
	return (mark & is.mask) == is.value;
}

static bool match_fits(const struct firewall_rule *rule, const struct packet *p)
{
	if (!rule->matches)
		return true;
	return (!rule->match.protocol || rule->match.protocol == p->protocol) &&
	       (!rule->match.port_first ||
		       (p->port >= rule->match.port_first && p->port <= rule->match.port_last));
}

static bool fits(const struct firewall_rule *rule, const struct packet *p)
{
	return (!rule->in[0] || strcmp(rule->in, p->in) == 0) &&
	       (!rule->out[0] || strcmp(rule->out, p->out) == 0) &&
	       (!rule->original || p->original) && (!rule->fresh || p->fresh) &&
	       mark_fits(rule->flow_is, p->flow_mark) && mark_fits(rule->packet_is, p->mark) &&
	       (!rule->packet_any || p->mark & rule->packet_any) && match_fits(rule, p);
}

static void play(enum firewall_chain chain, struct packet *p)
{
	for (unsigned i = 0; i < rules.n; i++) {
		const struct firewall_rule *rule = &rules.rule[i];

		if (rule->chain != chain || !fits(rule, p))
			continue;
		p->flow_mark = (p->flow_mark & ~rule->flow_set.mask) | rule->flow_set.value;
		p->mark = (p->mark & ~rule->packet_set.mask) | rule->packet_set.value;
		if (rule->verdict == FIREWALL_RETURN)
			return;
		if (rule->verdict == FIREWALL_JUMP)
			play(rule->jump, p);
	}
}

static int prepare(void **state)
{
	(void)state;
	memset(&config, 0, sizeof(config));
	memset(link_of, 0, sizeof(link_of));
	config.mark_mask = 0x7f000000;
	config.policy.n_classes = 2;
	config.match[0] = (struct class_match){.class = 1,
		.family = FAMILY_COUNT,
		.port_first = 5060,
		.port_last = 5061,
		.dscp = -1};
	config.n_matches = 1;
	for (unsigned i = 0; i < 2; i++) {
		memcpy(link_of[i].device, i ? "wan1" : "wan0", 5);
		link_of[i].mark = (i + 1) << 24;
	}
	firewall_rules(&config, link_of, &rules);
	return 0;
}

static void a_new_flow_takes_the_link_that_it_leaves_by(void **state)
{
	struct packet p = {.in = "lan", .out = "wan1", .original = true, .fresh = true, .mark = 5};

	(void)state;
	play(FIREWALL_PREROUTING, &p);
	assert_int_equal(p.mark, 5);
	play(FIREWALL_POSTROUTING, &p);
	assert_int_equal(p.flow_mark, 0x02000000);
	assert_int_equal(p.mark, 5);
}

static void a_later_packet_is_sent_to_its_link(void **state)
{
	struct packet p = {.in = "lan",
		.out = "wan0",
		.original = true,
		.mark = 5,
		.flow_mark = 0x02000007};

	(void)state;
	play(FIREWALL_PREROUTING, &p);
	assert_int_equal(p.mark, 0x02000005);
	/* it leaves by another, because its link's table is empty: it keeps its link all the
	 * same */
	play(FIREWALL_POSTROUTING, &p);
	assert_int_equal(p.flow_mark, 0x02000007);
}

static void what_comes_in_by_an_uplink_is_not_sent_anywhere(void **state)
{
	struct packet p = {.in = "wan0", .out = "lan", .flow_mark = 0x02000000};

	(void)state;
	play(FIREWALL_PREROUTING, &p);
	assert_int_equal(p.mark, 0);
	assert_int_equal(p.flow_mark, 0x02000000);
}

static void a_call_from_outside_is_answered_by_its_link(void **state)
{
	struct packet p = {.in = "wan1", .out = "lan", .original = true, .fresh = true};
	struct packet answer = {.in = "lan", .out = ""};

	(void)state;
	play(FIREWALL_PREROUTING, &p);
	assert_int_equal(p.flow_mark, 0x02000000);
	assert_int_equal(p.mark, 0);
	answer.flow_mark = p.flow_mark;
	play(FIREWALL_PREROUTING, &answer);
	assert_int_equal(answer.mark, 0x02000000);
	answer.mark = 0;
	play(FIREWALL_OUTPUT, &answer);
	assert_int_equal(answer.mark, 0x02000000);
}

static void a_probe_and_its_answer_leave_the_flow_unmarked(void **state)
{
	struct packet p = {.in = "",
		.out = "wan1",
		.original = true,
		.fresh = true,
		.mark = 0x02000000};
	struct packet answer = {.in = "wan1", .out = ""};

	(void)state;
	play(FIREWALL_OUTPUT, &p);
	play(FIREWALL_POSTROUTING, &p);
	assert_int_equal(p.mark, 0x02000000);
	assert_int_equal(p.flow_mark, 0);
	play(FIREWALL_PREROUTING, &answer);
	assert_int_equal(answer.flow_mark, 0);
}

static void a_class_is_chosen_once_and_kept(void **state)
{
	struct packet p = {.in = "lan",
		.out = "wan0",
		.original = true,
		.fresh = true,
		.protocol = IPPROTO_UDP,
		.port = 5061};
	struct packet other = {.in = "lan",
		.out = "wan0",
		.original = true,
		.fresh = true,
		.protocol = IPPROTO_ICMP,
		.port = 5061};

	(void)state;
	play(FIREWALL_PREROUTING, &p);
	assert_int_equal(p.mark, 0x20000000);
	play(FIREWALL_POSTROUTING, &p);
	assert_int_equal(p.flow_mark, 0x21000000);
	p.mark = 0;
	p.fresh = false;
	play(FIREWALL_PREROUTING, &p);
	assert_int_equal(p.mark, 0x21000000);
	/* a port is a port of TCP or UDP */
	play(FIREWALL_PREROUTING, &other);
	assert_int_equal(other.mark, 0);
}

static void no_bits_for_classes_no_classes(void **state)
{
	struct packet p = {.in = "lan",
		.out = "wan0",
		.original = true,
		.fresh = true,
		.protocol = IPPROTO_UDP,
		.port = 5061};

	(void)state;
	config.mark_mask = 0x1f000000;
	firewall_rules(&config, link_of, &rules);
	play(FIREWALL_PREROUTING, &p);
	assert_int_equal(p.mark, 0);
	play(FIREWALL_POSTROUTING, &p);
	assert_int_equal(p.flow_mark, 0x01000000);
}

static void the_largest_configuration_fits(void **state)
{
	(void)state;
	config.policy.n_classes = CLASSES_MAX;
	config.n_matches = CONFIG_MATCHES_MAX;
	for (unsigned i = 0; i < CONFIG_MATCHES_MAX; i++)
		config.match[i] = config.match[0];
	for (unsigned i = 0; i < LINKS_MAX; i++) {
		memcpy(link_of[i].device, "wan", 4);
		link_of[i].mark = (i + 1) << 24;
	}
	firewall_rules(&config, link_of, &rules);
	assert_true(rules.n <= FIREWALL_RULES_MAX);
}

static void a_matcher_has_the_families_of_its_addresses(void **state)
{
	struct class_match m = {.family = FAMILY_COUNT};

	(void)state;
	assert_int_equal(firewall_match_families(&m), 3);
	m.source_bits = 24;
	assert_int_equal(firewall_match_families(&m), 1U << FAMILY_IPV4);
	m.destination_bits = 64;
	assert_int_equal(firewall_match_families(&m), 1U << FAMILY_IPV6);
	m.family = FAMILY_IPV4;
	assert_int_equal(firewall_match_families(&m), 1U << FAMILY_IPV4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_new_flow_takes_the_link_that_it_leaves_by, prepare),
		cmocka_unit_test_setup(a_later_packet_is_sent_to_its_link, prepare),
		cmocka_unit_test_setup(what_comes_in_by_an_uplink_is_not_sent_anywhere, prepare),
		cmocka_unit_test_setup(a_call_from_outside_is_answered_by_its_link, prepare),
		cmocka_unit_test_setup(a_probe_and_its_answer_leave_the_flow_unmarked, prepare),
		cmocka_unit_test_setup(a_class_is_chosen_once_and_kept, prepare),
		cmocka_unit_test_setup(no_bits_for_classes_no_classes, prepare),
		cmocka_unit_test_setup(the_largest_configuration_fits, prepare),
		cmocka_unit_test_setup(a_matcher_has_the_families_of_its_addresses, prepare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
