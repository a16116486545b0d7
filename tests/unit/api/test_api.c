#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../scratch.h"
#include "fake_engine.h"

#include "api/api.h"
#include "api/json.h"
#include "core/history.h"
#include "core/ledger.h"

static struct {
	struct api api;
	struct config config;
	struct eventring events;
	struct history history;
	struct ledger ledger;
	struct input input;
	int inputs, log_level, uses;
	bool inbox_full, refuse_config, keep_before;
	int folders_synced, locked; /* locked: by somebody else, when a configuration is refused */
	char logged[256];
	char trace[80];
	char file[96];
} d;

static struct json_object *result;
static struct api_error error;

int fsync(int fd)
{
	struct stat st;

	d.folders_synced += !fstat(fd, &st) && S_ISDIR(st.st_mode);
	return 0;
}

int unlink(const char *name)
{
	if (d.keep_before && strstr(name, ".before")) {
		errno = EROFS;
		return -1;
	}
	return unlinkat(AT_FDCWD, name, 0);
}

static int lock(void)
{
	int fd = open(d.file, O_RDWR);

	assert_true(fd >= 0);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	return fd;
}

static bool hook_input(void *user, const struct input *in)
{
	(void)user;
	if (d.inbox_full)
		return false;
	d.input = *in;
	d.inputs++;
	return true;
}

static int hook_use_config(void *user, const struct config *config, struct problem *ret)
{
	(void)user;
	if (d.refuse_config) {
		if (d.locked == 0)
			d.locked = lock();
		problem_set(ret, "firewall", 0, "the system has no nft");
		return -EOPNOTSUPP;
	}
	d.config = *config;
	d.uses++;
	return 0;
}

static void hook_set_log_level(void *user, int level)
{
	(void)user;
	d.log_level = level;
}

static int hook_trace_start(void *user, const char *name, int64_t limit_bytes, struct problem *ret)
{
	(void)user;
	(void)ret;
	snprintf(d.trace, sizeof(d.trace), "%s:%lld", name, (long long)limit_bytes);
	return 0;
}

static void hook_log(void *user, int level, const char *text)
{
	(void)user;
	(void)level;
	snprintf(d.logged, sizeof(d.logged), "%s", text);
}

static struct {
	char verb[16], set[64], family[8];
	int64_t since_us;
	int error;
} studied;

static int hook_study(void *user, const struct api_study *study, struct json_object **ret_json,
	struct problem *ret)
{
	(void)user;
	snprintf(studied.verb, sizeof(studied.verb), "%s", study->verb);
	snprintf(studied.set, sizeof(studied.set), "%s", study->set ? study->set : "none");
	snprintf(studied.family, sizeof(studied.family), "%s", study->family ? study->family : "");
	studied.since_us = study->since_us;
	if (studied.error) {
		problem_set(ret, "", 0, "later");
		return studied.error;
	}
	*ret_json = json_object_new_object();
	return 0;
}

static const struct api_hooks hooks = {
	.study = hook_study,
	.input = hook_input,
	.use_config = hook_use_config,
	.set_log_level = hook_set_log_level,
	.trace_start = hook_trace_start,
	.log = hook_log,
};

static int setup(void **state)
{
	(void)state;
	memset(&d, 0, sizeof(d));
	d.locked = -1;
	fake_reset();
	scratch_make();
	snprintf(d.file, sizeof(d.file), "%s/autonomy", scratch_folder);
	config_default(&d.config);
	eventring_init(&d.events, 1);
	ledger_init(&d.ledger);
	api_init(&d.api, NULL, &d.config, d.file, FAKE_NOW_US - USEC_H);
	api_set_time(&d.api, FAKE_NOW_US, FAKE_WALL_US);
	d.api.hooks = &hooks;
	d.api.events = &d.events;
	d.api.history = &d.history;
	d.api.ledger = &d.ledger;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	api_forget_set(&d.api);
	uci_store_forget(&d.api.store);
	json_object_put(result);
	result = NULL;
	return scratch_remove();
}

