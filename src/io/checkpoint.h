/*
 * What survives a restart and a power cut: what was learned of every path, the ledger, the history (10 s and 5 min cells).
 * Keyed by device name and family, since slots may differ after a boot.
 *
 *   <state_dir>/learned   learned states, ledger, event numbers: some KiB, every checkpoint_us
 *   <state_dir>/history   as often as flash_bytes_per_day leaves room for
 *
 * Each is written in slices of a few KiB a second to a temporary file, handed to the kernel's write-back, synced some
 * seconds later (when that no longer blocks) and renamed.  So a power cut leaves the old file or the new one.  A file that
 * does not read is renamed to <name>.corrupt-<n> and reported; what could be read of it before the damage is used.
 *
 * Times across a boot: history carries wall clock time when the clock was sane (not before 2024), and always the boot's id
 * and monotonic time.  Same boot: exact.  Other boot: by wall clock; if either clock is not sane, or the file is from
 * the future, the history is left where it is and not used.
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
	const struct engine *engine;
	struct history *history;
	struct ledger *ledger;
	const struct eventring *events;
};

/* Makes the directory (one level) if it is missing.  NULL with ret filled. */
struct checkpoint *checkpoint_new(const char *state_dir, int64_t checkpoint_us,
	int64_t flash_bytes_per_day, struct problem *ret);
void checkpoint_free(struct checkpoint *c);
void checkpoint_configure(struct checkpoint *c, int64_t checkpoint_us, int64_t flash_bytes_per_day);

/*
 * Reads both files, once, at the start.  The ledger is filled; learned states and the place of history are kept by
 * device until checkpoint_adopt().  wall_ms: Unix time at now_us.  ret_next_event: number for eventring_init() (1 when
 * nothing is known).  0, or -EBADMSG with ret filled when a file was set aside (the rest is used), or -errno.
 */
int checkpoint_load(struct checkpoint *c, int64_t now_us, int64_t wall_ms, struct ledger *ledger,
	uint64_t *ret_next_event, struct problem *ret);

/*
 * A device has taken a slot: fills in the history of its paths and, for each family of which something was learned, an
 * INPUT_LEARNED input for the engine.  Returns how many inputs (0..FAMILY_COUNT).  Later calls for the same device give 0.
 */
size_t checkpoint_adopt(struct checkpoint *c, unsigned link, const char *device, int64_t now_us,
	int64_t wall_ms, struct history *history, struct input ret[FAMILY_COUNT]);

/* About once a second: does one slice of what is due.  Returns 0, or -errno once per failure with ret filled. */
int checkpoint_tick(struct checkpoint *c, const struct checkpoint_state *state, int64_t now_us,
	int64_t wall_ms, struct problem *ret);

/* At the end: writes both files whole and synced, within the budget's reserve. */
int checkpoint_finish(struct checkpoint *c, const struct checkpoint_state *state, int64_t now_us,
	int64_t wall_ms, struct problem *ret);

struct checkpoint_stats {
	uint64_t written, bytes, failures;
	int64_t last_us;      /* 0: none yet */
	int64_t budget_bytes; /* that may be written now */
};

void checkpoint_stats(const struct checkpoint *c, struct checkpoint_stats *ret);

/* A line of text for every file that was set aside; for the fuzzer and autonomyctl: checks the bytes of either file. */
int checkpoint_check(const uint8_t *data, size_t size);
