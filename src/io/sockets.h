/*
 * The router's own TCP connections that can no longer work, because they began on a link that is
 * given up: they are aborted (SOCK_DESTROY, Linux 4.5 with CONFIG_INET_DIAG_DESTROY), so that
 * their programs learn of it now and not when a keepalive ends.  Connections of listening ports
 * are left to their far end, sockets with one of our marks to the probes.
 */
#pragma once

#include "core/policy.h"
#include "io/netlink.h"

struct sockets;

struct sockets *sockets_new(void); /* NULL with errno */
void sockets_free(struct sockets *s);

/*
 * Aborts established connections from this address (as in struct path_facts) whose socket mark
 * has none of the bits of spared_mask.  batch: room to work in.  Returns how many, 0 where the
 * kernel cannot do it, or -errno.
 */
int sockets_abort(struct sockets *s, struct netlink_batch *batch, enum family family,
	const uint8_t address[16], uint32_t spared_mask);
