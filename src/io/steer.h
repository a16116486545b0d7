/*
 * The data path: makes the kernel hold what the engine planned, over rtnetlink, and says what the
 * kernel answered.
 *
 *   nexthop  of a path    id nexthop_base + 1 + path
 *   group    of a class   id nexthop_base + 64 + class * FAMILY_COUNT + family, when it balances
 *   table    of a link    table_base + 1 + link, in each family: default route, on-link prefixes
 *   table    of a class   table_base + 64 + class, in each family: default route
 *   mark     of a link    (link + 1) << mark_shift: the lowest five bits of mark_mask
 *   mark     of a class   class << class_shift: the two bits of mark_mask above; class 0 has none
 *   rules    rule_base + link          fwmark of a link -> table of that link
 *            rule_base + 100           main, suppress_prefixlength 0
 *            rule_base + 200 + class   fwmark of a class but 0 -> table of that class
 *            rule_base + 204           everything else -> table of class 0
 *            rule_base + 210 + number  another program's mark -> another of its tables (io/mwan3.h);
 *                                      the rules for main and class 0 then leave its marks alone
 *
 * A switch is one RTM_NEWROUTE replace in the class table, onto the path's nexthop object or,
 * when the class balances, onto its group (docs/adr/0005: why not a group of one).  Without
 * nexthop objects (kernel < 5.3, found out at start, or forced by configuration) the route holds
 * its hops itself.  All that we make carries the configured protocol number: what has it is ours,
 * nothing else is touched.  After a restart what is found there is adopted: an action that asks
 * for what the kernel already holds changes nothing, and each route that was found leaves one
 * INPUT_ADOPTED.  What nobody has asked for 30 s after the first installation is taken out.
 *
 * Every ACTION_PATH, ACTION_ROUTE, ACTION_FLOWS and ACTION_RELEASE leaves one INPUT_APPLIED in
 * the inbox; the kernel's notifications about our objects (RTNLGRP_NEXTHOP, _ROUTE, _RULE) that
 * we did not cause, and carriers that go, make it compare the kernel with what the actions asked
 * for; what differs leaves INPUT_DRIFT.  Nothing is written before the first action.
 */
#pragma once

#include <event2/event.h>

#include "config/config.h"
#include "core/output.h"
#include "io/inbox.h"
#include "io/mark.h" /* steer_mark(), shared with the probes */
#include "io/steer_numbers.h"
#include "io/steer_object.h"

struct steer;

/* config is copied.  NULL with ret filled. */
struct steer *steer_new(struct event_base *base, struct inbox *inbox, const struct config *config,
	struct problem *ret);
void steer_free(struct steer *s); /* leaves the kernel as it is */

/* A directory for what a successor process must know (kernel settings as they were); call
   once, before the first action. */
void steer_set_run_dir(struct steer *s, const char *run_dir);

/* Class matchers, mark masks, firewall variant ... changed.  -errno with ret filled when the
   system refuses. */
int steer_configure(struct steer *s, const struct config *config, struct problem *ret);

/* looked(user) is called when something of ours may have been changed by others, after the kernel's state has been
   read back: what others keep in the same ranges may have gone too. */
void steer_set_looked(struct steer *s, void (*looked)(void *user), void *user);

/* The links' devices, for the ruleset's device -> mark map; call when the policy changed. */
void steer_set_links(struct steer *s, const struct policy *policy);

void steer_apply(struct steer *s, const struct action *a);

/*
 * Who makes rules for another program's marks of the route of class 0.  redirect fills ret and returns
 * how many; found is told, once at the start, which rules an earlier process left.
 */
struct steer_delegate {
	unsigned (*redirect)(void *user, const struct action_route *route,
		const struct steer_numbers *numbers, struct steer_rule ret[STEER_REDIRECTS_MAX]);
	void (*found)(void *user, const struct steer_numbers *numbers,
		const struct steer_rule held[STEER_REDIRECTS_MAX]);
	void *user;
};

/* From the next steer_configure() or steer_refresh() on; redirect NULL: no such rules. */
void steer_delegate(struct steer *s, const struct steer_delegate *delegate);

/* The delegate's rules may have to be others.  0 or -errno. */
int steer_refresh(struct steer *s);

/* Every flow of the path starts anew. */
void steer_move_flows(struct steer *s, unsigned path);

/* Removes everything of ours (also what an earlier process left, found by protocol number, nft
   table or iptables chains).  0 or -errno of the first thing that could not be removed. */
int steer_release(struct steer *s);
