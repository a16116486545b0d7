/* What the kernel holds of ours and what it should; see steer_state.h. */
#include "io/steer_state.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

struct steer_rule steer_link_rule(const struct steer_numbers *n, unsigned path)
{
	return (struct steer_rule){
		.priority = n->rule_base + path_link(path),
		.table = steer_link_table(n, path_link(path)),
		.family = (uint8_t)path_family(path),
		.protocol = n->protocol,
		.mark = steer_link_mark(n, path_link(path)),
		.mask = n->link_mask,
	};
}

struct steer_rule steer_class_rule(const struct steer_numbers *n, unsigned class,
	enum family family)
{
	/* class 0 takes everything, so it comes after the others */
	return (struct steer_rule){
		.priority = n->rule_base + STEER_RULE_CLASS + (class ? class : CLASSES_MAX),
		.table = steer_class_table(n, class),
		.family = (uint8_t)family,
		.protocol = n->protocol,
		.mark = class ? steer_class_mark(n, class) : 0,
		.mask = class ? n->class_mask : n->foreign_mask,
	};
}

struct steer_rule steer_main_rule(const struct steer_numbers *n, enum family family)
{
	return (struct steer_rule){
		.priority = n->rule_base + STEER_RULE_MAIN,
		.table = RT_TABLE_MAIN,
		.family = (uint8_t)family,
		.protocol = n->protocol,
		.mask = n->foreign_mask,
		.suppress_default = true,
	};
}

static struct steer_route default_route(const struct steer_numbers *n, uint32_t table,
	enum family family)
{
	return (struct steer_route){
		.table = table,
		.family = (uint8_t)family,
		.protocol = n->protocol,
		.metric = STEER_METRIC,
	};
}

void steer_want_path(struct steer_state *wanted, const struct steer_numbers *n, bool objects,
	const struct action_path *a, const struct steer_prefix prefix[STEER_PREFIXES_MAX])
{
	enum family family = path_family(a->path);
	struct steer_hop hop = {.oif = a->facts.ifindex, .weight = 1};
	struct steer_route *route = &wanted->link_route[a->path];

	memset(&wanted->nexthop[a->path], 0, sizeof(wanted->nexthop[a->path]));
	memset(route, 0, sizeof(*route));
	memset(&wanted->on_link[a->path], 0, sizeof(wanted->on_link[a->path]));
	wanted->link_rule[a->path] = a->install;
	if (!a->install)
		return;
	wanted->on_link[a->path].oif = a->facts.ifindex;
	memcpy(wanted->on_link[a->path].prefix, prefix, sizeof(wanted->on_link[a->path].prefix));
	memcpy(hop.gateway, a->facts.gateway, steer_address_size(family));
	*route = default_route(n, steer_link_table(n, path_link(a->path)), family);
	if (!objects) {
		route->n = 1;
		route->hop[0] = hop;
		return;
	}
	wanted->nexthop[a->path] = (struct steer_nexthop){
		.id = steer_path_nexthop(n, a->path),
		.protocol = n->protocol,
		.family = (uint8_t)family,
		.hop = hop,
	};
	route->nexthop_id = wanted->nexthop[a->path].id;
}

static struct steer_nexthop wanted_group(const struct steer_numbers *n,
	const struct action_route *a)
{
	struct steer_nexthop group = {
		.id = steer_group_nexthop(n, a->class, (enum family)a->family),
		.protocol = n->protocol,
		.family = FAMILY_COUNT,
		.n = a->n,
		.hop.weight = 1,
	};

	for (unsigned i = 0; i < a->n; i++) {
		group.member[i].id = steer_path_nexthop(n, a->path[i]);
		group.member[i].weight = a->n > 1 && a->weight[i] ? a->weight[i] : 1;
	}
	return group;
}

