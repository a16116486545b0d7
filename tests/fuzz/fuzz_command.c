/*
 * First byte: 'A': the rest is a command line, words separated by NUL or newline.  Otherwise: the rest is a method, a
 * newline and its params as JSON, asked with each permission.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/api/fake_engine.h"

#include "api/api.h"
#include "core/history.h"
#include "core/ledger.h"
#include "ctl/arguments.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define WORDS_MAX 16
#define TEXT_MAX 8192

static bool hook_input(void *user, const struct input *in)
{
	(void)user;
	if (in->command.link > LINKS_MAX || in->command.class > CLASSES_MAX ||
		in->command.verb >= COMMAND_VERB_COUNT || in->command.expires_us <= in->now_us)
		abort();
	return true;
}

static int hook_trace_start(void *user, const char *name, int64_t limit_bytes, struct problem *ret)
{
	(void)user;
	if (strchr(name, '/') || name[0] == '.' || limit_bytes < 65536)
		abort();
	problem_set(ret, "trace", 0, "not here");
	return -1;
}

static void hook_set_log_level(void *user, int level)
{
	(void)user;
	(void)level;
}

static const struct api_hooks hooks = {.input = hook_input,
	.trace_start = hook_trace_start,
	.set_log_level = hook_set_log_level};

static struct api *api_of_test(void)
{
	static struct api api;
	static struct config config;
	static struct eventring events;
	static struct history history;
	static struct ledger ledger;
	struct event e = fake_switch();

	fake_reset();
	if (api.engine || api.config)
		return &api;
	config_default(&config);
	eventring_init(&events, 1);
	ledger_init(&ledger);
	eventring_put(&events, &e);
	api_init(&api, NULL, &config, "/nonexistent/autonomy", FAKE_NOW_US - USEC_H);
	api_set_time(&api, FAKE_NOW_US, FAKE_WALL_US);
	api.hooks = &hooks;
	api.events = &events;
	api.history = &history;
	api.ledger = &ledger;
	return &api;
}

static void try_call(char *text)
{
	char *end = strchr(text, '\n');
	struct json_object *params = NULL;
	struct api *api = api_of_test();

	if (end) {
		*end = '\0';
		params = json_tokener_parse(end + 1);
	}
	for (unsigned p = 0; p < PERMISSION_COUNT; p++) {
		struct json_object *result = NULL;
		struct api_error error;

		if (api_call(api, (enum permission)p, text, params, &result, &error)) {
			if (result || !error.text[0] || !error.code)
				abort();
			json_object_put(error.data);
		} else if (!result) {
			abort();
		}
		json_object_put(result);
	}
	json_object_put(params);
}

static void try_command_line(char *text, size_t size)
{
	static char program[] = "autonomyctl";
	char *word[WORDS_MAX + 2] = {program}, problem[256];
	struct arguments a;
	int n = 1;

	for (char *p = text; p < text + size && n < WORDS_MAX; p += strlen(p) + 1) {
		p[strcspn(p, "\n")] = '\0';
		/* no files, no standard input: what is in them is another fuzzer's */
		if (!strcmp(p, "-") || strchr(p, '/'))
			return;
		word[n++] = p;
	}
	if (!arguments_parse(&a, n, word, problem, sizeof(problem)) && a.local == LOCAL_NONE &&
		!(a.command && a.params))
		abort();
	arguments_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char text[TEXT_MAX];

	if (!size || size >= sizeof(text))
		return 0;
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	if (data[0] == 'A')
		try_command_line(text, size - 1);
	else
		try_call(text);
	return 0;
}
