/*
 * Weights: what only one kind of hardware has (a modem's driver, a tunnel) decides alone; names come
 * next, because modem managers, OpenWrt and people choose them; addresses speak for what is behind
 * the cable, so they outweigh the cable and the radio, but not a modem.  Facts about Starlink's
 * addresses: the first hop of a dish is 100.64.0.1 in IPv4 (RFC 6598 space, which other providers
 * use too, hence both address and gateway are asked for); customers' IPv6 prefixes come from
 * 2605:59c0::/28 (ARIN) and 2a0d:3340::/29 (RIPE).  Phones that share their connection have the same
 * gateway everywhere: 192.168.42.129 over USB and 192.168.43.1 over Wi-Fi (Android until 11),
 * 172.20.10.1 (iOS).
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

/* A text that the device has, and the words that say something. */
enum clue {
	CLUE_PROTO,
	CLUE_INTERFACE, /* words are beginnings */
	CLUE_DRIVER,
	CLUE_DEVTYPE,
	CLUE_NAME, /* words are beginnings */
	CLUE_KIND,
};

static const struct row {
	uint8_t clue, kind, weight;
	const char *words; /* with blanks between them */
} table[] = {
	{CLUE_KIND, LINK_KIND_VPN, 250,
		"wireguard amneziawg ovpn tun xfrm vti vti6 gre gretap ip6gre ip6gretap erspan "
		"ip6erspan ipip vxlan geneve gtp l2tp"},
	/* sit and ip6tnl are providers' 6rd, DS-Lite and MAP as often as tunnels of one's own */
	{CLUE_KIND, LINK_KIND_WIRED, 10, "sit ip6tnl"},
	{CLUE_PROTO, LINK_KIND_CELLULAR, 100,
		"qmi mbim ncm 3g modemmanager wwan connm directip qmapmux trb_qmapv5 mobile"},
	{CLUE_PROTO, LINK_KIND_WIRED, 100, "pppoe pppoa"},
	{CLUE_PROTO, LINK_KIND_VPN, 250,
		"wireguard amneziawg openvpn gre gretap grev6 grev6tap ipip vti vtiv6 xfrm l2tp "
		"pptp sstp tailscale zerotier openconnect vpnc vxlan vxlan6"},
	{CLUE_DRIVER, LINK_KIND_CELLULAR, 90,
		"qmi_wwan qmi_wwan_q GobiNet cdc_mbim huawei_cdc_ncm sierra_net hso ipheth kalmia "
		"mhi_net mhi_wwan_mbim mhi_netdev iosm t7xx mtk_t7xx ipa rmnet"},
	{CLUE_DEVTYPE, LINK_KIND_CELLULAR, 90, "wwan"},
	{CLUE_NAME, LINK_KIND_WIRED, 100, "pppoe"},
	{CLUE_NAME, LINK_KIND_CELLULAR, 60, "wwan rmnet ccmni 3g- 4g- 5g- lte qmimux mhi_hwip"},
	{CLUE_INTERFACE, LINK_KIND_STARLINK, 60, "starlink"},
	{CLUE_INTERFACE, LINK_KIND_CELLULAR, 40, "mob wwan lte 3g 4g 5g modem"},
};

static const char *const clue_word[] = {
	[CLUE_PROTO] = "netifd's protocol",
	[CLUE_INTERFACE] = "interface",
	[CLUE_DRIVER] = "driver",
	[CLUE_DEVTYPE] = "device type",
	[CLUE_NAME] = "name",
	[CLUE_KIND] = "made as",
};

static const char *clue_text(const struct kind_clues *c, unsigned clue)
{
	switch ((enum clue)clue) {
	case CLUE_PROTO:
		return c->proto;
	case CLUE_INTERFACE:
		return c->interface;
	case CLUE_DRIVER:
		return c->driver;
	case CLUE_DEVTYPE:
		return c->devtype;
	case CLUE_NAME:
		return c->name;
	case CLUE_KIND:
		return c->kind;
	}
	return "";
}

/* Whether text is one of the words, or begins with one. */
static bool is_among(const char *text, const char *words, bool beginnings)
{
	while (*words) {
		size_t n = strcspn(words, " ");

		if (!strncmp(text, words, n) && (beginnings || !text[n]))
			return true;
		words += n + (words[n] != '\0');
	}
	return false;
}

bool kind_is_tunnel(const char *device, const char *info_kind, uint16_t type)
{
	return is_among(info_kind, table[0].words, false) ||
	       (type != ARPHRD_ETHER &&
		       is_among(device,
			       "wg tun tap tailscale zt nebula ovpn ipsec xfrm vti gre l2tp pptp "
			       "sstp nordlynx proton",
			       true)) ||
	       (!strcmp(info_kind, "sit") && !strncmp(device, "6in4", 4));
}

