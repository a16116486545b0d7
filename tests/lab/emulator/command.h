/*
 * The control language, one command a line.  Parsing changes nothing; what a line asks for comes
 * back as a struct whose strings point into the line.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COMMAND_LINE_MAX 4096
#define COMMAND_WORDS_MAX 64

enum command_kind {
	COMMAND_LINK,    /* name, router_port, provider_port */
	COMMAND_UNLINK,  /* name */
	COMMAND_LOCAL,   /* name, words: prefixes */
	COMMAND_SET,     /* name, up, down, words: options and values */
	COMMAND_CARRIER, /* name, on */
	COMMAND_PLAY,    /* name, path, speed, offset_us */
	COMMAND_STOP,    /* name */
	COMMAND_DEAD,    /* address, on */
	COMMAND_SEED,    /* seed */
	COMMAND_NOW,
	COMMAND_SHOW,
	COMMAND_STATS,
	COMMAND_HELP,
};

struct command {
	enum command_kind kind;
	const char *name;
	bool up;
	bool down;
	bool on;
	const char *router_port;
	const char *provider_port;
	const char *path;
	double speed;      /* 0.01 .. 1000 */
	int64_t offset_us; /* 0 .. 10^14 */
	uint64_t seed;
	struct in6_addr address;
	/* Options and values in turn; "reset" has the value NULL. */
	const char *words[COMMAND_WORDS_MAX];
	size_t n_words;
};

/*
 * Cuts line, which ends in a NUL and has no newline, into *ret_command.  Returns NULL or a sentence
 * that says what to do.
 */
const char *command_parse(char *line, struct command *ret_command);

/* A prefix as text, "192.0.2.0/24" or "2001:db8::/32"; IPv4 comes out mapped.  False: is none. */
bool command_prefix(const char *text, struct in6_addr *ret_address, int *ret_bits);

/* All commands with their arguments, "; " between them. */
const char *command_help(void);
