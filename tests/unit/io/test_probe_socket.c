/*
 * Times of arrival, with a realtime clock that is stepped while the packet waits.  Loopback only,
 * no privileges.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/usec.h"
#include "io/inbox.h"
#include "io/probe_socket.h"

static int64_t step_us;

/* Stands in for libc's: the kernel's stamps stay where they are, our reading of the clock moves. */
int clock_gettime(clockid_t clock, struct timespec *t)
{
	long result = syscall(SYS_clock_gettime, clock, t);

	if (clock == CLOCK_REALTIME)
		t->tv_sec += (time_t)(step_us / USEC_S);
	return (int)result;
}

/* How long before it was read the packet is said to have come in, having waited for wait_us. */
static int64_t age_us(int64_t wait_us, int64_t stepped_us)
{
	static struct probe_batch batch;
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(at);
	int fd = socket(AF_INET, SOCK_DGRAM, 0), on = 1;

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &length), 0);
	assert_int_equal(sendto(fd, "abc", 3, 0, (struct sockaddr *)&at, sizeof(at)), 3);
	usleep((useconds_t)wait_us);
	step_us = stepped_us;
	probe_batch_init(&batch);
	assert_int_equal(probe_receive(fd, PROBE_PACKETS_MAX, &batch), 1);
	step_us = 0;
	close(fd);
	assert_int_equal(batch.packet[0].size, 3);
	assert_memory_equal(batch.packet[0].data, "abc", 3);
	assert_int_equal(batch.packet[0].hop_limit, -1);
	return batch.now_us - batch.packet[0].arrived_us;
}

static void time_in_the_queue_does_not_count(void **state)
{
	int64_t age;

	(void)state;
	/* the kernel begins to stamp a moment after the first socket asks for it */
	age_us(50 * USEC_MS, 0);
	age = age_us(50 * USEC_MS, 0);
	assert_in_range(age, 49 * USEC_MS, 500 * USEC_MS);
}

static void a_step_of_the_clock_is_not_believed(void **state)
{
	(void)state;
	assert_int_equal(age_us(1000, 3600 * USEC_S), 0);
	assert_int_equal(age_us(1000, -3600 * USEC_S), 0);
}

static void both_clocks_are_read_together(void **state)
{
	int64_t realtime_us, before_us = inbox_clock_us(), now_us = probe_clock_us(&realtime_us);

	(void)state;
	assert_true(now_us >= before_us && now_us <= inbox_clock_us());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(time_in_the_queue_does_not_count),
		cmocka_unit_test(a_step_of_the_clock_is_not_believed),
		cmocka_unit_test(both_clocks_are_read_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
