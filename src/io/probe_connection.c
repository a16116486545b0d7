#include "io/probe_connection.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "base/usec.h"
#include "io/probe.h"

#define EVICT_AGE_US (1 * USEC_S) /* with the pool empty, one as old as this may go early */

/* One retransmission is the least the kernel does; whatever happens, it gives up when we do. */
#define SYN_RETRANSMISSIONS 1

/*
 * SYN, and the reset when it has been answered: without the acknowledgement between, which the kernel would send at once,
 * the packets are as many as the engine takes off a link's counters (path.c: packets_after()).  One more looks like a user's that
 * nobody answers, and keeps an idle link under watch.
 */
static int set_options(int fd)
{
	struct linger reset = {.l_onoff = 1, .l_linger = 0};
	int syns = SYN_RETRANSMISSIONS, quick = 0;
	unsigned timeout_ms = PROBES_GIVE_UP_US / USEC_MS;

	if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) ||
		setsockopt(fd, IPPROTO_TCP, TCP_SYNCNT, &syns, sizeof(syns)) ||
		setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &quick, sizeof(quick)) ||
		setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof(timeout_ms)))
		return -errno;
	return 0;
}

static void evict(struct probes *p)
{
	struct probe_connection *oldest = &p->connections.connection[0];

	for (int i = 1; i < PROBE_CONNECTIONS_MAX; i++) {
		struct probe_connection *c = &p->connections.connection[i];

		if (c->slot->sent_us < oldest->slot->sent_us)
			oldest = c;
	}
	if (p->now_us - oldest->slot->sent_us >= EVICT_AGE_US)
		probe_end(p, oldest->slot, SAMPLE_LOST, 0, 0, 0);
}

static struct probe_connection *take(struct probes *p)
{
	if (p->connections.used == PROBE_CONNECTIONS_MAX)
		evict(p);
	for (int i = 0; i < PROBE_CONNECTIONS_MAX; i++) {
		if (!p->connections.connection[i].used)
			return &p->connections.connection[i];
	}
	return NULL;
}

int probe_connection_open(struct probe_path *path, struct probe_slot *slot, uint16_t port,
	event_callback_fn ready)
{
	struct probes *p = path->probes;
	struct probe_connection *c = take(p);
	union probe_address to;
	socklen_t length;
	int fd, error;

	if (!c) {
		p->stats.no_slot++;
		return -ENOBUFS;
	}
	error = probe_socket_open(&path->binding, SOCK_STREAM, 0, &fd);
	if (error)
		return error;
	error = set_options(fd);
	if (error)
		goto out;
	length = probe_address_make(&path->binding, slot->target, port, &to);
	slot->sent_us = inbox_clock_us();
	if (connect(fd, &to.any, length) && errno != EINPROGRESS) {
		error = -errno;
		goto out;
	}
	c->used = true;
	c->fd = fd;
	c->path = path;
	c->slot = slot;
	p->connections.used++;
	slot->connection = c;
	event_assign(c->event, p->base, fd, EV_WRITE, ready, c);
	event_add(c->event, NULL);
	return 0;
out:
	close(fd);
	return error;
}

void probe_connection_forget(struct probe_path *path, struct probe_slot *slot)
{
	struct probe_connection *c = slot->connection;

	if (!c)
		return;
	event_del(c->event);
	close(c->fd);
	c->used = false;
	slot->connection = NULL;
	path->probes->connections.used--;
}

int probe_connection_result(struct probe_connection *c, uint32_t *ret_rtt_us)
{
	struct tcp_info info = {0};
	socklen_t length = sizeof(info);
	uint32_t elapsed_us;
	int error = 0;

	c->path->probes->now_us = inbox_clock_us();
	elapsed_us = probe_rtt_us(c->path->probes, c->slot, c->path->probes->now_us);
	*ret_rtt_us = elapsed_us;
	if (getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &length))
		return -errno;
	if (info.tcpi_state != TCP_SYN_SENT && info.tcpi_state != TCP_CLOSE) {
		/*
		 * the kernel's own measure, unless it had to repeat the SYN and cannot know which
		 * was answered
		 */
		if (info.tcpi_rtt && !info.tcpi_total_retrans && info.tcpi_rtt < elapsed_us)
			*ret_rtt_us = info.tcpi_rtt;
		return 0;
	}
	length = sizeof(error);
	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &length))
		error = errno;
	return error ? -error : -ENOTCONN;
}

void probe_connection_failed(struct probe_connection *c, int error, uint32_t rtt_us)
{
	struct probes *p = c->path->probes;

	switch (-error) {
	case ECONNREFUSED:
	case ECONNRESET:
		p->stats.answered++;
		c->slot->answered = true;
		probe_end(p, c->slot, SAMPLE_REFUSED, 0, rtt_us, 0);
		break;
	case EHOSTUNREACH: /* also when the gateway does not answer ARP */
	case ENETUNREACH:
	case EHOSTDOWN:
	case ENONET:
	case ENOPROTOOPT:
	case EACCES:
		probe_end(p, c->slot, SAMPLE_UNREACHABLE, 0, rtt_us, 0);
		break;
	case ETIMEDOUT:
		probe_end(p, c->slot, SAMPLE_LOST, 0, 0, 0);
		break;
	default: /* the device went down, the address was taken away ... */
		probe_end(p, c->slot, SAMPLE_SEND_FAILED, 0, 0, -error);
		break;
	}
}
