/*
 * config.set: changes to the file, by name.
 *
 *   store (locked) -> document, with what is staged -> changes -> text, comments kept -> checked whole -> file -> use
 *
 * All or nothing: whatever is wrong with one of the changes, or with the file they would make, nothing is written.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>

#include "api/config_own.h"
#include "api/json.h"
#include "api/snapshot.h"
#include "codec/uci_delta.h"
#include "codec/uci_rewrite.h"
#include "config/config_edit.h"

#define CHANGES_MAX 256
#define CHANGES_ROOM 16384 /* bytes of text they may add */
#define OVERTAKEN_NS INT64_C(1000000000)
#define AGAIN_MAX 3

struct setting {
	struct api *api;
	struct api_error *error;
	struct uci_document document;
	size_t size;
	void *memory, *scratch; /* each of size */
	char *text;             /* CONFIG_FILE_MAX + 1 */
	size_t length;
	struct {
		const char *section, *option; /* option NULL: the section */
	} touched[CHANGES_MAX];
	unsigned n;
	bool wrote;
};

static int carry_out(struct setting *w, struct config_edit *e)
{
	struct problem problem = {"", 0, ""};
	struct uci_section *s = NULL;
	const char *section, *option;
	int r = config_edit(&w->document, e, &s, &problem);

	/* a link that was found needs no section until something is to be said of it */
	if (r == -ENOENT && policy_link_index(engine_policy(w->api->engine), e->section) >= 0) {
		e->type = "link";
		r = config_edit(&w->document, e, &s, &problem);
	}
	if (r)
		return api_fail(w->error, API_INVALID_PARAMS, "%s: %s; nothing was changed",
			problem.place, problem.text);
	if (w->n == CHANGES_MAX)
		return api_fail(w->error, API_INVALID_PARAMS,
			"more than %d changes: make them in parts", CHANGES_MAX);
	/* the words of a change go with it */
	section = uci_document_text(&w->document, s ? s->name : e->section);
	option = e->option ? uci_document_text(&w->document, e->option) : NULL;
	if (!section || (e->option && !option))
		return api_fail(w->error, API_INVALID_PARAMS, "more text than there is room for");
	w->touched[w->n].section = section;
	w->touched[w->n++].option = option;
	return 0;
}

static int set_value(struct setting *w, struct config_edit e, struct json_object *value)
{
	if (json_object_is_type(value, json_type_array)) {
		/* a list takes the place of what was there, or is added to it, or taken from it */
		e.value = NULL;
		if (e.what == CONFIG_EDIT_SET && carry_out(w, &e))
			return -1;
		if (e.what == CONFIG_EDIT_SET)
			e.what = CONFIG_EDIT_APPEND;
		for (size_t i = 0; i < json_object_array_length(value); i++) {
			e.value = json_object_get_string(json_object_array_get_idx(value, i));
			if (!e.value || carry_out(w, &e))
				return e.value ? -1
					       : api_fail(w->error, API_INVALID_PARAMS,
							 "%s: an item cannot be null", e.option);
		}
		return 0;
	}
	if (json_object_is_type(value, json_type_object))
		return api_fail(w->error, API_INVALID_PARAMS,
			"%s: a value is a string, a number, a boolean, a list or null", e.option);
	if (json_object_is_type(value, json_type_boolean))
		e.value = json_object_get_boolean(value) ? "1" : "0";
	else
		e.value = value ? json_object_get_string(value) : NULL;
	if (!e.value && e.what != CONFIG_EDIT_SET)
		return api_fail(w->error, API_INVALID_PARAMS, "%s: an item cannot be null",
			e.option);
	return carry_out(w, &e);
}

/* As in the words NAME=TYPE and NAME=. */
static int set_whole(struct setting *w, struct config_edit e, struct json_object *value)
{
	const char *type =
		json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;

	if (value && !type)
		return api_fail(w->error, API_INVALID_PARAMS,
			"%s: give its type, or null to take it away", e.section);
	if (type && *type)
		e.type = e.value = type;
	return carry_out(w, &e);
}

