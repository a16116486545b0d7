/*
 * Which uplinks there are.  Facts come from the kernel: devices, carrier, addresses, default routes
 * of table main, both families, by rtnetlink notifications (never by polling; a lost notification,
 * ENOBUFS, makes it dump again).  Names come from netifd where there is one, and gateways that it
 * keeps out of table main.
 *
 *   rtnetlink -> table (facts by device) --+-> slot -> INPUT_PATH for each path whose facts changed
 *   netifd_table ---------------------------'
 *
 * A device becomes a link when the configuration names it, or (zero configuration) when a default
 * route in table main goes through it.  It then keeps its slot for good; slots are remembered in
 * <run_dir>/slots so that a successor process adopts tables, nexthops and marks instead of
 * rebuilding them.  Our own routes (protocol number of steer) and devices such as lo never count.
 */
#pragma once

#include <event2/event.h>

#include "config/config.h"
#include "io/inbox.h"
#include "io/links_kind.h"
#include "io/netifd_table.h"

struct links;

/*
 * Opens the sockets, reads <run_dir>/slots, does the first dump.  NULL with errno set.
 * changed(user) is called (from the loop, or from within links_new/links_configure) when the set of
 * slots or their names, guessed kinds or ranks changed and the policy has to be built again with
 * links_fill_policy().  It can only take note: links_new() may not have returned.  Whoever empties
 * the inbox builds the policy first, for INPUT_PATHs of new links lie in it by then.
 */
struct links *links_new(struct event_base *base, struct inbox *inbox, const char *run_dir,
	const struct config *config, void (*changed)(void *user), void *user);
void links_free(struct links *l);

/* A new configuration: names, enabled flags and order may differ.  The config must live until the
   next call. */
void links_configure(struct links *l, const struct config *config);

/* netifd's interfaces, or others than before; they must live until the next call. */
void links_set_interfaces(struct links *l, const struct netifd_table *interfaces);

/*
 * Fills policy->link[], ->links: configured links first, then discovered ones with guessed kind
 * and default values.  A preference that is not configured follows the metric of the kernel's
 * default route: 0 for the lowest, then -10, -20 ...
 */
void links_fill_policy(const struct links *l, struct policy *policy);

/*
 * Asks the kernel for the state of these links' devices (bit mask of slots) now: one sendmsg().
 * For when something makes their carrier doubtful: the kernel announces carrier changes of hardware
 * at most once a second (net/core/link_watch.c), so the second of two unplugged cables may be told
 * of a second late, while the state itself is there at once.
 */
void links_look(struct links *l, uint32_t slots);

/* What the kind of a link was guessed from; NULL when the slot is not in use. */
const struct kind_evidence *links_evidence(const struct links *l, unsigned slot);

struct links_stats {
	uint64_t messages;  /* notifications that were of interest */
	uint64_t malformed; /* or not from the kernel */
	uint64_t overruns;  /* notifications lost by the kernel for lack of room */
	uint64_t dumps;
	uint64_t left_out; /* devices, addresses or routes for which there was no room */
};

void links_stats(const struct links *l, struct links_stats *ret);

/* Facts as last sent; NULL when the slot or the device is unknown. */
const struct path_facts *links_facts(const struct links *l, unsigned path);
