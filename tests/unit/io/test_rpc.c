#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "../api/fake_engine.h"

#include "api/json.h"
#include "io/log.h"
#include "io/rpc.h"

static struct {
	struct event_base *base;
	struct api api;
	struct config config;
	struct eventring events;
	struct rpc *rpc;
	char folder[64], path[96];
	int commands;
} d;

static bool hook_input(void *user, const struct input *in)
{
	(void)user;
	(void)in;
	d.commands++;
	return true;
}

static const struct api_hooks hooks = {.input = hook_input};

static void start(const char *group)
{
	struct rpc_options options = {.path = d.path, .group = group, .mode = 0666};
	struct problem problem;

	d.rpc = rpc_new(d.base, &d.api, &options, &problem);
	assert_non_null(d.rpc);
}

static int setup(void **state)
{
	(void)state;
	memset(&d, 0, sizeof(d));
	fake_reset();
	log_open("test", LOG_ERR, false);
	snprintf(d.folder, sizeof(d.folder), "/tmp/test-rpc-XXXXXX");
	assert_non_null(mkdtemp(d.folder));
	assert_int_equal(chmod(d.folder, 0755), 0);
	snprintf(d.path, sizeof(d.path), "%s/run/s", d.folder);
	d.base = event_base_new();
	config_default(&d.config);
	eventring_init(&d.events, 1);
	api_init(&d.api, NULL, &d.config, "/nonexistent", FAKE_NOW_US);
	d.api.hooks = &hooks;
	d.api.events = &d.events;
	start("");
	return 0;
}

static int teardown(void **state)
{
	char command[160];

	(void)state;
	rpc_free(d.rpc);
	event_base_free(d.base);
	snprintf(command, sizeof(command), "rm -rf '%s'", d.folder);
	return system(command);
}

/* ---- a client, played in the same process ---- */

