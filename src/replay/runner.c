#include "replay/runner.h"

#include <string.h>

#include "base/usec.h"

/* io/probes.h: how long an adapter waits for an answer. */
#define GIVE_UP_US (3 * USEC_S)

void runner_init(struct runner *r, void *engine, const struct runner_world *world, int64_t now_us,
	uint64_t seed)
{
	memset(r, 0, offsetof(struct runner, pending));
	r->engine = engine;
	r->world = *world;
	r->now_us = now_us;
	r->wake_us = USEC_NEVER;
	for (unsigned i = 0; i < RUNNER_PENDING_MAX; i++)
		r->free[i] = (uint16_t)i;
	engine_init(engine, now_us, seed);
}

/* ---- heap ---- */

static bool before(const struct runner *r, uint16_t a, uint16_t b)
{
	const struct runner_pending *x = &r->pending[a], *y = &r->pending[b];

	if (x->input.now_us != y->input.now_us)
		return x->input.now_us < y->input.now_us;
	return x->seq < y->seq;
}

void runner_put(struct runner *r, const struct input *in)
{
	uint16_t place;
	size_t i = r->n;

	if (r->n >= RUNNER_PENDING_MAX) {
		r->refused++;
		return;
	}
	place = r->free[RUNNER_PENDING_MAX - 1 - r->n++];
	r->pending[place].input = *in;
	if (in->now_us < r->now_us)
		r->pending[place].input.now_us = r->now_us;
	r->pending[place].seq = ++r->seq;
	for (; i && before(r, place, r->heap[(i - 1) / 2]); i = (i - 1) / 2)
		r->heap[i] = r->heap[(i - 1) / 2];
	r->heap[i] = place;
}

static void take(struct runner *r, struct input *ret)
{
	uint16_t top = r->heap[0], last = r->heap[--r->n];
	size_t i = 0;

	*ret = r->pending[top].input;
	r->free[RUNNER_PENDING_MAX - 1 - r->n] = top;
	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= r->n)
			break;
		if (child + 1 < r->n && before(r, r->heap[child + 1], r->heap[child]))
			child++;
		if (!before(r, r->heap[child], last))
			break;
		r->heap[i] = r->heap[child];
		i = child;
	}
	r->heap[i] = last;
}

/* ---- actions ---- */

static void probe(struct runner *r, const struct action_probe *a)
{
	struct input in = {.kind = INPUT_SAMPLE, .sample = {.path = a->path, .probe = a->probe}};

	r->world.probe(r->world.user, r->now_us, a, &in.sample);
	in.now_us = r->now_us + (in.sample.outcome == SAMPLE_LOST ? GIVE_UP_US : in.sample.rtt_us);
	r->probes++;
	runner_put(r, &in);
}

static void count(struct runner *r, uint32_t links)
{
	for (unsigned link = 0; r->world.count && link < LINKS_MAX; link++) {
		struct input in = {.kind = INPUT_COUNTERS,
			.now_us = r->now_us,
			.counters = {.link = (uint8_t)link}};

		if (!(links >> link & 1))
			continue;
		r->world.count(r->world.user, r->now_us, link, &in.counters);
		runner_put(r, &in);
	}
}

static void apply(struct runner *r, const struct action *a)
{
	struct input in = {.kind = INPUT_APPLIED,
		.now_us = r->now_us + r->world.apply_us,
		.applied = {.action = a->seq, .took_us = (uint32_t)r->world.apply_us}};

	if (r->world.apply)
		in.applied.error = r->world.apply(r->world.user, r->now_us, a);
	runner_put(r, &in);
}

static void carry_out(struct runner *r, const struct action *a)
{
	switch (a->kind) {
	case ACTION_PROBE:
		probe(r, &a->probe);
		break;
	case ACTION_COUNT:
		count(r, a->count.links);
		break;
	case ACTION_PATH:
	case ACTION_ROUTE:
	case ACTION_FLOWS:
	case ACTION_RELEASE:
		apply(r, a);
		break;
	case ACTION_KIND_COUNT:
		break;
	}
}

/* ---- time ---- */

void runner_step(struct runner *r, const struct input *in)
{
	if (in->now_us > r->now_us) {
		r->now_us = in->now_us;
		r->spin = 0;
	} else if (++r->spin > RUNNER_SPIN_MAX) {
		r->stuck = true;
	}
	engine_step(r->engine, in, &r->out);
	r->steps++;
	r->wake_us = r->out.wake_us;
	for (unsigned i = 0; i < r->out.n_actions; i++)
		carry_out(r, &r->out.action[i]);
	if (r->world.stepped)
		r->world.stepped(r->world.user, in, &r->out);
}

void runner_run(struct runner *r, int64_t until_us)
{
	while (!r->stuck) {
		int64_t pending_us = r->n ? r->pending[r->heap[0]].input.now_us : USEC_NEVER;
		struct input in = {.kind = INPUT_TICK, .now_us = usec_max(r->wake_us, r->now_us)};

		if (usec_min(pending_us, in.now_us) > until_us)
			break;
		/* an answer that is there comes before the tick of the same time, as in the
		   daemon's loop */
		if (pending_us <= in.now_us)
			take(r, &in);
		runner_step(r, &in);
	}
	if (!r->stuck)
		r->now_us = usec_max(r->now_us, until_us);
}
