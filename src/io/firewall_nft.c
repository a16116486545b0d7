/*
 * The ruleset as nft table `inet autonomy`, spoken over nfnetlink (linux/netfilter/nf_tables.h):
 * no program is run, the whole table is replaced in one transaction, and it takes about a
 * millisecond.
 *
 *      list of rules -> messages (bytes) -> their CRC names an empty chain, ruleset_<crc> -> batch
 *
 * The empty chain is how a successor recognises the table as the one that it would install; that
 * no rule was taken out of it since is seen from their number.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter_ipv4.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32.h"
#include "io/firewall_rules.h"
#include "io/netlink.h"

#define TABLE "autonomy"
#define DIRECTION_ORIGINAL 0 /* linux/netfilter/nf_conntrack_tuple_common.h, which few have */
#define MESSAGE_MAX 2048
#define ANSWER_WAIT_MS 2000

/* Messages one after the other, in memory that grows: only at start, reload and when devices
   change. */
struct writer {
	uint8_t *bytes;
	size_t size, capacity;
	struct nlmsghdr *last; /* still growing */
	unsigned count;
	int error;
};

static void close_last(struct writer *w)
{
	if (w->last)
		w->size += NLMSG_ALIGN(w->last->nlmsg_len);
	w->last = NULL;
}

static struct nlmsghdr *begin(struct writer *w, uint16_t type, uint16_t flags, uint8_t family)
{
	struct nfgenmsg header = {.nfgen_family = family, .version = NFNETLINK_V0};

	close_last(w);
	if (w->capacity - w->size < MESSAGE_MAX) {
		size_t capacity = w->capacity ? 2 * w->capacity : (size_t)8 * MESSAGE_MAX;
		uint8_t *bytes = realloc(w->bytes, capacity);

		if (!bytes) {
			/* what is written from here on is thrown away */
			w->error = -ENOMEM;
			w->size = 0;
			if (!w->bytes)
				return NULL;
		} else {
			w->bytes = bytes;
			w->capacity = capacity;
		}
	}

	/* libmnl does not write the padding between attributes, and the bytes are summed up */
	memset(w->bytes + w->size, 0, MESSAGE_MAX);

	struct nlmsghdr *nlh = mnl_nlmsg_put_header(w->bytes + w->size);

	if (type == NFNL_MSG_BATCH_BEGIN || type == NFNL_MSG_BATCH_END)
		header.res_id = htons(NFNL_SUBSYS_NFTABLES);
	else
		type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type);
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	memcpy(mnl_nlmsg_put_extra_header(nlh, sizeof(header)), &header, sizeof(header));
	w->count++;
	w->last = nlh;
	return nlh;
}

static void put_u32(struct nlmsghdr *nlh, unsigned attribute, uint32_t value)
{
	mnl_attr_put_u32(nlh, (uint16_t)attribute, htonl(value));
}

static void put_data(struct nlmsghdr *nlh, unsigned attribute, const void *data, size_t size)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, (uint16_t)attribute);

	mnl_attr_put(nlh, NFTA_DATA_VALUE, size, data);
	mnl_attr_nest_end(nlh, nest);
}

/* One expression of a rule; between the two calls come its own attributes. */
struct expression {
	struct nlattr *element, *data;
};

static struct expression expression_begin(struct nlmsghdr *nlh, const char *name)
{
	struct expression e;

	e.element = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM);
	mnl_attr_put_strz(nlh, NFTA_EXPR_NAME, name);
	e.data = mnl_attr_nest_start(nlh, NFTA_EXPR_DATA);
	return e;
}

static void expression_end(struct nlmsghdr *nlh, struct expression e)
{
	mnl_attr_nest_end(nlh, e.data);
	mnl_attr_nest_end(nlh, e.element);
}

static void load_meta(struct nlmsghdr *nlh, enum nft_meta_keys key)
{
	struct expression e = expression_begin(nlh, "meta");

	put_u32(nlh, NFTA_META_KEY, key);
	put_u32(nlh, NFTA_META_DREG, NFT_REG_1);
	expression_end(nlh, e);
}

static void load_ct(struct nlmsghdr *nlh, enum nft_ct_keys key)
{
	struct expression e = expression_begin(nlh, "ct");

	put_u32(nlh, NFTA_CT_KEY, key);
	put_u32(nlh, NFTA_CT_DREG, NFT_REG_1);
	expression_end(nlh, e);
}

