#include "api/historic.h"

#include <string.h>

#include "api/historic_own.h"
#include "config/value.h"

/* ---- arguments ---- */

static const struct {
	const char *name;
	int64_t max; /* of a number, from 1; 0: text */
} argument_table[ASKED_COUNT] = {
	[ASKED_NAME] = {"name", 0},
	[ASKED_MEMBER] = {"member", 0},
	[ASKED_INTERFACE] = {"interface", 0},
	[ASKED_REASON] = {"reason", 0},
	[ASKED_CMD] = {"cmd", 0},
	[ASKED_LEVEL] = {"level", 0},
	[ASKED_KIND] = {"type", 0},
	[ASKED_SINCE] = {"since_s", 90 * 86400},
	[ASKED_HOURS] = {"hours", 90 * 24},
	[ASKED_LIMIT] = {"limit", HISTORIC_SAMPLES_MAX},
};

#define HAS(argument) (1U << ASKED_##argument)
#define HAS_SAMPLES (HAS(NAME) | HAS(MEMBER) | HAS(SINCE) | HAS(HOURS) | HAS(LIMIT))
#define HAS_LINK (HAS(NAME) | HAS(MEMBER) | HAS(INTERFACE))

const char *asked_link(const struct asked *q)
{
	if (q->text[ASKED_MEMBER])
		return q->text[ASKED_MEMBER];
	return q->text[ASKED_INTERFACE] ? q->text[ASKED_INTERFACE] : q->text[ASKED_NAME];
}

static int find_argument(unsigned has, const char *name)
{
	for (unsigned i = 0; i < ASKED_COUNT; i++)
		if ((has >> i & 1) && !strcmp(argument_table[i].name, name))
			return (int)i;
	return -1;
}

static int take_argument(struct asked *q, unsigned i, struct json_object *in,
	struct api_error *ret_error)
{
	const char *name = argument_table[i].name;
	bool is_text = json_object_is_type(in, json_type_string);

	if (!argument_table[i].max) {
		if (!is_text)
			return api_fail(ret_error, API_INVALID_PARAMS, "%s must be a string", name);
		q->text[i] = json_object_get_string(in);
		return 0;
	}
	if (json_object_is_type(in, json_type_int))
		q->number[i] = json_object_get_int64(in);
	else if (!is_text || value_integer(json_object_get_string(in), &q->number[i]))
		q->number[i] = 0;
	if (q->number[i] >= 1 && q->number[i] <= argument_table[i].max)
		return 0;
	return api_fail(ret_error, API_INVALID_PARAMS, "%s: give a number from 1 to %lld", name,
		(long long)argument_table[i].max);
}

/* ---- the commands there are ---- */

int asked_call(const struct asked *q, const char *method, const char *const arguments[],
	struct json_object **ret, struct api_error *ret_error)
{
	struct json_object *params = json_object_new_object();
	int r;

	for (; arguments && arguments[0]; arguments += 2)
		if (arguments[1])
			json_object_object_add(params, arguments[0],
				json_object_new_string(arguments[1]));
	r = api_call(q->api, q->permission, method, params, ret, ret_error);
	json_object_put(params);
	return r;
}

/* ---- the table ---- */

static const struct historic {
	const char *name;
	historic_run_fn *run;
	unsigned has; /* arguments */
	bool always;  /* also where a command has the name */
	bool changes;
} historic_table[] = {
	{.name = "status", .run = historic_status, .always = true},
	{.name = "members", .run = historic_members},
	{.name = "metrics", .run = historic_samples, .has = HAS_SAMPLES},
	{.name = "history", .run = historic_samples, .has = HAS_SAMPLES},
	{.name = "events", .run = historic_events, .has = HAS(KIND) | HAS(LIMIT)},
	{.name = "action",
		.run = historic_action,
		.changes = true,
		.has = HAS_LINK | HAS(CMD) | HAS(LEVEL) | HAS(REASON)},
	{.name = "failover",
		.run = historic_failover,
		.has = HAS_LINK | HAS(REASON),
		.changes = true},
	{.name = "restore",
		.run = historic_restore,
		.has = HAS_LINK | HAS(REASON),
		.changes = true},
	{.name = "recheck",
		.run = historic_recheck,
		.has = HAS(MEMBER) | HAS(NAME),
		.changes = true},
	{.name = "setlog", .run = historic_setlog, .has = HAS(LEVEL), .changes = true},
	{.name = "config", .run = historic_config},
	{.name = "info", .run = historic_info},
	{.name = "telemetry", .run = historic_telemetry},
	{.name = "data_limit_status", .run = historic_allowance},
	{.name = "data_limit_interface", .run = historic_allowance, .has = HAS_LINK},
	{.name = "data_usage", .run = historic_allowance, .has = HAS_LINK},
	{.name = "audit_decisions", .run = historic_audit, .has = HAS(LIMIT)},
};

