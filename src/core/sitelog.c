#include "core/sitelog.h"

#include <errno.h>
#include <string.h>

#include "base/crc32.h"
#include "base/usec.h"

static const char block_magic[4] = {'A', 'S', 'B', '1'};

/* Places in a block's header. */
enum {
	BLOCK_LENGTH = 4,
	BLOCK_CRC = 8,
	BLOCK_WALL = 12,
	BLOCK_TIME = 20,
};

#define TIME_UNIT_US (100 * USEC_MS)
#define RTT_UNIT_US 100
#define TIME_MAX_US (USEC_NEVER / 8)
#define TIME_STEP_MAX (INT64_C(1) << 40)

/* ---- records, written and read by the same walks ---- */

static void walk_link(struct pack *p, struct sitelog_link *v)
{
	pack_u8(p, &v->slot, LINKS_MAX - 1);
	pack_text(p, v->name, sizeof(v->name));
	pack_u8(p, &v->kind, LINK_KIND_COUNT - 1);
	pack_bool(p, &v->metered);
	pack_i32(p, &v->preference, INT32_MIN, INT32_MAX);
	pack_u16(p, &v->order, UINT16_MAX);
}

/* Times in steps from the record before. */
static void walk_time(struct pack *p, int64_t *at_us, int64_t *last_us)
{
	int64_t step = pack_reading(p) ? 0 : (*at_us - *last_us) / TIME_UNIT_US;

	pack_i64(p, &step, -TIME_STEP_MAX, TIME_STEP_MAX);
	if (p->error)
		return;
	*last_us += step * TIME_UNIT_US;
	*at_us = *last_us;
}

static void walk_row(struct pack *p, struct witness_row *v)
{
	uint32_t rtt = v->rtt_us < 0 ? 0 : (uint32_t)v->rtt_us / RTT_UNIT_US + 1;

	pack_u8(p, &v->path, PATHS_MAX - 1);
	pack_bool(p, &v->usable);
	pack_u16(p, &v->loss_permille, 1000);
	pack_u32(p, &rtt, 100000);
	if (pack_reading(p) && !p->error)
		v->rtt_us = rtt ? (int32_t)(rtt - 1) * RTT_UNIT_US : -1;
}

static void walk(struct pack *p, struct sitelog_record *v, int64_t *last_us)
{
	PACK_ENUM(p, v->kind, SITELOG_KIND_COUNT);
	if (p->error)
		return;
	if (v->kind != SITELOG_LINK)
		walk_time(p, &v->at_us, last_us);
	switch (v->kind) {
	case SITELOG_LINK:
		walk_link(p, &v->link);
		break;
	case SITELOG_ROW:
		walk_row(p, &v->row);
		v->row.at_us = v->at_us;
		break;
	case SITELOG_BYTES:
		pack_u64(p, &v->bytes, UINT64_C(1) << 50);
		break;
	case SITELOG_MOVE:
		pack_u8(p, &v->move.family, FAMILY_COUNT - 1);
		pack_u8(p, &v->move.path, PATHS_MAX);
		v->move.at_us = v->at_us;
		break;
	case SITELOG_END:
	case SITELOG_KIND_COUNT:
		break;
	}
}

/* ---- writing ---- */

void sitelog_init(struct sitelog_writer *w)
{
	memset(w, 0, sizeof(*w));
}

static bool differs(const struct sitelog_link *a, const struct sitelog_link *b)
{
	return strcmp(a->name, b->name) != 0 || a->kind != b->kind || a->metered != b->metered ||
	       a->preference != b->preference || a->order != b->order;
}

/* Another link's rows say nothing of the one that has its slot now. */
static void forget_rows(struct sitelog_writer *w, unsigned slot)
{
	for (unsigned f = 0; f < FAMILY_COUNT; f++)
		w->last[path_of(slot, (enum family)f)].at_us = 0;
}

bool sitelog_set_links(struct sitelog_writer *w, const struct policy *policy)
{
	bool news = w->links != policy->links;

	w->links = policy->links;
	for (unsigned i = 0; i < LINKS_MAX; i++) {
		const struct link_policy *p = &policy->link[i];
		struct sitelog_link link;

		if (!(policy->links & (UINT32_C(1) << i)))
			continue;
		memset(&link, 0, sizeof(link));
		link.slot = (uint8_t)i;
		link.kind = (uint8_t)p->kind;
		link.metered = p->metered;
		link.preference = p->preference;
		link.order = p->order;
		memcpy(link.name, p->name, strnlen(p->name, sizeof(link.name) - 1));
		news |= differs(&link, &w->link[i]);
		if (strcmp(link.name, w->link[i].name) != 0)
			forget_rows(w, i);
		w->link[i] = link;
	}
	return news;
}

