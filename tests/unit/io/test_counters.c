/* Reads the loopback device of this machine; any user may. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <net/if.h>
#include <stdlib.h>
#include <unistd.h>

/* the fallback of old kernels is inside */
#include "io/counters.c"

static struct inbox inbox;
static struct counters *counters;

static int begin(void **state)
{
	(void)state;
	inbox_init(&inbox);
	counters = counters_new(&inbox);
	if (!counters)
		return -1;
	counters_set_link(counters, 3, if_nametoindex("lo"));
	return 0;
}

static int end(void **state)
{
	(void)state;
	counters_free(counters);
	return 0;
}

static struct input_counters read_one(unsigned link)
{
	struct input in = {0};

	counters_read(counters, UINT32_C(1) << link, 0);
	assert_true(inbox_take(&inbox, &in));
	assert_int_equal(in.kind, INPUT_COUNTERS);
	assert_int_equal(in.counters.link, link);
	assert_true(in.now_us > 0 && in.now_us <= inbox_clock_us());
	assert_int_equal(inbox_room(&inbox), INBOX_SIZE);
	return in.counters;
}

static void send_over_loopback(unsigned packets)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons(9),
		.sin_addr = {htonl(INADDR_LOOPBACK)}};
	char text[100] = {0};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	for (unsigned i = 0; i < packets; i++)
		(void)sendto(fd, text, sizeof(text), 0, (struct sockaddr *)&to, sizeof(to));
	close(fd);
}

static void counters_rise_with_traffic(void **state)
{
	struct input_counters before, after;

	(void)state;
	for (int by_getlink = 0; by_getlink < 2; by_getlink++) {
		counters->by_getlink = by_getlink;
		before = read_one(3);
		send_over_loopback(10);
		after = read_one(3);
		assert_true(after.tx_packets >= before.tx_packets + 10);
		assert_true(after.rx_packets >= before.rx_packets + 10);
		assert_true(after.tx_bytes >= before.tx_bytes + 10 * 128);
		assert_true(after.rx_bytes >= before.rx_bytes + 10 * 128);
	}
}

static void both_ways_of_asking_tell_the_same(void **state)
{
	struct input_counters a, b;
	int tries = 0;

	(void)state;
	do { /* the loopback device may be busy */
		counters->by_getlink = false;
		a = read_one(3);
		counters->by_getlink = true;
		b = read_one(3);
	} while (a.tx_packets != b.tx_packets && tries++ < 100);
	assert_int_equal(a.tx_packets, b.tx_packets);
	assert_int_equal(a.rx_packets, b.rx_packets);
	assert_int_equal(a.tx_bytes, b.tx_bytes);
	assert_int_equal(a.rx_bytes, b.rx_bytes);
}

static void only_links_that_were_asked_for_and_exist(void **state)
{
	struct input in;

	(void)state;
	counters_set_link(counters, 5, if_nametoindex("lo"));
	counters_set_link(counters, 7, 123456);
	counters_set_link(counters, 99, 1);
	(void)read_one(5);
	counters_read(counters, UINT32_MAX, 0);
	assert_true(inbox_take(&inbox, &in));
	assert_true(inbox_take(&inbox, &in));
	assert_false(inbox_take(&inbox, &in));
	assert_false(counters->by_getlink);
	counters_set_link(counters, 3, 0);
	counters_read(counters, 1U << 3 | 1U << 7 | 1U << 9, 0);
	assert_false(inbox_take(&inbox, &in));
}

