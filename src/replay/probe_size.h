/* IP bytes on the wire of an IPv4 probe as the daemon sends it, and of its answer: for the counters
   of simulated links, in which each packet is to appear when it would. */
#pragma once

#include "core/output.h"

struct probe_size {
	uint16_t out, back; /* bytes */
	uint8_t out_packets, back_packets;
};

/* A probe to the gateway never leaves the first hop and counts as nothing. */
struct probe_size probe_size(const struct action_probe *a);

/* Answers on their way, and what is sent upon them.  All zero: none. */
#define PROBE_ANSWERS 64
struct probe_answers {
	unsigned n;
	struct probe_answer {
		int64_t at_us;
		struct probe_size size;
	} answer[PROBE_ANSWERS];
};

/* A probe leaves: its first packet is counted. */
void probe_leaves(struct input_counters *c, const struct probe_size *size);

/* It will be answered.  Where too many are on their way that is counted at once. */
void probe_answers_add(struct probe_answers *a, struct input_counters *c, int64_t at_us,
	const struct probe_size *size);

/* Counts those that have come. */
void probe_answers_count(struct probe_answers *a, struct input_counters *c, int64_t now_us);