int steer_want_route(struct steer_state *wanted, const struct steer_numbers *n, bool objects,
	const struct action_route *a)
{
	struct steer_nexthop *group = &wanted->group[a->class][a->family];
	struct steer_route *route = &wanted->class_route[a->class][a->family];

	for (unsigned i = 0; i < a->n; i++) {
		if (!wanted->link_route[a->path[i]].table)
			return -ENOENT;
	}
	memset(group, 0, sizeof(*group));
	memset(route, 0, sizeof(*route));
	if (!a->n)
		return 0;
	/* without bits for classes nothing can be in another than class 0 */
	wanted->class_rule[a->class][a->family] = !a->class || n->class_mask;
	wanted->main_rule[a->family] = true;
	*route = default_route(n, steer_class_table(n, a->class), (enum family)a->family);
	if (objects) {
		/* a group of one would do, but to replace a group the kernel waits for an RCU
		 * grace period, and for a route it does not: 5 us instead of 35, or of
		 * milliseconds when the CPUs are busy */
		if (a->n > 1)
			*group = wanted_group(n, a);
		route->nexthop_id = group->id ? group->id : steer_path_nexthop(n, a->path[0]);
		return 0;
	}
	route->n = a->n;
	for (unsigned i = 0; i < a->n; i++) {
		route->hop[i] = wanted->link_route[a->path[i]].hop[0];
		route->hop[i].weight = a->n > 1 && a->weight[i] ? a->weight[i] : 1;
	}
	return 0;
}

bool steer_hold_nexthop(struct steer_state *held, const struct steer_numbers *n,
	const struct steer_nexthop *nexthop)
{
	uint32_t at = nexthop->id - n->nexthop_base;
	uint32_t group = at - STEER_GROUP_FIRST;

	/* another's object is kept too: it has the place, and we will not overwrite it */
	if (at >= 1 && at <= PATHS_MAX) {
		held->nexthop[at - 1] = *nexthop;
		return nexthop->protocol == n->protocol;
	}
	if (group < CLASSES_MAX * FAMILY_COUNT) {
		held->group[group / FAMILY_COUNT][group % FAMILY_COUNT] = *nexthop;
		return nexthop->protocol == n->protocol;
	}
	return false;
}

/* -1: not there. */
static int find_prefix(const struct steer_prefix list[STEER_PREFIXES_MAX],
	const struct steer_prefix *prefix)
{
	for (int i = 0; i < STEER_PREFIXES_MAX; i++) {
		if (list[i].bits == prefix->bits &&
			memcmp(list[i].address, prefix->address, sizeof(prefix->address)) == 0)
			return i;
	}
	return -1;
}

static const struct steer_prefix no_prefix;

static bool hold_prefix(struct steer_state *held, unsigned path, const struct steer_route *route)
{
	struct steer_prefix prefix = {.bits = route->bits};
	int place = find_prefix(held->on_link[path].prefix, &no_prefix);

	if (route->n != 1 || !steer_address_any(route->hop[0].gateway) || place < 0)
		return false;
	memcpy(prefix.address, route->destination, sizeof(prefix.address));
	held->on_link[path].prefix[place] = prefix;
	held->on_link[path].oif = route->hop[0].oif;
	return true;
}

bool steer_hold_route(struct steer_state *held, const struct steer_numbers *n,
	const struct steer_route *route)
{
	uint32_t at = route->table - n->table_base;
	uint32_t class = at - STEER_GROUP_FIRST;

	if (route->protocol != n->protocol || route->metric != STEER_METRIC)
		return false;
	if (at >= 1 && at <= LINKS_MAX) {
		unsigned path = path_of(at - 1, (enum family)route->family);

		if (route->bits)
			return hold_prefix(held, path, route);
		held->link_route[path] = *route;
		return true;
	}
	if (class < CLASSES_MAX && !route->bits) {
		held->class_route[class][route->family] = *route;
		return true;
	}
	return false;
}

static bool same_rule(const struct steer_rule *rule, struct steer_rule ours)
{
	/* kernels before 4.17 do not keep the protocol */
	if (!rule->protocol)
		ours.protocol = 0;
	return steer_rule_equal(rule, &ours);
}

int steer_find_redirect(const struct steer_rule list[STEER_REDIRECTS_MAX],
	const struct steer_rule *rule)
{
	for (int i = 0; i < STEER_REDIRECTS_MAX; i++) {
		if (steer_rule_equal(&list[i], rule))
			return i;
	}
	return -1;
}

static const struct steer_rule no_rule;

static bool hold_redirect(struct steer_state *held, const struct steer_numbers *n,
	const struct steer_rule *rule)
{
	struct steer_rule *list = held->redirect[rule->family];
	int place = steer_find_redirect(list, &no_rule);

	if (rule->priority - n->rule_base - STEER_RULE_REDIRECT >= STEER_REDIRECT_SPAN ||
		!rule->mask || !rule->table || rule->suppress_default || place < 0 ||
		(rule->protocol && rule->protocol != n->protocol))
		return false;
	list[place] = *rule;
	list[place].protocol = n->protocol;
	return true;
}

