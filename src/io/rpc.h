/*
 * The local socket: JSON-RPC 2.0, one message a line, on a Unix stream socket.
 *
 *   client --line--> parse -> api_call() -> one line back
 *                                 `-> with follow: true, {"jsonrpc":"2.0","method":"event","params":{...}} as they happen
 *
 * Batches are answered as one array.  Root may everything, members of the configured group operate, others read
 * (SO_PEERCRED, SO_PEERGROUPS).  Everything is bounded: RPC_CLIENTS_MAX clients, messages of RPC_MESSAGE_MAX, answers of
 * RPC_REPLY_MAX; who does not read what was asked for is not read from either, and is closed after RPC_STALL_US.  Malformed
 * input is answered (with the place of the mistake) and forgotten.  A follower that reads too slowly loses the oldest events
 * and is told how many, in params.lost of the next.
 */
#pragma once

#include <event2/event.h>

#include "api/api.h"
#include "base/problem.h"

#define RPC_CLIENTS_MAX 64
#define RPC_MESSAGE_MAX 65536
#define RPC_BATCH_MAX 16
#define RPC_REPLY_MAX 262144
/* Read no more requests from, and push no more events to, a client that leaves so much unread. */
#define RPC_PENDING_MAX 65536
/* All clients together; past it the one that leaves the most unread is closed. */
#define RPC_TOTAL_MAX 1048576
#define RPC_STALL_S 30

struct rpc;

struct rpc_options {
	const char *
		path; /* of the socket; its folder is made when missing; not read by rpc_configure() */
	const char *group; /* owns the socket and may operate; "": none */
	uint32_t mode;     /* of the socket file */
};

struct rpc_stats {
	uint64_t accepted, refused, closed_slow, malformed, messages, events_pushed, events_lost;
	unsigned clients;
};

/*
 * Listens.  A socket file that nobody listens on any more is replaced; where another daemon answers it is -EADDRINUSE.
 * NULL with ret filled.
 */
struct rpc *rpc_new(struct event_base *base, struct api *api, const struct rpc_options *options,
	struct problem *ret);
void rpc_free(
	struct rpc *rpc); /* also removes the socket file, unless a successor has taken its place */

/* Group and mode after a reload; the path cannot change.  Clients keep what they may for as long as they are connected. */
int rpc_configure(struct rpc *rpc, const struct rpc_options *options, struct problem *ret);

/* To be called after each wake-up in which events were put into the ring: hands them to those who follow. */
void rpc_push(struct rpc *rpc);

void rpc_stats(const struct rpc *rpc, struct rpc_stats *ret);
