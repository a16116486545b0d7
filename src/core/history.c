#include "core/history.h"

#include <string.h>

#include "base/usec.h"

enum {
	FLAG_KNOWN = 0x80,
	FLAG_IN_USE = 0x40,
	OUT_SHIFT = 3,
	OUT_MASK = 7,
	HEALTH_MASK = 7,
};
_Static_assert(HEALTH_COUNT <= HEALTH_MASK + 1, "health does not fit into a cell");

#define PPM 1000000

static const struct {
	int64_t step_us;
	size_t cells;
} ring_shape[HISTORY_RESOLUTION_COUNT] = {
	{USEC_S, HISTORY_1S_CELLS},
	{10 * USEC_S, HISTORY_10S_CELLS},
	{5 * USEC_MIN, HISTORY_5MIN_CELLS},
};

/* How many cells of the resolution before make one of this. */
static const unsigned parts[HISTORY_RESOLUTION_COUNT] = {0, 10, 30};
#define PARTS_MAX 30

/* How bad a health is beside another; what a summary keeps is the worst. */
static const uint8_t severity[HEALTH_COUNT] = {
	[HEALTH_UP] = 0,
	[HEALTH_RECOVERING] = 1,
	[HEALTH_SUSPECT] = 2,
	[HEALTH_UNKNOWN] = 3,
	[HEALTH_DEGRADED] = 4,
	[HEALTH_DEAD] = 5,
	[HEALTH_DOWN] = 6,
	[HEALTH_ABSENT] = 7,
};

/* ---- scales ---- */

/* 2^(i/14) in 1/65536 */
static const uint32_t log_step[14] = {65536, 68863, 72358, 76031, 79891, 83946, 88207, 92684, 97388,
	102331, 107525, 112983, 118718, 124744};

/* 100, 105, 110 ... : fourteen codes an octave; code 1 is 100. */
static int64_t rtt_of(unsigned code)
{
	unsigned c = code - 1;

	return INT64_C(100) * ((int64_t)log_step[c % 14] << c / 14) >> 16;
}

/* Seven codes an octave; code 1 is 100 bit/s, the last one 8 Tbit/s. */
static int64_t rate_of(unsigned code)
{
	unsigned c = code - 1;

	return INT64_C(100) * ((int64_t)log_step[c % 7 * 2] << c / 7) >> 16;
}

static int64_t loss_of(unsigned code)
{
	int64_t c = (int64_t)code - 1;

	return c * c * PPM / (254 * 254);
}

/* The code (1..255) whose value is nearest; of is monotonic. */
static uint8_t nearest(int64_t (*of)(unsigned code), int64_t value)
{
	unsigned low = 1, high = UINT8_MAX;

	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (of(middle) < value)
			low = middle + 1;
		else
			high = middle;
	}
	if (low > 1 && value - of(low - 1) < of(low) - value)
		low--;
	return (uint8_t)low;
}

static uint8_t rate_code(int64_t bps)
{
	return bps < 50 ? 0 : nearest(rate_of, bps);
}

static int64_t rate_value(uint8_t code)
{
	return code ? rate_of(code) : 0;
}

/* 0: none; 1: at most 1/64; 2: 1/32 ... 7: all of the time.  Rounded up: an outage never
   disappears. */
static unsigned out_code(int64_t ppm)
{
	unsigned code = 7;

	if (ppm <= 0)
		return 0;
	while (code > 1 && ppm <= PPM >> (8 - code))
		code--;
	return code;
}

static uint32_t out_value(unsigned code)
{
	return code ? PPM >> (7 - code) : 0;
}

/* ---- cells ---- */

static unsigned cell_out(struct history_cell c)
{
	return c.flags >> OUT_SHIFT & OUT_MASK;
}

static bool known(struct history_cell c)
{
	return c.flags & FLAG_KNOWN;
}

static uint8_t make_flags(bool in_use, unsigned out, unsigned health)
{
	return (uint8_t)(FLAG_KNOWN | (in_use ? FLAG_IN_USE : 0) | out << OUT_SHIFT | health);
}

static struct history_cell cell_of(const struct path_view *view, bool in_use)
{
	struct history_cell c = {
		.flags = make_flags(in_use, health_is_down(view->health) ? 7 : 0, view->health),
		.rtt = view->rtt_us < 0 ? 0 : nearest(rtt_of, view->rtt_us),
		.loss = view->loss_ppm < 0 ? 0 : nearest(loss_of, view->loss_ppm),
		.score = view->score[0] > 100 ? 100 : view->score[0],
		.rx = rate_code(view->rx_bps),
		.tx = rate_code(view->tx_bps),
	};

	return c;
}

