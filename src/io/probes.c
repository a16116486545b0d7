/*
 * Slots, paths and what ends a probe.  Everything runs in the daemon's one loop:
 *
 *   probes_send -> slot -> method's send()
 *   socket readable -> method -> probe_find() -> probe_answer() / probe_note() -> inbox
 *   sweep timer -> probes that are too old -> inbox
 *
 * The waiting list is in the order of sending, so the sweep looks at its head only.  The timer runs
 * while something waits and wakes on a coarse grid: the engine has time-outs of its own, here only
 * slots are given back.
 */
#include "io/probes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/bytes.h"
#include "base/usec.h"
#include "io/mark.h"
#include "io/probe.h"
#include "io/probe_tcp.h"

#define SWEEP_GRID_US (500 * USEC_MS)
#define EVICT_AGE_US (1 * USEC_S) /* with all slots taken, one as old as this may go early */
#define READS_MAX 64              /* packets of one socket in one wake-up */
#define CLOCK_SLACK_US 100        /* by which two clocks may disagree without a step */
#define INDEX_MASK (PROBE_SLOTS - 1)
#define GENERATION_MASK 63

_Static_assert(PROBE_SLOTS == 1 << 10, "probe_wire() packs ten bits of index");

static const struct probe_method_ops *const method_ops[PROBE_METHOD_COUNT] = {
	[PROBE_ICMP] = &probe_icmp,
	[PROBE_TCP] = &probe_tcp,
	[PROBE_DNS] = &probe_dns,
	[PROBE_HTTP] = &probe_http,
	[PROBE_NEIGHBOUR] = &probe_neighbour,
	[PROBE_BIG] = &probe_icmp,
};

static struct probe_list *list_of(struct probes *p, enum probe_state state)
{
	switch (state) {
	case PROBE_STATE_FREE:
		return &p->free;
	case PROBE_STATE_WAITING:
	case PROBE_STATE_TOLD:
		return &p->waiting;
	case PROBE_STATE_UNTOLD:
		break;
	}
	return &p->untold;
}

static void list_append(struct probes *p, struct probe_list *list, struct probe_slot *slot)
{
	uint16_t index = probe_index(p, slot);

	slot->before = list->last;
	slot->after = PROBE_NO_SLOT;
	if (list->last == PROBE_NO_SLOT)
		list->first = index;
	else
		p->slot[list->last].after = index;
	list->last = index;
}

static void list_remove(struct probes *p, struct probe_list *list, const struct probe_slot *slot)
{
	if (slot->before == PROBE_NO_SLOT)
		list->first = slot->after;
	else
		p->slot[slot->before].after = slot->after;
	if (slot->after == PROBE_NO_SLOT)
		list->last = slot->before;
	else
		p->slot[slot->after].before = slot->before;
}

/* When the sweep has something to do next; USEC_NEVER: nothing is under way. */
static int64_t sweep_due_us(const struct probes *p)
{
	int64_t due_us;

	if (p->untold.first != PROBE_NO_SLOT)
		return p->now_us;
	if (p->waiting.first == PROBE_NO_SLOT)
		return USEC_NEVER;
	due_us = p->slot[p->waiting.first].sent_us + PROBES_GIVE_UP_US;
	return (due_us / SWEEP_GRID_US + 1) * SWEEP_GRID_US;
}

static void sweep_arm(struct probes *p)
{
	int64_t due_us = sweep_due_us(p);
	int64_t delay_us = usec_max(due_us - p->now_us, 0);
	struct timeval delay;

	if (due_us == USEC_NEVER) {
		event_del(p->sweep);
		return;
	}
	delay.tv_sec = (time_t)(delay_us / USEC_S);
	delay.tv_usec = (suseconds_t)(delay_us % USEC_S);
	event_add(p->sweep, &delay);
}

