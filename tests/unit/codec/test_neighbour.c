/* ARP and neighbour discovery. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "codec/arp.h"
#include "codec/nd.h"

static void arp_is_written_and_read(void **state)
{
	static const uint8_t wire[ARP_SIZE] = "\0\1\x08\0\6\4\0\1\2\0\0\0\0\1\x0a\0\0\2"
					      "\0\0\0\0\0\0\x0a\0\0";
	struct arp arp = {.operation = ARP_OPERATION_REQUEST,
			   .sender_hardware = {2, 0, 0, 0, 0, 1},
			   .sender = {10, 0, 0, 2},
			   .target = {10, 0, 0, 0}},
		   back = {0};
	uint8_t out[ARP_SIZE + 18] = {0};

	(void)state;
	arp_build(&arp, out);
	assert_memory_equal(out, wire, ARP_SIZE);
	assert_int_equal(arp_parse(out, sizeof(out), &back), 0);
	assert_memory_equal(&arp, &back, sizeof(arp));
}

static void arp_of_other_kinds_is_refused(void **state)
{
	uint8_t wire[ARP_SIZE];
	struct arp arp = {.operation = ARP_OPERATION_REPLY};

	(void)state;
	arp_build(&arp, wire);
	for (size_t n = 0; n < ARP_SIZE; n++)
		assert_int_equal(arp_parse(wire, n, &arp), -EBADMSG);
	for (size_t i = 0; i < 6; i++) {
		wire[i] ^= 2;
		assert_int_equal(arp_parse(wire, sizeof(wire), &arp), -EBADMSG);
		wire[i] ^= 2;
	}
}

static const uint8_t target[16] = {0xfe, 0x80, [11] = 0xaa, [12] = 0xbb, 1, 2, 3};

static void solicits_the_right_group(void **state)
{
	static const uint8_t group[16] = {0xff, 2, [11] = 1, [12] = 0xff, 1, 2, 3};
	static const uint8_t wire[ND_SOLICITATION_SIZE] = {135, [8] = 0xfe, 0x80, [19] = 0xaa, 0xbb,
		1, 2, 3, 1, 1, 2, 4, 6, 8, 10, 12};
	uint8_t out[ND_SOLICITATION_SIZE], to[16];

	(void)state;
	nd_solicited_node(target, to);
	assert_memory_equal(to, group, sizeof(group));
	nd_build_solicitation(target, (const uint8_t *)"\2\4\6\x8\xa\xc", out);
	assert_memory_equal(out, wire, sizeof(wire));
}

static void reads_an_advertisement(void **state)
{
	uint8_t wire[32] = {136, [4] = 0x60, [24] = 2, 1};
	struct nd_advertisement na;

	(void)state;
	memcpy(wire + 8, target, 16);
	assert_int_equal(nd_parse_advertisement(wire, 32, &na), 0);
	assert_true(na.solicited && na.override && !na.router);
	assert_memory_equal(na.target, target, 16);
	assert_int_equal(nd_parse_advertisement(wire, 24, &na), 0);
}

static void invalid_advertisements_are_refused(void **state)
{
	uint8_t wire[32] = {136, [4] = 0x60, [24] = 2, 1};
	struct nd_advertisement na;

	(void)state;
	memcpy(wire + 8, target, 16);
	for (size_t n = 0; n < 32; n++) {
		if (n != 24)
			assert_int_equal(nd_parse_advertisement(wire, n, &na), -EBADMSG);
	}
	wire[25] = 0; /* an option without length */
	assert_int_equal(nd_parse_advertisement(wire, 32, &na), -EBADMSG);
	wire[25] = 2; /* one that is longer than the packet */
	assert_int_equal(nd_parse_advertisement(wire, 32, &na), -EBADMSG);
	wire[25] = 1;
	wire[8] = 0xff; /* a group as target */
	assert_int_equal(nd_parse_advertisement(wire, 32, &na), -EBADMSG);
	wire[8] = 0xfe;
	wire[1] = 1; /* a code */
	assert_int_equal(nd_parse_advertisement(wire, 32, &na), -EBADMSG);
	wire[0] = 135; /* a solicitation */
	assert_int_equal(nd_parse_advertisement(wire, 32, &na), -ENOMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arp_is_written_and_read),
		cmocka_unit_test(arp_of_other_kinds_is_refused),
		cmocka_unit_test(solicits_the_right_group),
		cmocka_unit_test(reads_an_advertisement),
		cmocka_unit_test(invalid_advertisements_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
