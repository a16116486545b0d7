/* Keeps the firewall ruleset in the kernel; see steer_ruleset.h. */
#include "io/steer_ruleset.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <string.h>

#include "base/usec.h"
#include "io/inbox.h"
#include "io/log.h"
#include "io/steer_numbers.h"

#define CHECK_AFTER_US (20 * USEC_MS) /* a burst of notifications is looked at once */
#define TELL_EVERY_US USEC_S
#define LOOK_EVERY_S 3

static void arm(struct steer_ruleset *r, int64_t wait_us)
{
	struct timeval wait = {.tv_sec = (time_t)(wait_us / USEC_S),
		.tv_usec = (suseconds_t)(wait_us % USEC_S)};

	if (!event_pending(r->timer, EV_TIMEOUT, NULL))
		event_add(r->timer, &wait);
}

static uint32_t fingerprint(const struct steer_ruleset *r)
{
	return r->variant && r->variant->fingerprint ? r->variant->fingerprint() : 0;
}

/* Notifications that our own change caused are read and forgotten. */
static void forget_events(struct steer_ruleset *r)
{
	r->fingerprint = fingerprint(r);
	if (!r->events.event)
		return;
	r->ignores_events = true;
	netlink_events_read(&r->events);
	r->ignores_events = false;
}

static int install(struct steer_ruleset *r, struct problem *ret)
{
	int64_t start_us = inbox_clock_us();
	int error;

	r->gone = false;
	r->old = false;
	if (!r->variant || r->variant->present(r->config, r->link))
		return 0;
	error = r->variant->install(r->config, r->link, ret);
	forget_events(r);
	if (!error)
		log_line(LOG_INFO, "%s: ruleset installed in %lld us", r->variant->name,
			(long long)(inbox_clock_us() - start_us));
	return error;
}

static void install_or_say(struct steer_ruleset *r)
{
	struct problem problem = {0};

	if (install(r, &problem) < 0)
		log_line(LOG_WARNING, "%s: %s; established flows cannot be moved", problem.place,
			problem.text);
}

static void timer_fired(evutil_socket_t fd, short what, void *user)
{
	struct steer_ruleset *r = user;
	int64_t now_us = inbox_clock_us();

	(void)fd;
	(void)what;
	if (r->old && r->active)
		install_or_say(r);
	if (!r->active || r->gone || !r->variant || r->variant->present(r->config, r->link))
		return;
	if (r->told_us && now_us - r->told_us < TELL_EVERY_US) {
		arm(r, TELL_EVERY_US - (now_us - r->told_us));
		return;
	}
	log_line(LOG_NOTICE, "%s: somebody removed our rules", r->variant->name);
	r->gone = true;
	r->told_us = now_us;
	r->lost(r->user);
}

static void look(evutil_socket_t fd, short what, void *user)
{
	struct steer_ruleset *r = user;
	uint32_t now = fingerprint(r);

	(void)fd;
	(void)what;
	if (now == r->fingerprint)
		return;
	r->fingerprint = now;
	arm(r, 0);
}

/* Only for tables that notify nobody. */
static void look_from_time_to_time(struct steer_ruleset *r)
{
	static const struct timeval every = {.tv_sec = LOOK_EVERY_S};

	r->fingerprint = fingerprint(r);
	if (r->fingerprint)
		event_add(r->look, &every);
	else
		event_del(r->look);
}

/* Table `inet autonomy`, or a chain of ours in another program's table. */
static bool names_ours(const struct nlmsghdr *nlh)
{
	const struct nlattr *attr;
	unsigned type = nlh->nlmsg_type & 0xff;
	/* the same numbers in all three */
	_Static_assert(NFTA_TABLE_NAME == 1 && NFTA_CHAIN_TABLE == 1 && NFTA_RULE_TABLE == 1, "");

	NETLINK_FOR_EACH_ATTR(attr, nlh, sizeof(struct nfgenmsg))
	{
		unsigned at = mnl_attr_get_type(attr);
		bool chain = (type == NFT_MSG_DELCHAIN && at == NFTA_CHAIN_NAME) ||
			     (type == NFT_MSG_DELRULE && at == NFTA_RULE_CHAIN);

		if ((at != 1 && !chain) || mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) < 0)
			continue;
		if (at == 1 && strcmp(mnl_attr_get_str(attr), "autonomy") == 0)
			return true;
		if (chain && strncmp(mnl_attr_get_str(attr), "AUTONOMY-", 9) == 0)
			return true;
	}
	return false;
}

