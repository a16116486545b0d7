/* TCP: each tick a new connection with one request and its answer, a record or HTTP. */
#include "flow.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define REQUEST_MAX 1024

struct attempt {
	struct watch watch; /* first member; fd < 0: over */
	struct flow *flow;
	size_t index;
	int64_t deadline_us;
	uint8_t in[RECORD_BYTES];
	size_t n_in;
	struct attempt *next;
};

static struct attempt *first;
static struct attempt **last = &first;

static void end(struct attempt *attempt, int error)
{
	struct linger linger = {.l_onoff = 1, .l_linger = 0};

	journal_fail(&attempt->flow->journal, attempt->index, error);
	/* A reset at the end leaves no port waiting: a port is never short, at any rate. */
	setsockopt(attempt->watch.fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	loop_unwatch(&attempt->flow->loop, &attempt->watch);
	close(attempt->watch.fd);
	attempt->watch.fd = -1;
}

static size_t fill_request(const struct attempt *attempt, char request[REQUEST_MAX])
{
	const struct flow_options *options = &attempt->flow->options;
	struct record record;
	int len;

	if (attempt->flow->kind == &flow_tcp) {
		flow_fill_record(&record, (uint32_t)attempt->index, loop_now_us());
		memcpy(request, &record, sizeof(record));
		return sizeof(record);
	}
	len = snprintf(request, REQUEST_MAX,
		"GET %s HTTP/1.1\r\nHost: lab.test\r\nUser-Agent: labflow\r\nConnection: "
		"close\r\n\r\n",
		options->path);
	return len < REQUEST_MAX ? (size_t)len : REQUEST_MAX - 1;
}

static void send_request(struct attempt *attempt)
{
	struct sample *sample = journal_sample(&attempt->flow->journal, attempt->index);
	char request[REQUEST_MAX];
	socklen_t size = sizeof(int);
	size_t len;
	int error = 0;

	getsockopt(attempt->watch.fd, SOL_SOCKET, SO_ERROR, &error, &size);
	if (error) {
		end(attempt, error);
		return;
	}
	sample->connected_us = loop_now_us();
	len = fill_request(attempt, request);
	if (send(attempt->watch.fd, request, len, MSG_DONTWAIT) != (ssize_t)len) {
		end(attempt, errno);
		return;
	}
	loop_rewatch(&attempt->flow->loop, &attempt->watch, EPOLLIN);
}

/* Returns whether the answer is whole: a record, or a status line as far as its number. */
static bool take_answer(struct attempt *attempt)
{
	static const char status_line[] = "HTTP/1.1 204";
	struct journal *journal = &attempt->flow->journal;
	struct in6_addr observed;
	int64_t served_us;
	uint32_t sequence;
	int status = 0;

	if (attempt->flow->kind == &flow_tcp) {
		if (!flow_read_record(attempt->in, attempt->n_in, &sequence, &served_us, &observed))
			return false;
		journal_answer(journal, attempt->index, loop_now_us(), served_us, &observed);
		return true;
	}
	if (attempt->n_in < sizeof(status_line) - 1)
		return false;
	for (size_t i = 9; i < sizeof(status_line) - 1; i++)
		status = status * 10 + attempt->in[i] - '0';
	journal_sample(journal, attempt->index)->status = status;
	journal_answer(journal, attempt->index, loop_now_us(), -1, NULL);
	return true;
}

static void ready(struct watch *watch, uint32_t events)
{
	struct attempt *attempt = container_of(watch, struct attempt, watch);
	const struct sample *sample = journal_sample(&attempt->flow->journal, attempt->index);
	ssize_t got;

	(void)events;
	if (sample->connected_us < 0) {
		send_request(attempt);
		return;
	}
	got = recv(watch->fd, attempt->in + attempt->n_in, sizeof(attempt->in) - attempt->n_in,
		MSG_DONTWAIT);
	if (got < 0 && errno == EAGAIN)
		return;
	if (got <= 0) {
		end(attempt, got < 0 ? errno : ECONNABORTED);
		return;
	}
	attempt->n_in += (size_t)got;
	if (take_answer(attempt) || attempt->n_in == sizeof(attempt->in))
		end(attempt, EPROTO);
}

static void start(struct flow *flow)
{
	(void)flow;
}

static void tick(struct flow *flow, int64_t now_us)
{
	size_t index = journal_send(&flow->journal, now_us);
	struct attempt *attempt;
	int fd = flow_connect(&flow->options, SOCK_STREAM);

	if (fd < 0) {
		journal_fail(&flow->journal, index, -fd);
		return;
	}
	attempt = calloc(1, sizeof(*attempt));
	if (!attempt) {
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	attempt->watch = (struct watch){.fd = fd, .ready = ready};
	attempt->flow = flow;
	attempt->index = index;
	attempt->deadline_us = now_us + flow->options.timeout_us;
	loop_watch(&flow->loop, &attempt->watch, EPOLLOUT);
	*last = attempt;
	last = &attempt->next;
}

static int64_t expire(struct flow *flow, int64_t now_us)
{
	(void)flow;
	while (first && (first->watch.fd < 0 || first->deadline_us <= now_us)) {
		struct attempt *attempt = first;

		if (attempt->watch.fd >= 0)
			end(attempt, ETIMEDOUT);
		first = attempt->next;
		if (!first)
			last = &first;
		free(attempt);
	}
	return first ? first->deadline_us : LOOP_NEVER;
}

static bool waiting(const struct flow *flow)
{
	(void)flow;
	for (const struct attempt *attempt = first; attempt; attempt = attempt->next)
		if (attempt->watch.fd >= 0)
			return true;
	return false;
}

static void finish(struct flow *flow)
{
	expire(flow, LOOP_NEVER);
}

const struct flow_kind flow_tcp = {
	.mode = "tcp",
	.port = 7,
	.period_us = 100000,
	.timeout_us = 5000000,
	.start = start,
	.tick = tick,
	.expire = expire,
	.waiting = waiting,
	.finish = finish,
};

const struct flow_kind flow_http = {
	.mode = "http",
	.port = 80,
	.period_us = 500000,
	.timeout_us = 5000000,
	.start = start,
	.tick = tick,
	.expire = expire,
	.waiting = waiting,
	.finish = finish,
};
