#include "io/links_dump.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#define TRIES 5 /* of an inconsistent dump */
#define UNRESOLVED_MAX                                                                             \
	16              /* default routes of which only their nexthop object knows where they go */
#define NEXTHOP_DEPTH 2 /* a group's members are no groups */

#ifndef RTEXT_FILTER_SKIP_STATS
#define RTEXT_FILTER_SKIP_STATS (1 << 3)
#endif

struct walk {
	const struct links_dump *dump;
	struct table *table;
	int64_t now_us;
	enum family family; /* of the routes that were asked for */
	size_t n_unresolved;
	struct kernel_route unresolved[UNRESOLVED_MAX];
};

static int see_route(const struct nlmsghdr *nlh, void *user)
{
	struct walk *w = user;
	struct kernel_message m;

	if (kernel_decode(nlh, &m) < 0)
		return kernel_is_after_default(nlh) ? -ECANCELED : 0;
	/* a kernel without IPv6 answers with what it has, IPv4 */
	if (m.subject != KERNEL_ROUTE || m.gone || m.route.family != w->family ||
		m.route.protocol == w->dump->own_protocol)
		return 0;
	if (m.route.nexthop)
		table_add_nexthop(w->table, m.route.nexthop);
	for (unsigned i = 0; i < m.route.n_legs; i++)
		table_add_gateway(w->table, &m.route, &m.route.leg[i], w->now_us);
	if (m.route.n_legs)
		return 0;
	if (w->n_unresolved < UNRESOLVED_MAX)
		w->unresolved[w->n_unresolved++] = m.route;
	else
		w->table->full++;
	return 0;
}

static int see_nexthop(const struct nlmsghdr *nlh, void *user)
{
	struct kernel_message m;

	if (!kernel_decode(nlh, &m) && m.subject == KERNEL_NEXTHOP)
		*(struct kernel_nexthop *)user = m.nexthop;
	return 0;
}

/* One nexthop object; ret->id 0 when it is gone by now. */
static void ask_nexthop(struct netlink *n, uint32_t id, struct kernel_nexthop *ret)
{
	struct netlink_batch batch;
	struct nhmsg header = {0};
	struct nlmsghdr *nlh;

	memset(ret, 0, sizeof(*ret));
	netlink_batch_init(&batch);
	nlh = netlink_batch_begin(&batch, RTM_GETNEXTHOP, 0, &header, sizeof(header));
	mnl_attr_put_u32(nlh, NHA_ID, id);
	(void)netlink_run(n, &batch, see_nexthop, ret);
}

/* With net.ipv4.nexthop_compat_mode 0 a route says only which object it uses. */
static void resolve(struct walk *w, const struct kernel_route *route, uint32_t id, int depth)
{
	struct kernel_nexthop nexthop;

	ask_nexthop(w->dump->netlink, id, &nexthop);
	table_add_nexthop(w->table, id);
	if (nexthop.leg.ifindex)
		table_add_gateway(w->table, route, &nexthop.leg, w->now_us);
	for (unsigned i = 0; i < nexthop.n_members && depth < NEXTHOP_DEPTH; i++)
		resolve(w, route, nexthop.member[i], depth + 1);
}

/* A family or a table that does not exist has no routes. */
static bool means_none(int error)
{
	return error == -ENOENT || error == -EAFNOSUPPORT || error == -EOPNOTSUPP ||
	       error == -EPROTONOSUPPORT;
}

/* A dump that the kernel calls inconsistent is worth the rest of the walk: it may be the best there
   is. */
static int dump(struct walk *w, uint16_t type, const void *header, size_t size, netlink_fn *each,
	bool *ret_inconsistent)
{
	int error = netlink_dump(w->dump->netlink, type, header, size, each, w);

	if (error == -EINTR)
		*ret_inconsistent = true;
	return error == -EINTR || means_none(error) ? 0 : error;
}

