/*
 * How people write times, sizes, ports, protocols, addresses ... and what they are told when it is
 * wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/usec.h"
#include "config/value.h"

static void check_reason(const char *text, const char *is, const char *wanted)
{
	if (!wanted != !is || (wanted && !strstr(is, wanted)))
		fail_msg("'%s': %s, not %s", text, is ? is : "accepted",
			wanted ? wanted : "accepted");
}

static void reads_and_prints_durations(void **state)
{
	static const struct {
		const char *text;
		int64_t us;
		const char *printed; /* or why not */
	} rows[] = {
		{"0", 0, "0"},
		{"30s", 30 * USEC_S, "30s"},
		{"500ms", 500 * USEC_MS, "500ms"},
		{"250us", 250, "250us"},
		{"1h30m", 90 * USEC_MIN, "1h30m"},
		{"90min", 90 * USEC_MIN, "1h30m"},
		{"2d", 2 * USEC_DAY, "2d"},
		{"1w", 7 * USEC_DAY, "7d"},
		{"365d", 365 * USEC_DAY, "365d"},
		{"1.5s", 1500 * USEC_MS, "1s500ms"},
		{"0.000001s", 1, "1us"},
		{"1500ms", 1500 * USEC_MS, "1s500ms"},
		{"10 s", 10 * USEC_S, "10s"},
		{"5S", 5 * USEC_S, "5s"},
		{"00012s", 12 * USEC_S, "12s"},
		{"", -1, "is no time"},
		{"s", -1, "is no time"},
		{"30", -1, "has no unit"},
		{"1h30", -1, "has no unit"},
		{"30x", -1, "is no time"},
		{"-1s", -1, "is no time"},
		{"1s,", -1, "is no time"},
		{"0.3us", -1, "finer"},
		{"1.0000001s", -1, "six digits"},
		{"9223372036854775807s", -1, "too large"},
		{"99999999999999999999s", -1, "too large"},
		{"9223372036854775807us1us", -1, "too large"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[VALUE_TEXT_SIZE];
		int64_t us = -1;
		const char *why = value_duration(rows[i].text, &us);

		check_reason(rows[i].text, why, rows[i].us < 0 ? rows[i].printed : NULL);
		assert_int_equal(us, rows[i].us);
		if (why)
			continue;
		value_print_duration(us, text, sizeof(text));
		assert_string_equal(text, rows[i].printed);
	}
}

