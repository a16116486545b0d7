/* IP bytes on the wire of an IPv4 probe as the daemon sends it, and of its answer: for the counters
   of simulated links. */
#pragma once

#include "core/output.h"

struct probe_size {
	uint16_t out, back; /* bytes */
	uint8_t out_packets, back_packets;
};

/* A probe to the gateway never leaves the first hop and counts as nothing. */
struct probe_size probe_size(const struct action_probe *a);
