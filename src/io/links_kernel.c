/*
 * Decoding of RTM_{NEW,DEL}{LINK,ADDR,ROUTE,NEXTHOP}.  Layouts: linux/if_link.h, if_addr.h,
 * rtnetlink.h, nexthop.h. All integers are in host order, all attributes are aligned to 4 bytes;
 * 64-bit ones are copied.
 */
#include "io/links_kernel.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include "base/usec.h"

#ifndef IFF_LOWER_UP
#define IFF_LOWER_UP 0x10000
#endif

#define ATTRIBUTES_MAX 128 /* higher numbers are newer than anything we ask for */
#define CLOCK_TICK_US                                                                              \
	10000 /* USER_HZ is 100 on every architecture Linux runs on today but alpha and ia64 */

struct attributes {
	const struct nlattr *at[ATTRIBUTES_MAX];
};

static int keep_attribute(const struct nlattr *attr, void *user)
{
	struct attributes *a = user;
	uint16_t type = mnl_attr_get_type(attr);

	if (type < ATTRIBUTES_MAX)
		a->at[type] = attr;
	return MNL_CB_OK;
}

/* The attributes of size bytes at payload; a broken tail is left out, as the kernel itself does. */
static void read_attributes(const void *payload, size_t size, struct attributes *ret)
{
	memset(ret, 0, sizeof(*ret));
	(void)mnl_attr_parse_payload(payload, size, keep_attribute, ret);
}

static bool get_u32(const struct nlattr *attr, uint32_t *ret)
{
	if (!attr || mnl_attr_get_payload_len(attr) < sizeof(*ret))
		return false;
	memcpy(ret, mnl_attr_get_payload(attr), sizeof(*ret));
	return true;
}

static bool get_u8(const struct nlattr *attr, uint8_t *ret)
{
	if (!attr || mnl_attr_get_payload_len(attr) < sizeof(*ret))
		return false;
	memcpy(ret, mnl_attr_get_payload(attr), sizeof(*ret));
	return true;
}

/* A string of at most size - 1 bytes; false when it is absent, empty, longer or without its NUL. */
static bool get_text(const struct nlattr *attr, size_t size, char *ret)
{
	size_t length;

	if (!attr)
		return false;
	length = strnlen(mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr));
	if (!length || length == mnl_attr_get_payload_len(attr) || length >= size)
		return false;
	memset(ret, 0, size);
	memcpy(ret, mnl_attr_get_payload(attr), length);
	return true;
}

static size_t address_size(enum family family)
{
	return family == FAMILY_IPV4 ? 4 : 16;
}

static bool get_address(const struct nlattr *attr, enum family family, uint8_t ret[16])
{
	size_t size = address_size(family);

	if (!attr || mnl_attr_get_payload_len(attr) != size)
		return false;
	memset(ret, 0, 16);
	memcpy(ret, mnl_attr_get_payload(attr), size);
	return true;
}

static bool get_family(uint8_t af, enum family *ret)
{
	if (af != AF_INET && af != AF_INET6)
		return false;
	*ret = af == AF_INET ? FAMILY_IPV4 : FAMILY_IPV6;
	return true;
}

/* The family header of a message, NULL when it is cut short; *ret has the attributes after it. */
static const void *read_message(const struct nlmsghdr *nlh, size_t header, struct attributes *ret)
{
	const uint8_t *payload = mnl_nlmsg_get_payload(nlh);
	size_t size = mnl_nlmsg_get_payload_len(nlh);
	size_t skip = (header + 3) & ~(size_t)3;

	memset(ret, 0, sizeof(*ret));
	if (size < header)
		return NULL;
	if (size > skip)
		read_attributes(payload + skip, size - skip, ret);
	return payload;
}

