/*
 * Keeps a struct netifd_table in step with OpenWrt's netifd over the bus.
 *
 *   ubus: object appears, interface.update, interface.down, ifup, ifdown -> network.interface dump -> table -> changed()
 *
 * A notification only makes it ask: once soon, and once more when things have settled, because netifd tells before it has
 * finished, and the bus drops notifications without a word.  Without a reason nothing is asked.  When netifd or the bus
 * goes away the table stays as it was.
 */
#pragma once

#include "io/netifd_table.h"
#include "io/ubus.h"

struct netifd;

/* changed(user) is called from the loop, when the table differs.  NULL with errno set. */
struct netifd *netifd_new(struct event_base *base, struct ubus *bus, void (*changed)(void *user),
	void *user);
void netifd_free(struct netifd *n); /* before the bus goes */

/* Lives as long as n; empty until netifd has answered. */
const struct netifd_table *netifd_table(const struct netifd *n);
