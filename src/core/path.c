#include "core/path.h"

#include <string.h>

#include "base/imath.h"
#include "base/usec.h"
#include "core/predict.h"
#include "core/spells.h"

#define MISSES_MIN 3
#define RECOVERY_ANSWERS 5
#define RECOVERY_MISSES 3
#define FALSE_ALARM_GRAIN_US                                                                       \
	(200 * USEC_MS) /* how often, at the most, a line gives occasion for a false alarm */
#define SLOWEST_US (5 * USEC_S)
#define LOADED_VETO_US                                                                             \
	(1500 * USEC_MS) /* while we fill the line ourselves and answers flow, wait longer */
#define COMPARE_US (40 * USEC_MS) /* probes sent this close to each other met the same line */

void path_init(struct path *p, unsigned index, const struct policy *policy)
{
	memset(p, 0, sizeof(*p));
	p->index = (uint8_t)index;
	p->rtt_us = p->jitter_us = p->loss_ppm = -1;
	baseline_init(&p->baseline, policy);
	forecast_init(&p->forecast);
	p->hold_us = policy->link[path_link(index)].hold_us;
}

int64_t path_evidence_limit(const struct policy *policy)
{
	int64_t occasions =
		usec_clamp(policy->false_switch_period_us / FALSE_ALARM_GRAIN_US, 10, 2000000000);
	/* ln(occasions) = ln(occasions / 10^6) + ln(10^6) */
	return imath_ln_ppm((uint32_t)occasions) + 14148;
}

/* Suspicions come and go with every lost packet: only what they lead to is told. */
static void tell_health(const struct path *p, const struct step_env *env, enum health health,
	enum verdict verdict)
{
	enum health was = p->health == HEALTH_SUSPECT ? p->trusted_health : p->health;
	struct event *e;

	if (health == HEALTH_SUSPECT || (was == health && p->verdict == verdict))
		return;
	e = step_event(env, was == health ? EVENT_VERDICT : EVENT_HEALTH);
	e->path = p->index;
	e->from = was == health ? (uint8_t)p->verdict : (uint8_t)was;
	e->to = was == health ? (uint8_t)verdict : (uint8_t)health;
	e->verdict = (uint8_t)verdict;
	e->value[0] = p->silent_us ? env->now_us - p->silent_us : 0;
	e->value[1] = p->misses;
	e->value[2] = p->loss_ppm;
	e->value[3] = p->rtt_us;
	e->limit_us = health == HEALTH_DEAD ? p->baseline.patience_us : 0;
}

static void set_health(struct path *p, const struct step_env *env, enum health health,
	enum verdict verdict)
{
	if (p->health == health && p->verdict == verdict)
		return;
	tell_health(p, env, health, verdict);
	p->verdict = verdict;
	if (p->health == health)
		return;
	if (health == HEALTH_SUSPECT)
		p->trusted_health = p->health;
	p->health = health;
	p->health_since_us = env->now_us;
	p->rounds = 0;
	p->round_us = env->now_us;
	switch (health) {
	case HEALTH_UP:
		if (!p->trusted_us)
			p->trusted_us = env->now_us;
		break;
	case HEALTH_ABSENT:
	case HEALTH_DOWN:
	case HEALTH_UNKNOWN:
	case HEALTH_DEGRADED:
	case HEALTH_DEAD:
	case HEALTH_RECOVERING:
		p->trusted_us = 0;
		break;
	case HEALTH_SUSPECT: /* most suspicions are false: trust is lost when one proves true */
	case HEALTH_COUNT:
		break;
	}
	if (health == HEALTH_RECOVERING)
		p->recovery = p->recovery_misses = 0;
}

static enum verdict service_verdict(const struct path *p)
{
	if (p->service[SERVICE_PORTAL].broken)
		return VERDICT_PORTAL;
	if (p->service[SERVICE_WEB].broken)
		return VERDICT_WEB;
	if (p->service[SERVICE_DNS].broken)
		return VERDICT_DNS;
	if (p->service[SERVICE_MTU].broken)
		return VERDICT_MTU;
	return VERDICT_NONE;
}

/* Why the score of class 0 is too low. */
static enum verdict needs_verdict(const struct path *p)
{
	if (p->verdict == VERDICT_LOSS || p->verdict == VERDICT_DELAY ||
		p->verdict == VERDICT_JITTER)
		return p->verdict; /* while it lasts, what began it is the reason */
	if (p->loss_ppm > 20000)
		return VERDICT_LOSS;
	return p->jitter_us > p->rtt_us / 2 ? VERDICT_JITTER : VERDICT_DELAY;
}

