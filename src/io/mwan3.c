/* Rules for mwan3's marks; see mwan3.h. */
#include "io/mwan3.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/usec.h"
#include "core/names.h"
#include "io/file_watch.h"
#include "io/links_follow.h"
#include "io/log.h"
#include "io/netlink.h"

/* mwan3's rules: base + number of the interface. */
#define RULE_IN 1000   /* iif DEVICE lookup NUMBER */
#define RULE_MARK 2000 /* fwmark MARK/MASK lookup NUMBER */
#define RULE_END 4000

#define OUR_RULE_BASE 600 /* before all of them */

#define SETTLE_US (20 * USEC_MS)  /* mwan3 sets its rules one after the other */
#define REMEMBER_US (15 * USEC_S) /* a restart takes seconds; meanwhile it counts as there */
#define DUMP_TRIES 3

struct interface_seen {
	bool marked;              /* its mark leads to its table */
	char device[DEVICE_SIZE]; /* "": no packets from there have a rule */
};

struct mwan3 {
	char file_name[CONFIG_PATH_SIZE];
	struct stat file_stat;
	enum config_mode mode;
	uint32_t own_mask; /* our mark_mask */
	void (*changed)(void *user);
	void *user;
	struct netlink netlink;
	struct netlink_events events;
	struct event *timer;

	bool configured; /* the file could be read, and its bits are not ours */
	struct mwan3_config file;
	struct interface_seen seen[MWAN3_INTERFACES_MAX];
	bool present;
	int64_t gone_us; /* 0: it never was there */
	bool settling;   /* the timer is about rules that change */
	bool told_there; /* when the policy was filled */

	uint8_t link[MWAN3_INTERFACES_MAX]; /* slot; LINKS_MAX: not one of ours */
	int32_t preference[LINKS_MAX];
	uint8_t health[PATHS_MAX];
	uint32_t shared, targets[FAMILY_COUNT]; /* bit masks of slots: as told last; of our rules */
	uint32_t avoided, dead;                 /* bit masks of paths; dead: not told yet */
	uint32_t routed;                        /* of the engine's route before */
	uint64_t found; /* bit mask of interface numbers that an earlier process avoided */
	struct steer_rule rule[FAMILY_COUNT]
			      [STEER_REDIRECTS_MAX]; /* as asked for last, to be shown */
};

/* It has gone a moment ago: a restart. */
static bool recent(const struct mwan3 *m)
{
	return !m->present && m->gone_us && inbox_clock_us() - m->gone_us < REMEMBER_US;
}

static bool is_there(const struct mwan3 *m)
{
	return m->present || recent(m);
}

/* A rule as far as mwan3's differ from each other. */
struct foreign_rule {
	uint32_t priority, table, mark, mask;
	uint8_t family;
	char in[DEVICE_SIZE];
};

static bool parse_rule(const struct nlmsghdr *nlh, struct foreign_rule *ret)
{
	const struct nlattr *attr;
	struct fib_rule_hdr header;
	enum family family;

	memset(ret, 0, sizeof(*ret));
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(header))
		return false;
	memcpy(&header, mnl_nlmsg_get_payload(nlh), sizeof(header));
	if (steer_family(header.family, &family) < 0)
		return false;
	ret->family = (uint8_t)family;
	ret->table = header.action == FR_ACT_TO_TBL ? header.table : 0;
	NETLINK_FOR_EACH_ATTR(attr, nlh, sizeof(header))
	{
		switch (mnl_attr_get_type(attr)) {
		case FRA_PRIORITY:
			(void)steer_attribute_u32(attr, &ret->priority);
			break;
		case FRA_TABLE:
			(void)steer_attribute_u32(attr, &ret->table);
			break;
		case FRA_FWMARK:
			(void)steer_attribute_u32(attr, &ret->mark);
			break;
		case FRA_FWMASK:
			(void)steer_attribute_u32(attr, &ret->mask);
			break;
		case FRA_IIFNAME:
			if (mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0)
				snprintf(ret->in, sizeof(ret->in), "%s", mnl_attr_get_str(attr));
			break;
		default: /* of no interest here */
			break;
		}
	}
	return true;
}

