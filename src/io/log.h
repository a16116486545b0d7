/*
 * The log: one line per change, with the number and the limit.  error = somebody must act, warning,
 * notice = a state changed, info, debug.  To stderr, and to syslog when asked (to syslog alone where
 * stderr is a journal's socket: one line per change, not two).  The only writable state that belongs
 * to no object: there is one log a process, and who reports cannot be handed it everywhere.
 */
#pragma once

#include <stdbool.h>
#include <syslog.h>

/* Before the first line; without it lines of LOG_NOTICE and worse go to stderr.  name must live as
   long as the log. */
void log_open(const char *name, int level, bool to_syslog);

/* LOG_ERR .. LOG_DEBUG; lines above it cost a comparison. */
void log_set_level(int level);
int log_level(void);

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void log_line(int level, const char *format, ...);
