/* The other end of the daemon's socket: one JSON-RPC message a line, without an event loop. */
#pragma once

#include <json-c/json.h>
#include <stddef.h>

#define CLIENT_SOCKET "/var/run/autonomy/autonomy.sock" /* /run is not everywhere */

struct client {
	int fd; /* -1: not connected */
	char *in;
	size_t used, size;
};

/* 0 or -errno: -ENOENT and -ECONNREFUSED when no daemon is there, -EACCES when it is not for this user. */
int client_open(struct client *c, const char *path);
void client_close(struct client *c);

/* Takes params (may be NULL).  0 or -errno. */
int client_send(struct client *c, int id, const char *method, struct json_object *params);

/*
 * The next message, waiting at most timeout_ms for it (-1: for ever).  1 with *ret_message, which the caller puts; 0 when
 * there was none in time; -EPIPE when the daemon has closed, -EBADMSG when it sent no JSON, -errno.
 */
int client_read(struct client *c, int timeout_ms, struct json_object **ret_message);
