/* mwan3's configuration: whatever it says, what comes out of it is within its tables. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/mwan3.h"

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_policy(const struct mwan3_config *c, const struct mwan3_policy *p)
{
	check(memchr(p->name, 0, sizeof(p->name)) && p->n_members <= MWAN3_MEMBERS_MAX);
	check(p->class < c->n_classes && (p->used || !p->class));
	for (unsigned i = 0; i < p->n_members; i++)
		check(p->member[i].interface < c->n_interfaces && p->member[i].weight &&
			p->member[i].metric && p->member[i].metric <= MWAN3_METRIC_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mwan3_config c;
	struct problem problem = {0};
	int error = mwan3_parse((const char *)data, size, &c, &problem);

	if (error) {
		check(memchr(problem.text, 0, sizeof(problem.text)));
		return 0;
	}
	check(c.n_interfaces <= MWAN3_INTERFACES_MAX && c.n_policies <= MWAN3_POLICIES_MAX);
	check(c.n_classes && c.n_classes <= CLASSES_MAX && c.n_matches <= CONFIG_MATCHES_MAX);
	check(c.main_policy < c.n_policies);
	for (unsigned i = 0; i < c.n_policies; i++)
		check_policy(&c, &c.policy[i]);
	for (unsigned i = 0; i < c.n_interfaces; i++)
		check(memchr(c.interface[i].name, 0, sizeof(c.interface[i].name)) &&
			!(mwan3_mark(c.mask, i + 1) & ~c.mask));
	for (unsigned i = 0; i < c.n_matches; i++)
		check(c.match[i].class < c.n_classes && c.match[i].family <= FAMILY_COUNT &&
			c.match[i].port_first <= c.match[i].port_last);
	return 0;
}
