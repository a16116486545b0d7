#include "config/config_edit.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/uci_delta.h"
#include "config/options.h"
#include "config/suggest.h"

/* The kind of sections of a type; OPTION_SECTION_COUNT: there is none. */
static enum option_section kind_of(const char *type, size_t length)
{
	for (unsigned k = 0; k < OPTION_SECTION_COUNT; k++) {
		const char *known = option_section((enum option_section)k)->type;

		if (strlen(known) == length && !memcmp(known, type, length))
			return (enum option_section)k;
	}
	return OPTION_SECTION_COUNT;
}

/* By its own name, by option name or, for a target, by its address. */
static struct uci_section *find_called(const struct uci_document *d, const char *type,
	const char *name)
{
	for (struct uci_section *s = d->section; s; s = s->next) {
		const char *called = uci_section_value(s, "name");

		if (!called)
			called = uci_section_value(s, "address");
		if (!strcmp(s->type, type) &&
			(!strcmp(s->name, name) || (called && !strcmp(called, name))))
			return s;
	}
	return NULL;
}

/* @type[index] */
static struct uci_section *find_indexed(const struct uci_document *d, const char *word)
{
	const char *bracket = strchr(word, '[');
	char type[64], *end;
	long index;

	if (!bracket || bracket == word + 1 || bracket - word > (ptrdiff_t)sizeof(type))
		return NULL;
	snprintf(type, sizeof(type), "%.*s", (int)(bracket - word - 1), word + 1);
	index = strtol(bracket + 1, &end, 10);
	if (end == bracket + 1 || strcmp(end, "]") != 0 || labs(index) > 100000)
		return NULL;
	return uci_document_typed(d, type, (int)index);
}

/* Where a word that names no section of the file points: the kind, and the name to find or make there. */
static enum option_section kind_named(const struct config_edit *e, const char **ret_name)
{
	const char *dot = strchr(e->section, '.');
	enum option_section kind;

	*ret_name = e->section;
	if (e->type) {
		if (dot && (size_t)(dot - e->section) == strlen(e->type) &&
			!strncmp(e->section, e->type, strlen(e->type)))
			*ret_name = dot + 1;
		return kind_of(e->type, strlen(e->type));
	}
	if (!strcmp(e->section, "default") && e->option &&
		!option_find(OPTION_SECTION_DEFAULTS, e->option) &&
		option_find(OPTION_SECTION_CLASS, e->option))
		return OPTION_SECTION_CLASS;
	if (!strcmp(e->section, "default")) {
		*ret_name = option_section(OPTION_SECTION_DEFAULTS)->name;
		return OPTION_SECTION_DEFAULTS;
	}
	for (unsigned k = 0; k < OPTION_SECTION_COUNT; k++) {
		const struct option_section_info *info = option_section((enum option_section)k);

		if (info->name &&
			(!strcmp(e->section, info->name) || !strcmp(e->section, info->type))) {
			*ret_name = info->name;
			return (enum option_section)k;
		}
	}
	kind = dot ? kind_of(e->section, (size_t)(dot - e->section)) : OPTION_SECTION_COUNT;
	if (kind != OPTION_SECTION_COUNT)
		*ret_name = dot + 1;
	return kind;
}

static struct uci_section *find(const struct uci_document *d, const struct config_edit *e)
{
	struct uci_section *s = uci_document_section(d, e->section);
	enum option_section kind;
	const char *name;

	/* "default" is a class too, where there is one: the option tells */
	if (s && (!e->option || strcmp(e->section, "default") != 0 ||
			 option_find(kind_of(s->type, strlen(s->type)), e->option)))
		return s;
	if (*e->section == '@')
		return find_indexed(d, e->section);
	kind = kind_named(e, &name);
	if (kind != OPTION_SECTION_COUNT && option_section(kind)->name)
		return uci_document_typed(d, option_section(kind)->type, 0);
	if (kind != OPTION_SECTION_COUNT)
		return find_called(d, option_section(kind)->type, name);
	s = find_called(d, option_section(OPTION_SECTION_LINK)->type, e->section);
	return s ? s : find_called(d, option_section(OPTION_SECTION_CLASS)->type, e->section);
}

/* A name that no section may have goes into the option that names it. */
static int make(struct uci_document *d, const char *type, const char *name,
	struct uci_section **ret_section)
{
	bool named = name && uci_name_valid(name) && !uci_document_section(d, name);
	int error = uci_document_add(d, type, named ? name : NULL, ret_section);

	if (error || named || !name)
		return error;
	return uci_section_set(d, *ret_section,
		kind_of(type, strlen(type)) == OPTION_SECTION_TARGET ? "address" : "name", name);
}

static int no_section(const struct uci_document *d, const struct config_edit *e,
	struct problem *ret)
{
	struct suggestion near;

