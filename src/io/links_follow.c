#include "io/links_follow.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "base/usec.h"
#include "io/inbox.h"
#include "io/links_dump.h"
#include "io/log.h"

#define SETTLE_US (50 * USEC_MS)        /* until the kernel has done what it announced */
#define DUMP_GAP_US (20 * USEC_MS)      /* least time between dumps in a storm */
#define RETRY_US (1 * USEC_S)           /* after a dump that failed */
#define EXPIRY_MARGIN_US (30 * USEC_MS) /* the kernel tells the end of a route to 10 ms */

#ifndef RTEXT_FILTER_SKIP_STATS
#define RTEXT_FILTER_SKIP_STATS (1 << 3)
#endif

void follow_arm(struct event *timer, int64_t after_us)
{
	struct timeval tv;

	after_us = usec_clamp(after_us, 0, USEC_DAY);
	tv.tv_sec = (time_t)(after_us / USEC_S);
	tv.tv_usec = (suseconds_t)(after_us % USEC_S);
	event_add(timer, &tv);
}

/*
 * What was announced may not have happened yet: the routes are to be dumped (once more) in a while.
 */
static void look_again(struct follow *f)
{
	f->settle_at_us = inbox_clock_us() + SETTLE_US;
}

static bool is_device_wanted(void *user, const struct kernel_device *device)
{
	const struct follow *f = user;

	return f->is_wanted(f->user, device->name);
}

static void tell_what_is_left_out(struct follow *f)
{
	if (f->table.full > f->full_told)
		log_line(LOG_WARNING,
			"links: more devices, addresses or default routes than there is room for; "
			"%llu are left out",
			(unsigned long long)(f->table.full - f->full_told));
	f->full_told = f->table.full;
}

static void dump(struct follow *f, bool all)
{
	struct links_dump d = {.netlink = &f->netlink,
		.own_protocol = f->own_protocol,
		.wanted = is_device_wanted,
		.user = f};
	int64_t now_us = inbox_clock_us();
	int error;

	error = all ? links_dump_all(&d, &f->table, now_us)
		    : links_dump_routes(&d, &f->table, now_us);
	f->dumps++;
	if (error && error != -EINTR) {
		log_line(LOG_ERR, "links: the kernel's routes cannot be read: %s; trying again",
			strerror(-error));
		f->failed_us = now_us;
		return;
	}
	f->failed_us = 0;
	f->want_routes = false;
	f->want_all = f->want_all && !all;
	if (error == -EINTR)
		look_again(f);
	tell_what_is_left_out(f);
}

/* Whether a default route goes through a device of which nothing is known yet. */
static bool has_strange_gateway(const struct follow *f)
{
	for (size_t i = 0; i < f->table.n_gateways; i++) {
		if (!table_device_numbered(&f->table, f->table.gateway[i].ifindex))
			return true;
	}
	return false;
}

/*
 * The one timer for what is to be asked (again) soon, and the one for the next route that runs out.
 */
static void set_timers(struct follow *f)
{
	int64_t now_us = inbox_clock_us();
	int64_t next_us = f->settle_at_us ? f->settle_at_us : USEC_NEVER;
	int64_t expiry_us = table_expiry_us(&f->table, now_us);

	if (f->want_all || f->want_routes)
		next_us = usec_min(next_us,
			f->failed_us ? f->failed_us + RETRY_US : f->dumped_us + DUMP_GAP_US);
	if (next_us == USEC_NEVER)
		event_del(f->again);
	else
		follow_arm(f->again, next_us - now_us);
	if (expiry_us == USEC_NEVER)
		event_del(f->expiry);
	else
		follow_arm(f->expiry, expiry_us - now_us + EXPIRY_MARGIN_US);
}

/*
 * After the notifications of one wake-up: asks the kernel for what has to be asked for, if it may.
 */
static void update(void *user)
{
	struct follow *f = user;
	int64_t now_us = inbox_clock_us();

	if (!f->failed_us || now_us - f->failed_us >= RETRY_US) {
		if (f->want_all) {
			dump(f, true);
		} else if (f->want_routes && now_us - f->dumped_us >= DUMP_GAP_US) {
			f->dumped_us = now_us;
			dump(f, false);
		}
		if (!f->failed_us && !f->table.full && has_strange_gateway(f))
			dump(f, true);
	}
	set_timers(f);
	f->updated(f->user);
}

/* Out of the row: the next notification is not made to wait for it. */
static void ask_for_routes(struct follow *f)
{
	f->want_routes = true;
	f->dumped_us = 0;
	update(f);
	f->dumped_us = 0;
}

static void again_due(evutil_socket_t fd, short what, void *user)
{
	struct follow *f = user;

	(void)fd;
	(void)what;
	if (!f->settle_at_us || f->settle_at_us > inbox_clock_us()) {
		update(f);
		return;
	}
	f->settle_at_us = 0;
	ask_for_routes(f);
}

