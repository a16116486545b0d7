/* What an earlier run left: loading at the start, and adoption when a device takes a slot. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/checkpoint_own.h"

#define CORRUPT_MAX 4

/* How much later this run's clock shows a time than the run that wrote the header.  False: not
   known. */
static bool shift_of(const struct checkpoint *c, const struct checkpoint_header *header,
	int64_t now_us, int64_t wall_ms, int64_t *ret_us)
{
	if (checkpoint_same_boot(c, header)) {
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

/* ---- reading ---- */

int checkpoint_reader_open(struct checkpoint_reader *r, const char *file,
	struct checkpoint_header *ret)
{
	uint8_t bytes[CHECKPOINT_HEADER_SIZE];
	struct stat st;
	ssize_t n;
	int error;

	*r = (struct checkpoint_reader){.fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
	if (r->fd < 0)
		return -errno;
	if (fstat(r->fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > CHECKPOINT_BYTES_MAX) {
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
int checkpoint_reader_next(struct checkpoint_reader *r, struct checkpoint_item *ret)
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

static struct checkpoint_known *known_of(struct checkpoint *c, const char *device, unsigned family)
{
	struct checkpoint_known *free_one = NULL;

	for (unsigned i = 0; i < CHECKPOINT_KNOWN_MAX; i++) {
		struct checkpoint_known *k = &c->known[i];

		if (k->used && k->family == family && !strcmp(k->device, device))
			return k;
		if (!k->used && !free_one)
			free_one = k;
	}
	return free_one;
}

void checkpoint_know(struct checkpoint *c, const struct checkpoint_item *item)
{
	struct checkpoint_known *k = known_of(c, item->device, item->family);

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
		checkpoint_know(c, item);
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

/* Reads a file to its end or to the first damage; what is good is used.  to: NULL for history,
   which is only checked. */
static int load_blocks(struct checkpoint *c, struct checkpoint_file *part,
	struct checkpoint_reader *r, struct loading *to)
{
	struct checkpoint_item item = {0};
	uint64_t blocks = 0;
	int n;

	part->source_end = r->offset;
	while ((n = checkpoint_reader_next(r, &item)) > 0 && item.tag != CHECKPOINT_TAG_END) {
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
static void set_aside(struct checkpoint_file *part, int error, struct problem *ret)
{
	char aside[CHECKPOINT_FILE_SIZE + 16];
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
	struct checkpoint_file *part = &c->part[which];
	int64_t shift_us = 0;
	struct checkpoint_reader r;
	int error = checkpoint_reader_open(&r, part->file, &part->header);

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
		memcpy(part->source, part->file, CHECKPOINT_FILE_SIZE);
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

static void restore_cells(struct checkpoint *c, const struct checkpoint_file *part, unsigned path,
	const struct checkpoint_cells *cells, int64_t now_us, int64_t wall_ms,
	struct history *history)
{
	int64_t step_us = history_step_us(cells->resolution), first = cells->first;

	if (!(cells->this_boot && checkpoint_same_boot(c, &part->header))) {
		if (!cells->wall_ms || !wall_ms || cells->wall_ms > wall_ms ||
			wall_ms - cells->wall_ms > INT64_MAX / 4000)
			return;
		first = nearest(now_us - (wall_ms - cells->wall_ms) * 1000, step_us);
	}
	/* nothing is known of the future, whatever a file says */
	for (unsigned i = 0; i < cells->n && first + i <= now_us / step_us; i++)
		history_cell_restore(history, path, cells->resolution, first + i, cells->cell[i]);
}

static void restore_part(struct checkpoint *c, const struct checkpoint_file *part, unsigned link,
	int64_t now_us, int64_t wall_ms, struct history *history)
{
	struct checkpoint_header header;
	struct checkpoint_item item = {0};
	struct checkpoint_reader r;

	if (!part->source[0] || checkpoint_reader_open(&r, part->source, &header))
		return;
	while (r.offset < part->source_end && checkpoint_reader_next(&r, &item) > 0) {
		if (item.tag == CHECKPOINT_TAG_CELLS && !strcmp(item.device, c->adopted[link]))
			restore_cells(c, part, path_of(link, (enum family)item.family), &item.cells,
				now_us, wall_ms, history);
	}
	close(r.fd);
}

static bool needs_clock(const struct checkpoint *c)
{
	for (unsigned i = CHECKPOINT_10S; i < CHECKPOINT_PART_COUNT; i++) {
		if (c->part[i].source[0] && !checkpoint_same_boot(c, &c->part[i].header))
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
		const struct checkpoint_known *k = known_of(c, device, f);

		if (k && k->used)
			ret[n++] = (struct input){.kind = INPUT_LEARNED,
				.now_us = now_us,
				.learned = {.path = (uint8_t)path_of(link, (enum family)f),
					.learned = k->learned}};
	}
	return n;
}

/* The clock has become known: what waited for it is put in its place. */
void checkpoint_clock_known(struct checkpoint *c, const struct checkpoint_state *state,
	int64_t now_us, int64_t wall_ms)
{
	const struct checkpoint_file *part = &c->part[CHECKPOINT_LEARNED];
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
