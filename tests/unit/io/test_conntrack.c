/* Which entries of conntrack's table a link claims, by the kernel's words for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "io/conntrack.c"

#define MASK 0xff00
#define WAN1 0x0a010002
#define WAN2 0x0a020002

static struct conntrack conntrack;
static const struct conntrack_owner owner[LINKS_MAX] = {
	[2] = {.mark = 0x0300}, /* no address */
	[4] = {.mark = 0x0500},
	[5] = {.mark = 0x0600},
};
static struct conntrack_owner owners[LINKS_MAX];
static _Alignas(8) uint8_t bytes[1024];

static int fresh(void **state)
{
	(void)state;
	memcpy(owners, owner, sizeof(owners));
	owners[4].address = htonl(WAN1);
	owners[5].address = htonl(WAN2);
	netlink_batch_init(&conntrack.batch);
	return 0;
}

static void put_tuple(struct nlmsghdr *nlh, uint16_t type, uint32_t from, uint32_t to)
{
	struct nlattr *tuple = mnl_attr_nest_start(nlh, type), *ip, *proto;

	ip = mnl_attr_nest_start(nlh, CTA_TUPLE_IP);
	mnl_attr_put_u32(nlh, CTA_IP_V4_SRC, htonl(from));
	mnl_attr_put_u32(nlh, CTA_IP_V4_DST, htonl(to));
	mnl_attr_nest_end(nlh, ip);
	proto = mnl_attr_nest_start(nlh, CTA_TUPLE_PROTO);
	mnl_attr_put_u8(nlh, CTA_PROTO_NUM, 17);
	mnl_attr_nest_end(nlh, proto);
	mnl_attr_nest_end(nlh, tuple);
}

static struct nlmsghdr *entry(uint32_t answered_to, uint32_t mark)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(bytes);
	struct nfgenmsg *header = mnl_nlmsg_put_extra_header(nlh, sizeof(*header));

	header->nfgen_family = AF_INET;
	put_tuple(nlh, CTA_TUPLE_ORIG, 0xc0a80105, 0x08080808);
	put_tuple(nlh, CTA_TUPLE_REPLY, 0x08080808, answered_to);
	mnl_attr_put_u32(nlh, CTA_MARK, htonl(mark));
	return nlh;
}

static int see(uint32_t answered_to, uint32_t mark)
{
	struct claim claim = {&conntrack, owners, MASK};

	return see_entry(entry(answered_to, mark), &claim);
}

static void entries_go_to_the_link_that_gets_the_answers(void **state)
{
	static const struct {
		uint32_t answered_to, mark;
		unsigned changes;
	} row[] = {
		{WAN1, 0, 1},
		{WAN2, 0, 1},
		{WAN2, 0xff, 1},    /* another program's bits */
		{WAN1, 0x0600, 0},  /* has a link already */
		{0xc0a80105, 0, 0}, /* not masqueraded */
		{0, 0, 0},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		fresh(state);
		assert_int_equal(see(row[i].answered_to, row[i].mark), 0);
		assert_int_equal(conntrack.batch.count, row[i].changes);
	}
}

static void a_full_batch_cuts_the_dump_off(void **state)
{
	(void)state;
	for (unsigned i = 0; i < NETLINK_BATCH_MESSAGES; i++)
		assert_int_equal(see(WAN1, 0), 0);
	assert_int_equal(see(WAN1, 0), -ECANCELED);
	assert_int_equal(conntrack.batch.count, NETLINK_BATCH_MESSAGES);
	assert_int_equal(see(0xc0a80105, 0), 0);
}

static void damaged_entries_do_no_harm(void **state)
{
	struct claim claim = {&conntrack, owners, MASK};

	srand(1);
	for (int i = 0; i < 50000; i++) {
		struct nlmsghdr *nlh = entry(WAN1, 0);
		size_t header = sizeof(*nlh), size = nlh->nlmsg_len - header;
		uint8_t *copy;

		for (int k = rand() % 4; k >= 0; k--)
			bytes[header + (size_t)rand() % size] = (uint8_t)rand();
		nlh->nlmsg_len -= (uint32_t)(rand() % 2 * rand() % (int)size);
		/* of its own, so that the sanitizer sees its end */
		copy = malloc(nlh->nlmsg_len);
		assert_non_null(copy);
		memcpy(copy, bytes, nlh->nlmsg_len);
		fresh(state);
		(void)see_entry((struct nlmsghdr *)(void *)copy, &claim);
		assert_in_range(conntrack.batch.count, 0, 1);
		free(copy);
	}
}

static void an_empty_mask_claims_nothing(void **state)
{
	(void)state;
	assert_int_equal(conntrack_claim(&conntrack, owners, 0), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(entries_go_to_the_link_that_gets_the_answers, fresh),
		cmocka_unit_test_setup(a_full_batch_cuts_the_dump_off, fresh),
		cmocka_unit_test_setup(damaged_entries_do_no_harm, fresh),
		cmocka_unit_test_setup(an_empty_mask_claims_nothing, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
