#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "api/json.h"

static const char *plain(struct json_object *o)
{
	return json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN);
}

static void numbers_keep_their_digits(void **state)
{
	struct json_object *o = json_object_new_object();

	(void)state;
	json_put_ms(o, "a", 8123);
	json_put_ms(o, "b", 140000);
	json_put_ms(o, "c", -1);
	json_put_percent(o, "d", 1234);
	json_put_percent(o, "e", 500000);
	assert_string_equal(plain(o), "{\"a\":8.123,\"b\":140,\"c\":null,\"d\":0.1234,\"e\":50}");
	json_object_put(o);
}

static void what_was_put_can_be_got(void **state)
{
	static const int64_t value[] = {0, 1, 999, 1000, 8123, 140000, INT64_C(123456789012345)};
	struct json_object *o = json_object_new_object(), *back;

	(void)state;
	for (size_t i = 0; i < sizeof(value) / sizeof(value[0]); i++) {
		json_put_ms(o, "ms", value[i]);
		json_put_percent(o, "percent", value[i]);
		back = json_tokener_parse(plain(o));
		assert_int_equal(json_get_us(back, "ms"), value[i]);
		assert_int_equal(json_get_ppm(back, "percent"), value[i]);
		json_object_put(back);
	}
	json_object_put(o);
}

static void a_wrong_type_is_as_good_as_missing(void **state)
{
	struct json_object *o = json_tokener_parse(
		"{\"text\":5,\"number\":\"x\",\"list\":{},\"object\":[],\"big\":1e300,\"nan\":-1}");

	(void)state;
	assert_string_equal(json_get_text(o, "text", "none"), "none");
	assert_int_equal(json_get_int(o, "number", -7), -7);
	assert_null(json_get_array(o, "list"));
	assert_null(json_get_object(o, "object"));
	assert_int_equal(json_get_us(o, "big"), -1);
	assert_int_equal(json_get_us(o, "nan"), -1);
	assert_int_equal(json_get_us(NULL, "x"), -1);
	assert_false(json_get_bool(o, "text"));
	json_object_put(o);
}

/* Device names are the kernel's: any byte but NUL, / and blank may be in them. */
static void text_becomes_valid_utf8_without_controls(void **state)
{
	static const struct {
		const char *in, *out;
	} row[] = {
		{"eth0", "eth0"},
		{"w\033[2Jan", "w?[2Jan"},
		{"M\xc3\xbcnchen", "M\xc3\xbcnchen"},
		{"\xff\xfe", "??"},
		{"\xc3", "?"},
		{"\xc0\xaf", "??"},
		{"\xed\xa0\x80", "???"},
		{"\xc2\x9b"
		 "31m",
			"??31m"},
		{"a\nb\tc", "a\nb\tc"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct json_object *o = json_text(row[i].in);

		assert_string_equal(json_object_get_string(o), row[i].out);
		json_object_put(o);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_keep_their_digits),
		cmocka_unit_test(what_was_put_can_be_got),
		cmocka_unit_test(a_wrong_type_is_as_good_as_missing),
		cmocka_unit_test(text_becomes_valid_utf8_without_controls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
