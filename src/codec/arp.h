/* ARP over Ethernet for IPv4: the question for one address and its answer.  RFC 826. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define ARP_SIZE 28
#define ARP_HARDWARE_SIZE 6

#define ARP_OPERATION_REQUEST 1
#define ARP_OPERATION_REPLY 2

struct arp {
	uint16_t operation;
	uint8_t sender_hardware[ARP_HARDWARE_SIZE], sender[4];
	uint8_t target_hardware[ARP_HARDWARE_SIZE], target[4];
};

/* Data begins with the hardware type, after the Ethernet header. */
void arp_build(const struct arp *arp, uint8_t out[ARP_SIZE]);

/* -EBADMSG: not ARP of IPv4 over Ethernet.  Ethernet's padding after it is ignored. */
int arp_parse(const uint8_t *data, size_t size, struct arp *ret);
