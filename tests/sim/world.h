/*
 * A small Internet in virtual time for the stories in sim_*.c: links with delay, jitter, random and
 * bursty loss and faults at given times, a user who sends over the link in use, and an engine that
 * steers him (replay/runner.h).  The same seed is the same world, packet by packet.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/usec.h"
#include "replay/probe_size.h"
#include "replay/runner.h"

#define WORLD_FAULTS_MAX 64

enum fault_kind {
	FAULT_BLACK_HOLE, /* nothing comes back, the gateway answers */
	FAULT_SILENT,     /* nothing comes back, not even from the gateway */
	FAULT_LOSS,       /* value: loss in ppm, random */
	FAULT_DELAY,      /* value: added to the round trip, us */
	FAULT_CARRIER,    /* no carrier */
	FAULT_DNS,        /* names do not resolve */
	FAULT_PORTAL,     /* HTTP is answered by somebody else */
	FAULT_MTU,        /* packets of more than value bytes vanish */
	FAULT_RATE_LIMIT, /* ICMP: value in ppm is lost, the rest lives */
	FAULT_TARGET,     /* the target with index value is silent */
};

struct world_fault {
	enum fault_kind kind;
	int64_t from_us, until_us;
	int32_t value;
};

struct world_link {
	/* nature */
	enum link_kind kind;
	bool metered;
	int32_t preference;
	int64_t budget_bytes;      /* 0: the default of a metered link, or none */
	int64_t rtt_us, jitter_us; /* jitter: mean of an exponential one on top */
	uint32_t
		/* Gilbert-Elliott: per packet, from good to bad; in bad everything is lost */
		enter_burst_ppm;
	uint32_t leave_burst_ppm; /* ... and back: one over the mean length of a burst in packets */
	uint32_t
		/* packets a second that a user sends while the link is in use, each answered */
		user_pps;
	struct world_fault fault[WORLD_FAULTS_MAX];
	unsigned n_faults;

	/* state */
	bool in_burst;
	struct input_counters counters;
	struct probe_answers answers;
	int64_t sent_until_us, back_until_us;
	uint64_t probes, probes_lost, probe_bytes;
};

struct world {
	struct runner runner;
	void *engine;
	struct policy policy;
	struct world_link link[LINKS_MAX];
	unsigned n_links;
	uint64_t random;
	bool no_counters; /* ACTION_COUNT is never answered, as on a system that cannot */

	/* what is in use: class 0, IPv4 */
	unsigned active; /* LINKS_MAX: none */
	int64_t active_since_us;
	unsigned switches, deaths; /* deaths: paths declared dead */

	/* told of every step, after the world has seen it; may be NULL */
	void (*observe)(struct world *w, const struct input *in, const struct output *out);
	void *user;
};

/* No links yet, default policy.  The world is large: static or malloc. */
void world_init(struct world *w, uint64_t seed);
void world_free(struct world *w);

/* Adds a link like most: 40 ms, 2 ms of jitter, no loss; preferred over those added later.  Change
   it before world_begin(). */
struct world_link *world_add_link(struct world *w);

/* Loss of a Gilbert-Elliott channel with bursts of so many packets on average. */
void world_set_bursty_loss(struct world_link *l, uint32_t loss_ppm, uint32_t burst_packets);

/* False when there is no room: the faults of the last minutes are kept, and those to come. */
bool world_add_fault(struct world *w, unsigned link, enum fault_kind kind, int64_t from_us,
	int64_t until_us, int32_t value);

/* What the kernel will say of the link's path at that time. */
void world_tell_carrier(struct world *w, unsigned link, int64_t at_us, bool carrier);

/* Gives the engine its policy and paths, at time 0, and tells of those carrier faults that are
   known by now. */
void world_begin(struct world *w);
void world_run(struct world *w, int64_t until_us);

/* Would a packet that is sent now be answered, chance aside? */
bool world_link_works(const struct world *w, unsigned link, int64_t at_us);

uint32_t world_draw(struct world *w, uint32_t below); /* 0..below-1 */
