#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/usec.h"
#include "io/journal.h"

static char dir[] = "/tmp/journal-XXXXXX", file[64];
static struct journal journal;
static uint8_t bytes[1 << 20];
static size_t size;

static int make_dir(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(file, sizeof(file), "%s/trace", dir);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	unlink(file);
	return rmdir(dir);
}

static int fresh(void **state)
{
	(void)state;
	unlink(file);
	journal_init(&journal);
	return 0;
}

static void read_back(void)
{
	FILE *f = fopen(file, "rb");

	assert_non_null(f);
	size = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
}

/* Every input goes through an engine; the trace must hold all of them and the same answers. */
static void record(uint64_t inputs, struct engine *e)
{
	static struct output out;
	struct policy policy;
	struct input in = {.kind = INPUT_POLICY, .policy = &policy};

	policy_default(&policy);
	for (uint64_t i = 0; i < inputs; i++) {
		in.now_us = (int64_t)i * 1000;
		journal_input(&journal, &in);
		engine_step(e, &in, &out);
		journal_output(&journal, &out);
		journal_flush(&journal, in.now_us);
		in.kind = i % 3 ? INPUT_TICK : INPUT_COUNTERS;
		in.counters = (struct input_counters){.tx_packets = i};
	}
}

struct contents {
	uint64_t inputs, digests, outputs, states, lost;
	uint32_t blocks;
};

static void count(struct contents *ret)
{
	static struct trace_reader r;
	struct trace_record rec;
	size_t at = TRACE_HEADER_SIZE;

	memset(ret, 0, sizeof(*ret));
	while (at < size) {
		assert_int_equal(trace_reader_open(&r, bytes + at, size - at), 0);
		assert_int_equal(r.number, ret->blocks++);
		while (trace_reader_next(&r, &rec) == 1) {
			ret->inputs += rec.kind == TRACE_INPUT;
			ret->digests += rec.kind == TRACE_DIGEST;
			ret->outputs += rec.kind == TRACE_OUTPUT;
			ret->states += rec.kind == TRACE_STATE;
			ret->lost += rec.kind == TRACE_LOST ? rec.lost : 0;
		}
		at += r.size;
	}
}

static struct engine *new_engine(void)
{
	struct engine *e = malloc(engine_size());

	assert_non_null(e);
	engine_init(e, 0, 7);
	return e;
}

static void holds_every_input_and_its_digest(void **state)
{
	struct engine *e = new_engine();
	struct trace_header header;
	struct contents c;
	struct problem p;

	(void)state;
	assert_int_equal(journal_start(&journal, file, NULL, 7, 0, 1, 1 << 20, false, &p), 0);
	record(5000, e);
	assert_int_equal(journal_stop(&journal), 0);
	read_back();
	assert_int_equal(trace_header_decode(bytes, size, &header), 0);
	assert_int_equal(header.seed, 7);
	count(&c);
	assert_int_equal(c.inputs, 5000);
	assert_int_equal(c.digests, 5000);
	assert_int_equal(journal.bytes, size);
	free(e);
}

static void whole_outputs_and_the_engines_state_when_asked(void **state)
{
	struct engine *e = new_engine();
	struct contents c;
	struct problem p;

	(void)state;
	assert_int_equal(journal_start(&journal, file, e, 7, 0, 1, 1 << 20, true, &p), 0);
	record(1000, e);
	assert_int_equal(journal_stop(&journal), 0);
	read_back();
	count(&c);
	assert_int_equal(c.outputs, 1000);
	assert_int_equal(c.states, (engine_size() + TRACE_STATE_CHUNK - 1) / TRACE_STATE_CHUNK);
	free(e);
}

static void ends_at_the_limit_with_a_whole_trace(void **state)
{
	struct engine *e = new_engine();
	struct contents c;
	struct problem p;

	(void)state;
	assert_int_equal(journal_start(&journal, file, NULL, 7, 0, 1, 20000, false, &p), 0);
	record(20000, e);
	assert_false(journal_active(&journal));
	assert_non_null(strstr(journal.problem.text, "size limit"));
	read_back();
	assert_in_range(size, 10000, 20000);
	count(&c);
	assert_true(c.inputs > 100);
	free(e);
}

/* A full medium, by way of the size that files may have. */
static void a_write_error_ends_it_and_leaves_whole_blocks(void **state)
{
	struct rlimit was, small = {10000, 10000};
	struct engine *e = new_engine();
	struct contents c;
	struct problem p;

	(void)state;
	getrlimit(RLIMIT_FSIZE, &was);
	small.rlim_max = was.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &small);
	assert_int_equal(journal_start(&journal, file, NULL, 7, 0, 1, 1 << 20, false, &p), 0);
	record(20000, e);
	setrlimit(RLIMIT_FSIZE, &was);
	assert_false(journal_active(&journal));
	assert_non_null(strstr(journal.problem.text, "cannot write"));
	read_back();
	count(&c);
	assert_true(c.inputs > 100);
	free(e);
}

static void never_writes_over_a_file_or_through_a_link(void **state)
{
	struct problem p;

	(void)state;
	assert_int_equal(symlink("/tmp/elsewhere", file), 0);
	assert_int_equal(journal_start(&journal, file, NULL, 7, 0, 1, 1 << 20, false, &p), -EEXIST);
	assert_string_equal(p.place, file);
	assert_false(journal_active(&journal));
	unlink(file);
	assert_int_equal(journal_start(&journal, file, NULL, 7, 0, 1, 1 << 20, false, &p), 0);
	assert_int_equal(journal_start(&journal, file, NULL, 7, 0, 1, 1 << 20, false, &p),
		-EALREADY);
	journal_stop(&journal);
}

static void an_input_that_may_not_be_is_counted(void **state)
{
	static struct output out;
	struct input in = {.kind = INPUT_SAMPLE, .sample = {.path = 200}};
	struct contents c;
	struct problem p;

	(void)state;
	assert_int_equal(journal_start(&journal, file, NULL, 7, 0, 1, 1 << 20, false, &p), 0);
	journal_input(&journal, &in);
	journal_output(&journal, &out);
	journal_stop(&journal);
	read_back();
	count(&c);
	assert_int_equal(c.inputs, 0);
	assert_int_equal(c.digests, 0);
	assert_int_equal(c.lost, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(holds_every_input_and_its_digest, fresh),
		cmocka_unit_test_setup(whole_outputs_and_the_engines_state_when_asked, fresh),
		cmocka_unit_test_setup(ends_at_the_limit_with_a_whole_trace, fresh),
		cmocka_unit_test_setup(a_write_error_ends_it_and_leaves_whole_blocks, fresh),
		cmocka_unit_test_setup(never_writes_over_a_file_or_through_a_link, fresh),
		cmocka_unit_test_setup(an_input_that_may_not_be_is_counted, fresh),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
