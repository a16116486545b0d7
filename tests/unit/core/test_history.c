#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/usec.h"
#include "core/history.h"

static struct history history;

static struct path_view up(int64_t rtt_us)
{
	return (struct path_view){.exists = true,
		.health = HEALTH_UP,
		.rtt_us = rtt_us,
		.loss_ppm = 0,
		.score = {92},
		.rx_bps = 1000000,
		.tx_bps = 100000};
}

static int fresh(void **state)
{
	(void)state;
	history_init(&history);
	return 0;
}

static void values_come_back_within_a_step_of_their_scale(void **state)
{
	(void)state;
	for (int64_t v = 100; v < 20 * USEC_S; v += v / 7 + 1) {
		struct path_view view = up(v);
		struct history_point p;

		view.rx_bps = v;
		view.loss_ppm = (int32_t)(v % 1000001);
		history_init(&history);
		history_add(&history, 3, 5 * USEC_S, &view, true);
		assert_int_equal(history_read(&history, 3, HISTORY_1S, 0, USEC_MIN, &p, 1), 1);
		assert_in_range(p.rtt_us, v * 97 / 100, v * 103 / 100 + 1);
		assert_in_range(p.rx_bps, v * 94 / 100, v * 106 / 100 + 1);
		assert_true(labs((long)p.loss_ppm - view.loss_ppm) <= 8000);
		assert_int_equal(p.score, 92);
		assert_int_equal(p.health, HEALTH_UP);
		assert_true(p.in_use);
	}
}

static void unknown_is_not_zero(void **state)
{
	struct path_view view = up(-1);
	struct history_point p;

	(void)state;
	view.loss_ppm = -1;
	view.rx_bps = 0;
	history_add(&history, 0, 0, &view, false);
	assert_int_equal(history_read(&history, 0, HISTORY_1S, 0, 0, &p, 1), 1);
	assert_int_equal(p.rtt_us, -1);
	assert_int_equal(p.loss_ppm, -1);
	assert_int_equal(p.rx_bps, 0);
	assert_false(p.in_use);
}

static void a_summary_keeps_the_worst_and_the_median(void **state)
{
	struct history_point p;

	(void)state;
	for (int i = 0; i < 10; i++) {
		struct path_view view = up(i == 4 ? 900000 : 40000 + i);

		view.loss_ppm = i == 7 ? 300000 : 0;
		view.score[0] = i == 7 ? 20 : 90;
		view.health = i == 5 ? HEALTH_DEAD : HEALTH_UP;
		history_add(&history, 0, i * USEC_S, &view, i == 2);
	}
	assert_int_equal(history_read(&history, 0, HISTORY_10S, 0, USEC_S, &p, 1), 1);
	assert_in_range(p.rtt_us, 39000, 42000);
	assert_in_range(p.loss_ppm, 295000, 305000);
	assert_int_equal(p.score, 20);
	assert_int_equal(p.health, HEALTH_DEAD);
	assert_true(p.in_use);
	assert_int_equal(p.out_ppm, 125000);
	assert_int_equal(history_read(&history, 0, HISTORY_5MIN, 0, USEC_S, &p, 1), 1);
	assert_int_equal(p.health, HEALTH_DEAD);
}

static void one_second_of_outage_is_still_seen_after_90_days(void **state)
{
	struct path_view view = up(40000);
	struct history_point p;

	(void)state;
	for (int64_t s = 0; s < 600; s++) {
		view.health = s == 333 ? HEALTH_DOWN : HEALTH_UP;
		history_add(&history, 0, s * USEC_S, &view, false);
	}
	history_add(&history, 0, 89 * USEC_DAY, &view, false);
	assert_int_equal(history_read(&history, 0, HISTORY_5MIN, 300 * USEC_S, 301 * USEC_S, &p, 1),
		1);
	assert_int_equal(p.health, HEALTH_DOWN);
	assert_int_equal(p.out_ppm, 1000000 / 64);
}

