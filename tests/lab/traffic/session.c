#include "session.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define RETRY_US 100000

static void set_state(struct session *session, enum session_state state, int64_t now_us)
{
	session->state = state;
	session->since_us = now_us;
	session->progress_us = now_us;
}

void session_close(struct session *session, enum event_kind kind, int error)
{
	struct linger linger = {.l_onoff = 1, .l_linger = 0};
	int64_t now_us = loop_now_us();

	if (session->watch.fd >= 0) {
		setsockopt(session->watch.fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
		loop_unwatch(&session->flow->loop, &session->watch);
		close(session->watch.fd);
		session->watch.fd = -1;
	}
	journal_event(&session->flow->journal, now_us, kind, error);
	set_state(session, SESSION_IDLE, now_us);
}

static void connected(struct session *session)
{
	socklen_t size = sizeof(int);
	int64_t now_us = loop_now_us();
	int error = 0;

	getsockopt(session->watch.fd, SOL_SOCKET, SO_ERROR, &error, &size);
	if (error) {
		session_close(session, EVENT_FAILED, error);
		return;
	}
	journal_event(&session->flow->journal, now_us, EVENT_CONNECTED, 0);
	set_state(session, SESSION_UP, now_us);
	loop_rewatch(&session->flow->loop, &session->watch, EPOLLIN);
	session->up(session);
}

static void ready(struct watch *watch, uint32_t events)
{
	struct session *session = container_of(watch, struct session, watch);
	int error;

	if (session->state == SESSION_CONNECTING) {
		connected(session);
		return;
	}
	error = session->ready(session, events);
	if (error)
		session_close(session, EVENT_BROKEN, error);
}

static void connect_session(struct session *session, int64_t now_us)
{
	int fd = flow_connect(&session->flow->options, SOCK_STREAM);

	if (fd < 0) {
		session_close(session, EVENT_FAILED, -fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	session->watch = (struct watch){.fd = fd, .ready = ready};
	set_state(session, SESSION_CONNECTING, now_us);
	loop_watch(&session->flow->loop, &session->watch, EPOLLOUT);
}

void session_init(struct session *session, struct flow *flow)
{
	session->flow = flow;
	session->watch.fd = -1;
	session->state = SESSION_IDLE;
	connect_session(session, loop_now_us());
}

int64_t session_maintain(struct session *session, int64_t now_us)
{
	const struct flow_options *options = &session->flow->options;

	switch (session->state) {
	case SESSION_IDLE:
		/* At once after a break, with a pause after a failure. */
		if (now_us < session->since_us + RETRY_US)
			return session->since_us + RETRY_US;
		connect_session(session, now_us);
		break;
	case SESSION_CONNECTING:
		if (now_us < session->since_us + options->timeout_us)
			return session->since_us + options->timeout_us;
		session_close(session, EVENT_FAILED, ETIMEDOUT);
		break;
	case SESSION_UP:
		if (!options->stall_us)
			return LOOP_NEVER;
		if (now_us < session->progress_us + options->stall_us)
			return session->progress_us + options->stall_us;
		session_close(session, EVENT_STALLED, 0);
		break;
	}
	return now_us;
}
