/*
 * The ruleset as a list, the same for every variant.  Pure.
 *
 *      prerouting   from an uplink, a flow's first direction, no mark: it belongs to that uplink
 *                   from an uplink: done, what comes in is routed as ever
 *                   from inside: -> inside
 *      output       -> inside (and the kernel routes anew when the mark changes)
 *      inside       a packet that has a link already (a probe's): done
 *                   the flow's class and link into the packet's mark: that link's table routes it
 *                   a new flow: -> class
 *      class        the configuration's matchers, the first that fits
 *      postrouting  to an uplink, flow and packet without a link: the flow belongs to that uplink
 *
 * A flow is marked once and keeps its link until its conntrack entry goes.  Flows that were there
 * before the ruleset are marked with the link that carries them, unless conntrack_claim() came first.  A probe's packets have a link
 * and its flow none: they are told apart from users' flows by that, and never deleted.  Bits
 * outside our mask are not touched.
 */
#pragma once

#include "io/firewall.h"

enum firewall_chain {
	FIREWALL_PREROUTING,
	FIREWALL_OUTPUT,
	FIREWALL_POSTROUTING,
	FIREWALL_INSIDE,
	FIREWALL_CLASS,
	FIREWALL_CHAIN_COUNT,
};

struct firewall_mark {
	uint32_t mask; /* 0: no condition, no change */
	uint32_t value;
};

/* All conditions must hold; then the changes are made, then the verdict. */
struct firewall_rule {
	enum firewall_chain chain;
	char in[DEVICE_SIZE], out[DEVICE_SIZE]; /* "": any */
	bool original;                          /* packets in the flow's first direction only */
	bool fresh;                             /* flows that nothing has answered yet only */
	struct firewall_mark flow_is, packet_is;
	uint32_t packet_any; /* some of these bits are set in the packet's mark */
	bool matches;
	struct class_match
		match; /* only when matches; class and device are not looked at; a port never
				     comes without the number of a protocol that has ports */
	struct firewall_mark flow_set, packet_set;
	enum firewall_verdict {
		FIREWALL_CONTINUE,
		FIREWALL_RETURN,
		FIREWALL_JUMP,
	} verdict;
	enum firewall_chain jump;
};

#define FIREWALL_RULES_MAX (5 * LINKS_MAX + CLASSES_MAX + 2 * CONFIG_MATCHES_MAX + 8)

struct firewall_rules {
	unsigned n;
	struct firewall_rule rule[FIREWALL_RULES_MAX];
};

/* About 20 kB: the caller has it on the heap or in static memory. */
void firewall_rules(const struct config *config, const struct firewall_link link[LINKS_MAX],
	struct firewall_rules *ret);

/* A matcher's families as a bit mask: addresses say it where the configuration does not; 0:
   none can match. */
unsigned firewall_match_families(const struct class_match *match);