/* The one writer of a slot's state. */
static void slot_set_state(struct probes *p, struct probe_slot *slot, enum probe_state state)
{
	uint16_t untold = p->untold.first, waiting = p->waiting.first;
	struct probe_list *was = list_of(p, slot->state), *is = list_of(p, state);

	slot->state = state;
	if (was == is)
		return;
	list_remove(p, was, slot);
	list_append(p, is, slot);
	if ((untold == PROBE_NO_SLOT) != (p->untold.first == PROBE_NO_SLOT) ||
		(waiting == PROBE_NO_SLOT) != (p->waiting.first == PROBE_NO_SLOT))
		sweep_arm(p);
}

static bool tell(struct probes *p, const struct input_sample *sample)
{
	struct input in = {.kind = INPUT_SAMPLE, .now_us = p->now_us, .sample = *sample};

	return inbox_put(p->inbox, &in);
}

static struct input_sample sample_of(const struct probe_slot *slot, enum sample_outcome outcome,
	uint8_t detail, uint32_t rtt_us, int error)
{
	return (struct input_sample){
		.path = slot->path,
		.outcome = (uint8_t)outcome,
		.detail = detail,
		.probe = slot->probe,
		.rtt_us = rtt_us,
		.error = error,
	};
}

static void slot_forget(struct probes *p, struct probe_slot *slot)
{
	const struct probe_method_ops *ops = method_ops[slot->method];

	if (ops->forget)
		ops->forget(&p->path[slot->path], slot);
}

void probe_end(struct probes *p, struct probe_slot *slot, enum sample_outcome outcome,
	uint8_t detail, uint32_t rtt_us, int error)
{
	struct input_sample sample = sample_of(slot, outcome, detail, rtt_us, error);

	slot_forget(p, slot);
	if (tell(p, &sample)) {
		slot_set_state(p, slot, PROBE_STATE_FREE);
	} else {
		slot->result = sample;
		slot_set_state(p, slot, PROBE_STATE_UNTOLD);
	}
}

uint32_t probe_rtt_us(const struct probes *p, const struct probe_slot *slot, int64_t arrived_us)
{
	/*
	 * nothing arrives before it was sent: the realtime clock, and with it the stamp, was
	 * stepped in between
	 */
	if (arrived_us < slot->sent_us - CLOCK_SLACK_US)
		arrived_us = p->now_us;
	return (uint32_t)usec_clamp(arrived_us - slot->sent_us, 1, UINT32_MAX);
}

void probe_answer(struct probes *p, struct probe_slot *slot, enum sample_outcome outcome,
	uint8_t detail, int64_t arrived_us)
{
	switch (slot->state) {
	case PROBE_STATE_WAITING:
	case PROBE_STATE_TOLD:
		slot->answered = true;
		p->stats.answered++;
		probe_end(p, slot, outcome, detail, probe_rtt_us(p, slot, arrived_us), 0);
		break;
	case PROBE_STATE_FREE:
	case PROBE_STATE_UNTOLD:
		if (slot->answered)
			p->stats.duplicate++;
		else
			p->stats.late++;
		break;
	}
}

void probe_note(struct probes *p, struct probe_slot *slot, enum sample_outcome outcome,
	uint8_t detail, int64_t arrived_us)
{
	struct input_sample sample;

	if (slot->state != PROBE_STATE_WAITING)
		return;
	sample = sample_of(slot, outcome, detail, probe_rtt_us(p, slot, arrived_us), 0);
	/* with a full inbox the error is as good as lost on the way, as any datagram may be */
	if (tell(p, &sample))
		slot_set_state(p, slot, PROBE_STATE_TOLD);
}

struct probe_slot *probe_find(struct probes *p, const struct probe_path *path, uint16_t wire)
{
	struct probe_slot *slot = &p->slot[wire & INDEX_MASK];

	if (probe_index(p, slot) >= p->slots_used || slot->generation != wire >> 10 ||
		slot->path != path->number)
		return NULL;
	return slot;
}

