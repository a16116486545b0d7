#include "ctl/import.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/uci_rewrite.h"
#include "config/config_edit.h"
#include "config/options.h"
#include "ctl/import_table.h"

#define TO_SIZE 200
#define ROOM (4 * CONFIG_FILE_MAX) /* of a new text, before it is measured */

struct import {
	struct uci_document old, new;
	import_note_fn *tell;
	void *user;
	bool changed; /* something is not as it was */
	bool shelf;   /* something stands on the shelf, which is what has no place any more */
	const struct uci_section *shelved; /* the last section there */
	const char *reason;                /* the last one there, in that section */
	struct uci_writer comments;
};

const char *import_fate_name(enum import_fate fate)
{
	static const char *const name[] = {"kept", "mapped", "default", "dropped", "unknown"};

	return (unsigned)fate < IMPORT_FATE_COUNT ? name[fate] : NULL;
}

static void note(struct import *m, enum import_fate fate, const struct uci_section *s,
	const struct uci_option *o, const char *to)
{
	const struct import_note n = {fate, o ? o->line : s->line, s->type,
		s->anonymous ? "" : s->name, o ? o->name : "", o && o->item ? o->item->text : "",
		to};

	m->changed |= fate != IMPORT_KEPT;
	m->tell(m->user, &n);
}

/* ---- the shelf ---- */

/* A comment that may hold line ends: each line is one. */
static void comment(struct uci_writer *w, const char *begin, const char *text)
{
	uci_write_text(w, begin);
	for (; *text; text++) {
		uci_write_bytes(w, text, 1);
		if (*text == '\n')
			uci_write_text(w, "#");
	}
	uci_write_text(w, "\n");
}

static void shelve_section(struct import *m, const struct uci_section *s)
{
	struct uci_writer *w = &m->comments;

	if (m->shelved == s)
		return;
	m->shelved = s;
	m->reason = "";
	m->shelf = true;
	uci_write_text(w, "#\n# config ");
	uci_write_text(w, s->type);
	if (!s->anonymous) {
		uci_write_text(w, " ");
		uci_write_quoted(w, s->name);
	}
	uci_write_text(w, "\n");
}

static void shelve(struct import *m, const struct uci_section *s, const struct uci_option *o,
	const char *reason)
{
	struct uci_writer *w = &m->comments, item;
	char line[1024];

	shelve_section(m, s);
	if (strcmp(m->reason, reason) != 0)
		comment(w, "# - ", reason);
	m->reason = reason;
	for (const struct uci_item *i = o->item; i; i = i->next) {
		uci_write_text(w, o->list ? "#\tlist " : "#\toption ");
		uci_write_text(w, o->name);
		uci_writer_init(&item, line, sizeof(line));
		uci_write_quoted(&item, i->text);
		if (item.length < sizeof(line)) {
			comment(w, " ", line);
			continue;
		}
		uci_write_text(w, " '");
		comment(w, "", i->text);
	}
}

static void drop(struct import *m, enum import_fate fate, const struct uci_section *s,
	const struct uci_option *o, const char *reason)
{
	shelve(m, s, o, reason);
	note(m, fate, s, o, reason);
}

/* ---- one option ---- */

static bool is_today(const struct uci_section *s, const char *option)
{
	for (unsigned k = 0; k < OPTION_SECTION_COUNT; k++)
		if (!strcmp(option_section((enum option_section)k)->type, s->type))
			return !option || option_find((enum option_section)k, option);
	return false;
}

static int place(struct import *m, const char *section, const char *type, const char *option,
	const char *value, bool append)
{
	const struct config_edit e = {append ? CONFIG_EDIT_APPEND : CONFIG_EDIT_SET, section, type,
		option, value};
	struct uci_section *made = NULL;
	struct problem problem;

	return config_edit(&m->new, &e, &made, &problem);
}

