/* The ruleset as a list; see firewall_rules.h. */
#include "io/firewall_rules.h"

#include <netinet/in.h>
#include <string.h>

#include "io/steer_numbers.h"

static struct firewall_rule *add(struct firewall_rules *rules, enum firewall_chain chain)
{
	struct firewall_rule *rule = &rules->rule[rules->n++];

	rule->chain = chain;
	return rule;
}

static void add_prerouting(struct firewall_rules *rules, const struct steer_numbers *numbers,
	const struct firewall_link link[LINKS_MAX])
{
	struct firewall_rule *rule;

	for (unsigned i = 0; i < LINKS_MAX; i++) {
		if (!link[i].mark)
			continue;
		rule = add(rules, FIREWALL_PREROUTING);
		memcpy(rule->in, link[i].device, sizeof(rule->in));
		rule->original = true;
		rule->flow_is.mask = numbers->link_mask;
		rule->flow_set = (struct firewall_mark){numbers->link_mask, link[i].mark};

		rule = add(rules, FIREWALL_PREROUTING);
		memcpy(rule->in, link[i].device, sizeof(rule->in));
		rule->verdict = FIREWALL_RETURN;
	}
	rule = add(rules, FIREWALL_PREROUTING);
	rule->verdict = FIREWALL_JUMP;
	rule->jump = FIREWALL_INSIDE;
}

static void add_inside(struct firewall_rules *rules, const struct config *config,
	const struct steer_numbers *numbers, const struct firewall_link link[LINKS_MAX])
{
	struct firewall_rule *rule = add(rules, FIREWALL_INSIDE);

	rule->packet_any = numbers->link_mask;
	rule->verdict = FIREWALL_RETURN;
	for (unsigned i = 1; i < config->policy.n_classes && numbers->class_mask; i++) {
		struct firewall_mark mark = {numbers->class_mask, steer_class_mark(numbers, i)};

		rule = add(rules, FIREWALL_INSIDE);
		rule->flow_is = mark;
		rule->packet_set = mark;
	}
	for (unsigned i = 0; i < LINKS_MAX; i++) {
		struct firewall_mark mark = {numbers->link_mask, link[i].mark};

		if (!link[i].mark)
			continue;
		rule = add(rules, FIREWALL_INSIDE);
		rule->flow_is = mark;
		rule->packet_set = mark;
		rule->verdict = FIREWALL_RETURN;
	}
	if (!config->n_matches || !numbers->class_mask)
		return;
	rule = add(rules, FIREWALL_INSIDE);
	rule->fresh = true;
	rule->flow_is.mask = numbers->link_mask | numbers->class_mask;
	rule->verdict = FIREWALL_JUMP;
	rule->jump = FIREWALL_CLASS;
}

static void add_match(struct firewall_rules *rules, const struct steer_numbers *numbers,
	const struct class_match *match, uint8_t protocol)
{
	struct firewall_mark mark = {numbers->class_mask, steer_class_mark(numbers, match->class)};
	struct firewall_rule *rule = add(rules, FIREWALL_CLASS);

	memcpy(rule->in, match->device, sizeof(rule->in));
	rule->match = *match;
	rule->match.protocol = protocol;
	rule->matches = true;
	rule->verdict = FIREWALL_RETURN;
	if (match->class) {
		rule->flow_set = mark;
		rule->packet_set = mark;
	}
}

static bool has_ports(uint8_t protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP ||
	       protocol == IPPROTO_UDPLITE;
}

static void add_classes(struct firewall_rules *rules, const struct config *config,
	const struct steer_numbers *numbers)
{
	if (!numbers->class_mask)
		return;
	for (unsigned i = 0; i < config->n_matches && i < CONFIG_MATCHES_MAX; i++) {
		const struct class_match *match = &config->match[i];
		bool ports = match->port_first || match->port_last;

		if (match->class >= config->policy.n_classes || !firewall_match_families(match))
			continue;
		if (ports && !match->protocol) {
			add_match(rules, numbers, match, IPPROTO_TCP);
			add_match(rules, numbers, match, IPPROTO_UDP);
		} else if (!ports || has_ports(match->protocol)) {
			add_match(rules, numbers, match, match->protocol);
		}
	}
}

static void add_postrouting(struct firewall_rules *rules, const struct steer_numbers *numbers,
	const struct firewall_link link[LINKS_MAX])
{
	for (unsigned i = 0; i < LINKS_MAX; i++) {
		struct firewall_rule *rule;

		if (!link[i].mark)
			continue;
		rule = add(rules, FIREWALL_POSTROUTING);
		memcpy(rule->out, link[i].device, sizeof(rule->out));
		rule->packet_is.mask = numbers->link_mask;
		rule->flow_is.mask = numbers->link_mask;
		rule->flow_set = (struct firewall_mark){numbers->link_mask, link[i].mark};
	}
}

void firewall_rules(const struct config *config, const struct firewall_link link[LINKS_MAX],
	struct firewall_rules *ret)
{
	struct steer_numbers numbers = steer_numbers(config);
	struct firewall_rule *rule;

	memset(ret, 0, sizeof(*ret));
	add_prerouting(ret, &numbers, link);
	rule = add(ret, FIREWALL_OUTPUT);
	rule->verdict = FIREWALL_JUMP;
	rule->jump = FIREWALL_INSIDE;
	add_inside(ret, config, &numbers, link);
	add_classes(ret, config, &numbers);
	add_postrouting(ret, &numbers, link);
}

unsigned firewall_match_families(const struct class_match *match)
{
	unsigned both = 1U << FAMILY_IPV4 | 1U << FAMILY_IPV6;

	if (match->family < FAMILY_COUNT)
		return 1U << match->family;
	/* the addresses of a matcher for both families can only be IPv4 or IPv6, by their length */
	if (match->source_bits > 32 || match->destination_bits > 32)
		return 1U << FAMILY_IPV6;
	return match->source_bits || match->destination_bits ? 1U << FAMILY_IPV4 : both;
}
