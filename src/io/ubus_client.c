/* Calls, subscriptions and listeners. */
#include <errno.h>
#include <string.h>
#include <syslog.h>

#include "api/blob_json.h"
#include "base/usec.h"
#include "io/inbox.h"
#include "io/log.h"
#include "io/ubus_own.h"

#define OBJECT_ADDED "ubus.object.add"

/* ---- calls ---- */

static void forget(struct ubus_call *c)
{
	json_object_put(c->arguments);
	json_object_put(c->reply);
	memset(c, 0, sizeof(*c));
}

/* The slot is free before the callback, which may make the next call. */
static void end_call(struct ubus *u, struct ubus_call *c, unsigned status)
{
	struct ubus_call copy = *c;

	memset(c, 0, sizeof(*c));
	if (status == UBUS_TIMEOUT)
		u->stats.timeouts++;
	copy.end(copy.user, status, copy.reply);
	forget(&copy);
}

int ubus_call(struct ubus *u, const char *path, const char *method, struct json_object *arguments,
	int64_t timeout_us, ubus_reply_fn *reply, void *user)
{
	struct ubus_outgoing m = {.type = UBUS_LOOKUP, .has = UBUS_HAS(UBUS_ATTRIBUTE_PATH)};
	struct ubus_call *c = u->call;
	int error;

	if (u->state != UBUS_STATE_UP)
		return -ENOTCONN;
	while (c < u->call + UBUS_CALLS_MAX && c->state != UBUS_CALL_FREE)
		c++;
	if (c == u->call + UBUS_CALLS_MAX)
		return -EBUSY;
	if (!ubus_own_copy(c->path, path) || !ubus_own_copy(c->method, method))
		return -E2BIG;
	m.seq = c->seq = ubus_own_seq(u);
	m.path = c->path;
	error = ubus_own_send(u, &m);
	if (error)
		return error;
	u->tickets = u->tickets == INT32_MAX ? 1 : u->tickets + 1;
	c->state = UBUS_CALL_LOOKING;
	c->ticket = u->tickets;
	c->due_us = inbox_clock_us() + timeout_us;
	c->arguments = json_object_get(arguments);
	c->end = reply;
	c->user = user;
	u->stats.calls_out++;
	ubus_own_arm(u);
	return c->ticket;
}

void ubus_cancel(struct ubus *u, int ticket)
{
	for (unsigned i = 0; i < UBUS_CALLS_MAX; i++)
		if (u->call[i].state != UBUS_CALL_FREE && u->call[i].ticket == ticket)
			forget(&u->call[i]);
}

void ubus_client_forget(struct ubus *u)
{
	for (unsigned i = 0; i < UBUS_CALLS_MAX; i++)
		forget(&u->call[i]);
}

static void invoke(struct ubus *u, struct ubus_call *c)
{
	struct ubus_outgoing m = {
		.type = UBUS_INVOKE,
		.seq = ubus_own_seq(u),
		.peer = c->object,
		.object = c->object,
		.has = UBUS_HAS(UBUS_ATTRIBUTE_OBJECT) | UBUS_HAS(UBUS_ATTRIBUTE_METHOD) |
		       UBUS_HAS(UBUS_ATTRIBUTE_DATA),
		.method = c->method,
		.data = c->arguments,
	};

	c->seq = m.seq;
	c->state = UBUS_CALL_RUNNING;
	if (ubus_own_send(u, &m))
		end_call(u, c, UBUS_INVALID_ARGUMENT);
}

static void add_reply(struct ubus *u, struct ubus_call *c, const struct ubus_message *m)
{
	struct json_object *more = m->data.size <= UBUS_REPLY_MAX ? blob_to_json(m->data) : NULL;

	if (!more) {
		u->stats.malformed++;
		end_call(u, c, m->data.size > UBUS_REPLY_MAX ? UBUS_NO_MEMORY : UBUS_PARSE_ERROR);
		return;
	}
	if (!c->reply) {
		c->reply = more;
		return;
	}
	json_object_object_foreach(more, name, value)
	{
		json_object_object_add(c->reply, name, json_object_get(value));
	}
	json_object_put(more);
}

