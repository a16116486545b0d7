/*
 * The kernel objects of the data path as plain structs, and their rtnetlink form
 * (linux/nexthop.h, linux/rtnetlink.h, linux/fib_rules.h).  Bytes and structs only: no socket, no
 * clock.  Parsers take whatever the kernel or another program put into a message; what does not
 * fit a struct here (a blackhole, a resilient group, a rule with selectors that we never use) is
 * refused with -EOPNOTSUPP, what is broken with -EINVAL; ret is untouched then.
 */
#pragma once

#include <stdbool.h>

#include "core/output.h"
#include "io/netlink.h"

struct steer_hop {
	uint32_t oif;
	uint8_t gateway[16]; /* as in struct path_facts; all zero: on-link */
	uint16_t weight;     /* 1..256; 1 when there is only one */
};

struct steer_member {
	uint32_t id;
	uint16_t weight; /* 1..256 */
};

struct steer_nexthop {
	uint32_t id; /* 0: none */
	uint8_t protocol;
	uint8_t family; /* FAMILY_COUNT: a group */
	uint8_t n;      /* members; 0: not a group */
	struct steer_hop hop;
	struct steer_member member[ROUTE_PATHS_MAX];
};

/* A unicast route.  Exactly one of nexthop_id and n is not 0. */
struct steer_route {
	uint32_t table; /* 0: none */
	uint8_t family, protocol;
	uint8_t destination[16], bits; /* bits 0: default route */
	uint32_t metric;
	uint32_t nexthop_id;
	uint8_t n;
	struct steer_hop hop[ROUTE_PATHS_MAX];
};

/* A lookup rule; everything that it has besides these fields would make it another's. */
struct steer_rule {
	uint32_t priority, table;
	uint8_t family, protocol;
	uint32_t mark, mask;   /* mask 0: any mark */
	bool suppress_default; /* suppress_prefixlength 0 */
};

/* The message for one object appended to a batch; flags: NLM_F_CREATE, _REPLACE, _EXCL.
   -ENOBUFS when it is full. */
int steer_nexthop_put(struct netlink_batch *b, uint16_t flags, const struct steer_nexthop *nexthop);
int steer_nexthop_delete(struct netlink_batch *b, uint32_t id);
int steer_route_put(struct netlink_batch *b, uint16_t flags, const struct steer_route *route);
int steer_route_delete(struct netlink_batch *b, const struct steer_route *route);
int steer_rule_put(struct netlink_batch *b, const struct steer_rule *rule);
int steer_rule_delete(struct netlink_batch *b, const struct steer_rule *rule);

/* nlh is a whole RTM_NEW... or RTM_DEL... message of its kind. */
int steer_nexthop_parse(const struct nlmsghdr *nlh, struct steer_nexthop *ret);
int steer_route_parse(const struct nlmsghdr *nlh, struct steer_route *ret);
int steer_rule_parse(const struct nlmsghdr *nlh, struct steer_rule *ret);

bool steer_hop_equal(const struct steer_hop *a, const struct steer_hop *b);
bool steer_nexthop_equal(const struct steer_nexthop *a, const struct steer_nexthop *b);
bool steer_route_equal(const struct steer_route *a, const struct steer_route *b);
bool steer_rule_equal(const struct steer_rule *a, const struct steer_rule *b);

/* Shared by the three: AF_ numbers and address sizes of enum family. */
uint8_t steer_af(enum family family);
int steer_family(uint8_t af, enum family *ret);
size_t steer_address_size(enum family family);
bool steer_address_any(const uint8_t address[16]);
/* The value of an attribute of exactly this size: false when it has another. */
bool steer_attribute_u32(const struct nlattr *attr, uint32_t *ret);
bool steer_attribute_address(const struct nlattr *attr, enum family family, uint8_t ret[16]);
