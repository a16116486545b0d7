/*
 * A preferred link that comes and goes: a week of it.  The failback hold must double up to its
 * longest, so that there are two switches in that time at the most, and once the link is well
 * for good traffic comes back.
 */
#include "sim/options.h"
#include "sim/world.h"

struct flapper {
	const char *name;
	int64_t up_us, down_us;
	enum fault_kind kind;
	int32_t value;
};

static const struct flapper flappers[] = {
	{"10 s dead every minute", 50 * USEC_S, 10 * USEC_S, FAULT_BLACK_HOLE, 0},
	{"2 s dead every 30 s", 28 * USEC_S, 2 * USEC_S, FAULT_BLACK_HOLE, 0},
	{"5 min dead every 10 min", 5 * USEC_MIN, 5 * USEC_MIN, FAULT_BLACK_HOLE, 0},
	{"carrier 3 s off every 20 s", 17 * USEC_S, 3 * USEC_S, FAULT_CARRIER, 0},
	{"30 % loss, 20 s a minute", 40 * USEC_S, 20 * USEC_S, FAULT_LOSS, 300000},
};

static int live(const struct flapper *f, const struct sim_options *o)
{
	static struct world w;
	int64_t until_us = (int64_t)(o->days * (double)USEC_DAY), hour_us = 0, on_bad_us = 0;
	unsigned first_day = 0, most;
	char text[96];
	int failed = 0;

	world_init(&w, o->seed);
	w.no_counters = true;
	world_add_link(&w);
	world_add_link(&w);
	world_begin(&w);
	while (hour_us < until_us) {
		int64_t end_us = hour_us + f->up_us + f->down_us;

		world_add_fault(&w, 0, f->kind, hour_us + f->up_us, end_us, f->value);
		if (f->kind == FAULT_CARRIER) {
			world_tell_carrier(&w, 0, hour_us + f->up_us, false);
			world_tell_carrier(&w, 0, end_us, true);
		}
		world_run(&w, hour_us + f->up_us);
		/* how long the user sits on the broken link, in steps of a tenth of a second */
		while (w.runner.now_us < end_us) {
			world_run(&w, w.runner.now_us + 100 * USEC_MS);
			on_bad_us += w.active == 0 ? 100 * USEC_MS : 0;
		}
		hour_us = end_us;
		if (hour_us <= USEC_DAY)
			first_day = w.switches;
	}
	world_run(&w, until_us + 2 * USEC_H);
	printf("%-28s %4u switches in %.0f days (%u on the first), %.0f s on the broken link; "
	       "two hours after: on link %u\n",
		f->name, w.switches, o->days, first_day, (double)on_bad_us / 1e6, w.active);
	/* there and back once in every longest hold, besides those while the hold grew to that */
	most = 20 + 2 * (unsigned)(until_us / w.policy.link[0].hold_max_us);
	snprintf(text, sizeof(text), "at most %u switches", most);
	failed += sim_check(w.switches <= most, text);
	failed += sim_check(w.active == 0, "back on the preferred link in the end");
	world_free(&w);
	return failed;
}

int main(int argc, char **argv)
{
	struct sim_options o = {.seed = 1, .seeds = 1, .days = 7};
	int failed = 0;

	sim_options(argc, argv, &o);
	for (unsigned i = 0; i < sizeof(flappers) / sizeof(flappers[0]); i++)
		failed += live(&flappers[i], &o);
	return failed != 0;
}
