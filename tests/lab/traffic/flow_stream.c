/* One long TCP connection that carries a heartbeat each period, as a remote session does. */
#include "session.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

static struct session session;
static uint8_t in[RECORD_BYTES];
static size_t n_in;

static void up(struct session *up_session)
{
	(void)up_session;
	n_in = 0;
}

static int take_in(struct session *ready_session, uint32_t events)
{
	struct flow *flow = ready_session->flow;
	struct in6_addr observed;
	int64_t served_us;
	uint32_t sequence;
	ssize_t got;

	(void)events;
	while ((got = recv(ready_session->watch.fd, in + n_in, sizeof(in) - n_in, MSG_DONTWAIT)) >
		0) {
		int64_t now_us = loop_now_us();

		ready_session->progress_us = now_us;
		n_in += (size_t)got;
		if (n_in < sizeof(in))
			continue;
		n_in = 0;
		if (!flow_read_record(in, sizeof(in), &sequence, &served_us, &observed))
			return EPROTO;
		journal_answer(&flow->journal, sequence, now_us, served_us, &observed);
	}
	if (got == 0)
		return ECONNABORTED;
	return errno == EAGAIN ? 0 : errno;
}

static void start(struct flow *flow)
{
	session.up = up;
	session.ready = take_in;
	session_init(&session, flow);
}

/* A heartbeat that cannot be sent is a lost one: the user's keystroke has nowhere to go. */
static void tick(struct flow *flow, int64_t now_us)
{
	size_t index = journal_send(&flow->journal, now_us);
	struct record record;
	int error;

	if (session.state != SESSION_UP) {
		journal_fail(&flow->journal, index, ENOTCONN);
		return;
	}
	flow_fill_record(&record, (uint32_t)index, now_us);
	if (send(session.watch.fd, &record, sizeof(record), MSG_DONTWAIT) == sizeof(record))
		return;
	error = errno;
	journal_fail(&flow->journal, index, error);
	if (error != EAGAIN)
		session_close(&session, EVENT_BROKEN, error);
}

static int64_t expire(struct flow *flow, int64_t now_us)
{
	(void)flow;
	return session_maintain(&session, now_us);
}

static bool waiting(const struct flow *flow)
{
	const struct journal *journal = &flow->journal;

	return session.state == SESSION_UP && journal->n_samples &&
	       journal->samples[journal->n_samples - 1].answered_us < 0;
}

static void finish(struct flow *flow)
{
	if (session.watch.fd < 0)
		return;
	loop_unwatch(&flow->loop, &session.watch);
	close(session.watch.fd);
}

const struct flow_kind flow_stream = {
	.mode = "stream",
	.port = 7,
	.period_us = 50000,
	.timeout_us = 5000000,
	.start = start,
	.tick = tick,
	.expire = expire,
	.waiting = waiting,
	.finish = finish,
};