static int decode_device(const struct nlmsghdr *nlh, struct kernel_device *ret)
{
	struct attributes a, info;
	const struct ifinfomsg *m = read_message(nlh, sizeof(*m), &a);

	if (!m)
		return -EBADMSG;
	/* bridges and IPv6 tell of ports and settings here; their DELLINK is no device's end */
	if (m->ifi_family != AF_UNSPEC)
		return -ENOMSG;
	if (m->ifi_index <= 0)
		return -EBADMSG;
	memset(ret, 0, sizeof(*ret));
	ret->ifindex = (uint32_t)m->ifi_index;
	ret->up = m->ifi_flags & IFF_UP;
	ret->carrier = m->ifi_flags & IFF_LOWER_UP;
	ret->loopback = m->ifi_flags & IFF_LOOPBACK;
	ret->type = m->ifi_type;
	if (!get_text(a.at[IFLA_IFNAME], sizeof(ret->name), ret->name))
		return -EBADMSG;
	ret->partial = !get_u32(a.at[IFLA_MTU], &ret->mtu);
	if (a.at[IFLA_LINKINFO]) {
		read_attributes(mnl_attr_get_payload(a.at[IFLA_LINKINFO]),
			mnl_attr_get_payload_len(a.at[IFLA_LINKINFO]), &info);
		(void)get_text(info.at[IFLA_INFO_KIND], sizeof(ret->kind), ret->kind);
	}
	return 0;
}

/* By the address itself: could an answer from the Internet come back to it? */
static bool may_be_source(enum family family, const uint8_t a[16])
{
	static const uint8_t zero[16];

	if (!memcmp(a, zero, address_size(family)))
		return false;
	if (family == FAMILY_IPV4)
		return a[0] != 127 && a[0] < 224;
	if (a[0] == 0xff || (a[0] == 0xfe && (a[1] & 0xc0) == 0x80)) /* multicast, link-local */
		return false;
	return memcmp(a, zero, 15) != 0 || a[15] != 1; /* ::1 */
}

static int decode_address(const struct nlmsghdr *nlh, struct kernel_address *ret)
{
	struct attributes a;
	const struct ifaddrmsg *m = read_message(nlh, sizeof(*m), &a);
	struct ifa_cacheinfo cache;
	enum family family;
	uint32_t flags;

	if (!m)
		return -EBADMSG;
	if (!get_family(m->ifa_family, &family))
		return -ENOMSG;
	memset(ret, 0, sizeof(*ret));
	ret->family = (uint8_t)family;
	ret->ifindex = m->ifa_index;
	ret->bits = m->ifa_prefixlen;
	/* with a peer, IFA_ADDRESS is the peer's and IFA_LOCAL ours */
	if (!get_address(a.at[IFA_LOCAL], family, ret->address) &&
		!get_address(a.at[IFA_ADDRESS], family, ret->address))
		return -EBADMSG;
	if (!ret->ifindex || ret->bits > 8 * address_size(family))
		return -EBADMSG;
	flags = m->ifa_flags;
	(void)get_u32(a.at[IFA_FLAGS], &flags);
	ret->secondary = flags & IFA_F_SECONDARY; /* the same bit as IFA_F_TEMPORARY */
	ret->usable = m->ifa_scope < RT_SCOPE_LINK && may_be_source(family, ret->address) &&
		      !(flags & (IFA_F_DADFAILED | IFA_F_DEPRECATED)) &&
		      (!(flags & IFA_F_TENTATIVE) || (flags & IFA_F_OPTIMISTIC));
	ret->preferred_s = UINT32_MAX;
	if (a.at[IFA_CACHEINFO] && mnl_attr_get_payload_len(a.at[IFA_CACHEINFO]) >= sizeof(cache)) {
		memcpy(&cache, mnl_attr_get_payload(a.at[IFA_CACHEINFO]), sizeof(cache));
		ret->preferred_s = cache.ifa_prefered;
	}
	return 0;
}

/* RTA_GATEWAY, or RTA_VIA when the gateway is of another family. */
static void read_gateway(const struct attributes *a, enum family family, struct kernel_leg *leg)
{
	const struct nlattr *via = a->at[RTA_VIA];

	if (get_address(a->at[RTA_GATEWAY], family, leg->gateway) || !via)
		return;
	leg->other_family = true;
}

