/*
 * A TCP connection that is to stand for as long as the flow runs: opened anew when it breaks,
 * cannot be made, or, if asked to, has been silent for too long.
 *
 *              connect                 EPOLLOUT
 *   SESSION_IDLE ----> SESSION_CONNECTING ----> SESSION_UP
 *        ^                   | error, time-out      | reset, end, stall
 *        +-------------------+----------------------+
 */
#pragma once

#include "flow.h"

enum session_state { SESSION_IDLE, SESSION_CONNECTING, SESSION_UP };

struct session {
	struct watch watch; /* first member */
	struct flow *flow;
	enum session_state state;
	int64_t since_us;    /* when the state began */
	int64_t progress_us; /* when something was last heard */
	void (*up)(struct session *session);
	/* Reads and writes what can be; returns 0, or the errno that ended the connection. */
	int (*ready)(struct session *session, uint32_t events);
};

void session_init(struct session *session, struct flow *flow);

/* Opens the connection if it is time to; returns when to be called next. */
int64_t session_maintain(struct session *session, int64_t now_us);
void session_close(struct session *session, enum event_kind kind, int error);
