/*
 * What the engine wants done and what it has to tell.  Actions are carried out in order, after the step has returned.
 * ACTION_PATH, ACTION_ROUTE and ACTION_FLOWS are each answered by exactly one INPUT_APPLIED; ACTION_PROBE by one or
 * more INPUT_SAMPLE (a late answer may follow); ACTION_COUNT by one INPUT_COUNTERS a link.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/input.h"

enum action_kind {
	ACTION_PROBE, /* send one probe over a path */
	ACTION_COUNT, /* read the counters of links */
	ACTION_PATH,  /* a path's own nexthop, table and rule: install (or change), or remove */
	ACTION_ROUTE, /* a class in one family uses these paths */
	ACTION_FLOWS, /* the established flows of a path are to start anew on what their class uses now */
	ACTION_RELEASE, /* take everything of ours out of the kernel; answered by one INPUT_APPLIED */
	ACTION_KIND_COUNT,
};

struct action_probe {
	uint32_t probe; /* comes back in the sample; never 0; unique among those under way */
	uint8_t path;
	uint8_t method; /* enum probe_method */
	uint8_t target; /* index in policy.target[family] */
	uint16_t tcp_port;
	uint16_t size;       /* IP bytes for PROBE_BIG, else 0 */
	uint8_t address[16]; /* the target's, or the gateway's for PROBE_NEIGHBOUR */
};

struct action_path {
	uint8_t path;
	bool install;
	struct path_facts facts; /* as of the decision */
};

#define ROUTE_PATHS_MAX LINKS_MAX
struct action_route {
	uint8_t class, family;
	uint8_t n; /* 0: nothing to offer, the class table stays empty and traffic falls to main */
	uint8_t path[ROUTE_PATHS_MAX];   /* in order of rank */
	uint8_t weight[ROUTE_PATHS_MAX]; /* 1..100; 100 alone when not balancing */
};

struct action_flows {
	uint8_t path;  /* every flow that leaves over it, both directions of initiation */
	uint8_t class; /* CLASSES_MAX: of all classes */
};

struct action {
	enum action_kind kind;
	uint32_t seq; /* counts every action of this engine from 1 */
	union {
		struct action_probe probe;
		struct {
			uint32_t links; /* bit mask of slots */
			uint32_t
				apart; /* of these, each family by itself too, where the kernel can tell */
		} count;
		struct action_path path;
		struct action_route route;
		struct action_flows flows;
	};
};

/* One writer: path.c.  Ordered only as a list; what may carry traffic is said by path_usable(). */
enum health {
	HEALTH_ABSENT,  /* no such device */
	HEALTH_DOWN,    /* no carrier, address or gateway */
	HEALTH_UNKNOWN, /* no evidence yet */
	HEALTH_UP,
	HEALTH_SUSPECT, /* evidence against it, a burst is under way */
	HEALTH_DEGRADED, /* answers, but does not meet the needs of any class, or lacks DNS, web or large packets */
	HEALTH_DEAD,       /* the sequential test says so */
	HEALTH_RECOVERING, /* was dead, answers again, not yet trusted */
	HEALTH_COUNT,
};

/* Nothing can be sent over it, as far as is known. */
static inline bool health_is_down(enum health health)
{
	return health == HEALTH_ABSENT || health == HEALTH_DOWN || health == HEALTH_DEAD;
}

enum verdict {
	VERDICT_NONE,
	VERDICT_NO_CARRIER,
	VERDICT_NO_ADDRESS,
	VERDICT_NO_GATEWAY,     /* no default route */
	VERDICT_GATEWAY_SILENT, /* the gateway does not answer ARP/ND: cable, radio, modem */
	VERDICT_PROVIDER,       /* the gateway answers, nothing beyond does */
	VERDICT_SILENT,         /* nothing answers; the gateway was not asked or cannot be */
	VERDICT_LOSS,
	VERDICT_DELAY,
	VERDICT_JITTER,
	VERDICT_CONGESTION, /* rises with our own load: not the link's fault */
	VERDICT_DNS,        /* names do not resolve, the rest works */
	VERDICT_PORTAL,
	VERDICT_MTU,    /* large packets vanish */
	VERDICT_TARGET, /* a target is dead on every link: its own fault */
	VERDICT_LOCAL,  /* the router itself could not send */
	VERDICT_WEB,    /* TCP connections do not open although ping is answered */
	VERDICT_COUNT,
};

