/* One entry of the kernel's table of flows, as the walk that claims flows sees it: what is asked of the kernel then stays
   within a message, and is about flows that nobody has marked. */
#undef NDEBUG
#include <assert.h>
#include <string.h>

#include "io/conntrack.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MASK 0x1f000000U

static struct conntrack conntrack;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static union {
		struct nlmsghdr header;
		uint8_t bytes[NETLINK_MESSAGE_MAX];
	} message;
	struct conntrack_owner owner[LINKS_MAX] = {
		{.address = htonl(0xcb007102), .mark = 0x01000000}};
	struct claim claim = {&conntrack, owner, MASK};
	const struct nlmsghdr *asked = (const struct nlmsghdr *)(const void *)conntrack.batch.bytes;

	if (size > sizeof(message) - NLMSG_HDRLEN)
		return 0;
	memset(&message, 0, sizeof(message));
	message.header.nlmsg_len = (uint32_t)(NLMSG_HDRLEN + size);
	memcpy(message.bytes + NLMSG_HDRLEN, data, size);
	netlink_batch_init(&conntrack.batch);
	(void)see_entry(&message.header, &claim);
	assert(conntrack.batch.count <= 1);
	if (conntrack.batch.count)
		assert(asked->nlmsg_len <= NETLINK_MESSAGE_MAX);
	return 0;
}
