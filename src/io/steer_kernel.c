/* Dumps and deletions; see steer_kernel.h. */
#include "io/steer_kernel.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <string.h>

#define DUMP_TRIES 5
#define SWEEP_ROUNDS 64

#define AT_TYPE 4   /* struct nlmsghdr.nlmsg_type */
#define AT_TABLE 20 /* struct rtmsg.rtm_table, after the netlink header */
/* the type is in the CPU's byte order, and loaded as if it were in the network's */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define AS_LOADED(type) (((type)&0xff) << 8 | (type) >> 8)
#else
#define AS_LOADED(type) (type)
#endif

const struct sock_filter *steer_event_filter(unsigned short *ret_n)
{
	static const struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, AT_TYPE),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AS_LOADED(RTM_NEWROUTE), 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AS_LOADED(RTM_DELROUTE), 0, 3),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, AT_TABLE),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, RT_TABLE_MAIN, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, RT_TABLE_LOCAL, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};

	*ret_n = sizeof(filter) / sizeof(filter[0]);
	return filter;
}

/* A dump that was interrupted by a change is asked for again; reset forgets what was seen. */
static int dump(struct netlink *netlink, uint16_t type, const void *header, size_t size,
	netlink_fn *each, void *user, void (*reset)(void *user))
{
	int error = -EINTR;

	for (unsigned i = 0; i < DUMP_TRIES && error == -EINTR; i++) {
		reset(user);
		error = netlink_dump(netlink, type, header, size, each, user);
	}
	/* after so many tries a list that changes all the time is taken as it is; what differs
	 * is seen by the verify */
	return error == -EINTR ? 0 : error;
}

static int dump_nexthops(struct netlink *netlink, netlink_fn *each, void *user,
	void (*reset)(void *user))
{
	struct nhmsg header = {0};

	return dump(netlink, RTM_GETNEXTHOP, &header, sizeof(header), each, user, reset);
}

static int dump_routes(struct netlink *netlink, const struct steer_numbers *n, enum family family,
	netlink_fn *each, void *user, void (*reset)(void *user))
{
	/* the kernel leaves out the others' where it checks strictly (4.20); we do in any case */
	struct rtmsg header = {.rtm_family = steer_af(family), .rtm_protocol = n->protocol};

	return dump(netlink, RTM_GETROUTE, &header, sizeof(header), each, user, reset);
}

static int dump_rules(struct netlink *netlink, enum family family, netlink_fn *each, void *user,
	void (*reset)(void *user))
{
	struct fib_rule_hdr header = {.family = steer_af(family)};
	int error = dump(netlink, RTM_GETRULE, &header, sizeof(header), each, user, reset);

	/* a family without policy rules, or not there at all */
	return error == -EAFNOSUPPORT || error == -EOPNOTSUPP ? 0 : error;
}

struct reading {
	struct steer_state *state;
	const struct steer_numbers *numbers;
	enum family family;
};

static int read_nexthop(const struct nlmsghdr *nlh, void *user)
{
	struct reading *r = user;
	struct steer_nexthop nexthop;

	if (nlh->nlmsg_type == RTM_NEWNEXTHOP && steer_nexthop_parse(nlh, &nexthop) == 0)
		steer_hold_nexthop(r->state, r->numbers, &nexthop);
	return 0;
}

static int read_route(const struct nlmsghdr *nlh, void *user)
{
	struct reading *r = user;
	struct steer_route route;

	if (nlh->nlmsg_type == RTM_NEWROUTE && steer_route_parse(nlh, &route) == 0)
		steer_hold_route(r->state, r->numbers, &route);
	return 0;
}

static int read_rule(const struct nlmsghdr *nlh, void *user)
{
	struct reading *r = user;
	struct steer_rule rule;

	if (nlh->nlmsg_type == RTM_NEWRULE && steer_rule_parse(nlh, &rule) == 0)
		steer_hold_rule(r->state, r->numbers, &rule);
	return 0;
}

static void reset_nexthops(void *user)
{
	struct steer_state *state = ((struct reading *)user)->state;

	memset(state->nexthop, 0, sizeof(state->nexthop));
	memset(state->group, 0, sizeof(state->group));
}

static void reset_routes(void *user)
{
	struct reading *r = user;

	for (unsigned link = 0; link < LINKS_MAX; link++) {
		unsigned path = path_of(link, r->family);

		memset(&r->state->link_route[path], 0, sizeof(r->state->link_route[path]));
		memset(&r->state->on_link[path], 0, sizeof(r->state->on_link[path]));
	}
	for (unsigned class = 0; class < CLASSES_MAX; class ++)
		r->state->class_route[class][r->family] = (struct steer_route){0};
}

static void reset_rules(void *user)
{
	struct reading *r = user;

	for (unsigned link = 0; link < LINKS_MAX; link++)
		r->state->link_rule[path_of(link, r->family)] = false;
	for (unsigned class = 0; class < CLASSES_MAX; class ++)
		r->state->class_rule[class][r->family] = false;
	r->state->main_rule[r->family] = false;
	memset(r->state->redirect[r->family], 0, sizeof(r->state->redirect[r->family]));
}

