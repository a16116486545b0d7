/*
 * UDP: echo and DNS.  One socket for the whole flow, or with "fresh" one for each packet, which
 * stays open until its answer or its time-out; so each packet is a flow of its own to a router.
 */
#include "flow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define DATAGRAM_MAX 2048
#define DNS_HEADER_BYTES 12
#define DNS_QUESTION_TAIL_BYTES 5

struct exchange {
	struct watch watch; /* first member; fd < 0: closed, in a list only to be freed */
	struct flow *flow;
	size_t index;
	int64_t deadline_us;
	struct exchange *next;
};

/* Exchanges in the order of sending; with one socket, that alone. */
static struct exchange *first;
static struct exchange **last = &first;
static struct exchange *established;

static bool is_dns(const struct flow *flow)
{
	return flow->kind == &flow_dns;
}

/* A query for the A record of q<number>x<process>.lab.test: no cache has it. */
static size_t fill_query(uint8_t *message, size_t index)
{
	static const char rest[] = "\3lab\4test";
	static const uint8_t tail[DNS_QUESTION_TAIL_BYTES - 1] = {0, 1, 0, 1};
	size_t label;

	memset(message, 0, DNS_HEADER_BYTES);
	message[0] = (uint8_t)(index >> 8);
	message[1] = (uint8_t)index;
	message[2] = 1; /* recursion desired */
	message[5] = 1; /* one question */
	label = (size_t)snprintf((char *)message + DNS_HEADER_BYTES + 1, 64, "q%zux%d", index,
		(int)getpid());
	message[DNS_HEADER_BYTES] = (uint8_t)label;
	memcpy(message + DNS_HEADER_BYTES + 1 + label, rest, sizeof(rest));
	memcpy(message + DNS_HEADER_BYTES + 1 + label + sizeof(rest), tail, sizeof(tail));
	return DNS_HEADER_BYTES + 1 + label + sizeof(rest) + sizeof(tail);
}

/* Answers name their packet by 16 bits only: it is the latest with these. */
static size_t index_of_dns(const struct flow *flow, const uint8_t *message)
{
	size_t low = (size_t)(message[0] << 8 | message[1]);
	size_t n = flow->journal.n_samples;
	size_t index = (n & ~(size_t)0xffff) | low;

	return index >= n && index >= 0x10000 ? index - 0x10000 : index;
}

static void take_answer(struct flow *flow, const uint8_t *data, size_t len, int64_t now_us)
{
	struct in6_addr observed;
	uint32_t sequence;
	int64_t served_us;

	if (!is_dns(flow)) {
		if (flow_read_record(data, len, &sequence, &served_us, &observed))
			journal_answer(&flow->journal, sequence, now_us, served_us, &observed);
	} else if (len >= DNS_HEADER_BYTES && data[2] & 0x80) {
		journal_answer(&flow->journal, index_of_dns(flow, data), now_us, -1, NULL);
	}
}

static void close_exchange(struct exchange *exchange)
{
	if (exchange->watch.fd < 0)
		return;
	loop_unwatch(&exchange->flow->loop, &exchange->watch);
	close(exchange->watch.fd);
	exchange->watch.fd = -1;
}

static void ready(struct watch *watch, uint32_t events)
{
	struct exchange *exchange = container_of(watch, struct exchange, watch);
	struct flow *flow = exchange->flow;
	uint8_t data[DATAGRAM_MAX];
	int64_t now_us = loop_now_us();
	struct sample *sample;
	ssize_t got;

	(void)events;
	while ((got = recv(watch->fd, data, sizeof(data), MSG_DONTWAIT)) >= 0)
		take_answer(flow, data, (size_t)got, now_us);
	if (exchange == established)
		return;
	sample = journal_sample(&flow->journal, exchange->index);
	if (errno != EAGAIN)
		journal_fail(&flow->journal, exchange->index, errno); /* what ICMP said */
	if (sample->answered_us >= 0 || sample->error)
		close_exchange(exchange);
}

