#include "codec/ubus_blob.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"

#define FLAG_NAMED UINT32_C(0x80000000)

static size_t padded(size_t size)
{
	return (size + 3) & ~(size_t)3;
}

/* ---- reading ---- */

/* The header and what it covers; the padding behind the last record may be missing. */
static int next_record(struct blob *rest, uint32_t *ret_header, struct blob *ret_payload)
{
	struct blob all = *rest;
	uint32_t header;
	size_t size, step;

	*rest = (struct blob){.at = all.at, .size = 0};
	if (!all.size)
		return 0;
	if (all.size < BLOB_HEADER_SIZE)
		return -EBADMSG;
	header = bytes_get_be32(all.at);
	size = header & BLOB_SIZE_MAX;
	if (size < BLOB_HEADER_SIZE || size > all.size)
		return -EBADMSG;
	step = padded(size) < all.size ? padded(size) : all.size;
	*rest = (struct blob){.at = all.at + step, .size = all.size - step};
	*ret_header = header;
	*ret_payload =
		(struct blob){.at = all.at + BLOB_HEADER_SIZE, .size = size - BLOB_HEADER_SIZE};
	return 1;
}

int blob_next_attribute(struct blob *rest, struct blob_attribute *ret)
{
	struct blob payload;
	uint32_t header;
	int r = next_record(rest, &header, &payload);

	if (r == 1)
		*ret = (struct blob_attribute){.id = header >> 24 & 0x7f, .payload = payload};
	return r;
}

bool blob_read_u8(struct blob payload, uint8_t *ret)
{
	if (payload.size != 1)
		return false;
	*ret = payload.at[0];
	return true;
}

bool blob_read_u32(struct blob payload, uint32_t *ret)
{
	if (payload.size != 4)
		return false;
	*ret = bytes_get_be32(payload.at);
	return true;
}

const char *blob_read_text(struct blob payload)
{
	if (!payload.size ||
		memchr(payload.at, '\0', payload.size) != payload.at + payload.size - 1)
		return NULL;
	return (const char *)payload.at;
}

static bool fits_type(enum blob_type type, struct blob payload)
{
	static const uint8_t size[BLOB_TYPE_COUNT] = {
		[BLOB_INT64] = 8,
		[BLOB_INT32] = 4,
		[BLOB_INT16] = 2,
		[BLOB_BOOL] = 1,
		[BLOB_DOUBLE] = 8,
	};

	if (type == BLOB_STRING)
		return blob_read_text(payload) != NULL;
	return !size[type] || size[type] == payload.size;
}

/* The name stands in front of the value, with its own length and padding. */
static bool split_name(struct blob payload, const char **ret_name, struct blob *ret_value)
{
	size_t length, size;

	if (payload.size < 4)
		return false;
	length = bytes_get_be16(payload.at);
	size = padded(2 + length + 1);
	if (size > payload.size ||
		memchr(payload.at + 2, '\0', length + 1) != payload.at + 2 + length)
		return false;
	*ret_name = (const char *)payload.at + 2;
	*ret_value = (struct blob){.at = payload.at + size, .size = payload.size - size};
	return true;
}

int blob_next_value(struct blob *rest, struct blob_value *ret)
{
	struct blob payload;
	struct blob_value v;
	uint32_t header;
	int r = next_record(rest, &header, &payload);

	if (r != 1)
		return r;
	v.type = (enum blob_type)(header >> 24 & 0x7f);
	if (!(header & FLAG_NAMED) || v.type >= BLOB_TYPE_COUNT ||
		!split_name(payload, &v.name, &v.payload) || !fits_type(v.type, v.payload)) {
		rest->size = 0;
		return -EBADMSG;
	}
	*ret = v;
	return 1;
}

