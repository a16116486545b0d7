/*
 * The engine's promises in random worlds.
 *
 *      steady   faults on links, nothing else: the user is not left on a dead link while another
 *               works, is not moved without cause, only to links that have just answered, and no
 *               budget is exceeded
 *      chaos    besides, commands, new policies, hints, drift, refusing kernels, malformed inputs,
 *               time that runs backwards: whatever comes, outputs are well-formed, and the same
 *               inputs give the same bytes
 */
#include "core/names.h"
#include "core/trace.h"
#include "sim/invariants.h"
#include "sim/options.h"
#include "sim/world_links.h"

/* A user may be left on a dead link while another one works for so long.  What is learned of a link
   that comes back by itself may make the engine patient, so this is not the detection time. */
#define DEAD_MAX_US (6 * USEC_S)
#define DEAD_METERED_MAX_US (90 * USEC_S) /* heartbeats are as rare as the budget wants */
#define LOSSY_METERED_MAX_US (150 * USEC_S)
#define LOSSY_MAX_US (30 * USEC_S) /* half of the packets or more are lost */
#define SEEN_WELL_US (75 * USEC_S) /* a metered link whose services failed is asked once a minute */
#define FRESH_US (5 * USEC_S)      /* a trial of a few seconds, and its answers count */

struct check {
	struct world world;
	struct invariants invariants;
	uint32_t digest; /* over all outputs */
	/* when it was last seen not dead, not lossy, not well */
	int64_t alive_us[LINKS_MAX], clean_us[LINKS_MAX], ill_us[LINKS_MAX];
	int64_t longest_dead_us, longest_lossy_us;
	unsigned active_before;
	unsigned causeless;
	bool chaos;
	uint64_t seed;
};

static void tell_link(const struct check *c, unsigned i)
{
	const struct world_link *l = &c->world.link[i];
	int64_t now_us = c->world.runner.now_us;
	struct path_view v;

	engine_view_path(c->world.engine, path_of(i, FAMILY_IPV4), now_us, &v);
	fprintf(stderr,
		"  link %u%s: %s (%s), preference %d, score %u, rtt %lld us, loss %d ppm, silent "
		"%lld us, patience %lld us, hold left %lld us, last answer %lld us ago, budget "
		"left "
		"%lld\n",
		i, i == c->world.active ? " (in use)" : "", health_name(v.health),
		verdict_name(v.verdict), l->preference, v.score[0], (long long)v.rtt_us, v.loss_ppm,
		(long long)v.silence_us, (long long)v.patience_us, (long long)v.hold_left_us,
		(long long)v.sample_age_us, (long long)v.budget_left_bytes);
	for (unsigned k = 0; k < l->n_faults; k++) {
		const struct world_fault *f = &l->fault[k];

		if (f->from_us < now_us && f->until_us > now_us - USEC_MIN)
			fprintf(stderr, "    fault %u, value %d, since %lld us, until %+lld us\n",
				f->kind, f->value, (long long)(now_us - f->from_us),
				(long long)(f->until_us - now_us));
	}
}

/* Tells all that a person needs to see why, and ends. */
static void broken(const struct check *c, const char *what)
{
	struct decision_view d;

	fprintf(stderr, "seed %llu at %lld us: %s\n", (unsigned long long)c->seed,
		(long long)c->world.runner.now_us, what);
	engine_view_decision(c->world.engine, 0, FAMILY_IPV4, c->world.runner.now_us, &d);
	fprintf(stderr, "  in use %d, wanted %u, stay %s, step %s, fail open %d\n",
		d.n ? d.path[0] : -1, d.wanted, stay_name(d.stay), step_name(d.step), d.fail_open);
	for (unsigned i = 0; i < c->world.n_links; i++)
		tell_link(c, i);
	abort();
}

static bool has_fault(const struct world_link *l, int64_t from_us, int64_t until_us)
{
	for (unsigned i = 0; i < l->n_faults; i++) {
		if (l->fault[i].from_us < until_us && l->fault[i].until_us > from_us)
			return true;
	}
	return false;
}

static void tell_causeless(struct check *c, unsigned from, unsigned to)
{
	struct decision_view d;

	c->causeless++;
	engine_view_decision(c->world.engine, 0, FAMILY_IPV4, c->world.runner.now_us, &d);
	fprintf(stderr, "seed %llu at %lld us: moved from link %u to %u without trouble (%s)\n",
		(unsigned long long)c->seed, (long long)c->world.runner.now_us, from, to,
		step_name(d.step));
	tell_link(c, from);
	tell_link(c, to);
}

