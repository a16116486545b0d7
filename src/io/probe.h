/*
 * What probes.c and the files of the methods share: slots, paths, and the calls by which a method
 * says what became of a probe.  One slot is one probe under way.  A slot is found in one step from
 * the 16 bits that its packets carry: ten of index, six of generation; a 64 bit cookie proves that
 * the answer is ours.
 *
 *      FREE --probes_send()--> WAITING --probe_note()--> TOLD
 *       ^                       |   |                     |
 *       +------ probe_end() ----+---|---------------------+
 *       +------ inbox has room ---- UNTOLD <-- probe_end() while the inbox is full
 */
#pragma once

#include <event2/event.h>
#include <stdbool.h>

#include "io/probe_connection.h"
#include "io/probe_dns.h"
#include "io/probe_http.h"
#include "io/probe_icmp.h"
#include "io/probe_neighbour.h"
#include "io/probe_socket.h"
#include "io/probes.h"

#define PROBE_SLOTS 1024
#define PROBE_NO_SLOT UINT16_MAX

enum probe_state {
	PROBE_STATE_FREE,
	PROBE_STATE_WAITING, /* sent */
	PROBE_STATE_TOLD,    /* a router's error was told; it may be forged, so an answer counts */
	PROBE_STATE_UNTOLD,  /* ended, but the inbox was full: result waits for room */
};

struct probe_slot {
	enum probe_state state;
	uint16_t before, after; /* in the list of its state */
	uint8_t generation;     /* counts the uses of this slot */
	uint8_t path, method;
	bool answered; /* how the last use ended: another answer is a duplicate */
	uint32_t probe;
	int64_t sent_us;
	uint64_t cookie;
	uint8_t target[16];
	uint16_t tcp_port;
	uint16_t size;                       /* IP bytes of PROBE_BIG */
	uint16_t older;                      /* probe_neighbour.c: the one asked before it */
	struct probe_connection *connection; /* probe_tcp.c, probe_http.c */
	struct input_sample result;          /* PROBE_STATE_UNTOLD */
};

struct probe_list {
	uint16_t first, last;
};

struct probe_path {
	struct probes *probes;
	uint8_t number;
	struct probe_binding binding;
	struct probe_icmp icmp;
	struct probe_dns dns;
	struct probe_neighbour neighbour;
};

struct probes {
	struct event_base *base;
	struct inbox *inbox;
	/* memory of all of libevent's events here: core/output.h has another struct of that name */
	uint8_t *events;
	int64_t now_us; /* when the loop last woke up for us */
	struct event *sweep;
	struct probe_list free, waiting, untold;
	uint16_t slots_used; /* those from here on were never used */
	struct probes_stats stats;
	uint32_t mark_of_link[LINKS_MAX];
	char dns_zone[64];
	char http_request[256];
	size_t http_request_size;
	uint8_t random[128];
	size_t random_left;
	struct probe_path path[PATHS_MAX];
	struct probe_batch batch;
	struct probe_connections connections;
	struct probe_slot slot[PROBE_SLOTS];
};

/* A way of probing.  Sockets are opened by the first send after close(). */
struct probe_method_ops {
	/* Sends slot's probe and sets sent_us; 0 or -errno. */
	int (*send)(struct probe_path *path, struct probe_slot *slot);
	/* The slot ends: lets go of what the method holds for it.  NULL: nothing. */
	void (*forget)(struct probe_path *path, struct probe_slot *slot);
	/*
	 * Closes the path's sockets; copes with closed ones.  NULL: there are none apart from
	 * forget()'s.
	 */
	void (*close)(struct probe_path *path);
};

static inline uint16_t probe_index(const struct probes *p, const struct probe_slot *slot)
{
	return (uint16_t)(slot - p->slot);
}

/* The 16 bits on the wire. */
static inline uint16_t probe_wire(const struct probes *p, const struct probe_slot *slot)
{
	return (uint16_t)(slot->generation << 10 | probe_index(p, slot));
}

/*
 * The slot that these bits name on this path, in whatever state; NULL when they name an older use
 * or another path's.
 */
struct probe_slot *probe_find(struct probes *p, const struct probe_path *path, uint16_t wire);

/* An answer has proved to be the slot's: ends it, or counts a duplicate or late one. */
void probe_answer(struct probes *p, struct probe_slot *slot, enum sample_outcome outcome,
	uint8_t detail, int64_t arrived_us);

/* The probe cannot be answered any more: ends it. */
void probe_end(struct probes *p, struct probe_slot *slot, enum sample_outcome outcome,
	uint8_t detail, uint32_t rtt_us, int error);

/* A router's error about the probe: tells it once and waits on. */
void probe_note(struct probes *p, struct probe_slot *slot, enum sample_outcome outcome,
	uint8_t detail, int64_t arrived_us);

/*
 * The newest probe of the method to target that waits on path, or NULL; for errors that do not say
 * more.
 */
struct probe_slot *probe_newest(struct probes *p, const struct probe_path *path,
	enum probe_method method, const uint8_t target[16]);

uint32_t probe_rtt_us(const struct probes *p, const struct probe_slot *slot, int64_t arrived_us);

bool probe_same_address(enum family family, const uint8_t *a, const uint8_t *b);
/* The address within a socket address of the path's family. */
const uint8_t *probe_address_bytes(enum family family, const union probe_address *a);

uint64_t probe_random(struct probes *p);

/*
 * Reads what a socket holds, but no more than the inbox has room for and PROBE_READS_MAX: handle()
 * gets each packet. 0 or -errno of the socket.  now_us is set.
 */
typedef void probe_handle_fn(struct probe_path *path, const struct probe_packet *packet);
int probe_read(struct probe_path *path, int fd, probe_handle_fn *handle);

/* True for an errno after which the socket is of no use any more: its device or address is gone. */
bool probe_socket_dead(int error);
