#include "daemon/daemon.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

#include "api/event_text.h"
#include "base/usec.h"
#include "core/view.h"
#include "daemon/crashes.h"
#include "io/log.h"

#define STEPS_PER_WAKEUP 4096 /* then the loop gets its turn, whatever is left */

const struct config *daemon_config(const struct daemon *d)
{
	return &d->config[d->config_in_use];
}

static void view_path(void *user, unsigned path, int64_t now_us, struct path_view *ret)
{
	const struct daemon *d = user;

	engine_view_path(d->engine, path, now_us, ret);
}

static void tell_events(struct daemon *d)
{
	for (unsigned i = 0; i < d->output.n_events; i++) {
		const struct event *e = &d->output.event[i];
		char text[EVENT_TEXT_SIZE];

		if (e->kind == EVENT_HEALTH)
			d->health_stale |= mwan3_health(d->mwan3, e->path, (enum health)e->to);
		eventring_put(&d->events, e);
		ledger_event(&d->ledger, e, view_path, d);
		d->resolver_stale =
			d->resolver_stale || e->kind == EVENT_HEALTH || e->kind == EVENT_COMMAND;
		if (event_level(e) > log_level())
			continue;
		event_text(e, &d->policy, text, sizeof(text));
		log_line(event_level(e), "%s", text);
	}
}

static void carry_out(struct daemon *d)
{
	for (unsigned i = 0; i < d->output.n_actions; i++) {
		const struct action *a = &d->output.action[i];

		switch (a->kind) {
		case ACTION_PROBE:
			/* the kernel may tell a lost carrier up to a second late: with the gateway ask it too */
			if (a->probe.method == PROBE_NEIGHBOUR)
				links_look(d->links, UINT32_C(1) << path_link(a->probe.path));
			probes_send(d->probes, &a->probe);
			break;
		case ACTION_COUNT:
			counters_read(d->counters, a->count.links, a->count.apart);
			break;
		case ACTION_PATH:
		case ACTION_ROUTE:
		case ACTION_FLOWS:
		case ACTION_RELEASE:
			steer_apply(d->steer, a);
			break;
		case ACTION_KIND_COUNT:
			break;
		}
	}
}

/* Other policies than the engine's class use other links; those that died there are left too. */
static void follow_health(struct daemon *d)
{
	uint32_t dead;

	d->health_stale = false;
	(void)steer_refresh(d->steer);
	dead = mwan3_take_dead(d->mwan3);
	for (unsigned path = 0; path < PATHS_MAX; path++)
		if (dead & UINT32_C(1) << path)
			steer_move_flows(d->steer, path);
}

/* What adapters must know of a path before the engine sends anything over it. */
static void tell_path(struct daemon *d, unsigned path, const struct path_facts *facts)
{
	probes_set_path(d->probes, path, d->policy.link[path_link(path)].device, facts);
	counters_set_link(d->counters, path_link(path), facts->present ? facts->ifindex : 0);
}

/* Adapters read the clock each for itself, so inputs can be some µs out of order; the engine wants them in order. */
static void step(struct daemon *d, struct input *in)
{
	in->now_us = d->now_us = usec_max(in->now_us, d->now_us);
	if (in->kind == INPUT_PATH && in->path.path < PATHS_MAX)
		tell_path(d, in->path.path, &in->path.facts);
	if (in->kind == INPUT_COUNTERS)
		quota_count(&d->quota, in->counters.link, d->policy.link[in->counters.link].device,
			&in->counters, d->month);
	journal_input(&d->journal, in);
	engine_step(d->engine, in, &d->output);
	journal_output(&d->journal, &d->output);
	sitefile_step(&d->site, in, d->engine);
	d->wake_us = d->output.wake_us;
	d->steps++;
	tell_events(d);
	carry_out(d);
	if (d->health_stale)
		follow_health(d);
	if (d->output.n_actions && mwan3_policy_old(d->mwan3))
		d->policy_stale = true;
}