/* An answer to RTM_GETLINK, as the kernel writes it: the device's counters, and IPv6's array in the order of mib. */
static size_t answer(const struct mib *mib, uint64_t tx, uint64_t rx, const struct ipv6 *ipv6,
	uint8_t *bytes)
{
	uint64_t array[38] = {38}, stats[4] = {rx, tx, 100 * rx, 100 * tx};
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(bytes);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(nlh, sizeof(*info));
	struct nlattr *spec, *inet6;

	nlh->nlmsg_type = RTM_NEWLINK;
	info->ifi_index = (int)if_nametoindex("lo");
	mnl_attr_put_u32(nlh, IFLA_MTU, 1500);
	mnl_attr_put(nlh, IFLA_STATS64, sizeof(stats), stats);
	array[mib->out_requests] = ipv6->tx / 4;
	array[mib->out_forwarded] = ipv6->tx - ipv6->tx / 4;
	array[mib->out_bytes] = ipv6->tx_bytes;
	array[mib->out_multicast] = ipv6->tx_multicast;
	array[mib->out_multicast + MULTICAST_BYTES] = 72 * ipv6->tx_multicast;
	array[mib->in_multicast] = ipv6->rx_multicast;
	array[mib->in_multicast + MULTICAST_BYTES] = 72 * ipv6->rx_multicast;
	array[mib->in_ecn + 2] = ipv6->rx / 4;
	array[mib->in_ecn] = ipv6->rx - ipv6->rx / 4;
	spec = mnl_attr_nest_start(nlh, IFLA_AF_SPEC);
	mnl_attr_put_u32(nlh, AF_INET, 0);
	inet6 = mnl_attr_nest_start(nlh, AF_INET6);
	mnl_attr_put_u32(nlh, IFLA_INET6_FLAGS, 0);
	mnl_attr_put(nlh, IFLA_INET6_STATS, sizeof(array), array);
	mnl_attr_nest_end(nlh, inet6);
	mnl_attr_nest_end(nlh, spec);
	counters->asked = counters->apart = 1U << 3;
	assert_int_equal(see_answer(nlh, counters), 0);
	return nlh->nlmsg_len;
}

static void answer_getlink(const struct mib *mib, uint64_t tx, uint64_t rx, const struct ipv6 *ipv6)
{
	static _Alignas(8) uint8_t bytes[2048];

	(void)answer(mib, tx, rx, ipv6, bytes);
}

static struct input_counters told(void)
{
	struct input in = {0};

	assert_true(inbox_take(&inbox, &in));
	assert_int_equal(in.kind, INPUT_COUNTERS);
	return in.counters;
}

static void families_are_told_apart_in_both_orders_of_the_array(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(mibs) / sizeof(mibs[0]); i++) {
		struct ipv6 ipv6 = {1000, 10, 200000, 900, 20};
		struct input_counters first, c;

		counters->mib = NULL;
		answer_getlink(&mibs[i], 5000, 6000, &ipv6);
		first = told();
		assert_ptr_equal(counters->mib, &mibs[i]);
		assert_true(first.apart);
		assert_int_equal(first.tx_of[FAMILY_IPV6], 990);
		assert_int_equal(first.rx_of[FAMILY_IPV6], 880);
		ipv6 = (struct ipv6){1100, 15, 220000, 960, 50};
		answer_getlink(&mibs[i], 5150, 6100, &ipv6);
		c = told();
		assert_int_equal(c.tx_of[FAMILY_IPV6], 990 + 95);
		assert_int_equal(c.rx_of[FAMILY_IPV6], 880 + 30); /* thirty more were multicast */
		assert_int_equal(c.tx_of[FAMILY_IPV4] - first.tx_of[FAMILY_IPV4], 50);
		assert_int_equal(c.rx_of[FAMILY_IPV4] - first.rx_of[FAMILY_IPV4], 40);
		counters->last[3].ifindex = 0;
	}
}

static void what_the_device_has_not_counted_yet_is_not_less_than_nothing(void **state)
{
	struct ipv6 ipv6 = {1000, 10, 200000, 900, 20};
	struct input_counters first, c;

	(void)state;
	answer_getlink(&mibs[0], 5000, 6000, &ipv6);
	first = told();
	ipv6.tx += 30;
	ipv6.tx_bytes += 3000;
	ipv6.rx += 3;
	answer_getlink(&mibs[0], 5010, 6001, &ipv6);
	c = told();
	assert_int_equal(c.tx_of[FAMILY_IPV4], first.tx_of[FAMILY_IPV4]);
	assert_int_equal(c.rx_of[FAMILY_IPV4], first.rx_of[FAMILY_IPV4]);
}

