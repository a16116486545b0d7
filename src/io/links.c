/*
 * Uplinks from rtnetlink.
 *
 *   notification -> links_kernel (bytes) -> table (devices, addresses, gateways) -> flush() -> slots, INPUT_PATH
 *
 * Devices and addresses follow the notifications, one by one.  Routes do not: the kernel drops IPv4 routes without a
 * word when a device goes down, an address goes or a nexthop object dies, a replace or an append says only half, and a
 * deletion is announced before it has happened.  So whatever may concern a default route makes us ask for the routes of
 * table main again: at once, and once more SETTLE_US later, when the kernel has surely finished.  The socket's filter
 * lets only default routes of table main through, hence this is rare whatever else the machine routes.
 *
 * A name that becomes a link, an unknown device with a default route, or lost notifications: everything is dumped.
 *
 * Owner: autonomyd.c.  All of it runs in the loop's thread; nothing is allocated after links_new().
 */
#include "io/links.h"

#include <errno.h>
#include <limits.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/names.h"
#include "io/links_dump.h"
#include "io/links_kind.h"
#include "io/links_slots.h"
#include "io/log.h"

#define SETTLE_US (50 * USEC_MS)        /* until the kernel has done what it announced */
#define DUMP_GAP_US (20 * USEC_MS)      /* least time between dumps in a storm */
#define RETRY_US (1 * USEC_S)           /* after a dump that failed */
#define EXPIRY_MARGIN_US (30 * USEC_MS) /* the kernel tells the end of a route to 10 ms */
#define ROOM_US (2 * USEC_MS)           /* until the inbox may have room again */

#ifndef RTEXT_FILTER_SKIP_STATS
#define RTEXT_FILTER_SKIP_STATS (1 << 3)
#endif

#define METRIC_NONE UINT32_MAX
#define PREFERENCE_STEP 10 /* between links that are ordered by the kernel's metric */

/* What a link is beside its slot (links_slots.h). */
struct link {
	bool used;       /* in the policy */
	bool remembered; /* from the file: an earlier process had it */
	bool discovered; /* the kernel had a default route through it since we run */
	int config;      /* index in config->link, -1: none */
	uint32_t metric
		[FAMILY_COUNT]; /* of the kernel's last default route, METRIC_NONE: there was none */
	uint32_t ifindex;       /* for which clues were read */
	struct kind_clues clues;
	enum link_kind kind;
	enum family kind_family; /* whose address showed it, FAMILY_COUNT: no address did */
	int32_t preference;      /* from the metric; what the configuration says goes before */
	char why[KIND_WHY_SIZE];
	struct path_facts facts[FAMILY_COUNT]; /* as last sent */
};

struct links {
	struct inbox *inbox;
	const struct config *config;
	void (*changed)(void *user);
	void *user;
	char file[PATH_MAX];

	struct netlink netlink;
	struct netlink_events events;
	struct event *settle, *expiry; /* timers, each one shot */

	struct table table;
	struct slots slots;
	struct link link[LINKS_MAX];
	bool slots_dirty, policy_dirty;

	bool want_all, want_routes;
	int64_t settle_at_us; /* when the routes have to be looked at again; 0: need not */
	int64_t dumped_us, failed_us;
	uint64_t messages, malformed, dumps, full_told;
	uint32_t refused_ifindex; /* the last device that found no slot, told once */
};

static bool is_name_of_link(const struct links *l, const char *name)
{
	return slots_find(&l->slots, name) >= 0;
}

static bool is_wanted(void *user, const struct kernel_device *device)
{
	return is_name_of_link(user, device->name);
}

static void arm(struct event *timer, int64_t after_us)
{
	struct timeval tv;

	after_us = usec_clamp(after_us, 0, USEC_DAY);
	tv.tv_sec = (time_t)(after_us / USEC_S);
	tv.tv_usec = (suseconds_t)(after_us % USEC_S);
	event_add(timer, &tv);
}

/* What was announced may not have happened yet: the routes are to be dumped (once more) in a while. */
static void look_again(struct links *l)
{
	l->settle_at_us = inbox_clock_us() + SETTLE_US;
}

/* --- dumps --- */

