#include "io/links_table.h"

#include <string.h>

#include "base/usec.h"

#define EXPIRY_TICK_US (10 * USEC_MS)

void table_clear(struct table *t)
{
	t->n_devices = 0;
	t->n_addresses = 0;
	table_clear_gateways(t);
}

const struct kernel_device *table_device_named(const struct table *t, const char *name)
{
	for (size_t i = 0; i < t->n_devices; i++) {
		if (!strcmp(t->device[i].name, name))
			return &t->device[i];
	}
	return NULL;
}

const struct kernel_device *table_device_numbered(const struct table *t, uint32_t ifindex)
{
	for (size_t i = 0; i < t->n_devices; i++) {
		if (t->device[i].ifindex == ifindex)
			return &t->device[i];
	}
	return NULL;
}

static void overwrite_device(struct kernel_device *known, const struct kernel_device *device)
{
	struct kernel_device was = *known;

	*known = *device;
	if (!device->partial)
		return;
	known->partial = false;
	known->mtu = was.mtu;
	memcpy(known->kind, was.kind, sizeof(known->kind));
}

void table_set_device(struct table *t, const struct kernel_device *device)
{
	const struct kernel_device *same_name = table_device_named(t, device->name);

	if (same_name && same_name->ifindex != device->ifindex)
		table_remove_device(t, same_name->ifindex);
	for (size_t i = 0; i < t->n_devices; i++) {
		if (t->device[i].ifindex == device->ifindex) {
			overwrite_device(&t->device[i], device);
			return;
		}
	}
	if (t->n_devices < TABLE_DEVICES_MAX)
		t->device[t->n_devices++] = *device;
	else
		t->full++;
}

void table_remove_device(struct table *t, uint32_t ifindex)
{
	size_t kept = 0;

	for (size_t i = 0; i < t->n_devices; i++) {
		if (t->device[i].ifindex != ifindex)
			t->device[kept++] = t->device[i];
	}
	t->n_devices = kept;
	kept = 0;
	for (size_t i = 0; i < t->n_addresses; i++) {
		if (t->address[i].ifindex != ifindex)
			t->address[kept++] = t->address[i];
	}
	t->n_addresses = kept;
	table_drop_gateways(t, ifindex);
}

/* What makes two addresses the same one to the kernel: the prefix length counts in IPv4 only. */
static bool same_address(const struct kernel_address *a, const struct kernel_address *b)
{
	return a->ifindex == b->ifindex && a->family == b->family &&
	       (a->family == FAMILY_IPV6 || a->bits == b->bits) &&
	       !memcmp(a->address, b->address, sizeof(a->address));
}

void table_set_address(struct table *t, const struct kernel_address *address)
{
	for (size_t i = 0; i < t->n_addresses; i++) {
		if (same_address(&t->address[i], address)) {
			t->address[i] = *address;
			return;
		}
	}
	if (t->n_addresses < TABLE_ADDRESSES_MAX)
		t->address[t->n_addresses++] = *address;
	else
		t->full++;
}

void table_remove_address(struct table *t, const struct kernel_address *address)
{
	size_t kept = 0;

	/* the order is kept: it is the order of preference among equals */
	for (size_t i = 0; i < t->n_addresses; i++) {
		if (!same_address(&t->address[i], address))
			t->address[kept++] = t->address[i];
	}
	t->n_addresses = kept;
}

void table_clear_gateways(struct table *t)
{
	t->n_gateways = 0;
	t->n_nexthops = 0;
}

void table_add_gateway(struct table *t, const struct kernel_route *route,
	const struct kernel_leg *leg, int64_t now_us)
{
	struct table_gateway *g;

	/* an IPv4 route over an IPv6 gateway cannot be said in struct path_facts */
	if (leg->dead || leg->other_family || !leg->ifindex)
		return;
	if (t->n_gateways == TABLE_GATEWAYS_MAX) {
		t->full++;
		return;
	}
	g = &t->gateway[t->n_gateways++];
	*g = (struct table_gateway){
		.family = route->family,
		.preference = route->preference,
		.source_bits = route->source_bits,
		.has_prefsrc = route->has_prefsrc,
		.expires = route->expires,
		.ifindex = leg->ifindex,
		.metric = route->metric,
		.mtu = route->mtu,
		.expires_at_us = route->expires ? now_us + route->expires_us : USEC_NEVER,
	};
	memcpy(g->gateway, leg->gateway, sizeof(g->gateway));
	memcpy(g->source, route->source, sizeof(g->source));
	memcpy(g->prefsrc, route->prefsrc, sizeof(g->prefsrc));
}

