#include "io/ubus.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "api/blob_json.h"
#include "base/usec.h"
#include "io/inbox.h"
#include "io/log.h"
#include "io/ubus_own.h"

#define READ_SIZE 8192
#define MESSAGES_AT_A_TIME 16
#define FDS_MAX 8 /* of one read; what is more, the kernel closes */
#define GREETING_US (5 * USEC_S)
#define STALL_US (30 * USEC_S)

/* A bus that restarts is back soon; one that was never there probably never comes. */
#define RETRY_SOON_US (200 * USEC_MS)
#define RETRY_LATER_US (800 * USEC_MS)
#define RETRY_NEVER_SEEN_US (2 * USEC_S)
#define SOON_FOR_US (30 * USEC_S)

static const char *const usual_path[] = {"/var/run/ubus/ubus.sock", "/var/run/ubus.sock"};

/* ---- sending ---- */

static void flush(struct ubus *u)
{
	size_t before = evbuffer_get_length(u->out), left;

	if (u->fd < 0 || u->broken)
		return;
	while (evbuffer_get_length(u->out)) {
		int n = evbuffer_write(u->out, u->fd);

		if (n > 0)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		u->broken = true;
		return;
	}
	left = evbuffer_get_length(u->out);
	if (!left) {
		u->stalled_us = USEC_NEVER;
		return;
	}
	if (left < before || u->stalled_us == USEC_NEVER)
		u->stalled_us = inbox_clock_us();
	event_add(u->writable, NULL);
}

static void put_message(struct blob_writer *w, const struct ubus_outgoing *m)
{
	size_t mark = ubus_message_begin(w, m->type, m->seq, m->peer), inside;

	if (m->has & UBUS_HAS(UBUS_ATTRIBUTE_STATUS))
		blob_put_attribute_u32(w, UBUS_ATTRIBUTE_STATUS, m->status);
	if (m->has & UBUS_HAS(UBUS_ATTRIBUTE_PATH))
		blob_put_attribute_text(w, UBUS_ATTRIBUTE_PATH, m->path);
	if (m->has & UBUS_HAS(UBUS_ATTRIBUTE_OBJECT))
		blob_put_attribute_u32(w, UBUS_ATTRIBUTE_OBJECT, m->object);
	if (m->has & UBUS_HAS(UBUS_ATTRIBUTE_METHOD))
		blob_put_attribute_text(w, UBUS_ATTRIBUTE_METHOD, m->method);
	if (m->has & UBUS_HAS(UBUS_ATTRIBUTE_TARGET))
		blob_put_attribute_u32(w, UBUS_ATTRIBUTE_TARGET, m->target);
	if (m->has & UBUS_HAS(UBUS_ATTRIBUTE_NO_REPLY))
		blob_put_attribute_u8(w, UBUS_ATTRIBUTE_NO_REPLY, 1);
	if (m->has & UBUS_HAS(UBUS_ATTRIBUTE_SIGNATURE)) {
		inside = blob_open_attribute(w, UBUS_ATTRIBUTE_SIGNATURE);
		m->signature(m->user, w);
		blob_close(w, inside);
	}
	if (m->has & UBUS_HAS(UBUS_ATTRIBUTE_DATA)) {
		inside = blob_open_attribute(w, UBUS_ATTRIBUTE_DATA);
		blob_put_json_members(w, m->data);
		blob_close(w, inside);
	}
	ubus_message_end(w, mark);
}

int ubus_own_send(struct ubus *u, const struct ubus_outgoing *m)
{
	struct evbuffer_iovec room;
	struct blob_writer w;

	if (u->fd < 0 || u->broken)
		return -ENOTCONN;
	blob_writer_init(&w, NULL, 0);
	put_message(&w, m);
	if (w.error)
		return -E2BIG;
	if (evbuffer_reserve_space(u->out, (ev_ssize_t)w.used, &room, 1) != 1)
		return -ENOMEM;
	blob_writer_init(&w, room.iov_base, room.iov_len);
	put_message(&w, m);
	room.iov_len = w.used;
	if (w.error || evbuffer_commit_space(u->out, &room, 1))
		return -ENOMEM;
	u->stats.sent++;
	/* while messages are being read, all answers go in one write at the end */
	if (!u->busy)
		flush(u);
	return 0;
}

