/* Writes what a scenario's engine was given and answered as a trace, as the daemon's journal
   does. */
#pragma once

#include <stdio.h>

#include "core/trace.h"

struct recorder {
	FILE *to;
	uint32_t blocks;
	struct trace_block block;
};

void recorder_begin(struct recorder *r, FILE *to, int64_t now_us, uint64_t seed);
void recorder_step(struct recorder *r, const struct input *in, const struct output *out);
void recorder_end(struct recorder *r); /* the file stays open; errors stay in it */