/* Whether today's reader would take the value for that option. */
static bool is_valid(const char *section, const char *option, const char *value)
{
	enum option_section kind = OPTION_SECTION_LINK;
	char why[OPTION_WHY_SIZE];
	struct config *config = malloc(sizeof(*config));
	const struct option *o;
	bool valid = false;

	for (unsigned k = 0; section && k < OPTION_SECTION_COUNT; k++) {
		const struct option_section_info *info = option_section((enum option_section)k);

		if (info->name && !strcmp(info->name, section))
			kind = (enum option_section)k;
	}
	o = option_find(kind, option);
	if (config && o) {
		config_default(config);
		valid = !option_read(o, config,
			kind == OPTION_SECTION_LINK       ? (void *)&config->link[0]
			: kind == OPTION_SECTION_DEFAULTS ? (void *)&config->link_default
							  : config,
			value, why);
	}
	free(config);
	return valid;
}

static bool find_word(const char *words, const char *word, char *ret, size_t size)
{
	size_t length = strlen(word);

	while (*words) {
		size_t n = strcspn(words, "|"), old = strcspn(words, "=");

		if (old == length && !strncmp(words, word, length)) {
			snprintf(ret, size, "%.*s", (int)(n - old - 1), words + old + 1);
			return true;
		}
		words += n + (words[n] == '|');
	}
	return false;
}

/* The value of today; false: the old one means nothing. */
static bool convert(const struct import_rule *rule, const char *value, char *ret, size_t size)
{
	switch (rule->how) {
	case IMPORT_HOW_DROP:
		return false;
	case IMPORT_HOW_COPY:
		snprintf(ret, size, "%s", value);
		return strlen(value) < size;
	case IMPORT_HOW_BOOL:
		return find_word("1=1|on=1|true=1|yes=1|enabled=1|0=0|off=0|false=0|no=0|disabled="
				 "0",
			value, ret, size);
	case IMPORT_HOW_WORD:
		return find_word(rule->words, value, ret, size);
	case IMPORT_HOW_SECONDS:
		snprintf(ret, size, "%.20ss", value);
		return *value && value[strspn(value, "0123456789")] == '\0' && strlen(value) < 8;
	}
	return false;
}

/* Two old options may mean one of today: the longest time, or the first word, stays. */
static bool goes_before(const struct import *m, const char *section, const char *type,
	const struct import_rule *rule, const char *value)
{
	const struct uci_section *s = uci_document_section(&m->new, section);
	const char *there =
		s && !strcmp(s->type, type) ? uci_section_value(s, rule->to_option) : NULL;

	if (!there)
		return true;
	if (rule->how == IMPORT_HOW_SECONDS && strtol(there, NULL, 10) < strtol(value, NULL, 10))
		return true;
	/* to do nothing goes before how it would be done */
	return !strcmp(value, "observe");
}

static int map_option(struct import *m, const struct uci_section *s, const struct uci_option *o,
	const struct import_rule *rule)
{
	const char *section = rule->to_section ? rule->to_section : s->name, *type = "link";
	const char *value = o->item->text;
	char new[TO_SIZE], to[2 * TO_SIZE];
	int error;

	if (rule->shipped && !o->item->next && !strcmp(value, rule->shipped)) {
		note(m, IMPORT_DEFAULT, s, o,
			"as the predecessor shipped it: today's default holds");
		return 0;
	}
	if (o->item->next || !convert(rule, value, new, sizeof(new)) ||
		(*new && !is_valid(rule->to_section, rule->to_option, new))) {
		drop(m, IMPORT_DROPPED, s, o, "the value has no meaning for what it has become");
		return 0;
	}
	if (!*new) {
		note(m, IMPORT_DEFAULT, s, o, "that is the default");
		return 0;
	}
	if (rule->to_section)
		for (unsigned k = 0; k < OPTION_SECTION_COUNT; k++) {
			const struct option_section_info *info =
				option_section((enum option_section)k);

			if (info->name && !strcmp(info->name, section))
				type = info->type;
		}
	if (!goes_before(m, section, type, rule, new)) {
		drop(m, IMPORT_DROPPED, s, o,
			"another option of the old file says the same, and stronger");
		return 0;
	}
	error = place(m, section, type, rule->to_option, new, false);
	if (error == -EINVAL) {
		drop(m, IMPORT_DROPPED, s, o, "a section of that name is there already");
		return 0;
	}
	snprintf(to, sizeof(to), "%s.%s '%s'", section, rule->to_option, new);
	note(m, IMPORT_MAPPED, s, o, to);
	return error;
}

