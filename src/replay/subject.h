/*
 * What whatif and tune work on, from their command line: a record of a site, a trace, or a scenario
 * of recordings; with the configuration as it is.
 */
#pragma once

#include <json-c/json.h>

#include "replay/site.h"
#include "replay/whatif.h"

#define SUBJECT_SETTINGS_MAX 32

enum subject_exit {
	SUBJECT_EXIT_USAGE = 2,
	SUBJECT_EXIT_INPUT = 3, /* a file cannot be read or used */
};

struct subject_options {
	const char *record;     /* folder or file; a scenario when it ends in .json */
	const char *traces_dir; /* of a scenario */
	const char *config;     /* may be missing: defaults */
	const char *set[SUBJECT_SETTINGS_MAX];
	unsigned n_set;
	int64_t since_us; /* 0: all */
	uint64_t seed;
	enum family family;
	bool json, quiet, help;
};

struct subject {
	struct site site; /* of a scenario only site.scenario is filled */
	bool is_scenario;
};

void subject_options_init(struct subject_options *o);

/* One option of the command line; false when its value does not do (said on stderr). */
bool subject_option(struct subject_options *o, int option, char *value);
bool subject_seed(const char *value, uint64_t *ret);
#define SUBJECT_LONG_OPTIONS                                                                       \
	{"record", required_argument, NULL, 'r'}, {"file", required_argument, NULL, 'r'},          \
		{"traces", required_argument, NULL, 'd'},                                          \
		{"config", required_argument, NULL, 'c'}, {"set", required_argument, NULL, 's'},   \
		{"since", required_argument, NULL, 'a'}, {"seed", required_argument, NULL, 'n'},   \
		{"family", required_argument, NULL, 'f'}, {"json", no_argument, NULL, 'j'},        \
		{"quiet", no_argument, NULL, 'q'}, {"background", no_argument, NULL, 'b'},         \
	{                                                                                          \
		"help", no_argument, NULL, 'h'                                                     \
	}

int subject_load(struct subject *s, const struct subject_options *o, struct problem *ret);
void subject_free(struct subject *s);

/* The configuration without and with the settings: 0 or -errno with ret_problem filled. */
int subject_configs(const struct subject_options *o, struct config *ret_was,
	struct config *ret_would, struct problem *ret_problem);

/* Told as an object with "error" on stdout (json), or on stderr.  Returns SUBJECT_EXIT_INPUT. */
int subject_fail(const struct subject_options *o, const struct problem *p);

/* On stderr while it takes long; for whatif_run.progress, user NULL. */
void subject_progress(void *user, unsigned permille);

/* ---- words ---- */

struct subject_word {
	char text[48];
};

struct subject_word subject_span(int64_t us); /* "3.2 s", "2 d 3 h" */
struct subject_word subject_when(const struct subject *s,
	int64_t at_us); /* local time, or seconds */
struct subject_word subject_bytes(uint64_t bytes);
const char *subject_link(const struct subject *s, unsigned link); /* "none" for LINKS_MAX */

/* How much recording there was. */
void subject_print_extent(const struct subject *s);
void subject_json_extent(const struct subject *s, struct json_object *to);
struct json_object *subject_json_cost(const struct judge_cost *c);