bool probe_same_address(enum family family, const uint8_t *a, const uint8_t *b)
{
	return !memcmp(a, b, family == FAMILY_IPV4 ? 4 : 16);
}

const uint8_t *probe_address_bytes(enum family family, const union probe_address *a)
{
	return family == FAMILY_IPV4 ? (const uint8_t *)&a->ipv4.sin_addr
				     : (const uint8_t *)&a->ipv6.sin6_addr;
}

struct probe_slot *probe_newest(struct probes *p, const struct probe_path *path,
	enum probe_method method, const uint8_t target[16])
{
	for (uint16_t i = p->waiting.last; i != PROBE_NO_SLOT; i = p->slot[i].before) {
		struct probe_slot *slot = &p->slot[i];

		if (slot->state == PROBE_STATE_WAITING && slot->path == path->number &&
			slot->method == method &&
			probe_same_address(path->binding.family, slot->target, target))
			return slot;
	}
	return NULL;
}

/*
 * One system call for sixteen probes.  Early after boot the kernel has no entropy and must not make
 * us wait for it.
 */
uint64_t probe_random(struct probes *p)
{
	uint64_t r;

	if (p->random_left < sizeof(r)) {
		if (getrandom(p->random, sizeof(p->random), GRND_NONBLOCK) !=
			(ssize_t)sizeof(p->random))
			evutil_secure_rng_get_bytes(p->random, sizeof(p->random));
		p->random_left = sizeof(p->random);
	}
	p->random_left -= sizeof(r);
	memcpy(&r, p->random + p->random_left, sizeof(r));
	return r;
}

int probe_read(struct probe_path *path, int fd, probe_handle_fn *handle)
{
	struct probes *p = path->probes;
	int left = READS_MAX, n, max;

	p->now_us = inbox_clock_us();
	do {
		max = PROBE_PACKETS_MAX;
		if ((size_t)max > inbox_room(p->inbox))
			max = (int)inbox_room(p->inbox);
		if (!max)
			return 0; /* the kernel holds the rest and wakes us again */
		n = probe_receive(fd, max, &p->batch);
		if (n < 0)
			return n == -EAGAIN && left < READS_MAX ? 0 : n;
		p->now_us = p->batch.now_us;
		for (int i = 0; i < n; i++)
			handle(path, &p->batch.packet[i]);
		left -= n;
	} while (n == max && left > 0);
	return 0;
}

bool probe_socket_dead(int error)
{
	return error == -ENODEV || error == -ENXIO || error == -EADDRNOTAVAIL || error == -EINVAL ||
	       error == -EBADF;
}

static void close_sockets(struct probe_path *path)
{
	for (int method = 0; method < PROBE_METHOD_COUNT; method++) {
		if (method_ops[method]->close)
			method_ops[method]->close(path);
	}
}

/* Ends everything under way on the path and closes its sockets. */
static void path_reset(struct probe_path *path)
{
	struct probes *p = path->probes;
	uint16_t next;

	for (uint16_t i = p->waiting.first; i != PROBE_NO_SLOT; i = next) {
		struct probe_slot *slot = &p->slot[i];

		next = slot->after;
		if (slot->path != path->number)
			continue;
		if (slot->state == PROBE_STATE_TOLD) {
			slot_forget(p, slot);
			slot_set_state(p, slot, PROBE_STATE_FREE);
		} else {
			probe_end(p, slot, SAMPLE_SEND_FAILED, 0, 0, ECANCELED);
		}
	}
	close_sockets(path);
}

static void give_up(struct probes *p)
{
	while (p->waiting.first != PROBE_NO_SLOT) {
		struct probe_slot *slot = &p->slot[p->waiting.first];

		if (p->now_us - slot->sent_us < PROBES_GIVE_UP_US)
			return;
		if (slot->state == PROBE_STATE_WAITING) {
			probe_end(p, slot, SAMPLE_LOST, 0, 0, 0);
			continue;
		}
		slot_forget(p, slot);
		slot_set_state(p, slot, PROBE_STATE_FREE);
	}
}