static void the_oldest_are_dropped(void **state)
{
	struct path_view view = up(40000);
	static struct history_point p[4000];

	(void)state;
	for (int64_t s = 0; s < 4000; s++)
		history_add(&history, 0, s * USEC_S, &view, false);
	assert_int_equal(history_read(&history, 0, HISTORY_1S, 0, USEC_DAY, p, 4000),
		HISTORY_1S_CELLS);
	assert_int_equal(p[0].at_us, 400 * USEC_S);
	assert_int_equal(p[3599].at_us, 3999 * USEC_S);
	assert_int_equal(history_read(&history, 0, HISTORY_10S, 0, USEC_DAY, p, 4000), 400);
}

static void a_gap_stays_a_gap(void **state)
{
	struct path_view view = up(40000);
	struct history_point p[16];

	(void)state;
	history_add(&history, 0, 0, &view, false);
	history_add(&history, 0, 2 * USEC_H, &view, false);
	history_add(&history, 0, 2 * USEC_H + 2 * USEC_S, &view, false);
	assert_int_equal(history_read(&history, 0, HISTORY_1S, 0, USEC_DAY, p, 16), 3);
	assert_int_equal(p[0].at_us, 2 * USEC_H);
	assert_int_equal(history_read(&history, 0, HISTORY_10S, 0, USEC_DAY, p, 16), 2);
	assert_int_equal(history_read(&history, 0, HISTORY_10S, 1, USEC_DAY, p, 16), 1);
}

static void time_that_runs_backwards_changes_nothing(void **state)
{
	struct path_view view = up(40000);
	struct history_point p[4];

	(void)state;
	history_add(&history, 0, 100 * USEC_S, &view, false);
	view.health = HEALTH_DEAD;
	history_add(&history, 0, 50 * USEC_S, &view, false);
	assert_int_equal(history_read(&history, 0, HISTORY_1S, -USEC_DAY, USEC_DAY, p, 4), 1);
	assert_int_equal(p[0].health, HEALTH_UP);
}

static void cells_of_an_earlier_boot_lie_before_zero(void **state)
{
	struct path_view view = up(40000);
	struct history_point p[4];
	struct history_cell c;
	int64_t number;

	(void)state;
	history_add(&history, 0, 100 * USEC_S, &view, false);
	assert_true(history_newest(&history, 0, HISTORY_10S, &number));
	assert_int_equal(number, 10);
	c = history_cell_get(&history, 0, HISTORY_10S, number);
	history_cell_restore(&history, 1, HISTORY_10S, -7, c);
	history_cell_restore(&history, 1, HISTORY_10S, -9, c);
	assert_int_equal(history_read(&history, 1, HISTORY_10S, -USEC_DAY, USEC_DAY, p, 4), 2);
	assert_int_equal(p[0].at_us, -90 * USEC_S);
	assert_int_equal(p[1].at_us, -70 * USEC_S);
	/* what is known is not overwritten, and nonsense is not taken */
	c.score = 3;
	history_cell_restore(&history, 1, HISTORY_10S, -7, c);
	c.score = 101;
	history_cell_restore(&history, 1, HISTORY_10S, -8, c);
	history_cell_restore(&history, 1, HISTORY_10S, -USEC_DAY, c);
	assert_int_equal(history_read(&history, 1, HISTORY_10S, -USEC_DAY, USEC_DAY, p, 4), 2);
	assert_int_equal(p[1].score, 92);
}

static void a_forgotten_path_is_empty(void **state)
{
	struct path_view view = up(40000);
	struct history_point p;

	(void)state;
	history_add(&history, 0, 100 * USEC_S, &view, false);
	history_add(&history, 1, 100 * USEC_S, &view, false);
	history_forget(&history, 0);
	assert_int_equal(history_read(&history, 0, HISTORY_1S, 0, USEC_DAY, &p, 1), 0);
	assert_int_equal(history_read(&history, 1, HISTORY_1S, 0, USEC_DAY, &p, 1), 1);
	history_add(&history, 0, 99 * USEC_S, &view, false);
	assert_int_equal(history_read(&history, 0, HISTORY_1S, 0, USEC_DAY, &p, 1), 1);
}

