/* The connection against a bus that the test plays itself, one frame at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "api/blob_json.h"
#include "api/json.h"
#include "base/usec.h"
#include "io/inbox.h"
#include "io/log.h"
#include "io/ubus.h"

#define PATIENCE_US (10 * USEC_S)
#define FRAME_MAX 70000

static struct {
	struct event_base *base;
	struct ubus *bus;
	char folder[64], path[96];
	int listener, fd;
	uint8_t in[FRAME_MAX];
	size_t n, taken; /* taken: of the frame that was looked at last */
	struct ubus_header header;
	struct ubus_message message;

	/* what came back to us */
	int ends;
	unsigned status;
	char text[256], name[64];
	struct ubus_request request;
	int called, notified;
	bool defer;
} d;

static void turn(void)
{
	event_base_loop(d.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	usleep(500);
}

#define UNTIL(condition)                                                                           \
	do {                                                                                       \
		int64_t end_us = inbox_clock_us() + PATIENCE_US;                                   \
		while (!(condition)) {                                                             \
			assert_true(inbox_clock_us() < end_us);                                    \
			turn();                                                                    \
		}                                                                                  \
	} while (0)

/* ---- the bus ---- */

static bool accepted(void)
{
	d.fd = accept4(d.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	return d.fd >= 0;
}

static bool frame_there(void)
{
	ssize_t n = recv(d.fd, d.in + d.n, sizeof(d.in) - d.n, 0);

	if (n > 0)
		d.n += (size_t)n;
	return d.n >= UBUS_HEADER_SIZE && !ubus_header_read(d.in, &d.header) &&
	       d.n >= UBUS_HEADER_SIZE + d.header.body_size;
}

static void next_frame(enum ubus_type type)
{
	memmove(d.in, d.in + d.taken, d.n - d.taken);
	d.n -= d.taken;
	d.taken = 0;
	UNTIL(frame_there());
	d.taken = UBUS_HEADER_SIZE + d.header.body_size;
	assert_int_equal(d.header.type, type);
	assert_int_equal(ubus_message_read(d.in + UBUS_HEADER_SIZE, d.header.body_size, &d.message),
		0);
}

static bool nothing_comes(void)
{
	memmove(d.in, d.in + d.taken, d.n - d.taken);
	d.n -= d.taken;
	d.taken = 0;
	for (int i = 0; i < 20; i++)
		turn();
	return !frame_there();
}

static void put(const void *bytes, size_t size)
{
	assert_int_equal(send(d.fd, bytes, size, MSG_NOSIGNAL), size);
}

/* text: JSON of the data; NULL: none.  status -1: none. */
static size_t build(uint8_t *to, size_t size, enum ubus_type type, uint16_t seq, uint32_t peer,
	uint32_t object, int status, const char *method, const char *text)
{
	struct json_object *data = text ? json_tokener_parse(text) : NULL;
	struct blob_writer w;
	size_t frame, inside;

	blob_writer_init(&w, to, size);
	frame = ubus_message_begin(&w, type, seq, peer);
	if (object)
		blob_put_attribute_u32(&w, UBUS_ATTRIBUTE_OBJECT, object);
	if (status >= 0)
		blob_put_attribute_u32(&w, UBUS_ATTRIBUTE_STATUS, (uint32_t)status);
	if (method) {
		blob_put_attribute_text(&w, UBUS_ATTRIBUTE_METHOD, method);
		blob_put_attribute_text(&w, UBUS_ATTRIBUTE_USER, "root");
	}
	if (data) {
		inside = blob_open_attribute(&w, UBUS_ATTRIBUTE_DATA);
		blob_put_json_members(&w, data);
		blob_close(&w, inside);
	}
	ubus_message_end(&w, frame);
	assert_int_equal(w.error, 0);
	json_object_put(data);
	return w.used;
}

static void say(enum ubus_type type, uint16_t seq, uint32_t peer, uint32_t object, int status,
	const char *method, const char *text)
{
	static uint8_t bytes[FRAME_MAX + 70000];

	put(bytes, build(bytes, sizeof(bytes), type, seq, peer, object, status, method, text));
}

/* To the request that came last. */
static void answer(uint32_t object, int status)
{
	if (object)
		say(UBUS_DATA, d.header.seq, d.header.peer, object, -1, NULL, NULL);
	say(UBUS_STATUS, d.header.seq, d.header.peer, 0, status, NULL, NULL);
}

static void greet(void)
{
	UNTIL(accepted());
	d.n = d.taken = 0;
	say(UBUS_HELLO, 0, 99, 0, -1, NULL, NULL);
	UNTIL(ubus_state(d.bus) == UBUS_STATE_UP);
}

static void hang_up(void)
{
	close(d.fd);
	d.fd = -1;
	UNTIL(ubus_state(d.bus) != UBUS_STATE_UP);
}

/* ---- ours ---- */

static void ended(void *user, unsigned status, struct json_object *reply)
{
	(void)user;
	d.ends++;
	d.status = status;
	snprintf(d.text, sizeof(d.text), "%s",
		reply ? json_object_to_json_string_ext(reply, JSON_C_TO_STRING_PLAIN) : "-");
}

static void notified(void *user, const char *name, struct json_object *data)
{
	ended(user, 0, data);
	d.notified++;
	snprintf(d.name, sizeof(d.name), "%s", name);
}

static void signature(void *user, struct blob_writer *w)
{
	size_t mark = blob_open_table(w, "hello");

	(void)user;
	blob_put_int32(w, "name", BLOB_STRING);
	blob_close(w, mark);
}

static void called(void *user, const struct ubus_request *request, const char *method,
	struct json_object *arguments)
{
	(void)user;
	d.called++;
	d.request = *request;
	snprintf(d.name, sizeof(d.name), "%s", method);
	snprintf(d.text, sizeof(d.text), "%s",
		json_object_to_json_string_ext(arguments, JSON_C_TO_STRING_PLAIN));
	if (d.defer)
		return;
	assert_int_equal(ubus_reply(d.bus, request, arguments), 0);
	ubus_finish(d.bus, request, UBUS_OK);
}

static int setup(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	(void)state;
	memset(&d, 0, sizeof(d));
	log_open("test", LOG_ERR, false);
	snprintf(d.folder, sizeof(d.folder), "/tmp/test-ubus-XXXXXX");
	assert_non_null(mkdtemp(d.folder));
	snprintf(d.path, sizeof(d.path), "%s/s", d.folder);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", d.path);
	d.fd = -1;
	d.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(d.listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(d.listener, 4), 0);
	d.base = event_base_new();
	d.bus = ubus_new(d.base, true, d.path);
	assert_non_null(d.bus);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ubus_free(d.bus);
	event_base_free(d.base);
	if (d.fd >= 0)
		close(d.fd);
	close(d.listener);
	unlink(d.path);
	rmdir(d.folder);
	return 0;
}

static int object_of_test(void)
{
	int object = ubus_object_add(d.bus, "lab.demo", signature, called, NULL);

	assert_true(object >= 0);
	greet();
	next_frame(UBUS_ADD_OBJECT);
	assert_string_equal(d.message.path, "lab.demo");
	assert_false(ubus_object_present(d.bus, object));
	answer(77, UBUS_OK);
	UNTIL(ubus_object_present(d.bus, object));
	return object;
}

/* ---- server ---- */

static void adds_its_object_with_the_signature(void **state)
{
	struct blob_value v;
	int object = ubus_object_add(d.bus, "lab.demo", signature, called, NULL);

	(void)state;
	greet();
	next_frame(UBUS_ADD_OBJECT);
	assert_true(blob_find(d.message.signature, "hello", &v));
	assert_int_equal(blob_find_integer(blob_value_inside(&v), "name", 0), BLOB_STRING);
	assert_false(ubus_object_present(d.bus, object));
}

static void answers_a_call_with_its_numbers(void **state)
{
	(void)state;
	object_of_test();
	say(UBUS_INVOKE, 5, 1234, 77, -1, "hello", "{\"name\":\"bob\"}");
	next_frame(UBUS_DATA);
	assert_int_equal(d.header.seq, 5);
	assert_int_equal(d.header.peer, 1234);
	assert_int_equal(d.message.object, 77);
	assert_string_equal(blob_find_text(d.message.data, "name", ""), "bob");
	next_frame(UBUS_STATUS);
	assert_int_equal(d.header.seq, 5);
	assert_int_equal(d.message.status, UBUS_OK);
	assert_string_equal(d.name, "hello");
	assert_string_equal(d.request.user, "root");
}

static void an_answer_may_come_later(void **state)
{
	struct ubus_request first;

	(void)state;
	d.defer = true;
	object_of_test();
	say(UBUS_INVOKE, 5, 1234, 77, -1, "hello", "{}");
	UNTIL(d.called == 1);
	first = d.request;
	say(UBUS_INVOKE, 5, 4321, 77, -1, "hello", "{}");
	UNTIL(d.called == 2);
	assert_true(nothing_comes());
	ubus_finish(d.bus, &d.request, UBUS_NOT_SUPPORTED);
	next_frame(UBUS_STATUS);
	assert_int_equal(d.header.peer, 4321);
	assert_int_equal(d.message.status, UBUS_NOT_SUPPORTED);
	ubus_finish(d.bus, &first, UBUS_OK);
	next_frame(UBUS_STATUS);
	assert_int_equal(d.header.peer, 1234);
	/* over another connection it would reach a stranger */
	hang_up();
	greet();
	next_frame(UBUS_ADD_OBJECT);
	ubus_finish(d.bus, &first, UBUS_OK);
	assert_true(nothing_comes());
}

static void malformed_calls_get_a_status(void **state)
{
	static uint8_t bytes[FRAME_MAX + 100];
	static char big[FRAME_MAX];
	struct blob_writer w;
	size_t frame;

	(void)state;
	object_of_test();
	blob_writer_init(&w, bytes, sizeof(bytes));
	frame = ubus_message_begin(&w, UBUS_INVOKE, 6, 1234);
	blob_put_attribute_u32(&w, UBUS_ATTRIBUTE_OBJECT, 77);
	blob_put_attribute_text(&w, UBUS_ATTRIBUTE_METHOD, "hello");
	blob_put_attribute(&w, UBUS_ATTRIBUTE_DATA, "\x83\x00\x00\x08\x00\x09xx", 8);
	ubus_message_end(&w, frame);
	put(bytes, w.used);
	next_frame(UBUS_STATUS);
	assert_int_equal(d.message.status, UBUS_INVALID_ARGUMENT);

	blob_writer_init(&w, bytes, sizeof(bytes));
	frame = ubus_message_begin(&w, UBUS_INVOKE, 7, 1234);
	blob_put_attribute_u32(&w, UBUS_ATTRIBUTE_OBJECT, 77);
	ubus_message_end(&w, frame);
	put(bytes, w.used);
	next_frame(UBUS_STATUS);
	assert_int_equal(d.message.status, UBUS_INVALID_ARGUMENT);

	memset(big, 'x', UBUS_ARGUMENTS_MAX);
	blob_writer_init(&w, bytes, sizeof(bytes));
	frame = ubus_message_begin(&w, UBUS_INVOKE, 8, 1234);
	blob_put_attribute_u32(&w, UBUS_ATTRIBUTE_OBJECT, 77);
	blob_put_attribute_text(&w, UBUS_ATTRIBUTE_METHOD, "hello");
	{
		size_t inside = blob_open_attribute(&w, UBUS_ATTRIBUTE_DATA);

		blob_put_text(&w, "name", big);
		blob_close(&w, inside);
	}
	ubus_message_end(&w, frame);
	assert_int_equal(w.error, 0);
	put(bytes, w.used);
	next_frame(UBUS_STATUS);
	assert_int_equal(d.header.seq, 8);
	assert_int_equal(d.message.status, UBUS_INVALID_ARGUMENT);

	say(UBUS_INVOKE, 9, 1234, 78, -1, "hello", "{}");
	next_frame(UBUS_STATUS);
	assert_int_equal(d.message.status, UBUS_NOT_FOUND);
	assert_int_equal(d.called, 0);
}

static void a_reply_past_the_limit_is_refused(void **state)
{
	struct json_object *o = json_object_new_object();
	char *text = malloc(UBUS_BODY_MAX + 1);

	(void)state;
	d.defer = true;
	object_of_test();
	say(UBUS_INVOKE, 5, 1234, 77, -1, "hello", "{}");
	UNTIL(d.called == 1);
	assert_non_null(text);
	memset(text, 'x', UBUS_BODY_MAX);
	text[UBUS_BODY_MAX] = '\0';
	json_object_object_add(o, "text", json_object_new_string(text));
	assert_int_equal(ubus_reply(d.bus, &d.request, o), -E2BIG);
	ubus_finish(d.bus, &d.request, UBUS_NO_MEMORY);
	next_frame(UBUS_STATUS);
	json_object_put(o);
	free(text);
}

static void who_wants_no_answer_gets_none(void **state)
{
	uint8_t bytes[256];
	struct blob_writer w;
	size_t frame;

	(void)state;
	object_of_test();
	blob_writer_init(&w, bytes, sizeof(bytes));
	frame = ubus_message_begin(&w, UBUS_INVOKE, 6, 1234);
	blob_put_attribute_u32(&w, UBUS_ATTRIBUTE_OBJECT, 77);
	blob_put_attribute_text(&w, UBUS_ATTRIBUTE_METHOD, "hello");
	blob_put_attribute_u8(&w, UBUS_ATTRIBUTE_NO_REPLY, 1);
	blob_put_attribute(&w, UBUS_ATTRIBUTE_DATA, "", 0);
	ubus_message_end(&w, frame);
	put(bytes, w.used);
	UNTIL(d.called == 1);
	assert_true(nothing_comes());
}

static void a_refused_object_is_tried_again(void **state)
{
	int object = ubus_object_add(d.bus, "lab.demo", signature, called, NULL);

	(void)state;
	log_open("test", LOG_CRIT, false);
	greet();
	next_frame(UBUS_ADD_OBJECT);
	answer(0, UBUS_INVALID_ARGUMENT);
	next_frame(UBUS_ADD_OBJECT);
	answer(78, UBUS_OK);
	UNTIL(ubus_object_present(d.bus, object));
}

static void notifies_only_when_somebody_listens(void **state)
{
	int object = object_of_test();
	uint8_t bytes[64];
	struct blob_writer w;
	size_t frame;

	(void)state;
	assert_false(ubus_notify(d.bus, object, "switch", NULL));
	for (uint8_t active = 1; active < 2; active--) {
		blob_writer_init(&w, bytes, sizeof(bytes));
		frame = ubus_message_begin(&w, UBUS_NOTIFY, 0, 0);
		blob_put_attribute_u32(&w, UBUS_ATTRIBUTE_OBJECT, 77);
		blob_put_attribute_u8(&w, UBUS_ATTRIBUTE_ACTIVE, active);
		ubus_message_end(&w, frame);
		put(bytes, w.used);
		UNTIL(ubus_notify(d.bus, object, "switch", NULL) == (active == 1));
		if (!active)
			continue;
		next_frame(UBUS_NOTIFY);
		assert_string_equal(d.message.method, "switch");
		assert_true(d.message.no_reply);
		assert_int_equal(d.message.object, 77);
	}
}

/* ---- client ---- */

static void call_other(int64_t timeout_us)
{
	struct json_object *arguments = json_tokener_parse("{\"name\":\"wan\"}");

	assert_true(ubus_call(d.bus, "network.device", "status", arguments, timeout_us, ended,
			    NULL) > 0);
	json_object_put(arguments);
	next_frame(UBUS_LOOKUP);
	assert_string_equal(d.message.path, "network.device");
}

static void calls_by_path_and_puts_replies_together(void **state)
{
	uint16_t seq;

	(void)state;
	greet();
	call_other(PATIENCE_US);
	answer(500, UBUS_OK);
	next_frame(UBUS_INVOKE);
	assert_int_equal(d.header.peer, 500);
	assert_int_equal(d.message.object, 500);
	assert_string_equal(d.message.method, "status");
	assert_string_equal(blob_find_text(d.message.data, "name", ""), "wan");
	seq = d.header.seq;
	say(UBUS_DATA, seq, 500, 500, -1, NULL, "{\"up\":true,\"mtu\":1500}");
	say(UBUS_DATA, seq, 500, 500, -1, NULL, "{\"mtu\":1400}");
	say(UBUS_STATUS, seq, 500, 500, UBUS_OK, NULL, NULL);
	UNTIL(d.ends == 1);
	assert_int_equal(d.status, UBUS_OK);
	assert_string_equal(d.text, "{\"up\":true,\"mtu\":1400}");
	/* a late answer is nobody's */
	say(UBUS_STATUS, seq, 500, 500, UBUS_OK, NULL, NULL);
	turn();
	assert_int_equal(d.ends, 1);
}

static void tells_how_a_call_failed(void **state)
{
	(void)state;
	assert_int_equal(ubus_call(d.bus, "a", "b", NULL, USEC_S, ended, NULL), -ENOTCONN);
	greet();
	call_other(PATIENCE_US);
	answer(0, UBUS_NOT_FOUND);
	UNTIL(d.ends == 1);
	assert_int_equal(d.status, UBUS_NOT_FOUND);
	call_other(PATIENCE_US);
	answer(500, UBUS_OK);
	next_frame(UBUS_INVOKE);
	say(UBUS_STATUS, d.header.seq, 500, 500, UBUS_PERMISSION_DENIED, NULL, NULL);
	UNTIL(d.ends == 2);
	assert_int_equal(d.status, UBUS_PERMISSION_DENIED);
	call_other(50 * USEC_MS);
	UNTIL(d.ends == 3);
	assert_int_equal(d.status, UBUS_TIMEOUT);
	call_other(PATIENCE_US);
	hang_up();
	assert_int_equal(d.ends, 4);
	assert_int_equal(d.status, UBUS_CONNECTION_FAILED);
}

static void a_cancelled_call_says_nothing(void **state)
{
	int ticket;

	(void)state;
	greet();
	ticket = ubus_call(d.bus, "a", "b", NULL, 20 * USEC_MS, ended, NULL);
	assert_true(ticket > 0);
	ubus_cancel(d.bus, ticket);
	ubus_cancel(d.bus, ticket);
	ubus_cancel(d.bus, 0);
	next_frame(UBUS_LOOKUP);
	answer(500, UBUS_OK);
	assert_true(nothing_comes());
	assert_int_equal(d.ends, 0);
}

static void calls_under_way_are_bounded(void **state)
{
	char name[UBUS_NAME_MAX + 2];

	(void)state;
	greet();
	for (int i = 0; i < UBUS_CALLS_MAX; i++)
		assert_true(ubus_call(d.bus, "a", "b", NULL, USEC_H, ended, NULL) > 0);
	assert_int_equal(ubus_call(d.bus, "a", "b", NULL, USEC_H, ended, NULL), -EBUSY);
	hang_up();
	assert_int_equal(d.ends, UBUS_CALLS_MAX);
	greet();
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(ubus_call(d.bus, name, "b", NULL, USEC_H, ended, NULL), -E2BIG);
}

static void a_reply_that_is_no_reply_fails_the_call(void **state)
{
	uint8_t bytes[128];
	struct blob_writer w;
	size_t frame;

	(void)state;
	greet();
	call_other(PATIENCE_US);
	answer(500, UBUS_OK);
	next_frame(UBUS_INVOKE);
	blob_writer_init(&w, bytes, sizeof(bytes));
	frame = ubus_message_begin(&w, UBUS_DATA, d.header.seq, 500);
	blob_put_attribute_u32(&w, UBUS_ATTRIBUTE_OBJECT, 500);
	blob_put_attribute(&w, UBUS_ATTRIBUTE_DATA, "\x83\x00\x00\x08\x00\x09xx", 8);
	ubus_message_end(&w, frame);
	put(bytes, w.used);
	UNTIL(d.ends == 1);
	assert_int_equal(d.status, UBUS_PARSE_ERROR);
}

/* The exchange from the hello to the subscription. */
static void subscribe_of_test(uint32_t target)
{
	next_frame(UBUS_ADD_OBJECT);
	assert_null(d.message.path);
	answer(300, UBUS_OK);
	next_frame(UBUS_INVOKE);
	assert_int_equal(d.message.object, UBUS_OBJECT_EVENT);
	assert_string_equal(blob_find_text(d.message.data, "pattern", ""), "ubus.object.add");
	assert_int_equal(blob_find_integer(d.message.data, "object", 0), 300);
	answer(0, UBUS_OK);
	next_frame(UBUS_ADD_OBJECT);
	answer(301, UBUS_OK);
	next_frame(UBUS_LOOKUP);
	answer(target, target ? UBUS_OK : UBUS_NOT_FOUND);
	if (!target)
		return;
	next_frame(UBUS_SUBSCRIBE);
	assert_int_equal(d.message.object, 301);
	assert_int_equal(d.message.target, target);
	answer(0, UBUS_OK);
	UNTIL(d.notified == 1);
	assert_string_equal(d.name, UBUS_NOTIFY_HERE);
}

static void follows_an_object_that_comes_and_goes(void **state)
{
	uint8_t bytes[64];
	struct blob_writer w;
	size_t frame;

	(void)state;
	assert_int_equal(ubus_subscribe(d.bus, "network.interface", notified, NULL), 0);
	greet();
	subscribe_of_test(400);
	say(UBUS_INVOKE, 9, 1000, 301, -1, "interface.down", "{\"interface\":\"wan\"}");
	next_frame(UBUS_STATUS);
	assert_int_equal(d.header.peer, 1000);
	assert_string_equal(d.name, "interface.down");
	assert_string_equal(d.text, "{\"interface\":\"wan\"}");

	blob_writer_init(&w, bytes, sizeof(bytes));
	frame = ubus_message_begin(&w, UBUS_UNSUBSCRIBE, 0, 0);
	blob_put_attribute_u32(&w, UBUS_ATTRIBUTE_OBJECT, 301);
	blob_put_attribute_u32(&w, UBUS_ATTRIBUTE_TARGET, 400);
	ubus_message_end(&w, frame);
	put(bytes, w.used);
	UNTIL(d.notified == 3);
	assert_string_equal(d.name, UBUS_NOTIFY_GONE);

	say(UBUS_INVOKE, 9, 0, 300, -1, "ubus.object.add",
		"{\"id\":401,\"path\":\"network.interface\"}");
	next_frame(UBUS_LOOKUP);
	answer(401, UBUS_OK);
	next_frame(UBUS_SUBSCRIBE);
	assert_int_equal(d.message.target, 401);
	answer(0, UBUS_OK);
	UNTIL(d.notified == 4);
	assert_string_equal(d.name, UBUS_NOTIFY_HERE);
	hang_up();
	assert_int_equal(d.notified, 5);
	assert_string_equal(d.name, UBUS_NOTIFY_GONE);
	d.notified = 0;
	greet();
	subscribe_of_test(7);
}

static void waits_for_an_object_that_is_not_there_yet(void **state)
{
	(void)state;
	greet();
	/* also when the first wish comes after the hello */
	assert_int_equal(ubus_subscribe(d.bus, "network.interface", notified, NULL), 0);
	subscribe_of_test(0);
	assert_true(nothing_comes());
	say(UBUS_INVOKE, 9, 0, 300, -1, "ubus.object.add", "{\"path\":\"something.else\"}");
	assert_true(nothing_comes());
	say(UBUS_INVOKE, 9, 0, 300, -1, "ubus.object.add", "{\"path\":\"network.interface\"}");
	next_frame(UBUS_LOOKUP);
}

static void hears_the_events_it_asked_for(void **state)
{
	(void)state;
	assert_int_equal(ubus_listen(d.bus, "lab.*", notified, NULL), 0);
	greet();
	next_frame(UBUS_ADD_OBJECT);
	answer(300, UBUS_OK);
	next_frame(UBUS_INVOKE);
	answer(0, UBUS_OK);
	next_frame(UBUS_INVOKE);
	assert_string_equal(blob_find_text(d.message.data, "pattern", ""), "lab.*");
	answer(0, UBUS_OK);
	say(UBUS_INVOKE, 1, 0, 300, -1, "other", "{}");
	say(UBUS_INVOKE, 2, 0, 300, -1, "lab.hello", "{\"a\":1}");
	UNTIL(d.notified == 1);
	assert_string_equal(d.name, "lab.hello");
	assert_string_equal(d.text, "{\"a\":1}");
}

static void sends_events(void **state)
{
	struct json_object *data = json_tokener_parse("{\"a\":1}");
	struct blob_value v;

	(void)state;
	assert_false(ubus_send(d.bus, "lab.hello", data));
	greet();
	assert_true(ubus_send(d.bus, "lab.hello", data));
	next_frame(UBUS_INVOKE);
	assert_int_equal(d.message.object, UBUS_OBJECT_EVENT);
	assert_string_equal(d.message.method, "send");
	assert_string_equal(blob_find_text(d.message.data, "id", ""), "lab.hello");
	assert_true(blob_find(d.message.data, "data", &v));
	assert_int_equal(blob_find_integer(blob_value_inside(&v), "a", 0), 1);
	json_object_put(data);
}

/* ---- the connection ---- */

static void comes_back_when_the_bus_does(void **state)
{
	int object = object_of_test();

	(void)state;
	for (int i = 0; i < 3; i++) {
		hang_up();
		assert_false(ubus_object_present(d.bus, object));
		greet();
		next_frame(UBUS_ADD_OBJECT);
		answer((uint32_t)(80 + i), UBUS_OK);
		UNTIL(ubus_object_present(d.bus, object));
	}
}

static void frames_may_be_cut_anywhere(void **state)
{
	uint8_t bytes[256];
	size_t size;

	(void)state;
	object_of_test();
	size = build(bytes, sizeof(bytes), UBUS_INVOKE, 5, 1234, 77, -1, "hello",
		"{\"name\":\"bob\"}");
	size += build(bytes + size, sizeof(bytes) - size, UBUS_INVOKE, 6, 1234, 77, -1, "hello",
		"{}");
	for (size_t i = 0; i < size; i++) {
		put(bytes + i, 1);
		turn();
	}
	UNTIL(d.called == 2);
}

static void what_is_no_frame_ends_the_connection(void **state)
{
	static const char *const garbage[] = {"\x00\x05\x00\x01\x00\x00\x00\x00\x00\x00\x00\x03",
		"\x00\x05\x00\x01\x00\x00\x00\x00\x00\xff\xff\xff"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		greet();
		put(garbage[i], 12);
		UNTIL(ubus_state(d.bus) != UBUS_STATE_UP);
		close(d.fd);
	}
	/* but what is only unknown is passed over */
	greet();
	put("\x00\x63\x00\x01\x00\x00\x00\x00\x00\x00\x00\x08\x11\x11\x11\x11", 16);
	put("\x00\x01\x00\x01\x00\x00\x00\x00\x00\x00\x00\x08\x01\x00\x00\x99", 16);
	for (int i = 0; i < 20; i++)
		turn();
	assert_int_equal(ubus_state(d.bus), UBUS_STATE_UP);
}

static int open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void closes_descriptors_that_nobody_wanted(void **state)
{
	union {
		char bytes[CMSG_SPACE(3 * sizeof(int))];
		struct cmsghdr align;
	} control;
	uint8_t frame[64];
	struct iovec iov = {.iov_base = frame};
	struct ubus_stats stats;
	int before, fds[3] = {0, 1, 2};

	(void)state;
	greet();
	before = open_files();
	iov.iov_len = build(frame, sizeof(frame), UBUS_STATUS, 1, 0, 0, UBUS_OK, NULL, NULL);
	for (int i = 0; i < 5; i++) {
		struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control};
		struct cmsghdr *c;

		memset(&control, 0, sizeof(control));
		m.msg_controllen = sizeof(control);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(fds));
		memcpy(CMSG_DATA(c), fds, sizeof(fds));
		assert_true(sendmsg(d.fd, &m, MSG_NOSIGNAL) > 0);
		turn();
	}
	do {
		turn();
		ubus_stats(d.bus, &stats);
	} while (stats.fds_closed < 15);
	assert_int_equal(open_files(), before);
}

