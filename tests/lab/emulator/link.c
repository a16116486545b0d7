#include "link.h"

#include "port.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

static void ready(struct watch *watch, uint32_t events);

const char *link_direction_name(enum direction direction)
{
	return direction == DIRECTION_UP ? "up" : "down";
}

static void close_ports(struct link *link)
{
	for (int d = 0; d < DIRECTION_COUNT; d++) {
		struct link_direction *direction = &link->directions[d];
		struct frame *frame;

		while ((frame = frame_line_due(&direction->line, LOOP_NEVER))) {
			direction->counters.dropped[DROP_DEVICE]++;
			frame_give_back(link->pool, frame);
		}
		if (direction->watch.fd < 0)
			continue;
		loop_unwatch(link->loop, &direction->watch);
		close(direction->watch.fd);
		direction->watch.fd = -1;
	}
}

int link_reopen(struct link *link, const char *router_port, const char *provider_port)
{
	const char *ports[DIRECTION_COUNT] = {router_port, provider_port};
	int error;

	close_ports(link);
	for (int d = 0; d < DIRECTION_COUNT; d++) {
		struct link_direction *direction = &link->directions[d];

		snprintf(direction->port, sizeof(direction->port), "%s", ports[d]);
		direction->watch.fd = port_open(ports[d]);
		error = direction->watch.fd;
		if (error >= 0)
			error = loop_watch(link->loop, &direction->watch, EPOLLIN);
		if (error < 0) {
			close_ports(link);
			return error;
		}
	}
	return 0;
}

int link_open(struct link *link, const char *name, const char *router_port,
	const char *provider_port, uint64_t seed)
{
	snprintf(link->name, sizeof(link->name), "%s", name);
	for (int d = 0; d < DIRECTION_COUNT; d++) {
		struct link_direction *direction = &link->directions[d];

		*direction =
			(struct link_direction){.watch = {.fd = -1, .ready = ready}, .link = link};
		impair_init(&direction->impair, seed * DIRECTION_COUNT + (uint64_t)d);
	}
	return link_reopen(link, router_port, provider_port);
}

void link_close(struct link *link)
{
	close_ports(link);
	link_stop_playing(link);
}

static bool in_prefix(const struct in6_addr *address, const struct link_prefix *prefix)
{
	int whole = prefix->bits / 8;
	int rest = prefix->bits % 8;
	uint8_t mask = (uint8_t)(0xff00 >> rest);

	if (memcmp(address, &prefix->address, (size_t)whole) != 0)
		return false;
	return !rest || ((address->s6_addr[whole] ^ prefix->address.s6_addr[whole]) & mask) == 0;
}

/* Whether the far end of the packet is on the link itself, as the provider's gateway is. */
static bool is_local(const struct link *link, enum direction d, const struct packet *packet)
{
	const struct in6_addr *far = d == DIRECTION_UP ? &packet->destination : &packet->source;

	if (!packet->family || packet->link_local)
		return true;
	for (size_t i = 0; i < link->n_locals; i++)
		if (in_prefix(far, &link->locals[i]))
			return true;
	return false;
}

static bool is_dead_host(const struct dead_hosts *hosts, const struct packet *packet)
{
	for (size_t i = 0; packet->family && i < hosts->n; i++)
		if (memcmp(&hosts->addresses[i], &packet->source, sizeof(packet->source)) == 0 ||
			memcmp(&hosts->addresses[i], &packet->destination,
				sizeof(packet->destination)) == 0)
			return true;
	return false;
}

static struct verdict judge(struct link *link, enum direction d, const struct frame *frame,
	int64_t now_us)
{
	struct link_direction *direction = &link->directions[d];
	struct trace_point point;
	struct packet packet;

	packet_classify(frame->data, frame->len, &packet);
	if (direction->impair.policy.upstream_dead && !is_local(link, d, &packet))
		return (struct verdict){.drop = DROP_UPSTREAM};
	if (is_dead_host(link->dead_hosts, &packet))
		return (struct verdict){.drop = DROP_DEAD_HOST};
	if (link->playing) {
		double played_us = (double)(now_us - link->play_start_us) * link->play_speed;

		point = trace_at(&link->trace,
			link->play_offset_us + (played_us > 0 ? (int64_t)played_us : 0));
	}
	return impair_judge(&direction->impair, &packet, frame->len, link->playing ? &point : NULL,
		now_us);
}

