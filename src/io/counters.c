/*
 * Packet counters of links.
 *
 * RTM_GETSTATS with only IFLA_STATS_LINK_64 asked for costs the kernel a sum over the CPUs and an
 * answer of 260 bytes; RTM_GETLINK (kernels before 4.7, found out at the first refusal) writes
 * everything there is to say of a device: some 1500 bytes and three times the time.  All requests of
 * one read go out in one sendmsg(), their answers are there when it returns.  An error (the device is
 * gone this instant) is no counter: the engine hears of the device's end from links.c.
 *
 * IPv6 is counted where it enters and leaves the stack, not by the driver, so IPv4 is what is left of
 * the device's packets.  Multicast is left out of IPv6's own: router advertisements, neighbour
 * solicitations and listener reports say nothing of the far end.  Packets that were merged or are
 * still to be cut (GRO, GSO) count once in IPv6's sums and many times in the driver's: received ones
 * are told by the ECN counters, which count each; of sent ones there are assumed to be more rather
 * than fewer where they are large, since IPv4 must not seem to send what nobody answers.
 */
#include "io/counters.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/imath.h"
#include "io/netlink.h"

/*
 * Places of what is looked at in the kernel's array of IPv6 counters (enum of linux/snmp.h).  They moved once, so a header says
 * nothing of the kernel that it runs on.  Which it is can be seen by multicast, which every device with IPv6 sends: where packets
 * are counted there are 40 times as many bytes some places on.  (IPv6 has no broadcast, whose bytes were before where multicast
 * packets are now.)
 */
enum {
	MIB_LENGTH = 36,
	IPV6_HEADER_BYTES = 40,
	MULTICAST_BYTES = 4, /* places after its packets */
};

struct mib {
	uint8_t out_forwarded, out_requests, out_bytes, in_ecn /* the first of four */,
		in_multicast, out_multicast;
};

static const struct mib mibs[] = {
	{11, 8, 10, 4, 28, 29}, /* since about 6.16 */
	{4, 5, 6, 32, 23, 24},
};

#define LARGE_BYTES 1000 /* sent packets longer than this on the average may be cut */
#define CUT_BYTES 1280   /* into pieces no shorter than this */

/* What IPv6 has counted, as far as it matters. */
struct ipv6 {
	uint64_t tx, tx_multicast, tx_bytes, rx, rx_multicast;
};

/* The last reading of a device with the families apart, and IPv4's packets so far. */
struct family_counters {
	uint32_t ifindex;
	struct ipv6 ipv6;
	uint64_t tx, rx; /* of the device */
	uint64_t tx4, rx4;
};

struct counters {
	struct inbox *inbox;
	struct netlink netlink;
	struct netlink_batch batch; /* here and not on the stack: its pages are touched once */
	bool by_getlink;
	uint32_t ifindex[LINKS_MAX]; /* 0: none */
	struct family_counters last[LINKS_MAX];
	const struct mib *mib; /* this kernel's; NULL: not known yet */
	uint32_t asked, apart; /* bit masks of slots */
	int64_t now_us;
};

struct counters *counters_new(struct inbox *inbox)
{
	struct counters *c = calloc(1, sizeof(*c));
	int error;

	if (!c)
		return NULL;
	c->inbox = inbox;
	error = netlink_open(&c->netlink, NETLINK_ROUTE);
	if (error) {
		free(c);
		errno = -error;
		return NULL;
	}
	return c;
}

void counters_free(struct counters *c)
{
	if (!c)
		return;
	netlink_close(&c->netlink);
	free(c);
}

void counters_set_link(struct counters *c, unsigned link, uint32_t ifindex)
{
	if (link < LINKS_MAX)
		c->ifindex[link] = ifindex;
}

