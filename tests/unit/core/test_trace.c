/* Every byte of every input and output that is not padding is in the trace, and comes back. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/crc32.h"
#include "core/fields.h"
#include "core/trace.h"

/* Where a struct has fields: 0xff; where it has padding: 0. */
#if defined(__has_builtin)
#if __has_builtin(__builtin_clear_padding)
#define FIELD_BYTES(mask, type)                                                                    \
	do {                                                                                       \
		type *all_ = (type *)(void *)(mask);                                               \
		memset((mask), 0xff, sizeof(type));                                                \
		__builtin_clear_padding(all_);                                                     \
	} while (0)
#endif
#endif
#ifndef FIELD_BYTES
/* This compiler cannot tell: nothing is compared byte by byte, only the spellings are. */
#define FIELD_BYTES(mask, type) memset((mask), 0, sizeof(type))
#endif

struct subject {
	const char *name;
	size_t offset, size; /* of the part of struct input that is looked at */
	enum input_kind kind;
};

#define PART(kind, member)                                                                         \
	{                                                                                          \
#member, offsetof(struct input, member), sizeof(((struct input *)0)->member), kind \
	}
static const struct subject subjects[] = {
	PART(INPUT_PATH, path),
	PART(INPUT_SAMPLE, sample),
	PART(INPUT_COUNTERS, counters),
	PART(INPUT_HINT, hint),
	PART(INPUT_COMMAND, command),
	PART(INPUT_APPLIED, applied),
	PART(INPUT_DRIFT, drift),
	PART(INPUT_LEARNED, learned),
	PART(INPUT_ADOPTED, adopted),
};
#define SUBJECTS (sizeof(subjects) / sizeof(subjects[0]))

static void field_bytes(const struct subject *s, uint8_t *ret)
{
	_Alignas(16) uint8_t mask[sizeof(struct input)];

	memset(mask, 0, sizeof(mask));
	switch (s->kind) {
	case INPUT_PATH: {
		/* the member has no name as a type: path, then the facts */
		size_t at = offsetof(struct input, path.facts) - offsetof(struct input, path);

		FIELD_BYTES(mask, struct path_facts);
		memmove(mask + at, mask, sizeof(struct path_facts));
		memset(mask, 0, at);
		mask[0] = mask[at];
		break;
	}
	case INPUT_SAMPLE:
		FIELD_BYTES(mask, struct input_sample);
		break;
	case INPUT_COUNTERS:
		FIELD_BYTES(mask, struct input_counters);
		break;
	case INPUT_HINT:
		FIELD_BYTES(mask, struct input_hint);
		break;
	case INPUT_COMMAND:
		FIELD_BYTES(mask, struct input_command);
		break;
	case INPUT_APPLIED:
		FIELD_BYTES(mask, struct input_applied);
		break;
	case INPUT_DRIFT:
		FIELD_BYTES(mask, struct input_drift);
		break;
	case INPUT_LEARNED:
		FIELD_BYTES(mask, struct input_learned);
		break;
	case INPUT_ADOPTED:
		FIELD_BYTES(mask, struct input_adopted);
		break;
	case INPUT_TICK:
	case INPUT_POLICY:
	case INPUT_KIND_COUNT:
		break;
	}
	memcpy(ret, mask, s->size);
}

/* Bytes of kind and body, or the error. */
static int spell(const struct input *in, uint8_t *bytes, size_t size)
{
	struct input copy = *in;
	struct pack p;

	pack_writer(&p, bytes, size);
	fields_input(&p, &copy, NULL);
	return p.error ? p.error : (int)p.at;
}

