/*
 * A trace: the engine's inputs written down, with what it answered.  Pure: bytes <-> structs.
 * Files are the business of io/journal.h (recording) and replay.c.  Same input, same bytes on every
 * CPU.
 *
 *      file    = header block*
 *      header  = "AUTRACE1" version:2 size:2 start_us:8 wall_ms:8 seed:8 engine:8 program:32 crc:4
 *      block   = "ATB1" length:2 zero:2 number:4 crc:4 time_us:8 record*
 *      record  = length:varint kind:1 body
 *
 * Header fields are fixed, little-endian.  The length of a block is that of its records, the length
 * of a record that of kind and body.
 *
 * crc is CRC-32 of the header before it; of number, time_us and the records for a block.  Blocks
 * are numbered from 0; a hole in the numbers is a loss.  A block stands alone: damage costs that
 * block and what follows can be read, only that a replay is no longer exact.  Bodies are fields in
 * the order of their struct, packed by base/pack.h; the time of an input is the difference to the
 * input before it in the block, of the first one to the block's time_us.
 *
 * A trace that begins with the engine (start_us, seed) replays exactly anywhere.  One that begins
 * later starts with TRACE_STATE records: the bytes of struct engine (which has no pointers) as it
 * was; they fit only a program with the same engine, which header.engine tells.
 */
#pragma once

#include <stddef.h>

#include "core/output.h"

#define TRACE_VERSION 3 /* 2 is read as well: its counters are of both families together */
#define TRACE_VERSION_OLDEST 2
#define TRACE_HEADER_SIZE 80
#define TRACE_BLOCK_HEADER_SIZE 24
#define TRACE_BLOCK_SIZE 8192 /* at most, with its header; every policy and every output fits */
#define TRACE_PROGRAM_SIZE 32
#define TRACE_STATE_CHUNK 3072

struct trace_header {
	int64_t start_us;                 /* engine_init()'s now_us, or the time of the state */
	int64_t wall_ms;                  /* Unix time at start_us; 0: not known */
	uint64_t seed;                    /* engine_init()'s seed */
	uint64_t engine;                  /* trace_engine_tag() of the recording program */
	char program[TRACE_PROGRAM_SIZE]; /* name and version */
};

enum trace_kind {
	TRACE_INPUT,  /* one input; the step follows */
	TRACE_DIGEST, /* trace_digest() of the output of the step before */
	TRACE_OUTPUT, /* the whole output of the step before */
	TRACE_STATE,  /* a piece of the engine as it was before the first input */
	TRACE_LOST,   /* so many inputs could not be recorded here */
	TRACE_KIND_COUNT,
};

struct trace_record {
	enum trace_kind kind;
	union {
		struct input input; /* input.policy points into the reader, until the next record */
		uint32_t digest;
		struct {
			uint32_t total, offset; /* bytes of the engine */
			uint16_t size;
			const uint8_t *bytes; /* in the block */
		} state;
		uint64_t lost;
	};
};

/* Names the layout of struct engine: its size, this CPU's byte order and word size, and the
   version. */
uint64_t trace_engine_tag(size_t engine_size);

/* Four bytes that stand for everything in an output: actions, events, wake_us. */
uint32_t trace_digest(const struct output *out);

void trace_header_encode(const struct trace_header *header, uint8_t ret[TRACE_HEADER_SIZE]);
/* 0; -ENODATA: too short; -EBADMSG: not a trace or damaged; -EPROTONOSUPPORT: another version. */
int trace_header_decode(const uint8_t *data, size_t size, struct trace_header *ret);

/* ---- writing: one block at a time, in the caller's memory ---- */

struct trace_block {
	uint8_t bytes[TRACE_BLOCK_SIZE];
	size_t used;     /* bytes with the header */
	int64_t time_us; /* of the last input in it */
	uint32_t records;
};

void trace_block_begin(struct trace_block *b, uint32_t number, int64_t now_us);
/* 0; -ENOSPC: does not fit, end this block and begin another; -ERANGE: a field holds what no input
   may hold. */
int trace_block_input(struct trace_block *b, const struct input *in);
int trace_block_digest(struct trace_block *b, uint32_t digest);
int trace_block_output(struct trace_block *b, const struct output *out);
int trace_block_state(struct trace_block *b, const void *engine, uint32_t total, uint32_t offset);
int trace_block_lost(struct trace_block *b, uint64_t inputs);
/* Fills in the header.  Returns the bytes to write from b->bytes; 0 when nothing is in it. */
size_t trace_block_end(struct trace_block *b);

/* ---- reading: one block at a time, out of the caller's memory ---- */

struct trace_reader {
	const uint8_t *data;
	size_t size, at;      /* of the block; at: of the next record */
	uint32_t number;      /* of the block */
	int64_t time_us;      /* of the last input read */
	struct policy policy; /* of the last INPUT_POLICY read */
	struct output output; /* of the last TRACE_OUTPUT read */
};

/* Bytes of the block that begins at data, from its first TRACE_BLOCK_HEADER_SIZE bytes; -ENODATA,
   -EBADMSG. */
int trace_block_size(const uint8_t *data, size_t size);
/* Checks the whole block.  0; -ENODATA: the data ends before the block does; -EBADMSG: damaged. */
int trace_reader_open(struct trace_reader *r, const uint8_t *data, size_t size);
/* 1 with the next record; 0 at the end of the block; -EBADMSG, -ERANGE, -ENODATA: not a record,
   r->at tells where. */
int trace_reader_next(struct trace_reader *r, struct trace_record *ret);
