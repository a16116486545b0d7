/*
 * Any bytes as the arguments of config.set, in JSON, and, behind a NUL each, as the file and as what is staged for it:
 * what is accepted makes a file that can be read, and what is refused changes nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/api.h"
#include "base/usec.h"
#include "core/engine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/dev/shm/fuzz-set-XXXXXX", file[64], save[64], staged[80];
static struct config config;
static struct api api;
static bool refuse;

static int use_config(void *user, const struct config *c, struct problem *ret)
{
	(void)user;
	if (refuse) {
		problem_set(ret, "", 0, "not this one");
		return -EIO;
	}
	config = *c;
	return 0;
}

static const struct api_hooks hooks = {.use_config = use_config};

static void clean_up(void)
{
	unlink(file);
	unlink(staged);
	rmdir(save);
	rmdir(folder);
}

static void begin(void)
{
	struct engine *engine = calloc(1, engine_size());

	if (!engine || !mkdtemp(folder))
		abort();
	atexit(clean_up);
	engine_init(engine, 0, 1);
	snprintf(file, sizeof(file), "%s/autonomy", folder);
	snprintf(save, sizeof(save), "%s/save", folder);
	snprintf(staged, sizeof(staged), "%s/autonomy", save);
	if (mkdir(save, 0700))
		abort();
	config_default(&config);
	api_init(&api, engine, &config, file, 0);
	api.hooks = &hooks;
	api.store.delta_dir = save;
}

static void put(const char *path, const char *text, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, text, size) != (ssize_t)size)
		abort();
	close(fd);
}

static bool holds(const char *path, const char *text, size_t size)
{
	static char now[1 << 16];
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, now, sizeof(now));

	close(fd);
	return n == (ssize_t)size && !memcmp(now, text, size);
}

static void call(const char *arguments, size_t size, const char *text, size_t text_size)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *params = json_tokener_parse_ex(tokener, arguments, (int)size),
			   *result = NULL;
	struct api_error error;
	static struct config again;
	static struct config_problems problems;

	api_set_time(&api, 1, 1);
	if (params && !api_call(&api, PERMISSION_ADMIN, "config.set", params, &result, &error)) {
		if (api.trial.running)
			api_tick(&api, 2 * USEC_DAY);
		else if (config_load(file, &again, &problems))
			abort();
		json_object_put(result);
	} else if (params) {
		json_object_put(error.data);
		if (!*error.text || api.trial.running || !holds(file, text, text_size))
			abort();
	}
	api_file_changed(&api, 1);
	api_forget_set(&api);
	json_object_put(params);
	json_tokener_free(tokener);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *arguments = (const char *)data, *nul = memchr(data, '\0', size);
	size_t n = nul ? (size_t)(nul - arguments) : size;
	const char *text = nul ? nul + 1 : "";
	const char *end = memchr(text, '\0', nul ? size - n - 1 : 0);
	size_t text_size = end ? (size_t)(end - text) : nul ? size - n - 1 : 0;

	if (size > 1 << 14)
		return 0;
	if (!*file)
		begin();
	refuse = size % 8 == 7;
	put(file, text, text_size);
	put(staged, end ? end + 1 : "", end ? size - (size_t)(end + 1 - arguments) : 0);
	call(arguments, n, text, text_size);
	return 0;
}
