#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "codec/ubus_message.h"

/* Frames seen on a real bus. */
static const char hello[] = "\x00\x00\x00\x00\xb7\xc4\xb9\x56\x00\x00\x00\x04";
static const char lookup[] = "\x00\x04\x00\x01\x00\x00\x00\x00\x00\x00\x00\x10"
			     "\x02\x00\x00\x0cnetwork\x00";
static const char call[] = "\x00\x05\x00\x02\xec\x52\xe9\xbf\x00\x00\x00\x44"
			   "\x03\x00\x00\x08\xec\x52\xe9\xbf"
			   "\x04\x00\x00\x08get\x00"
			   "\x07\x00\x00\x30"
			   "\x83\x00\x00\x18\x00\x06"
			   "config\x00\x00\x00\x00network\x00"
			   "\x83\x00\x00\x14\x00\x07section\x00\x00\x00wan\x00";
static const char ended[] = "\x00\x01\x00\x02\xec\x52\xe9\xbf\x00\x00\x00\x14"
			    "\x01\x00\x00\x08\x00\x00\x00\x00\x03\x00\x00\x08\xec\x52\xe9\xbf";
static const char notified[] =
	"\x00\x05\x00\x7b\x42\x0d\xc0\x1c\x00\x00\x00\x54"
	"\x0a\x00\x00\x05\x01\x00\x00\x00"
	"\x03\x00\x00\x08\x49\x68\x31\x7a"
	"\x04\x00\x00\x13interface.down\x00\x00"
	"\x0c\x00\x00\x09root\x00\x00\x00\x00"
	"\x0d\x00\x00\x09root\x00\x00\x00\x00"
	"\x07\x00\x00\x14\x87\x00\x00\x0d\x00\x02up\x00\x00\x00\x00\x00\x00\x00\x00";

static struct ubus_header header_of(const char *frame, size_t size)
{
	struct ubus_header h;

	assert_int_equal(ubus_header_read((const uint8_t *)frame, &h), 0);
	assert_int_equal(UBUS_HEADER_SIZE + h.body_size, size);
	return h;
}

static struct ubus_message message_of(const char *frame, size_t size)
{
	struct ubus_header h = header_of(frame, size);
	struct ubus_message m;

	assert_int_equal(ubus_message_read((const uint8_t *)frame + UBUS_HEADER_SIZE, h.body_size,
				 &m),
		0);
	return m;
}

#define SIZE(frame) (sizeof(frame) - 1)

static void reads_frames_that_were_seen(void **state)
{
	struct ubus_header h = header_of(hello, SIZE(hello));
	struct ubus_message m = message_of(lookup, SIZE(lookup));

	(void)state;
	assert_int_equal(h.type, UBUS_HELLO);
	assert_int_equal(h.peer, 0xb7c4b956);
	assert_string_equal(m.path, "network");
	assert_int_equal(m.has, 1U << UBUS_ATTRIBUTE_PATH);
	m = message_of(ended, SIZE(ended));
	assert_true(ubus_message_has(&m, UBUS_ATTRIBUTE_STATUS));
	assert_int_equal(m.status, UBUS_OK);
	assert_int_equal(m.object, 0xec52e9bf);
	h = header_of(call, SIZE(call));
	assert_int_equal(h.type, UBUS_INVOKE);
	assert_int_equal(h.seq, 2);
	m = message_of(call, SIZE(call));
	assert_string_equal(m.method, "get");
	assert_string_equal(blob_find_text(m.data, "section", ""), "wan");
	m = message_of(notified, SIZE(notified));
	assert_true(m.no_reply);
	assert_string_equal(m.user, "root");
	assert_string_equal(m.group, "root");
	assert_int_equal(blob_find_integer(m.data, "up", 5), 0);
}

