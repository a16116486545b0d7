/*
 * The kinds of traffic labflow makes.  labflow.c owns the loop and the options and calls the kind:
 * start() once, tick() each period, expire() at the time it last returned, finish() at the end.
 */
#pragma once

#include "../loop.h"
#include "journal.h"
#include "record.h"

#include <sys/socket.h>

struct flow_options {
	const char *to;
	struct sockaddr_storage address;
	socklen_t address_size;
	int64_t period_us;
	int64_t timeout_us; /* of one packet, request or connection */
	int64_t stall_us;   /* of a long connection: silence after which we give it up; 0: never */
	int64_t rate_bps;   /* of bulk; 0: as fast as it goes */
	size_t size_bytes;  /* of a UDP payload */
	bool fresh;         /* a new source port for each packet */
	bool down;          /* bulk: receive */
	const char *path;   /* of HTTP */
	const char *device; /* NULL: any */
	uint32_t mark;
};

struct flow {
	const struct flow_kind *kind;
	struct flow_options options;
	struct loop loop;
	struct journal journal;
};

struct flow_kind {
	const char *mode;
	uint16_t port;
	int64_t period_us;
	int64_t timeout_us;
	bool fresh; /* without being asked */
	void (*start)(struct flow *flow);
	void (*tick)(struct flow *flow, int64_t now_us);
	int64_t (*expire)(struct flow *flow, int64_t now_us); /* LOOP_NEVER: nothing to wait for */
	bool (*waiting)(const struct flow *flow);             /* for answers that may still come */
	void (*finish)(struct flow *flow);
};

extern const struct flow_kind flow_udp;
extern const struct flow_kind flow_dns;
extern const struct flow_kind flow_tcp;
extern const struct flow_kind flow_http;
extern const struct flow_kind flow_stream;
extern const struct flow_kind flow_bulk;

/*
 * A non-blocking socket with the options' device and mark, on its way to the address: for TCP the
 * connection may still be under way.  Returns the descriptor or a negative errno.
 */
int flow_connect(const struct flow_options *options, int type);

/* A record to send, and one that came back: false if it is none of ours. */
void flow_fill_record(struct record *record, uint32_t sequence, int64_t now_us);
bool flow_read_record(const void *data, size_t len, uint32_t *ret_sequence, int64_t *ret_served_us,
	struct in6_addr *ret_observed);