struct reading {
	const struct mwan3_config *file;
	struct interface_seen *seen;
};

static int see_rule(const struct nlmsghdr *nlh, void *user)
{
	const struct reading *r = user;
	struct foreign_rule rule;
	uint32_t number;

	if (nlh->nlmsg_type != RTM_NEWRULE || !parse_rule(nlh, &rule))
		return 0;
	number = rule.table;
	if (!number || number > r->file->n_interfaces ||
		r->file->interface[number - 1].family != rule.family)
		return 0;
	if (rule.priority == RULE_IN + number)
		memcpy(r->seen[number - 1].device, rule.in, sizeof(rule.in));
	if (rule.priority == RULE_MARK + number && rule.mask == r->file->mask &&
		rule.mark == mwan3_mark(rule.mask, number))
		r->seen[number - 1].marked = true;
	return 0;
}

/* What mwan3 has set up; true when that is other than before. */
static bool look(struct mwan3 *m)
{
	struct interface_seen seen[MWAN3_INTERFACES_MAX] = {0};
	struct reading r = {&m->file, seen};
	bool present = false, differs;

	for (enum family family = FAMILY_IPV4; m->configured && family < FAMILY_COUNT; family++) {
		struct fib_rule_hdr header = {.family = steer_af(family)};

		for (unsigned i = 0; i < DUMP_TRIES; i++) {
			if (netlink_dump(&m->netlink, RTM_GETRULE, &header, sizeof(header),
				    see_rule, &r) != -EINTR)
				break;
		}
	}
	for (unsigned i = 0; i < MWAN3_INTERFACES_MAX; i++)
		present = present || (seen[i].marked && m->file.interface[i].enabled);
	differs = present != m->present || memcmp(seen, m->seen, sizeof(seen)) != 0;
	memcpy(m->seen, seen, sizeof(seen));
	if (present != m->present)
		log_line(LOG_NOTICE, "mwan3: its rules are %s", present ? "there" : "gone");
	if (m->present && !present)
		m->gone_us = inbox_clock_us();
	m->present = present;
	return differs;
}

static void read_file(struct mwan3 *m)
{
	struct problem problem = {0};
	int error;

	memset(&m->file_stat, 0, sizeof(m->file_stat));
	(void)stat(m->file_name, &m->file_stat);
	error = mwan3_load(m->file_name, &m->file, &problem);
	m->configured = !error;
	if (error && error != -ENOENT)
		log_line(LOG_WARNING, "%s:%d: %s; mwan3 is left alone", m->file_name, problem.line,
			problem.text);
	if (!error && m->file.mask & m->own_mask) {
		m->configured = false;
		log_line(LOG_WARNING,
			"mwan3: mmx_mask 0x%x and our mark_mask 0x%x overlap: choose "
			"another mark_mask; mwan3 is left alone",
			m->file.mask, m->own_mask);
	}
	if (m->configured && m->file.left_out && m->mode != CONFIG_MODE_KERNEL)
		log_line(LOG_INFO,
			"mwan3: %u of its rules cannot be told apart here; what they take "
			"follows us only where policies agree",
			m->file.left_out);
}

static void settle(struct mwan3 *m)
{
	if (!m->settling)
		follow_arm(m->timer, SETTLE_US);
	m->settling = true;
}

static bool file_changed(const struct mwan3 *m)
{
	struct stat now = {0};

	(void)stat(m->file_name, &now);
	return !file_is_same(&now, &m->file_stat);
}

static void timer_fired(evutil_socket_t fd, short what, void *user)
{
	struct mwan3 *m = user;

	(void)fd;
	(void)what;
	m->settling = false;
	/* the owner calls mwan3_configure(), which reads */
	if (file_changed(m) || look(m) || is_there(m) != m->told_there)
		m->changed(m->user);
	else if (recent(m))
		follow_arm(m->timer, REMEMBER_US);
}

