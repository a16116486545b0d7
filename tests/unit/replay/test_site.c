/* A site's record as a world, and what other options would have made of it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/usec.h"
#include "core/sitelog.h"
#include "replay/site.h"
#include "replay/tracefile.h"
#include "replay/whatif.h"

#define WALL_S INT64_C(1790000000)
#define UPTIME_S 5000

enum { FIRST, SECOND };

static char folder[] = "/tmp/site-XXXXXX";
static char file[64];
static struct sitelog_writer w;
static struct policy policy;
static struct site site;
static struct problem problem;
static struct config was, would;

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(file, sizeof(file), "%s/site.rec", folder);
	return 0;
}

static int remove_folder(void **state)
{
	char command[80];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static int setup(void **state)
{
	(void)state;
	remove(file);
	sitelog_init(&w);
	memset(&policy, 0, sizeof(policy));
	policy.links = 3;
	strcpy(policy.link[FIRST].name, "first");
	policy.link[FIRST].preference = 20;
	strcpy(policy.link[SECOND].name, "second");
	policy.link[SECOND].preference = 10;
	policy.link[SECOND].metered = true;
	sitelog_set_links(&w, &policy);
	config_default(&was);
	was.policy.unsteady_us = 0;
	would = was;
	return 0;
}

static int64_t uptime(double s)
{
	return (int64_t)((UPTIME_S + s) * 1e6);
}

static void begin(double s, bool clock)
{
	sitelog_begin(&w, uptime(s), clock ? (int64_t)((double)(WALL_S * 1000) + s * 1000) : 0);
}

static void row(double s, unsigned link, unsigned loss_permille, int rtt_ms)
{
	struct sitelog_record v = {.kind = SITELOG_ROW,
		.at_us = uptime(s),
		.row = {.at_us = uptime(s),
			.path = (uint8_t)path_of(link, FAMILY_IPV4),
			.usable = true,
			.loss_permille = (uint16_t)loss_permille,
			.rtt_us = loss_permille == 1000 ? -1 : rtt_ms * 1000}};

	assert_int_equal(sitelog_put(&w, &v), 0);
}

static void move(double s, unsigned link)
{
	struct sitelog_record v = {.kind = SITELOG_MOVE,
		.at_us = uptime(s),
		.move = {.at_us = uptime(s), .path = (uint8_t)path_of(link, FAMILY_IPV4)}};

	assert_int_equal(sitelog_put(&w, &v), 0);
}

static void bytes(double s, uint64_t n)
{
	struct sitelog_record v = {.kind = SITELOG_BYTES, .at_us = uptime(s), .bytes = n};

	assert_int_equal(sitelog_put(&w, &v), 0);
}

static void end(double s)
{
	struct sitelog_record v = {.kind = SITELOG_END, .at_us = uptime(s)};

	assert_int_equal(sitelog_put(&w, &v), 0);
}

static void append(const void *data, size_t n)
{
	FILE *f = fopen(file, "ab");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, n, f), n);
	fclose(f);
}

static void save(void)
{
	size_t n = sitelog_end(&w);

	append(w.bytes, n);
}

/* Both well for ten minutes, refreshed; the first dead from 100 to 130 s. */
static void record_an_outage(void)
{
	begin(0, true);
	move(0.4, FIRST);
	for (int s = 0; s < 600; s += 10) {
		row(s, FIRST, s >= 100 && s < 130 ? 1000 : 0, 20);
		row(s, SECOND, 0, 40);
		bytes(s, 1000000);
	}
	move(101, SECOND);
	move(191, FIRST);
	end(600);
	save();
}

static void load(int64_t since_us)
{
	int error = site_load(&site, folder, FAMILY_IPV4, since_us, &problem);

	if (error)
		fail_msg("%d %s: %s", error, problem.place, problem.text);
}

static struct whatif ask(void)
{
	struct whatif_run run = {.scenario = &site.scenario,
		.traffic = site.traffic,
		.n_traffic = site.n_traffic,
		.happened = &site.moves,
		.was = &was,
		.would = &would,
		.seed = 1};
	struct whatif ret;