void path_requalify(struct path *p, const struct step_env *env)
{
	enum verdict verdict = service_verdict(p);

	if (p->health != HEALTH_UP && p->health != HEALTH_DEGRADED)
		return;
	if (verdict == VERDICT_NONE && p->bad[0])
		verdict = needs_verdict(p);
	if (verdict != VERDICT_NONE)
		set_health(p, env, HEALTH_DEGRADED, verdict);
	else
		set_health(p, env, HEALTH_UP, p->congested ? VERDICT_CONGESTION : VERDICT_NONE);
}

static void forget_silence(struct path *p)
{
	p->suspicion = SUSPICION_NONE;
	p->silent_us = 0;
	p->evidence = 0;
	p->misses = 0;
	p->died = false;
}

void path_forget_targets(struct path *p)
{
	memset(p->unfit, 0, sizeof(p->unfit));
	p->answered_once = false;
}

/* Nothing that was sent before means anything now: another device, address or gateway. */
static void forget_probes(struct path *p)
{
	for (unsigned i = 0; i < WINDOW_SIZE; i++)
		if (p->window.ring[i].state != PROBE_STATE_NONE)
			p->window.ring[i].state = PROBE_STATE_IGNORED;
	p->window.first_open = p->learned_next = p->window.next;
	p->row = 0;
	p->died_us = 0;
	forget_silence(p);
	p->alive_us = p->answered_us = p->gateway_alive_us = p->gateway_asked_us = 0;
	p->rtt_us = p->jitter_us = p->loss_ppm = -1;
	p->examine_until_us = p->examined_us = 0;
	memset(p->bad, 0, sizeof(p->bad));
	memset(p->bad_us, 0, sizeof(p->bad_us));
	memset(p->good_us, 0, sizeof(p->good_us));
	memset(p->service, 0, sizeof(p->service));
	path_forget_targets(p);
	p->congested = false;
}

bool path_usable(const struct path *p)
{
	return p->wanted && p->facts.present && p->facts.carrier && p->facts.has_address &&
	       p->facts.has_gateway;
}

static void facts_health(struct path *p, const struct step_env *env)
{
	if (!p->wanted || !p->facts.present) {
		set_health(p, env, HEALTH_ABSENT, VERDICT_NONE);
	} else if (!path_usable(p)) {
		set_health(p, env, HEALTH_DOWN,
			!p->facts.carrier       ? VERDICT_NO_CARRIER
			: !p->facts.has_address ? VERDICT_NO_ADDRESS
						: VERDICT_NO_GATEWAY);
	} else if (p->health == HEALTH_ABSENT || p->health == HEALTH_DOWN) {
		set_health(p, env, HEALTH_UNKNOWN, VERDICT_NONE);
		p->heartbeat_us = env->now_us;
	}
}

void path_set_wanted(struct path *p, const struct step_env *env, bool wanted)
{
	if (p->wanted == wanted)
		return;
	p->wanted = wanted;
	if (!wanted)
		forget_probes(p);
	facts_health(p, env);
}

/* Bits of EVENT_PATH_FACTS' first value. */
static int64_t facts_differences(const struct path_facts *a, const struct path_facts *b)
{
	int64_t bits = 0;

	bits |= (a->present != b->present || a->ifindex != b->ifindex) ? 1 : 0;
	bits |= a->carrier != b->carrier ? 2 : 0;
	bits |= (a->has_address != b->has_address || memcmp(a->address, b->address, 16)) ? 4 : 0;
	bits |= (a->has_gateway != b->has_gateway || memcmp(a->gateway, b->gateway, 16)) ? 8 : 0;
	bits |= a->mtu != b->mtu ? 16 : 0;
	return bits;
}

void path_set_facts(struct path *p, const struct step_env *env, const struct path_facts *facts)
{
	int64_t bits = facts_differences(&p->facts, facts);
	bool moved = p->facts.has_gateway && facts->has_gateway && p->facts.has_address &&
		     facts->has_address && (bits & (1 | 4 | 8));

	p->facts = *facts;
	if (bits) {
		struct event *e = step_event(env, EVENT_PATH_FACTS);

		e->path = p->index;
		e->value[0] = bits;
		/* a lost carrier, address or gateway needs no proof; nor does what was measured over the old one hold */
		if (bits & (1 | 4 | 8) || !facts->carrier)
			forget_probes(p);
	}
	facts_health(p, env);
	if (moved && path_usable(p)) {
		/* renumbered: presumed as well as it was until probes over the new address say otherwise */
		p->heartbeat_us = env->now_us;
		if (p->health == HEALTH_DEAD || p->health == HEALTH_RECOVERING ||
			p->health == HEALTH_SUSPECT)
			set_health(p, env, HEALTH_UNKNOWN, VERDICT_NONE);
	}
}

