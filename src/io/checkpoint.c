#include "io/checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#include "base/usec.h"
#include "io/checkpoint_image.h"

#define FILE_SIZE 160
#define SLICE_BYTES 16384
#define SETTLE_US (5 * USEC_S) /* for the kernel's write-back, before fsync() */
#define GIVE_UP_CLOCK_US USEC_H
#define KNOWN_MAX (2 * LINKS_MAX * FAMILY_COUNT)
#define CORRUPT_MAX 4
#define SIZE_MAX_BYTES (16 << 20)
#define WALL_2024_MS INT64_C(1704067200000)

/* What a device's path had learned when it was last seen. */
struct known {
	bool used;
	char device[DEVICE_SIZE];
	uint8_t family;
	struct path_learned learned;
};

struct part {
	char file[FILE_SIZE];            /* where it is written to */
	char source[FILE_SIZE];          /* where it was read from; "": nowhere */
	struct checkpoint_header header; /* of the source */
	off_t source_end;                /* of what is good in it */
	int64_t last_us;                 /* begin of the last writing, in this boot's time */
	int64_t size;                    /* of the last one written or read */
};

enum stage {
	STAGE_IDLE,
	STAGE_EVENTS,
	STAGE_SLOTS,
	STAGE_LEDGER,
	STAGE_LEARNED,
	STAGE_KNOWN,
	STAGE_CELLS,
	STAGE_COPY,
	STAGE_END,
	STAGE_SETTLE,
};

struct reader {
	int fd;
	uint8_t buffer[2 * CHECKPOINT_BLOCK_MAX];
	size_t have, at;
	off_t offset; /* of buffer[at] in the file */
};

struct writer {
	enum stage stage;
	enum checkpoint_part part;
	int fd;
	char file[FILE_SIZE + 32]; /* the temporary one */
	unsigned path;             /* or slot, or index */
	int64_t number;            /* of the next cell or entry */
	bool started;              /* number is set for this path */
	uint64_t blocks;
	int64_t bytes, begun_us, settle_us;
	struct reader copy;
};

struct checkpoint {
	char dir[FILE_SIZE];
	int64_t checkpoint_us, flash_bytes_per_day;
	uint8_t boot[CHECKPOINT_BOOT_SIZE];
	struct part part[CHECKPOINT_PART_COUNT];
	struct known known[KNOWN_MAX];
	struct writer writer;

	char adopted[LINKS_MAX][DEVICE_SIZE];
	uint32_t waiting; /* bit mask of links whose history waits for the clock */
	int64_t loaded_us;

	/* entries of an earlier run, until their devices are known again */
	uint64_t restored_end;  /* numbers below are of an earlier run */
	bool restored_by_guess; /* their times are relative to the last checkpoint only */
	char slot_device[LINKS_MAX][DEVICE_SIZE];
	uint8_t restored_from[LEDGER_SIZE], restored_to[LEDGER_SIZE];

	struct checkpoint_stats stats;
	bool failing; /* reported, not again until it works */
};

static const char *const part_name[CHECKPOINT_PART_COUNT] = {"learned", "history-10s",
	"history-5min"};
static const int part_share_percent[CHECKPOINT_PART_COUNT] = {30, 40, 30};
static const enum history_resolution part_resolution[CHECKPOINT_PART_COUNT] = {HISTORY_1S,
	HISTORY_10S, HISTORY_5MIN};

/* ---- clock and boot ---- */

int64_t checkpoint_wall_ms(void)
{
	struct timex tx = {0};
	struct timespec wall, up;
	int64_t wall_ms;
	int state = adjtimex(&tx);

	if (clock_gettime(CLOCK_REALTIME, &wall) || clock_gettime(CLOCK_BOOTTIME, &up))
		return 0;
	wall_ms = (int64_t)wall.tv_sec * 1000 + wall.tv_nsec / 1000000;
	if (wall_ms < WALL_2024_MS)
		return 0;
	if ((state < 0 || state == TIME_ERROR || tx.status & STA_UNSYNC) && up.tv_sec < 300)
		return 0;
	return wall_ms;
}

