/* A checkpoint file in the making: its items in order, in slices, and how it takes the old one's
   place. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "io/checkpoint_own.h"

#define SETTLE_US (5 * USEC_S) /* for the kernel's write-back, before fsync() */

static void stop_copy(struct checkpoint_writer *w)
{
	if (w->copy.fd >= 0)
		close(w->copy.fd);
	w->copy.fd = -1;
}

void checkpoint_abandon(struct checkpoint_writer *w)
{
	stop_copy(w);
	if (w->fd >= 0) {
		close(w->fd);
		unlink(w->file);
	}
	w->fd = -1;
	w->stage = CHECKPOINT_STAGE_IDLE;
}

static bool in_policy(const struct policy *policy, const char *device)
{
	for (unsigned link = 0; link < LINKS_MAX; link++) {
		if (policy->links >> link & 1 && !strcmp(policy->link[link].device, device))
			return true;
	}
	return false;
}

static void next_stage(struct checkpoint_writer *w, enum checkpoint_stage stage)
{
	w->stage = stage;
	w->path = 0;
	w->number = 0;
	w->started = false;
}

/*
 * Each of these makes the next item of its stage: true with the item, or false when there is none
 * and the stage is to be left.
 */
static bool slot_item(struct checkpoint_writer *w, const struct policy *policy,
	struct checkpoint_item *ret)
{
	while (w->path < LINKS_MAX && !(policy->links >> w->path & 1))
		w->path++;
	if (w->path >= LINKS_MAX)
		return false;
	ret->tag = CHECKPOINT_TAG_SLOT;
	memcpy(ret->device, policy->link[w->path].device, DEVICE_SIZE);
	ret->number = w->path++;
	return true;
}

static bool ledger_item(struct checkpoint_writer *w, const struct ledger *ledger,
	struct checkpoint_item *ret)
{
	const struct ledger_entry *e;

	if ((uint64_t)w->number < ledger_oldest(ledger))
		w->number = (int64_t)ledger_oldest(ledger);
	e = ledger_get(ledger, (uint64_t)w->number++);
	if (!e)
		return false;
	ret->tag = CHECKPOINT_TAG_LEDGER;
	ret->entry = *e;
	return true;
}

static bool learned_item(struct checkpoint *c, const struct checkpoint_state *state, int64_t now_us,
	struct checkpoint_item *ret)
{
	const struct policy *policy = engine_policy(state->engine);
	struct path_view view;

	for (; c->writer.path < PATHS_MAX; c->writer.path++) {
		unsigned path = c->writer.path;

		if (!(policy->links >> path_link(path) & 1))
			continue;
		engine_view_path(state->engine, path, now_us, &view);
		/* a path that has never answered has nothing to remember */
		if (!view.exists || view.learned.rtt_us <= 0)
			continue;
		c->writer.path++;
		ret->tag = CHECKPOINT_TAG_LEARNED;
		memcpy(ret->device, policy->link[path_link(path)].device, DEVICE_SIZE);
		ret->family = (uint8_t)path_family(path);
		ret->learned = view.learned;
		checkpoint_know(c, ret);
		return true;
	}
	return false;
}

/* Of devices that are not here now. */
static bool known_item(struct checkpoint *c, const struct policy *policy,
	struct checkpoint_item *ret)
{
	while (c->writer.path < CHECKPOINT_KNOWN_MAX) {
		const struct checkpoint_known *k = &c->known[c->writer.path++];

		if (!k->used || in_policy(policy, k->device))
			continue;
		ret->tag = CHECKPOINT_TAG_LEARNED;
		memcpy(ret->device, k->device, DEVICE_SIZE);
		ret->family = k->family;
		ret->learned = k->learned;
		return true;
	}
	return false;
}

static bool is_blank(struct history_cell cell)
{
	return !cell.flags;
}

/* The cells from w->number on; blank ones at the begin are left out. */
static bool gather(struct checkpoint_writer *w, const struct history *h, unsigned path,
	enum history_resolution resolution, int64_t newest, struct checkpoint_cells *ret)
{
	while (w->number <= newest && is_blank(history_cell_get(h, path, resolution, w->number)))
		w->number++;
	ret->first = w->number;
	for (ret->n = 0; ret->n < CHECKPOINT_CELLS_MAX && w->number <= newest; ret->n++)
		ret->cell[ret->n] = history_cell_get(h, path, resolution, w->number++);
	return ret->n > 0;
}

