#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/names.h"
#include "io/links_kind.h"

static struct kind_evidence evidence;

static void set_facts(struct path_facts *facts, enum family family, const char *address,
	const char *gateway)
{
	int af = family == FAMILY_IPV4 ? AF_INET : AF_INET6;

	facts->has_address = inet_pton(af, address, facts->address) == 1;
	facts->has_gateway = inet_pton(af, gateway, facts->gateway) == 1;
}

static void guesses(void **state)
{
	static const struct {
		struct kind_clues clues;
		const char *v4, *gateway4, *v6;
		enum link_kind kind;
		const char *why;
	} row[] = {
		{{.name = "eth1", .type = ARPHRD_ETHER}, "10.1.0.2", "10.1.0.1", "",
			LINK_KIND_WIRED, "Ethernet"},
		{{.name = "eth1", .type = ARPHRD_ETHER, .driver = "e1000e"}, "", "", "",
			LINK_KIND_WIRED, "Ethernet, driver e1000e"},
		{{.name = "pppoe-wan", .type = ARPHRD_PPP}, "", "", "", LINK_KIND_WIRED,
			"name pppoe-wan"},
		{{.name = "ppp0", .type = ARPHRD_PPP, .pppoe = true}, "", "", "", LINK_KIND_WIRED,
			"PPP with PPPoE"},
		{{.name = "ppp0", .type = ARPHRD_PPP}, "", "", "", LINK_KIND_CELLULAR,
			"PPP without PPPoE"},
		{{.name = "wwan0", .type = ARPHRD_RAWIP}, "", "", "", LINK_KIND_CELLULAR,
			"raw IP device"},
		{{.name = "wwx1", .type = ARPHRD_ETHER, .driver = "cdc_mbim"}, "", "", "",
			LINK_KIND_CELLULAR, "driver cdc_mbim"},
		{{.name = "usb0", .type = ARPHRD_ETHER, .devtype = "wwan"}, "", "", "",
			LINK_KIND_CELLULAR, "device type wwan"},
		{{.name = "usb0", .type = ARPHRD_ETHER, .driver = "rndis_host", .serial = true}, "",
			"", "", LINK_KIND_CELLULAR,
			"a modem's serial ports beside driver rndis_host"},
		{{.name = "usb0",
			 .type = ARPHRD_ETHER,
			 .driver = "cdc_ether",
			 .usb_vendor = 0x12d1},
			"192.168.8.100", "192.168.8.1", "", LINK_KIND_CELLULAR,
			"maker of modems or phones, USB vendor 12d1"},
		{{.name = "usb0", .type = ARPHRD_ETHER, .driver = "cdc_ncm", .usb_vendor = 0x17ef},
			"", "", "", LINK_KIND_WIRED, "Ethernet, driver cdc_ncm"},
		{{.name = "wlan0", .type = ARPHRD_ETHER, .wireless = true}, "", "", "",
			LINK_KIND_WIFI, "an IEEE 802.11 radio"},
		{{.name = "wg0", .type = ARPHRD_NONE, .kind = "wireguard"}, "", "", "",
			LINK_KIND_VPN, "made as wireguard"},
		{{.name = "tailscale0", .type = ARPHRD_NONE, .kind = "tun"}, "", "", "",
			LINK_KIND_VPN, "made as tun"},
		{{.name = "tap0", .type = ARPHRD_ETHER, .kind = "tun"}, "", "", "", LINK_KIND_VPN,
			"made as tun"},
		{{.name = "office", .type = ARPHRD_NONE, .kind = "xfrm"}, "", "", "", LINK_KIND_VPN,
			"made as xfrm"},
		{{.name = "6in4-henet", .type = ARPHRD_SIT, .kind = "sit"}, "", "", "",
			LINK_KIND_VPN, "name 6in4-henet"},
		{{.name = "6rd-wan6", .type = ARPHRD_SIT, .kind = "sit"}, "", "", "",
			LINK_KIND_WIRED, "made as sit"},
		{{.name = "ds-wan", .type = ARPHRD_TUNNEL6, .kind = "ip6tnl"}, "", "", "",
			LINK_KIND_WIRED, "made as ip6tnl"},
		{{.name = "tunnel1", .type = ARPHRD_ETHER}, "", "", "", LINK_KIND_WIRED,
			"Ethernet"},
		{{.name = "eth1", .type = ARPHRD_ETHER}, "100.101.2.3", "100.64.0.1", "",
			LINK_KIND_STARLINK, "address in 100.64.0.0/10 and gateway 100.64.0.1"},
		{{.name = "eth1", .type = ARPHRD_ETHER}, "100.101.2.3", "100.101.2.1", "",
			LINK_KIND_WIRED, "Ethernet"},
		{{.name = "eth1", .type = ARPHRD_ETHER}, "100.128.2.3", "100.64.0.1", "",
			LINK_KIND_WIRED, "Ethernet"},
		{{.name = "eth1", .type = ARPHRD_ETHER}, "192.168.1.7", "192.168.1.1",
			"2605:59c8:1:2::3", LINK_KIND_STARLINK,
			"address in Starlink's 2605:59c0::/28"},
		{{.name = "wlan0", .type = ARPHRD_ETHER, .wireless = true}, "", "",
			"2a0d:3344:1::1", LINK_KIND_STARLINK,
			"address in Starlink's 2a0d:3340::/29"},
		{{.name = "eth1", .type = ARPHRD_ETHER}, "", "", "2a0d:3348:1::1", LINK_KIND_WIRED,
			"Ethernet"},
		/* a modem behind the same addresses is a modem */
		{{.name = "wwan0", .type = ARPHRD_RAWIP}, "100.101.2.3", "100.64.0.1", "",
			LINK_KIND_CELLULAR, "raw IP device"},
		/* what netifd knows */
		{{.name = "eth1", .type = ARPHRD_ETHER, .proto = "ncm", .interface = "wan"}, "", "",
			"", LINK_KIND_CELLULAR, "netifd's protocol ncm"},
		{{.name = "eth2", .type = ARPHRD_ETHER, .proto = "dhcp", .interface = "lte2"}, "",
			"", "", LINK_KIND_CELLULAR, "interface lte2"},
		{{.name = "eth2", .type = ARPHRD_ETHER, .proto = "dhcp", .interface = "starlink"},
			"", "", "", LINK_KIND_STARLINK, "interface starlink"},
		{{.name = "ppp0", .type = ARPHRD_PPP, .proto = "pppoe", .interface = "wan"}, "", "",
			"", LINK_KIND_WIRED, "netifd's protocol pppoe"},
		{{.name = "office", .type = ARPHRD_ETHER, .proto = "openvpn"}, "", "", "",
			LINK_KIND_VPN, "netifd's protocol openvpn"},
		{{.name = "office", .type = ARPHRD_ETHER, .tun = true}, "", "", "", LINK_KIND_VPN,
			"a program at its other end"},
		/* a phone that shares its connection, over USB and over Wi-Fi */
		{{.name = "usb0", .type = ARPHRD_ETHER, .driver = "rndis_host"}, "192.168.42.77",
			"192.168.42.129", "", LINK_KIND_CELLULAR,
			"address and gateway of a phone that shares its connection"},
		{{.name = "wlan0", .type = ARPHRD_ETHER, .wireless = true}, "172.20.10.3",
			"172.20.10.1", "", LINK_KIND_CELLULAR,
			"address and gateway of a phone that shares its connection"},
		{{.name = "wlan0", .type = ARPHRD_ETHER, .wireless = true}, "192.168.43.7",
			"192.168.43.254", "", LINK_KIND_WIFI, "an IEEE 802.11 radio"},
		{{.name = "ib0", .type = ARPHRD_INFINIBAND}, "", "", "", LINK_KIND_OTHER,
			"nothing known of this type of device"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct path_facts facts[FAMILY_COUNT] = {{0}};
		enum link_kind kind;

		set_facts(&facts[FAMILY_IPV4], FAMILY_IPV4, row[i].v4, row[i].gateway4);
		set_facts(&facts[FAMILY_IPV6], FAMILY_IPV6, row[i].v6, "fe80::1");
		kind = kind_guess(&row[i].clues, facts, &evidence);
		if (kind != row[i].kind)
			fail_msg("%s (row %zu) is %s: %s", row[i].clues.name, i,
				link_kind_name(kind), evidence.item[0].why);
		assert_string_equal(evidence.item[0].why, row[i].why);
	}
}

static void evidence_is_sorted_and_says_what_speaks_against(void **state)
{
	struct kind_clues clues = {.name = "wwan0",
		.type = ARPHRD_ETHER,
		.devtype = "wwan",
		.driver = "qmi_wwan",
		.wireless = true,
		.proto = "qmi",
		.interface = "wwan"};
	struct path_facts facts[FAMILY_COUNT] = {{0}};

	(void)state;
	set_facts(&facts[FAMILY_IPV4], FAMILY_IPV4, "100.101.2.3", "100.64.0.1");
	set_facts(&facts[FAMILY_IPV6], FAMILY_IPV6, "2605:59c8::1", "fe80::1");
	assert_int_equal(kind_guess(&clues, facts, &evidence), LINK_KIND_CELLULAR);
	assert_int_equal(evidence.n, KIND_EVIDENCE_MAX);
	assert_int_equal(evidence.item[0].weight, 100);
	for (unsigned i = 1; i < evidence.n; i++)
		assert_true(evidence.item[i].weight <= evidence.item[i - 1].weight ||
			    (evidence.item[i - 1].kind == LINK_KIND_CELLULAR &&
				    evidence.item[i].kind != LINK_KIND_CELLULAR));
	assert_int_equal(evidence.item[evidence.n - 1].kind, LINK_KIND_WIFI);
}

static void make(const char *folder, const char *name, const char *text)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (!text) {
		assert_int_equal(mkdir(path, 0755), 0);
		return;
	}
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void link_to(const char *folder, const char *name, const char *target)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(symlink(target, path), 0);
}

