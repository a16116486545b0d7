/* The daemon's answers as people read them. */
#pragma once

#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>

#include "api/command.h"
#include "ctl/arguments.h"

struct show {
	FILE *out;
	bool colours;
	int width; /* of the terminal; 0: do not cut or wrap */
};

/* The result of a command; returns the exit code that goes with it. */
enum exit_code show_result(const struct show *s, const struct command *c,
	struct json_object *result);
/* One event as a line: "14:03:20  wan: up -> dead: ..." */
void show_event(const struct show *s, struct json_object *event);
/* Of a state's word: EXIT_OK for healthy ... */
enum exit_code show_state_code(const char *state);
