/* Begins a world and lets it go on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "sim/world_links.h"

#define KEEP_US (5 * USEC_MIN) /* what checks look back at */

static void notice_route(struct world *w, int64_t now_us, const struct action_route *route)
{
	unsigned link = route->n ? path_link(route->path[0]) : LINKS_MAX;

	if (route->class || route->family != FAMILY_IPV4 || link == w->active)
		return;
	for (unsigned i = 0; i < w->n_links; i++)
		world_count_user(w, i, now_us);
	if (w->active < LINKS_MAX)
		w->switches++;
	w->active = link;
	w->active_since_us = now_us;
}

static void stepped(void *user, const struct input *in, const struct output *out)
{
	struct world *w = user;

	for (unsigned i = 0; i < out->n_actions; i++) {
		if (out->action[i].kind == ACTION_ROUTE)
			notice_route(w, w->runner.now_us, &out->action[i].route);
	}
	for (unsigned i = 0; i < out->n_events; i++) {
		if (out->event[i].kind == EVENT_HEALTH && out->event[i].to == HEALTH_DEAD)
			w->deaths++;
	}
	if (w->observe)
		w->observe(w, in, out);
}

void world_init(struct world *w, uint64_t seed)
{
	struct runner_world callbacks = {.user = w,
		.probe = world_probe,
		.count = world_count,
		.stepped = stepped,
		.apply_us = 300};
	static struct config config;

	memset(w, 0, sizeof(*w));
	w->engine = malloc(engine_size());
	if (!w->engine)
		abort();
	config_default(&config);
	w->policy = config.policy;
	w->random = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15) | 1;
	w->active = LINKS_MAX;
	runner_init(&w->runner, w->engine, &callbacks, 0, seed);
}

void world_free(struct world *w)
{
	free(w->engine);
	w->engine = NULL;
}

struct world_link *world_add_link(struct world *w)
{
	struct world_link *l = &w->link[w->n_links];

	*l = (struct world_link){.kind = LINK_KIND_WIRED,
		.rtt_us = 40 * USEC_MS,
		.jitter_us = 2 * USEC_MS,
		.preference = 100 - (int32_t)w->n_links,
		.counters = {.link = (uint8_t)w->n_links}};
	w->n_links++;
	return l;
}

void world_set_bursty_loss(struct world_link *l, uint32_t loss_ppm, uint32_t burst_packets)
{
	l->leave_burst_ppm = 1000000 / burst_packets;
	/* share of time in a burst = enter / (enter + leave) */
	l->enter_burst_ppm =
		(uint32_t)((uint64_t)l->leave_burst_ppm * loss_ppm / (1000000 - loss_ppm));
}

bool world_add_fault(struct world *w, unsigned link, enum fault_kind kind, int64_t from_us,
	int64_t until_us, int32_t value)
{
	struct world_link *l = &w->link[link];

	/* those that are over make room */
	if (l->n_faults == WORLD_FAULTS_MAX) {
		unsigned kept = 0;

		for (unsigned i = 0; i < l->n_faults; i++) {
			if (l->fault[i].until_us > w->runner.now_us - KEEP_US)
				l->fault[kept++] = l->fault[i];
		}
		l->n_faults = kept;
	}
	if (l->n_faults == WORLD_FAULTS_MAX)
		return false;
	l->fault[l->n_faults++] = (struct world_fault){kind, from_us, until_us, value};
	return true;
}

void world_tell_carrier(struct world *w, unsigned link, int64_t at_us, bool carrier)
{
	struct input in = {.kind = INPUT_PATH,
		.now_us = at_us,
		.path = {.path = (uint8_t)path_of(link, FAMILY_IPV4),
			.facts = {.present = true,
				.carrier = carrier,
				.has_address = carrier,
				.has_gateway = carrier,
				.address = {10, 0, (uint8_t)link, 2},
				.gateway = {10, 0, (uint8_t)link, 1},
				.ifindex = link + 1,
				.mtu = 1500,
				.metric = link}}};

	runner_put(&w->runner, &in);
}

static void fill_link(struct world *w, unsigned slot)
{
	static struct config config;
	const struct world_link *l = &w->link[slot];
	struct link_policy *p = &w->policy.link[slot];

	config_default(&config);
	*p = config.link_default.policy;
	snprintf(p->name, sizeof(p->name), "link%u", slot);
	snprintf(p->device, sizeof(p->device), "sim%u", slot);
	p->enabled = true;
	p->metered = l->metered;
	p->kind = l->kind;
	p->preference = l->preference;
	p->order = (uint16_t)slot;
	p->budget_bytes = l->budget_bytes ? l->budget_bytes
			  : l->metered    ? CONFIG_METERED_BUDGET_BYTES
					  : 0;
	w->policy.links |= UINT32_C(1) << slot;
}

void world_begin(struct world *w)
{
	struct input in = {.kind = INPUT_POLICY, .policy = &w->policy};

	w->policy.ipv6 = false;
	if (w->no_counters)
		w->runner.world.count = NULL;
	for (unsigned i = 0; i < w->n_links; i++)
		fill_link(w, i);
	runner_step(&w->runner, &in);
	for (unsigned i = 0; i < w->n_links; i++) {
		world_tell_carrier(w, i, 0, true);
		for (unsigned k = 0; k < w->link[i].n_faults; k++) {
			const struct world_fault *f = &w->link[i].fault[k];

			if (f->kind != FAULT_CARRIER)
				continue;
			world_tell_carrier(w, i, f->from_us, false);
			world_tell_carrier(w, i, f->until_us, true);
		}
	}
}

void world_run(struct world *w, int64_t until_us)
{
	runner_run(&w->runner, until_us);
	if (w->runner.stuck) {
		fprintf(stderr, "last output: %u actions, %u events, wake at %lld us\n",
			w->runner.out.n_actions, w->runner.out.n_events,
			(long long)w->runner.out.wake_us);
		fprintf(stderr, "the engine made no progress at %lld us\n",
			(long long)w->runner.now_us);
		abort();
	}
}