bool steer_hold_rule(struct steer_state *held, const struct steer_numbers *n,
	const struct steer_rule *rule)
{
	enum family family = (enum family)rule->family;

	for (unsigned link = 0; link < LINKS_MAX; link++) {
		if (same_rule(rule, steer_link_rule(n, path_of(link, family)))) {
			held->link_rule[path_of(link, family)] = true;
			return true;
		}
	}
	for (unsigned class = 0; class < CLASSES_MAX; class ++) {
		if (same_rule(rule, steer_class_rule(n, class, family))) {
			held->class_rule[class][family] = true;
			return true;
		}
	}
	if (same_rule(rule, steer_main_rule(n, family))) {
		held->main_rule[family] = true;
		return true;
	}
	return hold_redirect(held, n, rule);
}

static void forget_member(struct steer_nexthop *group, struct steer_route *route, uint32_t id)
{
	unsigned kept = 0;

	if (!group->id)
		return;
	for (unsigned i = 0; i < group->n; i++) {
		if (group->member[i].id != id)
			group->member[kept++] = group->member[i];
	}
	group->n = (uint8_t)kept;
	if (!kept) {
		memset(group, 0, sizeof(*group));
		memset(route, 0, sizeof(*route));
	}
}

static void forget_nexthop(struct steer_state *held, unsigned path)
{
	enum family family = path_family(path);
	uint32_t id = held->nexthop[path].id;

	if (!id)
		return;
	for (unsigned i = 0; i < CLASSES_MAX; i++) {
		struct steer_route *route = &held->class_route[i][family];

		forget_member(&held->group[i][family], route, id);
		if (route->nexthop_id == id)
			memset(route, 0, sizeof(*route));
	}
	memset(&held->nexthop[path], 0, sizeof(held->nexthop[path]));
	memset(&held->link_route[path], 0, sizeof(held->link_route[path]));
}

/* A route without objects loses its hop; whole when it was the last. */
static bool forget_hop(struct steer_route *route, uint32_t ifindex)
{
	unsigned kept = 0, was = route->n;

	if (!route->table || route->nexthop_id)
		return false;
	for (unsigned i = 0; i < route->n; i++) {
		if (route->hop[i].oif != ifindex)
			route->hop[kept++] = route->hop[i];
	}
	route->n = (uint8_t)kept;
	if (!kept)
		memset(route, 0, sizeof(*route));
	return kept != was;
}

bool steer_lose_device(struct steer_state *held, const struct steer_numbers *n, uint32_t ifindex,
	bool down)
{
	bool lost = false;

	for (unsigned path = 0; path < PATHS_MAX; path++) {
		if (held->nexthop[path].id && held->nexthop[path].hop.oif == ifindex &&
			held->nexthop[path].protocol == n->protocol) {
			forget_nexthop(held, path);
			lost = true;
		}
		lost |= forget_hop(&held->link_route[path], ifindex);
		if (down && held->on_link[path].oif == ifindex)
			memset(&held->on_link[path], 0, sizeof(held->on_link[path]));
	}
	for (unsigned class = 0; class < CLASSES_MAX; class ++) {
		lost |= forget_hop(&held->class_route[class][FAMILY_IPV4], ifindex);
		lost |= forget_hop(&held->class_route[class][FAMILY_IPV6], ifindex);
	}
	return lost;
}

bool steer_lose_address(struct steer_state *held, uint32_t ifindex)
{
	bool lost = false;

	for (unsigned link = 0; link < LINKS_MAX; link++) {
		unsigned path = path_of(link, FAMILY_IPV4);

		lost |= forget_hop(&held->link_route[path], ifindex);
		if (held->on_link[path].oif == ifindex) {
			memset(&held->on_link[path], 0, sizeof(held->on_link[path]));
			lost = true;
		}
	}
	for (unsigned class = 0; class < CLASSES_MAX; class ++)
		lost |= forget_hop(&held->class_route[class][FAMILY_IPV4], ifindex);
	return lost;
}

void steer_change_init(struct steer_change *c)
{
	netlink_batch_init(&c->batch);
}

static void note(struct steer_change *c, struct steer_step step)
{
	c->step[c->batch.count - 1] = step;
}

static int change_nexthop(struct steer_change *c, const struct steer_numbers *n,
	const struct steer_nexthop *held, const struct steer_nexthop *wanted,
	struct steer_step step)
{
	int error;

