/* Whatever is in a trace file: no read past its end, and what was read is spelled the same way
   again. */
#include <stdlib.h>
#include <string.h>

#include "core/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Sets the block's checksum right, so that the fuzzer gets behind it. */
static uint8_t *with_good_checksum(const uint8_t *data, size_t size)
{
	static struct trace_block b;
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		abort();
	memcpy(copy, data, size);
	if (size >= TRACE_BLOCK_HEADER_SIZE && size <= TRACE_BLOCK_SIZE) {
		memcpy(b.bytes, copy, size);
		b.used = size;
		b.records = 1;
		trace_block_end(&b);
		memcpy(copy, b.bytes, TRACE_BLOCK_HEADER_SIZE);
	}
	return copy;
}

static void write_again(struct trace_block *b, const struct trace_reader *r,
	const struct trace_record *rec)
{
	int error = 0;

	switch (rec->kind) {
	case TRACE_INPUT:
		error = trace_block_input(b, &rec->input);
		break;
	case TRACE_DIGEST:
		error = trace_block_digest(b, rec->digest);
		break;
	case TRACE_OUTPUT:
		error = trace_block_output(b, &r->output);
		break;
	case TRACE_LOST:
		error = trace_block_lost(b, rec->lost);
		break;
	case TRACE_STATE:
	case TRACE_KIND_COUNT:
		break;
	}
	if (error)
		abort();
}

static void read_block(const uint8_t *data, size_t size)
{
	static struct trace_reader r;
	static struct trace_block again;
	struct trace_record rec;
	bool whole = true;
	int n;

	if (trace_reader_open(&r, data, size))
		return;
	trace_block_begin(&again, r.number, r.time_us);
	while ((n = trace_reader_next(&r, &rec)) == 1) {
		whole &= rec.kind != TRACE_STATE;
		if (whole)
			write_again(&again, &r, &rec);
	}
	/* one struct has one spelling, and the other way round */
	if (n == 0 && whole && again.records &&
		(trace_block_end(&again) != r.size || memcmp(again.bytes, data, r.size)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trace_header header;
	uint8_t *copy;

	trace_header_decode(data, size, &header);
	read_block(data, size);
	copy = with_good_checksum(data, size);
	read_block(copy, size);
	free(copy);
	return 0;
}
