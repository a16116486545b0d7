/*
 * Sends the engine's probes and hands back what became of them.  Each method is one file
 * (probe_icmp.c, probe_tcp.c, probe_dns.c, probe_http.c, probe_neighbour.c; PROBE_BIG is icmp with
 * a size) behind struct probe_method_ops.  Every socket is bound to its path by device
 * (SO_BINDTODEVICE), source address and mark (steer_mark), so a probe can only leave by its own
 * link.  Round trips come from kernel timestamps where the socket has them.  Nothing blocks,
 * nothing is forked; slots are a fixed table; a probe that has not ended after PROBES_GIVE_UP_US
 * ends as SAMPLE_LOST. Replies are checked for id, sequence, source address and a random cookie:
 * spoofed or stale ones are counted, never believed.  What the samples say:
 *
 *   method      rtt_us                            refused
 *   icmp, big   request to reply                  an ICMP error by the target itself
 *   tcp         SYN to SYN+ACK or RST; over 1 s   RST
 *               when the kernel had to repeat it
 *   dns         query to answer, the server's     an RCODE but NOERROR and NXDOMAIN;
 *               own search included               port unreachable by the server
 *   http        request to response, without the  RST, or closed without a byte
 *               connection's round trip
 *   neighbour   request to the next answer        -
 *
 * SAMPLE_UNREACHABLE and SAMPLE_TOO_BIG are a router's word, which anybody can forge: the probe is
 * still awaited and SAMPLE_ANSWERED may follow, SAMPLE_LOST does not.  A gateway that does not
 * answer ARP or ND shows up as SAMPLE_UNREACHABLE (the kernel's own, after 3 s) or SAMPLE_LOST,
 * never as SAMPLE_SEND_FAILED.
 */
#pragma once

#include <event2/event.h>

#include "config/config.h"
#include "core/output.h"
#include "io/inbox.h"

#define PROBES_GIVE_UP_US (3 * USEC_S)

struct probes;

struct probes_stats {
	uint64_t sent, answered;
	uint64_t late;      /* after the probe had ended as lost */
	uint64_t duplicate; /* after it had been answered */
	uint64_t spoofed, malformed, send_failed, no_slot;
};

struct probes *probes_new(struct event_base *base, struct inbox *inbox,
	const struct config *config);
void probes_free(struct probes *p);
void probes_configure(struct probes *p, const struct config *config);

/*
 * The path's device, source address, mtu or gateway changed; sockets of that path are opened anew,
 * probes under way on it end as SAMPLE_SEND_FAILED with ECANCELED.  facts->present false closes
 * them.
 */
void probes_set_path(struct probes *p, unsigned path, const char *device,
	const struct path_facts *facts);

/* Sends now.  Local failure becomes SAMPLE_SEND_FAILED in the inbox, never a return value. */
void probes_send(struct probes *p, const struct action_probe *a);

void probes_stats(const struct probes *p, struct probes_stats *ret);
