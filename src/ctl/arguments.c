#include "ctl/arguments.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/json.h"
#include "api/words.h"
#include "ctl/client.h"

struct parser {
	struct arguments *out;
	int argc;
	char **argv;
	int at;
	bool only_places; /* after "--" */
	unsigned given;   /* arguments of the row that were given, as a bit mask */
	char *text;
	size_t size;
};

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static int
fail(const struct parser *p, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(p->text, p->size, format, args);
	va_end(args);
	return -EINVAL;
}

const char *arguments_words(const struct command *c, char *text, size_t size)
{
	snprintf(text, size, "%s", c->name);
	for (char *dot = text; (dot = strchr(dot, '.'));)
		*dot = ' ';
	return text;
}

static void add_upper(struct words *w, const char *text)
{
	for (; *text; text++)
		words_add(w, "%c", toupper((unsigned char)*text));
}

static void add_value(struct words *w, const struct argument *a)
{
	if (a->type == ARGUMENT_SPAN)
		words_add(w, "DURATION");
	else if (a->type == ARGUMENT_FILE)
		words_add(w, "FILE");
	else if (a->type == ARGUMENT_CHOICE)
		words_add(w, "%s", a->choices);
	else
		add_upper(w, a->name);
}

void arguments_usage(const struct command *c, char *text, size_t size)
{
	char name[64];
	struct words w;

	words_init(&w, text, size);
	words_add(&w, "%s", arguments_words(c, name, sizeof(name)));
	for (unsigned i = 0; i < command_n_arguments(c); i++) {
		const struct argument *a = &c->argument[i];

		words_add(&w, a->required ? " " : " [");
		if (!a->positional)
			words_add(&w, "--%s", a->name);
		if (!a->positional && a->type != ARGUMENT_BOOL)
			words_add(&w, " ");
		if (a->type != ARGUMENT_BOOL)
			add_value(&w, a);
		if (a->repeats && a->positional)
			words_add(&w, " ...");
		words_add(&w, a->required ? "" : "]");
	}
}

/* The file's content as the argument's value. */
static int take_file(struct parser *p, const struct argument *a, const char *name)
{
	bool is_stdin = !strcmp(name, "-");
	FILE *f = is_stdin ? stdin : fopen(name, "re");
	size_t max = (size_t)a->max, n;
	char *data;

	if (!f) {
		fail(p, "%s: %s", name, strerror(errno));
		return -EIO;
	}
	data = malloc(max + 1);
	n = data ? fread(data, 1, max + 1, f) : 0;
	if (!is_stdin)
		fclose(f);
	if (!data || n > max || memchr(data, '\0', n)) {
		free(data);
		fail(p, "%s: %s", name, n > max ? "the file is too large" : "this is no text");
		return -EIO;
	}
	json_object_object_add(p->out->params, a->name, json_object_new_string_len(data, (int)n));
	p->out->file = is_stdin ? "standard input" : name;
	free(data);
	return 0;
}

/* One of several, which the daemon gets as a list. */
static int take_item(struct parser *p, const struct argument *a, const char *value)
{
	struct json_object *list = json_get_array(p->out->params, a->name);

	if (!list) {
		list = json_object_new_array();
		json_object_object_add(p->out->params, a->name, list);
	}
	json_object_array_add(list, json_object_new_string(value));
	return 0;
}

static int take_value(struct parser *p, unsigned index, const char *value)
{
	const struct argument *a = &p->out->command->argument[index];

	if (p->given & (1u << index))
		return fail(p, "%s is given twice", a->name);
	if (a->repeats && a->type == ARGUMENT_ANY)
		return take_item(p, a, value);
	p->given |= 1u << index;
	if (a->type == ARGUMENT_FILE)
		return take_file(p, a, value);
	/* the daemon reads numbers and durations from text: one reader, one wording of errors */
	json_object_object_add(p->out->params, a->name, json_object_new_string(value));
	return 0;
}

