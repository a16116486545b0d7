/*
 * Order of the questions: what the driver says (modem, radio, tunnel) is sure; names come next,
 * because modem managers and OpenWrt choose them; addresses last, because only Starlink shows in
 * them.  Facts about Starlink's addresses: the first hop of a dish is 100.64.0.1 in IPv4 (RFC 6598
 * space, which other providers use too, hence both address and gateway are asked for); customers'
 * IPv6 prefixes come from 2605:59c0::/28 (ARIN) and 2a0d:3340::/29 (RIPE).
 */
#include "io/links_kind.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef ARPHRD_RAWIP
#define ARPHRD_RAWIP 519
#endif

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool is_one_of(const char *word, const char *const list[], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(word, list[i]))
			return true;
	}
	return false;
}

static bool begins_with_one_of(const char *word, const char *const list[], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!strncmp(word, list[i], strlen(list[i])))
			return true;
	}
	return false;
}

/* Drivers of modems and phones and of nothing else. */
static bool is_modem_driver(const char *driver)
{
	static const char *const list[] = {"qmi_wwan", "qmi_wwan_q", "GobiNet", "cdc_mbim",
		"huawei_cdc_ncm", "sierra_net", "hso", "ipheth", "kalmia", "mhi_net",
		"mhi_wwan_mbim", "mhi_netdev", "iosm", "t7xx", "mtk_t7xx", "ipa", "rmnet"};

	return is_one_of(driver, list, COUNT(list));
}

/* Drivers of modems, phones, docking stations and plain USB Ethernet. */
static bool is_usb_network_driver(const char *driver)
{
	static const char *const list[] = {"cdc_ether", "cdc_ncm", "rndis_host"};

	return is_one_of(driver, list, COUNT(list));
}

/* Makers of modems and phones among USB vendors (usb.ids): Huawei, ZTE, Sierra, Quectel, Qualcomm,
   SimCom, Fibocom, Telit, u-blox, MediaTek, Samsung, Google, Xiaomi, Motorola, Meig. */
static bool is_modem_vendor(uint16_t vendor)
{
	static const uint16_t list[] = {0x12d1, 0x19d2, 0x1199, 0x2c7c, 0x05c6, 0x1e0e, 0x2cb7,
		0x1bc7, 0x1546, 0x0e8d, 0x04e8, 0x18d1, 0x2717, 0x22b8, 0x2dee};

	for (size_t i = 0; i < COUNT(list); i++) {
		if (vendor == list[i])
			return true;
	}
	return false;
}

bool kind_is_tunnel(const char *device, const char *info_kind, uint16_t type)
{
	static const char *const kind[] = {"wireguard", "amneziawg", "ovpn", "tun", "xfrm", "vti",
		"vti6", "gre", "gretap", "ip6gre", "ip6gretap", "erspan", "ip6erspan", "ipip",
		"vxlan", "geneve", "gtp", "l2tp"};
	static const char *const name[] = {"wg", "tun", "tap", "tailscale", "zt", "nebula", "ovpn",
		"ipsec", "xfrm", "vti", "gre", "l2tp", "pptp", "sstp", "nordlynx", "proton"};

	/* sit and ip6tnl are providers' 6rd, DS-Lite and MAP as often as tunnels of one's own */
	return is_one_of(info_kind, kind, COUNT(kind)) ||
	       (type != ARPHRD_ETHER && begins_with_one_of(device, name, COUNT(name))) ||
	       (!strcmp(info_kind, "sit") && !strncmp(device, "6in4", 4));
}

static void why_set(char ret_why[KIND_WHY_SIZE], const char *what, const char *word)
{
	snprintf(ret_why, KIND_WHY_SIZE, "%s%s", what, word);
}

