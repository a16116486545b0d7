/*
 * The daemon: adapters around one engine.  daemon.c carries data from the inbox through the engine to the adapters and
 * the readers; hooks.c is what the API may ask of it; autonomyd.c starts and ends it.
 *
 *   kernel, sockets --adapters--> inbox --> engine_step() --actions--> probes, counters, steer
 *                                              `--events--> ring --> log, ledger, RPC followers
 */
#pragma once

#include <event2/event.h>

#include "api/api.h"
#include "core/eventring.h"
#include "core/history.h"
#include "core/ledger.h"
#include "daemon/quota.h"
#include "daemon/study.h"
#include "io/checkpoint.h"
#include "io/counters.h"
#include "io/file_watch.h"
#include "io/inbox.h"
#include "io/journal.h"
#include "io/links.h"
#include "io/mwan3.h"
#include "io/netifd.h"
#include "io/probes.h"
#include "io/resolver.h"
#include "io/rpc.h"
#include "io/sitefile.h"
#include "io/steer.h"
#include "io/ubus_autonomy.h"

struct daemon_options {
	const char *config_file;
	const char *run_dir;
	const char *state_dir; /* NULL: as configured */
	bool observe;          /* whatever the configuration says */
	int log_level;         /* -1: as configured */
	unsigned give_up;      /* stay down after so many crashes in a row; 0: never */
};

struct daemon {
	struct daemon_options options;
	struct config config[2]; /* the one in use, and room for the next */
	unsigned config_in_use;
	struct config steering; /* as given to steer and probes: adapted to mwan3 */
	struct policy policy;   /* as given to the engine */

	struct event_base *base;
	struct event *timer, *second, *signals[4];
	struct inbox inbox;
	struct links *links;
	struct probes *probes;
	struct counters *counters;
	struct steer *steer;
	struct mwan3 *mwan3;
	struct checkpoint *checkpoint; /* NULL: there is no state directory */
	struct file_watch *watch;      /* of the configuration file; NULL: not wanted */
	struct rpc *rpc;
	struct ubus *ubus;
	struct ubus_autonomy ubus_autonomy;
	struct netifd *netifd;
	struct resolver *resolver;
	struct api api;

	struct engine *engine;
	struct output output;
	struct eventring events;
	struct history history;
	struct ledger ledger;
	struct journal journal;
	struct sitefile site;
	struct study study;
	struct quota quota;
	int32_t month; /* year * 100 + month; 0 while the clock is not to be trusted */

	uint64_t seed;
	uint64_t wakeups, steps;
	int64_t now_us;      /* of the last input */
	int64_t wake_us;     /* as the engine wants it */
	int64_t armed_us;    /* what the timer is set to */
	bool policy_stale;   /* links changed: build the policy again before the next input */
	bool resolver_stale; /* a path's health or netifd's resolvers changed */
	bool mwan3_stale;    /* mwan3 came, went or changed */
	bool health_stale;   /* mwan3's marks may have to go elsewhere */
	bool stopping, reload;
	bool file_changed; /* by somebody: the same as reload, unless it says nothing new */
};

/*
 * Everything in dependency order.  -errno with ret filled; daemon_done() copes with what was made.  -ECANCELED: it has
 * crashed too often, see crashes.h.
 */
int daemon_init(struct daemon *d, const struct daemon_options *options, struct problem *ret);
void daemon_run(struct daemon *d); /* until d->stopping */
void daemon_done(struct daemon *d);

/* Reads the configuration file; a bad one is told and the old one stays.  asked: also when it says nothing new. */
void daemon_reload(struct daemon *d, bool asked);

/* Uses config from now on (copied). */
int daemon_use_config(struct daemon *d, const struct config *config, struct problem *ret);

const struct config *daemon_config(const struct daemon *d);

/* interfaces.c */
int daemon_open_interfaces(struct daemon *d);
void daemon_close_interfaces(struct daemon *d); /* also half opened */
void daemon_tell_resolver(struct daemon *d);    /* when resolver_stale */
void daemon_show_link(struct daemon *d, unsigned link, bool why, struct json_object *to);

extern const struct api_hooks daemon_hooks;
