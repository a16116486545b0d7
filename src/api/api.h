/*
 * What every door to the daemon (RPC socket, ubus, HTTP) calls: one command in, one JSON result or error out.
 *
 *   door -> api_call() -> command table (name, permission, arguments) -> handler -> views of the engine | hooks
 *
 * Looking happens here, on read-only copies (core/view.h).  Doing happens in the daemon, through the hooks: what
 * concerns the engine becomes an INPUT_COMMAND in the inbox and takes the road of every other input.
 */
#pragma once

#include <json-c/json.h>
#include <sys/types.h>
#include <time.h>

#include "api/command.h"
#include "api/trial.h"
#include "config/config.h"
#include "config/uci_store.h"
#include "core/view.h"

struct eventring;
struct history;
struct ledger;

/* JSON-RPC 2.0 §5.1, and our own. */
enum api_code {
	API_PARSE_ERROR = -32700,
	API_INVALID_REQUEST = -32600,
	API_METHOD_NOT_FOUND = -32601,
	API_INVALID_PARAMS = -32602,
	API_INTERNAL = -32603,
	API_REFUSED = -32000,     /* understood, but not possible as things are */
	API_PERMISSION = -32001,  /* the caller may not */
	API_NOT_FOUND = -32002,   /* no such link, class, event ... */
	API_UNAVAILABLE = -32003, /* this daemon does not keep that, or not now */
	API_TOO_LARGE = -32004,   /* the answer does not fit; ask for less */
	API_BUSY = -32005,        /* too many at a time; try again */
	API_UNSUPPORTED = -32006, /* known, but not a thing of this version */
};

struct api_error {
	int code;                 /* enum api_code */
	char text[512];           /* says what to do */
	struct json_object *data; /* more, for programs; the caller puts it; NULL: none */
};

struct api_trace_status {
	bool running;
	char file
		[CONFIG_PATH_SIZE]; /* of the present trace or the last one; "" when there was none */
	int64_t bytes, limit_bytes;
};

/* A question to the record of the site (io/sitefile.h): "recording" (where is it?), "whatif" or "tune". */
struct api_study {
	const char *verb;
	const char *set;    /* NULL: none */
	const char *family; /* "ipv4"; NULL with recording */
	int64_t since_us;   /* USEC_NEVER: all */
};

/* Called once for each counter by hooks->metrics. */
typedef void api_metric_fn(void *to, const char *name, int64_t value, const char *text);

/* Called once for each sentence by hooks->steering. */
typedef void api_sentence_fn(void *to, const char *text);

/*
 * What the daemon does for the API; user is api->user.  A hook that is NULL makes its commands answer API_UNAVAILABLE.
 * Hooks are called from within api_call(), on the loop, and must not block.  Those that return int return 0 or -errno
 * with ret filled.
 */
struct api_hooks {
	/* Leaves an INPUT_COMMAND (now_us is set) in the inbox; false when it is full. */
	bool (*input)(void *user, const struct input *in);
	/*
	 * Uses this configuration from now on: copies it, diffs and logs, points api->config at the copy, gives it
	 * to the adapters and the engine.  It was read and validated, and the file on disk already says the same.
	 */
	int (*use_config)(void *user, const struct config *config, struct problem *ret);
	/* syslog's LOG_ERR .. LOG_DEBUG */
	void (*set_log_level)(void *user, int level);
	/* name has no slash, does not begin with a dot and may be "": then the daemon makes one up. */
	int (*trace_start)(void *user, const char *name, int64_t limit_bytes, struct problem *ret);
	int (*trace_stop)(void *user, struct problem *ret);
	void (*trace_status)(void *user, struct api_trace_status *ret);
	/* The answer, or an object with "running"; -EBUSY: with another question. */
	int (*study)(void *user, const struct api_study *study, struct json_object **ret_json,
		struct problem *ret);
	void (*metrics)(void *user, api_metric_fn *tell, void *to);
	/* Adds what only adapters know of a link: interface, resolvers and, with why, the evidence of its kind. */
	void (*link)(void *user, unsigned link, bool why, struct json_object *to);
	/* How it stands with OpenWrt's bus, in a word. */
	const char *(*ubus_state)(void *user);
	/* How another program is steered, and what of ours makes it so; nothing when there is none. */
	void (*steering)(void *user, api_sentence_fn *tell, void *to);
	/* One line for the log; level is syslog's. */
	void (*log)(void *user, int level, const char *text);
};

/*
 * Owned by the daemon, in static memory.  Pointers may be NULL (a feature that is not kept) and may be changed
 * between calls.
 */
struct api {
	const struct engine *engine;
	const struct config *config; /* in use */
	const char *config_file;
	const struct eventring *events;
	const struct history *history;
	const struct ledger *ledger;
	const struct api_hooks *hooks;
	void *user;

	int64_t started_us;
	int64_t now_us;      /* set with api_set_time() before api_call() */
	int64_t now_wall_us; /* CLOCK_REALTIME, for showing */

	struct trial trial;
	int64_t actions_us; /* rate limit of historic.h: the time until which they are paid for */
	struct uci_store store; /* of config_file; open only within a call */
	int64_t changed_us;     /* when it was last written */
	/* the last config.set, for a while: a commit of uci that began before it may put the file of before in its place */
	struct {
		struct json_object *params; /* NULL: none */
		char *before;               /* the file's text until then */
		struct timespec written;
		ino_t inode;
		unsigned again; /* how often it was done again */
	} last_set;
	uint64_t calls, errors; /* of api_call */
};

void api_init(struct api *api, const struct engine *engine, const struct config *config,
	const char *config_file, int64_t now_us);
void api_set_time(struct api *api, int64_t now_us, int64_t now_wall_us);

/*
 * Carries out method with params (an object by name, an array by place, or NULL) for a caller with this permission.
 * 0 with *ret_result a new object that the caller puts; or -1 with *ret_error filled and *ret_result untouched.
 */
int api_call(struct api *api, enum permission permission, const char *method,
	struct json_object *params, struct json_object **ret_result, struct api_error *ret_error);

/*
 * Call at start, before the configuration is read: when the daemon ended in the middle of an apply --confirm the file
 * from before comes back.  1 when that happened, 0 when there was nothing to do, -errno.
 */
int api_recover_config(const char *config_file);
/* When it could not: api_tick() goes on trying. */
void api_recover_later(struct api *api);

/*
 * Call at each wake-up (or at the time it returned last): rolls an unconfirmed configuration back when its time has
 * come.  Returns when it wants to be called again, USEC_NEVER when not.
 */
int64_t api_tick(struct api *api, int64_t now_us);

/*
 * Call when the file may have been changed by somebody: what they overwrote of the last config.set, without having seen
 * it, is done again.
 */
void api_file_changed(struct api *api, int64_t now_us);
void api_forget_set(struct api *api);

/* Fills ret_error and returns -1, so that handlers can "return api_fail(...)". */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
int api_fail(struct api_error *ret_error, enum api_code code, const char *format, ...);