static bool cells_item(struct checkpoint *c, const struct checkpoint_state *state, int64_t now_us,
	int64_t wall_ms, struct checkpoint_item *ret)
{
	const struct policy *policy = engine_policy(state->engine);
	struct checkpoint_writer *w = &c->writer;
	enum history_resolution resolution = checkpoint_part_resolution[w->part];
	int64_t step_us = history_step_us(resolution), newest, age_ms;

	for (; w->path < PATHS_MAX; w->path++, w->started = false) {
		if (!(policy->links >> path_link(w->path) & 1) ||
			!history_newest(state->history, w->path, resolution, &newest))
			continue;
		if (!w->started)
			w->number = newest - (int64_t)history_cells(resolution) + 1;
		w->started = true;
		if (!gather(w, state->history, w->path, resolution, newest, &ret->cells))
			continue;
		ret->tag = CHECKPOINT_TAG_CELLS;
		memcpy(ret->device, policy->link[path_link(w->path)].device, DEVICE_SIZE);
		ret->family = (uint8_t)path_family(w->path);
		ret->cells.resolution = resolution;
		ret->cells.this_boot = true;
		age_ms = (now_us - ret->cells.first * step_us) / 1000;
		ret->cells.wall_ms = wall_ms > age_ms ? wall_ms - age_ms : 0;
		return true;
	}
	return false;
}

/* Cells of devices that are not here now, out of the file from which this run began. */
static bool copy_item(struct checkpoint *c, const struct policy *policy, int64_t wall_ms,
	struct checkpoint_item *ret)
{
	struct checkpoint_writer *w = &c->writer;
	struct checkpoint_file *part = &c->part[w->part];
	struct checkpoint_header header;
	int64_t span_ms = (int64_t)history_cells(checkpoint_part_resolution[w->part]) *
			  (history_step_us(checkpoint_part_resolution[w->part]) / 1000);

	if (!part->source[0])
		return false;
	if (w->copy.fd < 0 && checkpoint_reader_open(&w->copy, part->source, &header))
		return false;
	while (w->copy.offset < part->source_end && checkpoint_reader_next(&w->copy, ret) > 0) {
		if (ret->tag != CHECKPOINT_TAG_CELLS || in_policy(policy, ret->device))
			continue;
		ret->cells.this_boot &= checkpoint_same_boot(c, &part->header);
		if (!ret->cells.this_boot &&
			(!ret->cells.wall_ms || wall_ms - ret->cells.wall_ms > span_ms))
			continue;
		return true;
	}
	return false;
}

/* The next item of the file: 1, or 0 when the stage has changed. */
static int next_item(struct checkpoint *c, const struct checkpoint_state *state, int64_t now_us,
	int64_t wall_ms, struct checkpoint_item *ret)
{
	const struct policy *policy = engine_policy(state->engine);
	struct checkpoint_writer *w = &c->writer;

	switch (w->stage) {
	case CHECKPOINT_STAGE_EVENTS:
		next_stage(w, CHECKPOINT_STAGE_SLOTS);
		ret->tag = CHECKPOINT_TAG_EVENTS;
		ret->number = state->events->next;
		return 1;
	case CHECKPOINT_STAGE_SLOTS:
		if (slot_item(w, policy, ret))
			return 1;
		next_stage(w, CHECKPOINT_STAGE_LEDGER);
		return 0;
	case CHECKPOINT_STAGE_LEDGER:
		if (ledger_item(w, state->ledger, ret))
			return 1;
		next_stage(w, CHECKPOINT_STAGE_LEARNED);
		return 0;
	case CHECKPOINT_STAGE_LEARNED:
		if (learned_item(c, state, now_us, ret))
			return 1;
		next_stage(w, CHECKPOINT_STAGE_KNOWN);
		return 0;
	case CHECKPOINT_STAGE_KNOWN:
		if (known_item(c, policy, ret))
			return 1;
		next_stage(w, CHECKPOINT_STAGE_END);
		return 0;
	case CHECKPOINT_STAGE_CELLS:
		if (cells_item(c, state, now_us, wall_ms, ret))
			return 1;
		next_stage(w, CHECKPOINT_STAGE_COPY);
		return 0;
	case CHECKPOINT_STAGE_COPY:
		if (copy_item(c, policy, wall_ms, ret))
			return 1;
		stop_copy(w);
		next_stage(w, CHECKPOINT_STAGE_END);
		return 0;
	case CHECKPOINT_STAGE_END:
		next_stage(w, CHECKPOINT_STAGE_SETTLE);
		ret->tag = CHECKPOINT_TAG_END;
		ret->number = w->blocks;
		return 1;
	case CHECKPOINT_STAGE_IDLE:
	case CHECKPOINT_STAGE_SETTLE:
		break;
	}
	return 0;
}