static bool is_cellular(const struct kind_clues *c, char ret_why[KIND_WHY_SIZE])
{
	static const char *const name[] = {"wwan", "rmnet", "ccmni", "3g-", "4g-", "5g-", "lte",
		"qmimux", "mhi_hwip"};
	char vendor[8];

	snprintf(vendor, sizeof(vendor), "%04x", c->usb_vendor);
	if (is_modem_driver(c->driver))
		why_set(ret_why, "driver ", c->driver);
	else if (!strcmp(c->devtype, "wwan"))
		why_set(ret_why, "device type ", c->devtype);
	else if (begins_with_one_of(c->name, name, COUNT(name)))
		why_set(ret_why, "name ", c->name);
	else if (is_usb_network_driver(c->driver) && c->serial)
		why_set(ret_why, "a modem's serial ports beside driver ", c->driver);
	else if (is_usb_network_driver(c->driver) && is_modem_vendor(c->usb_vendor))
		why_set(ret_why, "maker of modems or phones, USB vendor ", vendor);
	else if (c->type == ARPHRD_RAWIP)
		why_set(ret_why, "raw IP device", "");
	else if (c->type == ARPHRD_PPP && !c->pppoe)
		why_set(ret_why, "PPP without PPPoE", "");
	else
		return false;
	return true;
}

enum family kind_starlink_family(const struct path_facts facts[FAMILY_COUNT])
{
	static const uint8_t first_hop[4] = {100, 64, 0, 1};
	const struct path_facts *v4 = &facts[FAMILY_IPV4], *v6 = &facts[FAMILY_IPV6];
	const uint8_t *a = v6->address;

	if (v4->has_address && v4->has_gateway && v4->address[0] == 100 &&
		(v4->address[1] & 0xc0) == 64 && !memcmp(v4->gateway, first_hop, 4))
		return FAMILY_IPV4;
	if (!v6->has_address)
		return FAMILY_COUNT;
	if (a[0] == 0x26 && a[1] == 0x05 && a[2] == 0x59 && (a[3] & 0xf0) == 0xc0)
		return FAMILY_IPV6;
	if (a[0] == 0x2a && a[1] == 0x0d && a[2] == 0x33 && (a[3] & 0xf8) == 0x40)
		return FAMILY_IPV6;
	return FAMILY_COUNT;
}

static bool is_starlink(const struct path_facts facts[FAMILY_COUNT], char ret_why[KIND_WHY_SIZE])
{
	switch (kind_starlink_family(facts)) {
	case FAMILY_IPV4:
		why_set(ret_why, "address in 100.64.0.0/10 and gateway 100.64.0.1", "");
		return true;
	case FAMILY_IPV6:
		why_set(ret_why, "address in a prefix of Starlink's",
			facts[FAMILY_IPV6].address[0] == 0x26 ? ", 2605:59c0::/28"
							      : ", 2a0d:3340::/29");
		return true;
	case FAMILY_COUNT:
		break;
	}
	return false;
}

enum link_kind kind_guess(const struct kind_clues *c, const struct path_facts facts[FAMILY_COUNT],
	char ret_why[KIND_WHY_SIZE])
{
	if (kind_is_tunnel(c->name, c->kind, c->type)) {
		why_set(ret_why, "a tunnel, ", c->kind[0] ? c->kind : c->name);
		return LINK_KIND_VPN;
	}
	if (c->type == ARPHRD_PPP && !strncmp(c->name, "pppoe", 5)) {
		why_set(ret_why, "name ", c->name);
		return LINK_KIND_WIRED;
	}
	if (is_cellular(c, ret_why))
		return LINK_KIND_CELLULAR;
	/* whatever carries it the last metres, the link that matters is the dish */
	if (is_starlink(facts, ret_why))
		return LINK_KIND_STARLINK;
	if (c->wireless) {
		why_set(ret_why, "an IEEE 802.11 radio", "");
		return LINK_KIND_WIFI;
	}
	if (c->type == ARPHRD_PPP) {
		why_set(ret_why, "PPP with PPPoE", "");
		return LINK_KIND_WIRED;
	}
	if (c->type == ARPHRD_ETHER) {
		why_set(ret_why, c->driver[0] ? "Ethernet, driver " : "Ethernet", c->driver);
		return LINK_KIND_WIRED;
	}
	if (!strcmp(c->kind, "ip6tnl") || !strcmp(c->kind, "sit")) {
		why_set(ret_why, "a provider's tunnel, ", c->kind);
		return LINK_KIND_WIRED;
	}
	why_set(ret_why, "nothing known of this type of device", "");
	return LINK_KIND_OTHER;
}

