#include "io/probe_http.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/usec.h"
#include "io/probe.h"

#define PORT_HTTP 80
#define READS_MAX 4 /* of READ_SIZE in one wake-up */
#define READ_SIZE 512
#define STATUS_NO_CONTENT 204

static void answered(struct probe_connection *c, enum sample_outcome outcome)
{
	struct probes *p = c->path->probes;
	uint32_t rtt_us = (uint32_t)usec_clamp(p->now_us - c->asked_us, 1, UINT32_MAX);

	p->stats.answered++;
	c->slot->answered = true;
	probe_end(p, c->slot, outcome, (uint8_t)(c->reader.status / 10), rtt_us, 0);
}

/* What the whole header said.  Something that speaks, but not HTTP, sits between as well. */
static void judge(struct probe_connection *c, enum http204_state state)
{
	bool right = state == HTTP204_DONE && c->reader.status == STATUS_NO_CONTENT &&
		     !c->reader.has_body;

	if (state == HTTP204_MALFORMED) {
		c->path->probes->stats.malformed++;
		c->reader.status = 0;
	}
	answered(c, right ? SAMPLE_ANSWERED : SAMPLE_PORTAL);
}

/*
 * Closed before there was an answer: a refusal if not a byte came, else as malformed as anything.
 */
static void ended(struct probe_connection *c)
{
	if (c->reader.read)
		judge(c, HTTP204_MALFORMED);
	else
		answered(c, SAMPLE_REFUSED);
}

static void readable(evutil_socket_t fd, short what, void *user)
{
	struct probe_connection *c = user;
	struct probes *p = c->path->probes;
	uint8_t data[READ_SIZE];

	(void)what;
	p->now_us = inbox_clock_us();
	for (int i = 0; i < READS_MAX; i++) {
		ssize_t n = recv(fd, data, sizeof(data), MSG_DONTWAIT);
		enum http204_state state;

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n < 0) {
			probe_connection_failed(c, -errno, probe_rtt_us(p, c->slot, p->now_us));
			return;
		}
		if (!n) {
			ended(c);
			return;
		}
		state = http204_read(&c->reader, data, (size_t)n);
		if (state == HTTP204_DONE || state == HTTP204_MALFORMED) {
			judge(c, state);
			return;
		}
	}
	event_add(c->event, NULL);
}

static void connected(evutil_socket_t fd, short what, void *user)
{
	struct probe_connection *c = user;
	struct probes *p = c->path->probes;
	uint32_t rtt_us;
	int error = probe_connection_result(c, &rtt_us);
	ssize_t n;

	(void)what;
	if (error) {
		probe_connection_failed(c, error, rtt_us);
		return;
	}
	c->asked_us = p->now_us;
	http204_init(&c->reader);
	n = send(fd, p->http_request, p->http_request_size, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n != (ssize_t)p->http_request_size) {
		/* a fresh socket's buffer takes so little whole or not at all */
		probe_connection_failed(c, n < 0 ? -errno : -ENOBUFS, rtt_us);
		return;
	}
	event_assign(c->event, p->base, fd, EV_READ, readable, c);
	event_add(c->event, NULL);
}

static int http_send(struct probe_path *path, struct probe_slot *slot)
{
	if (!path->probes->http_request_size)
		return -EINVAL;
	return probe_connection_open(path, slot, slot->tcp_port ? slot->tcp_port : PORT_HTTP,
		connected);
}

const struct probe_method_ops probe_http = {.send = http_send, .forget = probe_connection_forget};
