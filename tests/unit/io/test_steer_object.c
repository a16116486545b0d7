/* Nexthops, routes and rules: what is written is read back as it was, what is broken is refused. */
#include "io/steer_object.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#define TRIES 2000

static struct netlink_batch batch;

static const struct nlmsghdr *message(void)
{
	assert_int_equal(batch.count, 1);
	return (const struct nlmsghdr *)(const void *)batch.bytes;
}

static unsigned pick(unsigned below)
{
	return (unsigned)random() % below;
}

static void pick_address(enum family family, uint8_t ret[16])
{
	memset(ret, 0, 16);
	for (size_t i = 0; i < steer_address_size(family); i++)
		ret[i] = (uint8_t)random();
	ret[0] |= 1; /* not "none" */
}

static struct steer_hop pick_hop(enum family family, bool weighted)
{
	struct steer_hop hop = {.oif = 1 + pick(1000),
		.weight = (uint16_t)(weighted ? 1 + pick(256) : 1)};

	if (pick(3))
		pick_address(family, hop.gateway);
	return hop;
}

static void nexthops_are_read_back(void **state)
{
	(void)state;
	for (unsigned i = 0; i < TRIES; i++) {
		enum family family = pick(2) ? FAMILY_IPV6 : FAMILY_IPV4;
		struct steer_nexthop read, nexthop = {.id = 1 + pick(100000),
						   .protocol = (uint8_t)pick(256),
						   .family = (uint8_t)family,
						   .hop = pick_hop(family, false)};

		netlink_batch_init(&batch);
		assert_int_equal(steer_nexthop_put(&batch, NLM_F_CREATE, &nexthop), 0);
		assert_int_equal(steer_nexthop_parse(message(), &read), 0);
		assert_true(steer_nexthop_equal(&read, &nexthop));
	}
}

static void groups_are_read_back(void **state)
{
	(void)state;
	for (unsigned i = 0; i < TRIES; i++) {
		struct steer_nexthop read, group = {.id = 1 + pick(100000),
						   .protocol = 74,
						   .family = FAMILY_COUNT,
						   .n = (uint8_t)(1 + pick(ROUTE_PATHS_MAX)),
						   .hop.weight = 1};

		for (unsigned m = 0; m < group.n; m++)
			group.member[m] = (struct steer_member){.id = 1 + pick(100000),
				.weight = (uint16_t)(1 + pick(256))};
		netlink_batch_init(&batch);
		assert_int_equal(steer_nexthop_put(&batch, NLM_F_CREATE, &group), 0);
		assert_int_equal(steer_nexthop_parse(message(), &read), 0);
		assert_true(steer_nexthop_equal(&read, &group));
	}
}

static struct steer_route pick_route(void)
{
	enum family family = pick(2) ? FAMILY_IPV6 : FAMILY_IPV4;
	struct steer_route route = {.table = 1 + pick(100000),
		.family = (uint8_t)family,
		.protocol = (uint8_t)pick(256),
		.metric = pick(5000)};

	if (pick(2)) {
		route.bits = (uint8_t)(1 + pick((unsigned)(8 * steer_address_size(family))));
		pick_address(family, route.destination);
	}
	if (pick(2)) {
		route.nexthop_id = 1 + pick(100000);
		return route;
	}
	route.n = (uint8_t)(1 + pick(ROUTE_PATHS_MAX));
	for (unsigned i = 0; i < route.n; i++)
		route.hop[i] = pick_hop(family, route.n > 1);
	return route;
}

static void routes_are_read_back(void **state)
{
	(void)state;
	for (unsigned i = 0; i < TRIES; i++) {
		struct steer_route read, route = pick_route();

		netlink_batch_init(&batch);
		assert_int_equal(steer_route_put(&batch, NLM_F_CREATE, &route), 0);
		assert_true(message()->nlmsg_len <= NETLINK_MESSAGE_MAX);
		assert_int_equal(steer_route_parse(message(), &read), 0);
		assert_true(steer_route_equal(&read, &route));
	}
}

static void rules_are_read_back(void **state)
{
	(void)state;
	for (unsigned i = 0; i < TRIES; i++) {
		uint32_t mask = pick(2) ? 0x1f000000 : 0;
		struct steer_rule read, rule = {.priority = pick(32766),
						.table = 1 + pick(100000),
						.family = (uint8_t)pick(2),
						.protocol = 74,
						.mark = mask ? pick(31) << 24 : 0,
						.mask = mask,
						.suppress_default = pick(2)};

		netlink_batch_init(&batch);
		assert_int_equal(steer_rule_put(&batch, &rule), 0);
		assert_int_equal(steer_rule_parse(message(), &read), 0);
		assert_true(steer_rule_equal(&read, &rule));
	}
}

