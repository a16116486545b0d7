/* A network interface as a source and sink of raw Ethernet frames. */
#pragma once

#include "frame.h"

#include <stdbool.h>
#include <stdint.h>

#define PORT_BATCH 64

struct port_arrival {
	struct frame *frame;
	int64_t arrived_us; /* when the kernel received it */
};

/*
 * Opens name in the current network namespace: turns its offloads off (so checksums are in the
 * frames and no frame is longer than the MTU allows), sets it up.  Returns the socket or a
 * negative errno.
 */
int port_open(const char *name);

/*
 * Reads up to PORT_BATCH waiting frames into frames of the pool, at least one if one is waiting and
 * the pool is not empty.  Frames too long for the pool are left out.  Returns how many arrivals it
 * filled in, 0 when nothing is waiting, a negative errno when the interface is gone.
 */
int port_receive(int fd, struct frame_pool *pool, struct port_arrival arrivals[PORT_BATCH]);

/* Reads and drops one batch; for when the pool is empty.  Returns the number dropped. */
int port_discard(int fd);

/* Returns 0 or a negative errno. */
int port_send(int fd, const struct frame *frame);

/* Sets the interface up or down, and so the carrier of its peer.  Returns 0 or a negative errno. */
int port_set_up(const char *name, bool up);

/* Frames the kernel dropped since the last call because the emulator did not read them in time. */
uint64_t port_overruns(int fd);
