/*
 * Carries out the engine's actions on the data path and watches over what they made.
 *
 *      steer_apply() -> wanted -> steer_change (one batch, one sendmsg)
 *              -> acknowledgements -> held -> INPUT_APPLIED
 *      notification -> 20 ms -> dump -> held; differs from wanted -> INPUT_DRIFT
 *
 * Owner: autonomyd; everything runs in its loop.  steer_state knows what objects there are,
 * steer_kernel reads and sweeps, steer_flows deletes conntrack entries, steer_own ends the
 * router's own connections, steer_ruleset keeps the firewall's rules, steer_sysctl the kernel's
 * settings.
 */
#include "io/steer.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/names.h"
#include "io/log.h"
#include "io/steer_flows.h"
#include "io/steer_kernel.h"
#include "io/steer_own.h"
#include "io/steer_ruleset.h"
#include "io/steer_sysctl.h"

#define VERIFY_AFTER_US (20 * USEC_MS) /* a burst of notifications is looked at once */
#define STALE_AFTER_US (30 * USEC_S)

/* net/if.h and linux/if.h cannot be had together, and only the latter has it */
#define LOWER_UP 0x10000U

struct steer {
	struct inbox *inbox;
	struct config config;
	struct steer_numbers numbers;
	bool objects_known; /* the kernel has nexthop objects */
	bool active;        /* something was asked for; before, nothing is written */

	struct netlink netlink;
	struct netlink_events events;
	struct event *verify, *stale, *adopt;

	struct steer_state wanted, held;
	struct steer_change change;
	uint32_t asked_paths; /* bit mask: an action named it */
	bool asked_class[CLASSES_MAX][FAMILY_COUNT];
	struct action_path last_path[PATHS_MAX]; /* as asked, for another numbering */
	struct action_route last_route[CLASSES_MAX][FAMILY_COUNT];
	struct steer_delegate delegate;
	void (*looked)(void *user);
	void *looked_user;
	uint32_t reported_paths; /* drift was told and nothing done since */
	bool reported_class[CLASSES_MAX][FAMILY_COUNT];

	struct steer_flows flows;
	struct steer_own own;
	struct steer_ruleset ruleset;
	struct steer_sysctl sysctl;
};

static bool uses_objects(const struct steer *s)
{
	return s->objects_known && s->config.nexthop_objects;
}

static void arm(struct event *timer, int64_t wait_us)
{
	struct timeval wait = {.tv_sec = (time_t)(wait_us / USEC_S),
		.tv_usec = (suseconds_t)(wait_us % USEC_S)};

	if (!event_pending(timer, EV_TIMEOUT, NULL))
		event_add(timer, &wait);
}

static int apply_redirects(struct steer *s, enum family family);

static void put_drift(struct steer *s, struct input_drift drift)
{
	/* a full inbox is a busy time; the next verify tells it again */
	inbox_put(s->inbox,
		&(struct input){.kind = INPUT_DRIFT, .now_us = inbox_clock_us(), .drift = drift});
}

static void tell_path_drift(struct steer *s, unsigned path)
{
	uint32_t bit = UINT32_C(1) << path;

	if (!(s->asked_paths & bit) || !steer_path_differs(&s->wanted, &s->held, path)) {
		s->reported_paths &= ~bit;
		return;
	}
	if (s->reported_paths & bit)
		return;
	s->reported_paths |= bit;
	put_drift(s, (struct input_drift){.kind = DRIFT_PATH, .path = (uint8_t)path});
}

static void tell_class_drift(struct steer *s, unsigned class, enum family family)
{
	bool *reported = &s->reported_class[class][family];

	if (!s->asked_class[class][family] ||
		!steer_class_differs(&s->wanted, &s->held, class, family)) {
		*reported = false;
		return;
	}
	if (*reported)
		return;
	*reported = true;
	put_drift(s, (struct input_drift){.kind = DRIFT_CLASS,
			     .class = (uint8_t) class,
			     .family = (uint8_t)family});
}

