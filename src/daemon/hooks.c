/* What the API may ask of the daemon. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "api/json.h"
#include "base/usec.h"
#include "daemon/daemon.h"
#include "io/log.h"

static bool hook_input(void *user, const struct input *in)
{
	struct daemon *d = user;

	return inbox_put(&d->inbox, in);
}

static int hook_use_config(void *user, const struct config *config, struct problem *ret)
{
	return daemon_use_config(user, config, ret);
}

static void hook_set_log_level(void *user, int level)
{
	(void)user;
	log_set_level(level);
}

static int hook_trace_start(void *user, const char *name, int64_t limit_bytes, struct problem *ret)
{
	struct daemon *d = user;
	int64_t now_us = inbox_clock_us(), wall_ms = checkpoint_wall_ms();
	char file[CONFIG_PATH_SIZE];
	int length;

	if (name[0])
		length = snprintf(file, sizeof(file), "%s/%s", d->options.run_dir, name);
	else
		length = snprintf(file, sizeof(file), "%s/trace-%lld.autrace", d->options.run_dir,
			(long long)(wall_ms ? wall_ms / 1000 : now_us / USEC_S));
	if (length < 0 || (size_t)length >= sizeof(file)) {
		problem_set(ret, name, 0, "give a shorter name");
		return -ENAMETOOLONG;
	}
	return journal_start(&d->journal, file, d->engine, d->seed, now_us, wall_ms,
		limit_bytes > 0 ? (uint64_t)limit_bytes : 0, false, ret);
}

static int hook_trace_stop(void *user, struct problem *ret)
{
	struct daemon *d = user;
	int error;

	if (!journal_active(&d->journal)) {
		problem_set(ret, "trace", 0, "no trace is being recorded");
		return -ESRCH;
	}
	error = journal_stop(&d->journal);
	if (error < 0)
		problem_set(ret, d->journal.file, 0, "%s", strerror(-error));
	return error;
}

static void hook_trace_status(void *user, struct api_trace_status *ret)
{
	const struct daemon *d = user;

	memset(ret, 0, sizeof(*ret));
	ret->running = journal_active(&d->journal);
	snprintf(ret->file, sizeof(ret->file), "%s", d->journal.file);
	ret->bytes = (int64_t)d->journal.bytes;
	ret->limit_bytes = (int64_t)d->journal.limit_bytes;
}

static int hook_study(void *user, const struct api_study *study, struct json_object **ret_json,
	struct problem *ret)
{
	struct daemon *d = user;
	const struct sitefile *site = &d->site;
	struct json_object *o;
	int error = 0;

	if (!sitefile_active(site))
		return -ENODATA;
	/* who asks again for an answer needs no newer record */
	if (!d->study.pid)
		error = sitefile_flush(&d->site, d->engine, inbox_clock_us(), ret);
	if (error)
		return error;
	if (study->family)
		return study_ask(&d->study, study, &d->options, site->dir, inbox_clock_us(),
			ret_json, ret);
	*ret_json = o = json_object_new_object();
	json_put_text(o, "folder", site->dir);
	json_put_text(o, "config_file", d->options.config_file);
	json_put_int(o, "bytes", (int64_t)site->file_bytes);
	json_put_int(o, "left_out", (int64_t)site->dropped);
	return 0;
}

static void tell_engine(const struct daemon *d, api_metric_fn *tell, void *to)
{
	struct engine_view v;

	engine_view(d->engine, &v);
	tell(to, "inputs", (int64_t)v.inputs, "inputs that the engine took");
	tell(to, "actions", (int64_t)v.actions, "actions that it asked for");
	tell(to, "events", (int64_t)v.events, "events that it told");
	tell(to, "inputs_ignored", (int64_t)v.inputs_ignored, "malformed inputs");
	tell(to, "time_corrections", (int64_t)v.time_corrections,
		"inputs whose time ran backwards");
	tell(to, "wakeups", (int64_t)d->wakeups, "wake-ups of the loop");
	tell(to, "inbox_refused", (int64_t)d->inbox.refused, "inputs that found the inbox full");
}