static void dump(struct links *l, bool all)
{
	struct links_dump d = {.netlink = &l->netlink,
		.own_protocol = l->config->protocol,
		.wanted = is_wanted,
		.user = l};
	int64_t now_us = inbox_clock_us();
	int error;

	error = all ? links_dump_all(&d, &l->table, now_us)
		    : links_dump_routes(&d, &l->table, now_us);
	l->dumps++;
	if (error && error != -EINTR) {
		log_line(LOG_ERR, "links: the kernel's routes cannot be read: %s; trying again",
			strerror(-error));
		l->failed_us = now_us;
		return;
	}
	l->failed_us = 0;
	l->want_routes = false;
	l->want_all = l->want_all && !all;
	if (error == -EINTR)
		look_again(l);
	if (l->table.full > l->full_told)
		log_line(LOG_WARNING,
			"links: more devices, addresses or default routes than there is room for; "
			"%llu are left out",
			(unsigned long long)(l->table.full - l->full_told));
	l->full_told = l->table.full;
}

/* Whether a default route goes through a device of which nothing is known yet. */
static bool has_strange_gateway(const struct links *l)
{
	for (size_t i = 0; i < l->table.n_gateways; i++) {
		if (!table_device_numbered(&l->table, l->table.gateway[i].ifindex))
			return true;
	}
	return false;
}

/* --- notifications --- */

static void see_device(struct links *l, const struct kernel_device *device, bool gone)
{
	const struct kernel_device *known = table_device_numbered(&l->table, device->ifindex);
	bool renamed = known && strcmp(known->name, device->name);

	if (gone) {
		if (known)
			table_remove_device(&l->table, device->ifindex);
		return;
	}
	if (!known && !is_name_of_link(l, device->name))
		return;
	if (!known || renamed)
		l->want_all = true; /* its addresses may have been told of before we listened */
	if (known && (known->up != device->up || known->carrier != device->carrier))
		look_again(l);
	table_set_device(&l->table, device);
	if (!device->up)
		table_drop_gateways(&l->table, device->ifindex);
}

static void see_address(struct links *l, const struct kernel_address *address, bool gone)
{
	if (!table_device_numbered(&l->table, address->ifindex) &&
		!table_wants_source(&l->table, address))
		return;
	if (gone) {
		table_remove_address(&l->table, address);
		look_again(l); /* with it go the routes that named it */
		if (l->table.full)
			l->want_all = true; /* room for one that was left out */
	} else {
		table_set_address(&l->table, address);
	}
}

static void see_route_change(struct links *l)
{
	l->want_routes = true;
	look_again(l);
}

static int see_message(const struct nlmsghdr *nlh, void *user)
{
	struct links *l = user;
	struct kernel_message m;
	int error = kernel_decode(nlh, &m);

	if (error) {
		if (error == -EBADMSG)
			l->malformed++;
		return 0;
	}
	l->messages++;
	switch (m.subject) {
	case KERNEL_DEVICE:
		see_device(l, &m.device, m.gone);
		break;
	case KERNEL_ADDRESS:
		see_address(l, &m.address, m.gone);
		break;
	case KERNEL_ROUTE:
		if (m.route.protocol != l->config->protocol)
			see_route_change(l);
		break;
	case KERNEL_NEXTHOP:
		if (table_has_nexthop(&l->table, m.nexthop.id))
			see_route_change(l);
		break;
	}
	return 0;
}

static void see_loss(void *user)
{
	struct links *l = user;

	log_line(LOG_WARNING, "links: notifications were lost, asking the kernel for everything");
	l->want_all = true;
}

/* --- slots --- */

static void tell_slot(const struct links *l, int slot, const char *was)
{
	if (was[0])
		log_line(LOG_WARNING, "links: slot %d was that of %s and is now that of %s", slot,
			was, l->slots.slot[slot].device);
}

/* Facts stay: they are what the engine was told of this number, and will be compared with. */
static void begin_link(struct link *link)
{
	link->remembered = false;
	link->discovered = false;
	link->config = -1;
	link->ifindex = 0;
	link->kind_family = FAMILY_COUNT;
	for (int f = 0; f < FAMILY_COUNT; f++)
		link->metric[f] = METRIC_NONE;
}

