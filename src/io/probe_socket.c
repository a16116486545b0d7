#include "io/probe_socket.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/usec.h"

/* A kernel stamp further back than this is not believed: the realtime clock was stepped since. */
#define STAMP_AGE_MAX_US (2 * USEC_S)

socklen_t probe_address_make(const struct probe_binding *b, const uint8_t address[16],
	uint16_t port, union probe_address *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (b->family == FAMILY_IPV4) {
		ret->ipv4.sin_family = AF_INET;
		ret->ipv4.sin_port = htons(port);
		memcpy(&ret->ipv4.sin_addr, address, sizeof(ret->ipv4.sin_addr));
		return sizeof(ret->ipv4);
	}
	ret->ipv6.sin6_family = AF_INET6;
	ret->ipv6.sin6_port = htons(port);
	memcpy(&ret->ipv6.sin6_addr, address, sizeof(ret->ipv6.sin6_addr));
	if (IN6_IS_ADDR_LINKLOCAL(&ret->ipv6.sin6_addr) ||
		IN6_IS_ADDR_MC_LINKLOCAL(&ret->ipv6.sin6_addr))
		ret->ipv6.sin6_scope_id = b->facts.ifindex;
	return sizeof(ret->ipv6);
}

static int set_option(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) ? -errno : 0;
}

static int bind_to_path(const struct probe_binding *b, int fd, int type)
{
	union probe_address source;
	socklen_t length = probe_address_make(b, b->facts.address, 0, &source);
	int error;

	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, b->device,
		    (socklen_t)strnlen(b->device, sizeof(b->device))))
		return -errno;
	if ((error = set_option(fd, SOL_SOCKET, SO_MARK, (int)b->mark)))
		return error;
	if (type == SOCK_STREAM)
		/*
		 * the port is chosen by connect(), which may share it among targets; old kernels do
		 * without
		 */
		set_option(fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, 1);
	else if ((error = set_option(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1)))
		return error;
	return bind(fd, &source.any, length) ? -errno : 0;
}

int probe_socket_open(const struct probe_binding *b, int type, int protocol, int *ret_fd)
{
	int fd, error;

	if (!b->facts.present || !b->device[0])
		return -ENODEV;
	if (!b->facts.has_address)
		return -EADDRNOTAVAIL;
	fd = socket(b->family == FAMILY_IPV4 ? AF_INET : AF_INET6,
		type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	if (fd < 0)
		return -errno;
	error = bind_to_path(b, fd, type);
	if (error) {
		close(fd);
		return error;
	}
	*ret_fd = fd;
	return 0;
}

static int64_t clock_us(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * USEC_S + t.tv_nsec / 1000;
}

int64_t probe_clock_us(int64_t *ret_realtime_us)
{
	/* being preempted between the two would show up as delay of the path */
	for (int attempts = 3;;) {
		int64_t before = clock_us(CLOCK_MONOTONIC), after;

		*ret_realtime_us = clock_us(CLOCK_REALTIME);
		after = clock_us(CLOCK_MONOTONIC);
		if (after - before <= 100 || !--attempts)
			return after;
	}
}

/*
 * How long ago the packet came in; 0 when the stamp is missing or the realtime clock was stepped in
 * between.
 */
static void read_control(struct msghdr *h, int64_t realtime_us, struct probe_packet *packet)
{
	int64_t age_us = 0;

	packet->hop_limit = -1;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS &&
			c->cmsg_len >= CMSG_LEN(sizeof(struct timespec))) {
			struct timespec t;

			memcpy(&t, CMSG_DATA(c), sizeof(t));
			age_us = realtime_us - ((int64_t)t.tv_sec * USEC_S + t.tv_nsec / 1000);
		} else if (c->cmsg_level == SOL_IPV6 && c->cmsg_type == IPV6_HOPLIMIT &&
			   c->cmsg_len >= CMSG_LEN(sizeof(int))) {
			memcpy(&packet->hop_limit, CMSG_DATA(c), sizeof(int));
		}
	}
	if (age_us >= 0 && age_us <= STAMP_AGE_MAX_US)
		packet->arrived_us -= age_us;
}

/* The kernel overwrites lengths; all else of a header stays as it is. */
static void reset_header(struct probe_batch *batch, int i)
{
	struct msghdr *h = &batch->header[i].msg_hdr;

	h->msg_namelen = sizeof(batch->packet[i].from);
	h->msg_controllen = sizeof(batch->control[i].bytes);
	h->msg_flags = 0;
}

void probe_batch_init(struct probe_batch *batch)
{
	for (int i = 0; i < PROBE_PACKETS_MAX; i++) {
		struct msghdr *h = &batch->header[i].msg_hdr;

		batch->vector[i] = (struct iovec){batch->data[i], PROBE_PACKET_SIZE};
		memset(h, 0, sizeof(*h));
		h->msg_name = &batch->packet[i].from;
		h->msg_iov = &batch->vector[i];
		h->msg_iovlen = 1;
		h->msg_control = batch->control[i].bytes;
		reset_header(batch, i);
	}
}

int probe_receive(int fd, int max, struct probe_batch *batch)
{
	int64_t realtime_us;
	int n = recvmmsg(fd, batch->header, (unsigned)max, MSG_DONTWAIT, NULL);

	if (n < 0)
		return -errno;
	batch->now_us = probe_clock_us(&realtime_us);
	for (int i = 0; i < n; i++) {
		struct probe_packet *packet = &batch->packet[i];

		packet->data = batch->data[i];
		packet->size = batch->header[i].msg_len;
		packet->arrived_us = batch->now_us;
		read_control(&batch->header[i].msg_hdr, realtime_us, packet);
		reset_header(batch, i);
	}
	return n;
}