static int take_event(const struct nlmsghdr *nlh, void *user)
{
	struct mwan3 *m = user;
	struct foreign_rule rule;

	if ((nlh->nlmsg_type == RTM_NEWRULE || nlh->nlmsg_type == RTM_DELRULE) &&
		parse_rule(nlh, &rule) && rule.priority > RULE_IN && rule.priority < RULE_END)
		settle(m);
	return 0;
}

static void events_lost(void *user)
{
	settle(user);
}

struct mwan3 *mwan3_new(struct event_base *base, const struct config *config,
	void (*changed)(void *user), void *user)
{
	static const int groups[] = {RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE};
	struct mwan3 *m = calloc(1, sizeof(*m));
	int error;

	if (!m)
		return NULL;
	m->changed = changed;
	m->user = user;
	memset(m->health, HEALTH_UNKNOWN, sizeof(m->health));
	memset(m->link, LINKS_MAX, sizeof(m->link));
	m->timer = event_new(base, -1, 0, timer_fired, m);
	m->events.each = take_event;
	m->events.lost = events_lost;
	m->events.user = m;
	error = m->timer ? netlink_open(&m->netlink, NETLINK_ROUTE) : -ENOMEM;
	if (!error)
		error = netlink_events_open(&m->events, base, NETLINK_ROUTE, groups, 2);
	if (error) {
		mwan3_free(m);
		errno = -error;
		return NULL;
	}
	mwan3_configure(m, config);
	return m;
}

void mwan3_free(struct mwan3 *m)
{
	if (!m)
		return;
	if (m->timer)
		event_free(m->timer);
	netlink_events_close(&m->events);
	netlink_close(&m->netlink);
	free(m);
}

void mwan3_configure(struct mwan3 *m, const struct config *config)
{
	bool was_present = m->present;
	bool anew = m->mode != config->mode || m->own_mask != config->mark_mask ||
		    strcmp(m->file_name, config->mwan3_config) != 0 || file_changed(m);

	snprintf(m->file_name, sizeof(m->file_name), "%s", config->mwan3_config);
	m->mode = config->mode;
	m->own_mask = config->mark_mask;
	/* this is called whenever its rules change too: what is so already is told once */
	if (anew)
		read_file(m);
	(void)look(m);
	if (!anew && m->present == was_present)
		return;
	if (m->present && m->mode == CONFIG_MODE_KERNEL)
		log_line(LOG_WARNING, "mwan3 is running and its rules come first: stop it, or set "
				      "mode to auto");
	if (!m->present && m->mode == CONFIG_MODE_MWAN3)
		log_line(LOG_WARNING,
			"mode is mwan3, but mwan3 is not running: all traffic is ours");
}

bool mwan3_steered(const struct mwan3 *m)
{
	return m->mode == CONFIG_MODE_MWAN3 || (m->mode == CONFIG_MODE_AUTO && is_there(m));
}

void mwan3_adapt(const struct mwan3 *m, const struct config *config, struct config *ret)
{
	*ret = *config;
	if (is_there(m))
		ret->bypass_mark = m->file.mask;
	if (!mwan3_steered(m))
		return;
	ret->foreign_mask = m->configured ? m->file.mask : 0;
	if (ret->rule_base > RULE_IN - STEER_RULES_SPAN)
		ret->rule_base = OUR_RULE_BASE;
	/* with one group of policies there is nothing to tell apart */
	ret->policy.n_classes = m->configured && m->file.n_classes > 2 ? m->file.n_classes : 1;
	ret->n_matches = ret->policy.n_classes > 1 ? m->file.n_matches : 0;
	memcpy(ret->match, m->file.match, sizeof(ret->match));
}

static const struct mwan3_policy *main_policy(const struct mwan3 *m)
{
	return m->file.main_policy < 0 ? NULL : &m->file.policy[m->file.main_policy];
}

static unsigned path_of_interface(const struct mwan3 *m, unsigned interface)
{
	unsigned link = m->link[interface];

	return link < LINKS_MAX ? path_of(link, (enum family)m->file.interface[interface].family)
				: PATHS_MAX;
}

