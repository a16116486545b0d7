/*
 * Any bytes as a configuration of the predecessor: what comes out is a configuration of today, and comes out of a second
 * import as it went in.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "ctl/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void note(void *user, const struct import_note *n)
{
	unsigned *notes = user;

	if (n->line < 1 || n->fate >= IMPORT_FATE_COUNT || (n->fate != IMPORT_KEPT && !*n->to))
		abort();
	(*notes)++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct config config;
	static struct config_problems problems;
	struct problem problem = {"", 0, ""};
	char *made = NULL, *again = NULL;
	size_t made_size, again_size;
	unsigned notes = 0;

	if (import_text("old", (const char *)data, size, note, &notes, &made, &made_size,
		    &problem)) {
		if (!*problem.text || made)
			abort();
		return 0;
	}
	/* a file of today that is as it was may be wrong, too */
	if (made_size != size || memcmp(made, data, size) != 0) {
		if (config_parse("made", made, made_size, &config, &problems))
			abort();
		if (import_text("made", made, made_size, note, &notes, &again, &again_size,
			    &problem) ||
			again_size != made_size || memcmp(again, made, made_size) != 0)
			abort();
	}
	free(again);
	free(made);
	return 0;
}
