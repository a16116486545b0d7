/*
 * Netlink requests, dumps and notifications; see netlink.h.
 *
 * Whatever arrives is checked twice: the datagram must come from the kernel (port 0), and every
 * message must lie whole inside it.  A request socket ignores answers to requests of before
 * (sequence number), so a late acknowledgement after a time-out does no harm.
 */
#include "io/netlink.h"

#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "io/inbox.h"

#define BUFFER_SIZE 32768 /* the largest datagram that the kernel builds for a dump */
#define EVENTS_RECEIVE_BYTES (1 << 20)
#define DUMP_TAIL_READS                                                                            \
	4 /* of a dump that nobody wants to see the end of; more are dearer than a new socket */
#define READS_PER_WAKEUP 64 /* then the loop's other events have their turn */

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

static void set_option(struct netlink *n, int option)
{
	int on = 1;

	/* all of these are refinements that an old kernel may lack */
	(void)mnl_socket_setsockopt(n->socket, option, &on, sizeof(on));
}

static int open_socket(struct netlink *n)
{
	n->socket = mnl_socket_open2(n->bus, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!n->socket || mnl_socket_bind(n->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return errno ? -errno : -EIO;
	n->portid = mnl_socket_get_portid(n->socket);
	set_option(n, NETLINK_CAP_ACK);
	set_option(n, NETLINK_EXT_ACK);
	if (n->bus == NETLINK_ROUTE)
		set_option(n, NETLINK_GET_STRICT_CHK);
	return 0;
}

int netlink_open(struct netlink *n, int bus)
{
	int error;

	memset(n, 0, sizeof(*n));
	n->bus = bus;
	n->buffer = malloc(BUFFER_SIZE);
	if (!n->buffer)
		return -ENOMEM;
	error = open_socket(n);
	if (error)
		netlink_close(n);
	return error;
}

void netlink_close(struct netlink *n)
{
	if (n->socket)
		mnl_socket_close(n->socket);
	n->socket = NULL;
	free(n->buffer);
	n->buffer = NULL;
}

/* Bytes of one datagram from the kernel; 0: one that is to be ignored; or -errno. */
static ssize_t receive(struct netlink *n)
{
	struct sockaddr_nl from = {0};
	struct iovec iov = {.iov_base = n->buffer, .iov_len = BUFFER_SIZE};
	struct msghdr msg = {.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &iov,
		.msg_iovlen = 1};
	ssize_t size;

	do
		size = recvmsg(mnl_socket_get_fd(n->socket), &msg, MSG_DONTWAIT);
	while (size < 0 && errno == EINTR);
	if (size < 0)
		return -errno;
	if (msg.msg_flags & MSG_TRUNC)
		return -EMSGSIZE;
	if (msg.msg_namelen != sizeof(from) || from.nl_pid) {
		n->foreign++;
		return 0;
	}
	return size;
}

/* As receive(), but waits until deadline_us. */
static ssize_t receive_until(struct netlink *n, int64_t deadline_us)
{
	for (;;) {
		ssize_t size = receive(n);

		if (size != -EAGAIN && size != -EWOULDBLOCK)
			return size;

		struct pollfd poll_fd = {.fd = mnl_socket_get_fd(n->socket), .events = POLLIN};
		int64_t left_us = deadline_us - inbox_clock_us();

		if (left_us <= 0)
			return -ETIMEDOUT;
		if (poll(&poll_fd, 1, (int)(left_us / USEC_MS + 1)) < 0 && errno != EINTR)
			return -errno;
	}
}

static int send_bytes(struct netlink *n, const void *bytes, size_t size)
{
	ssize_t sent;

	do
		sent = mnl_socket_sendto(n->socket, bytes, size);
	while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return -errno;
	return (size_t)sent == size ? 0 : -EIO;
}

/* The macros of libmnl mix int and unsigned. */
static size_t align(size_t size)
{
	return (size + 3) & ~(size_t)3;
}

static int keep_text_attribute(const struct nlattr *attr, void *user)
{
	struct netlink *n = user;

	if (mnl_attr_get_type(attr) != NLMSGERR_ATTR_MSG ||
		mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) < 0)
		return MNL_CB_OK;
	strncpy(n->text, mnl_attr_get_str(attr), sizeof(n->text) - 1);
	n->text[sizeof(n->text) - 1] = '\0';
	return MNL_CB_STOP;
}

/*
 * The kernel's own words in an error message, if it has any (linux/netlink.h, NLMSGERR_ATTR_MSG).
 */
static void keep_text(struct netlink *n, const struct nlmsghdr *nlh)
{
	size_t size = mnl_nlmsg_get_payload_len(nlh);
	size_t skip = sizeof(struct nlmsgerr);
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);

	n->text[0] = '\0';
	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED)) {
		if (e->msg.nlmsg_len < sizeof(e->msg) || e->msg.nlmsg_len > size)
			return;
		skip += align(e->msg.nlmsg_len) - sizeof(e->msg);
	}
	if (skip < size)
		(void)mnl_attr_parse_payload((const uint8_t *)(const void *)e + skip, size - skip,
			keep_text_attribute, n);
}

