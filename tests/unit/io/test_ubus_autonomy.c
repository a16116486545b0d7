/* The object autonomy and its events; what it sends stays in the connection's output, where the test reads it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <syslog.h>

#include "../api/fake_engine.h"

#include "api/blob_json.h"
#include "api/historic.h"
#include "api/json.h"
#include "io/inbox.h"
#include "io/log.h"
#include "io/ubus_autonomy.h"
#include "io/ubus_own.h"

#define OBJECT 77

static struct {
	struct event_base *base;
	struct ubus *bus;
	struct ubus_autonomy autonomy;
	struct api api;
	struct config config;
	struct eventring events;
	struct ubus_header header;
	struct ubus_message message;
	uint8_t body[65536];
} d;

static int setup(void **state)
{
	(void)state;
	memset(&d, 0, sizeof(d));
	fake_reset();
	log_open("test", LOG_CRIT, false);
	config_default(&d.config);
	eventring_init(&d.events, 1);
	api_init(&d.api, NULL, &d.config, "/nonexistent", 0);
	d.api.events = &d.events;
	d.base = event_base_new();
	d.bus = ubus_new(d.base, false, "");
	ubus_autonomy_init(&d.autonomy, d.bus, &d.api);
	d.bus->state = UBUS_STATE_UP;
	d.bus->fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	d.bus->busy = true;
	d.bus->own[0].object = OBJECT;
	d.bus->own[0].due_us = USEC_NEVER;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ubus_free(d.bus);
	event_base_free(d.base);
	return 0;
}

static bool next_frame(void)
{
	uint8_t bytes[UBUS_HEADER_SIZE];

	if (evbuffer_remove(d.bus->out, bytes, sizeof(bytes)) != (int)sizeof(bytes))
		return false;
	assert_int_equal(ubus_header_read(bytes, &d.header), 0);
	assert_true(d.header.body_size <= sizeof(d.body));
	assert_int_equal(evbuffer_remove(d.bus->out, d.body, d.header.body_size),
		d.header.body_size);
	assert_int_equal(ubus_message_read(d.body, d.header.body_size, &d.message), 0);
	return true;
}

static void happens(int times)
{
	for (int i = 0; i < times; i++) {
		struct event e = fake_switch();

		eventring_put(&d.events, &e);
	}
}

/* How many events were sent; the last one's data in ret_data, where it is wanted. */
static int events_sent(struct json_object **ret_data)
{
	int n = 0;

	while (next_frame()) {
		assert_int_equal(d.header.type, UBUS_INVOKE);
		assert_string_equal(d.message.method, "send");
		assert_string_equal(blob_find_text(d.message.data, "id", ""), "autonomy.switch");
		if (ret_data) {
			json_object_put(*ret_data);
			*ret_data = blob_to_json(d.message.data);
		}
		n++;
	}
	return n;
}

static void sends_each_event_once(void **state)
{
	struct json_object *o = NULL, *data;

	(void)state;
	ubus_autonomy_push(&d.autonomy);
	assert_int_equal(events_sent(NULL), 0);
	happens(2);
	ubus_autonomy_push(&d.autonomy);
	ubus_autonomy_push(&d.autonomy);
	assert_int_equal(events_sent(&o), 2);
	data = json_get_object(o, "data");
	assert_int_equal(json_get_int(data, "seq", 0), 2);
	assert_string_equal(json_get_text(data, "kind", ""), "switch");
	assert_non_null(json_get_text(data, "text", NULL));
	json_object_put(o);
}

static void many_events_are_spread_over_time_and_losses_told(void **state)
{
	struct json_object *o = NULL;
	int first;

	(void)state;
	happens(EVENTRING_SIZE);
	ubus_autonomy_push(&d.autonomy);
	first = events_sent(NULL);
	assert_in_range(first, UBUS_EVENTS_BURST, UBUS_EVENTS_BURST + 10);
	/* the ring turns over what was still to be sent */
	happens(EVENTRING_SIZE);
	d.autonomy.room_us =
		inbox_clock_us() + (UBUS_EVENTS_BURST - 2) * USEC_S / UBUS_EVENTS_PER_S;
	ubus_autonomy_push(&d.autonomy);
	assert_true(next_frame());
	o = blob_to_json(d.message.data);
	assert_int_equal(json_get_int(json_get_object(o, "data"), "lost", 0),
		EVENTRING_SIZE - first);
	json_object_put(o);
	while (next_frame())
		;
}

static void what_happened_without_a_bus_is_no_news(void **state)
{
	(void)state;
	d.bus->state = UBUS_STATE_ABSENT;
	happens(5);
	ubus_autonomy_push(&d.autonomy);
	d.bus->state = UBUS_STATE_UP;
	ubus_autonomy_push(&d.autonomy);
	assert_int_equal(events_sent(NULL), 0);
	happens(1);
	ubus_autonomy_push(&d.autonomy);
	assert_int_equal(events_sent(NULL), 1);
}