/* The middle one of the known codes; of two, the worse. */
static uint8_t median_rtt(const struct history_cell cell[], unsigned n)
{
	uint8_t sorted[PARTS_MAX];
	unsigned m = 0;

	for (unsigned i = 0; i < n; i++) {
		unsigned at = m;

		if (!cell[i].rtt)
			continue;
		for (; at && sorted[at - 1] > cell[i].rtt; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = cell[i].rtt;
		m++;
	}
	return m ? sorted[m / 2] : 0;
}

/* Several known cells as one: median round trip, mean rates, and of everything else the worst. */
static struct history_cell summary(const struct history_cell cell[], unsigned n)
{
	struct history_cell sum = {.score = 100, .rtt = median_rtt(cell, n)};
	int64_t rx = 0, tx = 0, out = 0;
	unsigned health = HEALTH_UP;
	bool in_use = false;

	for (unsigned i = 0; i < n; i++) {
		unsigned h = cell[i].flags & HEALTH_MASK;

		if (severity[h] > severity[health])
			health = h;
		if (cell[i].loss > sum.loss)
			sum.loss = cell[i].loss;
		if (cell[i].score < sum.score)
			sum.score = cell[i].score;
		in_use |= (cell[i].flags & FLAG_IN_USE) != 0;
		out += out_value(cell_out(cell[i]));
		rx += rate_value(cell[i].rx);
		tx += rate_value(cell[i].tx);
	}
	sum.flags = make_flags(in_use, out_code(out / (int64_t)n), health);
	sum.rx = rate_code(rx / (int64_t)n);
	sum.tx = rate_code(tx / (int64_t)n);
	return sum;
}

/* ---- rings ---- */

static struct history_cell *cells_of(struct history *h, unsigned path,
	enum history_resolution resolution)
{
	switch (resolution) {
	case HISTORY_1S:
		return h->s1[path];
	case HISTORY_10S:
		return h->s10[path];
	case HISTORY_5MIN:
	case HISTORY_RESOLUTION_COUNT:
		break;
	}
	return h->min5[path];
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static size_t place(int64_t number, size_t cells)
{
	int64_t rest = number % (int64_t)cells;

	return (size_t)(rest < 0 ? rest + (int64_t)cells : rest);
}

static bool is_blank(const struct history_cell *c)
{
	return !(c->flags | c->rtt | c->loss | c->score | c->rx | c->tx);
}

/* Makes number the newest cell of the ring.  A blank cell is not written to: its page may not be
   there yet. */
static void advance(struct history *h, unsigned path, enum history_resolution r, int64_t number)
{
	struct history_ring *ring = &h->ring[path][r];
	struct history_cell *cells = cells_of(h, path, r);
	int64_t n = (int64_t)ring_shape[r].cells, from = ring->newest + 1;

	if (!ring->used || number - ring->newest > n)
		from = number - n + 1;
	for (int64_t i = from; i <= number; i++) {
		struct history_cell *c = &cells[place(i, (size_t)n)];

		if (!is_blank(c))
			memset(c, 0, sizeof(*c));
	}
	ring->newest = number;
	ring->used = true;
}

static bool held(const struct history *h, unsigned path, enum history_resolution r, int64_t number)
{
	const struct history_ring *ring = &h->ring[path][r];

	return ring->used && number <= ring->newest &&
	       number > ring->newest - (int64_t)ring_shape[r].cells;
}

struct history_cell history_cell_get(const struct history *h, unsigned path,
	enum history_resolution resolution, int64_t number)
{
	const struct history_cell *cells =
		cells_of((struct history *)(uintptr_t)h, path, resolution);

	if (!held(h, path, resolution, number))
		return (struct history_cell){0};
	return cells[place(number, ring_shape[resolution].cells)];
}

static void put(struct history *h, unsigned path, enum history_resolution r, int64_t number,
	struct history_cell cell)
{
	if (!h->ring[path][r].used || number > h->ring[path][r].newest)
		advance(h, path, r, number);
	if (held(h, path, r, number))
		cells_of(h, path, r)[place(number, ring_shape[r].cells)] = cell;
}

/* The coarse cell around a time is made anew from its parts each time one of them is added. */
static void summarise(struct history *h, unsigned path, enum history_resolution resolution,
	int64_t now_us)
{
	int64_t number = floor_div(now_us, ring_shape[resolution].step_us);
	struct history_cell part[PARTS_MAX];
	unsigned n = 0;

	for (unsigned i = 0; i < parts[resolution]; i++) {
		part[n] = history_cell_get(h, path, resolution - 1,
			number * (int64_t)parts[resolution] + i);
		if (known(part[n]))
			n++;
	}
	if (n)
		put(h, path, resolution, number, summary(part, n));
}

void history_init(struct history *h)
{
	memset(h, 0, sizeof(*h));
}

void history_add(struct history *h, unsigned path, int64_t now_us, const struct path_view *view,
	bool in_use)
{
	struct history_ring *ring = &h->ring[path][HISTORY_1S];
	int64_t number = floor_div(now_us, USEC_S);
	struct history_cell cell[2] = {cell_of(view, in_use)};

	if (!view->exists || (ring->used && number < ring->newest))
		return;
	cell[1] = history_cell_get(h, path, HISTORY_1S, number);
	if (known(cell[1]))
		cell[0] = summary(cell, 2);
	/* a timer that is late by a little now and then must not leave holes */
	if (ring->used && number == ring->newest + 2)
		put(h, path, HISTORY_1S, number - 1, cell[0]);
	put(h, path, HISTORY_1S, number, cell[0]);
	summarise(h, path, HISTORY_10S, now_us);
	summarise(h, path, HISTORY_5MIN, now_us);
}

void history_forget(struct history *h, unsigned path)
{
	for (unsigned r = 0; r < HISTORY_RESOLUTION_COUNT; r++) {
		struct history_cell *cells = cells_of(h, path, (enum history_resolution)r);

		for (size_t i = 0; i < ring_shape[r].cells; i++) {
			if (!is_blank(&cells[i]))
				memset(&cells[i], 0, sizeof(cells[i]));
		}
		h->ring[path][r].used = false;
	}
}

int64_t history_step_us(enum history_resolution resolution)
{
	return ring_shape[resolution].step_us;
}

size_t history_cells(enum history_resolution resolution)
{
	return ring_shape[resolution].cells;
}

enum history_resolution history_choose(int64_t from_us, int64_t until_us, int64_t now_us,
	size_t max)
{
	for (unsigned r = 0; r < HISTORY_5MIN; r++) {
		int64_t step_us = ring_shape[r].step_us;

		if ((now_us - from_us) / step_us < (int64_t)ring_shape[r].cells &&
			(until_us - from_us) / step_us < (int64_t)max)
			return (enum history_resolution)r;
	}
	return HISTORY_5MIN;
}

static void read_cell(struct history_cell c, int64_t at_us, struct history_point *ret)
{
	*ret = (struct history_point){
		.at_us = at_us,
		.rtt_us = c.rtt ? (int32_t)rtt_of(c.rtt) : -1,
		.loss_ppm = c.loss ? (int32_t)loss_of(c.loss) : -1,
		.score = c.score,
		.health = (enum health)(c.flags & HEALTH_MASK),
		.in_use = c.flags & FLAG_IN_USE,
		.out_ppm = out_value(cell_out(c)),
		.rx_bps = rate_value(c.rx),
		.tx_bps = rate_value(c.tx),
	};
}

size_t history_read(const struct history *h, unsigned path, enum history_resolution resolution,
	int64_t from_us, int64_t until_us, struct history_point ret[], size_t max)
{
	const struct history_ring *ring = &h->ring[path][resolution];
	int64_t step_us = ring_shape[resolution].step_us;
	int64_t cells = (int64_t)ring_shape[resolution].cells;
	int64_t first = -floor_div(-from_us, step_us), last = floor_div(until_us, step_us);
	size_t n = 0;

	if (!ring->used)
		return 0;
	first = usec_max(first, ring->newest - cells + 1);
	last = usec_min(last, ring->newest);
	for (int64_t i = first; i <= last && n < max; i++) {
		struct history_cell c = history_cell_get(h, path, resolution, i);

		if (known(c))
			read_cell(c, i * step_us, &ret[n++]);
	}
	return n;
}

bool history_newest(const struct history *h, unsigned path, enum history_resolution resolution,
	int64_t *ret_number)
{
	const struct history_ring *ring = &h->ring[path][resolution];

	if (ring->used)
		*ret_number = ring->newest;
	return ring->used;
}

void history_cell_restore(struct history *h, unsigned path, enum history_resolution resolution,
	int64_t number, struct history_cell cell)
{
	if (!known(cell) || cell.score > 100 || (cell.flags & HEALTH_MASK) >= HEALTH_COUNT)
		return;
	if (!known(history_cell_get(h, path, resolution, number)))
		put(h, path, resolution, number, cell);
}

void history_fill(struct history *h, unsigned path)
{
	const struct history_ring *ring = &h->ring[path][HISTORY_10S];
	int64_t ratio = parts[HISTORY_5MIN];
	int64_t last = floor_div(ring->newest, ratio);
	int64_t first = floor_div(ring->newest - HISTORY_10S_CELLS + 1, ratio);

	if (!ring->used)
		return;
	for (int64_t i = first; i <= last; i++) {
		if (!known(history_cell_get(h, path, HISTORY_5MIN, i)))
			summarise(h, path, HISTORY_5MIN, i * ring_shape[HISTORY_5MIN].step_us);
	}
}
