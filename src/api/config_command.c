/* The commands about the configuration, and the trial of a new one. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "api/config_check.h"
#include "api/config_own.h"
#include "api/json.h"
#include "base/usec.h"

#define FORGET_US                                                                                  \
	(5 * USEC_S) /* after this nobody waits any more for a file that has been replaced */

static const struct problem *first_error(const struct config_problems *p)
{
	static const struct problem unknown = {"", 0, "the file cannot be read"};

	for (int i = 0; i < p->n && i < CONFIG_PROBLEMS_MAX; i++)
		if (!p->warning[i])
			return &p->problem[i];
	return &unknown;
}

/* The text given or, without one, the daemon's file.  0 or -errno as config_load(). */
static int read_candidate(const struct api *api, const struct argument_value *text,
	struct candidate *c)
{
	memset(&c->problems, 0, sizeof(c->problems));
	config_default(&c->config);
	if (text->given)
		return config_parse("the file", text->text, text->size, &c->config, &c->problems);
	return config_load(api->config_file, &c->config, &c->problems);
}

/* As read_candidate(), for those who cannot go on without a good one; the caller frees *ret_candidate. */
static int need_candidate(const struct api *api, const struct argument_value *text,
	struct candidate **ret_candidate, struct api_error *ret_error)
{
	struct candidate *c = malloc(sizeof(*c));
	int r;

	if (!c)
		return api_fail(ret_error, API_INTERNAL, "out of memory");
	r = read_candidate(api, text, c);
	if (r && r != -ENOENT) {
		const struct problem *p = first_error(&c->problems);

		api_fail(ret_error, API_REFUSED, "%s:%d: %s; nothing was changed", p->place,
			p->line, p->text);
		ret_error->data = json_object_new_object();
		json_object_object_add(ret_error->data, "problems",
			config_problems_json(&c->problems));
		free(c);
		return -1;
	}
	*ret_candidate = c;
	return 0;
}

static void tell_difference(void *user, const char *section, const char *option, const char *was,
	const char *is, bool live)
{
	struct json_object *o = json_object_new_object();

	json_put_text(o, "section", section);
	json_put_text(o, "option", option);
	json_put_text(o, "was", was);
	json_put_text(o, "is", is);
	json_put_bool(o, "live", live);
	json_object_array_add(user, o);
}

static struct json_object *differences_json(const struct config *was, const struct config *is)
{
	struct json_object *list = json_object_new_array();

	config_diff(was, is, tell_difference, list);
	return list;
}

int config_command_check(struct api *api, const struct request *r, struct json_object **ret_result,
	struct api_error *ret_error)
{
	const struct argument_value *text = request_value(r, "text");

	*ret_result = config_check_json(text->given ? "the file" : api->config_file, text->text);
	return *ret_result ? 0 : api_fail(ret_error, API_INTERNAL, "out of memory");
}

int config_command_show(struct api *api, const struct request *r, struct json_object **ret_result,
	struct api_error *ret_error)
{
	bool only_set = !request_value(r, "all")->number;
	size_t size = config_print(api->config, only_set, NULL, 0) + 1;
	char *text = malloc(size);

	if (!text)
		return api_fail(ret_error, API_INTERNAL, "out of memory");
	config_print(api->config, only_set, text, size);
	*ret_result = json_object_new_object();
	json_put_text(*ret_result, "text", text);
	free(text);
	return 0;
}

int config_command_diff(struct api *api, const struct request *r, struct json_object **ret_result,
	struct api_error *ret_error)
{
	struct candidate *c = NULL;

	if (need_candidate(api, request_value(r, "text"), &c, ret_error))
		return -1;
	*ret_result = json_object_new_object();
	json_object_object_add(*ret_result, "differences",
		differences_json(api->config, &c->config));
	free(c);
	return 0;
}

static int fail_problem(struct api_error *ret_error, const struct problem *p)
{
	return api_fail(ret_error, API_REFUSED, "%s%s%s", p->place, *p->place ? ": " : "", p->text);
}

static int fail_store(struct api_error *ret_error, int error, const struct problem *p)
{
	fail_problem(ret_error, p);
	if (error == -EBUSY)
		ret_error->code = API_BUSY;
	return -1;
}

int config_use(struct api *api, struct candidate *c, struct json_object **ret_result,
	struct api_error *ret_error)
{
	struct problem problem = {"", 0, ""};
	struct json_object *differences = differences_json(api->config, &c->config);
	int r = api->hooks->use_config(api->user, &c->config, &problem);

	free(c);
	if (r) {
		json_object_put(differences);
		return fail_problem(ret_error, &problem);
	}
	*ret_result = json_object_new_object();
	json_object_object_add(*ret_result, "differences", differences);
	return 0;
}

static int need_use_hook(const struct api *api, struct api_error *ret_error)
{
	if (!api->hooks->use_config || !api->config_file)
		return api_fail(ret_error, API_UNAVAILABLE,
			"this daemon's configuration cannot be changed at run time");
	return 0;
}

/* The old file comes back and is used.  A file that the daemon once ran with can be read again. */
static int roll_back(struct api *api, struct json_object **ret_result, struct api_error *ret_error)
{
	static const struct argument_value the_file;
	struct problem problem = {"", 0, ""};
	struct candidate *c = NULL;
	int r = trial_roll_back(&api->trial, &api->store, api->config_file, &problem);

	if (r)
		return fail_store(ret_error, r, &problem);
	if (need_candidate(api, &the_file, &c, ret_error))
		return -1;
	return config_use(api, c, ret_result, ret_error);
}

