#include "core/probing.h"

#include <string.h>

#include "base/usec.h"

#define EXAMINE_US (33 * USEC_MS)
#define EXAMINE_CALLS_US (12 * USEC_MS) /* a few percent take many samples to be seen */
#define QUIET_SHARE 40 /* metered: heartbeats per time that has passed without trouble */
#define REFIT_US (60 * USEC_S)
#define FIT_MIN 2 /* pairs of target and method left; with fewer nothing could be told apart */
#define BURST_FAST_ROUNDS 8

/* Time between checks of a service: in use, standby; without and with a budget. */
static const struct {
	int64_t active_us, standby_us, active_budget_us, standby_budget_us;
} check_every[SERVICE_COUNT] = {
	[SERVICE_DNS] = {3 * USEC_S, 30 * USEC_S, 60 * USEC_S, 30 * USEC_MIN},
	[SERVICE_WEB] = {5 * USEC_S, 30 * USEC_S, 120 * USEC_S, 60 * USEC_MIN},
	[SERVICE_PORTAL] = {15 * USEC_S, 120 * USEC_S, 30 * USEC_MIN, 6 * USEC_H},
	[SERVICE_MTU] = {20 * USEC_S, 5 * USEC_MIN, 60 * USEC_MIN, 12 * USEC_H},
};

static const enum probe_method service_method[SERVICE_COUNT] = {
	[SERVICE_DNS] = PROBE_DNS,
	[SERVICE_WEB] = PROBE_TCP,
	[SERVICE_PORTAL] = PROBE_HTTP,
	[SERVICE_MTU] = PROBE_BIG,
};

struct sender {
	struct path *p;
	const struct step_env *env;
	struct probing_role role;
	struct budget *budget;
	struct passive *passive;
};

int64_t probing_bytes(enum probe_method method, enum family family, uint32_t mtu)
{
	int64_t header = family == FAMILY_IPV6 ? 40 : 20;

	switch (method) {
	case PROBE_ICMP:
		return 2 * (header + 16);
	case PROBE_TCP:
		return (header + 40) + (header + 40) +
		       (header + 20); /* SYN, SYN+ACK with options, RST */
	case PROBE_DNS:
		return (header + 8 + 48) +
		       (header + 8 + 120); /* a negative answer carries the SOA */
	case PROBE_HTTP:
		return 10 * header + 2 * 40 + 6 * 20 + 120 + 250;
	case PROBE_NEIGHBOUR:
		return 0; /* never leaves the first hop */
	case PROBE_BIG:
		return 2 * (int64_t)mtu;
	case PROBE_METHOD_COUNT:
		break;
	}
	return 0;
}

static int64_t probe_timeout_us(const struct sender *s, enum probe_method method)
{
	const struct policy *policy = s->env->policy;
	int64_t us = baseline_timeout_us(&s->p->baseline, policy->timeout_floor_us,
		policy->timeout_max_us);

	switch (method) {
	case PROBE_ICMP:
	case PROBE_TCP:
		return us;
	case PROBE_DNS: /* a unique name makes the resolver ask around */
		return usec_min(usec_max(3 * us, 300 * USEC_MS),
			usec_max(policy->timeout_max_us, us));
	case PROBE_HTTP:
		return 2 * USEC_S;
	case PROBE_NEIGHBOUR:
		return 100 * USEC_MS;
	case PROBE_BIG:
		return 2 * us + 100 * USEC_MS;
	case PROBE_METHOD_COUNT:
		break;
	}
	return us;
}

static bool speaks(const struct policy *policy, enum family family, unsigned target,
	enum probe_method method)
{
	unsigned methods = policy->target[family][target].methods;

	/* a large packet is an echo request too */
	return methods & (1U << (method == PROBE_BIG ? PROBE_ICMP : method));
}

/* The next target in turn that speaks the method and is fit; TARGETS_MAX: none. */
static unsigned pick_target(const struct sender *s, enum probe_method method, unsigned turn)
{
	enum family family = path_family(s->p->index);
	unsigned n = s->env->policy->n_targets[family];

	for (unsigned i = 0; i < n; i++) {
		unsigned target = (turn + i) % n;

		if (speaks(s->env->policy, family, target, method) &&
			s->p->unfit[target][method] < PATH_UNFIT)
			return target;
	}
	return TARGETS_MAX;
}

