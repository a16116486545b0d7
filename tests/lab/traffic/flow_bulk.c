/*
 * One TCP connection that carries as much as it can, or as rate-mbit allows.  Each period in which
 * bytes were acknowledged (up) or received (down) is an answered sample.
 */
#include "session.h"

#include <errno.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define CHUNK_BYTES 65536
#define BITS_PER_BYTE 8
#define US_PER_S 1000000

static struct session session;
static uint8_t chunk[CHUNK_BYTES];
static int64_t moved_bytes; /* written or read on this connection */
static int64_t seen_bytes;  /* of which the last tick knew */

static bool rate_allows(const struct session *up_session)
{
	const struct flow_options *options = &up_session->flow->options;
	int64_t elapsed_us = loop_now_us() - up_session->since_us;

	return !options->rate_bps ||
	       moved_bytes * BITS_PER_BYTE <= options->rate_bps * (elapsed_us + 10000) / US_PER_S;
}

/* Watched for writing only while there is something to write. */
static void choose_events(struct session *up_session, bool writing)
{
	loop_rewatch(&up_session->flow->loop, &up_session->watch,
		EPOLLIN | (writing ? EPOLLOUT : 0));
}

static void up(struct session *up_session)
{
	moved_bytes = 0;
	seen_bytes = 0;
	choose_events(up_session, !up_session->flow->options.down);
}

static int move(struct session *ready_session, uint32_t events)
{
	bool down = ready_session->flow->options.down;
	ssize_t moved = 0;

	if (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) {
		moved = recv(ready_session->watch.fd, chunk, sizeof(chunk), MSG_DONTWAIT);
		if (moved == 0)
			return ECONNABORTED;
		if (moved < 0 && errno != EAGAIN)
			return errno;
		if (moved > 0 && down)
			moved_bytes += moved;
	}
	if (down || !(events & EPOLLOUT))
		return 0;
	if (!rate_allows(ready_session)) {
		choose_events(ready_session, false);
		return 0;
	}
	moved = send(ready_session->watch.fd, chunk, sizeof(chunk), MSG_DONTWAIT);
	if (moved < 0 && errno != EAGAIN)
		return errno;
	if (moved > 0)
		moved_bytes += moved;
	return 0;
}

static void start(struct flow *flow)
{
	session.up = up;
	session.ready = move;
	session_init(&session, flow);
}

static int64_t delivered_bytes(void)
{
	int unacknowledged = 0;

	if (session.flow->options.down)
		return moved_bytes;
	ioctl(session.watch.fd, SIOCOUTQ, &unacknowledged);
	return moved_bytes - unacknowledged;
}

static void tick(struct flow *flow, int64_t now_us)
{
	size_t index = journal_send(&flow->journal, now_us);
	struct sample *sample = journal_sample(&flow->journal, index);

	if (session.state != SESSION_UP) {
		journal_fail(&flow->journal, index, ENOTCONN);
		return;
	}
	sample->bytes = delivered_bytes();
	if (sample->bytes > seen_bytes) {
		session.progress_us = now_us;
		flow->journal.bytes += sample->bytes - seen_bytes;
		seen_bytes = sample->bytes;
		journal_answer(&flow->journal, index, now_us, -1, NULL);
	}
	if (!flow->options.down && rate_allows(&session))
		choose_events(&session, true);
}

static int64_t expire(struct flow *flow, int64_t now_us)
{
	(void)flow;
	return session_maintain(&session, now_us);
}

static bool waiting(const struct flow *flow)
{
	(void)flow;
	return false;
}

static void finish(struct flow *flow)
{
	struct linger linger = {.l_onoff = 1, .l_linger = 0};

	if (session.watch.fd < 0)
		return;
	setsockopt(session.watch.fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	loop_unwatch(&flow->loop, &session.watch);
	close(session.watch.fd);
}

const struct flow_kind flow_bulk = {
	.mode = "bulk",
	.port = 9,
	.period_us = 20000,
	.timeout_us = 5000000,
	.start = start,
	.tick = tick,
	.expire = expire,
	.waiting = waiting,
	.finish = finish,
};
