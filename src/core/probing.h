/*
 * What is sent when: heartbeats, rounds of a burst, checks of services, within the link's probe budget.  Derived from a
 * path's health and from what it is used for; see docs/decision.md for the figures.
 */
#pragma once

#include "core/path.h"

struct probing_role {
	bool active;  /* carries traffic of some class */
	bool alone;   /* nothing usable is alive: what comes back first matters more than bytes */
	bool sibling; /* the link's other family is probed out of the same budget */
};

/* Sends everything of this path that is due. */
void probing_run(struct path *p, const struct step_env *env, struct probing_role role,
	struct budget *budget, struct passive *passive);

/* When the next thing is due. */
int64_t probing_due_us(const struct path *p);

/* IP bytes of one probe and its answer. */
int64_t probing_bytes(enum probe_method method, enum family family, uint32_t mtu);
