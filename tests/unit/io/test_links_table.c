#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/usec.h"
#include "io/links_table.h"

#define NOW_US (1000 * USEC_S)
#define ETH1 7
#define ETH2 8
#define LAN 9

static struct table table;
static struct path_facts facts;

static void read_address(const char *text, uint8_t ret[16])
{
	memset(ret, 0, 16);
	assert_int_equal(inet_pton(strchr(text, ':') ? AF_INET6 : AF_INET, text, ret), 1);
}

static void assert_address(const uint8_t address[16], const char *text)
{
	uint8_t expected[16];

	read_address(text, expected);
	assert_memory_equal(address, expected, 16);
}

static void add_device(uint32_t ifindex, const char *name)
{
	struct kernel_device d = {.ifindex = ifindex, .up = true, .carrier = true, .mtu = 1500};

	snprintf(d.name, sizeof(d.name), "%s", name);
	table_set_device(&table, &d);
}

static struct kernel_address address(uint32_t ifindex, const char *text, uint8_t bits)
{
	struct kernel_address a = {.ifindex = ifindex,
		.family = strchr(text, ':') ? FAMILY_IPV6 : FAMILY_IPV4,
		.bits = bits,
		.usable = true,
		.preferred_s = UINT32_MAX};

	read_address(text, a.address);
	return a;
}

static void add_address(uint32_t ifindex, const char *text, uint8_t bits)
{
	struct kernel_address a = address(ifindex, text, bits);

	table_set_address(&table, &a);
}

static struct kernel_route route(uint32_t metric, const char *gateway, struct kernel_leg *ret_leg)
{
	struct kernel_route r = {.family = strchr(gateway, ':') ? FAMILY_IPV6 : FAMILY_IPV4,
		.preference = 1,
		.metric = metric};

	*ret_leg = (struct kernel_leg){.ifindex = ETH1};
	read_address(gateway, ret_leg->gateway);
	return r;
}

static void add_route(uint32_t ifindex, uint32_t metric, const char *gateway)
{
	struct kernel_leg leg;
	struct kernel_route r = route(metric, gateway, &leg);

	leg.ifindex = ifindex;
	table_add_gateway(&table, &r, &leg, NOW_US);
}

/* Brings facts up to date, as links.c does: what was said last goes in. */
static void look(enum family family)
{
	table_facts(&table, table_device_numbered(&table, ETH1), family, &facts, NOW_US, &facts);
}

static int begin(void **state)
{
	(void)state;
	table_clear(&table);
	table.full = 0;
	memset(&facts, 0, sizeof(facts));
	add_device(ETH1, "eth1");
	return 0;
}

static void facts_of_a_plain_link(void **state)
{
	(void)state;
	add_address(ETH1, "10.1.0.2", 24);
	add_route(ETH1, 100, "10.1.0.1");
	look(FAMILY_IPV4);
	assert_true(facts.present && facts.carrier && facts.has_address && facts.has_gateway);
	assert_address(facts.address, "10.1.0.2");
	assert_address(facts.gateway, "10.1.0.1");
	assert_int_equal(facts.ifindex, ETH1);
	assert_int_equal(facts.mtu, 1500);
	assert_int_equal(facts.metric, 100);
	look(FAMILY_IPV6);
	assert_true(facts.present && !facts.has_address && !facts.has_gateway);
}

static void device_that_is_down_or_gone_has_no_facts(void **state)
{
	static const struct path_facts nothing;
	struct kernel_device d = {.ifindex = ETH1, .name = "eth1", .mtu = 1500};

	(void)state;
	add_address(ETH1, "10.1.0.2", 24);
	add_route(ETH1, 100, "10.1.0.1");
	look(FAMILY_IPV4);
	table_set_device(&table, &d);
	look(FAMILY_IPV4);
	assert_memory_equal(&facts, &nothing, sizeof(facts));
	table_remove_device(&table, ETH1);
	look(FAMILY_IPV4);
	assert_memory_equal(&facts, &nothing, sizeof(facts));
	assert_int_equal(table.n_addresses, 0);
	assert_int_equal(table.n_gateways, 0);
}

