#include "core/trace.h"

#include <errno.h>
#include <string.h>

#include "base/crc32.h"
#include "core/fields.h"

static const char header_magic[8] = {'A', 'U', 'T', 'R', 'A', 'C', 'E', '1'};
static const char block_magic[4] = {'A', 'T', 'B', '1'};

/* Places in a block's header. */
enum {
	BLOCK_LENGTH = 4,
	BLOCK_NUMBER = 8,
	BLOCK_CRC = 12,
	BLOCK_TIME = 16,
};

#define STATE_SIZE_MAX (UINT32_C(16) << 20)

static uint64_t mix(uint64_t tag, uint64_t value)
{
	/* FNV-1a, 64 bit, over words */
	return (tag ^ value) * UINT64_C(0x100000001b3);
}

uint64_t trace_engine_tag(size_t engine_size)
{
	static const char version[] = AUTONOMY_VERSION;
	uint64_t tag = UINT64_C(0xcbf29ce484222325);

	tag = mix(tag, TRACE_VERSION);
	tag = mix(tag, engine_size);
	tag = mix(tag, sizeof(void *));
	tag = mix(tag, sizeof(struct policy));
	tag = mix(tag, __BYTE_ORDER__);
	for (size_t i = 0; i < sizeof(version); i++)
		tag = mix(tag, (uint8_t)version[i]);
	return tag;
}

/* A copy of each element, since a walk may store what it has just written. */
static void write_output(struct pack *p, const struct output *out)
{
	uint16_t n_actions = out->n_actions, n_events = out->n_events;
	int64_t wake_us = out->wake_us;

	pack_u16(p, &n_actions, OUTPUT_ACTIONS_MAX);
	pack_u16(p, &n_events, OUTPUT_EVENTS_MAX);
	pack_i64(p, &wake_us, INT64_MIN, INT64_MAX);
	for (unsigned i = 0; !p->error && i < n_actions; i++) {
		struct action a = out->action[i];

		fields_action(p, &a);
	}
	for (unsigned i = 0; !p->error && i < n_events; i++) {
		struct event e = out->event[i];

		fields_event(p, &e);
	}
}

static void read_output(struct pack *p, struct output *ret)
{
	ret->n_actions = ret->n_events = 0;
	pack_u16(p, &ret->n_actions, OUTPUT_ACTIONS_MAX);
	pack_u16(p, &ret->n_events, OUTPUT_EVENTS_MAX);
	pack_i64(p, &ret->wake_us, INT64_MIN, INT64_MAX);
	for (unsigned i = 0; !p->error && i < ret->n_actions; i++) {
		memset(&ret->action[i], 0, sizeof(ret->action[i]));
		fields_action(p, &ret->action[i]);
	}
	for (unsigned i = 0; !p->error && i < ret->n_events; i++)
		fields_event(p, &ret->event[i]);
}

uint32_t trace_digest(const struct output *out)
{
	uint8_t bytes[TRACE_BLOCK_SIZE];
	struct pack p;

	pack_writer(&p, bytes, sizeof(bytes));
	write_output(&p, out);
	/* an output that may not be is an output too: the digest tells where it went wrong */
	return crc32_add((uint32_t)-p.error, bytes, p.at);
}

void trace_header_encode(const struct trace_header *header, uint8_t ret[TRACE_HEADER_SIZE])
{
	memset(ret, 0, TRACE_HEADER_SIZE);
	memcpy(ret, header_magic, sizeof(header_magic));
	pack_put_le(ret + 8, TRACE_VERSION, 2);
	pack_put_le(ret + 10, TRACE_HEADER_SIZE, 2);
	pack_put_le(ret + 12, (uint64_t)header->start_us, 8);
	pack_put_le(ret + 20, (uint64_t)header->wall_ms, 8);
	pack_put_le(ret + 28, header->seed, 8);
	pack_put_le(ret + 36, header->engine, 8);
	for (size_t i = 0; i + 1 < TRACE_PROGRAM_SIZE && header->program[i]; i++)
		ret[44 + i] = (uint8_t)header->program[i];
	pack_put_le(ret + 76, crc32_add(0, ret, 76), 4);
}

