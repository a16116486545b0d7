/* Aborts TCP connections over sock_diag(7); see sockets.h. */
#include "io/sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#ifndef SOCK_DESTROY
#define SOCK_DESTROY 21
#endif

#define PORTS 65536
#define ROUNDS_MAX 64

struct sockets {
	struct netlink netlink;
	uint8_t listening[PORTS / 8]; /* bit map, of the dump under way */
};

struct search {
	struct sockets *sockets;
	struct netlink_batch *batch;
	enum family family;
	const uint8_t *address;
	uint32_t spared_mask;
};

struct sockets *sockets_new(void)
{
	struct sockets *s = calloc(1, sizeof(*s));
	int error;

	if (!s)
		return NULL;
	error = netlink_open(&s->netlink, NETLINK_SOCK_DIAG);
	if (error) {
		free(s);
		errno = -error;
		return NULL;
	}
	return s;
}

void sockets_free(struct sockets *s)
{
	if (!s)
		return;
	netlink_close(&s->netlink);
	free(s);
}

static int dump(struct sockets *s, uint8_t af, uint32_t states, netlink_fn *each, void *user)
{
	struct inet_diag_req_v2 request = {.sdiag_family = af,
		.sdiag_protocol = IPPROTO_TCP,
		.idiag_states = states};
	int error = netlink_dump(&s->netlink, SOCK_DIAG_BY_FAMILY, &request, sizeof(request), each,
		user);

	/* sockets come and go: what a dump has missed it has missed */
	return error == -EINTR ? 0 : error;
}

static int note_listener(const struct nlmsghdr *nlh, void *user)
{
	struct sockets *s = user;
	struct inet_diag_msg message;
	unsigned port;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(message))
		return 0;
	memcpy(&message, mnl_nlmsg_get_payload(nlh), sizeof(message));
	port = ntohs(message.id.idiag_sport);
	s->listening[port / 8] |= (uint8_t)(1U << port % 8);
	return 0;
}

/* An IPv4 connection may belong to an IPv6 socket, RFC 4291 §2.5.5.2. */
static bool is_from(const struct search *search, const struct inet_diag_msg *message)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	uint8_t source[16];

	memcpy(source, message->id.idiag_src, sizeof(source));
	if (search->family == FAMILY_IPV6)
		return message->idiag_family == AF_INET6 &&
		       memcmp(source, search->address, sizeof(source)) == 0;
	if (message->idiag_family == AF_INET)
		return memcmp(source, search->address, 4) == 0;
	return memcmp(source, mapped, sizeof(mapped)) == 0 &&
	       memcmp(source + sizeof(mapped), search->address, 4) == 0;
}

static bool is_spared(const struct search *search, const struct nlmsghdr *nlh,
	const struct inet_diag_msg *message)
{
	unsigned port = ntohs(message->id.idiag_sport);
	const struct nlattr *attr;
	uint32_t mark = 0;

	if (search->sockets->listening[port / 8] & 1U << port % 8)
		return true;
	NETLINK_FOR_EACH_ATTR(attr, nlh, sizeof(*message))
	{
		if (mnl_attr_get_type(attr) == INET_DIAG_MARK &&
			mnl_attr_get_payload_len(attr) == sizeof(mark))
			memcpy(&mark, mnl_attr_get_payload(attr), sizeof(mark));
	}
	return mark & search->spared_mask;
}

static int note_connection(const struct nlmsghdr *nlh, void *user)
{
	struct search *search = user;
	struct inet_diag_req_v2 request = {.sdiag_protocol = IPPROTO_TCP,
		.idiag_states = UINT32_MAX};
	struct inet_diag_msg message;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(message))
		return 0;
	memcpy(&message, mnl_nlmsg_get_payload(nlh), sizeof(message));
	if (!is_from(search, &message) || is_spared(search, nlh, &message))
		return 0;
	request.sdiag_family = message.idiag_family;
	request.id = message.id;
	/* full: the next round has the rest */
	(void)netlink_batch_begin(search->batch, SOCK_DESTROY, 0, &request, sizeof(request));
	return 0;
}

/* How many are gone. */
static int run(struct netlink *netlink, struct netlink_batch *batch)
{
	int gone = 0;

	(void)netlink_run(netlink, batch, NULL, NULL);
	for (unsigned i = 0; i < batch->count; i++)
		gone += batch->error[i] == 0;
	return gone;
}

static int abort_family(struct search *search, uint8_t af)
{
	int all = 0;

	for (unsigned i = 0; i < ROUNDS_MAX; i++) {
		int error, gone;

		netlink_batch_init(search->batch);
		error = dump(search->sockets, af, 1U << TCP_ESTABLISHED | 1U << TCP_CLOSE_WAIT,
			note_connection, search);
		if (error || !search->batch->count)
			return error ? error : all;
		gone = run(&search->sockets->netlink, search->batch);
		all += gone;
		/* none of a whole batch: the kernel cannot do it, or may not */
		if (!gone)
			break;
	}
	return all;
}

int sockets_abort(struct sockets *s, struct netlink_batch *batch, enum family family,
	const uint8_t address[16], uint32_t spared_mask)
{
	static const uint8_t afs[] = {AF_INET, AF_INET6};
	struct search search = {.sockets = s,
		.batch = batch,
		.family = family,
		.address = address,
		.spared_mask = spared_mask};
	int all = 0;

	memset(s->listening, 0, sizeof(s->listening));
	for (unsigned i = 0; i < sizeof(afs); i++) {
		int error = dump(s, afs[i], 1U << TCP_LISTEN, note_listener, s);

		if (error && error != -EOPNOTSUPP && error != -ENOENT)
			return error;
	}
	for (unsigned i = 0; i < sizeof(afs); i++) {
		int count = abort_family(&search, afs[i]);

		if (count > 0)
			all += count;
	}
	return all;
}
