/* config.set and config.get: changes to the file by name, all of them or none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../scratch.h"
#include "fake_engine.h"

#include "api/api.h"
#include "api/json.h"

static struct {
	struct api api;
	struct config config;
	bool refuse;
	int uses;
	char file[96], save[96], staged[128];
} d;

static struct json_object *result;
static struct api_error error;

static int hook_use_config(void *user, const struct config *config, struct problem *ret)
{
	(void)user;
	if (d.refuse) {
		problem_set(ret, "firewall", 0, "the system has no nft");
		return -EOPNOTSUPP;
	}
	d.config = *config;
	d.uses++;
	return 0;
}

static const struct api_hooks hooks = {.use_config = hook_use_config};

static int setup(void **state)
{
	(void)state;
	memset(&d, 0, sizeof(d));
	fake_reset();
	scratch_make();
	snprintf(d.file, sizeof(d.file), "%s/autonomy", scratch_folder);
	snprintf(d.save, sizeof(d.save), "%s/save", scratch_folder);
	snprintf(d.staged, sizeof(d.staged), "%s/autonomy", d.save);
	assert_int_equal(mkdir(d.save, 0700), 0);
	config_default(&d.config);
	api_init(&d.api, NULL, &d.config, d.file, FAKE_NOW_US - USEC_H);
	api_set_time(&d.api, FAKE_NOW_US, FAKE_WALL_US);
	d.api.hooks = &hooks;
	d.api.store.delta_dir = d.save;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	uci_store_forget(&d.api.store);
	api_forget_set(&d.api);
	json_object_put(result);
	result = NULL;
	return scratch_remove();
}

/* 0 or the error's code. */
static int call(const char *method, const char *params)
{
	struct json_object *o = params ? json_tokener_parse(params) : NULL;
	int r;

	assert_true(!params || o);
	json_object_put(result);
	result = NULL;
	error.text[0] = '\0';
	r = api_call(&d.api, PERMISSION_ADMIN, method, o, &result, &error);
	json_object_put(o);
	if (r)
		json_object_put(error.data);
	return r ? error.code : 0;
}

#define BEFORE                                                                                     \
	"# mine\nconfig defaults 'defaults'\n\toption hold '30s' # calm\n\n"                       \
	"config link 'wan'\n\toption device 'eth0'\n\nconfig class 'calls'\n"                      \
	"\toption need 'realtime'\n\tlist link 'wan'\n"

