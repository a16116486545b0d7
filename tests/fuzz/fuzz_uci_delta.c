/*
 * Any bytes as a file and, behind a NUL, a delta of it: what results is written back into the text and means the same,
 * and every change that was read is written and read back.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec/uci_delta.h"
#include "codec/uci_rewrite.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ignore(void *user, int line, const char *text)
{
	(void)user;
	(void)line;
	(void)text;
}

static void need(bool true_always)
{
	if (!true_always)
		abort();
}

static bool same_word(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static void check_change(const struct uci_change *c, size_t most)
{
	char *text = malloc(most), *scratch = malloc(most);
	struct uci_change again;
	struct uci_writer w;
	struct uci_reader r;

	need(text && scratch);
	uci_writer_init(&w, text, most);
	uci_write_change(&w, c);
	need(w.length < most);
	uci_reader_init(&r, text, w.length, scratch, most);
	need(uci_delta_next(&r, &again) == 1);
	need(again.command == c->command && same_word(c->package, again.package) &&
		same_word(c->section, again.section) && same_word(c->option, again.option) &&
		same_word(c->value, again.value));
	free(text);
	free(scratch);
}

static void check_changes(const char *delta, size_t size)
{
	char *scratch = malloc(size + 2);
	struct uci_change c;
	struct uci_reader r;
	int result;

	need(scratch);
	uci_reader_init(&r, delta, size, scratch, size + 2);
	while ((result = uci_delta_next(&r, &c)) == 1 || result == -22)
		if (result == 1)
			check_change(&c, 4 * size + 64);
	free(scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data, *nul = memchr(data, '\0', size);
	const char *delta = nul ? nul + 1 : text + size;
	size_t text_size = nul ? (size_t)(nul - text) : size, length, room;
	size_t delta_size = size - (size_t)(delta - text);
	struct uci_document d, again;
	char *out;
	void *a, *b;

	if (size > 1 << 14)
		return 0;
	check_changes(delta, delta_size);
	room = uci_document_room(8 * size + 64);
	a = malloc(room);
	b = malloc(room);
	out = malloc(8 * size + 64);
	need(a && b && out);
	uci_document_init(&d, a, room);
	if (!uci_document_parse(&d, text, text_size, ignore, NULL)) {
		need(uci_document_apply(&d, "t", delta, delta_size) >= 0);
		if (uci_rewrite(&d, text, text_size, out, 8 * size + 64, b, room, &length)) {
			uci_document_init(&again, b, room);
			need(!uci_document_parse(&again, out, length, ignore, NULL));
			need(uci_document_same(&d, &again));
		}
		need(length < 8 * size + 64);
	}
	/* too little memory is an error like any other */
	uci_document_init(&d, a, 64 + size);
	if (!uci_document_parse(&d, text, text_size, ignore, NULL))
		uci_document_apply(&d, "t", delta, delta_size);
	free(a);
	free(b);
	free(out);
	return 0;
}