static int write_all(struct checkpoint_writer *w, const uint8_t *bytes, size_t n)
{
	while (n) {
		ssize_t written = write(w->fd, bytes, n);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return written < 0 ? -errno : -EIO;
		bytes += written;
		n -= (size_t)written;
		w->bytes += written;
	}
	return 0;
}

int checkpoint_begin(struct checkpoint *c, enum checkpoint_part which, int64_t now_us,
	int64_t wall_ms)
{
	struct checkpoint_header header = {.part = which, .wall_ms = wall_ms, .now_us = now_us};
	uint8_t bytes[CHECKPOINT_HEADER_SIZE];
	struct checkpoint_writer *w = &c->writer;

	memcpy(header.boot, c->boot, sizeof(header.boot));
	snprintf(w->file, sizeof(w->file), "%s/.%s.new", c->dir, checkpoint_part_name[which]);
	w->part = which;
	w->blocks = 0;
	w->bytes = 0;
	w->begun_us = now_us;
	c->part[which].last_us = now_us;
	/* a temporary file of a run that was killed is in the way */
	unlink(w->file);
	w->fd = open(w->file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (w->fd < 0)
		return -errno;
	next_stage(w,
		which == CHECKPOINT_LEARNED ? CHECKPOINT_STAGE_EVENTS : CHECKPOINT_STAGE_CELLS);
	checkpoint_header_encode(&header, bytes);
	return write_all(w, bytes, sizeof(bytes));
}

/* Writes at most so many bytes more. */
int checkpoint_slice(struct checkpoint *c, const struct checkpoint_state *state, int64_t now_us,
	int64_t wall_ms, int64_t bytes)
{
	uint8_t block[CHECKPOINT_BLOCK_MAX];
	struct checkpoint_writer *w = &c->writer;
	int64_t until = w->bytes + bytes;

	while (w->stage != CHECKPOINT_STAGE_SETTLE && w->bytes < until) {
		struct checkpoint_item item = {0};

		if (!next_item(c, state, now_us, wall_ms, &item))
			continue;
		int n = checkpoint_block_encode(&item, block);
		/* what cannot be written down would not be read either; the rest is worth having */
		if (n < 0)
			continue;
		int error = write_all(w, block, (size_t)n);
		if (error)
			return error;
		w->blocks += item.tag != CHECKPOINT_TAG_END;
	}
	w->settle_us = now_us + SETTLE_US;
	if (w->stage == CHECKPOINT_STAGE_SETTLE)
		sync_file_range(w->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	return 0;
}

int checkpoint_commit(struct checkpoint *c, int64_t now_us)
{
	struct checkpoint_writer *w = &c->writer;
	struct checkpoint_file *part = &c->part[w->part];
	int dir, error = 0;

	if (fsync(w->fd) < 0 || rename(w->file, part->file) < 0)
		return -errno;
	close(w->fd);
	w->fd = -1;
	w->stage = CHECKPOINT_STAGE_IDLE;
	dir = open(c->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || fsync(dir) < 0)
		error = -errno;
	if (dir >= 0)
		close(dir);
	part->size = w->bytes;
	/* devices that are not here now go on living in the new file */
	if (w->part != CHECKPOINT_LEARNED) {
		memcpy(part->source, part->file, CHECKPOINT_FILE_SIZE);
		memcpy(part->header.boot, c->boot, sizeof(part->header.boot));
		part->source_end = (off_t)w->bytes;
	}
	c->stats.written++;
	c->stats.bytes += (uint64_t)w->bytes;
	c->stats.last_us = now_us;
	return error;
}