	if (steer_nexthop_equal(held, wanted))
		return 0;
	if (held->id && held->protocol != n->protocol)
		return wanted->id ? -EEXIST : 0;
	step.deletes = !wanted->id;
	if (wanted->id)
		error = steer_nexthop_put(&c->batch, NLM_F_CREATE | NLM_F_REPLACE, wanted);
	else
		error = steer_nexthop_delete(&c->batch, held->id);
	if (!error)
		note(c, step);
	return error;
}

static int change_route(struct steer_change *c, const struct steer_route *held,
	const struct steer_route *wanted, struct steer_step step)
{
	int error;

	if (steer_route_equal(held, wanted))
		return 0;
	step.deletes = !wanted->table;
	if (wanted->table)
		error = steer_route_put(&c->batch, NLM_F_CREATE | NLM_F_REPLACE, wanted);
	else
		error = steer_route_delete(&c->batch, held);
	if (!error)
		note(c, step);
	return error;
}

static int change_rule(struct steer_change *c, bool held, bool wanted,
	const struct steer_rule *rule, struct steer_step step)
{
	int error;

	if (held == wanted)
		return 0;
	step.deletes = !wanted;
	error = wanted ? steer_rule_put(&c->batch, rule) : steer_rule_delete(&c->batch, rule);
	if (!error)
		note(c, step);
	return error;
}

static struct steer_route prefix_route(const struct steer_numbers *n,
	const struct steer_prefix *prefix, unsigned path, uint32_t oif)
{
	struct steer_route route =
		default_route(n, steer_link_table(n, path_link(path)), path_family(path));

	memcpy(route.destination, prefix->address, sizeof(route.destination));
	route.bits = prefix->bits;
	route.n = 1;
	route.hop[0] = (struct steer_hop){.oif = oif, .weight = 1};
	return route;
}

/* Those that are held and not wanted (deletes), or the other way round; all of them when the
   device is another. */
static int change_prefixes(struct steer_change *c, const struct steer_numbers *n,
	const struct steer_state *held, const struct steer_state *wanted, unsigned path,
	bool deletes)
{
	const struct steer_state *from = deletes ? held : wanted;
	const struct steer_state *other = deletes ? wanted : held;
	bool same_device = held->on_link[path].oif == wanted->on_link[path].oif;
	struct steer_step step = {.part = STEER_PREFIX, .path = (uint8_t)path, .deletes = deletes};
	int error = 0;

	for (unsigned i = 0; i < STEER_PREFIXES_MAX && !error; i++) {
		const struct steer_prefix *prefix = &from->on_link[path].prefix[i];
		struct steer_route route;

		if (!prefix->bits ||
			(same_device && find_prefix(other->on_link[path].prefix, prefix) >= 0))
			continue;
		route = prefix_route(n, prefix, path, from->on_link[path].oif);
		step.prefix = (uint8_t)i;
		error = deletes ? steer_route_delete(&c->batch, &route)
				: steer_route_put(&c->batch, NLM_F_CREATE | NLM_F_REPLACE, &route);
		if (!error)
			note(c, step);
	}
	return error;
}

/* A rule without a route is harmless, a route without its nexthop impossible. */
static int install_hop(struct steer_change *c, const struct steer_numbers *n,
	const struct steer_state *held, const struct steer_state *wanted, unsigned path)
{
	struct steer_rule rule = steer_link_rule(n, path);
	struct steer_step step = {.part = STEER_NEXTHOP, .path = (uint8_t)path};
	int error = change_nexthop(c, n, &held->nexthop[path], &wanted->nexthop[path], step);

	step.part = STEER_LINK_ROUTE;
	if (!error)
		error = change_route(c, &held->link_route[path], &wanted->link_route[path], step);
	step.part = STEER_LINK_RULE;
	if (!error)
		error = change_rule(c, held->link_rule[path], wanted->link_rule[path], &rule, step);
	return error;
}

static int remove_hop(struct steer_change *c, const struct steer_numbers *n,
	const struct steer_state *held, const struct steer_state *wanted, unsigned path)
{
	struct steer_rule rule = steer_link_rule(n, path);
	struct steer_step step = {.part = STEER_LINK_RULE, .path = (uint8_t)path};
	int error = change_rule(c, held->link_rule[path], wanted->link_rule[path], &rule, step);

	step.part = STEER_LINK_ROUTE;
	if (!error)
		error = change_route(c, &held->link_route[path], &wanted->link_route[path], step);
	step.part = STEER_NEXTHOP;
	if (!error)
		error = change_nexthop(c, n, &held->nexthop[path], &wanted->nexthop[path], step);
	return error;
}