static bool begin_request(struct counters *c, unsigned link)
{
	uint32_t ifindex = c->ifindex[link];
	struct if_stats_msg stats = {.family = AF_UNSPEC,
		.ifindex = ifindex,
		.filter_mask = IFLA_STATS_FILTER_BIT(IFLA_STATS_LINK_64)};
	struct ifinfomsg info = {.ifi_family = AF_UNSPEC, .ifi_index = (int)ifindex};

	struct nlmsghdr *nlh;

	if (c->by_getlink || c->apart & UINT32_C(1) << link)
		nlh = netlink_batch_begin(&c->batch, RTM_GETLINK, 0, &info, sizeof(info));
	else
		nlh = netlink_batch_begin(&c->batch, RTM_GETSTATS, 0, &stats, sizeof(stats));
	if (nlh)
		nlh->nlmsg_flags = NLM_F_REQUEST; /* the answer will do, or the error */
	return nlh;
}

struct wanted {
	uint16_t type;
	const struct mib **mib;
	bool found, found6;
	struct rtnl_link_stats64 stats; /* the first four: packets and bytes, received and sent */
	struct ipv6 ipv6;
};

/* One number of the array of 64-bit numbers that begins with its length; aligned to 4 bytes only. */
static uint64_t number(const struct nlattr *attr, unsigned which)
{
	uint64_t value;

	memcpy(&value, (const uint8_t *)mnl_attr_get_payload(attr) + which * sizeof(value),
		sizeof(value));
	return value;
}

static const struct mib *find_mib(const struct nlattr *attr)
{
	for (size_t i = 0; i < sizeof(mibs) / sizeof(mibs[0]); i++) {
		uint64_t packets = number(attr, mibs[i].out_multicast);
		uint64_t bytes = number(attr, mibs[i].out_multicast + MULTICAST_BYTES);

		if (packets && bytes / IPV6_HEADER_BYTES >= packets)
			return &mibs[i];
	}
	return NULL;
}

static int find_ipv6_stats(const struct nlattr *attr, void *user)
{
	struct wanted *w = user;
	const struct mib *mib;

	if (mnl_attr_get_type(attr) != IFLA_INET6_STATS)
		return MNL_CB_OK;
	if (mnl_attr_get_payload_len(attr) < MIB_LENGTH * sizeof(uint64_t))
		return MNL_CB_ERROR;
	mib = *w->mib ? *w->mib : find_mib(attr);
	if (!mib)
		return MNL_CB_STOP;
	*w->mib = mib;
	w->ipv6.tx = number(attr, mib->out_requests) + number(attr, mib->out_forwarded);
	w->ipv6.tx_multicast = number(attr, mib->out_multicast);
	w->ipv6.tx_bytes = number(attr, mib->out_bytes);
	w->ipv6.rx = 0;
	for (unsigned i = 0; i < 4; i++)
		w->ipv6.rx += number(attr, mib->in_ecn + i);
	w->ipv6.rx_multicast = number(attr, mib->in_multicast);
	w->found6 = true;
	return MNL_CB_STOP;
}

static int find_family(const struct nlattr *attr, void *user)
{
	if (mnl_attr_get_type(attr) != AF_INET6)
		return MNL_CB_OK;
	(void)mnl_attr_parse_nested(attr, find_ipv6_stats, user);
	return MNL_CB_STOP;
}

static int find_stats(const struct nlattr *attr, void *user)
{
	struct wanted *w = user;

	if (w->type == IFLA_STATS64 && mnl_attr_get_type(attr) == IFLA_AF_SPEC)
		(void)mnl_attr_parse_nested(attr, find_family, user);
	if (mnl_attr_get_type(attr) != w->type)
		return MNL_CB_OK;
	/* the kernel's struct grows with time */
	if (mnl_attr_get_payload_len(attr) < 4 * sizeof(uint64_t))
		return MNL_CB_ERROR;
	memcpy(&w->stats, mnl_attr_get_payload(attr), 4 * sizeof(uint64_t));
	w->found = true;
	return MNL_CB_OK;
}

/* IPv6's share of the packets sent, not less than it is. */
static uint64_t sent6(const struct ipv6 *now, const struct ipv6 *last)
{
	uint64_t packets = imath_rise(now->tx, last->tx),
		 bytes = imath_rise(now->tx_bytes, last->tx_bytes);

	return bytes / LARGE_BYTES > packets ? packets + bytes / CUT_BYTES : packets;
}

