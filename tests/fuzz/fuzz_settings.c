/* A configuration file, a NUL, and what --set says: a sentence, or a configuration whose text reads back to the same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/settings.h"
#include "replay/subject.h"
#include "replay/tune.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct config config, again;
static struct config_problems problems;
static char text[CONFIG_FILE_MAX];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = memchr(data, '\0', size);
	size_t file_size = end ? (size_t)(end - data) : 0;
	char *words = malloc(size + 1);
	struct subject_options o;
	struct tune_option option;
	struct problem problem = {.text = ""};

	if (!words)
		return 0;
	memcpy(words, data + (end ? file_size + 1 : 0), size - (end ? file_size + 1 : 0));
	words[size - (end ? file_size + 1 : 0)] = '\0';
	tune_option_parse(words, &option, &problem);
	subject_options_init(&o);
	if (subject_option(&o, 's', words)) {
		problem.text[0] = '\0';
		if (!settings_parse("fuzz", (const char *)data, file_size, o.set, o.n_set, &config,
			    text, &problem)) {
			if (config_parse("again", text, strlen(text), &again, &problems) ||
				config_diff(&config, &again, NULL, NULL))
				abort();
		} else if (!problem.text[0]) {
			abort();
		}
	}
	free(words);
	return 0;
}
