/*
 * Changes to a document, one at a time, and the files that uci keeps of them until they are committed (/tmp/.uci/NAME).
 * A line is a prefix, package.section[.option], and mostly ='value':
 *
 *      set     system.lan.proto='dhcp'       also a section's type, which makes one: network.lan='interface'
 *      delete -network.lan.proto             without an option the section; ='2' an item of a list, from 0
 *      add    +system.cfg01e48a='system'     an anonymous section
 *      rename @network.lan='home'            also of an option
 *      order  ^network.lan='0'               the section's place, from 0
 *      append |network.lan.dns='1.1.1.1'
 *      remove ~network.lan.dns='1.1.1.1'     all items that say so
 */
#pragma once

#include "codec/uci_text.h"

enum uci_command {
	UCI_COMMAND_SET,
	UCI_COMMAND_DELETE,
	UCI_COMMAND_ADD,
	UCI_COMMAND_RENAME,
	UCI_COMMAND_ORDER,
	UCI_COMMAND_APPEND,
	UCI_COMMAND_REMOVE,
	UCI_COMMAND_COUNT,
};

struct uci_change {
	enum uci_command command;
	int line;
	const char *package, *section;
	const char *option, *value; /* NULL: not given */
};

/*
 * The next change of a delta file.  1; 0 at the end; -EINVAL: uci passes over such a line, r->problem says why; -ENOSPC:
 * it does not fit into the scratch.  The words lie in the reader's scratch until the next call.
 */
int uci_delta_next(struct uci_reader *r, struct uci_change *ret);

/*
 * Carries out one change, as uci would.  -ENOENT: what is to be changed is not there; -EINVAL: it cannot be done to
 * that; -ENOMEM.  The document's lists may be empty afterwards, until uci_document_prune().
 */
int uci_document_change(struct uci_document *d, const struct uci_change *change);
/* Options without any value go, as they do when uci writes the file. */
void uci_document_prune(struct uci_document *d);

/*
 * Carries out what a delta file says of this package, in its order; lines at fault are passed over, as uci does.
 * Returns the number of changes, or -ENOMEM.
 */
int uci_document_apply(struct uci_document *d, const char *package, const char *text, size_t size);

void uci_write_change(struct uci_writer *w, const struct uci_change *change);