static void name_that_comes_back_under_another_number_replaces(void **state)
{
	(void)state;
	add_address(ETH1, "10.1.0.2", 24);
	add_device(33, "eth1");
	assert_int_equal(table.n_devices, 1);
	assert_int_equal(table_device_named(&table, "eth1")->ifindex, 33);
	assert_int_equal(table.n_addresses, 0);
}

static void partial_news_of_a_device_leave_the_rest(void **state)
{
	struct kernel_device d = {.ifindex = ETH1,
		.name = "eth1",
		.up = true,
		.carrier = false,
		.partial = true};

	(void)state;
	table_set_device(&table, &d);
	look(FAMILY_IPV4);
	assert_int_equal(facts.mtu, 1500);
	assert_false(facts.carrier);
}

static void lowest_metric_wins(void **state)
{
	(void)state;
	add_route(ETH1, 200, "10.1.0.9");
	add_route(ETH1, 100, "10.1.0.1");
	add_route(ETH1, 300, "10.1.0.8");
	add_route(ETH2, 5, "10.2.0.1");
	look(FAMILY_IPV4);
	assert_address(facts.gateway, "10.1.0.1");
}

static void gateway_in_use_stays_among_equals(void **state)
{
	(void)state;
	add_route(ETH1, 1024, "fe80::2");
	look(FAMILY_IPV6);
	table_clear_gateways(&table);
	add_route(ETH1, 1024, "fe80::1");
	add_route(ETH1, 1024, "fe80::2");
	look(FAMILY_IPV6);
	assert_address(facts.gateway, "fe80::2");
	table_clear_gateways(&table);
	add_route(ETH1, 1024, "fe80::1");
	look(FAMILY_IPV6);
	assert_address(facts.gateway, "fe80::1");
}

static void router_preference_goes_before_use(void **state)
{
	struct kernel_leg leg;
	struct kernel_route r = route(1024, "fe80::1", &leg);

	(void)state;
	add_route(ETH1, 1024, "fe80::2");
	look(FAMILY_IPV6);
	r.preference = 2;
	table_add_gateway(&table, &r, &leg, NOW_US);
	look(FAMILY_IPV6);
	assert_address(facts.gateway, "fe80::1");
}

static void route_that_has_run_out_does_not_count(void **state)
{
	struct kernel_leg leg;
	struct kernel_route r = route(1024, "fe80::1", &leg);

	(void)state;
	r.expires = true;
	r.expires_us = 30 * USEC_S;
	table_add_gateway(&table, &r, &leg, NOW_US);
	assert_int_equal(table_expiry_us(&table, NOW_US), NOW_US + 30 * USEC_S);
	look(FAMILY_IPV6);
	assert_true(facts.has_gateway);
	table_facts(&table, table_device_numbered(&table, ETH1), FAMILY_IPV6, &facts,
		NOW_US + 30 * USEC_S, &facts);
	assert_false(facts.has_gateway);
	assert_int_equal(table_expiry_us(&table, NOW_US + 30 * USEC_S), USEC_NEVER);
}

static void route_in_its_last_moment_does_not_live_for_ever(void **state)
{
	static struct table before;
	struct kernel_leg leg;
	struct kernel_route r = route(1024, "fe80::1", &leg);

	(void)state;
	r.expires = true;
	r.expires_us = 5 * USEC_MS;
	table_add_gateway(&table, &r, &leg, NOW_US);
	before = table;
	r.expires = false; /* what the kernel's 0 looks like */
	table_clear_gateways(&table);
	table_add_gateway(&table, &r, &leg, NOW_US);
	table_keep_expiries(&table, &before, NOW_US);
	assert_int_equal(table_expiry_us(&table, NOW_US), NOW_US + 5 * USEC_MS);

	/* one that had time left really was made permanent */
	before.gateway[0].expires_at_us = NOW_US + USEC_S;
	table_clear_gateways(&table);
	table_add_gateway(&table, &r, &leg, NOW_US);
	table_keep_expiries(&table, &before, NOW_US);
	assert_int_equal(table_expiry_us(&table, NOW_US), USEC_NEVER);
}