/* Every truncation and many damaged bytes: an answer, and ret untouched where it is an error. */
static void damage_is_refused_or_harmless(void **state)
{
	(void)state;
	for (unsigned i = 0; i < TRIES; i++) {
		struct steer_route route = pick_route(), read;
		struct nlmsghdr *nlh;
		uint8_t *bytes;

		netlink_batch_init(&batch);
		assert_int_equal(steer_route_put(&batch, 0, &route), 0);
		/* its own memory, so that a sanitizer sees a read beyond the end */
		bytes = malloc(message()->nlmsg_len);
		assert_non_null(bytes);
		memcpy(bytes, batch.bytes, message()->nlmsg_len);
		nlh = (struct nlmsghdr *)(void *)bytes;
		if (pick(2))
			nlh->nlmsg_len -= pick(nlh->nlmsg_len - NLMSG_HDRLEN + 1);
		else
			bytes[NLMSG_HDRLEN + pick(nlh->nlmsg_len - NLMSG_HDRLEN)] =
				(uint8_t)random();
		memset(&read, 0xa5, sizeof(read));
		if (steer_route_parse(nlh, &read) < 0) {
			for (size_t k = 0; k < sizeof(read); k++)
				assert_int_equal(((uint8_t *)&read)[k], 0xa5);
		} else {
			assert_true(read.n <= ROUTE_PATHS_MAX);
			assert_true(read.n || read.nexthop_id);
			assert_true(read.table);
		}
		free(bytes);
	}
}

static void what_is_no_plain_nexthop_is_anothers(void **state)
{
	struct nhmsg header = {.nh_family = AF_INET};
	struct steer_nexthop read;
	struct nlmsghdr *nlh;

	(void)state;
	netlink_batch_init(&batch);
	nlh = netlink_batch_begin(&batch, RTM_NEWNEXTHOP, 0, &header, sizeof(header));
	mnl_attr_put_u32(nlh, NHA_ID, 7);
	mnl_attr_put(nlh, NHA_BLACKHOLE, 0, NULL);
	assert_int_equal(steer_nexthop_parse(message(), &read), -EOPNOTSUPP);
}

static void a_rule_with_another_selector_is_anothers(void **state)
{
	struct steer_rule rule = {.priority = 5, .table = 77}, read;
	struct nlmsghdr *nlh;

	(void)state;
	netlink_batch_init(&batch);
	assert_int_equal(steer_rule_put(&batch, &rule), 0);
	nlh = batch.last;
	mnl_attr_put_strz(nlh, FRA_IIFNAME, "eth0");
	assert_int_equal(steer_rule_parse(nlh, &read), -EOPNOTSUPP);

	netlink_batch_init(&batch);
	assert_int_equal(steer_rule_put(&batch, &rule), 0);
	mnl_attr_put_u32(batch.last, FRA_SUPPRESS_PREFIXLEN, 8);
	assert_int_equal(steer_rule_parse(batch.last, &read), -EOPNOTSUPP);
}

static void a_kernel_route_of_another_kind_is_anothers(void **state)
{
	struct rtmsg header = {.rtm_family = AF_INET, .rtm_type = RTN_BLACKHOLE, .rtm_table = 100};
	struct steer_route read;

	(void)state;
	netlink_batch_init(&batch);
	netlink_batch_begin(&batch, RTM_NEWROUTE, 0, &header, sizeof(header));
	assert_int_equal(steer_route_parse(message(), &read), -EOPNOTSUPP);
}

static void a_full_batch_is_said(void **state)
{
	(void)state;
	netlink_batch_init(&batch);
	for (unsigned i = 0; i < NETLINK_BATCH_MESSAGES; i++)
		assert_int_equal(steer_nexthop_delete(&batch, 1), 0);
	assert_int_equal(steer_nexthop_delete(&batch, 1), -ENOBUFS);
	assert_int_equal(steer_route_delete(&batch, &(struct steer_route){0}), -ENOBUFS);
	assert_int_equal(steer_rule_delete(&batch, &(struct steer_rule){0}), -ENOBUFS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nexthops_are_read_back),
		cmocka_unit_test(groups_are_read_back),
		cmocka_unit_test(routes_are_read_back),
		cmocka_unit_test(rules_are_read_back),
		cmocka_unit_test(damage_is_refused_or_harmless),
		cmocka_unit_test(what_is_no_plain_nexthop_is_anothers),
		cmocka_unit_test(a_rule_with_another_selector_is_anothers),
		cmocka_unit_test(a_kernel_route_of_another_kind_is_anothers),
		cmocka_unit_test(a_full_batch_is_said),
	};

	srandom(1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
