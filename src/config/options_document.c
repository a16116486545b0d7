/* Documents made from the option table: nothing here knows an option by name. */
#include <string.h>

#include "config/options.h"

static void print_default(const struct option *o, char *ret, size_t size)
{
	static struct config config;
	static union {
		struct config config;
		struct config_link link;
		struct class_policy class;
		struct class_match match;
		struct option_target target;
	} base;

	ret[0] = '\0';
	/* the struct of any section; classes and targets live outside of config here */
	if (o->type == OPTION_TYPE_LINKS || o->type == OPTION_TYPE_CLASS ||
		o->type == OPTION_TYPE_ADDRESS || o->type == OPTION_TYPE_PREFIX)
		return;
	memset(&base, 0, sizeof(base));
	option_default(o, &base);
	option_print_all(o, &config, &base, ret, size);
}

/* A | would end the cell of a table. */
static void print_cell(FILE *f, const char *text)
{
	for (; *text; text++) {
		if (*text == '|')
			fputc('\\', f);
		fputc(*text, f);
	}
}

static void markdown_option(FILE *f, const struct option *o)
{
	char text[OPTION_TEXT_SIZE];

	fprintf(f, "| `%s` | %s%s | ", o->name, option_is_list(o) ? "list of " : "",
		option_type_name(o->type));
	option_print_range(o, text, sizeof(text));
	print_cell(f, text);
	print_default(o, text, sizeof(text));
	fprintf(f, *text ? " | `%s` | " : " | %s | ", text);
	print_cell(f, option_text(o));
	fprintf(f, "%s |\n", o->live ? "" : " *At the next start.*");
}

static void markdown_section(FILE *f, enum option_section section)
{
	const struct option_section_info *info = option_section(section);
	unsigned n;
	const struct option *o = option_first(section, &n);

	fprintf(f, "\n## config %s", info->type);
	if (info->name)
		fprintf(f, " '%s'", info->name);
	fprintf(f, "\n\n%s\n\n", option_section_text(section));
	fputs("| option | type | range | default | what it does |\n|---|---|---|---|---|\n", f);
	for (; n--; o++)
		markdown_option(f, o);
}

void options_print_markdown(FILE *f)
{
	fputs("# Options\n\n"
	      "<!-- Made from src/config/option_rows.h by docgen; change it there. -->\n\n"
	      "All configuration is one UCI file, `/etc/config/autonomy`, on every system. None of "
	      "it is needed: "
	      "links are found by themselves. `autonomyctl config check` says what is wrong with a "
	      "file and where; "
	      "a running daemon keeps the configuration that it has when the new one has an "
	      "error.\n\n"
	      "Durations have a unit (`500ms`, `30s`, `1h30m`, `7d`), so have amounts of data "
	      "(`5MB`, `1.5GB`, `64KiB`). "
	      "Yes and no are `1` and `0`. A list may be written as `list` lines or as one "
	      "`option` with blanks.\n",
		f);
	for (unsigned k = 0; k < OPTION_SECTION_COUNT; k++)
		markdown_section(f, (enum option_section)k);
	fputs("\n## Example\n\n"
	      "```\n"
	      "config link 'fibre'\n"
	      "\toption device 'eth1'\n"
	      "\toption preference '10'\n\n"
	      "config link 'lte'\n"
	      "\toption device 'wwan0'\n"
	      "\toption quota '20GB'\n\n"
	      "config class 'calls'\n"
	      "\toption need 'realtime'\n\n"
	      "config match\n"
	      "\toption class 'calls'\n"
	      "\toption dscp 'EF'\n"
	      "```\n",
		f);
}

#define COMMENT_WIDTH 96

/* Text in comment lines of a readable length. */
static void print_comment(FILE *f, const char *indent, const char *text)
{
	while (*text) {
		size_t n = strlen(text), width = COMMENT_WIDTH - 8 * strlen(indent);

		if (n > width) {
			n = width;
			while (n > 0 && text[n] != ' ')
				n--;
			if (!n)
				n = strcspn(text, " ");
		}
		fprintf(f, "%s# %.*s\n", indent, (int)n, text);
		text += n;
		while (*text == ' ')
			text++;
	}
}

static void uci_option(FILE *f, const struct option *o)
{
	char range[OPTION_TEXT_SIZE], value[OPTION_TEXT_SIZE];

	fputc('\n', f);
	print_comment(f, "\t", option_text(o));
	option_print_range(o, range, sizeof(range));
	print_default(o, value, sizeof(value));
	fprintf(f, "\t#%s %s", option_is_list(o) ? "list" : "option", o->name);
	if (*value)
		fprintf(f, " '%s'", value);
	if (*range)
		fprintf(f, "\t# %s", range);
	fputc('\n', f);
}

void options_print_uci(FILE *f)
{
	print_comment(f, "",
		"autonomy works without any of this. What is commented out shows the default; see "
		"docs/options.md, and `autonomyctl config check` after a change.");
	for (unsigned k = 0; k < OPTION_SECTION_COUNT; k++) {
		const struct option_section_info *info = option_section((enum option_section)k);
		unsigned n;
		const struct option *o = option_first((enum option_section)k, &n);

		fputc('\n', f);
		print_comment(f, "", option_section_text((enum option_section)k));
		if (info->name)
			fprintf(f, "config %s '%s'\n", info->type, info->name);
		else
			fprintf(f, "#config %s\n", info->type);
		for (; n--; o++)
			uci_option(f, o);
	}
}