/* The step of the total order that settled a choice; docs/decision.md says them in words. */
enum step {
	STEP_NONE,       /* only candidate, or none */
	STEP_USABLE,     /* 1 */
	STEP_ALIVE,      /* 2 */
	STEP_PIN,        /* 3 */
	STEP_QUOTA,      /* 4 */
	STEP_NEEDS,      /* 5 */
	STEP_FORECAST,   /* 6 */
	STEP_STEADY,     /* 7 */
	STEP_PREFERENCE, /* 8 */
	STEP_SCORE,      /* 9 */
	STEP_INCUMBENT,  /* 10 */
	STEP_ORDER,      /* 11 */
	STEP_COUNT,
};

enum event_kind {
	EVENT_HEALTH, /* path: from, to (enum health), verdict; value: silence_us, probes lost, loss_ppm, rtt_us; limit_us: the patience, to DEAD */
	EVENT_SWITCH, /* class, family: from, to (paths, PATHS_MAX: none), step; value: silence or bad time us, from score, to score, family */
	EVENT_STAY, /* class, family: a move was wanted and refused: from, to; value: why (enum stay) */
	EVENT_CANARY, /* failback begins with new flows: from, to; value: hold us, until the rest follows us (-1: it stays) */
	EVENT_FAIL_OPEN,  /* every path is dead: the last one stays routed */
	EVENT_PATH_FACTS, /* path: address, gateway, carrier changed; value: bit mask of what */
	EVENT_TARGET,     /* target is at fault (to 1) or well again (to 0); value: index */
	EVENT_VERDICT,    /* path: verdict began or ended without a change of health */
	EVENT_APPLIED, /* value: took_us, error: a route change was confirmed or refused by the kernel */
	EVENT_DRIFT,    /* the kernel's state was not ours; put back */
	EVENT_COMMAND,  /* verb in from, class, link in path; value: expires_us */
	EVENT_EXPIRED,  /* a pin, hold or drain ended */
	EVENT_POLICY,   /* configuration taken */
	EVENT_BUDGET,   /* path: the probe budget slows probing (to 1) or no longer does (to 0) */
	EVENT_FLAP,     /* path: held down after repeated failures; value: hold us, relapses */
	EVENT_TIME,     /* input time ran backwards and was corrected; value: by how much */
	EVENT_FORECAST, /* path: forecasts stand down (to TRUST_NONE) or are heeded again: from, to (enum trust); value: skill ppm, mean forecast ppm, happened ppm, horizon s */
	EVENT_KIND_COUNT,
};

enum stay {
	STAY_NO_BETTER,  /* no path is measured to be better */
	STAY_UNPROVEN,   /* the other one has not answered a fresh burst */
	STAY_HOLD,       /* user's hold, or failback hold */
	STAY_WAIT,       /* the link usually comes back by itself sooner than a switch would pay */
	STAY_CONGESTION, /* our own load is the cause; another link would suffer it too */
	STAY_COUNT,
};

#define EVENT_VALUES 4
struct event {
	enum event_kind kind;
	int64_t at_us;
	uint8_t path;  /* PATHS_MAX: none */
	uint8_t class; /* CLASSES_MAX: none */
	uint8_t from, to;
	uint8_t verdict; /* enum verdict */
	uint8_t step;    /* enum step */
	int64_t value[EVENT_VALUES];
	int64_t limit_us; /* EVENT_HEALTH to dead: the patience that the silence outlasted; 0: not told */
};

struct output {
	uint16_t n_actions, n_events;
	int64_t wake_us; /* call again by then at the latest, with INPUT_TICK; USEC_NEVER: when something happens */
	struct action action[OUTPUT_ACTIONS_MAX];
	struct event event[OUTPUT_EVENTS_MAX];
};
