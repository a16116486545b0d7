/*
 * The decision ledger: what was decided, what was known then, and, as far as later samples tell,
 * what the alternative would have been like.  Pure.  Fed with the engine's events; asks for views
 * of paths when it needs their numbers.
 *
 * For ten minutes after a decision the path that was left (or, if the engine stayed, the one it did
 * not take) is watched through its standby probing beside the one in use: bad seconds on either
 * side are added up.  A switch away from a path that was well again after 300 ms cost more than it
 * gained; the ledger shows it.
 */
#pragma once

#include "core/view.h"

#define LEDGER_SIZE 256 /* a power of two */
#define LEDGER_WATCH_US (600 * INT64_C(1000000))

/* A path at the moment of the decision. */
struct ledger_path {
	uint8_t path;   /* PATHS_MAX: none */
	uint8_t health; /* enum health */
	uint8_t verdict;
	uint8_t score;    /* in the class of the decision */
	int32_t rtt_us;   /* -1: not known */
	int32_t loss_ppm; /* -1: not known */
	int64_t silence_us;
	int64_t patience_us;
};

struct ledger_entry {
	uint64_t seq;  /* from 1 */
	uint8_t kind;  /* enum event_kind: SWITCH, STAY, CANARY or FAIL_OPEN */
	uint8_t class; /* CLASSES_MAX: none */
	uint8_t family;
	uint8_t step;     /* enum step, that settled it */
	uint8_t stay;     /* enum stay, EVENT_STAY only */
	uint8_t verdict;  /* enum verdict, what was wrong with from */
	uint32_t repeats; /* the same refusal again while it lasted; STAY only */
	int64_t at_us;
	struct ledger_path from, to; /* STAY: in use, wanted */

	int64_t fault_us; /* from the begin of the trouble to the decision; -1: not known */
	int64_t apply_us; /* from the decision to the kernel's answer; -1: not answered yet */
	int32_t apply_error;

	/* what became of it */
	/* so long both were looked at after the decision, LEDGER_WATCH_US at most */
	int64_t watched_us;
	int64_t known_us;     /* of these, evidence about the path not in use was fresh */
	int64_t from_bad_us;  /* of known_us, from was silent or bad */
	int64_t to_bad_us;    /* of known_us, to was silent or bad */
	int64_t from_well_us; /* from the decision until from was first seen well; -1: not seen */
	bool relapse;         /* to was left again for a fault of its own within the watch */
	bool closed;          /* nothing will be added */
};

struct ledger {
	uint64_t next;      /* number of the next entry */
	uint64_t held;      /* how many of the entries before it are held */
	int64_t updated_us; /* of the last update; 0: none */
	struct ledger_entry ring[LEDGER_SIZE];
};

/* Fills ret with the path as of now_us: engine_view_path() behind the caller's engine. */
typedef void ledger_view_fn(void *user, unsigned path, int64_t now_us, struct path_view *ret);

void ledger_init(struct ledger *l);

/* Every event of a step, in order, right after it.  Events that are no decision and no answer to
   one change nothing. */
void ledger_event(struct ledger *l, const struct event *e, ledger_view_fn *view, void *user);

/* About once a second: follows the decisions that are younger than LEDGER_WATCH_US. */
void ledger_update(struct ledger *l, int64_t now_us, ledger_view_fn *view, void *user);

/* Of the entries held: the oldest number, and the entry with a number or NULL. */
uint64_t ledger_oldest(const struct ledger *l);
const struct ledger_entry *ledger_get(const struct ledger *l, uint64_t seq);

/* Bad time saved by the decision as far as known (negative: lost), the price of a switch not
   counted. */
int64_t ledger_gain_us(const struct ledger_entry *e);

/* Appends an entry of an earlier run, with its own number; closed from now on.  Numbers must
   rise. */
void ledger_restore(struct ledger *l, const struct ledger_entry *e);
