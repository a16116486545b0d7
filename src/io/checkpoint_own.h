/* Between checkpoint.c (when), checkpoint_read.c and checkpoint_write.c; nobody else's business. */
#pragma once

#include <sys/types.h>

#include "base/usec.h"
#include "io/checkpoint.h"
#include "io/checkpoint_image.h"

#define CHECKPOINT_FILE_SIZE 160
#define CHECKPOINT_KNOWN_MAX (2 * LINKS_MAX * FAMILY_COUNT)
#define CHECKPOINT_BYTES_MAX (16 << 20) /* of a file */

/* What a device's path had learned when it was last seen. */
struct checkpoint_known {
	bool used;
	char device[DEVICE_SIZE];
	uint8_t family;
	struct path_learned learned;
};

struct checkpoint_file {
	char file[CHECKPOINT_FILE_SIZE];        /* where it is written to */
	char source[CHECKPOINT_FILE_SIZE + 16]; /* where it was read from; "": nowhere */
	struct checkpoint_header header;        /* of the source */
	off_t source_end;                       /* of what is good in it */
	int64_t last_us;                        /* begin of the last writing, in this boot's time */
	int64_t size;                           /* of the last one written or read */
};

enum checkpoint_stage {
	CHECKPOINT_STAGE_IDLE,
	CHECKPOINT_STAGE_EVENTS,
	CHECKPOINT_STAGE_SLOTS,
	CHECKPOINT_STAGE_LEDGER,
	CHECKPOINT_STAGE_LEARNED,
	CHECKPOINT_STAGE_KNOWN,
	CHECKPOINT_STAGE_CELLS,
	CHECKPOINT_STAGE_COPY,
	CHECKPOINT_STAGE_END,
	CHECKPOINT_STAGE_SETTLE,
};

struct checkpoint_reader {
	int fd;
	uint8_t buffer[2 * CHECKPOINT_BLOCK_MAX];
	size_t have, at;
	off_t offset; /* of buffer[at] in the file */
};

struct checkpoint_writer {
	enum checkpoint_stage stage;
	enum checkpoint_part part;
	int fd;
	char file[CHECKPOINT_FILE_SIZE + 32]; /* the temporary one */
	unsigned path;                        /* or slot, or index */
	int64_t number;                       /* of the next cell or entry */
	bool started;                         /* number is set for this path */
	uint64_t blocks;
	int64_t bytes, begun_us, settle_us;
	struct checkpoint_reader copy;
};

struct checkpoint {
	char dir[CHECKPOINT_FILE_SIZE];
	int64_t checkpoint_us, flash_bytes_per_day;
	uint8_t boot[CHECKPOINT_BOOT_SIZE];
	struct checkpoint_file part[CHECKPOINT_PART_COUNT];
	struct checkpoint_known known[CHECKPOINT_KNOWN_MAX];
	struct checkpoint_writer writer;

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

extern const char *const checkpoint_part_name[CHECKPOINT_PART_COUNT];
extern const enum history_resolution checkpoint_part_resolution[CHECKPOINT_PART_COUNT];

/* Written in this boot. */
bool checkpoint_same_boot(const struct checkpoint *c, const struct checkpoint_header *header);

/* checkpoint_read.c: 0 or -errno; bytes of the next block or -errno. */
int checkpoint_reader_open(struct checkpoint_reader *r, const char *file,
	struct checkpoint_header *ret);
int checkpoint_reader_next(struct checkpoint_reader *r, struct checkpoint_item *ret);
/* Remembers what a device's path has learned. */
void checkpoint_know(struct checkpoint *c, const struct checkpoint_item *item);
/* The clock has become known: what waited for it is put in its place. */
void checkpoint_clock_known(struct checkpoint *c, const struct checkpoint_state *state,
	int64_t now_us, int64_t wall_ms);

/* checkpoint_write.c: a temporary file is begun, written in slices until the stage is
   CHECKPOINT_STAGE_SETTLE, and put in place of the old one; or given up. */
int checkpoint_begin(struct checkpoint *c, enum checkpoint_part which, int64_t now_us,
	int64_t wall_ms);
int checkpoint_slice(struct checkpoint *c, const struct checkpoint_state *state, int64_t now_us,
	int64_t wall_ms, int64_t bytes);
int checkpoint_commit(struct checkpoint *c, int64_t now_us);
void checkpoint_abandon(struct checkpoint_writer *w);
