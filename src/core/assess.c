#include "core/assess.h"

#include <string.h>

#include "base/imath.h"
#include "base/usec.h"
#include "core/score.h"

#define PERIOD_US (100 * USEC_MS) /* between assessments */
#define SHORT_N 60
#define SHORT_US (2 * USEC_S)
#define LONG_N 240
#define LONG_US (15 * USEC_S)
#define METHOD_N 4 /* fewer probes of one method are not judged by themselves */
#define CALLS_PERIOD_US (250 * USEC_MS)
#define CALLS_N 40
#define CALLS_US (5 * USEC_S)
#define GOOD_US (2 * USEC_S) /* a bad path must have been good this long */
#define GOOD_N 20
#define GOOD_SPARSE_US (30 * USEC_S) /* with fewer probes than that */
#define GOOD_MARGIN 3 /* points above the class's minimum, so that it does not flutter */
#define TROUBLE_DOUBT (4 * NAT)
#define SILENCE_DOUBT (6 * NAT)
#define SILENT_US (150 * USEC_MS) /* a silence shorter than this is as bad as the score says */
#define EXAMINE_US (3 * USEC_S)
#define EXAMINE_REST_US (10 * USEC_S)
#define EXAMINE_CALLS_REST_US (3 * USEC_S) /* from one beginning to the next */
#define STRAIN_LOSS_PPM 20000
#define LOSS_FLOOR_PPM 5000 /* half a percent is nobody's reason to move */

/* Doubt that must be overcome, in nats: everyday classes once in a million windows, calls sooner. */
static int64_t doubt(enum class_need need)
{
	return (need == CLASS_NEED_REALTIME ? 4 : 14) * NAT;
}

/*
 * Loss of the path from the loss of each method: the middle one of three, the lower of two.  A target that limits its
 * echo replies, or a resolver that is down, spoils one method; a bad line spoils them all.
 */
static uint32_t common_loss(const struct window_stats *s, uint32_t *ret_n, uint32_t *ret_lost)
{
	unsigned method[PROBE_METHOD_COUNT], n = 0;

	for (unsigned m = 0; m < PROBE_METHOD_COUNT; m++) {
		unsigned k = n;
		uint32_t loss;

		if (s->method_n[m] < METHOD_N)
			continue;
		loss = imath_ratio_ppm(s->method_lost[m], s->method_n[m]);
		for (; k && imath_ratio_ppm(s->method_lost[method[k - 1]],
				    s->method_n[method[k - 1]]) > loss;
			k--)
			method[k] = method[k - 1];
		method[k] = m;
		n++;
	}
	if (n < 2) {
		*ret_n = s->n;
		*ret_lost = s->lost;
	} else {
		unsigned middle = method[(n - 1) / 2];
		uint32_t ppm = imath_ratio_ppm(s->method_lost[middle], s->method_n[middle]);
		uint32_t others = 0, others_lost = 0;

		/* methods that agree with the middle one lend it their numbers */
		for (unsigned m = 0; m < PROBE_METHOD_COUNT; m++) {
			if (s->method_n[m] && imath_abs((int64_t)imath_ratio_ppm(s->method_lost[m],
								s->method_n[m]) -
							ppm) <= 250000) {
				others += s->method_n[m];
				others_lost += s->method_lost[m];
			}
		}
		*ret_n = others;
		*ret_lost = others_lost;
	}
	return imath_ratio_ppm(*ret_lost, *ret_n);
}

