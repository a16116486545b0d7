#include "ctl/generate.h"

#include <errno.h>
#include <string.h>

#include "ctl/arguments.h"
#include "ctl/client.h"
#include "ctl/generate_api.h"
#include "ctl/table.h"

static const struct {
	const char *name, *text;
} local_table[] = {
	{"config import OLD", "A configuration of an older autonomy as one of today."},
	{"watch", "A live view of links, choices and events."},
	{"completion bash|zsh", "Completion for a shell."},
	{"help [COMMAND]", "This, or more about one command."},
};

static const struct {
	enum exit_code code;
	const char *text;
} exit_table[] = {
	{EXIT_OK, "done; with status: healthy"},
	{EXIT_REFUSED, "the daemon refused, or the check found mistakes"},
	{EXIT_USAGE, "the command line is wrong"},
	{EXIT_UNREACHABLE, "no daemon answers"},
	{EXIT_PERMISSION, "not permitted"},
	{EXIT_DEGRADED, "status only: degraded, on a backup or on a link that does not do"},
	{EXIT_DEAD, "status only: no path answers"},
	{EXIT_OFFLINE, "status only: no uplink"},
	{EXIT_STARTING, "status only: no evidence yet"},
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* ---- help ---- */

static void help_argument(FILE *out, const struct argument *a, int width)
{
	char head[40];

	snprintf(head, sizeof(head), "  %s%s", a->positional ? "" : "--", a->name);
	fprintf(out, "%-22s", head);
	text_wrap(out, a->text, 22, width);
	if (a->fallback && a->type != ARGUMENT_BOOL)
		fprintf(out, "%22sDefault: %s.\n", "", a->fallback);
}

static void help_one(FILE *out, const struct command *c, int width)
{
	char usage[256];

	arguments_usage(c, usage, sizeof(usage));
	fprintf(out, "autonomyctl ");
	text_wrap(out, usage, 12, width);
	fputc('\n', out);
	text_wrap(out, c->text, 0, width);
	if (*c->help)
		text_wrap(out, c->help, 0, width);
	if (command_n_arguments(c))
		fputc('\n', out);
	for (unsigned i = 0; i < command_n_arguments(c); i++)
		help_argument(out, &c->argument[i], width);
	fprintf(out, "\nPermission: %s.\n", permission_name(c->permission));
}

static void help_row(FILE *out, const char *head, const char *text, int width)
{
	fprintf(out, "  %-22s", head);
	if (strlen(head) > 22)
		fprintf(out, "\n%24s", "");
	text_wrap(out, text, 24, width);
}

void generate_help(FILE *out, const struct command *c, int width)
{
	char words[256];

	if (c) {
		help_one(out, c, width);
		return;
	}
	fprintf(out, "usage: autonomyctl [--json] [--socket PATH] COMMAND [ARGUMENTS]\n\n");
	for (size_t i = 0; i < COMMAND_ID_COUNT; i++)
		help_row(out, arguments_words(&command_table[i], words, sizeof(words)),
			command_table[i].text, width);
	for (size_t i = 0; i < COUNT(local_table); i++)
		help_row(out, local_table[i].name, local_table[i].text, width);
	fprintf(out, "\nExit codes:\n");
	for (size_t i = 0; i < COUNT(exit_table); i++) {
		snprintf(words, sizeof(words), "%d", (int)exit_table[i].code);
		help_row(out, words, exit_table[i].text, width);
	}
}

/* ---- completion ---- */

/* The first words of commands, each once. */
static void each_first_word(FILE *out, const char *between)
{
	char last[32] = "";

	for (size_t i = 0; i < COMMAND_ID_COUNT; i++) {
		char first[32];

		snprintf(first, sizeof(first), "%.*s", (int)strcspn(command_table[i].name, "."),
			command_table[i].name);
		if (!strcmp(first, last))
			continue;
		fprintf(out, "%s%s", i ? between : "", first);
		memcpy(last, first, sizeof(last));
	}
	fprintf(out, "%swatch%scompletion%shelp", between, between, between);
}

static void second_words(FILE *out, const char *first)
{
	size_t n = strlen(first);
	bool any = false;

	for (size_t i = 0; i < COMMAND_ID_COUNT; i++) {
		const char *name = command_table[i].name;

		if (strncmp(name, first, n) != 0 || name[n] != '.')
			continue;
		fprintf(out, "%s%s", any ? " " : "", name + n + 1);
		any = true;
	}
}

static void options_of(FILE *out, const struct command *c)
{
	fprintf(out, "--json --socket");
	for (unsigned i = 0; i < command_n_arguments(c); i++)
		if (!c->argument[i].positional)
			fprintf(out, " --%s", c->argument[i].name);
}

/* The shell's words for what may stand in an argument's place; empty for free text. */
static void offer_bash(FILE *out, const struct argument *a)
{
	switch (a->completion) {
	case COMPLETION_LINK:
		fprintf(out, "_autonomyctl_words link");
		break;
	case COMPLETION_CLASS:
		fprintf(out, "_autonomyctl_words class");
		break;
	case COMPLETION_FILE:
		fprintf(out, "_autonomyctl_files");
		break;
	case COMPLETION_CHOICE:
		fprintf(out, "_autonomyctl_offer \"");
		for (const char *p = a->choices; *p; p++)
			fputc(*p == '|' ? ' ' : *p, out);
		fprintf(out, "\"");
		break;
	case COMPLETION_NONE:
	case COMPLETION_COUNT:
		fprintf(out, ":");
		break;
	}
}

static void bash_command(FILE *out, const struct command *c)
{
	char words[64];
	unsigned place = 0;

	arguments_words(c, words, sizeof(words));
	fprintf(out, "\t\"%s\")\n\t\tcase $previous in\n", words);
	for (unsigned i = 0; i < command_n_arguments(c); i++) {
		if (c->argument[i].positional || c->argument[i].type == ARGUMENT_BOOL)
			continue;
		fprintf(out, "\t\t--%s) ", c->argument[i].name);
		offer_bash(out, &c->argument[i]);
		fprintf(out, "; return ;;\n");
	}
	fprintf(out, "\t\tesac\n\t\tcase $current in\n\t\t-*) _autonomyctl_offer \"");
	options_of(out, c);
	fprintf(out, "\"; return ;;\n\t\tesac\n\t\tcase $place in\n");
	for (unsigned i = 0; i < command_n_arguments(c); i++) {
		if (!c->argument[i].positional)
			continue;
		fprintf(out, "\t\t%u) ", place++);
		offer_bash(out, &c->argument[i]);
		fprintf(out, " ;;\n");
	}
	fprintf(out, "\t\tesac ;;\n");
}

static void bash_head(FILE *out)
{
	fprintf(out,
		"# bash completion for autonomyctl, made by: autonomyctl completion bash\n"
		"_autonomyctl_offer() { COMPREPLY=($(compgen -W \"$1\" -- \"$current\")); }\n"
		"_autonomyctl_files() { COMPREPLY=($(compgen -f -- \"$current\")); }\n"
		"# names of links or classes, from the daemon\n"
		"_autonomyctl_words() {\n"
		"\tlocal words\n"
		"\twords=$(\"${COMP_WORDS[0]}\" names \"$1\" 2>/dev/null)\n"
		"\t_autonomyctl_offer \"$words\"\n"
		"}\n"
		"_autonomyctl() {\n"
		"\tlocal current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
		"\tlocal command= place=0 i word\n"
		"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
		"\t\tword=${COMP_WORDS[i]}\n"
		"\t\tcase $word in\n"
		"\t\t--json|--follow|--all) continue ;;\n"
		"\t\t--*) ((i++)); continue ;;\n"
		"\t\tesac\n"
		"\t\tif [ -z \"$command\" ]; then command=$word\n"
		"\t\telse case $command in\n"
		"\t\t\tconfig|trace) command=\"$command $word\" ;;\n"
		"\t\t\t*) ((place++)) ;;\n"
		"\t\tesac; fi\n"
		"\tdone\n"
		"\tcase $command in\n"
		"\t\"\") case $current in\n"
		"\t\t-*) _autonomyctl_offer \"--json --socket --help --version\" ;;\n"
		"\t\t*) _autonomyctl_offer \"");
	each_first_word(out, " ");
	fprintf(out, "\" ;;\n\t\tesac ;;\n");
}

static void completion_bash(FILE *out)
{
	bash_head(out);
	fprintf(out, "\tconfig) _autonomyctl_offer \"");
	second_words(out, "config");
	fprintf(out, "\" ;;\n\ttrace) _autonomyctl_offer \"");
	second_words(out, "trace");
	fprintf(out, "\" ;;\n\tcompletion) _autonomyctl_offer \"bash zsh\" ;;\n\thelp) "
		     "_autonomyctl_offer \"");
	each_first_word(out, " ");
	fprintf(out, "\" ;;\n");
	for (size_t i = 0; i < COMMAND_ID_COUNT; i++)
		bash_command(out, &command_table[i]);
	fprintf(out, "\tesac\n}\ncomplete -F _autonomyctl autonomyctl\n");
}

/* zsh runs the same functions through its emulation of bash's completion. */
static void completion_zsh(FILE *out)
{
	fprintf(out, "#compdef autonomyctl\n"
		     "# zsh completion for autonomyctl, made by: autonomyctl completion zsh\n"
		     "autoload -U +X bashcompinit && bashcompinit\n");
	completion_bash(out);
}

int generate_completion(FILE *out, const char *shell)
{
	if (!strcmp(shell, "bash"))
		completion_bash(out);
	else if (!strcmp(shell, "zsh"))
		completion_zsh(out);
	else
		return -EINVAL;
	return 0;
}

/* ---- manual pages ---- */

/* Text as roff: a minus is not a hyphen, and no line begins with a point or a quote. */
static void roff(FILE *out, const char *text)
{
	bool first = true;

	for (; *text; text++) {
		if (first && (*text == '.' || *text == '\''))
			fprintf(out, "\\&");
		first = *text == '\n';
		if (*text == '-')
			fprintf(out, "\\-");
		else if (*text == '\\')
			fprintf(out, "\\e");
		else
			fputc(*text, out);
	}
	fputc('\n', out);
}

static void man_head(FILE *out, const char *name, const char *text)
{
	fprintf(out,
		".\\\" Made from the command table by: autonomyctl generate %s.8\n"
		".TH %s 8 \"\" \"autonomy %s\" \"System administration\"\n.SH NAME\n%s \\- %s\n",
		name, name, AUTONOMY_VERSION, name, text);
}

static void man_argument(FILE *out, const struct argument *a)
{
	fprintf(out, ".TP\n.B ");
	if (!a->positional)
		fprintf(out, "\\-\\-");
	roff(out, a->name);
	roff(out, a->text);
	if (a->choices) {
		fprintf(out, "One of ");
		roff(out, a->choices);
	}
	if (a->fallback && a->type != ARGUMENT_BOOL) {
		fprintf(out, "Default: ");
		roff(out, a->fallback);
	}
}

static void man_command(FILE *out, const struct command *c)
{
	char usage[256];

	arguments_usage(c, usage, sizeof(usage));
	fprintf(out, ".SS ");
	roff(out, usage);
	roff(out, c->text);
	if (*c->help)
		roff(out, c->help);
	if (c->permission != PERMISSION_READ)
		fprintf(out, "Needs the permission %s.\n", permission_name(c->permission));
	for (unsigned i = 0; i < command_n_arguments(c); i++)
		man_argument(out, &c->argument[i]);
}

static void man_ctl(FILE *out)
{
	man_head(out, "autonomyctl", "shows and steers autonomyd");
	fprintf(out,
		".SH SYNOPSIS\n.B autonomyctl\n[\\-\\-json] [\\-\\-socket PATH] COMMAND "
		"[ARGUMENTS]\n.SH DESCRIPTION\nautonomyctl asks the running autonomyd over its "
		"local socket, and prints tables for people or, with \\-\\-json, the daemon's "
		"answer for programs.\nDurations are written 90s, 15m, 1h30m, 2d, forever; a bare "
		"number is seconds.\nColour is used on a terminal unless NO_COLOR is set.\n"
		".SH OPTIONS\n.TP\n.B \\-\\-json\nPrint the result as JSON, one object a line.\n"
		".TP\n.B \\-\\-socket PATH\nOf the daemon; default %s.\n.SH COMMANDS\n",
		CLIENT_SOCKET);
	for (size_t i = 0; i < COMMAND_ID_COUNT; i++)
		man_command(out, &command_table[i]);
	fprintf(out,
		".SS config import OLD [\\-\\-output FILE] [\\-\\-dry\\-run]\nMakes of a "
		"configuration "
		"that was written for an older autonomy (sections member, thresholds, starlink "
		"...) one "
		"of today and prints it, or writes FILE, which may be OLD itself; the daemon need "
		"not "
		"run. What became of every option is told; what has no place any more stands as "
		"comments at the end, with the reason. A file of today stays as it is.\n"
		".SS watch\nA live view in the terminal: links with health, round trip, loss, "
		"score of the last minute and rates, the present choice and why, and what "
		"happened.\nKeys: q quits, p pins, u unpins, d drains or undrains, r rechecks, e "
		"shows the explanation.\n.SS completion bash|zsh\nPrints completion for a "
		"shell: eval \"$(autonomyctl completion bash)\"\n.SH EXIT STATUS\n");
	for (size_t i = 0; i < COUNT(exit_table); i++) {
		fprintf(out, ".TP\n.B %d\n", (int)exit_table[i].code);
		roff(out, exit_table[i].text);
	}
	fprintf(out, ".SH FILES\n%s\n.SH SEE ALSO\n.BR autonomyd (8)\n", CLIENT_SOCKET);
}

static const struct {
	const char *name, *text;
} daemon_option[] = {
	{"-c, --config FILE",
		"The configuration; default /etc/config/autonomy. It need not exist."},
	{"-r, --run-dir DIR",
		"Of the socket, traces and what a successor adopts; default /var/run/autonomy."},
	{"-s, --state-dir DIR", "Of what is remembered over a boot; default as configured."},
	{"-o, --observe", "Change nothing, only say what would be done."},
	{"-l, --log-level LEVEL", "error, warning, notice, info or debug."},
	{"-g, --give-up N", "Stay down, with exit code 75, after N crashes within five minutes; "
			    "for supervisors. "
			    "Default: never."},
	{"-f, --foreground", "What it does anyway; for supervisors that ask."},
	{"--release", "Take everything of ours out of the kernel and end."},
	{"--version", "Print the version."},
};

static void man_daemon(FILE *out)
{
	man_head(out, "autonomyd", "keeps a site online over several uplinks");
	fprintf(out,
		".SH SYNOPSIS\n.B autonomyd\n[OPTIONS]\n.SH DESCRIPTION\nautonomyd watches every "
		"uplink of this machine, notices trouble in a fraction of a second, moves traffic "
		"to a link that works, and says why.\nWithout a configuration every device with a "
		"default route is a link.\n.SH OPTIONS\n");
	for (size_t i = 0; i < COUNT(daemon_option); i++) {
		fprintf(out, ".TP\n.B ");
		roff(out, daemon_option[i].name);
		roff(out, daemon_option[i].text);
	}
	fprintf(out,
		".SH FILES\n.TP\n.B /etc/config/autonomy\nThe configuration.\n.TP\n.B %s\nThe "
		"socket, which speaks JSON\\-RPC 2.0, one message a line; its methods are the "
		"commands of\n.BR autonomyctl (8).\n.SH SIGNALS\n.TP\n.B SIGHUP\nReads the "
		"configuration again.\n.TP\n.B SIGTERM\nEnds; routes stay in the kernel for the "
		"successor unless the configuration says otherwise. Use autonomyctl release to "
		"take them out.\n.SH SEE ALSO\n.BR autonomyctl (8)\n",
		CLIENT_SOCKET);
}

int generate_document(FILE *out, const char *name)
{
	if (!strcmp(name, "autonomyctl.8"))
		man_ctl(out);
	else if (!strcmp(name, "autonomyd.8"))
		man_daemon(out);
	else if (!strcmp(name, "api.md"))
		generate_api(out);
	else
		return -EINVAL;
	return 0;
}
