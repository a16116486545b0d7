/*
 * What /etc/config/mwan3 says, as far as it decides which marks mwan3 gives and which interfaces a
 * flow may leave by.  mwan3 numbers its interfaces in the order of their sections, whether they are
 * enabled or not; number, mark and routing table of one are the same number.
 *
 * Rules become matchers of classes (config.h), so that a packet's class says which policy it is
 * under: class 0 is "not known", the classes from 1 on are groups of policies that have the same
 * members.  What a matcher cannot say (ipsets, source ports, lists that are too long) leaves what it
 * could match in class 0.
 */
#pragma once

#include "config/config.h"

#define MWAN3_INTERFACES_MAX 60 /* with the mask that mwan3 comes with */
#define MWAN3_POLICIES_MAX 24
#define MWAN3_MEMBERS_MAX 16
#define MWAN3_NAME_SIZE 16 /* longer policies and rules are passed over by mwan3 too */
#define MWAN3_METRIC_MAX 256

struct mwan3_interface {
	char name[NAME_SIZE];
	uint8_t family; /* enum family */
	bool enabled;
};

struct mwan3_member {
	uint16_t interface; /* number - 1 */
	uint16_t metric;    /* the lowest that is online carries the traffic */
	uint16_t weight;    /* among equal metrics */
};

struct mwan3_policy {
	char name[MWAN3_NAME_SIZE];
	uint8_t n_members;
	uint8_t class; /* 0: no rule uses it, or there are more groups than classes */
	bool used;
	uint16_t lowest; /* metric of a member */
	struct mwan3_member member[MWAN3_MEMBERS_MAX];
};

struct mwan3_config {
	uint32_t mask; /* of the packet mark: mmx_mask */
	uint8_t n_interfaces, n_policies, n_classes;
	uint8_t n_matches;
	uint8_t left_out; /* rules of which (a part of) the traffic is in class 0; counted up to 255 */
	int8_t main_policy; /* of the last rule, which takes what no other took; -1: none */
	struct mwan3_interface interface[MWAN3_INTERFACES_MAX];
	struct mwan3_policy policy[MWAN3_POLICIES_MAX];
	struct class_match match[CONFIG_MATCHES_MAX];
};

/*
 * Reads the file's text.  0; -EINVAL with ret_problem filled when it is no uci file, or numbers or
 * bits run out; -ENOMEM.  ret is untouched on failure.
 */
int mwan3_parse(const char *text, size_t size, struct mwan3_config *ret,
	struct problem *ret_problem);

/* The same from a file; -ENOENT, or another -errno with ret_problem filled. */
int mwan3_load(const char *file, struct mwan3_config *ret, struct problem *ret_problem);

/* The packet mark of an interface number (or another id), spread over the bits of the mask. */
uint32_t mwan3_mark(uint32_t mask, unsigned id);