static void map_links(struct mwan3 *m, const struct policy *policy)
{
	for (unsigned i = 0; i < MWAN3_INTERFACES_MAX; i++) {
		m->link[i] = LINKS_MAX;
		for (uint8_t slot = 0; slot < LINKS_MAX && m->seen[i].device[0]; slot++) {
			if (policy->links & UINT32_C(1) << slot &&
				strcmp(policy->link[slot].device, m->seen[i].device) == 0)
				m->link[i] = slot;
		}
		if (m->found & UINT64_C(1) << i && m->link[i] < LINKS_MAX) {
			m->found &= ~(UINT64_C(1) << i);
			m->avoided |= UINT32_C(1) << path_of_interface(m, i);
		}
	}
}

/* The lower the metric the more preferred; what is no member comes last. */
static void prefer(struct mwan3 *m, const struct mwan3_policy *p, struct policy *policy)
{
	unsigned n_lowest = 0;

	for (unsigned slot = 0; slot < LINKS_MAX; slot++)
		policy->link[slot].preference = -10 * (MWAN3_METRIC_MAX + 1);
	for (unsigned i = 0; i < p->n_members; i++) {
		const struct mwan3_member *member = &p->member[i];
		struct link_policy *l;

		if (m->link[member->interface] == LINKS_MAX)
			continue;
		l = &policy->link[m->link[member->interface]];
		if (l->preference < -10 * member->metric)
			l->preference = -10 * member->metric;
		l->weight = member->weight < 100 ? member->weight : 100;
		n_lowest += member->metric == p->lowest;
	}
	policy->class[0].balance = n_lowest > 1;
}

/* Where policies send their traffic, whatever the engine's class uses. */
static uint32_t shared(const struct mwan3 *m)
{
	uint32_t links = m->targets[FAMILY_IPV4] | m->targets[FAMILY_IPV6];

	for (unsigned i = 0; i < m->file.n_policies && m->present; i++) {
		const struct mwan3_policy *p = &m->file.policy[i];

		for (unsigned k = 0; k < p->n_members && p->used; k++) {
			unsigned link = m->link[p->member[k].interface];

			if (link < LINKS_MAX && p->member[k].metric == p->lowest)
				links |= UINT32_C(1) << link;
		}
	}
	return links;
}

void mwan3_fill_policy(struct mwan3 *m, struct policy *policy)
{
	const struct mwan3_policy *p = main_policy(m);

	if (!recent(m))
		map_links(m, policy);
	if (mwan3_steered(m))
		policy->n_classes = 1;
	if (p && m->configured && m->mode != CONFIG_MODE_KERNEL && is_there(m))
		prefer(m, p, policy);
	m->shared = shared(m);
	for (unsigned slot = 0; slot < LINKS_MAX; slot++) {
		m->preference[slot] = policy->link[slot].preference;
		policy->link[slot].shared = m->shared & UINT32_C(1) << slot;
	}
	m->told_there = is_there(m);
	/* while rules change the timer is about them; it finds this by itself then */
	if (recent(m) && !m->settling)
		follow_arm(m->timer, REMEMBER_US);
}

bool mwan3_health(struct mwan3 *m, unsigned path, enum health health)
{
	if (path >= PATHS_MAX)
		return false;
	m->health[path] = (uint8_t)health;
	return mwan3_steered(m);
}

static bool routed(const struct action_route *route, unsigned path)
{
	for (unsigned i = 0; i < route->n; i++) {
		if (route->path[i] == path)
			return true;
	}
	return false;
}

/*
 * Links that the engine has left for one that it prefers less, until it takes them again; and links
 * that it does not use and that are dead.  One that nothing is known of yet stays as it was found.
 */
static bool avoids(const struct mwan3 *m, const struct action_route *route, unsigned path)
{
	uint32_t bit = UINT32_C(1) << path;
	enum health health = (enum health)m->health[path];
	int32_t own, used;

	if (!route->n || routed(route, path))
		return false;
	if (health_is_down(health) || health == HEALTH_RECOVERING)
		return true;
	own = m->preference[path_link(path)];
	used = m->preference[path_link(route->path[0])];
	if (!((m->avoided | m->routed) & bit))
		return false;
	return health == HEALTH_UNKNOWN || own > used || (own == used && health != HEALTH_UP);
}