static void tell_drift(struct steer *s)
{
	for (unsigned path = 0; path < PATHS_MAX; path++)
		tell_path_drift(s, path);
	for (unsigned class = 0; class < CLASSES_MAX; class ++) {
		tell_class_drift(s, class, FAMILY_IPV4);
		tell_class_drift(s, class, FAMILY_IPV6);
	}
}

static void tell_flows_drift(void *user)
{
	put_drift(user, (struct input_drift){.kind = DRIFT_FLOWS});
}

/* These the engine does not know of. */
static void mend_redirects(struct steer *s, enum family family)
{
	int error;

	if (!s->active || !s->asked_class[0][family] ||
		!steer_redirects_differ(&s->wanted, &s->held, family))
		return;
	log_line(LOG_NOTICE, "rules for mwan3's marks were not as we left them: put back");
	error = apply_redirects(s, family);
	if (error)
		log_line(LOG_WARNING, "rules for mwan3's marks: %s", strerror(-error));
}

static void verify_fired(evutil_socket_t fd, short what, void *user)
{
	struct steer *s = user;
	bool objects;
	int error = steer_read(&s->netlink, &s->numbers, &s->held, &objects);

	(void)fd;
	(void)what;
	if (error) {
		log_line(LOG_WARNING, "routes cannot be read back: %s", strerror(-error));
		arm(s->verify, USEC_S);
		return;
	}
	tell_drift(s);
	for (enum family family = FAMILY_IPV4; family < FAMILY_COUNT; family++)
		mend_redirects(s, family);
	if (s->looked)
		s->looked(s->looked_user);
}

static void stale_fired(evutil_socket_t fd, short what, void *user)
{
	struct steer *s = user;
	int error = steer_sweep(&s->netlink, &s->change.batch, &s->numbers, &s->wanted);

	(void)fd;
	(void)what;
	if (error)
		log_line(LOG_WARNING, "left over routes cannot be removed: %s", strerror(-error));
	arm(s->verify, 0);
}

static void take_link(struct steer *s, const struct nlmsghdr *nlh)
{
	struct ifinfomsg info;
	unsigned flags;
	bool up, gone;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(info))
		return;
	memcpy(&info, mnl_nlmsg_get_payload(nlh), sizeof(info));
	flags = info.ifi_flags;
	/* without objects the kernel keeps routes over a device that has lost its carrier */
	up = flags & IFF_UP && (!uses_objects(s) || flags & (IFF_RUNNING | LOWER_UP));
	/* a DELLINK of another family is about a bridge port */
	gone = nlh->nlmsg_type == RTM_DELLINK && info.ifi_family == AF_UNSPEC;
	if ((gone || !up) && steer_lose_device(&s->held, &s->numbers, (uint32_t)info.ifi_index,
				     !(flags & IFF_UP) || gone))
		arm(s->verify, VERIFY_AFTER_US);
}

static void take_lost_address(struct steer *s, const struct nlmsghdr *nlh)
{
	struct ifaddrmsg header;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(header))
		return;
	memcpy(&header, mnl_nlmsg_get_payload(nlh), sizeof(header));
	if (header.ifa_family == AF_INET && steer_lose_address(&s->held, header.ifa_index))
		arm(s->verify, VERIFY_AFTER_US);
}

/* Also one of a kind that is not made here: rules for resolvers are (io/resolver.h). */
static bool is_our_rule(const struct steer *s, const struct nlmsghdr *nlh)
{
	const struct nlattr *attr;
	uint32_t priority = 0;

	NETLINK_FOR_EACH_ATTR(attr, nlh, sizeof(struct fib_rule_hdr))
	{
		if (mnl_attr_get_type(attr) == FRA_PRIORITY)
			(void)steer_attribute_u32(attr, &priority);
	}
	return priority - s->numbers.rule_base < STEER_RULES_SPAN;
}

