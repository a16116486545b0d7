#include "codec/arp.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"

#define HARDWARE_ETHERNET 1
#define PROTOCOL_IPV4 0x0800

void arp_build(const struct arp *arp, uint8_t out[ARP_SIZE])
{
	bytes_put_be16(out, HARDWARE_ETHERNET);
	bytes_put_be16(out + 2, PROTOCOL_IPV4);
	out[4] = ARP_HARDWARE_SIZE;
	out[5] = sizeof(arp->sender);
	bytes_put_be16(out + 6, arp->operation);
	memcpy(out + 8, arp->sender_hardware, ARP_HARDWARE_SIZE);
	memcpy(out + 14, arp->sender, sizeof(arp->sender));
	memcpy(out + 18, arp->target_hardware, ARP_HARDWARE_SIZE);
	memcpy(out + 24, arp->target, sizeof(arp->target));
}

int arp_parse(const uint8_t *data, size_t size, struct arp *ret)
{
	if (size < ARP_SIZE || bytes_get_be16(data) != HARDWARE_ETHERNET ||
		bytes_get_be16(data + 2) != PROTOCOL_IPV4 || data[4] != ARP_HARDWARE_SIZE ||
		data[5] != sizeof(ret->sender))
		return -EBADMSG;
	ret->operation = bytes_get_be16(data + 6);
	memcpy(ret->sender_hardware, data + 8, ARP_HARDWARE_SIZE);
	memcpy(ret->sender, data + 14, sizeof(ret->sender));
	memcpy(ret->target_hardware, data + 18, ARP_HARDWARE_SIZE);
	memcpy(ret->target, data + 24, sizeof(ret->target));
	return 0;
}
