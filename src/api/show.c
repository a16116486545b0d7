/* The commands that show how it is now. */
#include <string.h>

#include "api/json.h"
#include "api/request.h"
#include "api/snapshot.h"
#include "api/status.h"
#include "base/usec.h"
#include "core/eventring.h"

static void tell_sentence(void *to, const char *text)
{
	json_object_array_add(to, json_object_new_string(text));
}

/* "steering": [sentences], where there are any. */
static void put_steering(const struct api *api, struct json_object *o)
{
	struct json_object *list;

	if (!api->hooks || !api->hooks->steering)
		return;
	list = json_object_new_array();
	api->hooks->steering(api->user, tell_sentence, list);
	if (json_object_array_length(list))
		json_object_object_add(o, "steering", list);
	else
		json_object_put(list);
}

/* What only adapters know of each link; why: also what its kind was guessed from. */
static void add_details(struct api *api, struct json_object *links, bool why)
{
	for (size_t i = 0; api->hooks->link && i < json_object_array_length(links); i++) {
		struct json_object *link = json_object_array_get_idx(links, i);

		api->hooks->link(api->user, (unsigned)json_get_int(link, "slot", 0), why, link);
	}
}

int show_status(struct api *api, const struct request *r, struct json_object **ret_result,
	struct api_error *ret_error)
{
	struct snapshot s;

	(void)r;
	(void)ret_error;
	snapshot_take(&s, api->engine, api->now_us);
	*ret_result = status_json(&s, api->now_wall_us);
	add_details(api, json_get_array(*ret_result, "links"), false);
	json_put_text(*ret_result, "version", AUTONOMY_VERSION);
	json_put_int(*ret_result, "uptime_ms", (api->now_us - api->started_us) / USEC_MS);
	json_put_int(*ret_result, "next", api->events ? (int64_t)api->events->next : 0);
	if (api->hooks->ubus_state)
		json_put_text(*ret_result, "ubus", api->hooks->ubus_state(api->user));
	put_steering(api, *ret_result);
	if (api->trial.running)
		json_put_int(*ret_result, "config_confirm_ms",
			usec_max(0, api->trial.due_us - api->now_us) / USEC_MS);
	return 0;
}

int show_links(struct api *api, const struct request *r, struct json_object **ret_result,
	struct api_error *ret_error)
{
	struct json_object *links;
	struct snapshot s;

	(void)r;
	(void)ret_error;
	snapshot_take(&s, api->engine, api->now_us);
	*ret_result = json_object_new_object();
	links = status_links_json(&s);
	add_details(api, links, true);
	json_object_object_add(*ret_result, "links", links);
	return 0;
}

int show_link(struct api *api, const struct request *r, struct json_object **ret_result,
	struct api_error *ret_error)
{
	int link = request_link(api, request_value(r, "link"), ret_error);
	struct snapshot s;

	if (link < 0)
		return -1;
	snapshot_take(&s, api->engine, api->now_us);
	*ret_result = status_link_json(&s, (unsigned)link, true);
	if (api->hooks->link)
		api->hooks->link(api->user, (unsigned)link, true, *ret_result);
	return 0;
}

int show_explain(struct api *api, const struct request *r, struct json_object **ret_result,
	struct api_error *ret_error)
{
	const struct argument_value *class_wanted = request_value(r, "class"),
				    *family_wanted = request_value(r, "family");
	struct json_object *list;
	struct snapshot s;
	int class = -1;

	if (class_wanted->given) {
		class = request_class(api, class_wanted, ret_error);
		if (class < 0)
			return -1;
	}
	snapshot_take(&s, api->engine, api->now_us);
	list = json_object_new_array();
	for (unsigned c = 0; c < s.policy->n_classes && c < CLASSES_MAX; c++) {
		if (class >= 0 && c != (unsigned)class)
			continue;
		for (unsigned f = 0; f < FAMILY_COUNT; f++) {
			enum family family = (enum family)f;
			bool wanted =
				family_wanted->given
					? !strcmp(family_wanted->text,
						  f == FAMILY_IPV6 ? "ipv6" : "ipv4")
					: snapshot_has_family(&s, c, family) || f == FAMILY_IPV4;

			if (wanted)
				json_object_array_add(list,
					status_explanation_json(&s, c, family, api->now_wall_us));
		}
	}
	*ret_result = json_object_new_object();
	json_object_object_add(*ret_result, "explanations", list);
	put_steering(api, *ret_result);
	return 0;
}

static void tell_metric(void *to, const char *name, int64_t value, const char *text)
{
	struct json_object *o = json_object_new_object();

	json_put_text(o, "name", name);
	json_put_int(o, "value", value);
	json_put_text(o, "text", text);
	json_object_array_add(to, o);
}

int show_metrics(struct api *api, const struct request *r, struct json_object **ret_result,
	struct api_error *ret_error)
{
	struct json_object *list = json_object_new_array();

	(void)r;
	(void)ret_error;
	tell_metric(list, "uptime_ms", (api->now_us - api->started_us) / USEC_MS,
		"Since the start of the daemon.");
	tell_metric(list, "api_calls", (int64_t)api->calls, "Commands that were asked for.");
	tell_metric(list, "api_errors", (int64_t)api->errors, "Of these, answered with an error.");
	if (api->hooks->metrics)
		api->hooks->metrics(api->user, tell_metric, list);
	*ret_result = json_object_new_object();
	json_object_object_add(*ret_result, "metrics", list);
	return 0;
}

int show_version(struct api *api, const struct request *r, struct json_object **ret_result,
	struct api_error *ret_error)
{
	(void)r;
	(void)ret_error;
	*ret_result = json_object_new_object();
	json_put_text(*ret_result, "version", AUTONOMY_VERSION);
	json_put_int(*ret_result, "uptime_ms", (api->now_us - api->started_us) / USEC_MS);
	return 0;
}

static struct json_object *argument_json(const struct argument *a)
{
	struct json_object *o = json_object_new_object();

	json_put_text(o, "name", a->name);
	json_put_text(o, "type", argument_type_name(a->type));
	json_put_bool(o, "required", a->required);
	json_put_bool(o, "positional", a->positional);
	if (a->fallback)
		json_put_text(o, "default", a->fallback);
	if (a->choices)
		json_put_text(o, "choices", a->choices);
	if (a->completion != COMPLETION_NONE)
		json_put_text(o, "completion", completion_name(a->completion));
	json_put_text(o, "text", a->text);
	return o;
}

int show_commands(struct api *api, const struct request *r, struct json_object **ret_result,
	struct api_error *ret_error)
{
	struct json_object *list = json_object_new_array();

	(void)api;
	(void)r;
	(void)ret_error;
	for (size_t i = 0; i < COMMAND_ID_COUNT; i++) {
		const struct command *c = &command_table[i];
		struct json_object *o = json_object_new_object(), *a = json_object_new_array();

		json_put_text(o, "name", c->name);
		json_put_text(o, "permission", permission_name(c->permission));
		json_put_bool(o, "changes", c->changes);
		json_put_bool(o, "stream", c->stream);
		json_put_text(o, "text", c->text);
		json_put_text(o, "result", c->result);
		json_put_text(o, "help", c->help);
		for (unsigned k = 0; k < command_n_arguments(c); k++)
			json_object_array_add(a, argument_json(&c->argument[k]));
		json_object_object_add(o, "arguments", a);
		json_object_array_add(list, o);
	}
	*ret_result = json_object_new_object();
	json_object_object_add(*ret_result, "commands", list);
	return 0;
}
