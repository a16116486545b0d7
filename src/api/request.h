/* A command's parameters, checked against its row of the command table. */
#pragma once

#include "api/api.h"

struct argument_value {
	bool given;       /* by the caller or by the row's fallback */
	int64_t number;   /* integer, span in us, bool as 0 or 1 */
	const char *text; /* string, choice, file; lives as long as params */
	size_t size;
	struct json_object *json; /* any; lives as long as params */
};

struct request {
	const struct command *command;
	struct json_object *params;                         /* as they came */
	struct argument_value value[COMMAND_ARGUMENTS_MAX]; /* in the order of the row */
};

/* params: an object by name, an array by place, or NULL.  0, or -1 with ret_error filled. */
int request_parse(const struct command *c, struct json_object *params, struct request *ret,
	struct api_error *ret_error);

/* The value of an argument that the command has. */
const struct argument_value *request_value(const struct request *r, const char *name);

/* Who carries the commands out; in the order of enum command_id. */
typedef int api_handler_fn(struct api *api, const struct request *r,
	struct json_object **ret_result, struct api_error *ret_error);

api_handler_fn show_status, show_links, show_link, show_explain, show_metrics, show_version,
	show_commands;
api_handler_fn memory_events, memory_history, memory_ledger;
api_handler_fn operate_study;
api_handler_fn operate_command, operate_log, operate_trace_start, operate_trace_stop,
	operate_trace_status;
api_handler_fn config_command_check, config_command_show, config_command_diff, config_command_apply,
	config_command_confirm, config_command_rollback, config_command_reload, config_command_get,
	config_command_set;

/* The index of the link or class that an argument names, with the error that lists those there are; -1. */
int request_link(const struct api *api, const struct argument_value *v,
	struct api_error *ret_error);
int request_class(const struct api *api, const struct argument_value *v,
	struct api_error *ret_error);
