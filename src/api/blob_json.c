#include "api/blob_json.h"

#include <math.h>

static struct json_object *value_json(const struct blob_value *v);

static struct json_object *members_json(struct blob values, bool named)
{
	struct json_object *o = named ? json_object_new_object() : json_object_new_array();
	struct blob_value v;

	while (blob_next_value(&values, &v) == 1)
		if (named)
			json_object_object_add(o, v.name, value_json(&v));
		else
			json_object_array_add(o, value_json(&v));
	return o;
}

static struct json_object *value_json(const struct blob_value *v)
{
	int64_t integer = 0;
	double number;

	switch (v->type) {
	case BLOB_TABLE:
	case BLOB_ARRAY:
		return members_json(v->payload, v->type == BLOB_TABLE);
	case BLOB_STRING:
		return json_object_new_string(blob_value_text(v));
	case BLOB_BOOL:
		return json_object_new_boolean(v->payload.at[0] != 0);
	case BLOB_INT64:
	case BLOB_INT32:
	case BLOB_INT16:
		blob_value_integer(v, &integer);
		return json_object_new_int64(integer);
	case BLOB_DOUBLE:
		blob_value_double(v, &number);
		return isfinite(number) ? json_object_new_double(number) : NULL;
	case BLOB_NULL:
	case BLOB_TYPE_COUNT:
		break;
	}
	return NULL;
}

struct json_object *blob_to_json(struct blob values)
{
	/* first everything is looked at, so that a half-read answer never counts; it also bounds the recursion */
	return blob_check(values) ? NULL : members_json(values, true);
}

void blob_put_json_members(struct blob_writer *w, struct json_object *o)
{
	if (!json_object_is_type(o, json_type_object))
		return;
	json_object_object_foreach(o, name, value)
	{
		blob_put_json(w, name, value);
	}
}

static void put_array(struct blob_writer *w, struct json_object *array)
{
	for (size_t i = 0; i < json_object_array_length(array); i++)
		blob_put_json(w, "", json_object_array_get_idx(array, i));
}

void blob_put_json(struct blob_writer *w, const char *name, struct json_object *value)
{
	size_t mark;

	switch (json_object_get_type(value)) {
	case json_type_null:
		blob_put_null(w, name);
		break;
	case json_type_boolean:
		blob_put_bool(w, name, json_object_get_boolean(value));
		break;
	case json_type_double:
		blob_put_double(w, name, json_object_get_double(value));
		break;
	case json_type_int:
		blob_put_integer(w, name, json_object_get_int64(value));
		break;
	case json_type_string:
		blob_put_text(w, name, json_object_get_string(value));
		break;
	case json_type_object:
		mark = blob_open_table(w, name);
		blob_put_json_members(w, value);
		blob_close(w, mark);
		break;
	case json_type_array:
		mark = blob_open_array(w, name);
		put_array(w, value);
		blob_close(w, mark);
		break;
	}
}
