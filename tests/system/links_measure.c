/*
 * What links.c and counters.c cost and how fast they are, in a network namespace of this process
 * alone.
 *
 *      latency      a child changes something; from before its system call to the INPUT_PATH
 *      late carrier the second of two carrier losses within a second, on a device like hardware,
 *                   told by the kernel and asked for with links_look()
 *      reads        µs for one counters_read() and one links_look() of 1, 4 and 8 links
 *      dump         ms until a changed default route is seen, among many other routes in table main
 *      memory       kB resident for the adapters, 8 links
 *
 * Fails only when something is off by an order of magnitude.  77: may not make namespaces.
 */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/counters.h"
#include "io/links.h"
#include "io/log.h"
#include "io/netlink.h"

#define LINKS 8
#define SLOT_HW1 1 /* configured links come first */
#define SLOT_U0 2
#define TRIALS 150
#define READS 20000

static struct event_base *base;
static struct inbox inbox;
static struct config config;
static struct links *links;
static struct counters *counters;
static char run_dir[] = "/tmp/links_measure.XXXXXX";
static int failures;

/* Between the child that changes the kernel and us. */
static struct {
	volatile int64_t began_us;
} * shared;

static void nothing(void *user)
{
	(void)user;
}

static void run(const char *format, int a, int b)
{
	char line[256];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(line, sizeof(line), format, a, b);
#pragma GCC diagnostic pop
	if (system(line) != 0)
		fprintf(stderr, "failed: %s\n", line);
}

static void limit(const char *what, double value, double most)
{
	if (value <= most)
		return;
	printf("%s: %.1f is more than %.1f\n", what, value, most);
	failures++;
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void empty_inbox(void)
{
	struct input in;

	while (inbox_take(&inbox, &in)) {
		if (in.kind == INPUT_PATH)
			counters_set_link(counters, path_link(in.path.path), in.path.facts.ifindex);
	}
}

/* Turns the loop until nothing comes for so long. */
static void settle(int64_t quiet_us)
{
	int64_t until_us = inbox_clock_us() + quiet_us;

	while (inbox_clock_us() < until_us) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		if (inbox_room(&inbox) != INBOX_SIZE)
			until_us = inbox_clock_us() + quiet_us;
		empty_inbox();
		usleep(1000);
	}
}

/* Waits for an input about a path; its time, or 0 after 3 s. */
static int64_t await_path(unsigned path)
{
	int64_t until_us = inbox_clock_us() + 3 * USEC_S;
	struct timeval tick = {.tv_sec = 1};
	struct input in;

	while (inbox_clock_us() < until_us) {
		event_base_loopexit(base, &tick);
		event_base_loop(base, EVLOOP_ONCE);
		while (inbox_take(&inbox, &in)) {
			if (in.kind == INPUT_PATH && in.path.path == path)
				return inbox_clock_us();
		}
	}
	return 0;
}

/* The child's work, without a process started in the time that counts: rtnetlink by hand. */
static void change_route(struct netlink *n, struct netlink_batch *b, unsigned trial)
{
	struct rtmsg header = {.rtm_family = AF_INET,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_STATIC,
		.rtm_type = RTN_UNICAST};
	struct nlmsghdr *nlh;

	netlink_batch_init(b);
	nlh = netlink_batch_begin(b, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, &header,
		sizeof(header));
	mnl_attr_put_u32(nlh, RTA_OIF, if_nametoindex("u0"));
	mnl_attr_put_u32(nlh, RTA_PRIORITY, 100);
	mnl_attr_put_u32(nlh, RTA_GATEWAY, htonl(0x0a000001 + trial % 2 * 8));
	shared->began_us = inbox_clock_us();
	(void)netlink_run(n, b, NULL, NULL);
}

