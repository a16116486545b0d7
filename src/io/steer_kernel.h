/* The kernel's side of the data path: reads what is there, and takes out what is not wanted. */
#pragma once

#include "io/steer_state.h"

/* Drops notifications of routes in tables local and main: none of them is ours, and there can be
   many. */
const struct sock_filter *steer_event_filter(unsigned short *ret_n);

/* What the kernel holds of ours under these numbers.  ret_objects: false when it has no
   nexthop objects.  0 or -errno, both untouched then. */
int steer_read(struct netlink *netlink, const struct steer_numbers *n, struct steer_state *ret,
	bool *ret_objects);

/* The prefixes of the device's addresses: what is on the link itself.  ret is zeroed where
   there are no more; nothing is known after a failure. */
void steer_read_prefixes(struct netlink *netlink, enum family family, uint32_t ifindex,
	struct steer_prefix ret[STEER_PREFIXES_MAX]);

/*
 * Deletes every rule, route and nexthop with our protocol number that wanted has no place for,
 * under whatever numbers it was installed; all of them when wanted is NULL.  Rules go first, so
 * that traffic is on main before anything else goes. 0 or the first -errno.
 */
int steer_sweep(struct netlink *netlink, struct netlink_batch *batch, const struct steer_numbers *n,
	const struct steer_state *wanted);
