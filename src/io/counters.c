/*
 * Packet counters of links.
 *
 * RTM_GETSTATS with only IFLA_STATS_LINK_64 asked for costs the kernel a sum over the CPUs and an
 * answer of 260 bytes; RTM_GETLINK (kernels before 4.7, found out at the first refusal) writes
 * everything there is to say of a device.  All requests of one read go out in one sendmsg(), their
 * answers are there when it returns.  An error (the device is gone this instant) is no counter: the
 * engine hears of the device's end from links.c.
 */
#include "io/counters.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "io/netlink.h"

struct counters {
	struct inbox *inbox;
	struct netlink netlink;
	struct netlink_batch batch; /* here and not on the stack: its pages are touched once */
	bool by_getlink;
	uint32_t ifindex[LINKS_MAX]; /* 0: none */
	uint32_t asked;              /* bit mask of slots */
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

static bool begin_request(struct counters *c, uint32_t ifindex)
{
	struct if_stats_msg stats = {.family = AF_UNSPEC,
		.ifindex = ifindex,
		.filter_mask = IFLA_STATS_FILTER_BIT(IFLA_STATS_LINK_64)};
	struct ifinfomsg link = {.ifi_family = AF_UNSPEC, .ifi_index = (int)ifindex};

	struct nlmsghdr *nlh;

	if (c->by_getlink)
		nlh = netlink_batch_begin(&c->batch, RTM_GETLINK, 0, &link, sizeof(link));
	else
		nlh = netlink_batch_begin(&c->batch, RTM_GETSTATS, 0, &stats, sizeof(stats));
	if (nlh)
		nlh->nlmsg_flags = NLM_F_REQUEST; /* the answer will do, or the error */
	return nlh;
}

struct wanted {
	uint16_t type;
	bool found;
	struct rtnl_link_stats64 stats; /* the first four: packets and bytes, received and sent */
};

static int find_stats(const struct nlattr *attr, void *user)
{
	struct wanted *w = user;

	if (mnl_attr_get_type(attr) != w->type)
		return MNL_CB_OK;
	/* the kernel's struct grows with time; 64-bit numbers are aligned to 4 bytes only */
	if (mnl_attr_get_payload_len(attr) < 4 * sizeof(uint64_t))
		return MNL_CB_ERROR;
	memcpy(&w->stats, mnl_attr_get_payload(attr), 4 * sizeof(uint64_t));
	w->found = true;
	return MNL_CB_STOP;
}

static void put(struct counters *c, uint32_t ifindex, const struct rtnl_link_stats64 *stats)
{
	for (unsigned i = 0; i < LINKS_MAX; i++) {
		struct input in = {.kind = INPUT_COUNTERS,
			.now_us = c->now_us,
			.counters = {.link = (uint8_t)i,
				.tx_packets = stats->tx_packets,
				.rx_packets = stats->rx_packets,
				.tx_bytes = stats->tx_bytes,
				.rx_bytes = stats->rx_bytes}};

		if (c->ifindex[i] != ifindex || !(c->asked & UINT32_C(1) << i))
			continue;
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
	struct wanted wanted = {.type = stats ? IFLA_STATS_LINK_64 : IFLA_STATS64};
	uint32_t ifindex;

	if ((!stats && nlh->nlmsg_type != RTM_NEWLINK) || size < header)
		return 0;
	memcpy(&ifindex, payload + 4, sizeof(ifindex));
	(void)mnl_attr_parse_payload(payload + header, size - header, find_stats, &wanted);
	if (wanted.found)
		put(c, ifindex, &wanted.stats);
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
		if (c->asked & UINT32_C(1) << i && c->ifindex[i] &&
			!begin_request(c, c->ifindex[i]))
			break;
	}
	return netlink_run(&c->netlink, &c->batch, see_answer, c);
}

void counters_read(struct counters *c, uint32_t links)
{
	int error;

	c->asked = links;
	c->now_us = inbox_clock_us();
	error = ask(c);
	if (!c->by_getlink && (error == -EOPNOTSUPP || error == -EINVAL)) {
		c->by_getlink = true;
		(void)ask(c);
	}
}
