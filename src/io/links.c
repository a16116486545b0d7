/*
 * Uplinks from rtnetlink.
 *
 *   links_follow (sockets) -> links_table (devices, addresses, gateways)
 *   netifd_table (names, gateways that the kernel does not hold)
 *                          -> flush(): slots, INPUT_PATH, changed()
 *
 * Whatever the kernel tells ends in one flush(), which goes over all slots and says what differs
 * from what it said last.
 *
 * Owner: autonomyd.c.  All of it runs in the loop's thread; nothing is allocated after links_new(),
 * but for what libmnl and the C library need when a device appears (sysfs is read) or a large
 * routing table is dumped.
 */
#include "io/links.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/names.h"
#include "io/links_follow.h"
#include "io/links_kind.h"
#include "io/links_slots.h"
#include "io/log.h"

#define ROOM_US (2 * USEC_MS) /* until the inbox may have room again */

#define METRIC_NONE UINT32_MAX
#define PREFERENCE_STEP 10 /* between links that are ordered by the kernel's metric */

/* What a link is beside its slot (links_slots.h). */
struct link {
	bool used;       /* in the policy */
	bool remembered; /* from the file: an earlier process had it */
	bool discovered; /* the kernel had a default route through it since we run */
	int config;      /* index in config->link, -1: none */
	/* of the kernel's last default route, METRIC_NONE: there was none */
	uint32_t metric[FAMILY_COUNT];
	uint32_t ifindex; /* for which clues were read */
	struct kind_clues clues;
	enum link_kind kind;
	enum family kind_family; /* whose address spoke, FAMILY_COUNT: none */
	int32_t preference;      /* from the metric; what the configuration says goes before */
	struct kind_evidence evidence;
	struct path_facts facts[FAMILY_COUNT]; /* as last sent */
};

struct links {
	struct inbox *inbox;
	const struct config *config;
	void (*changed)(void *user);
	void *user;
	char file[PATH_MAX];

	struct follow follow;
	struct event *room; /* timer, one shot */

	const struct netifd_table *interfaces; /* never NULL */
	/* of config->link: the device of its interface, or as configured */
	char config_device[LINKS_MAX][DEVICE_SIZE];

	struct slots slots;
	struct link link[LINKS_MAX];
	bool slots_dirty, policy_dirty;

	uint32_t refused_ifindex; /* the last device that found no slot, told once */
};

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

/* Whether a device may become a link without being configured. */
static bool is_uplink(const struct kernel_device *device)
{
	return !device->loopback && !kind_is_tunnel(device->name, device->kind, device->type);
}

/* Devices with a default route become links. */
static void discover(struct links *l)
{
	for (size_t i = 0; i < l->follow.table.n_devices; i++) {
		const struct kernel_device *device = &l->follow.table.device[i];
		uint32_t metric;
		int slot;

		if (!l->config->zero_config || !is_uplink(device) ||
			!table_has_gateway(&l->follow.table, device->ifindex, &metric))
			continue;
		slot = give_slot(l, device->name, false);
		if (slot < 0)
			refuse(l, device);
		else
			l->link[slot].discovered = true;
	}
}

/* Of a link without device and interface the name is either. */
static const char *interface_of(const struct config_link *c)
{
	if (c->interface[0] || strcmp(c->policy.name, c->policy.device) != 0)
		return c->interface;
	return c->policy.name;
}

/* As netifd says or, before it has said anything, as it said to an earlier process; "" if nobody knows. */
static const char *device_of(const struct links *l, const char *interface)
{
	const struct netifd_interface *i = netifd_find(l->interfaces, interface);

	if (i || l->interfaces->n)
		return i ? i->l3_device : "";
	for (unsigned k = 0; k < LINKS_MAX && interface[0]; k++)
		if (!strcmp(l->slots.slot[k].interface, interface))
			return l->slots.slot[k].device;
	return "";
}

/* Of a device, in the same way. */
static const char *owner_of(const struct links *l, unsigned slot)
{
	const struct slot *s = &l->slots.slot[slot];
	const struct netifd_interface *owner = netifd_owner(l->interfaces, s->device);

	if (owner || l->interfaces->n)
		return owner ? owner->name : "";
	return s->interface;
}

