/*
 * What the kernel holds, as far as it matters for uplinks, and what follows from it for one path.
 * Pure: filled from links_kernel.h, no sockets, no clock.  Only devices that are uplinks or may
 * become one are kept; addresses of other devices only where an uplink's route asks for sources
 * from their prefix (delegated IPv6 prefixes on the LAN).
 */
#pragma once

#include <stddef.h>

#include "core/input.h"
#include "io/links_kernel.h"

#define TABLE_DEVICES_MAX 32
#define TABLE_ADDRESSES_MAX 128
#define TABLE_GATEWAYS_MAX 64
#define TABLE_NEXTHOPS_MAX 32

/* One leg of one default route. */
struct table_gateway {
	uint8_t family; /* enum family */
	uint8_t preference, source_bits;
	bool has_prefsrc, expires;
	uint32_t ifindex, metric, mtu;
	uint8_t gateway[16], source[16], prefsrc[16];
	int64_t expires_at_us;
};

struct table {
	size_t n_devices, n_addresses, n_gateways, n_nexthops;
	struct kernel_device device[TABLE_DEVICES_MAX];
	struct kernel_address address[TABLE_ADDRESSES_MAX];
	struct table_gateway gateway[TABLE_GATEWAYS_MAX];
	uint32_t nexthop[TABLE_NEXTHOPS_MAX]; /* objects that default routes depend on */
	uint64_t full;                        /* things left out because a table above was full */
};

void table_clear(struct table *t);

const struct kernel_device *table_device_named(const struct table *t, const char *name);
const struct kernel_device *table_device_numbered(const struct table *t, uint32_t ifindex);

/* Adds or overwrites; a partial one leaves what it does not tell.  A number that comes back under
   another name, or a name under another number, replaces. */
void table_set_device(struct table *t, const struct kernel_device *device);
void table_remove_device(struct table *t, uint32_t ifindex); /* with its addresses and gateways */

void table_set_address(struct table *t, const struct kernel_address *address);
void table_remove_address(struct table *t, const struct kernel_address *address);

/* Routes are never changed one by one: see links.c. */
void table_clear_gateways(struct table *t);
void table_add_gateway(struct table *t, const struct kernel_route *route,
	const struct kernel_leg *leg, int64_t now_us);
void table_take_gateways(struct table *t, const struct table *from); /* with the nexthops */
/*
 * The kernel tells in hundredths of a second when a route runs out, and 0 for never; so in its last
 * hundredth it seems to live for ever.  Gives such routes in t the time that was known of them
 * before.
 */
void table_keep_expiries(struct table *t, const struct table *before, int64_t now_us);

void table_drop_gateways(struct table *t, uint32_t ifindex); /* a device that is down has none */

/* Remembers that default routes depend on this nexthop object. */
void table_add_nexthop(struct table *t, uint32_t id);
bool table_has_nexthop(const struct table *t, uint32_t id);

/* Whether some default route goes through the device, and the least metric of those. */
bool table_has_gateway(const struct table *t, uint32_t ifindex, uint32_t *ret_metric);

/* Whether an address lies in a prefix that some IPv6 default route asks its sources from. */
bool table_wants_source(const struct table *t, const struct kernel_address *address);

/*
 * The facts of a device in one family; device NULL or down: all zero.  was is what was said last:
 * of equal gateways or addresses the one in use stays.  ret may be was.
 */
void table_facts(const struct table *t, const struct kernel_device *device, enum family family,
	const struct path_facts *was, int64_t now_us, struct path_facts *ret);

/* When the next route runs out, USEC_NEVER if none does. */
int64_t table_expiry_us(const struct table *t, int64_t now_us);
