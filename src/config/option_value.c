/*
 * Reading and printing the field of one option, by its type.  Each type is a row of type_table at
 * the end: how it is read, how it is printed, and for those that are numbers in the field, how a
 * number is written.
 */
#include "config/options.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "config/suggest.h"
#include "config/value.h"
#include "core/names.h"

static void *field_of(const struct option *o, void *base)
{
	return (char *)base + o->offset;
}

static const void *field_in(const struct option *o, const void *base)
{
	return (const char *)base + o->offset;
}

/* Integers, enums and bools of any width. */
static void store(const struct option *o, void *base, int64_t value)
{
	void *field = field_of(o, base);

	switch (o->size) {
	case 1:
		memcpy(field, &(uint8_t){(uint8_t)value}, 1);
		break;
	case 2:
		memcpy(field, &(uint16_t){(uint16_t)value}, 2);
		break;
	case 4:
		memcpy(field, &(uint32_t){(uint32_t)value}, 4);
		break;
	case 8:
		memcpy(field, &value, 8);
		break;
	}
}

static int64_t load(const struct option *o, const void *base)
{
	const void *field = field_in(o, base);
	bool negative = o->min < 0;
	uint8_t u8;
	uint16_t u16;
	uint32_t u32;
	int64_t i64;

	switch (o->size) {
	case 1:
		memcpy(&u8, field, 1);
		return negative ? (int8_t)u8 : u8;
	case 2:
		memcpy(&u16, field, 2);
		return negative ? (int16_t)u16 : u16;
	case 4:
		memcpy(&u32, field, 4);
		return negative ? (int64_t)(int32_t)u32 : (int64_t)u32;
	case 8:
		memcpy(&i64, field, 8);
		return i64;
	}
	return 0;
}

static int refuse(const char *text, const char *reason, char why[OPTION_WHY_SIZE])
{
	snprintf(why, OPTION_WHY_SIZE, "'%.60s' %s", text, reason);
	return -EINVAL;
}

/* "kernel or observe" */
static void print_words(const struct option *o, char *ret, size_t size)
{
	size_t length = 0;

	ret[0] = '\0';
	for (int64_t v = o->min; v <= o->max && length < size; v++)
		length += (size_t)snprintf(ret + length, size - length, "%s%s",
			v == o->min   ? ""
			: v == o->max ? " or "
				      : ", ",
			o->word(v));
}

/* What all numbers have in common: the reason of the parser, the range of the row. */
static int keep_number(const struct option *o, void *base, const char *text, const char *reason,
	int64_t value, char why[OPTION_WHY_SIZE])
{
	char range[VALUE_TEXT_SIZE];

	if (reason)
		return refuse(text, reason, why);
	if (value < o->min || value > o->max) {
		option_print_range(o, range, sizeof(range));
		snprintf(why, OPTION_WHY_SIZE, "'%.60s' is out of range: %s", text, range);
		return -EINVAL;
	}
	store(o, base, value);
	return 0;
}

#define READER(name)                                                                               \
	static int name(const struct option *o, struct config *config, void *base,                 \
		const char *text, char why[OPTION_WHY_SIZE])

READER(read_bool)
{
	bool value = false;
	const char *reason = value_bool(text, &value);

	(void)config;
	return keep_number(o, base, text, reason, value, why);
}

READER(read_integer)
{
	int64_t value = 0;
	const char *reason = value_integer(text, &value);

	(void)config;
	return keep_number(o, base, text, reason, value, why);
}

READER(read_mode)
{
	int64_t value = 0;
	const char *reason = value_octal(text, &value);

	(void)config;
	return keep_number(o, base, text, reason, value, why);
}

READER(read_duration)
{
	int64_t value = 0;
	const char *reason = value_duration(text, &value);

	(void)config;
	return keep_number(o, base, text, reason, value, why);
}

READER(read_bytes)
{
	int64_t value = 0;
	const char *reason = value_bytes(text, &value);

	(void)config;
	return keep_number(o, base, text, reason, value, why);
}

READER(read_protocol)
{
	uint8_t value = 0;
	const char *reason = value_protocol(text, &value);

	(void)config;
	return keep_number(o, base, text, reason, value, why);
}

READER(read_dscp)
{
	int16_t value = 0;
	const char *reason = value_dscp(text, &value);

	(void)config;
	return keep_number(o, base, text, reason, value, why);
}

static int find_word(const struct option *o, const char *text, int64_t *ret,
	char why[OPTION_WHY_SIZE])
{
	char words[VALUE_TEXT_SIZE];

	for (int64_t v = o->min; v <= o->max; v++)
		if (!strcmp(text, o->word(v))) {
			*ret = v;
			return 0;
		}
	print_words(o, words, sizeof(words));
	snprintf(why, OPTION_WHY_SIZE, "'%.60s' is not known: write %s", text, words);
	return -EINVAL;
}