/* A move away from a link that could carry traffic must go to one that has answered just now. */
static void check_switch(struct check *c, unsigned from, unsigned to)
{
	struct world *w = &c->world;
	int64_t now_us = w->runner.now_us;
	struct path_view was, is;
	struct decision_view d;

	if (from >= w->n_links || to >= w->n_links)
		return;
	engine_view_path(w->engine, path_of(from, FAMILY_IPV4), now_us, &was);
	engine_view_path(w->engine, path_of(to, FAMILY_IPV4), now_us, &is);
	if (was.health != HEALTH_DOWN && was.health != HEALTH_ABSENT &&
		(is.sample_age_us < 0 || is.sample_age_us > FRESH_US))
		broken(c, "moved to a link that has not answered lately");
	/* down the order of preference without any trouble in sight; what makes a link unsteady is remembered for hours */
	engine_view_decision(w->engine, 0, FAMILY_IPV4, now_us, &d);
	if (w->link[to].preference < w->link[from].preference && !w->link[from].enter_burst_ppm &&
		!has_fault(&w->link[from],
			now_us - (d.step == STEP_STEADY ? 2 * USEC_H : 5 * USEC_MIN), now_us + 1))
		tell_causeless(c, from, to);
}

/* Nothing is wrong with it, apart from what is not its fault. */
static bool is_well(const struct world_link *l, int64_t now_us)
{
	for (unsigned i = 0; i < l->n_faults; i++) {
		const struct world_fault *f = &l->fault[i];

		if (f->kind != FAULT_RATE_LIMIT && f->kind != FAULT_TARGET &&
			f->from_us <= now_us && f->until_us > now_us)
			return false;
	}
	return true;
}

static bool is_lossy(const struct world_link *l, int64_t now_us)
{
	const struct world_fault *f = world_fault_now(l, FAULT_LOSS, now_us);

	return f && f->value >= 500000;
}

/* A metered link whose budget this storm of faults has used up cannot be asked: no promise. */
static bool can_be_asked(const struct check *c, unsigned link)
{
	/* the last third of the bucket is kept for bursts */
	int64_t least = c->world.policy.link[link].budget_bytes / 10 * 2 / 5;
	struct path_view v;

	engine_view_path(c->world.engine, path_of(link, FAMILY_IPV4), c->world.runner.now_us, &v);
	return v.budget_left_bytes < 0 || v.budget_left_bytes > least;
}

static void follow_links(struct check *c)
{
	struct world *w = &c->world;
	int64_t now_us = w->runner.now_us, other_us = 0, dead_us, lossy_us;

	for (unsigned i = 0; i < w->n_links; i++) {
		if (world_link_works(w, i, now_us))
			c->alive_us[i] = now_us;
		if (!is_lossy(&w->link[i], now_us))
			c->clean_us[i] = now_us;
		if (!is_well(&w->link[i], now_us) ||
			(w->link[i].metered && c->invariants.steps % 64 == 0 &&
				!can_be_asked(c, i)))
			c->ill_us[i] = now_us;
		if (i != w->active)
			other_us = usec_max(other_us,
				now_us - c->ill_us[i] - (w->link[i].metered ? SEEN_WELL_US : 0));
		else if (w->link[i].metered && c->invariants.steps % 64 == 0 && !can_be_asked(c, i))
			c->alive_us[i] = c->clean_us[i] = now_us;
	}
	if (w->active >= w->n_links || now_us < USEC_MIN || c->chaos)
		return;
	other_us = usec_min(other_us, now_us - w->active_since_us);
	dead_us = usec_min(now_us - c->alive_us[w->active], other_us);
	lossy_us = usec_min(now_us - c->clean_us[w->active], other_us);
	c->longest_dead_us = usec_max(c->longest_dead_us, dead_us);
	c->longest_lossy_us = usec_max(c->longest_lossy_us, lossy_us);
	if (dead_us > (w->link[w->active].metered ? DEAD_METERED_MAX_US : DEAD_MAX_US))
		broken(c, "left on a dead link although another works");
	if (lossy_us > (w->link[w->active].metered ? LOSSY_METERED_MAX_US : LOSSY_MAX_US))
		broken(c, "left on a link that loses half of all, although another works");
}

static void check_budgets(struct check *c)
{
	for (unsigned i = 0; i < c->world.n_links; i++) {
		const struct world_link *l = &c->world.link[i];
		int64_t budget = c->world.policy.link[i].budget_bytes;
		uint64_t allowed =
			(uint64_t)(budget / 10 + budget / 1000 * (c->world.runner.now_us / USEC_S) /
							 (30 * 86400 / 1000)) +
			3000;

		if (budget && l->probe_bytes > allowed)
			broken(c, "more bytes of probes than the budget allows");
	}
}