int trace_header_decode(const uint8_t *data, size_t size, struct trace_header *ret)
{
	if (size < TRACE_HEADER_SIZE)
		return size >= 8 && memcmp(data, header_magic, 8) ? -EBADMSG : -ENODATA;
	if (memcmp(data, header_magic, sizeof(header_magic)))
		return -EBADMSG;
	if (pack_get_le(data + 8, 2) < TRACE_VERSION_OLDEST ||
		pack_get_le(data + 8, 2) > TRACE_VERSION)
		return -EPROTONOSUPPORT;
	if (pack_get_le(data + 10, 2) != TRACE_HEADER_SIZE ||
		pack_get_le(data + 76, 4) != crc32_add(0, data, 76))
		return -EBADMSG;
	ret->start_us = (int64_t)pack_get_le(data + 12, 8);
	ret->wall_ms = (int64_t)pack_get_le(data + 20, 8);
	ret->seed = pack_get_le(data + 28, 8);
	ret->engine = pack_get_le(data + 36, 8);
	memcpy(ret->program, data + 44, TRACE_PROGRAM_SIZE);
	ret->program[TRACE_PROGRAM_SIZE - 1] = '\0';
	return 0;
}

/* ---- writing ---- */

void trace_block_begin(struct trace_block *b, uint32_t number, int64_t now_us)
{
	memset(b->bytes, 0, TRACE_BLOCK_HEADER_SIZE);
	memcpy(b->bytes, block_magic, sizeof(block_magic));
	pack_put_le(b->bytes + BLOCK_NUMBER, number, 4);
	pack_put_le(b->bytes + BLOCK_TIME, (uint64_t)now_us, 8);
	b->used = TRACE_BLOCK_HEADER_SIZE;
	b->time_us = now_us;
	b->records = 0;
}

/* Most records are shorter than 128 bytes, so one byte is kept for the length and the others are
   moved. */
static void record_begin(const struct trace_block *b, enum trace_kind kind, struct pack *ret)
{
	size_t room = TRACE_BLOCK_SIZE - b->used;
	uint8_t byte = (uint8_t)kind;

	/* two bytes of length at most: no record reaches 2^14 */
	pack_writer(ret, (uint8_t *)(uintptr_t)b->bytes + b->used + 1, room > 2 ? room - 2 : 0);
	pack_u8(ret, &byte, TRACE_KIND_COUNT - 1);
}

static int record_end(struct trace_block *b, const struct pack *p)
{
	uint8_t *start = b->bytes + b->used;

	if (p->error)
		return p->error;
	if (p->at < 0x80) {
		start[0] = (uint8_t)p->at;
		b->used += 1 + p->at;
	} else {
		memmove(start + 2, start + 1, p->at);
		start[0] = (uint8_t)(0x80 | (p->at & 0x7f));
		start[1] = (uint8_t)(p->at >> 7);
		b->used += 2 + p->at;
	}
	b->records++;
	return 0;
}

int trace_block_input(struct trace_block *b, const struct input *in)
{
	int64_t ahead_us = (int64_t)((uint64_t)in->now_us - (uint64_t)b->time_us);
	struct input copy = *in;
	struct pack p;

	record_begin(b, TRACE_INPUT, &p);
	pack_i64(&p, &ahead_us, INT64_MIN, INT64_MAX);
	fields_input(&p, &copy, NULL);
	int error = record_end(b, &p);
	if (!error)
		b->time_us = in->now_us;
	return error;
}

int trace_block_digest(struct trace_block *b, uint32_t digest)
{
	uint8_t bytes[4];
	struct pack p;

	pack_put_le(bytes, digest, sizeof(bytes));
	record_begin(b, TRACE_DIGEST, &p);
	pack_bytes(&p, bytes, sizeof(bytes));
	return record_end(b, &p);
}

int trace_block_output(struct trace_block *b, const struct output *out)
{
	struct pack p;

	record_begin(b, TRACE_OUTPUT, &p);
	write_output(&p, out);
	return record_end(b, &p);
}

int trace_block_state(struct trace_block *b, const void *engine, uint32_t total, uint32_t offset)
{
	uint8_t bytes[TRACE_STATE_CHUNK];
	uint32_t size;
	struct pack p;

	if (offset > total)
		return -ERANGE;
	size = total - offset < TRACE_STATE_CHUNK ? total - offset : TRACE_STATE_CHUNK;
	memcpy(bytes, (const uint8_t *)engine + offset, size);
	record_begin(b, TRACE_STATE, &p);
	pack_u32(&p, &total, STATE_SIZE_MAX);
	pack_u32(&p, &offset, total);
	pack_u32(&p, &size, TRACE_STATE_CHUNK);
	pack_bytes(&p, bytes, size);
	return record_end(b, &p);
}

int trace_block_lost(struct trace_block *b, uint64_t inputs)
{
	struct pack p;

	record_begin(b, TRACE_LOST, &p);
	pack_u64(&p, &inputs, UINT64_MAX);
	return record_end(b, &p);
}

