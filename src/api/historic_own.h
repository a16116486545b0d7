/* What the files of historic.h share. */
#pragma once

#include "api/historic.h"

#define HISTORIC_SAMPLES_MAX 1000

enum asked_argument {
	ASKED_NAME,
	ASKED_MEMBER,
	ASKED_INTERFACE,
	ASKED_REASON,
	ASKED_CMD,
	ASKED_LEVEL,
	ASKED_KIND,
	ASKED_SINCE,
	ASKED_HOURS,
	ASKED_LIMIT,
	ASKED_COUNT,
};

struct asked {
	struct api *api;
	enum permission permission;
	const char *text[ASKED_COUNT]; /* NULL: not given */
	int64_t number[ASKED_COUNT];   /* 0: not given */
};

typedef int historic_run_fn(const struct asked *q, struct json_object **ret,
	struct api_error *ret_error);

/* What it was called: a member, an interface, or just a name; NULL: it was not named. */
const char *asked_link(const struct asked *q);
/*
 * Carries out a command; its arguments are texts: name, value, ... NULL; a value NULL leaves its name out.
 */
int asked_call(const struct asked *q, const char *method, const char *const arguments[],
	struct json_object **ret, struct api_error *ret_error);

historic_run_fn historic_status, historic_members, historic_samples, historic_events, historic_info,
	historic_telemetry, historic_audit;          /* historic_show.c */
historic_run_fn historic_config, historic_allowance; /* historic_config.c */
historic_run_fn historic_action, historic_failover, historic_restore, historic_recheck,
	historic_setlog; /* historic_act.c */
