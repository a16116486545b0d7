/*
 * Members of JSON objects in the units of the API: milliseconds with three decimals, percent with four.  Text is made
 * printable, because names of devices come from the kernel, where any byte may stand in them.
 */
#pragma once

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

void json_put_text(struct json_object *o, const char *key, const char *text);
void json_put_int(struct json_object *o, const char *key, int64_t value);
void json_put_bool(struct json_object *o, const char *key, bool value);
/* null when us is negative: not known. */
void json_put_ms(struct json_object *o, const char *key, int64_t us);
void json_put_percent(struct json_object *o, const char *key, int64_t ppm);

struct json_object *json_text(const char *text);

/* ---- for readers of the API ---- */

/* fallback when the member is missing, null or of another type. */
const char *json_get_text(struct json_object *o, const char *key, const char *fallback);
int64_t json_get_int(struct json_object *o, const char *key, int64_t fallback);
bool json_get_bool(struct json_object *o, const char *key);
/* From milliseconds and percent; -1 when missing or null. */
int64_t json_get_us(struct json_object *o, const char *key);
int64_t json_get_ppm(struct json_object *o, const char *key);
/* NULL when missing or of another type. */
struct json_object *json_get_array(struct json_object *o, const char *key);
struct json_object *json_get_object(struct json_object *o, const char *key);
