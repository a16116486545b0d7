#include "replay/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/uci_text.h"
#include "config/options.h"
#include "config/uci_store.h"

#define WORD_SIZE 96

/* What a setting is made of. */
struct setting {
	enum option_section section;
	char name[WORD_SIZE]; /* of the section; "": there is one only */
	char option[WORD_SIZE];
	const char *value;
};

static int complain(const char *setting, struct problem *ret, const char *text)
{
	problem_set(ret, setting, 0, "%s", text);
	return -EINVAL;
}

/* "default", "detect", "class.calls", "wan" */
static void take_section(const char *word, struct setting *ret)
{
	ret->name[0] = '\0';
	ret->section = OPTION_SECTION_DEFAULTS;
	if (!strcmp(word, "default"))
		return;
	for (unsigned i = 0; i < OPTION_SECTION_COUNT; i++) {
		const struct option_section_info *info = option_section((enum option_section)i);

		ret->section = (enum option_section)i;
		if (info->name && (!strcmp(word, info->type) || !strcmp(word, info->name)))
			return;
	}
	ret->section = strncmp(word, "class.", 6) ? OPTION_SECTION_LINK : OPTION_SECTION_CLASS;
	snprintf(ret->name, sizeof(ret->name), "%s",
		ret->section == OPTION_SECTION_CLASS ? word + 6 : word);
}

static int take_setting(const char *text, struct setting *ret, struct problem *ret_problem)
{
	const char *equals = strchr(text, '='), *dot = NULL;
	char section[WORD_SIZE];

	for (const char *c = text; equals && c < equals; c++)
		dot = *c == '.' ? c : dot;
	if (!equals || !dot || dot == text || dot + 1 == equals || dot - text >= WORD_SIZE ||
		equals - dot >= WORD_SIZE)
		return complain(text, ret_problem,
			"write SECTION.OPTION=VALUE, for instance default.hold=10s");
	snprintf(section, sizeof(section), "%.*s", (int)(dot - text), text);
	snprintf(ret->option, sizeof(ret->option), "%.*s", (int)(equals - dot - 1), dot + 1);
	ret->value = equals + 1;
	take_section(section, ret);
	return 0;
}

bool settings_is_duration(const char *setting)
{
	struct problem ignored;
	struct setting s;
	const struct option *o;

	if (take_setting(setting, &s, &ignored))
		return false;
	o = option_find(s.section, s.option);
	return o && o->type == OPTION_TYPE_DURATION;
}

void settings_print_durations(FILE *to)
{
	static const enum option_section section[] = {OPTION_SECTION_DEFAULTS,
		OPTION_SECTION_DETECT, OPTION_SECTION_FAILOVER};

	for (unsigned i = 0; i < sizeof(section) / sizeof(section[0]); i++) {
		const struct option_section_info *info = option_section(section[i]);
		unsigned n;
		const struct option *o = option_first(section[i], &n);

		for (; n--; o++)
			if (o->type == OPTION_TYPE_DURATION)
				fprintf(to, "  %s.%s\n", i ? info->type : "default", o->name);
	}
	fputs("and, of one link, NAME.hold and what else there is of default\n", to);
}

/* By the section's own name, or by what its option "name" calls the link or class. */
static struct uci_section *find(const struct uci_document *d, const char *type, const char *name)
{
	for (struct uci_section *s = d->section; s; s = s->next) {
		const char *called = uci_section_value(s, "name");

		if (!strcmp(s->type, type) && (!*name || !strcmp(called ? called : s->name, name)))
			return s;
	}
	return NULL;
}

/* One item after the other, in the place of what the list was. */
static int set_list(struct uci_document *d, struct uci_section *s, const struct setting *setting)
{
	int error = 0;

	uci_section_remove(s, setting->option);
	for (const char *at = setting->value; *at && !error;) {
		size_t n = strcspn(at, " ");
		char item[WORD_SIZE];

		snprintf(item, sizeof(item), "%.*s", (int)n, at);
		error = n ? uci_section_append(d, s, setting->option, item) : 0;
		at += n + (at[n] == ' ');
	}
	return error;
}

/* A name that no section may have goes into option name. */
static int add(struct uci_document *d, const struct option_section_info *info, const char *name,
	struct uci_section **ret)
{
	const char *section = info->name ? info->name : name;
	int error;

	if (info->name || uci_name_valid(section))
		return uci_document_add(d, info->type, section, ret);
	error = uci_document_add(d, info->type, NULL, ret);
	return error ? error : uci_section_set(d, *ret, "name", name);
}