static void tell_probes(const struct daemon *d, api_metric_fn *tell, void *to)
{
	struct probes_stats s;

	probes_stats(d->probes, &s);
	tell(to, "probes_sent", (int64_t)s.sent, "probes sent");
	tell(to, "probes_answered", (int64_t)s.answered, "probes answered");
	tell(to, "probes_late", (int64_t)s.late, "answers after the probe had ended as lost");
	tell(to, "probes_duplicate", (int64_t)s.duplicate, "answers that came twice");
	tell(to, "probes_spoofed", (int64_t)s.spoofed,
		"answers with a wrong source, number or cookie");
	tell(to, "probes_malformed", (int64_t)s.malformed, "answers that were no answers");
	tell(to, "probes_send_failed", (int64_t)s.send_failed, "probes that could not be sent");
}

static void tell_ubus(const struct daemon *d, api_metric_fn *tell, void *to)
{
	struct ubus_stats s;

	ubus_stats(d->ubus, &s);
	tell(to, "ubus_connects", (int64_t)s.connects, "times that the bus took us in");
	tell(to, "ubus_calls_in", (int64_t)s.calls_in, "calls from the bus");
	tell(to, "ubus_calls_out", (int64_t)s.calls_out, "calls to other programs");
	tell(to, "ubus_timeouts", (int64_t)s.timeouts, "of these, without an answer in time");
	tell(to, "ubus_malformed", (int64_t)s.malformed, "messages that were none");
	tell(to, "ubus_dropped", (int64_t)s.dropped, "events for which there was no room");
}

static void hook_metrics(void *user, api_metric_fn *tell, void *to)
{
	const struct daemon *d = user;
	struct rusage usage;
	struct rpc_stats rpc;

	tell_engine(d, tell, to);
	tell_probes(d, tell, to);
	rpc_stats(d->rpc, &rpc);
	tell(to, "rpc_messages", (int64_t)rpc.messages, "requests over the socket");
	tell(to, "rpc_malformed", (int64_t)rpc.malformed, "requests that were none");
	tell(to, "rpc_clients", rpc.clients, "clients connected");
	tell_ubus(d, tell, to);
	if (d->checkpoint) {
		struct checkpoint_stats c;

		checkpoint_stats(d->checkpoint, &c);
		tell(to, "checkpoints", (int64_t)c.written, "files of remembered state written");
		tell(to, "checkpoint_bytes", (int64_t)c.bytes, "bytes written to them");
		tell(to, "checkpoint_failures", (int64_t)c.failures, "that could not be written");
	}
	if (!getrusage(RUSAGE_SELF, &usage)) {
		tell(to, "cpu_us",
			(int64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * USEC_S +
				usage.ru_utime.tv_usec + usage.ru_stime.tv_usec,
			"processor time used");
		tell(to, "resident_max_kb", usage.ru_maxrss, "most memory ever resident");
	}
}

static void hook_link(void *user, unsigned link, bool why, struct json_object *to)
{
	daemon_show_link(user, link, why, to);
}

static const char *hook_ubus_state(void *user)
{
	const struct daemon *d = user;

	return ubus_state_name(ubus_state(d->ubus));
}

static void hook_steering(void *user, api_sentence_fn *tell, void *to)
{
	const struct daemon *d = user;

	mwan3_tell(d->mwan3, tell, to);
}

static void hook_log(void *user, int level, const char *text)
{
	(void)user;
	log_line(level, "%s", text);
}

const struct api_hooks daemon_hooks = {
	.input = hook_input,
	.use_config = hook_use_config,
	.set_log_level = hook_set_log_level,
	.trace_start = hook_trace_start,
	.trace_stop = hook_trace_stop,
	.trace_status = hook_trace_status,
	.study = hook_study,
	.metrics = hook_metrics,
	.link = hook_link,
	.ubus_state = hook_ubus_state,
	.steering = hook_steering,
	.log = hook_log,
};