static void a_bus_that_does_not_read_costs_bounded_memory(void **state)
{
	struct json_object *data = json_object_new_object();
	char text[1000];
	struct ubus_stats stats;
	int sent = 0;

	(void)state;
	greet();
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	json_object_object_add(data, "text", json_object_new_string(text));
	while (sent < 100000 && ubus_send(d.bus, "lab.flood", data))
		sent++;
	ubus_stats(d.bus, &stats);
	assert_true(sent < 100000);
	assert_int_equal(stats.dropped, 1);
	/* when it reads again, what was accepted arrives whole */
	for (int i = 0; i < sent; i++)
		next_frame(UBUS_INVOKE);
	assert_true(nothing_comes());
	assert_true(ubus_send(d.bus, "lab.flood", data));
	json_object_put(data);
}

static void takes_no_more_calls_than_it_can_answer(void **state)
{
	static uint8_t bytes[FRAME_MAX];
	static char text[30000];
	size_t size, at = 0;
	int sent = 0, answered = 0;

	(void)state;
	object_of_test();
	size = (size_t)snprintf(text, sizeof(text), "{\"name\":\"%020000d\"}", 1);
	assert_true(size < sizeof(text));
	size = build(bytes, sizeof(bytes), UBUS_INVOKE, 5, 1234, 77, -1, "hello", text);
	/* until it has stopped reading, or rather the kernel's buffers are full because of that */
	for (int still = 0; still < 200 && sent < 1000;) {
		ssize_t n = send(d.fd, bytes + at, size - at, MSG_NOSIGNAL);

		still = n > 0 ? 0 : still + 1;
		at += n > 0 ? (size_t)n : 0;
		if (at == size) {
			sent++;
			at = 0;
		}
		turn();
	}
	assert_true(sent < 1000);
	for (; answered < sent; answered++) {
		next_frame(UBUS_DATA);
		next_frame(UBUS_STATUS);
	}
	assert_int_equal(ubus_state(d.bus), UBUS_STATE_UP);
}

