/*
 * Values of the bus as JSON and back.
 *
 *      bus                     JSON
 *      table, array            object, array
 *      int8 (boolean)          true, false
 *      int16, int32, int64     integer; back: 32 bits where they suffice
 *      double                  number with a fraction; one that is none (NaN, infinite) becomes null
 *      null                    null
 */
#pragma once

#include <json-c/json.h>

#include "codec/ubus_blob.h"

/*
 * A new object, which the caller puts, or NULL: malformed, or nested too deep.  Of members with the same name the last
 * one counts.
 */
struct json_object *blob_to_json(struct blob values);

/* The members of an object, one behind the other; nothing when it is none. */
void blob_put_json_members(struct blob_writer *w, struct json_object *o);
void blob_put_json(struct blob_writer *w, const char *name, struct json_object *value);
