/* The commands that move traffic or change what the daemon does. */
#include <errno.h>
#include <string.h>
#include <syslog.h>

#include "api/json.h"
#include "api/request.h"
#include "api/words.h"
#include "base/usec.h"

static const struct {
	enum command_id id;
	enum command_verb verb;
	const char *done; /* follows "wan is", or stands alone for what has no link or class */
} verb_table[] = {
	{COMMAND_ID_PIN, COMMAND_PIN, "pinned to"},
	{COMMAND_ID_UNPIN, COMMAND_UNPIN, "no longer pinned"},
	{COMMAND_ID_HOLD, COMMAND_HOLD, "held"},
	{COMMAND_ID_UNHOLD, COMMAND_UNHOLD, "no longer held"},
	{COMMAND_ID_DRAIN, COMMAND_DRAIN, "drained"},
	{COMMAND_ID_UNDRAIN, COMMAND_UNDRAIN, "no longer drained"},
	{COMMAND_ID_RECHECK, COMMAND_RECHECK, "probed afresh"},
	{COMMAND_ID_RELEASE, COMMAND_RELEASE,
		"everything of ours is taken out of the kernel; from now on it is only observed"},
	{COMMAND_ID_STEER, COMMAND_STEER, "traffic is steered again"},
};

static size_t verb_of(const struct request *r)
{
	size_t i = 0;

	while (command_table + verb_table[i].id != r->command)
		i++;
	return i;
}

/* "default is pinned to lte for 1 h (until 15:03:00)" */
static void put_done(struct json_object *o, const struct api *api, const struct request *r,
	const char *done, int64_t span_us)
{
	const struct argument_value *link = request_value(r, "link"),
				    *class = request_value(r, "class");
	bool of_class = command_argument_index(r->command, "class") >= 0;
	bool of_link = command_argument_index(r->command, "link") >= 0;
	char text[160];
	struct words words;

	words_init(&words, text, sizeof(text));
	if (of_class)
		words_add(&words, "%s is %s", class->given ? class->text : "all traffic", done);
	else if (of_link)
		words_add(&words, "%s is %s", link->given ? link->text : "every link", done);
	else
		words_add(&words, "%s", done);
	if (of_class && of_link)
		words_add(&words, " %s", link->text);
	if (span_us == USEC_NEVER)
		words_add(&words, " until it is taken back");
	else if (span_us)
		words_add(&words, " for %s (until %s)", word_span(span_us).text,
			word_clock(api->now_wall_us + span_us, api->now_wall_us).text);
	json_put_text(o, "text", text);
}

int operate_command(struct api *api, const struct request *r, struct json_object **ret_result,
	struct api_error *ret_error)
{
	size_t verb = verb_of(r);
	const struct argument_value *link = request_value(r, "link"),
				    *class = request_value(r, "class"),
				    *span = request_value(r, "for");
	struct input in = {
		.kind = INPUT_COMMAND,
		.now_us = api->now_us,
		.command = {.verb = (uint8_t)verb_table[verb].verb,
			.class = CLASSES_MAX,
			.link = LINKS_MAX,
			.expires_us = USEC_NEVER},
	};
	int i;

	if (link->given) {
		i = request_link(api, link, ret_error);
		if (i < 0)
			return -1;
		in.command.link = (uint8_t)i;
	}
	if (class->given) {
		i = request_class(api, class, ret_error);
		if (i < 0)
			return -1;
		in.command.class = (uint8_t)i;
	}
	if (span->given && span->number != USEC_NEVER)
		in.command.expires_us = api->now_us + span->number;
	if (!api->hooks->input)
		return api_fail(ret_error, API_UNAVAILABLE, "this daemon takes no commands");
	if (!api->hooks->input(api->user, &in))
		return api_fail(ret_error, API_BUSY,
			"the daemon's queue is full; try again in a moment");
	*ret_result = json_object_new_object();
	put_done(*ret_result, api, r, verb_table[verb].done, span->given ? span->number : 0);
	if (span->given && span->number != USEC_NEVER)
		json_put_int(*ret_result, "until_wall_ms",
			(api->now_wall_us + span->number) / USEC_MS);
	return 0;
}

