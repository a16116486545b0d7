/*
 * labflow: traffic that measures.  Sends on a fixed grid of time, notes for each packet, request or
 * connection when it was sent and when it was answered, writes that as a log and sums it up.
 */
#include "flow.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define US_PER_S 1000000
#define PRIORITY 5
#define DRAIN_US 500000
#define LIVE_US 1000000
#define SIZE_MAX_BYTES 1472

static const struct flow_kind *const kinds[] = {&flow_udp, &flow_tcp, &flow_stream, &flow_dns,
	&flow_http, &flow_bulk};

#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

static volatile sig_atomic_t stop_asked;

struct run_options {
	const char *log_path;
	int64_t duration_us; /* LOOP_NEVER: until SIGTERM */
	int64_t drain_us;
	bool live;
	bool follow;
};

static void ask_stop(int number)
{
	(void)number;
	stop_asked = 1;
}

int flow_connect(const struct flow_options *options, int type)
{
	int fd = socket(options->address.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error = 0;

	if (fd < 0)
		return -errno;
	if (options->device && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, options->device,
				       (socklen_t)strlen(options->device) + 1) < 0)
		error = errno;
	if (options->mark &&
		setsockopt(fd, SOL_SOCKET, SO_MARK, &options->mark, sizeof(options->mark)) < 0)
		error = errno;
	if (!error &&
		connect(fd, (const struct sockaddr *)&options->address, options->address_size) <
			0 &&
		errno != EINPROGRESS)
		error = errno;
	if (!error)
		return fd;
	close(fd);
	return -error;
}

static uint64_t swap_u64(uint64_t host)
{
	return (uint64_t)htonl((uint32_t)host) << 32 | htonl((uint32_t)(host >> 32));
}

void flow_fill_record(struct record *record, uint32_t sequence, int64_t now_us)
{
	*record =
		(struct record){.sequence = htonl(sequence), .sent_us = swap_u64((uint64_t)now_us)};
	memcpy(record->magic, RECORD_MAGIC, RECORD_MAGIC_BYTES);
}

bool flow_read_record(const void *data, size_t len, uint32_t *ret_sequence, int64_t *ret_served_us,
	struct in6_addr *ret_observed)
{
	struct record record;

	if (len < sizeof(record) || memcmp(data, RECORD_MAGIC, RECORD_MAGIC_BYTES) != 0)
		return false;
	memcpy(&record, data, sizeof(record));
	*ret_sequence = ntohl(record.sequence);
	*ret_served_us = (int64_t)swap_u64(record.served_us);
	*ret_observed = record.observed;
	return true;
}

static int usage(void)
{
	fputs("usage: labflow udp|tcp|stream|dns|http|bulk --to ADDRESS [OPTION...]\n"
	      "  udp     echo requests      tcp   connect, one request, close\n"
	      "  stream  one connection with heartbeats, reconnecting when it breaks\n"
	      "  dns     a unique name      http  GET on a new connection\n"
	      "  bulk    one connection as fast as it goes\n"
	      "  --port P         the server's port\n"
	      "  --period-ms N    between two sends (bulk: between two looks)\n"
	      "  --duration-s S   then end; otherwise at SIGTERM\n"
	      "  --timeout-ms N   after which a packet or connection counts as lost\n"
	      "  --stall-ms N     silence after which stream and bulk reconnect; 0: never\n"
	      "  --drain-ms N     how long to wait for answers at the end\n"
	      "  --fresh          udp: a new source port for each packet\n"
	      "  --size N         udp: bytes of payload\n"
	      "  --path PATH      http: what to get\n"
	      "  --down           bulk: receive instead of send\n"
	      "  --rate-mbit N    bulk: at most so fast\n"
	      "  --device NAME    bind to an interface       --mark N   set a firewall mark\n"
	      "  --log FILE       at the end, one JSON line per packet, then one per event\n"
	      "  --follow         the log as things happen: a line when a packet is sent, one "
	      "more\n"
	      "                   when it is answered or fails\n"
	      "  --live           a JSON line of output each second\n"
	      "The last line of output is the summary.\n",
		stderr);
	return 2;
}

