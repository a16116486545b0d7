#include "daemon/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/json.h"
#include "base/usec.h"

#define KEEP_US USEC_MIN
#define PROGRAM "autonomy-replay"
/* A search that is cut short answers; one that goes on is ended after four hours (--background). */
#define SEARCH_MINUTES "225"

/* Beside our own program, where it was installed or built; else by PATH. */
static void execute(const char *const argv[])
{
	char path[256];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - sizeof(PROGRAM));
	char *slash;

	path[n > 0 ? n : 0] = '\0';
	slash = strrchr(path, '/');
	if (slash) {
		strcpy(slash + 1, PROGRAM);
		execv(path, (char *const *)(uintptr_t)argv);
	}
	execvp(PROGRAM, (char *const *)(uintptr_t)argv);
}

/* In the child: the answer goes to the file, and nothing of ours is inherited. */
static void become(const char *file, const char *const argv[])
{
	sigset_t none;
	int out = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (out >= 0 && dup2(out, STDOUT_FILENO) >= 0)
		execute(argv);
	_exit(127);
}

static int start(struct study *s, const struct api_study *q, const char *record_dir,
	const char *config_file)
{
	char since[32];
	bool searches = !strcmp(q->verb, "tune");
	const char *argv[] = {PROGRAM, q->verb, "--json", "--quiet", "--background", "--record",
		record_dir, "--config", config_file, "--family", q->family, "--since",
		q->since_us == USEC_NEVER ? "all" : since,
		searches ? "--minutes"
		: q->set ? "--set"
			 : NULL,
		searches ? SEARCH_MINUTES : q->set, NULL};

	snprintf(since, sizeof(since), "%llds", (long long)(q->since_us / USEC_S));
	s->pid = fork();
	if (!s->pid)
		become(s->file, argv);
	if (s->pid > 0)
		return 0;
	s->pid = 0;
	return -errno;
}

void study_tick(struct study *s, int64_t now_us)
{
	if (!s->pid || !waitpid(s->pid, NULL, WNOHANG))
		return;
	s->pid = 0;
	s->answered = true;
	s->since_us = now_us;
}

static int answer(const struct study *s, struct json_object **ret_json, struct problem *ret)
{
	struct json_object *o = json_object_from_file(s->file);
	const char *why = o ? json_get_text(o, "error", NULL)
			    : "no answer came: it was ended, or "
			      "the machine lacks memory";

	if (why) {
		problem_set(ret, "", 0, "%s", why);
		json_object_put(o);
		return -EIO;
	}
	*ret_json = o;
	return 0;
}

int study_ask(struct study *s, const struct api_study *question,
	const struct daemon_options *options, const char *record_dir, int64_t now_us,
	struct json_object **ret_json, struct problem *ret)
{
	char words[sizeof(s->question)];
	bool same;
	int error = 0;

	study_tick(s, now_us);
	snprintf(words, sizeof(words), "%s %lld %s %s", question->verb,
		(long long)question->since_us, question->family,
		question->set ? question->set : "");
	same = !strcmp(words, s->question);
	if (s->answered && same && now_us - s->since_us < KEEP_US)
		return answer(s, ret_json, ret);
	if (s->pid && !same) {
		problem_set(ret, "", 0, "another question is being worked on; ask again later");
		return -EBUSY;
	}
	if (!s->pid) {
		snprintf(s->file, sizeof(s->file), "%s/study.json", options->run_dir);
		memcpy(s->question, words, sizeof(words));
		s->answered = false;
		s->since_us = now_us;
		error = start(s, question, record_dir, options->config_file);
	}
	if (error) {
		problem_set(ret, "", 0, "no process can be started: %s", strerror(-error));
		return error;
	}
	*ret_json = json_object_new_object();
	json_put_bool(*ret_json, "running", true);
	json_put_int(*ret_json, "running_ms", (now_us - s->since_us) / USEC_MS);
	json_put_text(*ret_json, "text",
		"it is being worked on; ask the same again for the answer");
	return 0;
}

void study_done(struct study *s)
{
	if (!s->pid)
		return;
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
	s->pid = 0;
}
