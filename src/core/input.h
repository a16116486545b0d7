/*
 * Everything that can happen to the engine, as data.  Adapters build one of these and leave it in the inbox; a trace
 * is these written down (core/trace.h).  Plain data without pointers, except policy (see there).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/hazard.h"
#include "core/policy.h"

enum input_kind {
	INPUT_TICK,     /* time passed */
	INPUT_POLICY,   /* the configuration or the set of links changed */
	INPUT_PATH,     /* what the kernel says of a path */
	INPUT_SAMPLE,   /* a probe ended */
	INPUT_COUNTERS, /* a link's packet counters were read */
	INPUT_HINT,     /* something a link says of itself */
	INPUT_COMMAND,  /* a person wants something */
	INPUT_APPLIED,  /* the kernel's answer to an action */
	INPUT_DRIFT,    /* the kernel lost something of ours, by itself or by another's hand */
	INPUT_LEARNED,  /* what an earlier run had learned of a path */
	INPUT_ADOPTED, /* a route that an earlier run left in the kernel: the class is on this path now */
	INPUT_KIND_COUNT,
};

/* Facts of one path.  Absent device: present false, all else zero. */
struct path_facts {
	bool present;     /* the device exists and is administratively up */
	bool carrier;     /* IFF_LOWER_UP */
	bool has_address; /* a usable (global, not tentative, not deprecated) source address */
	bool has_gateway; /* a default route through this device; point-to-point devices count without a next hop */
	uint8_t address[16]; /* IPv4 in the first four bytes, network order */
	uint8_t gateway[16]; /* all zero: on-link (point to point) */
	uint32_t ifindex;
	uint32_t mtu; /* bytes, IP */
	uint32_t
		metric; /* of the kernel's own default route; orders links without a configuration */
};

enum sample_outcome {
	SAMPLE_ANSWERED, /* the target answered; rtt_us is valid */
	SAMPLE_REFUSED, /* the target answered with a refusal (RST, DNS error code): the path works; rtt_us is valid */
	SAMPLE_PORTAL,      /* HTTP answered, but not 204: somebody sits between; rtt_us is valid */
	SAMPLE_UNREACHABLE, /* a router on the way said unreachable (ICMP type 3, ICMPv6 type 1) */
	SAMPLE_TOO_BIG, /* a router said fragmentation needed / packet too big: the path honours PMTUD */
	SAMPLE_SEND_FAILED, /* it could not be sent; errno in error */
	SAMPLE_LOST, /* the adapter gives up on it and frees its slot (after 3 s); the engine has its own time-outs */
	SAMPLE_OUTCOME_COUNT,
};

struct input_sample {
	uint8_t path;
	uint8_t outcome; /* enum sample_outcome */
	uint8_t detail;  /* DNS RCODE, HTTP status / 10, ICMP code */
	uint32_t probe;  /* struct action_probe.probe */
	uint32_t rtt_us; /* kernel timestamps where there are any */
	int32_t error;   /* errno, SAMPLE_SEND_FAILED only */
};

struct input_counters {
	uint8_t link;
	bool apart; /* the families' numbers below are known */
	uint64_t tx_packets, rx_packets, tx_bytes,
		rx_bytes; /* since the device exists; a fall means a new device */
	/* packets of each family, from anywhere on; IPv6 without multicast, IPv4 with what is neither */
	uint64_t tx_of[FAMILY_COUNT], rx_of[FAMILY_COUNT];
};

enum hint_kind {
	HINT_SIGNAL_DBM, /* RSRP, 3GPP TS 36.214 §5.1.1 / RSSI */
	HINT_SINR_CDB,   /* hundredths of a dB */
	HINT_OBSTRUCTED, /* 0 or 1: the dish says its view is blocked now */
	HINT_NO_SERVICE, /* 0 or 1: the modem has no operator, the dish no satellite */
	HINT_OUTAGE_AT, /* value: microseconds from now until a known outage begins (reboot, hand-over) */
	HINT_QUOTA_USED, /* bytes used in this quota period, as the link's operator counts */
	HINT_KIND_COUNT,
};