/* Returns 0 or a negative errno. */
static int parse_address(struct flow_options *options, uint16_t port)
{
	struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(port)};

	if (options->to && inet_pton(AF_INET, options->to, &ipv4.sin_addr) == 1) {
		memcpy(&options->address, &ipv4, sizeof(ipv4));
		options->address_size = sizeof(ipv4);
		return 0;
	}
	if (options->to && inet_pton(AF_INET6, options->to, &ipv6.sin6_addr) == 1) {
		memcpy(&options->address, &ipv6, sizeof(ipv6));
		options->address_size = sizeof(ipv6);
		return 0;
	}
	return -EINVAL;
}

static bool parse_number(const char *text, double factor, double min, double max,
	int64_t *ret_value)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !(value >= min && value <= max))
		return false;
	*ret_value = (int64_t)(value * factor + 0.5);
	return true;
}

enum {
	OPTION_TO = 1,
	OPTION_PORT,
	OPTION_PERIOD,
	OPTION_DURATION,
	OPTION_TIMEOUT,
	OPTION_STALL,
	OPTION_DRAIN,
	OPTION_FRESH,
	OPTION_SIZE,
	OPTION_PATH,
	OPTION_DOWN,
	OPTION_RATE,
	OPTION_DEVICE,
	OPTION_MARK,
	OPTION_LOG,
	OPTION_LIVE,
	OPTION_FOLLOW,
};

static const struct option long_options[] = {
	{"to", required_argument, NULL, OPTION_TO},
	{"port", required_argument, NULL, OPTION_PORT},
	{"period-ms", required_argument, NULL, OPTION_PERIOD},
	{"duration-s", required_argument, NULL, OPTION_DURATION},
	{"timeout-ms", required_argument, NULL, OPTION_TIMEOUT},
	{"stall-ms", required_argument, NULL, OPTION_STALL},
	{"drain-ms", required_argument, NULL, OPTION_DRAIN},
	{"fresh", no_argument, NULL, OPTION_FRESH},
	{"size", required_argument, NULL, OPTION_SIZE},
	{"path", required_argument, NULL, OPTION_PATH},
	{"down", no_argument, NULL, OPTION_DOWN},
	{"rate-mbit", required_argument, NULL, OPTION_RATE},
	{"device", required_argument, NULL, OPTION_DEVICE},
	{"mark", required_argument, NULL, OPTION_MARK},
	{"log", required_argument, NULL, OPTION_LOG},
	{"live", no_argument, NULL, OPTION_LIVE},
	{"follow", no_argument, NULL, OPTION_FOLLOW},
	{0},
};

static bool take_option(int option, const char *value, struct flow_options *flow,
	struct run_options *run, uint16_t *port)
{
	int64_t number = 0;

	switch (option) {
	case OPTION_TO:
		flow->to = value;
		return true;
	case OPTION_PORT:
		if (!parse_number(value, 1, 1, 65535, &number))
			return false;
		*port = (uint16_t)number;
		return true;
	case OPTION_PERIOD:
		return parse_number(value, 1e3, 0.05, 1e6, &flow->period_us);
	case OPTION_DURATION:
		return parse_number(value, 1e6, 0, 1e7, &run->duration_us);
	case OPTION_TIMEOUT:
		return parse_number(value, 1e3, 1, 1e7, &flow->timeout_us);
	case OPTION_STALL:
		return parse_number(value, 1e3, 0, 1e7, &flow->stall_us);
	case OPTION_DRAIN:
		return parse_number(value, 1e3, 0, 1e7, &run->drain_us);
	case OPTION_FRESH:
		flow->fresh = true;
		return true;
	case OPTION_SIZE:
		if (!parse_number(value, 1, RECORD_BYTES, SIZE_MAX_BYTES, &number))
			return false;
		flow->size_bytes = (size_t)number;
		return true;
	case OPTION_PATH:
		flow->path = value;
		return true;
	case OPTION_DOWN:
		flow->down = true;
		return true;
	case OPTION_RATE:
		return parse_number(value, 1e6, 0, 1e5, &flow->rate_bps);
	case OPTION_DEVICE:
		flow->device = value;
		return true;
	case OPTION_MARK:
		flow->mark = (uint32_t)strtoul(value, NULL, 0);
		return true;
	case OPTION_LOG:
		run->log_path = value;
		return true;
	case OPTION_LIVE:
		run->live = true;
		return true;
	case OPTION_FOLLOW:
		run->follow = true;
		return true;
	default:
		return false;
	}
}