int sitelog_put(struct sitelog_writer *w, const struct sitelog_record *record)
{
	struct sitelog_record v = *record;
	struct pack before = w->pack;
	int64_t time_us = w->time_us;

	if (!w->open)
		return -ENOSPC;
	walk(&w->pack, &v, &w->time_us);
	if (w->pack.error) {
		w->pack = before;
		w->time_us = time_us;
		return -ENOSPC;
	}
	/* the next block begins with them */
	if (v.kind == SITELOG_ROW)
		w->last[v.row.path] = record->row;
	if (v.kind == SITELOG_MOVE)
		w->used[v.move.family] = record->move;
	return 0;
}

void sitelog_begin(struct sitelog_writer *w, int64_t now_us, int64_t wall_ms)
{
	memcpy(w->bytes, block_magic, sizeof(block_magic));
	pack_put_le(w->bytes + BLOCK_WALL, (uint64_t)wall_ms, 8);
	pack_put_le(w->bytes + BLOCK_TIME, (uint64_t)now_us, 8);
	pack_writer(&w->pack, w->bytes + SITELOG_HEADER_SIZE,
		sizeof(w->bytes) - SITELOG_HEADER_SIZE);
	w->time_us = w->began_us = now_us;
	w->open = true;
	for (unsigned i = 0; i < LINKS_MAX; i++) {
		struct sitelog_record v = {.kind = SITELOG_LINK, .link = w->link[i]};

		if (w->links & (UINT32_C(1) << i))
			sitelog_put(w, &v);
	}
	for (unsigned i = 0; i < PATHS_MAX; i++) {
		struct sitelog_record v = {.kind = SITELOG_ROW,
			.at_us = w->last[i].at_us,
			.row = w->last[i]};

		if (w->last[i].at_us && now_us - w->last[i].at_us <= WITNESS_REFRESH_US)
			sitelog_put(w, &v);
	}
	for (unsigned i = 0; i < FAMILY_COUNT; i++) {
		struct sitelog_record v = {.kind = SITELOG_MOVE,
			.at_us = now_us,
			.move = w->used[i]};

		if (w->used[i].at_us)
			sitelog_put(w, &v);
	}
}

size_t sitelog_end(struct sitelog_writer *w)
{
	size_t length = w->pack.at;
	uint32_t crc;

	if (!w->open)
		return 0;
	w->open = false;
	pack_put_le(w->bytes + BLOCK_LENGTH, length, 2);
	pack_put_le(w->bytes + BLOCK_LENGTH + 2, 0, 2);
	crc = crc32_add(0, w->bytes + BLOCK_WALL, SITELOG_HEADER_SIZE - BLOCK_WALL + length);
	pack_put_le(w->bytes + BLOCK_CRC, crc, 4);
	return SITELOG_HEADER_SIZE + length;
}

/* ---- reading ---- */

int sitelog_open(struct sitelog_reader *r, const uint8_t *data, size_t size)
{
	size_t length;
	uint32_t crc;

	if (size < SITELOG_HEADER_SIZE)
		return -ENODATA;
	if (memcmp(data, block_magic, sizeof(block_magic)) != 0 ||
		pack_get_le(data + BLOCK_LENGTH + 2, 2))
		return -EBADMSG;
	length = (size_t)pack_get_le(data + BLOCK_LENGTH, 2);
	if (length > SITELOG_BLOCK_SIZE - SITELOG_HEADER_SIZE)
		return -EBADMSG;
	if (size < SITELOG_HEADER_SIZE + length)
		return -ENODATA;
	crc = crc32_add(0, data + BLOCK_WALL, SITELOG_HEADER_SIZE - BLOCK_WALL + length);
	if (crc != pack_get_le(data + BLOCK_CRC, 4))
		return -EBADMSG;
	r->wall_ms = (int64_t)pack_get_le(data + BLOCK_WALL, 8);
	r->time_us = r->at_us = (int64_t)pack_get_le(data + BLOCK_TIME, 8);
	if (r->wall_ms < 0 || r->wall_ms > TIME_MAX_US / 1000 || r->time_us < 0 ||
		r->time_us > TIME_MAX_US)
		return -EBADMSG;
	pack_reader(&r->pack, data + SITELOG_HEADER_SIZE, length);
	r->size = SITELOG_HEADER_SIZE + length;
	return 0;
}

int sitelog_next(struct sitelog_reader *r, struct sitelog_record *ret)
{
	if (r->pack.at == r->pack.size)
		return 0;
	memset(ret, 0, sizeof(*ret));
	walk(&r->pack, ret, &r->at_us);
	if (r->pack.error || r->at_us < 0 || r->at_us > TIME_MAX_US)
		return -EBADMSG;
	return 1;
}
