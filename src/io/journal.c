#include "io/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/usec.h"

/* A block is written when it holds so much; what it can hold more is for the largest single
   record. */
#define BLOCK_FULL 4096

void journal_init(struct journal *j)
{
	memset(j, 0, sizeof(*j));
	j->fd = -1;
}

static void end(struct journal *j)
{
	close(j->fd);
	j->fd = -1;
}

/* Ends the recording with a reason; what was written whole stays and is a valid trace. */
static int fail(struct journal *j, int error, const char *what)
{
	problem_set(&j->problem, j->file, 0, "%s after %llu bytes: %s; the recording has ended",
		what, (unsigned long long)j->bytes, strerror(error));
	/* half a block would be reported as damage; where this fails too, it is */
	int ignored = ftruncate(j->fd, (off_t)j->bytes);
	(void)ignored;
	end(j);
	return -error;
}

static int write_bytes(struct journal *j, const uint8_t *bytes, size_t n)
{
	size_t done = 0;

	if (j->bytes + n > j->limit_bytes)
		return fail(j, EFBIG, "size limit reached");
	while (done < n) {
		ssize_t written = write(j->fd, bytes + done, n - done);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return fail(j, written < 0 ? errno : EIO, "cannot write");
		done += (size_t)written;
	}
	j->bytes += n;
	return 0;
}

/* Writes the block and begins the next, at the time where this one ended. */
static int write_block(struct journal *j)
{
	int64_t time_us = j->block.time_us;
	size_t n = trace_block_end(&j->block);
	int error = n ? write_bytes(j, j->block.bytes, n) : 0;

	if (n)
		trace_block_begin(&j->block, ++j->blocks, time_us);
	return error;
}

static int write_start(struct journal *j, const struct engine *engine, uint64_t seed,
	int64_t now_us, int64_t wall_ms)
{
	struct trace_header header = {
		.start_us = now_us,
		.wall_ms = wall_ms,
		.seed = seed,
		.engine = trace_engine_tag(engine_size()),
		.program = "autonomyd " AUTONOMY_VERSION,
	};
	uint32_t total = engine ? (uint32_t)engine_size() : 0;
	uint8_t bytes[TRACE_HEADER_SIZE];

	trace_header_encode(&header, bytes);
	int error = write_bytes(j, bytes, sizeof(bytes));
	trace_block_begin(&j->block, 0, now_us);
	for (uint32_t at = 0; !error && at < total; at += TRACE_STATE_CHUNK) {
		error = trace_block_state(&j->block, engine, total, at);
		if (!error)
			error = write_block(j);
	}
	return error;
}

int journal_start(struct journal *j, const char *file, const struct engine *engine, uint64_t seed,
	int64_t now_us, int64_t wall_ms, uint64_t limit_bytes, bool outputs, struct problem *ret)
{
	int error;

	if (journal_active(j)) {
		problem_set(ret, j->file, 0, "a recording is under way; stop it first");
		return -EALREADY;
	}
	if (strlen(file) >= sizeof(j->file)) {
		problem_set(ret, file, 0,
			"the name is too long; use one of less than %zu characters",
			sizeof(j->file));
		return -ENAMETOOLONG;
	}
	journal_init(j);
	strcpy(j->file, file);
	j->outputs = outputs;
	j->limit_bytes = limit_bytes;
	j->started_us = j->flushed_us = now_us;
	/* never over something that is there: the name comes from a user, and we may be root */
	j->fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (j->fd < 0) {
		error = -errno;
		problem_set(ret, file, 0, "cannot create: %s", strerror(-error));
		return error;
	}
	error = write_start(j, engine, seed, now_us, wall_ms);
	if (error && ret)
		*ret = j->problem;
	return error;
}

void journal_input(struct journal *j, const struct input *in)
{
	if (!journal_active(j))
		return;
	if (j->block.used >= BLOCK_FULL && write_block(j))
		return;
	int error = trace_block_input(&j->block, in);
	if (error == -ENOSPC && !write_block(j))
		error = trace_block_input(&j->block, in);
	j->skipped = error != 0;
	if (!error) {
		j->inputs++;
		return;
	}
	/* one that the engine will refuse; replay has to know that something was here */
	j->lost++;
	if (journal_active(j))
		trace_block_lost(&j->block, 1);
}

void journal_output(struct journal *j, const struct output *out)
{
	uint32_t digest;
	int error;

	if (!journal_active(j) || j->skipped)
		return;
	if (j->outputs) {
		error = trace_block_output(&j->block, out);
		if (error == -ENOSPC && !write_block(j))
			trace_block_output(&j->block, out);
		return;
	}
	digest = trace_digest(out);
	error = trace_block_digest(&j->block, digest);
	if (error == -ENOSPC && !write_block(j))
		trace_block_digest(&j->block, digest);
}

void journal_flush(struct journal *j, int64_t now_us)
{
	if (!journal_active(j) || now_us - j->flushed_us < USEC_S)
		return;
	j->flushed_us = now_us;
	write_block(j);
}

int journal_stop(struct journal *j)
{
	int error;

	if (!journal_active(j))
		return 0;
	error = write_block(j);
	if (!error)
		end(j);
	return error;
}
