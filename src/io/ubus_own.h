/* What the files of ubus.h share. */
#pragma once

#include <event2/buffer.h>

#include "io/ubus.h"

enum ubus_call_state {
	UBUS_CALL_FREE,
	UBUS_CALL_LOOKING, /* for the object's number */
	UBUS_CALL_RUNNING,
};

struct ubus_call {
	enum ubus_call_state state;
	uint16_t seq; /* of the request under way */
	int ticket;
	uint32_t object; /* 0: not found yet */
	int64_t due_us;
	struct json_object *arguments, *reply;
	char path[UBUS_NAME_MAX + 1], method[UBUS_NAME_MAX + 1];
	ubus_reply_fn *end;
	void *user;
};

enum ubus_follow_state {
	UBUS_FOLLOW_IDLE,    /* no bus */
	UBUS_FOLLOW_ADDING,  /* an object of ours without a name, to which notifications go */
	UBUS_FOLLOW_LOOKING, /* for the target */
	UBUS_FOLLOW_SUBSCRIBING,
	UBUS_FOLLOW_ON,
	UBUS_FOLLOW_ABSENT, /* the target: looked for when the bus tells that it came, and now and then */
};

struct ubus_follow {
	enum ubus_follow_state state;
	uint16_t seq;
	uint32_t object, target;
	int64_t due_us; /* of the answer, or of the next look */
	char path[UBUS_NAME_MAX + 1];
	ubus_notify_fn *notify;
	void *user;
};

struct ubus_listener {
	char pattern[UBUS_NAME_MAX + 1];
	ubus_event_fn *event;
	void *user;
};

struct ubus_object {
	uint16_t seq;    /* of the request that adds it; 0: none under way */
	uint32_t object; /* 0: not added */
	bool followed;   /* it has subscribers */
	bool refused;    /* was told */
	int64_t due_us;  /* of the answer, or of the next try; USEC_NEVER: added */
	char path[UBUS_NAME_MAX + 1];
	ubus_signature_fn *signature;
	ubus_method_fn *method;
	void *user;
};

struct ubus {
	struct event_base *base;
	struct event *timer, *readable, *writable;
	struct evbuffer *in, *out;
	int fd; /* -1: none */
	enum ubus_state state;
	bool on, broken, busy, reconfigured;
	bool paused; /* not read from: it takes our answers too slowly */
	bool more;   /* messages have come that were not looked at yet */
	char path[UBUS_PATH_SIZE];

	uint32_t connection; /* counts them */
	uint16_t seq;
	int64_t due_us;     /* of the next try to connect, or of the greeting */
	int64_t lost_us;    /* when the last connection went; 0: there was none */
	int64_t stalled_us; /* since when nothing could be written; USEC_NEVER: all is */
	int tickets;

	uint16_t listener_seq;
	uint32_t listener; /* an object without a name, to which events go; 0: none */
	unsigned n_follows, n_listeners, n_objects;
	struct ubus_call call[UBUS_CALLS_MAX];
	struct ubus_follow follow[UBUS_SUBSCRIPTIONS_MAX];
	struct ubus_listener listen[UBUS_LISTENERS_MAX];
	struct ubus_object own[UBUS_OBJECTS_MAX];
	struct ubus_stats stats;
};

#define UBUS_ANSWER_US                                                                             \
	(10 * USEC_S)              /* of the bus daemon itself; then the connection is made anew */
#define UBUS_LOOK_US (15 * USEC_S) /* between looks for a target whose coming may not be told */
#define UBUS_ADD_US (2 * USEC_S)   /* between tries to add an object that was refused */

#define UBUS_HAS(attribute) (UINT32_C(1) << (attribute))

/* One message: those of the fields that has names. */
struct ubus_outgoing {
	enum ubus_type type;
	uint16_t seq;
	uint32_t peer;
	uint32_t has; /* UBUS_HAS(...) */
	uint32_t status, object, target;
	const char *path, *method;
	struct json_object *data;
	ubus_signature_fn *signature;
	void *user;
};

/* 0, -ENOTCONN, -ENOMEM, -E2BIG.  It is written as far as possible now, and the rest from the loop. */
int ubus_own_send(struct ubus *u, const struct ubus_outgoing *m);
/* A number that no request under way has. */
uint16_t ubus_own_seq(struct ubus *u);
/* Sets the timer to what is due first; to be called at the end of whatever changed a time. */
void ubus_own_arm(struct ubus *u);
bool ubus_own_copy(char to[UBUS_NAME_MAX + 1], const char *text);

/* ubus_client.c */
void ubus_client_begin(struct ubus *u); /* the bus said hello */
void ubus_client_end(struct ubus *u);   /* it has gone */
/* An answer to one of our requests; false: not to one of these. */
bool ubus_client_answer(struct ubus *u, const struct ubus_header *h, const struct ubus_message *m);
/* A message to one of our nameless objects. */
bool ubus_client_invoked(struct ubus *u, const struct ubus_header *h, const struct ubus_message *m);
void ubus_client_gone(struct ubus *u, const struct ubus_message *m);
int64_t ubus_client_due(const struct ubus *u);
void ubus_client_tick(struct ubus *u, int64_t now_us);
void ubus_client_forget(struct ubus *u); /* calls, without callbacks */

/* ubus_server.c */
void ubus_server_begin(struct ubus *u);
void ubus_server_end(struct ubus *u);
bool ubus_server_answer(struct ubus *u, const struct ubus_header *h, const struct ubus_message *m);
void ubus_server_invoked(struct ubus *u, const struct ubus_header *h, const struct ubus_message *m);
void ubus_server_followed(struct ubus *u, const struct ubus_message *m);
int64_t ubus_server_due(const struct ubus *u);
void ubus_server_tick(struct ubus *u, int64_t now_us);
