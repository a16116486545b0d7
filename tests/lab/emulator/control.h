/* The control socket: a unix stream socket that takes lines and answers each with one line. */
#pragma once

#include "../loop.h"
#include "command.h"

#include <stddef.h>

#define CONTROL_CLIENTS_MAX 16
#define CONTROL_REPLY_MAX 65536

struct control_reply {
	char text[CONTROL_REPLY_MAX]; /* without a newline */
	size_t len;
};

struct control;

typedef void control_line_fn(struct control *control, char *line, struct control_reply *reply);

struct control_client {
	struct watch watch; /* fd < 0: free */
	struct control *control;
	char line[COMMAND_LINE_MAX];
	size_t len;
	bool overlong; /* the rest of the line is to be thrown away */
};

struct control {
	struct watch listener;
	struct loop *loop;
	control_line_fn *line;
	char path[108]; /* sun_path */
	struct control_client clients[CONTROL_CLIENTS_MAX];
	struct control_reply reply;
};

/* Replaces a socket left at path.  Returns 0 or a negative errno. */
int control_open(struct control *control, struct loop *loop, const char *path,
	control_line_fn *line);
void control_close(struct control *control);
