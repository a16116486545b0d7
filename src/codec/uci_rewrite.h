/* A changed document back into the text it was read from, so that comments and layout stay. */
#pragma once

#include "codec/uci_text.h"

/*
 * Writes text with the changes that were made to d since it was read from it, and from nothing else.  What cannot be
 * told that way (sections in another order, say) is written in uci's layout instead: false then.  What is written
 * always means d.  memory: at least uci_document_room(of what is written), or smaller ones end in uci's layout.
 */
bool uci_rewrite(const struct uci_document *d, const char *text, size_t size, char *buffer,
	size_t buffer_size, void *memory, size_t memory_size, size_t *ret_length);

/* Whether both say the same: sections, their names as far as they have one, options and items, in their order. */
bool uci_document_same(const struct uci_document *a, const struct uci_document *b);
bool uci_option_same(const struct uci_option *a, const struct uci_option *b);
