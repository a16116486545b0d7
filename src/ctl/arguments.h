/* The command line: global options, then a command of the table with its arguments as JSON. */
#pragma once

#include <json-c/json.h>
#include <stdbool.h>

#include "api/command.h"

/* Exit codes; scripts rely on them.  Described in the manual. */
enum exit_code {
	EXIT_OK = 0,
	EXIT_REFUSED = 1,     /* the daemon answered with an error, or the check failed */
	EXIT_USAGE = 2,       /* the command line is wrong */
	EXIT_UNREACHABLE = 3, /* no daemon answers */
	EXIT_PERMISSION = 4,
	EXIT_DEGRADED = 10, /* status only, as the rest */
	EXIT_DEAD = 11,
	EXIT_OFFLINE = 12,
	EXIT_STARTING = 13,
};

/* What autonomyctl does by itself. */
enum local_command {
	LOCAL_NONE,
	LOCAL_HELP,
	LOCAL_WATCH,
	LOCAL_COMPLETION,
	LOCAL_NAMES,    /* not shown: links or classes, for completion */
	LOCAL_IMPORT,   /* "config import" */
	LOCAL_GENERATE, /* not shown: man pages and docs/api.md, at build time */
	LOCAL_COMMAND_COUNT,
};

struct arguments {
	const char *socket;
	bool json;
	enum local_command local;
	const struct command *command; /* NULL with a local one */
	const char
		*word; /* of a local command: the shell, the document, the command, the old file */
	const char *output; /* of config import */
	bool dry_run;
	const char *file;           /* name of the file that an ARGUMENT_FILE was read from */
	struct json_object *params; /* of command */
	char *const
		*rest; /* of whatif and tune: what stands after the command, for autonomy-replay */
	int n_rest;
};

/* 0; -EINVAL or -EIO with a sentence in text.  Done with arguments_done() in every case. */
int arguments_parse(struct arguments *a, int argc, char **argv, char *text, size_t size);
void arguments_done(struct arguments *a);

/* "config check FILE", "pin LINK [--class CLASS] [--for DURATION]" */
void arguments_usage(const struct command *c, char *text, size_t size);
/* The name as typed: "config check". */
const char *arguments_words(const struct command *c, char *text, size_t size);