/* Log-likelihood ratio of "loses k of n" against "loses usual_ppm", corrected for losses that come in bursts. */
static int64_t surprise(const struct path *p, uint32_t n, uint32_t lost)
{
	uint32_t ppm = imath_ratio_ppm(lost, n);
	uint32_t usual_ppm = p->baseline.learned.loss_ppm > LOSS_FLOOR_PPM
				     ? p->baseline.learned.loss_ppm
				     : LOSS_FLOOR_PPM;
	int64_t bunched, llr;

	if (!n || ppm <= usual_ppm)
		return 0;
	llr = (int64_t)lost * (imath_ln_ppm(ppm) - imath_ln_ppm(usual_ppm)) +
	      (int64_t)(n - lost) *
		      (imath_ln_ppm(1000000 - ppm) - imath_ln_ppm(1000000 - usual_ppm));
	/* variance of a Markov chain's mean: (1 + rho) / (1 - rho) times that of independent losses */
	bunched = usec_max((int64_t)p->baseline.learned.burst_ppm - (int64_t)ppm, 0);
	return llr * (1000000 - bunched) / (1000000 + bunched);
}

struct view_of_window {
	struct window_stats stats;
	uint32_t n, lost, loss_ppm;
};

static void look(const struct path *p, const struct step_env *env, int64_t span_us, unsigned n,
	struct view_of_window *ret)
{
	window_read(&p->window, env->now_us - span_us, n, p->unfit, PATH_UNFIT, &ret->stats);
	ret->loss_ppm = common_loss(&ret->stats, &ret->n, &ret->lost);
}

/* How long it has been bad; on radio links the slighter it is the longer it is borne, since it mostly passes. */
static int64_t borne_us(const struct path *p, const struct step_env *env, unsigned c)
{
	return c == 0 && baseline_radio(p->baseline.kind) ? p->borne_us
							  : env->now_us - p->bad_us[c];
}

/* The score has been too low for as long as this path's bad spells usually last, and not by chance. */
static bool bad_enough(const struct path *p, const struct step_env *env, unsigned c,
	const struct view_of_window *w, const struct view_of_window *wide)
{
	const struct class_policy *class = &env->policy->class[c];
	bool slow = score_path(class->need, p->rtt_us, p->jitter_us, 0) < class->min_score;

	if (borne_us(p, env, c) < p->baseline.bad_patience_us)
		return false;
	return slow || surprise(p, w->n, w->lost) >= doubt(class->need) ||
	       surprise(p, wide->n, wide->lost) >= doubt(class->need);
}

/* Time that is slightly bad counts little, that in which hardly anything gets through twice. */
static void bear(struct path *p, const struct step_env *env)
{
	int64_t lacks = env->policy->class[0].min_score - (int64_t)p->score[0];
	int64_t percent = usec_min(lacks * lacks / 10, 200);

	p->borne_us += usec_min(env->now_us - p->bore_us, USEC_S) * percent / 100;
	p->bore_us = env->now_us;
}

static void spell_over(struct path *p, const struct step_env *env, unsigned c)
{
	if (c == 0 && p->bad_us[c])
		baseline_add_bad(&p->baseline, borne_us(p, env, c), env->policy);
	p->bad_us[c] = 0;
}

/* The few percent that harm a call are seen in many samples only; older ones than a few seconds tell of another time. */
static uint32_t class_loss(const struct path *p, const struct class_policy *class,
	const struct view_of_window *wide)
{
	if (class->need == CLASS_NEED_REALTIME && wide->n >= CALLS_N)
		return wide->loss_ppm;
	return (uint32_t)usec_max(p->loss_ppm, 0);
}

/* For the record of troubles less certainty will do than for a move. */
static bool no_chance(const struct path *p, const struct step_env *env,
	const struct view_of_window *w)
{
	const struct class_policy *class = &env->policy->class[0];

	return score_path(class->need, p->rtt_us, p->jitter_us, 0) < class->min_score ||
	       surprise(p, w->n, w->lost) >= TROUBLE_DOUBT;
}