static void the_finest_resolution_that_reaches_back_is_chosen(void **state)
{
	int64_t now = USEC_DAY * 100;

	(void)state;
	assert_int_equal(history_choose(now - USEC_MIN, now, now, 600), HISTORY_1S);
	assert_int_equal(history_choose(now - 30 * USEC_MIN, now, now, 600), HISTORY_10S);
	assert_int_equal(history_choose(now - 2 * USEC_H, now, now, 10000), HISTORY_10S);
	assert_int_equal(history_choose(now - 2 * USEC_DAY, now, now, 10000), HISTORY_5MIN);
	assert_int_equal(history_choose(INT64_MIN / 2, now, now, 1), HISTORY_5MIN);
}

/* Of the mapping that begins there.  Exact, which the process's own figure is not: the kernel counts that in batches. */
static size_t resident_bytes(const void *start)
{
	FILE *f = fopen("/proc/self/smaps", "r");
	char line[256], begin[32];
	bool found = false;
	size_t kib = 0;

	assert_non_null(f);
	snprintf(begin, sizeof(begin), "%lx-", (unsigned long)(uintptr_t)start);
	while (fgets(line, sizeof(line), f)) {
		found = found || strncmp(line, begin, strlen(begin)) == 0;
		if (found && sscanf(line, "Rss: %zu kB", &kib) == 1)
			break;
	}
	fclose(f);
	if (!found)
		skip(); /* in an emulator, whose addresses are not the kernel's */
	return kib << 10;
}

/* Eight links in both families for a day must leave room in the daemon's 4 MB. */
static void pages_never_written_to_are_not_resident(void **state)
{
	struct history *h =
		mmap(NULL, sizeof(*h), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t taken;
	struct path_view view = up(40000);
	struct history_point p;

	(void)state;
	assert_true(h != MAP_FAILED);
	madvise(h, sizeof(*h), MADV_NOHUGEPAGE);
	for (int64_t s = 0; s < 86400; s++) {
		for (unsigned path = 0; path < 16; path++)
			history_add(h, path, s * USEC_S + USEC_DAY * 7, &view, false);
	}
	for (unsigned path = 0; path < PATHS_MAX; path++)
		history_read(h, path, HISTORY_5MIN, INT64_MIN / 2, INT64_MAX / 2, &p, 1);
	taken = resident_bytes(h);
	print_message("%zu KiB virtual, %zu KiB resident\n", sizeof(*h) >> 10, taken >> 10);
	if (sysconf(_SC_PAGESIZE) == 4096)
		assert_true(taken < 1500 << 10);
	munmap(h, sizeof(*h));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(values_come_back_within_a_step_of_their_scale, fresh),
		cmocka_unit_test_setup(unknown_is_not_zero, fresh),
		cmocka_unit_test_setup(a_summary_keeps_the_worst_and_the_median, fresh),
		cmocka_unit_test_setup(one_second_of_outage_is_still_seen_after_90_days, fresh),
		cmocka_unit_test_setup(the_oldest_are_dropped, fresh),
		cmocka_unit_test_setup(a_gap_stays_a_gap, fresh),
		cmocka_unit_test_setup(time_that_runs_backwards_changes_nothing, fresh),
		cmocka_unit_test_setup(cells_of_an_earlier_boot_lie_before_zero, fresh),
		cmocka_unit_test_setup(a_forgotten_path_is_empty, fresh),
		cmocka_unit_test_setup(the_finest_resolution_that_reaches_back_is_chosen, fresh),
		cmocka_unit_test(pages_never_written_to_are_not_resident),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