static void subscribers_are_notified_as_well(void **state)
{
	(void)state;
	d.bus->own[0].followed = true;
	happens(1);
	ubus_autonomy_push(&d.autonomy);
	assert_true(next_frame());
	assert_true(next_frame());
	assert_int_equal(d.header.type, UBUS_NOTIFY);
	assert_string_equal(d.message.method, "switch");
	assert_int_equal(d.message.object, OBJECT);
}

/* Calls a method as a user of the bus; returns the status, with the data before it in ret_data. */
static unsigned call(const char *user, const char *method, const char *arguments,
	struct json_object **ret_data)
{
	static uint8_t bytes[4096];
	struct json_object *in = json_tokener_parse(arguments);
	struct ubus_header h = {.type = UBUS_INVOKE, .seq = 3, .peer = 4};
	struct ubus_message m = {.object = OBJECT, .method = method, .user = user};
	struct blob_writer w;

	blob_writer_init(&w, bytes, sizeof(bytes));
	blob_put_json_members(&w, in);
	json_object_put(in);
	m.data = (struct blob){.at = bytes, .size = w.used};
	ubus_server_invoked(d.bus, &h, &m);
	assert_true(next_frame());
	assert_int_equal(d.header.type, UBUS_DATA);
	*ret_data = blob_to_json(d.message.data);
	assert_true(next_frame());
	assert_int_equal(d.header.type, UBUS_STATUS);
	return d.message.status;
}

static void errors_become_a_status_with_a_sentence(void **state)
{
	static const struct {
		const char *user, *method, *arguments;
		unsigned status;
	} table[] = {
		{"root", "nosuch", "{}", UBUS_METHOD_NOT_FOUND},
		{"root", "link", "{}", UBUS_INVALID_ARGUMENT},
		{"root", "link", "{\"link\":[1]}", UBUS_INVALID_ARGUMENT},
		{"root", "link", "{\"link\":\"nope\"}", UBUS_NOT_FOUND},
		{"root", "pin", "{\"link\":\"lte\"}", UBUS_NO_DATA}, /* there are no hooks here */
		{"root", "gps", "{}", UBUS_NOT_SUPPORTED},
		{NULL, "pin", "{\"link\":\"lte\"}", UBUS_PERMISSION_DENIED},
		{"", "release", "{}", UBUS_PERMISSION_DENIED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct json_object *data = NULL;

		assert_int_equal(call(table[i].user, table[i].method, table[i].arguments, &data),
			table[i].status);
		assert_non_null(json_get_text(data, "error", NULL));
		assert_true(json_get_int(data, "code", 0) < 0);
		json_object_put(data);
	}
}

static void a_browsers_session_is_passed_over(void **state)
{
	struct json_object *data = NULL;

	(void)state;
	assert_int_equal(call("uhttpd", "link", "{\"link\":\"lte\",\"ubus_rpc_session\":\"0\"}",
				 &data),
		UBUS_OK);
	assert_string_equal(json_get_text(data, "link", ""), "lte");
	json_object_put(data);
}

static void every_method_is_in_the_signature_once(void **state)
{
	static uint8_t bytes[16384];
	struct blob_writer w;
	struct blob_value method, argument;
	struct blob all, rest;
	unsigned n = 0;
	const char *name;

	(void)state;
	blob_writer_init(&w, bytes, sizeof(bytes));
	d.bus->own[0].signature(d.bus->own[0].user, &w);
	assert_int_equal(w.error, 0);
	all = rest = (struct blob){.at = bytes, .size = w.used};
	while (blob_next_value(&rest, &method) == 1) {
		struct blob arguments = blob_value_inside(&method);

		assert_int_equal(method.type, BLOB_TABLE);
		while (blob_next_value(&arguments, &argument) == 1)
			assert_in_range(blob_find_integer(blob_value_inside(&method), argument.name,
						-1),
				0, BLOB_TYPE_COUNT - 1);
		n++;
	}
	for (unsigned i = 0; i < COMMAND_ID_COUNT; i++, n--)
		assert_true(blob_find(all, command_table[i].name, &method));
	for (unsigned i = 0; (name = historic_name(i)) != NULL; i++) {
		assert_true(blob_find(all, name, &method));
		n -= !command_find(name);
	}
	assert_int_equal(n, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(sends_each_event_once),
		TEST(many_events_are_spread_over_time_and_losses_told),
		TEST(what_happened_without_a_bus_is_no_news),
		TEST(subscribers_are_notified_as_well),
		TEST(errors_become_a_status_with_a_sentence),
		TEST(a_browsers_session_is_passed_over),
		TEST(every_method_is_in_the_signature_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
