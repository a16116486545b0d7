/* Sockets that can only use one path, and reading from them in batches with the time of arrival. */
#pragma once

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "core/input.h"

/* What binds a socket to a path. */
struct probe_binding {
	enum family family;
	char device[DEVICE_SIZE];
	uint32_t mark;
	struct path_facts facts;
};

union probe_address {
	struct sockaddr any;
	struct sockaddr_in ipv4;
	struct sockaddr_in6 ipv6;
};

/*
 * A socket address of the binding's family; returns its length.  The scope of link-local addresses
 * is the device.
 */
socklen_t probe_address_make(const struct probe_binding *b, const uint8_t address[16],
	uint16_t port, union probe_address *ret);

/*
 * A non-blocking socket of the binding's family, bound by device, mark and source address, which
 * stamps what arrives. -EADDRNOTAVAIL when the path has no source address (any more); other
 * negative errno of the calls.
 */
int probe_socket_open(const struct probe_binding *b, int type, int protocol, int *ret_fd);

/*
 * Both clocks in one place: the kernel stamps on CLOCK_REALTIME, which may be stepped, we count on
 * CLOCK_MONOTONIC.
 */
int64_t probe_clock_us(int64_t *ret_realtime_us);

#define PROBE_PACKETS_MAX 16
#define PROBE_PACKET_SIZE 512

struct probe_packet {
	union probe_address from;
	const uint8_t *data;
	size_t size;        /* at most PROBE_PACKET_SIZE; the rest is cut off */
	int64_t arrived_us; /* by the kernel's stamp, on CLOCK_MONOTONIC */
	int hop_limit;      /* -1: not asked for */
};

struct probe_batch {
	int64_t now_us; /* when it was read */
	struct probe_packet packet[PROBE_PACKETS_MAX];
	uint8_t data[PROBE_PACKETS_MAX][PROBE_PACKET_SIZE];
	struct mmsghdr header[PROBE_PACKETS_MAX];
	struct iovec vector[PROBE_PACKETS_MAX];
	union {
		struct cmsghdr align;
		uint8_t bytes[128];
	} control[PROBE_PACKETS_MAX];
};

void probe_batch_init(struct probe_batch *batch);

/*
 * Reads up to max (<= PROBE_PACKETS_MAX) packets in one call.  Returns how many, or -errno;
 * -EAGAIN: none there.
 */
int probe_receive(int fd, int max, struct probe_batch *batch);
