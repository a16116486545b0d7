#include "api/trial.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/usec.h"
#include "config/uci_store.h"

#define BEFORE_SIZE (UCI_STORE_PATH_SIZE + 16)

/*
 * ".autonomy.before" beside "autonomy": hidden, because uci takes every visible file of /etc/config for a package.
 */
static void beside(const char *file, char path[BEFORE_SIZE])
{
	const char *name = uci_store_package(file);

	snprintf(path, BEFORE_SIZE, "%.*s.%s.before", (int)(name - file), file, name);
}

int trial_begin(struct trial *t, struct uci_store *store, const char *file, const char *text,
	size_t size, int64_t due_us, struct problem *ret)
{
	char before[BEFORE_SIZE];
	int r;

	if (t->running) {
		problem_set(ret, file, 0,
			"a configuration waits for confirmation; confirm or roll it back first");
		return -EBUSY;
	}
	beside(file, before);
	r = uci_store_keep(store, before);
	if (r) {
		problem_set(ret, file, 0,
			"cannot keep the old configuration beside it (%s): make room",
			strerror(-r));
		return r;
	}
	r = uci_store_replace(store, text, size, ret);
	if (r) {
		(void)uci_store_remove(before);
		return r;
	}
	t->running = true;
	t->due_us = due_us;
	return 0;
}

/* As long as the old file is there it comes back at the next start, whatever was written since. */
static int finish(struct trial *t, const char *file, const char *before, struct problem *ret)
{
	int r = uci_store_remove(before);

	if (r) {
		problem_set(ret, file, 0,
			"cannot remove the old configuration beside it (%s): config confirm tries "
			"again, else it comes back",
			strerror(-r));
		return r;
	}
	t->running = false;
	t->due_us = USEC_NEVER;
	return 0;
}

int trial_confirm(struct trial *t, const char *file, struct problem *ret)
{
	char before[BEFORE_SIZE];

	beside(file, before);
	return finish(t, file, before, ret);
}

int trial_roll_back(struct trial *t, struct uci_store *store, const char *file, struct problem *ret)
{
	char before[BEFORE_SIZE], *text = NULL, *delta = NULL;
	size_t size, delta_size;
	int r;

	beside(file, before);
	r = uci_store_read(before, NULL, UCI_STORE_SIZE_MAX, &text, &size, &delta, &delta_size);
	if (r) {
		problem_set(ret, file, 0, "cannot bring the old file back: %s", strerror(-r));
		return r;
	}
	uci_store_close(store);
	r = uci_store_open(store, file, ret);
	if (!r)
		r = uci_store_replace(store, text, size, ret);
	uci_store_close(store);
	free(text);
	free(delta);
	return r ? r : finish(t, file, before, ret);
}

int trial_recover(const char *file)
{
	struct trial t = {.running = true};
	struct uci_store store;
	int r;

	uci_store_init(&store);
	r = trial_roll_back(&t, &store, file, NULL);
	uci_store_forget(&store);
	return r == -ENOENT ? 0 : r ? r : 1;
}
