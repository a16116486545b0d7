#include "control.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void drop_client(struct control_client *client)
{
	loop_unwatch(client->control->loop, &client->watch);
	close(client->watch.fd);
	client->watch.fd = -1;
}

/* Returns false if the client does not take its answer: it is then worth no more. */
static bool answer_line(struct control_client *client, char *line)
{
	static const char overlong[] = "error: a line has at most 4095 characters";
	struct control_reply *reply = &client->control->reply;

	reply->len = 0;
	if (client->overlong) {
		memcpy(reply->text, overlong, sizeof(overlong) - 1);
		reply->len = sizeof(overlong) - 1;
	} else {
		client->control->line(client->control, line, reply);
	}
	reply->text[reply->len++] = '\n';
	return send(client->watch.fd, reply->text, reply->len, MSG_DONTWAIT | MSG_NOSIGNAL) ==
	       (ssize_t)reply->len;
}

/* Answers every complete line in the buffer and moves the rest to its front. */
static bool answer_lines(struct control_client *client)
{
	char *start = client->line;
	char *newline;

	while ((newline = memchr(start, '\n', client->len - (size_t)(start - client->line)))) {
		*newline = '\0';
		if (!answer_line(client, start))
			return false;
		client->overlong = false;
		start = newline + 1;
	}
	client->len -= (size_t)(start - client->line);
	memmove(client->line, start, client->len);
	if (client->len == sizeof(client->line)) {
		client->len = 0;
		client->overlong = true;
	}
	return true;
}

static void client_ready(struct watch *watch, uint32_t events)
{
	struct control_client *client = container_of(watch, struct control_client, watch);
	ssize_t got;

	(void)events;
	got = recv(watch->fd, client->line + client->len, sizeof(client->line) - client->len,
		MSG_DONTWAIT);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got > 0) {
		client->len += (size_t)got;
		if (answer_lines(client))
			return;
	}
	drop_client(client);
}

static void listener_ready(struct watch *watch, uint32_t events)
{
	struct control *control = container_of(watch, struct control, listener);
	int fd = accept4(watch->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)events;
	if (fd < 0)
		return;
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct control_client *client = &control->clients[i];

		if (client->watch.fd >= 0)
			continue;
		*client = (struct control_client){.watch = {.fd = fd, .ready = client_ready},
			.control = control};
		if (loop_watch(control->loop, &client->watch, EPOLLIN) == 0)
			return;
		client->watch.fd = -1;
		break;
	}
	close(fd);
}

int control_open(struct control *control, struct loop *loop, const char *path,
	control_line_fn *line)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int error;

	*control = (struct control){.loop = loop, .line = line};
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		control->clients[i].watch.fd = -1;
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	strcpy(control->path, path);
	control->listener.ready = listener_ready;
	control->listener.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (control->listener.fd < 0)
		return -errno;
	unlink(path);
	if (bind(control->listener.fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		listen(control->listener.fd, CONTROL_CLIENTS_MAX) < 0)
		error = -errno;
	else
		error = loop_watch(loop, &control->listener, EPOLLIN);
	if (error)
		close(control->listener.fd);
	return error;
}

void control_close(struct control *control)
{
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		if (control->clients[i].watch.fd >= 0)
			drop_client(&control->clients[i]);
	loop_unwatch(control->loop, &control->listener);
	close(control->listener.fd);
	unlink(control->path);
}
