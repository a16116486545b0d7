#include "ctl/import_command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/json.h"
#include "config/config.h"
#include "config/uci_store.h"
#include "ctl/import.h"
#include "ctl/table.h"

struct report {
	struct json_object *notes; /* NULL: for people */
	FILE *out;
	unsigned n[IMPORT_FATE_COUNT];
};

static void put_note(struct json_object *list, const struct import_note *n)
{
	struct json_object *o = json_object_new_object();

	json_put_text(o, "fate", import_fate_name(n->fate));
	json_put_int(o, "line", n->line);
	json_put_text(o, "type", n->type);
	json_put_text(o, "section", n->section);
	json_put_text(o, "option", n->option);
	json_put_text(o, "value", n->value);
	json_put_text(o, n->fate == IMPORT_MAPPED ? "to" : "reason", n->to);
	json_object_array_add(list, o);
}

static void tell(void *user, const struct import_note *n)
{
	struct report *r = user;
	char value[200], section[100];

	r->n[n->fate]++;
	if (r->notes)
		put_note(r->notes, n);
	if (r->notes || n->fate == IMPORT_KEPT)
		return;
	fprintf(r->out, "%-8s %s%s%s%s%s", import_fate_name(n->fate),
		text_printable(n->type, section, sizeof(section)), *n->section ? " '" : "",
		n->section, *n->section ? "'" : "", *n->option ? ": " : "");
	if (*n->option)
		fprintf(r->out, "%s '%s'", n->option,
			text_printable(n->value, value, sizeof(value)));
	fprintf(r->out, "%s%s\n", n->fate == IMPORT_MAPPED ? " -> " : ": ",
		text_printable(n->to, value, sizeof(value)));
}

/* Neither another file that says something is replaced by accident, nor an edit that the import has not seen. */
static int may_replace(const struct arguments *a, const struct uci_store *store, const char *read,
	size_t read_size, struct problem *ret)
{
	if (strcmp(a->output, a->word) != 0) {
		if (!store->size)
			return 0;
		problem_set(ret, a->output, 0,
			"it is there already: take it away, or choose another name");
		return -EEXIST;
	}
	if (store->size == read_size && !memcmp(store->text, read, read_size) && !store->delta_size)
		return 0;
	problem_set(ret, a->output, 0,
		"another program has changed it meanwhile; it was left alone: import it again");
	return -EBUSY;
}

static int write_output(const struct arguments *a, const char *read, size_t read_size,
	const char *text, size_t size, struct problem *ret)
{
	struct uci_store store;
	int r;

	uci_store_init(&store);
	r = uci_store_open(&store, a->output, ret);
	if (!r)
		r = may_replace(a, &store, read, read_size, ret);
	if (!r && (store.size != size || memcmp(store.text, text, size) != 0))
		r = uci_store_replace(&store, text, size, ret);
	uci_store_close(&store);
	uci_store_forget(&store);
	return r;
}

static void show(const struct arguments *a, struct report *r, const char *text)
{
	bool to_stdout = !a->output && !a->dry_run;

	if (r->notes) {
		struct json_object *o = json_object_new_object();

		json_put_text(o, "text", text);
		json_object_object_add(o, "notes", r->notes);
		puts(json_object_to_json_string_ext(o,
			JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
		json_object_put(o);
		return;
	}
	if (to_stdout)
		fputs(text, stdout);
	fprintf(r->out, "%s: %u kept, %u mapped, %u at their default, %u dropped, %u unknown%s\n",
		a->word, r->n[IMPORT_KEPT], r->n[IMPORT_MAPPED], r->n[IMPORT_DEFAULT],
		r->n[IMPORT_DROPPED], r->n[IMPORT_UNKNOWN],
		r->n[IMPORT_DROPPED] + r->n[IMPORT_UNKNOWN]
			? "; what was dropped or is unknown stands as comments at the end of the "
			  "result"
			: "");
}

static int import_file(const struct arguments *a, const char *text, size_t size,
	struct problem *problem)
{
	struct report report = {.out = a->dry_run || a->output ? stdout : stderr};
	char *made = NULL;
	size_t made_size = 0;
	int r;

	if (a->json)
		report.notes = json_object_new_array();
	r = import_text(a->word, text, size, tell, &report, &made, &made_size, problem);
	if (!r && a->output && !a->dry_run)
		r = write_output(a, text, size, made, made_size, problem);
	if (!r)
		show(a, &report, made);
	else
		json_object_put(report.notes);
	free(made);
	return r;
}

enum exit_code import_command(const struct arguments *a, char *ret_error, size_t size)
{
	char *text = NULL, *delta = NULL;
	size_t text_size, delta_size;
	struct problem problem = {"", 0, ""};
	int r = uci_store_read(a->word, NULL, CONFIG_FILE_MAX, &text, &text_size, &delta,
		&delta_size);

	if (r)
		problem_set(&problem, a->word, 0, "%s",
			r == -EFBIG   ? "it is too large for a configuration"
			: r == -EBADF ? "it is no file"
				      : strerror(-r));
	else if (delta_size)
		problem_set(&problem, a->word, 0,
			"changes of it are staged: first uci commit or uci revert");
	if (!r && !delta_size)
		r = import_file(a, text, text_size, &problem);
	else
		r = r ? r : -EBUSY;
	if (r && problem.line)
		snprintf(ret_error, size, "%s:%d: %s", problem.place, problem.line, problem.text);
	else if (r)
		snprintf(ret_error, size, "%s: %s", problem.place, problem.text);
	free(text);
	free(delta);
	return r ? EXIT_REFUSED : EXIT_OK;
}
