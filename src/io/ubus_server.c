/* Objects, their methods and their subscribers. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "api/blob_json.h"
#include "base/usec.h"
#include "io/inbox.h"
#include "io/log.h"
#include "io/ubus_own.h"

static void add(struct ubus *u, struct ubus_object *o)
{
	struct ubus_outgoing m = {
		.type = UBUS_ADD_OBJECT,
		.seq = ubus_own_seq(u),
		.has = UBUS_HAS(UBUS_ATTRIBUTE_PATH) | UBUS_HAS(UBUS_ATTRIBUTE_SIGNATURE),
		.path = o->path,
		.signature = o->signature,
		.user = o->user,
	};

	o->object = 0;
	o->seq = m.seq;
	o->due_us = inbox_clock_us() + UBUS_ANSWER_US;
	ubus_own_send(u, &m);
}

int ubus_object_add(struct ubus *u, const char *path, ubus_signature_fn *signature,
	ubus_method_fn *method, void *user)
{
	struct ubus_object *o = &u->own[u->n_objects];

	if (u->n_objects == UBUS_OBJECTS_MAX)
		return -ENOSPC;
	if (!ubus_own_copy(o->path, path))
		return -EINVAL;
	o->signature = signature;
	o->method = method;
	o->user = user;
	o->due_us = USEC_NEVER;
	if (u->state == UBUS_STATE_UP)
		add(u, o);
	ubus_own_arm(u);
	return (int)u->n_objects++;
}

bool ubus_object_present(const struct ubus *u, int object)
{
	const struct ubus_object *o = &u->own[object];

	return u->state == UBUS_STATE_UP && o->object && !o->seq;
}

void ubus_server_begin(struct ubus *u)
{
	for (unsigned i = 0; i < u->n_objects; i++)
		add(u, &u->own[i]);
}

void ubus_server_end(struct ubus *u)
{
	for (unsigned i = 0; i < u->n_objects; i++) {
		u->own[i].object = 0;
		u->own[i].seq = 0;
		u->own[i].followed = false;
		u->own[i].due_us = USEC_NEVER;
	}
}

/* Another daemon may still have the name for a moment; the bus does not say whether that is why. */
static void refused(struct ubus_object *o, uint32_t status)
{
	const char *why = ubus_status_name(status);

	log_line(o->refused ? LOG_DEBUG : LOG_WARNING,
		"ubus: the object %s is refused (%s): another program has the name, or we may not "
		"publish it; trying again",
		o->path, why ? why : "?");
	o->refused = true;
	o->object = 0;
	o->due_us = inbox_clock_us() + UBUS_ADD_US;
}

bool ubus_server_answer(struct ubus *u, const struct ubus_header *h, const struct ubus_message *m)
{
	for (unsigned i = 0; i < u->n_objects; i++) {
		struct ubus_object *o = &u->own[i];

		if (!h->seq || o->seq != h->seq)
			continue;
		if (h->type == UBUS_DATA) {
			o->object = m->object;
			return true;
		}
		o->seq = 0;
		if (m->status || !o->object) {
			refused(o, m->status);
			return true;
		}
		o->refused = false;
		o->due_us = USEC_NEVER;
		return true;
	}
	return false;
}

static struct ubus_object *find(struct ubus *u, const struct ubus_message *m)
{
	for (unsigned i = 0; i < u->n_objects; i++)
		if (u->own[i].object && u->own[i].object == m->object)
			return &u->own[i];
	return NULL;
}

void ubus_server_followed(struct ubus *u, const struct ubus_message *m)
{
	struct ubus_object *o = find(u, m);

	if (o && ubus_message_has(m, UBUS_ATTRIBUTE_ACTIVE))
		o->followed = m->active;
}

void ubus_server_invoked(struct ubus *u, const struct ubus_header *h, const struct ubus_message *m)
{
	struct ubus_object *o = find(u, m);
	struct ubus_request request = {
		.connection = u->connection,
		.peer = h->peer,
		.object = m->object,
		.seq = h->seq,
		.no_reply = m->no_reply,
	};
	struct json_object *arguments = NULL;

	u->stats.calls_in++;
	if (!o || !m->method) {
		ubus_finish(u, &request, o ? UBUS_INVALID_ARGUMENT : UBUS_NOT_FOUND);
		return;
	}
	if (m->data.size <= UBUS_ARGUMENTS_MAX)
		arguments = blob_to_json(m->data);
	if (!arguments) {
		u->stats.malformed++;
		ubus_finish(u, &request, UBUS_INVALID_ARGUMENT);
		return;
	}
	snprintf(request.user, sizeof(request.user), "%s", m->user ? m->user : "");
	o->method(o->user, &request, m->method, arguments);
	json_object_put(arguments);
}

int ubus_reply(struct ubus *u, const struct ubus_request *request, struct json_object *data)
{
	const struct ubus_outgoing m = {
		.type = UBUS_DATA,
		.seq = request->seq,
		.peer = request->peer,
		.has = UBUS_HAS(UBUS_ATTRIBUTE_OBJECT) | UBUS_HAS(UBUS_ATTRIBUTE_DATA),
		.object = request->object,
		.data = data,
	};

	if (request->connection != u->connection)
		return -ENOTCONN;
	return request->no_reply ? 0 : ubus_own_send(u, &m);
}

void ubus_finish(struct ubus *u, const struct ubus_request *request, enum ubus_status status)
{
	const struct ubus_outgoing m = {
		.type = UBUS_STATUS,
		.seq = request->seq,
		.peer = request->peer,
		.has = UBUS_HAS(UBUS_ATTRIBUTE_STATUS) | UBUS_HAS(UBUS_ATTRIBUTE_OBJECT),
		.object = request->object,
		.status = (uint32_t)status,
	};

	if (request->connection == u->connection && !request->no_reply)
		ubus_own_send(u, &m);
	ubus_own_arm(u);
}

bool ubus_notify(struct ubus *u, int object, const char *name, struct json_object *data)
{
	const struct ubus_object *o = &u->own[object];
	struct ubus_outgoing m = {
		.type = UBUS_NOTIFY,
		.peer = o->object,
		.has = UBUS_HAS(UBUS_ATTRIBUTE_OBJECT) | UBUS_HAS(UBUS_ATTRIBUTE_METHOD) |
		       UBUS_HAS(UBUS_ATTRIBUTE_NO_REPLY) | UBUS_HAS(UBUS_ATTRIBUTE_DATA),
		.object = o->object,
		.method = name,
		.data = data,
	};

	if (!o->followed || !ubus_object_present(u, object))
		return false;
	if (evbuffer_get_length(u->out) >= UBUS_OUTPUT_LOW) {
		u->stats.dropped++;
		return false;
	}
	m.seq = ubus_own_seq(u);
	return !ubus_own_send(u, &m);
}

int64_t ubus_server_due(const struct ubus *u)
{
	int64_t due_us = USEC_NEVER;

	for (unsigned i = 0; i < u->n_objects; i++)
		due_us = usec_min(due_us, u->own[i].due_us);
	return due_us;
}

void ubus_server_tick(struct ubus *u, int64_t now_us)
{
	for (unsigned i = 0; i < u->n_objects; i++) {
		struct ubus_object *o = &u->own[i];

		if (o->due_us > now_us)
			continue;
		if (o->seq)
			u->broken = true; /* the bus itself does not answer */
		else
			add(u, o);
	}
}
