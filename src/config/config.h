/*
 * The configuration as one plain struct: what options.c describes and uci files say.  A config is
 * built whole, checked whole and swapped whole; a bad file never replaces a good one.
 */
#pragma once

#include <stddef.h>

#include "base/problem.h"
#include "core/policy.h"

#define CONFIG_MATCHES_MAX 32
#define CONFIG_MARK_BITS 7      /* at least: links and classes have to fit into mark_mask */
#define CONFIG_TARGETS_ENOUGH 3 /* in a family: fewer is worth a warning */
#define CONFIG_PATH_SIZE 108

enum config_firewall {
	CONFIG_FIREWALL_AUTO,
	CONFIG_FIREWALL_NFT,
	CONFIG_FIREWALL_IPTABLES,
	CONFIG_FIREWALL_NONE, /* no marks: new flows only, established ones stay with the route */
};

enum config_mode {
	CONFIG_MODE_AUTO,   /* mwan3 where it is running, else kernel */
	CONFIG_MODE_KERNEL, /* own tables and rules */
	CONFIG_MODE_MWAN3,  /* mwan3's policies decide, its marks are sent elsewhere: io/mwan3.h */
	CONFIG_MODE_OBSERVE,
};

enum config_ubus {
	CONFIG_UBUS_AUTO, /* wherever there is one */
	CONFIG_UBUS_OFF,
};

/* One rule that puts flows into a class: all given fields must match. */
struct class_match {
	uint8_t class;                             /* index in policy.class */
	uint8_t family;                            /* FAMILY_COUNT: both */
	uint8_t protocol;                          /* 0: any; 6, 17 ... */
	uint16_t port_first, port_last;            /* destination; 0: any */
	int16_t dscp;                              /* -1: any */
	char device[DEVICE_SIZE];                  /* incoming device; "": any */
	uint8_t source[16], source_bits;           /* bits 0: any */
	uint8_t destination[16], destination_bits; /* bits 0: any */
};

/*
 * A link section: policy plus which of its options the user has set (the rest is guessed from the
 * device).
 */
struct config_link {
	struct link_policy policy;
	/* netifd's, which has the device; "": that of the link's name, if the device is called so too */
	char interface[NAME_SIZE];
	uint64_t set; /* bit i: option i of the link's option table was given */
	int line;     /* in the file, for errors */
};

/*
 * The links that a class may use, by name: a slot is known only once a link is there
 * (config_class_slots()).
 */
struct config_class_links {
	uint8_t n; /* 0: all */
	char name[LINKS_MAX][NAME_SIZE];
};

struct config {
	struct policy policy; /* links excepted: see link[] and io/links.h */
	struct config_link link[LINKS_MAX];
	uint8_t n_links;
	struct config_link link_default; /* what a link without a section gets */

	struct class_match match[CONFIG_MATCHES_MAX];
	uint8_t n_matches;

	/* data path */
	enum config_mode mode;
	enum config_firewall firewall;
	bool nexthop_objects; /* false: route replace even where the kernel has them */
	uint32_t table_base, rule_base, nexthop_base;
	uint8_t protocol; /* rtnetlink route protocol number */
	/* contiguous bits; at least 5 for links, and 2 more above them for classes */
	uint32_t mark_mask;
	/* SIGTERM takes everything out of the kernel; default: leave it for the successor */
	bool release_on_stop;
	bool zero_config; /* devices with a default route become links by themselves */
	bool dns;         /* the resolvers of links that do not work are not used */
	char dns_file[CONFIG_PATH_SIZE];
	char mwan3_config[CONFIG_PATH_SIZE];
	/* not options, see mwan3_adapt(): added to the mark of probes; marks that are another's */
	uint32_t bypass_mark, foreign_mask;

	/* probes */
	char http_host[64], http_path[64];
	char dns_zone[64]; /* unique names are asked below it */

	/* log, rpc, memory */
	int log_level; /* syslog's LOG_ERR .. LOG_DEBUG */
	bool watch;    /* the file, for changes by others */
	bool log_syslog;
	char rpc_group[32];
	uint32_t rpc_mode; /* of the socket file */
	enum config_ubus ubus;
	char ubus_socket[CONFIG_PATH_SIZE]; /* "": the usual places */
	char button[32];                    /* read by a hotplug script alone */
	int64_t checkpoint_us;              /* time between checkpoints */
	int64_t flash_bytes_per_day;
	int64_t recording_bytes; /* of what the links did, for what-if and tuning; 0: none */
	char state_dir[CONFIG_PATH_SIZE];

	struct config_class_links class_links[CLASSES_MAX];
};

void config_default(struct config *ret);

/* What a class of this need asks for when min_score is left open. */
uint8_t config_class_min_score(enum class_need need);

/* Whether the user has set this option of the link, in its own section or in the defaults. */
bool config_link_has(const struct config_link *l, const char *option);

/*
 * The link's policy with everything that was left open filled in: kind as guessed, metered if that
 * is cellular, a probe budget of CONFIG_METERED_BUDGET_BYTES if metered.  The order is the
 * caller's.
 */
#define CONFIG_METERED_BUDGET_BYTES INT64_C(5000000)
void config_link_resolve(const struct config_link *l, enum link_kind guess,
	struct link_policy *ret);

/*
 * Fills policy->class[].links from the names of the links in policy: call it whenever slots or
 * names have changed.  A class that is limited to links of which none is there gets CONFIG_NO_LINK,
 * because 0 would allow all.
 */
#define CONFIG_NO_LINK (UINT32_C(1) << 31)
void config_class_slots(const struct config *config, struct policy *policy);

#define CONFIG_FILE_MAX 32768 /* bytes */

/*
 * Reads a UCI file; in /etc/config with what `uci set` has staged for it, as everybody reads it there.  0; -ENOENT (ret is the default configuration); -EINVAL with what is wrong in
 * ret_problems, in the order of the file as far as possible; or another -errno when it cannot be
 * read, with one problem.  Warnings (unknown options, with the nearest name) are problems too and
 * do not fail.  ret is untouched on failure, -ENOENT excepted.
 */
#define CONFIG_PROBLEMS_MAX 32
struct config_problems {
	struct problem problem[CONFIG_PROBLEMS_MAX];
	bool warning[CONFIG_PROBLEMS_MAX];
	int n, more; /* more: how many did not fit */
};

int config_load(const char *file, struct config *ret, struct config_problems *ret_problems);

/* The same from memory; name stands for the file in messages. */
int config_parse(const char *name, const char *text, size_t size, struct config *ret,
	struct config_problems *ret_problems);

/*
 * What differs, one call a difference: section ("detect", "link wan", "class calls", "match 1",
 * "target 9.9.9.9"), option, old and new value as UCI words ("": left open), and whether it takes
 * effect without a restart.  An option "" stands for the whole section, with the values "present"
 * and "absent".  Returns the number of differences.
 */
typedef void config_diff_fn(void *user, const char *section, const char *option, const char *was,
	const char *is, bool live);
int config_diff(const struct config *was, const struct config *is, config_diff_fn *tell,
	void *user);

/*
 * Prints a complete UCI file (only_set: only what differs from the defaults).  Returns bytes
 * needed, as snprintf.
 */
size_t config_print(const struct config *config, bool only_set, char *buffer, size_t size);
