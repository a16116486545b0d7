/*
 * The whole of autonomy's judgement as one pure function: inputs in, actions and events out.  No clock, I/O,
 * allocation, log or floating point.  One engine is one struct of fixed size; who owns it keeps it in static memory.
 *
 *      inputs -> path (detectors, baseline, schedule) -> decide (total order, gate) -> plan (what differs) -> output
 */
#pragma once

#include <stddef.h>

#include "core/input.h"
#include "core/output.h"

struct engine;

size_t engine_size(void);

/* Makes an engine with the default policy, no links and nothing installed in memory of engine_size() bytes. */
void engine_init(struct engine *e, int64_t now_us, uint64_t seed);

/*
 * One step.  out is overwritten.  When more is to be done than fits into out, wake_us is now and the rest follows.
 * Malformed inputs (a path, link or class out of range, an unknown kind) are counted and otherwise ignored.
 */
void engine_step(struct engine *e, const struct input *in, struct output *out);
