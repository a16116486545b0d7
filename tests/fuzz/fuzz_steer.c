/*
 * Netlink messages about nexthops, routes and rules.  Whatever a parser accepts is written again
 * and must be read back as the same; then it is taken over into a state, as from a dump, and the
 * state is turned into nothing.
 */
#undef NDEBUG
#include <assert.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "io/steer_state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct netlink_batch batch;
static struct steer_state held;
static struct steer_change change;
static const struct steer_state nothing;
static const struct steer_numbers numbers = {
	.table_base = 7400,
	.rule_base = 32400,
	.nexthop_base = 7400000,
	.link_mask = 0x1f000000,
	.class_mask = 0x60000000,
	.link_shift = 24,
	.class_shift = 29,
	.protocol = 74,
};

static const struct nlmsghdr *written(void)
{
	return (const struct nlmsghdr *)(const void *)batch.bytes;
}

static void take_nexthop(const struct nlmsghdr *nlh)
{
	struct steer_nexthop nexthop, again;

	if (steer_nexthop_parse(nlh, &nexthop) < 0)
		return;
	assert(steer_nexthop_put(&batch, 0, &nexthop) == 0);
	assert(steer_nexthop_parse(written(), &again) == 0);
	assert(steer_nexthop_equal(&nexthop, &again));
	steer_hold_nexthop(&held, &numbers, &nexthop);
}

static void take_route(const struct nlmsghdr *nlh)
{
	struct steer_route route, again;

	if (steer_route_parse(nlh, &route) < 0)
		return;
	assert(steer_route_put(&batch, 0, &route) == 0);
	assert(written()->nlmsg_len <= NETLINK_MESSAGE_MAX);
	assert(steer_route_parse(written(), &again) == 0);
	assert(route.n <= 1 || steer_route_equal(&route, &again));
	steer_hold_route(&held, &numbers, &route);
}

static void take_rule(const struct nlmsghdr *nlh)
{
	struct steer_rule rule, again;

	if (steer_rule_parse(nlh, &rule) < 0)
		return;
	assert(steer_rule_put(&batch, &rule) == 0);
	assert(steer_rule_parse(written(), &again) == 0);
	/* a mark without a mask selects nothing and is not written */
	assert(!rule.mask || steer_rule_equal(&rule, &again));
	steer_hold_rule(&held, &numbers, &rule);
}

static void take_out(void)
{
	steer_change_init(&change);
	for (unsigned path = 0; path < PATHS_MAX; path++) {
		steer_change_init(&change);
		(void)steer_change_path(&change, &numbers, &held, &nothing, path);
	}
	for (unsigned class = 0; class < CLASSES_MAX; class ++) {
		steer_change_init(&change);
		(void)steer_change_route(&change, &numbers, &held, &nothing, class, FAMILY_IPV6);
	}
	steer_lose_device(&held, &numbers, 5, true);
	steer_lose_address(&held, 5);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* its own memory, aligned as a receive buffer is, so that a read beyond the end is seen */
	uint8_t *bytes = malloc(size ? size : 1);
	const struct nlmsghdr *nlh;
	size_t at = 0;

	memset(&held, 0, sizeof(held));
	memcpy(bytes, data, size);
	while ((nlh = netlink_message(bytes, size, &at))) {
		netlink_batch_init(&batch);
		if (nlh->nlmsg_type == RTM_NEWNEXTHOP)
			take_nexthop(nlh);
		else if (nlh->nlmsg_type == RTM_NEWROUTE)
			take_route(nlh);
		else if (nlh->nlmsg_type == RTM_NEWRULE)
			take_rule(nlh);
	}
	take_out();
	free(bytes);
	return 0;
}
