/*
 * Tells when a file was written, replaced by a rename (as uci, LuCI and most editors do) or came into being.  What is
 * watched is its folder and, behind a symbolic link, the folder of the real file; neighbours' changes cost a wake-up.
 *
 *   inotify --> a moment of patience, in which more may follow --> changed()
 */
#pragma once

#include <event2/event.h>

struct file_watch;

typedef void file_watch_fn(void *user);

/* NULL with errno when there is no folder, no inotify or no memory. */
struct file_watch *file_watch_new(struct event_base *base, const char *file, file_watch_fn *changed,
	void *user);
void file_watch_free(struct file_watch *w);