static void changes_are_carried_out_by_name(void **state)
{
	static const struct {
		const char *params, *was, *is; /* what of the file becomes what */
	} row[] = {
		{"{\"changes\":[\"default.hold=10s\"]}", "'30s'", "'10s'"},
		{"{\"changes\":\"default.hold=10s\"}", "'30s'", "'10s'"},
		{"{\"changes\":{\"default.hold\":\"10s\"}}", "'30s'", "'10s'"},
		{"{\"changes\":{\"defaults\":{\"hold\":\"10s\"}}}", "'30s'", "'10s'"},
		{"{\"changes\":[{\"section\":\"defaults\",\"option\":\"hold\",\"value\":\"10s\"}]}",
			"'30s'", "'10s'"},
		{"{\"section\":\"defaults\",\"option\":\"hold\",\"value\":\"10s\"}", "'30s'",
			"'10s'"},
		{"{\"section\":\"defaults\",\"type\":\"defaults\",\"values\":{\"hold\":\"10s\"}}",
			"'30s'", "'10s'"},
		{"{\"changes\":{\"@defaults[0].hold\":\"10s\"}}", "'30s'", "'10s'"},
		{"{\"changes\":[\"default.hold=\"]}", "\toption hold '30s' # calm\n", ""},
		{"{\"changes\":{\"default.hold\":null}}", "\toption hold '30s' # calm\n", ""},
		{"{\"changes\":{\"wan.preference\":7,\"wan.metered\":true}}", "'eth0'\n",
			"'eth0'\n\toption preference '7'\n\toption metered '1'\n"},
		{"{\"changes\":{\"link.wan.preference\":7}}", "'eth0'\n",
			"'eth0'\n\toption preference '7'\n"},
		{"{\"changes\":{\"class.calls.link\":[\"lte\",\"wan\"]}}", "\tlist link 'wan'\n",
			"\tlist link 'lte'\n\tlist link 'wan'\n"},
		{"{\"changes\":[\"calls.link+=lte\"]}", "\tlist link 'wan'\n",
			"\tlist link 'wan'\n\tlist link 'lte'\n"},
		{"{\"changes\":{\"calls.link+\":[\"lte\",\"dsl\"]}}", "\tlist link 'wan'\n",
			"\tlist link 'wan'\n\tlist link 'lte'\n\tlist link 'dsl'\n"},
		{"{\"changes\":{\"calls.link-\":[\"wan\",\"dsl\"]}}", "\tlist link 'wan'\n", ""},
		{"{\"changes\":[\"calls.link+=lte\",\"calls.link-=wan\"]}", "\tlist link 'wan'\n",
			"\tlist link 'lte'\n"},
		{"{\"changes\":[\"calls=\"]}",
			"\nconfig class 'calls'\n\toption need 'realtime'\n\tlist link 'wan'\n",
			"\n"},
		{"{\"changes\":[\"detect.burst_interval=30ms\"]}", "'wan'\n",
			"'wan'\n\nconfig detect 'detect'\n\toption burst_interval '30ms'\n"},
		{"{\"changes\":[\"autonomy.ipv6=0\"]}", "'wan'\n",
			"'wan'\n\nconfig autonomy 'main'\n\toption ipv6 '0'\n"},
		{"{\"changes\":[\"default.need=bulk\"]}", "'wan'\n",
			"'wan'\n\nconfig class 'default'\n\toption need 'bulk'\n"},
		/* a link that was found, without a section */
		{"{\"changes\":[\"lte.metered=1\"]}", "'wan'\n",
			"'wan'\n\nconfig link 'lte'\n\toption metered '1'\n"},
		{"{\"changes\":[\"link.sat-2.metered=1\"]}", "'wan'\n",
			"'wan'\n\nconfig link\n\toption name 'sat-2'\n\toption metered '1'\n"},
		{"{\"changes\":[\"target.1.1.1.1.method=icmp\"]}", "'wan'\n",
			"'wan'\n\nconfig target\n\toption address '1.1.1.1'\n\toption method "
			"'icmp'\n"},
		{"{\"type\":\"match\",\"values\":{\"class\":\"calls\",\"dscp\":\"EF\"}}", "'wan'\n",
			"'wan'\n\nconfig match\n\toption class 'calls'\n\toption dscp 'EF'\n"},
		{"{\"changes\":[\"+match\",\"@match[-1].class=calls\",\"@match[-1].dscp=46\"]}",
			"'wan'\n",
			"'wan'\n\nconfig match\n\toption class 'calls'\n\toption dscp '46'\n"},
		{"{\"changes\":[\"none=link\",\"none=\"]}", "", ""},
		/* a whole section */
		{"{\"changes\":{\"calls\":null}}",
			"\nconfig class 'calls'\n\toption need 'realtime'\n\tlist link 'wan'\n",
			"\n"},
		{"{\"changes\":{\"calls\":\"\"}}",
			"\nconfig class 'calls'\n\toption need 'realtime'\n\tlist link 'wan'\n",
			"\n"},
		{"{\"changes\":{\"dsl\":\"link\",\"dsl.metered\":true}}", "'wan'\n",
			"'wan'\n\nconfig link 'dsl'\n\toption metered '1'\n"},
		{"{\"changes\":{\"calls\":\"class\"}}", "", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		char wanted[1024];
		const char *at = NULL;

		/* the last place: rows add to the end */
		for (const char *p = BEFORE; (p = strstr(p, row[i].was)) && *p; p++)
			at = p;
		if (!*row[i].was)
			at = BEFORE;
		assert_non_null(at);
		snprintf(wanted, sizeof(wanted), "%.*s%s%s", (int)(strlen(BEFORE) - strlen(at)),
			BEFORE, row[i].is, at + strlen(row[i].was));
		put(d.file, BEFORE);
		api_forget_set(&d.api);
		print_message("%s\n", row[i].params);
		if (call("config.set", row[i].params))
			fail_msg("%s", error.text);
		assert_string_equal(get(d.file), wanted);
		assert_int_equal(d.uses, i + 1);
	}
}

static void what_is_wrong_changes_nothing_and_says_what_to_do(void **state)
{
	static const struct {
		const char *params, *text;
	} row[] = {
		{"{\"changes\":[\"wan.preference=5\",\"default.hold=5x\"]}",
			"defaults.hold: '5x' is no time"},
		{"{\"changes\":[\"wan.preference=5000\"]}",
			"wan.preference: '5000' is out of range"},
		{"{\"changes\":[\"wan.preferense=5\"]}", "did you mean 'preference'?"},
		{"{\"changes\":[\"default.hld=5s\"]}", "did you mean 'hold'?"},
		{"{\"changes\":[\"wn.hold=5s\"]}",
			"wn.hold: there is no section 'wn': did you mean 'wan'?"},
		{"{\"changes\":[\"nowhere.hold=5s\"]}", "a new one needs its type"},
		{"{\"changes\":[\"calls.link=wan\",\"calls.need=fast\"]}", "calls.need: "},
		{"{\"changes\":[\"nonsense\"]}", "write SECTION.OPTION=VALUE"},
		{"{\"changes\":[\"wan.a-b=1\"]}", "cannot be a name"},
		{"{\"changes\":[\"=x\"]}", "is no change"},
		{"{\"changes\":[\"+\"]}", "is no change"},
		{"{\"changes\":[\"+frob\"]}", "there is no such section"},
		{"{\"changes\":[7]}", "change 1 is none"},
		{"{\"changes\":{\"wan.hold\":{\"a\":1}}}", "there is no section 'wan.hold'"},
		{"{\"changes\":{\"calls.link\":[null]}}", "cannot be null"},
		{"{\"changes\":7}", "must be a list"},
		{"{\"changes\":{\"wan\":[]}}", "wan: give its type, or null to take it away"},
		{"{\"changes\":{\"wan\":[\"link\"]}}", "wan: give its type"},
		{"{\"changes\":{\"wan\":false}}", "wan: give its type"},
		{"{\"changes\":{\"wan\":0}}", "wan: give its type"},
		{"{\"changes\":{\"wan\":\"class\"}}", "of type 'link' already"},
		{"{\"section\":\"wan\",\"type\":\"class\",\"option\":\"need\",\"value\":\"bulk\"}",
			"of type 'link' already"},
		{"{\"section\":\"wan\",\"option\":\"hold\"}", "needs a value"},
		{"{\"section\":\"wan\"}", "give option and value"},
		{"{\"section\":\"x\",\"type\":\"frob\",\"values\":{\"a\":1}}",
			"no type of section 'frob'"},
		{"{\"values\":{\"a\":1}}", "give changes, or a section"},
		{"{}", "give changes, or a section"},
		{"{\"section\":\"wan\",\"values\":[1]}", "values must be an object"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		put(d.file, BEFORE);
		print_message("%s\n", row[i].params);
		assert_int_not_equal(call("config.set", row[i].params), 0);
		if (!strstr(error.text, row[i].text))
			fail_msg("%s", error.text);
		assert_string_equal(get(d.file), BEFORE);
		assert_int_equal(d.uses, 0);
	}
}

static void a_broken_file_is_not_touched(void **state)
{
	(void)state;
	put(d.file, "config link wan\noption 'unclosed\n");
	assert_int_equal(call("config.set", "{\"changes\":[\"default.hold=10s\"]}"), API_REFUSED);
	assert_non_null(strstr(error.text, "autonomy:2: "));
	put(d.file, "config defaults\n\toption hold 'x'\n");
	assert_int_equal(call("config.set", "{\"changes\":[\"wan.preference=1\"]}"), API_REFUSED);
	assert_int_equal(call("config.set", "{\"changes\":[\"main.ipv6=0\"]}"), API_REFUSED);
	assert_non_null(strstr(error.text, "hold: 'x' is no time"));
	assert_string_equal(get(d.file), "config defaults\n\toption hold 'x'\n");
}

static void the_same_again_writes_nothing(void **state)
{
	struct stat before, after;

	(void)state;
	put(d.file, BEFORE);
	assert_int_equal(call("config.set", "{\"changes\":[\"default.hold=30s\"]}"), 0);
	assert_int_equal(stat(d.file, &before), 0);
	assert_int_equal(call("config.set", "{\"changes\":[\"default.hold=30s\"]}"), 0);
	assert_int_equal(stat(d.file, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(json_object_array_length(json_get_array(result, "differences")), 0);
}

/* A mistake in what was asked, or things as they are? */
static void whose_mistake_it_is_can_be_told(void **state)
{
	static const struct {
		const char *params;
		int code;
	} row[] = {
		{"{\"changes\":[\"default.hld=5s\"]}", API_INVALID_PARAMS},
		{"{\"changes\":[\"default.hold=5x\"]}", API_INVALID_PARAMS},
		{"{\"changes\":[\"nowhere.hold=5s\"]}", API_INVALID_PARAMS},
		{"{\"changes\":[\"main.ipv6=0\"]}", API_REFUSED},
		{"{\"changes\":[\"main.ipv6=0\",\"wan.preferense=1\"]}", API_REFUSED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		/* what is wrong already concerns only those who leave it so */
		put(d.file, i < 3 ? BEFORE : "config link 'wan'\n\toption hold 'x'\n");
		assert_int_equal(call("config.set", row[i].params), row[i].code);
	}
}

static void what_wrote_nothing_is_no_change_to_be_lost(void **state)
{
	(void)state;
	put(d.file, BEFORE);
	assert_int_equal(call("config.set", "{\"changes\":[\"default.hold=10s\"]}"), 0);
	assert_int_equal(call("config.set", "{\"changes\":[\"default.hold=10s\"],\"confirm\":60}"),
		0);
	assert_int_equal(json_get_int(result, "confirm_ms", -1), 0);
	assert_false(d.api.trial.running);
	assert_int_equal(call("config.set", "{\"changes\":[\"default.hold=10s\"]}"), 0);
	assert_int_equal(json_get_int(result, "confirm_ms", -1), 0);
	put(d.file, BEFORE);
	api_file_changed(&d.api, FAKE_NOW_US);
	assert_non_null(strstr(get(d.file), "option hold '10s'"));
}

static void what_uci_has_staged_is_committed_with_it(void **state)
{
	(void)state;
	put(d.file, BEFORE);
	put(d.staged,
		"autonomy.wan.weight='3'\nautonomy.defaults.hold='40s'\nother.wan.weight='9'\n");
	assert_int_equal(call("config.set", "{\"changes\":[\"default.hold=10s\"]}"), 0);
	assert_int_equal(json_get_int(result, "staged", -1), 2);
	assert_string_equal(get(d.staged), "");
	assert_non_null(strstr(get(d.file), "option weight '3'"));
	assert_non_null(strstr(get(d.file), "option hold '10s'"));

	put(d.staged, "autonomy.wan.weight='-1'\n");
	assert_int_equal(call("config.set", "{\"changes\":[\"default.hold=11s\"]}"), API_REFUSED);
	assert_non_null(strstr(error.text, "wan.weight: "));
	assert_string_equal(get(d.staged), "autonomy.wan.weight='-1'\n");
	assert_non_null(strstr(get(d.file), "option hold '10s'"));
}

static void a_whole_file_or_a_trial_does_not_swallow_what_is_staged(void **state)
{
	(void)state;
	put(d.file, BEFORE);
	put(d.staged, "autonomy.wan.weight='3'\n");
	assert_int_equal(call("config.apply", "{\"text\":\"\"}"), API_REFUSED);
	assert_non_null(strstr(error.text, "uci commit autonomy"));
	assert_int_equal(call("config.set", "{\"changes\":[\"default.hold=11s\"],\"confirm\":60}"),
		API_REFUSED);
	assert_string_equal(get(d.file), BEFORE);
	assert_string_equal(get(d.staged), "autonomy.wan.weight='3'\n");
}

static void on_trial_it_comes_back_by_itself(void **state)
{
	(void)state;
	put(d.file, BEFORE);
	assert_int_equal(call("config.set", "{\"changes\":[\"default.hold=11s\"],\"confirm\":60}"),
		0);
	assert_non_null(strstr(get(d.file), "option hold '11s'"));
	assert_int_equal(call("config.set", "{\"changes\":[\"default.hold=12s\"]}"), API_REFUSED);
	api_tick(&d.api, FAKE_NOW_US + 61 * USEC_S);
	assert_string_equal(get(d.file), BEFORE);
}

static void what_the_daemon_refuses_is_put_back(void **state)
{
	(void)state;
	put(d.file, BEFORE);
	put(d.staged, "autonomy.wan.weight='3'\n");
	d.refuse = true;
	assert_int_equal(call("config.set", "{\"changes\":[\"default.hold=11s\"]}"), API_REFUSED);
	assert_string_equal(get(d.file), BEFORE);
	assert_string_equal(get(d.staged), "autonomy.wan.weight='3'\n");
	assert_false(d.api.trial.running);
}

static void what_a_commit_overtook_is_done_again(void **state)
{
	(void)state;
	put(d.file, BEFORE);
	assert_int_equal(call("config.set",
				 "{\"changes\":[\"default.hold=10s\",\"calls.link+=lte\"]}"),
		0);
	/* from before, with a change of their own */
	put(d.file, BEFORE "\nconfig link 'lte'\n\toption metered '1'\n");
	api_file_changed(&d.api, FAKE_NOW_US);
	assert_non_null(strstr(get(d.file), "option hold '10s'"));
	assert_non_null(strstr(get(d.file), "list link 'lte'"));
	assert_non_null(strstr(get(d.file), "option metered '1'"));
	assert_int_equal(d.uses, 2);
	/* not for ever */
	for (int i = 0; i < 5; i++) {
		put(d.file, BEFORE);
		api_file_changed(&d.api, FAKE_NOW_US);
	}
	assert_string_equal(get(d.file), BEFORE);
	api_forget_set(&d.api);
}

static void what_somebody_else_decided_stays(void **state)
{
	(void)state;
	put(d.file, BEFORE);
	assert_int_equal(call("config.set", "{\"changes\":[\"default.hold=10s\"]}"), 0);
	put(d.file, "config defaults 'defaults'\n\toption hold '20s'\n");
	api_file_changed(&d.api, FAKE_NOW_US);
	assert_int_equal(d.uses, 1);
	api_forget_set(&d.api);
	put(d.file, BEFORE);
	api_file_changed(&d.api, FAKE_NOW_US);
	assert_string_equal(get(d.file), BEFORE);
}

static void values_are_shown_by_the_names_they_are_set_by(void **state)
{
	(void)state;
	put(d.file, BEFORE);
	assert_int_equal(call("config.set",
				 "{\"changes\":[\"target.9.9.9.9.method=icmp\",\"+match\","
				 "\"@match[0].class=calls\",\"@match[0].dscp=EF\"]}"),
		0);
	assert_int_equal(call("config.get", "{\"section\":\"default.hold\"}"), 0);
	assert_string_equal(json_get_text(result, "value", ""), "30s");
	assert_int_equal(call("config.get", "{\"section\":\"wan\",\"option\":\"hold\"}"), 0);
	assert_string_equal(json_get_text(result, "value", ""), "30s");
	assert_int_equal(call("config.get", "{\"section\":\"calls.link\"}"), 0);
	assert_int_equal(json_object_array_length(json_get_array(result, "value")), 1);
	assert_int_equal(call("config.get", "{\"section\":\"target.9.9.9.9.method\"}"), 0);
	assert_int_equal(call("config.get", "{\"section\":\"@match[0].dscp\"}"), 0);
	assert_string_equal(json_get_text(result, "value", ""), "EF");
	assert_int_equal(call("config.get", "{\"section\":\"class.calls\"}"), 0);
	assert_string_equal(json_get_text(json_get_object(json_get_object(result, "config"),
						  "class.calls"),
				    ".type", ""),
		"class");
	assert_int_equal(call("config.get", NULL), 0);
	assert_true(json_object_object_length(json_get_object(result, "config")) >= 9);
	assert_int_equal(call("config.get", "{\"section\":\"none\"}"), API_NOT_FOUND);
	assert_int_equal(call("config.get", "{\"section\":\"wan.none\"}"), API_NOT_FOUND);
	assert_int_equal(call("config.get", "{\"section\":\"wan\",\"option\":\"none\"}"),
		API_NOT_FOUND);
}

/* What config.get says can be given back. */
static void all_that_is_shown_can_be_set(void **state)
{
	struct json_object *params;

	(void)state;
	put(d.file, BEFORE);
	assert_int_equal(call("config.set", "{\"changes\":[\"+match\",\"@match[0].class=calls\","
					    "\"@match[0].dscp=EF\",\"link.sat-2.metered=1\"]}"),
		0);
	assert_int_equal(call("config.get", NULL), 0);
	params = json_object_get(result);
	if (call("config.set", json_object_to_json_string(params)))
		fail_msg("%s", error.text);
	json_object_put(params);
	assert_int_equal(call("config.get", "{\"section\":\"sat-2.metered\"}"), 0);
	assert_string_equal(json_get_text(result, "value", ""), "1");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(changes_are_carried_out_by_name),
		CASE(what_is_wrong_changes_nothing_and_says_what_to_do),
		CASE(a_broken_file_is_not_touched),
		CASE(the_same_again_writes_nothing),
		CASE(whose_mistake_it_is_can_be_told),
		CASE(what_wrote_nothing_is_no_change_to_be_lost),
		CASE(what_uci_has_staged_is_committed_with_it),
		CASE(a_whole_file_or_a_trial_does_not_swallow_what_is_staged),
		CASE(on_trial_it_comes_back_by_itself),
		CASE(what_the_daemon_refuses_is_put_back),
		CASE(what_a_commit_overtook_is_done_again),
		CASE(what_somebody_else_decided_stays),
		CASE(values_are_shown_by_the_names_they_are_set_by),
		CASE(all_that_is_shown_can_be_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