static uint32_t block_crc(const uint8_t *block, size_t size)
{
	uint32_t crc = crc32_add(0, block + BLOCK_NUMBER, 4);

	return crc32_add(crc, block + BLOCK_TIME, size - BLOCK_TIME);
}

size_t trace_block_end(struct trace_block *b)
{
	if (!b->records)
		return 0;
	pack_put_le(b->bytes + BLOCK_LENGTH, b->used - TRACE_BLOCK_HEADER_SIZE, 2);
	pack_put_le(b->bytes + BLOCK_CRC, block_crc(b->bytes, b->used), 4);
	return b->used;
}

/* ---- reading ---- */

int trace_block_size(const uint8_t *data, size_t size)
{
	uint64_t length;

	if (size < TRACE_BLOCK_HEADER_SIZE)
		return -ENODATA;
	length = pack_get_le(data + BLOCK_LENGTH, 2);
	if (memcmp(data, block_magic, sizeof(block_magic)) || pack_get_le(data + 6, 2) ||
		length > TRACE_BLOCK_SIZE - TRACE_BLOCK_HEADER_SIZE)
		return -EBADMSG;
	return (int)(TRACE_BLOCK_HEADER_SIZE + length);
}

int trace_reader_open(struct trace_reader *r, const uint8_t *data, size_t size)
{
	int length = trace_block_size(data, size);

	if (length < 0)
		return length;
	if ((size_t)length > size)
		return -ENODATA;
	if (pack_get_le(data + BLOCK_CRC, 4) != block_crc(data, (size_t)length))
		return -EBADMSG;
	r->data = data;
	r->size = (size_t)length;
	r->at = TRACE_BLOCK_HEADER_SIZE;
	r->number = (uint32_t)pack_get_le(data + BLOCK_NUMBER, 4);
	r->time_us = (int64_t)pack_get_le(data + BLOCK_TIME, 8);
	return 0;
}

static void read_state(struct pack *p, struct trace_record *ret)
{
	uint32_t size = 0;

	pack_u32(p, &ret->state.total, STATE_SIZE_MAX);
	pack_u32(p, &ret->state.offset, ret->state.total);
	pack_u32(p, &size, TRACE_STATE_CHUNK);
	if (p->error)
		return;
	if (size > ret->state.total - ret->state.offset || size != p->size - p->at) {
		p->error = -EBADMSG;
		return;
	}
	ret->state.size = (uint16_t)size;
	ret->state.bytes = p->from + p->at;
	p->at += size;
}

static void read_input(struct trace_reader *r, struct pack *p, struct input *ret)
{
	int64_t ahead_us = 0;

	pack_i64(p, &ahead_us, INT64_MIN, INT64_MAX);
	fields_input(p, ret, &r->policy);
	ret->now_us = (int64_t)((uint64_t)r->time_us + (uint64_t)ahead_us);
	if (!p->error)
		r->time_us = ret->now_us;
}

static void read_body(struct trace_reader *r, struct pack *p, struct trace_record *ret)
{
	uint8_t bytes[4] = {0};

	switch (ret->kind) {
	case TRACE_INPUT:
		read_input(r, p, &ret->input);
		break;
	case TRACE_DIGEST:
		pack_bytes(p, bytes, sizeof(bytes));
		ret->digest = (uint32_t)pack_get_le(bytes, sizeof(bytes));
		break;
	case TRACE_OUTPUT:
		read_output(p, &r->output);
		break;
	case TRACE_STATE:
		read_state(p, ret);
		break;
	case TRACE_LOST:
		pack_u64(p, &ret->lost, UINT64_MAX);
		break;
	case TRACE_KIND_COUNT:
		break;
	}
}

int trace_reader_next(struct trace_reader *r, struct trace_record *ret)
{
	struct pack head, body;
	uint32_t length = 0;

	if (r->at >= r->size)
		return 0;
	pack_reader(&head, r->data + r->at, r->size - r->at);
	pack_u32(&head, &length, TRACE_BLOCK_SIZE);
	if (head.error)
		return head.error;
	if (!length || length > head.size - head.at)
		return -EBADMSG;
	pack_reader(&body, head.from + head.at, length);
	memset(ret, 0, sizeof(*ret));
	PACK_ENUM(&body, ret->kind, TRACE_KIND_COUNT);
	if (!body.error)
		read_body(r, &body, ret);
	if (!body.error && body.at != body.size)
		body.error = -EBADMSG;
	if (body.error)
		return body.error;
	r->at += head.at + length;
	return 1;
}