READER(read_word)
{
	int64_t value = 0;
	int error = find_word(o, text, &value, why);

	(void)config;
	if (!error)
		store(o, base, value);
	return error;
}

static int keep_text(const struct option *o, void *base, const char *text, const char *reason,
	char why[OPTION_WHY_SIZE])
{
	if (reason)
		return refuse(text, reason, why);
	if (strlen(text) >= o->size) {
		snprintf(why, OPTION_WHY_SIZE, "'%.60s' is too long: at most %d characters", text,
			o->size - 1);
		return -EINVAL;
	}
	memset(field_of(o, base), 0, o->size);
	memcpy(field_of(o, base), text, strlen(text));
	return 0;
}

READER(read_name)
{
	(void)config;
	return keep_text(o, base, text, value_name(text), why);
}

READER(read_device)
{
	(void)config;
	return keep_text(o, base, text, value_device(text), why);
}

READER(read_host)
{
	(void)config;
	return keep_text(o, base, text, value_host(text), why);
}

READER(read_path)
{
	(void)config;
	return keep_text(o, base, text, value_path(text), why);
}

READER(read_ports)
{
	struct class_match *m = base;
	const char *reason = value_ports(text, &m->port_first, &m->port_last);

	(void)o;
	(void)config;
	return reason ? refuse(text, reason, why) : 0;
}

static bool is_probed_address(const uint8_t a[16], enum family family)
{
	if (family == FAMILY_IPV4)
		return a[0] != 0 && a[0] != 127 && a[0] < 224;
	for (unsigned i = 0; i < 15; i++)
		if (a[i])
			/* neither multicast, nor link-local, nor IPv4 in disguise */
			return a[0] != 0xff && !(a[0] == 0xfe && (a[1] & 0xc0) == 0x80) &&
			       !(i == 10 && a[10] == 0xff && a[11] == 0xff);
	return false;
}

READER(read_address)
{
	struct option_target *t = base;
	uint8_t address[16];
	enum family family;
	const char *reason = value_address(text, address, &family);

	(void)o;
	(void)config;
	if (reason)
		return refuse(text, reason, why);
	if (!is_probed_address(address, family))
		return refuse(text, "is no address of a host on the Internet", why);
	memcpy(t->target.address, address, sizeof(address));
	t->family = family;
	return 0;
}

READER(read_prefix)
{
	struct class_match *m = base;
	uint8_t *field = field_of(o, base), address[16], bits;
	enum family family;
	const char *reason = value_prefix(text, address, &bits, &family);

	(void)config;
	if (reason)
		return refuse(text, reason, why);
	if (m->family != FAMILY_COUNT && m->family != family) {
		snprintf(why, OPTION_WHY_SIZE,
			"'%.60s' is %s, but the match is for %s: write one match for each", text,
			family_name(family), family_name((enum family)m->family));
		return -EINVAL;
	}
	m->family = (uint8_t)family;
	memcpy(field, address, sizeof(address));
	field[sizeof(address)] = bits;
	return 0;
}

READER(read_class)
{
	struct suggestion s;

	suggest_begin(&s, text);
	for (uint8_t i = 0; i < config->policy.n_classes; i++) {
		if (!strcmp(text, config->policy.class[i].name)) {
			store(o, base, i);
			return 0;
		}
		suggest_consider(&s, config->policy.class[i].name);
	}
	if (s.nearest)
		snprintf(why, OPTION_WHY_SIZE, "there is no class '%.40s': did you mean '%s'?",
			text, s.nearest);
	else
		snprintf(why, OPTION_WHY_SIZE,
			"there is no class '%.40s': add a section config class '%.40s'", text,
			text);
	return -EINVAL;
}

READER(read_method)
{
	int64_t method = 0;
	int error = find_word(o, text, &method, why);

	(void)config;
	if (!error)
		store(o, base, load(o, base) | INT64_C(1) << method);
	return error;
}

static struct config_class_links *class_links(const struct config *config, const void *base)
{
	size_t i = (size_t)((const struct class_policy *)base - config->policy.class);

	return &((struct config *)config)->class_links[i];
}