void netlink_batch_init(struct netlink_batch *b)
{
	b->count = 0;
	b->used = 0;
	b->last = NULL;
}

static void close_last(struct netlink_batch *b)
{
	if (b->last)
		b->used += align(b->last->nlmsg_len);
	b->last = NULL;
}

struct nlmsghdr *netlink_batch_begin(struct netlink_batch *b, uint16_t type, uint16_t flags,
	const void *header, size_t size)
{
	close_last(b);
	if (b->count == NETLINK_BATCH_MESSAGES || sizeof(b->bytes) - b->used < NETLINK_MESSAGE_MAX)
		return NULL;

	struct nlmsghdr *nlh = mnl_nlmsg_put_header(b->bytes + b->used);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = (uint16_t)(flags | NLM_F_REQUEST | NLM_F_ACK);
	if (size)
		memcpy(mnl_nlmsg_put_extra_header(nlh, size), header, size);
	b->count++;
	b->last = nlh;
	return nlh;
}

/* Returns which of them want no acknowledgement. */
static uint64_t number_messages(struct netlink *n, struct netlink_batch *b)
{
	uint64_t bare = 0;
	size_t at = 0;

	for (unsigned i = 0; i < b->count; i++) {
		struct nlmsghdr *nlh = (struct nlmsghdr *)(void *)(b->bytes + at);

		nlh->nlmsg_seq = n->seq + i;
		nlh->nlmsg_pid = n->portid;
		at += align(nlh->nlmsg_len);
		b->error[i] = -ETIMEDOUT;
		if (!(nlh->nlmsg_flags & NLM_F_ACK))
			bare |= UINT64_C(1) << i;
	}
	return bare;
}

struct collect {
	struct netlink *netlink;
	struct netlink_batch *batch;
	uint32_t first; /* sequence number of the first message */
	unsigned open;  /* messages that are not done yet */
	uint64_t bare;  /* bit mask of those that are done with their answer alone */
	netlink_fn *each;
	void *user;
};

static void finish_message(struct collect *c, uint32_t i, int error)
{
	if (c->batch->error[i] != -ETIMEDOUT)
		return;
	c->batch->error[i] = error > 0 ? -EPROTO : error;
	c->open--;
}

static void collect_message(struct collect *c, const struct nlmsghdr *nlh)
{
	uint32_t i = nlh->nlmsg_seq - c->first;

	if (i >= c->batch->count)
		return;
	if (nlh->nlmsg_type == NLMSG_ERROR) {
		const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);

		if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*e)) {
			c->netlink->malformed++;
			return;
		}
		if (e->error)
			keep_text(c->netlink, nlh);
		finish_message(c, i, e->error);
	} else if (nlh->nlmsg_type >= NLMSG_MIN_TYPE) {
		if (c->each)
			(void)c->each(nlh, c->user);
		if (c->bare & UINT64_C(1) << i)
			finish_message(c, i, 0);
	}
}

_Static_assert(NETLINK_BATCH_MESSAGES <= 64, "struct collect has a bit for each");

/* Calls each for every whole message of a datagram; false when bytes are left that are none. */
static bool split(const uint8_t *bytes, ssize_t size, void (*each)(void *, const struct nlmsghdr *),
	void *user)
{
	const struct nlmsghdr *nlh;
	size_t at = 0;

	while ((nlh = netlink_message(bytes, (size_t)size, &at)))
		each(user, nlh);
	return at == (size_t)size;
}

static void collect_each(void *user, const struct nlmsghdr *nlh)
{
	collect_message(user, nlh);
}

int netlink_run(struct netlink *n, struct netlink_batch *b, netlink_fn *each, void *user)
{
	int64_t deadline_us = inbox_clock_us() + NETLINK_TIMEOUT_US;
	struct collect c = {.netlink = n,
		.batch = b,
		.first = n->seq,
		.open = b->count,
		.each = each,
		.user = user};
	int error = 0;

	close_last(b);
	n->text[0] = '\0';
	if (!b->count)
		return 0;
	c.bare = number_messages(n, b);
	n->seq += b->count;
	error = send_bytes(n, b->bytes, b->used);
	while (!error && c.open) {
		ssize_t size = receive_until(n, deadline_us);

		if (size < 0)
			error = (int)size;
		else if (!split(n->buffer, size, collect_each, &c))
			n->malformed++;
	}
	for (unsigned i = 0; i < b->count; i++) {
		if (error && b->error[i] == -ETIMEDOUT)
			b->error[i] = error;
	}
	for (unsigned i = 0; i < b->count; i++) {
		if (b->error[i])
			return b->error[i];
	}
	return 0;
}

struct dump {
	struct netlink *netlink;
	uint32_t seq;
	bool done, interrupted, enough;
	int error;
	netlink_fn *each;
	void *user;
};