static void adopt_learned(struct daemon *d, uint32_t slots)
{
	const struct checkpoint_state state = {d->engine, &d->history, &d->ledger, &d->events};

	for (unsigned link = 0; d->checkpoint && link < LINKS_MAX; link++) {
		struct input learned[FAMILY_COUNT];
		size_t n;

		if (!(slots & (UINT32_C(1) << link)))
			continue;
		n = checkpoint_adopt(d->checkpoint, link, d->policy.link[link].device,
			inbox_clock_us(), checkpoint_wall_ms(), &state, learned);
		for (size_t i = 0; i < n; i++)
			step(d, &learned[i]);
	}
}

/* The configuration or the set of links changed: one new policy for everybody. */
static void give_policy(struct daemon *d)
{
	struct input in = {.kind = INPUT_POLICY, .now_us = inbox_clock_us(), .policy = &d->policy};
	const struct config *config = daemon_config(d);

	d->policy_stale = false;
	d->policy = config->policy;
	d->policy.observe = config->mode == CONFIG_MODE_OBSERVE || d->options.observe;
	links_fill_policy(d->links, &d->policy);
	mwan3_fill_policy(d->mwan3, &d->policy);
	config_class_slots(config, &d->policy);
	if (!d->policy.observe)
		steer_set_links(d->steer, &d->policy);
	adopt_learned(d, d->policy.links);
	step(d, &in);
	d->resolver_stale = true;
}

static void links_changed(void *user)
{
	struct daemon *d = user;

	d->policy_stale = true;
}

static void mwan3_changed(void *user)
{
	struct daemon *d = user;

	d->mwan3_stale = true;
}

static int use_steering(struct daemon *d, const struct config *config, struct problem *ret)
{
	struct steer_delegate delegate;
	bool was = mwan3_steered(d->mwan3), is;
	int error;

	d->mwan3_stale = false;
	mwan3_configure(d->mwan3, config);
	is = mwan3_steered(d->mwan3);
	if (was != is)
		log_line(LOG_NOTICE, "steering: by %s", is ? "mwan3's marks" : "our own tables");
	mwan3_adapt(d->mwan3, config, &d->steering);
	mwan3_delegate(d->mwan3, &delegate);
	steer_delegate(d->steer, &delegate);
	error = steer_configure(d->steer, &d->steering, ret);
	if (error < 0)
		return error;
	probes_configure(d->probes, &d->steering);
	d->policy_stale = true;
	d->health_stale = true;
	return 0;
}

static void follow_mwan3(struct daemon *d)
{
	struct problem problem;

	if (use_steering(d, daemon_config(d), &problem) < 0)
		log_line(LOG_ERR, "%s: %s", problem.place, problem.text);
}

static void arm_timer(struct daemon *d)
{
	int64_t now_us = inbox_clock_us(), wait_us;
	struct timeval tv;

	if (d->armed_us == d->wake_us && d->wake_us > now_us)
		return;
	d->armed_us = d->wake_us;
	wait_us = usec_clamp(d->wake_us - now_us, 0, USEC_H);
	tv.tv_sec = (time_t)(wait_us / USEC_S);
	tv.tv_usec = (suseconds_t)(wait_us % USEC_S);
	event_add(d->timer, &tv);
}

/* Everything that is due, until nothing is. */
static void drain(struct daemon *d)
{
	struct input in;

	if (d->mwan3_stale)
		follow_mwan3(d);
	for (unsigned i = 0; i < STEPS_PER_WAKEUP; i++) {
		if (d->policy_stale) {
			give_policy(d);
			continue;
		}
		if (inbox_take(&d->inbox, &in)) {
			step(d, &in);
			continue;
		}
		if (d->wake_us > inbox_clock_us())
			break;
		in = (struct input){.kind = INPUT_TICK, .now_us = inbox_clock_us()};
		step(d, &in);
	}
}

static bool path_in_use(const struct daemon *d, unsigned path, int64_t now_us)
{
	for (unsigned c = 0; c < d->policy.n_classes; c++) {
		struct decision_view v;

		engine_view_decision(d->engine, c, path_family(path), now_us, &v);
		for (unsigned i = 0; i < v.n; i++)
			if (v.path[i] == path)
				return true;
	}
	return false;
}