	suggest_begin(&near, e->section);
	for (const struct uci_section *s = d->section; s; s = s->next)
		if (!s->anonymous)
			suggest_consider(&near, s->name);
	for (unsigned k = 0; k < OPTION_SECTION_COUNT; k++)
		suggest_consider(&near, option_section((enum option_section)k)->type);
	if (near.nearest)
		problem_set(ret, "", 0, "there is no section '%.40s': did you mean '%s'?",
			e->section, near.nearest);
	else
		problem_set(ret, "", 0,
			"there is no section '%.40s': a new one needs its type, like "
			"link.%.20s or class.%.20s",
			e->section, e->section, e->section);
	return -ENOENT;
}

static int find_or_make(struct uci_document *d, const struct config_edit *e,
	struct uci_section **ret_section, struct problem *ret)
{
	enum option_section kind;
	const char *name;

	*ret_section = e->section ? find(d, e) : NULL;
	if (*ret_section && e->type && strcmp((*ret_section)->type, e->type) != 0) {
		problem_set(ret, "", 0, "the section is of type '%.40s' already",
			(*ret_section)->type);
		return -EINVAL;
	}
	if (*ret_section)
		return 0;
	if (!e->section)
		return make(d, e->type, NULL, ret_section);
	kind = kind_named(e, &name);
	if (kind == OPTION_SECTION_COUNT && e->type) {
		problem_set(ret, "", 0, "there is no type of section '%.40s'", e->type);
		return -EINVAL;
	}
	if (kind == OPTION_SECTION_COUNT)
		return no_section(d, e, ret);
	return make(d, option_section(kind)->type, name, ret_section);
}

static int edit_option(struct uci_document *d, struct uci_section *s, const struct config_edit *e)
{
	const struct uci_change remove = {.command = UCI_COMMAND_REMOVE,
		.section = s->name,
		.option = e->option,
		.value = e->value};

	switch (e->what) {
	case CONFIG_EDIT_SET:
		return uci_section_set(d, s, e->option, e->value ? e->value : "");
	case CONFIG_EDIT_APPEND:
		return uci_section_append(d, s, e->option, e->value);
	case CONFIG_EDIT_REMOVE:
		return uci_document_change(d, &remove);
	}
	return -EINVAL;
}

static int edit(struct uci_document *d, const struct config_edit *e,
	struct uci_section **ret_section, struct problem *ret)
{
	bool takes_away = e->what == CONFIG_EDIT_SET && (!e->value || !*e->value);
	int error;

	*ret_section = NULL;
	if (e->section && takes_away && !find(d, e)) {
		/* what is not there need not be taken away; a slip of the pen is told */
		const char *name;

		return kind_named(e, &name) == OPTION_SECTION_COUNT ? no_section(d, e, ret) : 0;
	}
	if (e->section && !e->option && takes_away && !e->type) {
		uci_document_remove(d, find(d, e));
		return 0;
	}
	error = find_or_make(d, e, ret_section, ret);
	return error || !e->option ? error : edit_option(d, *ret_section, e);
}

int config_edit(struct uci_document *d, const struct config_edit *e,
	struct uci_section **ret_section, struct problem *ret)
{
	int error;

	problem_set(ret, "", 0, "there is no room for it");
	if (e->option && !uci_name_valid(e->option)) {
		problem_set(ret, "", 0, "'%.40s' cannot be a name: only letters, digits and _",
			e->option);
		error = -EINVAL;
	} else {
		error = edit(d, e, ret_section, ret);
		if (!error)
			uci_document_prune(d);
		else if (error == -EINVAL && !strcmp(ret->text, "there is no room for it"))
			problem_set(ret, "", 0, "that is no type of section");
	}
	snprintf(ret->place, sizeof(ret->place), "%.60s%s%.30s", e->section ? e->section : e->type,
		e->option ? "." : "", e->option ? e->option : "");
	return error;
}

bool config_edit_read(char *text, struct config_edit *ret)
{
	struct config_edit e = {.what = CONFIG_EDIT_SET, .section = text};
	char *equals = strchr(text, '='), *end = equals, *dot = NULL;

	if (*text == '+' && !equals && text[1]) {
		e.section = NULL;
		e.type = text + 1;
		*ret = e;
		return true;
	}
	if (!equals || equals == text)
		return false;
	if (end[-1] == '+' || end[-1] == '-') {
		e.what = end[-1] == '+' ? CONFIG_EDIT_APPEND : CONFIG_EDIT_REMOVE;
		end--;
	}
	*end = '\0';
	for (char *c = text; c < end; c++)
		if (*c == '.')
			dot = c;
	e.value = equals + 1;
	if (dot) {
		*dot = '\0';
		e.option = dot + 1;
	} else if (e.what != CONFIG_EDIT_SET) {
		return false;
	} else if (*e.value) {
		e.type = e.value;
	}
	*ret = e;
	return *e.section && (!e.option || *e.option);
}
