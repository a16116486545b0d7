/*
 * Echo requests and what comes back for them: replies, and the errors of routers on the way with
 * the head of our own packet in them.  RFC 792 and RFC 1812 §4.3 (IPv4), RFC 4443 (IPv6).  Our echo
 * carries an 8 byte cookie, which makes 36 bytes of IPv4 or 56 of IPv6; larger ones are filled up
 * with zeros, which leave the checksum as it is.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ICMP_ECHO_SIZE 16 /* ICMP header and cookie */
#define ICMP_IPV4_HEADER_SIZE 20
#define ICMP_IPV6_HEADER_SIZE 40

struct icmp_echo {
	uint16_t id, seq;
	uint64_t cookie;
};

/* Of ICMPv6 the kernel computes the checksum (RFC 3542 §3.1); the field is left zero. */
void icmp_build_echo4(const struct icmp_echo *echo, uint8_t out[ICMP_ECHO_SIZE]);
void icmp_build_echo6(const struct icmp_echo *echo, uint8_t out[ICMP_ECHO_SIZE]);

enum icmp_kind {
	ICMP_KIND_REPLY,
	ICMP_KIND_UNREACHABLE, /* type 3 (but not code 4); ICMPv6 type 1 */
	ICMP_KIND_TOO_BIG,     /* type 3 code 4; ICMPv6 type 2 */
	ICMP_KIND_EXPIRED,     /* time exceeded, type 11; ICMPv6 type 3 */
};

struct icmp_message {
	enum icmp_kind kind;
	uint8_t code;
	bool has_cookie; /* an error may quote no more than our ICMP header */
	struct icmp_echo echo;
	uint8_t target[16]; /* errors: where our echo was going; replies leave it zero */
};

/*
 * Data as a raw socket hands it out: from the IPv4 header on.  A packet cut short by the receiver
 * is accepted, without a look at its checksum, when all that is needed is there.  -EBADMSG: not a
 * well-formed packet; -ENOMSG: well-formed, but neither a reply with room for a cookie nor an error
 * about an echo request.
 */
int icmp_parse4(const uint8_t *data, size_t size, struct icmp_message *ret);

/* Data from the ICMPv6 header on; the kernel has verified the checksum. */
int icmp_parse6(const uint8_t *data, size_t size, struct icmp_message *ret);
