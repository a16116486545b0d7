/* The engine against a small world in virtual time: links that answer, or not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/usec.h"
#include "core/engine.h"
#include "core/names.h"
#include "core/view.h"

#define MESSAGES_MAX 4096

struct link_world {
	int64_t rtt_us;
	int64_t dead_from_us, dead_until_us;
	uint32_t loss_ppm;
	bool dns_dead, portal;
};

struct message {
	int64_t at_us;
	struct input in;
};

struct world {
	struct engine *e;
	struct policy policy;
	int64_t now_us;
	struct link_world link[3];
	struct message queue[MESSAGES_MAX];
	unsigned n;
	uint32_t random;
	bool traffic; /* UDP echo every 10 ms over the link in use */
	int64_t traffic_us;
	struct input_counters counters[3];
	struct output out;
	struct event seen[1024];
	unsigned n_seen;
	bool verbose;
	uint32_t dead_target; /* bit mask, everywhere */
	unsigned flows_moved, probes;
};

static uint32_t world_random(struct world *w)
{
	w->random = w->random * 1664525U + 1013904223U;
	return w->random >> 8;
}

static void post(struct world *w, int64_t at_us, const struct input *in)
{
	assert_true(w->n < MESSAGES_MAX);
	w->queue[w->n].at_us = at_us;
	w->queue[w->n].in = *in;
	w->n++;
}

static bool link_dead(const struct world *w, unsigned link, int64_t at_us)
{
	return at_us >= w->link[link].dead_from_us && at_us < w->link[link].dead_until_us;
}

static bool gets_through(struct world *w, unsigned link, int64_t sent_us)
{
	if (link_dead(w, link, sent_us) || link_dead(w, link, sent_us + w->link[link].rtt_us / 2))
		return false;
	return world_random(w) % 1000000 >= w->link[link].loss_ppm;
}

static void answer_probe(struct world *w, const struct action_probe *a)
{
	unsigned link = path_link(a->path);
	struct input in = {.kind = INPUT_SAMPLE};

	w->probes++;
	if (a->method != PROBE_NEIGHBOUR && (w->dead_target & (1U << a->target)))
		return;
	if (a->method == PROBE_DNS && w->link[link].dns_dead)
		return;
	if (!gets_through(w, link, w->now_us) && a->method != PROBE_NEIGHBOUR)
		return;
	in.sample.path = a->path;
	in.sample.probe = a->probe;
	in.sample.outcome =
		a->method == PROBE_HTTP && w->link[link].portal ? SAMPLE_PORTAL : SAMPLE_ANSWERED;
	in.sample.rtt_us = (uint32_t)(a->method == PROBE_NEIGHBOUR ? 500 : w->link[link].rtt_us);
	post(w, w->now_us + in.sample.rtt_us, &in);
}

static void carry_out(struct world *w)
{
	for (unsigned i = 0; i < w->out.n_events && w->n_seen < 1024; i++) {
		struct event *e = &w->out.event[i];

		w->seen[w->n_seen++] = *e;
		if (w->verbose)
			printf("%9.3f %s path %u from %u to %u verdict %s step %s | %lld %lld %lld "
			       "%lld\n",
				(double)e->at_us / 1e6, event_kind_name(e->kind), e->path, e->from,
				e->to, verdict_name(e->verdict), step_name(e->step),
				(long long)e->value[0], (long long)e->value[1],
				(long long)e->value[2], (long long)e->value[3]);
	}
	for (unsigned i = 0; i < w->out.n_actions; i++) {
		const struct action *a = &w->out.action[i];
		struct input in = {.kind = INPUT_APPLIED};

		switch (a->kind) {
		case ACTION_PROBE:
			answer_probe(w, &a->probe);
			break;
		case ACTION_COUNT:
			for (unsigned k = 0; k < 3; k++) {
				struct input c = {.kind = INPUT_COUNTERS,
					.counters = w->counters[k]};

				c.counters.link = (uint8_t)k;
				if (a->count.links & (1U << k))
					post(w, w->now_us, &c);
			}
			break;
		case ACTION_FLOWS:
			w->flows_moved++;
			/* fall through */
		case ACTION_PATH:
		case ACTION_ROUTE:
		case ACTION_RELEASE:
			in.applied.action = a->seq;
			in.applied.took_us = 100;
			post(w, w->now_us, &in);
			break;
		case ACTION_KIND_COUNT:
			break;
		}
	}
}

