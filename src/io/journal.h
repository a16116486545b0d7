/*
 * Recording a trace (core/trace.h) to a file: everything replay needs.  Buffered in one block,
 * which is written when it holds 4 KiB and once a second.  Writes go to the page cache and nothing
 * is synced, so the loop does not wait for the medium.  A write error or the size limit ends the
 * recording; the reason is kept for who asks.
 */
#pragma once

#include "base/problem.h"
#include "core/engine.h"
#include "core/trace.h"

struct journal {
	int fd; /* -1: not recording */
	bool outputs;
	bool skipped; /* the last input was not recorded, so its output is not either */
	char file[108];
	int64_t started_us, flushed_us;
	uint64_t bytes, limit_bytes, inputs, lost;
	uint32_t blocks;
	struct problem problem; /* why the last recording ended; text "" when by journal_stop() */
	struct trace_block block;
};

void journal_init(struct journal *j);

/*
 * Begins a recording; the file must not exist.  engine: as it is now (its state goes first), NULL
 * when the next input is its first and seed and now_us are those of engine_init().  outputs: whole
 * outputs instead of their digests.  0 or -errno with ret filled; -EALREADY while recording.
 */
int journal_start(struct journal *j, const char *file, const struct engine *engine, uint64_t seed,
	int64_t now_us, int64_t wall_ms, uint64_t limit_bytes, bool outputs, struct problem *ret);

static inline bool journal_active(const struct journal *j)
{
	return j->fd >= 0;
}

/* Before and after each engine_step(); nothing happens while not recording. */
void journal_input(struct journal *j, const struct input *in);
void journal_output(struct journal *j, const struct output *out);

/* About once a second. */
void journal_flush(struct journal *j, int64_t now_us);

/* Writes what is left and closes.  0 or -errno of the first failure. */
int journal_stop(struct journal *j);