void path_suspect(struct path *p, const struct step_env *env, enum suspicion suspicion)
{
	if (p->health != HEALTH_UP && p->health != HEALTH_DEGRADED && p->health != HEALTH_SUSPECT)
		return;
	if (p->suspicion >= suspicion)
		return;
	if (p->suspicion == SUSPICION_NONE)
		p->suspect_us = env->now_us;
	p->suspicion = suspicion;
	p->rounds = 0;
	p->round_us = env->now_us;
	if (p->health != HEALTH_SUSPECT)
		set_health(p, env, HEALTH_SUSPECT, p->verdict);
	p->round_us = env->now_us;
}

/* The oldest unanswered probe sent after alive_us starts what silence remains after an answer. */
static void recount_silence(struct path *p)
{
	enum suspicion suspicion = p->suspicion;

	forget_silence(p);
	for (unsigned i = 0; i < WINDOW_SIZE; i++) {
		const struct window_probe *w = window_newest(&p->window, i);

		if (!w || w->sent_us <= p->alive_us)
			break;
		if (w->state != PROBE_STATE_MISSED || w->method == PROBE_BIG ||
			w->method == PROBE_HTTP || w->method == PROBE_NEIGHBOUR)
			continue;
		p->evidence -= imath_ln_ppm(p->misses ? p->baseline.learned.burst_ppm : 1000000);
		p->misses++;
		p->silent_us = w->sent_us;
	}
	if (p->health == HEALTH_SUSPECT)
		p->suspicion = suspicion;
}

/* A probe that stayed unanswered while all those to other targets, sent at the same moment, were answered: the target's
   fault, or chance; several in a row are no chance.  Where others are missed too it is the path that loses. */
static void blame_target(struct path *p, struct window_probe *w)
{
	uint8_t *unfit = &p->unfit[w->target % TARGETS_MAX][w->method];
	struct window_company company;

	if (w->blamed || w->method == PROBE_NEIGHBOUR || w->method == PROBE_BIG)
		return;
	company = window_company(&p->window, w, COMPARE_US, false);
	if (!company.answered || company.missed > company.answered / 2)
		return;
	w->blamed = true;
	if (*unfit < PATH_UNFIT)
		++*unfit;
}

/* A service is to blame only when the path was well at that very moment. */
static void blame_service(struct path *p, const struct step_env *env, struct window_probe *w)
{
	enum service service = service_of((enum probe_method)w->method);

	if (service == SERVICE_COUNT || w->judged || p->health == HEALTH_DEAD ||
		p->health == HEALTH_UNKNOWN ||
		p->unfit[w->target % TARGETS_MAX][w->method] >= PATH_UNFIT)
		return;
	if (!window_company(&p->window, w, COMPARE_US, true).answered) {
		service_doubted(p->service, service, env->now_us);
		return;
	}
	w->judged = true;
	if (service_missed(p->service, service, w->sent_us, env->now_us))
		path_requalify(p, env);
}

/* An answer may be the one that those missed before it lacked for comparison. */
static void compare_missed(struct path *p, const struct step_env *env, int64_t sent_us)
{
	struct window_probe *w;

	for (unsigned i = 0; i < 64; i++) {
		w = window_recent(&p->window, i);
		if (!w || w->sent_us < sent_us - COMPARE_US)
			break;
		if ((w->state != PROBE_STATE_MISSED && w->state != PROBE_STATE_IGNORED) ||
			w->sent_us > sent_us + COMPARE_US)
			continue;
		blame_target(p, w);
		if (w->state == PROBE_STATE_MISSED)
			blame_service(p, env, w);
	}
}

static void recovered(struct path *p, const struct step_env *env)
{
	p->recovery_misses = 0;
	if (++p->recovery < RECOVERY_ANSWERS)
		return;
	p->bad[0] = p->bad[0] && p->loss_ppm > 0;
	set_health(p, env, HEALTH_UP, VERDICT_NONE);
	path_requalify(p, env);
}

