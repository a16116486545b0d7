/*
 * A recorded link as a function of time: the CSV format of the trace collection (t_s, rtt_ms, loss
 * and more, plain or gzip), with the semantics of the scorer's world.py:
 *
 *      rows hold until the next one, at most 1.6 s; beyond that, and where nothing was recorded,
 *      the link is unknown: it answers with the recording's median round trip and loses nothing;
 *      answers later than 1 s are lost
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/problem.h"

#define RECORDING_HOLD_US INT64_C(1600000)
#define RECORDING_GAP_US INT64_C(200000)
#define RECORDING_LATE_US 1000000

struct recording_row {
	int64_t at_us;
	int32_t rtt_us; /* -1: not known */
	uint32_t loss;  /* of 2^32 - 1 */
};

struct recording {
	struct recording_row *row; /* in the order of time */
	size_t n, room;
	int32_t median_us;
	int64_t hold_us; /* a row holds so long at the most; RECORDING_HOLD_US */
	size_t cursor;   /* of the last look */
	/* rows that were left out, and why; and the line of the first, 0: not from a file */
	size_t backwards, absurd;
	int backwards_line, absurd_line;
};

/*
 * Reads a file.  offset_us is taken from its times; compact: pieces are laid end to end,
 * RECORDING_GAP_US apart.  0 or -errno with ret filled: file, line and what is wrong.  A row whose
 * time runs backwards or whose values cannot be is left out and counted; a column that is missing,
 * a file without rows and damaged gzip are errors.
 */
int recording_load(struct recording *r, const char *file, int64_t offset_us, bool compact,
	struct problem *ret);
/* A row more, for recordings that come from elsewhere: 0, -ENOMEM, -EINVAL (counted) when its time runs backwards. */
int recording_append(struct recording *r, const struct recording_row *row);

/* After the last row: 0 or -ENOMEM. */
int recording_finish(struct recording *r);

void recording_free(struct recording *r);

struct recording_state {
	bool known;
	int32_t rtt_us;
	uint32_t loss; /* of 2^32 - 1 */
};

struct recording_state recording_at(struct recording *r, int64_t at_us);
