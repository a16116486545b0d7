#include "io/rpc.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "api/json.h"
#include "api/memory.h"
#include "api/snapshot.h"
#include "base/usec.h"
#include "core/eventring.h"
#include "io/inbox.h"
#include "io/log.h"

#define JSON_DEPTH_MAX 16
#define GROUPS_MAX 64
#define NO_GROUP ((gid_t)-1)
#define MESSAGES_AT_A_TIME 8 /* of one client, before the loop turns to others */

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif

struct client {
	struct rpc *rpc;
	struct bufferevent *stream; /* NULL: the slot is free */
	enum permission permission;
	uid_t uid;
	bool skipping; /* the rest of a line that was too long */
	bool paused;   /* not read from: it does not read its answers */
	bool ended;    /* it sends no more */
	bool follows;
	int link;        /* only what concerns it; -1: everything */
	uint64_t cursor; /* of the next event to push */
	uint64_t lost;   /* events that were not told yet to be lost */
};

struct rpc {
	struct event_base *base;
	struct api *api;
	struct evconnlistener *listener;
	struct json_tokener *tokener;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	dev_t device; /* of the socket file, to know it from a successor's */
	ino_t inode;
	gid_t group;
	struct client client[RPC_CLIENTS_MAX];
	struct rpc_stats stats;
};

static void set_time(struct rpc *rpc)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	api_set_time(rpc->api, inbox_clock_us(), t.tv_sec * USEC_S + t.tv_nsec / 1000);
}

static void client_close(struct client *c)
{
	if (!c->stream)
		return;
	bufferevent_free(c->stream);
	memset(c, 0, sizeof(*c));
}

static size_t client_pending(const struct client *c)
{
	return c->stream ? evbuffer_get_length(bufferevent_get_output(c->stream)) : 0;
}

static void close_slow(struct client *c)
{
	log_line(LOG_INFO, "rpc: a client of uid %u leaves %zu bytes unread: closed",
		(unsigned)c->uid, client_pending(c));
	c->rpc->stats.closed_slow++;
	client_close(c);
}

/* Keeps all that is waiting for clients within RPC_TOTAL_MAX. */
static void bound_total(struct rpc *rpc)
{
	for (;;) {
		struct client *most = &rpc->client[0];
		size_t total = 0;

		for (size_t i = 0; i < RPC_CLIENTS_MAX; i++) {
			total += client_pending(&rpc->client[i]);
			if (client_pending(&rpc->client[i]) > client_pending(most))
				most = &rpc->client[i];
		}
		if (total <= RPC_TOTAL_MAX)
			return;
		close_slow(most);
	}
}

/* ---- answers ---- */

static void set_error(struct api_error *error, int code, const char *text)
{
	error->code = code;
	error->data = NULL;
	snprintf(error->text, sizeof(error->text), "%s", text);
}

static struct json_object *new_answer(struct json_object *id)
{
	struct json_object *answer = json_object_new_object();

	json_put_text(answer, "jsonrpc", "2.0");
	json_object_object_add(answer, "id", json_object_get(id));
	return answer;
}

static struct json_object *error_answer(struct json_object *id, const struct api_error *error)
{
	struct json_object *answer = new_answer(id), *o = json_object_new_object();

	json_put_int(o, "code", error->code);
	json_put_text(o, "message", error->text);
	if (error->data)
		json_object_object_add(o, "data", error->data);
	json_object_object_add(answer, "error", o);
	return answer;
}

/* One line; takes the object. */
static void send_line(struct client *c, struct json_object *o)
{
	struct evbuffer *out = bufferevent_get_output(c->stream);
	size_t size;
	const char *text = json_object_to_json_string_length(o,
		JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &size);

	if (text && size <= RPC_REPLY_MAX) {
		evbuffer_add(out, text, size);
		evbuffer_add(out, "\n", 1);
	} else {
		struct api_error error;
		struct json_object *id = NULL, *answer;

		set_error(&error, API_TOO_LARGE,
			"the answer is too large; ask for less (limit, span, resolution)");
		if (json_object_is_type(o, json_type_object))
			json_object_object_get_ex(o, "id", &id);
		answer = error_answer(id, &error);
		text = json_object_to_json_string_length(answer, JSON_C_TO_STRING_PLAIN, &size);
		evbuffer_add(out, text, size);
		evbuffer_add(out, "\n", 1);
		json_object_put(answer);
	}
	json_object_put(o);
}

