/*
 * A configuration written for autonomy's predecessor, as one of today.
 *
 *   old text -> document -> a rule for every option (import_table.c) -> new document, and notes of what became of each
 *
 * Nothing is lost: what has no place today stands as comments at the end of the new text, with the reason; so do the
 * comments of the old one.  A text that holds nothing old or unknown comes out as it went in, byte for byte.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/problem.h"

enum import_fate {
	IMPORT_KEPT,    /* is of today */
	IMPORT_MAPPED,  /* to: section.option 'value' */
	IMPORT_DEFAULT, /* what the predecessor shipped anyway: today's default holds */
	IMPORT_DROPPED, /* to: the reason */
	IMPORT_UNKNOWN, /* neither of then nor of today */
	IMPORT_FATE_COUNT,
};

const char *import_fate_name(enum import_fate fate);

struct import_note {
	enum import_fate fate;
	int line;
	const char *type, *section; /* section "": it has no name */
	const char *option;         /* "": the section itself */
	const char *value;
	const char *to;
};

typedef void import_note_fn(void *user, const struct import_note *note);

/*
 * 0 with the new text, which the caller frees and which the reader of today accepts; -EINVAL when the old one cannot be
 * read, -EFBIG when the new one is too large for a configuration, -ENOMEM; ret says what and where.
 */
int import_text(const char *name, const char *text, size_t size, import_note_fn *tell, void *user,
	char **ret_text, size_t *ret_size, struct problem *ret);