static void add(struct kind_evidence *e, enum link_kind kind, unsigned weight, const char *what,
	const char *word)
{
	struct kind_item *item = &e->item[e->n];

	if (e->n == KIND_EVIDENCE_MAX)
		return;
	e->n++;
	item->kind = (uint8_t)kind;
	item->weight = (uint8_t)weight;
	snprintf(item->why, sizeof(item->why), "%s%s%.32s", what, word[0] ? " " : "", word);
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

static void look_at_usb(const struct kind_clues *c, struct kind_evidence *e)
{
	char vendor[8];

	/* drivers of modems and phones, but also of docking stations and plain USB Ethernet */
	if (!is_among(c->driver, "cdc_ether cdc_ncm rndis_host", false))
		return;
	snprintf(vendor, sizeof(vendor), "%04x", c->usb_vendor);
	if (c->serial)
		add(e, LINK_KIND_CELLULAR, 80, "a modem's serial ports beside driver", c->driver);
	if (is_modem_vendor(c->usb_vendor))
		add(e, LINK_KIND_CELLULAR, 60, "maker of modems or phones, USB vendor", vendor);
}

/* What addresses say, of one family; weight 0: nothing. */
static struct kind_item look_at_address(enum family family, const struct path_facts *f)
{
	static const uint8_t dish[4] = {100, 64, 0, 1};
	static const uint8_t phone[][4] = {{192, 168, 42, 129}, {192, 168, 43, 1},
		{172, 20, 10, 1}};
	const uint8_t *a = f->address;

	if (!f->has_address)
		return (struct kind_item){0};
	if (family == FAMILY_IPV6) {
		if (a[0] == 0x26 && a[1] == 0x05 && a[2] == 0x59 && (a[3] & 0xf0) == 0xc0)
			return (struct kind_item){LINK_KIND_STARLINK, 75,
				"address in Starlink's 2605:59c0::/28"};
		if (a[0] == 0x2a && a[1] == 0x0d && a[2] == 0x33 && (a[3] & 0xf8) == 0x40)
			return (struct kind_item){LINK_KIND_STARLINK, 75,
				"address in Starlink's 2a0d:3340::/29"};
		return (struct kind_item){0};
	}
	if (!f->has_gateway)
		return (struct kind_item){0};
	if (a[0] == 100 && (a[1] & 0xc0) == 64 && !memcmp(f->gateway, dish, 4))
		return (struct kind_item){LINK_KIND_STARLINK, 55,
			"address in 100.64.0.0/10 and gateway 100.64.0.1"};
	for (size_t i = 0; i < COUNT(phone); i++) {
		if (!memcmp(a, phone[i], 3) && !memcmp(f->gateway, phone[i], 4))
			return (struct kind_item){LINK_KIND_CELLULAR, 60,
				"address and gateway of a phone that shares its connection"};
	}
	return (struct kind_item){0};
}

enum family kind_address_family(const struct path_facts facts[FAMILY_COUNT])
{
	int family = 0;

	while (family < FAMILY_COUNT &&
		!look_at_address((enum family)family, &facts[family]).weight)
		family++;
	return (enum family)family;
}

static void look_at_type(const struct kind_clues *c, struct kind_evidence *e)
{
	if (c->wireless)
		add(e, LINK_KIND_WIFI, 50, "an IEEE 802.11 radio", "");
	if (c->type == ARPHRD_RAWIP)
		add(e, LINK_KIND_CELLULAR, 70, "raw IP device", "");
	else if (c->type == ARPHRD_PPP && c->pppoe)
		add(e, LINK_KIND_WIRED, 65, "PPP with PPPoE", "");
	else if (c->type == ARPHRD_PPP && strncmp(c->name, "pppoe", 5) != 0)
		add(e, LINK_KIND_CELLULAR, 60, "PPP without PPPoE", "");
	else if (c->type == ARPHRD_ETHER)
		add(e, LINK_KIND_WIRED, 10, c->driver[0] ? "Ethernet, driver" : "Ethernet",
			c->driver);
}

/* What speaks for the guess first, then by weight. */
static void sort(struct kind_evidence *e, enum link_kind guess)
{
	for (unsigned i = 1; i < e->n; i++) {
		struct kind_item item = e->item[i];
		unsigned at = i, rank = (item.kind == guess) * 256U + item.weight;

		for (; at && (e->item[at - 1].kind == guess) * 256U + e->item[at - 1].weight < rank;
			at--)
			e->item[at] = e->item[at - 1];
		e->item[at] = item;
	}
}

enum link_kind kind_guess(const struct kind_clues *c, const struct path_facts facts[FAMILY_COUNT],
	struct kind_evidence *ret)
{
	unsigned sum[LINK_KIND_COUNT] = {0};
	enum link_kind guess = LINK_KIND_OTHER;
	struct kind_evidence e = {0};

	if (c->tun && !kind_is_tunnel("", c->kind, c->type))
		add(&e, LINK_KIND_VPN, 250, "a program at its other end", "");
	else if (kind_is_tunnel(c->name, c->kind, c->type) &&
		 !is_among(c->kind, table[0].words, false))
		add(&e, LINK_KIND_VPN, 250, "name", c->name);
	for (size_t i = 0; i < COUNT(table); i++) {
		const struct row *row = &table[i];
		const char *text = clue_text(c, row->clue);

		if (text[0] && is_among(text, row->words,
				       row->clue == CLUE_NAME || row->clue == CLUE_INTERFACE))
			add(&e, (enum link_kind)row->kind, row->weight, clue_word[row->clue], text);
	}
	look_at_usb(c, &e);
	for (int f = 0; f < FAMILY_COUNT; f++) {
		struct kind_item item = look_at_address((enum family)f, &facts[f]);

		if (item.weight)
			add(&e, (enum link_kind)item.kind, item.weight, item.why, "");
	}
	look_at_type(c, &e);
	for (unsigned i = 0; i < e.n; i++)
		sum[e.item[i].kind] += e.item[i].weight;
	for (unsigned k = 0; k < LINK_KIND_COUNT; k++)
		if (sum[k] > sum[guess])
			guess = (enum link_kind)k;
	if (!e.n)
		add(&e, guess, 0, "nothing known of this type of device", "");
	sort(&e, guess);
	*ret = e;
	return guess;
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
	snprintf(path, sizeof(path), "%s/tun_flags", folder);
	ret->tun = !access(path, F_OK);
	read_devtype(folder, ret);
	read_driver(folder, ret);
	read_usb(folder, ret);
	ret->pppoe = device->type == ARPHRD_PPP && has_pppoe_session(pppoe);
}
