/*
 * What survives a restart and a power cut: what was learned of every path, the ledger, the history
 * (10 s and 5 min cells).  Keyed by device name and family, since slots may differ after a boot.
 *
 *      <state_dir>/learned        learned states, ledger, event numbers
 *      <state_dir>/history-10s    a day of 10 s cells
 *      <state_dir>/history-5min   90 days of 5 min cells
 *
 * Each file is written anew every checkpoint_us, or less often: each has its share of
 * flash_bytes_per_day, and a file of n bytes waits until its share has paid for n bytes.  (A cell
 * takes 1.5 to 2.7 bytes.  Four links of one family after 90 days: 20, 50 and 260 KiB; with 1 MB a
 * day that is every 2, 5 and 26 hours.  What the 5 min file lacks is made from the 10 s file.)
 *
 * A file is written in slices of a few KiB a second to a temporary one, handed to the kernel's
 * write-back, synced some seconds later (when that no longer blocks) and renamed.  So a power cut
 * leaves the old file or the new one, and the loop never waits for the medium.  A file that does
 * not read is renamed to <name>.corrupt-<n> and reported; what could be read of it before the
 * damage is used.
 *
 * Times across a boot: cells carry wall clock time when that is known, and always the boot's id and
 * monotonic time.  Same boot: exact.  Other boot: by wall clock.  While the clock is not to be
 * trusted (wall_ms 0), history of another boot waits; after an hour without a clock it is given up.
 */
#pragma once

#include "base/problem.h"
#include "core/engine.h"
#include "core/eventring.h"
#include "core/history.h"
#include "core/ledger.h"

struct checkpoint;

/* Where the state comes from when it is written, and goes to when it is read. */
struct checkpoint_state {
	const struct engine *engine; /* not needed for checkpoint_adopt() */
	struct history *history;
	struct ledger *ledger;
	const struct eventring *events;
};

/* Unix time in ms, or 0 while the clock is not to be trusted: before 2024, or not synchronised
   within the first five minutes after the boot (a router without a battery starts with the time of
   its last shutdown). */
int64_t checkpoint_wall_ms(void);

/* Makes the directory (one level) if it is missing.  NULL with ret filled. */
struct checkpoint *checkpoint_new(const char *state_dir, int64_t checkpoint_us,
	int64_t flash_bytes_per_day, struct problem *ret);
void checkpoint_free(struct checkpoint *c);
void checkpoint_configure(struct checkpoint *c, int64_t checkpoint_us, int64_t flash_bytes_per_day);

/*
 * Reads the files, once, at the start.  The ledger is filled; learned states and the place of
 * history are kept by device until checkpoint_adopt().  wall_ms: Unix time at now_us; 0: not
 * known.  ret_next_event: number for eventring_init() (1 when nothing is known).  0, or -EBADMSG
 * with ret filled when a file was set aside (the rest is used), or -errno.
 */
int checkpoint_load(struct checkpoint *c, int64_t now_us, int64_t wall_ms, struct ledger *ledger,
	uint64_t *ret_next_event, struct problem *ret);

/*
 * A device has taken a slot: fills in the history of its paths and, for each family of which
 * something was learned, an INPUT_LEARNED input for the engine.  Returns how many inputs
 * (0..FAMILY_COUNT).  Later calls for the same device give 0.
 */
size_t checkpoint_adopt(struct checkpoint *c, unsigned link, const char *device, int64_t now_us,
	int64_t wall_ms, const struct checkpoint_state *state, struct input ret[FAMILY_COUNT]);

/* About once a second: does one slice of what is due.  Returns 0, or -errno once per failure with
   ret filled. */
int checkpoint_tick(struct checkpoint *c, const struct checkpoint_state *state, int64_t now_us,
	int64_t wall_ms, struct problem *ret);

/* At the end: writes whole and synced what has not been written for a quarter of its time. */
int checkpoint_finish(struct checkpoint *c, const struct checkpoint_state *state, int64_t now_us,
	int64_t wall_ms, struct problem *ret);

struct checkpoint_stats {
	uint64_t written, bytes, failures;
	int64_t last_us; /* 0: none yet */
};

void checkpoint_stats(const struct checkpoint *c, struct checkpoint_stats *ret);
