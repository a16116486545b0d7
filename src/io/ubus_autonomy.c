#include "io/ubus_autonomy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "api/historic.h"
#include "api/json.h"
#include "api/memory.h"
#include "base/usec.h"
#include "core/eventring.h"
#include "core/names.h"
#include "io/inbox.h"
#include "io/log.h"

#define SESSION_ARGUMENT "ubus_rpc_session" /* added by those who call for a browser */
#define EVENT_US (USEC_S / UBUS_EVENTS_PER_S)

static void set_time(struct api *api)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	api_set_time(api, inbox_clock_us(), t.tv_sec * USEC_S + t.tv_nsec / 1000);
}

/* ---- methods ---- */

/* As `ubus -v list` can show it: durations and sizes are text, though a number is taken too. */
static enum blob_type argument_blob_type(enum argument_type type)
{
	switch (type) {
	case ARGUMENT_INTEGER:
		return BLOB_INT32;
	case ARGUMENT_BOOL:
		return BLOB_BOOL;
	case ARGUMENT_ANY:
		return BLOB_NULL;
	case ARGUMENT_STRING:
	case ARGUMENT_BYTES:
	case ARGUMENT_SPAN:
	case ARGUMENT_CHOICE:
	case ARGUMENT_FILE:
	case ARGUMENT_TYPE_COUNT:
		break;
	}
	return BLOB_STRING;
}

static void put_argument(void *to, const char *name, enum argument_type type)
{
	blob_put_int32(to, name, (int32_t)argument_blob_type(type));
}

static void put_signature(void *user, struct blob_writer *w)
{
	const char *name;

	(void)user;
	for (size_t i = 0; i < COMMAND_ID_COUNT; i++) {
		const struct command *c = &command_table[i];
		size_t mark = blob_open_table(w, c->name);

		for (unsigned k = 0; k < command_n_arguments(c); k++)
			put_argument(w, c->argument[k].name, c->argument[k].type);
		historic_arguments(c->name, put_argument, w);
		blob_close(w, mark);
	}
	for (unsigned i = 0; (name = historic_name(i)) != NULL; i++) {
		size_t mark;

		if (command_find(name))
			continue;
		mark = blob_open_table(w, name);
		historic_arguments(name, put_argument, w);
		blob_close(w, mark);
	}
}

enum ubus_status ubus_status_of(int api_code)
{
	switch ((enum api_code)api_code) {
	case API_PARSE_ERROR:
		return UBUS_PARSE_ERROR;
	case API_INVALID_REQUEST:
	case API_INVALID_PARAMS:
		return UBUS_INVALID_ARGUMENT;
	case API_METHOD_NOT_FOUND:
		return UBUS_METHOD_NOT_FOUND;
	case API_PERMISSION:
		return UBUS_PERMISSION_DENIED;
	case API_NOT_FOUND:
		return UBUS_NOT_FOUND;
	case API_UNAVAILABLE:
		return UBUS_NO_DATA;
	case API_UNSUPPORTED:
		return UBUS_NOT_SUPPORTED;
	case API_TOO_LARGE:
		return UBUS_NO_MEMORY;
	case API_INTERNAL:
	case API_REFUSED:
	case API_BUSY:
		break;
	}
	return UBUS_UNKNOWN_ERROR;
}

/* The sentence goes along as data, which is shown before the status by those who show it. */
static void answer_error(struct ubus_autonomy *a, const struct ubus_request *request,
	const struct api_error *error)
{
	struct json_object *o = json_object_new_object();

	json_put_text(o, "error", error->text);
	json_put_int(o, "code", error->code);
	if (error->data)
		json_object_object_add(o, "data", error->data);
	ubus_reply(a->ubus, request, o);
	ubus_finish(a->ubus, request, ubus_status_of(error->code));
	json_object_put(o);
}

static void answer(struct ubus_autonomy *a, const struct ubus_request *request,
	struct json_object *result)
{
	struct api_error error;

	if (ubus_reply(a->ubus, request, result) == -E2BIG) {
		api_fail(&error, API_TOO_LARGE,
			"the answer is too large; ask for less (limit, span, resolution)");
		answer_error(a, request, &error);
	} else {
		ubus_finish(a->ubus, request, UBUS_OK);
	}
}

static void called(void *user, const struct ubus_request *request, const char *method,
	struct json_object *arguments)
{
	struct ubus_autonomy *a = user;
	enum permission permission = request->user[0] ? PERMISSION_ADMIN : PERMISSION_READ;
	struct json_object *result = NULL;
	struct api_error error;
	int r;

	set_time(a->api);
	json_object_object_del(arguments, SESSION_ARGUMENT);
	r = historic_call(a->api, permission, method, arguments, &result, &error);
	if (historic_changes(method))
		log_line(r ? LOG_DEBUG : LOG_NOTICE, "ubus: %s by %s%s%s", method, request->user,
			r ? ": " : "", r ? error.text : "");
	if (r)
		answer_error(a, request, &error);
	else
		answer(a, request, result);
	json_object_put(result);
}

/* ---- events ---- */

static bool pay(struct ubus_autonomy *a, int64_t now_us)
{
	if (a->room_us - now_us > (UBUS_EVENTS_BURST - 1) * EVENT_US)
		return false;
	a->room_us = usec_max(a->room_us, now_us) + EVENT_US;
	return true;
}

static void tell(struct ubus_autonomy *a, const struct eventring_entry *entry)
{
	struct json_object *o = event_json(a->api, entry);
	char name[48];

	if (a->lost)
		json_put_int(o, "lost", (int64_t)a->lost);
	snprintf(name, sizeof(name), "autonomy.%s", event_kind_name(entry->event.kind));
	if (ubus_send(a->ubus, name, o))
		a->lost = 0;
	else
		a->lost++;
	ubus_notify(a->ubus, a->object, event_kind_name(entry->event.kind), o);
	json_object_put(o);
}

void ubus_autonomy_push(struct ubus_autonomy *a)
{
	const struct eventring *ring = a->ubus ? a->api->events : NULL;
	struct eventring_entry entry;
	uint64_t lost;

	if (!ring || a->cursor == ring->next)
		return;
	if (ubus_state(a->ubus) != UBUS_STATE_UP) {
		/* who comes later asks with "events", and does not want to be told old news */
		a->cursor = ring->next;
		return;
	}
	set_time(a->api);
	while (a->cursor != ring->next && pay(a, a->api->now_us)) {
		if (!eventring_read(ring, &a->cursor, &entry, 1, &lost))
			return;
		a->lost += lost;
		tell(a, &entry);
	}
}

void ubus_autonomy_init(struct ubus_autonomy *a, struct ubus *ubus, struct api *api)
{
	*a = (struct ubus_autonomy){.ubus = ubus,
		.api = api,
		.cursor = api->events ? api->events->next : 0};
	a->object = ubus_object_add(ubus, "autonomy", put_signature, called, a);
}
