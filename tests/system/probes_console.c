/*
 * The probes alone, by hand or by test_probes.py: commands on standard input, samples on standard
 * output.
 *
 *   path N DEVICE ADDRESS GATEWAY MTU     facts of a path; "-": none
 *   path N                                it is gone
 *   send ID N METHOD TARGET [PORT [SIZE]] one probe
 *   series COUNT INTERVAL_US N METHOD TARGET [PORT [SIZE]]
 *                                         many; a summary when the last has ended
 *   config KEY VALUE                      zone, host, page, mask
 *   hold / drain                          leave samples in the inbox / take them out again
 *   stats                                 the counters
 */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/usec.h"
#include "core/names.h"
#include "io/inbox.h"
#include "io/probes.h"

#define WORDS_MAX 10
#define SERIES_MAX 100000

static struct event_base *base;
static struct inbox inbox;
static struct probes *probes;
static bool held;
static struct config config = {.mark_mask = 0x3f00,
	.dns_zone = "example",
	.http_host = "example",
	.http_path = "/generate_204"};

static struct {
	bool running;
	struct action_probe probe;
	int count, sent, ended, answered;
	int64_t interval_us, cpu_us, begun_us;
	uint32_t rtt_us[SERIES_MAX];
	struct event *timer;
} series;

static int64_t cpu_us(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * USEC_S + u.ru_utime.tv_usec +
	       u.ru_stime.tv_usec;
}