/* One section: an option with its value, several in values, or only the section itself. */
static int set_section(struct setting *w, const char *section, const char *type, const char *option,
	struct json_object *value, bool has_value, struct json_object *values)
{
	struct config_edit e = {.what = CONFIG_EDIT_SET, .section = section, .type = type};

	if (!section && !type)
		return api_fail(w->error, API_INVALID_PARAMS,
			"give changes, or a section with option and value or with values");
	if (values && !json_object_is_type(values, json_type_object))
		return api_fail(w->error, API_INVALID_PARAMS, "values must be an object");
	if (option && !has_value)
		return api_fail(w->error, API_INVALID_PARAMS,
			"%s needs a value (an empty one takes it away)", option);
	if (!section || (!option && !values)) {
		if (!type)
			return api_fail(w->error, API_INVALID_PARAMS,
				"%s: give option and value, values, or a type", section);
		e.value = type;
		if (carry_out(w, &e))
			return -1;
		/* what was made anonymous has a name from now on */
		e.section = w->touched[w->n - 1].section;
	}
	e.option = option;
	if (option && set_value(w, e, value))
		return -1;
	if (!values)
		return 0;
	json_object_object_foreach(values, name, one)
	{
		e.option = name;
		/* ".type" and the like are of the section, as config.get and rpcd have them */
		if (*name != '.' && set_value(w, e, one))
			return -1;
	}
	return 0;
}

/* value NULL: the word holds it; otherwise the word is section.option, or only a section with an object of options. */
static int set_word(struct setting *w, const char *word, struct json_object *value, bool has_value)
{
	size_t size = strlen(word) + 2;
	struct config_edit e;
	char *text = malloc(size);
	int r = -1;

	if (!text)
		return api_fail(w->error, API_INTERNAL, "out of memory");
	memcpy(text, word, size - 1);
	if (has_value && json_object_is_type(value, json_type_object)) {
		r = set_section(w, word, json_get_text(value, ".type", NULL), NULL, NULL, false,
			value);
	} else {
		if (has_value)
			memcpy(text + size - 2, "=", 2);
		if (!config_edit_read(text, &e))
			api_fail(w->error, API_INVALID_PARAMS,
				"\"%.60s\" is no change: write SECTION.OPTION=VALUE, for instance "
				"default.hold=10s",
				word);
		else
			r = !has_value ? carry_out(w, &e)
			    : e.option ? set_value(w, e, value)
				       : set_whole(w, e, value);
	}
	free(text);
	return r;
}

static int set_object(struct setting *w, struct json_object *o)
{
	struct json_object *value = NULL, *values = NULL;
	bool has_value = json_object_object_get_ex(o, "value", &value);

	json_object_object_get_ex(o, "values", &values);
	return set_section(w, json_get_text(o, "section", NULL), json_get_text(o, "type", NULL),
		json_get_text(o, "option", NULL), value, has_value, values);
}

static int set_changes(struct setting *w, struct json_object *changes)
{
	if (json_object_is_type(changes, json_type_string))
		return set_word(w, json_object_get_string(changes), NULL, false);
	if (json_object_is_type(changes, json_type_object)) {
		json_object_object_foreach(changes, word,
			value) if (set_word(w, word, value, true)) return -1;
		return 0;
	}
	if (!json_object_is_type(changes, json_type_array))
		return api_fail(w->error, API_INVALID_PARAMS,
			"changes must be a list of \"section.option=value\" or an object");
	for (size_t i = 0; i < json_object_array_length(changes); i++) {
		struct json_object *one = json_object_array_get_idx(changes, i);
		int r = json_object_is_type(one, json_type_object) ? set_object(w, one)
			: json_object_is_type(one, json_type_string)
				? set_changes(w, one)
				: api_fail(w->error, API_INVALID_PARAMS, "change %zu is none",
					  i + 1);

		if (r)
			return -1;
	}
	return 0;
}