static void load_payload(struct nlmsghdr *nlh, enum nft_payload_bases base, unsigned offset,
	unsigned size)
{
	struct expression e = expression_begin(nlh, "payload");

	put_u32(nlh, NFTA_PAYLOAD_DREG, NFT_REG_1);
	put_u32(nlh, NFTA_PAYLOAD_BASE, base);
	put_u32(nlh, NFTA_PAYLOAD_OFFSET, offset);
	put_u32(nlh, NFTA_PAYLOAD_LEN, size);
	expression_end(nlh, e);
}

/* register = (register & mask) ^ flip */
static void change(struct nlmsghdr *nlh, const void *mask, const void *flip, size_t size)
{
	struct expression e = expression_begin(nlh, "bitwise");

	put_u32(nlh, NFTA_BITWISE_SREG, NFT_REG_1);
	put_u32(nlh, NFTA_BITWISE_DREG, NFT_REG_1);
	put_u32(nlh, NFTA_BITWISE_LEN, (uint32_t)size);
	put_data(nlh, NFTA_BITWISE_MASK, mask, size);
	put_data(nlh, NFTA_BITWISE_XOR, flip, size);
	expression_end(nlh, e);
}

static void compare(struct nlmsghdr *nlh, enum nft_cmp_ops op, const void *value, size_t size)
{
	struct expression e = expression_begin(nlh, "cmp");

	put_u32(nlh, NFTA_CMP_SREG, NFT_REG_1);
	put_u32(nlh, NFTA_CMP_OP, op);
	put_data(nlh, NFTA_CMP_DATA, value, size);
	expression_end(nlh, e);
}

static void compare_u8(struct nlmsghdr *nlh, uint8_t value)
{
	compare(nlh, NFT_CMP_EQ, &value, sizeof(value));
}

static void put_device(struct nlmsghdr *nlh, enum nft_meta_keys key, const char device[DEVICE_SIZE])
{
	char name[DEVICE_SIZE] = {0};

	if (!device[0])
		return;
	strncpy(name, device, sizeof(name) - 1);
	load_meta(nlh, key);
	compare(nlh, NFT_CMP_EQ, name, sizeof(name));
}

/* Marks lie in the register in the CPU's own byte order. */
static void compare_mark(struct nlmsghdr *nlh, uint32_t mask, enum nft_cmp_ops op, uint32_t value)
{
	uint32_t zero = 0;

	change(nlh, &mask, &zero, sizeof(mask));
	compare(nlh, op, &value, sizeof(value));
}

static void put_mark_conditions(struct nlmsghdr *nlh, const struct firewall_rule *rule)
{
	if (rule->original) {
		load_ct(nlh, NFT_CT_DIRECTION);
		compare_u8(nlh, DIRECTION_ORIGINAL);
	}
	if (rule->fresh) {
		load_ct(nlh, NFT_CT_STATE);
		compare_mark(nlh, NF_CT_STATE_BIT(IP_CT_NEW), NFT_CMP_NEQ, 0);
	}
	if (rule->flow_is.mask) {
		load_ct(nlh, NFT_CT_MARK);
		compare_mark(nlh, rule->flow_is.mask, NFT_CMP_EQ, rule->flow_is.value);
	}
	if (rule->packet_is.mask) {
		load_meta(nlh, NFT_META_MARK);
		compare_mark(nlh, rule->packet_is.mask, NFT_CMP_EQ, rule->packet_is.value);
	}
	if (rule->packet_any) {
		load_meta(nlh, NFT_META_MARK);
		compare_mark(nlh, rule->packet_any, NFT_CMP_NEQ, 0);
	}
}

static void put_prefix(struct nlmsghdr *nlh, enum family family, const uint8_t address[16],
	unsigned bits, bool source)
{
	unsigned size = family == FAMILY_IPV6 ? 16 : 4;
	unsigned offset =
		family == FAMILY_IPV6 ? 8 : 12; /* of the source; RFC 8200 §3, RFC 791 §3.1 */
	uint8_t mask[16] = {0}, zero[16] = {0}, value[16] = {0};

	if (!bits)
		return;
	for (unsigned i = 0; i < bits && i < 8 * size; i++)
		mask[i / 8] |= (uint8_t)(0x80 >> i % 8);
	for (unsigned i = 0; i < size; i++)
		value[i] = address[i] & mask[i];
	load_payload(nlh, NFT_PAYLOAD_NETWORK_HEADER, source ? offset : offset + size, size);
	change(nlh, mask, zero, size);
	compare(nlh, NFT_CMP_EQ, value, size);
}

