#include "api/json.h"

#include <stdio.h>
#include <string.h>

#define TEXT_MAX 4096

/* Length of the UTF-8 character at p (RFC 3629), 0 when it is none or a control character. */
static size_t character_size(const unsigned char *p)
{
	size_t n;

	if (*p < 0x80)
		return *p >= 0x20 && *p != 0x7f ? 1 : 0;
	n = *p >= 0xc2 && *p <= 0xdf ? 2 : *p >= 0xe0 && *p <= 0xef ? 3 : *p <= 0xf4 ? 4 : 0;
	if (*p < 0xc2 || !n)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	/* C1 controls, overlong forms, surrogates, beyond U+10FFFF */
	if ((p[0] == 0xc2 && p[1] < 0xa0) || (p[0] == 0xe0 && p[1] < 0xa0) ||
		(p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
		(p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

struct json_object *json_text(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	char clean[TEXT_MAX];
	size_t n = 0;

	/* newlines and tabs stay: whole files are sent as one text */
	while (*p && (*p == '\n' || *p == '\t' || character_size(p)))
		p += *p == '\n' || *p == '\t' ? 1 : character_size(p);
	if (!*p)
		return json_object_new_string(text);
	for (p = (const unsigned char *)text; *p && n + 4 < sizeof(clean);) {
		size_t size = *p == '\n' || *p == '\t' ? 1 : character_size(p);

		if (!size) {
			clean[n++] = '?';
			p++;
			continue;
		}
		memcpy(clean + n, p, size);
		n += size;
		p += size;
	}
	return json_object_new_string_len(clean, (int)n);
}

void json_put_text(struct json_object *o, const char *key, const char *text)
{
	json_object_object_add(o, key, text ? json_text(text) : NULL);
}

void json_put_int(struct json_object *o, const char *key, int64_t value)
{
	json_object_object_add(o, key, json_object_new_int64(value));
}

void json_put_bool(struct json_object *o, const char *key, bool value)
{
	json_object_object_add(o, key, json_object_new_boolean(value));
}

/* value / unit with decimals digits after the point, trailing zeros left out; kept as text: no float arithmetic. */
static void put_fixed(struct json_object *o, const char *key, int64_t value, int64_t unit,
	int decimals)
{
	char text[40];
	int n;

	if (value < 0) {
		json_object_object_add(o, key, NULL);
		return;
	}
	if (value % unit == 0) {
		json_put_int(o, key, value / unit);
		return;
	}
	n = snprintf(text, sizeof(text), "%lld.%0*lld", (long long)(value / unit), decimals,
		(long long)(value % unit));
	while (n > 0 && text[n - 1] == '0')
		text[--n] = '\0';
	json_object_object_add(o, key,
		json_object_new_double_s((double)value / (double)unit, text));
}

void json_put_ms(struct json_object *o, const char *key, int64_t us)
{
	put_fixed(o, key, us, 1000, 3);
}

void json_put_percent(struct json_object *o, const char *key, int64_t ppm)
{
	put_fixed(o, key, ppm, 10000, 4);
}

static struct json_object *get(struct json_object *o, const char *key, enum json_type type)
{
	struct json_object *member;

	if (!json_object_is_type(o, json_type_object) ||
		!json_object_object_get_ex(o, key, &member) || !json_object_is_type(member, type))
		return NULL;
	return member;
}

const char *json_get_text(struct json_object *o, const char *key, const char *fallback)
{
	struct json_object *member = get(o, key, json_type_string);

	return member ? json_object_get_string(member) : fallback;
}

int64_t json_get_int(struct json_object *o, const char *key, int64_t fallback)
{
	struct json_object *member = get(o, key, json_type_int);

	return member ? json_object_get_int64(member) : fallback;
}

bool json_get_bool(struct json_object *o, const char *key)
{
	struct json_object *member = get(o, key, json_type_boolean);

	return member && json_object_get_boolean(member);
}

static int64_t get_scaled(struct json_object *o, const char *key, int64_t unit)
{
	struct json_object *member = get(o, key, json_type_int);
	double value;

	if (member) {
		int64_t n = json_object_get_int64(member);

		return n < 0 || n > INT64_MAX / unit ? -1 : n * unit;
	}
	member = get(o, key, json_type_double);
	value = member ? json_object_get_double(member) : -1;
	if (!(value >= 0 && value < 9e18 / (double)unit))
		return -1;
	return (int64_t)(value * (double)unit + 0.5);
}

int64_t json_get_us(struct json_object *o, const char *key)
{
	return get_scaled(o, key, 1000);
}

int64_t json_get_ppm(struct json_object *o, const char *key)
{
	return get_scaled(o, key, 10000);
}

struct json_object *json_get_array(struct json_object *o, const char *key)
{
	return get(o, key, json_type_array);
}

struct json_object *json_get_object(struct json_object *o, const char *key)
{
	return get(o, key, json_type_object);
}