int config_put_in_place(struct api *api, const char *text, size_t size, struct candidate *c,
	const struct argument_value *confirm, struct json_object **ret_result,
	struct api_error *ret_error)
{
	int64_t due_us = confirm->given ? api->now_us + confirm->number : USEC_NEVER - 1;
	struct problem problem = {"", 0, ""};
	int r = trial_begin(&api->trial, &api->store, api->config_file, text, size, due_us,
		&problem);

	api->changed_us = api->now_us;
	if (r) {
		free(c);
		return fail_store(ret_error, r, &problem);
	}
	if (config_use(api, c, ret_result, ret_error)) {
		/* somebody else may have the file now: then api_tick() tries again */
		if (trial_roll_back(&api->trial, &api->store, api->config_file, &problem))
			api->trial.due_us = api->now_us;
		return -1;
	}
	if (!confirm->given && trial_confirm(&api->trial, api->config_file, &problem)) {
		api->trial.due_us = api->now_us + USEC_MIN;
		json_object_put(*ret_result);
		*ret_result = NULL;
		return fail_problem(ret_error, &problem);
	}
	json_put_int(*ret_result, "confirm_ms", confirm->given ? confirm->number / USEC_MS : 0);
	return 0;
}

int config_need_nothing_staged(const struct api *api, struct api_error *ret_error)
{
	const char *package = uci_store_package(api->config_file);

	if (!api->store.delta_size)
		return 0;
	return api_fail(ret_error, API_REFUSED,
		"changes of %s wait to be committed (uci changes %s): first uci commit %s or uci "
		"revert %s",
		package, package, package, package);
}

int config_open_store(struct api *api, struct api_error *ret_error)
{
	struct problem problem = {"", 0, ""};
	int r;

	if (need_use_hook(api, ret_error))
		return -1;
	if (api->trial.running)
		return api_fail(ret_error, API_REFUSED,
			"a configuration waits for confirmation: confirm or roll it back first");
	r = uci_store_open(&api->store, api->config_file, &problem);
	return r ? fail_store(ret_error, r, &problem) : 0;
}

int config_command_apply(struct api *api, const struct request *r, struct json_object **ret_result,
	struct api_error *ret_error)
{
	const struct argument_value *text = request_value(r, "text");
	struct candidate *c = NULL;
	int error;

	if (config_open_store(api, ret_error))
		return -1;
	error = config_need_nothing_staged(api, ret_error);
	if (!error)
		error = need_candidate(api, text, &c, ret_error);
	if (!error)
		error = config_put_in_place(api, text->text, text->size, c,
			request_value(r, "confirm"), ret_result, ret_error);
	uci_store_close(&api->store);
	return error;
}

static int need_trial(const struct api *api, struct api_error *ret_error)
{
	if (!api->trial.running)
		return api_fail(ret_error, API_REFUSED,
			"no configuration waits for confirmation (its time may have run out: see "
			"config show)");
	return 0;
}

int config_command_confirm(struct api *api, const struct request *r,
	struct json_object **ret_result, struct api_error *ret_error)
{
	struct problem problem = {"", 0, ""};

	(void)r;
	if (need_trial(api, ret_error))
		return -1;
	if (trial_confirm(&api->trial, api->config_file, &problem))
		return fail_problem(ret_error, &problem);
	*ret_result = json_object_new_object();
	json_put_text(*ret_result, "text", "the configuration is kept");
	return 0;
}

int config_command_rollback(struct api *api, const struct request *r,
	struct json_object **ret_result, struct api_error *ret_error)
{
	(void)r;
	if (need_trial(api, ret_error) || need_use_hook(api, ret_error) ||
		roll_back(api, ret_result, ret_error))
		return -1;
	json_put_text(*ret_result, "text", "the configuration from before is back");
	return 0;
}

int config_command_reload(struct api *api, const struct request *r, struct json_object **ret_result,
	struct api_error *ret_error)
{
	static const struct argument_value the_file;
	struct candidate *c = NULL;

	(void)r;
	if (need_use_hook(api, ret_error))
		return -1;
	if (need_candidate(api, &the_file, &c, ret_error))
		return -1;
	return config_use(api, c, ret_result, ret_error);
}

int api_recover_config(const char *config_file)
{
	return trial_recover(config_file);
}

void api_recover_later(struct api *api)
{
	api->trial.running = true;
	api->trial.due_us = 0;
}

int64_t api_tick(struct api *api, int64_t now_us)
{
	struct json_object *result = NULL;
	struct api_error error;

	if (api->store.past[0] >= 0 && now_us - api->changed_us > FORGET_US) {
		uci_store_forget(&api->store);
		api_forget_set(api);
	}
	if (!api->trial.running)
		return USEC_NEVER;
	if (now_us < api->trial.due_us)
		return api->trial.due_us;
	api->now_us = now_us;
	if (api->hooks->log)
		api->hooks->log(api->user, LOG_WARNING,
			"the new configuration was not confirmed in time: the one from before "
			"comes back");
	if (roll_back(api, &result, &error)) {
		/* the old file could not come back (a full or broken disk): look again, do not spin */
		if (api->hooks->log)
			api->hooks->log(api->user, LOG_ERR, error.text);
		json_object_put(error.data);
		if (!api->trial.running)
			return USEC_NEVER;
		api->trial.due_us = now_us + (error.code == API_BUSY ? USEC_S : USEC_MIN);
		return api->trial.due_us;
	}
	json_object_put(result);
	return USEC_NEVER;
}