static void put_dscp(struct nlmsghdr *nlh, enum family family, unsigned dscp)
{
	/* IPv4: upper six bits of the second byte; IPv6: they straddle the first two */
	uint8_t mask4 = 0xfc, value4 = (uint8_t)(dscp << 2);
	uint8_t mask6[2] = {0x0f, 0xc0};
	uint8_t value6[2] = {(uint8_t)(dscp >> 2), (uint8_t)(dscp << 6)};
	uint8_t zero[2] = {0};

	if (family == FAMILY_IPV6) {
		load_payload(nlh, NFT_PAYLOAD_NETWORK_HEADER, 0, 2);
		change(nlh, mask6, zero, 2);
		compare(nlh, NFT_CMP_EQ, value6, 2);
	} else {
		load_payload(nlh, NFT_PAYLOAD_NETWORK_HEADER, 1, 1);
		change(nlh, &mask4, zero, 1);
		compare(nlh, NFT_CMP_EQ, &value4, 1);
	}
}

static void put_ports(struct nlmsghdr *nlh, uint16_t first, uint16_t last)
{
	uint16_t from = htons(first), to = htons(last);

	load_payload(nlh, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2); /* destination: RFC 768, 9293 */
	if (first == last) {
		compare(nlh, NFT_CMP_EQ, &from, sizeof(from));
		return;
	}
	compare(nlh, NFT_CMP_GTE, &from, sizeof(from));
	compare(nlh, NFT_CMP_LTE, &to, sizeof(to));
}

static void put_match(struct nlmsghdr *nlh, const struct class_match *match, enum family family)
{
	load_meta(nlh, NFT_META_NFPROTO);
	compare_u8(nlh, family == FAMILY_IPV6 ? NFPROTO_IPV6 : NFPROTO_IPV4);
	if (match->protocol) {
		load_meta(nlh, NFT_META_L4PROTO);
		compare_u8(nlh, match->protocol);
	}
	if (match->port_first || match->port_last)
		put_ports(nlh, match->port_first,
			match->port_last > match->port_first ? match->port_last
							     : match->port_first);
	if (match->dscp >= 0)
		put_dscp(nlh, family, (unsigned)match->dscp & 63);
	put_prefix(nlh, family, match->source, match->source_bits, true);
	put_prefix(nlh, family, match->destination, match->destination_bits, false);
}

static void set_flow_mark(struct nlmsghdr *nlh, struct firewall_mark set)
{
	uint32_t keep = ~set.mask;
	struct expression e;

	load_ct(nlh, NFT_CT_MARK);
	change(nlh, &keep, &set.value, sizeof(keep));
	e = expression_begin(nlh, "ct");
	put_u32(nlh, NFTA_CT_KEY, NFT_CT_MARK);
	put_u32(nlh, NFTA_CT_SREG, NFT_REG_1);
	expression_end(nlh, e);
}

static void set_packet_mark(struct nlmsghdr *nlh, struct firewall_mark set)
{
	uint32_t keep = ~set.mask;
	struct expression e;

	load_meta(nlh, NFT_META_MARK);
	change(nlh, &keep, &set.value, sizeof(keep));
	e = expression_begin(nlh, "meta");
	put_u32(nlh, NFTA_META_KEY, NFT_META_MARK);
	put_u32(nlh, NFTA_META_SREG, NFT_REG_1);
	expression_end(nlh, e);
}

static const char *chain_name(enum firewall_chain chain)
{
	static const char *const name[FIREWALL_CHAIN_COUNT] = {
		[FIREWALL_PREROUTING] = "prerouting",
		[FIREWALL_OUTPUT] = "output",
		[FIREWALL_POSTROUTING] = "postrouting",
		[FIREWALL_INSIDE] = "inside",
		[FIREWALL_CLASS] = "class",
	};

	return name[chain];
}

