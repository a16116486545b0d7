#include "codec/uci_delta.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char prefixes[UCI_COMMAND_COUNT] = {
	[UCI_COMMAND_DELETE] = '-',
	[UCI_COMMAND_ADD] = '+',
	[UCI_COMMAND_RENAME] = '@',
	[UCI_COMMAND_ORDER] = '^',
	[UCI_COMMAND_APPEND] = '|',
	[UCI_COMMAND_REMOVE] = '~',
};

/* Bytes that uci lets stand in a value. */
static bool value_valid(const char *value)
{
	for (; *value; value++)
		if ((unsigned char)*value < ' ' && !strchr("\t\n\r", *value))
			return false;
	return true;
}

/* Cuts the word at its dots and the '='. */
static bool split(char *word, struct uci_change *c)
{
	char *value = strchr(word, '='), *section, *option;

	if (value)
		*value++ = '\0';
	section = strchr(word, '.');
	if (!section)
		return false;
	*section++ = '\0';
	option = strchr(section, '.');
	if (option)
		*option++ = '\0';
	c->package = word;
	c->section = section;
	c->option = option;
	c->value = value;
	return uci_package_valid(word) && uci_name_valid(section) &&
	       (!option || uci_name_valid(option)) && (!value || value_valid(value));
}

static bool complete(const struct uci_change *c)
{
	switch (c->command) {
	case UCI_COMMAND_SET:
	case UCI_COMMAND_ADD:
		return c->value;
	case UCI_COMMAND_DELETE:
		return true;
	case UCI_COMMAND_RENAME:
		return c->value && uci_name_valid(c->value);
	case UCI_COMMAND_ORDER:
		return c->value && !c->option;
	case UCI_COMMAND_APPEND:
	case UCI_COMMAND_REMOVE:
		return c->value && c->option;
	case UCI_COMMAND_COUNT:
		break;
	}
	return false;
}

int uci_delta_next(struct uci_reader *r, struct uci_change *ret)
{
	struct uci_change c = {.command = UCI_COMMAND_SET};
	char *word;
	int result = uci_reader_line(r, &word);

	if (result != 1)
		return result;
	for (unsigned i = UCI_COMMAND_DELETE; i < UCI_COMMAND_COUNT; i++)
		if (*word == prefixes[i])
			c.command = (enum uci_command)i;
	if (c.command != UCI_COMMAND_SET)
		word++;
	c.line = r->line;
	if (!split(word, &c) || !complete(&c))
		return uci_reader_fail(r, "this is no change that uci would write");
	*ret = c;
	return 1;
}

static int change_section(struct uci_document *d, struct uci_section *s, const struct uci_change *c)
{
	const char *name = c->section;
	int r;

	if (!*c->value) {
		if (s)
			uci_document_remove(d, s);
		return 0;
	}
	if (s)
		r = uci_section_retype(d, s, c->value);
	else
		r = uci_document_add(d, c->value, name, &s);
	if (!r && c->command == UCI_COMMAND_ADD)
		s->anonymous = true;
	return r;
}

static int delete_from(struct uci_document *d, struct uci_section *s, const struct uci_change *c)
{
	struct uci_option *o;
	char *end;
	long index;

	if (!c->option) {
		uci_document_remove(d, s);
		return 0;
	}
	o = uci_section_option(s, c->option);
	if (!o)
		return -ENOENT;
	if (!o->list || !c->value || !*c->value) {
		uci_section_remove(s, c->option);
		return 0;
	}
	index = strtol(c->value, &end, 10);
	if (end == c->value)
		return -EINVAL;
	for (struct uci_item **at = &o->item; *at; at = &(*at)->next)
		if (index-- == 0) {
			*at = (*at)->next;
			break;
		}
	return 0;
}

static int rename_to(struct uci_document *d, struct uci_section *s, const struct uci_change *c)
{
	struct uci_option *o = c->option ? uci_section_option(s, c->option) : NULL;
	const char *name;

	if (c->option && !o)
		return -ENOENT;
	name = uci_document_text(d, c->value);
	if (!name)
		return -ENOMEM;
	if (o) {
		o->name = name;
	} else {
		s->name = name;
		s->anonymous = false;
	}
	return 0;
}

static int remove_items(struct uci_section *s, const struct uci_change *c)
{
	struct uci_option *o = uci_section_option(s, c->option);

	if (!o || !o->list)
		return 0;
	for (struct uci_item **at = &o->item; *at;) {
		if (!strcmp((*at)->text, c->value))
			*at = (*at)->next;
		else
			at = &(*at)->next;
	}
	return 0;
}

int uci_document_change(struct uci_document *d, const struct uci_change *c)
{
	struct uci_section *s = uci_document_section(d, c->section);

	if (!s && (c->option || (c->command != UCI_COMMAND_SET && c->command != UCI_COMMAND_ADD)))
		return -ENOENT;
	switch (c->command) {
	case UCI_COMMAND_SET:
	case UCI_COMMAND_ADD:
		if (!c->option || !s)
			return change_section(d, s, c);
		return uci_section_set(d, s, c->option, c->value);
	case UCI_COMMAND_DELETE:
		return delete_from(d, s, c);
	case UCI_COMMAND_RENAME:
		return rename_to(d, s, c);
	case UCI_COMMAND_ORDER:
		uci_document_place(d, s, (int)strtoul(c->value, NULL, 10));
		return 0;
	case UCI_COMMAND_APPEND:
		return uci_section_append(d, s, c->option, c->value);
	case UCI_COMMAND_REMOVE:
		return remove_items(s, c);
	case UCI_COMMAND_COUNT:
		break;
	}
	return -EINVAL;
}

void uci_document_prune(struct uci_document *d)
{
	for (struct uci_section *s = d->section; s; s = s->next)
		for (struct uci_option **at = &s->option; *at;) {
			if ((*at)->item)
				at = &(*at)->next;
			else
				*at = (*at)->next;
		}
}

int uci_document_apply(struct uci_document *d, const char *package, const char *text, size_t size)
{
	struct uci_reader r;
	struct uci_change c;
	int n = 0, result;

	uci_reader_init(&r, text, size, NULL, 0);
	do {
		/* words are read into the free end, and what is changed copies them behind themselves */
		r.scratch = d->memory + d->used;
		r.scratch_size = d->size - d->used;
		result = uci_delta_next(&r, &c);
		if (result == 1 && !strcmp(c.package, package)) {
			d->used += r.scratch_used;
			result = uci_document_change(d, &c);
			n += result == 0;
			result = result == -ENOMEM ? -ENOSPC : 1;
		}
	} while (result == 1 || result == -EINVAL);
	uci_document_prune(d);
	return result == -ENOSPC ? -ENOMEM : n;
}

void uci_write_change(struct uci_writer *w, const struct uci_change *c)
{
	const char prefix[2] = {prefixes[c->command], '\0'};

	uci_write_text(w, prefix);
	uci_write_text(w, c->package);
	uci_write_text(w, ".");
	uci_write_text(w, c->section);
	if (c->option) {
		uci_write_text(w, ".");
		uci_write_text(w, c->option);
	}
	if (c->value) {
		uci_write_text(w, "=");
		uci_write_quoted(w, c->value);
	}
	uci_write_text(w, "\n");
}
