#include "replay/recorder.h"

#include <errno.h>

#include "core/engine.h"

static void write_block(struct recorder *r)
{
	int64_t time_us = r->block.time_us;

	fwrite(r->block.bytes, 1, trace_block_end(&r->block), r->to);
	trace_block_begin(&r->block, ++r->blocks, time_us);
}

void recorder_begin(struct recorder *r, FILE *to, int64_t now_us, uint64_t seed)
{
	struct trace_header header = {
		.start_us = now_us,
		.seed = seed,
		.engine = trace_engine_tag(engine_size()),
		.program = "autonomy-replay " AUTONOMY_VERSION,
	};
	uint8_t bytes[TRACE_HEADER_SIZE];

	r->to = to;
	r->blocks = 0;
	trace_header_encode(&header, bytes);
	fwrite(bytes, 1, sizeof(bytes), to);
	trace_block_begin(&r->block, 0, now_us);
}

void recorder_step(struct recorder *r, const struct input *in, const struct output *out)
{
	uint32_t digest = trace_digest(out);
	int error = trace_block_input(&r->block, in);

	if (error == -ENOSPC) {
		write_block(r);
		error = trace_block_input(&r->block, in);
	}
	if (error) {
		trace_block_lost(&r->block, 1);
		return;
	}
	if (trace_block_digest(&r->block, digest) == -ENOSPC) {
		write_block(r);
		trace_block_digest(&r->block, digest);
	}
}

void recorder_end(struct recorder *r)
{
	fwrite(r->block.bytes, 1, trace_block_end(&r->block), r->to);
}
