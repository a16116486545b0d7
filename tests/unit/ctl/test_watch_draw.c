#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "../api/fake_engine.h"

#include "api/api.h"
#include "api/json.h"
#include "core/history.h"
#include "ctl/watch_draw.h"

static struct watch w;
static struct canvas c;
static struct eventring events;
static struct history history;
static struct api api;
static struct config config;

static struct json_object *ask(const char *method, const char *params)
{
	struct json_object *result = NULL, *o = json_tokener_parse(params);
	struct api_error error;

	assert_int_equal(api_call(&api, PERMISSION_READ, method, o, &result, &error), 0);
	json_object_put(o);
	return result;
}

static int setup(void **state)
{
	(void)state;
	fake_failed_over();
	config_default(&config);
	eventring_init(&events, 1);
	api_init(&api, NULL, &config, "", FAKE_NOW_US - 100 * USEC_H);
	api_set_time(&api, FAKE_NOW_US, FAKE_WALL_US);
	api.events = &events;
	api.history = &history;
	watch_init(&w);
	w.connected = true;
	w.wall_us = FAKE_WALL_US;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	watch_done(&w);
	return 0;
}

static void load(void)
{
	struct event e = fake_death();
	struct json_object *list, *result;

	eventring_put(&events, &e);
	e = fake_switch();
	eventring_put(&events, &e);
	watch_take_status(&w, ask("status", "{}"));
	result = ask("events", "{}");
	list = json_get_array(result, "events");
	for (size_t i = 0; i < json_object_array_length(list); i++)
		watch_take_event(&w, json_object_get(json_object_array_get_idx(list, i)));
	json_object_put(result);
	for (int i = 0; i < 30; i++)
		watch_take_second(&w);
}

static void draw(int rows, int columns)
{
	canvas_init(&c, rows, columns, false, false);
	watch_draw(&w, &c);
}

static void the_screen_of_a_failover_in_80x24(void **state)
{
	static const char *const row[] = {
		"autonomy 0.1.0  steer, up 4 d 4 h       degraded                        14:00:00",
		"",
		"  CLASS       AF USES             FOR         WHY",
		"  default     v4 lte              40 s        until wan may take over (hold)",
		"                 wan would be better, waits (hold), 23 s more",
		"",
		"  LINK        AF HEALTH         RTT   LOSS  SCR HISTORY              DOWN     UP",
		"  wan         v4 up          8.1 ms    0 %   93 #################     12M   1.2M",
		"> lte         v4 up           48 ms  0.2 %   88 #################     12M   1.2M",
		"  sat         v4 dead         31 ms  100 %    0 _________________       0      0",
		"",
		"WHAT HAPPENED",
		"13:59:59  wan: up -> dead: nothing came back for 140 ms (patience 100 ms), 12",
		"          probes lost; the gateway answers, nothing beyond it does: the",
		"          provider's fault",
		"13:59:59  default ipv4: wan -> lte, settled at step 2 (alive), score 93 -> 88,",
		"          wan in trouble for 140 ms; the gateway answers, nothing beyond it",
		"          does: the provider's fault",
		"",
		"",
		"",
		"",
		"",
		"q quit  p pin  u unpin  d drain  r recheck  e explain",
	};

	(void)state;
	load();
	draw(24, 80);
	for (int i = 0; i < 24; i++)
		assert_string_equal(c.line[i].text, row[i]);
}

static void a_prompt_numbers_the_links(void **state)
{
	(void)state;
	load();
	w.prompt = WATCH_PROMPT_PIN;
	draw(24, 80);
	assert_memory_equal(c.line[8].text, "2 lte ", 6);
	assert_memory_equal(c.line[23].text, "pin all traffic", 15);
	assert_string_equal(watch_link(&w, 1), "lte");
	assert_null(watch_link(&w, 3));
	assert_int_equal(watch_place_of_key('1'), 0);
	assert_int_equal(watch_place_of_key('a'), 9);
	assert_int_equal(watch_place_of_key('\033'), -1);
}

static void the_explanation_takes_the_place_of_events(void **state)
{
	(void)state;
	load();
	w.explanation = ask("explain", "{}");
	draw(24, 80);
	assert_string_equal(c.line[11].text, "WHY");
	assert_string_equal(c.line[12].text,
		"default over IPv4 has used lte (cellular, wwan0) for 40 s.");
}

static void the_past_comes_before_what_was_seen(void **state)
{
	struct json_object *past;

	(void)state;
	for (int i = 0; i < 20; i++)
		history_add(&history, path_of(FAKE_WAN, FAMILY_IPV4),
			FAKE_NOW_US - (20 - i) * USEC_S, &fake.path[path_of(FAKE_SAT, FAMILY_IPV4)],
			false);
	watch_take_status(&w, ask("status", "{}"));
	watch_take_second(&w);
	past = ask("history", "{\"link\":\"wan\",\"span\":\"1m\",\"resolution\":\"1s\"}");
	watch_take_history(&w, FAKE_WAN, past);
	json_object_put(past);
	assert_int_equal(w.scores[FAKE_WAN][0].n, 21);
	assert_int_equal(w.scores[FAKE_WAN][0].value[0], 0);
	assert_int_equal(w.scores[FAKE_WAN][0].value[20], 93);
}

static void without_a_daemon_it_says_so(void **state)
{
	(void)state;
	w.connected = false;
	draw(24, 80);
	assert_non_null(strstr(c.line[0].text, "no daemon"));
}

static void any_terminal_is_drawn_on(void **state)
{
	(void)state;
	load();
	for (int i = 0; i < 200; i++)
		watch_take_event(&w, ask("status", "{}"));
	for (int i = 0; i < 200; i++)
		watch_take_second(&w);
	w.explanation = ask("explain", "{}");
	for (int rows = 1; rows < 60; rows += 3)
		for (int columns = 1; columns < 200; columns += 7)
			draw(rows, columns);
}

/* The daemon's answers are read as strangers': any type may be in any place. */
static void a_strange_status_is_survived(void **state)
{
	static const char *const strange[] = {
		"{}",
		"{\"links\":5,\"classes\":{}}",
		"{\"links\":[5,null,{}],\"classes\":[[],{\"links\":[1,{}]}]}",
		"{\"links\":[{\"slot\":99999999999,\"link\":7,\"paths\":[7,{\"score\":{}},{"
		"\"score\":{"
		"\"a\":\"x\"},\"rtt_ms\":\"x\"}]}]}",
		"{\"links\":[{\"slot\":-1,\"rx_bps\":-5,\"paths\":{}}],\"uptime_ms\":1e308}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++) {
		watch_take_status(&w, json_tokener_parse(strange[i]));
		watch_take_second(&w);
		draw(24, 80);
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_screen_of_a_failover_in_80x24),
		CASE(a_prompt_numbers_the_links),
		CASE(the_explanation_takes_the_place_of_events),
		CASE(the_past_comes_before_what_was_seen),
		CASE(without_a_daemon_it_says_so),
		CASE(any_terminal_is_drawn_on),
		CASE(a_strange_status_is_survived),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
