/*
 * The engine under arbitrary inputs: whatever comes, in range or not, its outputs are well-formed
 * (tests/sim/invariants.h) and a second engine that is given the same comes to the same bytes.
 *
 * The bytes are a program: a byte of kind, bytes of time, then the fields.  Probes are answered by
 * later inputs that name them by age, so that a fuzzer finds valid answers without guessing
 * numbers.
 */
#include <stdlib.h>
#include <string.h>

#include "core/trace.h"

#include "../sim/invariants.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RECENT 16
#define STEPS_MAX 1500

struct machine {
	struct engine *engine, *twin;
	struct invariants invariants;
	struct output out, twin_out;
	struct policy policy;
	struct action_probe probe[RECENT]; /* sent last */
	uint32_t action[RECENT];           /* that await an answer */
	unsigned n_probes, n_actions;
	int64_t now_us;
	const uint8_t *data;
	size_t size, steps;
};

static uint8_t byte(struct machine *m)
{
	if (!m->size)
		return 0;
	m->size--;
	return *m->data++;
}

static uint32_t word(struct machine *m)
{
	uint32_t v = byte(m);

	return v | (uint32_t)byte(m) << 8 | (uint32_t)byte(m) << 16 | (uint32_t)byte(m) << 24;
}

static void remember(struct machine *m)
{
	for (unsigned i = 0; i < m->out.n_actions; i++) {
		const struct action *a = &m->out.action[i];

		if (a->kind == ACTION_PROBE)
			m->probe[m->n_probes++ % RECENT] = a->probe;
		else if (a->kind != ACTION_COUNT)
			m->action[m->n_actions++ % RECENT] = a->seq;
	}
}

static void step(struct machine *m, const struct input *in)
{
	engine_step(m->engine, in, &m->out);
	engine_step(m->twin, in, &m->twin_out);
	if (trace_digest(&m->out) != trace_digest(&m->twin_out))
		abort();
	invariants_check(&m->invariants, m->engine, in, &m->out);
	remember(m);
	m->steps++;
}

/* Time goes on to now_us the way the daemon lets it: by being woken, a few dozen times at the
   most. */
static void pass(struct machine *m, int64_t now_us)
{
	for (unsigned i = 0; i < 40 && m->out.wake_us <= now_us; i++) {
		struct input tick = {.kind = INPUT_TICK, .now_us = m->out.wake_us};

		step(m, &tick);
	}
	m->now_us = usec_max(now_us, m->now_us);
}

static void fill_policy(struct machine *m)
{
	struct policy *p = &m->policy;
	uint8_t last;

	policy_default(p);
	p->links = byte(m) & 15;
	p->n_classes = (uint8_t)(1 + byte(m) % CLASSES_MAX);
	for (unsigned i = 0; i < 4; i++) {
		struct link_policy *l = &p->link[i];
		uint8_t bits = byte(m);

		l->enabled = (bits & 3) != 3;
		l->metered = bits & 4;
		l->kind = (enum link_kind)(bits >> 3 & 3);
		l->preference = bits >> 6;
		l->order = (uint16_t)i;
		l->weight = (uint16_t)(1 + bits % 100);
		l->budget_bytes = l->metered ? 5000000 : 0;
		l->hold_us = 30 * USEC_S;
		l->hold_max_us = USEC_H;
	}
	for (unsigned i = 0; i < CLASSES_MAX; i++) {
		uint8_t bits = byte(m);

		p->class[i].need = (enum class_need)(bits % CLASS_NEED_COUNT);
		p->class[i].min_score = (uint8_t)(bits % 101);
		p->class[i].balance = bits & 4;
		p->class[i].links = bits & 8 ? bits : 0;
	}
	last = byte(m);
	p->observe = (last & 7) == 7;
	p->prediction = (enum prediction)((last >> 3) % PREDICTION_COUNT);
	p->horizon = (enum horizon)((last >> 5) % HORIZON_COUNT);
}

static void fill_sample(struct machine *m, struct input_sample *s)
{
	uint8_t which = byte(m);

	if (which & 0x80) {
		s->path = byte(m);
		s->outcome = byte(m);
		s->probe = word(m);
	} else {
		const struct action_probe *a = &m->probe[which % RECENT];

		s->path = a->path;
		s->probe = a->probe;
		s->outcome = (uint8_t)(byte(m) % SAMPLE_OUTCOME_COUNT);
	}
	s->rtt_us = word(m) >> (byte(m) & 31);
}

