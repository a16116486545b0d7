/*
 * Tells when a file was written, replaced by a rename (as uci, LuCI and most editors do) or came into being.  What is
 * watched is its folder and, behind a symbolic link, the folder of the real file; neighbours' changes cost a wake-up.
 *
 *   inotify --> a moment of patience, in which more may follow --> changed()
 */
#pragma once

#include <event2/event.h>
#include <stdbool.h>
#include <sys/stat.h>

/* Neither replaced nor written between the two looks, as far as its times tell. */
static inline bool file_is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

struct file_watch;

typedef void file_watch_fn(void *user);

/* NULL with errno when there is no folder, no inotify or no memory. */
struct file_watch *file_watch_new(struct event_base *base, const char *file, file_watch_fn *changed,
	void *user);
void file_watch_free(struct file_watch *w);