static void sweep(evutil_socket_t fd, short what, void *user)
{
	struct probes *p = user;

	(void)fd;
	(void)what;
	p->now_us = inbox_clock_us();
	while (p->untold.first != PROBE_NO_SLOT) {
		struct probe_slot *slot = &p->slot[p->untold.first];

		if (!tell(p, &slot->result))
			break;
		slot_set_state(p, slot, PROBE_STATE_FREE);
	}
	give_up(p);
	sweep_arm(p);
}

/*
 * The slot unused for longest, so that a stray answer to its last use is still recognised; or one
 * that is overdue.
 */
static struct probe_slot *slot_take(struct probes *p)
{
	struct probe_slot *slot;

	if (p->slots_used < PROBE_SLOTS) {
		slot = &p->slot[p->slots_used++];
		slot->state = PROBE_STATE_FREE;
		list_append(p, &p->free, slot);
		return slot;
	}
	if (p->free.first == PROBE_NO_SLOT && p->waiting.first != PROBE_NO_SLOT) {
		slot = &p->slot[p->waiting.first];
		if (p->now_us - slot->sent_us >= EVICT_AGE_US)
			probe_end(p, slot, SAMPLE_LOST, 0, 0, 0);
	}
	return p->free.first == PROBE_NO_SLOT ? NULL : &p->slot[p->free.first];
}

static void send_failed(struct probes *p, const struct action_probe *a, int error)
{
	struct input_sample sample = {
		.path = a->path,
		.outcome = SAMPLE_SEND_FAILED,
		.probe = a->probe,
		.error = -error,
	};

	p->stats.send_failed++;
	tell(p, &sample);
}

void probes_send(struct probes *p, const struct action_probe *a)
{
	struct probe_slot *slot;
	int error;

	p->now_us = inbox_clock_us();
	if (a->path >= PATHS_MAX || a->method >= PROBE_METHOD_COUNT) {
		send_failed(p, a, -EINVAL);
		return;
	}
	slot = slot_take(p);
	if (!slot) {
		p->stats.no_slot++;
		send_failed(p, a, -ENOBUFS);
		return;
	}
	slot->generation = (slot->generation + 1) & GENERATION_MASK;
	slot->path = a->path;
	slot->method = a->method;
	slot->answered = false;
	slot->probe = a->probe;
	slot->sent_us = p->now_us;
	slot->cookie = probe_random(p);
	memcpy(slot->target, a->address, sizeof(slot->target));
	slot->tcp_port = a->tcp_port;
	slot->size = a->method == PROBE_BIG ? a->size : 0;
	slot->older = PROBE_NO_SLOT;
	slot->connection = NULL;
	/* before the send: an answer may end it from within */
	slot_set_state(p, slot, PROBE_STATE_WAITING);
	error = method_ops[a->method]->send(&p->path[a->path], slot);
	if (!error) {
		p->stats.sent++;
		return;
	}
	p->stats.send_failed++;
	probe_end(p, slot, SAMPLE_SEND_FAILED, 0, 0, -error);
}

/* What a change of the facts means for the sockets: metric and carrier leave them alone. */
static bool same_binding(const struct probe_binding *a, const struct probe_binding *b)
{
	return !strncmp(a->device, b->device, sizeof(a->device)) && a->mark == b->mark &&
	       a->facts.present == b->facts.present &&
	       a->facts.has_address == b->facts.has_address &&
	       a->facts.ifindex == b->facts.ifindex && a->facts.mtu == b->facts.mtu &&
	       !memcmp(a->facts.address, b->facts.address, sizeof(a->facts.address)) &&
	       !memcmp(a->facts.gateway, b->facts.gateway, sizeof(a->facts.gateway));
}

static void path_bind(struct probe_path *path, const struct probe_binding *binding)
{
	if (!same_binding(&path->binding, binding))
		path_reset(path);
	path->binding = *binding;
}

