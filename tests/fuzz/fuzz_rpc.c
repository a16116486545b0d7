/* Whatever bytes a client sends: each line that comes back is JSON-RPC, and the server lives. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "../unit/api/fake_engine.h"

#include "api/json.h"
#include "io/log.h"
#include "io/rpc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
	struct event_base *base;
	struct api api;
	struct config config;
	struct eventring events;
	struct rpc *rpc;
	char path[64];
} d;

static bool hook_input(void *user, const struct input *in)
{
	struct event e = fake_death();

	(void)user;
	(void)in;
	eventring_put(&d.events, &e);
	return true;
}

static const struct api_hooks hooks = {.input = hook_input};

static void remove_socket(void)
{
	rpc_free(d.rpc);
	event_base_free(d.base);
}

static void start(void)
{
	struct rpc_options options = {.path = d.path, .group = "", .mode = 0600};
	struct problem problem;

	fake_reset();
	log_open("fuzz", LOG_EMERG, false);
	snprintf(d.path, sizeof(d.path), "/tmp/fuzz-rpc-%d.sock", (int)getpid());
	d.base = event_base_new();
	config_default(&d.config);
	eventring_init(&d.events, 1);
	api_init(&d.api, NULL, &d.config, "/nonexistent/autonomy", FAKE_NOW_US);
	d.api.hooks = &hooks;
	d.api.events = &d.events;
	d.rpc = rpc_new(d.base, &d.api, &options, &problem);
	if (!d.rpc)
		abort();
	atexit(remove_socket);
}

static int client(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, d.path, strlen(d.path) + 1);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)))
		abort();
	return fd;
}

static void check_line(const char *line)
{
	struct json_object *o = json_tokener_parse(line);

	if (!json_object_is_type(o, json_type_object) && !json_object_is_type(o, json_type_array))
		abort();
	json_object_put(o);
}

static char heard[1 << 20];
static size_t used;

/* Takes what has come; false at the end. */
static bool hear(int fd)
{
	ssize_t n = recv(fd, heard + used, sizeof(heard) - 1 - used, MSG_DONTWAIT);
	char *end;

	if (n > 0)
		used += (size_t)n;
	heard[used] = '\0';
	while ((end = strchr(heard, '\n'))) {
		*end = '\0';
		check_line(heard);
		used -= (size_t)(end + 1 - heard);
		memmove(heard, end + 1, used + 1);
	}
	if (used >= sizeof(heard) - 1)
		abort();
	return n != 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd;

	if (!d.rpc)
		start();
	fd = client();
	used = 0;
	while (size) {
		ssize_t n = send(fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n > 0) {
			data += n;
			size -= (size_t)n;
		}
		event_base_loop(d.base, EVLOOP_NONBLOCK);
		rpc_push(d.rpc);
		if (!hear(fd))
			break;
	}
	shutdown(fd, SHUT_WR);
	do {
		event_base_loop(d.base, EVLOOP_NONBLOCK);
		rpc_push(d.rpc);
	} while (hear(fd));
	close(fd);
	return 0;
}