static int compare(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void series_summary(void)
{
	int n = series.answered;
	int64_t used_us = cpu_us() - series.cpu_us;

	qsort(series.rtt_us, (size_t)n, sizeof(series.rtt_us[0]), compare);
	printf("series %d answered %d min %" PRIu32 " median %" PRIu32 " p99 %" PRIu32
	       " max %" PRIu32 " cpu_ns_each %" PRId64 " elapsed_us %" PRId64 "\n",
		series.count, n, n ? series.rtt_us[0] : 0, n ? series.rtt_us[n / 2] : 0,
		n ? series.rtt_us[n * 99 / 100] : 0, n ? series.rtt_us[n - 1] : 0,
		used_us * 1000 / series.count, inbox_clock_us() - series.begun_us);
	series.running = false;
}

static void show(const struct input *in)
{
	const struct input_sample *s = &in->sample;

	if (series.running) {
		series.ended++;
		if (s->outcome == SAMPLE_ANSWERED)
			series.rtt_us[series.answered++] = s->rtt_us;
		if (series.ended == series.count)
			series_summary();
		return;
	}
	printf("sample %" PRIu32 " %u %s %u %" PRIu32 " %" PRId32 "\n", s->probe, s->path,
		sample_outcome_name(s->outcome), s->detail, s->rtt_us, s->error);
}

static void drain(void)
{
	struct input in;

	while (!held && inbox_take(&inbox, &in))
		show(&in);
	fflush(stdout);
}

static void series_next(evutil_socket_t fd, short what, void *user)
{
	struct timeval delay = {(time_t)(series.interval_us / USEC_S),
		(suseconds_t)(series.interval_us % USEC_S)};

	(void)fd;
	(void)what;
	(void)user;
	series.probe.probe++;
	series.sent++;
	if (series.sent < series.count)
		event_add(series.timer, &delay);
	probes_send(probes, &series.probe);
}

/* One word an address, of the family of the path; "-" is none. */
static bool read_address(unsigned path, const char *word, uint8_t ret[16])
{
	memset(ret, 0, 16);
	return strcmp(word, "-") &&
	       inet_pton(path_family(path) == FAMILY_IPV4 ? AF_INET : AF_INET6, word, ret) == 1;
}

static void do_path(int n, char **word)
{
	struct path_facts facts = {0};
	unsigned path = (unsigned)atoi(word[1]);

	if (n == 6) {
		facts.ifindex = if_nametoindex(word[2]);
		facts.present = facts.carrier = facts.ifindex != 0;
		facts.has_address = read_address(path, word[3], facts.address);
		facts.has_gateway = read_address(path, word[4], facts.gateway);
		facts.mtu = (uint32_t)atoi(word[5]);
	}
	probes_set_path(probes, path, n > 2 ? word[2] : "", &facts);
}

static struct action_probe read_probe(int n, char **word)
{
	struct action_probe a = {.path = (uint8_t)atoi(word[0]), .method = PROBE_METHOD_COUNT};

	for (uint8_t m = 0; m < PROBE_METHOD_COUNT; m++) {
		if (!strcmp(probe_method_name(m), word[1]))
			a.method = m;
	}
	read_address(a.path, word[2], a.address);
	if (n > 3)
		a.tcp_port = (uint16_t)atoi(word[3]);
	if (n > 4)
		a.size = (uint16_t)atoi(word[4]);
	return a;
}

static void do_send(int n, char **word)
{
	struct action_probe a = read_probe(n - 2, word + 2);

	a.probe = (uint32_t)atoi(word[1]);
	probes_send(probes, &a);
}

static void do_series(int n, char **word)
{
	series.running = true;
	series.count = atoi(word[1]);
	if (series.count < 1 || series.count > SERIES_MAX)
		exit(2);
	series.interval_us = atoi(word[2]);
	series.probe = read_probe(n - 3, word + 3);
	series.sent = series.ended = series.answered = 0;
	series.cpu_us = cpu_us();
	series.begun_us = inbox_clock_us();
	series_next(-1, 0, NULL);
}

static void do_config(char **word)
{
	if (!strcmp(word[1], "zone"))
		snprintf(config.dns_zone, sizeof(config.dns_zone), "%s", word[2]);
	else if (!strcmp(word[1], "host"))
		snprintf(config.http_host, sizeof(config.http_host), "%s", word[2]);
	else if (!strcmp(word[1], "page"))
		snprintf(config.http_path, sizeof(config.http_path), "%s", word[2]);
	else if (!strcmp(word[1], "mask"))
		config.mark_mask = (uint32_t)strtoul(word[2], NULL, 0);
	probes_configure(probes, &config);
}

static void do_stats(void)
{
	struct probes_stats s;

	probes_stats(probes, &s);
	printf("stats sent %" PRIu64 " answered %" PRIu64 " late %" PRIu64 " duplicate %" PRIu64
	       " spoofed %" PRIu64 " malformed %" PRIu64 " send_failed %" PRIu64 " no_slot %" PRIu64
	       "\n",
		s.sent, s.answered, s.late, s.duplicate, s.spoofed, s.malformed, s.send_failed,
		s.no_slot);
}

static void command(char *line)
{
	char *word[WORDS_MAX], *save = NULL;
	int n = 0;

	for (char *w = strtok_r(line, " \n", &save); w && n < WORDS_MAX;
		w = strtok_r(NULL, " \n", &save))
		word[n++] = w;
	if (!n)
		return;
	if (!strcmp(word[0], "path") && (n == 2 || n == 6))
		do_path(n, word);
	else if (!strcmp(word[0], "send") && n >= 5)
		do_send(n, word);
	else if (!strcmp(word[0], "series") && n >= 6)
		do_series(n, word);
	else if (!strcmp(word[0], "config") && n == 3)
		do_config(word);
	else if (!strcmp(word[0], "hold"))
		held = true;
	else if (!strcmp(word[0], "drain"))
		held = false;
	else if (!strcmp(word[0], "stats"))
		do_stats();
	else
		printf("? %s\n", word[0]);
}

static void readable(evutil_socket_t fd, short what, void *user)
{
	static char buffer[4096];
	static size_t used;
	ssize_t n = read(fd, buffer + used, sizeof(buffer) - used);
	char *end;

	(void)what;
	(void)user;
	if (n <= 0) {
		event_base_loopbreak(base);
		return;
	}
	used += (size_t)n;
	while ((end = memchr(buffer, '\n', used))) {
		size_t length = (size_t)(end - buffer) + 1;

		*end = 0;
		command(buffer);
		used -= length;
		memmove(buffer, buffer + length, used);
	}
}

int main(void)
{
	struct event_config *how = event_config_new();
	struct event *input;

	event_config_set_flag(how, EVENT_BASE_FLAG_PRECISE_TIMER);
	base = event_base_new_with_config(how);
	event_config_free(how);
	inbox_init(&inbox);
	probes = probes_new(base, &inbox, &config);
	if (!probes)
		return 1;
	input = event_new(base, STDIN_FILENO, EV_READ | EV_PERSIST, readable, NULL);
	series.timer = evtimer_new(base, series_next, NULL);
	event_add(input, NULL);
	while (!event_base_got_break(base) && event_base_loop(base, EVLOOP_ONCE) == 0)
		drain();
	event_free(input);
	event_free(series.timer);
	probes_free(probes);
	event_base_free(base);
	return 0;
}
