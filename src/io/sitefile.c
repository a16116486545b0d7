#include "io/sitefile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/usec.h"

#define BLOCK_US (10 * USEC_MIN)
#define BYTES_US (10 * USEC_S)
#define ROWS_AT_ONCE 64
#define LOOK_US (200 * USEC_MS)

static void name_file(const struct sitefile *s, const char *name, char path[128])
{
	snprintf(path, 128, "%s/%s", s->dir, name);
}

/* Told once; then nothing is recorded any more. */
static int give_up(struct sitefile *s, int error, struct problem *ret)
{
	problem_set(ret, s->dir, 0, "the record for whatif cannot be written and ends: %s",
		strerror(error));
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	return -error;
}

static int open_file(struct sitefile *s, struct problem *ret)
{
	char path[128];
	off_t size;

	name_file(s, "site.rec", path);
	s->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	size = s->fd < 0 ? -1 : lseek(s->fd, 0, SEEK_END);
	if (size < 0)
		return give_up(s, errno, ret);
	s->file_bytes = (uint64_t)size;
	return 0;
}

int sitefile_open(struct sitefile *s, const char *dir, uint64_t limit_bytes, uint64_t day_bytes,
	struct problem *ret)
{
	memset(s, 0, sizeof(*s));
	s->fd = -1;
	s->limit_bytes = limit_bytes;
	s->day_bytes = s->day_left_bytes = day_bytes;
	witness_init(&s->witness);
	sitelog_init(&s->writer);
	if (!limit_bytes)
		return 0;
	if ((size_t)snprintf(s->dir, sizeof(s->dir), "%s", dir) >= sizeof(s->dir))
		return give_up(s, ENAMETOOLONG, ret);
	return open_file(s, ret);
}

static int turn_over(struct sitefile *s, struct problem *ret)
{
	char path[128], old[128];

	name_file(s, "site.rec", path);
	name_file(s, "site.old", old);
	if (rename(path, old))
		return give_up(s, errno, ret);
	close(s->fd);
	return open_file(s, ret);
}

/* What is ahead of the day's even pace is made good by looking less closely, before anything must be left out. */
static void pace(struct sitefile *s, int64_t now_us)
{
	uint64_t due = s->day_bytes / 1024 * (uint64_t)((now_us - s->day_us) / (USEC_DAY / 1024));
	uint64_t used = s->day_bytes - s->day_left_bytes;

	s->witness.coarse = 0;
	while (s->witness.coarse < WITNESS_COARSE_MAX &&
		used > due + (s->day_bytes - due) / 8 * (s->witness.coarse + 1))
		s->witness.coarse++;
}

static int write_block(struct sitefile *s, int64_t now_us, struct problem *ret)
{
	size_t n = sitelog_end(&s->writer);
	ssize_t written;
	int error = 0;

	if (!s->day_us || now_us - s->day_us >= USEC_DAY) {
		s->day_us = now_us;
		s->day_left_bytes = s->day_bytes;
	}
	if (!n || n > s->day_left_bytes) {
		s->dropped += n ? 1 : 0;
		return 0;
	}
	if (s->file_bytes + n > s->limit_bytes / 2 && s->file_bytes)
		error = turn_over(s, ret);
	if (error)
		return error;
	written = write(s->fd, s->writer.bytes, n);
	if (written != (ssize_t)n)
		return give_up(s, written < 0 ? errno : ENOSPC, ret);
	s->file_bytes += n;
	s->blocks++;
	if (s->day_bytes != UINT64_MAX) {
		s->day_left_bytes -= n;
		pace(s, now_us);
	}
	return 0;
}

static int next_block(struct sitefile *s, int64_t now_us, struct problem *ret)
{
	int64_t wall_ms = s->wall_ms ? s->wall_ms + (now_us - s->wall_us) / USEC_MS : 0;
	int error = write_block(s, now_us, ret);

	if (!error)
		sitelog_begin(&s->writer, now_us, wall_ms);
	return error;
}

/* What finds no room goes into the block after this one, which has. */
static int put_record(struct sitefile *s, const struct sitelog_record *record, int64_t now_us,
	struct problem *ret)
{
	int error;

	if (!sitelog_put(&s->writer, record))
		return 0;
	error = next_block(s, now_us, ret);
	return error ? error : sitelog_put(&s->writer, record);
}

static int put_bytes(struct sitefile *s, int64_t now_us, struct problem *ret)
{
	const struct sitelog_record v = {.kind = SITELOG_BYTES,
		.at_us = now_us,
		.bytes = witness_take_bytes(&s->witness)};

	return put_record(s, &v, now_us, ret);
}

static int look(struct sitefile *s, const struct engine *e, int64_t now_us, struct problem *ret)
{
	struct witness_row row[ROWS_AT_ONCE];
	struct witness_move move;
	size_t n = witness_look(&s->witness, e, now_us, row, ROWS_AT_ONCE);
	int error = 0;

	s->looked_us = now_us;
	for (size_t i = 0; i < n && !error; i++) {
		const struct sitelog_record v = {.kind = SITELOG_ROW,
			.at_us = row[i].at_us,
			.row = row[i]};

		error = put_record(s, &v, now_us, ret);
	}
	while (!error && witness_moved(&s->witness, e, &move)) {
		const struct sitelog_record v = {.kind = SITELOG_MOVE,
			.at_us = move.at_us,
			.move = move};

		error = put_record(s, &v, now_us, ret);
	}
	return error;
}

void sitefile_step(struct sitefile *s, const struct input *in, const struct engine *e)
{
	struct problem problem;

	if (!sitefile_active(s))
		return;
	witness_input(&s->witness, in);
	/* in a burst the engine forgets probes within a second */
	if (in->kind == INPUT_SAMPLE && s->writer.open && in->now_us - s->looked_us >= LOOK_US &&
		look(s, e, in->now_us, &problem) < 0)
		s->problem = problem;
}

int sitefile_tick(struct sitefile *s, const struct engine *e, int64_t now_us, int64_t wall_ms,
	struct problem *ret)
{
	bool news;
	int error = 0;

	if (s->problem.text[0]) {
		*ret = s->problem;
		s->problem.text[0] = '\0';
		return -EIO;
	}
	if (!sitefile_active(s))
		return 0;
	s->wall_ms = wall_ms;
	s->wall_us = now_us;
	news = sitelog_set_links(&s->writer, engine_policy(e));
	if (s->writer.open && (news || now_us - s->writer.began_us >= BLOCK_US))
		error = write_block(s, now_us, ret);
	if (!error && !s->writer.open)
		sitelog_begin(&s->writer, now_us, wall_ms);
	if (!error)
		error = look(s, e, now_us, ret);
	if (!error && now_us - s->bytes_us >= BYTES_US) {
		s->bytes_us = now_us;
		error = put_bytes(s, now_us, ret);
	}
	return error;
}

int sitefile_flush(struct sitefile *s, const struct engine *e, int64_t now_us, struct problem *ret)
{
	int error;

	if (!sitefile_active(s) || !s->writer.open)
		return 0;
	error = look(s, e, now_us, ret);
	/* no news is known too, up to here */
	if (!error)
		error = put_bytes(s, now_us, ret);
	return error ? error : next_block(s, now_us, ret);
}

void sitefile_close(struct sitefile *s, const struct engine *e, int64_t now_us)
{
	const struct sitelog_record end = {.kind = SITELOG_END, .at_us = now_us};
	struct problem ignored;

	if (!sitefile_active(s))
		return;
	if (!look(s, e, now_us, &ignored) && s->writer.open &&
		!put_record(s, &end, now_us, &ignored))
		write_block(s, now_us, &ignored);
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}
