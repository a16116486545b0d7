#include "io/checkpoint_image.h"

#include <errno.h>
#include <string.h>

#include "base/crc32.h"
#include "base/pack.h"
#include "core/fields.h"

static const char magic[8] = {'A', 'U', 'C', 'K', 'P', 'T', '1', '\0'};

#define BLOCK_HEADER_SIZE 8
#define TIME_MAX (INT64_MAX / 8)

void checkpoint_header_encode(const struct checkpoint_header *header,
	uint8_t ret[CHECKPOINT_HEADER_SIZE])
{
	memcpy(ret, magic, sizeof(magic));
	pack_put_le(ret + 8, CHECKPOINT_VERSION, 2);
	pack_put_le(ret + 10, header->part, 2);
	pack_put_le(ret + 12, (uint64_t)header->wall_ms, 8);
	pack_put_le(ret + 20, (uint64_t)header->now_us, 8);
	memcpy(ret + 28, header->boot, CHECKPOINT_BOOT_SIZE);
	pack_put_le(ret + 44, crc32_add(0, ret, 44), 4);
}

int checkpoint_header_decode(const uint8_t *data, size_t size, struct checkpoint_header *ret)
{
	if (size < CHECKPOINT_HEADER_SIZE)
		return -ENODATA;
	if (memcmp(data, magic, sizeof(magic)) ||
		pack_get_le(data + 44, 4) != crc32_add(0, data, 44))
		return -EBADMSG;
	if (pack_get_le(data + 8, 2) != CHECKPOINT_VERSION)
		return -EPROTONOSUPPORT;
	if (pack_get_le(data + 10, 2) >= CHECKPOINT_PART_COUNT)
		return -EBADMSG;
	int64_t wall_ms = (int64_t)pack_get_le(data + 12, 8);
	int64_t now_us = (int64_t)pack_get_le(data + 20, 8);
	/* far from where adding two of them overflows */
	if (wall_ms < 0 || wall_ms > INT64_MAX / 8000 || now_us < -TIME_MAX || now_us > TIME_MAX)
		return -EBADMSG;
	ret->part = (enum checkpoint_part)pack_get_le(data + 10, 2);
	ret->wall_ms = wall_ms;
	ret->now_us = now_us;
	memcpy(ret->boot, data + 28, CHECKPOINT_BOOT_SIZE);
	return 0;
}

/* ---- ledger ---- */

static void ledger_path(struct pack *p, struct ledger_path *v)
{
	pack_u8(p, &v->path, PATHS_MAX);
	pack_u8(p, &v->health, HEALTH_COUNT - 1);
	pack_u8(p, &v->verdict, VERDICT_COUNT - 1);
	pack_u8(p, &v->score, 100);
	pack_i32(p, &v->rtt_us, -1, INT32_MAX);
	pack_i32(p, &v->loss_ppm, -1, 1000000);
	pack_i64(p, &v->silence_us, 0, INT64_MAX);
	pack_i64(p, &v->patience_us, 0, INT64_MAX);
}

static void ledger_entry(struct pack *p, struct ledger_entry *v)
{
	pack_u64(p, &v->seq, UINT64_MAX / 2);
	pack_u8(p, &v->kind, EVENT_KIND_COUNT - 1);
	pack_u8(p, &v->class, CLASSES_MAX);
	pack_u8(p, &v->family, FAMILY_COUNT - 1);
	pack_u8(p, &v->step, STEP_COUNT - 1);
	pack_u8(p, &v->stay, STAY_COUNT);
	pack_u8(p, &v->verdict, VERDICT_COUNT - 1);
	pack_u32(p, &v->repeats, UINT32_MAX);
	pack_i64(p, &v->at_us, -TIME_MAX, TIME_MAX);
	ledger_path(p, &v->from);
	ledger_path(p, &v->to);
	pack_i64(p, &v->fault_us, INT64_MIN, INT64_MAX);
	pack_i64(p, &v->apply_us, -1, INT64_MAX);
	pack_i32(p, &v->apply_error, INT32_MIN, INT32_MAX);
	pack_i64(p, &v->watched_us, 0, INT64_MAX);
	pack_i64(p, &v->known_us, 0, INT64_MAX);
	pack_i64(p, &v->from_bad_us, 0, INT64_MAX / 2);
	pack_i64(p, &v->to_bad_us, 0, INT64_MAX / 2);
	pack_i64(p, &v->from_well_us, -1, INT64_MAX);
	pack_bool(p, &v->relapse);
	pack_bool(p, &v->closed);
}

