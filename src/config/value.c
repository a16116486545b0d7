#include "config/value.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/usec.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

const char *value_bool(const char *text, bool *ret)
{
	static const struct {
		const char *word;
		bool value;
	} table[] = {{"1", true}, {"0", false}, {"yes", true}, {"no", false}, {"on", true},
		{"off", false}, {"true", true}, {"false", false}, {"enabled", true},
		{"disabled", false}};

	for (size_t i = 0; i < COUNT(table); i++)
		if (!strcasecmp(text, table[i].word)) {
			*ret = table[i].value;
			return NULL;
		}
	return "is neither yes nor no: write 1 or 0";
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int digit_value(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 16;
}

static bool add_digit(int64_t *value, int base, int digit)
{
	return !__builtin_mul_overflow(*value, base, value) &&
	       !__builtin_add_overflow(*value, digit, value);
}

/* All of text must be digits of the base. */
static const char *digits(const char *text, int base, int64_t *ret)
{
	int64_t value = 0;

	if (!*text)
		return "is no number";
	for (; *text; text++) {
		int digit = digit_value(*text);

		if (digit >= base)
			return base == 8 ? "is no octal number: write for instance 0660"
					 : "is no number";
		if (!add_digit(&value, base, digit))
			return "is too large";
	}
	*ret = value;
	return NULL;
}

const char *value_integer(const char *text, int64_t *ret)
{
	bool negative = *text == '-';
	const char *why;

	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		return digits(text + 2, 16, ret);
	why = digits(text + negative, 10, ret);
	if (!why && negative)
		*ret = -*ret;
	return why;
}

const char *value_octal(const char *text, int64_t *ret)
{
	return digits(text, 8, ret);
}

struct unit {
	const char *name;
	int64_t factor;
};

/* In the order of printing; a unit that is a beginning of another stands behind it. */
static const struct unit duration_unit[] = {{"w", 7 * USEC_DAY}, {"d", USEC_DAY}, {"h", USEC_H},
	{"min", USEC_MIN}, {"ms", USEC_MS}, {"m", USEC_MIN}, {"us", 1}, {"s", USEC_S}};

static const struct unit bytes_unit[] = {{"KiB", INT64_C(1) << 10}, {"MiB", INT64_C(1) << 20},
	{"GiB", INT64_C(1) << 30}, {"TiB", INT64_C(1) << 40}, {"Ki", INT64_C(1) << 10},
	{"Mi", INT64_C(1) << 20}, {"Gi", INT64_C(1) << 30}, {"Ti", INT64_C(1) << 40},
	{"TB", INT64_C(1000000000000)}, {"GB", 1000000000}, {"MB", 1000000}, {"kB", 1000},
	{"T", INT64_C(1000000000000)}, {"G", 1000000000}, {"M", 1000000}, {"k", 1000}, {"B", 1}};

static const struct unit *unit_find(const char *text, const struct unit *unit, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strncasecmp(text, unit[i].name, strlen(unit[i].name)))
			return &unit[i];
	return NULL;
}

/*
 * One "12.5unit" from *text on; adds to *sum.  unit_needed: the reason to give when there is no
 * unit.
 */
static const char *quantity(const char **text, const struct unit *unit, size_t n_units,
	const char *unit_needed, int64_t *sum)
{
	int64_t value = 0, fraction = 0, scale = 1, part;
	const struct unit *found;
	const char *p = *text;

	if (!is_digit(*p))
		return "is no quantity";
	for (; is_digit(*p); p++)
		if (!add_digit(&value, 10, *p - '0'))
			return "is too large";
	if (*p == '.')
		for (p++; is_digit(*p); p++) {
			if (scale >= 1000000)
				return "has more than six digits after the point";
			scale *= 10;
			fraction = fraction * 10 + (*p - '0');
		}
	while (*p == ' ')
		p++;
	if (!*p || is_digit(*p))
		return unit_needed;
	if (!(found = unit_find(p, unit, n_units)))
		return "has a unit that is not known";
	/* at most 10^6 times 10^12: no overflow */
	fraction *= found->factor;
	if (fraction % scale)
		return "is finer than can be kept";
	if (__builtin_mul_overflow(value, found->factor, &part) ||
		__builtin_add_overflow(part, fraction / scale, &part) ||
		__builtin_add_overflow(*sum, part, sum))
		return "is too large";
	*text = p + strlen(found->name);
	return NULL;
}

const char *value_duration(const char *text, int64_t *ret_us)
{
	int64_t sum = 0;
	const char *why;

	if (!strcmp(text, "0")) {
		*ret_us = 0;
		return NULL;
	}
	do {
		why = quantity(&text, duration_unit, COUNT(duration_unit),
			"has no unit: write for instance 30s, 500ms or 1h30m", &sum);
		if (why)
			return !strcmp(why, "is no quantity") ||
					       !strcmp(why, "has a unit that is not known")
				       ? "is no time: write for instance 30s, 500ms or 1h30m"
				       : why;
	} while (*text);
	*ret_us = sum;
	return NULL;
}