static void a_flood_of_calls_leaves_the_loop_its_turns(void **state)
{
	uint8_t bytes[8192];
	size_t size = 0;

	(void)state;
	object_of_test();
	for (uint16_t i = 1; i <= 100; i++)
		size += build(bytes + size, sizeof(bytes) - size, UBUS_INVOKE, i, 1234, 77, -1,
			"hello", "{}");
	put(bytes, size);
	while (d.called < 100) {
		int before = d.called;

		turn();
		assert_in_range(d.called - before, 0, 32);
	}
	for (uint16_t i = 1; i <= 100; i++) {
		next_frame(UBUS_DATA);
		next_frame(UBUS_STATUS);
		assert_int_equal(d.header.seq, i);
	}
}

static void can_be_switched_off_and_on(void **state)
{
	(void)state;
	greet();
	ubus_configure(d.bus, false, d.path);
	UNTIL(ubus_state(d.bus) == UBUS_STATE_OFF);
	for (int i = 0; i < 20; i++)
		turn();
	assert_false(accepted());
	ubus_configure(d.bus, true, d.path);
	greet();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(adds_its_object_with_the_signature),
		TEST(answers_a_call_with_its_numbers),
		TEST(an_answer_may_come_later),
		TEST(malformed_calls_get_a_status),
		TEST(a_reply_past_the_limit_is_refused),
		TEST(who_wants_no_answer_gets_none),
		TEST(a_refused_object_is_tried_again),
		TEST(notifies_only_when_somebody_listens),
		TEST(calls_by_path_and_puts_replies_together),
		TEST(tells_how_a_call_failed),
		TEST(a_cancelled_call_says_nothing),
		TEST(calls_under_way_are_bounded),
		TEST(a_reply_that_is_no_reply_fails_the_call),
		TEST(follows_an_object_that_comes_and_goes),
		TEST(waits_for_an_object_that_is_not_there_yet),
		TEST(hears_the_events_it_asked_for),
		TEST(sends_events),
		TEST(comes_back_when_the_bus_does),
		TEST(frames_may_be_cut_anywhere),
		TEST(what_is_no_frame_ends_the_connection),
		TEST(closes_descriptors_that_nobody_wanted),
		TEST(a_bus_that_does_not_read_costs_bounded_memory),
		TEST(takes_no_more_calls_than_it_can_answer),
		TEST(a_flood_of_calls_leaves_the_loop_its_turns),
		TEST(can_be_switched_off_and_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