static bool send_probe(const struct sender *s, enum budget_use use, enum probe_method method,
	unsigned target, bool heartbeat)
{
	enum family family = path_family(s->p->index);
	int64_t now_us = s->env->now_us;
	int64_t bytes = probing_bytes(method, family, s->p->facts.mtu);
	const struct target *t = &s->env->policy->target[family][target < TARGETS_MAX ? target : 0];
	struct window_probe *w;
	struct action *a;

	if (!budget_allows(s->budget, use, bytes, now_us)) {
		if (!s->budget->tight) {
			struct event *e = step_event(s->env, EVENT_BUDGET);

			e->path = s->p->index;
			e->to = 1;
			s->budget->tight = true;
		}
		return false;
	}
	a = step_action(s->env, ACTION_PROBE);
	if (!a)
		return false;
	budget_spend(s->budget, bytes, now_us);
	w = window_add(&s->p->window, now_us);
	w->method = (uint8_t)method;
	w->target = (uint8_t)target;
	w->heartbeat = heartbeat;
	w->deadline_us = now_us + probe_timeout_us(s, method);
	a->probe.probe = w->probe;
	a->probe.path = s->p->index;
	a->probe.method = (uint8_t)method;
	a->probe.target = (uint8_t)target;
	a->probe.tcp_port = method == PROBE_HTTP ? 80 : t->tcp_port;
	a->probe.size = (uint16_t)(method == PROBE_BIG ? s->p->facts.mtu : 0);
	memcpy(a->probe.address, method == PROBE_NEIGHBOUR ? s->p->facts.gateway : t->address, 16);
	passive_sent(s->passive);
	s->p->sent++;
	return true;
}

static bool send_method(const struct sender *s, enum budget_use use, enum probe_method method,
	bool heartbeat)
{
	unsigned target = pick_target(s, method, s->p->turn++);

	return target < TARGETS_MAX && send_probe(s, use, method, target, heartbeat);
}

static void ask_gateway(const struct sender *s)
{
	static const uint8_t none[16];

	if (!memcmp(s->p->facts.gateway, none, sizeof(none)) || !step_room(s->env, 1))
		return;
	if (send_probe(s, BUDGET_BURST, PROBE_NEIGHBOUR, TARGETS_MAX, false))
		s->p->gateway_asked_us = s->env->now_us;
}

/* Each fit target once, n at the most; how many were sent. */
static unsigned send_volley(const struct sender *s, enum probe_method method, unsigned n)
{
	unsigned targets = s->env->policy->n_targets[path_family(s->p->index)], first = TARGETS_MAX,
		 sent = 0;

	for (; sent < n && sent < targets; sent++) {
		unsigned target = pick_target(s, method, s->p->turn++);

		if (target == TARGETS_MAX || target == first)
			break;
		if (first == TARGETS_MAX)
			first = target;
		if (!send_probe(s, BUDGET_BURST, method, target, false))
			break;
	}
	return sent;
}

/* The first rounds decide in most cases; a line that stays silent without being dead is asked less and less often. */
static int64_t burst_pause_us(unsigned rounds, int64_t step_us)
{
	if (rounds == 0)
		return step_us / 2;
	if (rounds < BURST_FAST_ROUNDS)
		return step_us;
	if (rounds < 2 * BURST_FAST_ROUNDS)
		return 5 * step_us / 2;
	return rounds < 5 * BURST_FAST_ROUNDS ? 5 * step_us : 10 * step_us;
}

static void burst_round(const struct sender *s)
{
	struct path *p = s->p;
	int64_t step_us = s->env->policy->burst_us;

	if (!s->role.active && !s->role.alone) {
		send_volley(s, PROBE_ICMP, 1);
		send_volley(s, PROBE_TCP, 1);
		if (p->rounds == 0)
			ask_gateway(s);
		p->round_us = s->env->now_us + 250 * USEC_MS;
		return;
	}
	/* the users' packets have shown the first misses already: ask everybody at once */
	send_volley(s, PROBE_ICMP, p->rounds ? 3 : 5);
	send_volley(s, PROBE_TCP, p->rounds ? 2 : 5);
	if (p->rounds % 5 == 0)
		ask_gateway(s);
	if (p->rounds % 5 == 1)
		send_volley(s, PROBE_DNS, 1);
	p->round_us = s->env->now_us + burst_pause_us(p->rounds, step_us);
}