/* Something sent at sent_us was answered. */
static void alive(struct path *p, const struct step_env *env, int64_t sent_us,
	struct passive *passive)
{
	p->answered_us = env->now_us;
	if (sent_us <= p->alive_us)
		return;
	p->alive_us = sent_us;
	recount_silence(p);
	switch (p->health) {
	case HEALTH_UNKNOWN:
		set_health(p, env, HEALTH_UP, VERDICT_NONE);
		break;
	case HEALTH_SUSPECT:
		/* against a burst only what was sent during it counts: older answers were still on their way */
		if (p->misses || (p->suspicion == SUSPICION_BURST && sent_us < p->suspect_us))
			break;
		passive_forgive(passive, env->now_us);
		p->suspicion = SUSPICION_NONE;
		set_health(p, env, p->trusted_health, p->verdict);
		path_requalify(p, env);
		break;
	case HEALTH_DEAD:
		set_health(p, env, HEALTH_RECOVERING, VERDICT_NONE);
		recovered(p, env);
		break;
	case HEALTH_RECOVERING:
		recovered(p, env);
		break;
	case HEALTH_ABSENT:
	case HEALTH_DOWN:
	case HEALTH_UP:
	case HEALTH_DEGRADED:
	case HEALTH_COUNT:
		break;
	}
}

static void answer_service(struct path *p, const struct step_env *env, const struct window_probe *w,
	bool portal)
{
	enum service service = service_of((enum probe_method)w->method);
	bool changed;

	if (service == SERVICE_COUNT)
		return;
	changed = portal ? service_portal_seen(p->service, env->now_us)
			 : service_answered(p->service, service, env->now_us);
	if (changed)
		path_requalify(p, env);
}

/* Those that we send when it has been answered: the reset; acknowledgement, request, and the end of the connection. */
static uint32_t packets_after(const struct window_probe *w, const struct input_sample *s)
{
	if (w->method == PROBE_HTTP)
		return 4;
	return w->method == PROBE_TCP && s->outcome == SAMPLE_ANSWERED ? 1 : 0;
}

static void answer(struct path *p, const struct step_env *env, struct window_probe *w,
	const struct input_sample *s, struct passive *passive)
{
	uint32_t rtt_us = s->rtt_us;
	bool was_missed = w->state == PROBE_STATE_MISSED;

	if (w->state != PROBE_STATE_PENDING && !was_missed)
		return;
	passive->own_rx++;
	passive->own_tx += packets_after(w, s);
	if ((int64_t)rtt_us > env->policy->timeout_max_us) {
		w->state =
			PROBE_STATE_MISSED; /* an answer this late is as good as none to a user ... */
		p->late++;
		if (p->health == HEALTH_DEAD) /* ... but the line is not cut */
			p->round_us = usec_min(p->round_us, env->now_us);
		return;
	}
	w->state = PROBE_STATE_ANSWERED;
	w->rtt_us = rtt_us;
	p->answered++;
	p->late += was_missed ? 1 : 0;
	if (w->method == PROBE_NEIGHBOUR) {
		p->gateway_alive_us = usec_max(p->gateway_alive_us, w->sent_us);
		return;
	}
	if (rtt_us >= p->slowest_us || env->now_us - p->slowest_at_us > SLOWEST_US) {
		p->slowest_us = rtt_us;
		p->slowest_at_us = env->now_us;
	}
	p->unfit[w->target][w->method] = 0;
	env->proven[path_family(p->index)][w->target] |= (uint8_t)(1U << w->method);
	p->answered_once = true;
	if (w->heartbeat && !was_missed)
		baseline_add_loss(&p->baseline, false);
	/* DNS and HTTP servers think before they answer; large packets take their time on the wire */
	if ((w->method == PROBE_ICMP || w->method == PROBE_TCP) &&
		!passive_loaded(passive, env->now_us))
		baseline_add_rtt(&p->baseline, rtt_us);
	compare_missed(p, env, w->sent_us);
	alive(p, env, w->sent_us, passive);
	answer_service(p, env, w, s->outcome == SAMPLE_PORTAL);
	p->assess_us = usec_min(p->assess_us, env->now_us + 50 * USEC_MS);
}

