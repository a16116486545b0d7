/*
 * Steers OpenWrt's mwan3 where that is in charge, without touching anything of it: no file, no
 * chain, no rule, no restart.
 *
 * mwan3 gives each new flow the mark of an interface, and a rule sends that mark to the interface's
 * table.  When the engine has left a link, we put rules before mwan3's own that send the marks of
 * its interface to the table of the next member of the policy: `fwmark 0x100/0x3f00 lookup 2`.  mwan3
 * goes on as it likes; its tracker, hotplug events and rebuilds neither see nor undo them.  Where
 * policies that share an interface have different members, the rules are narrowed to the classes
 * that config/mwan3.h makes of them.  Established flows stay on the link they are on, or are moved,
 * exactly as without mwan3: the ruleset and the rules of links are there in both modes (io/steer.h).
 * So are the tables of classes, for packets without any mark of mwan3: what no rule of its takes, and
 * everything while it restarts.
 *
 *   /etc/config/mwan3 -> numbers, marks, members, classes
 *   rules of the kernel -> which interfaces mwan3 has set up, and their devices
 *   engine's route, health of paths -> links to avoid -> rules
 *
 * The kernel's notifications about rules tell when mwan3 comes, goes or changes: then `changed` is
 * called, and the file is read again.
 */
#pragma once

#include <event2/event.h>

#include "config/mwan3.h"
#include "io/steer.h"

struct mwan3;

/* changed(user) is called from the loop when what mwan3_steered() or mwan3_adapt() say, or the
   devices, may be others than before.  NULL with errno set. */
struct mwan3 *mwan3_new(struct event_base *base, const struct config *config,
	void (*changed)(void *user), void *user);
void mwan3_free(struct mwan3 *m);

/* The configuration has changed, or mwan3's may have. */
void mwan3_configure(struct mwan3 *m, const struct config *config);

/* It is there, was a moment ago, or is to be waited for, and is what we steer. */
bool mwan3_steered(const struct mwan3 *m);

void mwan3_delegate(struct mwan3 *m, struct steer_delegate *ret);

/* What steer and probes must know of a system with mwan3, as one configuration. */
void mwan3_adapt(const struct mwan3 *m, const struct config *config, struct config *ret);

/* Preference, weights and balancing as the policy of mwan3's last rule has them; remembers which
   link has which device. */
void mwan3_fill_policy(struct mwan3 *m, struct policy *policy);

/* An EVENT_HEALTH was told; true when the rules may have to be others. */
bool mwan3_health(struct mwan3 *m, unsigned path, enum health health);

/* Other links carry traffic now than the policy says. */
bool mwan3_policy_old(const struct mwan3 *m);

/* Paths that died without being the engine's choice since the last call: their flows must move. */
uint32_t mwan3_take_dead(struct mwan3 *m);

/* Sentences on what is so: one for mwan3, one for each rule of ours. */
void mwan3_tell(const struct mwan3 *m, void (*tell)(void *to, const char *text), void *to);