static void no_byte_of_an_input_is_forgotten(void **state)
{
	(void)state;
	for (size_t i = 0; i < SUBJECTS; i++) {
		uint8_t mask[sizeof(struct input)], was[512], is[512];
		struct input in;

		memset(&in, 0, sizeof(in));
		in.kind = subjects[i].kind;
		if (in.kind == INPUT_COUNTERS)
			in.counters.apart = true; /* else there is nothing more */
		int n = spell(&in, was, sizeof(was));
		assert_true(n > 0);
		field_bytes(&subjects[i], mask);
		for (size_t k = 0; k < subjects[i].size; k++) {
			bool seen = !mask[k];

			for (unsigned bit = 0; bit < 8 && !seen; bit++) {
				uint8_t *byte = (uint8_t *)&in + subjects[i].offset + k;

				*byte ^= (uint8_t)(1U << bit);
				int m = spell(&in, is, sizeof(is));
				seen = m != n || memcmp(was, is, (size_t)n);
				*byte ^= (uint8_t)(1U << bit);
			}
			if (!seen)
				fail_msg("byte %zu of %s is not written", k, subjects[i].name);
		}
	}
}

/* A bool may not hold just any byte, not even in a test. */
static bool is_bool(const struct subject *s, size_t k)
{
	if (s->kind == INPUT_COUNTERS)
		return s->offset + k == offsetof(struct input, counters.apart);
	return s->kind == INPUT_PATH &&
	       s->offset + k >= offsetof(struct input, path.facts.present) &&
	       s->offset + k <= offsetof(struct input, path.facts.has_gateway);
}

static void every_input_comes_back(void **state)
{
	(void)state;
	srand(1);
	for (int round = 0; round < 20000; round++) {
		const struct subject *s = &subjects[(size_t)rand() % SUBJECTS];
		uint8_t mask[sizeof(struct input)], bytes[512], again[512];
		struct input in, out;
		struct policy policy;
		struct pack p;

		memset(&in, 0, sizeof(in));
		in.kind = s->kind;
		field_bytes(s, mask);
		/* random bytes where they may be: one at a time, taken back when it makes the input
		   invalid */
		for (size_t k = 0; k < s->size; k++) {
			uint8_t *byte = (uint8_t *)&in + s->offset + k, was = *byte;

			*byte = (uint8_t)(mask[k] &
					  (is_bool(s, k) || rand() & 1 ? rand() & 1 : rand()));
			if (spell(&in, bytes, sizeof(bytes)) < 0)
				*byte = was;
		}
		if (in.kind == INPUT_COUNTERS && !in.counters.apart) {
			memset(in.counters.tx_of, 0, sizeof(in.counters.tx_of));
			memset(in.counters.rx_of, 0, sizeof(in.counters.rx_of));
		}
		int n = spell(&in, bytes, sizeof(bytes));
		assert_true(n > 0);
		memset(&out, 0, sizeof(out));
		pack_reader(&p, bytes, (size_t)n);
		fields_input(&p, &out, &policy);
		assert_int_equal(p.error, 0);
		assert_int_equal(p.at, n);
		assert_memory_equal(&in, &out, sizeof(in));
		assert_int_equal(spell(&out, again, sizeof(again)), n);
		assert_memory_equal(bytes, again, (size_t)n);
	}
}

/* A policy without padding set and with every text at its full length. */
static void full_policy(struct policy *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->n_classes = 1;
	for (unsigned i = 0; i < LINKS_MAX; i++) {
		memset(ret->link[i].name, 'a', NAME_SIZE - 1);
		memset(ret->link[i].device, 'b', DEVICE_SIZE - 1);
	}
	for (unsigned i = 0; i < CLASSES_MAX; i++)
		memset(ret->class[i].name, 'c', NAME_SIZE - 1);
}

static void elements(uint8_t *to, const uint8_t *mask, size_t size, size_t n)
{
	for (size_t i = 0; i < n; i++)
		memcpy(to + i * size, mask, size);
}

#define END_OF(member) (offsetof(struct policy, member) + sizeof(((struct policy *)0)->member))
#define GAP(to, a, b) memset((to) + END_OF(a), 0, offsetof(struct policy, b) - END_OF(a))

/* gcc 12 clears the wrong bytes where arrays of structs are inside, so the parts are put together
   here. */
