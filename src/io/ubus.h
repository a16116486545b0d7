/*
 * One connection to OpenWrt's bus daemon, on the loop: calls, subscriptions and events as a client, objects as a server.
 * No OpenWrt library is used.
 *
 *   netifd, mwan3 ... <--> ubusd <--socket--> ubus.c --+--> ubus_client.c: lookup, call, subscribe, listen
 *                                                      `--> ubus_server.c: objects, methods, notifications
 *
 * A bus that is not there is normal (Debian): it is tried again, quietly, for as long as the daemon runs.  When it comes
 * back, objects are added, subscriptions and listeners made again by themselves.  Nothing here blocks, everything is
 * bounded: calls, subscriptions, the size of messages and what waits to be sent.  File descriptors that come with a
 * message are closed.  Callbacks come from the loop, never from within a call of this header.
 */
#pragma once

#include <event2/event.h>
#include <json-c/json.h>

#include "codec/ubus_message.h"

#define UBUS_PATH_SIZE 108
#define UBUS_NAME_MAX 63
#define UBUS_CALLS_MAX 32
#define UBUS_SUBSCRIPTIONS_MAX 8
#define UBUS_LISTENERS_MAX 8
#define UBUS_OBJECTS_MAX 4
#define UBUS_ARGUMENTS_MAX                                                                         \
	65536 /* of a method's arguments; more is answered with UBUS_INVALID_ARGUMENT */
#define UBUS_REPLY_MAX 524288 /* of what others tell us, as JSON; more counts as UBUS_NO_MEMORY */
/* Notifications and events are dropped (and counted) while so much waits to be sent ... */
#define UBUS_OUTPUT_LOW 65536
/* ... nothing is read, and so no call taken, while so much does. */
#define UBUS_OUTPUT_HIGH 262144

struct ubus;

enum ubus_state {
	UBUS_STATE_OFF,      /* as configured */
	UBUS_STATE_ABSENT,   /* there is no bus; tried again by itself */
	UBUS_STATE_GREETING, /* connected, the daemon has not said hello */
	UBUS_STATE_UP,
	UBUS_STATE_COUNT,
};

struct ubus_stats {
	uint64_t connects; /* that got a hello */
	uint64_t received, sent;
	uint64_t malformed; /* messages that were none */
	uint64_t calls_in, calls_out, timeouts;
	uint64_t events_in, events_out;
	uint64_t dropped; /* notifications and events for which there was no room */
	uint64_t fds_closed;
};

/*
 * path "": /var/run/ubus/ubus.sock, then /var/run/ubus.sock.  NULL: out of memory.  Trying begins at once, from the loop.
 * on: false makes one that stays UBUS_STATE_OFF.
 */
struct ubus *ubus_new(struct event_base *base, bool on, const char *path);
/* Calls under way are forgotten without their callbacks. */
void ubus_free(struct ubus *u);
/* Connects anew when something differs. */
void ubus_configure(struct ubus *u, bool on, const char *path);
enum ubus_state ubus_state(const struct ubus *u);
const char *ubus_state_name(enum ubus_state state);
void ubus_stats(const struct ubus *u, struct ubus_stats *ret);

/* ---- client ---- */

/*
 * How a call ended: an enum ubus_status (UBUS_TIMEOUT and UBUS_CONNECTION_FAILED are ours) and what came with it: an
 * object, or NULL when there was nothing, which lives until the callback returns.  Of several data messages the members
 * are put together.
 */
typedef void ubus_reply_fn(void *user, unsigned status, struct json_object *reply);

/*
 * Calls a method of the object at path.  arguments (an object or NULL) stays the caller's.  Returns a ticket above 0 for
 * ubus_cancel(), or -ENOTCONN, -EBUSY (UBUS_CALLS_MAX under way), -E2BIG; then reply is not called.
 */
int ubus_call(struct ubus *u, const char *path, const char *method, struct json_object *arguments,
	int64_t timeout_us, ubus_reply_fn *reply, void *user);
/* Its callback will not come.  Tickets that have ended, and 0, are ignored. */
void ubus_cancel(struct ubus *u, int ticket);

/*
 * name: of the notification, with its data (an object, which lives until the callback returns).  Two are made up here:
 * UBUS_NOTIFY_HERE with NULL whenever the subscription begins (again): now ask for the whole state, something may have
 * been missed; UBUS_NOTIFY_GONE with NULL when the object or the bus has gone away.
 */
#define UBUS_NOTIFY_HERE "+"
#define UBUS_NOTIFY_GONE "-"
typedef void ubus_notify_fn(void *user, const char *name, struct json_object *data);

/*
 * Follows the object at path for as long as u lives: it need not be there, and may come and go.  path is copied.
 * 0, -EINVAL (a path longer than UBUS_NAME_MAX), -ENOSPC (UBUS_SUBSCRIPTIONS_MAX).
 */
int ubus_subscribe(struct ubus *u, const char *path, ubus_notify_fn *notify, void *user);

/* The events that a pattern names: an exact name, or a prefix and '*'.  As above. */
typedef void ubus_event_fn(void *user, const char *name, struct json_object *data);
int ubus_listen(struct ubus *u, const char *pattern, ubus_event_fn *event, void *user);

/* Sends an event; data (an object or NULL: empty) stays the caller's.  False: not connected, or no room. */
bool ubus_send(struct ubus *u, const char *name, struct json_object *data);

/* ---- server ---- */

/* A call to answer.  Copy it to answer later; after a reconnect such an answer goes nowhere. */
struct ubus_request {
	uint32_t connection; /* which one of ours it came by */
	uint32_t peer, object;
	uint16_t seq;
	bool no_reply;
	char user[32]; /* who calls, as the bus daemon says; "": it does not say */
};

/* Puts the signature of each method: blob_open_table() with the method's name, an int32 (a type) for each argument. */
typedef void ubus_signature_fn(void *user, struct blob_writer *w);

/*
 * One call: arguments is an object, which lives until the function returns.  It must be ended by ubus_finish(), at once or later.  A method
 * that there is not is ended with UBUS_METHOD_NOT_FOUND by whoever knows the methods, which is this function.
 */
typedef void ubus_method_fn(void *user, const struct ubus_request *request, const char *method,
	struct json_object *arguments);

/* Adds an object for as long as u lives.  Returns its number, or -EINVAL, -ENOSPC. */
int ubus_object_add(struct ubus *u, const char *path, ubus_signature_fn *signature,
	ubus_method_fn *method, void *user);
/* Whether the daemon has taken it (false also while there is no bus). */
bool ubus_object_present(const struct ubus *u, int object);

/* Zero or more replies (data, an object, stays the caller's), then the end.  -E2BIG: too large to be sent; end it all the same. */
int ubus_reply(struct ubus *u, const struct ubus_request *request, struct json_object *data);
void ubus_finish(struct ubus *u, const struct ubus_request *request, enum ubus_status status);

/* To the subscribers of an object; false: there are none, or no room. */
bool ubus_notify(struct ubus *u, int object, const char *name, struct json_object *data);
