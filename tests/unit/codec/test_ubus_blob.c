#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "codec/ubus_blob.h"

#define BLOB(bytes) ((struct blob){.at = (const uint8_t *)(bytes), .size = sizeof(bytes) - 1})

/* One value of each kind, as another program sent them over a real bus. */
static const char captured[] =
	"\x83\x00\x00\x17\x00\x08greeting\x00\x00hi bob\x00\x00"
	"\x85\x00\x00\x0c\x00\x01n\x00\x00\x00\x00\x07"
	"\x84\x00\x00\x14\x00\x03"
	"big\x00\x00\x00\x00\x00\x00\x01\x2a\x05\xf2\x00"
	"\x85\x00\x00\x10\x00\x03neg\x00\x00\x00\xff\xff\xff\xfe"
	"\x87\x00\x00\x0d\x00\x02ok\x00\x00\x00\x00\x01\x00\x00\x00"
	"\x88\x00\x00\x10\x00\x01"
	"f\x00\x3f\xf8\x00\x00\x00\x00\x00\x00"
	"\x81\x00\x00\x24\x00\x04list\x00\x00"
	"\x85\x00\x00\x0c\x00\x00\x00\x00\x00\x00\x00\x01\x83\x00\x00\x0c\x00\x00\x00\x00two\x00"
	"\x82\x00\x00\x18\x00\x03tab\x00\x00\x00\x85\x00\x00\x0c\x00\x01"
	"a\x00\x00\x00\x00\x01";

static void put_captured(struct blob_writer *w)
{
	size_t mark;

	blob_put_text(w, "greeting", "hi bob");
	blob_put_integer(w, "n", 7);
	blob_put_integer(w, "big", INT64_C(5000000000));
	blob_put_integer(w, "neg", -2);
	blob_put_bool(w, "ok", true);
	blob_put_double(w, "f", 1.5);
	mark = blob_open_array(w, "list");
	blob_put_int32(w, "", 1);
	blob_put_text(w, "", "two");
	blob_close(w, mark);
	mark = blob_open_table(w, "tab");
	blob_put_int32(w, "a", 1);
	blob_close(w, mark);
}

static void writes_what_others_write(void **state)
{
	uint8_t bytes[256];
	struct blob_writer w;

	(void)state;
	blob_writer_init(&w, bytes, sizeof(bytes));
	put_captured(&w);
	assert_int_equal(w.error, 0);
	assert_int_equal(w.used, sizeof(captured) - 1);
	assert_memory_equal(bytes, captured, w.used);
}

static void says_how_much_room_it_needs(void **state)
{
	struct blob_writer w;

	(void)state;
	blob_writer_init(&w, NULL, 0);
	put_captured(&w);
	assert_int_equal(w.error, 0);
	assert_int_equal(w.used, sizeof(captured) - 1);
}

static void never_writes_past_the_end(void **state)
{
	uint8_t bytes[256];
	struct blob_writer w;

	(void)state;
	for (size_t size = 0; size < sizeof(captured) - 1; size++) {
		memset(bytes, 0x55, sizeof(bytes));
		blob_writer_init(&w, bytes, size);
		put_captured(&w);
		assert_int_equal(w.error, -ENOSPC);
		for (size_t i = size; i < sizeof(bytes); i++)
			assert_int_equal(bytes[i], 0x55);
	}
}

static void reads_one_value_of_each_kind(void **state)
{
	struct blob rest = BLOB(captured), inside;
	struct blob_value v;
	int64_t integer;
	double number;
	bool flag;

	(void)state;
	assert_int_equal(blob_check(rest), 0);
	assert_string_equal(blob_find_text(rest, "greeting", ""), "hi bob");
	assert_int_equal(blob_find_integer(rest, "big", 0), INT64_C(5000000000));
	assert_int_equal(blob_find_integer(rest, "neg", 0), -2);
	assert_int_equal(blob_find_integer(rest, "greeting", 42), 42);
	assert_string_equal(blob_find_text(rest, "nothing", "x"), "x");
	assert_true(blob_find(rest, "ok", &v));
	assert_true(blob_value_bool(&v, &flag) && flag);
	assert_true(blob_find(rest, "f", &v));
	assert_true(blob_value_double(&v, &number) && number == 1.5);
	assert_false(blob_value_integer(&v, &integer));
	assert_true(blob_find(rest, "list", &v));
	inside = blob_value_inside(&v);
	assert_int_equal(blob_next_value(&inside, &v), 1);
	assert_true(blob_value_integer(&v, &integer) && integer == 1);
	assert_int_equal(blob_next_value(&inside, &v), 1);
	assert_string_equal(blob_value_text(&v), "two");
	assert_int_equal(blob_next_value(&inside, &v), 0);
	assert_true(blob_find(rest, "tab", &v));
	assert_int_equal(blob_find_integer(blob_value_inside(&v), "a", 0), 1);
}

static void every_shortening_is_noticed_or_read(void **state)
{
	(void)state;
	for (size_t size = 0; size < sizeof(captured) - 1; size++) {
		uint8_t copy[sizeof(captured)];
		struct blob b = {.at = copy, .size = size};
		struct blob_value v;
		int r;

		memcpy(copy, captured, size);
		while ((r = blob_next_value(&b, &v)) == 1)
			;
		assert_true(r == 0 || r == -EBADMSG);
		assert_int_equal(b.size, 0);
	}
}

