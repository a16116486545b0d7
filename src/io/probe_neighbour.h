/*
 * Does the gateway answer on the link itself?  PROBE_NEIGHBOUR: ARP request (packet socket) or
 * neighbour solicitation (raw ICMPv6 socket).  -EOPNOTSUPP on links without neighbours: point to
 * point, tunnels.
 */
#pragma once

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

struct probe_neighbour {
	bool open;
	int fd;
	uint8_t target[16];  /* that the kernel's filter lets through */
	uint8_t hardware[6]; /* our own */
	uint8_t gateway_hardware[6];
	bool gateway_known; /* it answered the last request; the next is for its address alone */
	uint16_t newest;    /* slot; PROBE_NO_SLOT: none waits */
	struct event *readable;
};

extern const struct probe_method_ops probe_neighbour;