int steer_read(struct netlink *netlink, const struct steer_numbers *n, struct steer_state *ret,
	bool *ret_objects)
{
	struct steer_state state = {0};
	struct reading r = {.state = &state, .numbers = n};
	bool objects = true;
	int error = dump_nexthops(netlink, read_nexthop, &r, reset_nexthops);

	if (error == -EOPNOTSUPP || error == -EINVAL) {
		objects = false;
		error = 0;
	}
	for (r.family = FAMILY_IPV4; !error && r.family < FAMILY_COUNT; r.family++) {
		error = dump_routes(netlink, n, r.family, read_route, &r, reset_routes);
		if (!error)
			error = dump_rules(netlink, r.family, read_rule, &r, reset_rules);
	}
	if (error)
		return error;
	*ret = state;
	*ret_objects = objects;
	return 0;
}

struct prefixes {
	uint32_t ifindex;
	enum family family;
	struct steer_prefix *prefix;
	unsigned n;
};

static void mask_prefix(struct steer_prefix *prefix)
{
	for (unsigned i = 0; i < sizeof(prefix->address); i++) {
		unsigned bits = prefix->bits > 8 * i ? prefix->bits - 8 * i : 0;

		if (bits < 8)
			prefix->address[i] &= (uint8_t)(0xff00 >> bits);
	}
}

static void add_prefix(struct prefixes *p, struct steer_prefix prefix)
{
	mask_prefix(&prefix);
	for (unsigned i = 0; i < p->n; i++) {
		if (memcmp(&p->prefix[i], &prefix, sizeof(prefix)) == 0)
			return;
	}
	if (p->n < STEER_PREFIXES_MAX)
		p->prefix[p->n++] = prefix;
}

static int read_address(const struct nlmsghdr *nlh, void *user)
{
	struct prefixes *p = user;
	struct steer_prefix prefix = {0};
	const struct nlattr *attr;
	struct ifaddrmsg header;
	bool has_address = false;
	uint32_t flags = 0;

	if (nlh->nlmsg_type != RTM_NEWADDR || mnl_nlmsg_get_payload_len(nlh) < sizeof(header))
		return 0;
	memcpy(&header, mnl_nlmsg_get_payload(nlh), sizeof(header));
	if (header.ifa_index != p->ifindex || header.ifa_family != steer_af(p->family))
		return 0;
	/* IFA_ADDRESS is the far end's on a point-to-point link, and the route's destination
	 * in any case */
	NETLINK_FOR_EACH_ATTR(attr, nlh, sizeof(header))
	{
		if (mnl_attr_get_type(attr) == IFA_ADDRESS)
			has_address = steer_attribute_address(attr, p->family, prefix.address);
		else if (mnl_attr_get_type(attr) == IFA_FLAGS)
			(void)steer_attribute_u32(attr, &flags);
	}
	prefix.bits = header.ifa_prefixlen;
	if (has_address && prefix.bits && prefix.bits <= 8 * steer_address_size(p->family) &&
		!(flags & IFA_F_NOPREFIXROUTE))
		add_prefix(p, prefix);
	return 0;
}

static void reset_prefixes(void *user)
{
	struct prefixes *p = user;

	memset(p->prefix, 0, STEER_PREFIXES_MAX * sizeof(p->prefix[0]));
	p->n = 0;
}

void steer_read_prefixes(struct netlink *netlink, enum family family, uint32_t ifindex,
	struct steer_prefix ret[STEER_PREFIXES_MAX])
{
	struct ifaddrmsg header = {.ifa_family = steer_af(family), .ifa_index = ifindex};
	struct prefixes p = {.ifindex = ifindex, .family = family, .prefix = ret};

	(void)dump(netlink, RTM_GETADDR, &header, sizeof(header), read_address, &p, reset_prefixes);
}

struct sweeping {
	struct netlink_batch *batch;
	const struct steer_numbers *numbers;
	const struct steer_state *wanted; /* NULL: nothing */
};

static bool wants_rule(const struct sweeping *s, const struct steer_rule *rule)
{
	struct steer_state asked = {0};
	enum family family = (enum family)rule->family;

	if (!s->wanted || !steer_hold_rule(&asked, s->numbers, rule))
		return false;
	for (unsigned link = 0; link < LINKS_MAX; link++) {
		unsigned path = path_of(link, family);

		if (asked.link_rule[path])
			return s->wanted->link_rule[path];
	}
	for (unsigned class = 0; class < CLASSES_MAX; class ++) {
		if (asked.class_rule[class][family])
			return s->wanted->class_rule[class][family];
	}
	if (asked.redirect[family][0].table)
		return steer_find_redirect(s->wanted->redirect[family],
			       &asked.redirect[family][0]) >= 0;
	return s->wanted->main_rule[family];
}

/* Kernels before 4.17 show no protocol of a rule; there one that looks exactly like ours is
   ours. */
static bool our_rule(const struct sweeping *s, const struct steer_rule *rule)
{
	struct steer_state asked = {0};

	if (rule->protocol)
		return rule->protocol == s->numbers->protocol;
	return steer_hold_rule(&asked, s->numbers, rule);
}

