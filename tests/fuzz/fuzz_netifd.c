/* A reply of network.interface dump as JSON, and what is asked of the table that it becomes. */
#include <stdlib.h>
#include <string.h>

#include "io/netifd_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(const struct netifd_table *t)
{
	uint8_t gateway[16];
	uint32_t metric;

	for (unsigned i = 0; i < t->n; i++) {
		const struct netifd_interface *n = &t->interface[i];

		if (netifd_find(t, n->name) != n ||
			(n->l3_device[0] && !netifd_owner(t, n->l3_device)) ||
			n->n_servers > NETIFD_SERVERS_MAX)
			abort();
		for (int f = 0; f < FAMILY_COUNT; f++)
			if (n->up && n->held_back[f] && n->l3_device[0] &&
				!netifd_gateway(t, n->l3_device, (enum family)f, gateway, &metric))
				abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct netifd_table before, table;
	struct json_tokener *tokener;
	struct json_object *o;

	if (size > 65536)
		return 0;
	tokener = json_tokener_new();
	o = json_tokener_parse_ex(tokener, (const char *)data, (int)size);
	if (!netifd_read(o, &before, &table)) {
		ask(&table);
		before = table;
	}
	json_object_put(o);
	json_tokener_free(tokener);
	return 0;
}