/* sysfs of a composite USB modem: net, serial ports and a control channel are interfaces of one
   device. */
static void clues_of_a_usb_modem(void **state)
{
	char root[] = "/tmp/test_links_kind.XXXXXX", command[64], net[64];
	struct kernel_device device = {.name = "usb0", .type = ARPHRD_ETHER};
	struct kind_clues clues;

	(void)state;
	assert_non_null(mkdtemp(root));
	make(root, "usb", NULL);
	make(root, "usb/1-1", NULL);
	make(root, "usb/1-1/idVendor", "2c7c\n");
	make(root, "usb/1-1/1-1:1.0", NULL);
	make(root, "usb/1-1/1-1:1.4", NULL);
	make(root, "rndis_host", NULL);
	link_to(root, "usb/1-1/1-1:1.4/driver", "../../../rndis_host");
	make(root, "net", NULL);
	make(root, "net/usb0", NULL);
	make(root, "net/usb0/uevent", "INTERFACE=usb0\nDEVTYPE=wwan\nIFINDEX=3\n");
	link_to(root, "net/usb0/device", "../../usb/1-1/1-1:1.4");
	snprintf(net, sizeof(net), "%s/net", root);

	kind_read_clues(&device, net, "/nonexistent", &clues);
	assert_string_equal(clues.driver, "rndis_host");
	assert_string_equal(clues.devtype, "wwan");
	assert_int_equal(clues.usb_vendor, 0x2c7c);
	assert_false(clues.serial);
	assert_false(clues.wireless);

	make(root, "usb/1-1/1-1:1.0/ttyUSB0", NULL);
	kind_read_clues(&device, net, "/nonexistent", &clues);
	assert_true(clues.serial);

	make(root, "net/usb0/phy80211", NULL);
	kind_read_clues(&device, net, "/nonexistent", &clues);
	assert_true(clues.wireless);

	snprintf(command, sizeof(command), "rm -r %s", root);
	assert_int_equal(system(command), 0);
}

