/* Reads the loopback device of this machine; any user may. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <net/if.h>
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

	counters_read(counters, UINT32_C(1) << link);
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
	counters_read(counters, UINT32_MAX);
	assert_true(inbox_take(&inbox, &in));
	assert_true(inbox_take(&inbox, &in));
	assert_false(inbox_take(&inbox, &in));
	assert_false(counters->by_getlink);
	counters_set_link(counters, 3, 0);
	counters_read(counters, 1U << 3 | 1U << 7 | 1U << 9);
	assert_false(inbox_take(&inbox, &in));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(counters_rise_with_traffic, begin, end),
		cmocka_unit_test_setup_teardown(both_ways_of_asking_tell_the_same, begin, end),
		cmocka_unit_test_setup_teardown(only_links_that_were_asked_for_and_exist, begin,
			end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