READER(read_link)
{
	struct config_class_links *links = class_links(config, base);
	const char *reason = value_name(text);

	(void)o;
	if (reason)
		return refuse(text, reason, why);
	if (strlen(text) >= NAME_SIZE)
		return refuse(text, "is longer than any link's name", why);
	for (unsigned i = 0; i < links->n; i++)
		if (!strcmp(links->name[i], text))
			return 0;
	if (links->n == LINKS_MAX) {
		snprintf(why, OPTION_WHY_SIZE, "'%.60s' is one link too many: at most %d", text,
			LINKS_MAX);
		return -EINVAL;
	}
	memcpy(links->name[links->n++], text, strlen(text) + 1);
	return 0;
}

/* Printers: false when the field holds nothing to write, or a list has no such item. */
#define PRINTER(name)                                                                              \
	static bool name(const struct option *o, const struct config *config, const void *base,    \
		unsigned item, char ret[OPTION_TEXT_SIZE])

static void number_decimal(int64_t value, char *ret, size_t size)
{
	snprintf(ret, size, "%" PRId64, value);
}

static void number_hexadecimal(int64_t value, char *ret, size_t size)
{
	snprintf(ret, size, "0x%" PRIx64, (uint64_t)value);
}

static void number_octal(int64_t value, char *ret, size_t size)
{
	snprintf(ret, size, "%04" PRIo64, (uint64_t)value);
}

static void number_protocol(int64_t value, char *ret, size_t size)
{
	value_print_protocol((uint8_t)value, ret, size);
}

static void number_dscp(int64_t value, char *ret, size_t size)
{
	value_print_dscp((int16_t)value, ret, size);
}

static void print_number(const struct option *o, int64_t value, char *ret, size_t size);

PRINTER(print_numeric)
{
	(void)config;
	if (item > 0)
		return false;
	print_number(o, load(o, base), ret, OPTION_TEXT_SIZE);
	return true;
}

/* Numbers of which one value means "not given". */
PRINTER(print_given)
{
	return load(o, base) != o->def && print_numeric(o, config, base, item, ret);
}

PRINTER(print_word)
{
	int64_t value = load(o, base);

	(void)config;
	if (item > 0 || value < o->min || value > o->max)
		return false;
	snprintf(ret, OPTION_TEXT_SIZE, "%s", o->word(value));
	return true;
}

PRINTER(print_text)
{
	const char *text = field_in(o, base);

	(void)config;
	if (item > 0 || !*text)
		return false;
	snprintf(ret, OPTION_TEXT_SIZE, "%s", text);
	return true;
}

PRINTER(print_ports)
{
	const struct class_match *m = base;

	(void)o;
	(void)config;
	if (item > 0 || !m->port_first)
		return false;
	value_print_ports(m->port_first, m->port_last, ret, OPTION_TEXT_SIZE);
	return true;
}

PRINTER(print_address)
{
	const struct option_target *t = base;

	(void)o;
	(void)config;
	if (item > 0)
		return false;
	value_print_address(t->target.address, t->family, ret, OPTION_TEXT_SIZE);
	return true;
}

PRINTER(print_prefix)
{
	const struct class_match *m = base;
	const uint8_t *field = field_in(o, base);
	char address[VALUE_TEXT_SIZE];
	unsigned bits = field[16];

	(void)config;
	if (item > 0 || !bits)
		return false;
	value_print_address(field, (enum family)m->family, address, sizeof(address));
	if (bits == (m->family == FAMILY_IPV4 ? 32 : 128))
		snprintf(ret, OPTION_TEXT_SIZE, "%s", address);
	else
		snprintf(ret, OPTION_TEXT_SIZE, "%s/%u", address, bits);
	return true;
}

PRINTER(print_class)
{
	int64_t class = load(o, base);

	if (item > 0 || class >= config->policy.n_classes)
		return false;
	snprintf(ret, OPTION_TEXT_SIZE, "%s", config->policy.class[class].name);
	return true;
}

PRINTER(print_method)
{
	int64_t methods = load(o, base);

	(void)config;
	for (int64_t v = o->min; v <= o->max; v++)
		if (methods & (INT64_C(1) << v) && item-- == 0) {
			snprintf(ret, OPTION_TEXT_SIZE, "%s", o->word(v));
			return true;
		}
	return false;
}

PRINTER(print_link)
{
	const struct config_class_links *links = class_links(config, base);

	(void)o;
	if (item >= links->n)
		return false;
	snprintf(ret, OPTION_TEXT_SIZE, "%s", links->name[item]);
	return true;
}

typedef int read_fn(const struct option *o, struct config *config, void *base, const char *text,
	char why[OPTION_WHY_SIZE]);
typedef bool print_fn(const struct option *o, const struct config *config, const void *base,
	unsigned item, char ret[OPTION_TEXT_SIZE]);
typedef void number_fn(int64_t value, char *ret, size_t size);

