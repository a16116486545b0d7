#include "command.h"

#include "packet.h"

#include <errno.h>
#include <math.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#define SPEED_MIN 0.01
#define SPEED_MAX 1000.0
#define OFFSET_S_MAX 1e8

struct words {
	char *at[COMMAND_WORDS_MAX];
	size_t n;
};

typedef const char *parse_fn(const struct words *words, struct command *command);

static const char *parse_name(const char *word, struct command *command)
{
	if (!word[0] || strlen(word) >= IFNAMSIZ)
		return "a link's name has 1 to 15 characters";
	command->name = word;
	return NULL;
}

static bool parse_on(const char *word, const char *on, const char *off, bool *ret_on)
{
	if (strcmp(word, on) != 0 && strcmp(word, off) != 0)
		return false;
	*ret_on = strcmp(word, on) == 0;
	return true;
}

static bool parse_number(const char *word, double min, double max, double *ret_value)
{
	char *end;
	double value = strtod(word, &end);

	if (end == word || *end || !isfinite(value) || value < min || value > max)
		return false;
	*ret_value = value;
	return true;
}

static const char *parse_link(const struct words *words, struct command *command)
{
	if (strlen(words->at[2]) >= IFNAMSIZ || strlen(words->at[3]) >= IFNAMSIZ)
		return "an interface's name has 1 to 15 characters";
	command->router_port = words->at[2];
	command->provider_port = words->at[3];
	return parse_name(words->at[1], command);
}

static const char *parse_named(const struct words *words, struct command *command)
{
	return parse_name(words->at[1], command);
}

static const char *parse_local(const struct words *words, struct command *command)
{
	struct in6_addr address;
	int bits;

	for (size_t i = 2; i < words->n; i++) {
		if (!command_prefix(words->at[i], &address, &bits))
			return "a prefix is written 192.0.2.0/24 or 2001:db8::/32";
		command->words[command->n_words++] = words->at[i];
	}
	return parse_name(words->at[1], command);
}

static const char *parse_set(const struct words *words, struct command *command)
{
	const char *direction = words->at[2];

	command->up = strcmp(direction, "up") == 0 || strcmp(direction, "both") == 0;
	command->down = strcmp(direction, "down") == 0 || strcmp(direction, "both") == 0;
	if (!command->up && !command->down)
		return "a direction is up (router to provider), down or both";
	for (size_t i = 3; i < words->n;) {
		bool reset = strcmp(words->at[i], "reset") == 0;

		if (!reset && i + 1 == words->n)
			return "every option but reset needs a value";
		if (command->n_words + 2 > COMMAND_WORDS_MAX)
			return "too many options in one line: use several";
		command->words[command->n_words++] = words->at[i];
		command->words[command->n_words++] = reset ? NULL : words->at[i + 1];
		i += reset ? 1 : 2;
	}
	return parse_name(words->at[1], command);
}

static const char *parse_carrier(const struct words *words, struct command *command)
{
	if (!parse_on(words->at[2], "up", "down", &command->on))
		return "carrier needs up or down";
	return parse_name(words->at[1], command);
}

static const char *parse_play(const struct words *words, struct command *command)
{
	double offset_s = 0;

	command->path = words->at[2];
	command->speed = 1;
	for (size_t i = 3; i < words->n; i += 2) {
		if (i + 1 == words->n)
			return "speed and offset need a number";
		if (strcmp(words->at[i], "speed") == 0) {
			if (!parse_number(words->at[i + 1], SPEED_MIN, SPEED_MAX, &command->speed))
				return "speed needs a number from 0.01 to 1000";
		} else if (strcmp(words->at[i], "offset") == 0) {
			if (!parse_number(words->at[i + 1], 0, OFFSET_S_MAX, &offset_s))
				return "offset needs seconds from the start of the trace";
		} else {
			return "play takes speed and offset behind the file";
		}
	}
	command->offset_us = (int64_t)(offset_s * 1e6);
	return parse_name(words->at[1], command);
}

static const char *parse_dead(const struct words *words, struct command *command)
{
	if (!packet_address(words->at[1], &command->address))
		return "dead needs an IPv4 or IPv6 address";
	if (!parse_on(words->at[2], "on", "off", &command->on))
		return "dead needs on or off behind the address";
	return NULL;
}