static void expiry_due(evutil_socket_t fd, short what, void *user)
{
	(void)fd;
	(void)what;
	/* a router advertisement may have prolonged the route; the kernel does not tell */
	ask_for_routes(user);
}

static void see_device(struct follow *f, const struct kernel_device *device, bool gone)
{
	const struct kernel_device *known = table_device_numbered(&f->table, device->ifindex);
	bool renamed = known && strcmp(known->name, device->name) != 0;

	if (gone) {
		if (known)
			table_remove_device(&f->table, device->ifindex);
		return;
	}
	if (!known && !f->is_wanted(f->user, device->name))
		return;
	if (!known || renamed)
		f->want_all = true; /* its addresses may have been told of before we listened */
	if (known && (known->up != device->up || known->carrier != device->carrier))
		look_again(f);
	table_set_device(&f->table, device);
	if (!device->up)
		table_drop_gateways(&f->table, device->ifindex);
}

static void see_address(struct follow *f, const struct kernel_address *address, bool gone)
{
	if (!table_device_numbered(&f->table, address->ifindex) &&
		!table_wants_source(&f->table, address))
		return;
	if (gone) {
		table_remove_address(&f->table, address);
		look_again(f); /* with it go the routes that named it */
		if (f->table.full)
			f->want_all = true; /* room for one that was left out */
	} else {
		table_set_address(&f->table, address);
	}
}

static void see_route_change(struct follow *f)
{
	f->want_routes = true;
	look_again(f);
}

static int see_message(const struct nlmsghdr *nlh, void *user)
{
	struct follow *f = user;
	struct kernel_message m;
	int error = kernel_decode(nlh, &m);

	if (error) {
		if (error == -EBADMSG)
			f->malformed++;
		return 0;
	}
	f->messages++;
	switch (m.subject) {
	case KERNEL_DEVICE:
		see_device(f, &m.device, m.gone);
		break;
	case KERNEL_ADDRESS:
		see_address(f, &m.address, m.gone);
		break;
	case KERNEL_ROUTE:
		if (m.route.protocol != f->own_protocol)
			see_route_change(f);
		break;
	case KERNEL_NEXTHOP:
		if (table_has_nexthop(&f->table, m.nexthop.id))
			see_route_change(f);
		break;
	}
	return 0;
}

static void see_loss(void *user)
{
	struct follow *f = user;

	log_line(LOG_WARNING, "links: notifications were lost, asking the kernel for everything");
	f->want_all = true;
}

int follow_open(struct follow *f, struct event_base *base)
{
	static const int group[] = {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
		RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_NEXTHOP};
	int error = netlink_open(&f->netlink, NETLINK_ROUTE);

	if (error)
		return error;
	f->events.each = see_message;
	f->events.lost = see_loss;
	f->events.done = update;
	f->events.user = f;
	f->events.filter = kernel_event_filter(&f->events.n_filter);
	f->again = event_new(base, -1, 0, again_due, f);
	f->expiry = event_new(base, -1, 0, expiry_due, f);
	if (!f->again || !f->expiry)
		return -ENOMEM;
	/* before the first dump: nothing may happen between the two unseen */
	return netlink_events_open(&f->events, base, NETLINK_ROUTE, group,
		sizeof(group) / sizeof(group[0]));
}

void follow_close(struct follow *f)
{
	netlink_events_close(&f->events);
	netlink_close(&f->netlink);
	if (f->again)
		event_free(f->again);
	if (f->expiry)
		event_free(f->expiry);
	f->again = NULL;
	f->expiry = NULL;
}

void follow_ask_all(struct follow *f)
{
	f->want_all = true;
	update(f);
}

static void begin_question(struct netlink_batch *batch, uint32_t ifindex)
{
	struct {
		struct ifinfomsg header;
		struct nlattr attr;
		uint32_t mask;
	} request = {
		.header = {.ifi_index = (int)ifindex},
		.attr = {.nla_len = sizeof(struct nlattr) + sizeof(uint32_t),
			.nla_type = IFLA_EXT_MASK},
		.mask = RTEXT_FILTER_SKIP_STATS,
	};
	struct nlmsghdr *nlh =
		netlink_batch_begin(batch, RTM_GETLINK, 0, &request, sizeof(request));

	if (nlh)
		nlh->nlmsg_flags = NLM_F_REQUEST; /* the answer will do, or the error */
}

void follow_ask_devices(struct follow *f, const uint32_t ifindex[], size_t n)
{
	struct netlink_batch batch;

	netlink_batch_init(&batch);
	for (size_t i = 0; i < n; i++) {
		if (ifindex[i])
			begin_question(&batch, ifindex[i]);
	}
	if (!batch.count)
		return;
	/* what was announced before comes first, else it would overwrite what is newer */
	netlink_events_read(&f->events);
	(void)netlink_run(&f->netlink, &batch, see_message, f);
	update(f);
}