static int call_as(enum permission permission, const char *method, const char *params)
{
	struct json_object *o = params ? json_tokener_parse(params) : NULL;
	int r;

	json_object_put(result);
	result = NULL;
	error.text[0] = '\0';
	r = api_call(&d.api, permission, method, o, &result, &error);
	if (r)
		json_object_put(error.data);
	json_object_put(o);
	assert_int_equal(r == 0, result != NULL);
	return r ? error.code : 0;
}

static int call(const char *method, const char *params)
{
	return call_as(PERMISSION_ADMIN, method, params);
}

static void questions_to_the_record_reach_the_daemon(void **state)
{
	(void)state;
	assert_int_equal(call("whatif", "{\"set\":\"a.b=1 c.d=2\",\"since\":\"2h\"}"), 0);
	assert_string_equal(studied.verb, "whatif");
	assert_string_equal(studied.set, "a.b=1 c.d=2");
	assert_string_equal(studied.family, "ipv4");
	assert_int_equal(studied.since_us, 2 * USEC_H);
	assert_int_equal(call("tune", "{\"since\":\"forever\",\"family\":\"ipv6\"}"), 0);
	assert_string_equal(studied.verb, "tune");
	assert_string_equal(studied.set, "none");
	assert_string_equal(studied.family, "ipv6");
	assert_int_equal(studied.since_us, USEC_NEVER);
	assert_int_equal(call_as(PERMISSION_READ, "tune", NULL), API_PERMISSION);
	assert_int_equal(call("whatif", NULL), API_INVALID_PARAMS);
	studied.error = -EBUSY;
	assert_int_equal(call("tune", NULL), API_BUSY);
	studied.error = -EIO;
	assert_int_equal(call("tune", NULL), API_REFUSED);
	studied.error = 0;
}

static void every_command_answers(void **state)
{
	static const char *const params[COMMAND_ID_COUNT] = {
		[COMMAND_ID_LINK] = "{\"link\":\"wan\"}",
		[COMMAND_ID_HISTORY] = "{\"link\":\"wan\"}",
		[COMMAND_ID_PIN] = "{\"link\":\"wan\"}",
		[COMMAND_ID_DRAIN] = "{\"link\":\"wan\"}",
		[COMMAND_ID_CONFIG_APPLY] = "{\"text\":\"\"}",
		[COMMAND_ID_CONFIG_SET] = "{\"changes\":[\"default.hold=10s\"]}",
		[COMMAND_ID_LOG] = "{\"level\":\"debug\"}",
		[COMMAND_ID_WHATIF] = "{\"set\":\"default.hold=10s\"}",
	};

	(void)state;
	for (size_t i = 0; i < COMMAND_ID_COUNT; i++) {
		int code = call(command_table[i].name, params[i]);
		bool refused = i == COMMAND_ID_CONFIG_CONFIRM || i == COMMAND_ID_CONFIG_ROLLBACK ||
			       i == COMMAND_ID_TRACE_STOP;

		if (!refused && code)
			fail_msg("%s: %s", command_table[i].name, error.text);
		assert_int_equal(refused, code != 0);
	}
}

static void a_reader_may_look_but_not_touch(void **state)
{
	(void)state;
	for (size_t i = 0; i < COMMAND_ID_COUNT; i++) {
		const struct command *c = &command_table[i];
		int code = call_as(PERMISSION_READ, c->name, NULL);

		if (c->permission == PERMISSION_READ)
			assert_int_not_equal(code, API_PERMISSION);
		else
			assert_int_equal(code, API_PERMISSION);
		code = call_as(PERMISSION_OPERATE, c->name, NULL);
		assert_int_equal(code == API_PERMISSION, c->permission == PERMISSION_ADMIN);
	}
	d.inputs = 0;
	assert_int_equal(call_as(PERMISSION_READ, "pin", "{\"link\":\"lte\"}"), API_PERMISSION);
	assert_int_equal(call_as(PERMISSION_OPERATE, "release", NULL), API_PERMISSION);
	assert_int_equal(d.inputs, 0);
}

