/*
 * Replays a trace with core and base alone, so that it can be built for any CPU and run under an
 * emulator: the same inputs must give the same bytes there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/engine.h"
#include "core/trace.h"

static struct trace_reader reader;
static struct output out;

/* False at the first output that is not as recorded. */
static int replay_block(struct engine *e, unsigned long *inputs)
{
	struct trace_record rec;
	int n;

	while ((n = trace_reader_next(&reader, &rec)) == 1) {
		if (rec.kind == TRACE_INPUT) {
			engine_step(e, &rec.input, &out);
			++*inputs;
		} else if (rec.kind == TRACE_DIGEST && rec.digest != trace_digest(&out)) {
			printf("input %lu: another output\n", *inputs);
			return 0;
		}
	}
	return n == 0;
}

int main(int argc, char **argv)
{
	static uint8_t bytes[TRACE_BLOCK_SIZE];
	struct engine *e = malloc(engine_size());
	FILE *f = argc == 2 ? fopen(argv[1], "rb") : NULL;
	struct trace_header header;
	unsigned long inputs = 0;
	int good;

	if (!e || !f || fread(bytes, 1, TRACE_HEADER_SIZE, f) != TRACE_HEADER_SIZE ||
		trace_header_decode(bytes, TRACE_HEADER_SIZE, &header)) {
		fprintf(stderr, "usage: %s TRACE (not packed)\n", argv[0]);
		return 2;
	}
	engine_init(e, header.start_us, header.seed);
	good = 1;
	while (good && fread(bytes, 1, TRACE_BLOCK_HEADER_SIZE, f) == TRACE_BLOCK_HEADER_SIZE) {
		int size = trace_block_size(bytes, TRACE_BLOCK_HEADER_SIZE);
		size_t rest = size > 0 ? (size_t)size - TRACE_BLOCK_HEADER_SIZE : 0;

		good = size > 0 && fread(bytes + TRACE_BLOCK_HEADER_SIZE, 1, rest, f) == rest &&
		       !trace_reader_open(&reader, bytes, (size_t)size) && replay_block(e, &inputs);
	}
	printf("%lu inputs, %s\n", inputs, good ? "every output the same" : "failed");
	fclose(f);
	free(e);
	return !good;
}
