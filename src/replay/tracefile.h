/*
 * Reading a trace (core/trace.h) from a file, plain or gzip, block by block in bounded memory.
 * Damage costs the block it is in and is told; what follows is read.
 */
#pragma once

#include <zlib.h>

#include "base/problem.h"
#include "core/engine.h"
#include "core/trace.h"

struct tracefile {
	const char *file;
	struct trace_header header;
	bool exact;              /* nothing is missing so far */
	uint64_t offset;         /* of the block being read, in the (unpacked) file */
	uint64_t blocks_damaged; /* or that could not be read */
	uint64_t state_bytes;    /* of the recorded engine that have come in */
	bool begun;              /* an input has been read */
	/* told of each damage; may be NULL */
	void (*complain)(void *user, uint64_t offset, const char *text);
	void *user;

	gzFile in;
	uint32_t next_block;
	bool in_block;
	size_t have, at;
	struct trace_reader reader;
	uint8_t buffer[4 * TRACE_BLOCK_SIZE];
};

/* 0 or -errno with ret filled; then nothing is to be closed. */
int tracefile_open(struct tracefile *t, const char *file, struct problem *ret);

/* 1 with a record (valid until the next call), 0 at the end. */
int tracefile_next(struct tracefile *t, struct trace_record *ret);

/* A TRACE_STATE: exact is whether the engine is whole now, and of this build. */
void tracefile_take_state(struct tracefile *t, const struct trace_record *rec,
	struct engine *engine);
void tracefile_close(struct tracefile *t);