static void mistakes_are_named(void **state)
{
	static const struct {
		const char *method, *params;
		int code;
		const char *text;
	} row[] = {
		{"statsu", NULL, API_METHOD_NOT_FOUND,
			"there is no such method; did you mean \"status\"?"},
		{"", NULL, API_METHOD_NOT_FOUND,
			"there is no such method; \"commands\" lists those there are"},
		{"pin", NULL, API_INVALID_PARAMS, "pin needs link: The link to use."},
		{"pin", "5", API_INVALID_PARAMS,
			"params must be an object (by name) or an array (by place)"},
		{"pin", "{\"link\":5}", API_INVALID_PARAMS, "link must be a string"},
		{"pin", "{\"link\":\"w\\u0000\"}", API_INVALID_PARAMS,
			"link must not contain a zero byte"},
		{"pin", "{\"link\":\"foo\"}", API_NOT_FOUND,
			"there is no link \"foo\"; there are: wan, lte, sat"},
		{"pin", "{\"link\":\"a\\u001b[2Jb\"}", API_NOT_FOUND,
			"there is no link \"a?[2Jb\"; there are: wan, lte, sat"},
		{"pin", "{\"link\":\"wan\",\"class\":\"x\"}", API_NOT_FOUND,
			"there is no class of traffic \"x\"; there are: default"},
		{"pin", "{\"link\":\"wan\",\"fro\":\"1h\"}", API_INVALID_PARAMS,
			"pin has no argument \"fro\"; method \"commands\" lists them"},
		{"pin", "{\"link\":\"wan\",\"for\":\"-1\"}", API_INVALID_PARAMS, NULL},
		{"pin", "{\"link\":\"wan\",\"for\":0}", API_INVALID_PARAMS,
			"for: give from 1 s to for ever"},
		{"pin", "{\"link\":\"wan\",\"for\":99999999999}", API_INVALID_PARAMS,
			"for is out of range"},
		{"pin", "{\"link\":\"wan\",\"for\":\"5000d\"}", API_INVALID_PARAMS,
			"for is too long: ten years at most, or forever"},
		{"pin", "{\"link\":\"wan\",\"for\":[]}", API_INVALID_PARAMS,
			"for is no duration: give for instance 90s, 15m, 1h30m, forever"},
		{"pin", "[\"wan\",\"default\",\"1h\",4]", API_INVALID_PARAMS,
			"pin takes at most 3 arguments"},
		{"explain", "{\"family\":\"ipv5\"}", API_INVALID_PARAMS,
			"family: \"ipv5\" is not one of ipv4|ipv6"},
		{"events", "{\"limit\":0}", API_INVALID_PARAMS,
			"limit: give a number from 1 to 200"},
		{"events", "{\"limit\":1.5}", API_INVALID_PARAMS, "limit is no number"},
		{"events", "{\"follow\":2}", API_INVALID_PARAMS, "follow must be true or false"},
		{"trace.start", "{\"name\":\"../etc/passwd\"}", API_INVALID_PARAMS, NULL},
		{"trace.start", "{\"name\":\".hidden\"}", API_INVALID_PARAMS, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		assert_int_equal(call(row[i].method, row[i].params), row[i].code);
		if (row[i].text)
			assert_string_equal(error.text, row[i].text);
	}
	assert_int_equal(d.inputs, 0);
}

static void a_path_that_does_not_live_has_no_hold_that_ends(void **state)
{
	struct json_object *path, *left;

	(void)state;
	fake.path[path_of(FAKE_SAT, FAMILY_IPV4)].hold_left_us = USEC_NEVER;
	assert_int_equal(call("link", "{\"link\":\"sat\"}"), 0);
	path = json_object_array_get_idx(json_get_array(result, "paths"), 0);
	assert_true(json_object_object_get_ex(path, "hold_left_ms", &left));
	assert_null(left);
}

static void a_pin_becomes_an_input(void **state)
{
	(void)state;
	assert_int_equal(call("pin", "{\"link\":\"lte\",\"for\":\"90s\"}"), 0);
	assert_int_equal(d.input.kind, INPUT_COMMAND);
	assert_int_equal(d.input.command.verb, COMMAND_PIN);
	assert_int_equal(d.input.command.link, FAKE_LTE);
	assert_int_equal(d.input.command.class, CLASSES_MAX);
	assert_int_equal(d.input.command.expires_us, FAKE_NOW_US + 90 * USEC_S);
	assert_string_equal(json_get_text(result, "text", ""),
		"all traffic is pinned to lte for 1 min 30 s (until 14:01:30)");
	assert_int_equal(json_get_int(result, "until_wall_ms", 0), FAKE_WALL_US / USEC_MS + 90000);
}

static void arguments_may_come_by_place_and_have_defaults(void **state)
{
	(void)state;
	assert_int_equal(call("pin", "[\"lte\",\"default\"]"), 0);
	assert_int_equal(d.input.command.class, 0);
	assert_int_equal(d.input.command.expires_us, FAKE_NOW_US + USEC_H);
	assert_int_equal(call("pin", "[\"lte\",null,\"forever\"]"), 0);
	assert_true(d.input.command.expires_us == USEC_NEVER);
	assert_string_equal(json_get_text(result, "text", ""),
		"all traffic is pinned to lte until it is taken back");
}

static void every_verb_reaches_the_engine(void **state)
{
	static const struct {
		const char *method, *params;
		enum command_verb verb;
	} row[] = {
		{"unpin", NULL, COMMAND_UNPIN},
		{"hold", NULL, COMMAND_HOLD},
		{"unhold", NULL, COMMAND_UNHOLD},
		{"drain", "[\"wan\"]", COMMAND_DRAIN},
		{"undrain", NULL, COMMAND_UNDRAIN},
		{"recheck", "[\"sat\"]", COMMAND_RECHECK},
		{"release", NULL, COMMAND_RELEASE},
		{"steer", NULL, COMMAND_STEER},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		assert_int_equal(call(row[i].method, row[i].params), 0);
		assert_int_equal(d.input.command.verb, row[i].verb);
		assert_int_equal(d.inputs, i + 1);
	}
	d.inbox_full = true;
	assert_int_equal(call("release", NULL), API_BUSY);
}

static void events_are_read_by_cursor(void **state)
{
	struct event e = fake_death();

	(void)state;
	for (int i = 0; i < 60; i++)
		eventring_put(&d.events, &e);
	e = fake_switch();
	eventring_put(&d.events, &e);
	assert_int_equal(call("events", NULL), 0);
	assert_int_equal(json_object_array_length(json_get_array(result, "events")), 50);
	assert_int_equal(json_get_int(result, "next", 0), 62);
	assert_int_equal(call("events", "{\"since\":61}"), 0);
	assert_int_equal(json_object_array_length(json_get_array(result, "events")), 1);
	assert_int_equal(call("events", "{\"since\":62}"), 0);
	assert_int_equal(json_object_array_length(json_get_array(result, "events")), 0);
	assert_int_equal(call("events", "{\"link\":\"lte\"}"), 0);
	assert_int_equal(json_object_array_length(json_get_array(result, "events")), 1);
	assert_int_equal(call("events", "{\"limit\":3,\"link\":\"wan\"}"), 0);
	assert_int_equal(json_object_array_length(json_get_array(result, "events")), 3);
	for (int i = 0; i < EVENTRING_SIZE; i++)
		eventring_put(&d.events, &e);
	assert_int_equal(call("events", "{\"since\":10}"), 0);
	assert_int_equal(json_get_int(result, "lost", 0), 62 - 10);
}

static void history_has_points_in_the_asked_resolution(void **state)
{
	struct json_object *family, *points;

	(void)state;
	for (int i = 0; i < 120; i++)
		history_add(&d.history, path_of(FAKE_WAN, FAMILY_IPV4),
			FAKE_NOW_US - (120 - i) * USEC_S,
			&fake.path[path_of(FAKE_WAN, FAMILY_IPV4)], true);
	assert_int_equal(call("history", "{\"link\":\"wan\",\"span\":\"1m\",\"family\":\"ipv4\"}"),
		0);
	family = json_object_array_get_idx(json_get_array(result, "families"), 0);
	points = json_get_array(family, "points");
	assert_int_equal(json_get_int(family, "resolution_ms", 0), 1000);
	assert_in_range(json_object_array_length(points), 59, 61);
	assert_string_equal(json_get_text(json_object_array_get_idx(points, 0), "health", ""),
		"up");
	assert_int_equal(call("history",
				 "{\"link\":\"wan\",\"resolution\":\"9s\",\"family\":\"ipv4\"}"),
		0);
	family = json_object_array_get_idx(json_get_array(result, "families"), 0);
	assert_int_equal(json_get_int(family, "resolution_ms", 0), 10000);
}

static void ledger_view(void *user, unsigned path, int64_t now_us, struct path_view *ret)
{
	(void)user;
	engine_view_path(NULL, path, now_us, ret);
}

static void the_ledger_tells_the_newest_first(void **state)
{
	struct event e = fake_switch();
	struct json_object *list;

	(void)state;
	ledger_event(&d.ledger, &e, ledger_view, NULL);
	e.from = e.to;
	e.to = e.path = (uint8_t)path_of(FAKE_WAN, FAMILY_IPV4);
	ledger_event(&d.ledger, &e, ledger_view, NULL);
	assert_int_equal(call("ledger", NULL), 0);
	list = json_get_array(result, "decisions");
	assert_int_equal(json_object_array_length(list), 2);
	assert_string_equal(json_get_text(json_get_object(json_object_array_get_idx(list, 0), "to"),
				    "link", ""),
		"wan");
	assert_int_equal(call("ledger", "{\"limit\":1}"), 0);
	assert_int_equal(json_object_array_length(json_get_array(result, "decisions")), 1);
}

static void what_is_not_kept_is_said(void **state)
{
	(void)state;
	api_init(&d.api, NULL, &d.config, d.file, FAKE_NOW_US);
	assert_int_equal(call("events", NULL), API_UNAVAILABLE);
	assert_int_equal(call("history", "[\"wan\"]"), API_UNAVAILABLE);
	assert_int_equal(call("ledger", NULL), API_UNAVAILABLE);
	assert_int_equal(call("pin", "[\"wan\"]"), API_UNAVAILABLE);
	assert_int_equal(call("log", "[\"debug\"]"), API_UNAVAILABLE);
	assert_int_equal(call("trace.start", NULL), API_UNAVAILABLE);
	assert_int_equal(call("config.reload", NULL), API_UNAVAILABLE);
	assert_int_equal(call("status", NULL), 0);
}

static void log_levels_and_traces_are_passed_on(void **state)
{
	(void)state;
	assert_int_equal(call("log", "[\"debug\"]"), 0);
	assert_int_equal(d.log_level, 7);
	assert_int_equal(call("trace.start", "{\"name\":\"a.trace\",\"limit\":\"1MB\"}"), 0);
	assert_string_equal(d.trace, "a.trace:1000000");
}

/* ---- configuration ---- */

#define NEW_TEXT "config link 'wan'\\n\\toption device 'eth1'\\n\\toption preference '7'\\n"
#define NEW_FILE "config link 'wan'\n\toption device 'eth1'\n\toption preference '7'\n"

static void apply_replaces_the_file_and_uses_it(void **state)
{
	(void)state;
	put(d.file, "# old\n");
	assert_int_equal(call("config.apply", "{\"text\":\"" NEW_TEXT "\"}"), 0);
	assert_string_equal(get(d.file), NEW_FILE);
	assert_int_equal(d.uses, 1);
	assert_int_equal(d.config.n_links, 1);
	assert_true(json_object_array_length(json_get_array(result, "differences")) > 0);
	assert_int_equal(json_get_int(result, "confirm_ms", -1), 0);
	assert_true(api_tick(&d.api, FAKE_NOW_US + USEC_DAY) == USEC_NEVER);
	assert_string_equal(get(d.file), NEW_FILE);
	assert_int_equal(api_recover_config(d.file), 0);
}

static void a_file_with_mistakes_changes_nothing(void **state)
{
	(void)state;
	put(d.file, "# old\n");
	assert_int_equal(call("config.apply", "{\"text\":\"nonsense\\n\"}"), API_REFUSED);
	assert_string_equal(get(d.file), "# old\n");
	assert_int_equal(d.uses, 0);
	put(d.file, "nonsense\n");
	assert_int_equal(call("config.reload", NULL), API_REFUSED);
	assert_int_equal(d.uses, 0);
	assert_int_equal(call("config.check", NULL), 0);
	assert_false(json_get_bool(result, "valid"));
}

static void what_the_daemon_refuses_is_put_back(void **state)
{
	(void)state;
	put(d.file, "# old\n");
	d.refuse_config = true;
	assert_int_equal(call("config.apply", "{\"text\":\"" NEW_TEXT "\"}"), API_REFUSED);
	assert_string_equal(error.text, "firewall: the system has no nft");
	assert_string_equal(get(d.file), "# old\n");
	assert_int_equal(api_recover_config(d.file), 0);
}

static void without_confirmation_the_old_file_comes_back(void **state)
{
	(void)state;
	put(d.file, "# old\n");
	assert_int_equal(call("config.apply", "{\"text\":\"" NEW_TEXT "\",\"confirm\":60}"), 0);
	assert_int_equal(json_get_int(result, "confirm_ms", 0), 60000);
	assert_true(api_tick(&d.api, FAKE_NOW_US) == FAKE_NOW_US + USEC_MIN);
	assert_string_equal(get(d.file), NEW_FILE);
	assert_int_equal(call("config.apply", "{\"text\":\"\"}"), API_REFUSED);
	assert_int_equal(call("status", NULL), 0);
	assert_int_equal(json_get_int(result, "config_confirm_ms", 0), 60000);
	assert_true(api_tick(&d.api, FAKE_NOW_US + USEC_MIN) == USEC_NEVER);
	assert_string_equal(get(d.file), "# old\n");
	assert_int_equal(d.uses, 2);
	assert_int_equal(d.config.n_links, 0);
	assert_true(*d.logged);
	assert_int_equal(call("config.confirm", NULL), API_REFUSED);
}

static void confirmed_it_stays(void **state)
{
	(void)state;
	put(d.file, "# old\n");
	assert_int_equal(call("config.apply", "{\"text\":\"" NEW_TEXT "\",\"confirm\":\"60s\"}"),
		0);
	assert_int_equal(call("config.confirm", NULL), 0);
	assert_true(api_tick(&d.api, FAKE_NOW_US + USEC_H) == USEC_NEVER);
	assert_string_equal(get(d.file), NEW_FILE);
	assert_int_equal(api_recover_config(d.file), 0);
}

static void confirmed_it_stays_over_a_power_cut(void **state)
{
	int synced;

	(void)state;
	put(d.file, "# old\n");
	assert_int_equal(call("config.apply", "{\"text\":\"" NEW_TEXT "\",\"confirm\":60}"), 0);
	synced = d.folders_synced;
	assert_int_equal(call("config.confirm", NULL), 0);
	assert_int_equal(d.folders_synced, synced + 1);
}

/* What would take it back at the next start is still there. */
static void what_cannot_be_made_final_is_said(void **state)
{
	(void)state;
	put(d.file, "# old\n");
	d.keep_before = true;
	assert_int_equal(call("config.apply", "{\"text\":\"" NEW_TEXT "\"}"), API_REFUSED);
	assert_non_null(strstr(error.text, "config confirm"));
	assert_int_equal(d.uses, 1);
	assert_string_equal(get(d.file), NEW_FILE);
	assert_int_equal(call("config.confirm", NULL), API_REFUSED);
	assert_true(api_tick(&d.api, FAKE_NOW_US) == FAKE_NOW_US + USEC_MIN);
	d.keep_before = false;
	assert_int_equal(call("config.confirm", NULL), 0);
	assert_int_equal(api_recover_config(d.file), 0);
	assert_string_equal(get(d.file), NEW_FILE);
}

static void what_is_refused_is_put_back_once_others_let_go(void **state)
{
	(void)state;
	put(d.file, "# old\n");
	d.refuse_config = true;
	d.locked = 0;
	assert_int_equal(call("config.apply", "{\"text\":\"" NEW_TEXT "\"}"), API_REFUSED);
	assert_string_equal(error.text, "firewall: the system has no nft");
	assert_string_equal(get(d.file), NEW_FILE);
	assert_true(api_tick(&d.api, FAKE_NOW_US) == FAKE_NOW_US + USEC_S);
	close(d.locked);
	d.refuse_config = false;
	assert_true(api_tick(&d.api, FAKE_NOW_US + USEC_S) == USEC_NEVER);
	assert_string_equal(get(d.file), "# old\n");
	assert_int_equal(d.config.n_links, 0);
	assert_int_equal(api_recover_config(d.file), 0);
}

static void rolled_back_by_hand_it_is_gone(void **state)
{
	(void)state;
	put(d.file, "# old\n");
	assert_int_equal(call("config.apply", "{\"text\":\"" NEW_TEXT "\",\"confirm\":60}"), 0);
	assert_int_equal(call("config.rollback", NULL), 0);
	assert_string_equal(get(d.file), "# old\n");
	assert_int_equal(call("config.rollback", NULL), API_REFUSED);
}

static void a_crash_on_trial_brings_the_old_file_back_at_the_start(void **state)
{
	(void)state;
	put(d.file, "# old\n");
	assert_int_equal(call("config.apply", "{\"text\":\"" NEW_TEXT "\",\"confirm\":60}"), 0);
	assert_int_equal(api_recover_config(d.file), 1);
	assert_string_equal(get(d.file), "# old\n");
	assert_int_equal(api_recover_config(d.file), 0);
}

static void what_the_start_cannot_bring_back_comes_back_later(void **state)
{
	int fd;

	(void)state;
	put(d.file, "# old\n");
	assert_int_equal(call("config.apply", "{\"text\":\"" NEW_TEXT "\",\"confirm\":60}"), 0);
	uci_store_forget(&d.api.store);
	api_init(&d.api, NULL, &d.config, d.file, FAKE_NOW_US);
	d.api.hooks = &hooks;
	fd = lock();
	assert_int_equal(api_recover_config(d.file), -EBUSY);
	close(fd);
	api_recover_later(&d.api);
	assert_true(api_tick(&d.api, FAKE_NOW_US) == USEC_NEVER);
	assert_string_equal(get(d.file), "# old\n");
	assert_int_equal(d.config.n_links, 0);
}

static void a_first_file_is_taken_away_again(void **state)
{
	(void)state;
	assert_int_equal(call("config.apply", "{\"text\":\"" NEW_TEXT "\",\"confirm\":60}"), 0);
	assert_int_equal(call("config.rollback", NULL), 0);
	assert_string_equal(get(d.file), "");
	assert_int_equal(d.config.n_links, 0);
}

static void show_prints_what_diff_calls_the_same(void **state)
{
	char params[2048];
	struct json_object *o = json_object_new_object();

	(void)state;
	put(d.file, "# old\n");
	assert_int_equal(call("config.apply", "{\"text\":\"" NEW_TEXT "\"}"), 0);
	assert_int_equal(call("config.show", NULL), 0);
	json_put_text(o, "text", json_get_text(result, "text", ""));
	snprintf(params, sizeof(params), "%s", json_object_to_json_string(o));
	json_object_put(o);
	assert_int_equal(call("config.diff", params), 0);
	assert_int_equal(json_object_array_length(json_get_array(result, "differences")), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(questions_to_the_record_reach_the_daemon),
		CASE(every_command_answers),
		CASE(a_reader_may_look_but_not_touch),
		CASE(mistakes_are_named),
		CASE(a_path_that_does_not_live_has_no_hold_that_ends),
		CASE(a_pin_becomes_an_input),
		CASE(arguments_may_come_by_place_and_have_defaults),
		CASE(every_verb_reaches_the_engine),
		CASE(events_are_read_by_cursor),
		CASE(history_has_points_in_the_asked_resolution),
		CASE(the_ledger_tells_the_newest_first),
		CASE(what_is_not_kept_is_said),
		CASE(log_levels_and_traces_are_passed_on),
		CASE(apply_replaces_the_file_and_uses_it),
		CASE(a_file_with_mistakes_changes_nothing),
		CASE(what_the_daemon_refuses_is_put_back),
		CASE(without_confirmation_the_old_file_comes_back),
		CASE(confirmed_it_stays),
		CASE(confirmed_it_stays_over_a_power_cut),
		CASE(what_cannot_be_made_final_is_said),
		CASE(what_is_refused_is_put_back_once_others_let_go),
		CASE(rolled_back_by_hand_it_is_gone),
		CASE(a_crash_on_trial_brings_the_old_file_back_at_the_start),
		CASE(what_the_start_cannot_bring_back_comes_back_later),
		CASE(a_first_file_is_taken_away_again),
		CASE(show_prints_what_diff_calls_the_same),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