/* -1 when there is none to be had. */
static int give_slot(struct links *l, const char *device, bool must)
{
	char was[DEVICE_SIZE] = "";
	int slot = slots_find(&l->slots, device);

	if (slot >= 0)
		return slot;
	slot = slots_allot(&l->slots, device, must, was);
	if (slot < 0)
		return -1;
	tell_slot(l, slot, was);
	begin_link(&l->link[slot]);
	l->slots_dirty = true;
	return slot;
}

static void free_slot(struct links *l, unsigned slot)
{
	memset(&l->slots.slot[slot], 0, sizeof(l->slots.slot[slot]));
	l->slots_dirty = true;
}

static void refuse(struct links *l, const struct kernel_device *device)
{
	if (l->refused_ifindex != device->ifindex)
		log_line(LOG_ERR,
			"links: %s has a default route, but all %d slots are taken; it is not used",
			device->name, LINKS_MAX);
	l->refused_ifindex = device->ifindex;
}

/* Devices with a default route become links. */
static void discover(struct links *l)
{
	for (size_t i = 0; i < l->table.n_devices; i++) {
		const struct kernel_device *device = &l->table.device[i];
		uint32_t metric;
		int slot;

		if (!table_has_gateway(&l->table, device->ifindex, &metric))
			continue;
		slot = slots_find(&l->slots, device->name);
		if (slot < 0) {
			if (!l->config->zero_config || device->loopback ||
				kind_is_tunnel(device->name, device->kind, device->type))
				continue;
			slot = give_slot(l, device->name, false);
			if (slot < 0) {
				refuse(l, device);
				continue;
			}
		}
		l->link[slot].discovered = true;
	}
}

/* Slots of configured devices; a device that two sections name belongs to the first. */
static void assign_configured(struct links *l)
{
	const struct config *config = l->config;
	bool was_kept[LINKS_MAX];

	for (unsigned i = 0; i < LINKS_MAX; i++) {
		was_kept[i] = l->slots.slot[i].kept;
		l->slots.slot[i].kept = false;
		l->link[i].config = -1;
	}
	/* those that have a slot first, so that nobody takes it from them */
	for (unsigned i = 0; i < config->n_links; i++) {
		int slot = slots_find(&l->slots, config->link[i].policy.device);

		if (slot >= 0 && l->link[slot].config < 0) {
			l->slots.slot[slot].kept = true;
			l->link[slot].config = (int)i;
		}
	}
	for (unsigned i = 0; i < LINKS_MAX; i++) {
		if (was_kept[i] && !l->slots.slot[i].kept && !l->link[i].discovered)
			free_slot(l, i);
	}
	for (unsigned i = 0; i < config->n_links; i++) {
		const char *device = config->link[i].policy.device;
		int slot;

		slot = slots_find(&l->slots, device);
		if (slot >= 0 && l->link[slot].config != (int)i)
			log_line(LOG_WARNING,
				"links: %s is named by link %s and link %s; the first has it",
				device, config->link[l->link[slot].config].policy.name,
				config->link[i].policy.name);
		if (!device[0] || slot >= 0)
			continue;
		slot = give_slot(l, device, true);
		if (slot < 0)
			continue; /* cannot be: there are no more sections than slots */
		l->slots.slot[slot].kept = true;
		l->link[slot].config = (int)i;
	}
}

/* --- what follows for each link --- */

static bool is_used(const struct links *l, unsigned slot, const struct kernel_device *device)
{
	const struct link *link = &l->link[slot];

	if (!l->slots.slot[slot].device[0])
		return false;
	if (link->config >= 0)
		return true;
	if (!l->config->zero_config)
		return false;
	return link->discovered ||
	       (link->remembered && device && !device->loopback &&
		       !kind_is_tunnel(device->name, device->kind, device->type));
}

/* The metric orders links; it outlives the route, so that a link that fails does not change rank. */
static void keep_metrics(struct link *link)
{
	for (int f = 0; f < FAMILY_COUNT; f++) {
		if (link->facts[f].has_gateway)
			link->metric[f] = link->facts[f].metric;
	}
}

/* IPv6 routers' routes mostly have the same metric everywhere, so IPv4 speaks first. */
static uint32_t rank_metric(const struct link *link)
{
	return link->metric[FAMILY_IPV4] != METRIC_NONE ? link->metric[FAMILY_IPV4]
							: link->metric[FAMILY_IPV6];
}

