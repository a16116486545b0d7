#include "io/netifd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "io/inbox.h"
#include "io/links_follow.h"
#include "io/log.h"

#define OBJECT "network.interface"
#define SOON_US (50 * USEC_MS)  /* more of the same follows at once */
#define GAP_US (1 * USEC_S)     /* least time between dumps in a storm */
#define SETTLE_US (3 * USEC_S)  /* after the last notification: what it spoke of is done */
#define RETRY_US (5 * USEC_S)   /* after a call that failed, then doubled ... */
#define RETRY_MAX_US (USEC_MIN) /* ... up to here */
#define TIMEOUT_US (10 * USEC_S)

struct netifd {
	struct ubus *bus;
	struct event *timer; /* one shot: the next dump */
	void (*changed)(void *user);
	void *user;
	int ticket; /* of the call under way, 0: none */
	int64_t asked_us, settle_at_us, retry_us;
	struct netifd_table table;
	bool present; /* it is on the bus */
};

static void ask_in(struct netifd *n, int64_t after_us)
{
	follow_arm(n->timer, after_us);
}

static void retry(struct netifd *n)
{
	if (!n->present)
		return; /* it says so when it is back */
	n->retry_us = usec_clamp(2 * n->retry_us, RETRY_US, RETRY_MAX_US);
	ask_in(n, n->retry_us);
}

static void replied(void *user, unsigned status, struct json_object *reply)
{
	struct netifd *n = user;
	static struct netifd_table next;

	n->ticket = 0;
	if (status != UBUS_OK || netifd_read(reply, &n->table, &next)) {
		log_line(LOG_INFO, "netifd: no answer to %s dump: %s", OBJECT,
			status == UBUS_OK ? "not understood" : ubus_status_name(status));
		retry(n);
		return;
	}
	n->retry_us = 0;
	if (n->settle_at_us)
		ask_in(n, n->settle_at_us - inbox_clock_us());
	if (next.left_out > n->table.left_out)
		log_line(LOG_WARNING,
			"netifd: %u interfaces or resolvers cannot be used and are left out",
			next.left_out);
	if (netifd_is_same(&next, &n->table))
		return;
	n->table = next;
	n->changed(n->user);
}

static void due(evutil_socket_t fd, short what, void *user)
{
	struct netifd *n = user;
	int64_t now_us = inbox_clock_us();

	(void)fd;
	(void)what;
	if (n->ticket)
		return; /* its answer sets the timer again */
	n->asked_us = now_us;
	if (n->settle_at_us <= now_us)
		n->settle_at_us = 0;
	n->ticket = ubus_call(n->bus, OBJECT, "dump", NULL, TIMEOUT_US, replied, n);
	if (n->ticket < 0) {
		n->ticket = 0;
		retry(n);
	}
}

static void ask(struct netifd *n)
{
	int64_t now_us = inbox_clock_us();

	n->settle_at_us = now_us + SETTLE_US;
	if (!n->ticket)
		ask_in(n, usec_max(SOON_US, n->asked_us + GAP_US - now_us));
}

static void told(void *user, const char *name, struct json_object *data)
{
	struct netifd *n = user;

	(void)data;
	n->present = strcmp(name, UBUS_NOTIFY_GONE) != 0;
	if (n->present)
		ask(n);
}

static void event_told(void *user, const char *name, struct json_object *data)
{
	(void)name;
	(void)data;
	ask(user);
}

struct netifd *netifd_new(struct event_base *base, struct ubus *bus, void (*changed)(void *user),
	void *user)
{
	struct netifd *n = calloc(1, sizeof(*n));
	int error = n ? 0 : -ENOMEM;

	if (n) {
		n->bus = bus;
		n->changed = changed;
		n->user = user;
		n->asked_us = -GAP_US;
		n->timer = event_new(base, -1, 0, due, n);
		error = n->timer ? ubus_subscribe(bus, OBJECT, told, n) : -ENOMEM;
		if (!error)
			error = ubus_listen(bus, OBJECT, event_told, n);
	}
	if (!error)
		return n;
	netifd_free(n);
	errno = -error;
	return NULL;
}

void netifd_free(struct netifd *n)
{
	if (!n)
		return;
	ubus_cancel(n->bus, n->ticket);
	if (n->timer)
		event_free(n->timer);
	free(n);
}

const struct netifd_table *netifd_table(const struct netifd *n)
{
	return &n->table;
}
