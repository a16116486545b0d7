/* Integer mathematics of the core: the routers it runs on have no floating point unit. */
#pragma once

#include <stdint.h>

/* One nat (unit of natural logarithms) in the fixed point that likelihoods are kept in. */
#define NAT 1024

/* Natural logarithm of v / 10^6 in 1/1024 nats; v = 0 counts as 1.  Error below 2/1024. */
int32_t imath_ln_ppm(uint32_t v_ppm);

/* Largest r with r * r <= v. */
uint32_t imath_sqrt(uint64_t v);

/* log2(v) in 1/256, straight between powers of two; 0 for v < 2.  imath_exp2_q8() is its exact inverse up to rounding down. */
static inline uint32_t imath_log2_q8(uint32_t v)
{
	unsigned k = v ? 31 - (unsigned)__builtin_clz(v) : 0;

	return k * 256 + (uint32_t)(((uint64_t)v << 8 >> k) & 255) * (k > 0);
}

/* log2_q8 < 32 * 256 */
static inline uint32_t imath_exp2_q8(uint32_t log2_q8)
{
	return (uint32_t)((UINT64_C(256) + log2_q8 % 256) << (log2_q8 / 256) >> 8);
}

/* The average moved towards sample by 1/2^shift, rounding to nearest so that it arrives. */
static inline int64_t imath_average(int64_t average, int64_t sample, unsigned shift)
{
	int64_t step = (sample - average) / (INT64_C(1) << shift);

	if (!step && sample != average)
		step = sample > average ? 1 : -1;
	return average + step;
}

/* By how much a counter has risen; 0 when it began anew. */
static inline uint64_t imath_rise(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

static inline int64_t imath_abs(int64_t v)
{
	return v < 0 ? -v : v;
}

/* k of n in parts per million; 0 of 0 is 0. */
uint32_t imath_ratio_ppm(uint64_t k, uint64_t n);