/* ---- cells: a column at a time, each value as the difference to the one before it, in tokens of a
   byte ---- */

/*
 * 00nnnnnn           n + 1 times the same value
 * 01aaabbb           two differences of -4..3
 * 10aaaaaa           one of -32..31
 * 11000000 aaaaaaaa  any one
 */
#define COLUMNS 6
_Static_assert(sizeof(struct history_cell) == COLUMNS, "a cell is its columns");

static void put_byte(struct pack *p, unsigned byte)
{
	uint8_t b = (uint8_t)byte;

	pack_bytes(p, &b, 1);
}

static bool small(int d, int half)
{
	return d >= -half && d < half;
}

static unsigned zeros(const int8_t d[], unsigned i, unsigned n)
{
	unsigned run = 0;

	while (i + run < n && run < 64 && !d[i + run])
		run++;
	return run;
}

static void write_column(struct pack *p, const int8_t d[], unsigned n)
{
	for (unsigned i = 0; i < n;) {
		unsigned run = zeros(d, i, n);

		if (run > 1 || (run && i + run == n)) {
			put_byte(p, run - 1);
			i += run;
		} else if (i + 1 < n && small(d[i], 4) && small(d[i + 1], 4)) {
			put_byte(p, 0x40U | ((unsigned)d[i] & 7) << 3 | ((unsigned)d[i + 1] & 7));
			i += 2;
		} else if (small(d[i], 32)) {
			put_byte(p, 0x80U | ((unsigned)d[i] & 63));
			i++;
		} else {
			put_byte(p, 0xc0);
			put_byte(p, (uint8_t)d[i]);
			i++;
		}
	}
}

/* The low bits of a token as a signed number of so many bits. */
static int signed_bits(unsigned token, unsigned bits)
{
	unsigned half = 1U << (bits - 1), v = token & (2 * half - 1);

	return v < half ? (int)v : (int)v - (int)(2 * half);
}

static uint8_t get_byte(struct pack *p)
{
	uint8_t b = 0;

	pack_bytes(p, &b, 1);
	return b;
}

static void read_column(struct pack *p, int8_t d[], unsigned n)
{
	unsigned i = 0;

	while (i < n && !p->error) {
		uint8_t token = get_byte(p);
		unsigned takes = token < 0x40 ? token + 1U : token < 0x80 ? 2 : 1;

		if (takes > n - i) {
			p->error = -EBADMSG;
			return;
		}
		if (token < 0x40) {
			memset(d + i, 0, takes);
		} else if (token < 0x80) {
			d[i] = (int8_t)signed_bits(token >> 3, 3);
			d[i + 1] = (int8_t)signed_bits(token, 3);
		} else if (token < 0xc0) {
			d[i] = (int8_t)signed_bits(token, 6);
		} else if (token == 0xc0) {
			d[i] = (int8_t)signed_bits(get_byte(p), 8);
		} else {
			p->error = -EBADMSG;
		}
		i += takes;
	}
}

static uint8_t *column_of(struct history_cell *c, unsigned column)
{
	uint8_t *const member[COLUMNS] = {&c->flags, &c->rtt, &c->loss, &c->score, &c->rx, &c->tx};

	return member[column];
}

static void cell_column(struct pack *p, struct checkpoint_cells *v, unsigned column)
{
	int8_t d[CHECKPOINT_CELLS_MAX] = {0};
	uint8_t last = 0;

	if (!pack_reading(p)) {
		for (unsigned i = 0; i < v->n; i++) {
			uint8_t value = *column_of(&v->cell[i], column);

			d[i] = (int8_t)signed_bits((unsigned)value - last, 8);
			last = value;
		}
		write_column(p, d, v->n);
		return;
	}
	read_column(p, d, v->n);
	for (unsigned i = 0; i < v->n && !p->error; i++)
		*column_of(&v->cell[i], column) = last = (uint8_t)(last + d[i]);
}