/* Links without a quota are counted too, for the day they get one; only the others are told. */
static void tell_quotas(struct daemon *d)
{
	time_t now = time(NULL);
	struct tm local;
	int error;

	d->month = checkpoint_wall_ms() && localtime_r(&now, &local)
			   ? (local.tm_year + 1900) * 100 + local.tm_mon + 1
			   : 0;
	for (unsigned link = 0; link < LINKS_MAX; link++) {
		struct input hint;

		if (!(d->policy.links & (UINT32_C(1) << link)) || !d->policy.link[link].quota_bytes)
			continue;
		if (quota_hint(&d->quota, link, &hint))
			inbox_put(&d->inbox, &hint);
	}
	error = quota_write(&d->quota, inbox_clock_us(), false);
	if (error < 0)
		log_line(LOG_WARNING, "%s: %s", d->quota.file, strerror(-error));
}

static void on_second(evutil_socket_t fd, short what, void *user)
{
	struct daemon *d = user;
	const struct checkpoint_state state = {d->engine, &d->history, &d->ledger, &d->events};
	int64_t now_us = inbox_clock_us();
	struct problem problem;

	(void)fd;
	(void)what;
	for (unsigned i = 0; i < PATHS_MAX; i++) {
		struct path_view v;

		if (!(d->policy.links & (UINT32_C(1) << path_link(i))))
			continue;
		engine_view_path(d->engine, i, now_us, &v);
		if (v.exists && v.health != HEALTH_ABSENT)
			history_add(&d->history, i, now_us, &v, path_in_use(d, i, now_us));
	}
	tell_quotas(d);
	ledger_update(&d->ledger, now_us, view_path, d);
	journal_flush(&d->journal, now_us);
	if (sitefile_tick(&d->site, d->engine, now_us, checkpoint_wall_ms(), &problem) < 0)
		log_line(LOG_WARNING, "%s: %s", problem.place, problem.text);
	if (d->checkpoint &&
		checkpoint_tick(d->checkpoint, &state, now_us, checkpoint_wall_ms(), &problem) < 0)
		log_line(LOG_WARNING, "%s: %s", problem.place, problem.text);
	study_tick(&d->study, now_us);
	api_tick(&d->api, now_us);
}

static void on_timer(evutil_socket_t fd, short what, void *user)
{
	(void)fd;
	(void)what;
	(void)user; /* the wake-up is all that is wanted: drain() follows */
}

static void on_signal(evutil_socket_t fd, short what, void *user)
{
	struct daemon *d = user;

	(void)what;
	if (fd == SIGHUP)
		d->reload = true;
	else
		d->stopping = true;
}

void daemon_run(struct daemon *d)
{
	while (!d->stopping) {
		drain(d);
		if (d->resolver_stale)
			daemon_tell_resolver(d);
		rpc_push(d->rpc);
		ubus_autonomy_push(&d->ubus_autonomy);
		arm_timer(d);
		if (event_base_loop(d->base, EVLOOP_ONCE) < 0) {
			log_line(LOG_ERR, "the event loop failed: %s", strerror(errno));
			return;
		}
		d->wakeups++;
		if (d->reload || d->file_changed) {
			bool asked = d->reload;

			if (d->file_changed)
				api_file_changed(&d->api, inbox_clock_us());
			d->reload = d->file_changed = false;
			daemon_reload(d, asked);
		}
	}
}

static void log_problems(const char *file, const struct config_problems *problems)
{
	for (int i = 0; i < problems->n; i++) {
		const struct problem *p = &problems->problem[i];

		log_line(problems->warning[i] ? LOG_WARNING : LOG_ERR, "%s:%d: %s",
			p->place[0] ? p->place : file, p->line, p->text);
	}
	if (problems->more)
		log_line(LOG_ERR, "%s: %d more problems", file, problems->more);
}

static void no_difference(void *user, const char *section, const char *option, const char *was,
	const char *is, bool live)
{
	(void)user;
	(void)section;
	(void)option;
	(void)was;
	(void)is;
	(void)live;
}

static void file_changed(void *user)
{
	struct daemon *d = user;

	d->file_changed = true;
}

