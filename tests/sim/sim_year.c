/*
 * No false switches: a year of 2 % loss in bursts of three packets (Gilbert-Elliott) on the link in
 * use, an equally lossy standby beside it.  Bound: at most one switch per link and year.
 *
 * By default twenty seeds live six days each, a third of a link-year, in a minute; -d 365 is the
 * whole of it.
 */
#include "core/view.h"
#include "sim/options.h"
#include "sim/world.h"

struct tally {
	double years;
	unsigned switches, deaths;
	uint64_t steps, probes;
};

static void tell(struct world *w, const struct input *in, const struct output *out)
{
	(void)in;
	for (unsigned i = 0; i < out->n_events; i++) {
		const struct event *e = &out->event[i];

		if (e->kind == EVENT_SWITCH || (e->kind == EVENT_HEALTH && e->to == HEALTH_DEAD))
			printf("  %.3f h: event %d path %u from %u to %u verdict %u, %lld %lld "
			       "%lld %lld\n",
				(double)w->runner.now_us / USEC_H, e->kind, e->path, e->from, e->to,
				e->verdict, (long long)e->value[0], (long long)e->value[1],
				(long long)e->value[2], (long long)e->value[3]);
	}
}

static void live(uint64_t seed, const struct sim_options *o, struct tally *t)
{
	static struct world w;
	int64_t span_us = (int64_t)(o->days * (double)USEC_DAY);

	world_init(&w, seed);
	w.no_counters = true;
	w.observe = o->verbose ? tell : NULL;
	for (unsigned i = 0; i < 2; i++)
		world_set_bursty_loss(world_add_link(&w), 20000, 3);
	world_begin(&w);
	/* a quarter of an hour to choose a link and to learn what is usual */
	world_run(&w, 15 * USEC_MIN);
	unsigned before = w.switches, deaths = w.deaths;
	world_run(&w, 15 * USEC_MIN + span_us);
	printf("seed %llu: %u switches, %u deaths in %.1f days, %.0f inputs and %.2f probes a "
	       "second\n",
		(unsigned long long)seed, w.switches - before, w.deaths - deaths, o->days,
		(double)w.runner.steps / (double)span_us * 1e6,
		(double)w.runner.probes / (double)span_us * 1e6);
	for (unsigned i = 0; o->verbose && i < 2; i++) {
		struct path_view v;

		engine_view_path(w.engine, path_of(i, FAMILY_IPV4), w.runner.now_us, &v);
		printf("  link %u has learned: loss %u ppm, then again %u ppm, patience %lld us\n",
			i, v.learned.loss_ppm, v.learned.burst_ppm, (long long)v.patience_us);
	}
	t->switches += w.switches - before;
	t->deaths += w.deaths - deaths;
	t->years += o->days / 365;
	t->steps += w.runner.steps;
	t->probes += w.runner.probes;
	world_free(&w);
}

int main(int argc, char **argv)
{
	struct sim_options o = {.seed = 1, .seeds = 20, .days = 6};
	struct tally t = {0};

	sim_options(argc, argv, &o);
	for (unsigned i = 0; i < o.seeds; i++)
		live(o.seed + i, &o, &t);
	printf("%.2f link-years in use: %u switches, %u deaths of either link, %.0f million "
	       "inputs\n",
		t.years, t.switches, t.deaths, (double)t.steps / 1e6);
	return sim_check(t.switches <= t.years + 0.5, "at most one false switch per link and year");
}
