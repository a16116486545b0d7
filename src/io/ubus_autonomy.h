/*
 * The object `autonomy` on OpenWrt's bus: every command of the command table is a method of it, and so is what its
 * predecessor had (api/historic.h).  Events of the engine go out as bus events autonomy.KIND and as notifications to
 * those who subscribed to the object.
 *
 *   ubus call autonomy pin '{"link":"lte"}' -> ubus.h -> historic_call() -> api_call() -> one reply and a status
 *
 * Who calls is root, or was let through by the bus daemon's own rules for this very method: then it may carry it out.
 */
#pragma once

#include "api/api.h"
#include "io/ubus.h"

/* More events than that wait in the ring; who falls behind it is told how many were lost. */
#define UBUS_EVENTS_PER_S 50
#define UBUS_EVENTS_BURST 100

struct ubus_autonomy {
	struct ubus *ubus; /* NULL: not there */
	struct api *api;
	int object;
	uint64_t cursor, lost;
	int64_t room_us; /* of the rate limit: time until which events are paid for */
};

void ubus_autonomy_init(struct ubus_autonomy *a, struct ubus *ubus, struct api *api);

/* To be called after each wake-up of the loop: tells the events that there are. */
void ubus_autonomy_push(struct ubus_autonomy *a);

/* What a failed command says on the bus. */
enum ubus_status ubus_status_of(int api_code);