static void put_verdict(struct nlmsghdr *nlh, const struct firewall_rule *rule)
{
	struct nlattr *data, *verdict;
	struct expression e;
	int code = rule->verdict == FIREWALL_JUMP ? NFT_JUMP : NFT_RETURN;

	if (rule->verdict == FIREWALL_CONTINUE)
		return;
	e = expression_begin(nlh, "immediate");
	put_u32(nlh, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	data = mnl_attr_nest_start(nlh, NFTA_IMMEDIATE_DATA);
	verdict = mnl_attr_nest_start(nlh, NFTA_DATA_VERDICT);
	put_u32(nlh, NFTA_VERDICT_CODE, (uint32_t)code);
	if (rule->verdict == FIREWALL_JUMP)
		mnl_attr_put_strz(nlh, NFTA_VERDICT_CHAIN, chain_name(rule->jump));
	mnl_attr_nest_end(nlh, verdict);
	mnl_attr_nest_end(nlh, data);
	expression_end(nlh, e);
}

static void write_rule(struct writer *w, const struct firewall_rule *rule, enum family family)
{
	struct nlmsghdr *nlh = begin(w, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, NFPROTO_INET);
	struct nlattr *list;

	if (!nlh)
		return;
	mnl_attr_put_strz(nlh, NFTA_RULE_TABLE, TABLE);
	mnl_attr_put_strz(nlh, NFTA_RULE_CHAIN, chain_name(rule->chain));
	list = mnl_attr_nest_start(nlh, NFTA_RULE_EXPRESSIONS);
	put_device(nlh, NFT_META_IIFNAME, rule->in);
	put_device(nlh, NFT_META_OIFNAME, rule->out);
	put_mark_conditions(nlh, rule);
	if (rule->matches)
		put_match(nlh, &rule->match, family);
	if (rule->flow_set.mask)
		set_flow_mark(nlh, rule->flow_set);
	if (rule->packet_set.mask)
		set_packet_mark(nlh, rule->packet_set);
	put_verdict(nlh, rule);
	mnl_attr_nest_end(nlh, list);
}

/* Returns the number of rules. */
static unsigned write_rules(struct writer *w, const struct firewall_rules *rules)
{
	for (unsigned i = 0; i < rules->n; i++) {
		const struct firewall_rule *rule = &rules->rule[i];
		unsigned families = rule->matches ? firewall_match_families(&rule->match) : 1;

		for (enum family family = FAMILY_IPV4; family < FAMILY_COUNT; family++) {
			if (families & 1U << family)
				write_rule(w, rule, family);
		}
	}
	close_last(w);
	return w->count;
}

static void write_table(struct writer *w, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh = begin(w, type, flags, NFPROTO_INET);

	if (nlh)
		mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, TABLE);
}

static void write_chain(struct writer *w, const char *name, int hook, const char *type)
{
	struct nlmsghdr *nlh = begin(w, NFT_MSG_NEWCHAIN, NLM_F_CREATE, NFPROTO_INET);

	if (!nlh)
		return;
	mnl_attr_put_strz(nlh, NFTA_CHAIN_TABLE, TABLE);
	mnl_attr_put_strz(nlh, NFTA_CHAIN_NAME, name);
	if (hook >= 0) {
		struct nlattr *nest = mnl_attr_nest_start(nlh, NFTA_CHAIN_HOOK);

		put_u32(nlh, NFTA_HOOK_HOOKNUM, (uint32_t)hook);
		put_u32(nlh, NFTA_HOOK_PRIORITY, (uint32_t)NF_IP_PRI_MANGLE);
		mnl_attr_nest_end(nlh, nest);
		mnl_attr_put_strz(nlh, NFTA_CHAIN_TYPE, type);
	}
}

static void write_chains(struct writer *w, const char *id)
{
	write_chain(w, chain_name(FIREWALL_PREROUTING), NF_INET_PRE_ROUTING, "filter");
	write_chain(w, chain_name(FIREWALL_OUTPUT), NF_INET_LOCAL_OUT, "route");
	write_chain(w, chain_name(FIREWALL_POSTROUTING), NF_INET_POST_ROUTING, "filter");
	write_chain(w, chain_name(FIREWALL_INSIDE), -1, NULL);
	write_chain(w, chain_name(FIREWALL_CLASS), -1, NULL);
	write_chain(w, id, -1, NULL);
}

#define ID_SIZE 24

/* The rules alone and the name that they get. */
static int write_identified(const struct config *config, const struct firewall_link link[LINKS_MAX],
	struct writer *w, unsigned *ret_rules, char ret_id[ID_SIZE])
{
	struct firewall_rules *rules = malloc(sizeof(*rules));

	if (!rules)
		return -ENOMEM;
	firewall_rules(config, link, rules);
	*ret_rules = write_rules(w, rules);
	free(rules);
	if (!w->error)
		snprintf(ret_id, ID_SIZE, "ruleset_%08x",
			(unsigned)crc32_add(0, w->bytes, w->size));
	return w->error;
}