/* An address that is gone for now takes nothing back: a dish that is unplugged is still one. */
static bool has_shown_kind(const struct link *link)
{
	return link->kind_family != FAMILY_COUNT && !link->facts[link->kind_family].has_address;
}

static void set_kind(struct links *l, unsigned slot, const struct kernel_device *device)
{
	struct link *link = &l->link[slot];
	enum link_kind was = link->kind;
	bool fresh = link->ifindex != device->ifindex;

	if (fresh)
		kind_read_clues(device, "/sys/class/net", "/proc/net/pppoe", &link->clues);
	link->ifindex = device->ifindex;
	if (has_shown_kind(link))
		return;
	link->kind = kind_guess(&link->clues, link->facts, link->why);
	link->kind_family =
		link->kind == LINK_KIND_STARLINK ? kind_starlink_family(link->facts) : FAMILY_COUNT;
	if (fresh || link->kind != was)
		log_line(LOG_INFO, "link %s: slot %u, %s (%s)", device->name, slot,
			link_kind_name(link->kind), link->why);
	if (link->kind != was)
		l->policy_dirty = true;
}

static void set_used(struct links *l, unsigned slot, bool used)
{
	struct link *link = &l->link[slot];

	if (link->used == used)
		return;
	link->used = used;
	l->policy_dirty = true;
	/* the engine forgets a link that leaves the policy, so what it was told begins anew */
	memset(link->facts, 0, sizeof(link->facts));
}

/* True when all that changed is in the inbox. */
static bool send_facts(struct links *l, unsigned slot, const struct kernel_device *device,
	int64_t now_us)
{
	struct link *link = &l->link[slot];

	for (int f = 0; f < FAMILY_COUNT; f++) {
		struct input in = {.kind = INPUT_PATH, .now_us = now_us};
		struct path_facts facts;

		table_facts(&l->table, device, (enum family)f, &link->facts[f], now_us, &facts);
		if (!memcmp(&facts, &link->facts[f], sizeof(facts)))
			continue;
		in.path.path = (uint8_t)path_of(slot, (enum family)f);
		in.path.facts = facts;
		if (!inbox_room(l->inbox) || !inbox_put(l->inbox, &in))
			return false;
		memcpy(&link->facts[f], &facts, sizeof(facts));
	}
	return true;
}

/* Ranks links by metric, then by slot (the order of discovery). */
static void set_preferences(struct links *l)
{
	for (unsigned i = 0; i < LINKS_MAX; i++) {
		uint32_t metric = rank_metric(&l->link[i]);
		int32_t preference = 0;

		if (!l->link[i].used)
			continue;
		for (unsigned j = 0; j < LINKS_MAX; j++) {
			uint32_t other = rank_metric(&l->link[j]);

			if (l->link[j].used && (other < metric || (other == metric && j < i)))
				preference -= PREFERENCE_STEP;
		}
		if (l->link[i].preference != preference)
			l->policy_dirty = true;
		l->link[i].preference = preference;
	}
}

static void save_slots(struct links *l)
{
	int error;

	if (!l->slots_dirty)
		return;
	l->slots_dirty = false;
	l->policy_dirty = true;
	error = slots_save(&l->slots, l->file);
	if (error)
		log_line(LOG_WARNING,
			"links: %s cannot be written: %s; a restart may renumber links", l->file,
			strerror(-error));
}

static void update_link(struct links *l, unsigned slot, int64_t now_us, bool *all_sent)
{
	struct slot *s = &l->slots.slot[slot];
	struct link *link = &l->link[slot];
	const struct kernel_device *device =
		s->device[0] ? table_device_named(&l->table, s->device) : NULL;

	if (device)
		s->absent_since_us = 0;
	else if (!s->absent_since_us)
		s->absent_since_us = now_us;
	set_used(l, slot, is_used(l, slot, device));
	if (!link->used)
		return;
	if (!send_facts(l, slot, device, now_us))
		*all_sent = false;
	keep_metrics(link);
	if (device)
		set_kind(l, slot, device);
}

