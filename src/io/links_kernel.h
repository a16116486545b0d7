/*
 * rtnetlink messages as facts: bytes in, plain structs out, no sockets.  Takes any bytes that
 * libmnl calls a whole message; what is inside is not trusted.
 */
#pragma once

#include <linux/filter.h>
#include <linux/netlink.h>

#include "core/policy.h"

#define KERNEL_LEGS_MAX 16 /* next hops of one route; more are not seen */

struct kernel_device {
	uint32_t ifindex;
	char name[DEVICE_SIZE];
	bool up;      /* IFF_UP */
	bool carrier; /* IFF_LOWER_UP */
	bool loopback;
	bool partial;  /* an event of wireless extensions: flags and name only, the rest is zero */
	uint16_t type; /* ARPHRD_... */
	uint32_t mtu;
	char kind[16]; /* IFLA_INFO_KIND: "veth", "wireguard" ...; "" for hardware */
};

struct kernel_address {
	uint32_t ifindex;
	uint8_t family; /* enum family */
	uint8_t bits;
	bool usable;    /* may be a source towards the Internet: scope, DAD and lifetime allow it */
	bool secondary; /* IPv4: not the first of its subnet; IPv6: temporary (RFC 8981) */
	uint8_t address[16];  /* our own, also on point-to-point devices */
	uint32_t preferred_s; /* UINT32_MAX: for good */
};

struct kernel_leg {
	uint32_t ifindex;
	bool dead;           /* RTNH_F_DEAD: not used by the kernel */
	bool other_family;   /* IPv4 over an IPv6 gateway (RFC 8950) */
	uint8_t gateway[16]; /* zero: on link */
};

/* A unicast default route of table main. */
struct kernel_route {
	uint8_t family;      /* enum family */
	uint8_t protocol;    /* RTPROT_... */
	uint8_t preference;  /* of the router, RFC 4191: 0 low, 1 medium, 2 high; IPv4: 1 */
	uint8_t source_bits; /* IPv6 "from": only for sources in this prefix; 0: any */
	uint8_t source[16];
	bool has_prefsrc;
	uint8_t prefsrc[16];
	uint32_t metric;
	uint32_t mtu; /* 0: that of the device */
	bool expires;
	int64_t expires_us; /* from now; may be past */
	uint32_t nexthop;   /* nexthop object, 0: none */
	uint8_t n_legs;     /* 0: only the nexthop object knows */
	struct kernel_leg leg[KERNEL_LEGS_MAX];
};

struct kernel_nexthop {
	uint32_t id;
	struct kernel_leg leg; /* ifindex 0: none (a group, a black hole) */
	uint8_t n_members;     /* of a group */
	uint32_t member[KERNEL_LEGS_MAX];
};

enum kernel_subject {
	KERNEL_DEVICE,
	KERNEL_ADDRESS,
	KERNEL_ROUTE,
	KERNEL_NEXTHOP,
};

struct kernel_message {
	enum kernel_subject subject;
	bool gone; /* RTM_DEL...: no longer there */
	union {
		struct kernel_device device;
		struct kernel_address address;
		struct kernel_route route;
		struct kernel_nexthop nexthop;
	};
};

/* 0; -ENOMSG: well-formed, but none of the above; -EBADMSG: malformed. */
int kernel_decode(const struct nlmsghdr *nlh, struct kernel_message *ret);

/* A dump of IPv4 routes comes in order of destination: true for a route after which no default
   route can follow. */
bool kernel_is_after_default(const struct nlmsghdr *nlh);

/* For SO_ATTACH_FILTER on an event socket: of routes only default routes of table main wake us
   up, so that a full BGP table or our own switches cost nothing. */
const struct sock_filter *kernel_event_filter(unsigned short *ret_n);