static void send_error(struct client *c, int code, const char *text)
{
	struct api_error error;

	set_error(&error, code, text);
	send_line(c, error_answer(NULL, &error));
}

/* ---- requests ---- */

static bool id_is_valid(struct json_object *id)
{
	return !id || json_object_is_type(id, json_type_string) ||
	       json_object_is_type(id, json_type_int) || json_object_is_type(id, json_type_double);
}

static void follow(struct client *c, struct json_object *result)
{
	if (!json_get_bool(result, "follow"))
		return;
	c->follows = true;
	c->link = policy_link_index(engine_policy(c->rpc->api->engine),
		json_get_text(result, "link", ""));
	c->cursor = (uint64_t)json_get_int(result, "next", 0);
	c->lost = 0;
}

static int call(struct client *c, const char *method, struct json_object *params,
	struct json_object **ret_result, struct api_error *ret_error)
{
	const struct command *command = command_find(method);
	int r = api_call(c->rpc->api, c->permission, method, params, ret_result, ret_error);

	/* a caller without permission must not be able to fill the log */
	if (command && command->changes)
		log_line(r ? LOG_DEBUG : LOG_NOTICE, "rpc: %s by uid %u%s%s", command->name,
			(unsigned)c->uid, r ? ": " : "", r ? ret_error->text : "");
	if (!r && command && command->stream)
		follow(c, *ret_result);
	return r;
}

/* The answer to one request, or NULL to a notification (a request without id). */
static struct json_object *answer(struct client *c, struct json_object *request)
{
	struct json_object *id = NULL, *params = NULL, *result = NULL, *o;
	bool has_id = json_object_object_get_ex(request, "id", &id);
	const char *method = json_get_text(request, "method", NULL);
	struct api_error error;

	if (!id_is_valid(id)) {
		set_error(&error, API_INVALID_REQUEST, "id must be a string, a number or null");
		return error_answer(NULL, &error);
	}
	if (strcmp(json_get_text(request, "jsonrpc", ""), "2.0") != 0 || !method) {
		set_error(&error, API_INVALID_REQUEST,
			"send {\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\"}, with params if "
			"needed");
		return error_answer(id, &error);
	}
	json_object_object_get_ex(request, "params", &params);
	if (call(c, method, params, &result, &error)) {
		if (has_id)
			return error_answer(id, &error);
		json_object_put(error.data);
		return NULL;
	}
	if (!has_id) {
		json_object_put(result);
		return NULL;
	}
	o = new_answer(id);
	json_object_object_add(o, "result", result);
	return o;
}

static void answer_batch(struct client *c, struct json_object *batch)
{
	size_t n = json_object_array_length(batch);
	struct json_object *answers;

	if (!n || n > RPC_BATCH_MAX) {
		send_error(c, API_INVALID_REQUEST,
			n ? "a batch may hold at most 16 requests" : "the batch is empty");
		return;
	}
	answers = json_object_new_array();
	for (size_t i = 0; i < n; i++) {
		struct json_object *request = json_object_array_get_idx(batch, i), *o;
		struct api_error error;

		if (json_object_is_type(request, json_type_object)) {
			o = answer(c, request);
		} else {
			set_error(&error, API_INVALID_REQUEST, "a request must be an object");
			o = error_answer(NULL, &error);
		}
		if (o)
			json_object_array_add(answers, o);
	}
	if (json_object_array_length(answers))
		send_line(c, answers);
	else
		json_object_put(answers);
}

static void send_parse_error(struct client *c, size_t at, const char *why)
{
	char text[160];

	c->rpc->stats.malformed++;
	snprintf(text, sizeof(text), "no JSON: %s at byte %zu; send one JSON-RPC message a line",
		why, at + 1);
	send_error(c, API_PARSE_ERROR, text);
}

/* The message as JSON, or NULL after the error was sent. */
static struct json_object *parse(struct client *c, const char *line, size_t size)
{
	struct json_tokener *tokener = c->rpc->tokener;
	struct json_object *message;
	enum json_tokener_error error;
	size_t end;