static void observe(struct world *w, const struct input *in, const struct output *out)
{
	struct check *c = w->user;

	invariants_check(&c->invariants, w->engine, in, out);
	c->digest = trace_digest(out) ^ (c->digest << 1 | c->digest >> 31);
	if (w->active != c->active_before && !c->chaos)
		check_switch(c, c->active_before, w->active);
	c->active_before = w->active;
	follow_links(c);
	if (c->invariants.steps % 256 == 0) {
		invariants_views(&c->invariants, w->engine);
		if (!c->chaos)
			check_budgets(c);
	}
}

/* ---- random worlds ---- */

static void random_link(struct world *w)
{
	static const enum link_kind kinds[] = {LINK_KIND_WIRED, LINK_KIND_STARLINK,
		LINK_KIND_CELLULAR, LINK_KIND_WIFI};
	struct world_link *l = world_add_link(w);

	l->kind = kinds[world_draw(w, 4)];
	l->rtt_us = 5 * USEC_MS + world_draw(w, 150 * USEC_MS);
	l->jitter_us = world_draw(w, 10 * USEC_MS);
	l->metered = world_draw(w, 3) == 0;
	l->preference = (int32_t)world_draw(w, 3);
	if (world_draw(w, 3) == 0)
		world_set_bursty_loss(l, world_draw(w, 30000) + 1, 1 + world_draw(w, 5));
	if (world_draw(w, 2))
		l->user_pps = 1 + world_draw(w, 100);
}

static bool carrier_fault_between(const struct world *w, unsigned link, int64_t from_us,
	int64_t until_us)
{
	for (unsigned i = 0; i < w->link[link].n_faults; i++) {
		const struct world_fault *f = &w->link[link].fault[i];

		if (f->kind == FAULT_CARRIER && f->from_us <= until_us && f->until_us >= from_us)
			return true;
	}
	return false;
}

static void random_fault(struct world *w, int64_t now_us)
{
	static const struct {
		enum fault_kind kind;
		int32_t least, span;
	} kinds[] = {
		{FAULT_BLACK_HOLE, 0, 1},
		{FAULT_SILENT, 0, 1},
		{FAULT_LOSS, 10000, 900000},
		{FAULT_DELAY, 10000, 900000},
		{FAULT_CARRIER, 0, 1},
		{FAULT_DNS, 0, 1},
		{FAULT_PORTAL, 0, 1},
		{FAULT_MTU, 1200, 300},
		{FAULT_RATE_LIMIT, 100000, 900000},
		{FAULT_TARGET, 0, 5},
	};
	unsigned i = world_draw(w, sizeof(kinds) / sizeof(kinds[0])),
		 link = world_draw(w, w->n_links);
	/* lengths from 10 ms to five minutes, short ones as often as long ones */
	int64_t length_us = (10 * USEC_MS) << world_draw(w, 15);
	int64_t from_us = now_us + world_draw(w, 20 * USEC_S);
	int32_t value = kinds[i].least + (int32_t)world_draw(w, (uint32_t)kinds[i].span);

	/* the kernel tells of one carrier loss after the other */
	if (kinds[i].kind == FAULT_CARRIER &&
		carrier_fault_between(w, link, from_us, from_us + length_us))
		return;
	if (!world_add_fault(w, link, kinds[i].kind, from_us, from_us + length_us, value))
		return;
	if (kinds[i].kind == FAULT_CARRIER) {
		world_tell_carrier(w, link, from_us, false);
		world_tell_carrier(w, link, from_us + length_us, true);
	}
}

static void random_input(struct world *w, struct input *ret)
{
	*ret = (struct input){.kind = (enum input_kind)world_draw(w, INPUT_KIND_COUNT + 1),
		.now_us = w->runner.now_us};
	for (size_t i = 0; ret->kind != INPUT_POLICY && i < sizeof(ret->learned) / 4; i++) {
		/* small numbers are in range more often */
		uint32_t v = world_draw(w, UINT32_MAX) >> world_draw(w, 32);

		memcpy((uint8_t *)&ret->sample + 4 * i, &v, 4);
	}
	if (ret->kind == INPUT_PATH) {
		ret->path.facts.present = world_draw(w, 8) != 0;
		ret->path.facts.carrier = world_draw(w, 8) != 0;
		ret->path.facts.has_address = world_draw(w, 8) != 0;
		ret->path.facts.has_gateway = world_draw(w, 8) != 0;
	}
	if (ret->kind == INPUT_COMMAND && world_draw(w, 2)) {
		ret->command.verb = (uint8_t)world_draw(w, COMMAND_VERB_COUNT);
		ret->command.class = (uint8_t)world_draw(w, CLASSES_MAX + 1);
		ret->command.link = (uint8_t)world_draw(w, w->n_links + 1);
		ret->command.expires_us = ret->now_us + world_draw(w, USEC_MIN);
	}
	if (ret->kind == INPUT_POLICY)
		ret->policy = &w->policy;
	if (world_draw(w, 20) == 0)
		ret->now_us -= world_draw(w, USEC_MIN);
}

