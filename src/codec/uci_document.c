#include "codec/uci_text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/*
 * The document is a list of sections with lists of options with lists of items, all of it cut off
 * one block of memory from front to back.  A statement's words are read straight into the free end
 * and stay there.
 */

void uci_document_init(struct uci_document *d, void *memory, size_t size)
{
	*d = (struct uci_document){.memory = memory, .size = size};
}

#define CFG_NAME_SIZE 24

/* The densest text is "c t\n": four bytes for a section, its words and a made-up name. */
#define ROOM_PER_STATEMENT                                                                         \
	(sizeof(struct uci_section) + sizeof(struct uci_option) + sizeof(struct uci_item) +        \
		CFG_NAME_SIZE + 4 * sizeof(void *))

size_t uci_document_room(size_t text_size)
{
	return (text_size / 4 + 1) * ROOM_PER_STATEMENT + text_size;
}

static void *document_alloc(struct uci_document *d, size_t size)
{
	size_t align = sizeof(void *);
	size_t gap = (align - (size_t)((uintptr_t)(d->memory + d->used) % align)) % align;
	void *p;

	if (gap > d->size - d->used || size > d->size - d->used - gap)
		return NULL;
	p = d->memory + d->used + gap;
	d->used += gap + size;
	memset(p, 0, size);
	return p;
}

const char *uci_document_text(struct uci_document *d, const char *text)
{
	size_t size = strlen(text) + 1;
	char *p;

	if (size > d->size - d->used)
		return NULL;
	p = d->memory + d->used;
	d->used += size;
	memcpy(p, text, size);
	return p;
}

struct uci_section *uci_document_section(const struct uci_document *d, const char *name)
{
	for (struct uci_section *s = d->section; s; s = s->next)
		if (!strcmp(s->name, name))
			return s;
	return NULL;
}

struct uci_section *uci_document_typed(const struct uci_document *d, const char *type, int index)
{
	int n = 0;

	for (struct uci_section *s = d->section; s; s = s->next)
		n += !strcmp(s->type, type);
	if (index < 0)
		index += n;
	for (struct uci_section *s = d->section; s; s = s->next)
		if (!strcmp(s->type, type) && index-- == 0)
			return s;
	return NULL;
}

struct uci_option *uci_section_option(const struct uci_section *s, const char *name)
{
	for (struct uci_option *o = s->option; o; o = o->next)
		if (!strcmp(o->name, name))
			return o;
	return NULL;
}

const char *uci_section_value(const struct uci_section *s, const char *name)
{
	const struct uci_option *o = uci_section_option(s, name);
	const struct uci_item *i;

	if (!o)
		return NULL;
	for (i = o->item; i->next; i = i->next)
		;
	return i->text;
}

/* uci's way: place among the sections, and the low half of a hash (33 h + c) of the type. */
static void anonymous_name(unsigned place, const char *type, char ret[CFG_NAME_SIZE])
{
	uint32_t hash = 5381;

	for (; *type; type++)
		hash = hash * 33 + (unsigned char)*type;
	snprintf(ret, CFG_NAME_SIZE, "cfg%02x%04x", place, (unsigned)(hash & 0xffff));
}

/* type and name are in the document's memory already. */
static struct uci_section *document_link_section(struct uci_document *d, const char *type,
	const char *name, bool anonymous)
{
	struct uci_section *s = document_alloc(d, sizeof(*s));

	if (!s)
		return NULL;
	s->type = type;
	s->name = name;
	s->anonymous = anonymous;
	if (d->last)
		d->last->next = s;
	else
		d->section = s;
	d->last = s;
	d->n_sections++;
	return s;
}

static struct uci_option *document_link_option(struct uci_document *d, struct uci_section *s,
	const char *name)
{
	struct uci_option *o = document_alloc(d, sizeof(*o)), **at = &s->option;

	if (!o)
		return NULL;
	o->name = name;
	while (*at)
		at = &(*at)->next;
	*at = o;
	return o;
}

static int document_put(struct uci_document *d, struct uci_section *s, const char *name,
	const char *value, bool list, const struct uci_statement *from)
{
	struct uci_option *o = uci_section_option(s, name);
	struct uci_item *item, **at;

	if (!(item = document_alloc(d, sizeof(*item))))
		return -ENOMEM;
	if (!o && !(o = document_link_option(d, s, name)))
		return -ENOMEM;
	item->text = value;
	if (from) {
		item->line = from->line;
		item->place = o->place = (uint32_t)from->begin + 1;
	}
	if (!list)
		o->item = NULL;
	for (at = &o->item; *at; at = &(*at)->next)
		;
	*at = item;
	o->list = list;
	o->line = item->line;
	return 0;
}

void uci_section_remove(struct uci_section *s, const char *name)
{
	for (struct uci_option **at = &s->option; *at; at = &(*at)->next)
		if (!strcmp((*at)->name, name)) {
			*at = (*at)->next;
			return;
		}
}

int uci_document_add(struct uci_document *d, const char *type, const char *name,
	struct uci_section **ret_section)
{
	unsigned place = d->n_sections + 1;
	const char *own_type, *own_name;
	char made_up[CFG_NAME_SIZE];
	struct uci_section *s;

	if (!uci_type_valid(type) || (name && !uci_name_valid(name)))
		return -EINVAL;
	if (name && uci_document_section(d, name))
		return -EEXIST;
	if (!name)
		do
			anonymous_name(place++, type, made_up);
		while (uci_document_section(d, made_up));
	if (!(own_type = uci_document_text(d, type)) ||
		!(own_name = uci_document_text(d, name ? name : made_up)) ||
		!(s = document_link_section(d, own_type, own_name, !name)))
		return -ENOMEM;
	*ret_section = s;
	return 0;
}

