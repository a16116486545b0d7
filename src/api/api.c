#include "api/api.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "api/historic.h"
#include "api/request.h"
#include "base/usec.h"

static api_handler_fn *const handler[COMMAND_ID_COUNT] = {
	[COMMAND_ID_STATUS] = show_status,
	[COMMAND_ID_LINKS] = show_links,
	[COMMAND_ID_LINK] = show_link,
	[COMMAND_ID_EXPLAIN] = show_explain,
	[COMMAND_ID_EVENTS] = memory_events,
	[COMMAND_ID_HISTORY] = memory_history,
	[COMMAND_ID_LEDGER] = memory_ledger,
	[COMMAND_ID_PIN] = operate_command,
	[COMMAND_ID_UNPIN] = operate_command,
	[COMMAND_ID_HOLD] = operate_command,
	[COMMAND_ID_UNHOLD] = operate_command,
	[COMMAND_ID_DRAIN] = operate_command,
	[COMMAND_ID_UNDRAIN] = operate_command,
	[COMMAND_ID_RECHECK] = operate_command,
	[COMMAND_ID_RELEASE] = operate_command,
	[COMMAND_ID_STEER] = operate_command,
	[COMMAND_ID_TRACE_START] = operate_trace_start,
	[COMMAND_ID_TRACE_STOP] = operate_trace_stop,
	[COMMAND_ID_TRACE_STATUS] = operate_trace_status,
	[COMMAND_ID_RECORDING] = operate_study,
	[COMMAND_ID_WHATIF] = operate_study,
	[COMMAND_ID_TUNE] = operate_study,
	[COMMAND_ID_CONFIG_CHECK] = config_command_check,
	[COMMAND_ID_CONFIG_SHOW] = config_command_show,
	[COMMAND_ID_CONFIG_GET] = config_command_get,
	[COMMAND_ID_CONFIG_SET] = config_command_set,
	[COMMAND_ID_CONFIG_DIFF] = config_command_diff,
	[COMMAND_ID_CONFIG_APPLY] = config_command_apply,
	[COMMAND_ID_CONFIG_CONFIRM] = config_command_confirm,
	[COMMAND_ID_CONFIG_ROLLBACK] = config_command_rollback,
	[COMMAND_ID_CONFIG_RELOAD] = config_command_reload,
	[COMMAND_ID_LOG] = operate_log,
	[COMMAND_ID_METRICS] = show_metrics,
	[COMMAND_ID_VERSION] = show_version,
	[COMMAND_ID_COMMANDS] = show_commands,
};

void api_init(struct api *api, const struct engine *engine, const struct config *config,
	const char *config_file, int64_t now_us)
{
	static const struct api_hooks no_hooks;

	memset(api, 0, sizeof(*api));
	api->engine = engine;
	api->config = config;
	api->config_file = config_file;
	api->hooks = &no_hooks;
	api->started_us = api->now_us = now_us;
	api->trial.due_us = USEC_NEVER;
	uci_store_init(&api->store);
}

void api_set_time(struct api *api, int64_t now_us, int64_t now_wall_us)
{
	api->now_us = now_us;
	api->now_wall_us = now_wall_us;
}

int api_fail(struct api_error *ret_error, enum api_code code, const char *format, ...)
{
	va_list args;

	ret_error->code = (int)code;
	ret_error->data = NULL;
	va_start(args, format);
	vsnprintf(ret_error->text, sizeof(ret_error->text), format, args);
	va_end(args);
	return -1;
}

static int find(const char *method, const struct command **ret, struct api_error *ret_error)
{
	const struct command *c = command_find(method);

	if (c) {
		*ret = c;
		return 0;
	}
	c = command_nearest(method);
	if (c)
		return api_fail(ret_error, API_METHOD_NOT_FOUND,
			"there is no such method; did you mean \"%s\"?", c->name);
	return api_fail(ret_error, API_METHOD_NOT_FOUND,
		"there is no such method; \"commands\" lists those there are");
}

static int call(struct api *api, enum permission permission, const char *method,
	struct json_object *params, struct json_object **ret_result, struct api_error *ret_error)
{
	const struct command *c = NULL;
	struct request request;

	if (historic_is(method, params))
		return historic_run(api, permission, method, params, ret_result, ret_error);
	if (find(method, &c, ret_error) || !c)
		return -1;
	if (permission < c->permission)
		return api_fail(ret_error, API_PERMISSION,
			"%s needs the permission %s, you have %s; %s", c->name,
			permission_name(c->permission), permission_name(permission),
			c->permission == PERMISSION_OPERATE
				? "ask to be a member of the group in option rpc_group, or be root"
				: "be root");
	if (request_parse(c, params, &request, ret_error))
		return -1;
	return handler[c - command_table](api, &request, ret_result, ret_error);
}

int api_call(struct api *api, enum permission permission, const char *method,
	struct json_object *params, struct json_object **ret_result, struct api_error *ret_error)
{
	int r;

	ret_error->data = NULL;
	api->calls++;
	r = call(api, permission, method, params, ret_result, ret_error);
	if (r)
		api->errors++;
	return r;
}
