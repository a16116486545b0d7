/*
 * What OpenWrt's netifd says of its interfaces, as far as it matters for uplinks: names, devices, gateways that it keeps
 * out of the kernel, resolvers.  Pure: JSON in (network.interface dump), plain structs out; no bus, no clock.  Nothing in
 * it is trusted: what is malformed, too long or too much is left out.
 */
#pragma once

#include <json-c/json.h>

#include "core/policy.h"

#define NETIFD_INTERFACES_MAX 32
#define NETIFD_SERVERS_MAX 4 /* resolvers of one interface */
#define NETIFD_WORD_SIZE 24

struct netifd_server {
	uint8_t family; /* enum family */
	uint8_t address[16];
};

struct netifd_interface {
	char name[NAME_SIZE];
	char proto[NETIFD_WORD_SIZE];
	char device[DEVICE_SIZE]; /* that it is configured on; "": none, or not a kernel device */
	/* that packets leave by: now, or when it was up last, or will by what is known; "": not known */
	char l3_device[DEVICE_SIZE];
	bool up, dynamic;
	uint32_t metric;
	/* default routes that are not in the kernel's table main: defaultroute 0, ip4table; zero: on link */
	bool held_back[FAMILY_COUNT];
	uint8_t gateway[FAMILY_COUNT][16];
	uint8_t n_servers;
	struct netifd_server server[NETIFD_SERVERS_MAX]; /* none while it is down */
};

struct netifd_table {
	uint8_t n;
	uint16_t
		left_out; /* interfaces and resolvers for which there was no room, or that were malformed */
	struct netifd_interface interface[NETIFD_INTERFACES_MAX];
};

/*
 * reply: of network.interface dump.  before (may be NULL, may be ret) is what was known: an interface that
 * is down keeps the l3_device it had.  -EINVAL when it is no such reply; ret is untouched then.
 */
int netifd_read(struct json_object *reply, const struct netifd_table *before,
	struct netifd_table *ret);

bool netifd_is_same(const struct netifd_table *a, const struct netifd_table *b);

/* NULL: there is none. */
const struct netifd_interface *netifd_find(const struct netifd_table *t, const char *name);

/*
 * The interface that a device is called after, NULL: none.  Of several on one device (wan and wan6, an alias, the
 * children wwan_4 and wwan_6 of a modem's) one that was configured, then one that is not IPv6 alone, then the first.
 */
const struct netifd_interface *netifd_owner(const struct netifd_table *t, const char *device);

/* A default route through the device that only netifd knows of; false: there is none. */
bool netifd_gateway(const struct netifd_table *t, const char *device, enum family family,
	uint8_t ret[16], uint32_t *ret_metric);