static unsigned in_use(const struct world *w, enum family family)
{
	struct decision_view d;

	engine_view_decision(w->e, 0, family, w->now_us, &d);
	return d.n ? path_link(d.path[0]) : LINKS_MAX;
}

static void step(struct world *w, const struct input *in)
{
	struct input copy = *in;

	copy.now_us = w->now_us;
	engine_step(w->e, &copy, &w->out);
	carry_out(w);
}

static void send_traffic(struct world *w)
{
	unsigned link = in_use(w, FAMILY_IPV4);

	w->traffic_us += 10 * USEC_MS;
	if (link >= 3)
		return;
	w->counters[link].tx_packets++;
	w->counters[link].tx_bytes += 100;
	if (gets_through(w, link, w->now_us)) {
		struct input in = {
			.kind = INPUT_KIND_COUNT}; /* a packet for the counters, see run() */

		in.counters.link = (uint8_t)link;
		post(w, w->now_us + w->link[link].rtt_us, &in);
	}
}

static void run(struct world *w, int64_t until_us)
{
	while (w->now_us < until_us) {
		int64_t next_us = usec_min(w->out.wake_us, until_us);
		unsigned first = MESSAGES_MAX;

		for (unsigned i = 0; i < w->n; i++)
			if (w->queue[i].at_us <= next_us &&
				(first == MESSAGES_MAX ||
					w->queue[i].at_us < w->queue[first].at_us))
				first = i;
		if (w->traffic && w->traffic_us <= next_us &&
			(first == MESSAGES_MAX || w->traffic_us <= w->queue[first].at_us)) {
			w->now_us = usec_max(w->traffic_us, w->now_us);
			send_traffic(w);
			continue;
		}
		if (first < MESSAGES_MAX) {
			struct message m = w->queue[first];

			w->now_us = usec_max(m.at_us, w->now_us);
			memmove(&w->queue[first], &w->queue[first + 1],
				(w->n - first - 1) * sizeof(m));
			w->n--;
			if (m.in.kind == INPUT_KIND_COUNT) {
				w->counters[m.in.counters.link].rx_packets++;
				w->counters[m.in.counters.link].rx_bytes += 100;
			} else {
				step(w, &m.in);
			}
			continue;
		}
		w->now_us = next_us;
		if (next_us < until_us || w->out.wake_us <= next_us)
			step(w, &(struct input){.kind = INPUT_TICK});
	}
}

static void set_path(struct world *w, unsigned link, enum family family, bool carrier)
{
	struct input in = {.kind = INPUT_PATH};

	in.path.path = (uint8_t)path_of(link, family);
	in.path.facts.present = true;
	in.path.facts.carrier = carrier;
	in.path.facts.has_address = in.path.facts.has_gateway = true;
	in.path.facts.address[0] = 10;
	in.path.facts.address[3] = (uint8_t)(link + 1);
	in.path.facts.gateway[0] = 10;
	in.path.facts.gateway[3] = 254;
	in.path.facts.ifindex = link + 2;
	in.path.facts.mtu = 1500;
	step(w, &in);
}

static struct world *world_new(unsigned links)
{
	struct world *w = calloc(1, sizeof(*w));
	struct input in = {.kind = INPUT_POLICY};

