/*
 * What links, counters and steer share of netlink: a request socket (one sendmsg for a batch of
 * messages, every message acknowledged), dumps, and an event socket in the loop.  Over libmnl;
 * messages are built with mnl_attr_put*.
 *
 * Requests wait for their answers, but not for long: the kernel does the work of a netlink request
 * inside sendmsg(), so the answers lie in the socket when it returns.  The time-out is for what
 * should not happen.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <event2/event.h>
#include <libmnl/libmnl.h>
#include <linux/filter.h>

#include "base/usec.h"

#define NETLINK_TIMEOUT_US (1 * USEC_S)
#define NETLINK_BATCH_MESSAGES 64 /* messages of one batch */
#define NETLINK_MESSAGE_MAX 1024  /* bytes of one message of a batch, header included */
#define NETLINK_BATCH_SIZE 16384  /* bytes of one batch */
#define NETLINK_TEXT_SIZE 128

/*
 * The message at *at of a datagram, NULL when there is no whole one; *at moves behind it.  Instead
 * of mnl_nlmsg_ok(), which takes a length of 2 GiB and more for a negative number and lets it pass.
 */
static inline const struct nlmsghdr *netlink_message(const uint8_t *bytes, size_t size, size_t *at)
{
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)(const void *)(bytes + *at);
	size_t left = size - *at;

	if (left < sizeof(*nlh) || nlh->nlmsg_len < sizeof(*nlh) || nlh->nlmsg_len > left)
		return NULL;
	*at += nlh->nlmsg_len;
	*at += *at % 4 ? 4 - *at % 4 : 0;
	*at = *at > size ? size : *at;
	return nlh;
}

/* One message as received: whole, its length checked, no error, acknowledgement, NOOP or DONE.
   The return value is 0, or -errno to be handed on. */
typedef int netlink_fn(const struct nlmsghdr *nlh, void *user);

struct netlink {
	struct mnl_socket *socket; /* NULL: closed */
	int bus;
	uint8_t *buffer; /* for one datagram */
	uint32_t portid, seq;
	uint64_t malformed, foreign;  /* datagrams dropped: broken; not from the kernel */
	char text[NETLINK_TEXT_SIZE]; /* the kernel on the last error (extended ack); "" */
};

/* bus: NETLINK_ROUTE, NETLINK_NETFILTER.  0 or -errno. */
int netlink_open(struct netlink *n, int bus);
void netlink_close(struct netlink *n); /* also one that is closed, or all zero */

struct netlink_batch {
	unsigned count;
	size_t used;                       /* bytes before the last message */
	struct nlmsghdr *last;             /* still growing; NULL: none */
	int error[NETLINK_BATCH_MESSAGES]; /* after netlink_run(): 0 or -errno of each message */
	_Alignas(8) uint8_t bytes[NETLINK_BATCH_SIZE];
};

void netlink_batch_init(struct netlink_batch *b);

/*
 * Begins a message with a copy of the family header (struct rtmsg, nhmsg ...; size bytes).
 * NLM_F_REQUEST and NLM_F_ACK are added to flags; who asks for exactly one answer may take
 * NLM_F_ACK out again and saves the kernel a message.  The caller may add attributes up to
 * NETLINK_MESSAGE_MAX bytes until the next begin or run. NULL: the batch is full; run it and begin
 * anew.
 */
struct nlmsghdr *netlink_batch_begin(struct netlink_batch *b, uint16_t type, uint16_t flags,
	const void *header, size_t size);

/*
 * Sends the batch with one sendmsg() and collects an acknowledgement for every message; the kernel
 * goes on after a message that fails.  each (may be NULL) sees what else is answered (RTM_GET...
 * without dump).  0 when all went well, or the first -errno; -ETIMEDOUT in error[] of those without
 * an answer.
 */
int netlink_run(struct netlink *n, struct netlink_batch *b, netlink_fn *each, void *user);

/*
 * A dump request: header (with attributes behind it, if need be), and each for every message of the
 * answer.  0; -EINTR when the kernel says that the dump is inconsistent (ask again, forgetting what
 * was seen); or -errno, also each's own. An each that has seen enough returns -ECANCELED: the rest
 * is not looked at, a long one is cut off, and the result is 0.
 */
int netlink_dump(struct netlink *n, uint16_t type, const void *header, size_t size,
	netlink_fn *each, void *user);

/* Notifications.  Embedded in its owner, who calls netlink_events_close() before it goes. */
struct netlink_events {
	struct netlink netlink;
	struct event *event; /* libevent's, not core/output.h's; NULL: not in the loop */
	netlink_fn *each;
	/* some were lost: dump again.  What lay in the socket was thrown away before */
	void (*lost)(void *user);
	void (*done)(void *user); /* after the last message of one wake-up; may be NULL */
	void *user;
	/* drops in the kernel what would only wake us up; NULL: nothing */
	const struct sock_filter *filter;
	unsigned short n_filter;
	uint64_t overruns;
};

/*
 * groups: RTNLGRP_... numbers; one that the kernel does not know is left out (-1 in groups:
 * skipped).  each, lost, done, user and filter are filled in by the caller before, the rest is
 * zero.  0 or -errno.
 */
int netlink_events_open(struct netlink_events *e, struct event_base *base, int bus,
	const int groups[], size_t n_groups);
void netlink_events_close(struct netlink_events *e);

/* Reads what is there now, without waiting for the loop. */
void netlink_events_read(struct netlink_events *e);

/* mnl_attr_for_each() mixes int and ptrdiff_t; these do not. */
static inline bool netlink_attr_within(const struct nlattr *attr, const void *end)
{
	return mnl_attr_ok(attr, (int)((const char *)end - (const char *)attr));
}

#define NETLINK_FOR_EACH(attr, start, end)                                                         \
	for ((attr) = (const struct nlattr *)(start); netlink_attr_within((attr), (end));          \
		(attr) = mnl_attr_next(attr))

/* The end is the message's own: mnl_nlmsg_get_payload_tail() rounds it up, beyond the buffer. */
#define NETLINK_FOR_EACH_ATTR(attr, nlh, header_size)                                              \
	NETLINK_FOR_EACH(attr, mnl_nlmsg_get_payload_offset((nlh), (header_size)),                 \
		(const char *)(nlh) + (nlh)->nlmsg_len)
