/*
 * How much of its quota each link has used in this calendar month, by the kernel's own counters; kept over restarts.  The
 * engine learns it as a hint (HINT_QUOTA_USED); what a collector reports of the operator's own count replaces it.
 *
 *   INPUT_COUNTERS --> quota_count() --> <state_dir>/quota   "device yyyymm bytes" a line, written atomically
 */
#pragma once

#include "core/input.h"

struct quota_link {
	char device[DEVICE_SIZE];
	int32_t month;  /* year * 100 + month, local time; 0: not known yet */
	uint64_t bytes; /* both ways, in that month */
	uint64_t last;  /* counter at the last reading */
	bool counting;  /* last holds a reading */
	uint64_t told;  /* bytes at the last hint */
};

struct quota {
	char file[128]; /* "": nothing is kept */
	struct quota_link link[LINKS_MAX];
	bool dirty;
	int64_t written_us;
};

/* Reads what an earlier run left; lines that cannot be read are skipped and counted in the return value. */
int quota_open(struct quota *q, const char *state_dir);

/* A reading of slot's counters.  month: of now, 0 while the clock is not to be trusted. */
void quota_count(struct quota *q, unsigned link, const char *device, const struct input_counters *c,
	int32_t month);

/* Fills ret with a hint when the slot's use has grown by a megabyte since the last one; false: nothing to tell. */
bool quota_hint(struct quota *q, unsigned link, struct input *ret);

/* About once a second: writes the file when something changed and ten minutes have passed, or at the end.  0 or -errno. */
int quota_write(struct quota *q, int64_t now_us, bool at_end);
