/*
 * How likely a path is to become unusable within 1, 10 and 60 seconds, from what its probes have told: how often that
 * has happened here lately, how much is being lost now, and how unsteady the round trip is.
 *
 *   expected outages in the horizon = horizon * rate of this path * 2^(offset + loss * a + unrest * b)
 *   chance                          = 1 - exp(-expected)
 *
 * The rate is learned on the spot; offset, a and b come from recordings (tools/train, hazard_table.c).  Integers only;
 * logarithms are to the base 2 in 1/256.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define HAZARD_HORIZONS 3
#define HAZARD_FEATURES 2
#define HAZARD_CHANCES 49

struct hazard_model {
	int32_t horizon_s;
	int32_t offset_q8;
	int32_t weight_q8[HAZARD_FEATURES];
	bool proven; /* had skill on recordings of places that it had not been trained on */
};

/* By horizon, shortest first; written by tools/train. */
extern const struct hazard_model hazard_model[HAZARD_HORIZONS];
/* 10^6 * (1 - exp(-2^x)) for x = -20, -19.5 ... 4 */
extern const uint32_t hazard_chance_ppm[HAZARD_CHANCES];

/* One second of a path. */
struct hazard_second {
	uint32_t asked, lost; /* probes that ended in it */
	uint32_t rtt_us;      /* median of the answers; 0: none */
	bool unusable;        /* nothing, or less than half, came through */
};

struct hazard {
	uint32_t loss_now; /* 1/2^24, over some four seconds */
	uint32_t rtt_usual,
		rtt_off; /* 1/16 us: the last minutes' mean, and how far answers are from it */
	uint32_t onsets_slow,
		onsets_fast; /* times that it became unusable, 1/2^20, fading in hours and minutes */
	uint32_t time_slow, time_fast; /* seconds watched while usable, 1/2^16, fading alike */
	bool was_unusable;
};

/* A second has passed; one in which nothing was asked says nothing. */
void hazard_add(struct hazard *h, const struct hazard_second *s);

/* As an earlier run had counted: onsets_slow and time_slow, whatever they are. */
void hazard_restore(struct hazard *h, uint32_t onsets, uint32_t time);

/* Nothing was seen for a while. */
void hazard_gap(struct hazard *h);

/* Chance to become unusable within each horizon, in parts per million, at least 1. */
void hazard_chances(const struct hazard *h, uint32_t ret_ppm[HAZARD_HORIZONS]);