static void append(struct writer *w, const struct writer *rules)
{
	close_last(w);

	uint8_t *bytes = realloc(w->bytes, w->size + rules->size + MESSAGE_MAX);

	if (!bytes || !rules->bytes) {
		w->error = -ENOMEM;
		w->bytes = bytes ? bytes : w->bytes;
		return;
	}
	w->bytes = bytes;
	w->capacity = w->size + rules->size + MESSAGE_MAX;
	memcpy(w->bytes + w->size, rules->bytes, rules->size);
	w->size += rules->size;
	w->count += rules->count;
}

/*
 * Numbers the messages, asks for an acknowledgement of the last one before END (the kernel
 * answers every failing one anyway), and sends them.  Without END the kernel checks everything
 * and then takes it back: a rehearsal.
 */
static int send_all(struct netlink *n, struct writer *w, uint32_t *ret_first, uint32_t *ret_last)
{
	size_t at = 0;

	close_last(w);
	*ret_first = n->seq;
	for (unsigned i = 0; i < w->count; i++) {
		struct nlmsghdr *nlh = (struct nlmsghdr *)(void *)(w->bytes + at);

		nlh->nlmsg_seq = n->seq++;
		if (nlh->nlmsg_type >> 8 == NFNL_SUBSYS_NFTABLES)
			*ret_last = nlh->nlmsg_seq;
		at += NLMSG_ALIGN(nlh->nlmsg_len);
	}
	at = 0;
	for (unsigned i = 0; i < w->count; i++) {
		struct nlmsghdr *nlh = (struct nlmsghdr *)(void *)(w->bytes + at);

		if (nlh->nlmsg_seq == *ret_last)
			nlh->nlmsg_flags |= NLM_F_ACK;
		at += NLMSG_ALIGN(nlh->nlmsg_len);
	}
	return mnl_socket_sendto(n->socket, w->bytes, w->size) < 0 ? -errno : 0;
}

/* 1: the last one was answered; 0: not yet; the first error in *error. */
static int take_answers(const uint8_t *bytes, ssize_t size, uint32_t first, uint32_t last,
	int *error)
{
	const struct nlmsghdr *nlh;
	size_t at = 0;
	int done = 0;

	while ((nlh = netlink_message(bytes, (size_t)size, &at))) {
		const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);

		if (nlh->nlmsg_type != NLMSG_ERROR || mnl_nlmsg_get_payload_len(nlh) < sizeof(*e) ||
			nlh->nlmsg_seq - first > last - first + 1)
			continue;
		if (e->error && !*error)
			*error = e->error;
		/* EPERM and the like are said of the first message, and nothing follows */
		if (nlh->nlmsg_seq == last || (e->error && nlh->nlmsg_seq == first))
			done = 1;
	}
	return done;
}

static int run(struct netlink *n, struct writer *w)
{
	_Alignas(8) uint8_t bytes[8192];
	uint32_t first = 0, last = 0;
	int error = send_all(n, w, &first, &last);
	int result = 0;

	while (!error) {
		struct pollfd fd = {.fd = mnl_socket_get_fd(n->socket), .events = POLLIN};
		ssize_t size = mnl_socket_recvfrom(n->socket, bytes, sizeof(bytes));

		if (size >= 0) {
			if (take_answers(bytes, size, first, last, &result))
				break;
		} else if (errno != EAGAIN && errno != EINTR) {
			error = -errno;
		} else if (poll(&fd, 1, ANSWER_WAIT_MS) == 0) {
			error = -ETIMEDOUT;
		}
	}
	return error ? error : result;
}

static int replace(const struct config *config, const struct firewall_link link[LINKS_MAX],
	bool commit)
{
	struct writer rules = {0}, w = {0};
	struct netlink n;
	unsigned count;
	char id[ID_SIZE];
	int error = netlink_open(&n, NETLINK_NETFILTER);

	if (error)
		return error;
	error = write_identified(config, link, &rules, &count, id);
	if (error)
		goto out;
	begin(&w, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC);
	/* made, deleted and made again: whether it was there or not, afterwards it is new */
	write_table(&w, NFT_MSG_NEWTABLE, NLM_F_CREATE);
	write_table(&w, NFT_MSG_DELTABLE, 0);
	write_table(&w, NFT_MSG_NEWTABLE, NLM_F_CREATE);
	write_chains(&w, id);
	append(&w, &rules);
	if (commit)
		begin(&w, NFNL_MSG_BATCH_END, 0, AF_UNSPEC);
	error = w.error ? w.error : run(&n, &w);
out:
	free(rules.bytes);
	free(w.bytes);
	netlink_close(&n);
	return error;
}

