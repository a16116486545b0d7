/*
 * The memory of a site: what its links did (core/witness.h), written down for months in little room.
 * Pure: bytes <-> structs; files are the business of io/sitefile.h and replay/site.h.
 *
 *      file   = block*
 *      block  = "ASB1" length:2 zero:2 crc:4 wall_ms:8 time_us:8 record*
 *      record = kind:1 body
 *
 * Fixed fields are little-endian; length is that of the records, crc (CRC-32) covers wall_ms,
 * time_us and the records.  A block stands alone: it begins with all links, the last row of each
 * path and what is in use.  Times are monotonic; wall_ms is Unix time at time_us, 0 while that was not known.
 */
#pragma once

#include "base/pack.h"
#include "core/witness.h"

#define SITELOG_BLOCK_SIZE 4096
#define SITELOG_HEADER_SIZE 28

enum sitelog_kind {
	SITELOG_LINK,  /* a link's name and what matters of its policy */
	SITELOG_ROW,   /* of a path */
	SITELOG_BYTES, /* that went over all links since the last one */
	SITELOG_END,   /* the daemon stops: what is known ends here */
	SITELOG_MOVE,  /* what class 0 uses in a family from here on */
	SITELOG_KIND_COUNT,
};

struct sitelog_link {
	uint8_t slot;
	char name[NAME_SIZE];
	uint8_t kind; /* enum link_kind */
	bool metered;
	int32_t preference;
	uint16_t order;
};

struct sitelog_record {
	enum sitelog_kind kind;
	int64_t at_us; /* monotonic; not for links */
	struct sitelog_link link;
	struct witness_row row;
	struct witness_move move;
	uint64_t bytes;
};

struct sitelog_writer {
	struct pack pack;
	int64_t time_us; /* of the last record */
	int64_t began_us;
	bool open;
	struct sitelog_link link[LINKS_MAX];
	uint32_t links; /* bit mask of slots */
	struct witness_row last[PATHS_MAX];
	struct witness_move used[FAMILY_COUNT]; /* at_us 0: none yet */
	uint8_t bytes[SITELOG_BLOCK_SIZE];
};

void sitelog_init(struct sitelog_writer *w);

/* The links as they are now; true when that is news, and so worth a new block. */
bool sitelog_set_links(struct sitelog_writer *w, const struct policy *policy);

void sitelog_begin(struct sitelog_writer *w, int64_t now_us, int64_t wall_ms);

/* 0, or -ENOSPC: end this block, begin another, and try again. */
int sitelog_put(struct sitelog_writer *w, const struct sitelog_record *record);

/* Bytes of the block, complete, in w->bytes; 0 when no block is open. */
size_t sitelog_end(struct sitelog_writer *w);

struct sitelog_reader {
	struct pack pack;
	int64_t wall_ms, time_us;
	int64_t at_us;
	size_t size; /* of the block, with its header */
};

/* data begins a block: 0; -ENODATA: more bytes are needed; -EBADMSG: not a block, or damaged. */
int sitelog_open(struct sitelog_reader *r, const uint8_t *data, size_t size);

/* 1 with a record, 0 at the end of the block, -EBADMSG. */
int sitelog_next(struct sitelog_reader *r, struct sitelog_record *ret);