static int dump_routes(struct walk *w, bool *ret_inconsistent)
{
	static const uint8_t family[FAMILY_COUNT] = {AF_INET, AF_INET6};
	/* kernels from 4.20 on filter by table; who gets more sorts it out in kernel_decode() */
	struct {
		struct rtmsg header;
		struct nlattr attr;
		uint32_t table;
	} request = {
		.attr = {.nla_len = sizeof(struct nlattr) + sizeof(uint32_t),
			.nla_type = RTA_TABLE},
		.table = RT_TABLE_MAIN,
	};
	int error;

	table_clear_gateways(w->table);
	w->n_unresolved = 0;
	for (int i = 0; i < FAMILY_COUNT; i++) {
		w->family = (enum family)i;
		request.header.rtm_family = family[i];
		error = dump(w, RTM_GETROUTE, &request, sizeof(request), see_route,
			ret_inconsistent);
		if (error)
			return error;
	}
	for (size_t i = 0; i < w->n_unresolved; i++)
		resolve(w, &w->unresolved[i], w->unresolved[i].nexthop, 1);
	return 0;
}

static int see_device(const struct nlmsghdr *nlh, void *user)
{
	const struct walk *w = user;
	struct kernel_message m;
	uint32_t metric;

	if (kernel_decode(nlh, &m) < 0 || m.subject != KERNEL_DEVICE || m.gone)
		return 0;
	if (w->dump->wanted(w->dump->user, &m.device) ||
		table_has_gateway(w->table, m.device.ifindex, &metric))
		table_set_device(w->table, &m.device);
	return 0;
}

static int see_address(const struct nlmsghdr *nlh, void *user)
{
	const struct walk *w = user;
	struct kernel_message m;

	if (kernel_decode(nlh, &m) < 0 || m.subject != KERNEL_ADDRESS || m.gone)
		return 0;
	if (table_device_numbered(w->table, m.address.ifindex) ||
		table_wants_source(w->table, &m.address))
		table_set_address(w->table, &m.address);
	return 0;
}

static int dump_all(struct walk *w, bool *ret_inconsistent)
{
	struct {
		struct ifinfomsg header;
		struct nlattr attr;
		uint32_t mask;
	} links = {
		.attr = {.nla_len = sizeof(struct nlattr) + sizeof(uint32_t),
			.nla_type = IFLA_EXT_MASK},
		.mask = RTEXT_FILTER_SKIP_STATS,
	};
	struct ifaddrmsg addresses = {.ifa_family = AF_UNSPEC};
	int error;

	table_clear(w->table);
	error = dump_routes(w, ret_inconsistent); /* first: they say which devices matter */
	if (!error)
		error = dump(w, RTM_GETLINK, &links, sizeof(links), see_device, ret_inconsistent);
	if (!error)
		error = dump(w, RTM_GETADDR, &addresses, sizeof(addresses), see_address,
			ret_inconsistent);
	return error;
}

/* walk fills a table of its own, so that one that fails half-way leaves what was known. */
static int walk_until_consistent(const struct links_dump *d, int64_t now_us,
	int (*walk)(struct walk *w, bool *ret_inconsistent), struct table *ret)
{
	struct walk w = {.dump = d, .table = ret, .now_us = now_us};
	bool inconsistent = true;

	for (int i = 0; i < TRIES && inconsistent; i++) {
		int error;

		inconsistent = false;
		error = walk(&w, &inconsistent);
		if (error)
			return error;
	}
	return inconsistent ? -EINTR : 0;
}

int links_dump_routes(const struct links_dump *d, struct table *t, int64_t now_us)
{
	struct table next;
	int error;

	next.full = t->full;
	table_clear(&next);
	error = walk_until_consistent(d, now_us, dump_routes, &next);
	if (error && error != -EINTR)
		return error;
	table_keep_expiries(&next, t, now_us);
	table_take_gateways(t, &next);
	return error;
}

int links_dump_all(const struct links_dump *d, struct table *t, int64_t now_us)
{
	struct table next;
	int error;

	next.full = t->full;
	table_clear(&next);
	error = walk_until_consistent(d, now_us, dump_all, &next);
	if (error && error != -EINTR)
		return error;
	table_keep_expiries(&next, t, now_us);
	*t = next;
	return error;
}
