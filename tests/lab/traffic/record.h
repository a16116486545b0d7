/*
 * The record that labflow sends and labserve completes and sends back, over UDP and TCP.  All
 * numbers in network byte order.  Times are CLOCK_MONOTONIC, which every network namespace of a
 * machine shares, so the way there and the way back can be told apart.
 */
#pragma once

#include <netinet/in.h>
#include <stdint.h>

#define RECORD_MAGIC "LAB1"
#define RECORD_MAGIC_BYTES 4
#define RECORD_BYTES 64

struct record {
	uint8_t magic[RECORD_MAGIC_BYTES];
	uint32_t sequence;
	uint64_t sent_us;
	uint64_t served_us;       /* filled in by the server: when it read the record */
	struct in6_addr observed; /* filled in by the server: who it came from, IPv4 mapped */
	uint16_t observed_port;
	uint8_t padding[22];
};

_Static_assert(sizeof(struct record) == RECORD_BYTES, "the record is what is on the wire");
