/*
 * Deletes conntrack entries by mark; see conntrack.h.  One IPCTNL_MSG_CT_DELETE without a tuple
 * is a flush, and the kernel (4.1 and later) restricts it to CTA_MARK under CTA_MARK_MASK;
 * nfgenmsg.version 1 makes it also look at the family (5.3 and later; before, both families go).
 */
#include "io/conntrack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "io/netlink.h"

#define FILTER_BY_FAMILY 1 /* nfgenmsg.version */

struct conntrack {
	struct netlink netlink;
	struct netlink_batch batch;
};

struct conntrack *conntrack_new(void)
{
	struct conntrack *c = calloc(1, sizeof(*c));
	int error;

	if (!c)
		return NULL;
	error = netlink_open(&c->netlink, NETLINK_NETFILTER);
	if (error) {
		free(c);
		errno = -error;
		return NULL;
	}
	return c;
}

void conntrack_free(struct conntrack *c)
{
	if (!c)
		return;
	netlink_close(&c->netlink);
	free(c);
}

int conntrack_delete_marked(struct conntrack *c, enum family family, uint32_t mark, uint32_t mask)
{
	struct nfgenmsg header = {
		.nfgen_family = family == FAMILY_IPV6 ? AF_INET6 : AF_INET,
		.version = FILTER_BY_FAMILY,
	};
	struct nlmsghdr *nlh;

	/* an empty mask would be a flush of everything */
	if (!mask || mark & ~mask)
		return -EINVAL;
	netlink_batch_init(&c->batch);
	nlh = netlink_batch_begin(&c->batch,
		(uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE), 0, &header,
		sizeof(header));
	mnl_attr_put_u32(nlh, CTA_MARK, htonl(mark));
	mnl_attr_put_u32(nlh, CTA_MARK_MASK, htonl(mask));
	return netlink_run(&c->netlink, &c->batch, NULL, NULL);
}
