#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "codec/dns.h"

#define COOKIE UINT64_C(0xfedcba9876543210)

static size_t query(uint8_t out[DNS_QUERY_MAX], const char *zone)
{
	size_t size = 0;

	assert_int_equal(dns_build_query(0x1234, COOKIE, zone, out, &size), 0);
	return size;
}

static size_t answer_to(const uint8_t *question, size_t size, uint8_t rcode, uint8_t *out)
{
	memcpy(out, question, size);
	out[2] |= 0x80;
	out[3] = (uint8_t)(0x80 | rcode);
	return size;
}

static void writes_a_query_as_rfc_1035_has_it(void **state)
{
	static const uint8_t head[] = {0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 13};
	static const uint8_t tail[] = "\7example\3org\0\0\1\0\1";
	uint8_t out[DNS_QUERY_MAX];
	size_t size = query(out, "example.org");

	(void)state;
	assert_int_equal(size, sizeof(head) + DNS_LABEL_SIZE + sizeof(tail) - 1);
	assert_memory_equal(out, head, sizeof(head));
	assert_memory_equal(out + sizeof(head) + DNS_LABEL_SIZE, tail, sizeof(tail) - 1);
	for (int i = 0; i < DNS_LABEL_SIZE; i++)
		assert_non_null(memchr("abcdefghijklmnopqrstuvwxyz234567", out[13 + i], 32));
}

static void every_bit_of_the_cookie_is_in_the_name(void **state)
{
	uint8_t one[DNS_QUERY_MAX], other[DNS_QUERY_MAX];
	size_t size = query(one, "");

	(void)state;
	for (int bit = 0; bit < 64; bit++) {
		assert_int_equal(dns_build_query(0x1234, COOKIE ^ UINT64_C(1) << bit, "", other,
					 &size),
			0);
		assert_memory_not_equal(one, other, size);
	}
}

static void takes_zones(void **state)
{
	static const char label63[] =
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	uint8_t out[DNS_QUERY_MAX];
	char zone[300];
	size_t size, root = query(out, "");

	(void)state;
	assert_int_equal(query(out, "."), root);
	assert_int_equal(query(out, "org."), query(out, "org"));
	assert_int_equal(dns_build_query(1, COOKIE, "a..b", out, &size), -EINVAL);
	assert_int_equal(dns_build_query(1, COOKIE, ".a", out, &size), -EINVAL);
	assert_int_equal(dns_build_query(1, COOKIE, "..", out, &size), -EINVAL);
	assert_int_equal(dns_build_query(1, COOKIE, label63, out, &size), 0);
	snprintf(zone, sizeof(zone), "%sa", label63);
	assert_int_equal(dns_build_query(1, COOKIE, zone, out, &size), -EINVAL);
	/* 1 + 13 + 3 * 64 + 48 + 1 = 255: the longest name there is */
	snprintf(zone, sizeof(zone), "%s.%s.%s.%.47s", label63, label63, label63, label63);
	assert_int_equal(dns_build_query(1, COOKIE, zone, out, &size), 0);
	assert_int_equal(size, DNS_QUERY_MAX);
	strcat(zone, "a");
	assert_int_equal(dns_build_query(1, COOKIE, zone, out, &size), -EINVAL);
}

static void knows_its_answer(void **state)
{
	uint8_t asked[DNS_QUERY_MAX], data[DNS_QUERY_MAX + 100];
	size_t size = query(asked, "example.org"), n = answer_to(asked, size, 3, data);
	struct dns_answer answer;

	(void)state;
	memset(data + n, 0xff, 100); /* answer and authority are not looked at */
	assert_int_equal(dns_parse_answer(data, n + 100, &answer), 0);
	assert_int_equal(answer.id, 0x1234);
	assert_int_equal(answer.rcode, DNS_RCODE_NAME_ERROR);
	assert_false(answer.truncated);
	assert_true(dns_answers(&answer, asked, size));
	data[27] = 'E'; /* case may change */
	assert_true(dns_answers(&answer, asked, size));
}

static void another_question_is_no_answer(void **state)
{
	uint8_t asked[DNS_QUERY_MAX], data[DNS_QUERY_MAX];
	size_t size = query(asked, "example.org"), n = answer_to(asked, size, 0, data);
	struct dns_answer answer;

	(void)state;
	for (size_t i = 0; i < size; i++) {
		if (i >= 2 && i < 12)
			continue;
		data[i] ^= 1;
		assert_false(
			!dns_parse_answer(data, n, &answer) && dns_answers(&answer, asked, size));
		data[i] ^= 1;
	}
}

static void malformed_is_refused(void **state)
{
	uint8_t asked[DNS_QUERY_MAX], data[DNS_QUERY_MAX];
	size_t size = query(asked, "example.org"), n;
	struct dns_answer answer;

	(void)state;
	assert_int_equal(dns_parse_answer(asked, size, &answer), -EBADMSG); /* a query */
	n = answer_to(asked, size, 0, data);
	for (size_t cut = 0; cut < n; cut++)
		assert_int_equal(dns_parse_answer(data, cut, &answer), -EBADMSG);
	data[2] |= 0x28; /* another opcode */
	assert_int_equal(dns_parse_answer(data, n, &answer), -EBADMSG);
	n = answer_to(asked, size, 0, data);
	data[5] = 0; /* no question */
	assert_int_equal(dns_parse_answer(data, n, &answer), -EBADMSG);
	data[5] = 2;
	assert_int_equal(dns_parse_answer(data, n, &answer), -EBADMSG);
	n = answer_to(asked, size, 0, data);
	data[12] = 0xc0; /* a pointer to itself */
	assert_int_equal(dns_parse_answer(data, n, &answer), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_a_query_as_rfc_1035_has_it),
		cmocka_unit_test(every_bit_of_the_cookie_is_in_the_name),
		cmocka_unit_test(takes_zones),
		cmocka_unit_test(knows_its_answer),
		cmocka_unit_test(another_question_is_no_answer),
		cmocka_unit_test(malformed_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