void uci_document_remove(struct uci_document *d, struct uci_section *s)
{
	struct uci_section *before = NULL;

	for (struct uci_section *at = d->section; at != s; at = at->next)
		before = at;
	if (before)
		before->next = s->next;
	else
		d->section = s->next;
	if (d->last == s)
		d->last = before;
}

int uci_section_retype(struct uci_document *d, struct uci_section *s, const char *type)
{
	const char *own = uci_document_text(d, type);

	if (!uci_type_valid(type))
		return -EINVAL;
	if (!own)
		return -ENOMEM;
	/* uci makes a new section then, of the same name */
	if (strlen(type) != strlen(s->type))
		s->anonymous = false;
	s->type = own;
	return 0;
}

void uci_document_place(struct uci_document *d, struct uci_section *s, int place)
{
	struct uci_section **at = &d->section;

	uci_document_remove(d, s);
	while (*at && place-- > 0)
		at = &(*at)->next;
	s->next = *at;
	*at = s;
	if (!s->next)
		d->last = s;
}

static int section_edit(struct uci_document *d, struct uci_section *s, const char *name,
	const char *value, bool list)
{
	const char *own_name, *own_value;

	if (!uci_name_valid(name))
		return -EINVAL;
	if (!(own_name = uci_document_text(d, name)) || !(own_value = uci_document_text(d, value)))
		return -ENOMEM;
	if (!list && !*value) {
		uci_section_remove(s, name);
		return 0;
	}
	return document_put(d, s, own_name, own_value, list, NULL);
}

int uci_section_set(struct uci_document *d, struct uci_section *s, const char *name,
	const char *value)
{
	return section_edit(d, s, name, value, false);
}

int uci_section_append(struct uci_document *d, struct uci_section *s, const char *name,
	const char *item)
{
	return section_edit(d, s, name, item, true);
}

/* What parsing carries from one statement to the next. */
struct parse {
	struct uci_document *d;
	struct uci_section *section; /* the one that options belong to */
	uci_problem_fn *tell;
	void *user;
	/* no section because of a problem: that its options belong nowhere is no news */
	bool skipping;
	int problems;
};

static void parse_tell(struct parse *p, int line, const char *text)
{
	p->problems++;
	p->tell(p->user, line, text);
}

static int parse_config(struct parse *p, const struct uci_statement *s)
{
	const char *name = s->word[1];
	char made_up[CFG_NAME_SIZE], text[UCI_PROBLEM_SIZE];
	struct uci_section *found = *name ? uci_document_section(p->d, name) : NULL;

	while (p->d->twins && found &&
		(strcmp(found->name, name) != 0 || strcmp(found->type, s->word[0]) != 0))
		found = found->next;
	p->section = found;
	p->skipping = false;
	if (found && strcmp(found->type, s->word[0]) != 0) {
		snprintf(text, sizeof(text),
			"section '%.40s' is of type '%.40s' already (line %d): choose another name",
			name, found->type, found->line);
		parse_tell(p, s->line, text);
		p->section = NULL;
		p->skipping = true;
	}
	if (found)
		return 0;
	if (!*name) {
		anonymous_name(p->d->n_sections + 1, s->word[0], made_up);
		if (!(name = uci_document_text(p->d, made_up)))
			return -ENOMEM;
	}
	p->section = document_link_section(p->d, s->word[0], name, !*s->word[1]);
	if (!p->section)
		return -ENOMEM;
	p->section->line = s->line;
	p->section->place = (uint32_t)s->begin + 1;
	return 0;
}

static int parse_statement(struct parse *p, const struct uci_statement *s)
{
	switch (s->keyword) {
	case UCI_KEYWORD_PACKAGE:
		/* a file holds one package, and its name is the file's */
		return 0;
	case UCI_KEYWORD_CONFIG:
		return parse_config(p, s);
	case UCI_KEYWORD_OPTION:
	case UCI_KEYWORD_LIST:
		/* uci passes over an empty value in a file: it neither sets nor deletes */
		if (p->section && s->keyword == UCI_KEYWORD_OPTION && !*s->word[1])
			return 0;
		if (p->section)
			return document_put(p->d, p->section, s->word[0], s->word[1],
				s->keyword == UCI_KEYWORD_LIST, s);
		if (!p->skipping)
			parse_tell(p, s->line,
				"an option belongs to a section: write a config line above it");
		return 0;
	}
	return -EINVAL;
}

int uci_document_parse(struct uci_document *d, const char *text, size_t size, uci_problem_fn *tell,
	void *user)
{
	struct parse p = {.d = d, .tell = tell, .user = user};
	struct uci_statement s;
	struct uci_reader r;
	int result;

	uci_reader_init(&r, text, size, NULL, 0);
	do {
		r.scratch = d->memory + d->used;
		r.scratch_size = d->size - d->used;
		result = uci_reader_next(&r, &s);
		if (result == 1) {
			d->used += r.scratch_used;
			result = parse_statement(&p, &s) ? -ENOSPC : 1;
		} else if (result == -EINVAL) {
			parse_tell(&p, r.problem_line, r.problem);
			if (r.problem_in_config)
				p.section = NULL;
			p.skipping = !p.section;
		}
	} while (result == 1 || result == -EINVAL);
	if (result == -ENOSPC) {
		parse_tell(&p, r.line, "the file is larger than there is room for");
		return -ENOMEM;
	}
	return p.problems ? -EINVAL : 0;
}
