/*
 * What a link is made of, from what the kernel tells of its device, what netifd tells of its interface, and its addresses.
 * Each thing that is known speaks for one kind with a weight; the kind with most weight is the guess.  The configuration
 * overrides it.
 */
#pragma once

#include "core/input.h"
#include "io/links_kernel.h"

#define KIND_WHY_SIZE 64
#define KIND_EVIDENCE_MAX 8

struct kind_clues {
	char name[DEVICE_SIZE];
	uint16_t type;       /* ARPHRD_... */
	char kind[16];       /* IFLA_INFO_KIND */
	char devtype[16];    /* DEVTYPE of the device's uevent: "wwan", "wlan", "bridge" ... */
	char driver[32];     /* of the hardware below, "" if there is none */
	bool wireless;       /* has an IEEE 802.11 radio */
	bool tun;            /* a program is at its other end */
	bool serial;         /* its USB device also has serial or modem control ports */
	uint16_t usb_vendor; /* 0: not USB */
	bool pppoe;          /* a PPPoE session is open on this machine */
	/* as netifd has it; "": it does not know the device */
	char proto[24], interface[NAME_SIZE];
};

/* sysfs is normally "/sys/class/net", pppoe "/proc/net/pppoe"; what cannot be read is no clue.
   What netifd says stays empty. */
void kind_read_clues(const struct kernel_device *device, const char *sysfs, const char *pppoe,
	struct kind_clues *ret);

/* A tunnel of one's own (VPN), by its name, IFLA_INFO_KIND and type alone: never a link unless
   configured. */
bool kind_is_tunnel(const char *device, const char *info_kind, uint16_t type);

/* The family whose address says what is behind the link (a dish, a phone), FAMILY_COUNT if none does. */
enum family kind_address_family(const struct path_facts facts[FAMILY_COUNT]);

struct kind_evidence {
	uint8_t n;
	struct kind_item {
		uint8_t kind; /* enum link_kind */
		uint8_t weight;
		char why[KIND_WHY_SIZE]; /* "driver qmi_wwan" */
	} item[KIND_EVIDENCE_MAX];       /* what speaks for the guess first, then by weight */
};

enum link_kind kind_guess(const struct kind_clues *clues,
	const struct path_facts facts[FAMILY_COUNT], struct kind_evidence *ret);
