#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_engine.h"

#include "api/historic.h"
#include "api/json.h"
#include "core/history.h"
#include "core/ledger.h"

static struct {
	struct api api;
	struct config config;
	struct eventring events;
	struct history history;
	struct ledger ledger;
	struct input input[4];
	int inputs, log_level;
} d;

static struct json_object *result;
static struct api_error error;

static bool hook_input(void *user, const struct input *in)
{
	(void)user;
	if (d.inputs < 4)
		d.input[d.inputs] = *in;
	d.inputs++;
	return true;
}

static void hook_set_log_level(void *user, int level)
{
	(void)user;
	d.log_level = level;
}

static void hook_metrics(void *user, api_metric_fn *tell, void *to)
{
	(void)user;
	tell(to, "resident_max_kb", 3000, "");
	tell(to, "probes_answered", 44, "");
	tell(to, "events", 7, "");
}

static const struct api_hooks hooks = {.input = hook_input,
	.set_log_level = hook_set_log_level,
	.metrics = hook_metrics};

static int setup(void **state)
{
	(void)state;
	memset(&d, 0, sizeof(d));
	fake_reset();
	config_default(&d.config);
	eventring_init(&d.events, 1);
	ledger_init(&d.ledger);
	api_init(&d.api, NULL, &d.config, "/nonexistent", FAKE_NOW_US - USEC_H);
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
	json_object_put(result);
	result = NULL;
	return 0;
}

typedef int door(struct api *api, enum permission permission, const char *method,
	struct json_object *params, struct json_object **ret_result, struct api_error *ret_error);

static int ask_at(door *call, enum permission permission, const char *method, const char *params)
{
	struct json_object *in = params ? json_tokener_parse(params) : NULL;
	int r;

	json_object_put(result);
	result = NULL;
	memset(&error, 0, sizeof(error));
	r = call(&d.api, permission, method, in, &result, &error);
	json_object_put(in);
	assert_true(r ? !result && error.code : result != NULL);
	return r ? error.code : 0;
}

static int ask(const char *method, const char *params)
{
	return ask_at(historic_call, PERMISSION_ADMIN, method, params);
}

static struct json_object *item(struct json_object *o, const char *list, size_t i)
{
	struct json_object *array = json_get_array(o, list);

	assert_non_null(array);
	assert_true(i < json_object_array_length(array));
	return json_object_array_get_idx(array, i);
}

static void status_has_the_members_of_old_beside_ours(void **state)
{
	struct event e = fake_switch();
	struct json_object *last;

	(void)state;
	eventring_put(&d.events, &e);
	assert_int_equal(ask("status", NULL), 0);
	assert_string_equal(json_get_text(result, "state", ""), "primary");
	assert_non_null(json_get_text(result, "health", NULL));
	assert_non_null(json_get_array(result, "links"));
	assert_string_equal(json_get_text(result, "current", ""), "wan");
	assert_string_equal(json_get_text(item(result, "rank", 0), "name", ""), "wan");
	assert_string_equal(json_get_text(item(result, "rank", 1), "name", ""), "lte");
	assert_string_equal(json_get_text(item(result, "rank", 2), "class", ""), "starlink");
	assert_false(json_get_bool(item(result, "rank", 2), "eligible"));
	last = json_get_object(result, "last_event");
	assert_string_equal(json_get_text(last, "type", ""), "switch");
	assert_non_null(json_get_object(result, "config"));
	assert_non_null(json_get_object(result, "mwan3"));
}

static void state_tells_primary_from_backup(void **state)
{
	(void)state;
	fake.policy.links = 3;
	assert_int_equal(ask("status", NULL), 0);
	assert_string_equal(json_get_text(result, "state", ""), "primary");
	assert_string_equal(json_get_text(result, "health", ""), "healthy");
	fake_failed_over();
	fake.policy.links = 3;
	assert_int_equal(ask("status", NULL), 0);
	assert_string_equal(json_get_text(result, "state", ""), "backup");
	assert_string_equal(json_get_text(result, "current", ""), "lte");
	fake.decision[0][FAMILY_IPV4].n = 0;
	for (unsigned i = 0; i < PATHS_MAX; i++)
		fake.path[i].health = HEALTH_ABSENT;
	assert_int_equal(ask("status", NULL), 0);
	assert_string_equal(json_get_text(result, "state", ""), "degraded");
	assert_null(json_get_text(result, "current", NULL));
}