static void read_boot(uint8_t ret[CHECKPOINT_BOOT_SIZE])
{
	char text[64] = "";
	unsigned n = 0;
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	memset(ret, 0, CHECKPOINT_BOOT_SIZE);
	if (fd < 0)
		return;
	ssize_t size = read(fd, text, sizeof(text) - 1);
	close(fd);
	for (ssize_t i = 0; i < size && n < 2 * CHECKPOINT_BOOT_SIZE; i++) {
		const char *digits = "0123456789abcdef", *digit = strchr(digits, text[i]);

		if (!digit || !text[i])
			continue;
		ret[n / 2] |= (uint8_t)((digit - digits) << (n % 2 ? 0 : 4));
		n++;
	}
}

static bool same_boot(const struct checkpoint *c, const struct checkpoint_header *header)
{
	static const uint8_t unknown[CHECKPOINT_BOOT_SIZE];

	return memcmp(c->boot, unknown, sizeof(unknown)) &&
	       !memcmp(c->boot, header->boot, sizeof(c->boot));
}

/* How much later this run's clock shows a time than the run that wrote the header.  False: not known. */
static bool shift_of(const struct checkpoint *c, const struct checkpoint_header *header,
	int64_t now_us, int64_t wall_ms, int64_t *ret_us)
{
	if (same_boot(c, header)) {
		*ret_us = 0;
		return true;
	}
	if (!header->wall_ms || !wall_ms || header->wall_ms > wall_ms ||
		wall_ms - header->wall_ms > INT64_MAX / 4000)
		return false;
	/* the header's instant is so long ago */
	*ret_us = now_us - (wall_ms - header->wall_ms) * 1000 - header->now_us;
	return true;
}

/* ---- construction ---- */

void checkpoint_configure(struct checkpoint *c, int64_t checkpoint_us, int64_t flash_bytes_per_day)
{
	c->checkpoint_us = usec_max(checkpoint_us, USEC_S);
	c->flash_bytes_per_day = usec_max(flash_bytes_per_day, 1);
}

struct checkpoint *checkpoint_new(const char *state_dir, int64_t checkpoint_us,
	int64_t flash_bytes_per_day, struct problem *ret)
{
	struct checkpoint *c = NULL;

	if (strlen(state_dir) > FILE_SIZE - 32) {
		problem_set(ret, state_dir, 0, "the name of the directory is too long");
		errno = ENAMETOOLONG;
		return NULL;
	}
	if (mkdir(state_dir, 0700) < 0 && errno != EEXIST) {
		problem_set(ret, state_dir, 0, "cannot make the directory: %s", strerror(errno));
		return NULL;
	}
	c = calloc(1, sizeof(*c));
	if (!c) {
		problem_set(ret, state_dir, 0, "no memory for checkpoints");
		return NULL;
	}
	strcpy(c->dir, state_dir);
	for (unsigned i = 0; i < CHECKPOINT_PART_COUNT; i++) {
		snprintf(c->part[i].file, FILE_SIZE, "%s/%s", state_dir, part_name[i]);
		c->part[i].last_us = INT64_MIN / 2;
	}
	c->writer.fd = c->writer.copy.fd = -1;
	read_boot(c->boot);
	checkpoint_configure(c, checkpoint_us, flash_bytes_per_day);
	return c;
}

static void stop_copy(struct writer *w)
{
	if (w->copy.fd >= 0)
		close(w->copy.fd);
	w->copy.fd = -1;
}

static void abandon(struct writer *w)
{
	stop_copy(w);
	if (w->fd >= 0) {
		close(w->fd);
		unlink(w->file);
	}
	w->fd = -1;
	w->stage = STAGE_IDLE;
}

void checkpoint_free(struct checkpoint *c)
{
	if (!c)
		return;
	abandon(&c->writer);
	free(c);
}

void checkpoint_stats(const struct checkpoint *c, struct checkpoint_stats *ret)
{
	*ret = c->stats;
}

/* ---- reading ---- */

