/*
 * Questions that take long, like what-if: a child process (autonomy-replay, at the lowest priority) works on
 * the site's record while the daemon goes on.  Only a user's call starts one, and there is one at a time.
 * Who asks gets "running" at once, and the answer by asking again the same; it is kept for a minute.
 */
#pragma once

#include <json-c/json.h>
#include <sys/types.h>

#include "api/api.h"

struct daemon_options;

struct study {
	pid_t pid; /* 0: nothing is being worked on */
	bool answered;
	int64_t since_us; /* began, or was answered, then */
	char question[768];
	char file[CONFIG_PATH_SIZE]; /* where the child writes its answer */
};

/* 0 with ret_json; -EBUSY: another question is being worked on; or -errno with ret filled. */
int study_ask(struct study *s, const struct api_study *question,
	const struct daemon_options *options, const char *record_dir, int64_t now_us,
	struct json_object **ret_json, struct problem *ret);

/* About once a second: notices that the child has ended. */
void study_tick(struct study *s, int64_t now_us);
void study_done(struct study *s); /* ends the child */