static void note_avoided(struct mwan3 *m, const struct action_route *route)
{
	for (unsigned link = 0; link < LINKS_MAX; link++) {
		unsigned path = path_of(link, (enum family)route->family);
		uint32_t bit = UINT32_C(1) << path;

		if (!avoids(m, route, path)) {
			m->avoided &= ~bit;
			m->dead &= ~bit;
			continue;
		}
		/* those that the engine chose it moves itself */
		if (!((m->avoided | m->routed) & bit) &&
			health_is_down((enum health)m->health[path]))
			m->dead |= bit;
		m->avoided |= bit;
	}
	for (unsigned i = 0; i < LINKS_MAX; i++)
		m->routed &= ~(UINT32_C(1) << path_of(i, (enum family)route->family));
	for (unsigned i = 0; i < route->n; i++)
		m->routed |= UINT32_C(1) << route->path[i];
}

/* Whether traffic may be sent to the interface's table now. */
static bool serves(const struct mwan3 *m, unsigned interface, enum family family)
{
	unsigned path = path_of_interface(m, interface);

	return m->seen[interface].marked && path < PATHS_MAX && path_family(path) == family &&
	       !(m->avoided & UINT32_C(1) << path) && !health_is_down((enum health)m->health[path]);
}

/* Less is better: one that is under suspicion at this moment comes after the others, then by metric
   and weight. */
static unsigned rank(const struct mwan3 *m, const struct mwan3_member *member)
{
	bool suspect = m->health[path_of_interface(m, member->interface)] == HEALTH_SUSPECT;

	return (unsigned)suspect << 24 | (unsigned)member->metric << 12 | (0xfffU - member->weight);
}

/* The number of the next member; 0: the policy has no other. */
static unsigned substitute(const struct mwan3 *m, const struct mwan3_policy *p, enum family family)
{
	const struct mwan3_member *best = NULL;

	for (unsigned i = 0; i < p->n_members; i++) {
		const struct mwan3_member *member = &p->member[i];

		if (serves(m, member->interface, family) &&
			(!best || rank(m, member) < rank(m, best)))
			best = member;
	}
	return best ? best->interface + 1U : 0;
}

static bool has_member(const struct mwan3_policy *p, unsigned interface)
{
	for (unsigned i = 0; i < p->n_members; i++) {
		if (p->member[i].interface == interface)
			return true;
	}
	return false;
}

struct rules {
	const struct steer_numbers *numbers;
	enum family family;
	unsigned n;
	struct steer_rule *rule;
};

/* class 0: whatever class a packet is in. */
static void add_rule(const struct mwan3 *m, struct rules *r, unsigned number, unsigned class,
	unsigned to)
{
	const struct steer_numbers *n = r->numbers;
	struct steer_rule rule = {
		.priority = n->rule_base + STEER_RULE_REDIRECT + number,
		.table = to,
		.family = (uint8_t)r->family,
		.protocol = n->protocol,
		.mark = mwan3_mark(m->file.mask, number),
		.mask = m->file.mask,
	};

	if (class) {
		rule.mark |= steer_class_mark(n, class);
		rule.mask |= n->class_mask;
	}
	for (unsigned i = 0; i < r->n; i++) {
		if (steer_rule_equal(&r->rule[i], &rule))
			return;
	}
	if (to && r->n < STEER_REDIRECTS_MAX)
		r->rule[r->n++] = rule;
}

/* One rule where every policy that can have given this mark goes on with the same interface, else one
   for each class of policies that has another. */