static void tell_syntax(void *user, int line, const char *text)
{
	const struct setting *w = user;

	api_fail(w->error, API_REFUSED, "%s:%d: %s; nothing was changed", w->api->config_file, line,
		text);
}

static int read_document(struct setting *w, struct json_object **ret_staged)
{
	const struct uci_store *store = &w->api->store;
	int n;

	w->size = uci_document_room(store->size + store->delta_size + CHANGES_ROOM);
	w->memory = malloc(w->size);
	w->scratch = malloc(w->size);
	w->text = malloc(CONFIG_FILE_MAX + 1);
	if (!w->memory || !w->scratch || !w->text)
		return api_fail(w->error, API_INTERNAL, "out of memory");
	uci_document_init(&w->document, w->memory, w->size);
	if (uci_document_parse(&w->document, store->text, store->size, tell_syntax, w))
		return -1;
	n = uci_document_apply(&w->document, uci_store_package(w->api->config_file), store->delta,
		store->delta_size);
	if (n < 0)
		return api_fail(w->error, API_INTERNAL, "out of memory");
	*ret_staged = json_object_new_int(n);
	return 0;
}

/* ---- what is wrong with the result ---- */

/* The section and option that a line of the new text holds. */
static void at_line(const struct uci_document *d, int line, const char **ret_section,
	const char **ret_option)
{
	for (const struct uci_section *s = d->section; s && line; s = s->next) {
		if (s->line == line)
			*ret_section = s->name;
		for (const struct uci_option *o = s->option; o; o = o->next)
			for (const struct uci_item *i = o->item; i; i = i->next)
				if (i->line == line) {
					*ret_section = s->name;
					*ret_option = o->name;
				}
	}
}

static bool is_touched(const struct setting *w, const char *section, const char *option)
{
	for (unsigned i = 0; section && i < w->n; i++)
		if (!strcmp(w->touched[i].section, section) &&
			(!option || !w->touched[i].option || !strcmp(w->touched[i].option, option)))
			return true;
	return false;
}

/* The sentence without the place that stands before it. */
static const char *without_place(const char *text, const char *option)
{
	const char *found = option ? strstr(text, option) : NULL;

	return found && !strncmp(found + strlen(option), ": ", 2) ? found + strlen(option) + 2
								  : text;
}

static void ignore(void *user, int line, const char *text)
{
	(void)user;
	(void)line;
	(void)text;
}

/* Mistakes, and warnings of what was changed: who sets something wants it understood. */
static int refuse_problems(struct setting *w, const struct config_problems *p)
{
	struct json_object *list = json_object_new_array();
	int code = API_INVALID_PARAMS;
	struct uci_document d;

	uci_document_init(&d, w->scratch, w->size);
	uci_document_parse(&d, w->text, w->length, ignore, NULL);
	for (int i = 0; i < p->n && i < CONFIG_PROBLEMS_MAX; i++) {
		const char *section = NULL, *option = NULL, *text = p->problem[i].text;
		struct json_object *o;

		at_line(&d, p->problem[i].line, &section, &option);
		if (!is_touched(w, section, option)) {
			if (p->warning[i])
				continue;
			code = API_REFUSED; /* the file is at fault, too */
		}
		text = without_place(text, option);
		o = json_object_new_object();
		json_put_text(o, "section", section ? section : "");
		json_put_text(o, "option", option ? option : "");
		json_put_text(o, "text", text);
		if (!json_object_array_length(list))
			api_fail(w->error, API_REFUSED, "%s%s%s%s%s; nothing was changed",
				section ? section : "", option ? "." : "", option ? option : "",
				section ? ": " : "", text);
		json_object_array_add(list, o);
	}
	if (!json_object_array_length(list)) {
		json_object_put(list);
		return 0;
	}
	w->error->code = code;
	w->error->data = json_object_new_object();
	json_object_object_add(w->error->data, "problems", list);
	return -1;
}

