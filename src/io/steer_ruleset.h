/*
 * Keeps the firewall ruleset in the kernel: chooses the variant, installs it when the set of
 * devices changes, adopts one that is as it should be, and notices (nftables notifications) when
 * somebody takes it away.  Then the engine is told, not more than once a second, and the next
 * path that it asks for puts the ruleset back.
 */
#pragma once

#include <event2/event.h>

#include "io/firewall.h"
#include "io/netlink.h"

struct steer_ruleset {
	struct event_base *base;
	const struct config *config; /* the owner's; as it is at the time of each call */
	const struct firewall_ops *variant;
	struct firewall_link link[LINKS_MAX];
	struct netlink_events events;
	struct event *timer;
	bool active; /* it shall be in the kernel */
	bool gone;   /* somebody took it away */
	bool old;    /* the devices changed since it was installed */
	bool ignores_events;
	bool said_none;
	int64_t told_us;
	uint32_t fingerprint; /* of the variant, when it was looked at last */
	struct event
		*look; /* legacy iptables notifies nobody: every few seconds, one system call */
	void (*lost)(void *user);
	void *user;
};

/* 0 or -ENOMEM. */
int steer_ruleset_init(struct steer_ruleset *r, struct event_base *base,
	const struct config *config, void (*lost)(void *user), void *user);
void steer_ruleset_done(struct steer_ruleset *r); /* leaves the kernel as it is */

/* Remembers the devices.  When it is active and they changed, it is installed anew once the loop
   has carried out what is at hand: flows are marked at any of their packets, so there is time. */
void steer_ruleset_set_links(struct steer_ruleset *r, const struct policy *policy);

/* From now on it shall be there.  Cheap when it is. */
void steer_ruleset_activate(struct steer_ruleset *r);

/* The configuration has changed. */
int steer_ruleset_configure(struct steer_ruleset *r, struct problem *ret);

/* Takes it out of the kernel, in whichever variant it is there. */
int steer_ruleset_remove(struct steer_ruleset *r);