static int install(const struct config *config, const struct firewall_link link[LINKS_MAX],
	struct problem *ret)
{
	int error = replace(config, link, true);

	if (error)
		problem_set(ret, "nft", 0,
			"the kernel refused table inet " TABLE
			": %s; load nf_tables, nft_ct and nft_chain_route or set firewall to "
			"iptables",
			strerror(-error));
	return error;
}

static bool available(void)
{
	/* a rehearsal with one link shows whether the kernel has all that is needed */
	static const struct firewall_link link[LINKS_MAX] = {{.device = "lo", .mark = 1}};
	struct config *config = calloc(1, sizeof(*config));
	bool answer;

	if (!config)
		return false;
	config->mark_mask = 0x7f;
	config->policy.n_classes = 1;
	answer = replace(config, link, false) == 0;
	free(config);
	return answer;
}

static int remove_table(struct problem *ret)
{
	struct writer w = {0};
	struct netlink n;
	int error = netlink_open(&n, NETLINK_NETFILTER);

	if (error)
		return error == -EPROTONOSUPPORT ? 0 : error; /* no netfilter, no table */
	begin(&w, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC);
	write_table(&w, NFT_MSG_DELTABLE, 0);
	begin(&w, NFNL_MSG_BATCH_END, 0, AF_UNSPEC);
	error = w.error ? w.error : run(&n, &w);
	free(w.bytes);
	netlink_close(&n);
	/* a kernel without nf_tables has no table either */
	if (error == -ENOENT || error == -EOPNOTSUPP || error == -EINVAL)
		return 0;
	if (error)
		problem_set(ret, "nft", 0, "table inet " TABLE " cannot be removed: %s",
			strerror(-error));
	return error;
}

static int count_rule(const struct nlmsghdr *nlh, void *user)
{
	const struct nlattr *attr;
	unsigned *count = user;

	/* kernels before 4.10 do not filter by table */
	NETLINK_FOR_EACH_ATTR(attr, nlh, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(attr) == NFTA_RULE_TABLE &&
			mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0 &&
			strcmp(mnl_attr_get_str(attr), TABLE) == 0)
			++*count;
	}
	return 0;
}

/* A family header followed by string attributes, for requests. */
struct request {
	_Alignas(8) uint8_t bytes[128];
	size_t size;
};

static void request_string(struct request *r, uint16_t type, const char *text)
{
	struct nlattr attr = {.nla_len = (uint16_t)(sizeof(attr) + strlen(text) + 1),
		.nla_type = type};

	memcpy(r->bytes + r->size, &attr, sizeof(attr));
	memcpy(r->bytes + r->size + sizeof(attr), text, strlen(text) + 1);
	r->size += NLMSG_ALIGN((size_t)attr.nla_len);
}

static struct request request_begin(void)
{
	struct nfgenmsg header = {.nfgen_family = NFPROTO_INET, .version = NFNETLINK_V0};
	struct request r = {.size = sizeof(header)};

	memcpy(r.bytes, &header, sizeof(header));
	return r;
}

static bool has_chain(struct netlink *n, const char *name)
{
	struct netlink_batch *b = malloc(sizeof(*b));
	struct request r = request_begin();
	bool answer;

	if (!b)
		return false;
	netlink_batch_init(b);
	request_string(&r, NFTA_CHAIN_TABLE, TABLE);
	request_string(&r, NFTA_CHAIN_NAME, name);
	netlink_batch_begin(b, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETCHAIN, 0, r.bytes, r.size);
	answer = netlink_run(n, b, NULL, NULL) == 0;
	free(b);
	return answer;
}

static bool present(const struct config *config, const struct firewall_link link[LINKS_MAX])
{
	struct request r = request_begin();
	struct writer rules = {0};
	unsigned count = 0, held = 0;
	bool answer = false;
	struct netlink n;
	char id[ID_SIZE];

	if (netlink_open(&n, NETLINK_NETFILTER) < 0)
		return false;
	request_string(&r, NFTA_RULE_TABLE, TABLE);
	if (write_identified(config, link, &rules, &count, id) == 0 && has_chain(&n, id))
		answer = netlink_dump(&n, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETRULE, r.bytes,
				 r.size, count_rule, &held) == 0 &&
			 held == count;
	free(rules.bytes);
	netlink_close(&n);
	return answer;
}

const struct firewall_ops firewall_nft = {
	.name = "nft",
	.available = available,
	.install = install,
	.remove = remove_table,
	.present = present,
};