static void judge_class(struct path *p, const struct step_env *env, unsigned c,
	const struct view_of_window *w, const struct view_of_window *wide)
{
	const struct class_policy *class = &env->policy->class[c];
	int least;

	p->score[c] = score_path(class->need, p->rtt_us, p->jitter_us, class_loss(p, class, wide));
	/* a few percent come and go with the sample: what began stays until it is clearly over */
	least = class->min_score +
		(class->need == CLASS_NEED_REALTIME && p->bad_us[c] ? GOOD_MARGIN : 0);
	if (c == 0)
		p->troubled = p->score[c] < least && !p->congested && !p->queueing &&
			      no_chance(p, env, w);
	if (p->score[c] < least && !p->congested) {
		p->good_us[c] = 0;
		if (!p->bad_us[c]) {
			p->bad_us[c] = env->now_us;
			if (c == 0) {
				p->borne_us = 0;
				p->bore_us = env->now_us;
			}
		}
		if (c == 0)
			bear(p, env);
		p->bad[c] = p->bad[c] || bad_enough(p, env, c, w, wide);
		return;
	}
	spell_over(p, env, c);
	if (!p->bad[c])
		return;
	if (p->score[c] < class->min_score + GOOD_MARGIN) {
		p->good_us[c] = 0;
		return;
	}
	if (!p->good_us[c])
		p->good_us[c] = env->now_us;
	if (env->now_us - p->good_us[c] >= (w->n >= GOOD_N ? GOOD_US : GOOD_SPARSE_US))
		p->bad[c] = false;
}

/* Not enough yet to call it bad for calls, but on the way there: more samples will tell. */
static bool promising(const struct path *p, const struct step_env *env, unsigned c,
	const struct view_of_window *wide)
{
	return env->policy->class[c].need == CLASS_NEED_REALTIME && wide->lost >= 2 &&
	       surprise(p, wide->n, wide->lost) >= NAT;
}

static void examine(struct path *p, const struct step_env *env, const struct passive *passive,
	bool active, const struct view_of_window *w, const struct view_of_window *wide)
{
	bool frayed =
		active && policy_realtime(env->policy) && passive_frayed(passive, env->now_us);
	bool thinned = frayed || (active && passive_thinned(passive, env->now_us));
	bool losing = w->lost >= 2 && w->loss_ppm > LOSS_FLOOR_PPM + p->baseline.learned.loss_ppm;
	/* what users suffer from now is looked into without a rest */
	bool undecided = active && passive_lacking(passive, env->now_us);

	for (unsigned c = 0; c < env->policy->n_classes; c++)
		undecided =
			undecided || (!p->bad[c] && (p->bad_us[c] || promising(p, env, c, wide)));
	if (env->now_us < p->examine_until_us || (!thinned && !losing && !undecided))
		return;
	if (!undecided && p->examined_us &&
		env->now_us - p->examined_us < (frayed ? EXAMINE_CALLS_REST_US : EXAMINE_REST_US))
		return;
	p->examined_us = env->now_us;
	p->examine_until_us = env->now_us + EXAMINE_US;
	p->round_us = env->now_us;
}

static bool slower(const struct path *p)
{
	int64_t usual_us = p->baseline.learned.rtt_us;

	return usual_us >= 0 && p->rtt_us > usual_us + usual_us / 2 + 20 * USEC_MS;
}

/* Neither lost nor delayed more than usual. */
static bool at_ease(const struct path *p)
{
	return !p->silent_us && !slower(p) &&
	       p->loss_ppm <= usec_max(STRAIN_LOSS_PPM, 2 * (int64_t)p->baseline.learned.loss_ppm);
}

static bool own_doing(const struct path *p, const struct step_env *env,
	const struct passive *passive)
{
	/* once begun it lasts as long as the load: a full queue loses before it delays */
	return passive_strained(passive, env->now_us) &&
	       (slower(p) || p->congested || p->loss_ppm > STRAIN_LOSS_PPM);
}

/* What users lack is not left until the next probe. */
static bool due(const struct path *p, const struct step_env *env, const struct passive *passive,
	bool active)
{
	return env->now_us >= p->assess_us || (active && env->now_us >= p->examine_until_us &&
						      passive_lacking(passive, env->now_us));
}