const char *value_bytes(const char *text, int64_t *ret)
{
	int64_t sum = 0;
	const char *why;

	if (!digits(text, 10, ret))
		return NULL;
	why = quantity(&text, bytes_unit, COUNT(bytes_unit),
		"has no unit: write for instance 5MB or 1GB", &sum);
	if (!why && *text)
		why = "is no amount of data: write for instance 5MB or 1GB";
	if (why)
		return !strcmp(why, "is too large")
			       ? why
			       : "is no amount of data: write for instance 5MB or 1GB";
	*ret = sum;
	return NULL;
}

const char *value_ports(const char *text, uint16_t *ret_first, uint16_t *ret_last)
{
	static const char why[] = "is no port: write for instance 5060 or 5000-5100";
	const char *dash = strpbrk(text, "-:");
	int64_t first, last;
	char low[8];

	if (!dash) {
		if (digits(text, 10, &first))
			return why;
		last = first;
	} else {
		if ((size_t)(dash - text) >= sizeof(low))
			return why;
		memcpy(low, text, (size_t)(dash - text));
		low[dash - text] = '\0';
		if (digits(low, 10, &first) || digits(dash + 1, 10, &last))
			return why;
	}
	if (first < 1 || last > UINT16_MAX)
		return "is out of range: ports are 1 to 65535";
	if (first > last)
		return "ends before it begins: write the lower port first";
	*ret_first = (uint16_t)first;
	*ret_last = (uint16_t)last;
	return NULL;
}

/* IANA's numbers, as firewalls name them. */
static const struct {
	const char *name;
	uint8_t number;
} protocol_table[] = {{"tcp", 6}, {"udp", 17}, {"icmp", 1}, {"icmpv6", 58}, {"igmp", 2},
	{"gre", 47}, {"esp", 50}, {"ah", 51}, {"sctp", 132}, {"udplite", 136}};

const char *value_protocol(const char *text, uint8_t *ret)
{
	int64_t number;

	if (!strcasecmp(text, "any")) {
		*ret = 0;
		return NULL;
	}
	for (size_t i = 0; i < COUNT(protocol_table); i++)
		if (!strcasecmp(text, protocol_table[i].name)) {
			*ret = protocol_table[i].number;
			return NULL;
		}
	if (digits(text, 10, &number) || number < 1 || number > 255)
		return "is no protocol: write for instance tcp, udp or a number from 1 to 255";
	*ret = (uint8_t)number;
	return NULL;
}

/* RFC 2474, 2597, 3246, 5865, 8622. */
static const struct {
	const char *name;
	int16_t dscp;
} dscp_table[] = {{"CS0", 0}, {"LE", 1}, {"CS1", 8}, {"AF11", 10}, {"AF12", 12}, {"AF13", 14},
	{"CS2", 16}, {"AF21", 18}, {"AF22", 20}, {"AF23", 22}, {"CS3", 24}, {"AF31", 26},
	{"AF32", 28}, {"AF33", 30}, {"CS4", 32}, {"AF41", 34}, {"AF42", 36}, {"AF43", 38},
	{"CS5", 40}, {"VA", 44}, {"EF", 46}, {"CS6", 48}, {"CS7", 56}};

const char *value_dscp(const char *text, int16_t *ret)
{
	int64_t number;

	for (size_t i = 0; i < COUNT(dscp_table); i++)
		if (!strcasecmp(text, dscp_table[i].name)) {
			*ret = dscp_table[i].dscp;
			return NULL;
		}
	if (value_integer(text, &number) || number < 0 || number > 63)
		return "is no DSCP: write for instance EF, AF41 or a number from 0 to 63";
	*ret = (int16_t)number;
	return NULL;
}

const char *value_address(const char *text, uint8_t ret[16], enum family *ret_family)
{
	uint8_t address[16] = {0};
	enum family family = FAMILY_IPV4;

	if (inet_pton(AF_INET, text, address) != 1) {
		if (inet_pton(AF_INET6, text, address) != 1)
			return "is no IP address (names are not looked up: "
			       "when it matters, DNS may be what is broken)";
		family = FAMILY_IPV6;
	}
	memcpy(ret, address, sizeof(address));
	*ret_family = family;
	return NULL;
}

static bool bits_beyond(const uint8_t address[16], unsigned bits)
{
	for (unsigned i = bits; i < 128; i++)
		if (address[i / 8] & (0x80 >> (i % 8)))
			return true;
	return false;
}