static void read_multipath(const struct nlattr *attr, struct kernel_route *route)
{
	const uint8_t *at = mnl_attr_get_payload(attr);
	size_t left = mnl_attr_get_payload_len(attr);
	struct attributes a;

	while (left >= sizeof(struct rtnexthop) && route->n_legs < KERNEL_LEGS_MAX) {
		struct kernel_leg *leg = &route->leg[route->n_legs];
		struct rtnexthop hop;
		size_t size;

		memcpy(&hop, at, sizeof(hop));
		size = hop.rtnh_len;
		if (size < sizeof(hop) || size > left)
			return;
		read_attributes(at + sizeof(hop), size - sizeof(hop), &a);
		leg->ifindex = hop.rtnh_ifindex > 0 ? (uint32_t)hop.rtnh_ifindex : 0;
		leg->dead = hop.rtnh_flags & RTNH_F_DEAD;
		read_gateway(&a, (enum family)route->family, leg);
		if (leg->ifindex)
			route->n_legs++;
		else
			memset(leg, 0, sizeof(*leg));
		size = (size + 3) & ~(size_t)3;
		if (size > left)
			return;
		at += size;
		left -= size;
	}
}

/* Router preference as in RFC 4191 §2.1: 00 medium, 01 high, 11 low. */
static uint8_t read_preference(const struct nlattr *attr)
{
	uint8_t wire = 0;

	(void)get_u8(attr, &wire);
	switch (wire & 3) {
	case 1:
		return 2;
	case 3:
		return 0;
	default:
		return 1;
	}
}

static void read_route_details(const struct attributes *a, const struct rtmsg *m,
	struct kernel_route *ret)
{
	enum family family = (enum family)ret->family;
	struct attributes metrics;
	struct rta_cacheinfo cache;

	(void)get_u32(a->at[RTA_PRIORITY], &ret->metric);
	(void)get_u32(a->at[RTA_NH_ID], &ret->nexthop);
	ret->has_prefsrc = get_address(a->at[RTA_PREFSRC], family, ret->prefsrc);
	ret->preference = family == FAMILY_IPV6 ? read_preference(a->at[RTA_PREF]) : 1;
	if (m->rtm_src_len && get_address(a->at[RTA_SRC], family, ret->source))
		ret->source_bits = m->rtm_src_len;
	if (a->at[RTA_METRICS]) {
		read_attributes(mnl_attr_get_payload(a->at[RTA_METRICS]),
			mnl_attr_get_payload_len(a->at[RTA_METRICS]), &metrics);
		(void)get_u32(metrics.at[RTAX_MTU], &ret->mtu);
	}
	if (a->at[RTA_CACHEINFO] &&
		mnl_attr_get_payload_len(a->at[RTA_CACHEINFO]) >= sizeof(cache)) {
		memcpy(&cache, mnl_attr_get_payload(a->at[RTA_CACHEINFO]), sizeof(cache));
		ret->expires = cache.rta_expires != 0;
		ret->expires_us = (int64_t)cache.rta_expires * CLOCK_TICK_US;
	}
}

static int decode_route(const struct nlmsghdr *nlh, struct kernel_route *ret)
{
	struct attributes a;
	const struct rtmsg *m = read_message(nlh, sizeof(*m), &a);
	uint32_t ifindex = 0, table;
	enum family family;

	if (!m)
		return -EBADMSG;
	if (!get_family(m->rtm_family, &family))
		return -ENOMSG;
	table = m->rtm_table;
	(void)get_u32(a.at[RTA_TABLE], &table);
	if (table != RT_TABLE_MAIN || m->rtm_dst_len || m->rtm_tos || m->rtm_type != RTN_UNICAST ||
		(m->rtm_flags & RTM_F_CLONED))
		return -ENOMSG;
	if (m->rtm_src_len > 8 * address_size(family))
		return -EBADMSG;
	memset(ret, 0, sizeof(*ret));
	ret->family = (uint8_t)family;
	ret->protocol = m->rtm_protocol;
	read_route_details(&a, m, ret);
	if (a.at[RTA_MULTIPATH]) {
		read_multipath(a.at[RTA_MULTIPATH], ret);
	} else if (get_u32(a.at[RTA_OIF], &ifindex) && ifindex) {
		ret->n_legs = 1;
		ret->leg[0].ifindex = ifindex;
		ret->leg[0].dead = m->rtm_flags & RTNH_F_DEAD;
		read_gateway(&a, family, &ret->leg[0]);
	}
	return ret->n_legs || ret->nexthop ? 0 : -EBADMSG;
}

