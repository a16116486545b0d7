/* What the emulator has to know of a frame.  Reads bytes from anywhere and never past len. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct packet {
	int family;             /* 4, 6, or 0: not IP (ARP, or not even a whole header) */
	int ip_bytes;           /* length of the IP packet as its header states it */
	int protocol;           /* IPPROTO_..., ICMPv6 given as IPPROTO_ICMP; -1: not known */
	int source_port;        /* TCP and UDP; -1: none, or not the first fragment */
	int destination_port;   /* the same */
	bool echo_request;      /* ICMP or ICMPv6 echo request */
	bool link_local;        /* IPv6 between link-local or to multicast addresses: ND, RA */
	struct in6_addr source; /* IPv4 as ::ffff:a.b.c.d */
	struct in6_addr destination;
};

/* frame starts with its Ethernet header.  Always fills *ret_packet. */
void packet_classify(const uint8_t *frame, size_t len, struct packet *ret_packet);

/* An IPv4 or IPv6 address in text, as packet_classify() gives it; false: not an address. */
bool packet_address(const char *text, struct in6_addr *ret_address);
