/* Flows that start anew; see steer_flows.h. */
#include "io/steer_flows.h"

#include <errno.h>
#include <string.h>

#include "base/usec.h"
#include "io/inbox.h"
#include "io/log.h"

#define ALL_CLASSES (1U << CLASSES_MAX)

static int delete_class(struct steer_flows *f, unsigned path, unsigned class)
{
	const struct steer_numbers *n = &f->numbers;
	uint32_t mark = steer_link_mark(n, path_link(path));
	uint32_t mask = n->link_mask;

	if (!mask || !f->conntrack)
		return 0;
	if (class < CLASSES_MAX && n->class_mask) {
		mark |= steer_class_mark(n, class);
		mask |= n->class_mask;
	} else if (class < CLASSES_MAX && class) {
		return 0; /* without bits for classes every flow is in class 0 */
	}
	return conntrack_delete_marked(f->conntrack, path_family(path), mark, mask);
}

static void delete_again(struct steer_flows *f, unsigned path)
{
	int error = 0;

	for (unsigned class = 0; class <= CLASSES_MAX && !error; class ++) {
		if (f->due[path].classes & 1U << class)
			error = delete_class(f, path, class);
	}
	if (error)
		log_line(LOG_WARNING, "conntrack: flows of path %u stay: %s", path,
			strerror(-error));
	f->due[path] = (struct steer_flows_due){0};
}

static void arm(struct steer_flows *f, int64_t now_us)
{
	int64_t next_us = USEC_NEVER;

	for (unsigned path = 0; path < PATHS_MAX; path++) {
		if (f->due[path].at_us)
			next_us = usec_min(next_us, f->due[path].at_us);
	}
	if (next_us == USEC_NEVER) {
		event_del(f->timer);
		return;
	}

	int64_t wait_us = usec_max(next_us - now_us, 0);
	struct timeval wait = {.tv_sec = (time_t)(wait_us / USEC_S),
		.tv_usec = (suseconds_t)(wait_us % USEC_S)};

	event_add(f->timer, &wait);
}

static void timer_fired(evutil_socket_t fd, short what, void *user)
{
	struct steer_flows *f = user;
	int64_t now_us = inbox_clock_us();

	(void)fd;
	(void)what;
	for (unsigned path = 0; path < PATHS_MAX; path++) {
		if (f->due[path].at_us && f->due[path].at_us <= now_us)
			delete_again(f, path);
	}
	arm(f, now_us);
}

int steer_flows_init(struct steer_flows *f, struct event_base *base,
	const struct steer_numbers *numbers)
{
	memset(f, 0, sizeof(*f));
	f->numbers = *numbers;
	f->timer = event_new(base, -1, 0, timer_fired, f);
	if (!f->timer)
		return -ENOMEM;
	f->conntrack = conntrack_new();
	if (f->conntrack)
		return 0;
	if (errno != EPROTONOSUPPORT)
		return -errno;
	log_line(LOG_WARNING,
		"the kernel has no netfilter: new flows are steered, established ones stay where "
		"they are");
	return 0;
}

void steer_flows_done(struct steer_flows *f)
{
	if (f->timer)
		event_free(f->timer);
	f->timer = NULL;
	conntrack_free(f->conntrack);
	f->conntrack = NULL;
}

int steer_flows_delete(struct steer_flows *f, unsigned path, unsigned class, int64_t now_us)
{
	int error = delete_class(f, path, class);

	f->due[path].at_us = now_us + STEER_FLOWS_AGAIN_US;
	f->due[path].classes |= (uint8_t)(1U << (class < CLASSES_MAX ? class : CLASSES_MAX));
	arm(f, now_us);
	return error;
}

void steer_flows_claim(struct steer_flows *f, const uint32_t address[LINKS_MAX])
{
	struct conntrack_owner owner[LINKS_MAX];
	int error;

	if (!f->conntrack || !f->numbers.link_mask)
		return;
	for (unsigned link = 0; link < LINKS_MAX; link++)
		owner[link] =
			(struct conntrack_owner){address[link], steer_link_mark(&f->numbers, link)};
	error = conntrack_claim(f->conntrack, owner, f->numbers.link_mask);
	if (error)
		log_line(LOG_WARNING, "conntrack: flows from before are not known: %s",
			strerror(-error));
}

void steer_flows_keep(struct steer_flows *f, unsigned path, unsigned class)
{
	struct steer_flows_due *due = &f->due[path];
	unsigned others = ((1U << CLASSES_MAX) - 1) & ~(1U << class);

	if (!due->at_us)
		return;
	if (due->classes & ALL_CLASSES)
		due->classes = (uint8_t)others;
	due->classes &= (uint8_t)others;
	if (!due->classes)
		due->at_us = 0;
}

void steer_flows_keep_all(struct steer_flows *f, unsigned path)
{
	f->due[path] = (struct steer_flows_due){0};
}

void steer_flows_forget(struct steer_flows *f)
{
	memset(f->due, 0, sizeof(f->due));
	event_del(f->timer);
}