static int reader_open(struct reader *r, const char *file, struct checkpoint_header *ret)
{
	uint8_t bytes[CHECKPOINT_HEADER_SIZE];
	struct stat st;
	ssize_t n;
	int error;

	*r = (struct reader){.fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
	if (r->fd < 0)
		return -errno;
	if (fstat(r->fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > SIZE_MAX_BYTES) {
		error = -EBADMSG;
	} else {
		n = pread(r->fd, bytes, sizeof(bytes), 0);
		error = n < 0 ? -errno : checkpoint_header_decode(bytes, (size_t)n, ret);
	}
	if (error) {
		close(r->fd);
		r->fd = -1;
	}
	r->offset = CHECKPOINT_HEADER_SIZE;
	return error;
}

/* Bytes of the next block, or -errno. */
static int reader_next(struct reader *r, struct checkpoint_item *ret)
{
	int n;

	if (r->have - r->at < CHECKPOINT_BLOCK_MAX) {
		memmove(r->buffer, r->buffer + r->at, r->have - r->at);
		r->have -= r->at;
		r->at = 0;
		ssize_t got = pread(r->fd, r->buffer + r->have, sizeof(r->buffer) - r->have,
			r->offset + (off_t)r->have);
		if (got < 0)
			return -errno;
		r->have += (size_t)got;
	}
	n = checkpoint_block_decode(r->buffer + r->at, r->have - r->at, ret);
	if (n > 0) {
		r->at += (size_t)n;
		r->offset += n;
	}
	return n;
}

static struct known *known_of(struct checkpoint *c, const char *device, unsigned family)
{
	struct known *free_one = NULL;

	for (unsigned i = 0; i < KNOWN_MAX; i++) {
		struct known *k = &c->known[i];

		if (k->used && k->family == family && !strcmp(k->device, device))
			return k;
		if (!k->used && !free_one)
			free_one = k;
	}
	return free_one;
}

static void know(struct checkpoint *c, const struct checkpoint_item *item)
{
	struct known *k = known_of(c, item->device, item->family);

	if (!k)
		return;
	k->used = true;
	memcpy(k->device, item->device, sizeof(k->device));
	k->family = item->family;
	k->learned = item->learned;
}

/* Where the blocks of "learned" go while it is read. */
struct loading {
	struct ledger *ledger;
	uint64_t next_event;
	int64_t shift_us;
};

static void restore_entry(struct checkpoint *c, const struct loading *to,
	const struct checkpoint_item *item)
{
	struct ledger_entry e = item->entry;
	size_t at = (size_t)(e.seq % LEDGER_SIZE);

	c->restored_from[at] = e.from.path;
	c->restored_to[at] = e.to.path;
	/* slots may have changed; checkpoint_adopt() fills them in */
	e.from.path = e.to.path = PATHS_MAX;
	e.at_us += to->shift_us;
	ledger_restore(to->ledger, &e);
	c->restored_end = to->ledger->next;
}

static void load_item(struct checkpoint *c, struct loading *to, const struct checkpoint_item *item)
{
	switch (item->tag) {
	case CHECKPOINT_TAG_LEARNED:
		know(c, item);
		break;
	case CHECKPOINT_TAG_LEDGER:
		restore_entry(c, to, item);
		break;
	case CHECKPOINT_TAG_SLOT:
		memcpy(c->slot_device[item->number], item->device, DEVICE_SIZE);
		break;
	case CHECKPOINT_TAG_EVENTS:
		to->next_event = item->number;
		break;
	case CHECKPOINT_TAG_CELLS:
	case CHECKPOINT_TAG_END:
	case CHECKPOINT_TAG_COUNT:
		break;
	}
}

/* Reads a file to its end or to the first damage; what is good is used.  to: NULL for history, which is only checked. */
static int load_blocks(struct checkpoint *c, struct part *part, struct reader *r,
	struct loading *to)
{
	struct checkpoint_item item;
	uint64_t blocks = 0;
	int n;

	part->source_end = r->offset;
	while ((n = reader_next(r, &item)) > 0 && item.tag != CHECKPOINT_TAG_END) {
		blocks++;
		part->source_end = r->offset;
		if (to)
			load_item(c, to, &item);
	}
	if (n < 0)
		return n;
	return item.number == blocks && r->at == r->have ? 0 : -EBADMSG;
}

/* Sets a file aside under the first free number, or over the last one: the medium is small. */
static void set_aside(struct part *part, int error, struct problem *ret)
{
	char aside[FILE_SIZE + 16];
	int n = 1;

	do {
		snprintf(aside, sizeof(aside), "%s.corrupt-%d", part->file, n);
	} while (n++ < CORRUPT_MAX && !access(aside, F_OK));
	problem_set(ret, part->file, 0,
		error == -EPROTONOSUPPORT ? "written by another version; set aside as %s"
					  : "damaged; set aside as %s, what could be read is used",
		aside);
	if (rename(part->file, aside) < 0) {
		problem_set(ret, part->file, 0, "damaged, and cannot be renamed: %s",
			strerror(errno));
		strcpy(aside, part->file);
	}
	snprintf(part->source, sizeof(part->source), "%s", aside);
}

static int load_part(struct checkpoint *c, enum checkpoint_part which, struct loading *to,
	int64_t now_us, int64_t wall_ms, struct problem *ret)
{
	struct part *part = &c->part[which];
	int64_t shift_us = 0;
	struct reader r;
	int error = reader_open(&r, part->file, &part->header);

	if (error == -ENOENT) {
		part->last_us = now_us;
		return 0;
	}
	if (!error && part->header.part != which)
		error = -EBADMSG;
	if (!error) {
		if (!shift_of(c, &part->header, now_us, wall_ms, &shift_us)) {
			/* as if no time had passed since; corrected when the clock is known */
			shift_us = now_us - part->header.now_us;
			c->restored_by_guess |= which == CHECKPOINT_LEARNED;
		}
		part->last_us = usec_min(part->header.now_us + shift_us, now_us);
		if (to)
			to->shift_us = shift_us;
		memcpy(part->source, part->file, FILE_SIZE);
		error = load_blocks(c, part, &r, to);
		part->size = r.offset;
	}
	if (r.fd >= 0)
		close(r.fd);
	if (error == -ENODATA || error == -EBADMSG || error == -ERANGE ||
		error == -EPROTONOSUPPORT) {
		set_aside(part, error, ret);
		return -EBADMSG;
	}
	if (error)
		problem_set(ret, part->file, 0, "cannot read: %s", strerror(-error));
	return error;
}

int checkpoint_load(struct checkpoint *c, int64_t now_us, int64_t wall_ms, struct ledger *ledger,
	uint64_t *ret_next_event, struct problem *ret)
{
	struct loading to = {.ledger = ledger, .next_event = 1};
	int first = 0;

	c->loaded_us = now_us;
	for (unsigned i = 0; i < CHECKPOINT_PART_COUNT; i++) {
		int error = load_part(c, (enum checkpoint_part)i,
			i == CHECKPOINT_LEARNED ? &to : NULL, now_us, wall_ms, first ? NULL : ret);

		if (!first)
			first = error;
	}
	*ret_next_event = to.next_event ? to.next_event : 1;
	return first;
}

/* ---- adoption ---- */

/* Number of the cell that begins nearest to a time. */
static int64_t nearest(int64_t at_us, int64_t step_us)
{
	int64_t half_later = at_us + step_us / 2;

	return half_later / step_us - (half_later % step_us < 0);
}

static void restore_cells(struct checkpoint *c, const struct part *part, unsigned path,
	const struct checkpoint_cells *cells, int64_t now_us, int64_t wall_ms,
	struct history *history)
{
	int64_t step_us = history_step_us(cells->resolution), first = cells->first;

	if (!(cells->this_boot && same_boot(c, &part->header))) {
		if (!cells->wall_ms || !wall_ms || cells->wall_ms > wall_ms ||
			wall_ms - cells->wall_ms > INT64_MAX / 4000)
			return;
		first = nearest(now_us - (wall_ms - cells->wall_ms) * 1000, step_us);
	}
	/* nothing is known of the future, whatever a file says */
	for (unsigned i = 0; i < cells->n && first + i <= now_us / step_us; i++)
		history_cell_restore(history, path, cells->resolution, first + i, cells->cell[i]);
}

static void restore_part(struct checkpoint *c, const struct part *part, unsigned link,
	int64_t now_us, int64_t wall_ms, struct history *history)
{
	struct checkpoint_header header;
	struct checkpoint_item item;
	struct reader r;

	if (!part->source[0] || reader_open(&r, part->source, &header))
		return;
	while (r.offset < part->source_end && reader_next(&r, &item) > 0) {
		if (item.tag == CHECKPOINT_TAG_CELLS && !strcmp(item.device, c->adopted[link]))
			restore_cells(c, part, path_of(link, (enum family)item.family), &item.cells,
				now_us, wall_ms, history);
	}
	close(r.fd);
}

static bool needs_clock(const struct checkpoint *c)
{
	for (unsigned i = CHECKPOINT_10S; i < CHECKPOINT_PART_COUNT; i++) {
		if (c->part[i].source[0] && !same_boot(c, &c->part[i].header))
			return true;
	}
	return false;
}

static void restore_history(struct checkpoint *c, unsigned link, int64_t now_us, int64_t wall_ms,
	struct history *history)
{
	restore_part(c, &c->part[CHECKPOINT_5MIN], link, now_us, wall_ms, history);
	restore_part(c, &c->part[CHECKPOINT_10S], link, now_us, wall_ms, history);
	for (unsigned f = 0; f < FAMILY_COUNT; f++)
		history_fill(history, path_of(link, (enum family)f));
}

/* The entries of an earlier run learn which slot the device has now. */
static void restore_paths(struct checkpoint *c, unsigned link, struct ledger *ledger)
{
	for (uint64_t seq = ledger_oldest(ledger); seq < c->restored_end; seq++) {
		struct ledger_entry *e = &ledger->ring[seq % LEDGER_SIZE];
		uint8_t was[2] = {c->restored_from[seq % LEDGER_SIZE],
			c->restored_to[seq % LEDGER_SIZE]};
		struct ledger_path *is[2] = {&e->from, &e->to};

		for (unsigned i = 0; i < 2; i++) {
			if (was[i] < PATHS_MAX &&
				!strcmp(c->slot_device[path_link(was[i])], c->adopted[link]))
				is[i]->path = (uint8_t)path_of(link, path_family(was[i]));
		}
	}
}

size_t checkpoint_adopt(struct checkpoint *c, unsigned link, const char *device, int64_t now_us,
	int64_t wall_ms, const struct checkpoint_state *state, struct input ret[FAMILY_COUNT])
{
	size_t n = 0;

	if (link >= LINKS_MAX || !device[0] || strlen(device) >= DEVICE_SIZE ||
		!strcmp(c->adopted[link], device))
		return 0;
	strcpy(c->adopted[link], device);
	restore_paths(c, link, state->ledger);
	if (!wall_ms && needs_clock(c))
		c->waiting |= UINT32_C(1) << link;
	else
		restore_history(c, link, now_us, wall_ms, state->history);
	for (unsigned f = 0; f < FAMILY_COUNT; f++) {
		const struct known *k = known_of(c, device, f);

		if (k && k->used)
			ret[n++] = (struct input){.kind = INPUT_LEARNED,
				.now_us = now_us,
				.learned = {.path = (uint8_t)path_of(link, (enum family)f),
					.learned = k->learned}};
	}
	return n;
}

/* The clock has become known: what waited for it is put in its place. */
static void clock_known(struct checkpoint *c, const struct checkpoint_state *state, int64_t now_us,
	int64_t wall_ms)
{
	const struct part *part = &c->part[CHECKPOINT_LEARNED];
	int64_t shift_us;

	for (unsigned link = 0; c->waiting >> link; link++) {
		if (c->waiting >> link & 1)
			restore_history(c, link, now_us, wall_ms, state->history);
	}
	c->waiting = 0;
	if (!c->restored_by_guess)
		return;
	c->restored_by_guess = false;
	if (!shift_of(c, &part->header, now_us, wall_ms, &shift_us))
		return;
	shift_us -= c->loaded_us - part->header.now_us;
	for (uint64_t seq = ledger_oldest(state->ledger); seq < c->restored_end; seq++)
		state->ledger->ring[seq % LEDGER_SIZE].at_us += shift_us;
}

/* ---- writing ---- */

static int64_t interval_us(const struct checkpoint *c, enum checkpoint_part which)
{
	int64_t share = c->flash_bytes_per_day / 100 * part_share_percent[which] + 1;
	int64_t size = usec_min(c->part[which].size, SIZE_MAX_BYTES);

	return usec_max(c->checkpoint_us, size * (USEC_DAY / share));
}

static bool in_policy(const struct policy *policy, const char *device)
{
	for (unsigned link = 0; link < LINKS_MAX; link++) {
		if (policy->links >> link & 1 && !strcmp(policy->link[link].device, device))
			return true;
	}
	return false;
}

static void next_stage(struct writer *w, enum stage stage)
{
	w->stage = stage;
	w->path = 0;
	w->number = 0;
	w->started = false;
}

/*
 * Each of these makes the next item of its stage: true with the item, or false when there is none and the stage is to
 * be left.
 */
static bool slot_item(struct writer *w, const struct policy *policy, struct checkpoint_item *ret)
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

static bool ledger_item(struct writer *w, const struct ledger *ledger, struct checkpoint_item *ret)
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
		know(c, ret);
		return true;
	}
	return false;
}