struct input_hint {
	uint8_t link;
	uint8_t kind; /* enum hint_kind */
	int64_t value;
};

enum command_verb {
	COMMAND_PIN, /* class uses link (while it is usable) until expires_us */
	COMMAND_UNPIN,
	COMMAND_HOLD, /* no switch of class except away from a dead path, until expires_us */
	COMMAND_UNHOLD,
	COMMAND_DRAIN, /* new flows avoid link until expires_us; established ones stay */
	COMMAND_UNDRAIN,
	COMMAND_RECHECK, /* a fresh burst on link, failback holds forgotten */
	COMMAND_RELEASE, /* take everything out of the kernel and only observe until COMMAND_STEER or a restart */
	COMMAND_STEER,
	COMMAND_VERB_COUNT,
};

struct input_command {
	uint8_t verb;       /* enum command_verb */
	uint8_t class;      /* CLASSES_MAX: all */
	uint8_t link;       /* LINKS_MAX: all or none */
	int64_t expires_us; /* USEC_NEVER: until taken back */
};

struct input_applied {
	uint32_t action; /* struct action.seq */
	int32_t error;   /* 0 or a positive errno */
	uint32_t took_us;
};

enum drift_kind {
	DRIFT_PATH,  /* nexthop, table or rule of a path is gone (a carrier loss does that) */
	DRIFT_CLASS, /* a class's group, table or rule is gone or holds something else */
	DRIFT_FLOWS, /* the ruleset is gone (somebody flushed it) */
};

struct input_drift {
	uint8_t kind; /* enum drift_kind */
	uint8_t path; /* DRIFT_PATH */
	uint8_t class, family;
};

/* What is worth remembering of a path over a restart; all integers, see core/baseline.h for their meaning. */
#define LEARNED_SPELLS 16

/* Spells of trouble by length, logarithmic buckets (edges in core/spells.c); counts in 1/16, decayed. */
struct spells {
	uint16_t ended[LEARNED_SPELLS]; /* by themselves */
	uint16_t lasting;               /* did not, within the longest bucket */
};

/* What forecasts with one horizon have been worth; see core/forecast.h. */
struct forecast_learned {
	uint32_t n, happened, onsets;
	uint32_t said_ppm;               /* mean */
	uint32_t brier_ppb, climate_ppb; /* means */
};

struct path_learned {
	int64_t rtt_us, rtt_var_us; /* usual round trip and its deviation */
	uint32_t loss_ppm;          /* usual loss */
	uint32_t burst_ppm;         /* P(lost | the one before was lost) */
	uint32_t rx_per_tx_ppm;     /* packets that come back for one sent, under use */
	struct spells silence;      /* nothing came back */
	struct spells bad;          /* answers, but the needs of class 0 were not met */
	uint16_t relapses;
	int64_t hold_us;    /* the failback hold as it stands */
	int64_t trouble_us; /* that it has given, fading, in ... */
	int64_t watched_us; /* ... the time it was watched, fading too (core/trouble.h) */
	uint32_t outages, outages_time; /* struct hazard's onsets_slow and time_slow */
	struct forecast_learned forecast[HAZARD_HORIZONS];
};

struct input_learned {
	uint8_t path;
	struct path_learned learned;
};

struct input_adopted {
	uint8_t class, family;
	uint8_t path;
};

struct input {
	enum input_kind kind;
	int64_t now_us; /* never before that of the input before it; the engine corrects and counts it if it is */
	union {
		const struct policy
			*policy; /* read during the step and copied; may go afterwards */
		struct {
			uint8_t path;
			struct path_facts facts;
		} path;
		struct input_sample sample;
		struct input_counters counters;
		struct input_hint hint;
		struct input_command command;
		struct input_applied applied;
		struct input_drift drift;
		struct input_learned learned;
		struct input_adopted adopted;
	};
};