	assert_int_equal(whatif(&run, &ret), 0);
	return ret;
}

static void what_was_recorded_is_the_world(void **state)
{
	struct recording_state s;

	(void)state;
	record_an_outage();
	load(0);
	assert_true(site.wall);
	assert_int_equal(site.scenario.n_links, 2);
	assert_string_equal(site.scenario.link[0].name, "first");
	assert_true(site.scenario.link[1].metered);
	assert_int_equal(site.scenario.t0_us, WALL_S * USEC_S);
	assert_int_equal(site.scenario.t1_us, (WALL_S + 600) * USEC_S);
	assert_int_equal(site.probed_us[0], 600 * USEC_S);
	s = recording_at(&site.scenario.link[0].recording, (WALL_S + 99) * USEC_S);
	assert_true(s.known);
	assert_int_equal(s.loss, 0);
	assert_int_equal(s.rtt_us, 20000);
	s = recording_at(&site.scenario.link[0].recording, (WALL_S + 101) * USEC_S);
	assert_int_equal(s.loss, UINT32_MAX);
	assert_int_equal(site.moves.n, 3);
	assert_int_equal(site.moves.move[1].link, 1);
	assert_int_equal(site.moves.move[1].at_us, (WALL_S + 101) * USEC_S);
	site_free(&site);
}

static void another_hold_makes_another_past(void **state)
{
	struct whatif w2;

	(void)state;
	record_an_outage();
	load(0);
	would.link_default.policy.hold_us = USEC_H;
	w2 = ask();
	assert_true(w2.has_happened);
	assert_int_equal(w2.happened.switches, 2);
	assert_int_equal(w2.happened.out_us, USEC_S);
	assert_int_equal(w2.was.switches, 2);
	assert_int_equal(w2.would.switches, 1);
	assert_in_range(w2.was.out_us, 200 * USEC_MS, 5 * USEC_S);
	assert_int_equal(w2.was.known_us, 600 * USEC_S);
	assert_true(w2.same_us > w2.happened_us * 9 / 10);
	assert_int_equal(w2.n_moments, 1);
	assert_int_equal(w2.moment[0].was, 0);
	assert_int_equal(w2.moment[0].would, 1);
	/* a megabyte each ten seconds, all of it over the metered link once it stays there */
	assert_in_range(w2.would.metered_bytes, 48000000, 51000000);
	assert_true(w2.was.metered_bytes < 20000000);
	site_free(&site);
}

/* Whatever the change is: it did not happen. */
static void a_change_leaves_what_happened_as_it_was(void **state)
{
	struct whatif same, changed;

	(void)state;
	record_an_outage();
	load(0);
	same = ask();
	would.link_default.policy.hold_us =
		USEC_H; /* the metered link is used for longer, and probed more */
	changed = ask();
	assert_true(changed.would.metered_bytes > changed.was.metered_bytes);
	assert_memory_equal(&same.happened, &changed.happened, sizeof(same.happened));
	site_free(&site);
}

static void the_same_options_make_the_same_past(void **state)
{
	struct whatif w2;

	(void)state;
	record_an_outage();
	load(0);
	w2 = ask();
	assert_memory_equal(&w2.was, &w2.would, sizeof(w2.was));
	assert_int_equal(w2.n_moments, 0);
	site_free(&site);
}

static void only_the_time_asked_for_is_played(void **state)
{
	(void)state;
	record_an_outage();
	load(60 * USEC_S);
	assert_int_equal(site.scenario.t1_us - site.scenario.t0_us, 60 * USEC_S);
	/* one row from before it, which holds at its begin */
	assert_int_equal(site.scenario.link[0].recording.row[0].at_us, (WALL_S + 530) * USEC_S);
	site_free(&site);
	load(USEC_DAY);
	assert_int_equal(site.scenario.t1_us - site.scenario.t0_us, 600 * USEC_S);
	site_free(&site);
}

