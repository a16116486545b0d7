#include "loop.h"

#include <errno.h>
#include <sched.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define US_PER_S 1000000
#define NS_PER_US 1000

int64_t loop_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * US_PER_S + now.tv_nsec / NS_PER_US;
}

int loop_init(struct loop *loop)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
	int error;

	loop->armed_us = LOOP_NEVER;
	loop->timer_fd = -1;
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0)
		return -errno;
	loop->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (loop->timer_fd < 0 ||
		epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->timer_fd, &event) < 0) {
		error = -errno;
		loop_done(loop);
		return error;
	}
	return 0;
}

void loop_done(struct loop *loop)
{
	if (loop->timer_fd >= 0)
		close(loop->timer_fd);
	if (loop->epoll_fd >= 0)
		close(loop->epoll_fd);
	loop->timer_fd = -1;
	loop->epoll_fd = -1;
}

int loop_watch(struct loop *loop, struct watch *watch, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = watch};

	return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, watch->fd, &event) < 0 ? -errno : 0;
}

void loop_rewatch(struct loop *loop, struct watch *watch, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = watch};

	epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, watch->fd, &event);
}

void loop_unwatch(struct loop *loop, struct watch *watch)
{
	epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
}

static void arm(struct loop *loop, int64_t wake_us)
{
	struct itimerspec when = {0};

	if (wake_us == loop->armed_us)
		return;
	loop->armed_us = wake_us;
	if (wake_us != LOOP_NEVER) {
		if (wake_us <= 0)
			wake_us = 1; /* zero would disarm */
		when.it_value.tv_sec = (time_t)(wake_us / US_PER_S);
		when.it_value.tv_nsec = (long)(wake_us % US_PER_S * NS_PER_US);
	}
	timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

void loop_wait(struct loop *loop, int64_t wake_us)
{
	struct epoll_event event;
	struct watch *watch;
	uint64_t expirations;

	arm(loop, wake_us);
	if (epoll_wait(loop->epoll_fd, &event, 1, -1) < 1)
		return;
	watch = event.data.ptr;
	if (!watch) {
		if (read(loop->timer_fd, &expirations, sizeof(expirations)) > 0)
			loop->armed_us = LOOP_NEVER;
		return;
	}
	watch->ready(watch, event.events);
}

void loop_raise_priority(int priority)
{
	struct sched_param parameter = {.sched_priority = priority};

	prctl(PR_SET_TIMERSLACK, 1UL);
	sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &parameter);
}
