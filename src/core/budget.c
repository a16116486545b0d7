#include "core/budget.h"

#include "base/usec.h"

#define PERIOD_US (30 * USEC_DAY)
#define MILLI 1000
#define BUDGET_MAX_BYTES INT64_C(100000000000000) /* nobody probes more; keeps the sums in range */

static int64_t capacity_mb(const struct budget *b)
{
	return b->budget_bytes / 10 * MILLI;
}

static void fill(struct budget *b, int64_t now_us)
{
	int64_t month_mb = b->budget_bytes / 10 * 9 * MILLI;
	int64_t passed_us = usec_clamp(now_us - b->filled_us, 0, PERIOD_US);
	int64_t grain_us = 100 * USEC_MS;
	int64_t grains =
		passed_us / grain_us; /* whole grains, so that rounding never adds a byte */

	if (!grains)
		return;
	b->filled_us = passed_us == PERIOD_US ? now_us : b->filled_us + grains * grain_us;
	/* month_mb reaches 10^15 for a terabyte: divide before the multiplication where it is large */
	b->level_mb += month_mb > INT64_MAX / PERIOD_US * grain_us
			       ? month_mb / (PERIOD_US / grain_us) * grains
			       : month_mb * grains / (PERIOD_US / grain_us);
	b->level_mb = usec_min(b->level_mb, capacity_mb(b));
}

void budget_set(struct budget *b, int64_t budget_bytes, int64_t now_us)
{
	bool first = !b->budget_bytes;

	budget_bytes = usec_min(budget_bytes, BUDGET_MAX_BYTES);
	if (b->budget_bytes == budget_bytes)
		return;
	b->budget_bytes = budget_bytes;
	b->filled_us = now_us;
	b->level_mb = first ? capacity_mb(b) : usec_min(b->level_mb, capacity_mb(b));
}

bool budget_allows(struct budget *b, enum budget_use use, int64_t bytes, int64_t now_us)
{
	int64_t left = 0;

	if (!b->budget_bytes)
		return true;
	fill(b, now_us);
	switch (use) {
	case BUDGET_BURST:
		break;
	case BUDGET_HEARTBEAT:
		left = capacity_mb(b) / 3;
		break;
	case BUDGET_CHECK:
		left = capacity_mb(b) / 3 * 2;
		break;
	}
	return b->level_mb - bytes * MILLI >= left;
}

void budget_spend(struct budget *b, int64_t bytes, int64_t now_us)
{
	b->spent_bytes += bytes;
	if (!b->budget_bytes)
		return;
	fill(b, now_us);
	b->level_mb -= bytes * MILLI;
}

int64_t budget_interval_us(const struct budget *b, int64_t bytes)
{
	int64_t month_bytes = b->budget_bytes / 10 * 9;

	if (!b->budget_bytes)
		return 0;
	return month_bytes > 0 ? PERIOD_US / usec_max(month_bytes / usec_max(bytes, 1), 1)
			       : PERIOD_US;
}

int budget_percent(const struct budget *b)
{
	int64_t capacity = capacity_mb(b);

	return b->budget_bytes && capacity ? (int)(usec_max(b->level_mb, 0) * 100 / capacity) : 100;
}

int64_t budget_left_bytes(const struct budget *b)
{
	return b->budget_bytes ? usec_max(b->level_mb, 0) / MILLI : -1;
}