static void policy_bytes(uint8_t *ret)
{
	static _Alignas(16) uint8_t mask[sizeof(struct policy)];

	memset(ret, 0xff, sizeof(struct policy));
	FIELD_BYTES(mask, struct link_policy);
	elements(ret + offsetof(struct policy, link), mask, sizeof(struct link_policy), LINKS_MAX);
	FIELD_BYTES(mask, struct class_policy);
	elements(ret + offsetof(struct policy, class), mask, sizeof(struct class_policy),
		CLASSES_MAX);
	FIELD_BYTES(mask, struct target);
	elements(ret + offsetof(struct policy, target), mask, sizeof(struct target),
		(size_t)FAMILY_COUNT * TARGETS_MAX);
	GAP(ret, n_classes, target);
	GAP(ret, ipv6, false_switch_period_us);
	memset(ret + END_OF(move_flows_on_failback), 0,
		sizeof(struct policy) - END_OF(move_flows_on_failback));
}

static void no_byte_of_a_policy_is_forgotten(void **state)
{
	static uint8_t was[TRACE_BLOCK_SIZE], is[TRACE_BLOCK_SIZE];
	static uint8_t mask[sizeof(struct policy)];
	static struct policy policy;
	struct input in = {.kind = INPUT_POLICY, .policy = &policy};

	(void)state;
	full_policy(&policy);
	policy_bytes(mask);
	int n = spell(&in, was, sizeof(was));
	assert_true(n > 0);
	for (size_t k = 0; k < sizeof(policy); k++) {
		bool seen = !mask[k];

		for (unsigned bit = 0; bit < 8 && !seen; bit++) {
			((uint8_t *)&policy)[k] ^= (uint8_t)(1U << bit);
			int m = spell(&in, is, sizeof(is));
			seen = m != n || memcmp(was, is, (size_t)n);
			((uint8_t *)&policy)[k] ^= (uint8_t)(1U << bit);
		}
		if (!seen)
			fail_msg("byte %zu of the policy is not written", k);
	}
}

static void a_policy_comes_back(void **state)
{
	static uint8_t bytes[TRACE_BLOCK_SIZE];
	static struct policy policy, back;
	struct input in = {.kind = INPUT_POLICY, .policy = &policy}, out;
	struct pack p;

	(void)state;
	memset(&policy, 0, sizeof(policy));
	policy_default(&policy);
	policy.links = 5;
	strcpy(policy.link[2].name, "dish");
	strcpy(policy.link[2].device, "eth1.7");
	policy.link[2].preference = -7;
	policy.link[2].budget_bytes = INT64_MAX;
	policy.class[3].links = UINT32_MAX;
	int n = spell(&in, bytes, sizeof(bytes));
	assert_true(n > 0);
	pack_reader(&p, bytes, (size_t)n);
	fields_input(&p, &out, &back);
	assert_int_equal(p.error, 0);
	assert_ptr_equal(out.policy, &back);
	assert_memory_equal(&policy, &back, sizeof(policy));
}

/* The largest output there may be: it must fit into a block. */
static void full_output(struct output *ret)
{
	memset(ret, 0xff, sizeof(*ret));
	ret->n_actions = OUTPUT_ACTIONS_MAX;
	ret->n_events = OUTPUT_EVENTS_MAX;
	for (unsigned i = 0; i < OUTPUT_ACTIONS_MAX; i++) {
		struct action *a = &ret->action[i];

		a->kind = ACTION_PATH;
		a->path.path = PATHS_MAX - 1;
		a->path.install = true;
		a->path.facts.present = a->path.facts.carrier = true;
		a->path.facts.has_address = a->path.facts.has_gateway = true;
	}
	for (unsigned i = 0; i < OUTPUT_EVENTS_MAX; i++) {
		struct event *e = &ret->event[i];

		e->kind = EVENT_KIND_COUNT - 1;
		e->at_us = INT64_MIN;
		e->path = PATHS_MAX;
		e->class = CLASSES_MAX;
		e->verdict = VERDICT_COUNT - 1;
		e->step = STEP_COUNT - 1;
		for (unsigned k = 0; k < EVENT_VALUES; k++)
			e->value[k] = INT64_MIN;
		e->limit_us = INT64_MIN;
	}
}