static void change_carrier(struct netlink *n, struct netlink_batch *b, unsigned trial)
{
	struct ifinfomsg header = {.ifi_index = (int)if_nametoindex("p0"), .ifi_change = IFF_UP};

	header.ifi_flags = trial % 2 ? 0 : IFF_UP;
	netlink_batch_init(b);
	(void)netlink_batch_begin(b, RTM_NEWLINK, 0, &header, sizeof(header));
	shared->began_us = inbox_clock_us();
	(void)netlink_run(n, b, NULL, NULL);
}

static void measure_latency(const char *what,
	void (*change)(struct netlink *n, struct netlink_batch *b, unsigned trial), double most_us)
{
	static int64_t took_us[TRIALS];
	unsigned missed = 0;

	for (unsigned i = 0; i < TRIALS; i++) {
		int64_t at_us;
		pid_t child = fork();

		if (child == 0) {
			struct netlink n;
			struct netlink_batch b;

			if (netlink_open(&n, NETLINK_ROUTE))
				_exit(1);
			usleep(3000); /* until the parent sleeps in its loop */
			change(&n, &b, i + 1);
			_exit(0);
		}
		at_us = await_path(path_of(SLOT_U0, FAMILY_IPV4));
		waitpid(child, NULL, 0);
		if (at_us)
			took_us[i - missed] = at_us - shared->began_us;
		else
			missed++;
		settle(60 * USEC_MS);
	}
	qsort(took_us, TRIALS - missed, sizeof(took_us[0]), compare);
	printf("%-28s p50 %4lld us  p99 %5lld us  max %5lld us  (%u of %u seen)\n", what,
		(long long)took_us[(TRIALS - missed) / 2],
		(long long)took_us[(TRIALS - missed) * 99 / 100],
		(long long)took_us[TRIALS - missed - 1], TRIALS - missed, TRIALS);
	limit(what, (double)took_us[(TRIALS - missed) / 2], most_us);
	limit("changes that were not seen", missed, 0);
}

