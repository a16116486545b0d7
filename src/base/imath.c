#include "base/imath.h"

/* log2(1 + i/32) in 1/65536, for the linear interpolation of imath_log2_q16(). */
static const uint32_t log2_table[33] = {0, 2909, 5732, 8473, 11136, 13727, 16248, 18704, 21098,
	23433, 25711, 27936, 30109, 32234, 34312, 36346, 38336, 40286, 42196, 44068, 45904, 47705,
	49472, 51207, 52911, 54584, 56229, 57845, 59434, 60997, 62534, 64047, 65536};

/* log2(v) in 1/65536; v > 0. */
static int32_t imath_log2_q16(uint32_t v)
{
	int exponent = 31 - __builtin_clz(v);
	uint32_t mantissa =
		exponent >= 16 ? v >> (exponent - 16) : v << (16 - exponent); /* 1.0 is 65536 */
	uint32_t fraction = mantissa - 65536, i = fraction >> 11, rest = fraction & 2047;

	return exponent * 65536 +
	       (int32_t)(log2_table[i] + (((log2_table[i + 1] - log2_table[i]) * rest) >> 11));
}

int32_t imath_ln_ppm(uint32_t v_ppm)
{
	int32_t log2_million = 1306235; /* log2(10^6) in 1/65536 */
	int64_t log2_v = imath_log2_q16(v_ppm ? v_ppm : 1) - log2_million;

	return (int32_t)(log2_v * 45426 / 65536 * NAT / 65536); /* ln 2 = 45426/65536 */
}

uint32_t imath_ratio_ppm(uint64_t k, uint64_t n)
{
	if (!n)
		return 0;
	/* a 32-bit CPU divides these by one instruction instead of a function */
	if (k <= UINT32_MAX / 1000000 && n <= UINT32_MAX)
		return (uint32_t)k * 1000000 / (uint32_t)n;
	return (uint32_t)(k * 1000000 / n);
}

uint32_t imath_sqrt(uint64_t v)
{
	uint64_t root = 0;

	for (uint64_t bit = UINT64_C(1) << 62; bit; bit >>= 2) {
		if (v >= root + bit) {
			v -= root + bit;
			root = (root >> 1) + bit;
		} else {
			root >>= 1;
		}
	}
	return (uint32_t)root;
}