static void watch_file(struct daemon *d)
{
	if (daemon_config(d)->watch && !d->watch) {
		d->watch = file_watch_new(d->base, d->options.config_file, file_changed, d);
		if (!d->watch)
			log_line(LOG_INFO, "%s: not watched for changes: %s",
				d->options.config_file, strerror(errno));
	}
	if (!daemon_config(d)->watch) {
		file_watch_free(d->watch);
		d->watch = NULL;
	}
}

void daemon_reload(struct daemon *d, bool asked)
{
	static struct config next;
	static struct config_problems problems;
	struct problem problem;
	int error = config_load(d->options.config_file, &next, &problems);

	log_problems(d->options.config_file, &problems);
	if (error < 0 && error != -ENOENT) {
		log_line(LOG_ERR, "%s: not taken, the configuration in use stays",
			d->options.config_file);
		return;
	}
	/* what we wrote ourselves is in use already */
	if (!asked && !config_diff(daemon_config(d), &next, no_difference, NULL))
		return;
	error = daemon_use_config(d, &next, &problem);
	if (error < 0)
		log_line(LOG_ERR, "%s: %s", problem.place, problem.text);
}

static void tell_difference(void *user, const char *section, const char *option, const char *was,
	const char *is, bool live)
{
	(void)user;
	log_line(LOG_NOTICE, "configuration: %s.%s: '%s' -> '%s'%s", section, option, was, is,
		live ? "" : " (takes effect at the next start)");
}

int daemon_use_config(struct daemon *d, const struct config *config, struct problem *ret)
{
	unsigned next = !d->config_in_use;
	struct rpc_options rpc;
	int error;

	if (!config_diff(daemon_config(d), config, tell_difference, d))
		log_line(LOG_INFO, "configuration: nothing differs");
	error = use_steering(d, config, ret);
	if (error < 0)
		return error;
	d->config[next] = *config;
	d->config_in_use = next;
	config = daemon_config(d);
	d->api.config = config;
	log_set_level(d->options.log_level >= 0 ? d->options.log_level : config->log_level);
	ubus_configure(d->ubus, config->ubus == CONFIG_UBUS_AUTO, config->ubus_socket);
	if (d->checkpoint)
		checkpoint_configure(d->checkpoint, config->checkpoint_us,
			config->flash_bytes_per_day);
	links_configure(d->links, config);
	rpc = (struct rpc_options){NULL, config->rpc_group, config->rpc_mode};
	error = rpc_configure(d->rpc, &rpc, ret);
	d->policy_stale = true;
	watch_file(d);
	return error;
}

static int load_first_config(struct daemon *d)
{
	static struct config_problems problems;
	const struct config *config = daemon_config(d);
	int error = config_load(d->options.config_file, &d->config[0], &problems);

	if (error < 0 && error != -ENOENT)
		config_default(&d->config[0]);
	log_open("autonomyd", d->options.log_level >= 0 ? d->options.log_level : config->log_level,
		config->log_syslog);
	log_problems(d->options.config_file, &problems);
	if (error == -ENOENT) {
		log_line(LOG_INFO, "%s does not exist: defaults", d->options.config_file);
		return 0;
	}
	if (error < 0) {
		/* a router must come online with a broken file too */
		log_line(LOG_ERR, "%s: not taken, starting with the defaults",
			d->options.config_file);
	}
	return 0;
}

static int count_crashes(const struct daemon *d, struct problem *ret)
{
	const struct daemon_options *o = &d->options;
	unsigned crashes = crashes_count(o->run_dir, o->give_up, inbox_clock_us());

	if (o->give_up && crashes >= o->give_up) {
		problem_set(ret, "crashes", 0,
			"%u in %d minutes: it stays down until it is started by hand; the kernel "
			"keeps the routes that it has",
			crashes, (int)(CRASHES_WINDOW_US / USEC_MIN));
		return -ECANCELED;
	}
	if (crashes)
		log_line(LOG_WARNING, "the last run ended without a word (%u in a row)", crashes);
	return 0;
}

static int fail(struct problem *ret, const char *what, int error)
{
	problem_set(ret, what, 0, "%s", strerror(error));
	return -error;
}