	json_tokener_reset(tokener);
	/* the final NUL of the line belongs to it: it ends a bare number, which else could go on */
	message = json_tokener_parse_ex(tokener, line, (int)size + 1);
	error = json_tokener_get_error(tokener);
	end = json_tokener_get_parse_end(tokener);
	if (error != json_tokener_success) {
		json_object_put(message);
		send_parse_error(c, end < size ? end : size,
			error == json_tokener_continue ? "the message ends too early"
						       : json_tokener_error_desc(error));
		return NULL;
	}
	while (end < size && strchr(" \t\r", line[end]) && line[end])
		end++;
	if (end < size) {
		json_object_put(message);
		send_parse_error(c, end, "something follows the message");
		return NULL;
	}
	if (!json_object_is_type(message, json_type_object) &&
		!json_object_is_type(message, json_type_array)) {
		json_object_put(message);
		send_error(c, API_INVALID_REQUEST, "a request must be an object");
		return NULL;
	}
	return message;
}

static void handle_line(struct client *c, const char *line, size_t size)
{
	struct json_object *message, *o;

	if (line[strspn(line, " \t\r")] == '\0' && strlen(line) == size)
		return;
	c->rpc->stats.messages++;
	message = parse(c, line, size);
	if (!message)
		return;
	if (json_object_is_type(message, json_type_array)) {
		answer_batch(c, message);
	} else {
		o = answer(c, message);
		if (o)
			send_line(c, o);
	}
	json_object_put(message);
}

/* ---- events ---- */

static struct json_object *notification(struct rpc *rpc, const struct eventring_entry *entry,
	uint64_t lost)
{
	struct json_object *o = json_object_new_object(), *params = event_json(rpc->api, entry);

	if (lost)
		json_put_int(params, "lost", (int64_t)lost);
	json_put_text(o, "jsonrpc", "2.0");
	json_put_text(o, "method", "event");
	json_object_object_add(o, "params", params);
	return o;
}

static void client_push(struct client *c)
{
	const struct eventring *ring = c->rpc->api->events;
	struct eventring_entry entry;
	uint64_t lost;

	while (ring && c->follows && c->cursor != ring->next &&
		client_pending(c) < RPC_PENDING_MAX) {
		if (!eventring_read(ring, &c->cursor, &entry, 1, &lost))
			return;
		c->lost += lost;
		c->rpc->stats.events_lost += lost;
		if (c->link >= 0 && !event_concerns(&entry.event, (unsigned)c->link))
			continue;
		c->rpc->stats.events_pushed++;
		send_line(c, notification(c->rpc, &entry, c->lost));
		c->lost = 0;
	}
}

void rpc_push(struct rpc *rpc)
{
	bool timed = false;

	for (size_t i = 0; i < RPC_CLIENTS_MAX; i++) {
		struct client *c = &rpc->client[i];

		if (!c->stream || !c->follows || !rpc->api->events ||
			c->cursor == rpc->api->events->next)
			continue;
		if (!timed)
			set_time(rpc);
		timed = true;
		client_push(c);
	}
	bound_total(rpc);
}

/* ---- streams ---- */

static bool has_line(const struct client *c)
{
	return evbuffer_search_eol(bufferevent_get_input(c->stream), NULL, NULL, EVBUFFER_EOL_LF)
		       .pos >= 0;
}

/* Forgets what came of a line that is longer than a message may be, until its end. */
static void skip_long_line(struct client *c)
{
	struct evbuffer *in = bufferevent_get_input(c->stream);

	if (evbuffer_get_length(in) < RPC_MESSAGE_MAX || has_line(c))
		return;
	if (!c->skipping) {
		c->rpc->stats.malformed++;
		send_error(c, API_INVALID_REQUEST, "a message may be 65536 bytes at most");
	}
	c->skipping = true;
	evbuffer_drain(in, evbuffer_get_length(in));
}

/* What comes next: wait for the client to read, go on with what it has sent, or for more. */
static void client_settle(struct client *c)
{
	c->paused = client_pending(c) >= RPC_PENDING_MAX;
	if (c->paused)
		bufferevent_disable(c->stream, EV_READ);
	else if (has_line(c))
		bufferevent_trigger(c->stream, EV_READ, BEV_TRIG_DEFER_CALLBACKS);
	else if (!c->ended)
		bufferevent_enable(c->stream, EV_READ);
	else if (!client_pending(c))
		client_close(c);
}

static void client_readable(struct bufferevent *stream, void *user)
{
	struct client *c = user;

	set_time(c->rpc);
	for (int n = 0; n < MESSAGES_AT_A_TIME && client_pending(c) < RPC_PENDING_MAX; n++) {
		size_t size;
		char *line = evbuffer_readln(bufferevent_get_input(stream), &size, EVBUFFER_EOL_LF);

		if (!line)
			break;
		if (!c->skipping)
			handle_line(c, line, size);
		c->skipping = false;
		free(line);
	}
	skip_long_line(c);
	client_settle(c);
	bound_total(c->rpc);
}

