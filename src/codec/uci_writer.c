#include "codec/uci_text.h"

#include <string.h>

void uci_writer_init(struct uci_writer *w, char *buffer, size_t size)
{
	*w = (struct uci_writer){.buffer = buffer, .size = size};
	if (size)
		buffer[0] = '\0';
}

void uci_write_bytes(struct uci_writer *w, const char *bytes, size_t n)
{
	if (w->size && w->length < w->size - 1) {
		size_t room = w->size - 1 - w->length, fits = n < room ? n : room;

		memcpy(w->buffer + w->length, bytes, fits);
		w->buffer[w->length + fits] = '\0';
	}
	w->length += n;
}

void uci_write_text(struct uci_writer *w, const char *text)
{
	uci_write_bytes(w, text, strlen(text));
}

/* 'text', where a quote becomes '\'' */
void uci_write_quoted(struct uci_writer *w, const char *text)
{
	uci_write_text(w, "'");
	for (;;) {
		size_t n = strcspn(text, "'");

		uci_write_bytes(w, text, n);
		text += n;
		if (!*text++)
			break;
		uci_write_text(w, "'\\''");
	}
	uci_write_text(w, "'");
}

void uci_write_section(struct uci_writer *w, const char *type, const char *name)
{
	uci_write_text(w, "\nconfig ");
	/*
	 * uci writes types bare, whatever they contain; those it could not read back are quoted
	 * here
	 */
	if (strpbrk(type, "'\"\\#;"))
		uci_write_quoted(w, type);
	else
		uci_write_text(w, type);
	if (name) {
		uci_write_text(w, " ");
		uci_write_quoted(w, name);
	}
	uci_write_text(w, "\n");
}

static void write_pair(struct uci_writer *w, const char *keyword, const char *name,
	const char *value)
{
	uci_write_text(w, keyword);
	uci_write_text(w, name);
	uci_write_text(w, " ");
	uci_write_quoted(w, value);
	uci_write_text(w, "\n");
}

void uci_write_option(struct uci_writer *w, const char *name, const char *value)
{
	write_pair(w, "\toption ", name, value);
}

void uci_write_item(struct uci_writer *w, const char *name, const char *item)
{
	write_pair(w, "\tlist ", name, item);
}

void uci_write_comment(struct uci_writer *w, bool indented, const char *text)
{
	uci_write_text(w, indented ? "\t#" : "#");
	if (*text)
		uci_write_text(w, " ");
	for (; *text; text++)
		uci_write_bytes(w, *text == '\n' || *text == '\r' ? " " : text, 1);
	uci_write_text(w, "\n");
}

void uci_write_end(struct uci_writer *w)
{
	uci_write_text(w, "\n");
}

size_t uci_document_print(const struct uci_document *d, char *buffer, size_t size)
{
	struct uci_writer w;

	uci_writer_init(&w, buffer, size);
	for (const struct uci_section *s = d->section; s; s = s->next) {
		uci_write_section(&w, s->type, s->anonymous ? NULL : s->name);
		for (const struct uci_option *o = s->option; o; o = o->next)
			for (const struct uci_item *i = o->item; i; i = i->next) {
				if (o->list)
					uci_write_item(&w, o->name, i->text);
				else
					uci_write_option(&w, o->name, i->text);
			}
	}
	uci_write_end(&w);
	return w.length;
}
