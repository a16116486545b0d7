#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/usec.h"
#include "io/checkpoint.h"
#include "io/checkpoint_image.h"

#define WALL_MS INT64_C(1750000000000) /* at time 0 of the first run */
#define FLASH INT64_C(1000000)

static char dir[] = "/tmp/checkpoint-XXXXXX";
static struct history history, restored;
static struct ledger ledger, restored_ledger;
static struct eventring events;
static struct engine *engine;
static struct checkpoint_state state = {.history = &history, .ledger = &ledger, .events = &events};
static struct checkpoint_state later = {.history = &restored, .ledger = &restored_ledger};

static int make_dir(void **s)
{
	(void)s;
	return mkdtemp(dir) ? 0 : -1;
}

static void empty_dir(void)
{
	char file[320];
	struct dirent *e;
	DIR *d = opendir(dir);

	while (d && (e = readdir(d))) {
		snprintf(file, sizeof(file), "%s/%s", dir, e->d_name);
		unlink(file);
	}
	if (d)
		closedir(d);
}

static int remove_dir(void **s)
{
	(void)s;
	empty_dir();
	free(engine);
	return rmdir(dir);
}

static void give(struct input *in)
{
	static struct output out;

	engine_step(engine, in, &out);
}

/* An engine with eth1 in slot 0 and wwan0 in slot 3, of which something is known. */
static void make_engine(void)
{
	struct policy policy;
	struct input in = {.kind = INPUT_POLICY, .policy = &policy};

	policy_default(&policy);
	policy.links = 1 << 0 | 1 << 3;
	for (unsigned i = 0; i < LINKS_MAX; i++) {
		policy.link[i].enabled = true;
		policy.link[i].order = (uint16_t)i;
		policy.link[i].weight = 1;
	}
	strcpy(policy.link[0].device, "eth1");
	strcpy(policy.link[3].device, "wwan0");
	if (!engine)
		engine = malloc(engine_size());
	assert_non_null(engine);
	engine_init(engine, 0, 1);
	give(&in);
	for (unsigned link = 0; link < 4; link += 3) {
		in = (struct input){.kind = INPUT_PATH,
			.path = {.path = (uint8_t)path_of(link, FAMILY_IPV4),
				.facts = {.present = true,
					.carrier = true,
					.has_address = true,
					.has_gateway = true,
					.ifindex = 1,
					.mtu = 1500}}};
		give(&in);
		in = (struct input){.kind = INPUT_LEARNED,
			.learned = {.path = (uint8_t)path_of(link, FAMILY_IPV4),
				.learned = {.rtt_us = 40000 + link,
					.rtt_var_us = 2000,
					.loss_ppm = 1234,
					.hold_us = 60 * USEC_S}}};
		give(&in);
	}
}

static void fill_history(int64_t seconds)
{
	struct path_view view = {.exists = true, .health = HEALTH_UP, .score = {90}};

	history_init(&history);
	for (int64_t s = 0; s < seconds; s++) {
		view.rtt_us = 40000 + s % 1000;
		view.rx_bps = 1000 * (s % 77);
		history_add(&history, path_of(0, FAMILY_IPV4), s * USEC_S, &view, true);
		history_add(&history, path_of(3, FAMILY_IPV4), s * USEC_S, &view, false);
	}
}

static int fresh(void **s)
{
	struct ledger_entry e = {.seq = 41,
		.kind = EVENT_SWITCH,
		.at_us = 500 * USEC_S,
		.stay = STAY_COUNT,
		.apply_us = -1,
		.from_well_us = -1};

	(void)s;
	empty_dir();
	make_engine();
	fill_history(1000);
	ledger_init(&ledger);
	e.from.path = (uint8_t)path_of(0, FAMILY_IPV4);
	e.to.path = (uint8_t)path_of(3, FAMILY_IPV4);
	ledger_restore(&ledger, &e);
	eventring_init(&events, 777);
	state.engine = engine;
	history_init(&restored);
	ledger_init(&restored_ledger);
	return 0;
}

static struct checkpoint *start(void)
{
	struct problem p = {.text = ""};
	struct checkpoint *c = checkpoint_new(dir, 10 * USEC_MIN, FLASH, &p);

	if (!c)
		fail_msg("%s: %s", p.place, p.text);
	return c;
}

