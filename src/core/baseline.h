/*
 * What is usual for one path, learned and bounded: round trip, loss, burstiness, and how its silences end.  Everything
 * that calls a path dead or bad is measured against this, not against constants.
 *
 * Silences: each time nothing comes back for a while and then something does, the length goes into a histogram of
 * logarithmic buckets (edges in baseline.c); a silence that outlasts them all counts as dead.  From it follows the
 * patience: the wait d that would have cost this path's users least over its remembered silences, where a silence
 * shorter than d costs its length and a longer one costs d and a switch.  A path that often comes back within 300 ms is
 * given 300 ms; one that never does is given the floor.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/input.h"

#define BASELINE_PATIENCE_FLOOR_US (90 * USEC_MS)

struct baseline {
	struct path_learned learned;
	int64_t patience_us; /* derived from learned */
	uint32_t
		burst_lost_q; /* evidence for burst_ppm: losses that followed a loss, 1/16 units, decayed */
	uint32_t burst_ended_q;
};

void baseline_init(struct baseline *b, int64_t switch_cost_us);
void baseline_restore(struct baseline *b, const struct path_learned *learned,
	int64_t switch_cost_us);

/* One answered probe on a quiet path, RFC 6298 in shape, slower. */
void baseline_add_rtt(struct baseline *b, int64_t rtt_us);

/* One unbiased probe (sent by the clock): lost or not. */
void baseline_add_loss(struct baseline *b, bool lost);

/* A silence has ended by itself after length_us, in which lost probes in a row were lost. */
void baseline_add_silence(struct baseline *b, int64_t length_us, uint32_t lost,
	int64_t switch_cost_us);

/* A silence has outlasted the histogram. */
void baseline_add_death(struct baseline *b, int64_t switch_cost_us);

/* Probe time-out: usual round trip plus four deviations (RFC 6298 §2), between the bounds. */
int64_t baseline_timeout_us(const struct baseline *b, int64_t floor_us, int64_t max_us);

/* The longest silence that the histogram tells apart. */
int64_t baseline_longest_silence_us(void);
