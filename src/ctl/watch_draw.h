/* What watch knows, and how it looks on a screen.  Pure. */
#pragma once

#include <json-c/json.h>
#include <stdint.h>

#include "ctl/canvas.h"

#define WATCH_LINKS_MAX 16
#define WATCH_FAMILIES 2
#define WATCH_SCORES 120 /* seconds */
#define WATCH_EVENTS_MAX 64
#define WATCH_MESSAGE_SIZE 256

/* The score of one path, one value a second. */
struct watch_scores {
	int n;
	int value[WATCH_SCORES]; /* oldest first; -1: not known */
};

enum watch_prompt {
	WATCH_PROMPT_NONE,
	WATCH_PROMPT_PIN,
	WATCH_PROMPT_DRAIN,
	WATCH_PROMPT_RECHECK,
};

struct watch {
	struct json_object *status;                  /* the last; NULL: none yet */
	struct json_object *event[WATCH_EVENTS_MAX]; /* oldest first */
	int n_events;
	struct json_object *explanation; /* shown in place of events; NULL: not */
	struct watch_scores scores[WATCH_LINKS_MAX][WATCH_FAMILIES]; /* by slot */
	enum watch_prompt prompt;
	char message[WATCH_MESSAGE_SIZE]; /* of the bottom row; "": the keys */
	bool connected;
	int64_t wall_us; /* now, for the clock */
};

void watch_init(struct watch *w);
void watch_done(struct watch *w);
/* Takes the object. */
void watch_take_status(struct watch *w, struct json_object *status);
void watch_take_event(struct watch *w, struct json_object *event);
/* Adds the present scores to the bars; once a second. */
void watch_take_second(struct watch *w);
void watch_take_history(struct watch *w, unsigned slot, struct json_object *history);

/* The name of the link with this place in the list (0..), or NULL. */
const char *watch_link(const struct watch *w, unsigned place);
/* '1'..'9', 'a'..: the place, or -1. */
int watch_place_of_key(int key);

void watch_draw(const struct watch *w, struct canvas *c);
