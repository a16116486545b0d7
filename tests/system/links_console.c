/*
 * Links by hand: prints what links.c leaves in the inbox, one line an input, and answers commands
 * on stdin.
 *
 *      path SLOT FAMILY present=0|1 carrier=0|1 address=A|- gateway=G|- ifindex=N mtu=N metric=N
 *      changed                         links_fill_policy() would say something new
 *
 *      policy      one line a link: link SLOT NAME DEVICE kind= metered= preference= order=
 *                  enabled= why="..."
 *      configure   reads the configuration file again
 *      count SLOT  counters SLOT tx_packets= rx_packets= tx_bytes= rx_bytes=
 *      stats       dumps= messages= overruns= left_out= malformed= rss_kb=
 *      stall MS    does not read for so long
 *      quit
 *
 * Each command ends with "ok".  usage: links_console RUN_DIR CONFIG_FILE
 */
#include <arpa/inet.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/names.h"
#include "io/counters.h"
#include "io/links.h"
#include "io/log.h"

static struct event_base *base;
static struct inbox inbox;
static struct config config[2];
static unsigned config_in_use;
static struct links *links;
static struct counters *counters;
static bool changed;
static char line[256];
static size_t line_size;

static void take_note(void *user)
{
	(void)user;
	changed = true;
}

static const char *address_text(enum family family, bool has, const uint8_t address[16],
	char text[INET6_ADDRSTRLEN])
{
	if (!has)
		return "-";
	return inet_ntop(family == FAMILY_IPV4 ? AF_INET : AF_INET6, address, text,
		INET6_ADDRSTRLEN);
}

static void print_path(unsigned path, const struct path_facts *f)
{
	char address[INET6_ADDRSTRLEN], gateway[INET6_ADDRSTRLEN];
	enum family family = path_family(path);

	printf("path %u %s present=%d carrier=%d address=%s gateway=%s ifindex=%u mtu=%u "
	       "metric=%u\n",
		path_link(path), family_name(family), f->present, f->carrier,
		address_text(family, f->has_address, f->address, address),
		address_text(family, f->has_gateway, f->gateway, gateway), f->ifindex, f->mtu,
		f->metric);
	counters_set_link(counters, path_link(path), f->ifindex);
}

static void print_inputs(void)
{
	struct input in;

	if (changed)
		printf("changed\n");
	changed = false;
	while (inbox_take(&inbox, &in)) {
		if (in.kind == INPUT_PATH)
			print_path(in.path.path, &in.path.facts);
		else if (in.kind == INPUT_COUNTERS)
			printf("counters %u tx_packets=%llu rx_packets=%llu tx_bytes=%llu "
			       "rx_bytes=%llu\n",
				in.counters.link, (unsigned long long)in.counters.tx_packets,
				(unsigned long long)in.counters.rx_packets,
				(unsigned long long)in.counters.tx_bytes,
				(unsigned long long)in.counters.rx_bytes);
	}
}

static void print_policy(void)
{
	static struct policy policy;

	policy_default(&policy);
	links_fill_policy(links, &policy);
	for (unsigned i = 0; i < LINKS_MAX; i++) {
		const struct link_policy *p = &policy.link[i];

		if (policy.links & UINT32_C(1) << i)
			printf("link %u %s %s kind=%s metered=%d preference=%d order=%u enabled=%d "
			       "why=\"%s\"\n",
				i, p->name, p->device, link_kind_name(p->kind), p->metered,
				p->preference, p->order, p->enabled,
				links_evidence(links, i)->item[0].why);
	}
}

static void configure(const char *file)
{
	struct config_problems problems;
	unsigned next = !config_in_use;
	int error = config_load(file, &config[next], &problems);

	if (error) {
		printf("refused: %s\n", strerror(-error));
		return;
	}
	config_in_use = next;
	if (links)
		links_configure(links, &config[next]);
}

static void print_stats(void)
{
	struct links_stats stats;
	long size = 0, resident = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f) {
		if (fscanf(f, "%ld %ld", &size, &resident) != 2)
			resident = 0;
		fclose(f);
	}
	links_stats(links, &stats);
	printf("dumps=%llu messages=%llu overruns=%llu left_out=%llu malformed=%llu rss_kb=%ld\n",
		(unsigned long long)stats.dumps, (unsigned long long)stats.messages,
		(unsigned long long)stats.overruns, (unsigned long long)stats.left_out,
		(unsigned long long)stats.malformed, resident * (sysconf(_SC_PAGESIZE) / 1024));
}

static void command(const char *text, const char *file)
{
	unsigned number = 0;

	if (!strcmp(text, "policy"))
		print_policy();
	else if (!strcmp(text, "configure"))
		configure(file);
	else if (!strcmp(text, "stats"))
		print_stats();
	else if (!strcmp(text, "quit"))
		event_base_loopbreak(base);
	else if (sscanf(text, "count %u", &number) == 1)
		counters_read(counters, UINT32_C(1) << (number % LINKS_MAX), 0);
	else if (sscanf(text, "stall %u", &number) == 1)
		usleep(number * 1000);
	print_inputs();
	printf("ok\n");
}

static void stdin_readable(evutil_socket_t fd, short what, void *user)
{
	char c;

	(void)what;
	while (read(fd, &c, 1) == 1) {
		if (c == '\n') {
			line[line_size] = '\0';
			line_size = 0;
			command(line, user);
			return;
		}
		if (line_size + 1 < sizeof(line))
			line[line_size++] = c;
	}
	event_base_loopbreak(base);
}

int main(int argc, char **argv)
{
	struct event *in;

	if (argc != 3) {
		fprintf(stderr, "usage: links_console RUN_DIR CONFIG_FILE\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	log_open("links_console", LOG_DEBUG, false);
	base = event_base_new();
	inbox_init(&inbox);
	config_default(&config[0]);
	configure(argv[2]);
	counters = counters_new(&inbox);
	links = links_new(base, &inbox, argv[1], &config[config_in_use], take_note, NULL);
	in = event_new(base, STDIN_FILENO, EV_READ | EV_PERSIST, stdin_readable, argv[2]);
	if (!links || !counters || !in || event_add(in, NULL) < 0) {
		perror("links_console");
		return 1;
	}
	print_inputs();
	printf("ready\n");
	while (!event_base_got_break(base) && event_base_loop(base, EVLOOP_ONCE) == 0)
		print_inputs();
	counters_free(counters);
	links_free(links);
	event_free(in);
	event_base_free(base);
	return 0;
}