/* An option of today, into the section that take_section() has made for its own. */
static int keep(struct import *m, struct uci_section *into, const struct uci_section *s,
	const struct uci_option *o)
{
	int error = 0;

	uci_section_remove(into, o->name);
	for (const struct uci_item *i = o->item; i && !error; i = i->next)
		error = o->list ? uci_section_append(&m->new, into, o->name, i->text)
				: uci_section_set(&m->new, into, o->name, i->text);
	note(m, IMPORT_KEPT, s, o, "");
	return error;
}

/* ---- one section ---- */

/* "starlink_any" stood for all links of a class. */
static bool is_class_of_members(const struct uci_section *s)
{
	size_t n = strlen(s->name);

	return !strcmp(s->type, "member") &&
	       (s->anonymous || (n > 4 && !strcmp(s->name + n - 4, "_any")));
}

static int take_option(struct import *m, struct uci_section **into, const struct uci_section *s,
	const struct uci_option *o)
{
	const struct import_rule *rule = import_rule(s->type, s->anonymous ? "" : s->name, o->name);

	/* log_level is of both: the words differ */
	if (is_today(s, o->name) && (!rule || is_valid(option_section(OPTION_SECTION_MAIN)->name,
						      o->name, o->item->text))) {
		if (!*into &&
			uci_document_add(&m->new, s->type, s->anonymous ? NULL : s->name, into))
			return -ENOMEM;
		return keep(m, *into, s, o);
	}
	if (!rule) {
		drop(m, IMPORT_UNKNOWN, s, o,
			"neither the predecessor nor today's autonomy knows it");
		return 0;
	}
	if (rule->how == IMPORT_HOW_DROP) {
		drop(m, IMPORT_DROPPED, s, o, rule->reason);
		return 0;
	}
	if (is_class_of_members(s)) {
		drop(m, IMPORT_DROPPED, s, o,
			"it stood for all links of a class: say it of each link, in config link");
		return 0;
	}
	return map_option(m, s, o, rule);
}

static int take_section(struct import *m, const struct uci_section *s)
{
	struct uci_section *into = NULL;
	int error = 0;

	if (is_today(s, NULL)) {
		into = s->anonymous ? NULL : uci_document_section(&m->new, s->name);
		if (!into)
			error = uci_document_add(&m->new, s->type, s->anonymous ? NULL : s->name,
				&into);
	} else if (!strcmp(s->type, "member") && !is_class_of_members(s)) {
		error = place(m, s->name, "link", NULL, "link", false);
		if (error ==
			-EINVAL) /* a link of today has the name: options are told one by one */
			error = 0;
		note(m, IMPORT_MAPPED, s, NULL, "a link");
	} else {
		m->changed = true;
	}
	if (!s->option && !is_today(s, NULL) && strcmp(s->type, "member") != 0) {
		shelve_section(m, s);
		note(m,
			import_rule(s->type, s->anonymous ? "" : s->name, "") ? IMPORT_DROPPED
									      : IMPORT_UNKNOWN,
			s, NULL, "the section is empty");
	}
	for (const struct uci_option *o = s->option; o && !error; o = o->next)
		error = take_option(m, &into, s, o);
	return error;
}

/* The comments between two statements. */
static void shelve_gap(struct import *m, const char *text, size_t at, size_t end, bool *any)
{
	while (at < end) {
		const char *line_end = memchr(text + at, '\n', end - at);
		size_t n = line_end ? (size_t)(line_end - text) : end;
		const char *hash = memchr(text + at, '#', n - at);

		if (hash) {
			if (!*any)
				uci_write_text(&m->comments, "#\n# comments:\n");
			*any = m->shelf = true;
			uci_write_bytes(&m->comments, hash, (size_t)(text + n - hash));
			uci_write_text(&m->comments, "\n");
		}
		at = n + 1;
	}
}