static void the_largest_output_fits_into_a_block(void **state)
{
	static struct output out;
	static struct trace_block b;
	static struct trace_reader r;
	struct trace_record rec;

	(void)state;
	full_output(&out);
	trace_block_begin(&b, 0, 0);
	assert_int_equal(trace_block_output(&b, &out), 0);
	size_t n = trace_block_end(&b);
	assert_int_equal(trace_reader_open(&r, b.bytes, n), 0);
	assert_int_equal(trace_reader_next(&r, &rec), 1);
	assert_int_equal(rec.kind, TRACE_OUTPUT);
	assert_int_equal(r.output.n_events, OUTPUT_EVENTS_MAX);
	assert_int_equal(r.output.wake_us, -1);
	assert_int_equal(trace_digest(&r.output), trace_digest(&out));
}

static void the_digest_sees_every_byte_of_actions_and_events(void **state)
{
	static struct output out;
	static _Alignas(16) uint8_t mask[sizeof(struct event)];
	uint32_t was;

	(void)state;
	memset(&out, 0, sizeof(out));
	out.n_actions = ACTION_KIND_COUNT;
	out.n_events = 1;
	for (unsigned i = 0; i < ACTION_KIND_COUNT; i++)
		out.action[i].kind = (enum action_kind)i;
	was = trace_digest(&out);
	FIELD_BYTES(mask, struct event);
	for (size_t k = 0; k < sizeof(mask); k++) {
		((uint8_t *)&out.event[0])[k] ^= 1;
		assert_true(!mask[k] || trace_digest(&out) != was);
		((uint8_t *)&out.event[0])[k] ^= 1;
	}
	out.action[ACTION_PROBE].probe.address[15] ^= 1;
	assert_int_not_equal(trace_digest(&out), was);
	out.action[ACTION_PROBE].probe.address[15] ^= 1;
	out.wake_us++;
	assert_int_not_equal(trace_digest(&out), was);
}

static void bytes_are_the_same_on_every_cpu(void **state)
{
	/* whoever changes this changes TRACE_VERSION */
	static const uint8_t golden[] = {/* header of the block */
		0x41, 0x54, 0x42, 0x31, 0x19, 0, 0, 0, 7, 0, 0, 0, 0xa3, 0x2f, 0xef, 0x1c, 0xe8, 3,
		0, 0, 0, 0, 0, 0,                                                    /* sample */
		0x0e, 0, 0x18, 3, 1, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f, 0xac, 2, 0, /* digest */
		5, 1, 4, 3, 2, 1, /* tick, 12 us before the sample */
		3, 0, 0x17, 0};
	static struct trace_block b;
	struct input in = {.kind = INPUT_SAMPLE,
		.now_us = 1012,
		.sample = {.path = 1, .probe = UINT32_MAX, .rtt_us = 300}};

	(void)state;
	trace_block_begin(&b, 7, 1000);
	assert_int_equal(trace_block_input(&b, &in), 0);
	assert_int_equal(trace_block_digest(&b, 0x01020304), 0);
	in.kind = INPUT_TICK;
	in.now_us = 1000;
	assert_int_equal(trace_block_input(&b, &in), 0);
	size_t n = trace_block_end(&b);
	assert_int_equal(n, sizeof(golden));
	assert_memory_equal(b.bytes, golden, n);
}

static size_t small_block(struct trace_block *b)
{
	struct input in = {.kind = INPUT_TICK, .now_us = 5};

	trace_block_begin(b, 3, 0);
	for (int i = 0; i < 5; i++) {
		in.now_us += 1000;
		assert_int_equal(trace_block_input(b, &in), 0);
		assert_int_equal(trace_block_digest(b, (uint32_t)i), 0);
	}
	return trace_block_end(b);
}