static void legs_that_cannot_be_used_are_left_out(void **state)
{
	struct kernel_leg leg;
	struct kernel_route r = route(10, "10.1.0.1", &leg);

	(void)state;
	leg.dead = true;
	table_add_gateway(&table, &r, &leg, NOW_US);
	leg.dead = false;
	leg.other_family = true;
	table_add_gateway(&table, &r, &leg, NOW_US);
	assert_int_equal(table.n_gateways, 0);
}

static void route_may_lower_the_mtu(void **state)
{
	struct kernel_leg leg;
	struct kernel_route r = route(10, "10.1.0.1", &leg);

	(void)state;
	r.mtu = 1400;
	table_add_gateway(&table, &r, &leg, NOW_US);
	look(FAMILY_IPV4);
	assert_int_equal(facts.mtu, 1400);
	table.gateway[0].mtu = 9000;
	look(FAMILY_IPV4);
	assert_int_equal(facts.mtu, 1500);
}

static void address_beside_the_gateway_is_chosen(void **state)
{
	(void)state;
	add_address(ETH1, "192.168.100.2", 24);
	add_address(ETH1, "10.1.0.2", 24);
	add_route(ETH1, 100, "10.1.0.1");
	look(FAMILY_IPV4);
	assert_address(facts.address, "10.1.0.2");
}

static void preferences_among_addresses(void **state)
{
	struct kernel_address a;

	(void)state;
	a = address(ETH1, "2001:db8::1", 64);
	a.usable = false;
	table_set_address(&table, &a);
	look(FAMILY_IPV6);
	assert_false(facts.has_address);
	add_address(ETH1, "fd01::2", 64);
	look(FAMILY_IPV6);
	assert_address(facts.address, "fd01::2");
	a = address(ETH1, "2001:db8::7", 64);
	a.secondary = true; /* temporary, but it reaches further */
	table_set_address(&table, &a);
	look(FAMILY_IPV6);
	assert_address(facts.address, "2001:db8::7");
	a = address(ETH1, "2001:db8::2", 64);
	a.preferred_s = 1000;
	table_set_address(&table, &a);
	look(FAMILY_IPV6);
	assert_address(facts.address, "2001:db8::2");
	add_address(ETH1, "2001:db8::3", 64); /* lives longer, but the other is in use */
	look(FAMILY_IPV6);
	assert_address(facts.address, "2001:db8::2");
	memset(&facts, 0, sizeof(facts));
	look(FAMILY_IPV6);
	assert_address(facts.address, "2001:db8::3");
}

static void link_local_ipv4_is_the_last_resort(void **state)
{
	(void)state;
	add_address(ETH1, "169.254.7.7", 16);
	look(FAMILY_IPV4);
	assert_address(facts.address, "169.254.7.7");
	add_address(ETH1, "10.1.0.2", 24);
	look(FAMILY_IPV4);
	assert_address(facts.address, "10.1.0.2");
}

static void source_of_the_route_is_chosen(void **state)
{
	struct kernel_leg leg;
	struct kernel_route r = route(10, "10.1.0.1", &leg);

	(void)state;
	add_address(ETH1, "10.1.0.2", 24);
	add_address(ETH1, "10.3.0.3", 24);
	r.has_prefsrc = true;
	read_address("10.3.0.3", r.prefsrc);
	table_add_gateway(&table, &r, &leg, NOW_US);
	look(FAMILY_IPV4);
	assert_address(facts.address, "10.3.0.3");
	read_address("203.0.113.5", table.gateway[0].prefsrc); /* on another device, such as lo */
	look(FAMILY_IPV4);
	assert_address(facts.address, "203.0.113.5");
}