static void check_round(const struct sender *s)
{
	unsigned n = send_volley(s, PROBE_ICMP, s->role.active ? 3 : 2);

	/* where echoes are limited or filtered, connections answer the question */
	if (!s->role.active || n < 2)
		n += send_volley(s, PROBE_TCP, n ? 1 : 3);
	if (!n)
		send_volley(s, PROBE_DNS, 2);
	/* path_judge() turns it into a burst when these are missed too */
	s->p->round_us = s->env->now_us + 250 * USEC_MS;
}

static void unknown_round(const struct sender *s)
{
	send_volley(s, PROBE_ICMP, 3);
	send_volley(s, PROBE_TCP, 1);
	if (s->p->rounds == 0)
		ask_gateway(s);
	s->p->round_us = s->env->now_us + (s->p->rounds < 3 ? 250 * USEC_MS : USEC_S);
}

static void dead_round(const struct sender *s)
{
	struct path *p = s->p;
	bool saving = s->budget->budget_bytes != 0;
	int64_t dead_us = s->env->now_us - p->health_since_us;
	int64_t wait_us;

	if (s->role.alone && dead_us < 10 * USEC_MIN)
		wait_us = saving ? USEC_S : 250 * USEC_MS;
	else if (dead_us < 5 * USEC_MIN)
		wait_us = saving ? 5 * USEC_S : USEC_S;
	else
		wait_us = saving ? 60 * USEC_S : 5 * USEC_S;
	if (!send_method(s, s->role.alone ? BUDGET_BURST : BUDGET_HEARTBEAT,
		    p->rounds % 3 == 2 ? PROBE_TCP : PROBE_ICMP, false))
		wait_us = usec_max(wait_us, 10 * USEC_S);
	if (p->rounds % 8 == 1)
		ask_gateway(s);
	p->round_us = s->env->now_us + step_jitter_us(s->env, wait_us);
}

static void rotate_round(const struct sender *s, enum budget_use use, int64_t wait_us)
{
	static const enum probe_method rotation[] = {PROBE_ICMP, PROBE_TCP, PROBE_ICMP, PROBE_TCP,
		PROBE_DNS};
	enum probe_method method = rotation[s->p->rounds % 5];

	if (!send_method(s, use, method, false) && !send_method(s, use, PROBE_ICMP, false))
		wait_us = usec_max(wait_us, USEC_S);
	s->p->round_us = s->env->now_us + step_jitter_us(s->env, wait_us);
}

/* What is between rounds of a path that is well, or not in need of rounds: nothing. */
static void well_round(const struct sender *s)
{
	struct path *p = s->p;
	int64_t bad_us = s->env->now_us - p->health_since_us;

	if (s->env->now_us < p->examine_until_us)
		rotate_round(s, s->role.active ? BUDGET_HEARTBEAT : BUDGET_CHECK,
			policy_realtime(s->env->policy) ? EXAMINE_CALLS_US : EXAMINE_US);
	else if (p->health == HEALTH_DEGRADED && !s->budget->budget_bytes)
		rotate_round(s, BUDGET_CHECK,
			s->role.active      ? 100 * USEC_MS
			: bad_us < USEC_MIN ? 200 * USEC_MS
					    : USEC_S);
	else if (p->health == HEALTH_DEGRADED)
		rotate_round(s, BUDGET_CHECK, bad_us < USEC_MIN ? 2 * USEC_S : 20 * USEC_S);
	else
		p->round_us = USEC_NEVER;
}

static void run_round(const struct sender *s)
{
	struct path *p = s->p;

	if (p->round_us > s->env->now_us)
		return;
	if (!step_room(s->env, 12)) {
		p->round_us = s->env->now_us;
		return;
	}
	switch (p->health) {
	case HEALTH_ABSENT:
	case HEALTH_DOWN:
	case HEALTH_COUNT:
		p->round_us = USEC_NEVER;
		return;
	case HEALTH_UNKNOWN:
		unknown_round(s);
		break;
	case HEALTH_SUSPECT:
		if (p->suspicion == SUSPICION_BURST)
			burst_round(s);
		else
			check_round(s);
		break;
	case HEALTH_DEAD:
		dead_round(s);
		break;
	case HEALTH_RECOVERING:
		rotate_round(s, BUDGET_BURST, 150 * USEC_MS);
		break;
	case HEALTH_UP:
	case HEALTH_DEGRADED:
		well_round(s);
		break;
	}
	p->rounds++;
}

