/*
 * What the kernel answers when packets are asked for: the first byte says which of the two answers it is, the rest is the
 * message behind its header.  Packets of a family never fall between two readings.
 */
#undef NDEBUG
#include <assert.h>
#include <string.h>

#include "io/counters.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define IFINDEX 7

static struct inbox inbox;
static struct counters counters;

static uint64_t told(uint64_t at_least)
{
	struct input in;
	uint64_t ipv4 = at_least;

	while (inbox_take(&inbox, &in)) {
		assert(in.kind == INPUT_COUNTERS && in.counters.link == 2);
		if (!in.counters.apart)
			continue;
		assert(in.counters.tx_of[FAMILY_IPV4] >= at_least);
		ipv4 = in.counters.tx_of[FAMILY_IPV4];
	}
	return ipv4;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static union {
		struct nlmsghdr header;
		uint8_t bytes[4096]; /* all that there is to say of a device */
	} message;
	uint64_t ipv4 = 0;

	if (!size || size - 1 > sizeof(message) - NLMSG_HDRLEN)
		return 0;
	memset(&message, 0, sizeof(message));
	message.header.nlmsg_len = (uint32_t)(NLMSG_HDRLEN + size - 1);
	message.header.nlmsg_type = data[0] & 1 ? RTM_NEWSTATS : RTM_NEWLINK;
	memcpy(message.bytes + NLMSG_HDRLEN, data + 1, size - 1);
	inbox_init(&inbox);
	memset(&counters, 0, sizeof(counters));
	counters.inbox = &inbox;
	counters.ifindex[2] = IFINDEX;
	for (unsigned i = 0; i < 2; i++) {
		counters.asked = counters.apart = 1U << 2;
		(void)see_answer(&message.header, &counters);
		ipv4 = told(ipv4);
	}
	return 0;
}