static bool seq_taken(const struct ubus *u, uint16_t seq)
{
	if (!seq || seq == u->listener_seq)
		return true;
	for (unsigned i = 0; i < UBUS_CALLS_MAX; i++)
		if (u->call[i].state != UBUS_CALL_FREE && u->call[i].seq == seq)
			return true;
	for (unsigned i = 0; i < u->n_follows; i++)
		if (u->follow[i].seq == seq)
			return true;
	for (unsigned i = 0; i < u->n_objects; i++)
		if (u->own[i].seq == seq)
			return true;
	return false;
}

uint16_t ubus_own_seq(struct ubus *u)
{
	do
		u->seq++;
	while (seq_taken(u, u->seq));
	return u->seq;
}

bool ubus_own_copy(char to[UBUS_NAME_MAX + 1], const char *text)
{
	size_t size = strlen(text);

	if (!size || size > UBUS_NAME_MAX)
		return false;
	memcpy(to, text, size + 1);
	return true;
}

/* ---- connecting ---- */

static void close_connection(struct ubus *u)
{
	if (u->readable)
		event_free(u->readable);
	if (u->writable)
		event_free(u->writable);
	u->readable = u->writable = NULL;
	if (u->fd >= 0)
		close(u->fd);
	u->fd = -1;
	evbuffer_drain(u->in, evbuffer_get_length(u->in));
	evbuffer_drain(u->out, evbuffer_get_length(u->out));
	u->broken = u->paused = u->more = false;
	u->stalled_us = USEC_NEVER;
	u->connection++;
}

static void disconnect(struct ubus *u, const char *why)
{
	bool was_up = u->state == UBUS_STATE_UP;
	int64_t now_us = inbox_clock_us();

	close_connection(u);
	u->state = u->on ? UBUS_STATE_ABSENT : UBUS_STATE_OFF;
	u->due_us = now_us + RETRY_SOON_US;
	if (!was_up)
		return;
	u->lost_us = now_us;
	log_line(LOG_INFO, "ubus: the connection is gone: %s", why);
	ubus_server_end(u);
	ubus_client_end(u);
}

static int64_t retry_us(const struct ubus *u, int64_t now_us)
{
	if (!u->lost_us)
		return RETRY_NEVER_SEEN_US;
	return now_us - u->lost_us < SOON_FOR_US ? RETRY_SOON_US : RETRY_LATER_US;
}

