/* The program as a whole against a daemon that is only api_call() behind a socket: what it prints and exits with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "../api/fake_engine.h"

#include "api/api.h"
#include "api/json.h"
#include "api/memory.h"
#include "ctl/ctl.h"

static char folder[64], path[96];
static pid_t daemon_pid;

/* ---- the daemon: one client at a time, in a process of its own ---- */

static struct api api;
static struct config config;
static struct eventring events;
static enum permission granted;

static bool hook_input(void *user, const struct input *in)
{
	(void)user;
	fake.decision[0][FAMILY_IPV4].pinned_until_us = in->command.expires_us;
	fake.decision[0][FAMILY_IPV4].pinned_link = in->command.link;
	return true;
}

static const struct api_hooks hooks = {.input = hook_input};

static void send_object(int fd, struct json_object *o)
{
	const char *text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN);

	if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0 || send(fd, "\n", 1, MSG_NOSIGNAL) < 0)
		close(fd);
	json_object_put(o);
}

static void answer(int fd, const char *line)
{
	struct json_object *request = json_tokener_parse(line), *params = NULL, *result = NULL;
	struct json_object *o = json_object_new_object();
	struct api_error error;
	bool follows;

	json_object_object_get_ex(request, "params", &params);
	json_put_int(o, "id", json_get_int(request, "id", 0));
	if (api_call(&api, granted, json_get_text(request, "method", ""), params, &result,
		    &error)) {
		struct json_object *e = json_object_new_object();

		json_put_int(e, "code", error.code);
		json_put_text(e, "message", error.text);
		json_object_object_add(o, "error", e);
	} else {
		json_object_object_add(o, "result", result);
	}
	follows = result && json_get_bool(result, "follow");
	send_object(fd, o);
	if (follows) {
		struct eventring_entry entry = {.seq = 9, .event = fake_switch()};

		o = json_object_new_object();
		json_object_object_add(o, "params", event_json(&api, &entry));
		send_object(fd, o);
	}
	json_object_put(request);
}

static void serve_client(int fd)
{
	static char in[1 << 17];
	size_t used = 0;

	for (;;) {
		ssize_t n = read(fd, in + used, sizeof(in) - 1 - used);
		char *end;

		if (n <= 0)
			break;
		used += (size_t)n;
		in[used] = '\0';
		while ((end = strchr(in, '\n'))) {
			*end = '\0';
			answer(fd, in);
			used -= (size_t)(end + 1 - in);
			memmove(in, end + 1, used + 1);
		}
	}
	close(fd);
}

static void serve(int fd)
{
	struct event e = fake_death();

	config_default(&config);
	eventring_init(&events, 1);
	eventring_put(&events, &e);
	api_init(&api, NULL, &config, "/nonexistent/autonomy", FAKE_NOW_US - USEC_H);
	api_set_time(&api, FAKE_NOW_US, FAKE_WALL_US);
	api.hooks = &hooks;
	api.events = &events;
	for (;;) {
		int client = accept(fd, NULL, NULL);

		if (client >= 0)
			serve_client(client);
	}
}

static void start(enum permission permission)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	granted = permission;
	unlink(path);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 5), 0);
	daemon_pid = fork();
	if (!daemon_pid) {
		serve(fd);
		_exit(0);
	}
	close(fd);
}

static void stop(void)
{
	if (daemon_pid <= 0)
		return;
	kill(daemon_pid, SIGTERM);
	waitpid(daemon_pid, NULL, 0);
	daemon_pid = 0;
}

static int setup(void **state)
{
	(void)state;
	fake_reset();
	snprintf(folder, sizeof(folder), "/tmp/test-ctl-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/s", folder);
	return 0;
}

