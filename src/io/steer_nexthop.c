/* Nexthop objects and groups, and what nexthops, routes and rules have in common; see
   steer_object.h. */
#include "io/steer_object.h"

#include <errno.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#define ATTRIBUTE_FDB 11 /* NHA_FDB, younger than the headers of some toolchains */

uint8_t steer_af(enum family family)
{
	return family == FAMILY_IPV6 ? AF_INET6 : AF_INET;
}

int steer_family(uint8_t af, enum family *ret)
{
	if (af != AF_INET && af != AF_INET6)
		return -EAFNOSUPPORT;
	*ret = af == AF_INET6 ? FAMILY_IPV6 : FAMILY_IPV4;
	return 0;
}

size_t steer_address_size(enum family family)
{
	return family == FAMILY_IPV6 ? 16 : 4;
}

bool steer_address_any(const uint8_t address[16])
{
	static const uint8_t any[16];

	return memcmp(address, any, sizeof(any)) == 0;
}

bool steer_attribute_u32(const struct nlattr *attr, uint32_t *ret)
{
	if (mnl_attr_get_payload_len(attr) != sizeof(*ret))
		return false;
	memcpy(ret, mnl_attr_get_payload(attr), sizeof(*ret));
	return true;
}

bool steer_attribute_address(const struct nlattr *attr, enum family family, uint8_t ret[16])
{
	size_t size = steer_address_size(family);

	if (mnl_attr_get_payload_len(attr) != size)
		return false;
	memset(ret, 0, 16);
	memcpy(ret, mnl_attr_get_payload(attr), size);
	return true;
}

bool steer_hop_equal(const struct steer_hop *a, const struct steer_hop *b)
{
	return a->oif == b->oif && a->weight == b->weight &&
	       memcmp(a->gateway, b->gateway, sizeof(a->gateway)) == 0;
}

bool steer_nexthop_equal(const struct steer_nexthop *a, const struct steer_nexthop *b)
{
	if (a->id != b->id || a->protocol != b->protocol || a->family != b->family || a->n != b->n)
		return false;
	for (unsigned i = 0; i < a->n; i++) {
		if (a->member[i].id != b->member[i].id ||
			a->member[i].weight != b->member[i].weight)
			return false;
	}
	return a->n || steer_hop_equal(&a->hop, &b->hop);
}

static void put_group(struct nlmsghdr *nlh, const struct steer_nexthop *nexthop)
{
	struct nexthop_grp group[ROUTE_PATHS_MAX] = {0};

	for (unsigned i = 0; i < nexthop->n; i++) {
		group[i].id = nexthop->member[i].id;
		group[i].weight = (uint8_t)(nexthop->member[i].weight - 1);
	}
	mnl_attr_put(nlh, NHA_GROUP, nexthop->n * sizeof(group[0]), group);
}

static void put_hop(struct nlmsghdr *nlh, enum family family, const struct steer_hop *hop)
{
	mnl_attr_put_u32(nlh, NHA_OIF, hop->oif);
	if (!steer_address_any(hop->gateway))
		mnl_attr_put(nlh, NHA_GATEWAY, steer_address_size(family), hop->gateway);
}

int steer_nexthop_put(struct netlink_batch *b, uint16_t flags, const struct steer_nexthop *nexthop)
{
	bool group = nexthop->n > 0;
	enum family family = (enum family)nexthop->family;
	/* onlink: the gateway need not lie in a prefix of the device, and the object survives
	 * a change of address */
	bool onlink = !group && !steer_address_any(nexthop->hop.gateway);
	struct nhmsg header = {
		.nh_family = group ? AF_UNSPEC : steer_af(family),
		.nh_protocol = nexthop->protocol,
		.nh_flags = onlink ? RTNH_F_ONLINK : 0,
	};
	struct nlmsghdr *nlh =
		netlink_batch_begin(b, RTM_NEWNEXTHOP, flags, &header, sizeof(header));

	if (!nlh)
		return -ENOBUFS;
	mnl_attr_put_u32(nlh, NHA_ID, nexthop->id);
	if (group)
		put_group(nlh, nexthop);
	else
		put_hop(nlh, family, &nexthop->hop);
	return 0;
}

int steer_nexthop_delete(struct netlink_batch *b, uint32_t id)
{
	struct nhmsg header = {.nh_family = AF_UNSPEC};
	struct nlmsghdr *nlh = netlink_batch_begin(b, RTM_DELNEXTHOP, 0, &header, sizeof(header));

	if (!nlh)
		return -ENOBUFS;
	mnl_attr_put_u32(nlh, NHA_ID, id);
	return 0;
}

static int parse_group(const struct nlattr *attr, struct steer_nexthop *nexthop)
{
	struct nexthop_grp group[ROUTE_PATHS_MAX];
	size_t size = mnl_attr_get_payload_len(attr);

	if (size == 0 || size % sizeof(group[0]))
		return -EINVAL;
	if (size > sizeof(group))
		return -EOPNOTSUPP;
	memcpy(group, mnl_attr_get_payload(attr), size);
	nexthop->n = (uint8_t)(size / sizeof(group[0]));
	for (unsigned i = 0; i < nexthop->n; i++) {
		nexthop->member[i].id = group[i].id;
		nexthop->member[i].weight = (uint16_t)(group[i].weight + 1);
	}
	return 0;
}

static int parse_attribute(const struct nlattr *attr, enum family family,
	struct steer_nexthop *nexthop)
{
	bool good = true;

	switch (mnl_attr_get_type(attr)) {
	case NHA_ID:
		good = steer_attribute_u32(attr, &nexthop->id);
		break;
	case NHA_OIF:
		good = steer_attribute_u32(attr, &nexthop->hop.oif);
		break;
	case NHA_GATEWAY:
		good = steer_attribute_address(attr, family, nexthop->hop.gateway);
		break;
	case NHA_GROUP:
		return parse_group(attr, nexthop);
	case NHA_GROUP_TYPE:
		if (mnl_attr_get_payload_len(attr) != sizeof(uint16_t) ||
			mnl_attr_get_u16(attr) != NEXTHOP_GRP_TYPE_MPATH)
			return -EOPNOTSUPP;
		break;
	case NHA_BLACKHOLE:
	case NHA_ENCAP:
	case ATTRIBUTE_FDB:
		return -EOPNOTSUPP;
	default: /* counters and what later kernels add */
		break;
	}
	return good ? 0 : -EINVAL;
}

int steer_nexthop_parse(const struct nlmsghdr *nlh, struct steer_nexthop *ret)
{
	struct steer_nexthop nexthop = {.hop.weight = 1};
	enum family family = FAMILY_IPV4;
	const struct nlattr *attr;
	struct nhmsg header;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(header))
		return -EINVAL;
	memcpy(&header, mnl_nlmsg_get_payload(nlh), sizeof(header));
	if (header.nh_family != AF_UNSPEC && steer_family(header.nh_family, &family) < 0)
		return -EOPNOTSUPP;
	NETLINK_FOR_EACH_ATTR(attr, nlh, sizeof(header))
	{
		int error = parse_attribute(attr, family, &nexthop);

		if (error)
			return error;
	}
	if (!nexthop.id || (header.nh_family == AF_UNSPEC) != (nexthop.n > 0))
		return -EINVAL;
	nexthop.protocol = header.nh_protocol;
	nexthop.family = nexthop.n ? FAMILY_COUNT : (uint8_t)family;
	*ret = nexthop;
	return 0;
}
