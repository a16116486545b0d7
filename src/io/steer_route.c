/* Routes of the data path; see steer_object.h. */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "io/steer_object.h"

#ifndef RTA_NH_ID
#define RTA_NH_ID 30
#endif

bool steer_route_equal(const struct steer_route *a, const struct steer_route *b)
{
	if (a->table != b->table || a->family != b->family || a->protocol != b->protocol ||
		a->bits != b->bits || a->metric != b->metric || a->nexthop_id != b->nexthop_id ||
		memcmp(a->destination, b->destination, sizeof(a->destination)) != 0)
		return false;
	if (a->nexthop_id)
		return true;
	if (a->n != b->n)
		return false;
	for (unsigned i = 0; i < a->n; i++) {
		if (!steer_hop_equal(&a->hop[i], &b->hop[i]))
			return false;
	}
	return true;
}

static struct nlmsghdr *begin(struct netlink_batch *b, uint16_t type, uint16_t flags,
	const struct rtmsg *header, const struct steer_route *route)
{
	struct nlmsghdr *nlh = netlink_batch_begin(b, type, flags, header, sizeof(*header));

	if (!nlh)
		return NULL;
	mnl_attr_put_u32(nlh, RTA_TABLE, route->table);
	mnl_attr_put_u32(nlh, RTA_PRIORITY, route->metric);
	if (route->bits)
		mnl_attr_put(nlh, RTA_DST, steer_address_size((enum family)route->family),
			route->destination);
	return nlh;
}

static void put_hops(struct nlmsghdr *nlh, const struct steer_route *route)
{
	size_t size = steer_address_size((enum family)route->family);
	struct nlattr *nest = mnl_attr_nest_start(nlh, RTA_MULTIPATH);

	for (unsigned i = 0; i < route->n; i++) {
		const struct steer_hop *hop = &route->hop[i];
		bool onlink = !steer_address_any(hop->gateway);
		struct rtnexthop *next = mnl_nlmsg_get_payload_tail(nlh);
		uint32_t start = nlh->nlmsg_len;

		*next = (struct rtnexthop){
			.rtnh_flags = onlink ? RTNH_F_ONLINK : 0,
			.rtnh_hops = (uint8_t)(hop->weight - 1),
			.rtnh_ifindex = (int)hop->oif,
		};
		nlh->nlmsg_len += (uint32_t)sizeof(*next);
		if (onlink)
			mnl_attr_put(nlh, RTA_GATEWAY, size, hop->gateway);
		next->rtnh_len = (uint16_t)(nlh->nlmsg_len - start);
	}
	mnl_attr_nest_end(nlh, nest);
}

static uint8_t route_scope(const struct steer_route *route)
{
	/* a route of one hop without a gateway ends at the link; IPv6 has no scopes */
	if (route->family == FAMILY_IPV4 && !route->nexthop_id && route->n == 1 &&
		steer_address_any(route->hop[0].gateway))
		return RT_SCOPE_LINK;
	return RT_SCOPE_UNIVERSE;
}

int steer_route_put(struct netlink_batch *b, uint16_t flags, const struct steer_route *route)
{
	bool onlink = route->n == 1 && !steer_address_any(route->hop[0].gateway);
	struct rtmsg header = {
		.rtm_family = steer_af((enum family)route->family),
		.rtm_dst_len = route->bits,
		.rtm_table = RT_TABLE_UNSPEC,
		.rtm_protocol = route->protocol,
		.rtm_scope = route_scope(route),
		.rtm_type = RTN_UNICAST,
		.rtm_flags = !route->nexthop_id && onlink ? RTNH_F_ONLINK : 0,
	};
	struct nlmsghdr *nlh = begin(b, RTM_NEWROUTE, flags, &header, route);

	if (!nlh)
		return -ENOBUFS;
	if (route->nexthop_id) {
		mnl_attr_put_u32(nlh, RTA_NH_ID, route->nexthop_id);
	} else if (route->n > 1) {
		put_hops(nlh, route);
	} else {
		mnl_attr_put_u32(nlh, RTA_OIF, route->hop[0].oif);
		if (onlink)
			mnl_attr_put(nlh, RTA_GATEWAY,
				steer_address_size((enum family)route->family),
				route->hop[0].gateway);
	}
	return 0;
}

int steer_route_delete(struct netlink_batch *b, const struct steer_route *route)
{
	struct rtmsg header = {
		.rtm_family = steer_af((enum family)route->family),
		.rtm_dst_len = route->bits,
		.rtm_table = RT_TABLE_UNSPEC,
		.rtm_protocol = route->protocol,
		.rtm_scope = RT_SCOPE_NOWHERE, /* any */
	};

	return begin(b, RTM_DELROUTE, 0, &header, route) ? 0 : -ENOBUFS;
}

