#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "codec/icmp.h"

static const struct icmp_echo echo = {.id = 0x1234,
	.seq = 0xabcd,
	.cookie = UINT64_C(0x0102030405060708)};

/* RFC 1071, the slow way round: the sum over a right packet is all ones. */
static unsigned sum(const uint8_t *p, size_t size)
{
	unsigned long total = 0;

	for (size_t i = 0; i < size; i++)
		total += i % 2 ? p[i] : (unsigned long)p[i] << 8;
	while (total > 0xffff)
		total = total % 0x10000 + total / 0x10000;
	return (unsigned)total;
}

static void seal(uint8_t *icmp, size_t size)
{
	icmp[2] = icmp[3] = 0;
	bytes_put_be16(icmp + 2, (uint16_t)~sum(icmp, size));
}

/* An IPv4 header without options; returns its length. */
static size_t ipv4(uint8_t *p, size_t payload, const char to[4])
{
	memset(p, 0, 20);
	p[0] = 0x45;
	bytes_put_be16(p + 2, (uint16_t)(20 + payload));
	p[9] = 1;
	memcpy(p + 16, to, 4);
	return 20;
}

static size_t reply4(uint8_t p[64])
{
	size_t n = ipv4(p, ICMP_ECHO_SIZE, "\x0a\0\0\x02");

	icmp_build_echo4(&echo, p + n);
	p[n] = 0;
	seal(p + n, ICMP_ECHO_SIZE);
	return n + ICMP_ECHO_SIZE;
}

/* An error whose quote is our echo cut to quoted bytes of ICMP. */
static size_t error4(uint8_t p[128], uint8_t type, uint8_t code, size_t quoted)
{
	size_t n = ipv4(p, 8 + 20 + quoted, "\x0a\0\0\x02"), icmp = n;
	uint8_t request[ICMP_ECHO_SIZE];

	memset(p + n, 0, 8);
	p[n] = type;
	p[n + 1] = code;
	n += 8;
	n += ipv4(p + n, ICMP_ECHO_SIZE, "\x01\x01\x01\x01");
	icmp_build_echo4(&echo, request);
	memcpy(p + n, request, quoted);
	n += quoted;
	seal(p + icmp, n - icmp);
	return n;
}

static size_t error6(uint8_t p[128], uint8_t type, uint8_t code)
{
	memset(p, 0, 48);
	p[0] = type;
	p[1] = code;
	p[8] = 0x60;
	p[8 + 6] = 58;
	p[8 + 24] = 0xfd;
	icmp_build_echo6(&echo, p + 48);
	return 48 + ICMP_ECHO_SIZE;
}

static void checksum_of_a_request_is_right(void **state)
{
	uint8_t out[ICMP_ECHO_SIZE];

	(void)state;
	icmp_build_echo4(&echo, out);
	assert_int_equal(out[0], 8);
	assert_int_equal(sum(out, sizeof(out)), 0xffff);
	icmp_build_echo6(&echo, out);
	assert_int_equal(out[0], 128);
	assert_int_equal(bytes_get_be16(out + 2), 0);
}

static void reads_a_reply(void **state)
{
	uint8_t p[64];
	struct icmp_message m;
	size_t n = reply4(p);

	(void)state;
	assert_int_equal(icmp_parse4(p, n, &m), 0);
	assert_int_equal(m.kind, ICMP_KIND_REPLY);
	assert_int_equal(m.echo.id, echo.id);
	assert_int_equal(m.echo.seq, echo.seq);
	assert_true(m.has_cookie && m.echo.cookie == echo.cookie);

	icmp_build_echo6(&echo, p);
	p[0] = 129;
	assert_int_equal(icmp_parse6(p, ICMP_ECHO_SIZE, &m), 0);
	assert_int_equal(m.kind, ICMP_KIND_REPLY);
	assert_true(m.has_cookie && m.echo.cookie == echo.cookie);
}

static void reads_ip_options(void **state)
{
	uint8_t p[64];
	struct icmp_message m;

	(void)state;
	reply4(p);
	memmove(p + 24, p + 20, ICMP_ECHO_SIZE);
	p[0] = 0x46;
	bytes_put_be16(p + 2, 24 + ICMP_ECHO_SIZE);
	assert_int_equal(icmp_parse4(p, 24 + ICMP_ECHO_SIZE, &m), 0);
	assert_int_equal(m.echo.seq, echo.seq);
}

