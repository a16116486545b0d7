#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "io/netifd_table.h"

/* As netifd prints them: a DHCP line with its IPv6 sibling, PPPoE, a modem with its children, a LAN. */
static const char dump[] =
	"{\"interface\":["
	"{\"interface\":\"loopback\",\"up\":true,\"l3_device\":\"lo\",\"proto\":\"static\","
	"\"device\":\"lo\"},"
	"{\"interface\":\"lan\",\"up\":true,\"l3_device\":\"br-lan\",\"proto\":\"static\","
	"\"device\":\"br-lan\","
	"\"dns-server\":[],\"route\":[],\"data\":{}},"
	"{\"interface\":\"wan6\",\"up\":true,\"l3_device\":\"eth1\",\"proto\":\"dhcpv6\","
	"\"device\":\"eth1\","
	"\"dns-server\":[\"2001:db8::53\",\"fe80::1%eth1\"],\"route\":[{\"target\":\"::\",\"mask\":"
	"0,"
	"\"nexthop\":\"fe80::1\",\"metric\":512,\"source\":\"2001:db8:1::/56\"}]},"
	"{\"interface\":\"wan\",\"up\":true,\"pending\":false,\"available\":true,\"autostart\":"
	"true,"
	"\"dynamic\":false,\"uptime\":4711,\"l3_device\":\"eth1\",\"proto\":\"dhcp\",\"device\":"
	"\"eth1\","
	"\"metric\":10,\"dns_metric\":0,\"ipv4-address\":[{\"address\":\"100.70.1.2\",\"mask\":10}]"
	","
	"\"route\":[{\"target\":\"0.0.0.0\",\"mask\":0,\"nexthop\":\"100.64.0.1\",\"source\":\"100."
	"70.1.2/32\"}],"
	"\"dns-server\":[\"1.1.1.1\",\"8.8.8.8\"],\"dns-search\":[],\"inactive\":{\"route\":[],"
	"\"dns-server\":[\"9.9.9.9\"]},\"data\":{\"leasetime\":300,\"zone\":\"wan\"}},"
	"{\"interface\":\"dsl\",\"up\":false,\"proto\":\"pppoe\",\"device\":\"eth2\",\"errors\":[{"
	"\"subsystem\":"
	"\"interface\",\"code\":\"NO_DEVICE\"}]},"
	"{\"interface\":\"wwan\",\"up\":true,\"proto\":\"qmi\",\"metric\":30},"
	"{\"interface\":\"wwan_4\",\"up\":true,\"dynamic\":true,\"l3_device\":\"wwan0\",\"proto\":"
	"\"dhcp\","
	"\"device\":\"wwan0\",\"metric\":30,\"dns-server\":[\"10.0.0.53\"],\"inactive\":{\"route\":"
	"["
	"{\"target\":\"0.0.0.0\",\"mask\":0,\"nexthop\":\"10.0.0.1\"},{\"target\":\"10.9.0.0\","
	"\"mask\":16,"
	"\"nexthop\":\"10.0.0.1\"}]}},"
	"{\"interface\":\"wwan_6\",\"up\":true,\"dynamic\":true,\"l3_device\":\"wwan0\",\"proto\":"
	"\"dhcpv6\"},"
	"{\"interface\":\"pbr\",\"up\":true,\"l3_device\":\"eth3\",\"proto\":\"static\",\"device\":"
	"\"eth3\",\"route\":["
	"{\"target\":\"0.0.0.0\",\"mask\":0,\"nexthop\":\"0.0.0.0\",\"table\":100}]},"
	"{\"interface\":\"aliased\",\"up\":true,\"l3_device\":\"eth3\",\"proto\":\"static\","
	"\"device\":\"@pbr\"}"
	"]}";

static struct netifd_table table;

static int read_text(const char *text, const struct netifd_table *before)
{
	struct json_object *o = json_tokener_parse(text);
	int error = netifd_read(o, before, &table);

	json_object_put(o);
	return error;
}

static const char *owner(const char *device)
{
	const struct netifd_interface *i = netifd_owner(&table, device);

	return i ? i->name : "";
}

static const char *device(const char *interface)
{
	const struct netifd_interface *i = netifd_find(&table, interface);

	assert_non_null(i);
	return i->l3_device;
}

static void interfaces_lend_their_names(void **state)
{
	(void)state;
	assert_int_equal(read_text(dump, NULL), 0);
	assert_int_equal(table.n, 10);
	assert_int_equal(table.left_out, 0);
	assert_string_equal(owner("eth1"), "wan");
	assert_string_equal(owner("wwan0"), "wwan");
	assert_string_equal(owner("eth3"), "pbr");
	assert_string_equal(owner("br-lan"), "lan");
	assert_string_equal(owner("eth9"), "");
	assert_string_equal(owner(""), "");
}

static void devices_are_known_before_they_are_up(void **state)
{
	(void)state;
	assert_int_equal(read_text(dump, NULL), 0);
	assert_string_equal(device("dsl"), "pppoe-dsl");
	assert_string_equal(device("wwan"), "wwan0");
	assert_string_equal(netifd_find(&table, "aliased")->device, "");
}

