#include "ctl/watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/json.h"
#include "base/usec.h"
#include "ctl/client.h"
#include "ctl/screen.h"
#include "ctl/watch_draw.h"

#define DRAW_EVERY_US (250 * USEC_MS) /* at most four times a second: over a serial line too */
#define ASK_EVERY_US USEC_S
#define CONNECT_EVERY_US USEC_S
#define MESSAGE_US (8 * USEC_S)

/* What an answer is to, in its id; a history's slot is added to ID_HISTORY. */
enum request_id {
	ID_STATUS = 1,
	ID_EVENTS,
	ID_EXPLAIN,
	ID_COMMAND,
	ID_HISTORY = 16,
};

struct session {
	struct watch watch;
	struct client client;
	const char *socket;
	bool asked;       /* a status is under way */
	bool want_status; /* something happened */
	uint32_t history; /* slots whose past was asked for */
	int64_t now_us, drawn_us, second_us, connect_us, message_us;
	struct canvas canvas[2];
	int current; /* of canvas: the one on the terminal */
	bool fresh;  /* the terminal holds something else */
	bool quit;
	char out[CANVAS_DIFF_SIZE];
};

static int64_t clock_us(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * USEC_S + t.tv_nsec / 1000;
}

static void say(struct session *s, const char *text)
{
	snprintf(s->watch.message, sizeof(s->watch.message), "%s", text);
	s->message_us = s->now_us;
}

static void disconnect(struct session *s)
{
	client_close(&s->client);
	s->watch.connected = false;
	s->asked = false;
	s->connect_us = s->now_us + CONNECT_EVERY_US;
}

static void ask(struct session *s, int id, const char *method, struct json_object *params)
{
	if (s->client.fd < 0) {
		json_object_put(params);
		return;
	}
	if (client_send(&s->client, id, method, params))
		disconnect(s);
}

static void ask_status(struct session *s)
{
	if (s->asked)
		return;
	s->asked = true;
	s->want_status = false;
	ask(s, ID_STATUS, "status", NULL);
	if (s->watch.explanation)
		ask(s, ID_EXPLAIN, "explain", NULL);
}

static void connect_again(struct session *s)
{
	struct json_object *params;
	int r;

	if (s->client.fd >= 0 || s->now_us < s->connect_us)
		return;
	r = client_open(&s->client, s->socket);
	if (r) {
		char text[200];

		snprintf(text, sizeof(text), "no daemon on %s (%s); trying again", s->socket,
			strerror(-r));
		say(s, text);
		s->connect_us = s->now_us + CONNECT_EVERY_US;
		return;
	}
	s->watch.connected = true;
	s->watch.message[0] = '\0';
	s->history = 0;
	params = json_object_new_object();
	json_put_bool(params, "follow", true);
	json_put_int(params, "limit", WATCH_EVENTS_MAX);
	ask(s, ID_EVENTS, "events", params);
	ask_status(s);
}

/* The last minute of links seen for the first time. */
static void ask_histories(struct session *s)
{
	struct json_object *links = json_get_array(s->watch.status, "links");

	for (size_t i = 0; links && i < json_object_array_length(links); i++) {
		struct json_object *link = json_object_array_get_idx(links, i), *params;
		int64_t slot = json_get_int(link, "slot", -1);

		if (slot < 0 || slot >= WATCH_LINKS_MAX || (s->history & (UINT32_C(1) << slot)))
			continue;
		s->history |= UINT32_C(1) << slot;
		params = json_object_new_object();
		json_put_text(params, "link", json_get_text(link, "link", ""));
		json_put_int(params, "span", WATCH_SCORES);
		json_put_int(params, "resolution", 1);
		ask(s, ID_HISTORY + (int)slot, "history", params);
	}
}

static void take_events(struct session *s, struct json_object *events)
{
	for (size_t i = 0; events && i < json_object_array_length(events); i++)
		watch_take_event(&s->watch, json_object_get(json_object_array_get_idx(events, i)));
}

static void take_result(struct session *s, int id, struct json_object *result)
{
	if (id == ID_STATUS) {
		s->asked = false;
		watch_take_status(&s->watch, json_object_get(result));
		ask_histories(s);
	} else if (id == ID_EVENTS) {
		take_events(s, json_get_array(result, "events"));
	} else if (id == ID_EXPLAIN) {
		json_object_put(s->watch.explanation);
		s->watch.explanation = json_object_get(result);
	} else if (id == ID_COMMAND) {
		say(s, json_get_text(result, "text", "done"));
		s->want_status = true;
	} else if (id >= ID_HISTORY && id < ID_HISTORY + WATCH_LINKS_MAX) {
		watch_take_history(&s->watch, (unsigned)(id - ID_HISTORY), result);
	}
}

static void take_message(struct session *s, struct json_object *message)
{
	struct json_object *params = json_get_object(message, "params"),
			   *result = json_get_object(message, "result"),
			   *error = json_get_object(message, "error");
	int id = (int)json_get_int(message, "id", 0);

	if (params) {
		watch_take_event(&s->watch, json_object_get(params));
		s->want_status = true;
	} else if (result) {
		take_result(s, id, result);
	} else if (error) {
		if (id == ID_STATUS)
			s->asked = false;
		/* a daemon without history is no news */
		if (id < ID_HISTORY)
			say(s, json_get_text(error, "message", "refused"));
	}
}

static void read_messages(struct session *s)
{
	struct json_object *message;
	int r;

	while (s->client.fd >= 0) {
		r = client_read(&s->client, 0, &message);
		if (r < 0)
			disconnect(s);
		if (r <= 0)
			return;
		take_message(s, message);
		json_object_put(message);
	}
}