static int open_socket(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return -1;
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static void on_readable(evutil_socket_t fd, short what, void *user);
static void on_writable(evutil_socket_t fd, short what, void *user);

static void try_to_connect(struct ubus *u, int64_t now_us)
{
	u->due_us = now_us + retry_us(u, now_us);
	if (u->path[0])
		u->fd = open_socket(u->path);
	else
		for (unsigned i = 0; u->fd < 0 && i < sizeof(usual_path) / sizeof(*usual_path); i++)
			u->fd = open_socket(usual_path[i]);
	if (u->fd < 0)
		return;
	u->readable = event_new(u->base, u->fd, EV_READ | EV_PERSIST, on_readable, u);
	u->writable = event_new(u->base, u->fd, EV_WRITE, on_writable, u);
	if (!u->readable || !u->writable || event_add(u->readable, NULL) < 0) {
		close_connection(u);
		return;
	}
	u->state = UBUS_STATE_GREETING;
	u->due_us = now_us + GREETING_US;
}

/* ---- receiving ---- */

static void dispatch(struct ubus *u, const struct ubus_header *h, const struct ubus_message *m)
{
	switch (h->type) {
	case UBUS_HELLO:
		if (u->state != UBUS_STATE_GREETING)
			break;
		u->state = UBUS_STATE_UP;
		u->stats.connects++;
		log_line(LOG_INFO, "ubus: connected");
		ubus_server_begin(u);
		ubus_client_begin(u);
		break;
	case UBUS_STATUS:
	case UBUS_DATA:
		/* late answers, and those to what was sent without waiting, are nobody's */
		if (!ubus_server_answer(u, h, m))
			ubus_client_answer(u, h, m);
		break;
	case UBUS_INVOKE:
		if (!ubus_client_invoked(u, h, m))
			ubus_server_invoked(u, h, m);
		break;
	case UBUS_UNSUBSCRIBE:
		ubus_client_gone(u, m);
		break;
	case UBUS_NOTIFY:
		ubus_server_followed(u, m);
		break;
	case UBUS_PING:
	case UBUS_LOOKUP:
	case UBUS_ADD_OBJECT:
	case UBUS_REMOVE_OBJECT:
	case UBUS_SUBSCRIBE:
	case UBUS_MONITOR:
	case UBUS_TYPE_COUNT:
		break;
	}
}

/* One message off the input.  1: done; 0: there is not a whole one; -errno: nothing after this can be trusted. */
static int take_message(struct ubus *u)
{
	uint8_t bytes[UBUS_HEADER_SIZE];
	struct ubus_header h = {0};
	struct ubus_message m;
	const uint8_t *whole;
	int r;

	if (evbuffer_copyout(u->in, bytes, sizeof(bytes)) < (ev_ssize_t)sizeof(bytes))
		return 0;
	r = ubus_header_read(bytes, &h);
	if (r && r != -EPROTO)
		return r;
	if (evbuffer_get_length(u->in) < sizeof(bytes) + h.body_size)
		return 0;
	whole = evbuffer_pullup(u->in, (ev_ssize_t)(sizeof(bytes) + h.body_size));
	if (!whole)
		return -ENOMEM;
	u->stats.received++;
	if (!r)
		r = ubus_message_read(whole + sizeof(bytes), h.body_size, &m);
	if (r)
		u->stats.malformed++;
	else
		dispatch(u, &h, &m);
	evbuffer_drain(u->in, sizeof(bytes) + h.body_size);
	return 1;
}

/* Some messages, then the loop turns to others; fewer when so much waits to be sent that we had better not be asked more. */
static int take_some(struct ubus *u)
{
	int r = 1;

	u->busy = true;
	for (unsigned i = 0; i < MESSAGES_AT_A_TIME && r == 1 && !u->broken && !u->paused; i++) {
		r = take_message(u);
		u->paused = evbuffer_get_length(u->out) >= UBUS_OUTPUT_HIGH;
	}
	u->busy = false;
	flush(u);
	if (u->paused && evbuffer_get_length(u->out) < UBUS_OUTPUT_LOW)
		u->paused = false;
	u->more = r == 1 && !u->paused;
	return r;
}

static void take_messages(struct ubus *u)
{
	int r = take_some(u);

	if (r < 0) {
		u->stats.malformed++;
		disconnect(u, "it said something that is no message");
	} else if (u->broken) {
		disconnect(u, "it does not take our messages");
	} else if (u->paused) {
		event_del(u->readable);
	}
}

static void close_fds(struct ubus *u, struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
			close(fd);
			u->stats.fds_closed++;
		}
	}
}