static struct exchange *open_exchange(struct flow *flow, int *ret_error)
{
	int fd = flow_connect(&flow->options, SOCK_DGRAM);
	struct exchange *exchange;

	if (fd < 0) {
		*ret_error = -fd;
		return NULL;
	}
	exchange = calloc(1, sizeof(*exchange));
	if (!exchange) {
		close(fd);
		*ret_error = ENOMEM;
		return NULL;
	}
	exchange->watch = (struct watch){.fd = fd, .ready = ready};
	exchange->flow = flow;
	loop_watch(&flow->loop, &exchange->watch, EPOLLIN);
	return exchange;
}

static void start(struct flow *flow)
{
	(void)flow;
}

static size_t fill_payload(const struct flow *flow, uint8_t *data, size_t index, int64_t now_us)
{
	struct record record;

	if (is_dns(flow))
		return fill_query(data, index);
	memset(data, 0, flow->options.size_bytes);
	flow_fill_record(&record, (uint32_t)index, now_us);
	memcpy(data, &record, sizeof(record));
	return flow->options.size_bytes;
}

static void enlist(struct exchange *exchange, size_t index, int64_t deadline_us)
{
	exchange->index = index;
	exchange->deadline_us = deadline_us;
	*last = exchange;
	last = &exchange->next;
}

/*
 * Returns 0 or the errno.  Sends twice if need be: the first may only be told what an ICMP error
 * said of an earlier packet.
 */
static int send_datagram(int fd, const uint8_t *data, size_t len)
{
	for (int i = 0; i < 2; i++)
		if (send(fd, data, len, MSG_DONTWAIT) >= 0)
			return 0;
	return errno;
}

static void tick(struct flow *flow, int64_t now_us)
{
	size_t index = journal_send(&flow->journal, now_us);
	struct sample *sample = journal_sample(&flow->journal, index);
	struct exchange *exchange = established;
	uint8_t data[DATAGRAM_MAX];
	int error = 0;
	size_t len;

	if (!exchange)
		exchange = open_exchange(flow, &error);
	if (!exchange) {
		journal_fail(&flow->journal, index, error);
		return;
	}
	if (flow->options.fresh)
		enlist(exchange, index, now_us + flow->options.timeout_us);
	else
		established = exchange;
	sample->sent_us = loop_now_us();
	len = fill_payload(flow, data, index, sample->sent_us);
	error = send_datagram(exchange->watch.fd, data, len);
	if (error)
		journal_fail(&flow->journal, index, error);
}

static int64_t expire(struct flow *flow, int64_t now_us)
{
	(void)flow;
	while (first && (first->watch.fd < 0 || first->deadline_us <= now_us)) {
		struct exchange *exchange = first;

		close_exchange(exchange);
		first = exchange->next;
		if (!first)
			last = &first;
		free(exchange);
	}
	return first ? first->deadline_us : LOOP_NEVER;
}

static bool waiting(const struct flow *flow)
{
	size_t lost = 0;

	for (size_t i = 0; i < flow->journal.n_samples; i++)
		lost += flow->journal.samples[i].answered_us < 0 && !flow->journal.samples[i].error;
	return lost > 0;
}

static void finish(struct flow *flow)
{
	expire(flow, LOOP_NEVER);
	if (established) {
		close_exchange(established);
		free(established);
		established = NULL;
	}
}

const struct flow_kind flow_udp = {
	.mode = "udp",
	.port = 7,
	.period_us = 10000,
	.timeout_us = 2000000,
	.start = start,
	.tick = tick,
	.expire = expire,
	.waiting = waiting,
	.finish = finish,
};

const struct flow_kind flow_dns = {
	.mode = "dns",
	.port = 53,
	.period_us = 100000,
	.timeout_us = 2000000,
	.fresh = true,
	.start = start,
	.tick = tick,
	.expire = expire,
	.waiting = waiting,
	.finish = finish,
};