/* Its output has drained: what had waited can go on. */
static void client_writable(struct bufferevent *stream, void *user)
{
	struct client *c = user;

	(void)stream;
	set_time(c->rpc);
	client_push(c);
	client_settle(c);
}

/* Who has sent all it wants to send (socat, nc) still gets its answers. */
static void client_ended(struct bufferevent *stream, short what, void *user)
{
	struct client *c = user;

	if (what & BEV_EVENT_TIMEOUT) {
		close_slow(c);
	} else if (what & BEV_EVENT_EOF) {
		c->ended = true;
		c->follows = false;
		bufferevent_setwatermark(stream, EV_WRITE, 0, 0);
		client_settle(c);
	} else {
		client_close(c);
	}
}

/* ---- accepting ---- */

static bool peer_in_group(int fd, gid_t primary, gid_t group)
{
	gid_t groups[GROUPS_MAX];
	socklen_t size = sizeof(groups);

	if (group == NO_GROUP)
		return false;
	if (primary == group)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size))
		return false;
	for (size_t i = 0; i < size / sizeof(groups[0]); i++)
		if (groups[i] == group)
			return true;
	return false;
}

static enum permission peer_permission(const struct rpc *rpc, int fd, uid_t *ret_uid)
{
	struct ucred cred = {.uid = (uid_t)-1, .gid = NO_GROUP};
	socklen_t size = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size))
		return PERMISSION_READ;
	*ret_uid = cred.uid;
	if (cred.uid == 0)
		return PERMISSION_ADMIN;
	return peer_in_group(fd, cred.gid, rpc->group) ? PERMISSION_OPERATE : PERMISSION_READ;
}

static struct client *free_slot(struct rpc *rpc)
{
	for (size_t i = 0; i < RPC_CLIENTS_MAX; i++)
		if (!rpc->client[i].stream)
			return &rpc->client[i];
	return NULL;
}

static void refuse(struct rpc *rpc, int fd)
{
	static const char text[] = "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32005,"
				   "\"message\":\"too many clients; try again later\"}}\n";

	rpc->stats.refused++;
	if (send(fd, text, sizeof(text) - 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		log_line(LOG_DEBUG, "rpc: a client could not even be told that there are too many");
	close(fd);
}

static void accepted(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
	int size, void *user)
{
	static const struct timeval stall = {.tv_sec = RPC_STALL_S};
	struct rpc *rpc = user;
	struct client *c = free_slot(rpc);
	struct bufferevent *stream;

	(void)listener;
	(void)address;
	(void)size;
	if (!c) {
		refuse(rpc, fd);
		return;
	}
	stream = bufferevent_socket_new(rpc->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!stream) {
		close(fd);
		return;
	}
	c->rpc = rpc;
	c->stream = stream;
	c->uid = (uid_t)-1;
	c->permission = peer_permission(rpc, fd, &c->uid);
	rpc->stats.accepted++;
	bufferevent_setcb(stream, client_readable, client_writable, client_ended, c);
	/* the kernel holds what is past one message until that is read */
	bufferevent_setwatermark(stream, EV_READ, 0, RPC_MESSAGE_MAX);
	bufferevent_setwatermark(stream, EV_WRITE, RPC_PENDING_MAX / 4, 0);
	bufferevent_set_timeouts(stream, NULL, &stall);
	bufferevent_enable(stream, EV_READ | EV_WRITE);
}

/* ---- the socket file ---- */

static int make_folder(const char *path)
{
	char folder[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char *slash;

	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (!slash || slash == folder)
		return 0;
	*slash = '\0';
	return mkdir(folder, 0755) && errno != EEXIST ? -errno : 0;
}

static bool somebody_listens(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool answered;

	if (fd < 0)
		return false;
	answered =
		!connect(fd, (const struct sockaddr *)address, sizeof(*address)) || errno == EAGAIN;
	close(fd);
	return answered;
}

/* Bound and with its rights set before anybody can connect: a socket that does not listen refuses. */
static int open_socket(struct rpc *rpc, const struct rpc_options *options)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat st;
	int fd, r = 0;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", rpc->path);
	r = make_folder(rpc->path);
	if (r)
		return r;
	if (somebody_listens(&address))
		return -EADDRINUSE;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (!lstat(rpc->path, &st) && S_ISSOCK(st.st_mode))
		unlink(rpc->path);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) ||
		chmod(rpc->path, options->mode & 0777) ||
		(rpc->group != NO_GROUP && chown(rpc->path, (uid_t)-1, rpc->group)) ||
		lstat(rpc->path, &st)) {
		r = -errno;
		close(fd);
		return r;
	}
	rpc->device = st.st_dev;
	rpc->inode = st.st_ino;
	return fd;
}

