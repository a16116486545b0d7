/*
 * What a link is made of, from what the kernel tells of its device and, for Starlink, from its
 * addresses.  A guess, with its reason in words; the configuration overrides it.
 */
#pragma once

#include "core/input.h"
#include "io/links_kernel.h"

#define KIND_WHY_SIZE 128

struct kind_clues {
	char name[DEVICE_SIZE];
	uint16_t type;       /* ARPHRD_... */
	char kind[16];       /* IFLA_INFO_KIND */
	char devtype[16];    /* DEVTYPE of the device's uevent: "wwan", "wlan", "bridge" ... */
	char driver[32];     /* of the hardware below, "" if there is none */
	bool wireless;       /* has an IEEE 802.11 radio */
	bool serial;         /* its USB device also has serial or modem control ports */
	uint16_t usb_vendor; /* 0: not USB */
	bool pppoe;          /* a PPPoE session is open on this machine */
};

/* sysfs is normally "/sys/class/net", pppoe "/proc/net/pppoe"; what cannot be read is no clue. */
void kind_read_clues(const struct kernel_device *device, const char *sysfs, const char *pppoe,
	struct kind_clues *ret);

/* A tunnel of one's own (VPN), by its name, IFLA_INFO_KIND and type alone: never a link unless
   configured. */
bool kind_is_tunnel(const char *device, const char *info_kind, uint16_t type);

/* The family whose address says that a dish is behind it, FAMILY_COUNT if none does. */
enum family kind_starlink_family(const struct path_facts facts[FAMILY_COUNT]);

enum link_kind kind_guess(const struct kind_clues *clues,
	const struct path_facts facts[FAMILY_COUNT], char ret_why[KIND_WHY_SIZE]);