static int client(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", d.path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void spin(void)
{
	for (int i = 0; i < 20; i++)
		event_base_loop(d.base, EVLOOP_NONBLOCK);
}

static void say_bytes(int fd, const char *bytes, size_t size)
{
	while (size) {
		ssize_t n = send(fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN) {
			event_base_loop(d.base, EVLOOP_NONBLOCK);
			continue;
		}
		assert_true(n > 0);
		bytes += n;
		size -= (size_t)n;
	}
}

static void say(int fd, const char *text)
{
	say_bytes(fd, text, strlen(text));
}

static char heard[1 << 20];

/* What has come; "" when nothing has; NULL when the server has closed. */
static const char *hear(int fd)
{
	size_t used = 0;
	ssize_t n = -1;

	for (int i = 0; i < 50; i++) {
		spin();
		n = recv(fd, heard + used, sizeof(heard) - 1 - used, MSG_DONTWAIT);
		if (n == 0)
			break;
		if (n > 0)
			used += (size_t)n;
		else if (used)
			break;
	}
	heard[used] = '\0';
	return !used && n == 0 ? NULL : heard;
}

static unsigned lines(const char *text)
{
	unsigned n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static int64_t code_of(const char *line)
{
	struct json_object *o = json_tokener_parse(line);
	int64_t code = json_get_int(json_get_object(o, "error"), "code", 0);

	json_object_put(o);
	return code;
}

#define CALL(id, method) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"" method "\"}\n"

static void a_request_is_answered_with_its_id(void **state)
{
	int fd = client();

	(void)state;
	say(fd, CALL("7", "version"));
	assert_memory_equal(hear(fd), "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"version\"", 43);
	say(fd, CALL("\"x\"", "version"));
	assert_memory_equal(hear(fd), "{\"jsonrpc\":\"2.0\",\"id\":\"x\"", 25);
	close(fd);
	spin();
}

static void a_request_may_come_in_pieces_and_several_in_one(void **state)
{
	int fd = client();

	(void)state;
	say(fd, "{\"jsonrpc\":\"2.0\",");
	assert_string_equal(hear(fd), "");
	say(fd, "\"id\":1,\"method\":\"version\"}\r\n" CALL("2", "version") "\n  \n");
	assert_int_equal(lines(hear(fd)), 2);
	close(fd);
	spin();
}

static void a_batch_is_answered_as_one(void **state)
{
	int fd = client();
	struct json_object *o;

	(void)state;
	say(fd, "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"version\"},5,"
		"{\"jsonrpc\":\"2.0\",\"method\":\"version\"},"
		"{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"nothing\"}]\n");
	o = json_tokener_parse(hear(fd));
	assert_int_equal(json_object_array_length(o), 3);
	assert_int_equal(json_get_int(json_get_object(json_object_array_get_idx(o, 1), "error"),
				 "code", 0),
		API_INVALID_REQUEST);
	json_object_put(o);
	say(fd, "[]\n");
	assert_int_equal(code_of(hear(fd)), API_INVALID_REQUEST);
	say(fd, "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]\n");
	assert_int_equal(code_of(hear(fd)), API_INVALID_REQUEST);
	/* only notifications: nothing to answer */
	say(fd, "[{\"jsonrpc\":\"2.0\",\"method\":\"version\"}]\n");
	assert_string_equal(hear(fd), "");
	close(fd);
	spin();
}

static void a_notification_is_carried_out_without_an_answer(void **state)
{
	int fd = client();

	(void)state;
	say(fd, "{\"jsonrpc\":\"2.0\",\"method\":\"unpin\"}\n");
	assert_string_equal(hear(fd), "");
	assert_int_equal(d.commands, 1);
	close(fd);
	spin();
}

static void malformed_input_is_answered_and_forgotten(void **state)
{
	static const struct {
		const char *line;
		int64_t code;
		const char *within;
	} row[] = {
		{"nonsense\n", API_PARSE_ERROR, "at byte 2;"},
		{"{\"a\":1,}\n", API_PARSE_ERROR, "at byte 8;"},
		{"{\"a\":\n", API_PARSE_ERROR, "unexpected end of data at byte 6;"},
		{"{\"a\":\"\xff\"}\n", API_PARSE_ERROR, "utf-8"},
		{"{} {}\n", API_PARSE_ERROR, "something follows the message at byte 4;"},
		{"5\n", API_INVALID_REQUEST, "must be an object"},
		{"null\n", API_INVALID_REQUEST, "must be an object"},
		{"{}\n", API_INVALID_REQUEST, "send {"},
		{"{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"version\"}\n", API_INVALID_REQUEST,
			"send {"},
		{"{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"version\"}\n", API_INVALID_REQUEST,
			"id must be"},
		{"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]\n",
			API_PARSE_ERROR, "deep"},
	};
	int fd = client();

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		say(fd, row[i].line);
		hear(fd);
		assert_int_equal(code_of(heard), row[i].code);
		if (!strstr(heard, row[i].within))
			fail_msg("%s: %s", row[i].line, heard);
	}
	say_bytes(fd, "{\"jsonrpc\":\0\"2.0\"}\n", 19);
	assert_int_equal(code_of(hear(fd)), API_PARSE_ERROR);
	say_bytes(fd, "\0\n", 2);
	assert_int_equal(code_of(hear(fd)), API_PARSE_ERROR);
	say(fd, CALL("1", "version"));
	assert_int_equal(code_of(hear(fd)), 0);
	close(fd);
	spin();
}

static void a_message_that_is_too_long_is_skipped_whole(void **state)
{
	static char much[3 * RPC_MESSAGE_MAX];
	int fd = client();

	(void)state;
	memset(much, 'x', sizeof(much));
	say_bytes(fd, much, sizeof(much));
	assert_int_equal(code_of(hear(fd)), API_INVALID_REQUEST);
	say(fd, "tail\n" CALL("1", "version"));
	assert_int_equal(lines(hear(fd)), 1);
	assert_int_equal(code_of(heard), 0);
	close(fd);
	spin();
}

static void who_sends_and_shuts_down_still_gets_its_answers(void **state)
{
	int fd = client();

	(void)state;
	for (int i = 0; i < 40; i++)
		say(fd, CALL("1", "status"));
	shutdown(fd, SHUT_WR);
	assert_int_equal(lines(hear(fd)), 40);
	assert_null(hear(fd));
	close(fd);
	spin();
}

static struct rpc_stats stats(void)
{
	struct rpc_stats s;

	rpc_stats(d.rpc, &s);
	return s;
}

static void who_does_not_read_is_not_read_from(void **state)
{
	int fd = client();
	int sent = 0;

	(void)state;
	/* ask and ask, never read: the server stops taking requests at some point */
	for (int i = 0; i < 5000; i++) {
		static const char call[] = CALL("1", "commands");

		if (send(fd, call, sizeof(call) - 1, MSG_DONTWAIT) == sizeof(call) - 1)
			sent++;
		event_base_loop(d.base, EVLOOP_NONBLOCK);
	}
	assert_true(sent < 5000);
	assert_true(stats().messages < 200);
	assert_int_equal(stats().clients, 1);
	/* and goes on when it reads */
	assert_non_null(hear(fd));
	assert_true(lines(heard) > 0);
	close(fd);
	spin();
	assert_int_equal(stats().clients, 0);
}

static void what_waits_for_all_clients_together_is_bounded(void **state)
{
	int fd[RPC_CLIENTS_MAX];

	(void)state;
	for (int i = 0; i < RPC_CLIENTS_MAX; i++) {
		fd[i] = client();
		for (int k = 0; k < 40; k++)
			say(fd[i], CALL("1", "commands"));
		spin();
	}
	assert_true(stats().closed_slow > 0);
	assert_true(stats().clients > 2);
	for (int i = 0; i < RPC_CLIENTS_MAX; i++)
		close(fd[i]);
	spin();
	assert_int_equal(stats().clients, 0);
}

static void one_client_too_many_is_told_so(void **state)
{
	int fd[RPC_CLIENTS_MAX + 1];

	(void)state;
	for (int i = 0; i <= RPC_CLIENTS_MAX; i++) {
		fd[i] = client();
		spin();
	}
	assert_int_equal(stats().clients, RPC_CLIENTS_MAX);
	assert_int_equal(code_of(hear(fd[RPC_CLIENTS_MAX])), API_BUSY);
	close(fd[0]);
	spin();
	close(fd[RPC_CLIENTS_MAX]);
	fd[0] = client();
	say(fd[0], CALL("1", "version"));
	assert_int_equal(lines(hear(fd[0])), 1);
	for (int i = 0; i < RPC_CLIENTS_MAX; i++)
		close(fd[i]);
	spin();
}

static void put_events(int n)
{
	struct event e = fake_death();

	for (int i = 0; i < n; i++)
		eventring_put(&d.events, &e);
	rpc_push(d.rpc);
}

#define FOLLOW "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"events\",\"params\":{\"follow\":true}}\n"

static void followers_are_told_what_happens(void **state)
{
	int fd = client();

	(void)state;
	put_events(2);
	say(fd, FOLLOW);
	assert_int_equal(lines(hear(fd)), 1);
	put_events(1);
	assert_memory_equal(hear(fd),
		"{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":{\"seq\":3,", 52);
	put_events(3);
	assert_int_equal(lines(hear(fd)), 3);
	/* other requests go on beside it */
	say(fd, CALL("2", "version"));
	assert_int_equal(lines(hear(fd)), 1);
	close(fd);
	spin();
	put_events(1);
	assert_int_equal(stats().clients, 0);
}

static void a_follower_of_one_link_is_told_of_that_alone(void **state)
{
	struct event e = fake_death();
	int fd = client();

	(void)state;
	say(fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"events\",\"params\":{\"follow\":true,"
		"\"link\":\"lte\"}}\n");
	assert_int_equal(lines(hear(fd)), 1);
	put_events(2);
	assert_string_equal(hear(fd), "");
	e.path = (uint8_t)path_of(FAKE_LTE, FAMILY_IPV4);
	eventring_put(&d.events, &e);
	put_events(1);
	assert_int_equal(lines(hear(fd)), 1);
	assert_non_null(strstr(heard, "\"seq\":3,"));
	close(fd);
	spin();
}

static void a_slow_follower_is_told_how_many_it_lost(void **state)
{
	struct json_object *o;
	int64_t lost = 0, seen = 0, last = 0;
	int fd = client();

	(void)state;
	say(fd, FOLLOW);
	hear(fd);
	for (int i = 0; i < 40; i++) {
		put_events(100);
		spin();
	}
	assert_int_equal(stats().clients, 1);
	while (*hear(fd)) {
		for (char *line = strtok(heard, "\n"); line; line = strtok(NULL, "\n")) {
			struct json_object *params;

			o = json_tokener_parse(line);
			params = json_get_object(o, "params");
			lost += json_get_int(params, "lost", 0);
			assert_int_equal(json_get_int(params, "seq", 0),
				last + 1 + json_get_int(params, "lost", 0));
			last = json_get_int(params, "seq", 0);
			seen++;
			json_object_put(o);
		}
	}
	assert_true(lost > 0);
	assert_int_equal(seen + lost, 4000);
	close(fd);
	spin();
}

static void a_client_that_vanishes_in_the_middle_does_no_harm(void **state)
{
	(void)state;
	for (int i = 0; i < 200; i++) {
		int fd = client();
		struct linger hard = {1, 0};

		setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
		say(fd, FOLLOW CALL("1", "commands") CALL("2", "status"));
		if (i % 2)
			spin();
		close(fd);
		put_events(1);
	}
	spin();
	assert_int_equal(stats().clients, 0);
}

/* ---- permissions and the socket file ---- */

/* The code that a process of this user and group is answered with; the server runs in the parent. */
static int64_t code_for(uid_t uid, gid_t gid, gid_t other, const char *call)
{
	char answer[4096] = "";
	int pipes[2], status;
	pid_t pid;

	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	pid = fork();
	if (!pid) {
		gid_t groups[1] = {other};
		struct sockaddr_un address = {.sun_family = AF_UNIX};
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);

		snprintf(address.sun_path, sizeof(address.sun_path), "%s", d.path);
		if (setgroups(1, groups) || setgid(gid) || setuid(uid) ||
			connect(fd, (struct sockaddr *)&address, sizeof(address)) ||
			write(fd, call, strlen(call)) < 0)
			_exit(1);
		ssize_t n = read(fd, answer, sizeof(answer) - 1);
		_exit(n > 0 && write(pipes[1], answer, (size_t)n) == n ? 0 : 2);
	}
	close(pipes[1]);
	while (!waitpid(pid, &status, WNOHANG))
		event_base_loop(d.base, EVLOOP_NONBLOCK);
	assert_int_equal(status, 0);
	assert_true(read(pipes[0], answer, sizeof(answer) - 1) > 0);
	close(pipes[0]);
	return code_of(answer);
}

static void the_peer_decides_what_is_permitted(void **state)
{
	struct group *daemon_group = getgrnam("daemon");
	gid_t group;

	(void)state;
	if (getuid() || !daemon_group)
		skip();
	group = daemon_group->gr_gid;
	rpc_free(d.rpc);
	start("daemon");
	assert_int_equal(code_for(0, 0, 0, CALL("1", "release")), 0);
	assert_int_equal(code_for(65534, 65534, 65534, CALL("1", "status")), 0);
	assert_int_equal(code_for(65534, 65534, 65534, CALL("1", "unpin")), API_PERMISSION);
	assert_int_equal(code_for(65534, group, 65534, CALL("1", "unpin")), 0);
	assert_int_equal(code_for(65534, 65534, group, CALL("1", "unpin")), 0);
	assert_int_equal(code_for(65534, group, group, CALL("1", "release")), API_PERMISSION);
}

static void the_socket_has_the_mode_that_is_configured(void **state)
{
	struct rpc_options options = {.group = "", .mode = 0600};
	struct problem problem;
	struct stat st;

	(void)state;
	assert_int_equal(stat(d.path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0666);
	assert_int_equal(rpc_configure(d.rpc, &options, &problem), 0);
	assert_int_equal(stat(d.path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void a_second_daemon_is_refused_and_a_dead_ones_socket_replaced(void **state)
{
	struct rpc_options options = {.path = d.path, .group = "", .mode = 0600};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct problem problem;
	struct stat st;
	int fd;

	(void)state;
	assert_null(rpc_new(d.base, &d.api, &options, &problem));
	assert_non_null(strstr(problem.text, "another autonomyd"));
	rpc_free(d.rpc);
	assert_int_equal(stat(d.path, &st), -1);
	/* a socket file whose owner was killed */
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", d.path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	start("");
	fd = client();
	say(fd, CALL("1", "version"));
	assert_int_equal(lines(hear(fd)), 1);
	close(fd);
	spin();
}

static void a_path_that_is_too_long_or_cannot_be_is_said(void **state)
{
	struct rpc_options options = {.path = "/tmp/"
					      "0123456789012345678901234567890123456789012345678901"
					      "2345678901234567890123456789012345678901234567890123"
					      "456789",
		.group = "",
		.mode = 0600};
	struct problem problem;

	(void)state;
	assert_null(rpc_new(d.base, &d.api, &options, &problem));
	assert_non_null(strstr(problem.text, "longer"));
	options.path = "/proc/nowhere/s";
	assert_null(rpc_new(d.base, &d.api, &options, &problem));
	assert_non_null(strstr(problem.text, "cannot listen"));
}

/* ---- speed ---- */

static int64_t clock_us(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * USEC_S + t.tv_nsec / 1000;
}

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

#define ROUNDS 2000

static void a_full_status_takes_less_than_five_milliseconds(void **state)
{
	/* by the clock for the reader, by processor time for the test: other programs run here too */
	static int64_t took_us[ROUNDS], cpu_us[ROUNDS];
	static const char call[] = CALL("1", "status");
	int fd = client();
	size_t size = 0;

	(void)state;
	for (unsigned link = 0; link < 8; link++) {
		char name[NAME_SIZE];

		snprintf(name, sizeof(name), "link%u", link);
		fake_link(link, name, name, LINK_KIND_WIRED, 10);
		for (unsigned f = 0; f < FAMILY_COUNT; f++)
			fake.path[path_of(link, (enum family)f)] = fake_path(HEALTH_UP, 8123, 0, 9);
	}
	for (int i = 0; i < ROUNDS; i++) {
		int64_t start_us = clock_us(CLOCK_MONOTONIC);
		int64_t start_cpu_us = clock_us(CLOCK_PROCESS_CPUTIME_ID);

		say_bytes(fd, call, sizeof(call) - 1);
		size = 0;
		while (!size || heard[size - 1] != '\n') {
			ssize_t n;

			event_base_loop(d.base, EVLOOP_NONBLOCK);
			n = recv(fd, heard + size, sizeof(heard) - size, MSG_DONTWAIT);
			size += n > 0 ? (size_t)n : 0;
		}
		took_us[i] = clock_us(CLOCK_MONOTONIC) - start_us;
		cpu_us[i] = clock_us(CLOCK_PROCESS_CPUTIME_ID) - start_cpu_us;
	}
	close(fd);
	spin();
	qsort(took_us, ROUNDS, sizeof(took_us[0]), by_size);
	qsort(cpu_us, ROUNDS, sizeof(cpu_us[0]), by_size);
	print_message("status of 16 paths, %zu bytes: p50 %lld us, p99 %lld us (processor %lld "
		      "us)\n",
		size, (long long)took_us[ROUNDS / 2], (long long)took_us[ROUNDS * 99 / 100],
		(long long)cpu_us[ROUNDS * 99 / 100]);
	assert_true(cpu_us[ROUNDS * 99 / 100] < 5 * USEC_MS);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_request_is_answered_with_its_id),
		CASE(a_request_may_come_in_pieces_and_several_in_one),
		CASE(a_batch_is_answered_as_one),
		CASE(a_notification_is_carried_out_without_an_answer),
		CASE(malformed_input_is_answered_and_forgotten),
		CASE(a_message_that_is_too_long_is_skipped_whole),
		CASE(who_sends_and_shuts_down_still_gets_its_answers),
		CASE(who_does_not_read_is_not_read_from),
		CASE(what_waits_for_all_clients_together_is_bounded),
		CASE(one_client_too_many_is_told_so),
		CASE(followers_are_told_what_happens),
		CASE(a_follower_of_one_link_is_told_of_that_alone),
		CASE(a_slow_follower_is_told_how_many_it_lost),
		CASE(a_client_that_vanishes_in_the_middle_does_no_harm),
		CASE(the_peer_decides_what_is_permitted),
		CASE(the_socket_has_the_mode_that_is_configured),
		CASE(a_second_daemon_is_refused_and_a_dead_ones_socket_replaced),
		CASE(a_path_that_is_too_long_or_cannot_be_is_said),
		CASE(a_full_status_takes_less_than_five_milliseconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
