#include "port.h"

#include "../loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define RECEIVE_BUFFER_BYTES (16 << 20)
#define SEND_BUFFER_BYTES (4 << 20)
#define STAMP_AGE_MAX_US 100000

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

static void set_name(struct ifreq *request, const char *name)
{
	memset(request, 0, sizeof(*request));
	snprintf(request->ifr_name, sizeof(request->ifr_name), "%s", name);
}

static void turn_offloads_off(const char *name)
{
	static const uint32_t commands[] = {ETHTOOL_STXCSUM, ETHTOOL_SRXCSUM, ETHTOOL_SSG,
		ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ethtool_value value;
	struct ifreq request;

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		value = (struct ethtool_value){.cmd = commands[i], .data = 0};
		set_name(&request, name);
		request.ifr_data = (void *)&value;
		ioctl(fd, SIOCETHTOOL, &request); /* what cannot be turned off is not there */
	}
	close(fd);
}

int port_set_up(const char *name, bool up)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request;
	int error = 0;

	set_name(&request, name);
	if (ioctl(fd, SIOCGIFFLAGS, &request) < 0) {
		error = -errno;
	} else {
		request.ifr_flags =
			(short)(up ? request.ifr_flags | IFF_UP : request.ifr_flags & ~IFF_UP);
		if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
			error = -errno;
	}
	close(fd);
	return error;
}

static int bind_to(int fd, const char *name)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	struct packet_mreq all = {.mr_type = PACKET_MR_PROMISC};
	int receive_bytes = RECEIVE_BUFFER_BYTES;
	int send_bytes = SEND_BUFFER_BYTES;
	int on = 1;

	address.sll_ifindex = (int)if_nametoindex(name);
	if (!address.sll_ifindex)
		return -errno;
	all.mr_ifindex = address.sll_ifindex;
	if (setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) < 0 ||
		setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof(all)) < 0 ||
		setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) < 0)
		return -errno;
	/* Best effort: smaller buffers and a queueing step on the way out are merely slower. */
	setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &receive_bytes, sizeof(receive_bytes));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &send_bytes, sizeof(send_bytes));
	return bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
}

int port_open(const char *name)
{
	int error;
	int fd;

	turn_offloads_off(name);
	error = port_set_up(name, true);
	if (error)
		return error;
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	error = bind_to(fd, name);
	if (error) {
		close(fd);
		return error;
	}
	return fd;
}

/* A socket whose interface went down or away is ready with that error until somebody takes it. */
static int take_error(int fd)
{
	socklen_t size = sizeof(int);
	int error = 0;

	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
	return error ? -error : -ENODEV;
}

/* How far the wall clock, which stamps frames, is ahead of the monotonic one. */
static int64_t wall_offset_us(void)
{
	struct timespec wall;

	clock_gettime(CLOCK_REALTIME, &wall);
	return (int64_t)wall.tv_sec * 1000000 + wall.tv_nsec / 1000 - loop_now_us();
}

/* A stamp that cannot be true (the wall clock was set, or none was made) counts as now. */
static int64_t arrival_us(struct msghdr *message, int64_t offset_us, int64_t now_us)
{
	struct cmsghdr *control;
	struct timespec stamp;
	int64_t stamp_us;

	for (control = CMSG_FIRSTHDR(message); control; control = CMSG_NXTHDR(message, control)) {
		if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SO_TIMESTAMPNS)
			continue;
		memcpy(&stamp, CMSG_DATA(control), sizeof(stamp));
		stamp_us = (int64_t)stamp.tv_sec * 1000000 + stamp.tv_nsec / 1000 - offset_us;
		if (stamp_us <= now_us && now_us - stamp_us < STAMP_AGE_MAX_US)
			return stamp_us;
	}
	return now_us;
}

int port_receive(int fd, struct frame_pool *pool, struct port_arrival arrivals[PORT_BATCH])
{
	_Alignas(struct cmsghdr) char control[PORT_BATCH][CMSG_SPACE(sizeof(struct timespec))];
	struct mmsghdr messages[PORT_BATCH];
	struct frame *frames[PORT_BATCH];
	struct iovec vectors[PORT_BATCH];
	int64_t offset_us;
	int64_t now_us;
	int n_frames;
	int n_kept = 0;
	int got;

	for (n_frames = 0; n_frames < PORT_BATCH; n_frames++) {
		frames[n_frames] = frame_take(pool);
		if (!frames[n_frames])
			break;
		vectors[n_frames] = (struct iovec){frames[n_frames]->data, FRAME_MAX};
		messages[n_frames].msg_hdr = (struct msghdr){
			.msg_iov = &vectors[n_frames],
			.msg_iovlen = 1,
			.msg_control = control[n_frames],
			.msg_controllen = sizeof(control[n_frames]),
		};
	}
	got = recvmmsg(fd, messages, (unsigned)n_frames, MSG_DONTWAIT, NULL);
	if (got < 0)
		got = errno == EAGAIN || errno == EINTR ? 0 : take_error(fd);
	offset_us = wall_offset_us();
	now_us = loop_now_us();
	for (int i = 0; i < n_frames; i++) {
		if (i >= got || messages[i].msg_hdr.msg_flags & MSG_TRUNC) {
			frame_give_back(pool, frames[i]);
			continue;
		}
		frames[i]->len = messages[i].msg_len;
		arrivals[n_kept].frame = frames[i];
		arrivals[n_kept++].arrived_us = arrival_us(&messages[i].msg_hdr, offset_us, now_us);
	}
	return got < 0 ? got : n_kept;
}

int port_discard(int fd)
{
	struct mmsghdr messages[PORT_BATCH] = {0};
	int got = recvmmsg(fd, messages, PORT_BATCH, MSG_DONTWAIT, NULL);

	return got < 0 ? 0 : got;
}

int port_send(int fd, const struct frame *frame)
{
	return send(fd, frame->data, frame->len, MSG_DONTWAIT) < 0 ? -errno : 0;
}

uint64_t port_overruns(int fd)
{
	struct tpacket_stats statistics;
	socklen_t size = sizeof(statistics);

	if (getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &statistics, &size) < 0)
		return 0;
	return statistics.tp_drops;
}
