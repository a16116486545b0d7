/*
 * Any bytes as /etc/config/autonomy: what is accepted is printed, read and is the same
 * configuration.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void note(void *user, const char *section, const char *option, const char *was,
	const char *is, bool live)
{
	size_t *length = user;

	(void)live;
	*length += strlen(section) + strlen(option) + strlen(was) + strlen(is);
}

static void forget_lines(struct config *c)
{
	c->link_default.line = 0;
	for (unsigned i = 0; i < LINKS_MAX; i++)
		c->link[i].line = 0;
}

static void check_round_trip(struct config *config, bool only_set)
{
	static char text[CONFIG_FILE_MAX];
	static struct config again;
	static struct config_problems problems;
	size_t n = config_print(config, only_set, text, sizeof(text));

	if (n >= sizeof(text) || config_parse("again", text, n, &again, &problems))
		abort();
	forget_lines(config);
	forget_lines(&again);
	if (memcmp(config, &again, sizeof(again)) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct config config, fresh;
	static struct config_problems problems;
	size_t length = 0;
	int result = config_parse("fuzz", (const char *)data, size, &config, &problems);

	for (int i = 0; i < problems.n; i++)
		if (!*problems.problem[i].text || problems.problem[i].line < 0)
			abort();
	if (result) {
		if (!problems.n)
			abort();
		return 0;
	}
	config_default(&fresh);
	config_diff(&fresh, &config, note, &length);
	config_diff(&config, &fresh, note, &length);
	check_round_trip(&config, true);
	check_round_trip(&config, false);
	return 0;
}
