/* Routing policy rules of the data path; see steer_object.h. */
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "io/steer_object.h"

#ifndef FRA_PROTOCOL
#define FRA_PROTOCOL 21
#endif

#define NO_SUPPRESSION UINT32_MAX

bool steer_rule_equal(const struct steer_rule *a, const struct steer_rule *b)
{
	return a->priority == b->priority && a->table == b->table && a->family == b->family &&
	       a->protocol == b->protocol && a->mark == b->mark && a->mask == b->mask &&
	       a->suppress_default == b->suppress_default;
}

static int put(struct netlink_batch *b, uint16_t type, uint16_t flags,
	const struct steer_rule *rule)
{
	struct fib_rule_hdr header = {
		.family = steer_af((enum family)rule->family),
		.table = rule->table < 256 ? (uint8_t)rule->table : RT_TABLE_UNSPEC,
		.action = FR_ACT_TO_TBL,
	};
	struct nlmsghdr *nlh = netlink_batch_begin(b, type, flags, &header, sizeof(header));

	if (!nlh)
		return -ENOBUFS;
	mnl_attr_put_u32(nlh, FRA_PRIORITY, rule->priority);
	mnl_attr_put_u32(nlh, FRA_TABLE, rule->table);
	mnl_attr_put_u8(nlh, FRA_PROTOCOL, rule->protocol);
	if (rule->mask) {
		mnl_attr_put_u32(nlh, FRA_FWMARK, rule->mark);
		mnl_attr_put_u32(nlh, FRA_FWMASK, rule->mask);
	}
	if (rule->suppress_default)
		mnl_attr_put_u32(nlh, FRA_SUPPRESS_PREFIXLEN, 0);
	return 0;
}

int steer_rule_put(struct netlink_batch *b, const struct steer_rule *rule)
{
	/* without NLM_F_EXCL the kernel takes the same rule twice */
	return put(b, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, rule);
}

int steer_rule_delete(struct netlink_batch *b, const struct steer_rule *rule)
{
	return put(b, RTM_DELRULE, 0, rule);
}

static int parse_attribute(const struct nlattr *attr, struct steer_rule *rule,
	uint32_t *suppress_bits)
{
	uint32_t number = 0;
	bool good = true;

	switch (mnl_attr_get_type(attr)) {
	case FRA_PRIORITY:
		good = steer_attribute_u32(attr, &rule->priority);
		break;
	case FRA_TABLE:
		good = steer_attribute_u32(attr, &rule->table);
		break;
	case FRA_FWMARK:
		good = steer_attribute_u32(attr, &rule->mark);
		break;
	case FRA_FWMASK:
		good = steer_attribute_u32(attr, &rule->mask);
		break;
	case FRA_PROTOCOL:
		good = mnl_attr_get_payload_len(attr) == sizeof(uint8_t);
		if (good)
			rule->protocol = mnl_attr_get_u8(attr);
		break;
	case FRA_SUPPRESS_PREFIXLEN:
		good = steer_attribute_u32(attr, suppress_bits);
		break;
	case FRA_SUPPRESS_IFGROUP:
		good = steer_attribute_u32(attr, &number);
		if (good && number != UINT32_MAX)
			return -EOPNOTSUPP;
		break;
	case FRA_UNSPEC:
	case FRA_PAD:
	case FRA_FLOW: /* realms do not select */
		break;
	default: /* a selector or action of another's rule */
		return -EOPNOTSUPP;
	}
	return good ? 0 : -EINVAL;
}

int steer_rule_parse(const struct nlmsghdr *nlh, struct steer_rule *ret)
{
	struct steer_rule rule = {0};
	uint32_t suppress_bits = NO_SUPPRESSION;
	const struct nlattr *attr;
	struct fib_rule_hdr header;
	enum family family;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(header))
		return -EINVAL;
	memcpy(&header, mnl_nlmsg_get_payload(nlh), sizeof(header));
	if (steer_family(header.family, &family) < 0 || header.action != FR_ACT_TO_TBL ||
		header.src_len || header.dst_len || header.tos ||
		header.flags & (FIB_RULE_INVERT | FIB_RULE_IIF_DETACHED | FIB_RULE_OIF_DETACHED))
		return -EOPNOTSUPP;
	rule.table = header.table;
	rule.family = (uint8_t)family;
	NETLINK_FOR_EACH_ATTR(attr, nlh, sizeof(header))
	{
		int error = parse_attribute(attr, &rule, &suppress_bits);

		if (error)
			return error;
	}
	if (suppress_bits != NO_SUPPRESSION && suppress_bits != 0)
		return -EOPNOTSUPP;
	rule.suppress_default = suppress_bits == 0;
	*ret = rule;
	return 0;
}