static int find_group(const char *name, gid_t *ret, struct problem *ret_problem)
{
	struct group *group;

	*ret = NO_GROUP;
	if (!*name)
		return 0;
	group = getgrnam(name);
	if (!group) {
		problem_set(ret_problem, "rpc_group", 0,
			"there is no group \"%s\": make it (addgroup %s) or leave the option out",
			name, name);
		return -ENOENT;
	}
	*ret = group->gr_gid;
	return 0;
}

/* A group that is not there leaves the socket narrower than wanted, which is no reason to fail. */
static void set_group(struct rpc *rpc, const char *name)
{
	struct problem problem;

	if (find_group(name, &rpc->group, &problem))
		log_line(LOG_WARNING, "rpc: %s: %s", problem.place, problem.text);
}

int rpc_configure(struct rpc *rpc, const struct rpc_options *options, struct problem *ret)
{
	int r = 0;

	set_group(rpc, options->group);
	if (chmod(rpc->path, options->mode & 0777) ||
		(rpc->group != NO_GROUP && chown(rpc->path, (uid_t)-1, rpc->group))) {
		r = -errno;
		problem_set(ret, rpc->path, 0, "cannot set mode and group of the socket: %s",
			strerror(errno));
	}
	return r;
}

static int rpc_listen(struct rpc *rpc, const struct rpc_options *options, struct problem *ret)
{
	int fd;

	set_group(rpc, options->group);
	fd = open_socket(rpc, options);
	if (fd < 0) {
		problem_set(ret, rpc->path, 0,
			fd == -EADDRINUSE ? "another autonomyd answers on this socket: stop it "
					    "first (%s)"
					  : "cannot listen: %s",
			strerror(-fd));
		return fd;
	}
	rpc->listener = evconnlistener_new(rpc->base, accepted, rpc,
		LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, RPC_CLIENTS_MAX, fd);
	if (!rpc->listener) {
		close(fd);
		problem_set(ret, rpc->path, 0, "cannot listen: %s", strerror(errno));
		return -ENOMEM;
	}
	return 0;
}

struct rpc *rpc_new(struct event_base *base, struct api *api, const struct rpc_options *options,
	struct problem *ret)
{
	struct rpc *rpc;

	if (strlen(options->path) >= sizeof(rpc->path)) {
		problem_set(ret, options->path, 0, "the path is longer than a socket's may be");
		errno = ENAMETOOLONG;
		return NULL;
	}
	rpc = calloc(1, sizeof(*rpc));
	if (!rpc)
		return NULL;
	rpc->base = base;
	rpc->api = api;
	snprintf(rpc->path, sizeof(rpc->path), "%s", options->path);
	rpc->tokener = json_tokener_new_ex(JSON_DEPTH_MAX);
	/* a client that has gone away is an error of write(), not the end of the daemon */
	signal(SIGPIPE, SIG_IGN);
	if (!rpc->tokener || rpc_listen(rpc, options, ret)) {
		rpc_free(rpc);
		return NULL;
	}
	json_tokener_set_flags(rpc->tokener, JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS
#ifdef JSON_TOKENER_VALIDATE_UTF8
						     | JSON_TOKENER_VALIDATE_UTF8
#endif
	);
	return rpc;
}

void rpc_free(struct rpc *rpc)
{
	struct stat st;

	if (!rpc)
		return;
	for (size_t i = 0; i < RPC_CLIENTS_MAX; i++)
		client_close(&rpc->client[i]);
	if (rpc->listener) {
		evconnlistener_free(rpc->listener);
		if (!lstat(rpc->path, &st) && st.st_dev == rpc->device && st.st_ino == rpc->inode)
			unlink(rpc->path);
	}
	if (rpc->tokener)
		json_tokener_free(rpc->tokener);
	free(rpc);
}

void rpc_stats(const struct rpc *rpc, struct rpc_stats *ret)
{
	*ret = rpc->stats;
	ret->clients = 0;
	for (size_t i = 0; i < RPC_CLIENTS_MAX; i++)
		ret->clients += rpc->client[i].stream != NULL;
}
