#include "api/request.h"

#include <string.h>

#include "api/json.h"
#include "api/snapshot.h"
#include "api/words.h"
#include "base/usec.h"
#include "config/value.h"

#define SPAN_MAX_US (3653 * USEC_DAY)

/* Text from outside as it may stand in a message: short, and without control characters. */
static struct word quoted(const char *text)
{
	struct word word;
	size_t n = 0;

	for (; *text && n < sizeof(word.text) - 1; text++)
		word.text[n++] = (char)(*text >= 0x20 && *text < 0x7f ? *text : '?');
	word.text[n] = '\0';
	return word;
}

static int bad(struct api_error *ret_error, const struct argument *a, const char *what)
{
	return api_fail(ret_error, API_INVALID_PARAMS, "%s %s", a->name, what);
}

static int check_range(const struct argument *a, int64_t number, struct api_error *ret_error)
{
	if (number >= a->min && number <= a->max)
		return 0;
	if (a->type == ARGUMENT_SPAN)
		return api_fail(ret_error, API_INVALID_PARAMS, "%s: give from %s to %s", a->name,
			word_span(a->min).text, word_span(a->max).text);
	return api_fail(ret_error, API_INVALID_PARAMS, "%s: give a number from %lld to %lld",
		a->name, (long long)a->min, (long long)a->max);
}

/* Numbers and flags may come as text too: that is what shells, UCI and URLs have. */
static const char *number_of(const struct argument *a, struct json_object *in, int64_t *ret)
{
	const char *text;

	if (json_object_is_type(in, json_type_int)) {
		*ret = json_object_get_int64(in);
		return NULL;
	}
	if (!json_object_is_type(in, json_type_string))
		return "is no number";
	text = json_object_get_string(in);
	return a->type == ARGUMENT_BYTES ? value_bytes(text, ret) : value_integer(text, ret);
}

static int take_number(const struct argument *a, struct json_object *in, struct argument_value *ret,
	struct api_error *ret_error)
{
	const char *why = number_of(a, in, &ret->number);

	if (why)
		return bad(ret_error, a, why);
	return check_range(a, ret->number, ret_error);
}

static bool is_all_digits(const char *text)
{
	return *text && text[strspn(text, "0123456789")] == '\0';
}

/* A bare number is seconds, both in JSON and on a command line: "--confirm 60". */
static const char *span_of(struct json_object *in, int64_t *ret)
{
	const char *text = json_object_get_string(in), *why;
	bool is_number = json_object_is_type(in, json_type_int);

	if (!is_number && !json_object_is_type(in, json_type_string))
		return "is no duration: give for instance 90s, 15m, 1h30m, forever";
	if (!strcmp(text, "forever")) {
		*ret = USEC_NEVER;
		return NULL;
	}
	if (!is_number && !is_all_digits(text))
		return value_duration(text, ret);
	why = value_integer(text, ret);
	if (why)
		return why;
	if (*ret < 0 || *ret > SPAN_MAX_US / USEC_S)
		return "is out of range";
	*ret *= USEC_S;
	return NULL;
}

static int take_span(const struct argument *a, struct json_object *in, struct argument_value *ret,
	struct api_error *ret_error)
{
	const char *why = span_of(in, &ret->number);

	if (!why && ret->number != USEC_NEVER && ret->number > SPAN_MAX_US)
		why = "is too long: ten years at most, or forever";
	if (why)
		return bad(ret_error, a, why);
	return check_range(a, ret->number, ret_error);
}

static int take_bool(const struct argument *a, struct json_object *in, struct argument_value *ret,
	struct api_error *ret_error)
{
	bool value = json_object_get_boolean(in);
	const char *why = NULL;

	if (json_object_is_type(in, json_type_string))
		why = value_bool(json_object_get_string(in), &value);
	else if (!json_object_is_type(in, json_type_boolean))
		why = "must be true or false";
	if (why)
		return bad(ret_error, a, why);
	ret->number = value;
	return 0;
}

static int take_text(const struct argument *a, struct json_object *in, struct argument_value *ret,
	struct api_error *ret_error)
{
	if (!json_object_is_type(in, json_type_string))
		return bad(ret_error, a, "must be a string");
	ret->text = json_object_get_string(in);
	ret->size = (size_t)json_object_get_string_len(in);
	if (memchr(ret->text, '\0', ret->size))
		return bad(ret_error, a, "must not contain a zero byte");
	if (a->type == ARGUMENT_CHOICE) {
		if (!command_is_choice(a->choices, ret->text))
			return api_fail(ret_error, API_INVALID_PARAMS,
				"%s: \"%s\" is not one of %s", a->name, quoted(ret->text).text,
				a->choices);
		return 0;
	}
	if (ret->size > (size_t)a->max)
		return api_fail(ret_error, API_INVALID_PARAMS, "%s: is longer than %lld bytes",
			a->name, (long long)a->max);
	return 0;
}