static void reads_and_prints_amounts_of_data(void **state)
{
	static const struct {
		const char *text;
		int64_t bytes;
		const char *printed;
	} rows[] = {
		{"0", 0, "0"},
		{"4096", 4096, "4KiB"},
		{"5MB", 5000000, "5MB"},
		{"5M", 5000000, "5MB"},
		{"5 mb", 5000000, "5MB"},
		{"64KiB", 65536, "64KiB"},
		{"1.5GB", 1500000000, "1500MB"},
		{"1TB", 1000000000000, "1TB"},
		{"1Ti", INT64_C(1) << 40, "1TiB"},
		{"100B", 100, "100"},
		{"1500", 1500, "1500"},
		{"", -1, "no amount"},
		{"MB", -1, "no amount"},
		{"5XB", -1, "no amount"},
		{"5MBx", -1, "no amount"},
		{"-5", -1, "no amount"},
		{"99999999999999999999", -1, "too large"},
		{"9999999999TB", -1, "too large"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[VALUE_TEXT_SIZE];
		int64_t bytes = -1;
		const char *why = value_bytes(rows[i].text, &bytes);

		check_reason(rows[i].text, why, rows[i].bytes < 0 ? rows[i].printed : NULL);
		assert_int_equal(bytes, rows[i].bytes);
		if (why)
			continue;
		value_print_bytes(bytes, text, sizeof(text));
		assert_string_equal(text, rows[i].printed);
	}
}

static void reads_whole_numbers_and_words(void **state)
{
	int64_t n = 7;
	bool yes = false;

	(void)state;
	assert_null(value_integer("-12", &n));
	assert_int_equal(n, -12);
	assert_null(value_integer("0x7f000000", &n));
	assert_int_equal(n, 0x7f000000);
	assert_null(value_octal("0660", &n));
	assert_int_equal(n, 0660);
	check_reason("0x", value_integer("0x", &n), "no number");
	check_reason("1x", value_integer("1x", &n), "no number");
	check_reason("", value_integer("", &n), "no number");
	check_reason("-", value_integer("-", &n), "no number");
	check_reason("big", value_integer("9223372036854775808", &n), "too large");
	check_reason("8", value_octal("068", &n), "octal");
	assert_int_equal(n, 0660);
	assert_null(value_bool("Yes", &yes));
	assert_true(yes);
	assert_null(value_bool("off", &yes));
	assert_false(yes);
	check_reason("2", value_bool("2", &yes), "neither");
}

static void reads_ports_protocols_and_dscp(void **state)
{
	uint16_t first = 0, last = 0;
	uint8_t protocol = 0;
	int16_t dscp = -1;
	char text[VALUE_TEXT_SIZE];

	(void)state;
	assert_null(value_ports("5000-5100", &first, &last));
	assert_int_equal(first, 5000);
	assert_int_equal(last, 5100);
	value_print_ports(first, last, text, sizeof(text));
	assert_string_equal(text, "5000-5100");
	assert_null(value_ports("53", &first, &last));
	value_print_ports(first, last, text, sizeof(text));
	assert_string_equal(text, "53");
	assert_null(value_ports("1:65535", &first, &last));
	check_reason("0", value_ports("0", &first, &last), "range");
	check_reason("65536", value_ports("65536", &first, &last), "range");
	check_reason("9-8", value_ports("9-8", &first, &last), "ends before");
	check_reason("x", value_ports("x", &first, &last), "no port");
	check_reason("1-", value_ports("1-", &first, &last), "no port");
	check_reason("long", value_ports("000000000001-2", &first, &last), "no port");

	assert_null(value_protocol("udp", &protocol));
	assert_int_equal(protocol, 17);
	assert_null(value_protocol("89", &protocol));
	value_print_protocol(protocol, text, sizeof(text));
	assert_string_equal(text, "89");
	assert_null(value_protocol("any", &protocol));
	assert_int_equal(protocol, 0);
	check_reason("0", value_protocol("0", &protocol), "no protocol");
	check_reason("256", value_protocol("256", &protocol), "no protocol");

	assert_null(value_dscp("ef", &dscp));
	assert_int_equal(dscp, 46);
	assert_null(value_dscp("0x2e", &dscp));
	value_print_dscp(dscp, text, sizeof(text));
	assert_string_equal(text, "EF");
	assert_null(value_dscp("63", &dscp));
	check_reason("64", value_dscp("64", &dscp), "no DSCP");
	check_reason("-1", value_dscp("-1", &dscp), "no DSCP");
}

static void reads_addresses_and_networks(void **state)
{
	static const struct {
		const char *text;
		int bits; /* -1: refused */
		enum family family;
		const char *why;
	} rows[] = {
		{"192.0.2.0/24", 24, FAMILY_IPV4, NULL},
		{"192.0.2.1", 32, FAMILY_IPV4, NULL},
		{"2001:db8::/32", 32, FAMILY_IPV6, NULL},
		{"2001:db8::1", 128, FAMILY_IPV6, NULL},
		{"192.0.2.1/24", -1, FAMILY_IPV4, "bits set beyond"},
		{"192.0.2.0/33", -1, FAMILY_IPV4, "1 to 32"},
		{"0.0.0.0/0", -1, FAMILY_IPV4, "1 to 32"},
		{"2001:db8::/129", -1, FAMILY_IPV6, "1 to 128"},
		{"192.0.2/24", -1, FAMILY_IPV4, "no network"},
		{"192.0.2.0/", -1, FAMILY_IPV4, "1 to 32"},
		{"example.org", -1, FAMILY_IPV4, "no network"},
		{"", -1, FAMILY_IPV4, "no network"},
		{"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb/64", -1, FAMILY_IPV6,
			"no network"},
	};
	uint8_t address[16], bits;
	enum family family;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		check_reason(rows[i].text, value_prefix(rows[i].text, address, &bits, &family),
			rows[i].why);
		if (rows[i].bits < 0)
			continue;
		assert_int_equal(bits, rows[i].bits);
		assert_int_equal(family, rows[i].family);
	}
	check_reason("name", value_address("one.one.one.one", address, &family), "not looked up");
}

static void checks_names_devices_hosts_and_paths(void **state)
{
	(void)state;
	assert_null(value_name("lan-2.x_Y"));
	assert_non_null(value_name(""));
	assert_non_null(value_name("a b"));
	assert_non_null(value_name("caf\xc3\xa9"));
	assert_null(value_device("eth0.2"));
	assert_null(value_device("wan@x"));
	assert_non_null(value_device(".."));
	assert_non_null(value_device("a/b"));
	assert_non_null(value_device("eth0:1"));
	assert_non_null(value_device(""));
	assert_null(value_host("cp.cloudflare.com"));
	assert_non_null(value_host("-x"));
	assert_non_null(value_host("a/b"));
	assert_non_null(value_host("a\r\nb"));
	assert_null(value_path("/generate_204"));
	assert_non_null(value_path("x"));
	assert_non_null(value_path("/a b"));
	assert_non_null(value_path("/a\r\nHost: x"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_and_prints_durations),
		cmocka_unit_test(reads_and_prints_amounts_of_data),
		cmocka_unit_test(reads_whole_numbers_and_words),
		cmocka_unit_test(reads_ports_protocols_and_dscp),
		cmocka_unit_test(reads_addresses_and_networks),
		cmocka_unit_test(checks_names_devices_hosts_and_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