	assert_non_null(w);
	w->e = calloc(1, engine_size());
	assert_non_null(w->e);
	w->now_us = w->traffic_us = 1000 * USEC_S;
	w->random = 1;
	w->verbose = getenv("VERBOSE") != NULL;
	engine_init(w->e, w->now_us, 1);
	policy_default(&w->policy);
	for (unsigned i = 0; i < links; i++) {
		struct link_policy *l = &w->policy.link[i];

		snprintf(l->name, sizeof(l->name), "wan%u", i + 1);
		l->enabled = true;
		l->preference = 100 - 10 * (int)i;
		l->order = (uint16_t)i;
		l->weight = 1;
		l->hold_us = 10 * USEC_S;
		l->hold_max_us = 10 * USEC_MIN;
		w->policy.links |= 1U << i;
		w->link[i].rtt_us = 40 * USEC_MS;
		w->link[i].dead_from_us = w->link[i].dead_until_us = USEC_NEVER;
	}
	in.policy = &w->policy;
	step(w, &in);
	for (unsigned i = 0; i < links; i++)
		set_path(w, i, FAMILY_IPV4, true);
	return w;
}

static void world_free(struct world *w)
{
	free(w->e);
	free(w);
}

/* Runs until another link is in use; how long that took, or -1. */
static int64_t until_moved(struct world *w, unsigned from, int64_t limit_us)
{
	int64_t start_us = w->now_us;

	while (w->now_us - start_us < limit_us) {
		if (in_use(w, FAMILY_IPV4) != from)
			return w->now_us - start_us;
		run(w, w->now_us + USEC_MS);
	}
	return -1;
}

static void chooses_the_preferred_path_at_start(void **state)
{
	struct world *w = world_new(2);

	(void)state;
	run(w, w->now_us + 5 * USEC_S);
	assert_int_equal(in_use(w, FAMILY_IPV4), 0);
	world_free(w);
}

static void black_hole(bool traffic, int64_t most_us)
{
	int64_t worst_us = 0, sum_us = 0;

	for (unsigned trial = 0; trial < 50; trial++) {
		struct world *w = world_new(2);
		int64_t took_us;

		w->traffic = traffic;
		run(w, w->now_us + 10 * USEC_S + trial * 37 * USEC_MS);
		assert_int_equal(in_use(w, FAMILY_IPV4), 0);
		w->link[0].dead_from_us = w->now_us;
		took_us = until_moved(w, 0, 5 * USEC_S);
		assert_true(took_us > 0);
		assert_int_equal(w->flows_moved, 1);
		worst_us = usec_max(worst_us, took_us);
		sum_us += took_us;
		world_free(w);
	}
	printf("black hole %s: mean %lld ms, worst %lld ms\n", traffic ? "under traffic" : "idle",
		(long long)(sum_us / 50 / 1000), (long long)(worst_us / 1000));
	assert_true(worst_us <= most_us);
}

static void leaves_a_black_hole_under_traffic(void **state)
{
	(void)state;
	black_hole(true, 200 * USEC_MS);
}

static void leaves_a_black_hole_on_an_idle_line(void **state)
{
	(void)state;
	black_hole(false, 900 * USEC_MS);
}

static void leaves_a_lost_carrier_at_once(void **state)
{
	struct world *w = world_new(2);

	(void)state;
	run(w, w->now_us + 10 * USEC_S);
	set_path(w, 0, FAMILY_IPV4, false);
	assert_int_equal(in_use(w, FAMILY_IPV4), 1);
	world_free(w);
}

static void leaves_a_brown_out(void **state)
{
	struct world *w = world_new(2);
	int64_t took_us;

	(void)state;
	w->traffic = true;
	run(w, w->now_us + 10 * USEC_S);
	w->link[0].loss_ppm = 300000;
	took_us = until_moved(w, 0, 20 * USEC_S);
	printf("30 %% loss: %lld ms\n", (long long)(took_us / 1000));
	assert_true(took_us > 0 && took_us < 3 * USEC_S);
	world_free(w);
}

