#include "codec/uci_rewrite.h"

#include <string.h>

/*
 * One walk over the old text.  What lies between statements is copied; a statement is copied while the document still
 * holds what it said, and left out otherwise.  New values follow the last statement of their option, new options the
 * last statement of their section, new sections the end.  A document that cannot be had that way shows when the result
 * is read again.
 */
struct rewrite {
	const struct uci_document *d;
	const char *text;
	size_t size, at; /* copied or left out so far */
	const struct uci_section *section;
	struct uci_writer w;
};

static void copy_to(struct rewrite *r, size_t to)
{
	if (to > r->at)
		uci_write_bytes(&r->w, r->text + r->at, to - r->at);
	r->at = to;
}

static void new_line(struct rewrite *r)
{
	size_t n = r->w.length;

	if (n && n < r->w.size && r->w.buffer[n - 1] != '\n')
		uci_write_text(&r->w, "\n");
}

static void write_items(struct rewrite *r, const struct uci_option *o, bool all)
{
	for (const struct uci_item *i = o->item; i; i = i->next) {
		if (i->place && !all)
			continue;
		if (o->list)
			uci_write_item(&r->w, o->name, i->text);
		else
			uci_write_option(&r->w, o->name, i->text);
	}
}

static void end_section(struct rewrite *r)
{
	for (const struct uci_option *o = r->section ? r->section->option : NULL; o; o = o->next)
		if (!o->place) {
			new_line(r);
			write_items(r, o, true);
		}
	r->section = NULL;
}

static const struct uci_section *section_at(const struct uci_document *d, size_t place)
{
	for (const struct uci_section *s = d->section; s; s = s->next)
		if (s->place == place)
			return s;
	return NULL;
}

/* Behind the statement: past its end of line, when only a comment is left before it. */
static size_t line_after(const struct rewrite *r, size_t at)
{
	const char *end;

	while (at < r->size && strchr(" \t\r", r->text[at]) && r->text[at])
		at++;
	if (at < r->size && (r->text[at] == '\n' || r->text[at] == '#')) {
		end = memchr(r->text + at, '\n', r->size - at);
		return end ? (size_t)(end - r->text) + 1 : r->size;
	}
	return at;
}

static size_t line_before(const struct rewrite *r, size_t at)
{
	while (at > r->at && (r->text[at - 1] == ' ' || r->text[at - 1] == '\t'))
		at--;
	return at;
}

static void leave_out(struct rewrite *r, const struct uci_statement *s)
{
	copy_to(r, line_before(r, s->begin));
	r->at = line_after(r, s->end);
}

static void take_section(struct rewrite *r, const struct uci_statement *s)
{
	const struct uci_section *found = section_at(r->d, s->begin + 1);

	end_section(r);
	/* a section may be opened a second time by its name */
	if (!found && *s->word[1])
		found = uci_document_section(r->d, s->word[1]);
	r->section = found;
	if (!found)
		leave_out(r, s);
	else
		copy_to(r, line_after(r, s->end));
}

static bool holds(const struct uci_option *o, size_t place)
{
	for (const struct uci_item *i = o->item; i; i = i->next)
		if (i->place == place)
			return true;
	return false;
}

static void take_option(struct rewrite *r, const struct uci_statement *s)
{
	const struct uci_option *o = r->section ? uci_section_option(r->section, s->word[0]) : NULL;
	bool last = o && o->place == s->begin + 1;

	if (o && holds(o, s->begin + 1)) {
		copy_to(r, line_after(r, s->end));
		if (last && o->item->next)
			new_line(r);
		if (last)
			write_items(r, o, false);
		return;
	}
	if (!last || o->item->next || o->item->place) {
		leave_out(r, s);
		if (last)
			write_items(r, o, false);
		return;
	}
	/* one value for another: its comment stays */
	copy_to(r, s->begin);
	uci_write_text(&r->w, o->list ? "list " : "option ");
	uci_write_text(&r->w, o->name);
	uci_write_text(&r->w, " ");
	uci_write_quoted(&r->w, o->item->text);
	r->at = s->end;
}

static void walk(struct rewrite *r, char *scratch, size_t scratch_size)
{
	struct uci_statement s;
	struct uci_reader reader;

	uci_reader_init(&reader, r->text, r->size, scratch, scratch_size);
	while (uci_reader_next(&reader, &s) == 1) {
		switch (s.keyword) {
		case UCI_KEYWORD_PACKAGE:
			break;
		case UCI_KEYWORD_CONFIG:
			take_section(r, &s);
			break;
		case UCI_KEYWORD_OPTION:
		case UCI_KEYWORD_LIST:
			take_option(r, &s);
			break;
		}
	}
	end_section(r);
	copy_to(r, r->size);
	new_line(r);
	for (const struct uci_section *n = r->d->section; n; n = n->next) {
		if (n->place)
			continue;
		uci_write_section(&r->w, n->type, n->anonymous ? NULL : n->name);
		for (const struct uci_option *o = n->option; o; o = o->next)
			write_items(r, o, true);
	}
}

bool uci_option_same(const struct uci_option *a, const struct uci_option *b)
{
	const struct uci_item *i = a->item, *k = b->item;

	if (strcmp(a->name, b->name) != 0 || a->list != b->list)
		return false;
	for (; i && k; i = i->next, k = k->next)
		if (strcmp(i->text, k->text) != 0)
			return false;
	return !i && !k;
}

static bool same_options(const struct uci_option *a, const struct uci_option *b)
{
	for (; a && b; a = a->next, b = b->next)
		if (!uci_option_same(a, b))
			return false;
	return !a && !b;
}

bool uci_document_same(const struct uci_document *a, const struct uci_document *b)
{
	const struct uci_section *s = a->section, *t = b->section;

	for (; s && t; s = s->next, t = t->next)
		if (strcmp(s->type, t->type) != 0 || s->anonymous != t->anonymous ||
			(!s->anonymous && strcmp(s->name, t->name) != 0) ||
			!same_options(s->option, t->option))
			return false;
	return !s && !t;
}

static void ignore(void *user, int line, const char *text)
{
	(void)user;
	(void)line;
	(void)text;
}

bool uci_rewrite(const struct uci_document *d, const char *text, size_t size, char *buffer,
	size_t buffer_size, void *memory, size_t memory_size, size_t *ret_length)
{
	struct rewrite r = {.d = d, .text = text, .size = size};
	struct uci_document again;

	uci_writer_init(&r.w, buffer, buffer_size);
	walk(&r, memory, memory_size);
	*ret_length = r.w.length;
	if (r.w.length < buffer_size) {
		uci_document_init(&again, memory, memory_size);
		if (!uci_document_parse(&again, buffer, r.w.length, ignore, NULL) &&
			uci_document_same(d, &again))
			return true;
	}
	*ret_length = uci_document_print(d, buffer, buffer_size);
	return false;
}