bool blob_value_integer(const struct blob_value *v, int64_t *ret)
{
	const uint8_t *p = v->payload.at;

	switch (v->type) {
	case BLOB_INT64:
		*ret = (int64_t)bytes_get_be64(p);
		return true;
	case BLOB_INT32:
		*ret = (int32_t)bytes_get_be32(p);
		return true;
	case BLOB_INT16:
		*ret = (int16_t)bytes_get_be16(p);
		return true;
	case BLOB_BOOL:
		*ret = p[0] < 0x80 ? p[0] : p[0] - 0x100;
		return true;
	case BLOB_NULL:
	case BLOB_ARRAY:
	case BLOB_TABLE:
	case BLOB_STRING:
	case BLOB_DOUBLE:
	case BLOB_TYPE_COUNT:
		break;
	}
	return false;
}

bool blob_value_double(const struct blob_value *v, double *ret)
{
	int64_t integer;
	uint64_t bits;

	if (v->type == BLOB_DOUBLE) {
		bits = bytes_get_be64(v->payload.at);
		_Static_assert(sizeof(bits) == sizeof(*ret), "a double is IEEE-754's of 64 bits");
		memcpy(ret, &bits, sizeof(bits));
		return true;
	}
	if (!blob_value_integer(v, &integer))
		return false;
	*ret = (double)integer;
	return true;
}

bool blob_value_bool(const struct blob_value *v, bool *ret)
{
	int64_t integer;

	if (!blob_value_integer(v, &integer))
		return false;
	*ret = integer != 0;
	return true;
}

const char *blob_value_text(const struct blob_value *v)
{
	return v->type == BLOB_STRING ? (const char *)v->payload.at : NULL;
}

struct blob blob_value_inside(const struct blob_value *v)
{
	if (v->type == BLOB_TABLE || v->type == BLOB_ARRAY)
		return v->payload;
	return (struct blob){.at = v->payload.at, .size = 0};
}

bool blob_find(struct blob values, const char *name, struct blob_value *ret)
{
	struct blob_value v;

	while (blob_next_value(&values, &v) == 1)
		if (!strcmp(v.name, name)) {
			*ret = v;
			return true;
		}
	return false;
}

const char *blob_find_text(struct blob values, const char *name, const char *fallback)
{
	struct blob_value v;

	return blob_find(values, name, &v) && v.type == BLOB_STRING ? blob_value_text(&v)
								    : fallback;
}

int64_t blob_find_integer(struct blob values, const char *name, int64_t fallback)
{
	struct blob_value v;
	int64_t integer;

	return blob_find(values, name, &v) && blob_value_integer(&v, &integer) ? integer : fallback;
}

int blob_check(struct blob values)
{
	struct blob level[BLOB_DEPTH_MAX + 1];
	unsigned depth = 0;
	struct blob_value v;

	level[0] = values;
	for (;;) {
		int r = blob_next_value(&level[depth], &v);

		if (r < 0)
			return r;
		if (r == 0) {
			if (!depth)
				return 0;
			depth--;
		} else if (v.type == BLOB_TABLE || v.type == BLOB_ARRAY) {
			if (depth == BLOB_DEPTH_MAX)
				return -E2BIG;
			level[++depth] = v.payload;
		}
	}
}

/* ---- writing ---- */

void blob_writer_init(struct blob_writer *w, uint8_t *to, size_t size)
{
	w->to = to;
	w->size = to ? size : SIZE_MAX;
	w->used = 0;
	w->error = 0;
}

/* Room for size bytes, zeroed; NULL when there is none or nothing is to be written. */
static uint8_t *take(struct blob_writer *w, size_t size)
{
	uint8_t *p;

	if (w->error)
		return NULL;
	if (size > w->size - w->used) {
		w->error = -ENOSPC;
		return NULL;
	}
	p = w->to ? w->to + w->used : NULL;
	w->used += size;
	if (p)
		memset(p, 0, size);
	return p;
}

/* A record whose payload of size bytes the caller fills in. */
static uint8_t *put_record(struct blob_writer *w, uint32_t flags, size_t size)
{
	uint8_t *p;

	if (size > BLOB_SIZE_MAX - BLOB_HEADER_SIZE) {
		w->error = -ENOSPC;
		return NULL;
	}
	p = take(w, padded(BLOB_HEADER_SIZE + size));
	if (!p)
		return NULL;
	bytes_put_be32(p, flags | (uint32_t)(BLOB_HEADER_SIZE + size));
	return p + BLOB_HEADER_SIZE;
}

