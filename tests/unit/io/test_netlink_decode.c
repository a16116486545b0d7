#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "base/usec.h"
#include "io/links_kernel.h"
#include "io/netlink.h"

static _Alignas(8) uint8_t buffer[2048];
static struct kernel_message m;

static struct nlmsghdr *begin(uint16_t type, const void *header, size_t size)
{
	struct nlmsghdr *nlh;

	memset(buffer, 0, sizeof(buffer));
	nlh = mnl_nlmsg_put_header(buffer);
	nlh->nlmsg_type = type;
	memcpy(mnl_nlmsg_put_extra_header(nlh, size), header, size);
	return nlh;
}

static void put_address(struct nlmsghdr *nlh, uint16_t type, const char *text)
{
	uint8_t address[16];
	int family = strchr(text, ':') ? AF_INET6 : AF_INET;

	assert_int_equal(inet_pton(family, text, address), 1);
	mnl_attr_put(nlh, type, family == AF_INET ? 4 : 16, address);
}

static void assert_address(const uint8_t address[16], const char *text)
{
	uint8_t expected[16] = {0};

	assert_int_equal(inet_pton(strchr(text, ':') ? AF_INET6 : AF_INET, text, expected), 1);
	assert_memory_equal(address, expected, 16);
}

static struct nlmsghdr *begin_device(uint32_t flags)
{
	struct ifinfomsg header = {.ifi_index = 7, .ifi_type = 1, .ifi_flags = flags};
	struct nlmsghdr *nlh = begin(RTM_NEWLINK, &header, sizeof(header));

	mnl_attr_put_strz(nlh, IFLA_IFNAME, "wan0");
	mnl_attr_put_u32(nlh, IFLA_MTU, 1492);
	return nlh;
}

static struct nlmsghdr *begin_address(uint8_t family, uint8_t scope, uint8_t flags)
{
	struct ifaddrmsg header = {.ifa_family = family,
		.ifa_prefixlen = 24,
		.ifa_scope = scope,
		.ifa_flags = flags,
		.ifa_index = 7};

	return begin(RTM_NEWADDR, &header, sizeof(header));
}

static struct rtmsg default_route(uint8_t family)
{
	return (struct rtmsg){.rtm_family = family,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_DHCP,
		.rtm_type = RTN_UNICAST};
}

static struct nlmsghdr *begin_route(uint8_t family)
{
	struct rtmsg header = default_route(family);

	return begin(RTM_NEWROUTE, &header, sizeof(header));
}

static void device_with_flags_name_and_kind(void **state)
{
	struct nlmsghdr *nlh = begin_device(IFF_UP | 0x10000);
	struct nlattr *info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);

	(void)state;
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "veth");
	mnl_attr_nest_end(nlh, info);
	assert_int_equal(kernel_decode(nlh, &m), 0);
	assert_int_equal(m.subject, KERNEL_DEVICE);
	assert_false(m.gone);
	assert_int_equal(m.device.ifindex, 7);
	assert_string_equal(m.device.name, "wan0");
	assert_string_equal(m.device.kind, "veth");
	assert_int_equal(m.device.mtu, 1492);
	assert_true(m.device.up && m.device.carrier && !m.device.loopback);

	assert_int_equal(kernel_decode(begin_device(IFF_UP), &m), 0);
	assert_true(m.device.up && !m.device.carrier);
	assert_string_equal(m.device.kind, "");
}

/* As cfg80211 sends for wireless extensions when a station associates. */
static void wireless_event_is_partial(void **state)
{
	struct ifinfomsg header = {.ifi_index = 7, .ifi_flags = IFF_UP | 0x10000};
	struct nlmsghdr *nlh = begin(RTM_NEWLINK, &header, sizeof(header));

	(void)state;
	mnl_attr_put_strz(nlh, IFLA_IFNAME, "wlan0");
	mnl_attr_put(nlh, IFLA_WIRELESS, 4, "\0\0\0");
	assert_int_equal(kernel_decode(nlh, &m), 0);
	assert_true(m.device.partial && m.device.carrier);
	assert_int_equal(kernel_decode(begin_device(IFF_UP), &m), 0);
	assert_false(m.device.partial);
}

