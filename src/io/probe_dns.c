/*
 * The name asked for holds the cookie, the id holds the slot under a key that changes with the
 * port.  Errors of routers come through the socket's error queue (IP_RECVERR), because an
 * unconnected socket, which may ask several servers, hears of them in no other way.
 */
#include "io/probe_dns.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "codec/dns.h"
#include "io/probe.h"

#define PORT_QUERIES 32      /* then a new port, when nobody waits on the old one */
#define PORT_QUERIES_MAX 128 /* then a new port in any case */
#define ERRORS_MAX 16        /* of the error queue in one wake-up */

static void dns_close(struct probe_path *path)
{
	if (!path->dns.open)
		return;
	event_del(path->dns.readable);
	close(path->dns.fd);
	path->dns.open = false;
}

/*
 * A name server that does not know the name has done its work; one that fails or refuses has at
 * least been reached.
 */
static enum sample_outcome outcome_of(uint8_t rcode)
{
	return rcode == DNS_RCODE_NO_ERROR || rcode == DNS_RCODE_NAME_ERROR ? SAMPLE_ANSWERED
									    : SAMPLE_REFUSED;
}

static void handle(struct probe_path *path, const struct probe_packet *packet)
{
	struct probes *p = path->probes;
	enum family family = path->binding.family;
	uint8_t query[DNS_QUERY_MAX];
	size_t size;
	struct dns_answer answer;
	struct probe_slot *slot;
	in_port_t port =
		family == FAMILY_IPV4 ? packet->from.ipv4.sin_port : packet->from.ipv6.sin6_port;

	if (dns_parse_answer(packet->data, packet->size, &answer)) {
		p->stats.malformed++;
		return;
	}
	slot = probe_find(p, path, (uint16_t)(answer.id ^ path->dns.key));
	if (!slot || slot->method != PROBE_DNS || port != htons(DNS_PORT) ||
		!probe_same_address(family, probe_address_bytes(family, &packet->from),
			slot->target) ||
		dns_build_query(answer.id, slot->cookie, p->dns_zone, query, &size) ||
		!dns_answers(&answer, query, size)) {
		p->stats.spoofed++;
		return;
	}
	probe_answer(p, slot, outcome_of(answer.rcode), answer.rcode, packet->arrived_us);
}

/* One error: offender sent it, to is where our query was going, data what of it came back. */
static void handle_error(struct probe_path *path, const struct sock_extended_err *e,
	const union probe_address *offender, const union probe_address *to, const uint8_t *data,
	size_t size)
{
	struct probes *p = path->probes;
	enum family family = path->binding.family;
	const uint8_t *target = probe_address_bytes(family, to);
	struct probe_slot *slot;

	if (e->ee_origin != SO_EE_ORIGIN_ICMP && e->ee_origin != SO_EE_ORIGIN_ICMP6)
		return;
	slot = size >= 2 ? probe_find(p, path, (uint16_t)(bytes_get_be16(data) ^ path->dns.key))
			 : probe_newest(p, path, PROBE_DNS, target);
	if (!slot || slot->method != PROBE_DNS ||
		!probe_same_address(family, slot->target, target)) {
		p->stats.spoofed++;
		return;
	}
	/* nobody listens on port 53 there, but the host itself says so, quoting our query */
	if (e->ee_errno == ECONNREFUSED && size >= 2 &&
		probe_same_address(family, probe_address_bytes(family, offender), target))
		probe_answer(p, slot, SAMPLE_REFUSED, e->ee_code, p->now_us);
	else
		probe_note(p, slot, e->ee_errno == EMSGSIZE ? SAMPLE_TOO_BIG : SAMPLE_UNREACHABLE,
			e->ee_code, p->now_us);
}

