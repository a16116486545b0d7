/*
 * What the kernel holds of ours, or should hold, and how the one becomes the other.  Pure but for
 * the batch that the messages are written to.  There are two of these in io/steer.c: wanted (what
 * the actions asked for) and held (what the kernel acknowledged or showed in a dump).
 *
 *      action -> wanted;                wanted - held -> messages
 *      acknowledgements -> held;        dump, device lost -> held
 */
#pragma once

#include "io/steer_numbers.h"
#include "io/steer_object.h"

#define STEER_PREFIXES_MAX 6 /* of one path; what is beyond goes by the gateway */

/* A prefix that is on the link itself.  A flow to a neighbour there has the link's mark like
   any other, and would take the detour by the gateway if the link's table had nothing but the
   default route. */
struct steer_prefix {
	uint8_t address[16];
	uint8_t bits; /* 0: none */
};

/* Rules need no more than a bit: everything in them follows from the numbers. */
struct steer_state {
	struct steer_nexthop nexthop[PATHS_MAX];
	struct steer_route link_route[PATHS_MAX];
	bool link_rule[PATHS_MAX];
	struct {
		uint32_t oif;
		struct steer_prefix prefix[STEER_PREFIXES_MAX];
	} on_link[PATHS_MAX];
	struct steer_nexthop group[CLASSES_MAX][FAMILY_COUNT];
	struct steer_route class_route[CLASSES_MAX][FAMILY_COUNT];
	bool class_rule[CLASSES_MAX][FAMILY_COUNT];
	bool main_rule[FAMILY_COUNT];
	/* another's marks to another's tables, in no order; table 0: none */
	struct steer_rule redirect[FAMILY_COUNT][STEER_REDIRECTS_MAX];
};

enum steer_part {
	STEER_NEXTHOP,
	STEER_LINK_ROUTE,
	STEER_LINK_RULE,
	STEER_PREFIX,
	STEER_GROUP,
	STEER_CLASS_ROUTE,
	STEER_CLASS_RULE,
	STEER_MAIN_RULE,
	STEER_REDIRECT,
};

struct steer_change {
	struct netlink_batch batch;
	struct steer_step {
		enum steer_part part;
		uint8_t path, class, family, prefix; /* prefix: or the place of a redirect */
		bool deletes;
	} step[NETLINK_BATCH_MESSAGES];
};

struct steer_rule steer_link_rule(const struct steer_numbers *n, unsigned path);
struct steer_rule steer_class_rule(const struct steer_numbers *n, unsigned class,
	enum family family);
struct steer_rule steer_main_rule(const struct steer_numbers *n, enum family family);

/* objects: the kernel has nexthop objects and we use them.  prefix: what is on the link. */
void steer_want_path(struct steer_state *wanted, const struct steer_numbers *n, bool objects,
	const struct action_path *a, const struct steer_prefix prefix[STEER_PREFIXES_MAX]);
/* -ENOENT when one of its paths is not wanted itself; wanted is untouched then. */
int steer_want_route(struct steer_state *wanted, const struct steer_numbers *n, bool objects,
	const struct action_route *a);

/* Takes over one object from a dump; false when it has no place in the numbering, or is
   somebody else's. */
bool steer_hold_nexthop(struct steer_state *held, const struct steer_numbers *n,
	const struct steer_nexthop *nexthop);
bool steer_hold_route(struct steer_state *held, const struct steer_numbers *n,
	const struct steer_route *route);
bool steer_hold_rule(struct steer_state *held, const struct steer_numbers *n,
	const struct steer_rule *rule);

/* The place of a rule among these; -1: it is not there.  An empty rule finds a free place. */
int steer_find_redirect(const struct steer_rule list[STEER_REDIRECTS_MAX],
	const struct steer_rule *rule);

/* What the kernel does by itself when a device loses its carrier (objects) or goes down:
   nexthops go, groups shrink, routes over them go.  True when there was something to lose. */
bool steer_lose_device(struct steer_state *held, const struct steer_numbers *n, uint32_t ifindex,
	bool down);

/* What it may do when an IPv4 address goes: with the last one every route over the device that
   is not over a nexthop object goes too, untold.  True when there was something to lose. */
bool steer_lose_address(struct steer_state *held, uint32_t ifindex);

/* Appends what is missing; -EEXIST when another's object has the place.  Nothing appended:
   nothing to do. */
void steer_change_init(struct steer_change *c);
int steer_change_path(struct steer_change *c, const struct steer_numbers *n,
	const struct steer_state *held, const struct steer_state *wanted, unsigned path);
int steer_change_route(struct steer_change *c, const struct steer_numbers *n,
	const struct steer_state *held, const struct steer_state *wanted, unsigned class,
	enum family family);

/* What is new comes before what is no longer wanted goes. */
int steer_change_redirects(struct steer_change *c, const struct steer_state *held,
	const struct steer_state *wanted, enum family family);

/* After the batch was run: books what was acknowledged; the first -errno that matters. */
int steer_change_book(struct steer_change *c, struct steer_state *held,
	const struct steer_state *wanted);

/* What is on the link counts for nothing here. */
bool steer_path_differs(const struct steer_state *wanted, const struct steer_state *held,
	unsigned path);
bool steer_redirects_differ(const struct steer_state *wanted, const struct steer_state *held,
	enum family family);
/* Rules that are there without being wanted are no difference. */
bool steer_class_differs(const struct steer_state *wanted, const struct steer_state *held,
	unsigned class, enum family family);
