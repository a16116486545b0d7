/*
 * The attributes of a call to the object autonomy, through the object and the API.  Whatever comes, the caller gets at most
 * one reply, exactly one status, and both with what it needs to know them by.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "../unit/api/fake_engine.h"

#include "core/history.h"
#include "core/ledger.h"
#include "io/log.h"
#include "io/ubus_autonomy.h"
#include "io/ubus_own.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OBJECT 77
#define PEER 1234
#define SEQ 42

static bool hook_input(void *user, const struct input *in)
{
	(void)user;
	if (in->command.link > LINKS_MAX || in->command.class > CLASSES_MAX ||
		in->command.verb >= COMMAND_VERB_COUNT || in->command.expires_us <= in->now_us)
		abort();
	return true;
}

static void hook_set_log_level(void *user, int level)
{
	(void)user;
	(void)level;
}

static const struct api_hooks hooks = {.input = hook_input, .set_log_level = hook_set_log_level};

static struct ubus *bus_of_test(void)
{
	static struct ubus_autonomy autonomy;
	static struct api api;
	static struct config config;
	static struct eventring events;
	static struct history history;
	static struct ledger ledger;
	static struct ubus *u;
	struct event e = fake_switch();

	fake_reset();
	api.actions_us = 0;
	if (u)
		return u;
	log_open("fuzz", LOG_ERR, false);
	config_default(&config);
	eventring_init(&events, 1);
	ledger_init(&ledger);
	eventring_put(&events, &e);
	api_init(&api, NULL, &config, "/nonexistent/autonomy", FAKE_NOW_US - USEC_H);
	api.hooks = &hooks;
	api.events = &events;
	api.history = &history;
	api.ledger = &ledger;
	u = ubus_new(event_base_new(), false, "");
	if (!u)
		abort();
	ubus_autonomy_init(&autonomy, u, &api);
	u->state = UBUS_STATE_UP;
	u->own[0].object = OBJECT;
	u->fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	u->busy = true; /* output stays where it can be looked at */
	return u;
}

static void check_frame(struct ubus *u, enum ubus_type *ret)
{
	uint8_t bytes[UBUS_HEADER_SIZE];
	struct ubus_header h;
	struct ubus_message m;
	const uint8_t *whole;

	if (evbuffer_copyout(u->out, bytes, sizeof(bytes)) != (ev_ssize_t)sizeof(bytes) ||
		ubus_header_read(bytes, &h))
		abort();
	whole = evbuffer_pullup(u->out, (ev_ssize_t)(sizeof(bytes) + h.body_size));
	if (!whole || ubus_message_read(whole + sizeof(bytes), h.body_size, &m))
		abort();
	if (h.seq != SEQ || h.peer != PEER || m.object != OBJECT)
		abort();
	if (h.type == UBUS_STATUS ? !ubus_message_has(&m, UBUS_ATTRIBUTE_STATUS) ||
					    m.status >= UBUS_STATUS_COUNT
				  : h.type != UBUS_DATA || blob_check(m.data) != 0)
		abort();
	*ret = h.type;
	evbuffer_drain(u->out, sizeof(bytes) + h.body_size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ubus *u = bus_of_test();
	struct ubus_header h = {.type = UBUS_INVOKE, .seq = SEQ, .peer = PEER};
	struct ubus_message m;
	enum ubus_type type = UBUS_DATA;

	if (ubus_message_read(data, size, &m))
		return 0;
	m.object = OBJECT;
	ubus_server_invoked(u, &h, &m);
	if (!m.no_reply)
		check_frame(u, &type);
	if (!m.no_reply && type == UBUS_DATA)
		check_frame(u, &type);
	if ((!m.no_reply && type != UBUS_STATUS) || evbuffer_get_length(u->out))
		abort();
	return 0;
}