static void clues_of_ppp(void **state)
{
	char root[] = "/tmp/test_links_kind.XXXXXX", file[64];
	struct kernel_device device = {.name = "ppp0", .type = ARPHRD_PPP};
	struct kind_clues clues;

	(void)state;
	assert_non_null(mkdtemp(root));
	snprintf(file, sizeof(file), "%s/pppoe", root);
	kind_read_clues(&device, root, file, &clues);
	assert_false(clues.pppoe);
	make(root, "pppoe", "Id       Address              Device\n");
	kind_read_clues(&device, root, file, &clues);
	assert_false(clues.pppoe);
	assert_int_equal(unlink(file), 0);
	make(root, "pppoe",
		"Id       Address              Device\n00000001 00:11:22:33:44:55 eth1\n");
	kind_read_clues(&device, root, file, &clues);
	assert_true(clues.pppoe);
	assert_int_equal(unlink(file), 0);
	assert_int_equal(rmdir(root), 0);
}

static void nothing_to_read_is_no_clue(void **state)
{
	struct kernel_device device = {.name = "eth1", .type = ARPHRD_ETHER};
	struct path_facts facts[FAMILY_COUNT] = {{0}};
	struct kind_clues clues;

	(void)state;
	kind_read_clues(&device, "/nonexistent", "/nonexistent", &clues);
	assert_int_equal(kind_guess(&clues, facts, &evidence), LINK_KIND_WIRED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(guesses),
		cmocka_unit_test(evidence_is_sorted_and_says_what_speaks_against),
		cmocka_unit_test(clues_of_a_usb_modem),
		cmocka_unit_test(clues_of_ppp),
		cmocka_unit_test(nothing_to_read_is_no_clue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
