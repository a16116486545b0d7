/* What there was to do. */
#include <string.h>

#include "api/historic_own.h"
#include "api/json.h"
#include "api/snapshot.h"
#include "base/usec.h"

#define ACTION_US (100 * USEC_MS) /* ten in a second, then one in so long */
#define ACTIONS_BURST 10
#define PIN_SPAN "1h"

static int answer(const struct asked *q, const char *command, struct json_object *data,
	struct json_object **ret)
{
	struct json_object *o = json_object_new_object();

	json_put_bool(o, "success", true);
	json_put_text(o, "message", json_get_text(data, "text", "done"));
	json_put_text(o, "command", command);
	json_object_object_add(o, "data", data);
	json_put_int(o, "timestamp", q->api->now_wall_us / USEC_S);
	*ret = o;
	return 0;
}

static int need_turn(const struct asked *q, struct api_error *ret_error)
{
	if (q->api->actions_us - q->api->now_us > (ACTIONS_BURST - 1) * ACTION_US)
		return api_fail(ret_error, API_BUSY, "too many actions; wait a second");
	return 0;
}

static int act(const struct asked *q, const char *command, const char *method,
	const char *const arguments[], struct json_object **ret, struct api_error *ret_error)
{
	struct json_object *data = NULL;

	if (need_turn(q, ret_error))
		return -1;
	if (asked_call(q, method, arguments, &data, ret_error))
		return -1;
	/* only what was done counts: who may do nothing cannot keep others from it */
	q->api->actions_us = usec_max(q->api->actions_us, q->api->now_us) + ACTION_US;
	return answer(q, command, data, ret);
}

/* To the member named; without a name away from the one in use. */
int historic_failover(const struct asked *q, struct json_object **ret, struct api_error *ret_error)
{
	const char *arguments[] = {"link", asked_link(q), "for", PIN_SPAN, NULL};
	struct snapshot s;
	unsigned current;

	if (asked_link(q))
		return act(q, "failover", "pin", arguments, ret, ret_error);
	snapshot_take(&s, q->api->engine, q->api->now_us);
	current = snapshot_current_link(&s);
	if (current == LINKS_MAX)
		return api_fail(ret_error, API_REFUSED, "no link is in use");
	arguments[1] = s.policy->link[current].name;
	return act(q, "failover", "drain", arguments, ret, ret_error);
}

int historic_restore(const struct asked *q, struct json_object **ret, struct api_error *ret_error)
{
	struct json_object *first = NULL;

	if (need_turn(q, ret_error) || asked_call(q, "unpin", NULL, &first, ret_error))
		return -1;
	json_object_put(first);
	return act(q, "restore", "undrain", NULL, ret, ret_error);
}

int historic_recheck(const struct asked *q, struct json_object **ret, struct api_error *ret_error)
{
	const char *const arguments[] = {"link", asked_link(q), NULL};

	return act(q, "recheck", "recheck", arguments, ret, ret_error);
}

int historic_setlog(const struct asked *q, struct json_object **ret, struct api_error *ret_error)
{
	const char *level = q->text[ASKED_LEVEL];
	const char *const arguments[] = {"level",
		level && !strcmp(level, "warn")    ? "warning"
		: level && !strcmp(level, "trace") ? "debug"
						   : level,
		NULL};

	return act(q, "set_level", "log", arguments, ret, ret_error);
}

int historic_action(const struct asked *q, struct json_object **ret, struct api_error *ret_error)
{
	static const struct {
		const char *name;
		historic_run_fn *run;
	} table[] = {{"failover", historic_failover}, {"restore", historic_restore},
		{"recheck", historic_recheck}, {"recheck_metered", historic_recheck},
		{"set_level", historic_setlog}, {"promote", historic_failover}};
	const char *cmd = q->text[ASKED_CMD];

	for (size_t i = 0; cmd && i < sizeof(table) / sizeof(table[0]); i++) {
		if (strcmp(table[i].name, cmd) != 0)
			continue;
		if (table[i].run(q, ret, ret_error))
			return -1;
		json_put_text(*ret, "command", cmd);
		return 0;
	}
	return api_fail(ret_error, API_INVALID_PARAMS,
		"cmd: failover, restore, recheck, recheck_metered, set_level or promote");
}
