/*
 * The event loop of the lab's programs: file descriptors, one absolute timer, one monotonic clock.
 * Single-threaded.  A watch is embedded in the object that owns it and may be removed, and its
 * owner freed, inside any callback: events are taken from the kernel one at a time, so none is
 * left over that could point at it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct watch {
	int fd;
	void (*ready)(struct watch *watch, uint32_t events); /* events: EPOLLIN, EPOLLOUT, ... */
};

struct loop {
	int epoll_fd;
	int timer_fd;
	int64_t armed_us;
};

#define LOOP_NEVER INT64_MAX

#define container_of(pointer, type, member)                                                        \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

/* CLOCK_MONOTONIC in microseconds: the same clock in every network namespace. */
int64_t loop_now_us(void);

/* Both return 0 or a negative errno. */
int loop_init(struct loop *loop);
int loop_watch(struct loop *loop, struct watch *watch, uint32_t events);

void loop_rewatch(struct loop *loop, struct watch *watch, uint32_t events);
void loop_unwatch(struct loop *loop, struct watch *watch);
void loop_done(struct loop *loop);

/*
 * Waits until a watched descriptor is ready, wake_us is reached or a signal arrives, and calls the
 * watch, if any.  wake_us: CLOCK_MONOTONIC, or LOOP_NEVER.
 */
void loop_wait(struct loop *loop, int64_t wake_us);

/*
 * Asks for real-time scheduling and exact timers, so that a busy machine does not show up as
 * delay.  Without the permission the program runs on as an ordinary one.
 */
void loop_raise_priority(int priority);