/* Whether a message speaks of something that has a place of ours, or our protocol number. */
static bool is_ours(struct steer *s, const struct nlmsghdr *nlh)
{
	struct steer_nexthop nexthop;
	struct steer_route route;

	switch (nlh->nlmsg_type) {
	case RTM_NEWNEXTHOP:
	case RTM_DELNEXTHOP:
		return steer_nexthop_parse(nlh, &nexthop) == 0 &&
		       (nexthop.protocol == s->numbers.protocol ||
			       nexthop.id - s->numbers.nexthop_base < STEER_NUMBERS_SPAN);
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		return steer_route_parse(nlh, &route) == 0 &&
		       (route.protocol == s->numbers.protocol ||
			       route.table - s->numbers.table_base < STEER_NUMBERS_SPAN);
	case RTM_NEWRULE:
	case RTM_DELRULE:
		return is_our_rule(s, nlh);
	default:
		return false;
	}
}

static int take_event(const struct nlmsghdr *nlh, void *user)
{
	struct steer *s = user;

	if (nlh->nlmsg_type == RTM_NEWLINK || nlh->nlmsg_type == RTM_DELLINK)
		take_link(s, nlh);
	else if (nlh->nlmsg_type == RTM_DELADDR)
		take_lost_address(s, nlh);
	else if (s->active && nlh->nlmsg_pid != s->netlink.portid && is_ours(s, nlh))
		arm(s->verify, VERIFY_AFTER_US);
	return 0;
}

static void events_lost(void *user)
{
	struct steer *s = user;

	if (s->active)
		arm(s->verify, VERIFY_AFTER_US);
}

static bool leads_over(const struct steer *s, const struct steer_route *route,
	const struct steer_nexthop *group, unsigned path)
{
	const struct steer_route *own = &s->held.link_route[path];

	if (!route->table || !own->table)
		return false;
	if (!route->nexthop_id)
		return own->n && route->hop[0].oif == own->hop[0].oif;
	if (route->nexthop_id == group->id && group->n)
		return group->member[0].id == s->held.nexthop[path].id;
	return route->nexthop_id == s->held.nexthop[path].id;
}

/* The path that an adopted route goes over; PATHS_MAX when that cannot be said. */
static unsigned adopted_path(const struct steer *s, unsigned class, enum family family)
{
	for (unsigned link = 0; link < LINKS_MAX; link++) {
		unsigned path = path_of(link, family);

		if (leads_over(s, &s->held.class_route[class][family],
			    &s->held.group[class][family], path))
			return path;
	}
	return PATHS_MAX;
}

/* After all paths of the start, before the first route. */
static void claim_flows(struct steer *s)
{
	uint32_t address[LINKS_MAX] = {0};

	for (unsigned link = 0; link < LINKS_MAX; link++) {
		const struct action_path *a = &s->last_path[path_of(link, FAMILY_IPV4)];

		if (a->install)
			memcpy(&address[link], a->facts.address, sizeof(address[link]));
	}
	steer_flows_claim(&s->flows, address);
}

/* From the loop, not from steer_new(): by then the engine has been told of the paths, and does not
   take a route for lost because it does not know yet what it goes over. */
static void adopt_fired(evutil_socket_t fd, short what, void *user)
{
	struct steer *s = user;

	(void)fd;
	(void)what;
	if (s->active && s->ruleset.variant)
		claim_flows(s);
	for (unsigned i = 0; i < CLASSES_MAX * FAMILY_COUNT; i++) {
		uint8_t class = (uint8_t)(i / FAMILY_COUNT), family = i % FAMILY_COUNT;
		unsigned path = adopted_path(s, class, (enum family)family);

		if (path == PATHS_MAX || s->asked_class[class][family])
			continue;
		inbox_put(s->inbox, &(struct input){.kind = INPUT_ADOPTED,
					    .now_us = inbox_clock_us(),
					    .adopted = {.class = class,
						    .family = family,
						    .path = (uint8_t)path}});
	}
}

