/*
 * The data format of OpenWrt's bus: attributes and named values as nested runs of big-endian records.  Bytes and structs
 * only, on the caller's buffers: no allocation, no sockets, any alignment, any byte order of the CPU.
 *
 *      attribute      id, length, payload, padded to 4           what a message is made of (ubus_message.h)
 *      named value    the same with a flag, a name and a type    arguments, replies, events
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BLOB_HEADER_SIZE 4
#define BLOB_SIZE_MAX 0xffffff /* of one record, header included */
#define BLOB_DEPTH_MAX 16      /* of arrays and tables within each other */

/* As on the wire. */
enum blob_type {
	BLOB_NULL,
	BLOB_ARRAY, /* of values without names */
	BLOB_TABLE, /* of values with names */
	BLOB_STRING,
	BLOB_INT64,
	BLOB_INT32,
	BLOB_INT16,
	BLOB_BOOL, /* a byte; other programs call it int8 */
	BLOB_DOUBLE,
	BLOB_TYPE_COUNT,
};

/* ---- reading ---- */

/* Records one behind the other: a message's attributes, the arguments of a call, the inside of a table or an array. */
struct blob {
	const uint8_t *at;
	size_t size;
};

struct blob_attribute {
	uint8_t id;
	struct blob payload;
};

/*
 * Takes the next record off *rest.  1: here it is; 0: the end; -EBADMSG: what follows is no record (*rest is then empty).
 */
int blob_next_attribute(struct blob *rest, struct blob_attribute *ret);

/* Of exactly that size, else false. */
bool blob_read_u8(struct blob payload, uint8_t *ret);
bool blob_read_u32(struct blob payload, uint32_t *ret);
/* Text that ends with its one NUL, else NULL.  It lives in the buffer. */
const char *blob_read_text(struct blob payload);

struct blob_value {
	enum blob_type type;
	const char *name; /* in the buffer; "" in arrays */
	struct blob payload;
};

/*
 * The same for named values.  -EBADMSG also for a type that there is not, a payload whose size is not the type's, a string
 * or name without its end, and a name that holds a NUL.
 */
int blob_next_value(struct blob *rest, struct blob_value *ret);

/* Of any of the integer types and booleans; false for the others. */
bool blob_value_integer(const struct blob_value *v, int64_t *ret);
bool blob_value_double(const struct blob_value *v, double *ret); /* of integers too */
bool blob_value_bool(const struct blob_value *v, bool *ret);     /* integers: not 0 */
const char *blob_value_text(const struct blob_value *v);         /* NULL: no string */
/* What is inside of a table or an array; empty for the others. */
struct blob blob_value_inside(const struct blob_value *v);

/* The first value of that name.  False: there is none, or what comes before it is malformed. */
bool blob_find(struct blob values, const char *name, struct blob_value *ret);
/* fallback when it is missing or of another type. */
const char *blob_find_text(struct blob values, const char *name, const char *fallback);
int64_t blob_find_integer(struct blob values, const char *name, int64_t fallback);

/* Everything, all the way down: 0, -EBADMSG, or -E2BIG when it is nested deeper than BLOB_DEPTH_MAX. */
int blob_check(struct blob values);

/* ---- writing ---- */

/*
 * Records are put one behind the other into a buffer.  The first failure stays in error (-ENOSPC) and everything after it
 * does nothing.  With to NULL nothing is written and used becomes the size that would be needed.
 */
struct blob_writer {
	uint8_t *to;
	size_t size, used;
	int error;
};

void blob_writer_init(struct blob_writer *w, uint8_t *to, size_t size);

void blob_put_attribute(struct blob_writer *w, unsigned id, const void *payload, size_t size);
void blob_put_attribute_u8(struct blob_writer *w, unsigned id, uint8_t value);
void blob_put_attribute_u32(struct blob_writer *w, unsigned id, uint32_t value);
void blob_put_attribute_text(struct blob_writer *w, unsigned id, const char *text);
/* What is put until blob_close() with the mark returned is inside of it. */
size_t blob_open_attribute(struct blob_writer *w, unsigned id);

/* name: "" in arrays. */
size_t blob_open_table(struct blob_writer *w, const char *name);
size_t blob_open_array(struct blob_writer *w, const char *name);
void blob_close(struct blob_writer *w, size_t mark);

void blob_put_null(struct blob_writer *w, const char *name);
void blob_put_text(struct blob_writer *w, const char *name, const char *text);
void blob_put_bool(struct blob_writer *w, const char *name, bool value);
void blob_put_int32(struct blob_writer *w, const char *name, int32_t value);
/* 32 bits where they suffice, as other programs do it. */
void blob_put_integer(struct blob_writer *w, const char *name, int64_t value);
void blob_put_double(struct blob_writer *w, const char *name, double value);
