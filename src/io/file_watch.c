#include "io/file_watch.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/usec.h"

#define PATIENCE_US (100 * USEC_MS)
#define PATH_SIZE 256

struct file_watch {
	struct event *readable, *patience;
	file_watch_fn *changed;
	void *user;
	int fd;
	struct {
		int descriptor;
		char name[PATH_SIZE];
	} place[2]; /* as it is called, and as it really is */
};

static void on_patience(evutil_socket_t fd, short what, void *user)
{
	struct file_watch *w = user;

	(void)fd;
	(void)what;
	w->changed(w->user);
}

static bool concerns(const struct file_watch *w, const struct inotify_event *e)
{
	if (e->mask & IN_Q_OVERFLOW)
		return true;
	for (unsigned i = 0; i < 2; i++)
		if (e->wd == w->place[i].descriptor && e->len && !strcmp(e->name, w->place[i].name))
			return true;
	return false;
}

static void on_readable(evutil_socket_t fd, short what, void *user)
{
	const struct timeval wait = {0, PATIENCE_US};
	struct file_watch *w = user;
	_Alignas(struct inotify_event) char buffer[1024];
	ssize_t n;

	(void)what;
	while ((n = read(fd, buffer, sizeof(buffer))) > 0)
		for (char *at = buffer; at < buffer + n;) {
			const struct inotify_event *e = (const void *)at;

			if (concerns(w, e) && !evtimer_pending(w->patience, NULL))
				evtimer_add(w->patience, &wait);
			at += sizeof(*e) + e->len;
		}
}

static int watch(struct file_watch *w, unsigned i, const char *file)
{
	const char *slash = strrchr(file, '/');
	char folder[PATH_SIZE];

	w->place[i].descriptor = -1;
	if (snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - file) + 1 : 1,
		    slash ? file : ".") >= PATH_SIZE ||
		snprintf(w->place[i].name, PATH_SIZE, "%s", slash ? slash + 1 : file) >=
			PATH_SIZE) {
		errno = ENAMETOOLONG;
		return -1;
	}
	w->place[i].descriptor =
		inotify_add_watch(w->fd, folder, IN_CLOSE_WRITE | IN_MOVED_TO | IN_ONLYDIR);
	return w->place[i].descriptor;
}

struct file_watch *file_watch_new(struct event_base *base, const char *file, file_watch_fn *changed,
	void *user)
{
	struct file_watch *w = calloc(1, sizeof(*w));
	char *real;

	if (!w)
		return NULL;
	w->changed = changed;
	w->user = user;
	w->place[1].descriptor = -1;
	w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (w->fd < 0 || watch(w, 0, file) < 0) {
		file_watch_free(w);
		return NULL;
	}
	real = realpath(file, NULL);
	/* without this one a file behind a symbolic link is only seen when the link changes */
	if (real && strcmp(real, file) != 0)
		watch(w, 1, real);
	free(real);
	w->readable = event_new(base, w->fd, EV_READ | EV_PERSIST, on_readable, w);
	w->patience = evtimer_new(base, on_patience, w);
	if (!w->readable || !w->patience || event_add(w->readable, NULL)) {
		file_watch_free(w);
		errno = ENOMEM;
		return NULL;
	}
	return w;
}

void file_watch_free(struct file_watch *w)
{
	int error = errno;

	if (!w)
		return;
	if (w->readable)
		event_free(w->readable);
	if (w->patience)
		event_free(w->patience);
	if (w->fd >= 0)
		close(w->fd);
	free(w);
	errno = error;
}
