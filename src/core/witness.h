/*
 * What the links did, as their probes saw it, in few words: a row whenever that has changed.  It
 * watches an engine from outside and keeps what is needed to play the same time again with other
 * options (replay/site.h).  Pure.
 *
 * A row tells of a tenth of a second or two (WITNESS_GRAIN_US), and holds until the next one of its path.
 */
#pragma once

#include "core/engine.h"
#include "core/view.h"

#define WITNESS_GRAIN_US INT64_C(200000)
#define WITNESS_COARSE_MAX 3
#define WITNESS_REFRESH_US                                                                         \
	INT64_C(30000000) /* said anew after so long, so that silence means not knowing */

struct witness_row {
	int64_t at_us; /* begin of the grain */
	uint8_t path;
	bool usable;            /* false: no carrier, address or gateway; the rest is 0 */
	uint16_t loss_permille; /* of the probes sent in this grain */
	int32_t rtt_us;         /* mean of the answers; -1: none */
};

struct witness_path {
	uint32_t cursor; /* of engine_view_probe() */
	bool begun, usable;
	int64_t grain_us; /* the grain that is being filled; -1: none */
	uint32_t sent, lost;
	int64_t rtt_sum_us;
	struct witness_row told; /* the last row; at_us 0: none */
};

/* What class 0 used in a family from at_us on; PATHS_MAX: none. */
struct witness_move {
	int64_t at_us;
	uint8_t family; /* enum family */
	uint8_t path;
};

struct witness {
	struct witness_path path[PATHS_MAX];
	struct witness_move used[FAMILY_COUNT]; /* as told; at_us 0: not yet */
	struct input_counters counters[LINKS_MAX];
	bool counted[LINKS_MAX];
	unsigned coarse;     /* 0..WITNESS_COARSE_MAX: each step halves what is worth a row */
	uint64_t user_bytes; /* over all links since witness_take_bytes() */
};

void witness_init(struct witness *w);

/* An input that the engine has taken: only counters matter here. */
void witness_input(struct witness *w, const struct input *in);

/*
 * Looks at all paths; a few times a second is enough.  At most max rows are put into ret, which
 * must have room for them; the number of rows.  What found no room comes with the next look.
 */
size_t witness_look(struct witness *w, const struct engine *e, int64_t now_us,
	struct witness_row ret[], size_t max);

/* After each step of the engine.  True with a move that happened in it; ask again until false. */
bool witness_moved(struct witness *w, const struct engine *e, struct witness_move *ret);

/* Bytes over all links, both ways, since the last call. */
uint64_t witness_take_bytes(struct witness *w);
