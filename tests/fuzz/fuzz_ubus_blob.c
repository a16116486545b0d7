/* Values of the bus: whatever is accepted survives the way to JSON and back. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/blob_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(struct blob values)
{
	struct blob_value v;
	int64_t integer;
	double number;
	bool flag;

	while (blob_next_value(&values, &v) == 1) {
		if (strlen(v.name) > UINT16_MAX || v.type >= BLOB_TYPE_COUNT)
			abort();
		if (blob_value_text(&v) && strlen(blob_value_text(&v)) + 1 != v.payload.size)
			abort();
		blob_value_integer(&v, &integer);
		blob_value_double(&v, &number);
		blob_value_bool(&v, &flag);
		walk(blob_value_inside(&v));
	}
	if (values.size)
		abort();
}

/* What JSON made of it becomes bytes, and these the same JSON again. */
static void there_and_back(struct json_object *first)
{
	struct json_object *second;
	struct blob_writer w;
	uint8_t *bytes;
	size_t size;

	blob_writer_init(&w, NULL, 0);
	blob_put_json_members(&w, first);
	if (w.error)
		return;
	size = w.used;
	bytes = malloc(size + 1);
	if (!bytes)
		abort();
	blob_writer_init(&w, bytes, size);
	blob_put_json_members(&w, first);
	if (w.error || w.used != size)
		abort();
	second = blob_to_json((struct blob){.at = bytes, .size = size});
	if (!second || !json_object_equal(first, second))
		abort();
	json_object_put(second);
	free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct blob values = {.at = data, .size = size}, rest = values;
	struct blob_attribute a;
	struct json_object *o;

	while (blob_next_attribute(&rest, &a) == 1)
		if (a.payload.at < data || a.payload.at + a.payload.size > data + size)
			abort();
	o = blob_to_json(values);
	if (!o != (blob_check(values) != 0))
		abort();
	if (!o)
		return 0;
	walk(values);
	there_and_back(o);
	json_object_put(o);
	return 0;
}
