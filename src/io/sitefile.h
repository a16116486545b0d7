/*
 * The memory of a site (core/sitelog.h) in files of bounded size: site.rec, and site.old before it.  Blocks
 * are appended when they are full, every ten minutes, when somebody asks for them, and at the end; nothing is
 * synced.  A day's writes are bounded: what a busy day has too much is left out and counted.  A write
 * error is told once and ends it.
 */
#pragma once

#include "base/problem.h"
#include "core/sitelog.h"

struct sitefile {
	char dir[96];
	int fd;               /* -1: not recording */
	uint64_t limit_bytes; /* of both files together */
	uint64_t file_bytes;  /* of the one being written */
	uint64_t day_bytes,
		day_left_bytes; /* what may be written in a day, and is left of it; UINT64_MAX: no limit */
	int64_t day_us;         /* when that was filled last */
	int64_t bytes_us;                    /* when user bytes were written last */
	int64_t looked_us, wall_ms, wall_us; /* the last look; Unix time at wall_us */
	uint64_t blocks, dropped;            /* dropped: for the day's allowance was used up */
	struct problem problem;              /* of a step, told by the next tick */
	struct witness witness;
	struct sitelog_writer writer;
};

/* limit_bytes 0: do not record.  day_bytes UINT64_MAX: dir is no flash.  0 or -errno with ret filled. */
int sitefile_open(struct sitefile *s, const char *dir, uint64_t limit_bytes, uint64_t day_bytes,
	struct problem *ret);

static inline bool sitefile_active(const struct sitefile *s)
{
	return s->limit_bytes && s->fd >= 0;
}

/* Each input that the engine has taken. */
void sitefile_step(struct sitefile *s, const struct input *in, const struct engine *e);

/* About once a second.  0 or -errno with ret filled. */
int sitefile_tick(struct sitefile *s, const struct engine *e, int64_t now_us, int64_t wall_ms,
	struct problem *ret);

/* Writes what is known so far, for who wants to read it now.  0 or -errno with ret filled. */
int sitefile_flush(struct sitefile *s, const struct engine *e, int64_t now_us, struct problem *ret);

/* Writes what is left. */
void sitefile_close(struct sitefile *s, const struct engine *e, int64_t now_us);