static int teardown(void **state)
{
	char command[160];

	(void)state;
	stop();
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

/* ---- the program ---- */

static char output[1 << 17];

/* The words of a command line after "autonomyctl --socket PATH". */
static int child(const char *line)
{
	static char program[] = "autonomyctl", option[] = "--socket", text[512];
	char *word[32] = {program, option, path};
	int n = 3;

	snprintf(text, sizeof(text), "%s", line);
	for (char *p = strtok(text, " "); p; p = strtok(NULL, " "))
		word[n++] = p;
	return ctl_run(n, word);
}

/* Its exit code; what it wrote is in output. */
static int run(const char *line)
{
	int pipes[2], status;
	size_t used = 0;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	if (!pid) {
		dup2(pipes[1], 1);
		dup2(pipes[1], 2);
		close(pipes[0]);
		close(pipes[1]);
		exit(child(line));
	}
	close(pipes[1]);
	while ((n = read(pipes[0], output + used, sizeof(output) - 1 - used)) > 0)
		used += (size_t)n;
	output[used] = '\0';
	close(pipes[0]);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void the_state_is_the_exit_code_of_status(void **state)
{
	(void)state;
	start(PERMISSION_ADMIN);
	assert_int_equal(run("status"), 0);
	assert_non_null(strstr(output, "default  ipv4    wan   3 h 12 min  preferred to lte (100 "
				       "over 50)"));
	assert_null(strstr(output, "\033["));
	stop();
	fake_failed_over();
	start(PERMISSION_ADMIN);
	assert_int_equal(run("status"), 10);
	assert_int_equal(run("status --json"), 10);
	stop();
	fake.path[path_of(FAKE_WAN, FAMILY_IPV4)].health = HEALTH_DEAD;
	fake.path[path_of(FAKE_LTE, FAMILY_IPV4)].health = HEALTH_DEAD;
	start(PERMISSION_ADMIN);
	assert_int_equal(run("status"), 11);
	stop();
	fake.policy.links = 0;
	fake.decision[0][FAMILY_IPV4].n = 0;
	start(PERMISSION_ADMIN);
	assert_int_equal(run("status"), 12);
}

static void every_looking_command_prints_something(void **state)
{
	static const char *const line[] = {"links", "link wan", "explain", "events", "metrics",
		"version", "commands", "config show", "trace status", "config check"};

	(void)state;
	start(PERMISSION_READ);
	for (size_t i = 0; i < sizeof(line) / sizeof(line[0]); i++) {
		char json[64];

		assert_int_equal(run(line[i]), 0);
		if (strlen(output) < 10)
			fail_msg("%s: %s", line[i], output);
		snprintf(json, sizeof(json), "%s --json", line[i]);
		assert_int_equal(run(json), 0);
		assert_int_equal(output[0], '{');
	}
}

static void refusals_have_their_exit_codes(void **state)
{
	(void)state;
	assert_int_equal(run("status"), 3);
	assert_non_null(strstr(output, "no autonomyd answers"));
	assert_int_equal(run("status --json"), 3);
	assert_memory_equal(output, "{\"error\":", 9);
	assert_int_equal(run("frobnicate"), 2);
	start(PERMISSION_READ);
	assert_int_equal(run("pin lte"), 4);
	stop();
	start(PERMISSION_OPERATE);
	assert_int_equal(run("pin lte --for 1h"), 0);
	assert_non_null(strstr(output, "all traffic is pinned to lte for 1 h"));
	assert_int_equal(run("pin nothing"), 1);
	assert_string_equal(output,
		"autonomyctl: there is no link \"nothing\"; there are: wan, lte, sat\n");
	assert_int_equal(run("pin lte --for x"), 2);
	assert_int_equal(run("config confirm"), 4);
}

static void following_prints_what_comes(void **state)
{
	(void)state;
	start(PERMISSION_READ);
	/* the daemon serves until it is ended: the program then says that nobody answers any more */
	if (!fork()) {
		struct timespec t = {0, 300000000};

		nanosleep(&t, NULL);
		kill(daemon_pid, SIGTERM);
		_exit(0);
	}
	assert_int_equal(run("events --follow --json"), 3);
	assert_non_null(strstr(output, "\"seq\":1,"));
	assert_non_null(strstr(output, "\"seq\":9,"));
	wait(NULL);
	daemon_pid = 0;
}

static void names_are_listed_for_the_shell(void **state)
{
	(void)state;
	start(PERMISSION_READ);
	assert_int_equal(run("names link"), 0);
	assert_string_equal(output, "wan\nlte\nsat\n");
	assert_int_equal(run("names class"), 0);
	assert_string_equal(output, "default\n");
	stop();
	assert_int_equal(run("names link"), 3);
	assert_string_equal(output, "");
}

static void a_file_is_checked_without_a_daemon(void **state)
{
	char file[96], line[128];
	FILE *f;

	(void)state;
	snprintf(file, sizeof(file), "%s/config", folder);
	snprintf(line, sizeof(line), "config check %s", file);
	f = fopen(file, "w");
	fputs("config link 'wan'\n\toption device 'eth1'\n", f);
	fclose(f);
	assert_int_equal(run(line), 0);
	assert_string_equal(output, "The file is valid.\n");
	f = fopen(file, "a");
	fputs("\toption metered 'perhaps'\n", f);
	fclose(f);
	assert_int_equal(run(line), 1);
	assert_non_null(strstr(output, "/config:3: "));
	assert_non_null(strstr(output, "The file is not valid.\n"));
}

/* ---- watch on a terminal ---- */

struct terminal {
	int fd;
	pid_t pid;
	struct termios before;
	size_t used;
};

static struct terminal open_terminal(unsigned short rows, unsigned short columns)
{
	struct winsize size = {.ws_row = rows, .ws_col = columns};
	struct terminal t = {.fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)};
	int slave;

	assert_true(t.fd >= 0);
	assert_int_equal(grantpt(t.fd), 0);
	assert_int_equal(unlockpt(t.fd), 0);
	assert_int_equal(ioctl(t.fd, TIOCSWINSZ, &size), 0);
	assert_int_equal(tcgetattr(t.fd, &t.before), 0);
	t.pid = fork();
	if (!t.pid) {
		setsid();
		slave = open(ptsname(t.fd), O_RDWR);
		/* or the terminal would not hang up when the test ends */
		close(t.fd);
		ioctl(slave, TIOCSCTTY, 0);
		for (int fd = 0; fd < 3; fd++)
			dup2(slave, fd);
		setenv("LANG", "C.UTF-8", 1);
		unsetenv("LC_ALL");
		exit(child("watch"));
	}
	return t;
}

/* Reads for a while, or until text has come (NULL: the time out); true when it has. */
static bool expect(struct terminal *t, const char *text, int ms)
{
	struct timespec now, until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000L;
	for (;;) {
		struct pollfd p = {.fd = t->fd, .events = POLLIN};
		ssize_t n;

		if (text && strstr(output, text))
			return true;
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec > until.tv_sec ||
			(now.tv_sec == until.tv_sec && now.tv_nsec > until.tv_nsec))
			return false;
		if (poll(&p, 1, 50) <= 0)
			continue;
		n = read(t->fd, output + t->used, sizeof(output) - 1 - t->used);
		if (n <= 0)
			return text && strstr(output, text);
		t->used += (size_t)n;
		output[t->used] = '\0';
	}
}