/* Counters of both families together, as version 2 has them, and the same known apart. */
static void counters_of_version_2_are_read(void **state)
{
	static const uint8_t old[] = {4, 3, 100, 90, 0xe8, 7, 0x64};
	struct input in = {.kind = INPUT_COUNTERS,
		.counters = {.link = 3,
			.tx_packets = 100,
			.rx_packets = 90,
			.tx_bytes = 1000,
			.rx_bytes = 100}};
	uint8_t bytes[64];
	struct input back;
	struct policy policy;
	struct pack p;

	(void)state;
	assert_int_equal(spell(&in, bytes, sizeof(bytes)), sizeof(old));
	assert_memory_equal(bytes, old, sizeof(old));
	memset(&back, 0, sizeof(back));
	pack_reader(&p, old, sizeof(old));
	fields_input(&p, &back, &policy);
	assert_int_equal(p.error, 0);
	assert_memory_equal(&back, &in, sizeof(in));
	in.counters.apart = true;
	in.counters.tx_of[FAMILY_IPV6] = 40;
	in.counters.rx_of[FAMILY_IPV4] = 50;
	assert_int_equal(spell(&in, bytes, sizeof(bytes)), sizeof(old) + 5);
	bytes[sizeof(old)] = 0;
	pack_reader(&p, bytes, sizeof(old) + 5);
	fields_input(&p, &back, &policy);
	assert_int_equal(p.error, -ERANGE);
	bytes[sizeof(old)] = 1;
	pack_reader(&p, bytes, sizeof(old) + 5);
	fields_input(&p, &back, &policy);
	assert_int_equal(p.error, 0);
	assert_memory_equal(&back, &in, sizeof(in));
}

static void an_action_to_count_is_one_number(void **state)
{
	struct action a, back;
	uint8_t bytes[16];
	struct pack p;

	(void)state;
	memset(&a, 0, sizeof(a));
	memset(&back, 0, sizeof(back));
	a.kind = ACTION_COUNT;
	a.seq = 1;
	a.count.links = 0x8003;
	a.count.apart = 0x8001;
	pack_writer(&p, bytes, sizeof(bytes));
	fields_action(&p, &a);
	pack_reader(&p, bytes, p.at);
	fields_action(&p, &back);
	assert_int_equal(p.error, 0);
	assert_memory_equal(&back, &a, sizeof(a));
}

static void damage_of_any_bit_is_found(void **state)
{
	static struct trace_block b;
	static struct trace_reader r;
	size_t n = small_block(&b);

	(void)state;
	for (size_t k = 0; k < 8 * n; k++) {
		b.bytes[k / 8] ^= (uint8_t)(1U << k % 8);
		assert_int_not_equal(trace_reader_open(&r, b.bytes, n), 0);
		b.bytes[k / 8] ^= (uint8_t)(1U << k % 8);
	}
	for (size_t k = 0; k < n; k++)
		assert_int_equal(trace_reader_open(&r, b.bytes, k), -ENODATA);
	assert_int_equal(trace_reader_open(&r, b.bytes, n), 0);
}

static void refuses_inputs_that_may_not_be(void **state)
{
	static struct trace_block b;
	struct input in = {.kind = INPUT_SAMPLE, .sample = {.path = PATHS_MAX}};

	(void)state;
	trace_block_begin(&b, 0, 0);
	assert_int_equal(trace_block_input(&b, &in), -ERANGE);
	in.kind = INPUT_KIND_COUNT;
	assert_int_equal(trace_block_input(&b, &in), -ERANGE);
	assert_int_equal(trace_block_end(&b), 0);
}