void table_take_gateways(struct table *t, const struct table *from)
{
	memcpy(t->gateway, from->gateway, from->n_gateways * sizeof(t->gateway[0]));
	memcpy(t->nexthop, from->nexthop, from->n_nexthops * sizeof(t->nexthop[0]));
	t->n_gateways = from->n_gateways;
	t->n_nexthops = from->n_nexthops;
	t->full = from->full;
}

static bool same_gateway(const struct table_gateway *a, const struct table_gateway *b)
{
	return a->family == b->family && a->ifindex == b->ifindex && a->metric == b->metric &&
	       a->source_bits == b->source_bits &&
	       !memcmp(a->gateway, b->gateway, sizeof(a->gateway)) &&
	       !memcmp(a->source, b->source, sizeof(a->source));
}

void table_keep_expiries(struct table *t, const struct table *before, int64_t now_us)
{
	for (size_t i = 0; i < t->n_gateways; i++) {
		struct table_gateway *g = &t->gateway[i];

		for (size_t j = 0; !g->expires && j < before->n_gateways; j++) {
			const struct table_gateway *was = &before->gateway[j];

			if (was->expires && was->expires_at_us < now_us + 2 * EXPIRY_TICK_US &&
				same_gateway(g, was)) {
				g->expires = true;
				g->expires_at_us = was->expires_at_us;
			}
		}
	}
}

void table_drop_gateways(struct table *t, uint32_t ifindex)
{
	size_t kept = 0;

	for (size_t i = 0; i < t->n_gateways; i++) {
		if (t->gateway[i].ifindex != ifindex)
			t->gateway[kept++] = t->gateway[i];
	}
	t->n_gateways = kept;
}

void table_add_nexthop(struct table *t, uint32_t id)
{
	if (table_has_nexthop(t, id))
		return;
	if (t->n_nexthops < TABLE_NEXTHOPS_MAX)
		t->nexthop[t->n_nexthops++] = id;
	else
		t->full++;
}

bool table_has_nexthop(const struct table *t, uint32_t id)
{
	for (size_t i = 0; i < t->n_nexthops; i++) {
		if (t->nexthop[i] == id)
			return true;
	}
	return false;
}

bool table_has_gateway(const struct table *t, uint32_t ifindex, uint32_t *ret_metric)
{
	bool found = false;

	for (size_t i = 0; i < t->n_gateways; i++) {
		const struct table_gateway *g = &t->gateway[i];

		if (g->ifindex != ifindex || (found && g->metric >= *ret_metric))
			continue;
		found = true;
		*ret_metric = g->metric;
	}
	return found;
}

static bool in_prefix(const uint8_t address[16], const uint8_t prefix[16], unsigned bits)
{
	unsigned bytes = bits / 8, rest = bits % 8;

	if (bits > 128 || memcmp(address, prefix, bytes) != 0)
		return false;
	return !rest || !((address[bytes] ^ prefix[bytes]) >> (8 - rest));
}

bool table_wants_source(const struct table *t, const struct kernel_address *address)
{
	if (address->family != FAMILY_IPV6)
		return false;
	for (size_t i = 0; i < t->n_gateways; i++) {
		const struct table_gateway *g = &t->gateway[i];

		if (g->source_bits && in_prefix(address->address, g->source, g->source_bits))
			return true;
	}
	return false;
}

/* Lowest metric, then the router's own preference, then the one in use, then the first. */
static const struct table_gateway *choose_gateway(const struct table *t, uint32_t ifindex,
	enum family family, const struct path_facts *was, int64_t now_us)
{
	const struct table_gateway *best = NULL;
	bool best_in_use = false;

	for (size_t i = 0; i < t->n_gateways; i++) {
		const struct table_gateway *g = &t->gateway[i];
		bool in_use, better;

		if (g->ifindex != ifindex || g->family != family || g->expires_at_us <= now_us)
			continue;
		in_use = was->has_gateway && !memcmp(was->gateway, g->gateway, sizeof(g->gateway));
		better = !best || g->metric < best->metric ||
			 (g->metric == best->metric && (g->preference > best->preference ||
							       (g->preference == best->preference &&
								       in_use && !best_in_use)));
		if (!better)
			continue;
		best = g;
		best_in_use = in_use;
	}
	return best;
}

/* How far an address reaches: 2 the Internet, 1 a site (RFC 4193), 0 the cable (RFC 3927). */
static int reach(const struct kernel_address *a)
{
	if (a->family == FAMILY_IPV4)
		return a->address[0] == 169 && a->address[1] == 254 ? 0 : 2;
	return (a->address[0] & 0xfe) == 0xfc ? 1 : 2;
}