/* As read(); what comes with the bytes is closed, because nothing here wants it. */
static ssize_t read_some(struct ubus *u)
{
	union {
		char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct evbuffer_iovec room;
	struct msghdr m = {.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};
	struct iovec iov;
	ssize_t n;

	if (evbuffer_reserve_space(u->in, READ_SIZE, &room, 1) != 1) {
		errno = ENOMEM;
		return -1;
	}
	iov = (struct iovec){.iov_base = room.iov_base, .iov_len = room.iov_len};
	m.msg_iov = &iov;
	n = recvmsg(u->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0)
		return n;
	close_fds(u, &m);
	room.iov_len = (size_t)n;
	evbuffer_commit_space(u->in, &room, 1);
	return n;
}

static void on_readable(evutil_socket_t fd, short what, void *user)
{
	struct ubus *u = user;
	ssize_t n = 1;

	(void)fd;
	(void)what;
	/* what has come already goes first, so that no more than a message and a read of it is ever kept */
	if (!u->more)
		n = read_some(u);
	if (n > 0)
		take_messages(u);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		disconnect(u, n ? strerror(errno) : "it ended");
	ubus_own_arm(u);
}

static void on_writable(evutil_socket_t fd, short what, void *user)
{
	struct ubus *u = user;

	(void)fd;
	(void)what;
	flush(u);
	if (u->broken)
		disconnect(u, "it does not take our messages");
	else if (u->paused && evbuffer_get_length(u->out) < UBUS_OUTPUT_LOW) {
		u->paused = false;
		event_add(u->readable, NULL);
		take_messages(u);
	}
	ubus_own_arm(u);
}

/* ---- time ---- */

static int64_t next_due(const struct ubus *u)
{
	int64_t due_us;

	if (u->reconfigured || u->broken || u->more)
		return 0;
	if (u->state == UBUS_STATE_OFF)
		return USEC_NEVER;
	if (u->state != UBUS_STATE_UP)
		return u->due_us;
	due_us = usec_min(ubus_client_due(u), ubus_server_due(u));
	if (u->stalled_us != USEC_NEVER)
		due_us = usec_min(due_us, u->stalled_us + STALL_US);
	return due_us;
}

void ubus_own_arm(struct ubus *u)
{
	int64_t due_us = next_due(u), wait_us;
	struct timeval tv;

	if (due_us == USEC_NEVER) {
		event_del(u->timer);
		return;
	}
	wait_us = usec_clamp(due_us - inbox_clock_us(), 0, USEC_H);
	tv.tv_sec = (time_t)(wait_us / USEC_S);
	tv.tv_usec = (suseconds_t)(wait_us % USEC_S);
	event_add(u->timer, &tv);
}

static void on_timer(evutil_socket_t fd, short what, void *user)
{
	struct ubus *u = user;
	int64_t now_us = inbox_clock_us();

	(void)fd;
	(void)what;
	if (u->reconfigured) {
		u->reconfigured = false;
		disconnect(u, "the configuration changed");
		u->lost_us = 0;
		u->due_us = now_us;
	}
	if (u->broken)
		disconnect(u, "it does not take our messages");
	if (u->stalled_us != USEC_NEVER && u->stalled_us + STALL_US <= now_us)
		disconnect(u, "it takes nothing any more");
	if (u->state == UBUS_STATE_GREETING && u->due_us <= now_us)
		disconnect(u, "it does not greet");
	if (u->more)
		take_messages(u);
	if (u->state == UBUS_STATE_ABSENT && u->due_us <= now_us)
		try_to_connect(u, now_us);
	if (u->state == UBUS_STATE_UP) {
		ubus_client_tick(u, now_us);
		ubus_server_tick(u, now_us);
	}
	ubus_own_arm(u);
}

/* ---- life ---- */

struct ubus *ubus_new(struct event_base *base, bool on, const char *path)
{
	struct ubus *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	u->base = base;
	u->fd = -1;
	u->stalled_us = USEC_NEVER;
	u->in = evbuffer_new();
	u->out = evbuffer_new();
	u->timer = evtimer_new(base, on_timer, u);
	if (!u->in || !u->out || !u->timer) {
		ubus_free(u);
		return NULL;
	}
	ubus_configure(u, on, path);
	return u;
}

void ubus_free(struct ubus *u)
{
	if (!u)
		return;
	ubus_client_forget(u);
	if (u->in && u->out) {
		flush(u);
		close_connection(u);
	}
	if (u->in)
		evbuffer_free(u->in);
	if (u->out)
		evbuffer_free(u->out);
	if (u->timer)
		event_free(u->timer);
	free(u);
}

void ubus_configure(struct ubus *u, bool on, const char *path)
{
	if (u->on == on && !strcmp(u->path, path))
		return;
	u->on = on;
	snprintf(u->path, sizeof(u->path), "%s", path);
	/* from the loop: a call that changes the configuration comes over this very connection */
	u->reconfigured = true;
	ubus_own_arm(u);
}

enum ubus_state ubus_state(const struct ubus *u)
{
	return u->state;
}

const char *ubus_state_name(enum ubus_state state)
{
	static const char *const name[] = {"off", "absent", "greeting", "up"};

	return (unsigned)state < UBUS_STATE_COUNT ? name[state] : NULL;
}

void ubus_stats(const struct ubus *u, struct ubus_stats *ret)
{
	*ret = u->stats;
}