void blob_put_attribute(struct blob_writer *w, unsigned id, const void *payload, size_t size)
{
	uint8_t *p = put_record(w, (uint32_t)id << 24, size);

	if (p && size)
		memcpy(p, payload, size);
}

void blob_put_attribute_u8(struct blob_writer *w, unsigned id, uint8_t value)
{
	blob_put_attribute(w, id, &value, 1);
}

void blob_put_attribute_u32(struct blob_writer *w, unsigned id, uint32_t value)
{
	uint8_t bytes[4];

	bytes_put_be32(bytes, value);
	blob_put_attribute(w, id, bytes, sizeof(bytes));
}

void blob_put_attribute_text(struct blob_writer *w, unsigned id, const char *text)
{
	blob_put_attribute(w, id, text, strlen(text) + 1);
}

size_t blob_open_attribute(struct blob_writer *w, unsigned id)
{
	size_t mark = w->used;

	put_record(w, (uint32_t)id << 24, 0);
	return mark;
}

/* A value's record with its name; the caller fills in size bytes. */
static uint8_t *put_value(struct blob_writer *w, enum blob_type type, const char *name, size_t size)
{
	size_t length = strlen(name), name_size = padded(2 + length + 1);
	uint8_t *p;

	if (length > UINT16_MAX) {
		w->error = -ENOSPC;
		return NULL;
	}
	p = put_record(w, FLAG_NAMED | (uint32_t)type << 24, name_size + size);
	if (!p)
		return NULL;
	bytes_put_be16(p, (uint16_t)length);
	memcpy(p + 2, name, length + 1);
	return p + name_size;
}

size_t blob_open_table(struct blob_writer *w, const char *name)
{
	size_t mark = w->used;

	put_value(w, BLOB_TABLE, name, 0);
	return mark;
}

size_t blob_open_array(struct blob_writer *w, const char *name)
{
	size_t mark = w->used;

	put_value(w, BLOB_ARRAY, name, 0);
	return mark;
}

void blob_close(struct blob_writer *w, size_t mark)
{
	size_t size = w->used - mark;

	if (w->error)
		return;
	if (size > BLOB_SIZE_MAX) {
		w->error = -ENOSPC;
		return;
	}
	if (w->to)
		bytes_put_be32(w->to + mark,
			(bytes_get_be32(w->to + mark) & ~(uint32_t)BLOB_SIZE_MAX) | (uint32_t)size);
}

void blob_put_null(struct blob_writer *w, const char *name)
{
	put_value(w, BLOB_NULL, name, 0);
}

void blob_put_text(struct blob_writer *w, const char *name, const char *text)
{
	size_t size = strlen(text) + 1;
	uint8_t *p = put_value(w, BLOB_STRING, name, size);

	if (p)
		memcpy(p, text, size);
}

void blob_put_bool(struct blob_writer *w, const char *name, bool value)
{
	uint8_t *p = put_value(w, BLOB_BOOL, name, 1);

	if (p)
		*p = value;
}

void blob_put_int32(struct blob_writer *w, const char *name, int32_t value)
{
	uint8_t *p = put_value(w, BLOB_INT32, name, 4);

	if (p)
		bytes_put_be32(p, (uint32_t)value);
}

static void put_64(struct blob_writer *w, enum blob_type type, const char *name, uint64_t bits)
{
	uint8_t *p = put_value(w, type, name, 8);

	if (p)
		bytes_put_be64(p, bits);
}

void blob_put_integer(struct blob_writer *w, const char *name, int64_t value)
{
	if (value >= INT32_MIN && value <= INT32_MAX)
		blob_put_int32(w, name, (int32_t)value);
	else
		put_64(w, BLOB_INT64, name, (uint64_t)value);
}

void blob_put_double(struct blob_writer *w, const char *name, double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	put_64(w, BLOB_DOUBLE, name, bits);
}
