/*
 * The command table: the one description of what can be asked of autonomyd.  The RPC socket, the ubus object, the HTTP
 * API and autonomyctl are doors to it; completion, man pages and docs/api.md are printed from it.  Pure data: who carries
 * a command out is in api.c, so that a client can use the table without the daemon behind it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum permission {
	PERMISSION_READ,    /* look */
	PERMISSION_OPERATE, /* move traffic: pin, hold, drain, recheck */
	PERMISSION_ADMIN,   /* change the configuration or what the daemon does */
	PERMISSION_COUNT,
};

enum command_id {
	COMMAND_ID_STATUS,
	COMMAND_ID_LINKS,
	COMMAND_ID_LINK,
	COMMAND_ID_EXPLAIN,
	COMMAND_ID_EVENTS,
	COMMAND_ID_HISTORY,
	COMMAND_ID_LEDGER,
	COMMAND_ID_PIN,
	COMMAND_ID_UNPIN,
	COMMAND_ID_HOLD,
	COMMAND_ID_UNHOLD,
	COMMAND_ID_DRAIN,
	COMMAND_ID_UNDRAIN,
	COMMAND_ID_RECHECK,
	COMMAND_ID_RELEASE,
	COMMAND_ID_STEER,
	COMMAND_ID_TRACE_START,
	COMMAND_ID_TRACE_STOP,
	COMMAND_ID_TRACE_STATUS,
	COMMAND_ID_RECORDING,
	COMMAND_ID_WHATIF,
	COMMAND_ID_TUNE,
	COMMAND_ID_CONFIG_CHECK,
	COMMAND_ID_CONFIG_SHOW,
	COMMAND_ID_CONFIG_GET,
	COMMAND_ID_CONFIG_SET,
	COMMAND_ID_CONFIG_DIFF,
	COMMAND_ID_CONFIG_APPLY,
	COMMAND_ID_CONFIG_CONFIRM,
	COMMAND_ID_CONFIG_ROLLBACK,
	COMMAND_ID_CONFIG_RELOAD,
	COMMAND_ID_LOG,
	COMMAND_ID_METRICS,
	COMMAND_ID_VERSION,
	COMMAND_ID_COMMANDS,
	COMMAND_ID_COUNT,
};

enum argument_type {
	ARGUMENT_STRING, /* at most max bytes */
	ARGUMENT_INTEGER,
	ARGUMENT_BYTES, /* "4MB"; a number is bytes */
	ARGUMENT_SPAN,  /* "90s", "1h"; a number is seconds; kept in microseconds */
	ARGUMENT_BOOL,
	ARGUMENT_CHOICE, /* one of choices */
	ARGUMENT_FILE, /* a file's content, at most max bytes; autonomyctl takes the file's name and reads it */
	ARGUMENT_ANY, /* any JSON value */
	ARGUMENT_TYPE_COUNT,
};

/* What a shell offers in its place. */
enum completion {
	COMPLETION_NONE,
	COMPLETION_LINK,
	COMPLETION_CLASS,
	COMPLETION_CHOICE,
	COMPLETION_FILE,
	COMPLETION_COUNT,
};

struct argument {
	const char *name;
	enum argument_type type;
	enum completion completion;
	bool required;
	bool positional; /* autonomyctl takes it by place; the others are --name */
	bool repeats; /* autonomyctl takes it several times and joins them with blanks; any: makes them a list */
	const char *fallback; /* as text; NULL: none */
	const char *choices;  /* "ipv4|ipv6"; ARGUMENT_CHOICE only */
	int64_t min, max;     /* integer; span in us; string and file: max is bytes */
	const char *text;
};

#define COMMAND_ARGUMENTS_MAX 8
struct command {
	const char *name; /* "config.check"; autonomyctl says "config check" */
	enum permission permission;
	bool changes;                    /* the caller wants something done; false: it only looks */
	bool stream;                     /* with follow=true, notifications come after the result */
	const char *text;                /* one line */
	const char *result;              /* what comes back */
	const char *help;                /* more, for the manual; may be "" */
	const struct argument *argument; /* ends at a NULL name; NULL: none */
};

extern const struct command command_table[COMMAND_ID_COUNT];

const char *permission_name(enum permission permission);
const char *argument_type_name(enum argument_type type);
const char *completion_name(enum completion completion);

/* NULL when there is no such command. */
const struct command *command_find(const char *name);
unsigned command_n_arguments(const struct command *c);
/* The index, or -1. */
int command_argument_index(const struct command *c, const char *name);
/* Whether word is among choices ("a|b|c"). */
bool command_is_choice(const char *choices, const char *word);
/* The command whose name is nearest to a misspelt one, or NULL when none is near. */
const struct command *command_nearest(const char *name);