static void forget(struct terminal *t)
{
	t->used = 0;
	output[0] = '\0';
}

/* Its exit code, after the terminal was found as it had been. */
static int close_terminal(struct terminal *t)
{
	struct termios after;
	int status;

	assert_true(expect(t, "\033[?25h\033[?1049l", 5000));
	waitpid(t->pid, &status, 0);
	assert_int_equal(tcgetattr(t->fd, &after), 0);
	assert_int_equal(after.c_lflag, t->before.c_lflag);
	assert_int_equal(after.c_cc[VMIN], t->before.c_cc[VMIN]);
	close(t->fd);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void watch_shows_pins_and_gives_the_terminal_back(void **state)
{
	struct terminal t;

	(void)state;
	start(PERMISSION_OPERATE);
	t = open_terminal(24, 80);
	forget(&t);
	assert_true(expect(&t, "preferred to lte (100 over 50)", 5000));
	assert_true(expect(&t, "nothing came back for 140 ms", 5000));
	assert_int_equal(write(t.fd, "p", 1), 1);
	assert_true(expect(&t, "to which link", 5000));
	assert_int_equal(write(t.fd, "2", 1), 1);
	assert_true(expect(&t, "all traffic is pinned to lte for 1 h", 5000));
	assert_true(expect(&t, "pinned to lte  ", 5000));
	assert_int_equal(write(t.fd, "e", 1), 1);
	assert_true(expect(&t, "has used wan (wired, eth1)", 5000));
	assert_int_equal(write(t.fd, "q", 1), 1);
	assert_int_equal(close_terminal(&t), 0);
}

static void signals_give_the_terminal_back_too(void **state)
{
	static const int number[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

	(void)state;
	start(PERMISSION_READ);
	for (size_t i = 0; i < sizeof(number) / sizeof(number[0]); i++) {
		struct terminal t = open_terminal(24, 80);

		forget(&t);
		assert_true(expect(&t, "preferred to", 5000));
		kill(t.pid, number[i]);
		assert_int_equal(close_terminal(&t), 0);
	}
	/* the key, not the signal */
	struct terminal t = open_terminal(24, 80);

	forget(&t);
	assert_true(expect(&t, "preferred to", 5000));
	assert_int_equal(write(t.fd, "\003", 1), 1);
	assert_int_equal(close_terminal(&t), 0);
}

static void a_new_size_is_drawn_anew(void **state)
{
	struct winsize size = {.ws_row = 40, .ws_col = 132};
	struct terminal t;

	(void)state;
	start(PERMISSION_READ);
	t = open_terminal(24, 80);
	forget(&t);
	assert_true(expect(&t, "q quit", 5000));
	forget(&t);
	assert_int_equal(ioctl(t.fd, TIOCSWINSZ, &size), 0);
	assert_true(expect(&t, "\033[H\033[2J", 5000));
	assert_true(expect(&t, "\033[40;1H", 5000));
	kill(t.pid, SIGTERM);
	assert_int_equal(close_terminal(&t), 0);
}

static void little_is_sent_when_nothing_changes(void **state)
{
	struct terminal t;

	(void)state;
	start(PERMISSION_READ);
	t = open_terminal(24, 80);
	forget(&t);
	assert_true(expect(&t, "q quit", 5000));
	expect(&t, NULL, 1500);
	forget(&t);
	expect(&t, NULL, 2000);
	/* a clock of one row a second, and bars: 9600 baud are 960 bytes a second */
	assert_true(t.used < 3000);
	kill(t.pid, SIGTERM);
	assert_int_equal(close_terminal(&t), 0);
}

static void watch_waits_for_a_daemon_that_restarts(void **state)
{
	struct terminal t;

	(void)state;
	start(PERMISSION_READ);
	t = open_terminal(24, 80);
	forget(&t);
	assert_true(expect(&t, "preferred to", 5000));
	stop();
	assert_true(expect(&t, "trying again", 5000));
	forget(&t);
	start(PERMISSION_READ);
	/* the bottom row has its keys back */
	assert_true(expect(&t, "q quit", 5000));
	kill(t.pid, SIGTERM);
	assert_int_equal(close_terminal(&t), 0);
}

static void watch_needs_a_terminal_and_a_daemon(void **state)
{
	(void)state;
	assert_int_equal(run("watch"), 3);
	start(PERMISSION_READ);
	assert_int_equal(run("watch"), 2);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_state_is_the_exit_code_of_status),
		CASE(every_looking_command_prints_something),
		CASE(refusals_have_their_exit_codes),
		CASE(following_prints_what_comes),
		CASE(names_are_listed_for_the_shell),
		CASE(a_file_is_checked_without_a_daemon),
		CASE(watch_shows_pins_and_gives_the_terminal_back),
		CASE(signals_give_the_terminal_back_too),
		CASE(a_new_size_is_drawn_anew),
		CASE(little_is_sent_when_nothing_changes),
		CASE(watch_waits_for_a_daemon_that_restarts),
		CASE(watch_needs_a_terminal_and_a_daemon),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
