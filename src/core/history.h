/*
 * What every path was like: 1 s cells for an hour, 10 s for a day, 5 min for 90 days, in fixed
 * memory.  Pure.
 *
 * A cell is six bytes.  One path that has been there for an hour takes 21 KiB, for a day 73 KiB,
 * for 90 days 224 KiB:
 *
 *      6 B x ( 3600 x 1 s  +  8640 x 10 s  +  25920 x 5 min ) = 21600 + 51840 + 155520 = 228960 B
 *
 * and 8 links in both families (16 paths) 1.2 MiB after a day, 3.5 MiB after 90.  The struct has
 * room for PATHS_MAX paths (7.0 MiB) but belongs into static, zeroed memory: pages that were never
 * written to are not resident, and reading does not make them so.
 *
 * Times are monotonic µs of this boot; what was restored from an earlier boot lies before it and
 * may be negative.
 */
#pragma once

#include "core/view.h"

enum history_resolution {
	HISTORY_1S,   /* an hour */
	HISTORY_10S,  /* a day */
	HISTORY_5MIN, /* 90 days */
	HISTORY_RESOLUTION_COUNT,
};

#define HISTORY_1S_CELLS 3600
#define HISTORY_10S_CELLS 8640
#define HISTORY_5MIN_CELLS 25920

/* All zero: nothing is known of this time. */
struct history_cell {
	/* bit 7: known; bit 6: in use; bits 5..3: share of the time unusable; bits 2..0: enum
	   health */
	uint8_t flags;
	uint8_t rtt;    /* log scale, 5 % a step; 0: not known */
	uint8_t loss;   /* square-root scale; 0: not known */
	uint8_t score;  /* of class 0, 0..100 */
	uint8_t rx, tx; /* log scale, 10 % a step */
};

struct history_ring {
	int64_t newest; /* number of the newest cell: its time / its length, rounded down */
	bool used;
};

struct history {
	struct history_ring ring[PATHS_MAX][HISTORY_RESOLUTION_COUNT];
	struct history_cell s1[PATHS_MAX][HISTORY_1S_CELLS];
	struct history_cell s10[PATHS_MAX][HISTORY_10S_CELLS];
	struct history_cell min5[PATHS_MAX][HISTORY_5MIN_CELLS];
};

/* One cell as people read it. */
struct history_point {
	int64_t at_us;      /* beginning of the cell */
	int32_t rtt_us;     /* median over the cell of the medians per second; -1: not known */
	int32_t loss_ppm;   /* the worst; -1: not known */
	uint8_t score;      /* the worst */
	enum health health; /* the worst */
	bool in_use;        /* at some time within */
	uint32_t
		/* share of the time absent, down or dead; log scale, at most (a bound from
		   above) */
		out_ppm;
	int64_t rx_bps, tx_bps; /* mean */
};

/* For memory that is not already zero; makes all of it resident. */
void history_init(struct history *h);

/*
 * Takes down what a path is like now; to be called about once a second for every path that exists.
 * Several calls within a second count as one (the worst of both); a time before the newest is
 * ignored.  in_use: a class routes over it.
 */
void history_add(struct history *h, unsigned path, int64_t now_us, const struct path_view *view,
	bool in_use);

/* The slot belongs to another device from now on. */
void history_forget(struct history *h, unsigned path);

int64_t history_step_us(enum history_resolution resolution);
size_t history_cells(enum history_resolution resolution); /* how many are kept */

/* The finest resolution that still reaches back to from_us at now_us and needs at most max cells
   for from_us..until_us; the coarsest when none does. */
enum history_resolution history_choose(int64_t from_us, int64_t until_us, int64_t now_us,
	size_t max);

/*
 * The known cells of a path that begin in from_us..until_us, oldest first, max at most (the newest
 * are left out).  Returns how many.
 */
size_t history_read(const struct history *h, unsigned path, enum history_resolution resolution,
	int64_t from_us, int64_t until_us, struct history_point ret[], size_t max);

/* ---- for checkpoints: cells as they are stored ---- */

/* Number of the newest cell; false when there is none. */
bool history_newest(const struct history *h, unsigned path, enum history_resolution resolution,
	int64_t *ret_number);
/* The cell with that number; all zero when it is not held. */
struct history_cell history_cell_get(const struct history *h, unsigned path,
	enum history_resolution resolution, int64_t number);
/* Puts a cell of an earlier run in its place unless something is known there.  Too old or malformed
   ones are ignored. */
void history_cell_restore(struct history *h, unsigned path, enum history_resolution resolution,
	int64_t number, struct history_cell cell);
/* Makes the 5 min cells that are missing out of the 10 s cells that are there. */
void history_fill(struct history *h, unsigned path);