static int change(struct uci_document *d, const char *text, struct problem *ret)
{
	struct setting setting;
	int error = take_setting(text, &setting, ret);
	const struct option_section_info *info;
	const struct option *option;
	struct uci_section *s;

	if (error)
		return error;
	info = option_section(setting.section);
	option = option_find(setting.section, setting.option);
	s = find(d, info->type, setting.name);
	if (!s)
		error = add(d, info, setting.name, &s);
	if (!error)
		error = option && option_is_list(option)
				? set_list(d, s, &setting)
				: uci_section_set(d, s, setting.option, setting.value);
	if (error == -ENOMEM || error == -ENOSPC)
		return complain(text, ret, "the configuration is too long with it");
	return error ? complain(text, ret,
			       "no section or option can have that name: letters, digits and _ "
			       "are allowed")
		     : 0;
}

/* A mistake, or, among the warnings from the first-th on, a word that was not understood. */
static int first_problem(const struct config_problems *problems, int first, struct problem *ret)
{
	for (int i = 0; i < problems->n; i++) {
		if (i < first && problems->warning[i])
			continue;
		*ret = problems->problem[i];
		return -EINVAL;
	}
	return 0;
}

struct work {
	const char *name;
	void *memory;
	size_t size;
	char *text;   /* CONFIG_FILE_MAX */
	int warnings; /* of the file by itself; no concern of the settings */
	struct config_problems problems;
};

static void tell_problem(void *user, int line, const char *text)
{
	struct problem *p = user;

	p->line = line;
	snprintf(p->text, sizeof(p->text), "%s", text);
}

/* The file with the first n settings, into w->text and ret. */
static int parse(struct work *w, const char *text, size_t size, const char *const setting[],
	unsigned n, struct config *ret, struct problem *ret_problem)
{
	struct uci_document d;
	size_t length;
	int error;

	problem_set(ret_problem, w->name, 0, "it is too long with the settings");
	uci_document_init(&d, w->memory, w->size);
	error = uci_document_parse(&d, text, size, tell_problem, ret_problem);
	for (unsigned i = 0; i < n && !error; i++)
		error = change(&d, setting[i], ret_problem);
	if (error)
		return error;
	length = uci_document_print(&d, w->text, CONFIG_FILE_MAX);
	if (length >= CONFIG_FILE_MAX)
		return complain(w->name, ret_problem, "it is too long with the settings");
	error = config_parse(w->name, w->text, length, ret, &w->problems);
	if (error || w->problems.n > w->warnings)
		return first_problem(&w->problems, error ? w->problems.n : w->warnings, ret_problem)
			       ? -EINVAL
			       : error;
	return 0;
}

static int parse_all(struct work *w, const char *text, size_t size, const char *const setting[],
	unsigned n, struct config *ret, struct problem *ret_problem)
{
	int error = config_parse(w->name, text, size, ret, &w->problems);

	if (error)
		return first_problem(&w->problems, w->problems.n, ret_problem) ? -EINVAL : error;
	w->warnings = w->problems.n;
	error = parse(w, text, size, setting, n, ret, ret_problem);
	/* which of them is it? */
	for (unsigned i = 1; error && i <= n; i++) {
		struct problem problem;

		if (!parse(w, text, size, setting, i, ret, &problem))
			continue;
		*ret_problem = problem;
		problem_set(ret_problem, setting[i - 1], 0, "%s", problem.text);
		break;
	}
	return error;
}

int settings_parse(const char *name, const char *text, size_t size, const char *const setting[],
	unsigned n, struct config *ret, char *ret_text, struct problem *ret_problem)
{
	struct work *w = calloc(1, sizeof(*w));
	int error = -ENOMEM;

	if (w) {
		w->name = name;
		w->size = uci_document_room(CONFIG_FILE_MAX);
		w->memory = malloc(w->size);
		w->text = calloc(1, CONFIG_FILE_MAX);
	}
	if (!w || !w->memory || !w->text)
		problem_set(ret_problem, "", 0, "no memory");
	else if (size >= CONFIG_FILE_MAX)
		error = complain(name, ret_problem, "the file is too long for a configuration");
	else
		error = parse_all(w, text, size, setting, n, ret, ret_problem);
	if (!error && ret_text)
		memcpy(ret_text, w->text, CONFIG_FILE_MAX);
	if (w) {
		free(w->memory);
		free(w->text);
	}
	free(w);
	return error;
}

int settings_load(const char *file, const char *const setting[], unsigned n, struct config *ret,
	char *ret_text, struct problem *ret_problem)
{
	char *text = NULL, *delta = NULL;
	size_t size = 0, delta_size;
	int error = file ? uci_store_read(file, NULL, CONFIG_FILE_MAX, &text, &size, &delta,
				   &delta_size)
			 : 0;

	/* what is staged may still be taken back */
	free(delta);
	/* a file that is not there: the defaults */
	if (error && error != -ENOENT)
		problem_set(ret_problem, file, 0, "%s",
			error == -EBADF   ? "it is no file"
			: error == -EFBIG ? "the file is too long for a configuration"
					  : strerror(-error));
	else
		error = settings_parse(file ? file : "settings", text ? text : "", size, setting, n,
			ret, ret_text, ret_problem);
	free(text);
	return error;
}