/* A quarter of what the flash may get in a day; where that is nothing, it is kept in memory. */
static int open_record(struct daemon *d, const char *state_dir, struct problem *ret)
{
	const struct config *config = daemon_config(d);
	uint64_t day_bytes = (uint64_t)config->flash_bytes_per_day / 4;

	return sitefile_open(&d->site, day_bytes ? state_dir : d->options.run_dir,
		(uint64_t)config->recording_bytes, day_bytes ? day_bytes : UINT64_MAX, ret);
}

static int open_memory(struct daemon *d)
{
	const char *dir = d->options.state_dir ? d->options.state_dir : daemon_config(d)->state_dir;
	uint64_t next_event = 1;
	struct problem problem;

	ledger_init(&d->ledger);
	journal_init(&d->journal);
	d->checkpoint = checkpoint_new(dir, daemon_config(d)->checkpoint_us,
		daemon_config(d)->flash_bytes_per_day, &problem);
	if (!d->checkpoint)
		log_line(LOG_WARNING, "%s: %s; nothing is remembered over a restart", problem.place,
			problem.text);
	else if (checkpoint_load(d->checkpoint, inbox_clock_us(), checkpoint_wall_ms(), &d->ledger,
			 &next_event, &problem) < 0)
		log_line(LOG_WARNING, "%s: %s", problem.place, problem.text);
	if (quota_open(&d->quota, dir) > 0)
		log_line(LOG_WARNING, "%s: some lines could not be read and were left out",
			d->quota.file);
	if (open_record(d, dir, &problem) < 0)
		log_line(LOG_WARNING, "%s: %s", problem.place, problem.text);
	eventring_init(&d->events, next_event);
	return 0;
}

static int open_loop(struct daemon *d, struct problem *ret)
{
	struct event_config *loop = event_config_new();
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
	const struct timeval second = {1, 0};

	if (loop)
		event_config_set_flag(loop, EVENT_BASE_FLAG_PRECISE_TIMER);
	d->base = loop ? event_base_new_with_config(loop) : NULL;
	if (loop)
		event_config_free(loop);
	if (!d->base)
		return fail(ret, "event loop", ENOMEM);
	d->timer = evtimer_new(d->base, on_timer, d);
	d->second = event_new(d->base, -1, EV_PERSIST, on_second, d);
	if (!d->timer || !d->second || event_add(d->second, &second) < 0)
		return fail(ret, "event loop", ENOMEM);
	for (unsigned i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		d->signals[i] = evsignal_new(d->base, signals[i], on_signal, d);
		if (!d->signals[i] || event_add(d->signals[i], NULL) < 0)
			return fail(ret, "event loop", ENOMEM);
	}
	return 0;
}

static int open_adapters(struct daemon *d, struct problem *ret)
{
	const struct config *config = daemon_config(d);
	struct steer_delegate delegate;

	d->counters = counters_new(&d->inbox);
	if (!d->counters)
		return fail(ret, "counters", errno);
	d->mwan3 = mwan3_new(d->base, config, mwan3_changed, d);
	if (!d->mwan3)
		return fail(ret, "mwan3", errno);
	mwan3_adapt(d->mwan3, config, &d->steering);
	d->probes = probes_new(d->base, &d->inbox, &d->steering);
	if (!d->probes)
		return fail(ret, "probes", errno);
	d->steer = steer_new(d->base, &d->inbox, &d->steering, ret);
	if (!d->steer)
		return -EIO;
	mwan3_delegate(d->mwan3, &delegate);
	steer_delegate(d->steer, &delegate);
	steer_set_run_dir(d->steer, d->options.run_dir);
	d->links = links_new(d->base, &d->inbox, d->options.run_dir, config, links_changed, d);
	if (!d->links)
		return fail(ret, "links", errno);
	return 0;
}

static int open_rpc(struct daemon *d, struct problem *ret)
{
	const struct config *config = daemon_config(d);
	static char path[CONFIG_PATH_SIZE];
	struct rpc_options options = {path, config->rpc_group, config->rpc_mode};

	snprintf(path, sizeof(path), "%s/autonomy.sock", d->options.run_dir);
	api_init(&d->api, d->engine, config, d->options.config_file, inbox_clock_us());
	d->api.events = &d->events;
	d->api.history = &d->history;
	d->api.ledger = &d->ledger;
	d->api.hooks = &daemon_hooks;
	d->api.user = d;
	d->rpc = rpc_new(d->base, &d->api, &options, ret);
	return d->rpc ? 0 : -EADDRINUSE;
}