static void writes_the_frame_that_was_seen(void **state)
{
	uint8_t bytes[128];
	struct blob_writer w;
	size_t frame, data;

	(void)state;
	for (size_t size = sizeof(bytes); size >= SIZE(call);
		size = SIZE(call) - (size == SIZE(call))) {
		blob_writer_init(&w, bytes, size);
		frame = ubus_message_begin(&w, UBUS_INVOKE, 2, 0xec52e9bf);
		blob_put_attribute_u32(&w, UBUS_ATTRIBUTE_OBJECT, 0xec52e9bf);
		blob_put_attribute_text(&w, UBUS_ATTRIBUTE_METHOD, "get");
		data = blob_open_attribute(&w, UBUS_ATTRIBUTE_DATA);
		blob_put_text(&w, "config", "network");
		blob_put_text(&w, "section", "wan");
		blob_close(&w, data);
		ubus_message_end(&w, frame);
		assert_int_equal(w.error, 0);
		assert_int_equal(w.used, SIZE(call));
		assert_memory_equal(bytes, call, w.used);
	}
	blob_writer_init(&w, bytes, UBUS_HEADER_SIZE - 1);
	ubus_message_begin(&w, UBUS_PING, 1, 0);
	assert_int_equal(w.error, -ENOSPC);
}

static void refuses_frames_of_impossible_length(void **state)
{
	struct ubus_header h;

	(void)state;
	assert_int_equal(ubus_header_read((const uint8_t *)"\x00\x01\x00\x01\x00\x00\x00\x00"
							   "\x00\x00\x00\x03",
				 &h),
		-EBADMSG);
	assert_int_equal(ubus_header_read((const uint8_t *)"\x00\x01\x00\x01\x00\x00\x00\x00"
							   "\x00\x10\x00\x01",
				 &h),
		-EMSGSIZE);
	assert_int_equal(ubus_header_read((const uint8_t *)"\x00\x01\x00\x01\x00\x00\x00\x00"
							   "\x00\x10\x00\x00",
				 &h),
		0);
	assert_int_equal(h.body_size, UBUS_BODY_MAX);
}

static void a_frame_of_another_kind_can_be_passed_over(void **state)
{
	struct ubus_header h;

	(void)state;
	assert_int_equal(ubus_header_read((const uint8_t *)"\x01\x01\x00\x01\x00\x00\x00\x00"
							   "\x00\x00\x00\x0c",
				 &h),
		-EPROTO);
	assert_int_equal(h.body_size, 8);
	assert_int_equal(ubus_header_read((const uint8_t *)"\x00\x0c\x00\x01\x00\x00\x00\x00"
							   "\x00\x00\x00\x0c",
				 &h),
		-EPROTO);
}

static void what_has_the_wrong_size_is_missing(void **state)
{
	static const char body[] = "\x01\x00\x00\x06\x00\x00\x00\x00" /* a status of two bytes */
				   "\x02\x00\x00\x07"
				   "abc\x00"                          /* a path without its end */
				   "\x0a\x00\x00\x08\x00\x00\x00\x01" /* no_reply of four */
				   "\x55\x00\x00\x08\x00\x00\x00\x01" /* unknown */
				   "\x03\x00\x00\x08\x00\x00\x00\x09";
	struct ubus_message m;

	(void)state;
	assert_int_equal(ubus_message_read((const uint8_t *)body, sizeof(body) - 1, &m), 0);
	assert_int_equal(m.has, 1U << UBUS_ATTRIBUTE_OBJECT);
	assert_int_equal(m.object, 9);
	assert_null(m.path);
	assert_false(m.no_reply);
}

static void attributes_that_do_not_fill_the_body_are_refused(void **state)
{
	struct ubus_message m = {.object = 5};

	(void)state;
	assert_int_equal(ubus_message_read((const uint8_t *)"\x03\x00\x00\x0c\x00\x00\x00\x09", 8,
				 &m),
		-EBADMSG);
	assert_int_equal(m.object, 5);
}

static void every_status_has_a_name(void **state)
{
	(void)state;
	for (unsigned i = 0; i < UBUS_STATUS_COUNT; i++)
		assert_non_null(ubus_status_name(i));
	assert_null(ubus_status_name(UBUS_STATUS_COUNT));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_frames_that_were_seen),
		cmocka_unit_test(writes_the_frame_that_was_seen),
		cmocka_unit_test(refuses_frames_of_impossible_length),
		cmocka_unit_test(a_frame_of_another_kind_can_be_passed_over),
		cmocka_unit_test(what_has_the_wrong_size_is_missing),
		cmocka_unit_test(attributes_that_do_not_fill_the_body_are_refused),
		cmocka_unit_test(every_status_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
