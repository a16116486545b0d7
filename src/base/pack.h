/*
 * Integers to bytes and back, both directions from one description: a walk over the fields of a
 * struct calls pack_…() for each, and the same walk writes or reads.  So a field cannot be written
 * in one way and read in another.
 *
 * Unsigned integers are LEB128 (seven bits a byte, least significant first), signed ones zigzag
 * first.  Every value has one spelling: longer ones are refused, so equal structs have equal bytes
 * on every CPU, and equal bytes equal structs.
 *
 * The first failure stays in p->error and everything after it does nothing; at is then where it
 * happened.  -ENOSPC: no room to write; -ENODATA: the bytes end; -EBADMSG: not a spelling; -ERANGE:
 * outside of what the field allows.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pack {
	uint8_t *to; /* NULL: reading */
	const uint8_t *from;
	size_t size, at;
	int error;
};

void pack_writer(struct pack *p, uint8_t *to, size_t size);
void pack_reader(struct pack *p, const uint8_t *from, size_t size);

static inline bool pack_reading(const struct pack *p)
{
	return !p->to;
}

/* v is written, or read and left alone on failure.  A value outside of min..max fails in both
   directions. */
void pack_u64(struct pack *p, uint64_t *v, uint64_t max);
void pack_u32(struct pack *p, uint32_t *v, uint32_t max);
void pack_u16(struct pack *p, uint16_t *v, uint16_t max);
void pack_u8(struct pack *p, uint8_t *v, uint8_t max);
void pack_i64(struct pack *p, int64_t *v, int64_t min, int64_t max);
void pack_i32(struct pack *p, int32_t *v, int32_t min, int32_t max);
void pack_bool(struct pack *p, bool *v);
void pack_bytes(struct pack *p, void *bytes, size_t n); /* as they are */
/* Text in an array of size bytes with its final NUL; what follows the NUL is zero after reading. */
void pack_text(struct pack *p, char *text, size_t size);

/* For a field of any enum type whose values are 0..count-1. */
#define PACK_ENUM(p, field, count)                                                                 \
	do {                                                                                       \
		uint32_t value_ = (uint32_t)(field);                                               \
		pack_u32((p), &value_, (uint32_t)(count)-1);                                       \
		if (!(p)->error)                                                                   \
			(field) = (__typeof__(field))value_;                                       \
	} while (0)

/* Fixed little-endian integers, for headers. */
void pack_put_le(uint8_t *to, uint64_t value, size_t bytes);
uint64_t pack_get_le(const uint8_t *from, size_t bytes);
