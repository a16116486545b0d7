/*
 * Name resolution follows the links: the resolvers that a link brought along (netifd's dns-server) are asked over that
 * link, and not at all while it does not work.
 *
 *   netifd_table, health of paths -> list of resolvers -+-> rules: to RESOLVER lookup the link's table
 *                                                       `-> dns_file: lines of dead links' resolvers become comments
 *
 * The rules (one priority, our protocol number) are for resolvers that exactly one link has: a provider's refuses or does
 * not get what comes over another's line.  They are for the machine's own queries, which is what a LAN's are once dnsmasq
 * passes them on; to a private address, which is behind no other link either, for all.
 *
 * The file is the one that netifd writes and dnsmasq follows (by inotify), so nothing is restarted.  netifd writes it anew
 * whenever an interface changes; that is seen by inotify, and what has to be is taken out again.  Never so many that none
 * is left.  Who has no netifd has no such list: nothing is done there.
 */
#pragma once

#include <event2/event.h>
#include <json-c/json.h>

#include "config/config.h"
#include "io/netifd_table.h"

struct resolver;

/* NULL: out of memory. */
struct resolver *resolver_new(struct event_base *base);
void resolver_free(struct resolver *r); /* leaves everything as it is */

struct resolver_state {
	const struct config *config; /* dns, dns_file, and our numbers in the kernel */
	const struct netifd_table *interfaces;
	const struct policy *policy; /* which device is which link */
	uint32_t working;            /* bit mask of paths */
	bool steering; /* false: nothing is touched; what was done before is taken back */
};

/* Something of this is new.  Does what differs; nothing of it is kept. */
void resolver_update(struct resolver *r, const struct resolver_state *state);

/* Its rules may have been deleted by somebody: the next update looks. */
void resolver_doubt(struct resolver *r);

/* Adds "dns", the link's resolvers and whether they are asked, to a link's JSON. */
void resolver_show(const struct resolver *r, unsigned link, struct json_object *to);

/* Takes everything of ours back, also what an earlier process left.  0 or the first -errno. */
int resolver_release(const struct config *config);
