/*
 * What the user wants, as the engine reads it.  Filled by config/ from the option table; replaced as a whole by
 * INPUT_POLICY.  A link is named by its slot: a small number that stays with a device for as long as the daemon (and,
 * through the run directory, its successor) knows it, because tables, nexthops and marks are derived from it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/limits.h"

enum family {
	FAMILY_IPV4,
	FAMILY_IPV6,
	FAMILY_COUNT,
};

enum link_kind {
	LINK_KIND_OTHER,
	LINK_KIND_WIRED,
	LINK_KIND_STARLINK,
	LINK_KIND_CELLULAR,
	LINK_KIND_WIFI,
	LINK_KIND_VPN,
	LINK_KIND_COUNT,
};

enum probe_method {
	PROBE_ICMP, /* echo request, RFC 792 / RFC 4443 */
	PROBE_TCP,  /* SYN to a port; SYN+ACK or RST both prove the path */
	PROBE_DNS, /* query for a unique name; any well-formed answer proves the path, the RCODE is kept */
	PROBE_HTTP,      /* GET of a 204 page; anything but 204 is a captive portal */
	PROBE_NEIGHBOUR, /* ARP request or neighbour solicitation for the gateway */
	PROBE_BIG,       /* ICMP echo as large as the link's MTU, with DF */
	PROBE_METHOD_COUNT,
};

enum prediction {
	PREDICTION_OFF,
	PREDICTION_OBSERVE, /* forecasts are made, checked and shown, nothing follows from them */
	PREDICTION_ON,      /* they are acted upon as far as they have proved right on the spot */
	PREDICTION_COUNT,
};

/* How far ahead; the order is that of hazard_model[]. */
enum horizon {
	HORIZON_1S,
	HORIZON_10S,
	HORIZON_60S,
	HORIZON_COUNT,
};

struct link_policy {
	char name[NAME_SIZE];     /* what the user calls it; the device's name unless configured */
	char device[DEVICE_SIZE]; /* kernel device */
	bool enabled; /* false: watched from the kernel's events only, never probed nor chosen */
	bool metered;
	bool shared; /* others put traffic on it by rules of their own: watched as if it were in use */
	enum link_kind kind;
	int32_t preference; /* higher is preferred; equal ones are settled by score */
	uint16_t
		order; /* place in the configuration, then of discovery; the last tie-break, unique */
	uint16_t weight;      /* share of new flows when a class balances, 1..100 */
	int64_t budget_bytes; /* probe bytes (both ways, IP) per 30 days; 0: no limit */
	int64_t quota_bytes;  /* user's data cap for one quota period; 0: none */
	int64_t heartbeat_us; /* time between heartbeats in use; 0: chosen by kind, use and budget */
	int64_t hold_us;      /* first failback hold; doubles on relapse */
	int64_t hold_max_us;
};

enum class_need {
	CLASS_NEED_DEFAULT,  /* web, mail: E-model rating of voice under 70 counts as bad */
	CLASS_NEED_REALTIME, /* calls: rating under 80 */
	CLASS_NEED_BULK,     /* transfers: only loss matters */
	CLASS_NEED_COUNT,
};

struct class_policy {
	char name[NAME_SIZE];
	enum class_need need;
	uint8_t min_score; /* 0..100; under it the class's needs are not met */
	bool balance; /* spread new flows over all paths of the best preference that meet the needs */
	uint32_t links; /* bit mask of allowed slots; 0: all */
};

struct target {
	uint8_t address[16]; /* IPv4 in the first four bytes, network order */
	uint16_t tcp_port;
	uint8_t methods; /* bit mask of 1 << enum probe_method; the operator is one target even if it speaks many */
};

struct policy {
	struct link_policy link[LINKS_MAX];
	uint32_t links; /* bit mask of slots that are in use */
	struct class_policy class[CLASSES_MAX];
	uint8_t n_classes; /* at least 1 */
	struct target target[FAMILY_COUNT][TARGETS_MAX];
	uint8_t n_targets[FAMILY_COUNT];
	bool observe; /* decide and explain, but change nothing */
	bool ipv6;    /* IPv6 paths are judged and moved */

	/* detection */
	int64_t false_switch_period_us; /* one false switch per link in this time is accepted (default a year) */
	int64_t timeout_floor_us; /* least probe time-out, RFC 6298 style (default 50 ms) */
	int64_t timeout_max_us;   /* an answer later than this is as good as lost (default 1 s) */
	int64_t burst_us;    /* time between probe rounds of a suspicion burst (default 20 ms) */
	int64_t counters_us; /* time between reads of a busy active link's counters (default 10 ms) */
	int64_t heartbeat_active_us;  /* unmetered link in use (default 500 ms) */
	int64_t heartbeat_standby_us; /* unmetered standby (default 5 s) */
	int64_t switch_cost_us; /* what one switch costs a user, as time in trouble (default 500 ms) */
	int64_t bad_hold_us; /* a bad (not dead) path must have been bad this long before traffic leaves it */
	int64_t unsteady_us; /* trouble in an hour that makes a path less steady than one without; 0: no matter */
	int64_t canary_us; /* on failback new flows go first, the rest after this long */
	bool dns_matters; /* a path whose DNS alone is dead is not usable while another's DNS works */
	bool move_flows_on_failback; /* after the canary, established flows are moved too (default no) */
	enum prediction prediction;
	enum horizon horizon; /* of the forecasts that are acted upon */
};

static inline unsigned path_of(unsigned link, enum family family)
{
	return link * FAMILY_COUNT + (unsigned)family;
}

/* Bit mask of all paths of a family. */
#define PATHS_OF_FAMILY(family) ((family) == FAMILY_IPV4 ? 0x55555555U : 0xaaaaaaaaU)

static inline unsigned path_link(unsigned path)
{
	return path / FAMILY_COUNT;
}

static inline enum family path_family(unsigned path)
{
	return (enum family)(path % FAMILY_COUNT);
}

/* Some class has the needs of calls: small losses matter. */
static inline bool policy_realtime(const struct policy *p)
{
	for (unsigned c = 0; c < p->n_classes; c++)
		if (p->class[c].need == CLASS_NEED_REALTIME)
			return true;
	return false;
}

/* The defaults of a policy without links; config/ starts from it, tests use it as it is. */
void policy_default(struct policy *ret);