static void call_answered(struct ubus *u, struct ubus_call *c, const struct ubus_header *h,
	const struct ubus_message *m)
{
	if (h->type == UBUS_DATA && c->state == UBUS_CALL_LOOKING)
		c->object = m->object;
	else if (h->type == UBUS_DATA && ubus_message_has(m, UBUS_ATTRIBUTE_DATA))
		add_reply(u, c, m);
	else if (h->type != UBUS_STATUS)
		return;
	else if (!ubus_message_has(m, UBUS_ATTRIBUTE_STATUS))
		end_call(u, c, UBUS_UNKNOWN_ERROR);
	else if (c->state == UBUS_CALL_LOOKING && !m->status && c->object)
		invoke(u, c);
	else if (c->state == UBUS_CALL_LOOKING && !m->status)
		end_call(u, c, UBUS_NOT_FOUND);
	else
		end_call(u, c, m->status);
}

/* ---- subscriptions ---- */

/* The object to which events go; what follows its coming is in begin_listening(). */
static void need_listener(struct ubus *u)
{
	struct ubus_outgoing m = {.type = UBUS_ADD_OBJECT};

	if (u->state != UBUS_STATE_UP || u->listener_seq)
		return;
	m.seq = u->listener_seq = ubus_own_seq(u);
	ubus_own_send(u, &m);
}

static void ask(struct ubus *u, struct ubus_follow *f, enum ubus_follow_state state,
	struct ubus_outgoing *m)
{
	f->state = state;
	m->seq = f->seq = ubus_own_seq(u);
	f->due_us = inbox_clock_us() + UBUS_ANSWER_US;
	ubus_own_send(u, m);
}

static void begin_follow(struct ubus *u, struct ubus_follow *f)
{
	struct ubus_outgoing m = {.type = UBUS_ADD_OBJECT};

	f->object = 0;
	ask(u, f, UBUS_FOLLOW_ADDING, &m);
}

static void look(struct ubus *u, struct ubus_follow *f)
{
	struct ubus_outgoing m = {.type = UBUS_LOOKUP,
		.has = UBUS_HAS(UBUS_ATTRIBUTE_PATH),
		.path = f->path};

	if (!f->object) {
		begin_follow(u, f);
		return;
	}
	f->target = 0;
	ask(u, f, UBUS_FOLLOW_LOOKING, &m);
}

static void join(struct ubus *u, struct ubus_follow *f)
{
	struct ubus_outgoing m = {.type = UBUS_SUBSCRIBE,
		.has = UBUS_HAS(UBUS_ATTRIBUTE_OBJECT) | UBUS_HAS(UBUS_ATTRIBUTE_TARGET),
		.object = f->object,
		.target = f->target};

	ask(u, f, UBUS_FOLLOW_SUBSCRIBING, &m);
}

static void wait_for_target(struct ubus_follow *f)
{
	f->state = UBUS_FOLLOW_ABSENT;
	f->seq = 0;
	f->due_us = inbox_clock_us() + UBUS_LOOK_US;
}

static void follow_answered(struct ubus *u, struct ubus_follow *f, const struct ubus_header *h,
	const struct ubus_message *m)
{
	bool fine = ubus_message_has(m, UBUS_ATTRIBUTE_STATUS) && m->status == UBUS_OK;

	if (h->type == UBUS_DATA) {
		if (f->state == UBUS_FOLLOW_ADDING)
			f->object = m->object;
		else if (f->state == UBUS_FOLLOW_LOOKING)
			f->target = m->object;
		return;
	}
	if (f->state == UBUS_FOLLOW_ADDING && fine && f->object) {
		look(u, f);
	} else if (f->state == UBUS_FOLLOW_LOOKING && fine && f->target) {
		join(u, f);
	} else if (f->state == UBUS_FOLLOW_SUBSCRIBING && fine) {
		f->state = UBUS_FOLLOW_ON;
		f->seq = 0;
		f->due_us = USEC_NEVER;
		f->notify(f->user, UBUS_NOTIFY_HERE, NULL);
	} else {
		wait_for_target(f);
	}
}

int ubus_subscribe(struct ubus *u, const char *path, ubus_notify_fn *notify, void *user)
{
	struct ubus_follow *f = &u->follow[u->n_follows];

	if (u->n_follows == UBUS_SUBSCRIPTIONS_MAX)
		return -ENOSPC;
	if (!ubus_own_copy(f->path, path))
		return -EINVAL;
	f->notify = notify;
	f->user = user;
	u->n_follows++;
	if (u->listener)
		begin_follow(u, f);
	else
		need_listener(u);
	ubus_own_arm(u);
	return 0;
}