static void corrupt(struct impair *impair, struct frame *frame)
{
	const uint32_t header = 14;

	if (frame->len > header)
		frame->data[header + impair_random(impair, frame->len - header)] ^=
			(uint8_t)(1u << impair_random(impair, 8));
}

static void drop(struct link_direction *direction, struct frame *frame, enum drop why)
{
	direction->counters.dropped[why]++;
	direction->counters.dropped_bytes += frame->len;
	frame_give_back(direction->link->pool, frame);
}

static void duplicate(struct link_direction *direction, const struct frame *frame)
{
	struct frame *copy = frame_take(direction->link->pool);

	if (!copy)
		return;
	copy->due_us = frame->due_us;
	copy->len = frame->len;
	memcpy(copy->data, frame->data, frame->len);
	frame_line_add(&direction->line, copy);
}

static void enter(struct link *link, enum direction d, struct frame *frame, int64_t arrived_us)
{
	struct link_direction *direction = &link->directions[d];
	struct verdict verdict = judge(link, d, frame, arrived_us);

	if (verdict.drop) {
		drop(direction, frame, verdict.drop);
		return;
	}
	frame->due_us = verdict.due_us;
	if (verdict.corrupt)
		corrupt(&direction->impair, frame);
	if (verdict.duplicate)
		duplicate(direction, frame);
	frame_line_add(&direction->line, frame);
}

static void receive_direction(struct link *link, enum direction d)
{
	struct link_direction *direction = &link->directions[d];
	struct port_arrival arrivals[PORT_BATCH];
	int got;

	if (direction->watch.fd < 0)
		return;
	do {
		got = port_receive(direction->watch.fd, link->pool, arrivals);
		for (int i = 0; i < got; i++)
			enter(link, d, arrivals[i].frame, arrivals[i].arrived_us);
	} while (got == PORT_BATCH);
	if (got == 0 && !link->pool->free && link->pool->n_touched == FRAME_POOL)
		direction->counters.dropped[DROP_MEMORY] +=
			(uint64_t)port_discard(direction->watch.fd);
}

void link_receive(struct link *link)
{
	for (int d = 0; d < DIRECTION_COUNT; d++)
		receive_direction(link, (enum direction)d);
}

/* A port that is down or deleted reports an error, once; reading it clears that. */
static void ready(struct watch *watch, uint32_t events)
{
	struct link_direction *direction = container_of(watch, struct link_direction, watch);
	struct link *link = direction->link;

	(void)events;
	receive_direction(link, (enum direction)(direction - link->directions));
}

static void send_due(struct link *link, enum direction d, int64_t now_us)
{
	struct link_direction *direction = &link->directions[d];
	int out_fd = link->directions[!d].watch.fd;
	struct link_counters *counters = &direction->counters;
	struct frame *frame;

	while ((frame = frame_line_due(&direction->line, now_us))) {
		if (out_fd < 0 || port_send(out_fd, frame) < 0) {
			drop(direction, frame, DROP_DEVICE);
			continue;
		}
		counters->frames++;
		counters->bytes += frame->len;
		if (now_us - frame->due_us > counters->late_us_max)
			counters->late_us_max = now_us - frame->due_us;
		frame_give_back(link->pool, frame);
	}
}

int64_t link_deliver(struct link *link, int64_t now_us)
{
	int64_t next_us = LOOP_NEVER;

	for (int d = 0; d < DIRECTION_COUNT; d++) {
		const struct frame *first;

		send_due(link, (enum direction)d, now_us);
		first = link->directions[d].line.first;
		if (first && first->due_us < next_us)
			next_us = first->due_us;
	}
	return next_us;
}

void link_play(struct link *link, const struct trace *trace, double speed, int64_t offset_us)
{
	link_stop_playing(link);
	link->trace = *trace;
	link->playing = true;
	link->play_speed = speed;
	link->play_offset_us = offset_us;
	link->play_start_us = loop_now_us();
}

void link_stop_playing(struct link *link)
{
	if (link->playing)
		trace_done(&link->trace);
	link->playing = false;
}
