/*
 * Which device has which slot.  Numbers of tables, nexthops and marks follow from the slot, so it
 * stays with a device's name for good: over unplugging, over a restart (the file), and until all
 * slots are taken and it has been gone longest.  The interface that netifd had last on the device stands
 * beside it, so that a successor calls links by their names before netifd has answered.
 *
 *   # slot device interface
 *   0 eth1 wan
 *   1 wwan0
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/problem.h"
#include "core/limits.h"

struct slot {
	char device[DEVICE_SIZE];  /* "": free */
	char interface[NAME_SIZE]; /* "": none */
	bool kept;                 /* configured: not to be recycled */
	int64_t absent_since_us;   /* 0: the device is there */
};

struct slots {
	struct slot slot[LINKS_MAX];
};

/* -1: none. */
int slots_find(const struct slots *s, const char *device);

/*
 * A slot for a device that has none: a free one, or that of the device that has been gone longest
 * and is not kept; for a kept one (must) at last the newest that is not kept.  -1: all are taken.
 * *ret_was gets who had it, "" if nobody.
 */
int slots_allot(struct slots *s, const char *device, bool must, char ret_was[DEVICE_SIZE]);

/* From text; a bad line is told of and skipped.  file is for the messages.  Every device read is
   absent since now. */
typedef void slots_problem_fn(void *user, const struct problem *problem);
void slots_parse(struct slots *ret, const char *file, const char *text, size_t size, int64_t now_us,
	slots_problem_fn *tell, void *user);

/* Returns the bytes needed, as snprintf. */
size_t slots_print(const struct slots *s, char *buffer, size_t size);

/* The file; 0, -ENOENT (ret is empty) or another -errno. */
int slots_load(struct slots *ret, const char *file, int64_t now_us, slots_problem_fn *tell,
	void *user);

/* Atomically: a new file under another name, renamed. */
int slots_save(const struct slots *s, const char *file);