static bool parse_options(int argc, char **argv, struct flow *flow, struct run_options *run)
{
	uint16_t port;
	int option;

	for (size_t i = 0; argc > 1 && i < N_KINDS; i++)
		if (strcmp(kinds[i]->mode, argv[1]) == 0)
			flow->kind = kinds[i];
	if (!flow->kind)
		return false;
	flow->options = (struct flow_options){
		.period_us = flow->kind->period_us,
		.timeout_us = flow->kind->timeout_us,
		.fresh = flow->kind->fresh,
		.size_bytes = RECORD_BYTES,
		.path = "/generate_204",
	};
	*run = (struct run_options){.duration_us = LOOP_NEVER, .drain_us = DRAIN_US};
	port = 0;
	optind = 2;
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (!take_option(option, optarg, &flow->options, run, &port)) {
			if (option != '?')
				fprintf(stderr, "labflow: no such value: %s\n", optarg);
			return false;
		}
	}
	if (!port)
		port = flow->options.down ? 19 : flow->kind->port;
	return optind == argc && parse_address(&flow->options, port) == 0;
}

static int64_t earlier(int64_t a_us, int64_t b_us)
{
	return a_us < b_us ? a_us : b_us;
}

/*
 * Sends on the grid start, start + period, ...; a tick that comes late does not move the others,
 * and after a long stop the missed ones are left out.
 */
static void run_flow(struct flow *flow, const struct run_options *run)
{
	int64_t start_us = flow->journal.start_us;
	int64_t end_us = run->duration_us == LOOP_NEVER ? LOOP_NEVER : start_us + run->duration_us;
	int64_t tick_us = start_us;
	int64_t live_us = run->live ? start_us + LIVE_US : LOOP_NEVER;
	int64_t now_us;

	while (!stop_asked && (now_us = loop_now_us()) < end_us) {
		int64_t expiry_us = flow->kind->expire(flow, now_us);

		if (now_us >= live_us) {
			journal_write_live(&flow->journal, now_us, stdout);
			live_us += LIVE_US;
		}
		if (now_us >= tick_us) {
			flow->kind->tick(flow, now_us);
			journal_follow(&flow->journal);
			tick_us += flow->options.period_us;
			if (tick_us < now_us - US_PER_S)
				tick_us = now_us;
			continue;
		}
		loop_wait(&flow->loop,
			earlier(earlier(tick_us, expiry_us), earlier(live_us, end_us)));
	}
	flow->journal.end_us = loop_now_us();
}

static void drain(struct flow *flow, int64_t drain_us)
{
	int64_t end_us = loop_now_us() + drain_us;
	int64_t now_us;

	while (flow->kind->waiting(flow) && (now_us = loop_now_us()) < end_us)
		loop_wait(&flow->loop, earlier(flow->kind->expire(flow, now_us), end_us));
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = ask_stop};
	struct rlimit files = {65536, 65536};
	struct run_options run;
	static struct flow flow;
	FILE *log = NULL;
	int error;

	if (!parse_options(argc, argv, &flow, &run))
		return usage();
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	setrlimit(RLIMIT_NOFILE, &files);
	error = loop_init(&flow.loop);
	if (error) {
		fprintf(stderr, "labflow: cannot start: %s\n", strerror(-error));
		return 1;
	}
	if (run.log_path && !(log = fopen(run.log_path, "we"))) {
		fprintf(stderr, "labflow: cannot write %s: %s\n", run.log_path, strerror(errno));
		return 1;
	}
	if (log && run.follow)
		setvbuf(log, NULL, _IOLBF, 0);
	loop_raise_priority(PRIORITY);
	journal_init(&flow.journal, flow.kind->mode, flow.options.to, run.follow ? log : NULL,
		loop_now_us());
	flow.kind->start(&flow);
	run_flow(&flow, &run);
	drain(&flow, run.drain_us);
	flow.kind->finish(&flow);
	if (log && !run.follow)
		journal_write_log(&flow.journal, log);
	if (log)
		fclose(log);
	journal_write_summary(&flow.journal, stdout);
	journal_done(&flow.journal);
	loop_done(&flow.loop);
	return 0;
}
