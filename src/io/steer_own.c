/* The router's own connections; see steer_own.h. */
#include "io/steer_own.h"

#include <errno.h>
#include <string.h>

#include "io/log.h"
#include "io/steer_object.h"

static void end_now(struct steer_own *o, unsigned path)
{
	int n = sockets_abort(o->sockets, o->batch, path_family(path), o->from[path], o->link_mask);

	if (n > 0)
		log_line(LOG_INFO, "%d of the router's own connections ended with their link", n);
	o->paths &= ~(UINT32_C(1) << path);
}

static void timer_fired(evutil_socket_t fd, short what, void *user)
{
	struct steer_own *o = user;

	(void)fd;
	(void)what;
	for (unsigned path = 0; path < PATHS_MAX; path++) {
		if (o->paths & UINT32_C(1) << path)
			end_now(o, path);
	}
}

int steer_own_init(struct steer_own *o, struct event_base *base, struct netlink_batch *batch,
	const struct steer_numbers *numbers)
{
	memset(o, 0, sizeof(*o));
	o->batch = batch;
	o->link_mask = numbers->link_mask;
	o->timer = event_new(base, -1, 0, timer_fired, o);
	o->sockets = sockets_new();
	return o->timer ? 0 : -ENOMEM;
}

void steer_own_done(struct steer_own *o)
{
	if (o->timer)
		event_free(o->timer);
	o->timer = NULL;
	sockets_free(o->sockets);
	o->sockets = NULL;
}

void steer_own_end(struct steer_own *o, unsigned path, const uint8_t from[16])
{
	static const struct timeval soon = {0};
	uint32_t bit = UINT32_C(1) << path;

	if (!o->sockets || steer_address_any(from))
		return;
	if (o->paths & bit && memcmp(o->from[path], from, sizeof(o->from[path])) != 0)
		end_now(o, path);
	memcpy(o->from[path], from, sizeof(o->from[path]));
	o->paths |= bit;
	event_add(o->timer, &soon);
}
