#include "ctl/client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "api/json.h"

#define SEND_TIMEOUT_MS 5000
#define LINE_MAX_SIZE (1 << 20)

int client_open(struct client *c, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int r;

	memset(c, 0, sizeof(*c));
	c->fd = -1;
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return -errno;
	if (connect(c->fd, (struct sockaddr *)&address, sizeof(address))) {
		r = -errno;
		client_close(c);
		return r;
	}
	return 0;
}

void client_close(struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	free(c->in);
	memset(c, 0, sizeof(*c));
	c->fd = -1;
}

static int send_all(int fd, const char *data, size_t size)
{
	while (size) {
		ssize_t n = send(fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n > 0) {
			data += n;
			size -= (size_t)n;
		} else if (errno == EAGAIN) {
			struct pollfd p = {.fd = fd, .events = POLLOUT};

			if (!poll(&p, 1, SEND_TIMEOUT_MS))
				return -ETIMEDOUT;
		} else if (errno != EINTR) {
			return -errno;
		}
	}
	return 0;
}

int client_send(struct client *c, int id, const char *method, struct json_object *params)
{
	struct json_object *o = json_object_new_object();
	const char *text;
	size_t size;
	int r;

	json_put_text(o, "jsonrpc", "2.0");
	json_put_int(o, "id", id);
	json_put_text(o, "method", method);
	if (params)
		json_object_object_add(o, "params", params);
	text = json_object_to_json_string_length(o,
		JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &size);
	r = text ? send_all(c->fd, text, size) : -ENOMEM;
	if (!r)
		r = send_all(c->fd, "\n", 1);
	json_object_put(o);
	return r;
}

static int parse(const char *line, struct json_object **ret_message)
{
	struct json_object *o = json_tokener_parse(line);

	if (!json_object_is_type(o, json_type_object)) {
		json_object_put(o);
		return -EBADMSG;
	}
	*ret_message = o;
	return 1;
}

/* A whole line that is already here: 1, 0 or -errno as client_read(). */
static int take_line(struct client *c, struct json_object **ret_message)
{
	char *end = c->used ? memchr(c->in, '\n', c->used) : NULL;
	size_t size;
	int r;

	if (!end)
		return c->used >= LINE_MAX_SIZE ? -EBADMSG : 0;
	*end = '\0';
	r = parse(c->in, ret_message);
	size = (size_t)(end - c->in) + 1;
	memmove(c->in, c->in + size, c->used - size);
	c->used -= size;
	return r;
}

static int receive(struct client *c)
{
	ssize_t n;

	if (c->used == c->size) {
		size_t size = c->size ? 2 * c->size : 8192;
		char *in = realloc(c->in, size);

		if (!in)
			return -ENOMEM;
		c->in = in;
		c->size = size;
	}
	n = recv(c->fd, c->in + c->used, c->size - c->used, MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (!n)
		return -EPIPE;
	c->used += (size_t)n;
	return 0;
}

int client_read(struct client *c, int timeout_ms, struct json_object **ret_message)
{
	for (;;) {
		struct pollfd p = {.fd = c->fd, .events = POLLIN};
		int r = take_line(c, ret_message);

		if (r)
			return r;
		r = poll(&p, 1, timeout_ms);
		if (r < 0)
			return errno == EINTR ? 0 : -errno;
		if (!r)
			return 0;
		r = receive(c);
		if (r)
			return r;
	}
}