static void refuses_what_is_no_value(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
	} table[] = {
#define ROW(bytes) {bytes, sizeof(bytes) - 1}
		ROW("\x85\x00\x00"),                  /* no whole header */
		ROW("\x85\x00\x00\x03"),              /* a length below its header's */
		ROW("\x85\x00\x00\x20\x00\x01n\x00"), /* past the end */
		ROW("\x05\x00\x00\x0c\x00\x01n\x00\x00\x00\x00\x07"), /* without the flag */
		ROW("\x89\x00\x00\x08\x00\x01n\x00"),                 /* a type that there is not */
		ROW("\xff\x00\x00\x08\x00\x01n\x00"), ROW("\x85\x00\x00\x04"), /* no name */
		ROW("\x85\x00\x00\x0c\x00\x09n\x00\x00\x00\x00\x07"), /* a name past the end */
		ROW("\x85\x00\x00\x0c\x00\x01nn\x00\x00\x00\x07"),    /* a name without end */
		ROW("\x85\x00\x00\x10\x00\x02n\x00\x00\x00\x00\x00\x00\x00\x00\x07"), /* a NUL in it */
		ROW("\x85\x00\x00\x0a\x00\x01n\x00\x00\x07\x00\x00"), /* an int32 of two bytes */
		ROW("\x84\x00\x00\x0c\x00\x01n\x00\x00\x00\x00\x07"), /* an int64 of four */
		ROW("\x87\x00\x00\x08\x00\x01n\x00"),                 /* a boolean of none */
		ROW("\x83\x00\x00\x08\x00\x01n\x00"),                 /* text without its NUL */
		ROW("\x83\x00\x00\x0b\x00\x01n\x00"
		    "abc\x00"),
		ROW("\x83\x00\x00\x0c\x00\x01n\x00"
		    "a\x00"
		    "b\x00"), /* or with two */
#undef ROW
	};
	struct blob_value v;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct blob b = {.at = (const uint8_t *)table[i].bytes, .size = table[i].size};

		assert_int_equal(blob_check(b), -EBADMSG);
		assert_int_equal(blob_next_value(&b, &v), -EBADMSG);
		assert_int_equal(blob_next_value(&b, &v), 0);
	}
}

static void follows_nesting_to_its_limit_only(void **state)
{
	uint8_t bytes[512];
	size_t mark[BLOB_DEPTH_MAX + 1];

	(void)state;
	for (unsigned depth = BLOB_DEPTH_MAX - 1; depth <= BLOB_DEPTH_MAX + 1; depth++) {
		struct blob_writer w;
		struct blob b = {.at = bytes};

		blob_writer_init(&w, bytes, sizeof(bytes));
		for (unsigned i = 0; i < depth; i++)
			mark[i] = blob_open_array(&w, "");
		for (unsigned i = depth; i > 0; i--)
			blob_close(&w, mark[i - 1]);
		assert_int_equal(w.error, 0);
		b.size = w.used;
		assert_int_equal(blob_check(b), depth > BLOB_DEPTH_MAX ? -E2BIG : 0);
	}
}

static void a_record_has_a_greatest_size(void **state)
{
	static char text[BLOB_SIZE_MAX];
	struct blob_writer w;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	blob_writer_init(&w, NULL, 0);
	blob_put_text(&w, "n", text);
	assert_int_equal(w.error, -ENOSPC);
	text[sizeof(text) - 64] = '\0';
	blob_writer_init(&w, NULL, 0);
	blob_put_text(&w, "n", text);
	assert_int_equal(w.error, 0);
	blob_put_null(&w, text);
	assert_int_equal(w.error, -ENOSPC);
}

static void reads_attributes_of_their_own_size_only(void **state)
{
	struct blob rest = BLOB("\x01\x00\x00\x08\x00\x00\x00\x05\x09\x00\x00\x05\x01\x00\x00\x00"
				"\x02\x00\x00\x09"
				"file\x00\x00\x00\x00");
	struct blob_attribute a;
	uint32_t number;
	uint8_t byte;

	(void)state;
	assert_int_equal(blob_next_attribute(&rest, &a), 1);
	assert_int_equal(a.id, 1);
	assert_true(blob_read_u32(a.payload, &number) && number == 5);
	assert_false(blob_read_u8(a.payload, &byte));
	assert_int_equal(blob_next_attribute(&rest, &a), 1);
	assert_true(blob_read_u8(a.payload, &byte) && byte == 1);
	assert_false(blob_read_u32(a.payload, &number));
	assert_int_equal(blob_next_attribute(&rest, &a), 1);
	assert_string_equal(blob_read_text(a.payload), "file");
	assert_int_equal(blob_next_attribute(&rest, &a), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_what_others_write),
		cmocka_unit_test(says_how_much_room_it_needs),
		cmocka_unit_test(never_writes_past_the_end),
		cmocka_unit_test(reads_one_value_of_each_kind),
		cmocka_unit_test(every_shortening_is_noticed_or_read),
		cmocka_unit_test(refuses_what_is_no_value),
		cmocka_unit_test(follows_nesting_to_its_limit_only),
		cmocka_unit_test(a_record_has_a_greatest_size),
		cmocka_unit_test(reads_attributes_of_their_own_size_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