/* What is said of an address, the more important first; compared as a number. */
static uint32_t address_rank(const struct kernel_address *a, const struct table_gateway *g,
	const struct path_facts *was)
{
	static const uint8_t zero[16];
	bool preferred = g && g->has_prefsrc && !memcmp(g->prefsrc, a->address, 16);
	bool in_source = g && g->source_bits && in_prefix(a->address, g->source, g->source_bits);
	/* as the kernel chooses: an address of the gateway's own subnet before others */
	bool beside = g && a->family == FAMILY_IPV4 && memcmp(g->gateway, zero, 16) != 0 &&
		      in_prefix(a->address, g->gateway, a->bits);
	bool in_use = was->has_address && !memcmp(was->address, a->address, 16);

	return (uint32_t)preferred << 8 | (uint32_t)in_source << 7 | (uint32_t)beside << 6 |
	       (uint32_t)reach(a) << 4 | (uint32_t)!a->secondary << 3 | (uint32_t)in_use << 2;
}

static const struct kernel_address *choose_address(const struct table *t, uint32_t ifindex,
	enum family family, const struct table_gateway *g, const struct path_facts *was)
{
	const struct kernel_address *best = NULL;
	uint32_t best_rank = 0;

	for (size_t i = 0; i < t->n_addresses; i++) {
		const struct kernel_address *a = &t->address[i];
		uint32_t rank;

		if (a->ifindex != ifindex || a->family != family || !a->usable)
			continue;
		rank = address_rank(a, g, was);
		if (!best || rank > best_rank ||
			(rank == best_rank && a->preferred_s > best->preferred_s)) {
			best = a;
			best_rank = rank;
		}
	}
	return best;
}

/* A provider may give a prefix for the LAN and no address for the uplink itself; then any of ours
   in it will do. */
static const struct kernel_address *borrow_address(const struct table *t,
	const struct table_gateway *g, const struct path_facts *was)
{
	const struct kernel_address *best = NULL;

	for (size_t i = 0; i < t->n_addresses; i++) {
		const struct kernel_address *a = &t->address[i];

		if (a->family != FAMILY_IPV6 || !a->usable ||
			!in_prefix(a->address, g->source, g->source_bits))
			continue;
		if (was->has_address && !memcmp(was->address, a->address, 16))
			return a;
		if (!best || address_rank(a, g, was) > address_rank(best, g, was))
			best = a;
	}
	return best;
}

static bool is_on_device(const struct table *t, uint32_t ifindex, const uint8_t address[16])
{
	for (size_t i = 0; i < t->n_addresses; i++) {
		if (t->address[i].ifindex == ifindex && !memcmp(t->address[i].address, address, 16))
			return true;
	}
	return false;
}

static void set_address_fact(const struct table *t, uint32_t ifindex, enum family family,
	const struct table_gateway *g, const struct path_facts *was, struct path_facts *facts)
{
	const struct kernel_address *a;

	/* the kernel has checked that prefsrc is ours; it may live on another device, such as lo */
	if (g && g->has_prefsrc && !is_on_device(t, ifindex, g->prefsrc)) {
		facts->has_address = true;
		memcpy(facts->address, g->prefsrc, sizeof(facts->address));
		return;
	}
	a = choose_address(t, ifindex, family, g, was);
	if (!a && g && g->source_bits)
		a = borrow_address(t, g, was);
	if (!a)
		return;
	facts->has_address = true;
	memcpy(facts->address, a->address, sizeof(facts->address));
}

void table_facts(const struct table *t, const struct kernel_device *device, enum family family,
	const struct path_facts *was, int64_t now_us, struct path_facts *ret)
{
	const struct table_gateway *g;
	struct path_facts facts;

	memset(&facts, 0, sizeof(facts)); /* padding too: facts are compared as bytes */
	if (device && device->up) {
		facts.present = true;
		facts.carrier = device->carrier;
		facts.ifindex = device->ifindex;
		facts.mtu = device->mtu;
		g = choose_gateway(t, device->ifindex, family, was, now_us);
		set_address_fact(t, device->ifindex, family, g, was, &facts);
		if (g) {
			facts.has_gateway = true;
			facts.metric = g->metric;
			memcpy(facts.gateway, g->gateway, sizeof(facts.gateway));
			if (g->mtu && g->mtu < facts.mtu)
				facts.mtu = g->mtu;
		}
	}
	memcpy(ret, &facts, sizeof(facts));
}

int64_t table_expiry_us(const struct table *t, int64_t now_us)
{
	int64_t first_us = USEC_NEVER;

	for (size_t i = 0; i < t->n_gateways; i++) {
		if (t->gateway[i].expires_at_us > now_us)
			first_us = usec_min(first_us, t->gateway[i].expires_at_us);
	}
	return first_us;
}