static void miss(struct path *p, const struct step_env *env, struct window_probe *w)
{
	bool path_probe =
		w->method == PROBE_ICMP || w->method == PROBE_TCP || w->method == PROBE_DNS;

	w->state = PROBE_STATE_MISSED;
	blame_service(p, env, w);
	blame_target(p, w);
	if (!path_probe)
		return;
	/* a target that has never answered anywhere cannot stop doing so; unless nothing ever has here */
	if (p->unfit[w->target][w->method] >= PATH_UNFIT ||
		(p->answered_once &&
			!(env->proven[path_family(p->index)][w->target] & (1U << w->method)))) {
		w->state = PROBE_STATE_IGNORED;
		return;
	}
	if (w->heartbeat)
		baseline_add_loss(&p->baseline, true);
	p->assess_us = usec_min(p->assess_us, env->now_us);
	if (w->sent_us <= p->alive_us)
		return;
	if (!p->misses++)
		p->evidence -= imath_ln_ppm(
			(uint32_t)usec_clamp(p->baseline.learned.loss_ppm, 1000, 200000));
	else
		p->evidence -= imath_ln_ppm(p->baseline.learned.burst_ppm);
	if (!p->silent_us || w->sent_us < p->silent_us)
		p->silent_us = w->sent_us;
	if (p->health == HEALTH_RECOVERING && ++p->recovery_misses >= RECOVERY_MISSES)
		set_health(p, env, HEALTH_DEAD, VERDICT_SILENT);
	path_suspect(p, env,
		predict_warns(p, env->policy, TRUST_SOME) ? SUSPICION_BURST : SUSPICION_CHECK);
}

void path_sample(struct path *p, const struct step_env *env, const struct input_sample *s,
	struct passive *passive)
{
	struct window_probe *w = window_find(&p->window, s->probe);

	if (!w)
		return;
	switch ((enum sample_outcome)s->outcome) {
	case SAMPLE_ANSWERED:
	case SAMPLE_REFUSED:
	case SAMPLE_PORTAL:
	case SAMPLE_TOO_BIG:
		answer(p, env, w, s, passive);
		break;
	case SAMPLE_SEND_FAILED:
		/* full buffers and reopened sockets say nothing; a route or device that is gone is as good as silence */
		if (w->state == PROBE_STATE_PENDING &&
			(s->error == 100 || s->error == 101 || s->error == 113))
			miss(p, env, w); /* ENETDOWN, ENETUNREACH, EHOSTUNREACH */
		else if (w->state == PROBE_STATE_PENDING)
			w->state = PROBE_STATE_IGNORED;
		break;
	case SAMPLE_UNREACHABLE:
	case SAMPLE_LOST:
		if (w->state == PROBE_STATE_PENDING)
			miss(p, env, w);
		break;
	case SAMPLE_OUTCOME_COUNT:
		break;
	}
}

static enum verdict silence_verdict(const struct path *p)
{
	if (p->gateway_alive_us && p->gateway_alive_us >= p->silent_us)
		return VERDICT_PROVIDER;
	if (p->gateway_asked_us && p->gateway_asked_us >= p->silent_us)
		return VERDICT_GATEWAY_SILENT;
	return VERDICT_SILENT;
}

/* Where the users' packets are unanswered too, the silence is as old as theirs, and theirs count. */
static int64_t total_evidence(const struct path *p, const struct step_env *env,
	const struct passive *passive, int64_t timeout_us)
{
	uint32_t overdue = passive_overdue(passive, env->now_us,
		usec_max(p->baseline.learned.rtt_us, 0), timeout_us);

	if (overdue > 12)
		overdue = 12;
	return p->evidence - (int64_t)overdue * imath_ln_ppm(p->baseline.learned.burst_ppm);
}

static int64_t silence_start_us(const struct path *p, const struct passive *passive)
{
	int64_t traffic_us = passive->unanswered_us - usec_max(p->baseline.learned.rtt_us, 0);

	if (passive->unanswered_us && passive->unanswered >= 3 && p->silent_us &&
		traffic_us > p->alive_us)
		return usec_min(p->silent_us, traffic_us);
	return p->silent_us;
}

/* We fill the line ourselves and users' answers still come: probes drown, the line lives. */
static int64_t veto_us(const struct path *p, const struct step_env *env,
	const struct passive *passive)
{
	bool flows = passive->received_us && env->now_us - passive->received_us < 100 * USEC_MS;

	if (flows && (p->congested || passive_loaded(passive, env->now_us)))
		return LOADED_VETO_US;
	if (passive_load_begins(passive, env->now_us))
		return LOADED_VETO_US;
	/* what stands in the queue that we have filled takes that long to come out of it */
	if (passive_loaded_lately(passive, env->now_us) &&
		env->now_us - p->slowest_at_us <= SLOWEST_US)
		return usec_clamp(p->slowest_us - p->baseline.learned.rtt_us, 0, LOADED_VETO_US);
	return 0;
}