/* The one timer for what is to be tried (again) soon. */
static void set_timer(struct links *l, bool all_sent, int64_t now_us)
{
	int64_t next_us = l->settle_at_us ? l->settle_at_us : USEC_NEVER;

	if (!all_sent)
		next_us = usec_min(next_us, now_us + ROOM_US);
	if (l->want_all || l->want_routes)
		next_us = usec_min(next_us,
			l->failed_us ? l->failed_us + RETRY_US : l->dumped_us + DUMP_GAP_US);
	if (next_us == USEC_NEVER)
		event_del(l->settle);
	else
		arm(l->settle, next_us - now_us);
}

/* The table has changed, or may have: everything that follows from it. */
static void flush(struct links *l)
{
	int64_t now_us = inbox_clock_us();
	bool all_sent = true;
	int64_t expiry_us;

	discover(l);
	for (unsigned i = 0; i < LINKS_MAX; i++)
		update_link(l, i, now_us, &all_sent);
	set_preferences(l);
	save_slots(l);
	if (l->policy_dirty) {
		l->policy_dirty = false;
		l->changed(l->user);
	}
	set_timer(l, all_sent, now_us);
	expiry_us = table_expiry_us(&l->table, now_us);
	if (expiry_us == USEC_NEVER)
		event_del(l->expiry);
	else
		arm(l->expiry, expiry_us - now_us + EXPIRY_MARGIN_US);
}

/* After the notifications of one wake-up: asks the kernel for what has to be asked for, if it may. */
static void update(void *user)
{
	struct links *l = user;
	int64_t now_us = inbox_clock_us();

	if (l->failed_us && now_us - l->failed_us < RETRY_US) {
		flush(l);
		return;
	}
	if (l->want_all) {
		dump(l, true);
	} else if (l->want_routes && now_us - l->dumped_us >= DUMP_GAP_US) {
		l->dumped_us = now_us;
		dump(l, false);
	}
	if (!l->failed_us && !l->table.full && has_strange_gateway(l))
		dump(l, true);
	flush(l);
}

/* Out of the row: the next notification is not made to wait for it. */
static void ask_for_routes(struct links *l)
{
	l->want_routes = true;
	l->dumped_us = 0;
	update(l);
	l->dumped_us = 0;
}

static void settle_due(evutil_socket_t fd, short what, void *user)
{
	struct links *l = user;

	(void)fd;
	(void)what;
	if (!l->settle_at_us || l->settle_at_us > inbox_clock_us()) {
		update(l);
		return;
	}
	l->settle_at_us = 0;
	ask_for_routes(l);
}

static void expiry_due(evutil_socket_t fd, short what, void *user)
{
	struct links *l = user;

	(void)fd;
	(void)what;
	/* a router advertisement may have prolonged the route; the kernel does not tell */
	ask_for_routes(l);
}

/* --- lifecycle --- */

static void tell_problem(void *user, const struct problem *problem)
{
	(void)user;
	log_line(LOG_WARNING, "%s:%d: %s", problem->place, problem->line, problem->text);
}

static void load_slots(struct links *l)
{
	int error = slots_load(&l->slots, l->file, inbox_clock_us(), tell_problem, NULL);

	if (error && error != -ENOENT)
		log_line(LOG_WARNING, "links: %s cannot be read: %s; links are numbered anew",
			l->file, strerror(-error));
	for (unsigned i = 0; i < LINKS_MAX; i++) {
		begin_link(&l->link[i]);
		l->link[i].remembered = l->slots.slot[i].device[0];
	}
}

static int open_sockets(struct links *l, struct event_base *base)
{
	static const int group[] = {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
		RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_NEXTHOP};
	int error = netlink_open(&l->netlink, NETLINK_ROUTE);

	if (error)
		return error;
	l->events.each = see_message;
	l->events.lost = see_loss;
	l->events.done = update;
	l->events.user = l;
	l->events.filter = kernel_event_filter(&l->events.n_filter);
	l->settle = event_new(base, -1, 0, settle_due, l);
	l->expiry = event_new(base, -1, 0, expiry_due, l);
	if (!l->settle || !l->expiry)
		return -ENOMEM;
	/* before the first dump: nothing may happen between the two unseen */
	return netlink_events_open(&l->events, base, NETLINK_ROUTE, group,
		sizeof(group) / sizeof(group[0]));
}

