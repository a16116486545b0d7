/* An event as one sentence with its numbers and limits, for the log, the RPC and the terminal.  Pure. */
#pragma once

#include <stddef.h>

#include "core/output.h"

#define EVENT_TEXT_SIZE 320

/*
 * "wan2: up -> dead: nothing came back for 140 ms (patience 100 ms), 12 probes lost; the gateway answers, nothing beyond it
 * does: the provider's fault".  Names of links and classes come from policy, in whatever state it is now.
 */
void event_text(const struct event *e, const struct policy *policy, char *text, size_t size);

/* syslog's LOG_ERR .. LOG_DEBUG: what the log does with it. */
int event_level(const struct event *e);

/* The link it is about; LINKS_MAX: none or several. */
unsigned event_link(const struct event *e);
