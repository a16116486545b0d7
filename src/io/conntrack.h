/* Exact conntrack surgery over nfnetlink: nothing but the flows that carry our mark for one
   link is ever deleted, nothing but our bits of a mark is ever changed. */
#pragma once

#include <stdint.h>

#include "core/policy.h"

struct conntrack;

struct conntrack *conntrack_new(void); /* NULL with errno */
void conntrack_free(struct conntrack *c);

/* Deletes every entry of the family whose mark under mask is mark: one request, filtered in
   the kernel. Returns 0 or -errno. */
int conntrack_delete_marked(struct conntrack *c, enum family family, uint32_t mark, uint32_t mask);

/* An IPv4 address behind which a link's flows are masqueraded; network order, 0: none. */
struct conntrack_owner {
	uint32_t address, mark;
};

/* Gives every IPv4 entry that has nothing under mask the mark of the owner whom its answers are sent to.  A walk over the
   table, in pieces.  Returns 0 or -errno. */
int conntrack_claim(struct conntrack *c, const struct conntrack_owner owner[LINKS_MAX],
	uint32_t mask);
