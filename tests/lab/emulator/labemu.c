/*
 * labemu: the link emulator of the lab.  Carries Ethernet frames between pairs of interfaces in its
 * network namespace and does to them what links do.
 *
 * Frames: port.c reads them in batches with the time the kernel received them, impair.c judges
 * each, frame.c keeps it until it is due, link.c sends it out of the other port.  Commands:
 * control.c reads lines, command.c parses them, this file carries them out.  All in one thread.
 *
 * A command takes effect between two frames: those that arrived before it are judged first, and the
 * time in its answer is taken when the change is in force.
 */
#include "command.h"
#include "control.h"
#include "link.h"
#include "port.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define LINKS_MAX 32
#define PRIORITY 20
#define OPTIONS_TEXT_MAX 512

struct emulator {
	struct loop loop;
	struct frame_pool pool;
	struct control control;
	struct link links[LINKS_MAX];
	size_t n_links;
	struct dead_hosts dead_hosts;
	uint64_t seed;
	struct watch parent; /* standard input, whose end is the end of the program */
	bool parent_gone;
};

static volatile sig_atomic_t stop_asked;

static void ask_stop(int number)
{
	(void)number;
	stop_asked = 1;
}

static void answer(struct control_reply *reply, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void answer(struct control_reply *reply, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	reply->len += (size_t)vsnprintf(reply->text + reply->len, sizeof(reply->text) - reply->len,
		format, arguments);
	va_end(arguments);
	if (reply->len >= sizeof(reply->text))
		reply->len = sizeof(reply->text) - 1;
}

static void answer_ok(struct control_reply *reply, int64_t at_us)
{
	answer(reply, "ok %" PRId64, at_us);
}

static struct link *find_link(struct emulator *emulator, const char *name)
{
	for (size_t i = 0; i < emulator->n_links; i++)
		if (strcmp(emulator->links[i].name, name) == 0)
			return &emulator->links[i];
	return NULL;
}

static void run_link(struct emulator *emulator, const struct command *command,
	struct control_reply *reply)
{
	struct link *link = find_link(emulator, command->name);
	int error;

	if (link) {
		error = link_reopen(link, command->router_port, command->provider_port);
	} else if (emulator->n_links == LINKS_MAX) {
		answer(reply, "error: no room for more than %d links", LINKS_MAX);
		return;
	} else {
		link = &emulator->links[emulator->n_links];
		*link = (struct link){
			.loop = &emulator->loop,
			.pool = &emulator->pool,
			.dead_hosts = &emulator->dead_hosts,
		};
		error = link_open(link, command->name, command->router_port, command->provider_port,
			emulator->seed + emulator->n_links);
		if (!error)
			emulator->n_links++;
	}
	if (error)
		answer(reply, "error: cannot open %s and %s: %s", command->router_port,
			command->provider_port, strerror(-error));
	else
		answer_ok(reply, loop_now_us());
}

/* The link stays known by name, without ports, so that its options outlive a hot-plug. */
static void run_unlink(struct link *link, const struct command *command,
	struct control_reply *reply)
{
	(void)command;
	link_close(link);
	answer_ok(reply, loop_now_us());
}

static void run_local(struct link *link, const struct command *command, struct control_reply *reply)
{
	link->n_locals = 0;
	for (size_t i = 0; i < command->n_words && i < LINK_LOCALS_MAX; i++) {
		struct link_prefix *prefix = &link->locals[i];

		if (command_prefix(command->words[i], &prefix->address, &prefix->bits))
			link->n_locals++;
	}
	answer_ok(reply, loop_now_us());
}

static const char *change_policy(const struct command *command, struct impair_policy *policy)
{
	const char *problem;

	for (size_t i = 0; i < command->n_words; i += 2) {
		if (!command->words[i + 1]) {
			*policy = (struct impair_policy){0};
			continue;
		}
		problem = impair_option(policy, command->words[i], command->words[i + 1]);
		if (problem)
			return problem;
	}
	return impair_check(policy);
}

static void run_set(struct link *link, const struct command *command, struct control_reply *reply)
{
	const bool chosen[DIRECTION_COUNT] = {command->up, command->down};
	struct impair_policy policies[DIRECTION_COUNT];
	const char *problem;

	for (int d = 0; d < DIRECTION_COUNT; d++) {
		policies[d] = link->directions[d].impair.policy;
		problem = chosen[d] ? change_policy(command, &policies[d]) : NULL;
		if (problem) {
			answer(reply, "error: %s", problem);
			return;
		}
	}
	link_receive(link);
	for (int d = 0; d < DIRECTION_COUNT; d++)
		if (chosen[d])
			impair_set_policy(&link->directions[d].impair, &policies[d]);
	answer_ok(reply, loop_now_us());
}

static void run_carrier(struct link *link, const struct command *command,
	struct control_reply *reply)
{
	const char *port = link->directions[DIRECTION_UP].port;
	int64_t start_us;
	int64_t done_us;
	int error;

	link_receive(link);
	start_us = loop_now_us();
	error = port_set_up(port, command->on);
	done_us = loop_now_us();
	if (error)
		answer(reply, "error: cannot set %s: %s", port, strerror(-error));
	else
		answer_ok(reply, command->on ? done_us : start_us);
}

static void run_play(struct link *link, const struct command *command, struct control_reply *reply)
{
	struct trace trace;
	int error = trace_load(command->path, &trace);

	if (error == -ENOMSG) {
		answer(reply, "error: %s needs a header line with t_s and rtt_ms or loss, and rows",
			command->path);
		return;
	}
	if (error) {
		answer(reply, "error: cannot read %s: %s", command->path, strerror(-error));
		return;
	}
	link_receive(link);
	link_play(link, &trace, command->speed, command->offset_us);
	answer_ok(reply, link->play_start_us);
}

static void run_stop(struct link *link, const struct command *command, struct control_reply *reply)
{
	(void)command;
	link_receive(link);
	link_stop_playing(link);
	answer_ok(reply, loop_now_us());
}

static void run_dead(struct emulator *emulator, const struct command *command,
	struct control_reply *reply)
{
	struct dead_hosts *hosts = &emulator->dead_hosts;
	size_t i;

	for (i = 0; i < emulator->n_links; i++)
		link_receive(&emulator->links[i]);
	for (i = 0; i < hosts->n; i++)
		if (memcmp(&hosts->addresses[i], &command->address, sizeof(command->address)) == 0)
			break;
	if (command->on && i == hosts->n) {
		if (hosts->n == LINK_DEAD_HOSTS_MAX) {
			answer(reply, "error: no room for more than %d dead hosts",
				LINK_DEAD_HOSTS_MAX);
			return;
		}
		hosts->addresses[hosts->n++] = command->address;
	} else if (!command->on && i < hosts->n) {
		hosts->addresses[i] = hosts->addresses[--hosts->n];
	}
	answer_ok(reply, loop_now_us());
}

static void run_seed(struct emulator *emulator, const struct command *command,
	struct control_reply *reply)
{
	emulator->seed = command->seed;
	for (size_t i = 0; i < emulator->n_links; i++) {
		for (size_t d = 0; d < DIRECTION_COUNT; d++) {
			struct impair *impair = &emulator->links[i].directions[d].impair;
			struct impair_policy policy = impair->policy;

			impair_init(impair, (command->seed + i) * DIRECTION_COUNT + d);
			impair->policy = policy;
		}
	}
	answer_ok(reply, loop_now_us());
}

static void run_show(const struct emulator *emulator, struct control_reply *reply)
{
	char options[OPTIONS_TEXT_MAX];

	answer(reply, "{");
	for (size_t i = 0; i < emulator->n_links; i++) {
		const struct link *link = &emulator->links[i];

		answer(reply, "%s\"%s\":{", i ? "," : "", link->name);
		for (int d = 0; d < DIRECTION_COUNT; d++) {
			impair_print(&link->directions[d].impair.policy, options, sizeof(options));
			answer(reply, "\"%s\":\"%s\",", link_direction_name((enum direction)d),
				options);
		}
		answer(reply, "\"playing\":%s}", link->playing ? "true" : "false");
	}
	answer(reply, "}");
}

static void print_counters(struct link_direction *direction, struct link_counters *counters,
	struct control_reply *reply)
{
	uint64_t dropped = 0;

	if (direction->watch.fd >= 0)
		counters->overruns += port_overruns(direction->watch.fd);
	answer(reply, "{\"frames\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"queued\":%zu",
		counters->frames, counters->bytes, direction->line.n);
	for (int i = DROP_NONE + 1; i < DROP_COUNT; i++) {
		dropped += counters->dropped[i];
		if (counters->dropped[i])
			answer(reply, ",\"dropped_%s\":%" PRIu64, impair_drop_name((enum drop)i),
				counters->dropped[i]);
	}
	answer(reply,
		",\"dropped\":%" PRIu64 ",\"dropped_bytes\":%" PRIu64 ",\"overruns\":%" PRIu64
		",\"late_us_max\":%" PRId64 "}",
		dropped, counters->dropped_bytes, counters->overruns, counters->late_us_max);
}

static void run_stats(struct emulator *emulator, struct control_reply *reply)
{
	answer(reply, "{");
	for (size_t i = 0; i < emulator->n_links; i++) {
		struct link *link = &emulator->links[i];

		answer(reply, "%s\"%s\":{", i ? "," : "", link->name);
		for (int d = 0; d < DIRECTION_COUNT; d++) {
			answer(reply, "%s\"%s\":", d ? "," : "",
				link_direction_name((enum direction)d));
			print_counters(&link->directions[d], &link->directions[d].counters, reply);
		}
		answer(reply, "}");
	}
	answer(reply, "}");
}

typedef void link_command_fn(struct link *link, const struct command *command,
	struct control_reply *reply);

/* Carries out what is about a link that must exist. */
static void run_link_command(struct emulator *emulator, link_command_fn *run,
	const struct command *command, struct control_reply *reply)
{
	struct link *link = find_link(emulator, command->name);

	if (link)
		run(link, command, reply);
	else
		answer(reply, "error: no link %s: show lists them", command->name);
}

static void run_command(struct emulator *emulator, const struct command *command,
	struct control_reply *reply)
{
	switch (command->kind) {
	case COMMAND_LINK:
		run_link(emulator, command, reply);
		break;
	case COMMAND_UNLINK:
		run_link_command(emulator, run_unlink, command, reply);
		break;
	case COMMAND_LOCAL:
		run_link_command(emulator, run_local, command, reply);
		break;
	case COMMAND_SET:
		run_link_command(emulator, run_set, command, reply);
		break;
	case COMMAND_CARRIER:
		run_link_command(emulator, run_carrier, command, reply);
		break;
	case COMMAND_PLAY:
		run_link_command(emulator, run_play, command, reply);
		break;
	case COMMAND_STOP:
		run_link_command(emulator, run_stop, command, reply);
		break;
	case COMMAND_DEAD:
		run_dead(emulator, command, reply);
		break;
	case COMMAND_SEED:
		run_seed(emulator, command, reply);
		break;
	case COMMAND_NOW:
		answer_ok(reply, loop_now_us());
		break;
	case COMMAND_SHOW:
		run_show(emulator, reply);
		break;
	case COMMAND_STATS:
		run_stats(emulator, reply);
		break;
	case COMMAND_HELP:
		answer(reply, "ok %s", command_help());
		break;
	}
}

static void handle_line(struct control *control, char *line, struct control_reply *reply)
{
	struct emulator *emulator = container_of(control, struct emulator, control);
	struct command command;
	const char *problem = command_parse(line, &command);

	if (problem)
		answer(reply, "error: %s", problem);
	else
		run_command(emulator, &command, reply);
}

static void parent_ready(struct watch *watch, uint32_t events)
{
	struct emulator *emulator = container_of(watch, struct emulator, parent);
	char ignored[256];

	(void)events;
	if (read(watch->fd, ignored, sizeof(ignored)) <= 0)
		emulator->parent_gone = true;
}

static void run(struct emulator *emulator)
{
	while (!stop_asked && !emulator->parent_gone) {
		int64_t now_us = loop_now_us();
		int64_t wake_us = LOOP_NEVER;

		for (size_t i = 0; i < emulator->n_links; i++) {
			int64_t next_us = link_deliver(&emulator->links[i], now_us);

			if (next_us < wake_us)
				wake_us = next_us;
		}
		loop_wait(&emulator->loop, wake_us);
	}
}

static int usage(void)
{
	fputs("usage: labemu SOCKET [seed NUMBER]\n"
	      "Takes commands on the unix socket SOCKET (try help) until SIGTERM or the end of\n"
	      "standard input.\n",
		stderr);
	return 2;
}

int main(int argc, char **argv)
{
	static struct emulator emulator = {.seed = 1, .parent = {.fd = 0, .ready = parent_ready}};
	struct sigaction action = {.sa_handler = ask_stop};
	int error;

	if (argc != 2 && !(argc == 4 && strcmp(argv[2], "seed") == 0))
		return usage();
	if (argc == 4)
		emulator.seed = strtoull(argv[3], NULL, 10);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	error = loop_init(&emulator.loop);
	if (!error)
		error = frame_pool_init(&emulator.pool);
	if (!error)
		error = control_open(&emulator.control, &emulator.loop, argv[1], handle_line);
	if (error) {
		fprintf(stderr, "labemu: cannot start on %s: %s\n", argv[1], strerror(-error));
		return 1;
	}
	/* A regular file or /dev/null cannot be watched and says nothing of a parent. */
	loop_watch(&emulator.loop, &emulator.parent, EPOLLIN);
	loop_raise_priority(PRIORITY);
	run(&emulator);
	for (size_t i = 0; i < emulator.n_links; i++)
		link_close(&emulator.links[i]);
	control_close(&emulator.control);
	frame_pool_done(&emulator.pool);
	loop_done(&emulator.loop);
	return 0;
}