bool kernel_is_after_default(const struct nlmsghdr *nlh)
{
	static const uint8_t zero[16];
	uint8_t destination[16];
	struct attributes a;
	const struct rtmsg *m = read_message(nlh, sizeof(*m), &a);
	uint32_t table = m ? m->rtm_table : RT_TABLE_UNSPEC;

	/* older kernels dump one table after the other, whatever was asked for */
	(void)get_u32(a.at[RTA_TABLE], &table);
	return m && nlh->nlmsg_type == RTM_NEWROUTE && m->rtm_family == AF_INET &&
	       table == RT_TABLE_MAIN && get_address(a.at[RTA_DST], FAMILY_IPV4, destination) &&
	       memcmp(destination, zero, 4) != 0;
}

static void read_members(const struct nlattr *attr, struct kernel_nexthop *ret)
{
	const uint8_t *at = mnl_attr_get_payload(attr);
	size_t left = mnl_attr_get_payload_len(attr);
	struct nexthop_grp member;

	for (; left >= sizeof(member) && ret->n_members < KERNEL_LEGS_MAX; left -= sizeof(member)) {
		memcpy(&member, at, sizeof(member));
		at += sizeof(member);
		if (member.id)
			ret->member[ret->n_members++] = member.id;
	}
}

static int decode_nexthop(const struct nlmsghdr *nlh, struct kernel_nexthop *ret)
{
	struct attributes a;
	const struct nhmsg *m = read_message(nlh, sizeof(*m), &a);
	enum family family;

	if (!m)
		return -EBADMSG;
	memset(ret, 0, sizeof(*ret));
	if (!get_u32(a.at[NHA_ID], &ret->id) || !ret->id)
		return -EBADMSG;
	if (a.at[NHA_GROUP])
		read_members(a.at[NHA_GROUP], ret);
	if (!a.at[NHA_BLACKHOLE] && get_u32(a.at[NHA_OIF], &ret->leg.ifindex)) {
		ret->leg.dead = m->nh_flags & RTNH_F_DEAD;
		if (a.at[NHA_GATEWAY] &&
			(!get_family(m->nh_family, &family) ||
				!get_address(a.at[NHA_GATEWAY], family, ret->leg.gateway)))
			return -EBADMSG;
	}
	return 0;
}

int kernel_decode(const struct nlmsghdr *nlh, struct kernel_message *ret)
{
	struct kernel_message m = {0};
	int error;

	m.gone = nlh->nlmsg_type == RTM_DELLINK || nlh->nlmsg_type == RTM_DELADDR ||
		 nlh->nlmsg_type == RTM_DELROUTE || nlh->nlmsg_type == RTM_DELNEXTHOP;
	switch (nlh->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		m.subject = KERNEL_DEVICE;
		error = decode_device(nlh, &m.device);
		break;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		m.subject = KERNEL_ADDRESS;
		error = decode_address(nlh, &m.address);
		break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		m.subject = KERNEL_ROUTE;
		error = decode_route(nlh, &m.route);
		break;
	case RTM_NEWNEXTHOP:
	case RTM_DELNEXTHOP:
		m.subject = KERNEL_NEXTHOP;
		error = decode_nexthop(nlh, &m.nexthop);
		break;
	default:
		error = -ENOMSG;
	}
	if (!error)
		*ret = m;
	return error;
}

/* A filter loads 16 bits in network order, netlink writes them in host order. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define AS_LOADED(type) (((type)&0xff) << 8 | (type) >> 8)
#else
#define AS_LOADED(type) (type)
#endif
#define AT_TYPE 4     /* struct nlmsghdr.nlmsg_type */
#define AT_DST_LEN 17 /* struct rtmsg.rtm_dst_len, after the netlink header */
#define AT_TABLE 20   /* struct rtmsg.rtm_table */

const struct sock_filter *kernel_event_filter(unsigned short *ret_n)
{
	static const struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, AT_TYPE),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AS_LOADED(RTM_NEWROUTE), 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AS_LOADED(RTM_DELROUTE), 0, 4),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, AT_DST_LEN),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 3),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, AT_TABLE),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, RT_TABLE_MAIN, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};

	*ret_n = sizeof(filter) / sizeof(filter[0]);
	return filter;
}
