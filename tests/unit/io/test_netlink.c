/* Against the kernel of this machine, reading only: any user may. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/netlink.h"

static struct netlink netlink;
static struct netlink_batch batch;

static int open_it(void **state)
{
	(void)state;
	return netlink_open(&netlink, NETLINK_ROUTE);
}

static int close_it(void **state)
{
	(void)state;
	netlink_close(&netlink);
	netlink_close(&netlink);
	return 0;
}

static int count(const struct nlmsghdr *nlh, void *user)
{
	if (nlh->nlmsg_type == RTM_NEWLINK)
		++*(int *)user;
	return 0;
}

static void put_get_link(int ifindex)
{
	struct ifinfomsg header = {.ifi_index = ifindex};

	assert_non_null(netlink_batch_begin(&batch, RTM_GETLINK, 0, &header, sizeof(header)));
}

static void every_message_of_a_batch_is_answered(void **state)
{
	int answers = 0;

	(void)state;
	netlink_batch_init(&batch);
	assert_int_equal(netlink_run(&netlink, &batch, NULL, NULL), 0);
	put_get_link(1);
	put_get_link(123456);
	put_get_link(1);
	assert_int_equal(netlink_run(&netlink, &batch, count, &answers), -ENODEV);
	assert_int_equal(answers, 2);
	assert_int_equal(batch.error[0], 0);
	assert_int_equal(batch.error[1], -ENODEV);
	assert_int_equal(batch.error[2], 0);
}

static void full_batch_says_so(void **state)
{
	struct ifinfomsg header = {.ifi_index = 1};
	unsigned n = 0;

	(void)state;
	netlink_batch_init(&batch);
	while (netlink_batch_begin(&batch, RTM_GETLINK, 0, &header, sizeof(header)))
		n++;
	assert_int_equal(n, NETLINK_BATCH_MESSAGES);
	n = 0;
	assert_int_equal(netlink_run(&netlink, &batch, count, &n), 0);
	assert_int_equal(n, NETLINK_BATCH_MESSAGES);

	/* large messages: as many as fit whole */
	netlink_batch_init(&batch);
	for (n = 0;; n++) {
		static const uint8_t filling[NETLINK_MESSAGE_MAX - 64];
		struct nlmsghdr *nlh =
			netlink_batch_begin(&batch, RTM_GETLINK, 0, &header, sizeof(header));

		if (!nlh)
			break;
		mnl_attr_put(nlh, 999, sizeof(filling), filling);
		assert_true(nlh->nlmsg_len <= NETLINK_MESSAGE_MAX);
	}
	assert_true(n >= NETLINK_BATCH_SIZE / NETLINK_MESSAGE_MAX);
}

static void kernel_says_why(void **state)
{
	struct rtmsg header = {.rtm_family = AF_INET, .rtm_dst_len = 77};

	(void)state;
	netlink_batch_init(&batch);
	assert_non_null(netlink_batch_begin(&batch, RTM_GETROUTE, 0, &header, sizeof(header)));
	assert_int_equal(netlink_run(&netlink, &batch, NULL, NULL), -EINVAL);
	assert_string_not_equal(netlink.text, "");
	netlink_batch_init(&batch);
	put_get_link(1);
	assert_int_equal(netlink_run(&netlink, &batch, NULL, NULL), 0);
	assert_string_equal(netlink.text, "");
}

static int stop(const struct nlmsghdr *nlh, void *user)
{
	(void)nlh;
	(void)user;
	return -ECANCELED;
}

static int refuse(const struct nlmsghdr *nlh, void *user)
{
	(void)nlh;
	(void)user;
	return -E2BIG;
}

static void dumps(void **state)
{
	struct ifinfomsg header = {0};
	struct rtmsg wrong = {.rtm_family = AF_INET, .rtm_dst_len = 77};
	int n = 0, again = 0;

	(void)state;
	assert_int_equal(netlink_dump(&netlink, RTM_GETLINK, &header, sizeof(header), count, &n),
		0);
	assert_true(n >= 1);
	assert_int_equal(netlink_dump(&netlink, RTM_GETLINK, &header, sizeof(header), refuse, NULL),
		-E2BIG);
	assert_int_equal(netlink_dump(&netlink, RTM_GETLINK, &header, sizeof(header), stop, NULL),
		0);
	assert_int_equal(netlink_dump(&netlink, RTM_GETROUTE, &wrong, sizeof(wrong), count, &n),
		-EINVAL);
	/* none of them left anything behind */
	assert_int_equal(netlink_dump(&netlink, RTM_GETLINK, &header, sizeof(header), count,
				 &again),
		0);
	assert_int_equal(again, n);
}

static int seen;

static int see(const struct nlmsghdr *nlh, void *user)
{
	(void)user;
	seen += nlh->nlmsg_type == RTM_NEWLINK;
	return 0;
}

static void lose(void *user)
{
	(void)user;
	fail();
}

/* Another process may write to our socket, if it is root's; only the kernel is believed. */
static void messages_of_other_processes_are_not_believed(void **state)
{
	struct event_base *base = event_base_new();
	struct netlink_events events = {.each = see, .lost = lose};
	struct sockaddr_nl to = {.nl_family = AF_NETLINK};
	struct {
		struct nlmsghdr nlh;
		struct ifinfomsg link;
	} spoofed = {.nlh = {.nlmsg_len = sizeof(spoofed), .nlmsg_type = RTM_NEWLINK}};
	int fd;

	(void)state;
	assert_int_equal(netlink_events_open(&events, base, NETLINK_ROUTE, NULL, 0), 0);
	to.nl_pid = events.netlink.portid;
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	assert_true(fd >= 0);
	if (sendto(fd, &spoofed, sizeof(spoofed), 0, (struct sockaddr *)&to, sizeof(to)) > 0) {
		netlink_events_read(&events);
		assert_int_equal(events.netlink.foreign, 1);
	}
	assert_int_equal(seen, 0);
	close(fd);
	netlink_events_close(&events);
	netlink_events_close(&events);
	event_base_free(base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_message_of_a_batch_is_answered, open_it,
			close_it),
		cmocka_unit_test_setup_teardown(full_batch_says_so, open_it, close_it),
		cmocka_unit_test_setup_teardown(kernel_says_why, open_it, close_it),
		cmocka_unit_test_setup_teardown(dumps, open_it, close_it),
		cmocka_unit_test(messages_of_other_processes_are_not_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