static int open_all(struct steer *s, struct event_base *base)
{
	static const int groups[] = {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_NEXTHOP,
		RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE};
	int error = netlink_open(&s->netlink, NETLINK_ROUTE);

	s->verify = event_new(base, -1, 0, verify_fired, s);
	s->stale = event_new(base, -1, 0, stale_fired, s);
	s->adopt = event_new(base, -1, 0, adopt_fired, s);
	if (!error && (!s->verify || !s->stale || !s->adopt))
		error = -ENOMEM;
	if (!error)
		error = steer_ruleset_init(&s->ruleset, base, &s->config, tell_flows_drift, s);
	if (!error)
		error = steer_flows_init(&s->flows, base, &s->numbers);
	if (!error)
		error = steer_own_init(&s->own, base, &s->change.batch, &s->numbers);
	if (error)
		return error;
	s->events.each = take_event;
	s->events.lost = events_lost;
	s->events.user = s;
	s->events.filter = steer_event_filter(&s->events.n_filter);
	/* before the dump: what happens in between is told */
	return netlink_events_open(&s->events, base, NETLINK_ROUTE, groups,
		sizeof(groups) / sizeof(groups[0]));
}

struct steer *steer_new(struct event_base *base, struct inbox *inbox, const struct config *config,
	struct problem *ret)
{
	struct steer *s = calloc(1, sizeof(*s));
	int error;

	if (!s) {
		problem_set(ret, "steer", 0, "out of memory");
		return NULL;
	}
	s->inbox = inbox;
	s->config = *config;
	s->numbers = steer_numbers(config);
	steer_sysctl_init(&s->sysctl);
	error = open_all(s, base);
	if (!error)
		error = steer_read(&s->netlink, &s->numbers, &s->held, &s->objects_known);
	if (error) {
		problem_set(ret, "rtnetlink", 0, "routes cannot be read: %s; is this root?",
			strerror(-error));
		steer_free(s);
		return NULL;
	}
	arm(s->adopt, 0);
	return s;
}

void steer_free(struct steer *s)
{
	if (!s)
		return;
	if (s->verify)
		event_free(s->verify);
	if (s->stale)
		event_free(s->stale);
	if (s->adopt)
		event_free(s->adopt);
	steer_ruleset_done(&s->ruleset);
	steer_flows_done(&s->flows);
	steer_own_done(&s->own);
	netlink_events_close(&s->events);
	netlink_close(&s->netlink);
	free(s);
}

void steer_set_run_dir(struct steer *s, const char *run_dir)
{
	steer_sysctl_remember(&s->sysctl, run_dir);
}

void steer_set_looked(struct steer *s, void (*looked)(void *user), void *user)
{
	s->looked = looked;
	s->looked_user = user;
}

void steer_set_links(struct steer *s, const struct policy *policy)
{
	steer_ruleset_set_links(&s->ruleset, policy);
}

/* Sends what the change holds and books the answers. */
static int carry_out(struct steer *s)
{
	int error;

	if (!s->change.batch.count)
		return 0;
	(void)netlink_run(&s->netlink, &s->change.batch, NULL, NULL);
	error = steer_change_book(&s->change, &s->held, &s->wanted);
	if (error)
		arm(s->verify, VERIFY_AFTER_US);
	return error;
}

static void begin_activity(struct steer *s)
{
	if (!s->active) {
		arm(s->stale, STALE_AFTER_US);
		arm(s->adopt, 0);
		steer_sysctl_check();
	}
	s->active = true;
	steer_ruleset_activate(&s->ruleset);
}

static int apply_path(struct steer *s, const struct action_path *a)
{
	struct steer_prefix prefix[STEER_PREFIXES_MAX] = {0};
	int error;

	if (a->path >= PATHS_MAX || (a->install && !a->facts.ifindex))
		return -EINVAL;
	if (memcmp(s->last_path[a->path].facts.address, a->facts.address, 16) != 0)
		steer_own_end(&s->own, a->path, s->last_path[a->path].facts.address);
	if (a->install) {
		begin_activity(s);
		steer_read_prefixes(&s->netlink, path_family(a->path), a->facts.ifindex, prefix);
		if (path_family(a->path) == FAMILY_IPV4)
			steer_sysctl_uplink(&s->sysctl, s->ruleset.link[path_link(a->path)].device);
	}
	if (a->install && !s->last_path[a->path].install)
		steer_flows_keep_all(&s->flows, a->path);
	s->asked_paths |= UINT32_C(1) << a->path;
	s->reported_paths &= ~(UINT32_C(1) << a->path);
	s->last_path[a->path] = *a;
	steer_want_path(&s->wanted, &s->numbers, uses_objects(s), a, prefix);
	steer_change_init(&s->change);
	error = steer_change_path(&s->change, &s->numbers, &s->held, &s->wanted, a->path);
	return error ? error : carry_out(s);
}