void ubus_client_gone(struct ubus *u, const struct ubus_message *m)
{
	for (unsigned i = 0; i < u->n_follows; i++) {
		struct ubus_follow *f = &u->follow[i];

		if (f->state != UBUS_FOLLOW_ON || f->object != m->object || f->target != m->target)
			continue;
		wait_for_target(f);
		f->notify(f->user, UBUS_NOTIFY_GONE, NULL);
	}
}

/* ---- events ---- */

static void listen_to(struct ubus *u, const char *pattern)
{
	struct json_object *data = json_object_new_object();
	struct ubus_outgoing m = {
		.type = UBUS_INVOKE,
		.seq = ubus_own_seq(u),
		.peer = UBUS_OBJECT_EVENT,
		.object = UBUS_OBJECT_EVENT,
		.has = UBUS_HAS(UBUS_ATTRIBUTE_OBJECT) | UBUS_HAS(UBUS_ATTRIBUTE_METHOD) |
		       UBUS_HAS(UBUS_ATTRIBUTE_DATA),
		.method = "register",
		.data = data,
	};

	json_object_object_add(data, "object", json_object_new_int((int32_t)u->listener));
	json_object_object_add(data, "pattern", json_object_new_string(pattern));
	ubus_own_send(u, &m);
	json_object_put(data);
}

/* Listening comes before the first look for targets, so that none can come unnoticed in between. */
static void begin_listening(struct ubus *u)
{
	if (u->listener) {
		listen_to(u, OBJECT_ADDED);
		for (unsigned i = 0; i < u->n_listeners; i++)
			listen_to(u, u->listen[i].pattern);
	}
	for (unsigned i = 0; i < u->n_follows; i++)
		begin_follow(u, &u->follow[i]);
}

int ubus_listen(struct ubus *u, const char *pattern, ubus_event_fn *event, void *user)
{
	struct ubus_listener *l = &u->listen[u->n_listeners];

	if (u->n_listeners == UBUS_LISTENERS_MAX)
		return -ENOSPC;
	if (!ubus_own_copy(l->pattern, pattern))
		return -EINVAL;
	l->event = event;
	l->user = user;
	u->n_listeners++;
	if (u->listener)
		listen_to(u, l->pattern);
	else
		need_listener(u);
	ubus_own_arm(u);
	return 0;
}

static bool matches(const char *pattern, const char *name)
{
	size_t size = strlen(pattern);

	if (size && pattern[size - 1] == '*')
		return !strncmp(pattern, name, size - 1);
	return !strcmp(pattern, name);
}

static void event_came(struct ubus *u, const char *name, struct json_object *data)
{
	struct json_object *path = NULL;

	u->stats.events_in++;
	if (!strcmp(name, OBJECT_ADDED) && json_object_object_get_ex(data, "path", &path) &&
		json_object_is_type(path, json_type_string))
		for (unsigned i = 0; i < u->n_follows; i++)
			if (u->follow[i].state == UBUS_FOLLOW_ABSENT &&
				!strcmp(u->follow[i].path, json_object_get_string(path)))
				look(u, &u->follow[i]);
	for (unsigned i = 0; i < u->n_listeners; i++)
		if (matches(u->listen[i].pattern, name))
			u->listen[i].event(u->listen[i].user, name, data);
}

bool ubus_send(struct ubus *u, const char *name, struct json_object *data)
{
	struct json_object *o;
	struct ubus_outgoing m = {
		.type = UBUS_INVOKE,
		.peer = UBUS_OBJECT_EVENT,
		.object = UBUS_OBJECT_EVENT,
		.has = UBUS_HAS(UBUS_ATTRIBUTE_OBJECT) | UBUS_HAS(UBUS_ATTRIBUTE_METHOD) |
		       UBUS_HAS(UBUS_ATTRIBUTE_DATA),
		.method = "send",
	};
	int error;

	if (u->state != UBUS_STATE_UP)
		return false;
	if (evbuffer_get_length(u->out) >= UBUS_OUTPUT_LOW) {
		u->stats.dropped++;
		return false;
	}
	o = json_object_new_object();
	json_object_object_add(o, "id", json_object_new_string(name));
	json_object_object_add(o, "data", data ? json_object_get(data) : json_object_new_object());
	m.seq = ubus_own_seq(u);
	m.data = o;
	error = ubus_own_send(u, &m);
	json_object_put(o);
	if (!error)
		u->stats.events_out++;
	ubus_own_arm(u);
	return !error;
}

/* ---- messages ---- */

void ubus_client_begin(struct ubus *u)
{
	if (u->n_follows || u->n_listeners)
		need_listener(u);
}

