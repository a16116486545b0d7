/*
 * What a path's forecasts were worth on the spot: each is kept until its horizon has passed, then set against what
 * happened.  Whoever acts upon a forecast asks here first how far it may be trusted.  The Brier score (mean square of
 * forecast minus what happened, 0 or 1) is compared with that of always saying how often it has happened here so far.
 */
#pragma once

#include "core/input.h"

#define FORECAST_BINS 5     /* of the chance: under 1, 3, 10, 30 %, and above */
#define FORECAST_PENDING 71 /* seconds of all horizons together */

enum trust {
	TRUST_NONE, /* without skill or uncalibrated here, or never proven anywhere: it stands down */
	TRUST_UNTRIED, /* proven on recordings, too little has happened here to say */
	TRUST_SOME,    /* some skill here */
	TRUST_FULL,    /* clear skill here, often enough */
	TRUST_COUNT,
};

/* Of one horizon.  All counts are halved together when there are many. */
struct forecast_record {
	uint32_t n, happened; /* forecasts whose time has come, and those of them that came true */
	uint32_t onsets;      /* times that the path became unusable */
	uint64_t said_ppm;    /* sum of the chances */
	uint64_t brier,
		climate; /* sums of squares, 10^-12, of the forecasts and of the running rate */
	uint32_t bin_n[FORECAST_BINS], bin_happened[FORECAST_BINS];
	uint8_t trust; /* enum trust */
};

struct forecast {
	struct forecast_record record[HAZARD_HORIZONS];
	uint8_t pending
		[FORECAST_PENDING]; /* rings, one behind the other: the logarithm of the chance; 0: none was made */
	uint32_t second;
	uint32_t chance_ppm[HAZARD_HORIZONS]; /* the newest; 0: none */
};

void forecast_init(struct forecast *f);

/* A second has passed in which the path was usable or not; chance_ppm is what is said of the next, NULL: nothing. */
void forecast_second(struct forecast *f, bool unusable, const uint32_t chance_ppm[HAZARD_HORIZONS]);

/* What is worth remembering over a restart, and taking it up again, whatever it is.  The bins begin anew. */
void forecast_learned(const struct forecast *f, struct forecast_learned ret[HAZARD_HORIZONS]);
void forecast_restore(struct forecast *f, const struct forecast_learned learned[HAZARD_HORIZONS]);

/* What was said will never be known to be right or wrong. */
void forecast_drop(struct forecast *f);

/* 1 - Brier / Brier of the running rate, in parts per million; 0 while nothing is known; not under -10^6. */
int32_t forecast_skill_ppm(const struct forecast_record *r);