/* A control message of the error queue: the error, then the address of who sent it. */
static void read_control(struct probe_path *path, const struct cmsghdr *c,
	const union probe_address *to, const uint8_t *data, size_t size)
{
	bool ipv4 = path->binding.family == FAMILY_IPV4;
	union probe_address offender = {0};
	struct sock_extended_err e;
	size_t length = ipv4 ? sizeof(offender.ipv4) : sizeof(offender.ipv6);

	if (c->cmsg_level != (ipv4 ? SOL_IP : SOL_IPV6) ||
		c->cmsg_type != (ipv4 ? IP_RECVERR : IPV6_RECVERR) ||
		c->cmsg_len < CMSG_LEN(sizeof(e) + length))
		return;
	memcpy(&e, CMSG_DATA(c), sizeof(e));
	memcpy(&offender, CMSG_DATA(c) + sizeof(e), length);
	handle_error(path, &e, &offender, to, data, size);
}

static bool read_error(struct probe_path *path)
{
	union probe_address to;
	union {
		struct cmsghdr align;
		uint8_t bytes[256];
	} control;
	uint8_t data[2];
	struct iovec vector = {data, sizeof(data)};
	struct msghdr h = {.msg_name = &to,
		.msg_namelen = sizeof(to),
		.msg_iov = &vector,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes)};
	ssize_t n = recvmsg(path->dns.fd, &h, MSG_ERRQUEUE | MSG_DONTWAIT);

	if (n < 0)
		return false;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&h); c; c = CMSG_NXTHDR(&h, c))
		read_control(path, c, &to, data, (size_t)n);
	return true;
}

static void read_errors(struct probe_path *path)
{
	for (int i = 0; i < ERRORS_MAX && inbox_room(path->probes->inbox); i++) {
		if (!read_error(path))
			return;
	}
}

static void readable(evutil_socket_t fd, short what, void *user)
{
	struct probe_path *path = user;
	int error = probe_read(path, fd, handle);

	(void)what;
	/* an error, or nothing to read although we were woken */
	if (!error)
		return;
	read_errors(path);
	if (probe_socket_dead(error))
		dns_close(path);
}

static int set_options(int fd, enum family family)
{
	int on = 1;

	return setsockopt(fd, family == FAMILY_IPV4 ? SOL_IP : SOL_IPV6,
		       family == FAMILY_IPV4 ? IP_RECVERR : IPV6_RECVERR, &on, sizeof(on))
		       ? -errno
		       : 0;
}

static int dns_open(struct probe_path *path)
{
	struct probe_dns *dns = &path->dns;
	int error = probe_socket_open(&path->binding, SOCK_DGRAM, 0, &dns->fd);

	if (error)
		return error;
	error = set_options(dns->fd, path->binding.family);
	if (error) {
		close(dns->fd);
		return error;
	}
	dns->key = (uint16_t)probe_random(path->probes);
	dns->queries = 0;
	event_assign(dns->readable, path->probes->base, dns->fd, EV_READ | EV_PERSIST, readable,
		path);
	event_add(dns->readable, NULL);
	dns->open = true;
	return 0;
}

static void dns_forget(struct probe_path *path, struct probe_slot *slot)
{
	(void)slot;
	path->dns.waiting--;
}

static int dns_send(struct probe_path *path, struct probe_slot *slot)
{
	struct probe_dns *dns = &path->dns;
	uint8_t query[DNS_QUERY_MAX];
	union probe_address to;
	socklen_t length;
	size_t size;
	int error;

	if (dns->open && (dns->queries >= PORT_QUERIES_MAX ||
				 (dns->queries >= PORT_QUERIES && !dns->waiting)))
		dns_close(path);
	dns->waiting++;
	if (!dns->open && (error = dns_open(path)))
		return error;
	error = dns_build_query((uint16_t)(probe_wire(path->probes, slot) ^ dns->key), slot->cookie,
		path->probes->dns_zone, query, &size);
	if (error)
		return error;
	length = probe_address_make(&path->binding, slot->target, DNS_PORT, &to);
	slot->sent_us = inbox_clock_us();
	/* the first call after an error of an earlier query only reports that */
	if (sendto(dns->fd, query, size, 0, &to.any, length) < 0) {
		read_errors(path);
		if (sendto(dns->fd, query, size, 0, &to.any, length) < 0) {
			error = -errno;
			if (probe_socket_dead(error))
				dns_close(path);
			return error;
		}
	}
	dns->queries++;
	return 0;
}

const struct probe_method_ops probe_dns = {.send = dns_send,
	.forget = dns_forget,
	.close = dns_close};