static bool valid_route(const struct action_route *a)
{
	uint32_t seen = 0;

	if (a->class >= CLASSES_MAX || a->family >= FAMILY_COUNT || a->n > ROUTE_PATHS_MAX)
		return false;
	for (unsigned i = 0; i < a->n; i++) {
		if (a->path[i] >= PATHS_MAX || path_family(a->path[i]) != (enum family)a->family ||
			seen & UINT32_C(1) << a->path[i])
			return false;
		seen |= UINT32_C(1) << a->path[i];
	}
	return true;
}

static int apply_redirects(struct steer *s, enum family family)
{
	struct steer_rule *wanted = s->wanted.redirect[family];
	int error;

	/* what an earlier process left stays until the engine has said what it wants */
	if (s->delegate.redirect && !s->asked_class[0][family])
		return 0;
	memset(wanted, 0, sizeof(s->wanted.redirect[family]));
	if (s->delegate.redirect)
		(void)s->delegate.redirect(s->delegate.user, &s->last_route[0][family], &s->numbers,
			wanted);
	steer_change_init(&s->change);
	error = steer_change_redirects(&s->change, &s->held, &s->wanted, family);
	return error ? error : carry_out(s);
}

static int apply_route(struct steer *s, const struct action_route *a)
{
	int error;

	if (!valid_route(a))
		return -EINVAL;
	error = steer_want_route(&s->wanted, &s->numbers, uses_objects(s), a);
	if (error)
		return error;
	s->asked_class[a->class][a->family] = true;
	s->reported_class[a->class][a->family] = false;
	s->last_route[a->class][a->family] = *a;
	if (a->n > 1)
		steer_sysctl_balance(&s->sysctl);
	for (unsigned i = 0; i < a->n; i++)
		steer_flows_keep(&s->flows, a->path[i], a->class);
	error = a->class ? 0 : apply_redirects(s, (enum family)a->family);
	if (error)
		return error;
	steer_change_init(&s->change);
	error = steer_change_route(&s->change, &s->numbers, &s->held, &s->wanted, a->class,
		(enum family)a->family);
	return error ? error : carry_out(s);
}

static int apply_flows(struct steer *s, const struct action_flows *a, int64_t now_us)
{
	int error;

	if (a->path >= PATHS_MAX || a->class > CLASSES_MAX)
		return -EINVAL;
	/* without a ruleset no flow has a mark, and established ones stay with the route anyway */
	if (!s->ruleset.variant)
		return 0;
	error = steer_flows_delete(&s->flows, a->path, a->class, now_us);
	/* which class a socket is in, nobody knows: they count as class 0 */
	if (a->class == 0 || a->class == CLASSES_MAX)
		steer_own_end(&s->own, a->path, s->last_path[a->path].facts.address);
	return error;
}

int steer_refresh(struct steer *s)
{
	int first = 0;

	for (enum family family = FAMILY_IPV4; family < FAMILY_COUNT && s->active; family++) {
		int error = apply_redirects(s, family);

		first = first ? first : error;
	}
	return first;
}

void steer_move_flows(struct steer *s, unsigned path)
{
	struct action_flows flows = {.path = (uint8_t)path, .class = CLASSES_MAX};

	if (s->active)
		(void)apply_flows(s, &flows, inbox_clock_us());
}

void steer_delegate(struct steer *s, const struct steer_delegate *delegate)
{
	s->delegate = *delegate;
	for (enum family family = FAMILY_IPV4; family < FAMILY_COUNT; family++) {
		if (delegate->redirect && !s->asked_class[0][family])
			delegate->found(delegate->user, &s->numbers, s->held.redirect[family]);
	}
}

