#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "api/blob_json.h"

static uint8_t bytes[4096];

static struct blob written(const struct blob_writer *w)
{
	assert_int_equal(w->error, 0);
	return (struct blob){.at = bytes, .size = w->used};
}

static void becomes_json_and_back(void **state)
{
	static const char text[] =
		"{\"s\":\"hi\",\"i\":-7,\"big\":5000000000,\"t\":true,\"f\":1.5,\"n\":null,"
		"\"list\":[1,\"two\",[],{\"x\":false}],\"tab\":{\"a\":{\"b\":\"c\"}},\"\":\"\"}";
	struct json_object *first = json_tokener_parse(text), *second;
	struct blob_writer w;
	struct blob_value v;

	(void)state;
	blob_writer_init(&w, bytes, sizeof(bytes));
	blob_put_json_members(&w, first);
	assert_true(blob_find(written(&w), "i", &v) && v.type == BLOB_INT32);
	assert_true(blob_find(written(&w), "big", &v) && v.type == BLOB_INT64);
	assert_true(blob_find(written(&w), "t", &v) && v.type == BLOB_BOOL);
	assert_true(blob_find(written(&w), "f", &v) && v.type == BLOB_DOUBLE);
	assert_true(blob_find(written(&w), "n", &v) && v.type == BLOB_NULL);
	second = blob_to_json(written(&w));
	assert_non_null(second);
	assert_true(json_object_equal(first, second));
	json_object_put(first);
	json_object_put(second);
}

static void a_number_that_is_none_becomes_null(void **state)
{
	struct json_object *o, *f = NULL;
	struct blob_writer w;

	(void)state;
	blob_writer_init(&w, bytes, sizeof(bytes));
	blob_put_double(&w, "f", NAN);
	blob_put_double(&w, "g", INFINITY);
	o = blob_to_json(written(&w));
	assert_true(json_object_object_get_ex(o, "f", &f) && !f);
	assert_true(json_object_object_get_ex(o, "g", &f) && !f);
	json_object_put(o);
}

static void what_is_malformed_anywhere_is_nothing(void **state)
{
	struct blob_writer w;
	size_t mark;

	(void)state;
	blob_writer_init(&w, bytes, sizeof(bytes));
	blob_put_int32(&w, "fine", 1);
	mark = blob_open_table(&w, "t");
	blob_put_int32(&w, "i", 1);
	blob_close(&w, mark);
	bytes[w.used - 9] = 0x7f; /* the inner value's name is longer than the value */
	assert_null(blob_to_json(written(&w)));
}

static void only_objects_have_members(void **state)
{
	struct json_object *array = json_tokener_parse("[1,2]");
	struct blob_writer w;

	(void)state;
	blob_writer_init(&w, bytes, sizeof(bytes));
	blob_put_json_members(&w, array);
	blob_put_json_members(&w, NULL);
	assert_int_equal(w.used, 0);
	json_object_put(array);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(becomes_json_and_back),
		cmocka_unit_test(a_number_that_is_none_becomes_null),
		cmocka_unit_test(what_is_malformed_anywhere_is_nothing),
		cmocka_unit_test(only_objects_have_members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