static void random_policy(struct world *w)
{
	struct policy *p = &w->policy;

	p->n_classes = (uint8_t)(1 + world_draw(w, CLASSES_MAX));
	for (unsigned i = 0; i < CLASSES_MAX; i++) {
		p->class[i].need = (enum class_need)world_draw(w, CLASS_NEED_COUNT);
		p->class[i].min_score = (uint8_t)world_draw(w, 101);
		p->class[i].balance = world_draw(w, 2);
		p->class[i].links = world_draw(w, 2) ? 0 : world_draw(w, 16);
	}
	p->observe = world_draw(w, 8) == 0;
	p->ipv6 = world_draw(w, 2);
	p->links = world_draw(w, 4) ? (1U << w->n_links) - 1 : world_draw(w, 64);
	p->n_targets[FAMILY_IPV4] = (uint8_t)world_draw(w, TARGETS_MAX + 1);
	p->burst_us = 10000 + world_draw(w, 3) * 10000;
}

static int32_t refuse(void *user, int64_t now_us, const struct action *a)
{
	struct world *w = user;

	(void)now_us;
	(void)a;
	return world_draw(w, 10) ? 0 : 22;
}

static void live(struct check *c, uint64_t seed, bool chaos, int64_t span_us)
{
	struct world *w = &c->world;

	memset(c, 0, sizeof(*c));
	world_init(w, seed);
	c->seed = seed;
	c->chaos = chaos;
	c->active_before = LINKS_MAX;
	w->observe = observe;
	w->user = c;
	for (unsigned n = 2 + world_draw(w, 3); n; n--)
		random_link(w);
	if (chaos)
		w->runner.world.apply = refuse;
	world_begin(w);
	while (w->runner.now_us < span_us) {
		int64_t pause_us = (100 * USEC_MS) << world_draw(w, 11);

		for (unsigned n = world_draw(w, 4); chaos && n; n--) {
			struct input in;

			if (world_draw(w, 10) == 0)
				random_policy(w);
			random_input(w, &in);
			runner_step(&w->runner, &in);
		}
		random_fault(w, w->runner.now_us);
		world_run(w, w->runner.now_us + pause_us);
	}
	invariants_views(&c->invariants, w->engine);
	world_free(w);
}

int main(int argc, char **argv)
{
	struct sim_options o = {.seed = 1, .seeds = 120, .days = 0.02};
	static struct check c;
	int64_t dead_us = 0, lossy_us = 0;
	uint64_t steps = 0;
	unsigned causeless = 0, switches = 0;

	sim_options(argc, argv, &o);
	for (unsigned i = 0; i < o.seeds; i++) {
		bool chaos = (o.seed + i) % 3 == 0;
		uint32_t digest;

		if (o.verbose)
			fprintf(stderr, "seed %llu\n", (unsigned long long)(o.seed + i));
		live(&c, o.seed + i, chaos, (int64_t)(o.days * (double)USEC_DAY));
		dead_us = usec_max(dead_us, c.longest_dead_us);
		lossy_us = usec_max(lossy_us, c.longest_lossy_us);
		causeless += c.causeless;
		switches += c.world.switches;
		steps += c.invariants.steps;
		digest = c.digest;
		if (i % 10)
			continue;
		live(&c, o.seed + i, chaos, (int64_t)(o.days * (double)USEC_DAY));
		if (c.digest != digest)
			broken(&c, "the same inputs gave other bytes");
	}
	printf("%u worlds, %llu million steps, %u switches; beside a link that works, longest on "
	       "one that is "
	       "dead: %.2f s, that loses half: %.2f s; moves without a cause: %u\n",
		o.seeds, (unsigned long long)steps / 1000000, switches, (double)dead_us / 1e6,
		(double)lossy_us / 1e6, causeless);
	return sim_check(causeless == 0, "no move down the order of preference without trouble");
}