static int parse_hop_attributes(const uint8_t *bytes, size_t size, enum family family,
	struct steer_hop *hop)
{
	const struct nlattr *attr;

	NETLINK_FOR_EACH(attr, (const void *)bytes, bytes + size)
	{
		if (mnl_attr_get_type(attr) == RTA_VIA || mnl_attr_get_type(attr) == RTA_ENCAP)
			return -EOPNOTSUPP;
		if (mnl_attr_get_type(attr) == RTA_GATEWAY &&
			!steer_attribute_address(attr, family, hop->gateway))
			return -EINVAL;
	}
	return 0;
}

static int parse_hops(const struct nlattr *nest, enum family family, struct steer_route *route)
{
	const uint8_t *bytes = mnl_attr_get_payload(nest);
	size_t left = mnl_attr_get_payload_len(nest);

	while (left >= sizeof(struct rtnexthop)) {
		struct steer_hop hop = {0};
		struct rtnexthop next;
		size_t step;
		int error;

		memcpy(&next, bytes, sizeof(next));
		if (next.rtnh_len < sizeof(next) || next.rtnh_len > left)
			return -EINVAL;
		if (route->n == ROUTE_PATHS_MAX)
			return -EOPNOTSUPP;
		hop.oif = (uint32_t)next.rtnh_ifindex;
		hop.weight = (uint16_t)(next.rtnh_hops + 1);
		error = parse_hop_attributes(bytes + sizeof(next), next.rtnh_len - sizeof(next),
			family, &hop);
		if (error || !hop.oif)
			return error ? error : -EINVAL;
		route->hop[route->n++] = hop;
		step = NLMSG_ALIGN((size_t)next.rtnh_len);
		step = step > left ? left : step;
		bytes += step;
		left -= step;
	}
	return left ? -EINVAL : 0;
}

struct route_parts {
	struct steer_hop single;
	const struct nlattr *multipath;
};

static int parse_attribute(const struct nlattr *attr, enum family family, struct steer_route *route,
	struct route_parts *parts)
{
	bool good = true;

	switch (mnl_attr_get_type(attr)) {
	case RTA_TABLE:
		good = steer_attribute_u32(attr, &route->table);
		break;
	case RTA_PRIORITY:
		good = steer_attribute_u32(attr, &route->metric);
		break;
	case RTA_DST:
		good = steer_attribute_address(attr, family, route->destination);
		break;
	case RTA_OIF:
		good = steer_attribute_u32(attr, &parts->single.oif);
		break;
	case RTA_GATEWAY:
		good = steer_attribute_address(attr, family, parts->single.gateway);
		break;
	case RTA_NH_ID:
		good = steer_attribute_u32(attr, &route->nexthop_id);
		break;
	case RTA_MULTIPATH:
		parts->multipath = attr;
		break;
	case RTA_VIA:
	case RTA_ENCAP:
		return -EOPNOTSUPP;
	default: /* caches, metrics, what later kernels add */
		break;
	}
	return good ? 0 : -EINVAL;
}

/* Beside RTA_NH_ID the kernel may show the hops that the object stands for; they are not the
   route's own. */
static int join_parts(enum family family, const struct route_parts *parts,
	struct steer_route *route)
{
	int error;

	if (route->nexthop_id)
		return 0;
	if (parts->multipath) {
		error = parse_hops(parts->multipath, family, route);
		if (error)
			return error;
	} else if (parts->single.oif) {
		route->hop[0] = parts->single;
		route->n = 1;
	}
	return route->n ? 0 : -EOPNOTSUPP;
}

int steer_route_parse(const struct nlmsghdr *nlh, struct steer_route *ret)
{
	struct steer_route route = {0};
	struct route_parts parts = {.single.weight = 1};
	const struct nlattr *attr;
	struct rtmsg header;
	enum family family;
	int error;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(header))
		return -EINVAL;
	memcpy(&header, mnl_nlmsg_get_payload(nlh), sizeof(header));
	if (steer_family(header.rtm_family, &family) < 0 || header.rtm_type != RTN_UNICAST ||
		header.rtm_flags & RTM_F_CLONED || header.rtm_src_len || header.rtm_tos)
		return -EOPNOTSUPP;
	if (header.rtm_dst_len > 8 * steer_address_size(family))
		return -EINVAL;
	route.table = header.rtm_table;
	route.family = (uint8_t)family;
	route.protocol = header.rtm_protocol;
	route.bits = header.rtm_dst_len;
	NETLINK_FOR_EACH_ATTR(attr, nlh, sizeof(header))
	{
		error = parse_attribute(attr, family, &route, &parts);
		if (error)
			return error;
	}
	error = join_parts(family, &parts, &route);
	if (error)
		return error;
	if (!route.table)
		return -EINVAL;
	if (!route.bits)
		memset(route.destination, 0, sizeof(route.destination));
	*ret = route;
	return 0;
}
