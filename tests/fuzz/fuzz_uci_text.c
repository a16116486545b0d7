/*
 * Any bytes as a file of /etc/config: what is accepted is written and read back to the same
 * document.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec/uci_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ignore(void *user, int line, const char *text)
{
	(void)user;
	if (line < 1 || !*text)
		abort();
}

static void check_same(const struct uci_document *a, const struct uci_document *b)
{
	const struct uci_section *s = a->section, *t = b->section;

	for (; s && t; s = s->next, t = t->next) {
		const struct uci_option *o = s->option, *p = t->option;

		if (strcmp(s->type, t->type) != 0 || strcmp(s->name, t->name) != 0)
			abort();
		for (; o && p; o = o->next, p = p->next) {
			const struct uci_item *i = o->item, *k = p->item;

			if (strcmp(o->name, p->name) != 0 || o->list != p->list)
				abort();
			for (; i && k; i = i->next, k = k->next)
				if (strcmp(i->text, k->text) != 0)
					abort();
			if (i || k)
				abort();
		}
		if (o || p)
			abort();
	}
	if (s || t)
		abort();
}

/*
 * An anonymous section whose made-up name another section has taken prints as two that merge: not
 * comparable.
 */
static bool has_twins(const struct uci_document *d)
{
	for (const struct uci_section *s = d->section; s; s = s->next)
		if (uci_document_section(d, s->name) != s)
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct uci_document d, again;
	size_t room, printed;
	char *text = NULL;
	void *a, *b = NULL;

	if (size > 1 << 16)
		return 0;
	room = uci_document_room(size);
	a = malloc(room);
	if (!a)
		abort();
	uci_document_init(&d, a, room);
	if (!uci_document_parse(&d, (const char *)data, size, ignore, NULL) && !has_twins(&d)) {
		printed = uci_document_print(&d, NULL, 0);
		text = malloc(printed + 1);
		room = uci_document_room(printed);
		b = malloc(room);
		if (!text || !b)
			abort();
		uci_document_print(&d, text, printed + 1);
		uci_document_init(&again, b, room);
		if (uci_document_parse(&again, text, printed, ignore, NULL))
			abort();
		check_same(&d, &again);
	}
	/* too little memory is an error like any other */
	uci_document_init(&d, a, room / 8);
	uci_document_parse(&d, (const char *)data, size, ignore, NULL);
	free(a);
	free(b);
	free(text);
	return 0;
}