static void status_of_the_command_table_stays_what_it_is(void **state)
{
	(void)state;
	assert_int_equal(ask_at(api_call, PERMISSION_READ, "status", NULL), 0);
	assert_null(json_get_array(result, "rank"));
	assert_null(json_get_text(result, "health", NULL));
}

static void members_are_the_links(void **state)
{
	struct json_object *member;

	(void)state;
	/* by the other door as well */
	assert_int_equal(ask_at(api_call, PERMISSION_READ, "members", "{}"), 0);
	member = item(result, "members", 0);
	assert_string_equal(json_get_text(member, "name", ""), "wan");
	assert_string_equal(json_get_text(member, "class", ""), "wired");
	assert_string_equal(json_get_text(member, "iface", ""), "eth1");
	assert_string_equal(json_get_text(member, "status", ""), "active");
	assert_true(json_get_bool(member, "eligible"));
	assert_int_equal(json_get_int(json_get_object(member, "score"), "final", 0), 93);
	assert_int_equal(json_get_us(json_get_object(member, "metrics"), "lat_ms"), 8100);
	assert_int_equal(json_get_int(member, "last_update", 0), FAKE_WALL_US / USEC_S - 1);
	assert_string_equal(json_get_text(item(result, "members", 1), "status", ""), "standby");
	member = item(result, "members", 2);
	assert_string_equal(json_get_text(member, "status", ""), "offline");
	assert_string_equal(json_get_text(member, "state", ""), "dead");
}

static void samples_come_from_the_history(void **state)
{
	static const char *const ways[][2] = {
		{"history", "{\"name\":\"wan\",\"since_s\":30}"},
		{"metrics", "{\"member\":\"wan\",\"since_s\":\"30\"}"},
		{"history", "{\"name\":\"wan\",\"hours\":1,\"limit\":1000}"},
	};

	(void)state;
	history_init(&d.history);
	for (int i = 20; i > 0; i--)
		history_add(&d.history, path_of(FAKE_WAN, FAMILY_IPV4), FAKE_NOW_US - i * USEC_S,
			&fake.path[path_of(FAKE_WAN, FAMILY_IPV4)], true);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		assert_int_equal(ask(ways[i][0], ways[i][1]), 0);
		assert_int_equal(json_get_int(item(result, "samples", 0), "instant", 0), 93);
		assert_true(json_get_us(item(result, "samples", 0), "lat_ms") > 7000);
	}
	assert_int_equal(ask("history", "{\"name\":\"wan\",\"since_s\":30,\"limit\":3}"), 0);
	assert_int_equal(json_object_array_length(json_get_array(result, "samples")), 3);
	/* without an argument of old they are the commands */
	assert_int_equal(ask("history", "{\"link\":\"wan\"}"), 0);
	assert_non_null(json_get_array(result, "families"));
	assert_int_equal(ask("metrics", NULL), 0);
	assert_non_null(json_get_array(result, "metrics"));
	assert_int_equal(ask("history", "{\"name\":\"nope\"}"), API_NOT_FOUND);
}

static void events_can_be_asked_for_by_type(void **state)
{
	struct event events[] = {fake_switch(), fake_death(), fake_switch(), fake_death()};

	(void)state;
	for (size_t i = 0; i < 4; i++)
		eventring_put(&d.events, &events[i]);
	assert_int_equal(ask("events", "{\"type\":\"switch\"}"), 0);
	assert_int_equal(json_object_array_length(json_get_array(result, "events")), 2);
	assert_int_equal(ask("events", "{\"type\":\"switch\",\"limit\":1}"), 0);
	assert_int_equal(json_object_array_length(json_get_array(result, "events")), 1);
	assert_int_equal(json_get_int(item(result, "events", 0), "seq", 0), 3);
	assert_int_equal(ask("events", "{\"limit\":3}"), 0);
	assert_int_equal(json_object_array_length(json_get_array(result, "events")), 3);
}