#define HISTORIC_COUNT (sizeof(historic_table) / sizeof(historic_table[0]))

/* Things of old that autonomyd does not have; collectors, alerts and their commands are other programs'. */
static const char not_supported[] =
	"wifi_status|wifi_channel_analysis|optimize_wifi|gps|gps_status|gps_stats|cellular_status|"
	"cellular_analysis|starlink_diagnostics|starlink_health|starlink_self_test|audit_patterns|"
	"audit_root_cause|audit_stats|send_test_notification|notification_status|"
	"notification_config";

static const struct historic *find(const char *method)
{
	for (size_t i = 0; i < HISTORIC_COUNT; i++)
		if (!strcmp(historic_table[i].name, method))
			return &historic_table[i];
	return NULL;
}

/* An argument that only the one of old has. */
static bool speaks_old(const struct historic *h, const struct command *c,
	struct json_object *params)
{
	if (!json_object_is_type(params, json_type_object))
		return false;
	json_object_object_foreach(params, name, value)
	{
		(void)value;
		if (command_argument_index(c, name) < 0 && find_argument(h->has, name) >= 0)
			return true;
	}
	return false;
}

bool historic_is(const char *method, struct json_object *params)
{
	const struct historic *h = find(method);
	const struct command *c = command_find(method);

	if (!h)
		return !c && command_is_choice(not_supported, method);
	return !c || speaks_old(h, c, params);
}

int historic_run(struct api *api, enum permission permission, const char *method,
	struct json_object *params, struct json_object **ret_result, struct api_error *ret_error)
{
	const struct historic *h = find(method);
	struct asked q = {.api = api, .permission = permission};

	ret_error->data = NULL;
	if (!h)
		return api_fail(ret_error, API_UNSUPPORTED,
			"autonomyd does not have this: collectors and alerts are other programs");
	if (params && !json_object_is_type(params, json_type_object))
		return api_fail(ret_error, API_INVALID_PARAMS, "params must be an object");
	if (params) {
		json_object_object_foreach(params, name, value)
		{
			int i = find_argument(h->has, name);

			if (i < 0)
				return api_fail(ret_error, API_INVALID_PARAMS,
					"%s does not have every argument that was given", h->name);
			if (take_argument(&q, (unsigned)i, value, ret_error))
				return -1;
		}
	}
	return h->run(&q, ret_result, ret_error);
}

int historic_call(struct api *api, enum permission permission, const char *method,
	struct json_object *params, struct json_object **ret_result, struct api_error *ret_error)
{
	const struct historic *h = find(method);

	if (h && h->always)
		return historic_run(api, permission, method, params, ret_result, ret_error);
	return api_call(api, permission, method, params, ret_result, ret_error);
}

const char *historic_name(unsigned i)
{
	return i < HISTORIC_COUNT ? historic_table[i].name : NULL;
}

void historic_arguments(const char *method, historic_argument_fn *put, void *to)
{
	const struct historic *h = find(method);
	const struct command *c = command_find(method);

	for (unsigned i = 0; h && i < ASKED_COUNT; i++)
		if ((h->has >> i & 1) &&
			(!c || command_argument_index(c, argument_table[i].name) < 0))
			put(to, argument_table[i].name,
				argument_table[i].max ? ARGUMENT_INTEGER : ARGUMENT_STRING);
}

bool historic_changes(const char *method)
{
	const struct historic *h = find(method);
	const struct command *c = command_find(method);

	return (c && c->changes) || (h && h->changes);
}
