/*
 * What the predecessor's bus object had, under its names and with its arguments and replies, made of the commands there
 * are now.  Scripts and pages written for it find them here; new ones use the command table.
 *
 *   historic_call("failover", {"member": "lte"}) -> api_call("pin", {"link": "lte"}) -> {"success": true, ...}
 *
 * Where a name is a command too (history, events, recheck, metrics), the command it is, unless an argument of old is given.
 * Only status always is the one of old: the command's answer, with state renamed to health and the members of old beside it.
 * On the RPC socket status stays the command's own; all other names work there too.
 */
#pragma once

#include "api/api.h"

/* As api_call(), for the old names too. */
int historic_call(struct api *api, enum permission permission, const char *method,
	struct json_object *params, struct json_object **ret_result, struct api_error *ret_error);

/* For api_call(): whether the method is one of old and no command, and how that goes. */
bool historic_is(const char *method, struct json_object *params);
int historic_run(struct api *api, enum permission permission, const char *method,
	struct json_object *params, struct json_object **ret_result, struct api_error *ret_error);

/* The names, one after the other; NULL: no more.  Those that are known but not supported are not among them. */
const char *historic_name(unsigned i);
/* The arguments of old that the command of that name, if there is one, does not have. */
typedef void historic_argument_fn(void *to, const char *name, enum argument_type type);
void historic_arguments(const char *method, historic_argument_fn *put, void *to);
/* Whether the caller of a method (a command or one of old) wants something done. */
bool historic_changes(const char *method);
