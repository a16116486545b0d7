#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../api/fake_engine.h"

#include "api/api.h"
#include "api/json.h"
#include "api/memory.h"
#include "ctl/generate_api.h"

static void check(const char *object, struct json_object *o)
{
	assert_non_null(o);
	json_object_object_foreach(o, key, value)
	{
		(void)value;
		if (!generate_api_has(object, key))
			fail_msg("%s.%s is sent but not described in docs/api.md", object, key);
	}
}

static struct json_object *first(struct json_object *o, const char *key)
{
	return json_object_array_get_idx(json_get_array(o, key), 0);
}

static struct api api;
static struct config config;

static int setup(void **state)
{
	(void)state;
	fake_failed_over();
	fake.path[0].budget_left_bytes = fake.path[0].quota_used_bytes = 5;
	config_default(&config);
	api_init(&api, NULL, &config, "", 0);
	api_set_time(&api, FAKE_NOW_US, FAKE_WALL_US);
	api.trial.running = true;
	return 0;
}

static struct json_object *ask(const char *method, const char *params)
{
	struct json_object *o = json_tokener_parse(params), *result = NULL;
	struct api_error error;

	assert_int_equal(api_call(&api, PERMISSION_READ, method, o, &result, &error), 0);
	json_object_put(o);
	return result;
}

static void everything_in_status_is_described(void **state)
{
	struct json_object *o = ask("status", "{}"), *link = ask("link", "[\"wan\"]");

	(void)state;
	check("status", o);
	check("choice", first(o, "classes"));
	check("link", first(o, "links"));
	check("link", link);
	check("path", first(link, "paths"));
	json_object_put(o);
	json_object_put(link);
}

static void everything_in_events_is_described(void **state)
{
	struct eventring_entry entry = {.seq = 1};

	(void)state;
	for (unsigned kind = 0; kind < EVENT_KIND_COUNT; kind++) {
		struct json_object *o;

		entry.event = kind == EVENT_HEALTH ? fake_death() : fake_switch();
		entry.event.kind = (enum event_kind)kind;
		o = event_json(&api, &entry);
		check("event", o);
		json_object_put(o);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(everything_in_status_is_described, setup),
		cmocka_unit_test_setup(everything_in_events_is_described, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