static void dump_each(void *user, const struct nlmsghdr *nlh)
{
	struct dump *d = user;

	if (nlh->nlmsg_seq != d->seq || d->done)
		return;
	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		d->interrupted = true;
	if (nlh->nlmsg_type == NLMSG_DONE) {
		d->done = true;
		if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(int32_t) && !d->error) {
			int32_t error;

			memcpy(&error, mnl_nlmsg_get_payload(nlh), sizeof(error));
			d->error = error < 0 ? error : 0;
		}
	} else if (nlh->nlmsg_type == NLMSG_ERROR) {
		const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);

		d->done = true;
		if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*e)) {
			d->error = -EPROTO;
			return;
		}
		keep_text(d->netlink, nlh);
		d->error = e->error > 0 ? -EPROTO : e->error;
	} else if (nlh->nlmsg_type >= NLMSG_MIN_TYPE && !d->error && !d->enough) {
		int error = d->each(nlh, d->user);

		if (error == -ECANCELED)
			d->enough = true;
		else
			d->error = error;
	}
}

/* The only way out of a dump but its end is a new socket. */
static int cut_off(struct netlink *n)
{
	mnl_socket_close(n->socket);
	return open_socket(n);
}

int netlink_dump(struct netlink *n, uint16_t type, const void *header, size_t size,
	netlink_fn *each, void *user)
{
	_Alignas(8) uint8_t request[256] = {0};
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(request);
	struct dump d = {.netlink = n, .seq = n->seq, .each = each, .user = user};
	int error, left = DUMP_TAIL_READS;

	if (size > sizeof(request) - sizeof(struct nlmsghdr))
		return -EMSGSIZE;
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = n->seq++;
	nlh->nlmsg_pid = n->portid;
	if (size)
		memcpy(mnl_nlmsg_put_extra_header(nlh, size), header, size);
	n->text[0] = '\0';
	error = send_bytes(n, request, nlh->nlmsg_len);
	while (!error && !d.done) {
		if (d.enough && left-- == 0)
			return cut_off(n);
		/* a large table takes its time; what must not happen is that nothing comes */
		ssize_t got = receive_until(n, inbox_clock_us() + NETLINK_TIMEOUT_US);

		if (got < 0)
			error = (int)got;
		else if (!split(n->buffer, got, dump_each, &d))
			n->malformed++;
	}
	if (error)
		return error;
	if (d.error)
		return d.error;
	return d.interrupted ? -EINTR : 0;
}

static void events_each(void *user, const struct nlmsghdr *nlh)
{
	struct netlink_events *e = user;

	if (nlh->nlmsg_type >= NLMSG_MIN_TYPE)
		(void)e->each(nlh, e->user);
}

/* After an overrun what still lies in the socket is older than the dump to come and would overwrite
   it. */
static void throw_away(struct netlink_events *e)
{
	ssize_t size;

	do
		size = receive(&e->netlink);
	while (size >= 0 || size == -ENOBUFS || size == -EMSGSIZE);
}

void netlink_events_read(struct netlink_events *e)
{
	int reads;

	for (reads = 0; reads < READS_PER_WAKEUP; reads++) {
		ssize_t size = receive(&e->netlink);

		if (size == -ENOBUFS || size == -EMSGSIZE) {
			e->overruns++;
			throw_away(e);
			e->lost(e->user);
			continue;
		}
		if (size < 0)
			break;
		if (!split(e->netlink.buffer, size, events_each, e))
			e->netlink.malformed++;
	}
	if (reads && e->done)
		e->done(e->user);
}

static void events_readable(evutil_socket_t fd, short what, void *user)
{
	(void)fd;
	(void)what;
	netlink_events_read(user);
}

/* More room than net.core.rmem_max where we may; what fits where not. */
static void set_receive_size(struct netlink *n)
{
	int fd = mnl_socket_get_fd(n->socket);
	int size = EVENTS_RECEIVE_BYTES;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

/* Without it (a kernel built so) messages that are of no interest come too; who reads them ignores
   them. */
static void set_filter(const struct netlink_events *e)
{
	struct sock_fprog program = {.len = e->n_filter, .filter = (struct sock_filter *)e->filter};

	if (e->filter)
		(void)setsockopt(mnl_socket_get_fd(e->netlink.socket), SOL_SOCKET, SO_ATTACH_FILTER,
			&program, sizeof(program));
}

int netlink_events_open(struct netlink_events *e, struct event_base *base, int bus,
	const int groups[], size_t n_groups)
{
	int error = netlink_open(&e->netlink, bus);

	e->event = NULL;
	e->overruns = 0;
	if (error)
		return error;
	set_receive_size(&e->netlink);
	set_filter(e);
	for (size_t i = 0; i < n_groups; i++) {
		int group = groups[i];

		if (group > 0)
			(void)mnl_socket_setsockopt(e->netlink.socket, NETLINK_ADD_MEMBERSHIP,
				&group, sizeof(group));
	}
	e->event = event_new(base, mnl_socket_get_fd(e->netlink.socket), EV_READ | EV_PERSIST,
		events_readable, e);
	if (!e->event || event_add(e->event, NULL) < 0) {
		netlink_events_close(e);
		return -ENOMEM;
	}
	return 0;
}

void netlink_events_close(struct netlink_events *e)
{
	if (e->event)
		event_free(e->event);
	e->event = NULL;
	netlink_close(&e->netlink);
}
