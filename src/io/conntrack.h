/* Exact conntrack surgery over nfnetlink: nothing but the flows that carry our mark for one
   link is ever deleted. */
#pragma once

#include <stdint.h>

#include "core/policy.h"

struct conntrack;

struct conntrack *conntrack_new(void); /* NULL with errno */
void conntrack_free(struct conntrack *c);

/* Deletes every entry of the family whose mark under mask is mark: one request, filtered in
   the kernel. Returns 0 or -errno. */
int conntrack_delete_marked(struct conntrack *c, enum family family, uint32_t mark, uint32_t mask);