/* A device whose carrier we are, as a driver is of its hardware's. */
static int open_tap(const char *name)
{
	struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return -1;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (ioctl(fd, TUNSETIFF, &request) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void set_carrier(int tap, int on)
{
	if (ioctl(tap, TUNSETCARRIER, &on) < 0)
		perror("TUNSETCARRIER");
}

/* Takes one carrier, a little later the other; µs until the second is in the inbox.  ask:
   links_look() every 20 ms. */
static int64_t lose_two_carriers(const int tap[2], bool ask)
{
	struct timeval tick = {.tv_usec = 20000};
	int64_t began_us;
	struct input in;

	set_carrier(tap[0], 1);
	set_carrier(tap[1], 1);
	settle(2500 * USEC_MS);
	set_carrier(tap[0], 0);
	settle(100 * USEC_MS);
	began_us = inbox_clock_us();
	set_carrier(tap[1], 0);
	while (inbox_clock_us() < began_us + 3 * USEC_S) {
		event_base_loopexit(base, &tick);
		event_base_loop(base, 0);
		if (ask)
			links_look(links, UINT32_MAX);
		while (inbox_take(&inbox, &in)) {
			if (in.kind == INPUT_PATH &&
				in.path.path == path_of(SLOT_HW1, FAMILY_IPV4) &&
				!in.path.facts.carrier)
				return inbox_clock_us() - began_us;
		}
	}
	return -1;
}

static void measure_late_carrier(void)
{
	int tap[2];

	for (int i = 0; i < 2; i++) {
		tap[i] = open_tap(i ? "hw1" : "hw0");
		if (tap[i] < 0) {
			printf("no TUN devices here: late carrier is not measured\n");
			return;
		}
		run("ip link set hw%d up", i, 0);
		run("ip addr add 10.9%d.0.2/24 dev hw%d", i, i);
		settle(100 * USEC_MS);
	}
	printf("second carrier lost within 1 s, told %lld us, asked every 20 ms %lld us\n",
		(long long)lose_two_carriers(tap, false), (long long)lose_two_carriers(tap, true));
	close(tap[0]);
	close(tap[1]);
}

static void measure_reads(void)
{
	static const unsigned counts[] = {1, 4, 8};

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		uint32_t mask = ((UINT32_C(1) << counts[i]) - 1) << SLOT_U0;
		int64_t began_us = inbox_clock_us();
		double read_us, look_us;

		for (unsigned j = 0; j < READS; j++) {
			counters_read(counters, mask, 0);
			empty_inbox();
		}
		read_us = (double)(inbox_clock_us() - began_us) / READS;
		began_us = inbox_clock_us();
		for (unsigned j = 0; j < READS; j++)
			links_look(links, mask);
		look_us = (double)(inbox_clock_us() - began_us) / READS;
		printf("%u links: counters_read %.2f us, links_look %.2f us\n", counts[i], read_us,
			look_us);
		limit("counters_read", read_us, 200);
	}
}

static void measure_dump(int routes, int gateway)
{
	FILE *f = popen("ip -batch -", "w");
	int64_t began_us;

	if (!f)
		return;
	for (int i = 0; i < routes; i++)
		fprintf(f, "route add 172.%d.%d.%d/32 via 10.0.0.1 dev u0\n", 16 + i / 65536,
			i / 256 % 256, i % 256);
	pclose(f);
	settle(60 * USEC_MS);
	run("ip route replace default via 10.0.0.%d dev u0 metric 100", gateway, 0);
	began_us = inbox_clock_us();
	printf("%d more routes in main: default route seen after %lld us\n", routes,
		(long long)(await_path(path_of(SLOT_U0, FAMILY_IPV4)) - began_us));
	settle(100 * USEC_MS);
}

static long resident_kb(void)
{
	long size = 0, resident = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f && fscanf(f, "%ld %ld", &size, &resident) != 2)
		resident = 0;
	if (f)
		fclose(f);
	return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static bool prepare(void)
{
	static const char text[] = "config link 'hw0'\n\toption device 'hw0'\n"
				   "config link 'hw1'\n\toption device 'hw1'\n";
	struct config_problems problems;

	if (unshare(CLONE_NEWNET) < 0 || !mkdtemp(run_dir)) {
		perror("unshare");
		return false;
	}
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		0);
	if (shared == MAP_FAILED)
		return false;
	for (int i = 0; i < LINKS; i++) {
		run("ip link add u%d type veth peer name p%d", i, i);
		run("ip link set p%d up; ip link set u%d up", i, i);
		run("ip addr add 10.%d.0.2/24 dev u%d", i, i);
		run("ip route add default via 10.%d.0.1 metric %d", i, 100 + i);
	}
	config_default(&config);
	return !config_parse("measure", text, sizeof(text) - 1, &config, &problems);
}

int main(void)
{
	char file[64];
	long before_kb;

	setvbuf(stdout, NULL, _IOLBF, 0);
	log_open("links_measure", LOG_WARNING, false);
	if (geteuid() != 0 || !prepare()) {
		printf("needs root and namespaces\n");
		return 77;
	}
	base = event_base_new();
	inbox_init(&inbox);
	settle(USEC_MS);
	before_kb = resident_kb();
	links = links_new(base, &inbox, run_dir, &config, nothing, NULL);
	counters = counters_new(&inbox);
	if (!links || !counters) {
		perror("links_measure");
		return 1;
	}
	settle(100 * USEC_MS);
	counters_read(counters, UINT32_MAX, 0);
	empty_inbox();
	printf("resident: %ld kB more for links and counters\n", resident_kb() - before_kb);
	measure_latency("default route changed", change_route, 20000);
	measure_latency("carrier changed", change_carrier, 20000);
	measure_reads();
	measure_dump(0, 5);
	measure_dump(50000, 6);
	measure_late_carrier();
	links_free(links);
	counters_free(counters);
	event_base_free(base);
	snprintf(file, sizeof(file), "%s/slots", run_dir);
	unlink(file);
	rmdir(run_dir);
	return failures ? 1 : 0;
}
