/*
 * Thirty idle days with a metered standby beside an unmetered link in use: the standby's probes may
 * take 5 MB, and no more than their share in the first minutes either, once it has been seen to work.
 * And a metered standby that is bad and flaps, which invites bursts.
 */
#include "sim/options.h"
#include "sim/world.h"

#define DAYS 30
#define BUDGET 5000000
#define START_US (20 * USEC_S)

/* Bytes of the standby from one time to another, against what the budget lets flow in. */
static int spends(struct world *w, int64_t from_us, int64_t until_us)
{
	uint64_t before;
	double bytes_s;
	char text[96];

	world_run(w, from_us);
	before = w->link[1].probe_bytes;
	world_run(w, until_us);
	bytes_s =
		(double)(w->link[1].probe_bytes - before) / ((double)(until_us - from_us) / USEC_S);
	snprintf(text, sizeof(text), "the standby's probes from %lld s to %lld s: %.2f B/s",
		(long long)(from_us / USEC_S), (long long)(until_us / USEC_S), bytes_s);
	return sim_check(bytes_s <= (double)BUDGET / (DAYS * 86400), text);
}

/* At the start a standby is shown to work, with as little as that takes; from then on it keeps to its share. */
static int begin(const struct sim_options *o)
{
	static struct world w;
	struct world_link *standby;
	int failed;

	world_init(&w, o->seed);
	world_add_link(&w);
	standby = world_add_link(&w);
	standby->metered = true;
	standby->kind = LINK_KIND_CELLULAR;
	world_begin(&w);
	world_run(&w, START_US);
	printf("start: standby %llu bytes, %llu probes\n", (unsigned long long)standby->probe_bytes,
		(unsigned long long)standby->probes);
	failed = sim_check(standby->probes - standby->probes_lost >= 5,
			 "the standby was shown to work") +
		 sim_check(standby->probe_bytes <= 2500, "with 2500 bytes at the most");
	failed += spends(&w, START_US, START_US + 400 * USEC_S);
	failed += spends(&w, START_US + 400 * USEC_S, USEC_H);
	failed += spends(&w, USEC_H, 2 * USEC_H);
	world_free(&w);
	return failed;
}

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
	return begin(&o) + live("quiet", false, &o) + live("troubled", true, &o) != 0;
}