static int64_t patience_us(const struct path *p, const struct step_env *env,
	const struct passive *passive)
{
	return p->baseline.patience_us + veto_us(p, env, passive);
}

static void test_death(struct path *p, const struct step_env *env, const struct passive *passive)
{
	const struct policy *policy = env->policy;
	int64_t timeout_us =
		baseline_timeout_us(&p->baseline, policy->timeout_floor_us, policy->timeout_max_us);

	if (!p->silent_us || p->misses < MISSES_MIN || p->health == HEALTH_RECOVERING)
		return;
	if (env->now_us - silence_start_us(p, passive) < patience_us(p, env, passive))
		return;
	if (total_evidence(p, env, passive, timeout_us) < path_evidence_limit(policy))
		return;
	p->died_us = p->silent_us;
	p->silent_us = silence_start_us(p, passive);
	set_health(p, env, HEALTH_DEAD, silence_verdict(p));
}

/* Our own traffic fills, or has just filled, a queue: what is lost now is not how the line itself loses. */
static bool own_queue(const struct path *p, const struct step_env *env,
	const struct passive *passive)
{
	return passive_strained(passive, env->now_us) ||
	       passive_load_begins(passive, env->now_us) ||
	       (passive_loaded_lately(passive, env->now_us) &&
		       p->slowest_us > 2 * p->baseline.learned.rtt_us + 20 * USEC_MS);
}

/* Was it called dead in the row of losses that an answer to what was sent at until_us has ended? */
static bool died_in_row(const struct path *p, int64_t until_us)
{
	return p->died_us && p->died_us >= p->row_us && p->died_us < until_us;
}

/*
 * Learns from the probes in the order in which they were sent, each when its fate is known: how many are lost in a row, and
 * how long such rows last.  (At the moment of an answer, probes that were sent before it may still be pending.)
 */
static void learn_rows(struct path *p, const struct step_env *env)
{
	const struct window_probe *w;

	while ((w = window_next_settled(&p->window, &p->learned_next, env->now_us))) {
		if (w->state == PROBE_STATE_MISSED) {
			if (!p->row++)
				p->row_us = w->sent_us;
		} else if (p->row) {
			if (!p->queueing)
				baseline_add_silence(&p->baseline, w->sent_us - p->row_us, p->row,
					died_in_row(p, w->sent_us), env->policy);
			p->row = 0;
		}
	}
}

void path_judge(struct path *p, const struct step_env *env, struct passive *passive, bool active)
{
	struct window_probe *w;

	while ((w = window_expired(&p->window, env->now_us)))
		miss(p, env, w);
	p->queueing = own_queue(p, env, passive);
	learn_rows(p, env);
	if (p->suspicion == SUSPICION_CHECK && p->misses > 1 && env->now_us > p->suspect_us)
		path_suspect(p, env, SUSPICION_BURST);
	if (active && passive_silent(passive, env->now_us,
			      baseline_timeout_us(&p->baseline, env->policy->timeout_floor_us,
				      env->policy->timeout_max_us)))
		path_suspect(p, env, SUSPICION_BURST);
	if (p->health == HEALTH_SUSPECT || p->health == HEALTH_UNKNOWN)
		test_death(p, env, passive);
	if (p->health == HEALTH_DEAD && p->silent_us && !p->died &&
		env->now_us - p->silent_us > spells_longest_us()) {
		p->died = true;
		baseline_add_death(&p->baseline, env->policy);
	}
	if (p->health == HEALTH_DEAD && p->verdict != silence_verdict(p) && p->silent_us)
		set_health(p, env, HEALTH_DEAD, silence_verdict(p));
}

int64_t path_due_us(const struct path *p, const struct step_env *env, const struct passive *passive)
{
	int64_t due_us = window_deadline_us(&p->window);

	if ((p->health == HEALTH_SUSPECT || p->health == HEALTH_UNKNOWN) && p->silent_us) {
		int64_t ripe_us = silence_start_us(p, passive) + patience_us(p, env, passive);

		/* ripe already: what lacks is evidence, which comes with other inputs */
		if (ripe_us > env->now_us)
			due_us = usec_min(due_us, ripe_us);
	}
	return due_us;
}
