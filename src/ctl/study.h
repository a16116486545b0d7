/* whatif and tune: autonomy-replay does the work, in a process of the user's and not the daemon's. */
#pragma once

#include "ctl/arguments.h"

/* Asks the daemon where its record is (without one: where it usually is). */
enum exit_code study_run(struct arguments *a);

/*
 * What is left of the words when those for autonomyctl are taken out: --apply and --confirm DURATION.  False: --confirm
 * without a value.  kept has room for n words.
 */
bool study_split(char *const words[], int n, const char *kept[], int *ret_n, bool *ret_apply,
	const char **ret_confirm);
