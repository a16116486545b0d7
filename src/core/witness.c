#include "core/witness.h"

#include <string.h>

#include "base/usec.h"

#define LOSS_STEP_PERMILLE 100
#define RTT_STEP_US (15 * USEC_MS)
#define BYTES_MOST (UINT64_C(1) << 36) /* a jump beyond any link's speed is somebody's reset */

void witness_init(struct witness *w)
{
	memset(w, 0, sizeof(*w));
	for (unsigned i = 0; i < PATHS_MAX; i++)
		w->path[i].grain_us = -1;
}

void witness_input(struct witness *w, const struct input *in)
{
	const struct input_counters *c = &in->counters;
	struct input_counters *last;
	uint64_t bytes;

	if (in->kind != INPUT_COUNTERS || c->link >= LINKS_MAX)
		return;
	last = &w->counters[c->link];
	bytes = c->tx_bytes + c->rx_bytes - last->tx_bytes - last->rx_bytes;
	if (w->counted[c->link] && c->tx_bytes >= last->tx_bytes && c->rx_bytes >= last->rx_bytes &&
		bytes < BYTES_MOST)
		w->user_bytes += bytes;
	w->counted[c->link] = true;
	*last = *c;
}

bool witness_moved(struct witness *w, const struct engine *e, struct witness_move *ret)
{
	for (unsigned family = 0; family < FAMILY_COUNT; family++) {
		struct witness_move *told = &w->used[family], now = {.family = (uint8_t)family};

		now.path = (uint8_t)engine_view_used(e, 0, (enum family)family, &now.at_us);
		if (told->at_us ? told->path == now.path : now.path == PATHS_MAX)
			continue;
		*told = *ret = now;
		return true;
	}
	return false;
}

uint64_t witness_take_bytes(struct witness *w)
{
	uint64_t bytes = w->user_bytes;

	w->user_bytes = 0;
	return bytes;
}

/* Worth a row?  A little more or less of the same is not. */
static bool differs(const struct witness_row *a, const struct witness_row *told, unsigned coarse)
{
	int32_t rtt_step_us = (int32_t)usec_max(told->rtt_us / 3, RTT_STEP_US) << coarse;
	int32_t loss = (int32_t)a->loss_permille - (int32_t)told->loss_permille;
	int32_t loss_step = LOSS_STEP_PERMILLE << coarse;

	if (!told->at_us || a->usable != told->usable ||
		a->at_us - told->at_us >= WITNESS_REFRESH_US)
		return true;
	if (!a->loss_permille != !told->loss_permille || loss >= loss_step || loss <= -loss_step)
		return true;
	if (a->rtt_us < 0 || told->rtt_us < 0)
		return a->rtt_us >= 0;
	return a->rtt_us > told->rtt_us + rtt_step_us || a->rtt_us < told->rtt_us - rtt_step_us;
}

/* The grain is over.  True with a row when it is worth one. */
static bool end_grain(struct witness *w, unsigned path, struct witness_row *ret)
{
	struct witness_path *p = &w->path[path];
	struct witness_row row = {.at_us = p->grain_us, .path = (uint8_t)path, .usable = true};
	uint32_t answers = p->sent - p->lost;

	p->grain_us = -1;
	row.loss_permille = (uint16_t)(p->lost * 1000 / p->sent);
	row.rtt_us = answers ? (int32_t)(p->rtt_sum_us / answers) : -1;
	p->sent = p->lost = 0;
	p->rtt_sum_us = 0;
	if (!differs(&row, &p->told, w->coarse))
		return false;
	p->told = *ret = row;
	return true;
}

static bool look_at_facts(struct witness_path *p, const struct engine *e, unsigned path,
	int64_t now_us, struct witness_row *ret)
{
	bool usable = engine_view_usable(e, path);
	struct witness_row row = {.at_us = now_us, .path = (uint8_t)path, .usable = usable};

	if (usable || (!p->begun && !usable))
		return false;
	if (!differs(&row, &p->told, 0))
		return false;
	p->grain_us = -1;
	p->sent = p->lost = 0;
	p->rtt_sum_us = 0;
	p->told = *ret = row;
	return true;
}

static size_t look_at_path(struct witness *w, const struct engine *e, unsigned path, int64_t now_us,
	struct witness_row ret[], size_t max)
{
	struct witness_path *p = &w->path[path];
	struct probe_view v;
	size_t n = 0;

	while (n < max && engine_view_probe(e, path, p->cursor, &v)) {
		int64_t grain_us = v.sent_us - v.sent_us % WITNESS_GRAIN_US;

		if (p->grain_us >= 0 && grain_us != p->grain_us && end_grain(w, path, &ret[n]))
			if (++n == max)
				return n; /* this probe comes again with the next look */
		p->cursor = v.next;
		p->begun = true;
		p->grain_us = grain_us;
		p->sent++;
		p->lost += v.lost;
		p->rtt_sum_us += v.lost ? 0 : v.rtt_us;
	}
	if (n < max && p->grain_us >= 0 &&
		(now_us - p->grain_us > 2 * USEC_S || !engine_view_usable(e, path)) &&
		end_grain(w, path, &ret[n]))
		n++;
	if (n < max && look_at_facts(p, e, path, now_us, &ret[n]))
		n++;
	return n;
}

size_t witness_look(struct witness *w, const struct engine *e, int64_t now_us,
	struct witness_row ret[], size_t max)
{
	size_t n = 0;

	for (unsigned i = 0; i < PATHS_MAX && n < max; i++)
		n += look_at_path(w, e, i, now_us, ret + n, max - n);
	return n;
}