/* In use, without a budget.  Radio links change by the second: they are asked more often. */
static int64_t base_interval_us(const struct sender *s)
{
	const struct policy *policy = s->env->policy;
	const struct link_policy *link = &policy->link[path_link(s->p->index)];
	int64_t received_us = s->passive->received_us, base_us = policy->heartbeat_active_us;

	if (!s->role.active)
		return policy->heartbeat_standby_us;
	if (link->heartbeat_us)
		base_us = link->heartbeat_us;
	else if (baseline_radio(link->kind))
		base_us = base_us / 2;
	/* traffic that is answered is the cheapest probe */
	if (received_us && s->env->now_us - received_us < base_us / 2)
		base_us *= 2;
	return base_us;
}

/* What flows into the budget, as time between heartbeats that never empty it. */
static int64_t inflow_us(const struct sender *s)
{
	return budget_interval_us(s->budget,
		       probing_bytes(PROBE_ICMP, path_family(s->p->index), 0)) *
	       (s->role.sibling ? 2 : 1);
}

static int64_t heartbeat_interval_us(const struct sender *s)
{
	int64_t base_us = base_interval_us(s), saving_us, quiet_us;
	int percent;

	if (!s->budget->budget_bytes)
		return base_us;
	percent = budget_percent(s->budget);
	/* a fifth of what flows in is left to checks and suspicions; in use it lives on what was saved up */
	saving_us = inflow_us(s) * 5 / 4;
	if (s->role.active && percent >= 75)
		saving_us = USEC_S;
	else if (s->role.active && percent >= 50)
		saving_us = usec_min(saving_us, 5 * USEC_S);
	else if (s->role.active && percent > 35) {
		/* trouble follows upon trouble, and upon a change of links */
		quiet_us = s->env->now_us - usec_max(s->p->in_use_us, s->p->trouble.ended_us);
		saving_us = usec_clamp(quiet_us / QUIET_SHARE, USEC_S, usec_max(saving_us, USEC_S));
	}
	return usec_max(base_us, saving_us);
}

static void note_use(const struct sender *s)
{
	if (!s->role.active)
		s->p->in_use_us = 0;
	else if (!s->p->in_use_us)
		s->p->in_use_us = s->env->now_us;
}

static void run_heartbeat(const struct sender *s)
{
	struct path *p = s->p;
	int64_t interval_us = heartbeat_interval_us(s);
	enum budget_use use = BUDGET_HEARTBEAT;

	/* a role that wants them more often does not wait out the slower clock */
	if (interval_us < p->heartbeat_interval_us)
		p->heartbeat_us = usec_min(p->heartbeat_us, s->env->now_us + interval_us);
	p->heartbeat_interval_us = interval_us;
	if (p->heartbeat_us > s->env->now_us)
		return;
	if (!step_room(s->env, 1))
		return;
	p->heartbeat_us = s->env->now_us + step_jitter_us(s->env, interval_us);
	if (p->health != HEALTH_UP && p->health != HEALTH_DEGRADED)
		return; /* rounds ask more often already */
	/* what flows in faster than it is spent needs no reserve */
	if (s->budget->budget_bytes && interval_us >= inflow_us(s) * 5 / 4)
		use = BUDGET_BURST;
	if (!send_method(s, use, PROBE_ICMP, true) && !s->budget->tight &&
		!send_method(s, use, PROBE_TCP, true))
		send_method(s, use, PROBE_DNS, true);
}

static int64_t next_check_us(const struct path *p)
{
	int64_t due_us = USEC_NEVER;

	for (unsigned i = 0; i < SERVICE_COUNT; i++)
		due_us = usec_min(due_us, p->service[i].next_us);
	return due_us;
}

static int64_t check_interval_us(const struct sender *s, enum service service)
{
	bool saving = s->budget->budget_bytes != 0;
	int64_t us;

	if (s->role.active)
		us = saving ? check_every[service].active_budget_us
			    : check_every[service].active_us;
	else
		us = saving ? check_every[service].standby_budget_us
			    : check_every[service].standby_us;
	if (s->p->service[service].broken)
		us = usec_min(us, saving ? 60 * USEC_S : 2 * USEC_S);
	return us;
}

/* All that the intervals depend on; never 0. */
static unsigned check_mode(const struct sender *s)
{
	unsigned saving = s->budget->budget_bytes != 0;
	unsigned mode = 1U | saving << 1 | (unsigned)s->role.active << 2;

	for (unsigned i = 0; i < SERVICE_COUNT; i++)
		mode |= (unsigned)s->p->service[i].broken << (3 + i);
	return mode;
}