const char *value_prefix(const char *text, uint8_t ret[16], uint8_t *ret_bits,
	enum family *ret_family)
{
	static const char why[] = "is no network: write for instance 192.0.2.0/24 or 2001:db8::/32";
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	uint8_t address[16];
	enum family family;
	char part[INET6_ADDRSTRLEN];
	int64_t bits, bits_max;

	if (n >= sizeof(part))
		return why;
	memcpy(part, text, n);
	part[n] = '\0';
	if (value_address(part, address, &family))
		return why;
	bits_max = family == FAMILY_IPV4 ? 32 : 128;
	bits = bits_max;
	if (slash && (digits(slash + 1, 10, &bits) || bits < 1 || bits > bits_max))
		return family == FAMILY_IPV4 ? "has a length that is not 1 to 32"
					     : "has a length that is not 1 to 128";
	if (bits_beyond(address, (unsigned)bits))
		return "has bits set beyond its length: "
		       "write the network's address, or a longer length";
	memcpy(ret, address, sizeof(address));
	*ret_bits = (uint8_t)bits;
	*ret_family = family;
	return NULL;
}

static bool only(const char *text, const char *extra)
{
	for (; *text; text++) {
		char c = *text;

		if (!is_digit(c) && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
			!strchr(extra, c))
			return false;
	}
	return true;
}

const char *value_name(const char *text)
{
	return *text && only(text, "_.-") ? NULL : "is no name: use letters, digits, _ . and -";
}

const char *value_device(const char *text)
{
	if (!*text || !strcmp(text, ".") || !strcmp(text, ".."))
		return "is no device";
	for (; *text; text++)
		if (*text <= ' ' || *text > '~' || strchr("/:%", *text))
			return "is no device: the kernel takes printable ASCII "
			       "without blanks, / : or %";
	return NULL;
}

const char *value_host(const char *text)
{
	return *text && *text != '.' && *text != '-' && only(text, ".-_")
		       ? NULL
		       : "is no host name: use letters, digits, - and dots";
}

const char *value_path(const char *text)
{
	if (*text != '/')
		return "is no path: it begins with /";
	for (; *text; text++)
		if (*text <= ' ' || *text > '~')
			return "is no path: use printable ASCII without blanks";
	return NULL;
}

void value_print_duration(int64_t us, char *ret, size_t size)
{
	static const struct unit unit[] = {{"d", USEC_DAY}, {"h", USEC_H}, {"m", USEC_MIN},
		{"s", USEC_S}, {"ms", USEC_MS}, {"us", 1}};
	size_t length = 0;

	snprintf(ret, size, "0");
	for (size_t i = 0; i < COUNT(unit) && length < size; i++) {
		int64_t n = us / unit[i].factor;

		us %= unit[i].factor;
		if (n)
			length += (size_t)snprintf(ret + length, size - length, "%" PRId64 "%s", n,
				unit[i].name);
	}
}

void value_print_bytes(int64_t bytes, char *ret, size_t size)
{
	static const struct unit unit[] = {{"TB", INT64_C(1000000000000)}, {"GB", 1000000000},
		{"MB", 1000000}, {"kB", 1000}, {"TiB", INT64_C(1) << 40}, {"GiB", INT64_C(1) << 30},
		{"MiB", INT64_C(1) << 20}, {"KiB", INT64_C(1) << 10}};

	for (size_t i = 0; bytes && i < COUNT(unit); i++)
		if (bytes % unit[i].factor == 0) {
			snprintf(ret, size, "%" PRId64 "%s", bytes / unit[i].factor, unit[i].name);
			return;
		}
	snprintf(ret, size, "%" PRId64, bytes);
}

void value_print_ports(uint16_t first, uint16_t last, char *ret, size_t size)
{
	if (first == last)
		snprintf(ret, size, "%u", first);
	else
		snprintf(ret, size, "%u-%u", first, last);
}

void value_print_protocol(uint8_t protocol, char *ret, size_t size)
{
	for (size_t i = 0; i < COUNT(protocol_table); i++)
		if (protocol == protocol_table[i].number) {
			snprintf(ret, size, "%s", protocol_table[i].name);
			return;
		}
	snprintf(ret, size, "%u", protocol);
}

void value_print_dscp(int16_t dscp, char *ret, size_t size)
{
	for (size_t i = 0; i < COUNT(dscp_table); i++)
		if (dscp == dscp_table[i].dscp) {
			snprintf(ret, size, "%s", dscp_table[i].name);
			return;
		}
	snprintf(ret, size, "%d", dscp);
}

void value_print_address(const uint8_t address[16], enum family family, char *ret, size_t size)
{
	char text[INET6_ADDRSTRLEN] = "";

	inet_ntop(family == FAMILY_IPV4 ? AF_INET : AF_INET6, address, text, sizeof(text));
	snprintf(ret, size, "%s", text);
}