/* Ten packets of 14 kB leave as a hundred: IPv4 has not sent the ninety. */
static void packets_that_are_cut_later_are_not_taken_for_ipv4(void **state)
{
	struct ipv6 ipv6 = {1000, 10, 200000, 900, 20};
	struct input_counters first, c;

	(void)state;
	answer_getlink(&mibs[0], 5000, 6000, &ipv6);
	first = told();
	ipv6.tx += 10;
	ipv6.tx_bytes += 140000;
	answer_getlink(&mibs[0], 5100, 6000, &ipv6);
	c = told();
	assert_int_equal(c.tx_of[FAMILY_IPV4], first.tx_of[FAMILY_IPV4]);
	assert_int_equal(c.tx_of[FAMILY_IPV6], first.tx_of[FAMILY_IPV6] + 10);
}

static void damaged_answers_do_no_harm(void **state)
{
	static _Alignas(8) uint8_t original[2048];
	struct ipv6 ipv6 = {1000, 10, 200000, 900, 20};
	size_t header = sizeof(struct nlmsghdr), size;

	(void)state;
	size = answer(&mibs[0], 5000, 6000, &ipv6, original);
	(void)told();
	srand(1);
	for (int i = 0; i < 50000; i++) {
		/* of its own, so that the sanitizer sees its end */
		size_t length = size - (size_t)(rand() % 2) * ((size_t)rand() % (size - header));
		uint8_t *copy = malloc(length);
		struct input in;

		assert_non_null(copy);
		memcpy(copy, original, length);
		((struct nlmsghdr *)(void *)copy)->nlmsg_len = (uint32_t)length;
		for (int k = rand() % 4; k >= 0; k--)
			copy[header + (size_t)rand() % (length - header)] = (uint8_t)rand();
		counters->asked = counters->apart = 1U << 3;
		assert_int_equal(see_answer((struct nlmsghdr *)(void *)copy, counters), 0);
		(void)inbox_take(&inbox, &in);
		free(copy);
	}
}

static void an_array_of_neither_order_tells_nothing(void **state)
{
	struct ipv6 ipv6 = {1000, 0, 200000, 900, 20};

	(void)state;
	answer_getlink(&mibs[0], 5000, 6000, &ipv6);
	assert_false(told().apart);
	assert_null(counters->mib);
}

/* The loopback device sends no multicast by itself: what order the array has must be known. */
static void the_kernels_own_answer_is_understood(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(mibs) / sizeof(mibs[0]); i++) {
		struct input in = {0};
		struct input_counters c;

		counters->mib = &mibs[i];
		counters_read(counters, 1U << 3, 1U << 3);
		assert_true(inbox_take(&inbox, &in));
		c = in.counters;
		if (!c.apart)
			skip(); /* no IPv6 here */
		assert_true(c.tx_packets > 0 || !c.tx_of[FAMILY_IPV4]);
		assert_false(counters->by_getlink);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(counters_rise_with_traffic, begin, end),
		cmocka_unit_test_setup_teardown(both_ways_of_asking_tell_the_same, begin, end),
		cmocka_unit_test_setup_teardown(families_are_told_apart_in_both_orders_of_the_array,
			begin, end),
		cmocka_unit_test_setup_teardown(
			what_the_device_has_not_counted_yet_is_not_less_than_nothing, begin, end),
		cmocka_unit_test_setup_teardown(packets_that_are_cut_later_are_not_taken_for_ipv4,
			begin, end),
		cmocka_unit_test_setup_teardown(damaged_answers_do_no_harm, begin, end),
		cmocka_unit_test_setup_teardown(an_array_of_neither_order_tells_nothing, begin,
			end),
		cmocka_unit_test_setup_teardown(the_kernels_own_answer_is_understood, begin, end),
		cmocka_unit_test_setup_teardown(only_links_that_were_asked_for_and_exist, begin,
			end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