int operate_log(struct api *api, const struct request *r, struct json_object **ret_result,
	struct api_error *ret_error)
{
	static const struct {
		const char *name;
		int level;
	} table[] = {{"error", LOG_ERR}, {"warning", LOG_WARNING}, {"notice", LOG_NOTICE},
		{"info", LOG_INFO}, {"debug", LOG_DEBUG}};
	const char *name = request_value(r, "level")->text;
	size_t i = 0;

	if (!api->hooks->set_log_level)
		return api_fail(ret_error, API_UNAVAILABLE,
			"the log level cannot be changed at run time");
	while (strcmp(table[i].name, name) != 0)
		i++;
	api->hooks->set_log_level(api->user, table[i].level);
	*ret_result = json_object_new_object();
	json_put_text(*ret_result, "level", name);
	return 0;
}

static struct json_object *trace_json(const struct api *api)
{
	struct api_trace_status status = {.running = false};
	struct json_object *o = json_object_new_object();

	if (api->hooks->trace_status)
		api->hooks->trace_status(api->user, &status);
	json_put_bool(o, "running", status.running);
	json_put_text(o, "file", *status.file ? status.file : NULL);
	json_put_int(o, "bytes", status.bytes);
	json_put_int(o, "limit_bytes", status.limit_bytes);
	return o;
}

/* The name becomes a file in the daemon's own folder: nothing that could lead out of it. */
static bool is_file_name(const char *name)
{
	if (*name == '.')
		return false;
	for (; *name; name++)
		if (!(*name >= 'a' && *name <= 'z') && !(*name >= 'A' && *name <= 'Z') &&
			!(*name >= '0' && *name <= '9') && !strchr("._-", *name))
			return false;
	return true;
}

int operate_trace_start(struct api *api, const struct request *r, struct json_object **ret_result,
	struct api_error *ret_error)
{
	const struct argument_value *name = request_value(r, "name");
	struct problem problem = {"", 0, ""};

	if (!api->hooks->trace_start)
		return api_fail(ret_error, API_UNAVAILABLE, "this daemon records no traces");
	if (name->given && !is_file_name(name->text))
		return api_fail(ret_error, API_INVALID_PARAMS,
			"name: letters, digits, point, dash and underscore only; it is a file in "
			"the "
			"daemon's trace folder");
	if (api->hooks->trace_start(api->user, name->given ? name->text : "",
		    request_value(r, "limit")->number, &problem))
		return api_fail(ret_error, API_REFUSED, "%s", problem.text);
	*ret_result = trace_json(api);
	return 0;
}

int operate_trace_stop(struct api *api, const struct request *r, struct json_object **ret_result,
	struct api_error *ret_error)
{
	struct problem problem = {"", 0, ""};

	(void)r;
	if (!api->hooks->trace_stop)
		return api_fail(ret_error, API_UNAVAILABLE, "this daemon records no traces");
	if (api->hooks->trace_stop(api->user, &problem))
		return api_fail(ret_error, API_REFUSED, "%s", problem.text);
	*ret_result = trace_json(api);
	return 0;
}

int operate_trace_status(struct api *api, const struct request *r, struct json_object **ret_result,
	struct api_error *ret_error)
{
	(void)r;
	(void)ret_error;
	*ret_result = trace_json(api);
	return 0;
}

int operate_study(struct api *api, const struct request *r, struct json_object **ret_result,
	struct api_error *ret_error)
{
	struct api_study study = {.verb = r->command->name};
	struct problem problem = {"", 0, ""};
	int error = -ENODATA;

	if (r->command == &command_table[COMMAND_ID_WHATIF])
		study.set = request_value(r, "set")->text;
	if (r->command != &command_table[COMMAND_ID_RECORDING]) {
		study.family = request_value(r, "family")->text;
		study.since_us = request_value(r, "since")->number;
	}
	if (api->hooks->study)
		error = api->hooks->study(api->user, &study, ret_result, &problem);
	if (error == -ENODATA)
		return api_fail(ret_error, API_UNAVAILABLE,
			"no record is kept: see option "
			"recording, and the log");
	return error ? api_fail(ret_error, error == -EBUSY ? API_BUSY : API_REFUSED, "%s",
			       problem.text)
		     : 0;
}