static void a_full_block_says_so_and_keeps_what_it_has(void **state)
{
	static struct trace_block b;
	static struct trace_reader r;
	struct input in = {.kind = INPUT_COUNTERS, .counters = {.tx_packets = UINT64_MAX}};
	struct trace_record rec;
	uint32_t put = 0, got = 0;
	int error;

	(void)state;
	trace_block_begin(&b, 0, 0);
	while (!(error = trace_block_input(&b, &in)))
		put++;
	assert_int_equal(error, -ENOSPC);
	assert_int_equal(trace_reader_open(&r, b.bytes, trace_block_end(&b)), 0);
	while (trace_reader_next(&r, &rec) == 1)
		got++;
	assert_int_equal(put, got);
}

static void the_state_of_an_engine_comes_back(void **state)
{
	static struct trace_block b;
	static struct trace_reader r;
	static uint8_t engine[2 * TRACE_STATE_CHUNK + 7], back[sizeof(engine)];
	struct trace_record rec;

	(void)state;
	for (size_t i = 0; i < sizeof(engine); i++)
		engine[i] = (uint8_t)(i * 31);
	for (uint32_t at = 0; at < sizeof(engine); at += TRACE_STATE_CHUNK) {
		trace_block_begin(&b, 0, 0);
		assert_int_equal(trace_block_state(&b, engine, sizeof(engine), at), 0);
		assert_int_equal(trace_reader_open(&r, b.bytes, trace_block_end(&b)), 0);
		assert_int_equal(trace_reader_next(&r, &rec), 1);
		assert_int_equal(rec.kind, TRACE_STATE);
		assert_int_equal(rec.state.total, sizeof(engine));
		memcpy(back + rec.state.offset, rec.state.bytes, rec.state.size);
	}
	assert_memory_equal(engine, back, sizeof(engine));
}

static void a_header_comes_back_and_a_damaged_one_does_not(void **state)
{
	struct trace_header h = {.start_us = -1,
				    .wall_ms = 1700000000000,
				    .seed = UINT64_MAX,
				    .engine = 42,
				    .program = "autonomyd 0.1.0"},
			    back;
	uint8_t bytes[TRACE_HEADER_SIZE];

	(void)state;
	memset(&back, 0, sizeof(back));
	trace_header_encode(&h, bytes);
	assert_int_equal(trace_header_decode(bytes, sizeof(bytes), &back), 0);
	assert_memory_equal(&h, &back, sizeof(h));
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] ^= 0x10;
		assert_int_not_equal(trace_header_decode(bytes, sizeof(bytes), &back), 0);
		bytes[i] ^= 0x10;
	}
	assert_int_equal(trace_header_decode(bytes, 79, &back), -ENODATA);
	for (unsigned version = 0; version < 256; version++) {
		bool known = version >= TRACE_VERSION_OLDEST && version <= TRACE_VERSION;

		bytes[8] = (uint8_t)version;
		pack_put_le(bytes + 76, crc32_add(0, bytes, 76), 4);
		assert_int_equal(trace_header_decode(bytes, sizeof(bytes), &back),
			known ? 0 : -EPROTONOSUPPORT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counters_of_version_2_are_read),
		cmocka_unit_test(an_action_to_count_is_one_number),
		cmocka_unit_test(no_byte_of_an_input_is_forgotten),
		cmocka_unit_test(every_input_comes_back),
		cmocka_unit_test(no_byte_of_a_policy_is_forgotten),
		cmocka_unit_test(a_policy_comes_back),
		cmocka_unit_test(the_largest_output_fits_into_a_block),
		cmocka_unit_test(the_digest_sees_every_byte_of_actions_and_events),
		cmocka_unit_test(bytes_are_the_same_on_every_cpu),
		cmocka_unit_test(damage_of_any_bit_is_found),
		cmocka_unit_test(refuses_inputs_that_may_not_be),
		cmocka_unit_test(a_full_block_says_so_and_keeps_what_it_has),
		cmocka_unit_test(the_state_of_an_engine_comes_back),
		cmocka_unit_test(a_header_comes_back_and_a_damaged_one_does_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