static int take_event(const struct nlmsghdr *nlh, void *user)
{
	struct steer_ruleset *r = user;
	unsigned type = nlh->nlmsg_type & 0xff;

	if (r->ignores_events || nlh->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES)
		return 0;
	if ((type == NFT_MSG_DELTABLE || type == NFT_MSG_DELCHAIN || type == NFT_MSG_DELRULE) &&
		names_ours(nlh))
		arm(r, CHECK_AFTER_US);
	return 0;
}

static void lost_events(void *user)
{
	arm(user, CHECK_AFTER_US);
}

static void listen_to_changes(struct steer_ruleset *r)
{
	static const int groups[] = {NFNLGRP_NFTABLES};

	if (r->events.event)
		return;
	r->events.each = take_event;
	r->events.lost = lost_events;
	r->events.user = r;
	/* without notifications a loss is not noticed, but everything else works */
	if (netlink_events_open(&r->events, r->base, NETLINK_NETFILTER, groups, 1) < 0)
		log_line(LOG_INFO, "nftables: no notifications");
}

int steer_ruleset_init(struct steer_ruleset *r, struct event_base *base,
	const struct config *config, void (*lost)(void *user), void *user)
{
	memset(r, 0, sizeof(*r));
	r->base = base;
	r->config = config;
	r->lost = lost;
	r->user = user;
	r->timer = event_new(base, -1, 0, timer_fired, r);
	r->look = event_new(base, -1, EV_PERSIST, look, r);
	return r->timer && r->look ? 0 : -ENOMEM;
}

void steer_ruleset_done(struct steer_ruleset *r)
{
	if (r->timer)
		event_free(r->timer);
	r->timer = NULL;
	if (r->look)
		event_free(r->look);
	r->look = NULL;
	netlink_events_close(&r->events);
}

static bool fill_links(struct steer_ruleset *r, const struct policy *policy)
{
	struct steer_numbers numbers = steer_numbers(r->config);
	struct firewall_link link[LINKS_MAX] = {0};

	for (unsigned i = 0; i < LINKS_MAX; i++) {
		if (!(policy->links & UINT32_C(1) << i) || !policy->link[i].device[0])
			continue;
		snprintf(link[i].device, sizeof(link[i].device), "%s", policy->link[i].device);
		link[i].mark = steer_link_mark(&numbers, i);
	}
	if (memcmp(link, r->link, sizeof(link)) == 0)
		return false;
	memcpy(r->link, link, sizeof(link));
	return true;
}

void steer_ruleset_set_links(struct steer_ruleset *r, const struct policy *policy)
{
	static const struct timeval soon = {0};

	if (!fill_links(r, policy))
		return;
	r->old = true;
	if (r->active)
		event_add(r->timer, &soon);
}

static void choose(struct steer_ruleset *r)
{
	bool automatic = r->config->firewall == CONFIG_FIREWALL_AUTO;

	/* what an earlier process chose need not be tried out again */
	if (automatic && firewall_nft.present(r->config, r->link))
		r->variant = &firewall_nft;
	else
		r->variant = firewall_choose(r->config);
	if (r->variant != &firewall_nft)
		(void)firewall_nft.remove(NULL);
	if (!r->variant && r->config->firewall != CONFIG_FIREWALL_NONE && !r->said_none) {
		r->said_none = true;
		log_line(LOG_WARNING, "neither nftables nor iptables works here: established flows "
				      "cannot be moved");
	}
}

void steer_ruleset_activate(struct steer_ruleset *r)
{
	if (r->active && !r->gone)
		return;
	r->active = true;
	choose(r);
	listen_to_changes(r);
	install_or_say(r);
	look_from_time_to_time(r);
}

int steer_ruleset_configure(struct steer_ruleset *r, struct problem *ret)
{
	const struct firewall_ops *old = r->variant;
	struct steer_numbers numbers = steer_numbers(r->config);
	int error;

	for (unsigned i = 0; i < LINKS_MAX; i++) {
		if (r->link[i].mark)
			r->link[i].mark = steer_link_mark(&numbers, i);
	}
	if (!r->active)
		return 0;
	choose(r);
	error = old && old != r->variant ? old->remove(ret) : 0;
	if (error)
		return error;
	error = install(r, ret);
	look_from_time_to_time(r);
	return error;
}

int steer_ruleset_remove(struct steer_ruleset *r)
{
	struct problem problem = {0};
	int first, error;

	r->active = false;
	event_del(r->look);
	first = firewall_nft.remove(&problem);
	error = firewall_ipt.remove(&problem);
	first = first ? first : error;
	if (first)
		log_line(LOG_WARNING, "%s: %s", problem.place, problem.text);
	forget_events(r);
	return first;
}