static int take_option(struct parser *p, const char *word)
{
	const struct command *c = p->out->command;
	const char *equals = strchr(word, '=');
	char name[32];
	int i;

	snprintf(name, sizeof(name), "%.*s", (int)(equals ? equals - word : (int)strlen(word)),
		word);
	i = command_argument_index(c, name);
	if (i < 0)
		return fail(p, "there is no option --%s here; see: autonomyctl help %s", name,
			c->name);
	if (equals)
		return take_value(p, (unsigned)i, equals + 1);
	if (c->argument[i].type == ARGUMENT_BOOL)
		return take_value(p, (unsigned)i, "true");
	if (p->at >= p->argc)
		return fail(p, "--%s needs a value: %s", name, c->argument[i].text);
	return take_value(p, (unsigned)i, p->argv[p->at++]);
}

static int take_place(struct parser *p, const char *word)
{
	const struct command *c = p->out->command;

	for (unsigned i = 0; i < command_n_arguments(c); i++)
		if (c->argument[i].positional && !(p->given & (1u << i)))
			return take_value(p, i, word);
	return fail(p, "\"%.40s\" is one argument too many; see: autonomyctl help %s", word,
		c->name);
}

/* 1 when word was a global option, 0 when not. */
static int take_global(struct parser *p, const char *word)
{
	struct arguments *a = p->out;

	if (!strcmp(word, "--json")) {
		a->json = true;
	} else if (!strcmp(word, "--help") || !strcmp(word, "-h")) {
		a->local = LOCAL_HELP;
		a->word = a->command ? a->command->name : NULL;
	} else if (!strcmp(word, "--socket")) {
		if (p->at >= p->argc)
			return fail(p, "--socket needs a path");
		a->socket = p->argv[p->at++];
	} else if (!strncmp(word, "--socket=", 9)) {
		a->socket = word + 9;
	} else {
		return 0;
	}
	return 1;
}

static int take_argument(struct parser *p)
{
	const char *word = p->argv[p->at++];
	int r;

	if (p->only_places || word[0] != '-' || !word[1])
		return take_place(p, word);
	if (!strcmp(word, "--")) {
		p->only_places = true;
		return 0;
	}
	r = take_global(p, word);
	if (r)
		return r < 0 ? r : 0;
	if (strncmp(word, "--", 2) != 0)
		return fail(p, "there is no option %.20s; options are written --name", word);
	return take_option(p, word + 2);
}

static enum local_command local_of(const char *word)
{
	static const char *const name[LOCAL_COMMAND_COUNT] = {"", "help", "watch", "completion",
		"names", "config import", "generate"};

	for (unsigned i = 1; i < LOCAL_COMMAND_COUNT; i++)
		if (!strcmp(name[i], word))
			return (enum local_command)i;
	return LOCAL_NONE;
}

static int take_import(struct parser *p)
{
	struct arguments *a = p->out;

	while (p->at < p->argc) {
		const char *word = p->argv[p->at++];
		int r = p->only_places ? 0 : take_global(p, word);

		if (r < 0)
			return r;
		if (r)
			continue;
		if (!p->only_places && !strcmp(word, "--"))
			p->only_places = true;
		else if (!p->only_places && !strcmp(word, "--dry-run"))
			a->dry_run = true;
		else if (!p->only_places && !strcmp(word, "--output") && p->at < p->argc)
			a->output = p->argv[p->at++];
		else if (!p->only_places && !strncmp(word, "--output=", 9))
			a->output = word + 9;
		else if ((!p->only_places && *word == '-') || a->word)
			return fail(p,
				"\"%.40s\" is not understood: autonomyctl config import OLD "
				"[--output FILE] "
				"[--dry-run]",
				word);
		else
			a->word = word;
	}
	if (a->local == LOCAL_HELP) {
		a->word = NULL;
		return 0;
	}
	if (!a->word)
		return fail(p,
			"the old file is missing: autonomyctl config import OLD [--output FILE] "
			"[--dry-run]");
	return 0;
}

static int take_local(struct parser *p)
{
	struct arguments *a = p->out;
	char joined[64];

	if (p->at < p->argc && p->argv[p->at][0] != '-')
		a->word = p->argv[p->at++];
	if (a->local == LOCAL_HELP && p->at < p->argc && p->argv[p->at][0] != '-') {
		/* "help config check": the second word only points deeper */
		snprintf(joined, sizeof(joined), "%s.%s", a->word, p->argv[p->at++]);
		if (command_find(joined))
			a->word = command_find(joined)->name;
	}
	while (p->at < p->argc) {
		const char *word = p->argv[p->at++];
		int r = take_global(p, word);

		if (r < 0)
			return r;
		if (!r)
			return fail(p, "\"%.40s\" is one argument too many", word);
	}
	return 0;
}