void assess_path(struct path *p, const struct step_env *env, struct passive *passive, bool active)
{
	struct view_of_window w, wide;

	if (!due(p, env, passive, active) || !path_usable(p))
		return;
	look(p, env, SHORT_US, SHORT_N, &w);
	look(p, env, policy_realtime(env->policy) ? CALLS_US : LONG_US, LONG_N, &wide);
	p->rtt_us = w.stats.rtt_us >= 0      ? w.stats.rtt_us
		    : wide.stats.rtt_us >= 0 ? wide.stats.rtt_us
					     : p->rtt_us;
	p->jitter_us = w.stats.jitter_us >= 0 ? w.stats.jitter_us : wide.stats.jitter_us;
	/* few samples say little: lean on what is usual until there are enough */
	if (w.n >= 10)
		p->loss_ppm = w.loss_ppm;
	else if (wide.n >= 10)
		p->loss_ppm = wide.loss_ppm;
	else
		p->loss_ppm =
			(int64_t)((uint64_t)p->baseline.learned.loss_ppm * (10 - wide.n) / 10 +
				  (uint64_t)wide.lost * 100000);
	p->congested = own_doing(p, env, passive);
	if (active)
		passive_judge(passive, at_ease(p), env->now_us);
	for (unsigned c = 0; c < env->policy->n_classes; c++)
		judge_class(p, env, c, &w, &wide);
	examine(p, env, passive, active, &w, &wide);
	path_requalify(p, env);
	p->assess_us = env->now_us +
		       (env->now_us < p->examine_until_us || p->bad_us[0] || p->bad[0] ? PERIOD_US
			       : active && policy_realtime(env->policy) ? CALLS_PERIOD_US
									: USEC_S);
}

/* Percent: silence is all of it, else the points that the score of everyday traffic lacks. */
static int severity(const struct path *p, const struct step_env *env, bool silent)
{
	int short_of = (int)env->policy->class[0].min_score - (int)p->score[0];

	if (silent || p->health == HEALTH_DEAD || p->health == HEALTH_RECOVERING)
		return 100;
	return (int)usec_clamp(short_of, 0, 100);
}

/* A lossy wire's bursts are its losses and no trouble of their own; radio links do stop for moments. */
static bool usual_burst(const struct path *p)
{
	return !baseline_radio(p->baseline.kind) && p->evidence < SILENCE_DOUBT;
}

void assess_trouble(struct path *p, const struct step_env *env, bool active)
{
	bool silent = p->silent_us && p->misses >= 2 && !usual_burst(p) && !p->queueing;
	bool dead = p->health == HEALTH_DEAD || p->health == HEALTH_RECOVERING;
	int64_t every_us = p->heartbeat_interval_us;

	if (p->health != HEALTH_UNKNOWN && (silent || dead || p->troubled))
		trouble_see(&p->trouble, silent ? p->silent_us : env->now_us,
			severity(p, env, silent && env->now_us - p->silent_us >= SILENT_US),
			env->now_us);
	else
		trouble_end(&p->trouble);
	if (!trouble_watch_due(&p->trouble, env->now_us))
		return;
	trouble_watch(&p->trouble,
		active || p->trouble.since_us || every_us <= USEC_S
			? 1000000
			: imath_ratio_ppm(USEC_S / USEC_MS, (uint32_t)(every_us / USEC_MS)),
		env->now_us);
}

int64_t assess_due_us(const struct path *p)
{
	bool quiet =
		!p->bad_us[0] && !p->bad[0] && !p->congested && p->examine_until_us < p->assess_us;

	/* a quiet path is looked at when something else wakes us up, which happens often enough */
	if (quiet || !path_usable(p) || p->health == HEALTH_DEAD || p->health == HEALTH_UNKNOWN)
		return USEC_NEVER;
	return p->assess_us;
}