/* One run that ends properly at time 1000 s. */
static void first_run(void)
{
	struct checkpoint *c = start();
	struct problem p;
	uint64_t next;

	assert_int_equal(checkpoint_load(c, 0, WALL_MS, &ledger, &next, &p), 0);
	assert_int_equal(checkpoint_finish(c, &state, 1000 * USEC_S, WALL_MS + 1000000, &p), 0);
	checkpoint_free(c);
}

/* As if the machine had booted since: another boot id in every file. */
static void reboot(void)
{
	static const char *const names[] = {"learned", "history-10s", "history-5min"};

	for (unsigned i = 0; i < 3; i++) {
		uint8_t bytes[CHECKPOINT_HEADER_SIZE];
		struct checkpoint_header h;
		char file[320];

		snprintf(file, sizeof(file), "%s/%s", dir, names[i]);
		FILE *f = fopen(file, "r+b");
		assert_non_null(f);
		assert_int_equal(fread(bytes, 1, sizeof(bytes), f), sizeof(bytes));
		assert_int_equal(checkpoint_header_decode(bytes, sizeof(bytes), &h), 0);
		h.boot[0] ^= 1;
		checkpoint_header_encode(&h, bytes);
		rewind(f);
		fwrite(bytes, 1, sizeof(bytes), f);
		fclose(f);
	}
}

static size_t points(unsigned path, enum history_resolution r, struct history_point *ret_first)
{
	static struct history_point p[9000];
	size_t n = history_read(&restored, path, r, -USEC_DAY, 10 * USEC_DAY, p, 9000);

	if (n)
		*ret_first = p[0];
	return n;
}

static void comes_back_in_the_same_boot(void **s)
{
	struct checkpoint *c;
	struct history_point p = {0};
	struct problem problem;
	struct input in[FAMILY_COUNT];
	uint64_t next;

	(void)s;
	first_run();
	c = start();
	assert_int_equal(checkpoint_load(c, 1100 * USEC_S, 0, &restored_ledger, &next, &problem),
		0);
	assert_int_equal(next, 777);
	/* the device has another slot now */
	assert_int_equal(checkpoint_adopt(c, 5, "eth1", 1100 * USEC_S, 0, &later, in), 1);
	assert_int_equal(in[0].kind, INPUT_LEARNED);
	assert_int_equal(in[0].learned.path, path_of(5, FAMILY_IPV4));
	assert_int_equal(in[0].learned.learned.rtt_us, 40000);
	assert_int_equal(checkpoint_adopt(c, 5, "eth1", 1100 * USEC_S, 0, &later, in), 0);
	assert_int_equal(points(path_of(5, FAMILY_IPV4), HISTORY_10S, &p), 100);
	assert_int_equal(p.at_us, 0);
	assert_int_equal(points(path_of(5, FAMILY_IPV4), HISTORY_5MIN, &p), 4);
	assert_int_equal(points(path_of(0, FAMILY_IPV4), HISTORY_10S, &p), 0);
	/* the ledger knows the path that has come, and not yet the other */
	const struct ledger_entry *e = ledger_get(&restored_ledger, 41);
	assert_non_null(e);
	assert_int_equal(e->at_us, 500 * USEC_S);
	assert_int_equal(e->from.path, path_of(5, FAMILY_IPV4));
	assert_int_equal(e->to.path, PATHS_MAX);
	checkpoint_free(c);
}

static void lies_before_zero_after_a_boot(void **s)
{
	struct checkpoint *c;
	struct history_point p = {0};
	struct problem problem;
	struct input in[FAMILY_COUNT];
	int64_t wall_ms = WALL_MS + 1000000 + 3600000; /* an hour after the end of the first run */
	uint64_t next;

	(void)s;
	first_run();
	reboot();
	c = start();
	assert_int_equal(checkpoint_load(c, 60 * USEC_S, wall_ms, &restored_ledger, &next,
				 &problem),
		0);
	assert_int_equal(checkpoint_adopt(c, 0, "eth1", 60 * USEC_S, wall_ms, &later, in), 1);
	assert_int_equal(points(path_of(0, FAMILY_IPV4), HISTORY_10S, &p), 100);
	assert_in_range(-p.at_us, (3600 + 1000 - 60 - 10) * USEC_S,
		(3600 + 1000 - 60 + 10) * USEC_S);
	assert_int_equal(ledger_get(&restored_ledger, 41)->at_us,
		(500 - 1000 - 3600 + 60) * USEC_S);
	checkpoint_free(c);
}

