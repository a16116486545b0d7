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

#include "io/checkpoint_own.h"

#define SLICE_BYTES 16384
#define GIVE_UP_CLOCK_US USEC_H
#define WALL_2024_MS INT64_C(1704067200000)

const char *const checkpoint_part_name[CHECKPOINT_PART_COUNT] = {"learned", "history-10s",
	"history-5min"};
const enum history_resolution checkpoint_part_resolution[CHECKPOINT_PART_COUNT] = {HISTORY_1S,
	HISTORY_10S, HISTORY_5MIN};
/* The rest is for io/sitefile.h. */
static const int part_share_percent[CHECKPOINT_PART_COUNT] = {25, 25, 25};

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

bool checkpoint_same_boot(const struct checkpoint *c, const struct checkpoint_header *header)
{
	static const uint8_t unknown[CHECKPOINT_BOOT_SIZE];

	return memcmp(c->boot, unknown, sizeof(unknown)) &&
	       !memcmp(c->boot, header->boot, sizeof(c->boot));
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

	if (strlen(state_dir) > CHECKPOINT_FILE_SIZE - 32) {
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
		snprintf(c->part[i].file, CHECKPOINT_FILE_SIZE, "%s/%s", state_dir,
			checkpoint_part_name[i]);
		c->part[i].last_us = INT64_MIN / 2;
	}
	c->writer.fd = c->writer.copy.fd = -1;
	read_boot(c->boot);
	checkpoint_configure(c, checkpoint_us, flash_bytes_per_day);
	return c;
}

void checkpoint_free(struct checkpoint *c)
{
	if (!c)
		return;
	checkpoint_abandon(&c->writer);
	free(c);
}

void checkpoint_stats(const struct checkpoint *c, struct checkpoint_stats *ret)
{
	*ret = c->stats;
}

/* ---- schedule ---- */

static int64_t interval_us(const struct checkpoint *c, enum checkpoint_part which)
{
	int64_t share = c->flash_bytes_per_day / 100 * part_share_percent[which] + 1;
	int64_t size = usec_min(c->part[which].size, CHECKPOINT_BYTES_MAX);

	return usec_max(c->checkpoint_us, size * (USEC_DAY / share));
}

static int failed(struct checkpoint *c, int error, struct problem *ret)
{
	problem_set(ret, c->part[c->writer.part].file, 0,
		"checkpoint not written: %s; make room in %s", strerror(-error), c->dir);
	checkpoint_abandon(&c->writer);
	c->stats.failures++;
	if (c->failing)
		return 0;
	c->failing = true;
	return error;
}

/* History of another boot that waits for the clock must not be overwritten, unless no clock is to
   be hoped for. */
static bool may_write(const struct checkpoint *c, enum checkpoint_part which, int64_t now_us)
{
	return which == CHECKPOINT_LEARNED || !c->waiting ||
	       now_us - c->loaded_us > GIVE_UP_CLOCK_US;
}

int checkpoint_tick(struct checkpoint *c, const struct checkpoint_state *state, int64_t now_us,
	int64_t wall_ms, struct problem *ret)
{
	struct checkpoint_writer *w = &c->writer;
	int error = 0;

	if (wall_ms && (c->waiting || c->restored_by_guess))
		checkpoint_clock_known(c, state, now_us, wall_ms);
	if (w->stage == CHECKPOINT_STAGE_SETTLE) {
		if (now_us >= w->settle_us) {
			error = checkpoint_commit(c, now_us);
			c->failing &= error != 0;
		}
	} else if (w->stage != CHECKPOINT_STAGE_IDLE) {
		error = checkpoint_slice(c, state, now_us, wall_ms, SLICE_BYTES);
	} else {
		for (unsigned i = 0; i < CHECKPOINT_PART_COUNT && w->stage == CHECKPOINT_STAGE_IDLE;
			i++) {
			enum checkpoint_part which = (enum checkpoint_part)i;

			if (may_write(c, which, now_us) &&
				now_us - c->part[i].last_us >= interval_us(c, which)) {
				error = checkpoint_begin(c, which, now_us, wall_ms);
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

	checkpoint_abandon(&c->writer);
	for (unsigned i = 0; i < CHECKPOINT_PART_COUNT; i++) {
		enum checkpoint_part which = (enum checkpoint_part)i;
		int error;

		if (!may_write(c, which, now_us) ||
			now_us - c->part[i].last_us < interval_us(c, which) / 4)
			continue;
		error = checkpoint_begin(c, which, now_us, wall_ms);
		if (!error)
			error = checkpoint_slice(c, state, now_us, wall_ms, INT64_MAX / 2);
		if (!error)
			error = checkpoint_commit(c, now_us);
		if (error) {
			failed(c, error, first ? NULL : ret);
			first = first ? first : error;
		}
	}
	return first;
}
