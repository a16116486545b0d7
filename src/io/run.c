/* Runs a program and waits for it; see run.h. */
#include "io/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/usec.h"

#define TIMEOUT_US (10 * USEC_S)
#define OUTPUT_MAX (4 << 20)

extern char **environ;

struct text {
	char *bytes;
	size_t size, capacity;
};

struct child {
	pid_t pid;
	int in, out, err; /* our ends; -1: closed */
	const char *input;
	size_t left;
	struct text output, complaint;
};

static int64_t clock_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * USEC_S + t.tv_nsec / 1000;
}

static void close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

bool run_finds(const char *name)
{
	const char *path = getenv("PATH");
	char file[512];

	if (!path)
		path = "/usr/sbin:/usr/bin:/sbin:/bin";
	while (*path) {
		int size = (int)strcspn(path, ":");

		snprintf(file, sizeof(file), "%.*s/%s", size, path, name);
		if (access(file, X_OK) == 0)
			return true;
		path += size + (path[size] == ':');
	}
	return false;
}

static int start(struct child *c, const char *const argv[], const int in[2], const int out[2],
	const int err[2])
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, pipes;
	int error;

	sigemptyset(&none);
	sigemptyset(&pipes);
	sigaddset(&pipes, SIGPIPE);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, err[1], STDERR_FILENO);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &pipes);
	posix_spawnattr_setflags(&attributes,
		POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	error = posix_spawnp(&c->pid, argv[0], &actions, &attributes,
		(char *const *)(uintptr_t)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return -error;
}

static int spawn(struct child *c, const char *const argv[])
{
	int in[2] = {-1, -1}, out[2] = {-1, -1}, err[2] = {-1, -1};
	int error = 0;

	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0)
		error = -errno;
	if (!error)
		error = start(c, argv, in, out, err);
	close_end(&in[0]);
	close_end(&out[1]);
	close_end(&err[1]);
	c->in = in[1];
	c->out = out[0];
	c->err = err[0];
	if (!error && fcntl(c->in, F_SETFL, O_NONBLOCK) < 0)
		error = -errno;
	return error;
}

static void feed(struct child *c)
{
	ssize_t size = c->left ? write(c->in, c->input, c->left) : 0;

	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (size > 0) {
		c->input += size;
		c->left -= (size_t)size;
	}
	if (size < 0 || !c->left)
		close_end(&c->in);
}

static void drain(int *fd, struct text *text)
{
	char bytes[4096];
	ssize_t size = read(*fd, bytes, sizeof(bytes));

	if (size < 0 && errno == EINTR)
		return;
	if (size <= 0) {
		close_end(fd);
		return;
	}
	if (text->capacity - text->size <= (size_t)size && text->capacity < OUTPUT_MAX) {
		size_t capacity = 2 * (text->capacity + sizeof(bytes));
		char *grown = realloc(text->bytes, capacity);

		if (!grown)
			return;
		text->bytes = grown;
		text->capacity = capacity;
	}
	if (text->capacity - text->size <= (size_t)size)
		return;
	memcpy(text->bytes + text->size, bytes, (size_t)size);
	text->size += (size_t)size;
	text->bytes[text->size] = '\0';
}

/* Until it has closed its ends; -ETIMEDOUT. */
static int talk(struct child *c)
{
	int64_t deadline_us = clock_us() + TIMEOUT_US;

	while (c->out >= 0 || c->err >= 0) {
		struct pollfd fd[3] = {
			{.fd = c->in, .events = POLLOUT},
			{.fd = c->out, .events = POLLIN},
			{.fd = c->err, .events = POLLIN},
		};
		int64_t left_us = deadline_us - clock_us();

		if (left_us <= 0)
			return -ETIMEDOUT;
		if (poll(fd, 3, (int)(left_us / USEC_MS + 1)) < 0 && errno != EINTR)
			return -errno;
		if (fd[0].revents)
			feed(c);
		if (fd[1].revents)
			drain(&c->out, &c->output);
		if (fd[2].revents)
			drain(&c->err, &c->complaint);
	}
	return 0;
}

static int result(const struct child *c, const char *name, int status, struct problem *ret)
{
	const char *text = c->complaint.bytes ? c->complaint.bytes : "";

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	problem_set(ret, name, 0, "%.*s (ended with %d)", (int)strcspn(text, "\n"), text,
		WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
	return -EIO;
}

int run_program(const char *const argv[], const char *input, char **ret_output, struct problem *ret)
{
	struct child c = {.pid = -1, .input = input, .left = input ? strlen(input) : 0};
	void (*old)(int) = signal(SIGPIPE, SIG_IGN);
	int status = 0;
	int error = spawn(&c, argv);

	if (!error)
		error = talk(&c);
	close_end(&c.in);
	close_end(&c.out);
	close_end(&c.err);
	if (c.pid > 0) {
		if (error)
			kill(-c.pid, SIGKILL);
		while (waitpid(c.pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	if (old != SIG_ERR)
		signal(SIGPIPE, old);
	if (error)
		problem_set(ret, argv[0], 0, "cannot be run: %s", strerror(-error));
	else
		error = result(&c, argv[0], status, ret);
	if (!error && ret_output) {
		*ret_output = c.output.bytes ? c.output.bytes : calloc(1, 1);
		c.output.bytes = NULL;
		error = *ret_output ? 0 : -ENOMEM;
	}
	free(c.output.bytes);
	free(c.complaint.bytes);
	return error;
}
