#include "ctl/study.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/json.h"
#include "ctl/client.h"

#define PROGRAM "autonomy-replay"
#define ANSWER_TIMEOUT_MS 10000
#define FIXED_WORDS 12

extern char **environ;

bool study_split(char *const words[], int n, const char *kept[], int *ret_n, bool *ret_apply,
	const char **ret_confirm)
{
	*ret_n = 0;
	*ret_apply = false;
	*ret_confirm = "60s";
	for (int i = 0; i < n; i++) {
		if (!strcmp(words[i], "--apply")) {
			*ret_apply = true;
		} else if (!strncmp(words[i], "--confirm=", 10)) {
			*ret_confirm = words[i] + 10;
		} else if (!strcmp(words[i], "--confirm")) {
			if (++i == n)
				return false;
			*ret_confirm = words[i];
		} else {
			kept[(*ret_n)++] = words[i];
		}
	}
	return true;
}

/* Beside our own program, where it was installed or built; else by PATH. */
static const char *program(char path[4096])
{
	ssize_t n = readlink("/proc/self/exe", path, 4096 - sizeof(PROGRAM));
	char *slash;

	if (n <= 0)
		return PROGRAM;
	path[n] = '\0';
	slash = strrchr(path, '/');
	strcpy(slash ? slash + 1 : path, PROGRAM);
	return access(path, X_OK) ? PROGRAM : path;
}

/* The daemon's answer, or NULL. */
static struct json_object *ask(const char *socket, const char *method, struct json_object *params,
	char *why, size_t size)
{
	struct json_object *message = NULL, *result, *error;
	struct client c;
	int r = client_open(&c, socket);

	if (r) {
		json_object_put(params);
		snprintf(why, size, "no autonomyd answers on %s (%s)", socket, strerror(-r));
		return NULL;
	}
	r = client_send(&c, 1, method, params);
	if (!r)
		client_read(&c, ANSWER_TIMEOUT_MS, &message);
	client_close(&c);
	result = json_object_get(json_get_object(message, "result"));
	error = json_get_object(message, "error");
	if (!result)
		snprintf(why, size, "%s", json_get_text(error, "message", "no answer in time"));
	json_object_put(message);
	return result;
}

static int spawn_and_wait(const char *const argv[])
{
	int status;
	pid_t pid;
	int error =
		posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)(uintptr_t)argv, environ);

	if (error) {
		fprintf(stderr, "autonomyctl: %s cannot be started: %s; is it installed?\n",
			argv[0], strerror(error));
		return EXIT_REFUSED;
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return EXIT_REFUSED;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_REFUSED;
}

/* The proposal, whose text autonomy-replay has left in a file, as a configuration on trial. */
static enum exit_code apply(const struct arguments *a, const char *file, const char *confirm)
{
	struct json_object *params, *result, *text;
	char data[49152], why[512] = "";
	FILE *f = fopen(file, "re");
	size_t n = f ? fread(data, 1, sizeof(data), f) : 0;

	if (f)
		fclose(f);
	if (!n) {
		fputs("nothing is proposed, so nothing was applied\n", stderr);
		return EXIT_OK;
	}
	params = json_object_new_object();
	text = json_object_new_string_len(data, (int)n);
	json_object_object_add(params, "text", text);
	json_object_object_add(params, "confirm", json_object_new_string(confirm));
	result = ask(a->socket, "config.apply", params, why, sizeof(why));
	if (!result) {
		fprintf(stderr, "autonomyctl: not applied: %s\n", why);
		return EXIT_REFUSED;
	}
	fprintf(stderr,
		"applied; it is taken back after %s unless you say: autonomyctl config confirm\n",
		confirm);
	json_object_put(result);
	return EXIT_OK;
}

static enum exit_code run(struct arguments *a, const char *const argv[], bool wants_apply,
	const char *proposal, const char *confirm)
{
	int code = spawn_and_wait(argv);

	if (code == EXIT_OK && wants_apply)
		return apply(a, proposal, confirm);
	return (enum exit_code)code;
}

enum exit_code study_run(struct arguments *a)
{
	const char **argv = calloc((size_t)a->n_rest + FIXED_WORDS, sizeof(*argv));
	char path[4096], proposal[] = "/tmp/autonomy-tune.XXXXXX", why[512] = "";
	bool wants_apply = false;
	const char *confirm = "";
	struct json_object *where;
	int n = 0, kept = 0, fd;
	enum exit_code code = EXIT_USAGE;

	if (!argv)
		return EXIT_REFUSED;
	argv[n++] = program(path);
	argv[n++] = a->command->name;
	where = ask(a->socket, "recording", NULL, why, sizeof(why));
	if (where) {
		argv[n++] = "--record";
		argv[n++] = json_get_text(where, "folder", "");
		argv[n++] = "--config";
		argv[n++] = json_get_text(where, "config_file", "");
	}
	if (a->json)
		argv[n++] = "--json";
	if (!study_split(a->rest, a->n_rest, argv + n, &kept, &wants_apply, &confirm)) {
		fputs("autonomyctl: --confirm needs a value: how long until it is taken back\n",
			stderr);
	} else {
		n += kept;
		fd = wants_apply ? mkostemp(proposal, O_CLOEXEC) : -1;
		if (fd >= 0) {
			close(fd);
			argv[n++] = "--write";
			argv[n++] = proposal;
		}
		code = run(a, argv, wants_apply, proposal, confirm);
		if (code == EXIT_UNREACHABLE && !where) /* its file could not be read */
			fprintf(stderr, "(%s)\n", why);
		if (fd >= 0)
			unlink(proposal);
	}
	json_object_put(where);
	free(argv);
	return code;
}