/* A port that leaves a bridge is an RTM_DELLINK with family AF_BRIDGE. */
static void bridge_port_is_not_a_device(void **state)
{
	struct ifinfomsg header = {.ifi_family = AF_BRIDGE, .ifi_index = 7};
	struct nlmsghdr *nlh = begin(RTM_DELLINK, &header, sizeof(header));

	(void)state;
	mnl_attr_put_strz(nlh, IFLA_IFNAME, "wan0");
	assert_int_equal(kernel_decode(nlh, &m), -ENOMSG);
}

static void device_names_are_checked(void **state)
{
	struct ifinfomsg header = {.ifi_index = 7};
	struct nlmsghdr *nlh = begin(RTM_NEWLINK, &header, sizeof(header));

	(void)state;
	assert_int_equal(kernel_decode(nlh, &m), -EBADMSG);
	mnl_attr_put_strz(nlh, IFLA_IFNAME, "");
	assert_int_equal(kernel_decode(nlh, &m), -EBADMSG);
	nlh = begin(RTM_NEWLINK, &header, sizeof(header));
	mnl_attr_put(nlh, IFLA_IFNAME, 4, "wan0"); /* without its NUL */
	assert_int_equal(kernel_decode(nlh, &m), -EBADMSG);
	nlh = begin(RTM_NEWLINK, &header, sizeof(header));
	mnl_attr_put_strz(nlh, IFLA_IFNAME, "sixteen-letters-");
	assert_int_equal(kernel_decode(nlh, &m), -EBADMSG);
}

static void address_of_a_point_to_point_device_is_our_own(void **state)
{
	struct nlmsghdr *nlh = begin_address(AF_INET, RT_SCOPE_UNIVERSE, IFA_F_PERMANENT);

	(void)state;
	put_address(nlh, IFA_ADDRESS, "10.8.0.1");
	put_address(nlh, IFA_LOCAL, "10.8.0.2");
	assert_int_equal(kernel_decode(nlh, &m), 0);
	assert_int_equal(m.subject, KERNEL_ADDRESS);
	assert_int_equal(m.address.family, FAMILY_IPV4);
	assert_address(m.address.address, "10.8.0.2");
	assert_true(m.address.usable);
	assert_int_equal(m.address.preferred_s, UINT32_MAX);
}

