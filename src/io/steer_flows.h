/*
 * Established flows that are to start anew: their conntrack entries are deleted by mark, so that
 * their next packet is routed, marked and translated like a new flow's.  A packet that was on its
 * way through the stack at that moment can bring an entry back with the old mark; one more
 * deletion a second later takes these, unless the path was chosen again, or went and came, by then.
 */
#pragma once

#include <event2/event.h>

#include "io/conntrack.h"
#include "io/steer_numbers.h"

#define STEER_FLOWS_AGAIN_US USEC_S

struct steer_flows {
	struct conntrack *conntrack;
	struct event *timer;
	struct steer_numbers numbers;
	struct steer_flows_due {
		int64_t at_us;   /* 0: none */
		uint8_t classes; /* bit CLASSES_MAX: all of them */
	} due[PATHS_MAX];
};

/* 0 or -errno. */
int steer_flows_init(struct steer_flows *f, struct event_base *base,
	const struct steer_numbers *numbers);
void steer_flows_done(struct steer_flows *f); /* also one that is all zero */

/* class CLASSES_MAX: every flow of the path.  0 or -errno. */
int steer_flows_delete(struct steer_flows *f, unsigned path, unsigned class, int64_t now_us);

/* Flows that were there before the ruleset belong to the link behind whose address they are masqueraded, not to the one that
   their next packet happens to leave by.  address: IPv4, network order, 0: none. */
void steer_flows_claim(struct steer_flows *f, const uint32_t address[LINKS_MAX]);

/* The class uses the path again: what is marked with it from now on stays. */
void steer_flows_keep(struct steer_flows *f, unsigned path, unsigned class);

/* The path was gone and is there again: others than the engine may have sent flows over it. */
void steer_flows_keep_all(struct steer_flows *f, unsigned path);

/* No second deletion, of any path. */
void steer_flows_forget(struct steer_flows *f);