void ubus_client_end(struct ubus *u)
{
	u->listener = 0;
	u->listener_seq = 0;
	for (unsigned i = 0; i < UBUS_CALLS_MAX; i++)
		if (u->call[i].state != UBUS_CALL_FREE)
			end_call(u, &u->call[i], UBUS_CONNECTION_FAILED);
	for (unsigned i = 0; i < u->n_follows; i++) {
		struct ubus_follow *f = &u->follow[i];
		bool was_on = f->state == UBUS_FOLLOW_ON;

		f->state = UBUS_FOLLOW_IDLE;
		f->seq = 0;
		if (was_on)
			f->notify(f->user, UBUS_NOTIFY_GONE, NULL);
	}
}

static void listener_answered(struct ubus *u, const struct ubus_header *h,
	const struct ubus_message *m)
{
	if (h->type == UBUS_DATA) {
		u->listener = m->object;
		return;
	}
	u->listener_seq = 0;
	begin_listening(u);
}

bool ubus_client_answer(struct ubus *u, const struct ubus_header *h, const struct ubus_message *m)
{
	if (h->seq && h->seq == u->listener_seq) {
		listener_answered(u, h, m);
		return true;
	}
	for (unsigned i = 0; i < u->n_follows; i++)
		if (h->seq && u->follow[i].seq == h->seq) {
			follow_answered(u, &u->follow[i], h, m);
			return true;
		}
	for (unsigned i = 0; i < UBUS_CALLS_MAX; i++)
		if (u->call[i].state != UBUS_CALL_FREE && u->call[i].seq == h->seq) {
			call_answered(u, &u->call[i], h, m);
			return true;
		}
	return false;
}

/* Who notifies may wait for an answer of each subscriber. */
static void acknowledge(struct ubus *u, const struct ubus_header *h, const struct ubus_message *m)
{
	struct ubus_outgoing answer = {
		.type = UBUS_STATUS,
		.seq = h->seq,
		.peer = h->peer,
		.has = UBUS_HAS(UBUS_ATTRIBUTE_STATUS) | UBUS_HAS(UBUS_ATTRIBUTE_OBJECT),
		.object = m->object,
	};

	if (h->peer && !m->no_reply)
		ubus_own_send(u, &answer);
}

static struct ubus_follow *find_follow(struct ubus *u, uint32_t object)
{
	for (unsigned i = 0; i < u->n_follows; i++)
		if (u->follow[i].state != UBUS_FOLLOW_IDLE && u->follow[i].object == object)
			return &u->follow[i];
	return NULL;
}

bool ubus_client_invoked(struct ubus *u, const struct ubus_header *h, const struct ubus_message *m)
{
	struct ubus_follow *f = m->object ? find_follow(u, m->object) : NULL;
	struct json_object *data;

	if (!f && (!u->listener || m->object != u->listener))
		return false;
	data = m->data.size <= UBUS_REPLY_MAX ? blob_to_json(m->data) : NULL;
	if (!data || !m->method)
		u->stats.malformed++;
	else if (!f)
		event_came(u, m->method, data);
	else if (f->state == UBUS_FOLLOW_ON)
		f->notify(f->user, m->method, data);
	json_object_put(data);
	acknowledge(u, h, m);
	return true;
}

/* ---- time ---- */

int64_t ubus_client_due(const struct ubus *u)
{
	int64_t due_us = USEC_NEVER;

	for (unsigned i = 0; i < UBUS_CALLS_MAX; i++)
		if (u->call[i].state != UBUS_CALL_FREE)
			due_us = usec_min(due_us, u->call[i].due_us);
	for (unsigned i = 0; i < u->n_follows; i++)
		if (u->follow[i].state != UBUS_FOLLOW_IDLE)
			due_us = usec_min(due_us, u->follow[i].due_us);
	return due_us;
}

void ubus_client_tick(struct ubus *u, int64_t now_us)
{
	for (unsigned i = 0; i < UBUS_CALLS_MAX; i++)
		if (u->call[i].state != UBUS_CALL_FREE && u->call[i].due_us <= now_us)
			end_call(u, &u->call[i], UBUS_TIMEOUT);
	for (unsigned i = 0; i < u->n_follows; i++) {
		struct ubus_follow *f = &u->follow[i];

		if (f->state == UBUS_FOLLOW_IDLE || f->due_us > now_us)
			continue;
		if (f->state == UBUS_FOLLOW_ABSENT)
			look(u, f);
		else
			u->broken = true; /* the bus itself does not answer */
	}
}