/* Of devices that are not here now. */
static bool known_item(struct checkpoint *c, const struct policy *policy,
	struct checkpoint_item *ret)
{
	while (c->writer.path < KNOWN_MAX) {
		const struct known *k = &c->known[c->writer.path++];

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
static bool gather(struct writer *w, const struct history *h, unsigned path,
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
	struct writer *w = &c->writer;
	enum history_resolution resolution = part_resolution[w->part];
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
	struct writer *w = &c->writer;
	struct part *part = &c->part[w->part];
	struct checkpoint_header header;
	int64_t span_ms = (int64_t)history_cells(part_resolution[w->part]) *
			  (history_step_us(part_resolution[w->part]) / 1000);

	if (!part->source[0])
		return false;
	if (w->copy.fd < 0 && reader_open(&w->copy, part->source, &header))
		return false;
	while (w->copy.offset < part->source_end && reader_next(&w->copy, ret) > 0) {
		if (ret->tag != CHECKPOINT_TAG_CELLS || in_policy(policy, ret->device))
			continue;
		ret->cells.this_boot &= same_boot(c, &part->header);
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
	struct writer *w = &c->writer;

	switch (w->stage) {
	case STAGE_EVENTS:
		next_stage(w, STAGE_SLOTS);
		ret->tag = CHECKPOINT_TAG_EVENTS;
		ret->number = state->events->next;
		return 1;
	case STAGE_SLOTS:
		if (slot_item(w, policy, ret))
			return 1;
		next_stage(w, STAGE_LEDGER);
		return 0;
	case STAGE_LEDGER:
		if (ledger_item(w, state->ledger, ret))
			return 1;
		next_stage(w, STAGE_LEARNED);
		return 0;
	case STAGE_LEARNED:
		if (learned_item(c, state, now_us, ret))
			return 1;
		next_stage(w, STAGE_KNOWN);
		return 0;
	case STAGE_KNOWN:
		if (known_item(c, policy, ret))
			return 1;
		next_stage(w, STAGE_END);
		return 0;
	case STAGE_CELLS:
		if (cells_item(c, state, now_us, wall_ms, ret))
			return 1;
		next_stage(w, STAGE_COPY);
		return 0;
	case STAGE_COPY:
		if (copy_item(c, policy, wall_ms, ret))
			return 1;
		stop_copy(w);
		next_stage(w, STAGE_END);
		return 0;
	case STAGE_END:
		next_stage(w, STAGE_SETTLE);
		ret->tag = CHECKPOINT_TAG_END;
		ret->number = w->blocks;
		return 1;
	case STAGE_IDLE:
	case STAGE_SETTLE:
		break;
	}
	return 0;
}

static int write_all(struct writer *w, const uint8_t *bytes, size_t n)
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

static int begin(struct checkpoint *c, enum checkpoint_part which, int64_t now_us, int64_t wall_ms)
{
	struct checkpoint_header header = {.part = which, .wall_ms = wall_ms, .now_us = now_us};
	uint8_t bytes[CHECKPOINT_HEADER_SIZE];
	struct writer *w = &c->writer;

	memcpy(header.boot, c->boot, sizeof(header.boot));
	snprintf(w->file, sizeof(w->file), "%s/.%s.new", c->dir, part_name[which]);
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
	next_stage(w, which == CHECKPOINT_LEARNED ? STAGE_EVENTS : STAGE_CELLS);
	checkpoint_header_encode(&header, bytes);
	return write_all(w, bytes, sizeof(bytes));
}

/* Writes at most so many bytes more. */
static int slice(struct checkpoint *c, const struct checkpoint_state *state, int64_t now_us,
	int64_t wall_ms, int64_t bytes)
{
	uint8_t block[CHECKPOINT_BLOCK_MAX];
	struct writer *w = &c->writer;
	int64_t until = w->bytes + bytes;

	while (w->stage != STAGE_SETTLE && w->bytes < until) {
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
	if (w->stage == STAGE_SETTLE)
		sync_file_range(w->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	return 0;
}

static int commit(struct checkpoint *c, int64_t now_us)
{
	struct writer *w = &c->writer;
	struct part *part = &c->part[w->part];
	int dir, error = 0;

	if (fsync(w->fd) < 0 || rename(w->file, part->file) < 0)
		return -errno;
	close(w->fd);
	w->fd = -1;
	w->stage = STAGE_IDLE;
	dir = open(c->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || fsync(dir) < 0)
		error = -errno;
	if (dir >= 0)
		close(dir);
	part->size = w->bytes;
	/* devices that are not here now go on living in the new file */
	if (w->part != CHECKPOINT_LEARNED) {
		memcpy(part->source, part->file, FILE_SIZE);
		memcpy(part->header.boot, c->boot, sizeof(part->header.boot));
		part->source_end = (off_t)w->bytes;
	}
	c->stats.written++;
	c->stats.bytes += (uint64_t)w->bytes;
	c->stats.last_us = now_us;
	return error;
}

static int failed(struct checkpoint *c, int error, struct problem *ret)
{
	problem_set(ret, c->part[c->writer.part].file, 0,
		"checkpoint not written: %s; make room in %s", strerror(-error), c->dir);
	abandon(&c->writer);
	c->stats.failures++;
	if (c->failing)
		return 0;
	c->failing = true;
	return error;
}

/* History of another boot that waits for the clock must not be overwritten, unless no clock is to be hoped for. */
static bool may_write(const struct checkpoint *c, enum checkpoint_part which, int64_t now_us)
{
	return which == CHECKPOINT_LEARNED || !c->waiting ||
	       now_us - c->loaded_us > GIVE_UP_CLOCK_US;
}

int checkpoint_tick(struct checkpoint *c, const struct checkpoint_state *state, int64_t now_us,
	int64_t wall_ms, struct problem *ret)
{
	struct writer *w = &c->writer;
	int error = 0;

	if (wall_ms && (c->waiting || c->restored_by_guess))
		clock_known(c, state, now_us, wall_ms);
	if (w->stage == STAGE_SETTLE) {
		if (now_us >= w->settle_us) {
			error = commit(c, now_us);
			c->failing &= error != 0;
		}
	} else if (w->stage != STAGE_IDLE) {
		error = slice(c, state, now_us, wall_ms, SLICE_BYTES);
	} else {
		for (unsigned i = 0; i < CHECKPOINT_PART_COUNT && w->stage == STAGE_IDLE; i++) {
			enum checkpoint_part which = (enum checkpoint_part)i;

			if (may_write(c, which, now_us) &&
				now_us - c->part[i].last_us >= interval_us(c, which)) {
				error = begin(c, which, now_us, wall_ms);
				break;
			}
		}
	}
	return error ? failed(c, error, ret) : 0;
}

int checkpoint_finish(struct checkpoint *c, const struct checkpoint_state *state, int64_t now_us,
	int64_t wall_ms, struct problem *ret)
{
	int first = 0;

	abandon(&c->writer);
	for (unsigned i = 0; i < CHECKPOINT_PART_COUNT; i++) {
		enum checkpoint_part which = (enum checkpoint_part)i;
		int error;

		if (!may_write(c, which, now_us) ||
			now_us - c->part[i].last_us < interval_us(c, which) / 4)
			continue;
		error = begin(c, which, now_us, wall_ms);
		if (!error)
			error = slice(c, state, now_us, wall_ms, INT64_MAX / 2);
		if (!error)
			error = commit(c, now_us);
		if (error) {
			failed(c, error, first ? NULL : ret);
			first = first ? first : error;
		}
	}
	return first;
}
