/*
 * One emulated uplink: two ports and what happens between them.  "up" is from the router to the
 * provider, "down" the way back.
 */
#pragma once

#include "../loop.h"
#include "frame.h"
#include "impair.h"
#include "trace.h"

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINK_LOCALS_MAX 8
#define LINK_DEAD_HOSTS_MAX 32

enum direction { DIRECTION_UP, DIRECTION_DOWN, DIRECTION_COUNT };

struct link_prefix {
	struct in6_addr address;
	int bits; /* of the 128 */
};

struct link_counters {
	uint64_t frames;
	uint64_t bytes;
	uint64_t dropped[DROP_COUNT];
	uint64_t dropped_bytes;
	uint64_t overruns;   /* lost in the kernel before the emulator saw them */
	int64_t late_us_max; /* how long after its due time a frame left at worst */
};

struct link_direction {
	struct watch watch; /* the socket frames of this direction come in by; first member */
	struct link *link;
	char port[IFNAMSIZ]; /* the same */
	struct impair impair;
	struct frame_line line;
	struct link_counters counters;
};

struct dead_hosts {
	struct in6_addr addresses[LINK_DEAD_HOSTS_MAX];
	size_t n;
};

struct link {
	char name[IFNAMSIZ];
	struct link_direction directions[DIRECTION_COUNT];
	struct loop *loop;
	struct frame_pool *pool;
	const struct dead_hosts *dead_hosts;
	struct link_prefix locals[LINK_LOCALS_MAX]; /* what is on the link itself */
	size_t n_locals;
	struct trace trace;
	bool playing;
	int64_t play_start_us;
	int64_t play_offset_us;
	double play_speed;
};

/* Opens both ports and starts to forward.  Returns 0 or a negative errno, and then owns nothing. */
int link_open(struct link *link, const char *name, const char *router_port,
	const char *provider_port, uint64_t seed);

/* Opens the ports anew, after they were deleted and made again.  Frames under way are lost. */
int link_reopen(struct link *link, const char *router_port, const char *provider_port);
void link_close(struct link *link);

/* Judges all frames that have arrived. */
void link_receive(struct link *link);

/* Sends what is due.  Returns when the next frame is, or LOOP_NEVER. */
int64_t link_deliver(struct link *link, int64_t now_us);

/* Takes the trace over. */
void link_play(struct link *link, const struct trace *trace, double speed, int64_t offset_us);
void link_stop_playing(struct link *link);

const char *link_direction_name(enum direction direction);