static void address_is_lent_by_another_device(void **state)
{
	struct kernel_leg leg;
	struct kernel_route r = route(512, "fe80::1", &leg);
	struct kernel_address a;

	(void)state;
	r.source_bits = 56;
	read_address("2001:db8:5::", r.source);
	table_add_gateway(&table, &r, &leg, NOW_US);
	a = address(LAN, "2001:db8:6::1", 64);
	assert_false(table_wants_source(&table, &a));
	a = address(LAN, "2001:db8:5:1::1", 64);
	assert_true(table_wants_source(&table, &a));
	table_set_address(&table, &a);
	look(FAMILY_IPV6);
	assert_address(facts.address, "2001:db8:5:1::1");
	add_address(ETH1, "2001:db8:7::2", 64); /* an own one goes before */
	look(FAMILY_IPV6);
	assert_address(facts.address, "2001:db8:7::2");
}

static void address_is_known_by_its_prefix_length_in_ipv4(void **state)
{
	struct kernel_address a = address(ETH1, "10.1.0.2", 16);

	(void)state;
	add_address(ETH1, "10.1.0.2", 24);
	table_set_address(&table, &a);
	assert_int_equal(table.n_addresses, 2);
	table_remove_address(&table, &a);
	assert_int_equal(table.n_addresses, 1);
	look(FAMILY_IPV4);
	assert_true(facts.has_address);
}

static void what_does_not_fit_is_counted(void **state)
{
	char name[DEVICE_SIZE];

	(void)state;
	for (uint32_t i = 0; i < TABLE_DEVICES_MAX; i++) {
		snprintf(name, sizeof(name), "d%u", i);
		add_device(100 + i, name);
	}
	assert_int_equal(table.full, 1);
	for (unsigned i = 0; i <= TABLE_ADDRESSES_MAX; i++) {
		struct kernel_address a = address(ETH1, "10.1.0.0", 32);

		a.address[3] = (uint8_t)i;
		table_set_address(&table, &a);
	}
	assert_int_equal(table.full, 2);
	for (unsigned i = 0; i <= TABLE_GATEWAYS_MAX; i++)
		add_route(ETH1, i, "10.1.0.1");
	assert_int_equal(table.full, 3);
	for (unsigned i = 0; i <= TABLE_NEXTHOPS_MAX; i++)
		table_add_nexthop(&table, 1 + i);
	assert_int_equal(table.full, 4);
	table_add_nexthop(&table, 1);
	assert_int_equal(table.full, 4);
}

static void least_metric_of_a_device(void **state)
{
	uint32_t metric = 77;

	(void)state;
	assert_false(table_has_gateway(&table, ETH1, &metric));
	assert_int_equal(metric, 77);
	add_route(ETH1, 200, "10.1.0.1");
	add_route(ETH1, 100, "10.1.0.2");
	assert_true(table_has_gateway(&table, ETH1, &metric));
	assert_int_equal(metric, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(facts_of_a_plain_link, begin),
		cmocka_unit_test_setup(device_that_is_down_or_gone_has_no_facts, begin),
		cmocka_unit_test_setup(name_that_comes_back_under_another_number_replaces, begin),
		cmocka_unit_test_setup(partial_news_of_a_device_leave_the_rest, begin),
		cmocka_unit_test_setup(lowest_metric_wins, begin),
		cmocka_unit_test_setup(gateway_in_use_stays_among_equals, begin),
		cmocka_unit_test_setup(router_preference_goes_before_use, begin),
		cmocka_unit_test_setup(route_that_has_run_out_does_not_count, begin),
		cmocka_unit_test_setup(route_in_its_last_moment_does_not_live_for_ever, begin),
		cmocka_unit_test_setup(legs_that_cannot_be_used_are_left_out, begin),
		cmocka_unit_test_setup(route_may_lower_the_mtu, begin),
		cmocka_unit_test_setup(address_beside_the_gateway_is_chosen, begin),
		cmocka_unit_test_setup(preferences_among_addresses, begin),
		cmocka_unit_test_setup(link_local_ipv4_is_the_last_resort, begin),
		cmocka_unit_test_setup(source_of_the_route_is_chosen, begin),
		cmocka_unit_test_setup(address_is_lent_by_another_device, begin),
		cmocka_unit_test_setup(address_is_known_by_its_prefix_length_in_ipv4, begin),
		cmocka_unit_test_setup(what_does_not_fit_is_counted, begin),
		cmocka_unit_test_setup(least_metric_of_a_device, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