struct links *links_new(struct event_base *base, struct inbox *inbox, const char *run_dir,
	const struct config *config, void (*changed)(void *user), void *user)
{
	struct links *l = calloc(1, sizeof(*l));
	int error;

	if (!l) {
		errno = ENOMEM;
		return NULL;
	}
	l->inbox = inbox;
	l->changed = changed;
	l->user = user;
	error = -ENAMETOOLONG;
	if ((size_t)snprintf(l->file, sizeof(l->file), "%s/slots", run_dir) < sizeof(l->file))
		error = open_sockets(l, base);
	if (error) {
		links_free(l);
		errno = -error;
		return NULL;
	}
	load_slots(l);
	links_configure(l, config);
	return l;
}

void links_free(struct links *l)
{
	if (!l)
		return;
	netlink_events_close(&l->events);
	netlink_close(&l->netlink);
	if (l->settle)
		event_free(l->settle);
	if (l->expiry)
		event_free(l->expiry);
	free(l);
}

void links_configure(struct links *l, const struct config *config)
{
	l->config = config;
	assign_configured(l);
	l->policy_dirty = true;
	l->want_all = true;
	update(l);
}

void links_look(struct links *l, uint32_t slots)
{
	struct netlink_batch batch;

	netlink_batch_init(&batch);
	for (unsigned i = 0; i < LINKS_MAX; i++) {
		const struct kernel_device *device;
		struct {
			struct ifinfomsg header;
			struct nlattr attr;
			uint32_t mask;
		} request = {
			.attr = {.nla_len = sizeof(struct nlattr) + sizeof(uint32_t),
				.nla_type = IFLA_EXT_MASK},
			.mask = RTEXT_FILTER_SKIP_STATS,
		};

		if (!(slots & UINT32_C(1) << i) || !l->link[i].used)
			continue;
		device = table_device_named(&l->table, l->slots.slot[i].device);
		if (!device)
			continue;
		request.header.ifi_index = (int)device->ifindex;
		(void)netlink_batch_begin(&batch, RTM_GETLINK, 0, &request, sizeof(request));
	}
	if (!batch.count)
		return;
	/* what was announced before comes first, else it would overwrite what is newer */
	netlink_events_read(&l->events);
	(void)netlink_run(&l->netlink, &batch, see_message, l);
	update(l);
}

static bool is_name_taken(const struct links *l, const char *name)
{
	for (unsigned i = 0; i < l->config->n_links; i++) {
		if (!strcmp(l->config->link[i].policy.name, name))
			return true;
	}
	return false;
}

static void fill_link(const struct links *l, unsigned slot, struct link_policy *policy)
{
	const struct link *link = &l->link[slot];
	const char *device = l->slots.slot[slot].device;
	const struct config_link *config =
		link->config >= 0 ? &l->config->link[link->config] : &l->config->link_default;

	config_link_resolve(config, link->kind, policy);
	snprintf(policy->device, sizeof(policy->device), "%s", device);
	if (!config_link_has(config, "preference"))
		policy->preference = link->preference;
	if (link->config >= 0) {
		policy->order = (uint16_t)link->config;
		return;
	}
	policy->order = (uint16_t)(l->config->n_links + slot);
	snprintf(policy->name, sizeof(policy->name), "%s%s", device,
		is_name_taken(l, device) ? "-device" : "");
}

void links_fill_policy(const struct links *l, struct policy *policy)
{
	memset(policy->link, 0, sizeof(policy->link));
	policy->links = 0;
	for (unsigned i = 0; i < LINKS_MAX; i++) {
		if (!l->link[i].used)
			continue;
		fill_link(l, i, &policy->link[i]);
		policy->links |= UINT32_C(1) << i;
	}
}

const struct path_facts *links_facts(const struct links *l, unsigned path)
{
	if (path >= PATHS_MAX || !l->link[path_link(path)].used)
		return NULL;
	return &l->link[path_link(path)].facts[path_family(path)];
}

const char *links_evidence(const struct links *l, unsigned slot)
{
	return slot < LINKS_MAX && l->link[slot].used ? l->link[slot].why : "";
}

void links_stats(const struct links *l, struct links_stats *ret)
{
	*ret = (struct links_stats){
		.messages = l->messages,
		.malformed = l->malformed + l->events.netlink.malformed + l->events.netlink.foreign,
		.overruns = l->events.overruns,
		.dumps = l->dumps,
		.left_out = l->table.full,
	};
}