int steer_change_path(struct steer_change *c, const struct steer_numbers *n,
	const struct steer_state *held, const struct steer_state *wanted, unsigned path)
{
	bool installs = wanted->link_route[path].table;
	int error = change_prefixes(c, n, held, wanted, path, true);

	if (!error && installs)
		error = change_prefixes(c, n, held, wanted, path, false);
	if (!error && installs)
		error = install_hop(c, n, held, wanted, path);
	if (!error && !installs)
		error = remove_hop(c, n, held, wanted, path);
	return error;
}

/* The kernel refuses a group with a member that is not there, and a route as well: hops that
   were lost come first. */
static int install_lost_hop(struct steer_change *c, const struct steer_numbers *n,
	const struct steer_state *held, const struct steer_state *wanted, uint32_t id)
{
	unsigned path = id - n->nexthop_base - 1;

	if (steer_nexthop_equal(&held->nexthop[path], &wanted->nexthop[path]))
		return 0;
	return install_hop(c, n, held, wanted, path);
}

static int install_lost_hops(struct steer_change *c, const struct steer_numbers *n,
	const struct steer_state *held, const struct steer_state *wanted, unsigned class,
	enum family family)
{
	const struct steer_nexthop *group = &wanted->group[class][family];
	uint32_t id = wanted->class_route[class][family].nexthop_id;
	int error = 0;

	if (!group->n)
		return id ? install_lost_hop(c, n, held, wanted, id) : 0;
	for (unsigned i = 0; i < group->n && !error; i++)
		error = install_lost_hop(c, n, held, wanted, group->member[i].id);
	return error;
}

/* A group is there before the route that leads to it, and goes after the route has left it. */
static int change_way(struct steer_change *c, const struct steer_numbers *n,
	const struct steer_state *held, const struct steer_state *wanted, unsigned class,
	enum family family)
{
	const struct steer_nexthop *group = &wanted->group[class][family];
	struct steer_step step = {.part = STEER_GROUP,
		.class = (uint8_t) class,
		.family = (uint8_t)family};
	int error = 0;

	if (group->id)
		error = change_nexthop(c, n, &held->group[class][family], group, step);
	step.part = STEER_CLASS_ROUTE;
	if (!error)
		error = change_route(c, &held->class_route[class][family],
			&wanted->class_route[class][family], step);
	step.part = STEER_GROUP;
	if (!error && !group->id)
		error = change_nexthop(c, n, &held->group[class][family], group, step);
	return error;
}

int steer_change_route(struct steer_change *c, const struct steer_numbers *n,
	const struct steer_state *held, const struct steer_state *wanted, unsigned class,
	enum family family)
{
	struct steer_step step = {.class = (uint8_t) class, .family = (uint8_t)family};
	struct steer_rule main_rule = steer_main_rule(n, family);
	struct steer_rule class_rule = steer_class_rule(n, class, family);
	int error = install_lost_hops(c, n, held, wanted, class, family);

	if (!error)
		error = change_way(c, n, held, wanted, class, family);
	/* specific routes of main must win before the class takes the rest; with an empty table these
	   rules lead nowhere, and they stay */
	step.part = STEER_MAIN_RULE;
	if (!error && wanted->main_rule[family])
		error = change_rule(c, held->main_rule[family], true, &main_rule, step);
	step.part = STEER_CLASS_RULE;
	if (!error && wanted->class_rule[class][family])
		error = change_rule(c, held->class_rule[class][family], true, &class_rule, step);
	return error;
}

int steer_change_redirects(struct steer_change *c, const struct steer_state *held,
	const struct steer_state *wanted, enum family family)
{
	int error = 0;

	for (unsigned i = 0; i < 2 * STEER_REDIRECTS_MAX && !error; i++) {
		struct steer_step step = {.part = STEER_REDIRECT,
			.family = (uint8_t)family,
			.prefix = i % STEER_REDIRECTS_MAX,
			.deletes = i >= STEER_REDIRECTS_MAX};
		const struct steer_rule *rule =
			&(step.deletes ? held : wanted)->redirect[family][step.prefix];
		const struct steer_rule *others = (step.deletes ? wanted : held)->redirect[family];

		if (!rule->table || steer_find_redirect(others, rule) >= 0)
			continue;
		error = change_rule(c, step.deletes, !step.deletes, rule, step);
	}
	return error;
}