static const char *parse_seed(const struct words *words, struct command *command)
{
	char *end;

	errno = 0;
	command->seed = strtoull(words->at[1], &end, 10);
	if (errno || *end || words->at[1][0] == '-')
		return "seed needs a whole number";
	return NULL;
}

static const struct {
	const char *name;
	enum command_kind kind;
	size_t min_words;
	size_t max_words;
	parse_fn *parse;
	const char *usage;
} commands[] = {
	{"link", COMMAND_LINK, 4, 4, parse_link, "usage: link NAME ROUTER_PORT PROVIDER_PORT"},
	{"unlink", COMMAND_UNLINK, 2, 2, parse_named, "usage: unlink NAME"},
	{"local", COMMAND_LOCAL, 2, 10, parse_local, "usage: local NAME PREFIX..."},
	{"set", COMMAND_SET, 4, COMMAND_WORDS_MAX, parse_set,
		"usage: set NAME up|down|both [reset] OPTION VALUE..."},
	{"carrier", COMMAND_CARRIER, 3, 3, parse_carrier, "usage: carrier NAME up|down"},
	{"play", COMMAND_PLAY, 3, 7, parse_play,
		"usage: play NAME FILE [speed X] [offset SECONDS]"},
	{"stop", COMMAND_STOP, 2, 2, parse_named, "usage: stop NAME"},
	{"dead", COMMAND_DEAD, 3, 3, parse_dead, "usage: dead ADDRESS on|off"},
	{"seed", COMMAND_SEED, 2, 2, parse_seed, "usage: seed NUMBER"},
	{"now", COMMAND_NOW, 1, 1, NULL, "usage: now"},
	{"show", COMMAND_SHOW, 1, 1, NULL, "usage: show"},
	{"stats", COMMAND_STATS, 1, 1, NULL, "usage: stats"},
	{"help", COMMAND_HELP, 1, 1, NULL, "usage: help"},
};

const char *command_help(void)
{
	return "link NAME ROUTER_PORT PROVIDER_PORT; unlink NAME; local NAME PREFIX...; "
	       "set NAME up|down|both [reset] OPTION VALUE...; carrier NAME up|down; "
	       "play NAME FILE [speed X] [offset SECONDS]; stop NAME; dead ADDRESS on|off; "
	       "seed NUMBER; now; show; stats";
}

/* Returns false if there are more words than fit. */
static bool split(char *line, struct words *ret_words)
{
	char *word;

	ret_words->n = 0;
	while ((word = strsep(&line, " \t\r"))) {
		if (!*word)
			continue;
		if (ret_words->n == COMMAND_WORDS_MAX)
			return false;
		ret_words->at[ret_words->n++] = word;
	}
	return true;
}

const char *command_parse(char *line, struct command *ret_command)
{
	struct command command = {0};
	struct words words;
	const char *problem;

	if (!split(line, &words))
		return "too many words in one line: use several";
	if (!words.n)
		return "an empty line: try help";
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].name, words.at[0]) != 0)
			continue;
		if (words.n < commands[i].min_words || words.n > commands[i].max_words)
			return commands[i].usage;
		command.kind = commands[i].kind;
		problem = commands[i].parse ? commands[i].parse(&words, &command) : NULL;
		if (!problem)
			*ret_command = command;
		return problem;
	}
	return "no such command: try help";
}

bool command_prefix(const char *text, struct in6_addr *ret_address, int *ret_bits)
{
	char address_text[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	struct in6_addr address;
	int offset = 0;
	char *end;
	long bits;

	if (!slash || (size_t)(slash - text) >= sizeof(address_text))
		return false;
	memcpy(address_text, text, (size_t)(slash - text));
	address_text[slash - text] = '\0';
	if (!packet_address(address_text, &address))
		return false;
	if (!strchr(address_text, ':'))
		offset = 96;
	bits = strtol(slash + 1, &end, 10);
	if (end == slash + 1 || *end || bits < 0 || bits > 128 - offset)
		return false;
	*ret_address = address;
	*ret_bits = (int)bits + offset;
	return true;
}
