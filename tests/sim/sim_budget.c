/*
 * Thirty idle days with a metered standby beside an unmetered link in use: the standby's probes may
 * take 5 MB.  And a metered standby that is bad and flaps, which invites bursts.
 */
#include "sim/options.h"
#include "sim/world.h"

#define DAYS 30
#define BUDGET 5000000

static int live(const char *name, bool troubled, const struct sim_options *o)
{
	static struct world w;
	char text[96];
	int failed;

	world_init(&w, o->seed);
	w.no_counters = true;
	world_add_link(&w);
	struct world_link *standby = world_add_link(&w);
	standby->metered = true;
	standby->kind = LINK_KIND_CELLULAR;
	if (troubled)
		world_set_bursty_loss(standby, 50000, 10);
	world_begin(&w);
	for (int64_t hour = 0; hour < (int64_t)(o->days * 24); hour++) {
		int64_t now_us = hour * USEC_H;

		if (troubled && hour % 2) {
			world_add_fault(&w, 1, FAULT_BLACK_HOLE, now_us + 10 * USEC_MIN,
				now_us + 12 * USEC_MIN, 0);
			world_add_fault(&w, 0, FAULT_LOSS, now_us + 30 * USEC_MIN,
				now_us + 31 * USEC_MIN, 60000);
		}
		world_run(&w, now_us + USEC_H);
	}
	printf("%s: standby %.2f MB (%.2f B/s, %llu probes) in %.0f days; in use %.1f MB; %u "
	       "switches\n",
		name, (double)standby->probe_bytes / 1e6,
		(double)standby->probe_bytes / (o->days * 86400),
		(unsigned long long)standby->probes, o->days, (double)w.link[0].probe_bytes / 1e6,
		w.switches);
	snprintf(text, sizeof(text), "the standby's probes keep to 5 MB in 30 days");
	failed = sim_check((double)standby->probe_bytes <= BUDGET * o->days / DAYS, text);
	world_free(&w);
	return failed;
}

int main(int argc, char **argv)
{
	struct sim_options o = {.seed = 1, .seeds = 1, .days = DAYS};

	sim_options(argc, argv, &o);
	return live("quiet", false, &o) + live("troubled", true, &o) != 0;
}