static void redirect(const struct mwan3 *m, struct rules *r, unsigned interface)
{
	bool same = true;
	int common = -1;

	for (unsigned i = 0; i < m->file.n_policies; i++) {
		const struct mwan3_policy *p = &m->file.policy[i];
		int to;

		if (!p->used || !has_member(p, interface))
			continue;
		to = (int)substitute(m, p, r->family);
		same = same && (common < 0 || common == to);
		common = to;
	}
	if (same && common > 0) {
		add_rule(m, r, interface + 1, 0, (unsigned)common);
		return;
	}
	for (unsigned i = 0; i < m->file.n_policies && r->numbers->class_mask; i++) {
		const struct mwan3_policy *p = &m->file.policy[i];

		if (p->used && p->class && has_member(p, interface))
			add_rule(m, r, interface + 1, p->class, substitute(m, p, r->family));
	}
}

static unsigned redirects(void *mwan3, const struct action_route *route,
	const struct steer_numbers *numbers, struct steer_rule ret[STEER_REDIRECTS_MAX])
{
	struct mwan3 *m = mwan3;
	struct rules r = {.numbers = numbers, .family = (enum family)route->family, .rule = ret};

	if (m->present)
		note_avoided(m, route);
	for (unsigned i = 0; m->present && i < m->file.n_interfaces; i++) {
		unsigned path = path_of_interface(m, i);

		if (path < PATHS_MAX && path_family(path) == r.family &&
			m->avoided & UINT32_C(1) << path)
			redirect(m, &r, i);
	}
	m->targets[r.family] = 0;
	for (unsigned i = 0; i < r.n; i++) {
		unsigned path = path_of_interface(m, ret[i].table - 1);

		if (!routed(route, path))
			m->targets[r.family] |= UINT32_C(1) << path_link(path);
	}
	memset(m->rule[r.family], 0, sizeof(m->rule[r.family]));
	memcpy(m->rule[r.family], ret, r.n * sizeof(*ret));
	return r.n;
}

static void found(void *mwan3, const struct steer_numbers *numbers,
	const struct steer_rule held[STEER_REDIRECTS_MAX])
{
	struct mwan3 *m = mwan3;

	for (unsigned i = 0; i < STEER_REDIRECTS_MAX; i++) {
		unsigned from = held[i].priority - numbers->rule_base - STEER_RULE_REDIRECT;

		if (held[i].table && from - 1 < m->file.n_interfaces)
			m->found |= UINT64_C(1) << (from - 1);
	}
}

void mwan3_delegate(struct mwan3 *m, struct steer_delegate *ret)
{
	*ret = (struct steer_delegate){.found = found, .user = m};
	if (mwan3_steered(m))
		ret->redirect = redirects;
}

bool mwan3_policy_old(const struct mwan3 *m)
{
	return shared(m) != m->shared;
}

uint32_t mwan3_take_dead(struct mwan3 *m)
{
	uint32_t dead = m->dead;

	m->dead = 0;
	return dead;
}

void mwan3_tell(const struct mwan3 *m, void (*tell)(void *to, const char *text), void *to)
{
	const char *name;
	char text[160];

	if (!m->present && m->mode != CONFIG_MODE_MWAN3)
		return;
	snprintf(text, sizeof(text), "mwan3 is %s and %s by us.",
		m->present ? "running" : "not running",
		mwan3_steered(m) ? "steered" : "not steered");
	tell(to, text);
	for (unsigned i = 0; i < FAMILY_COUNT * STEER_REDIRECTS_MAX; i++) {
		const struct steer_rule *rule =
			&m->rule[i / STEER_REDIRECTS_MAX][i % STEER_REDIRECTS_MAX];
		unsigned number = 0;

		if (!rule->table || rule->table > m->file.n_interfaces)
			continue;
		while (++number < m->file.n_interfaces &&
			mwan3_mark(m->file.mask, number) != (rule->mark & m->file.mask))
			;
		name = m->file.interface[number - 1].name;
		snprintf(text, sizeof(text),
			"%s traffic of '%s' goes to '%s': %u: fwmark 0x%x/0x%x lookup %u",
			family_name((enum family)rule->family), name,
			m->file.interface[rule->table - 1].name, rule->priority, rule->mark,
			rule->mask, rule->table);
		tell(to, text);
	}
}