static void tell_apart(struct counters *c, unsigned link, const struct wanted *w,
	struct input_counters *ret)
{
	struct family_counters *last = &c->last[link];

	if (last->ifindex == c->ifindex[link]) {
		last->tx4 +=
			imath_rise(w->stats.tx_packets, last->tx + sent6(&w->ipv6, &last->ipv6));
		last->rx4 += imath_rise(w->stats.rx_packets,
			last->rx + imath_rise(w->ipv6.rx, last->ipv6.rx));
	}
	last->ifindex = c->ifindex[link];
	last->ipv6 = w->ipv6;
	last->tx = w->stats.tx_packets;
	last->rx = w->stats.rx_packets;
	ret->apart = true;
	ret->tx_of[FAMILY_IPV4] = last->tx4;
	ret->rx_of[FAMILY_IPV4] = last->rx4;
	ret->tx_of[FAMILY_IPV6] = imath_rise(w->ipv6.tx, w->ipv6.tx_multicast);
	ret->rx_of[FAMILY_IPV6] = imath_rise(w->ipv6.rx, w->ipv6.rx_multicast);
}

static void put(struct counters *c, uint32_t ifindex, const struct wanted *w)
{
	for (unsigned i = 0; i < LINKS_MAX; i++) {
		struct input in = {.kind = INPUT_COUNTERS,
			.now_us = c->now_us,
			.counters = {.link = (uint8_t)i,
				.tx_packets = w->stats.tx_packets,
				.rx_packets = w->stats.rx_packets,
				.tx_bytes = w->stats.tx_bytes,
				.rx_bytes = w->stats.rx_bytes}};

		if (c->ifindex[i] != ifindex || !(c->asked & UINT32_C(1) << i))
			continue;
		if (w->found6 && c->apart & UINT32_C(1) << i)
			tell_apart(c, i, w, &in.counters);
		c->asked &= ~(UINT32_C(1) << i); /* one answer a read */
		(void)inbox_put(c->inbox, &in);  /* full: counted there, the next read tells all */
	}
}

/* An answer of either kind: the family header has the device's number in its second word. */
static int see_answer(const struct nlmsghdr *nlh, void *user)
{
	struct counters *c = user;
	bool stats = nlh->nlmsg_type == RTM_NEWSTATS;
	size_t header = stats ? sizeof(struct if_stats_msg) : sizeof(struct ifinfomsg);
	const uint8_t *payload = mnl_nlmsg_get_payload(nlh);
	size_t size = mnl_nlmsg_get_payload_len(nlh);
	struct wanted wanted = {.type = stats ? IFLA_STATS_LINK_64 : IFLA_STATS64, .mib = &c->mib};
	uint32_t ifindex;

	if ((!stats && nlh->nlmsg_type != RTM_NEWLINK) || size < header)
		return 0;
	memcpy(&ifindex, payload + 4, sizeof(ifindex));
	(void)mnl_attr_parse_payload(payload + header, size - header, find_stats, &wanted);
	if (wanted.found)
		put(c, ifindex, &wanted);
	return 0;
}

_Static_assert(offsetof(struct if_stats_msg, ifindex) == 4 &&
		       offsetof(struct ifinfomsg, ifi_index) == 4,
	"see_answer() reads both alike");

/* 0 or -errno of the first request. */
static int ask(struct counters *c)
{
	netlink_batch_init(&c->batch);
	for (unsigned i = 0; i < LINKS_MAX; i++) {
		if (c->asked & UINT32_C(1) << i && c->ifindex[i] && !begin_request(c, i))
			break;
	}
	return netlink_run(&c->netlink, &c->batch, see_answer, c);
}

void counters_read(struct counters *c, uint32_t links, uint32_t apart)
{
	int error;

	c->asked = links;
	c->apart = apart;
	c->now_us = inbox_clock_us();
	error = ask(c);
	if (!c->by_getlink && (error == -EOPNOTSUPP || error == -EINVAL)) {
		c->by_getlink = true;
		(void)ask(c);
	}
}
