/*
 * The static ruleset that writes the egress link into the conntrack mark and restores it for
 * later packets and for replies to inbound connections.  What it says is one list of rules
 * (io/firewall_rules.h); two variants put it into the kernel, chosen at run time by what the
 * system has (or configuration): nft (own table `inet autonomy`, spoken over netlink, nothing is
 * run) and iptables (own chains AUTONOMY-*; programs are run, but only here, at start, reload and
 * when the set of devices changes: never in steady state).
 */
#pragma once

#include "config/config.h"

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
	/* Also what another process, or another configuration, installed; 0 when there was
	 * nothing. */
	int (*remove)(struct problem *ret);
	/* True when it is installed just as install() would leave it for these links (adoption
	 * after a restart). */
	bool (*present)(const struct config *config, const struct firewall_link link[LINKS_MAX]);
	/* A number that is another one after somebody has changed the tables, without running a
	   program: for kernels' tables that notify nobody.  NULL, or 0: these notify. */
	uint32_t (*fingerprint)(void);
};

extern const struct firewall_ops firewall_nft, firewall_ipt;

/* The variant the configuration asks for or, for "auto", the first that is available; NULL
   when there is none. */
const struct firewall_ops *firewall_choose(const struct config *config);