static void reads_the_quote_of_an_error(void **state)
{
	static const struct {
		uint8_t type, code;
		enum icmp_kind kind;
	} row4[] = {{3, 1, ICMP_KIND_UNREACHABLE}, {3, 13, ICMP_KIND_UNREACHABLE},
		{3, 4, ICMP_KIND_TOO_BIG}, {11, 0, ICMP_KIND_EXPIRED}},
	  row6[] = {{1, 3, ICMP_KIND_UNREACHABLE}, {2, 0, ICMP_KIND_TOO_BIG},
		  {3, 0, ICMP_KIND_EXPIRED}};
	uint8_t p[128];
	struct icmp_message m;

	(void)state;
	for (size_t i = 0; i < sizeof(row4) / sizeof(row4[0]); i++) {
		size_t n = error4(p, row4[i].type, row4[i].code, ICMP_ECHO_SIZE);

		assert_int_equal(icmp_parse4(p, n, &m), 0);
		assert_int_equal(m.kind, row4[i].kind);
		assert_int_equal(m.code, row4[i].code);
		assert_int_equal(m.echo.seq, echo.seq);
		assert_true(m.has_cookie && m.echo.cookie == echo.cookie);
		assert_memory_equal(m.target, "\x01\x01\x01\x01", 4);
	}
	for (size_t i = 0; i < sizeof(row6) / sizeof(row6[0]); i++) {
		size_t n = error6(p, row6[i].type, row6[i].code);

		assert_int_equal(icmp_parse6(p, n, &m), 0);
		assert_int_equal(m.kind, row6[i].kind);
		assert_true(m.has_cookie && m.echo.cookie == echo.cookie);
		assert_int_equal(m.target[0], 0xfd);
	}
}

static void a_quote_may_end_after_eight_bytes(void **state)
{
	uint8_t p[128];
	struct icmp_message m;

	(void)state;
	assert_int_equal(icmp_parse4(p, error4(p, 3, 1, 8), &m), 0);
	assert_false(m.has_cookie);
	assert_int_equal(m.echo.id, echo.id);
	assert_int_equal(icmp_parse4(p, error4(p, 3, 1, 7), &m), -ENOMSG);
}

static void damage_is_seen(void **state)
{
	uint8_t p[64];
	struct icmp_message m;
	size_t n = reply4(p);

	(void)state;
	for (size_t bit = 20 * 8; bit < n * 8; bit++) {
		p[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_not_equal(icmp_parse4(p, n, &m), 0);
		p[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

/* The kernel cuts large replies to the size of our buffer. */
static void a_packet_cut_by_the_reader_is_good(void **state)
{
	uint8_t p[64];
	struct icmp_message m;
	size_t n = reply4(p);

	(void)state;
	bytes_put_be16(p + 2, 1500);
	assert_int_equal(icmp_parse4(p, n, &m), 0);
	assert_true(m.echo.cookie == echo.cookie);
	assert_int_equal(icmp_parse4(p, n - 1, &m), -ENOMSG);
}

static void other_packets_are_told_apart(void **state)
{
	uint8_t p[128];
	struct icmp_message m;
	size_t n;

	(void)state;
	n = reply4(p);
	p[9] = 17; /* not ICMP */
	assert_int_equal(icmp_parse4(p, n, &m), -EBADMSG);
	n = reply4(p);
	p[7] = 1; /* a later fragment */
	assert_int_equal(icmp_parse4(p, n, &m), -EBADMSG);
	n = reply4(p);
	p[20] = 8; /* a request */
	seal(p + 20, n - 20);
	assert_int_equal(icmp_parse4(p, n, &m), -ENOMSG);
	n = error4(p, 3, 3, ICMP_ECHO_SIZE);
	p[28 + 9] = 17; /* about somebody's UDP */
	seal(p + 20, n - 20);
	assert_int_equal(icmp_parse4(p, n, &m), -ENOMSG);
	n = error6(p, 1, 0);
	p[8 + 6] = 6; /* about somebody's TCP */
	assert_int_equal(icmp_parse6(p, n, &m), -ENOMSG);
	assert_int_equal(icmp_parse6(p, 7, &m), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checksum_of_a_request_is_right),
		cmocka_unit_test(reads_a_reply),
		cmocka_unit_test(reads_ip_options),
		cmocka_unit_test(reads_the_quote_of_an_error),
		cmocka_unit_test(a_quote_may_end_after_eight_bytes),
		cmocka_unit_test(damage_is_seen),
		cmocka_unit_test(a_packet_cut_by_the_reader_is_good),
		cmocka_unit_test(other_packets_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