static void stays_when_one_target_dies(void **state)
{
	struct world *w = world_new(2);

	(void)state;
	run(w, w->now_us + 10 * USEC_S);
	w->dead_target = 1;
	assert_true(until_moved(w, 0, 120 * USEC_S) < 0);
	world_free(w);
}

static void stays_when_every_path_is_dead(void **state)
{
	struct world *w = world_new(2);

	(void)state;
	run(w, w->now_us + 10 * USEC_S);
	w->link[0].dead_from_us = w->link[1].dead_from_us = w->now_us;
	assert_true(until_moved(w, 0, 20 * USEC_S) < 0);
	assert_int_equal(w->flows_moved, 0);
	w->link[1].dead_until_us = w->now_us;
	assert_in_range(until_moved(w, 0, 20 * USEC_S), 1, 2 * USEC_S);
	world_free(w);
}

static void fails_back_after_the_hold(void **state)
{
	struct world *w = world_new(2);
	int64_t took_us;

	(void)state;
	run(w, w->now_us + 10 * USEC_S);
	w->link[0].dead_from_us = w->now_us;
	w->link[0].dead_until_us = w->now_us + 20 * USEC_S;
	assert_true(until_moved(w, 0, 5 * USEC_S) > 0);
	run(w, w->link[0].dead_until_us);
	took_us = until_moved(w, 1, 60 * USEC_S);
	printf("failback after %lld ms\n", (long long)(took_us / 1000));
	assert_in_range(took_us, 10 * USEC_S, 15 * USEC_S);
	assert_int_equal(w->flows_moved, 1);
	world_free(w);
}

static void leaves_a_path_whose_names_do_not_resolve(void **state)
{
	struct world *w = world_new(2);
	int64_t took_us;

	(void)state;
	run(w, w->now_us + 30 * USEC_S);
	w->link[0].dns_dead = true;
	took_us = until_moved(w, 0, 60 * USEC_S);
	printf("DNS dead: %lld ms\n", (long long)(took_us / 1000));
	assert_in_range(took_us, 1, 10 * USEC_S);
	world_free(w);
}

static void leaves_a_captive_portal(void **state)
{
	struct world *w = world_new(2);
	int64_t took_us;

	(void)state;
	run(w, w->now_us + 30 * USEC_S);
	w->link[0].portal = true;
	took_us = until_moved(w, 0, 60 * USEC_S);
	printf("portal: %lld ms\n", (long long)(took_us / 1000));
	assert_in_range(took_us, 1, 30 * USEC_S);
	world_free(w);
}

static void pins_and_expires(void **state)
{
	struct world *w = world_new(2);
	struct input in = {.kind = INPUT_COMMAND};

	(void)state;
	run(w, w->now_us + 10 * USEC_S);
	in.command.verb = COMMAND_PIN;
	in.command.link = 1;
	in.command.expires_us = w->now_us + 60 * USEC_S;
	step(w, &in);
	assert_in_range(until_moved(w, 0, 5 * USEC_S), 0, 1 * USEC_S);
	assert_in_range(until_moved(w, 1, 100 * USEC_S), 59 * USEC_S, 75 * USEC_S);
	assert_int_equal(w->flows_moved, 0);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chooses_the_preferred_path_at_start),
		cmocka_unit_test(leaves_a_black_hole_under_traffic),
		cmocka_unit_test(leaves_a_black_hole_on_an_idle_line),
		cmocka_unit_test(leaves_a_lost_carrier_at_once),
		cmocka_unit_test(leaves_a_brown_out),
		cmocka_unit_test(stays_when_one_target_dies),
		cmocka_unit_test(stays_when_every_path_is_dead),
		cmocka_unit_test(fails_back_after_the_hold),
		cmocka_unit_test(leaves_a_path_whose_names_do_not_resolve),
		cmocka_unit_test(leaves_a_captive_portal),
		cmocka_unit_test(pins_and_expires),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