void steer_apply(struct steer *s, const struct action *a)
{
	int64_t start_us = inbox_clock_us();
	int64_t end_us;
	int error = 0;

	/* what the kernel dropped by itself a moment ago must not count as installed */
	netlink_events_read(&s->events);
	switch (a->kind) {
	case ACTION_PATH:
		error = apply_path(s, &a->path);
		break;
	case ACTION_ROUTE:
		error = apply_route(s, &a->route);
		break;
	case ACTION_FLOWS:
		error = apply_flows(s, &a->flows, start_us);
		break;
	case ACTION_RELEASE:
		error = steer_release(s);
		break;
	case ACTION_PROBE:
	case ACTION_COUNT:
	case ACTION_KIND_COUNT:
		return;
	}
	end_us = inbox_clock_us();
	inbox_put(s->inbox, &(struct input){.kind = INPUT_APPLIED,
				    .now_us = end_us,
				    .applied = {.action = a->seq,
					    .error = -error,
					    .took_us = (uint32_t)(end_us - start_us)}});
}

int steer_release(struct steer *s)
{
	int first = steer_sweep(&s->netlink, &s->change.batch, &s->numbers, NULL);
	int error = steer_ruleset_remove(&s->ruleset);

	steer_sysctl_restore(&s->sysctl);
	steer_flows_forget(&s->flows);
	event_del(s->stale);
	event_del(s->verify);
	s->active = false;
	s->asked_paths = 0;
	s->reported_paths = 0;
	memset(s->asked_class, 0, sizeof(s->asked_class));
	memset(s->reported_class, 0, sizeof(s->reported_class));
	memset(&s->wanted, 0, sizeof(s->wanted));
	memset(&s->held, 0, sizeof(s->held));
	return first ? first : error;
}

static bool same_numbers(const struct steer_numbers *a, const struct steer_numbers *b)
{
	return a->table_base == b->table_base && a->rule_base == b->rule_base &&
	       a->nexthop_base == b->nexthop_base && a->link_mask == b->link_mask &&
	       a->class_mask == b->class_mask && a->foreign_mask == b->foreign_mask &&
	       a->protocol == b->protocol;
}

/* Asks for everything once more; what is there already costs nothing. */
static int apply_all_again(struct steer *s)
{
	int first = 0;

	for (unsigned path = 0; path < PATHS_MAX; path++) {
		struct action_path last = s->last_path[path];
		int error = 0;

		if (s->asked_paths & UINT32_C(1) << path && last.install)
			error = apply_path(s, &last);
		first = first ? first : error;
	}
	for (unsigned i = 0; i < CLASSES_MAX * FAMILY_COUNT; i++) {
		unsigned class = i / FAMILY_COUNT, family = i % FAMILY_COUNT;
		struct action_route last = s->last_route[class][family];
		int error = 0;

		if (s->asked_class[class][family])
			error = apply_route(s, &last);
		first = first ? first : error;
	}
	return first;
}

/* Installs everything under the new numbers before what is under the old ones goes: no packet
   finds nothing. */
static int renumber(struct steer *s, const struct steer_numbers *old)
{
	bool objects;
	int error;

	memset(&s->wanted, 0, sizeof(s->wanted));
	s->flows.numbers = s->numbers;
	s->own.link_mask = s->numbers.link_mask;
	steer_flows_forget(&s->flows);
	error = steer_read(&s->netlink, &s->numbers, &s->held, &objects);
	if (error || !s->active)
		return error;
	error = apply_all_again(s);
	if (!error)
		error = steer_sweep(&s->netlink, &s->change.batch, &s->numbers, &s->wanted);
	if (!error && old->protocol != s->numbers.protocol)
		error = steer_sweep(&s->netlink, &s->change.batch, old, NULL);
	return error;
}

int steer_configure(struct steer *s, const struct config *config, struct problem *ret)
{
	struct steer_numbers old = s->numbers;
	bool used_objects = uses_objects(s);
	int error = 0;

	s->config = *config;
	s->numbers = steer_numbers(config);
	if (!same_numbers(&old, &s->numbers) || used_objects != uses_objects(s))
		error = renumber(s, &old);
	if (error) {
		problem_set(ret, "rtnetlink", 0,
			"routes cannot be moved to the new numbers: %s; restart with `autonomyctl "
			"release` before",
			strerror(-error));
		return error;
	}
	return steer_ruleset_configure(&s->ruleset, ret);
}