static void a_device_is_remembered_while_the_interface_is_down(void **state)
{
	struct netifd_table before;

	(void)state;
	assert_int_equal(read_text(dump, NULL), 0);
	before = table;
	assert_int_equal(read_text("{\"interface\":[{\"interface\":\"wwan\",\"up\":false,\"proto\":"
				   "\"qmi\"},"
				   "{\"interface\":\"wan\",\"up\":false,\"proto\":\"dhcp\","
				   "\"device\":\"eth7\"}]}",
				 &before),
		0);
	assert_string_equal(device("wwan"), "wwan0");
	assert_string_equal(device("wan"), "eth7");
	/* another protocol, another device */
	assert_int_equal(read_text("{\"interface\":[{\"interface\":\"wwan\",\"up\":false,\"proto\":"
				   "\"mbim\"}]}",
				 &before),
		0);
	assert_string_equal(device("wwan"), "");
}

static void gateways_that_the_kernel_does_not_hold(void **state)
{
	uint8_t gateway[16], wanted[16] = {10, 0, 0, 1}, none[16] = {0};
	uint32_t metric = 7;

	(void)state;
	assert_int_equal(read_text(dump, NULL), 0);
	assert_true(netifd_gateway(&table, "wwan0", FAMILY_IPV4, gateway, &metric));
	assert_memory_equal(gateway, wanted, 16);
	assert_int_equal(metric, 30);
	assert_true(netifd_gateway(&table, "eth3", FAMILY_IPV4, gateway, &metric));
	assert_memory_equal(gateway, none, 16);
	/* those it does hold are the kernel's to tell */
	assert_false(netifd_gateway(&table, "eth1", FAMILY_IPV4, gateway, &metric));
	assert_false(netifd_gateway(&table, "eth1", FAMILY_IPV6, gateway, &metric));
	assert_false(netifd_gateway(&table, "", FAMILY_IPV4, gateway, &metric));
}

static void resolvers_of_each_interface(void **state)
{
	const struct netifd_interface *i;
	uint8_t wanted[16];

	(void)state;
	assert_int_equal(read_text(dump, NULL), 0);
	i = netifd_find(&table, "wan");
	assert_int_equal(i->n_servers, 2);
	assert_int_equal(inet_pton(AF_INET, "8.8.8.8", wanted), 1);
	assert_memory_equal(i->server[1].address, wanted, 4);
	i = netifd_find(&table, "wan6");
	assert_int_equal(i->n_servers, 2);
	assert_int_equal(i->server[1].family, FAMILY_IPV6);
	assert_int_equal(inet_pton(AF_INET6, "fe80::1", wanted), 1);
	assert_memory_equal(i->server[1].address, wanted, 16);
}

static void what_is_malformed_is_left_out(void **state)
{
	static const char *const no_reply[] = {"{}", "[]", "7", "{\"interface\":{}}",
		"{\"interface\":null}"};

	(void)state;
	assert_int_equal(read_text(dump, NULL), 0);
	for (size_t i = 0; i < sizeof(no_reply) / sizeof(no_reply[0]); i++)
		assert_int_equal(read_text(no_reply[i], NULL), -EINVAL);
	assert_int_equal(netifd_read(NULL, NULL, &table), -EINVAL);
	assert_int_equal(table.n, 10);
	assert_int_equal(
		read_text("{\"interface\":[7,null,{},{\"interface\":\"a b\"},{\"interface\":7},"
			  "{\"interface\":\"wan\",\"up\":1,\"l3_device\":\"eth/"
			  "1\",\"metric\":-5,\"proto\":"
			  "\"0123456789012345678901234567890123456789\",\"dns-server\":[7,\"x\","
			  "\"1.1.1.1\"],"
			  "\"route\":[7,{\"target\":\"0.0.0.0\"}],\"inactive\":[],\"errors\":[7]},"
			  "{\"interface\":\"wan\"}]}",
			NULL),
		0);
	assert_int_equal(table.n, 1);
	assert_string_equal(table.interface[0].l3_device, "");
	assert_string_equal(table.interface[0].proto, "");
	assert_int_equal(table.interface[0].metric, 0);
}

static void more_than_there_is_room_for_is_counted(void **state)
{
	struct json_object *o = json_object_new_object(), *list = json_object_new_array();

	(void)state;
	for (int i = 0; i < NETIFD_INTERFACES_MAX + 3; i++) {
		struct json_object *interface = json_object_new_object(),
				   *servers = json_object_new_array();
		char name[16];

		snprintf(name, sizeof(name), "wan%d", i);
		json_object_object_add(interface, "interface", json_object_new_string(name));
		json_object_object_add(interface, "up", json_object_new_boolean(1));
		for (int k = 0; k < NETIFD_SERVERS_MAX + 1; k++)
			json_object_array_add(servers, json_object_new_string("1.1.1.1"));
		json_object_object_add(interface, "dns-server", servers);
		json_object_array_add(list, interface);
	}
	json_object_object_add(o, "interface", list);
	assert_int_equal(netifd_read(o, NULL, &table), 0);
	json_object_put(o);
	assert_int_equal(table.n, NETIFD_INTERFACES_MAX);
	assert_int_equal(table.left_out, 3 + NETIFD_INTERFACES_MAX);
	assert_int_equal(table.interface[5].n_servers, NETIFD_SERVERS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(interfaces_lend_their_names),
		cmocka_unit_test(devices_are_known_before_they_are_up),
		cmocka_unit_test(a_device_is_remembered_while_the_interface_is_down),
		cmocka_unit_test(gateways_that_the_kernel_does_not_hold),
		cmocka_unit_test(resolvers_of_each_interface),
		cmocka_unit_test(what_is_malformed_is_left_out),
		cmocka_unit_test(more_than_there_is_room_for_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
