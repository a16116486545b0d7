/* All that the engine shows at one moment, and the few judgements on it that status and explain share.  Pure. */
#pragma once

#include "core/view.h"

struct snapshot {
	const struct policy *policy;
	int64_t now_us;
	struct engine_view engine;
	struct path_view path[PATHS_MAX];
	struct decision_view decision[CLASSES_MAX][FAMILY_COUNT];
};

/* How it is, in one word, for scripts: autonomyctl's exit codes are these. */
enum state {
	STATE_HEALTHY,
	STATE_DEGRADED, /* on a backup, or on a path that does not meet the needs */
	STATE_DEAD,     /* no path answers */
	STATE_OFFLINE,  /* no uplink: nothing has carrier, address and gateway */
	STATE_STARTING, /* no evidence yet */
	STATE_COUNT,
};

void snapshot_take(struct snapshot *ret, const struct engine *e, int64_t now_us);

const char *state_name(enum state state);

/* Of one class in one family. */
enum state snapshot_class_state(const struct snapshot *s, unsigned class, enum family family);
/* The worst over classes and families; an absent IPv6 is not held against anyone. */
enum state snapshot_state(const struct snapshot *s);

/* Whether anything can be said of the class in this family: a link that it may use has a path there. */
bool snapshot_has_family(const struct snapshot *s, unsigned class, enum family family);

bool snapshot_link_exists(const struct snapshot *s, unsigned link);
bool snapshot_class_allows(const struct snapshot *s, unsigned class, unsigned link);
/* Whether the path is among those in use. */
bool decision_uses(const struct decision_view *d, unsigned path);

/* The link that carries the first class; LINKS_MAX: none. */
unsigned snapshot_current_link(const struct snapshot *s);

/* "wan"; "?" for a path that no link has. */
const char *snapshot_path_link(const struct snapshot *s, unsigned path);

/* The index, or -1. */
int policy_link_index(const struct policy *p, const char *name);
int policy_class_index(const struct policy *p, const char *name);
