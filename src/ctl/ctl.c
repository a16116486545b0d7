#include "ctl/ctl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "api/api.h"
#include "api/config_check.h"
#include "api/json.h"
#include "ctl/arguments.h"
#include "ctl/client.h"
#include "ctl/generate.h"
#include "ctl/import_command.h"
#include "ctl/screen.h"
#include "ctl/show.h"
#include "ctl/study.h"
#include "ctl/table.h"
#include "ctl/watch.h"

#define ANSWER_TIMEOUT_MS 10000
#define BUSY_TRIES 100
#define BUSY_PAUSE_US 50000

static int terminal_width(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO))
		return 0;
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col)
		return size.ws_col;
	return screen_number("COLUMNS") ? screen_number("COLUMNS") : 80;
}

static struct show make_show(void)
{
	const char *no_colour = getenv("NO_COLOR");

	return (struct show){
		.out = stdout,
		.colours = isatty(STDOUT_FILENO) && !(no_colour && *no_colour),
		.width = terminal_width(),
	};
}

static void print_json(struct json_object *o)
{
	puts(json_object_to_json_string_ext(o,
		JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	fflush(stdout);
}

/* An error in the shape of the daemon's, so that scripts with --json read one thing. */
static enum exit_code fail(const struct arguments *a, enum exit_code code, int rpc_code,
	const char *text)
{
	char clean[600];

	if (a->json) {
		struct json_object *o = json_object_new_object(), *error = json_object_new_object();

		json_put_int(error, "code", rpc_code);
		json_put_text(error, "message", text);
		json_object_object_add(o, "error", error);
		print_json(o);
		json_object_put(o);
	} else {
		fprintf(stderr, "autonomyctl: %s\n", text_printable(text, clean, sizeof(clean)));
	}
	return code;
}

static enum exit_code fail_unreachable(const struct arguments *a, int error)
{
	char text[256];

	if (error == -EACCES || error == -EPERM) {
		snprintf(text, sizeof(text),
			"%s: not permitted; be root or a member of the group in option rpc_group",
			a->socket);
		return fail(a, EXIT_PERMISSION, API_PERMISSION, text);
	}
	snprintf(text, sizeof(text), "no autonomyd answers on %s (%s); is it running?", a->socket,
		strerror(-error));
	return fail(a, EXIT_UNREACHABLE, API_UNAVAILABLE, text);
}

/* Mistakes in a file, with its own name and not the daemon's word for it. */
static void show_problems(const struct arguments *a, struct json_object *problems)
{
	for (size_t i = 0; i < json_object_array_length(problems); i++) {
		struct json_object *p = json_object_array_get_idx(problems, i);
		const char *section = json_get_text(p, "section", ""),
			   *option = json_get_text(p, "option", "");
		char clean[400];

		/* config set knows the option; the line is of a file that nobody has seen */
		if (!json_object_object_get_ex(p, "place", NULL)) {
			fprintf(stderr, "%s%s%s%s%s\n", section, *option ? "." : "", option,
				*section ? ": " : "",
				text_printable(json_get_text(p, "text", ""), clean, sizeof(clean)));
			continue;
		}
		fprintf(stderr, "%s:%d: %s%s\n", a->file ? a->file : json_get_text(p, "place", "?"),
			(int)json_get_int(p, "line", 0),
			json_get_bool(p, "warning") ? "warning: " : "",
			text_printable(json_get_text(p, "text", ""), clean, sizeof(clean)));
	}
}

static enum exit_code show_error(const struct arguments *a, struct json_object *error)
{
	int code = (int)json_get_int(error, "code", 0);
	struct json_object *problems = json_get_array(json_get_object(error, "data"), "problems");

	if (a->json) {
		struct json_object *o = json_object_new_object();

		json_object_object_add(o, "error", json_object_get(error));
		print_json(o);
		json_object_put(o);
	} else if (problems) {
		show_problems(a, problems);
		fputs("autonomyctl: nothing was changed\n", stderr);
	} else {
		fail(a, EXIT_REFUSED, code, json_get_text(error, "message", "refused"));
	}
	if (code == API_PERMISSION)
		return EXIT_PERMISSION;
	return code == API_INVALID_PARAMS ? EXIT_USAGE : EXIT_REFUSED;
}

/* Notifications until the daemon ends or the user interrupts. */
static enum exit_code follow(const struct arguments *a, const struct show *s, struct client *c)
{
	for (;;) {
		struct json_object *message = NULL, *event;
		int r = client_read(c, -1, &message);

		if (r < 0)
			return fail_unreachable(a, r);
		event = json_get_object(message, "params");
		if (event && a->json)
			print_json(event);
		else if (event)
			show_event(s, event);
		fflush(s->out);
		json_object_put(message);
	}
}

static enum exit_code show_answer(const struct arguments *a, const struct show *s,
	struct json_object *message)
{
	struct json_object *error = json_get_object(message, "error"),
			   *result = json_get_object(message, "result");

	if (error)
		return show_error(a, error);
	if (!result)
		return fail(a, EXIT_REFUSED, API_INTERNAL, "the daemon sent no answer");
	if (!a->json)
		return show_result(s, a->command, result);
	print_json(result);
	if (a->command == &command_table[COMMAND_ID_STATUS])
		return show_state_code(json_get_text(result, "state", ""));
	return EXIT_OK;
}

static enum exit_code ask(struct arguments *a, struct client *c, const char *method,
	struct json_object *params, struct json_object **ret_message)
{
	int r = client_open(c, a->socket);

	if (r) {
		json_object_put(params);
		return fail_unreachable(a, r);
	}
	r = client_send(c, 1, method, params);
	if (!r)
		r = client_read(c, ANSWER_TIMEOUT_MS, ret_message);
	if (r == 1)
		return EXIT_OK;
	return fail_unreachable(a, r ? r : -ETIMEDOUT);
}

/* Another program holds the file: what people would do is try again. */
static enum exit_code ask_patiently(struct arguments *a, struct client *c,
	struct json_object **ret_message)
{
	bool edits = !strncmp(a->command->name, "config.", 7) && a->command->changes;

	for (int i = 0;; i++) {
		enum exit_code code =
			ask(a, c, a->command->name, json_object_get(a->params), ret_message);

		if (code != EXIT_OK || !edits || i == BUSY_TRIES ||
			json_get_int(json_get_object(*ret_message, "error"), "code", 0) != API_BUSY)
			return code;
		json_object_put(*ret_message);
		*ret_message = NULL;
		client_close(c);
		usleep(BUSY_PAUSE_US);
	}
}

static enum exit_code run_remote(struct arguments *a)
{
	struct show s = make_show();
	struct json_object *message = NULL;
	bool follows = json_object_object_get_ex(a->params, "follow", NULL) &&
		       strcmp(json_get_text(a->params, "follow", ""), "false") != 0;
	struct client c;
	enum exit_code code;

	code = ask_patiently(a, &c, &message);
	if (code == EXIT_OK) {
		if (follows && a->json && json_get_object(message, "result")) {
			struct json_object *events =
				json_get_array(json_get_object(message, "result"), "events");

			for (size_t i = 0; events && i < json_object_array_length(events); i++)
				print_json(json_object_array_get_idx(events, i));
		} else {
			code = show_answer(a, &s, message);
		}
		fflush(stdout);
		if (follows && code == EXIT_OK)
			code = follow(a, &s, &c);
		json_object_put(message);
	}
	client_close(&c);
	return code;
}

/* Without a daemon: the same reader that it has. */
static enum exit_code run_check(struct arguments *a)
{
	struct json_object *text = NULL, *result;
	struct show s = make_show();
	enum exit_code code;

	json_object_object_get_ex(a->params, "text", &text);
	result = config_check_json(a->file ? a->file : "/etc/config/autonomy",
		text ? json_object_get_string(text) : NULL);
	if (!result)
		return fail(a, EXIT_REFUSED, API_INTERNAL, "out of memory");
	if (a->json)
		print_json(result);
	code = a->json ? json_get_bool(result, "valid") ? EXIT_OK : EXIT_REFUSED
		       : show_result(&s, a->command, result);
	json_object_put(result);
	return code;
}

/* Names of links or classes, one a line, for completion: silent when there is no daemon. */
static enum exit_code run_names(struct arguments *a)
{
	struct json_object *message = NULL, *list;
	const char *kind = a->word ? a->word : "link";
	struct client c;

	a->json = false;
	if (client_open(&c, a->socket))
		return EXIT_UNREACHABLE;
	if (!client_send(&c, 1, "status", NULL) && client_read(&c, 1000, &message) == 1) {
		list = json_get_array(json_get_object(message, "result"),
			!strcmp(kind, "link") ? "links" : "classes");
		for (size_t i = 0; list && i < json_object_array_length(list); i++)
			puts(json_get_text(json_object_array_get_idx(list, i), kind, ""));
		json_object_put(message);
	}
	client_close(&c);
	return EXIT_OK;
}

static enum exit_code run_local(struct arguments *a)
{
	const struct command *c = a->word ? command_find(a->word) : NULL;
	enum exit_code code;
	char text[512];

	switch (a->local) {
	case LOCAL_HELP:
		if (a->word && !c && strcmp(a->word, "watch") != 0)
			return fail(a, EXIT_USAGE, API_METHOD_NOT_FOUND,
				"there is no such command; see: autonomyctl help");
		generate_help(stdout, c, terminal_width());
		return EXIT_OK;
	case LOCAL_WATCH:
		return watch_run(a->socket);
	case LOCAL_COMPLETION:
		if (generate_completion(stdout, a->word ? a->word : ""))
			return fail(a, EXIT_USAGE, API_INVALID_PARAMS,
				"which shell? autonomyctl completion bash|zsh");
		return EXIT_OK;
	case LOCAL_NAMES:
		return run_names(a);
	case LOCAL_IMPORT:
		code = import_command(a, text, sizeof(text));
		return code == EXIT_OK ? code : fail(a, code, API_REFUSED, text);
	case LOCAL_GENERATE:
		if (generate_document(stdout, a->word ? a->word : ""))
			return fail(a, EXIT_USAGE, API_INVALID_PARAMS,
				"which document? autonomyctl generate "
				"autonomyctl.8|autonomyd.8|api.md");
		return EXIT_OK;
	case LOCAL_NONE:
	case LOCAL_COMMAND_COUNT:
		break;
	}
	return EXIT_USAGE;
}

int ctl_run(int argc, char **argv)
{
	struct arguments a;
	char text[512];
	enum exit_code code;

	if (arguments_parse(&a, argc, argv, text, sizeof(text)))
		code = fail(&a, EXIT_USAGE, API_INVALID_PARAMS, text);
	else if (a.local != LOCAL_NONE)
		code = run_local(&a);
	else if (a.command == &command_table[COMMAND_ID_CONFIG_CHECK])
		code = run_check(&a);
	else if (a.rest)
		code = study_run(&a);
	else
		code = run_remote(&a);
	arguments_done(&a);
	if (fflush(stdout) && code == EXIT_OK)
		code = EXIT_REFUSED;
	return (int)code;
}