/* What the kernel says when there was nothing to do. */
static bool is_done(const struct steer_step *step, int error)
{
	bool rule = step->part == STEER_LINK_RULE || step->part == STEER_CLASS_RULE ||
		    step->part == STEER_MAIN_RULE || step->part == STEER_REDIRECT;

	/* without a prefix its neighbours are reached by the gateway: no reason to do without
	 * the path */
	if (step->part == STEER_PREFIX)
		return true;
	if (step->deletes)
		return error == -ENOENT || error == -ESRCH;
	return rule && error == -EEXIST;
}

static void book_prefix(const struct steer_step *step, struct steer_state *held,
	const struct steer_state *wanted)
{
	int place;

	if (step->deletes) {
		held->on_link[step->path].prefix[step->prefix] = no_prefix;
		return;
	}
	place = find_prefix(held->on_link[step->path].prefix, &no_prefix);
	if (place >= 0)
		held->on_link[step->path].prefix[place] =
			wanted->on_link[step->path].prefix[step->prefix];
	held->on_link[step->path].oif = wanted->on_link[step->path].oif;
}

static void book_redirect(const struct steer_step *step, struct steer_state *held,
	const struct steer_state *wanted)
{
	struct steer_rule *list = held->redirect[step->family];
	int place = steer_find_redirect(list, &no_rule);

	if (step->deletes)
		list[step->prefix] = no_rule;
	else if (place >= 0)
		list[place] = wanted->redirect[step->family][step->prefix];
}

static void book(const struct steer_step *step, struct steer_state *held,
	const struct steer_state *wanted)
{
	switch (step->part) {
	case STEER_NEXTHOP:
		if (step->deletes)
			forget_nexthop(held, step->path);
		held->nexthop[step->path] = wanted->nexthop[step->path];
		break;
	case STEER_LINK_ROUTE:
		held->link_route[step->path] = wanted->link_route[step->path];
		break;
	case STEER_LINK_RULE:
		held->link_rule[step->path] = wanted->link_rule[step->path];
		break;
	case STEER_PREFIX:
		book_prefix(step, held, wanted);
		break;
	case STEER_GROUP:
		held->group[step->class][step->family] = wanted->group[step->class][step->family];
		break;
	case STEER_CLASS_ROUTE:
		held->class_route[step->class][step->family] =
			wanted->class_route[step->class][step->family];
		break;
	case STEER_CLASS_RULE:
		held->class_rule[step->class][step->family] =
			wanted->class_rule[step->class][step->family];
		break;
	case STEER_MAIN_RULE:
		held->main_rule[step->family] = wanted->main_rule[step->family];
		break;
	case STEER_REDIRECT:
		book_redirect(step, held, wanted);
		break;
	}
}

int steer_change_book(struct steer_change *c, struct steer_state *held,
	const struct steer_state *wanted)
{
	int first = 0;

	for (unsigned i = 0; i < c->batch.count; i++) {
		int error = c->batch.error[i];

		if (error && is_done(&c->step[i], error))
			error = 0;
		if (!error)
			book(&c->step[i], held, wanted);
		else if (!first)
			first = error;
	}
	return first;
}

bool steer_path_differs(const struct steer_state *wanted, const struct steer_state *held,
	unsigned path)
{
	return !steer_nexthop_equal(&wanted->nexthop[path], &held->nexthop[path]) ||
	       !steer_route_equal(&wanted->link_route[path], &held->link_route[path]) ||
	       wanted->link_rule[path] != held->link_rule[path];
}

bool steer_redirects_differ(const struct steer_state *wanted, const struct steer_state *held,
	enum family family)
{
	const struct steer_rule *want = wanted->redirect[family], *have = held->redirect[family];

	for (unsigned i = 0; i < STEER_REDIRECTS_MAX; i++) {
		if ((want[i].table && steer_find_redirect(have, &want[i]) < 0) ||
			(have[i].table && steer_find_redirect(want, &have[i]) < 0))
			return true;
	}
	return false;
}

bool steer_class_differs(const struct steer_state *wanted, const struct steer_state *held,
	unsigned class, enum family family)
{
	return !steer_nexthop_equal(&wanted->group[class][family], &held->group[class][family]) ||
	       !steer_route_equal(&wanted->class_route[class][family],
		       &held->class_route[class][family]) ||
	       (wanted->class_rule[class][family] && !held->class_rule[class][family]) ||
	       (wanted->main_rule[family] && !held->main_rule[family]);
}
