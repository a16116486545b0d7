/*
 * What one direction of a link does to frames: lets each one through at some time, or drops it.
 * Pure: the time comes in, chance comes from a seeded generator.
 *
 * Order of judgement: black hole, family, protocol filter, MTU, ICMP rate, loss, queue.  A frame is
 * judged once, when it enters: what is already under way still arrives after a black hole starts,
 * and a new delay or rate applies to frames that come after it.
 */
#pragma once

#include "packet.h"
#include "trace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IMPAIR_FILTERS_MAX 8
#define IMPAIR_BUCKETS 64

enum drop {
	DROP_NONE,
	DROP_BLACKHOLE,
	DROP_UPSTREAM,
	DROP_DEAD_HOST,
	DROP_FAMILY,
	DROP_FILTER,
	DROP_MTU,
	DROP_ICMP_RATE,
	DROP_LOSS,
	DROP_QUEUE,
	DROP_DEVICE, /* the way out was down or gone */
	DROP_MEMORY, /* more frames under way than the emulator holds */
	DROP_COUNT,
};

struct impair_filter {
	int protocol; /* IPPROTO_...; ICMP stands for ICMPv6 too */
	int port;     /* at either end; -1: any */
};

/* All zero: a wire. */
struct impair_policy {
	int64_t delay_us;
	int64_t jitter_us; /* uniform in delay - jitter .. delay + jitter */
	int64_t loss_ppm;
	int64_t burst_milli; /* mean length of a loss burst in 1/1000 frames; 0: independent */
	int64_t rate_bps;    /* 0: no limit; counts whole Ethernet frames */
	int64_t queue_us;    /* with rate: tail drop above this much waiting; 0: 100 ms */
	int64_t queue_bytes; /* the same in bytes; the one that is set counts */
	int64_t mtu_bytes;   /* longer IP packets vanish; 0: no limit */
	int64_t icmp_per_s;  /* echo requests per second and destination; 0: no limit */
	int64_t duplicate_ppm;
	int64_t corrupt_ppm; /* one bit behind the Ethernet header flipped */
	bool blackhole;      /* everything, ARP and ND too */
	bool upstream_dead;  /* only the provider's gateway is left; see link_set_local() */
	bool ipv4_dead;      /* ARP still works */
	bool ipv6_dead;      /* ND and all else of IPv6 gone */
	bool reorder;        /* jitter may let frames overtake each other */
	struct impair_filter filters[IMPAIR_FILTERS_MAX]; /* what is dropped */
	size_t n_filters;
};

struct impair_bucket {
	struct in6_addr destination;
	int64_t filled_us;
	int64_t tokens_milli;
};

struct impair {
	struct impair_policy policy;
	bool in_burst;
	int64_t free_ns; /* when the last frame accepted has left the sender */
	int64_t last_due_us;
	uint64_t random;
	struct impair_bucket buckets[IMPAIR_BUCKETS];
};

struct verdict {
	enum drop drop;
	int64_t due_us; /* when it comes out at the other end */
	bool duplicate;
	bool corrupt;
};

void impair_init(struct impair *impair, uint64_t seed);

/* Puts a policy in force.  The queue keeps what it holds. */
void impair_set_policy(struct impair *impair, const struct impair_policy *policy);

/* playing: the trace's word for this moment, or NULL.  It replaces the delay and adds its loss. */
struct verdict impair_judge(struct impair *impair, const struct packet *packet, size_t frame_bytes,
	const struct trace_point *playing, int64_t now_us);

/* Uniform in 0 .. limit - 1; limit > 0. */
uint64_t impair_random(struct impair *impair, uint64_t limit);

/*
 * One option by name and text, e.g. "delay", "20ms".  Returns NULL, or a sentence that says what
 * to do; then *policy is as it was.
 */
const char *impair_option(struct impair_policy *policy, const char *name, const char *value);

/* NULL if the options fit together. */
const char *impair_check(const struct impair_policy *policy);

/* The options that differ from a wire, as text that "set" takes; returns its length as snprintf. */
int impair_print(const struct impair_policy *policy, char *text, size_t size);

const char *impair_drop_name(enum drop drop);