/* The new text, and what it means; the caller frees *ret_candidate. */
static int make_text(struct setting *w, struct candidate **ret_candidate)
{
	const struct uci_store *store = &w->api->store;
	struct candidate *c;
	int r;

	uci_rewrite(&w->document, store->text, store->size, w->text, CONFIG_FILE_MAX + 1,
		w->scratch, w->size, &w->length);
	if (w->length > CONFIG_FILE_MAX)
		return api_fail(w->error, API_REFUSED,
			"the file would be larger than %d bytes; nothing was changed",
			CONFIG_FILE_MAX);
	c = malloc(sizeof(*c));
	if (!c)
		return api_fail(w->error, API_INTERNAL, "out of memory");
	r = config_parse(w->api->config_file, w->text, w->length, &c->config, &c->problems);
	if (refuse_problems(w, &c->problems)) {
		free(c);
		return -1;
	}
	if (r) {
		free(c);
		return api_fail(w->error, API_INTERNAL, "the result cannot be read");
	}
	*ret_candidate = c;
	return 0;
}

static int commit(struct setting *w, struct candidate *c, const struct argument_value *confirm,
	struct json_object **ret_result)
{
	struct uci_store *store = &w->api->store;

	if (w->length == store->size && !memcmp(w->text, store->text, w->length) &&
		!store->delta_size) {
		/* nothing to write: flash is not worn by saying the same again */
		if (config_use(w->api, c, ret_result, w->error))
			return -1;
		json_put_int(*ret_result, "confirm_ms", 0);
		return 0;
	}
	if (config_put_in_place(w->api, w->text, w->length, c, confirm, ret_result, w->error))
		return -1;
	uci_store_unstage(store);
	w->wrote = true;
	return 0;
}

static int carry_out_request(struct setting *w, const struct request *r)
{
	const struct argument_value *changes = request_value(r, "changes"),
				    *config = request_value(r, "config"),
				    *value = request_value(r, "value"),
				    *section = request_value(r, "section"),
				    *type = request_value(r, "type");

	if ((changes->given && set_changes(w, changes->json)) ||
		(config->given && set_changes(w, config->json)))
		return -1;
	if ((changes->given || config->given) && !section->given && !type->given)
		return 0;
	return set_section(w, section->text, type->text, request_value(r, "option")->text,
		value->json, value->given, request_value(r, "values")->json);
}

static int set(struct setting *w, const struct request *r, struct json_object **ret_result)
{
	const struct argument_value *confirm = request_value(r, "confirm");
	struct json_object *staged = NULL;
	struct candidate *c = NULL;
	int error = read_document(w, &staged);

	if (!error && confirm->given)
		error = config_need_nothing_staged(w->api, w->error);
	if (!error)
		error = carry_out_request(w, r);
	if (!error)
		error = make_text(w, &c);
	if (!error)
		error = commit(w, c, confirm, ret_result);
	if (!error)
		json_object_object_add(*ret_result, "staged", json_object_get(staged));
	json_object_put(staged);
	return error;
}

static void setting_done(struct setting *w)
{
	free(w->memory);
	free(w->scratch);
	free(w->text);
	free(w);
}

void api_forget_set(struct api *api)
{
	json_object_put(api->last_set.params);
	free(api->last_set.before);
	memset(&api->last_set, 0, sizeof(api->last_set));
}

/* For api_file_changed(), as long as it can matter. */
static void remember(struct api *api, struct json_object *params)
{
	unsigned again = params == api->last_set.params ? api->last_set.again : 0;
	struct stat st;

	json_object_get(params);
	api_forget_set(api);
	if (stat(api->config_file, &st) || !(api->last_set.before = strdup(api->store.text))) {
		json_object_put(params);
		return;
	}
	api->last_set.params = params;
	api->last_set.written = st.st_ctim;
	api->last_set.inode = st.st_ino;
	api->last_set.again = again;
}

int config_command_set(struct api *api, const struct request *r, struct json_object **ret_result,
	struct api_error *ret_error)
{
	struct setting *w = calloc(1, sizeof(*w));
	int error;

