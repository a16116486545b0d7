/*
 * Echo requests over ICMP and ICMPv6: PROBE_ICMP, and with a size PROBE_BIG.  One raw socket a
 * path, behind a filter in the kernel that lets through only what answers this socket's identifier.
 */
#pragma once

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

struct probe_icmp {
	bool open;
	int fd;
	uint16_t id;
	struct event *readable;
};

extern const struct probe_method_ops probe_icmp;