static void usable_addresses(void **state)
{
	static const struct {
		const char *address;
		uint8_t scope;
		uint32_t flags;
		bool usable;
	} row[] = {
		{"10.1.0.2", RT_SCOPE_UNIVERSE, 0, true},
		{"10.1.0.2", RT_SCOPE_UNIVERSE, IFA_F_SECONDARY, true},
		{"10.1.0.2", RT_SCOPE_LINK, 0, false},
		{"10.1.0.2", RT_SCOPE_HOST, 0, false},
		{"0.0.0.0", RT_SCOPE_UNIVERSE, 0, false},
		{"127.0.0.2", RT_SCOPE_UNIVERSE, 0, false},
		{"224.0.0.1", RT_SCOPE_UNIVERSE, 0, false},
		{"2001:db8::2", RT_SCOPE_UNIVERSE, 0, true},
		{"2001:db8::2", RT_SCOPE_UNIVERSE, IFA_F_TENTATIVE, false},
		{"2001:db8::2", RT_SCOPE_UNIVERSE, IFA_F_TENTATIVE | IFA_F_OPTIMISTIC, true},
		{"2001:db8::2", RT_SCOPE_UNIVERSE, IFA_F_DADFAILED, false},
		{"2001:db8::2", RT_SCOPE_UNIVERSE, IFA_F_DEPRECATED, false},
		{"2001:db8::2", RT_SCOPE_UNIVERSE, IFA_F_MANAGETEMPADDR, true}, /* beyond 8 bits */
		{"fd01::2", RT_SCOPE_UNIVERSE, 0, true},
		{"fe80::2", RT_SCOPE_UNIVERSE, 0, false},
		{"fe80::2", RT_SCOPE_LINK, 0, false},
		{"ff02::1", RT_SCOPE_UNIVERSE, 0, false},
		{"::1", RT_SCOPE_UNIVERSE, 0, false},
		{"::", RT_SCOPE_UNIVERSE, 0, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct nlmsghdr *nlh =
			begin_address(strchr(row[i].address, ':') ? AF_INET6 : AF_INET,
				row[i].scope, 0);

		put_address(nlh, IFA_ADDRESS, row[i].address);
		mnl_attr_put_u32(nlh, IFA_FLAGS, row[i].flags);
		assert_int_equal(kernel_decode(nlh, &m), 0);
		if (m.address.usable != row[i].usable)
			fail_msg("%s scope %u flags 0x%x", row[i].address, row[i].scope,
				row[i].flags);
		assert_int_equal(m.address.secondary, !!(row[i].flags & IFA_F_SECONDARY));
	}
}

static void address_with_a_lifetime(void **state)
{
	struct ifa_cacheinfo cache = {.ifa_prefered = 1800, .ifa_valid = 3600};
	struct nlmsghdr *nlh = begin_address(AF_INET, RT_SCOPE_UNIVERSE, 0);

	(void)state;
	nlh->nlmsg_type = RTM_DELADDR;
	put_address(nlh, IFA_LOCAL, "10.1.0.2");
	mnl_attr_put(nlh, IFA_CACHEINFO, sizeof(cache), &cache);
	assert_int_equal(kernel_decode(nlh, &m), 0);
	assert_true(m.gone);
	assert_int_equal(m.address.preferred_s, 1800);
}

static void address_of_the_wrong_size_is_malformed(void **state)
{
	struct nlmsghdr *nlh = begin_address(AF_INET6, RT_SCOPE_UNIVERSE, 0);

	(void)state;
	put_address(nlh, IFA_ADDRESS, "10.1.0.2");
	assert_int_equal(kernel_decode(nlh, &m), -EBADMSG);
}

static void route_over_a_gateway(void **state)
{
	struct nlmsghdr *nlh = begin_route(AF_INET);

	(void)state;
	mnl_attr_put_u32(nlh, RTA_TABLE, RT_TABLE_MAIN);
	mnl_attr_put_u32(nlh, RTA_OIF, 7);
	mnl_attr_put_u32(nlh, RTA_PRIORITY, 100);
	put_address(nlh, RTA_GATEWAY, "10.1.0.1");
	put_address(nlh, RTA_PREFSRC, "10.1.0.2");
	assert_int_equal(kernel_decode(nlh, &m), 0);
	assert_int_equal(m.subject, KERNEL_ROUTE);
	assert_int_equal(m.route.protocol, RTPROT_DHCP);
	assert_int_equal(m.route.metric, 100);
	assert_int_equal(m.route.n_legs, 1);
	assert_int_equal(m.route.leg[0].ifindex, 7);
	assert_address(m.route.leg[0].gateway, "10.1.0.1");
	assert_true(m.route.has_prefsrc);
	assert_address(m.route.prefsrc, "10.1.0.2");
	assert_false(m.route.expires);
}

static void routes_that_are_no_default_route_of_main(void **state)
{
	struct rtmsg header;
	struct nlmsghdr *nlh;

	(void)state;
	for (int i = 0; i < 6; i++) {
		header = default_route(AF_INET);
		if (i == 0)
			header.rtm_dst_len = 1;
		if (i == 1)
			header.rtm_type = RTN_UNREACHABLE;
		if (i == 2)
			header.rtm_table = RT_TABLE_LOCAL;
		if (i == 3)
			header.rtm_tos = 8;
		if (i == 4)
			header.rtm_flags = RTM_F_CLONED;
		nlh = begin(RTM_NEWROUTE, &header, sizeof(header));
		if (i == 5) /* the attribute has the last word */
			mnl_attr_put_u32(nlh, RTA_TABLE, 1000);
		mnl_attr_put_u32(nlh, RTA_OIF, 7);
		assert_int_equal(kernel_decode(nlh, &m), -ENOMSG);
	}
	header = default_route(AF_BRIDGE);
	assert_int_equal(kernel_decode(begin(RTM_NEWROUTE, &header, sizeof(header)), &m), -ENOMSG);
}

static void put_leg(struct nlmsghdr *nlh, int ifindex, const char *gateway, uint8_t flags)
{
	struct rtnexthop *hop = mnl_nlmsg_get_payload_tail(nlh);
	uint32_t before = nlh->nlmsg_len;

	memset(hop, 0, sizeof(*hop));
	hop->rtnh_ifindex = ifindex;
	hop->rtnh_flags = flags;
	nlh->nlmsg_len += (uint32_t)sizeof(*hop);
	if (gateway)
		put_address(nlh, RTA_GATEWAY, gateway);
	hop->rtnh_len = (unsigned short)(nlh->nlmsg_len - before);
}

static void route_over_several_legs(void **state)
{
	struct nlmsghdr *nlh = begin_route(AF_INET);
	struct nlattr *legs = mnl_attr_nest_start(nlh, RTA_MULTIPATH);

	(void)state;
	put_leg(nlh, 7, "10.1.0.1", 0);
	put_leg(nlh, 8, "10.2.0.1", RTNH_F_DEAD | RTNH_F_LINKDOWN);
	put_leg(nlh, 9, NULL, RTNH_F_ONLINK);
	mnl_attr_nest_end(nlh, legs);
	assert_int_equal(kernel_decode(nlh, &m), 0);
	assert_int_equal(m.route.n_legs, 3);
	assert_address(m.route.leg[0].gateway, "10.1.0.1");
	assert_true(m.route.leg[1].dead);
	assert_false(m.route.leg[2].dead);
	assert_address(m.route.leg[2].gateway, "0.0.0.0");
}

static void more_legs_than_there_is_room_for(void **state)
{
	struct nlmsghdr *nlh = begin_route(AF_INET);
	struct nlattr *legs = mnl_attr_nest_start(nlh, RTA_MULTIPATH);

	(void)state;
	for (int i = 0; i < KERNEL_LEGS_MAX + 5; i++)
		put_leg(nlh, 1 + i, "10.1.0.1", 0);
	mnl_attr_nest_end(nlh, legs);
	assert_int_equal(kernel_decode(nlh, &m), 0);
	assert_int_equal(m.route.n_legs, KERNEL_LEGS_MAX);
}

static void leg_that_claims_more_than_there_is(void **state)
{
	struct nlmsghdr *nlh = begin_route(AF_INET);
	struct nlattr *legs = mnl_attr_nest_start(nlh, RTA_MULTIPATH);
	struct rtnexthop *second;

	(void)state;
	put_leg(nlh, 7, "10.1.0.1", 0);
	second = mnl_nlmsg_get_payload_tail(nlh);
	put_leg(nlh, 8, "10.2.0.1", 0);
	mnl_attr_nest_end(nlh, legs);
	second->rtnh_len = 200;
	assert_int_equal(kernel_decode(nlh, &m), 0);
	assert_int_equal(m.route.n_legs, 1);
	second->rtnh_len = 3; /* would never end */
	assert_int_equal(kernel_decode(nlh, &m), 0);
	assert_int_equal(m.route.n_legs, 1);
}

static void ipv6_route_of_a_router(void **state)
{
	struct rta_cacheinfo cache = {.rta_expires = 180000};
	struct nlmsghdr *nlh = begin_route(AF_INET6);
	struct nlattr *metrics;

	(void)state;
	mnl_attr_put_u32(nlh, RTA_OIF, 7);
	mnl_attr_put_u32(nlh, RTA_PRIORITY, 1024);
	mnl_attr_put_u8(nlh, RTA_PREF, 1); /* RFC 4191: 01 is high */
	put_address(nlh, RTA_GATEWAY, "fe80::1");
	mnl_attr_put(nlh, RTA_CACHEINFO, sizeof(cache), &cache);
	metrics = mnl_attr_nest_start(nlh, RTA_METRICS);
	mnl_attr_put_u32(nlh, RTAX_MTU, 1480);
	mnl_attr_nest_end(nlh, metrics);
	assert_int_equal(kernel_decode(nlh, &m), 0);
	assert_int_equal(m.route.family, FAMILY_IPV6);
	assert_address(m.route.leg[0].gateway, "fe80::1");
	assert_int_equal(m.route.preference, 2);
	assert_int_equal(m.route.mtu, 1480);
	assert_true(m.route.expires);
	assert_int_equal(m.route.expires_us, 1800 * USEC_S);
}

static void ipv6_route_that_has_run_out(void **state)
{
	struct rta_cacheinfo cache = {.rta_expires = -150};
	struct nlmsghdr *nlh = begin_route(AF_INET6);

	(void)state;
	mnl_attr_put_u32(nlh, RTA_OIF, 7);
	mnl_attr_put(nlh, RTA_CACHEINFO, sizeof(cache), &cache);
	assert_int_equal(kernel_decode(nlh, &m), 0);
	assert_true(m.route.expires);
	assert_int_equal(m.route.expires_us, -1500 * USEC_MS);
	assert_int_equal(m.route.preference, 1);
}

static void ipv6_route_for_sources_in_a_prefix(void **state)
{
	struct rtmsg header = default_route(AF_INET6);
	struct nlmsghdr *nlh;

	(void)state;
	header.rtm_src_len = 56;
	nlh = begin(RTM_NEWROUTE, &header, sizeof(header));
	put_address(nlh, RTA_SRC, "2001:db8:5::");
	mnl_attr_put_u32(nlh, RTA_OIF, 7);
	assert_int_equal(kernel_decode(nlh, &m), 0);
	assert_int_equal(m.route.source_bits, 56);
	assert_address(m.route.source, "2001:db8:5::");
	header.rtm_src_len = 129;
	assert_int_equal(kernel_decode(begin(RTM_NEWROUTE, &header, sizeof(header)), &m), -EBADMSG);
}

static void ipv4_route_over_an_ipv6_gateway(void **state)
{
	struct {
		uint16_t family;
		uint8_t address[16];
	} via = {.family = AF_INET6};
	struct nlmsghdr *nlh = begin_route(AF_INET);

	(void)state;
	mnl_attr_put_u32(nlh, RTA_OIF, 7);
	mnl_attr_put(nlh, RTA_VIA, sizeof(via), &via);
	assert_int_equal(kernel_decode(nlh, &m), 0);
	assert_true(m.route.leg[0].other_family);
}

static void route_that_only_its_nexthop_object_knows(void **state)
{
	struct nlmsghdr *nlh = begin_route(AF_INET);

	(void)state;
	assert_int_equal(kernel_decode(nlh, &m), -EBADMSG);
	mnl_attr_put_u32(nlh, RTA_NH_ID, 9);
	assert_int_equal(kernel_decode(nlh, &m), 0);
	assert_int_equal(m.route.nexthop, 9);
	assert_int_equal(m.route.n_legs, 0);
}

static void nexthop_objects(void **state)
{
	struct nhmsg header = {.nh_family = AF_INET};
	struct nexthop_grp group[] = {{.id = 1}, {.id = 4, .weight = 2}};
	struct nlmsghdr *nlh = begin(RTM_NEWNEXTHOP, &header, sizeof(header));

	(void)state;
	assert_int_equal(kernel_decode(nlh, &m), -EBADMSG);
	mnl_attr_put_u32(nlh, NHA_ID, 1);
	mnl_attr_put_u32(nlh, NHA_OIF, 7);
	put_address(nlh, NHA_GATEWAY, "10.1.0.1");
	assert_int_equal(kernel_decode(nlh, &m), 0);
	assert_int_equal(m.subject, KERNEL_NEXTHOP);
	assert_int_equal(m.nexthop.id, 1);
	assert_int_equal(m.nexthop.leg.ifindex, 7);
	assert_address(m.nexthop.leg.gateway, "10.1.0.1");

	header.nh_family = AF_UNSPEC;
	nlh = begin(RTM_DELNEXTHOP, &header, sizeof(header));
	mnl_attr_put_u32(nlh, NHA_ID, 9);
	mnl_attr_put(nlh, NHA_GROUP, sizeof(group), group);
	assert_int_equal(kernel_decode(nlh, &m), 0);
	assert_true(m.gone);
	assert_int_equal(m.nexthop.n_members, 2);
	assert_int_equal(m.nexthop.member[1], 4);
	assert_int_equal(m.nexthop.leg.ifindex, 0);
}

static void every_cut_of_every_message_is_survived(void **state)
{
	struct nlmsghdr *nlh = begin_route(AF_INET);
	struct nlattr *legs;
	uint32_t whole;

	(void)state;
	mnl_attr_put_u32(nlh, RTA_PRIORITY, 100);
	legs = mnl_attr_nest_start(nlh, RTA_MULTIPATH);
	put_leg(nlh, 7, "10.1.0.1", 0);
	put_leg(nlh, 8, "10.2.0.1", 0);
	mnl_attr_nest_end(nlh, legs);
	whole = nlh->nlmsg_len;
	for (uint32_t size = sizeof(*nlh); size <= whole; size++) {
		/* a copy of exactly this size, so that a sanitizer sees a byte read too many */
		struct nlmsghdr *copy = malloc(size);

		assert_non_null(copy);
		memcpy(copy, buffer, size);
		copy->nlmsg_len = size;
		for (uint16_t type = RTM_NEWLINK; type <= RTM_GETNEXTHOP; type++) {
			copy->nlmsg_type = type;
			(void)kernel_decode(copy, &m);
		}
		free(copy);
	}
}

static void failure_leaves_the_output_alone(void **state)
{
	struct kernel_message before;

	(void)state;
	assert_int_equal(kernel_decode(begin_device(IFF_UP), &m), 0);
	before = m;
	assert_int_equal(kernel_decode(begin_route(AF_INET), &m), -EBADMSG);
	assert_memory_equal(&m, &before, sizeof(m));
}

static void dump_order_of_ipv4(void **state)
{
	struct rtmsg header = default_route(AF_INET);
	struct nlmsghdr *nlh;

	(void)state;
	assert_false(kernel_is_after_default(begin_route(AF_INET)));
	header.rtm_dst_len = 1;
	nlh = begin(RTM_NEWROUTE, &header, sizeof(header));
	put_address(nlh, RTA_DST, "0.0.0.0");
	assert_false(kernel_is_after_default(nlh));
	nlh = begin(RTM_NEWROUTE, &header, sizeof(header));
	put_address(nlh, RTA_DST, "128.0.0.0");
	assert_true(kernel_is_after_default(nlh));
	mnl_attr_put_u32(nlh, RTA_TABLE, RT_TABLE_LOCAL);
	assert_false(kernel_is_after_default(nlh));
	header.rtm_family = AF_INET6; /* there the default route comes last */
	nlh = begin(RTM_NEWROUTE, &header, sizeof(header));
	put_address(nlh, RTA_DST, "2001:db8::");
	assert_false(kernel_is_after_default(nlh));
}

static void messages_of_a_datagram(void **state)
{
	struct nlmsghdr *nlh = (struct nlmsghdr *)(void *)buffer;
	size_t at = 0;

	(void)state;
	memset(buffer, 0, sizeof(buffer));
	assert_null(netlink_message(buffer, 0, &at));
	assert_null(netlink_message(buffer, 16, &at)); /* a length of 0 */
	nlh->nlmsg_len = 18;
	assert_ptr_equal(netlink_message(buffer, 18, &at), nlh);
	assert_int_equal(at, 18); /* the padding of the last one may be missing */
	at = 0;
	nlh = (struct nlmsghdr *)(void *)(buffer + 20);
	nlh->nlmsg_len = 16;
	assert_non_null(netlink_message(buffer, 36, &at));
	assert_ptr_equal(netlink_message(buffer, 36, &at), nlh);
	assert_null(netlink_message(buffer, 36, &at));
	at = 0;
	nlh = (struct nlmsghdr *)(void *)buffer;
	nlh->nlmsg_len = 0xfffffff0; /* negative to libmnl */
	assert_null(netlink_message(buffer, 36, &at));
	nlh->nlmsg_len = 37;
	assert_null(netlink_message(buffer, 36, &at));
}

/* Runs the filter as the kernel does; only what ours consists of. */
static uint32_t run_filter(const struct nlmsghdr *nlh)
{
	const uint8_t *bytes = (const uint8_t *)nlh;
	unsigned short n;
	const struct sock_filter *f = kernel_event_filter(&n);
	uint32_t a = 0;

	for (unsigned i = 0; i < n; i++) {
		switch (f[i].code) {
		case BPF_LD | BPF_H | BPF_ABS:
			a = (uint32_t)bytes[f[i].k] << 8 | bytes[f[i].k + 1];
			break;
		case BPF_LD | BPF_B | BPF_ABS:
			a = bytes[f[i].k];
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			i += a == f[i].k ? f[i].jt : f[i].jf;
			break;
		case BPF_RET | BPF_K:
			return f[i].k;
		default:
			fail();
		}
	}
	fail();
	return 0;
}

static void filter_lets_only_default_routes_of_main_through(void **state)
{
	struct rtmsg header = default_route(AF_INET);
	static const uint16_t others[] = {RTM_NEWLINK, RTM_DELLINK, RTM_NEWADDR, RTM_DELADDR,
		RTM_NEWNEXTHOP, RTM_DELNEXTHOP};

	(void)state;
	assert_int_not_equal(run_filter(begin(RTM_NEWROUTE, &header, sizeof(header))), 0);
	assert_int_not_equal(run_filter(begin(RTM_DELROUTE, &header, sizeof(header))), 0);
	header.rtm_dst_len = 24;
	assert_int_equal(run_filter(begin(RTM_NEWROUTE, &header, sizeof(header))), 0);
	assert_int_equal(run_filter(begin(RTM_DELROUTE, &header, sizeof(header))), 0);
	header.rtm_dst_len = 0;
	header.rtm_table = 252; /* RT_TABLE_COMPAT: over 255 */
	assert_int_equal(run_filter(begin(RTM_NEWROUTE, &header, sizeof(header))), 0);
	header.rtm_dst_len = 24;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_int_not_equal(run_filter(begin(others[i], &header, sizeof(header))), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(device_with_flags_name_and_kind),
		cmocka_unit_test(wireless_event_is_partial),
		cmocka_unit_test(bridge_port_is_not_a_device),
		cmocka_unit_test(device_names_are_checked),
		cmocka_unit_test(address_of_a_point_to_point_device_is_our_own),
		cmocka_unit_test(usable_addresses),
		cmocka_unit_test(address_with_a_lifetime),
		cmocka_unit_test(address_of_the_wrong_size_is_malformed),
		cmocka_unit_test(route_over_a_gateway),
		cmocka_unit_test(routes_that_are_no_default_route_of_main),
		cmocka_unit_test(route_over_several_legs),
		cmocka_unit_test(more_legs_than_there_is_room_for),
		cmocka_unit_test(leg_that_claims_more_than_there_is),
		cmocka_unit_test(ipv6_route_of_a_router),
		cmocka_unit_test(ipv6_route_that_has_run_out),
		cmocka_unit_test(ipv6_route_for_sources_in_a_prefix),
		cmocka_unit_test(ipv4_route_over_an_ipv6_gateway),
		cmocka_unit_test(route_that_only_its_nexthop_object_knows),
		cmocka_unit_test(nexthop_objects),
		cmocka_unit_test(every_cut_of_every_message_is_survived),
		cmocka_unit_test(failure_leaves_the_output_alone),
		cmocka_unit_test(dump_order_of_ipv4),
		cmocka_unit_test(messages_of_a_datagram),
		cmocka_unit_test(filter_lets_only_default_routes_of_main_through),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