	if (!w)
		return api_fail(ret_error, API_INTERNAL, "out of memory");
	/* the one before: two that were lost could not be told apart later */
	if (r->params != api->last_set.params)
		api_file_changed(api, api->now_us);
	w->api = api;
	w->error = ret_error;
	error = config_open_store(api, ret_error);
	if (!error) {
		error = set(w, r, ret_result);
		if (!error && w->wrote && !request_value(r, "confirm")->given)
			remember(api, r->params);
		uci_store_close(&api->store);
	}
	setting_done(w);
	return error;
}

/* ---- a race that was lost ---- */

static const struct uci_option *option_of(const struct uci_document *d, const char *section,
	const char *option)
{
	const struct uci_section *s = uci_document_section(d, section);

	return s && option ? uci_section_option(s, option) : NULL;
}

/* Whether everything that was set is as it was before: then nobody meant to, they had not seen it. */
static bool is_as_before(const struct setting *w, const struct uci_document *now,
	const struct uci_document *before)
{
	for (unsigned i = 0; i < w->n; i++) {
		const char *section = w->touched[i].section, *option = w->touched[i].option;
		const struct uci_option *a = option_of(now, section, option),
					*b = option_of(before, section, option);

		if (!uci_document_section(now, section) != !uci_document_section(before, section) ||
			!a != !b || (a && !uci_option_same(a, b)))
			return false;
	}
	return true;
}

/* Carries the last change out on what is in the file now. */
static bool was_lost(struct setting *w, const struct request *r)
{
	struct uci_document before;
	struct json_object *staged = NULL;
	const char *text = w->api->last_set.before;
	size_t room = uci_document_room(strlen(text) + w->api->store.size);
	void *memory = malloc(room);
	bool lost = false;

	if (memory && !read_document(w, &staged) && !carry_out_request(w, r)) {
		struct uci_document now;

		uci_document_init(&now, w->scratch, w->size);
		uci_document_init(&before, memory, room);
		lost = !uci_document_parse(&now, w->api->store.text, w->api->store.size, ignore,
			       NULL) &&
		       !uci_document_parse(&before, text, strlen(text), ignore, NULL) &&
		       !uci_document_same(&now, &w->document) && is_as_before(w, &now, &before);
	}
	json_object_put(staged);
	free(memory);
	return lost;
}

static bool find_lost(struct api *api, const struct request *r)
{
	struct setting *w = calloc(1, sizeof(*w));
	struct api_error error = {0};
	bool lost = false;

	if (!w)
		return false;
	w->api = api;
	w->error = &error;
	if (!config_open_store(api, &error)) {
		lost = was_lost(w, r);
		uci_store_close(&api->store);
	}
	json_object_put(error.data);
	setting_done(w);
	return lost;
}

/* A commit that began before ours ends soon after it; later ones mean what they say. */
static bool is_soon(const struct api *api)
{
	const struct timespec *written = &api->last_set.written;
	struct stat st;
	int64_t later_ns;

	if (stat(api->config_file, &st))
		return false;
	later_ns = (st.st_ctim.tv_sec - written->tv_sec) * INT64_C(1000000000) +
		   st.st_ctim.tv_nsec - written->tv_nsec;
	return (later_ns || st.st_ino != api->last_set.inode) && later_ns < OVERTAKEN_NS;
}

void api_file_changed(struct api *api, int64_t now_us)
{
	const struct command *c = &command_table[COMMAND_ID_CONFIG_SET];
	struct json_object *params = api->last_set.params, *result = NULL;
	struct api_error error = {0};
	struct request r;

	if (!params || api->last_set.again == AGAIN_MAX || !is_soon(api))
		return;
	api->now_us = now_us;
	json_object_get(params);
	if (!request_parse(c, params, &r, &error) && find_lost(api, &r)) {
		api->last_set.again++;
		if (api->hooks->log)
			api->hooks->log(api->user, LOG_WARNING,
				"another program overwrote what config.set had changed: done "
				"again");
		if (!config_command_set(api, &r, &result, &error))
			json_object_put(result);
	}
	json_object_put(error.data);
	json_object_put(params);
}
