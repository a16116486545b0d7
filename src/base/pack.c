#include "base/pack.h"

#include <errno.h>
#include <string.h>

/* NOLINTNEXTLINE(readability-non-const-parameter): p writes to it */
void pack_writer(struct pack *p, uint8_t *to, size_t size)
{
	*p = (struct pack){.to = to, .size = size};
}

void pack_reader(struct pack *p, const uint8_t *from, size_t size)
{
	*p = (struct pack){.from = from, .size = size};
}

static void write_varint(struct pack *p, uint64_t v)
{
	do {
		if (p->at >= p->size) {
			p->error = -ENOSPC;
			return;
		}
		p->to[p->at++] = (uint8_t)(v < 0x80 ? v : v | 0x80);
		v >>= 7;
	} while (v);
}

static uint64_t read_varint(struct pack *p)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		if (p->at >= p->size) {
			p->error = -ENODATA;
			return 0;
		}
		uint8_t byte = p->from[p->at];
		/* the tenth byte has room for one bit; a last byte of zero is a longer spelling */
		if ((shift == 63 && byte > 1) || (shift && !byte))
			break;
		p->at++;
		v |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return v;
	}
	p->error = -EBADMSG;
	return 0;
}

void pack_u64(struct pack *p, uint64_t *v, uint64_t max)
{
	size_t start = p->at;

	if (p->error)
		return;
	if (!pack_reading(p)) {
		if (*v > max)
			p->error = -ERANGE;
		else
			write_varint(p, *v);
		return;
	}
	uint64_t value = read_varint(p);
	if (!p->error && value > max) {
		p->at = start;
		p->error = -ERANGE;
	}
	if (!p->error)
		*v = value;
}

void pack_u32(struct pack *p, uint32_t *v, uint32_t max)
{
	uint64_t wide = *v;

	pack_u64(p, &wide, max);
	*v = (uint32_t)wide;
}

void pack_u16(struct pack *p, uint16_t *v, uint16_t max)
{
	uint64_t wide = *v;

	pack_u64(p, &wide, max);
	*v = (uint16_t)wide;
}

void pack_u8(struct pack *p, uint8_t *v, uint8_t max)
{
	uint64_t wide = *v;

	pack_u64(p, &wide, max);
	*v = (uint8_t)wide;
}

static uint64_t zigzag(int64_t v)
{
	return (uint64_t)v << 1 ^ (v < 0 ? UINT64_MAX : 0);
}

static int64_t unzigzag(uint64_t v)
{
	return (int64_t)(v >> 1 ^ (v & 1 ? UINT64_MAX : 0));
}

void pack_i64(struct pack *p, int64_t *v, int64_t min, int64_t max)
{
	size_t start = p->at;

	if (p->error)
		return;
	if (!pack_reading(p)) {
		if (*v < min || *v > max)
			p->error = -ERANGE;
		else
			write_varint(p, zigzag(*v));
		return;
	}
	int64_t value = unzigzag(read_varint(p));
	if (!p->error && (value < min || value > max)) {
		p->at = start;
		p->error = -ERANGE;
	}
	if (!p->error)
		*v = value;
}

void pack_i32(struct pack *p, int32_t *v, int32_t min, int32_t max)
{
	int64_t wide = *v;

	pack_i64(p, &wide, min, max);
	*v = (int32_t)wide;
}

void pack_bool(struct pack *p, bool *v)
{
	uint64_t wide = *v;

	pack_u64(p, &wide, 1);
	*v = wide != 0;
}

void pack_bytes(struct pack *p, void *bytes, size_t n)
{
	if (p->error)
		return;
	if (n > p->size - p->at) {
		p->error = pack_reading(p) ? -ENODATA : -ENOSPC;
		return;
	}
	if (pack_reading(p))
		memcpy(bytes, p->from + p->at, n);
	else
		memcpy(p->to + p->at, bytes, n);
	p->at += n;
}

void pack_text(struct pack *p, char *text, size_t size)
{
	uint64_t length = 0;
	size_t start = p->at;

	if (p->error)
		return;
	if (!pack_reading(p)) {
		while (length < size && text[length])
			length++;
	}
	pack_u64(p, &length, size - 1);
	if (pack_reading(p) && !p->error) {
		if (length > p->size - p->at) {
			p->error = -ENODATA;
		} else if (memchr(p->from + p->at, 0, (size_t)length)) {
			p->at = start;
			p->error = -EBADMSG;
		}
		if (!p->error)
			memset(text, 0, size);
	}
	pack_bytes(p, text, (size_t)length);
}

void pack_put_le(uint8_t *to, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		to[i] = (uint8_t)(value >> 8 * i);
}

uint64_t pack_get_le(const uint8_t *from, size_t bytes)
{
	uint64_t value = 0;

	for (size_t i = 0; i < bytes; i++)
		value |= (uint64_t)from[i] << 8 * i;
	return value;
}