void probes_set_path(struct probes *p, unsigned path, const char *device,
	const struct path_facts *facts)
{
	struct probe_binding binding = {0};

	if (path >= PATHS_MAX)
		return;
	p->now_us = inbox_clock_us();
	binding.family = path_family(path);
	binding.mark = p->mark_of_link[path_link(path)];
	binding.facts = *facts;
	strncpy(binding.device, device, sizeof(binding.device) - 1);
	path_bind(&p->path[path], &binding);
}

void probes_configure(struct probes *p, const struct config *config)
{
	bool zone_changed = strncmp(p->dns_zone, config->dns_zone, sizeof(p->dns_zone) - 1);

	p->now_us = inbox_clock_us();
	for (unsigned link = 0; link < LINKS_MAX; link++)
		p->mark_of_link[link] = steer_mark(config, link);
	for (unsigned i = 0; i < PATHS_MAX; i++) {
		struct probe_binding binding = p->path[i].binding;

		binding.mark = p->mark_of_link[path_link(i)];
		/* answers to questions below the old zone would not be known again */
		if (zone_changed)
			path_reset(&p->path[i]);
		path_bind(&p->path[i], &binding);
	}
	memcpy(p->dns_zone, config->dns_zone, sizeof(p->dns_zone));
	p->dns_zone[sizeof(p->dns_zone) - 1] = 0;
	/*
	 * a host or path that makes no request makes the probes fail with EINVAL, which the engine
	 * shows
	 */
	if (http204_build_request(config->http_host, config->http_path, p->http_request,
		    sizeof(p->http_request), &p->http_request_size))
		p->http_request_size = 0;
}

/* Hands out the memory of libevent's events, which has to be of a size that only libevent knows. */
static bool make_events(struct probes *p)
{
	size_t size = event_get_struct_event_size();
	uint8_t *next = calloc(PATHS_MAX * 3 + PROBE_CONNECTIONS_MAX + 1, size);

	if (!next)
		return false;
	p->events = next;
	p->sweep = (struct event *)(void *)next;
	for (int i = 0; i < PATHS_MAX; i++) {
		p->path[i].icmp.readable = (struct event *)(void *)(next += size);
		p->path[i].dns.readable = (struct event *)(void *)(next += size);
		p->path[i].neighbour.readable = (struct event *)(void *)(next += size);
	}
	for (int i = 0; i < PROBE_CONNECTIONS_MAX; i++)
		p->connections.connection[i].event = (struct event *)(void *)(next += size);
	return true;
}

struct probes *probes_new(struct event_base *base, struct inbox *inbox, const struct config *config)
{
	struct probes *p = calloc(1, sizeof(*p));

	if (!p || !make_events(p)) {
		free(p);
		return NULL;
	}
	p->base = base;
	p->inbox = inbox;
	probe_batch_init(&p->batch);
	p->free = p->waiting = p->untold = (struct probe_list){PROBE_NO_SLOT, PROBE_NO_SLOT};
	for (uint8_t i = 0; i < PATHS_MAX; i++) {
		p->path[i].probes = p;
		p->path[i].number = i;
		p->path[i].binding.family = path_family(i);
		p->path[i].neighbour.newest = PROBE_NO_SLOT;
	}
	evtimer_assign(p->sweep, base, sweep, p);
	probes_configure(p, config);
	return p;
}

void probes_free(struct probes *p)
{
	if (!p)
		return;
	for (int i = 0; i < PATHS_MAX; i++)
		close_sockets(&p->path[i]);
	for (uint16_t i = p->waiting.first; i != PROBE_NO_SLOT; i = p->slot[i].after)
		slot_forget(p, &p->slot[i]);
	event_del(p->sweep);
	free(p->events);
	free(p);
}

void probes_stats(const struct probes *p, struct probes_stats *ret)
{
	*ret = p->stats;
}