/* "start, stop, status" of "trace"; empty when no command begins so. */
static void list_seconds(const char *first, char *text, size_t size)
{
	size_t n = strlen(first), used = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < COMMAND_ID_COUNT && used < size; i++) {
		const char *name = command_table[i].name;

		if (strncmp(name, first, n) == 0 && name[n] == '.')
			used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "",
				name + n + 1);
	}
}

/* "config" "check", "config.check" and "status" are commands. */
static int find_command(struct parser *p)
{
	const char *first = p->argv[p->at++];
	const struct command *near;
	char joined[64], seconds[128];

	p->out->command = command_find(first);
	if (p->out->command)
		return 0;
	if (p->at < p->argc) {
		snprintf(joined, sizeof(joined), "%s.%s", first, p->argv[p->at]);
		p->out->command = command_find(joined);
		if (p->out->command) {
			p->at++;
			return 0;
		}
	}
	list_seconds(first, seconds, sizeof(seconds));
	if (seconds[0] && (p->at >= p->argc || p->argv[p->at][0] == '-'))
		return fail(p, "%s what? one of: %s", first, seconds);
	near = command_nearest(p->at < p->argc && strcmp(first, "config") == 0 ? joined : first);
	if (near)
		return fail(p, "there is no command \"%.40s\"; did you mean \"%s\"?", first,
			arguments_words(near, joined, sizeof(joined)));
	if (seconds[0])
		return fail(p, "there is no \"%s %.40s\"; one of: %s", first, p->argv[p->at],
			seconds);
	return fail(p, "there is no command \"%.40s\"; see: autonomyctl help", first);
}

static int check_required(const struct parser *p)
{
	const struct command *c = p->out->command;
	char usage[160];

	for (unsigned i = 0; i < command_n_arguments(c); i++)
		if (c->argument[i].required && !(p->given & (1u << i))) {
			arguments_usage(c, usage, sizeof(usage));
			return fail(p, "%s is missing: autonomyctl %s", c->argument[i].name, usage);
		}
	return 0;
}

/* autonomy-replay has more options for them than the table, and explains them itself. */
static bool is_study(const struct command *c)
{
	return c == &command_table[COMMAND_ID_WHATIF] || c == &command_table[COMMAND_ID_TUNE];
}

int arguments_parse(struct arguments *a, int argc, char **argv, char *text, size_t size)
{
	struct parser p =
		{.out = a, .argc = argc, .argv = argv, .at = 1, .text = text, .size = size};
	int r;

	text[0] = '\0';
	memset(a, 0, sizeof(*a));
	a->socket = CLIENT_SOCKET;
	while (p.at < argc && argv[p.at][0] == '-') {
		r = take_global(&p, argv[p.at++]);
		if (r < 0)
			return r;
		if (!strcmp(argv[p.at - 1], "--version")) {
			a->command = &command_table[COMMAND_ID_VERSION];
			a->params = json_object_new_object();
			return 0;
		}
		if (!r)
			return fail(&p, "there is no option %.40s; see: autonomyctl help",
				argv[p.at - 1]);
	}
	if (p.at >= argc) {
		a->local = LOCAL_HELP;
		return 0;
	}
	if (p.at + 1 < argc && !strcmp(argv[p.at], "config") && !strcmp(argv[p.at + 1], "import")) {
		p.at += 2;
		a->local = LOCAL_IMPORT;
		return take_import(&p);
	}
	a->local = local_of(argv[p.at]);
	if (a->local != LOCAL_NONE) {
		p.at++;
		return take_local(&p);
	}
	r = find_command(&p);
	if (r)
		return r;
	a->params = json_object_new_object();
	if (is_study(a->command)) {
		a->rest = argv + p.at;
		a->n_rest = argc - p.at;
		return 0;
	}
	while (p.at < argc) {
		r = take_argument(&p);
		if (r)
			return r;
	}
	return a->local == LOCAL_HELP ? 0 : check_required(&p);
}

void arguments_done(struct arguments *a)
{
	json_object_put(a->params);
	a->params = NULL;
}