static int take(const struct argument *a, struct json_object *in, struct argument_value *ret,
	struct api_error *ret_error)
{
	ret->given = true;
	switch (a->type) {
	case ARGUMENT_INTEGER:
	case ARGUMENT_BYTES:
		return take_number(a, in, ret, ret_error);
	case ARGUMENT_SPAN:
		return take_span(a, in, ret, ret_error);
	case ARGUMENT_BOOL:
		return take_bool(a, in, ret, ret_error);
	case ARGUMENT_STRING:
	case ARGUMENT_CHOICE:
	case ARGUMENT_FILE:
		return take_text(a, in, ret, ret_error);
	case ARGUMENT_ANY:
		ret->json = in;
		return 0;
	case ARGUMENT_TYPE_COUNT:
		break;
	}
	return bad(ret_error, a, "has no type");
}

/* The row's own default; a test takes every one, so it cannot fail here. */
static int take_fallback(const struct argument *a, struct argument_value *ret,
	struct api_error *ret_error)
{
	struct json_object *in;
	int r;

	if (!a->fallback)
		return 0;
	in = json_object_new_string(a->fallback);
	r = take(a, in, ret, ret_error);
	json_object_put(in);
	/* the copy is gone; the row stays */
	ret->text = a->fallback;
	ret->size = strlen(a->fallback);
	return r;
}

static int check_names(const struct command *c, struct json_object *params,
	struct api_error *ret_error)
{
	json_object_object_foreach(params, key, value)
	{
		(void)value;
		if (command_argument_index(c, key) < 0)
			return api_fail(ret_error, API_INVALID_PARAMS,
				"%s has no argument \"%s\"; method \"commands\" lists them",
				c->name, quoted(key).text);
	}
	return 0;
}

int request_parse(const struct command *c, struct json_object *params, struct request *ret,
	struct api_error *ret_error)
{
	unsigned n = command_n_arguments(c);
	bool by_place = json_object_is_type(params, json_type_array);

	memset(ret, 0, sizeof(*ret));
	ret->command = c;
	ret->params = params;
	if (params && !by_place && !json_object_is_type(params, json_type_object))
		return api_fail(ret_error, API_INVALID_PARAMS,
			"params must be an object (by name) or an array (by place)");
	if (by_place && json_object_array_length(params) > n)
		return api_fail(ret_error, API_INVALID_PARAMS, "%s takes at most %u arguments",
			c->name, n);
	if (params && !by_place && check_names(c, params, ret_error))
		return -1;
	for (unsigned i = 0; i < n; i++) {
		const struct argument *a = &c->argument[i];
		struct json_object *in = NULL;

		if (by_place && i < json_object_array_length(params))
			in = json_object_array_get_idx(params, i);
		else if (params && !by_place)
			json_object_object_get_ex(params, a->name, &in);
		if (in && take(a, in, &ret->value[i], ret_error))
			return -1;
		if (!in && a->required)
			return api_fail(ret_error, API_INVALID_PARAMS, "%s needs %s: %s", c->name,
				a->name, a->text);
		if (!in && take_fallback(a, &ret->value[i], ret_error))
			return -1;
	}
	return 0;
}

const struct argument_value *request_value(const struct request *r, const char *name)
{
	static const struct argument_value none;
	int i = command_argument_index(r->command, name);

	return i < 0 ? &none : &r->value[i];
}

int request_link(const struct api *api, const struct argument_value *v, struct api_error *ret_error)
{
	const struct policy *p = engine_policy(api->engine);
	int link = policy_link_index(p, v->text);
	char list[256];
	struct words words;

	if (link >= 0)
		return link;
	words_init(&words, list, sizeof(list));
	for (unsigned i = 0; i < LINKS_MAX; i++)
		if (p->links & (UINT32_C(1) << i))
			words_add(&words, "%s%s", words.used ? ", " : "", p->link[i].name);
	return api_fail(ret_error, API_NOT_FOUND, "there is no link \"%s\"; there %s %s",
		quoted(v->text).text, words.used ? "are:" : "is", words.used ? list : "none");
}

int request_class(const struct api *api, const struct argument_value *v,
	struct api_error *ret_error)
{
	const struct policy *p = engine_policy(api->engine);
	int class = policy_class_index(p, v->text);
	char list[160];
	struct words words;

	if (class >= 0)
		return class;
	words_init(&words, list, sizeof(list));
	for (unsigned i = 0; i < p->n_classes && i < CLASSES_MAX; i++)
		words_add(&words, "%s%s", words.used ? ", " : "", p->class[i].name);
	return api_fail(ret_error, API_NOT_FOUND,
		"there is no class of traffic \"%s\"; there are: %s", quoted(v->text).text, list);
}