/* What the old file said to people. */
static void shelve_comments(struct import *m, const char *text, size_t size)
{
	char *scratch = malloc(size + 3);
	struct uci_statement s;
	struct uci_reader r;
	bool any = false;
	size_t at = 0;

	if (!scratch)
		return;
	uci_reader_init(&r, text, size, scratch, size + 3);
	while (uci_reader_next(&r, &s) == 1) {
		shelve_gap(m, text, at, s.begin, &any);
		at = s.end;
	}
	shelve_gap(m, text, at, size, &any);
	free(scratch);
}

/* ---- the whole ---- */

struct syntax {
	const char *name;
	struct problem *problem;
	bool told;
};

static void tell_syntax(void *user, int line, const char *text)
{
	struct syntax *s = user;

	if (!s->told)
		problem_set(s->problem, s->name, line, "%s", text);
	s->told = true;
}

/* What today's reader says of it; an option of today may have been wrong before. */
static int check(const char *text, size_t size, struct problem *ret)
{
	struct {
		struct config config;
		struct config_problems problems;
	} *c = calloc(1, sizeof(*c));
	int error = c ? config_parse("the result", text, size, &c->config, &c->problems) : -ENOMEM;

	for (int i = 0; error && c && i < c->problems.n; i++)
		if (!c->problems.warning[i]) {
			*ret = c->problems.problem[i];
			break;
		}
	free(c);
	return error;
}

static int print(struct import *m, const char *name, const char *comments, char **ret_text,
	size_t *ret_size, struct problem *ret)
{
	struct uci_writer w;
	size_t size = uci_document_print(&m->new, NULL, 0) + strlen(comments) + strlen(name) + 400;
	char *text = malloc(size);
	size_t n;
	int error;

	if (!text)
		return -ENOMEM;
	uci_writer_init(&w, text, size);
	uci_write_text(&w, "# Made from ");
	comment(&w, "", name);
	if (m->shelf)
		uci_write_text(&w,
			"# which was written for an older autonomy.  What has no place any "
			"more stands at the end.\n");
	n = w.length;
	n += uci_document_print(&m->new, text + n, size - n);
	uci_writer_init(&w, text + n, size - n);
	if (m->shelf) {
		uci_write_text(&w, "# ---- not carried over ----\n");
		uci_write_text(&w, comments);
	}
	n += w.length;
	error = check(text, n, ret);
	if (error) {
		free(text);
		return error;
	}
	*ret_text = text;
	*ret_size = n;
	return 0;
}

static int make(struct import *m, const char *name, const char *text, size_t size, char *comments,
	char **ret_text, size_t *ret_size, struct problem *ret)
{
	struct syntax syntax = {name, ret, false};
	int error = uci_document_parse(&m->old, text, size, tell_syntax, &syntax);

	uci_writer_init(&m->comments, comments, ROOM);
	for (const struct uci_section *s = m->old.section; s && !error; s = s->next)
		error = take_section(m, s);
	if (error)
		return error;
	if (!m->changed) {
		*ret_text = malloc(size + 1);
		if (!*ret_text)
			return -ENOMEM;
		memcpy(*ret_text, text, size);
		(*ret_text)[size] = '\0';
		*ret_size = size;
		return 0;
	}
	shelve_comments(m, text, size);
	if (m->comments.length >= ROOM)
		return -EFBIG;
	return print(m, name, comments, ret_text, ret_size, ret);
}

int import_text(const char *name, const char *text, size_t size, import_note_fn *tell, void *user,
	char **ret_text, size_t *ret_size, struct problem *ret)
{
	size_t room = uci_document_room(2 * CONFIG_FILE_MAX);
	struct import m = {.tell = tell, .user = user};
	void *old = malloc(room), *new = malloc(room);
	char *comments = malloc(ROOM);
	int error = -ENOMEM;

	problem_set(ret, name, 0, "there is no memory or no room to import it");
	if (size > CONFIG_FILE_MAX) {
		problem_set(ret, name, 0, "it is larger than %d bytes", CONFIG_FILE_MAX);
		error = -EFBIG;
	} else if (old && new &&comments) {
		uci_document_init(&m.old, old, room);
		uci_document_init(&m.new, new, room);
		m.old.twins = true;
		error = make(&m, name, text, size, comments, ret_text, ret_size, ret);
	}
	free(old);
	free(new);
	free(comments);
	return error;
}