static void waits_for_the_clock(void **s)
{
	struct checkpoint *c;
	struct history_point p = {0};
	struct problem problem;
	struct input in[FAMILY_COUNT];
	int64_t wall_ms = WALL_MS + 1000000 + 3600000;
	uint64_t next;

	(void)s;
	first_run();
	reboot();
	c = start();
	checkpoint_load(c, 0, 0, &restored_ledger, &next, &problem);
	assert_int_equal(checkpoint_adopt(c, 0, "eth1", 0, 0, &later, in), 1);
	assert_int_equal(points(path_of(0, FAMILY_IPV4), HISTORY_10S, &p), 0);
	/* meanwhile nothing may overwrite it */
	later.engine = engine;
	later.events = &events;
	for (int64_t t = 0; t < 1800; t++)
		assert_int_equal(checkpoint_tick(c, &later, t * USEC_S, 0, &problem), 0);
	assert_int_equal(checkpoint_tick(c, &later, 1800 * USEC_S, wall_ms + 1800000, &problem), 0);
	assert_int_equal(points(path_of(0, FAMILY_IPV4), HISTORY_10S, &p), 100);
	assert_in_range(-p.at_us, (3600 + 1000 - 10) * USEC_S, (3600 + 1000 + 10) * USEC_S);
	assert_int_equal(ledger_get(&restored_ledger, 41)->at_us, (500 - 1000 - 3600) * USEC_S);
	checkpoint_free(c);
}

static void a_device_that_is_not_here_is_not_forgotten(void **s)
{
	struct checkpoint *c;
	struct history_point p = {0};
	struct problem problem;
	struct policy policy;
	struct input in[FAMILY_COUNT], changed = {.kind = INPUT_POLICY, .policy = &policy};
	uint64_t next;

	(void)s;
	first_run();
	/* the modem is unplugged; the daemon starts, writes, and ends */
	policy = *engine_policy(engine);
	policy.links = 1 << 0;
	changed.now_us = 1000 * USEC_S;
	give(&changed);
	c = start();
	checkpoint_load(c, 1000 * USEC_S, 0, &restored_ledger, &next, &problem);
	assert_int_equal(checkpoint_finish(c, &state, 20000 * USEC_S, WALL_MS + 20000000, &problem),
		0);
	checkpoint_free(c);
	reboot();
	/* the next run sees it again */
	c = start();
	ledger_init(&restored_ledger);
	checkpoint_load(c, 0, WALL_MS + 30000000, &restored_ledger, &next, &problem);
	assert_int_equal(checkpoint_adopt(c, 7, "wwan0", 0, WALL_MS + 30000000, &later, in), 1);
	assert_int_equal(in[0].learned.learned.rtt_us, 40003);
	assert_int_equal(points(path_of(7, FAMILY_IPV4), HISTORY_10S, &p), 100);
	checkpoint_free(c);
}

static void damage_is_set_aside_and_the_rest_is_used(void **s)
{
	struct checkpoint *c;
	struct history_point p = {0};
	struct problem problem;
	struct input in[FAMILY_COUNT];
	char file[320];
	uint64_t next;

	(void)s;
	first_run();
	snprintf(file, sizeof(file), "%s/history-10s", dir);
	assert_int_equal(truncate(file, 300), 0);
	c = start();
	assert_int_equal(checkpoint_load(c, 1100 * USEC_S, 0, &restored_ledger, &next, &problem),
		-EBADMSG);
	assert_string_equal(problem.place, file);
	assert_non_null(strstr(problem.text, "history-10s.corrupt-1"));
	assert_int_equal(access(file, F_OK), -1);
	snprintf(file, sizeof(file), "%s/history-10s.corrupt-1", dir);
	assert_int_equal(access(file, F_OK), 0);
	assert_int_equal(checkpoint_adopt(c, 0, "eth1", 1100 * USEC_S, 0, &later, in), 1);
	assert_int_equal(points(path_of(0, FAMILY_IPV4), HISTORY_5MIN, &p), 4);
	checkpoint_free(c);
}