static void cells(struct pack *p, struct checkpoint_cells *v)
{
	PACK_ENUM(p, v->resolution, HISTORY_RESOLUTION_COUNT);
	pack_bool(p, &v->this_boot);
	pack_i64(p, &v->first, INT64_MIN / 1000000000, INT64_MAX / 1000000000);
	pack_i64(p, &v->wall_ms, 0, INT64_MAX / 8000);
	pack_u16(p, &v->n, CHECKPOINT_CELLS_MAX);
	for (unsigned column = 0; column < COLUMNS && !p->error; column++)
		cell_column(p, v, column);
}

/* ---- blocks ---- */

static void of_path(struct pack *p, struct checkpoint_item *v)
{
	pack_text(p, v->device, sizeof(v->device));
	pack_u8(p, &v->family, FAMILY_COUNT - 1);
}

static void payload(struct pack *p, struct checkpoint_item *v)
{
	switch (v->tag) {
	case CHECKPOINT_TAG_END:
	case CHECKPOINT_TAG_EVENTS:
		pack_u64(p, &v->number, UINT64_MAX / 2);
		break;
	case CHECKPOINT_TAG_SLOT:
		pack_text(p, v->device, sizeof(v->device));
		pack_u64(p, &v->number, LINKS_MAX - 1);
		break;
	case CHECKPOINT_TAG_LEARNED:
		of_path(p, v);
		fields_learned(p, &v->learned);
		break;
	case CHECKPOINT_TAG_LEDGER:
		ledger_entry(p, &v->entry);
		break;
	case CHECKPOINT_TAG_CELLS:
		of_path(p, v);
		cells(p, &v->cells);
		break;
	case CHECKPOINT_TAG_COUNT:
		p->error = -ERANGE;
		break;
	}
}

static uint32_t block_crc(const uint8_t *block, size_t length)
{
	return crc32_add(crc32_add(0, block + 2, 1), block + BLOCK_HEADER_SIZE, length);
}

int checkpoint_block_encode(const struct checkpoint_item *item, uint8_t ret[CHECKPOINT_BLOCK_MAX])
{
	struct checkpoint_item copy = *item;
	struct pack p;

	pack_writer(&p, ret + BLOCK_HEADER_SIZE, CHECKPOINT_BLOCK_MAX - BLOCK_HEADER_SIZE);
	payload(&p, &copy);
	if (p.error)
		return p.error;
	pack_put_le(ret, p.at, 2);
	ret[2] = (uint8_t)item->tag;
	ret[3] = 0;
	pack_put_le(ret + 4, block_crc(ret, p.at), 4);
	return (int)(BLOCK_HEADER_SIZE + p.at);
}

int checkpoint_block_decode(const uint8_t *data, size_t size, struct checkpoint_item *ret)
{
	size_t length;
	struct pack p;

	if (size < BLOCK_HEADER_SIZE)
		return -ENODATA;
	length = (size_t)pack_get_le(data, 2);
	if (length > CHECKPOINT_BLOCK_MAX - BLOCK_HEADER_SIZE || data[2] >= CHECKPOINT_TAG_COUNT ||
		data[3])
		return -EBADMSG;
	if (length > size - BLOCK_HEADER_SIZE)
		return -ENODATA;
	if (pack_get_le(data + 4, 4) != block_crc(data, length))
		return -EBADMSG;
	memset(ret, 0, sizeof(*ret));
	ret->tag = (enum checkpoint_tag)data[2];
	pack_reader(&p, data + BLOCK_HEADER_SIZE, length);
	payload(&p, ret);
	if (!p.error && p.at != length)
		p.error = -EBADMSG;
	return p.error ? p.error : (int)(BLOCK_HEADER_SIZE + length);
}

int checkpoint_check(const uint8_t *data, size_t size, size_t *ret_at)
{
	struct checkpoint_header header;
	struct checkpoint_item item;
	size_t at = CHECKPOINT_HEADER_SIZE;
	uint64_t blocks = 0;
	int n = checkpoint_header_decode(data, size, &header);

	*ret_at = 0;
	if (n < 0)
		return n;
	do {
		*ret_at = at;
		n = checkpoint_block_decode(data + at, size - at, &item);
		if (n < 0)
			return n;
		at += (size_t)n;
	} while (item.tag != CHECKPOINT_TAG_END && ++blocks);
	if (item.number != blocks || at != size)
		return -EBADMSG;
	*ret_at = at;
	return 0;
}