static void failover_pins_what_was_named_or_leaves_what_is_used(void **state)
{
	(void)state;
	assert_int_equal(ask("failover", "{\"member\":\"lte\",\"reason\":\"test\"}"), 0);
	assert_true(json_get_bool(result, "success"));
	assert_string_equal(json_get_text(result, "command", ""), "failover");
	assert_int_equal(json_get_int(result, "timestamp", 0), FAKE_WALL_US / USEC_S);
	assert_int_equal(d.input[0].command.verb, COMMAND_PIN);
	assert_int_equal(d.input[0].command.link, FAKE_LTE);
	assert_int_equal(ask("failover", NULL), 0);
	assert_int_equal(d.input[1].command.verb, COMMAND_DRAIN);
	assert_int_equal(d.input[1].command.link, FAKE_WAN);
	assert_int_equal(ask("restore", "{}"), 0);
	assert_int_equal(d.input[2].command.verb, COMMAND_UNPIN);
	assert_int_equal(d.input[3].command.verb, COMMAND_UNDRAIN);
	assert_int_equal(ask("failover", "{\"member\":\"nope\"}"), API_NOT_FOUND);
	fake.decision[0][FAMILY_IPV4].n = 0;
	assert_int_equal(ask("failover", NULL), API_REFUSED);
}

static void action_is_every_verb_in_one(void **state)
{
	(void)state;
	assert_int_equal(ask("action", "{\"cmd\":\"promote\",\"name\":\"lte\"}"), 0);
	assert_string_equal(json_get_text(result, "command", ""), "promote");
	assert_int_equal(d.input[0].command.verb, COMMAND_PIN);
	assert_int_equal(ask("action", "{\"cmd\":\"recheck\",\"member\":\"sat\"}"), 0);
	assert_int_equal(d.input[1].command.verb, COMMAND_RECHECK);
	assert_int_equal(d.input[1].command.link, FAKE_SAT);
	assert_int_equal(ask("action", "{\"cmd\":\"set_level\",\"level\":\"trace\"}"), 0);
	assert_int_equal(d.log_level, 7);
	assert_int_equal(ask("setlog", "{\"level\":\"warn\"}"), 0);
	assert_int_equal(d.log_level, 4);
	assert_int_equal(ask("setlog", "{\"level\":\"loud\"}"), API_INVALID_PARAMS);
	assert_int_equal(ask("setlog", NULL), API_INVALID_PARAMS);
	assert_int_equal(ask("action", "{\"cmd\":\"explode\"}"), API_INVALID_PARAMS);
	assert_int_equal(ask("action", NULL), API_INVALID_PARAMS);
}

static void actions_are_limited_in_rate(void **state)
{
	int taken = 0;

	(void)state;
	while (taken < 100 && !ask("recheck", "{\"member\":\"lte\"}"))
		taken++;
	assert_int_equal(error.code, API_BUSY);
	assert_int_equal(taken, 10);
	api_set_time(&d.api, FAKE_NOW_US + USEC_S, FAKE_WALL_US + USEC_S);
	assert_int_equal(ask("recheck", "{\"member\":\"lte\"}"), 0);
	/* two commands, one action */
	d.api.actions_us = 0;
	for (taken = 0; taken < 100 && !ask("restore", NULL);)
		taken++;
	assert_int_equal(taken, 10);
}

static void permissions_are_those_of_the_commands(void **state)
{
	static const struct {
		const char *method, *params;
		enum permission needs;
	} table[] = {
		{"failover", "{\"member\":\"lte\"}", PERMISSION_OPERATE},
		{"restore", NULL, PERMISSION_OPERATE},
		{"action", "{\"cmd\":\"recheck\"}", PERMISSION_OPERATE},
		{"setlog", "{\"level\":\"info\"}", PERMISSION_ADMIN},
		{"members", NULL, PERMISSION_READ},
		{"config.get", NULL, PERMISSION_READ},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++, d.api.actions_us = 0)
		for (unsigned p = 0; p < PERMISSION_COUNT; p++)
			assert_int_equal(ask_at(historic_call, (enum permission)p, table[i].method,
						 table[i].params),
				p < table[i].needs ? API_PERMISSION : 0);
}

static void the_configuration_comes_by_section_and_option(void **state)
{
	struct json_object *config, *main;

	(void)state;
	assert_int_equal(ask("config.get", "{}"), 0);
	config = json_get_object(result, "config");
	main = json_get_object(config, "main");
	assert_string_equal(json_get_text(main, ".type", ""), "autonomy");
	assert_string_equal(json_get_text(main, "ubus", ""), "auto");
	assert_int_equal(ask("config", NULL), 0);
}

