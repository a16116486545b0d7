/*
 * Changes to a configuration file by the names people use.
 *
 *   SECTION   wan, main, @match[0]    as in the file; of those there is one only, also by the type
 *             default                 what holds for all links (config defaults)
 *             class.calls, link.wan, target.1.1.1.1   type, and what it is called or, for a target, its address
 *             NULL                    a new section without a name
 */
#pragma once

#include "base/problem.h"
#include "codec/uci_text.h"

enum config_edit_what {
	CONFIG_EDIT_SET, /* value: NULL or "" takes it away; without option, the section's type */
	CONFIG_EDIT_APPEND, /* one more item */
	CONFIG_EDIT_REMOVE, /* the items that say so */
};

struct config_edit {
	enum config_edit_what what;
	const char *section; /* NULL: a new one of this type */
	const char *type;    /* of a section that may have to be made; NULL: it must be known */
	const char *option;  /* NULL: the section itself */
	const char *value;
};

/*
 * Carries the change out on the file's document.  0 with the section, NULL when it was taken away; -EINVAL, -ENOENT or
 * -ENOMEM with ret filled: place is section.option.
 */
int config_edit(struct uci_document *d, const struct config_edit *edit,
	struct uci_section **ret_section, struct problem *ret);

/*
 * "section.option=value", "section.option+=item", "section.option-=item", "section=type", "+type" in words: text is
 * cut.  False: it is none of these.
 */
bool config_edit_read(char *text, struct config_edit *ret);