/* Of the two switches, 101 and 191 s after the begin of 600 s. */
static void what_happened_before_the_time_asked_for_does_not_count(void **state)
{
	struct whatif w2;

	(void)state;
	record_an_outage();
	load(500 * USEC_S);
	w2 = ask();
	assert_int_equal(w2.happened.switches, 2);
	site_free(&site);
	load(450 * USEC_S); /* on the second link at its begin */
	w2 = ask();
	assert_int_equal(w2.happened.switches, 1);
	site_free(&site);
	load(60 * USEC_S);
	w2 = ask();
	assert_int_equal(w2.happened.switches, 0);
	site_free(&site);
}

static void traffic_before_the_time_asked_for_does_not_count(void **state)
{
	struct judge_move on_the_second = {.link = 1};
	struct judge_moves moves = {.move = &on_the_second, .n = 1};
	struct judge_traffic traffic[] = {{50, 7}, {100, 70}, {101, 700}, {USEC_S, 7000}};
	struct scenario s = {.t0_us = 100, .t1_us = 2 * USEC_S, .n_links = 2};

	(void)state;
	s.link[1].metered = true;
	s.link[0].recording = s.link[1].recording = (struct recording){.hold_us = USEC_H};
	for (unsigned i = 0; i < 2; i++) {
		struct recording_row row = {.rtt_us = 20000};

		assert_int_equal(recording_append(&s.link[i].recording, &row), 0);
		assert_int_equal(recording_finish(&s.link[i].recording), 0);
	}
	assert_int_equal(judge(&s, &moves, traffic, 4, false).metered_bytes, 7700);
	scenario_free(&s);
}

static void damage_costs_a_block_and_is_counted(void **state)
{
	uint8_t block[SITELOG_BLOCK_SIZE];
	size_t n;

	(void)state;
	record_an_outage();
	begin(600, true);
	row(600, FIRST, 500, 20);
	n = sitelog_end(&w);
	memcpy(block, w.bytes, n);
	block[n - 1] ^= 1;
	append(block, n);
	append("ASB1 and so on, ASB", 19);
	begin(610, true);
	row(610, FIRST, 0, 21);
	row(620, SECOND, 0, 21);
	save();
	append(w.bytes, 20); /* the power went */
	load(0);
	assert_int_equal(site.blocks, 2);
	assert_true(site.damaged >= 2);
	assert_int_equal(site.scenario.t1_us, (WALL_S + 620) * USEC_S);
	site_free(&site);
}

static void what_came_before_the_clock_is_left_out(void **state)
{
	(void)state;
	begin(0, false);
	row(1, FIRST, 0, 20);
	row(2, SECOND, 0, 20);
	save();
	begin(300, true);
	row(301, FIRST, 0, 20);
	row(302, SECOND, 0, 20);
	row(330, SECOND, 0, 20);
	save();
	load(0);
	assert_int_equal(site.undated, 1);
	assert_int_equal(site.scenario.t0_us, (WALL_S + 300) * USEC_S);
	site_free(&site);
}

static void without_any_clock_boots_are_laid_end_to_end(void **state)
{
	(void)state;
	begin(0, false);
	row(0, FIRST, 0, 20);
	row(100, SECOND, 0, 20);
	save();
	sitelog_init(&w); /* a boot later */
	sitelog_set_links(&w, &policy);
	begin(-4000, false);
	row(-4000, FIRST, 0, 20);
	row(-3900, SECOND, 0, 20);
	save();
	load(0);
	assert_false(site.wall);
	assert_int_equal(site.scenario.t1_us - site.scenario.t0_us, 201 * USEC_S);
	assert_int_equal(site.backwards, 0);
	site_free(&site);
}

static void a_clock_that_is_set_back_does_not_turn_time(void **state)
{
	(void)state;
	begin(0, true);
	row(0, FIRST, 0, 20);
	row(100, SECOND, 0, 20);
	save();
	sitelog_begin(&w, uptime(110), (WALL_S - 86400) * 1000);
	row(110, FIRST, 0, 20);
	row(200, SECOND, 0, 20);
	save();
	load(0);
	assert_int_equal(site.scenario.t1_us, (WALL_S + 200) * USEC_S);
	assert_int_equal(site.backwards, 0);
	site_free(&site);
}