static void tells_of_the_daemon(void **state)
{
	struct json_object *stats;

	(void)state;
	assert_int_equal(ask("info", NULL), 0);
	assert_int_equal(json_get_int(result, "uptime", 0), 3600);
	assert_int_equal(json_get_int(result, "memory", 0), 3000 * 1024);
	stats = json_get_object(result, "stats");
	assert_int_equal(json_get_int(stats, "samples", 0), 44);
	assert_int_equal(json_get_int(stats, "events", 0), 7);
	assert_true(json_get_int(stats, "switches", 0) > 0);
	assert_int_equal(ask("telemetry", NULL), 0);
	assert_string_equal(json_get_text(item(result, "members", 1), "name", ""), "lte");
	assert_non_null(json_get_array(result, "events"));
	assert_int_equal(json_get_int(json_get_object(result, "summary"), "members", 0), 3);
	assert_int_equal(ask("audit_decisions", "{\"limit\":500}"), 0);
	assert_non_null(json_get_array(result, "decisions"));
}

static void allowances_are_shown_by_interface(void **state)
{
	struct json_object *one;

	(void)state;
	fake.policy.link[FAKE_LTE].quota_bytes = 1000000000;
	fake.path[path_of(FAKE_LTE, FAMILY_IPV4)].quota_used_bytes = 850000000;
	assert_int_equal(ask("data_limit_status", NULL), 0);
	one = item(result, "interfaces", 1);
	assert_int_equal(json_get_int(one, "limit_mb", 0), 1000);
	assert_int_equal(json_get_int(one, "used_mb", 0), 850);
	assert_int_equal(json_get_int(one, "usage_percent", 0), 85);
	assert_string_equal(json_get_text(one, "status", ""), "warning");
	assert_true(json_get_int(one, "days_until_reset", 0) >= 1);
	assert_false(json_get_bool(item(result, "interfaces", 0), "enabled"));
	assert_int_equal(ask("data_limit_interface", "{\"interface\":\"lte\"}"), 0);
	assert_true(json_get_bool(result, "enabled"));
	assert_int_equal(ask("data_usage", "{\"interface\":\"nope\"}"), API_NOT_FOUND);
}

static void what_is_not_here_is_known_all_the_same(void **state)
{
	(void)state;
	assert_int_equal(ask("wifi_status", NULL), API_UNSUPPORTED);
	assert_int_equal(ask_at(api_call, PERMISSION_READ, "gps", NULL), API_UNSUPPORTED);
	assert_int_equal(ask("wifi", NULL), API_METHOD_NOT_FOUND);
	assert_int_equal(ask("wifi_status|gps", NULL), API_METHOD_NOT_FOUND);
	assert_int_equal(ask("", NULL), API_METHOD_NOT_FOUND);
}

static void arguments_are_checked(void **state)
{
	static const char *const table[][2] = {
		{"members", "{\"name\":\"wan\"}"},
		{"failover", "{\"member\":7}"},
		{"failover", "{\"member\":null}"},
		{"failover", "[\"lte\"]"},
		{"history", "{\"name\":\"wan\",\"since_s\":0}"},
		{"history", "{\"name\":\"wan\",\"since_s\":1e9}"},
		{"history", "{\"name\":\"wan\",\"since_s\":99999999999999}"},
		{"history", "{\"name\":\"wan\",\"since_s\":\"x\"}"},
		{"history", "{\"name\":\"wan\",\"span\":\"1h\"}"},
		{"history", "{\"since_s\":10}"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_int_equal(ask(table[i][0], table[i][1]), API_INVALID_PARAMS);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(status_has_the_members_of_old_beside_ours),
		TEST(state_tells_primary_from_backup),
		TEST(status_of_the_command_table_stays_what_it_is),
		TEST(members_are_the_links),
		TEST(samples_come_from_the_history),
		TEST(events_can_be_asked_for_by_type),
		TEST(failover_pins_what_was_named_or_leaves_what_is_used),
		TEST(action_is_every_verb_in_one),
		TEST(actions_are_limited_in_rate),
		TEST(permissions_are_those_of_the_commands),
		TEST(the_configuration_comes_by_section_and_option),
		TEST(tells_of_the_daemon),
		TEST(allowances_are_shown_by_interface),
		TEST(what_is_not_here_is_known_all_the_same),
		TEST(arguments_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