static const struct {
	const char *name;
	read_fn *read;
	print_fn *print;
	number_fn *number;
	bool list;
} type_table[OPTION_TYPE_COUNT] = {
	[OPTION_TYPE_BOOL] = {"bool", read_bool, print_numeric, number_decimal, false},
	[OPTION_TYPE_INTEGER] = {"integer", read_integer, print_numeric, number_decimal, false},
	[OPTION_TYPE_MASK] = {"mask", read_integer, print_numeric, number_hexadecimal, false},
	[OPTION_TYPE_MODE] = {"mode", read_mode, print_numeric, number_octal, false},
	[OPTION_TYPE_DURATION] = {"duration", read_duration, print_numeric, value_print_duration,
		false},
	[OPTION_TYPE_BYTES] = {"bytes", read_bytes, print_numeric, value_print_bytes, false},
	[OPTION_TYPE_WORD] = {"word", read_word, print_word, NULL, false},
	[OPTION_TYPE_NAME] = {"name", read_name, print_text, NULL, false},
	[OPTION_TYPE_DEVICE] = {"device", read_device, print_text, NULL, false},
	[OPTION_TYPE_HOST] = {"host", read_host, print_text, NULL, false},
	[OPTION_TYPE_PATH] = {"path", read_path, print_text, NULL, false},
	[OPTION_TYPE_PROTOCOL] = {"protocol", read_protocol, print_given, number_protocol, false},
	[OPTION_TYPE_PORTS] = {"ports", read_ports, print_ports, NULL, false},
	[OPTION_TYPE_DSCP] = {"dscp", read_dscp, print_given, number_dscp, false},
	[OPTION_TYPE_ADDRESS] = {"address", read_address, print_address, NULL, false},
	[OPTION_TYPE_PREFIX] = {"prefix", read_prefix, print_prefix, NULL, false},
	[OPTION_TYPE_CLASS] = {"class", read_class, print_class, NULL, false},
	[OPTION_TYPE_METHODS] = {"methods", read_method, print_method, NULL, true},
	[OPTION_TYPE_LINKS] = {"links", read_link, print_link, NULL, true},
};

static void print_number(const struct option *o, int64_t value, char *ret, size_t size)
{
	type_table[o->type].number(value, ret, size);
}

const char *option_type_name(enum option_type type)
{
	return type_table[type].name;
}

bool option_is_list(const struct option *o)
{
	return type_table[o->type].list;
}

int option_read(const struct option *o, struct config *config, void *base, const char *text,
	char ret_why[OPTION_WHY_SIZE])
{
	return type_table[o->type].read(o, config, base, text, ret_why);
}

bool option_print(const struct option *o, const struct config *config, const void *base,
	unsigned item, char ret[OPTION_TEXT_SIZE])
{
	return type_table[o->type].print(o, config, base, item, ret);
}

void option_print_all(const struct option *o, const struct config *config, const void *base,
	char *ret, size_t size)
{
	char text[OPTION_TEXT_SIZE];
	size_t length = 0;

	ret[0] = '\0';
	for (unsigned i = 0; length < size && option_print(o, config, base, i, text); i++)
		length += (size_t)snprintf(ret + length, size - length, "%s%s", i ? " " : "", text);
}

void option_print_range(const struct option *o, char *ret, size_t size)
{
	char min[VALUE_TEXT_SIZE], max[VALUE_TEXT_SIZE];

	ret[0] = '\0';
	if (o->word) {
		print_words(o, ret, size);
	} else if (o->type == OPTION_TYPE_BYTES && o->max == INT64_MAX) {
		snprintf(ret, size, "0 or more");
	} else if (type_table[o->type].print == print_numeric) {
		print_number(o, o->min, min, sizeof(min));
		print_number(o, o->max, max, sizeof(max));
		snprintf(ret, size, o->type == OPTION_TYPE_BOOL ? "%s or %s" : "%s to %s", min,
			max);
	}
}

void option_clear(const struct option *o, void *base)
{
	memset(field_of(o, base), 0, o->size);
}

void option_default(const struct option *o, void *base)
{
	char text[OPTION_TEXT_SIZE], why[OPTION_WHY_SIZE], *word, *rest = text;

	option_clear(o, base);
	if (type_table[o->type].number || o->type == OPTION_TYPE_WORD)
		store(o, base, o->def);
	else if (o->type == OPTION_TYPE_METHODS) {
		snprintf(text, sizeof(text), "%s", o->def_text);
		while ((word = strsep(&rest, " ")))
			option_read(o, NULL, base, word, why);
	} else if (o->def_text)
		memcpy(field_of(o, base), o->def_text, strlen(o->def_text));
}