static void nothing_recorded_is_said(void **state)
{
	char nothing[80];

	(void)state;
	assert_int_equal(site_load(&site, folder, FAMILY_IPV4, 0, &problem), -ENODATA);
	assert_non_null(strstr(problem.text, "nothing is recorded"));
	record_an_outage();
	assert_int_equal(site_load(&site, folder, FAMILY_IPV6, 0, &problem), -ENODATA);
	assert_non_null(strstr(problem.text, "ipv6"));
	snprintf(nothing, sizeof(nothing), "%s/none", folder);
	assert_int_equal(site_load(&site, nothing, FAMILY_IPV4, 0, &problem), -ENOENT);
	append("x", 1);
	assert_int_equal(site_load(&site, file, FAMILY_IPV4, 0, &problem), 0);
	assert_int_equal(site.damaged, 1);
	site_free(&site);
}

static void a_link_that_moves_to_another_slot_stays_one_link(void **state)
{
	(void)state;
	begin(0, true);
	row(0, FIRST, 0, 20);
	row(1, SECOND, 0, 30);
	save();
	strcpy(policy.link[FIRST].name, "second");
	policy.link[FIRST].preference = 10;
	strcpy(policy.link[SECOND].name, "first");
	policy.link[SECOND].preference = 20;
	assert_true(sitelog_set_links(&w, &policy));
	begin(10, true);
	row(10, FIRST, 0, 33);
	row(11, SECOND, 0, 22);
	save();
	load(0);
	assert_int_equal(site.scenario.n_links, 2);
	assert_int_equal(recording_at(&site.scenario.link[0].recording, (WALL_S + 12) * USEC_S)
				 .rtt_us,
		22000);
	/* and the block between said nothing of the one under the other's name */
	assert_int_equal(recording_at(&site.scenario.link[0].recording, (WALL_S + 10) * USEC_S)
				 .rtt_us,
		20000);
	site_free(&site);
}

/* ---- traces ---- */

static void record_trace(const char *to)
{
	struct scenario_run run = {.config = &was, .seed = 1, .record = fopen(to, "wb")};
	struct scenario_result result;

	assert_non_null(run.record);
	record_an_outage();
	load(0);
	assert_int_equal(scenario_play(&site.scenario, &run, &result), 0);
	fclose(run.record);
	site_free(&site);
}

static void write_block(FILE *f, struct trace_block *b, uint32_t *number, int64_t at_us)
{
	fwrite(b->bytes, 1, trace_block_end(b), f);
	trace_block_begin(b, ++*number, at_us);
}

/* As the daemon writes it: the engine as it is before the input, a piece a block; without some of its last bytes. */
static void write_engine(FILE *f, struct trace_block *b, uint32_t *number, const struct engine *e,
	int64_t at_us, uint32_t without)
{
	struct trace_header header = {.start_us = at_us,
		.wall_ms = at_us / 1000,
		.engine = trace_engine_tag(engine_size())};
	uint32_t total = (uint32_t)engine_size();
	uint8_t bytes[TRACE_HEADER_SIZE];

	trace_header_encode(&header, bytes);
	fwrite(bytes, 1, sizeof(bytes), f);
	trace_block_begin(b, *number, at_us);
	for (uint32_t at = 0; at + without < total; at += TRACE_STATE_CHUNK) {
		assert_int_equal(trace_block_state(b, e, total, at), 0);
		write_block(f, b, number, at_us);
	}
}

/* What of a trace is after a time, behind the engine as it was then; number is that of its first block, and lost_us when
   an input is said to be lost. */