static void fill_path(struct machine *m, struct input *in)
{
	uint8_t bits = byte(m);
	struct path_facts *f = &in->path.facts;

	in->path.path = byte(m);
	f->present = bits & 1;
	f->carrier = bits & 2;
	f->has_address = bits & 4;
	f->has_gateway = bits & 8;
	f->address[0] = f->gateway[0] = (uint8_t)(bits >> 4);
	f->ifindex = 1 + (bits >> 4);
	f->mtu = word(m) >> (byte(m) & 31);
}

static void fill_counters(struct machine *m, struct input_counters *c)
{
	c->link = byte(m);
	c->tx_packets = (uint64_t)m->steps + word(m);
	c->rx_packets = word(m);
	c->tx_bytes = (uint64_t)word(m) << (byte(m) & 31);
	c->rx_bytes = word(m);
	/* the links of the paths that are there, so that old inputs mean what they did */
	c->apart = c->link & 0x40;
	if (!c->apart)
		return;
	c->link &= 3;
	for (unsigned f = 0; f < FAMILY_COUNT; f++) {
		c->tx_of[f] = (uint64_t)m->steps * byte(m);
		c->rx_of[f] = (uint64_t)m->steps * byte(m);
	}
}

/* Numbers of any size in a struct that has nothing else: mostly small ones, as those lead
   somewhere. */
static void fill_learned(struct machine *m, struct path_learned *l)
{
	uint8_t *bytes = (uint8_t *)l;

	for (size_t i = 0; i < sizeof(*l); i += 2) {
		uint16_t v = (uint16_t)(byte(m) * 257 >> (byte(m) & 15));

		memcpy(bytes + i, &v, sizeof(v));
	}
}

static void fill(struct machine *m, struct input *in)
{
	switch (in->kind) {
	case INPUT_POLICY:
		fill_policy(m);
		in->policy = &m->policy;
		break;
	case INPUT_PATH:
		fill_path(m, in);
		break;
	case INPUT_SAMPLE:
		fill_sample(m, &in->sample);
		break;
	case INPUT_COUNTERS:
		fill_counters(m, &in->counters);
		break;
	case INPUT_HINT:
		in->hint = (struct input_hint){byte(m), byte(m), (int32_t)word(m)};
		break;
	case INPUT_COMMAND:
		in->command =
			(struct input_command){.verb = byte(m), .class = byte(m), .link = byte(m)};
		in->command.expires_us = m->now_us + (int32_t)word(m);
		break;
	case INPUT_APPLIED:
		in->applied.action = m->action[byte(m) % RECENT];
		in->applied.error = byte(m) & 1 ? byte(m) : 0;
		break;
	case INPUT_DRIFT:
		in->drift = (struct input_drift){byte(m), byte(m), byte(m), byte(m)};
		break;
	case INPUT_LEARNED:
		in->learned.path = byte(m);
		fill_learned(m, &in->learned.learned);
		break;
	case INPUT_ADOPTED:
		in->adopted = (struct input_adopted){byte(m), byte(m), byte(m)};
		break;
	case INPUT_TICK:
	case INPUT_KIND_COUNT:
		break;
	}
}

/* Two links that are there, so that a short input comes to the point. */
static void begin(struct machine *m)
{
	struct input in = {.kind = INPUT_POLICY, .now_us = m->now_us, .policy = &m->policy};

	fill_policy(m);
	m->policy.links |= 3;
	step(m, &in);
	for (unsigned i = 0; i < 2; i++) {
		in = (struct input){.kind = INPUT_PATH,
			.now_us = m->now_us,
			.path = {.path = (uint8_t)path_of(i, FAMILY_IPV4),
				.facts = {true, true, true, true, {10}, {10, 1}, i + 1, 1500, i}}};
		step(m, &in);
	}
}

static void run(struct machine *m)
{
	begin(m);
	while (m->size && m->steps < STEPS_MAX) {
		uint8_t head = byte(m);
		struct input in = {.kind = (enum input_kind)(head % (INPUT_KIND_COUNT + 1))};
		/* 0, 1 ms .. 1 hour; now and then backwards */
		int64_t ahead_us = head & 0x80 ? USEC_MS << (byte(m) % 22) : 0;

		if (ahead_us)
			pass(m, m->now_us + ahead_us);
		in.now_us = (head & 0x70) == 0x70 ? m->now_us - byte(m) * USEC_S : m->now_us;
		fill(m, &in);
		step(m, &in);
	}
	invariants_views(&m->invariants, m->engine);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct machine m;

	memset(&m, 0, sizeof(m));
	m.engine = malloc(engine_size());
	m.twin = malloc(engine_size());
	if (!m.engine || !m.twin)
		abort();
	m.data = data;
	m.size = size;
	engine_init(m.engine, 0, 1);
	engine_init(m.twin, 0, 1);
	run(&m);
	free(m.engine);
	free(m.twin);
	return 0;
}
