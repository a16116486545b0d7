/*
 * What is usual for one path, learned and bounded: round trip, loss, burstiness, and how its silences and its bad spells
 * end.  Everything that calls a path dead or bad is measured against this, not against constants.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/input.h"

struct baseline {
	struct path_learned learned;
	enum link_kind kind;     /* whose usual spells count before any are known */
	int64_t patience_us;     /* with silence; derived from learned */
	int64_t bad_patience_us; /* with a bad spell */
	uint32_t
		burst_lost_q; /* evidence for burst_ppm: losses that followed a loss, 1/16 units, decayed */
	uint32_t burst_ended_q;
};

/* Links that stop and stutter for a moment by their nature. */
bool baseline_radio(enum link_kind kind);

void baseline_init(struct baseline *b, const struct policy *policy);
void baseline_restore(struct baseline *b, const struct path_learned *learned,
	const struct policy *policy);
void baseline_set_kind(struct baseline *b, enum link_kind kind, const struct policy *policy);

/* One answered probe on a quiet path, RFC 6298 in shape, slower. */
void baseline_add_rtt(struct baseline *b, int64_t rtt_us);

/* One unbiased probe (sent by the clock): lost or not. */
void baseline_add_loss(struct baseline *b, bool lost);

/* A row of lost probes, or a silence, has ended by itself after length_us; died: the path had been called dead meanwhile. */
void baseline_add_silence(struct baseline *b, int64_t length_us, uint32_t lost, bool died,
	const struct policy *policy);

/* A silence has outlasted the histogram. */
void baseline_add_death(struct baseline *b, const struct policy *policy);

/* A bad spell has ended by itself, or (lasting) has outlasted the histogram. */
void baseline_add_bad(struct baseline *b, int64_t length_us, const struct policy *policy);

/* Probe time-out: usual round trip plus four deviations (RFC 6298 §2), between the bounds. */
int64_t baseline_timeout_us(const struct baseline *b, int64_t floor_us, int64_t max_us);
