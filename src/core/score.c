#include "core/score.h"

#include "base/imath.h"
#include "base/usec.h"

#define DEJITTER_US (40 * USEC_MS)    /* coding and the receiver's buffer, one way */
#define JITTER_FREE_US (20 * USEC_MS) /* of jitter that such a buffer absorbs */

/* R in 1/1000: 93.2 - Id(delay) - Ie,eff(loss), G.107 §7; talkers' delay is half the round trip and the buffers. */
static int64_t rating_milli(int64_t rtt_us, int64_t jitter_us, uint32_t loss_ppm)
{
	int64_t late_us = jitter_us > JITTER_FREE_US ? jitter_us - JITTER_FREE_US : 0;
	int64_t delay_us = usec_max(rtt_us, 0) / 2 + DEJITTER_US + 2 * late_us;
	int64_t id = delay_us * 24 / 1000;     /* 0.024 per ms */
	int64_t percent_milli = loss_ppm / 10; /* 1/1000 of a percent */
	int64_t ie = 95000 * percent_milli / (percent_milli + 25100);

	if (delay_us > 177300)
		id += (delay_us - 177300) * 110 / 1000;
	return 93200 - id - ie;
}

/*
 * Transfers: TCP's rate goes with 1 / (rtt * sqrt(loss)) (Mathis et al. 1997), so 12 points for each root of a
 * percent, and one point for each 25 ms of round trip over 100 ms, at most 20.
 */
static int64_t bulk_milli(int64_t rtt_us, uint32_t loss_ppm)
{
	int64_t loss =
		12 * (int64_t)imath_sqrt((uint64_t)loss_ppm * 100); /* sqrt(percent) in 1/1000 */
	int64_t delay = usec_clamp((rtt_us - 100 * USEC_MS) / 25, 0, 20000);

	return 100000 - loss - delay;
}

uint8_t score_path(enum class_need need, int64_t rtt_us, int64_t jitter_us, uint32_t loss_ppm)
{
	int64_t milli = need == CLASS_NEED_BULK ? bulk_milli(rtt_us, loss_ppm)
						: rating_milli(rtt_us, jitter_us, loss_ppm);

	return (uint8_t)(usec_clamp(milli, 0, 100000) / 1000);
}