static int open_ubus(struct daemon *d, struct problem *ret)
{
	const struct config *config = daemon_config(d);

	d->ubus = ubus_new(d->base, config->ubus == CONFIG_UBUS_AUTO, config->ubus_socket);
	if (!d->ubus)
		return fail(ret, "ubus", ENOMEM);
	ubus_autonomy_init(&d->ubus_autonomy, d->ubus, &d->api);
	return daemon_open_interfaces(d) < 0 ? fail(ret, "netifd", ENOMEM) : 0;
}

int daemon_init(struct daemon *d, const struct daemon_options *options, struct problem *ret)
{
	int error, recovered;

	d->options = *options;
	if (mkdir(options->run_dir, 0755) < 0 && errno != EEXIST)
		return fail(ret, options->run_dir, errno);
	recovered = api_recover_config(options->config_file);
	load_first_config(d);
	if (recovered > 0)
		log_line(LOG_WARNING, "%s: an unconfirmed change was rolled back",
			options->config_file);
	else if (recovered < 0)
		log_line(LOG_ERR, "%s: an unconfirmed change could not be rolled back yet: %s",
			options->config_file, strerror(-recovered));
	d->engine = calloc(1, engine_size());
	if (!d->engine)
		return fail(ret, "engine", ENOMEM);
	inbox_init(&d->inbox);
	if (getrandom(&d->seed, sizeof(d->seed), GRND_NONBLOCK) != sizeof(d->seed))
		d->seed = (uint64_t)inbox_clock_us();
	engine_init(d->engine, inbox_clock_us(), d->seed);
	d->wake_us = USEC_NEVER;
	error = open_loop(d, ret);
	/* before the adapters: whose socket answers is in charge, and nobody else may touch the kernel */
	if (!error)
		error = open_rpc(d, ret);
	if (!error && recovered < 0)
		api_recover_later(&d->api);
	if (!error)
		error = count_crashes(d, ret);
	if (!error)
		error = open_memory(d);
	if (!error)
		error = open_adapters(d, ret);
	if (!error)
		error = open_ubus(d, ret);
	if (!error) {
		d->policy_stale = true;
		watch_file(d);
	}
	return error;
}

static void finish_memory(struct daemon *d)
{
	const struct checkpoint_state state = {d->engine, &d->history, &d->ledger, &d->events};
	struct problem problem;

	if (journal_active(&d->journal))
		journal_stop(&d->journal);
	study_done(&d->study);
	sitefile_close(&d->site, d->engine, inbox_clock_us());
	if (d->checkpoint && d->links &&
		checkpoint_finish(d->checkpoint, &state, inbox_clock_us(), checkpoint_wall_ms(),
			&problem) < 0)
		log_line(LOG_WARNING, "%s: %s", problem.place, problem.text);
	checkpoint_free(d->checkpoint);
	if (d->links)
		quota_write(&d->quota, inbox_clock_us(), true);
}

void daemon_done(struct daemon *d)
{
	if (d->steer && d->stopping && daemon_config(d)->release_on_stop) {
		resolver_release(daemon_config(d));
		steer_release(d->steer);
	}
	rpc_free(d->rpc);
	file_watch_free(d->watch);
	api_forget_set(&d->api);
	daemon_close_interfaces(d);
	ubus_free(d->ubus);
	finish_memory(d);
	links_free(d->links);
	steer_free(d->steer);
	mwan3_free(d->mwan3);
	probes_free(d->probes);
	counters_free(d->counters);
	for (unsigned i = 0; i < sizeof(d->signals) / sizeof(d->signals[0]); i++)
		if (d->signals[i])
			event_free(d->signals[i]);
	if (d->timer)
		event_free(d->timer);
	if (d->second)
		event_free(d->second);
	if (d->base)
		event_base_free(d->base);
	free(d->engine);
	if (d->stopping)
		crashes_forget(d->options.run_dir);
}