/* Where netifd does not know the interface, the device is as configured, or called like the link. */
static bool resolve_devices(struct links *l)
{
	bool differs = false;

	for (unsigned i = 0; i < l->config->n_links; i++) {
		const struct config_link *c = &l->config->link[i];
		const char *device = device_of(l, interface_of(c));

		device = device[0] ? device : c->policy.device;
		differs = differs || strcmp(l->config_device[i], device) != 0;
		snprintf(l->config_device[i], DEVICE_SIZE, "%s", device);
	}
	return differs;
}

static void tell_shared(const struct links *l, unsigned second, int first)
{
	log_line(LOG_WARNING, "links: %s is named by link %s and link %s; the first has it",
		l->config_device[second], l->config->link[first].policy.name,
		l->config->link[second].policy.name);
}

/* Slots of configured devices; a device that two sections name belongs to the first. */
static void assign_configured(struct links *l)
{
	unsigned n_links = l->config->n_links;
	bool was_kept[LINKS_MAX];

	for (unsigned i = 0; i < LINKS_MAX; i++) {
		was_kept[i] = l->slots.slot[i].kept;
		l->slots.slot[i].kept = false;
		l->link[i].config = -1;
	}
	/* those that have a slot first, so that nobody takes it from them */
	for (unsigned i = 0; i < n_links; i++) {
		int slot = slots_find(&l->slots, l->config_device[i]);

		if (slot >= 0 && l->link[slot].config < 0) {
			l->slots.slot[slot].kept = true;
			l->link[slot].config = (int)i;
		}
	}
	for (unsigned i = 0; i < LINKS_MAX; i++) {
		if (was_kept[i] && !l->slots.slot[i].kept && !l->link[i].discovered)
			free_slot(l, i);
	}
	for (unsigned i = 0; i < n_links; i++) {
		const char *device = l->config_device[i];
		int slot;

		slot = slots_find(&l->slots, device);
		if (slot >= 0 && l->link[slot].config != (int)i)
			tell_shared(l, i, l->link[slot].config);
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
	return link->discovered || (link->remembered && device && is_uplink(device));
}

/*
 * The metric orders links; it outlives the route, so that a link that fails does not change rank.
 */
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
	const struct netifd_interface *owner = netifd_owner(l->interfaces, device->name);
	enum link_kind was = link->kind;
	bool fresh = link->ifindex != device->ifindex;

	if (fresh)
		kind_read_clues(device, "/sys/class/net", "/proc/net/pppoe", &link->clues);
	link->ifindex = device->ifindex;
	snprintf(link->clues.proto, sizeof(link->clues.proto), "%s", owner ? owner->proto : "");
	snprintf(link->clues.interface, sizeof(link->clues.interface), "%s",
		owner ? owner->name : "");
	if (has_shown_kind(link))
		return;
	link->kind = kind_guess(&link->clues, link->facts, &link->evidence);
	link->kind_family = kind_address_family(link->facts);
	if (fresh || link->kind != was)
		log_line(LOG_INFO, "link %s: slot %u, %s (%s)", device->name, slot,
			link_kind_name(link->kind), link->evidence.item[0].why);
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

/*
 * A default route that netifd keeps out of table main (defaultroute 0, ip4table): whoever wanted the link by name wants it
 * used all the same.  Where the kernel has a route, the kernel is right.
 */
static void add_gateway(const struct links *l, unsigned slot, enum family family,
	struct path_facts *facts)
{
	if (facts->present && !facts->has_gateway && l->link[slot].config >= 0)
		facts->has_gateway = netifd_gateway(l->interfaces, l->slots.slot[slot].device,
			family, facts->gateway, &facts->metric);
}

/* True when all that changed is in the inbox. */
static bool send_facts(struct links *l, unsigned slot, const struct kernel_device *device,
	int64_t now_us)
{
	struct link *link = &l->link[slot];

	for (int f = 0; f < FAMILY_COUNT; f++) {
		struct input in = {.kind = INPUT_PATH, .now_us = now_us};
		struct path_facts facts;

		table_facts(&l->follow.table, device, (enum family)f, &link->facts[f], now_us,
			&facts);
		add_gateway(l, slot, (enum family)f, &facts);
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

/* For a successor.  What an earlier process was told stays until netifd says something. */
static void keep_interfaces(struct links *l)
{
	for (unsigned i = 0; i < LINKS_MAX; i++) {
		struct slot *s = &l->slots.slot[i];
		const char *owner = owner_of(l, i);

		if (!strcmp(s->interface, owner))
			continue;
		snprintf(s->interface, sizeof(s->interface), "%s", owner);
		l->slots_dirty = true;
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
		s->device[0] ? table_device_named(&l->follow.table, s->device) : NULL;

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

/* The table has changed, or may have: everything that follows from it. */
static void flush(void *user)
{
	struct links *l = user;
	int64_t now_us = inbox_clock_us();
	bool all_sent = true;

	discover(l);
	for (unsigned i = 0; i < LINKS_MAX; i++)
		update_link(l, i, now_us, &all_sent);
	set_preferences(l);
	keep_interfaces(l);
	save_slots(l);
	if (l->policy_dirty) {
		l->policy_dirty = false;
		l->changed(l->user);
	}
	if (!all_sent)
		follow_arm(l->room, ROOM_US);
}

static void room_due(evutil_socket_t fd, short what, void *user)
{
	(void)fd;
	(void)what;
	flush(user);
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

static bool is_wanted(void *user, const char *device)
{
	const struct links *l = user;

	return slots_find(&l->slots, device) >= 0;
}

static int open_sockets(struct links *l, struct event_base *base)
{
	l->follow.is_wanted = is_wanted;
	l->follow.updated = flush;
	l->follow.user = l;
	l->room = event_new(base, -1, 0, room_due, l);
	return l->room ? follow_open(&l->follow, base) : -ENOMEM;
}

struct links *links_new(struct event_base *base, struct inbox *inbox, const char *run_dir,
	const struct config *config, void (*changed)(void *user), void *user)
{
	static struct netifd_table none; /* not const: that would be 8 kB of zeroes in the file */
	struct links *l = calloc(1, sizeof(*l));
	int error;

	if (!l) {
		errno = ENOMEM;
		return NULL;
	}
	l->inbox = inbox;
	l->changed = changed;
	l->user = user;
	l->interfaces = &none;
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
	follow_close(&l->follow);
	if (l->room)
		event_free(l->room);
	free(l);
}

void links_configure(struct links *l, const struct config *config)
{
	l->config = config;
	l->follow.own_protocol = config->protocol;
	(void)resolve_devices(l);
	assign_configured(l);
	l->policy_dirty = true;
	follow_ask_all(&l->follow);
}

void links_set_interfaces(struct links *l, const struct netifd_table *interfaces)
{
	l->interfaces = interfaces;
	l->policy_dirty = true; /* names */
	if (!resolve_devices(l)) {
		flush(l);
		return;
	}
	assign_configured(l);
	follow_ask_all(&l->follow);
}

void links_look(struct links *l, uint32_t slots)
{
	uint32_t ifindex[LINKS_MAX] = {0};

	for (unsigned i = 0; i < LINKS_MAX; i++) {
		const struct kernel_device *device =
			table_device_named(&l->follow.table, l->slots.slot[i].device);

		if (device && l->link[i].used && slots & UINT32_C(1) << i)
			ifindex[i] = device->ifindex;
	}
	follow_ask_devices(&l->follow, ifindex, LINKS_MAX);
}

static bool is_name_taken(const struct links *l, const char *name)
{
	for (unsigned i = 0; i < l->config->n_links; i++) {
		if (!strcmp(l->config->link[i].policy.name, name))
			return true;
	}
	return false;
}

/* Of a link that was found: its interface, else its device; -device when another is called so. */
static void name_link(const struct links *l, unsigned slot, char ret[NAME_SIZE])
{
	const char *device = l->slots.slot[slot].device, *owner = owner_of(l, slot);

	if (owner[0] && !is_name_taken(l, owner))
		snprintf(ret, NAME_SIZE, "%s", owner);
	else
		snprintf(ret, NAME_SIZE, "%s%s", device,
			is_name_taken(l, device) || netifd_find(l->interfaces, device) ? "-device"
										       : "");
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
	name_link(l, slot, policy->name);
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

const struct kind_evidence *links_evidence(const struct links *l, unsigned slot)
{
	return slot < LINKS_MAX && l->link[slot].used ? &l->link[slot].evidence : NULL;
}

void links_stats(const struct links *l, struct links_stats *ret)
{
	const struct follow *f = &l->follow;

	*ret = (struct links_stats){
		.messages = f->messages,
		.malformed = f->malformed + f->events.netlink.malformed + f->events.netlink.foreign,
		.overruns = f->events.overruns,
		.dumps = f->dumps,
		.left_out = f->table.full,
	};
}
