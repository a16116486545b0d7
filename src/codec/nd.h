/*
 * IPv6 neighbour discovery: the solicitation for one address and the advertisement that answers it.
 * RFC 4861 §4.3, §4.4.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ND_SOLICITATION_SIZE 32 /* with the source link-layer address option */
#define ND_HARDWARE_SIZE 6
#define ND_HOP_LIMIT                                                                               \
	255 /* a packet with less has passed a router and is not to be believed, §7.1 */

struct nd_advertisement {
	bool router, solicited, override;
	uint8_t target[16];
};

/* The group that target listens to, ff02::1:ffXX:XXXX; RFC 4291 §2.7.1. */
void nd_solicited_node(const uint8_t target[16], uint8_t out[16]);

/* The checksum is the kernel's to compute. */
void nd_build_solicitation(const uint8_t target[16], const uint8_t hardware[ND_HARDWARE_SIZE],
	uint8_t out[ND_SOLICITATION_SIZE]);

/*
 * Data from the ICMPv6 header on, checksum verified by the kernel.  -ENOMSG: another type;
 * -EBADMSG: not valid by §7.1.2.
 */
int nd_parse_advertisement(const uint8_t *data, size_t size, struct nd_advertisement *ret);
