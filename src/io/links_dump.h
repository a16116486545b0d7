/* Asking the kernel for all it holds, into a struct table. */
#pragma once

#include "io/links_table.h"
#include "io/netlink.h"

struct links_dump {
	struct netlink *netlink;
	uint8_t own_protocol; /* routes of steer do not count */
	/* Whether a device is to be kept whatever its routes are. */
	bool (*wanted)(void *user, const struct kernel_device *device);
	void *user;
};

/*
 * Routes alone; devices and addresses stay.  0; -EINTR: asked several times, the kernel's state
 * never came to rest; what came last was taken, ask again some time later; or another -errno, and t
 * is as it was.
 */
int links_dump_routes(const struct links_dump *d, struct table *t, int64_t now_us);

/* The same for everything. */
int links_dump_all(const struct links_dump *d, struct table *t, int64_t now_us);
