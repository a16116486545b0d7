/*
 * The static ruleset that writes the egress link into the conntrack mark and restores it for later packets and for
 * replies to inbound connections.  Two variants, chosen at run time by what the system has (or configuration): nft
 * (own table `inet autonomy`) and iptables (own chains AUTONOMY-*).  Programs are run only here, at start, reload and
 * when the set of devices changes: never in steady state.
 */
#pragma once

#include "config/config.h"

struct firewall;

struct firewall_link {
	char device[DEVICE_SIZE];
	uint32_t mark; /* already shifted; 0: unused */
};

struct firewall_ops {
	const char *name; /* "nft", "iptables" */
	bool (*available)(void);
	/* Replaces the whole ruleset atomically.  -errno with ret filled. */
	int (*install)(const struct config *config, const struct firewall_link link[LINKS_MAX],
		struct problem *ret);
	int (*remove)(const struct config *config, struct problem *ret);
	/* True when it is installed just as install() would leave it for these links (adoption after a restart). */
	bool (*present)(const struct config *config, const struct firewall_link link[LINKS_MAX]);
};

extern const struct firewall_ops firewall_nft, firewall_ipt;

/* The variant the configuration asks for or, for "auto", the first that is available; NULL when there is none. */
const struct firewall_ops *firewall_choose(const struct config *config);
