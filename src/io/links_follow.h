/*
 * Keeps a struct table in step with the kernel: sockets, notifications, dumps and the timers for
 * looking again.
 *
 * Devices and addresses follow the notifications, one by one.  Routes do not: the kernel drops IPv4
 * routes without a word when a device goes down, an address goes or a nexthop object dies, a
 * replace or an append says only half, and a deletion is announced before it has happened.  So
 * whatever may concern a default route makes us ask for the routes of table main again: at once,
 * and once more 50 ms later, when the kernel has surely finished.  The socket's filter lets only
 * default routes of table main through, hence this is rare whatever else the machine routes.
 *
 * A device that becomes of interest, a default route through an unknown one, or lost notifications:
 * all is dumped.
 */
#pragma once

#include <event2/event.h>

#include "io/links_table.h"
#include "io/netlink.h"

struct follow {
	/* filled in by the owner before follow_open(), the rest zero */
	uint8_t own_protocol;                              /* routes of steer do not count */
	bool (*is_wanted)(void *user, const char *device); /* whatever its routes are */
	void (*updated)(void *user);                       /* the table has changed, or may have */
	void *user;

	struct table table;

	struct netlink netlink; /* for questions */
	struct netlink_events events;
	struct event *again, *expiry; /* timers, each one shot */
	bool want_all, want_routes;
	int64_t settle_at_us; /* when the routes have to be looked at again; 0: need not */
	int64_t dumped_us, failed_us;
	uint64_t messages, malformed, dumps, full_told;
};

/* Opens sockets and timers; nothing is asked before follow_ask_all().  0 or -errno. */
int follow_open(struct follow *f, struct event_base *base);
void follow_close(struct follow *f); /* also one that is half open, or all zero */

/* Asks for everything, since other devices are wanted, and calls updated(). */
void follow_ask_all(struct follow *f);

/* Asks for the state of these devices (0: skipped), and calls updated(). */
void follow_ask_devices(struct follow *f, const uint32_t ifindex[], size_t n);

/* One shot of a timer, at most a day away. */
void follow_arm(struct event *timer, int64_t after_us);