static void run_checks(const struct sender *s)
{
	struct path *p = s->p;
	unsigned mode = check_mode(s);

	if (p->health != HEALTH_UP && p->health != HEALTH_DEGRADED)
		return;
	if (mode == p->check_mode && next_check_us(p) > s->env->now_us)
		return;
	for (unsigned i = 0; i < SERVICE_COUNT; i++) {
		struct service_state *service = &p->service[i];
		int64_t every_us = check_interval_us(s, (enum service)i);

		/* dear, and of use only when it has worked before: not with every new address */
		if (i == SERVICE_MTU && !service->next_us && s->budget->budget_bytes &&
			!s->role.active)
			service->next_us = s->env->now_us + step_jitter_us(s->env, every_us / 2);
		service->next_us =
			usec_min(service->next_us, s->env->now_us + every_us + every_us / 5);
		if (service->next_us > s->env->now_us)
			continue;
		if (!step_room(s->env, 2))
			return;
		service->next_us = s->env->now_us + step_jitter_us(s->env, every_us);
		if (i == SERVICE_MTU && p->facts.mtu < 1280)
			continue;
		send_method(s, service->misses ? BUDGET_HEARTBEAT : BUDGET_CHECK, service_method[i],
			false);
	}
	p->check_mode = (uint8_t)mode;
}

static void run_confirm(const struct sender *s)
{
	struct path *p = s->p;

	if (!p->confirm || !step_room(s->env, 4))
		return;
	p->confirm = false;
	p->confirmed_us = s->env->now_us;
	send_volley(s, PROBE_ICMP, 2);
	send_volley(s, PROBE_TCP, 1);
}

/* Pairs of target and method that are fit; not counted beyond FIT_MIN. */
static unsigned fit_pairs(const struct sender *s)
{
	enum family family = path_family(s->p->index);
	unsigned fit = 0;

	for (unsigned t = 0; fit < FIT_MIN && t < s->env->policy->n_targets[family]; t++) {
		fit += speaks(s->env->policy, family, t, PROBE_ICMP) &&
		       s->p->unfit[t][PROBE_ICMP] < PATH_UNFIT;
		fit += speaks(s->env->policy, family, t, PROBE_TCP) &&
		       s->p->unfit[t][PROBE_TCP] < PATH_UNFIT;
	}
	return fit;
}

/*
 * Unfit targets are asked again from time to time (a miss of theirs is ignored, an answer makes them fit), and all are
 * forgiven when hardly anybody else is left.
 */
static void refit(const struct sender *s)
{
	struct path *p = s->p;

	if (fit_pairs(s) < FIT_MIN)
		memset(p->unfit, 0, sizeof(p->unfit));
	if (s->env->now_us < p->refit_us)
		return;
	p->refit_us = s->env->now_us + REFIT_US;
	for (unsigned t = 0; t < s->env->policy->n_targets[path_family(p->index)]; t++)
		for (unsigned m = 0; m < PROBE_METHOD_COUNT; m++)
			if (p->unfit[t][m] >= PATH_UNFIT && step_room(s->env, 8))
				send_probe(s, BUDGET_CHECK, (enum probe_method)m, t, false);
}

void probing_run(struct path *p, const struct step_env *env, struct probing_role role,
	struct budget *budget, struct passive *passive)
{
	struct sender s = {p, env, role, budget, passive};

	if (!path_usable(p))
		return;
	if (budget->tight && budget_percent(budget) > 50) {
		struct event *e = step_event(env, EVENT_BUDGET);

		e->path = p->index;
		budget->tight = false;
	}
	note_use(&s);
	refit(&s);
	if ((env->now_us < p->examine_until_us || p->health == HEALTH_DEGRADED) &&
		p->round_us == USEC_NEVER)
		p->round_us = env->now_us;
	/* the last one that worked has died meanwhile: no waiting for a slow clock */
	if (role.alone && p->health == HEALTH_DEAD)
		p->round_us = usec_min(p->round_us, env->now_us + USEC_S);
	run_confirm(&s);
	run_round(&s);
	run_heartbeat(&s);
	run_checks(&s);
}

int64_t probing_due_us(const struct path *p)
{
	int64_t due_us = USEC_NEVER;

	if (!path_usable(p))
		return USEC_NEVER;
	if (p->confirm)
		return 0;
	due_us = usec_min(p->round_us, p->heartbeat_us);
	if (p->health == HEALTH_UP || p->health == HEALTH_DEGRADED)
		due_us = usec_min(due_us, next_check_us(p));
	return due_us;
}
