/* Datagrams of rtnetlink, decoded and put into a table; whatever they say, the facts that follow
   are well-formed. */
#include <stdlib.h>
#include <string.h>

#include "base/usec.h"
#include "io/links_kernel.h"
#include "io/links_table.h"
#include "io/netlink.h"

#undef NDEBUG
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW_US (100 * USEC_S)

static struct table table;

static void put_route(const struct kernel_route *route)
{
	assert(route->n_legs <= KERNEL_LEGS_MAX && route->family < FAMILY_COUNT);
	assert(route->source_bits <= 128);
	if (route->nexthop)
		table_add_nexthop(&table, route->nexthop);
	for (unsigned i = 0; i < route->n_legs; i++) {
		assert(route->leg[i].ifindex);
		table_add_gateway(&table, route, &route->leg[i], NOW_US);
	}
}

static void put(const struct kernel_message *m)
{
	switch (m->subject) {
	case KERNEL_DEVICE:
		assert(memchr(m->device.name, '\0', sizeof(m->device.name)) && m->device.name[0]);
		assert(memchr(m->device.kind, '\0', sizeof(m->device.kind)));
		if (m->gone)
			table_remove_device(&table, m->device.ifindex);
		else
			table_set_device(&table, &m->device);
		break;
	case KERNEL_ADDRESS:
		assert(m->address.family < FAMILY_COUNT && m->address.bits <= 128);
		if (m->gone)
			table_remove_address(&table, &m->address);
		else
			table_set_address(&table, &m->address);
		break;
	case KERNEL_ROUTE:
		put_route(&m->route);
		break;
	case KERNEL_NEXTHOP:
		assert(m->nexthop.id && m->nexthop.n_members <= KERNEL_LEGS_MAX);
		if (!m->gone)
			table_add_nexthop(&table, m->nexthop.id);
		break;
	}
}

static void check_facts(const struct kernel_device *device, enum family family)
{
	static const struct path_facts nothing;
	struct path_facts facts, again;

	table_facts(&table, device, family, &nothing, NOW_US, &facts);
	assert(facts.present == device->up);
	assert(facts.present || !memcmp(&facts, &nothing, sizeof(facts)));
	/* what was chosen stays chosen */
	table_facts(&table, device, family, &facts, NOW_US, &again);
	assert(!memcmp(&facts, &again, sizeof(facts)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1); /* aligned, as the socket's buffer is */
	const struct nlmsghdr *nlh;
	size_t at = 0;

	if (!copy)
		abort();
	memcpy(copy, data, size);
	table_clear(&table);
	table.full = 0;
	while ((nlh = netlink_message(copy, size, &at))) {
		struct kernel_message m;

		(void)kernel_is_after_default(nlh);
		if (!kernel_decode(nlh, &m))
			put(&m);
	}
	for (size_t i = 0; i < table.n_devices; i++) {
		check_facts(&table.device[i], FAMILY_IPV4);
		check_facts(&table.device[i], FAMILY_IPV6);
	}
	(void)table_expiry_us(&table, NOW_US);
	free(copy);
	return 0;
}