/* The first size - 1 bytes of a small file; false when there is none. */
static bool read_file(const char *path, char *ret, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t got;

	if (fd < 0)
		return false;
	do
		got = read(fd, ret, size - 1);
	while (got < 0 && errno == EINTR);
	close(fd);
	if (got < 0)
		return false;
	ret[got] = '\0';
	return true;
}

static void read_devtype(const char *folder, struct kind_clues *c)
{
	char path[PATH_MAX], text[512];
	const char *at;
	size_t length;

	snprintf(path, sizeof(path), "%s/uevent", folder);
	if (!read_file(path, text, sizeof(text)))
		return;
	at = strstr(text, "DEVTYPE=");
	if (!at || (at != text && at[-1] != '\n'))
		return;
	at += strlen("DEVTYPE=");
	length = strcspn(at, "\n");
	if (length < sizeof(c->devtype))
		memcpy(c->devtype, at, length);
}

static void read_driver(const char *folder, struct kind_clues *c)
{
	char path[PATH_MAX], target[PATH_MAX];
	const char *name;
	ssize_t size;

	snprintf(path, sizeof(path), "%s/device/driver", folder);
	size = readlink(path, target, sizeof(target) - 1);
	if (size <= 0)
		return;
	target[size] = '\0';
	name = strrchr(target, '/');
	snprintf(c->driver, sizeof(c->driver), "%.31s", name ? name + 1 : target);
}

/* Whether a USB interface (a folder such as 1-1:1.2) has a serial line or a modem's control
   channel. */
static bool has_serial(const char *interface)
{
	struct dirent *entry;
	bool found = false;
	DIR *dir = opendir(interface);

	if (!dir)
		return false;
	while (!found && (entry = readdir(dir)))
		found = !strcmp(entry->d_name, "tty") || !strncmp(entry->d_name, "ttyUSB", 6) ||
			!strcmp(entry->d_name, "usbmisc");
	closedir(dir);
	return found;
}

/* device is the USB interface of the network; the USB device above it has others beside it. */
static void read_usb(const char *folder, struct kind_clues *c)
{
	char path[PATH_MAX], text[16], interface[PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/device/../idVendor", folder);
	if (!read_file(path, text, sizeof(text)))
		return;
	c->usb_vendor = (uint16_t)strtoul(text, NULL, 16);
	snprintf(path, sizeof(path), "%s/device/..", folder);
	dir = opendir(path);
	if (!dir)
		return;
	while (!c->serial && (entry = readdir(dir))) {
		if (!strchr(entry->d_name, ':') ||
			(size_t)snprintf(interface, sizeof(interface), "%s/%s", path,
				entry->d_name) >= sizeof(interface))
			continue;
		c->serial = has_serial(interface);
	}
	closedir(dir);
}

/* Has more lines than its headline. */
static bool has_pppoe_session(const char *file)
{
	char text[512];
	const char *end;

	if (!read_file(file, text, sizeof(text)))
		return false;
	end = strchr(text, '\n');
	return end && end[1];
}

void kind_read_clues(const struct kernel_device *device, const char *sysfs, const char *pppoe,
	struct kind_clues *ret)
{
	char folder[256], path[PATH_MAX];

	memset(ret, 0, sizeof(*ret));
	memcpy(ret->name, device->name, sizeof(ret->name));
	memcpy(ret->kind, device->kind, sizeof(ret->kind));
	ret->type = device->type;
	if ((size_t)snprintf(folder, sizeof(folder), "%s/%s", sysfs, device->name) >=
		sizeof(folder))
		return;
	snprintf(path, sizeof(path), "%s/phy80211", folder);
	ret->wireless = !access(path, F_OK);
	snprintf(path, sizeof(path), "%s/wireless", folder);
	ret->wireless = ret->wireless || !access(path, F_OK);
	read_devtype(folder, ret);
	read_driver(folder, ret);
	read_usb(folder, ret);
	ret->pppoe = device->type == ARPHRD_PPP && has_pppoe_session(pppoe);
}
