/*
 * Deletes conntrack entries by mark; see conntrack.h.  One IPCTNL_MSG_CT_DELETE without a tuple
 * is a flush, and the kernel (4.1 and later) restricts it to CTA_MARK under CTA_MARK_MASK;
 * nfgenmsg.version 1 makes it also look at the family (5.3 and later; before, both families go).
 *
 * IPCTNL_MSG_CT_NEW without NLM_F_CREATE changes the entry that the tuple names.  A dump under CTA_MARK and
 * CTA_MARK_MASK shows what is still to be claimed; it is cut off when a batch is full and begun anew
 * after that, by when those are not shown any more.
 */
#include "io/conntrack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "io/netlink.h"

#define FILTER_BY_FAMILY 1 /* nfgenmsg.version */
#define CLAIM_ROUNDS 256   /* batches: 16,384 flows */

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

struct claim {
	struct conntrack *conntrack;
	const struct conntrack_owner *owner;
	uint32_t mask;
};

/* The attribute of this type among attr's own; NULL: none. */
static const struct nlattr *inner(const struct nlattr *attr, uint16_t type)
{
	const struct nlattr *k;

	NETLINK_FOR_EACH(k, mnl_attr_get_payload(attr),
		(const char *)mnl_attr_get_payload(attr) + mnl_attr_get_payload_len(attr))
	if (mnl_attr_get_type(k) == type)
		return k;
	return NULL;
}

/* Where answers are sent to; 0: not IPv4. */
static uint32_t answered_to(const struct nlattr *reply)
{
	const struct nlattr *ip = inner(reply, CTA_TUPLE_IP);
	const struct nlattr *to = ip ? inner(ip, CTA_IP_V4_DST) : NULL;
	uint32_t address = 0;

	if (to && mnl_attr_get_payload_len(to) == sizeof(address))
		memcpy(&address, mnl_attr_get_payload(to), sizeof(address));
	return address;
}

static uint32_t owners_mark(const struct claim *claim, uint32_t address)
{
	for (unsigned i = 0; address && i < LINKS_MAX; i++)
		if (claim->owner[i].address == address)
			return claim->owner[i].mark;
	return 0;
}

static bool add_change(struct claim *claim, const struct nlattr *original, uint32_t mark)
{
	struct nfgenmsg header = {.nfgen_family = AF_INET};
	struct nlmsghdr *nlh = netlink_batch_begin(&claim->conntrack->batch,
		(uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW), 0, &header,
		sizeof(header));

	if (!nlh)
		return false;
	mnl_attr_put(nlh, CTA_TUPLE_ORIG | NLA_F_NESTED, mnl_attr_get_payload_len(original),
		mnl_attr_get_payload(original));
	mnl_attr_put_u32(nlh, CTA_MARK, htonl(mark));
	mnl_attr_put_u32(nlh, CTA_MARK_MASK, htonl(claim->mask));
	return true;
}

static int see_entry(const struct nlmsghdr *nlh, void *user)
{
	struct claim *claim = user;
	const struct nlattr *attr, *original = NULL, *reply = NULL;
	uint32_t mark = 0, value = 0;

	NETLINK_FOR_EACH_ATTR(attr, nlh, sizeof(struct nfgenmsg))
	{
		uint16_t type = mnl_attr_get_type(attr);

		if (type == CTA_TUPLE_ORIG &&
			mnl_attr_get_payload_len(attr) < NETLINK_MESSAGE_MAX / 2)
			original = attr;
		else if (type == CTA_TUPLE_REPLY)
			reply = attr;
		else if (type == CTA_MARK && mnl_attr_get_payload_len(attr) == sizeof(value))
			memcpy(&value, mnl_attr_get_payload(attr), sizeof(value));
	}
	if (original && reply && !(ntohl(value) & claim->mask))
		mark = owners_mark(claim, answered_to(reply));
	return !mark || add_change(claim, original, mark) ? 0 : -ECANCELED;
}

int conntrack_claim(struct conntrack *c, const struct conntrack_owner owner[LINKS_MAX],
	uint32_t mask)
{
	struct claim claim = {c, owner, mask};
	struct {
		struct nfgenmsg header;
		struct nlattr mark;
		uint32_t mark_value;
		struct nlattr mask;
		uint32_t mask_value;
	} request = {
		.header = {.nfgen_family = AF_INET},
		.mark = {8, CTA_MARK},
		.mask = {8, CTA_MARK_MASK},
		.mask_value = htonl(mask),
	};
	int error = mask ? 0 : -EINVAL;

	for (unsigned i = 0; i < CLAIM_ROUNDS && !error; i++) {
		netlink_batch_init(&c->batch);
		error = netlink_dump(&c->netlink,
			(uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET), &request,
			sizeof(request), see_entry, &claim);
		if (error || !c->batch.count)
			break;
		error = netlink_run(&c->netlink, &c->batch, NULL, NULL);
		/* some end by themselves meanwhile */
		if (error == -ENOENT)
			error = 0;
	}
	return error == -EINTR ? 0 : error;
}
