/* ARP and neighbour advertisements; the first byte picks one. */
#include <stdlib.h>
#include <string.h>

#include "codec/arp.h"
#include "codec/nd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nd_advertisement na;
	struct arp arp;
	uint8_t back[ARP_SIZE];

	if (!size)
		return 0;
	if (data[0] & 1) {
		nd_parse_advertisement(data + 1, size - 1, &na);
	} else if (!arp_parse(data + 1, size - 1, &arp)) {
		arp_build(&arp, back);
		if (memcmp(back, data + 1, ARP_SIZE))
			abort();
	}
	return 0;
}