static void cut_trace(const char *from, const char *to, int64_t since_us, uint32_t number,
	uint32_t without, int64_t lost_us)
{
	static struct tracefile t;
	static struct trace_block block;
	static struct output out;
	struct engine *e = calloc(1, engine_size());
	struct trace_record rec;
	bool begun = false;
	FILE *f = fopen(to, "wb");

	assert_non_null(f);
	assert_int_equal(tracefile_open(&t, from, &problem), 0);
	engine_init(e, t.header.start_us, t.header.seed);
	while (tracefile_next(&t, &rec)) {
		if (rec.kind != TRACE_INPUT)
			continue;
		if (!begun && rec.input.now_us >= since_us) {
			write_engine(f, &block, &number, e, rec.input.now_us, without);
			begun = true;
		}
		if (begun && lost_us && rec.input.now_us >= lost_us) {
			assert_int_equal(trace_block_lost(&block, 1), 0);
			lost_us = 0;
		} else if (begun && trace_block_input(&block, &rec.input) == -ENOSPC) {
			write_block(f, &block, &number, rec.input.now_us);
			assert_int_equal(trace_block_input(&block, &rec.input), 0);
		}
		engine_step(e, &rec.input, &out);
	}
	write_block(f, &block, &number, 0);
	tracefile_close(&t);
	fclose(f);
	free(e);
}

static void a_trace_that_begins_in_the_middle_is_taken_whole(void **state)
{
	char whole[80], cut[80];

	(void)state;
	snprintf(whole, sizeof(whole), "%s/whole", folder);
	snprintf(cut, sizeof(cut), "%s/cut", folder);
	record_trace(whole);
	for (uint32_t number = 0; number < 8; number += 7) {
		cut_trace(whole, cut, (WALL_S + 300) * USEC_S, number, 0, 0);
		assert_int_equal(site_load(&site, cut, FAMILY_IPV4, 0, &problem), 0);
		assert_int_equal(site.damaged, 0);
		assert_int_equal(site.scenario.n_links, 2);
		assert_in_range(site.scenario.t1_us - site.scenario.t0_us, 290 * USEC_S,
			310 * USEC_S);
		site_free(&site);
	}
	cut_trace(whole, cut, (WALL_S + 300) * USEC_S, 0, TRACE_STATE_CHUNK, 0);
	assert_int_equal(site_load(&site, cut, FAMILY_IPV4, 0, &problem), -EINVAL);
	assert_non_null(strstr(problem.text, "it began in the middle"));
}

static void a_trace_ends_where_inputs_were_lost(void **state)
{
	char whole[80], cut[80];

	(void)state;
	snprintf(whole, sizeof(whole), "%s/whole", folder);
	snprintf(cut, sizeof(cut), "%s/cut", folder);
	record_trace(whole);
	cut_trace(whole, cut, (WALL_S + 300) * USEC_S, 0, 0, (WALL_S + 400) * USEC_S);
	assert_int_equal(site_load(&site, cut, FAMILY_IPV4, 0, &problem), 0);
	assert_int_equal(site.damaged, 1);
	assert_in_range(site.scenario.t1_us, (WALL_S + 390) * USEC_S, (WALL_S + 400) * USEC_S);
	site_free(&site);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_was_recorded_is_the_world, setup),
		cmocka_unit_test_setup(another_hold_makes_another_past, setup),
		cmocka_unit_test_setup(a_change_leaves_what_happened_as_it_was, setup),
		cmocka_unit_test_setup(the_same_options_make_the_same_past, setup),
		cmocka_unit_test_setup(only_the_time_asked_for_is_played, setup),
		cmocka_unit_test_setup(what_happened_before_the_time_asked_for_does_not_count,
			setup),
		cmocka_unit_test(traffic_before_the_time_asked_for_does_not_count),
		cmocka_unit_test_setup(damage_costs_a_block_and_is_counted, setup),
		cmocka_unit_test_setup(what_came_before_the_clock_is_left_out, setup),
		cmocka_unit_test_setup(without_any_clock_boots_are_laid_end_to_end, setup),
		cmocka_unit_test_setup(a_clock_that_is_set_back_does_not_turn_time, setup),
		cmocka_unit_test_setup(nothing_recorded_is_said, setup),
		cmocka_unit_test_setup(a_link_that_moves_to_another_slot_stays_one_link, setup),
		cmocka_unit_test_setup(a_trace_that_begins_in_the_middle_is_taken_whole, setup),
		cmocka_unit_test_setup(a_trace_ends_where_inputs_were_lost, setup),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