/* Any byte of any file, and any length: a report or nothing, never a crash, and the next run starts
   clean. */
static void survives_any_damage(void **s)
{
	static const char *const names[] = {"learned", "history-10s", "history-5min"};
	static uint8_t whole[3][65536];
	size_t size[3];

	(void)s;
	first_run();
	for (unsigned i = 0; i < 3; i++) {
		char file[320];

		snprintf(file, sizeof(file), "%s/%s", dir, names[i]);
		FILE *f = fopen(file, "rb");
		size[i] = fread(whole[i], 1, sizeof(whole[i]), f);
		fclose(f);
	}
	srand(1);
	for (int round = 0; round < 300; round++) {
		struct checkpoint *c;
		struct problem problem;
		struct input in[FAMILY_COUNT];
		uint64_t next;

		empty_dir();
		for (unsigned i = 0; i < 3; i++) {
			char file[320];
			size_t n = round % 3 ? size[i] : (size_t)rand() % (size[i] + 1);

			snprintf(file, sizeof(file), "%s/%s", dir, names[i]);
			FILE *f = fopen(file, "wb");
			fwrite(whole[i], 1, n, f);
			if (n) {
				fseek(f, rand() % (long)n, SEEK_SET);
				fputc(rand() & 255, f);
			}
			fclose(f);
		}
		history_init(&restored);
		ledger_init(&restored_ledger);
		c = start();
		checkpoint_load(c, 1100 * USEC_S, WALL_MS, &restored_ledger, &next, &problem);
		checkpoint_adopt(c, 0, "eth1", 1100 * USEC_S, WALL_MS, &later, in);
		checkpoint_adopt(c, 1, "wwan0", 1100 * USEC_S, WALL_MS, &later, in);
		assert_int_equal(checkpoint_finish(c, &state, 90000 * USEC_S, WALL_MS, &problem),
			0);
		checkpoint_free(c);
		c = start();
		ledger_init(&restored_ledger);
		assert_int_equal(checkpoint_load(c, 90000 * USEC_S, WALL_MS, &restored_ledger,
					 &next, &problem),
			0);
		checkpoint_free(c);
	}
}

static void writes_keep_to_the_daily_allowance(void **s)
{
	struct checkpoint *c = start();
	struct checkpoint_stats stats;
	struct problem problem;
	uint64_t next;

	(void)s;
	/* a day of a busy history on the two paths, then three days of writing it */
	fill_history(86400);
	checkpoint_load(c, 86400 * USEC_S, WALL_MS, &restored_ledger, &next, &problem);
	for (int64_t t = 86400; t < 4 * 86400; t++)
		assert_int_equal(checkpoint_tick(c, &state, t * USEC_S, WALL_MS + t * 1000,
					 &problem),
			0);
	checkpoint_stats(c, &stats);
	print_message("%llu files, %llu bytes in three days\n", (unsigned long long)stats.written,
		(unsigned long long)stats.bytes);
	assert_in_range(stats.bytes, 1, 3 * FLASH + FLASH / 10);
	assert_true(stats.written > 20);
	checkpoint_free(c);
}

static void a_failure_is_reported_once(void **s)
{
	struct checkpoint *c = start();
	struct problem problem;
	uint64_t next;
	int reported = 0;

	(void)s;
	checkpoint_load(c, 0, 0, &restored_ledger, &next, &problem);
	rmdir(dir);
	for (int64_t t = 0; t < 4 * 3600; t++)
		reported += checkpoint_tick(c, &state, t * USEC_S, 0, &problem) != 0;
	assert_int_equal(reported, 1);
	assert_int_equal(mkdir(dir, 0700), 0);
	checkpoint_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(comes_back_in_the_same_boot, fresh),
		cmocka_unit_test_setup(lies_before_zero_after_a_boot, fresh),
		cmocka_unit_test_setup(waits_for_the_clock, fresh),
		cmocka_unit_test_setup(a_device_that_is_not_here_is_not_forgotten, fresh),
		cmocka_unit_test_setup(damage_is_set_aside_and_the_rest_is_used, fresh),
		cmocka_unit_test_setup(survives_any_damage, fresh),
		cmocka_unit_test_setup(writes_keep_to_the_daily_allowance, fresh),
		cmocka_unit_test_setup(a_failure_is_reported_once, fresh),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