static int sweep_rule(const struct nlmsghdr *nlh, void *user)
{
	struct sweeping *s = user;
	struct steer_rule rule;

	if (nlh->nlmsg_type == RTM_NEWRULE && steer_rule_parse(nlh, &rule) == 0 &&
		our_rule(s, &rule) && !wants_rule(s, &rule))
		(void)steer_rule_delete(s->batch, &rule); /* full: the next round has the rest */
	return 0;
}

static bool wants_prefix(const struct sweeping *s, unsigned path, const struct steer_route *route)
{
	for (unsigned i = 0; i < STEER_PREFIXES_MAX; i++) {
		const struct steer_prefix *prefix = &s->wanted->on_link[path].prefix[i];

		if (prefix->bits == route->bits &&
			memcmp(prefix->address, route->destination, sizeof(prefix->address)) == 0)
			return true;
	}
	return false;
}

static bool wants_route(const struct sweeping *s, const struct steer_route *route)
{
	if (!s->wanted)
		return false;
	for (unsigned link = 0; link < LINKS_MAX; link++) {
		unsigned path = path_of(link, (enum family)route->family);
		const struct steer_route *w = &s->wanted->link_route[path];

		if (w->table == route->table && w->metric == route->metric)
			return !route->bits || wants_prefix(s, path, route);
	}
	for (unsigned class = 0; class < CLASSES_MAX; class ++) {
		const struct steer_route *w = &s->wanted->class_route[class][route->family];

		if (w->table == route->table && !route->bits && w->metric == route->metric)
			return true;
	}
	return false;
}

static int sweep_route(const struct nlmsghdr *nlh, void *user)
{
	struct sweeping *s = user;
	struct steer_route route;

	if (nlh->nlmsg_type == RTM_NEWROUTE && steer_route_parse(nlh, &route) == 0 &&
		route.protocol == s->numbers->protocol && !wants_route(s, &route))
		(void)steer_route_delete(s->batch, &route);
	return 0;
}

static bool wants_nexthop(const struct sweeping *s, uint32_t id)
{
	if (!s->wanted)
		return false;
	for (unsigned path = 0; path < PATHS_MAX; path++) {
		if (s->wanted->nexthop[path].id == id)
			return true;
	}
	for (unsigned class = 0; class < CLASSES_MAX; class ++) {
		if (s->wanted->group[class][FAMILY_IPV4].id == id ||
			s->wanted->group[class][FAMILY_IPV6].id == id)
			return true;
	}
	return false;
}

static int sweep_nexthop(const struct nlmsghdr *nlh, void *user)
{
	struct sweeping *s = user;
	struct steer_nexthop nexthop;

	if (nlh->nlmsg_type == RTM_NEWNEXTHOP && steer_nexthop_parse(nlh, &nexthop) == 0 &&
		nexthop.protocol == s->numbers->protocol && !wants_nexthop(s, nexthop.id))
		(void)steer_nexthop_delete(s->batch, nexthop.id);
	return 0;
}

static void reset_batch(void *user)
{
	netlink_batch_init(((struct sweeping *)user)->batch);
}

/* What went with another object of the same round is gone as well. */
static int run_deletions(struct netlink *netlink, struct netlink_batch *batch)
{
	int error = netlink_run(netlink, batch, NULL, NULL);

	if (!error)
		return 0;
	for (unsigned i = 0; i < batch->count; i++) {
		if (batch->error[i] && batch->error[i] != -ENOENT && batch->error[i] != -ESRCH)
			return batch->error[i];
	}
	return 0;
}

enum kind {
	KIND_RULES,
	KIND_ROUTES,
	KIND_NEXTHOPS,
	KIND_COUNT,
};

static int sweep_kind(struct netlink *netlink, struct sweeping *s, enum kind kind,
	enum family family)
{
	int error = 0;

	for (unsigned i = 0; i < SWEEP_ROUNDS; i++) {
		switch (kind) {
		case KIND_RULES:
			error = dump_rules(netlink, family, sweep_rule, s, reset_batch);
			break;
		case KIND_ROUTES:
			error = dump_routes(netlink, s->numbers, family, sweep_route, s,
				reset_batch);
			break;
		case KIND_NEXTHOPS:
			error = dump_nexthops(netlink, sweep_nexthop, s, reset_batch);
			if (error == -EOPNOTSUPP || error == -EINVAL)
				return 0;
			break;
		case KIND_COUNT:
			break;
		}
		if (error || !s->batch->count)
			return error;
		error = run_deletions(netlink, s->batch);
		if (error)
			return error;
	}
	return -ELOOP;
}

int steer_sweep(struct netlink *netlink, struct netlink_batch *batch, const struct steer_numbers *n,
	const struct steer_state *wanted)
{
	struct sweeping s = {.batch = batch, .numbers = n, .wanted = wanted};
	int first = 0;

	for (enum kind kind = KIND_RULES; kind < KIND_COUNT; kind++) {
		for (enum family family = FAMILY_IPV4; family < FAMILY_COUNT; family++) {
			int error = sweep_kind(netlink, &s, kind, family);

			if (error && !first)
				first = error;
		}
	}
	return first;
}