static bool is_drained(const struct session *s, unsigned place)
{
	struct json_object *links = json_get_array(s->watch.status, "links");

	return links && json_get_bool(json_object_array_get_idx(links, place), "drained");
}

static void answer_prompt(struct session *s, int key)
{
	int place = watch_place_of_key(key);
	const char *link = place < 0 ? NULL : watch_link(&s->watch, (unsigned)place);
	enum watch_prompt prompt = s->watch.prompt;
	struct json_object *params;

	s->watch.prompt = WATCH_PROMPT_NONE;
	if (!link)
		return;
	params = json_object_new_object();
	json_put_text(params, "link", link);
	switch (prompt) {
	case WATCH_PROMPT_PIN:
		ask(s, ID_COMMAND, "pin", params);
		return;
	case WATCH_PROMPT_DRAIN:
		ask(s, ID_COMMAND, is_drained(s, (unsigned)place) ? "undrain" : "drain", params);
		return;
	case WATCH_PROMPT_RECHECK:
		ask(s, ID_COMMAND, "recheck", params);
		return;
	case WATCH_PROMPT_NONE:
		break;
	}
	json_object_put(params);
}

static void toggle_explanation(struct session *s)
{
	if (s->watch.explanation) {
		json_object_put(s->watch.explanation);
		s->watch.explanation = NULL;
	} else {
		ask(s, ID_EXPLAIN, "explain", NULL);
	}
}

static void take_key(struct session *s, int key)
{
	if (s->watch.prompt != WATCH_PROMPT_NONE) {
		answer_prompt(s, key);
		return;
	}
	switch (key) {
	case 'q':
		s->quit = true;
		break;
	case 'p':
		s->watch.prompt = WATCH_PROMPT_PIN;
		break;
	case 'd':
		s->watch.prompt = WATCH_PROMPT_DRAIN;
		break;
	case 'r':
		s->watch.prompt = WATCH_PROMPT_RECHECK;
		break;
	case 'u':
		ask(s, ID_COMMAND, "unpin", NULL);
		break;
	case 'e':
		toggle_explanation(s);
		break;
	case 'L' - '@': /* ^L: something has written over the screen */
		s->fresh = true;
		break;
	default:
		break;
	}
}

static void draw(struct session *s)
{
	struct canvas *now = &s->canvas[1 - s->current];
	const char *no_colour = getenv("NO_COLOR");
	int rows, columns;
	size_t size;

	screen_size(&rows, &columns);
	canvas_init(now, rows, columns, !(no_colour && *no_colour), screen_unicode());
	s->watch.wall_us = clock_us(CLOCK_REALTIME);
	watch_draw(&s->watch, now);
	size = canvas_diff(s->fresh ? NULL : &s->canvas[s->current], now, s->out, sizeof(s->out));
	screen_write(s->out, size);
	s->current = 1 - s->current;
	s->fresh = false;
	s->drawn_us = s->now_us;
}

static void obey_signal(struct session *s)
{
	switch (screen_signal()) {
	case SCREEN_SIGNAL_END:
		s->quit = true;
		break;
	case SCREEN_SIGNAL_STOP:
		screen_close();
		screen_suspend();
		if (screen_open())
			s->quit = true;
		s->fresh = true;
		break;
	case SCREEN_SIGNAL_RESIZE:
		s->fresh = true;
		break;
	case SCREEN_SIGNAL_NONE:
		break;
	}
}

/* One turn: wait for something, take it, and draw if it is time. */
static void turn(struct session *s)
{
	int64_t wait_us = s->drawn_us + DRAW_EVERY_US - s->now_us;
	int ready = screen_wait(s->client.fd, wait_us > 0 ? (int)(wait_us / USEC_MS) + 1 : 0);
	int key;

	s->now_us = clock_us(CLOCK_MONOTONIC);
	obey_signal(s);
	if (ready & 1)
		read_messages(s);
	while ((ready & 2) && (key = screen_key()) >= 0)
		take_key(s, key);
	connect_again(s);
	if (s->now_us - s->second_us >= ASK_EVERY_US) {
		s->second_us = s->now_us;
		watch_take_second(&s->watch);
		s->want_status = true;
	}
	if (s->now_us - s->message_us > MESSAGE_US)
		s->watch.message[0] = '\0';
	if (s->now_us - s->drawn_us < DRAW_EVERY_US && !s->fresh && !(ready & 2))
		return;
	if (s->want_status)
		ask_status(s);
	draw(s);
}

enum exit_code watch_run(const char *socket)
{
	struct session *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return EXIT_REFUSED;
	s->client.fd = -1;
	s->socket = socket;
	s->fresh = true;
	watch_init(&s->watch);
	s->now_us = clock_us(CLOCK_MONOTONIC);
	r = client_open(&s->client, socket);
	client_close(&s->client);
	if (r == -EACCES || r == -ENOENT || r == -ECONNREFUSED) {
		fprintf(stderr, "autonomyctl: no autonomyd answers on %s: %s\n", socket,
			strerror(-r));
		free(s);
		return r == -EACCES ? EXIT_PERMISSION : EXIT_UNREACHABLE;
	}
	if (screen_open()) {
		fprintf(stderr, "autonomyctl: watch needs a terminal; use status or events\n");
		free(s);
		return EXIT_USAGE;
	}
	while (!s->quit)
		turn(s);
	screen_close();
	client_close(&s->client);
	watch_done(&s->watch);
	free(s);
	return EXIT_OK;
}
