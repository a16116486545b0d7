/* Time is int64_t microseconds on CLOCK_MONOTONIC everywhere inside; these are its units. */
#pragma once

#include <stdint.h>

#define USEC_MS INT64_C(1000)
#define USEC_S (1000 * USEC_MS)
#define USEC_MIN (60 * USEC_S)
#define USEC_H (60 * USEC_MIN)
#define USEC_DAY (24 * USEC_H)

/* "Never": later than any time that a step can be given. */
#define USEC_NEVER INT64_MAX

static inline int64_t usec_min(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static inline int64_t usec_max(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static inline int64_t usec_clamp(int64_t v, int64_t lo, int64_t hi)
{
	return v < lo ? lo : v > hi ? hi : v;
}
