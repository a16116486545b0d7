/*
 * A configuration on trial: the new file is in place, the old one beside it, and unless somebody confirms in time the
 * old one comes back: also after a crash or a power cut, because what is left beside the file says so.
 *
 *   none --trial_begin--> running --trial_confirm--> none
 *                            `----trial_roll_back--> none   (by hand, when due, or at the next start)
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/problem.h"

struct uci_store;

struct trial {
	bool running;
	int64_t due_us;
};

/*
 * Replaces file, which the store has open, with text; the old content is kept and a trial runs until due_us.  -EBUSY when a trial runs already, or as uci_store_replace().  0 or -errno with ret
 * filled.
 */
int trial_begin(struct trial *t, struct uci_store *store, const char *file, const char *text,
	size_t size, int64_t due_us, struct problem *ret);
int trial_confirm(struct trial *t, const char *file, struct problem *ret);
/* The store is opened anew for it, and closed. */
int trial_roll_back(struct trial *t, struct uci_store *store, const char *file,
	struct problem *ret);

/* At start: 1 when an unconfirmed file was rolled back, 0 when there was none, -errno. */
int trial_recover(const char *file);
