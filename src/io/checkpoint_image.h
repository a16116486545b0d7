/*
 * The bytes of a checkpoint file, and back.  No files here: what is read may be anything.
 *
 *      file    = header block* end
 *      header  = "AUCKPT1\0" version:2 part:2 wall_ms:8 now_us:8 boot:16 crc:4
 *      block   = length:2 tag:1 zero:1 crc:4 payload
 *
 * Fixed fields are little-endian.  A block's length is that of its payload; its crc is of the tag
 * and the payload.
 *
 * Payloads are packed (base/pack.h).  Cells of history are stored by column as differences to the
 * cell before, since a quiet link's cells hardly differ: a byte and a half a cell.
 */
#pragma once

#include "core/history.h"
#include "core/ledger.h"

#define CHECKPOINT_VERSION 1
#define CHECKPOINT_HEADER_SIZE 48
#define CHECKPOINT_BLOCK_MAX 4096 /* with its header */
#define CHECKPOINT_BOOT_SIZE 16
#define CHECKPOINT_CELLS_MAX 320 /* in one block */

enum checkpoint_part {
	CHECKPOINT_LEARNED,
	CHECKPOINT_10S,
	CHECKPOINT_5MIN,
	CHECKPOINT_PART_COUNT,
};

struct checkpoint_header {
	enum checkpoint_part part;
	int64_t wall_ms; /* Unix time at now_us; 0: not known */
	int64_t now_us;
	uint8_t boot[CHECKPOINT_BOOT_SIZE]; /* of /proc/sys/kernel/random/boot_id */
};

enum checkpoint_tag {
	CHECKPOINT_TAG_END, /* number: blocks before this one */
	CHECKPOINT_TAG_LEARNED,
	CHECKPOINT_TAG_LEDGER,
	CHECKPOINT_TAG_SLOT,   /* number: slot that device had when the ledger was written */
	CHECKPOINT_TAG_EVENTS, /* number: of the next event */
	CHECKPOINT_TAG_CELLS,
	CHECKPOINT_TAG_COUNT,
};

struct checkpoint_cells {
	enum history_resolution resolution;
	bool this_boot;  /* first is good in the boot of the header */
	int64_t first;   /* number of the first cell */
	int64_t wall_ms; /* Unix time of its beginning; 0: not known */
	uint16_t n;
	struct history_cell cell[CHECKPOINT_CELLS_MAX];
};

struct checkpoint_item {
	enum checkpoint_tag tag;
	char device[DEVICE_SIZE]; /* LEARNED, SLOT, CELLS */
	uint8_t family;           /* LEARNED, CELLS */
	union {
		uint64_t number;
		struct path_learned learned;
		struct ledger_entry entry;
		struct checkpoint_cells cells;
	};
};

void checkpoint_header_encode(const struct checkpoint_header *header,
	uint8_t ret[CHECKPOINT_HEADER_SIZE]);
/* 0, -ENODATA, -EBADMSG or -EPROTONOSUPPORT. */
int checkpoint_header_decode(const uint8_t *data, size_t size, struct checkpoint_header *ret);

/* Bytes of the block, or -ERANGE when a field holds what it may not. */
int checkpoint_block_encode(const struct checkpoint_item *item, uint8_t ret[CHECKPOINT_BLOCK_MAX]);
/* Bytes of the block that begins at data; -ENODATA: it ends behind size; -EBADMSG, -ERANGE:
   damaged. */
int checkpoint_block_decode(const uint8_t *data, size_t size, struct checkpoint_item *ret);

/*
 * Checks the bytes of a whole file.  0; -ENODATA: it ends too early; -EBADMSG, -ERANGE,
 * -EPROTONOSUPPORT; ret_at: where, or the end.
 */
int checkpoint_check(const uint8_t *data, size_t size, size_t *ret_at);
