/* The site's record on the disk: its size and a day's writes are bounded, whatever the links do. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/usec.h"
#include "io/sitefile.h"

/* An engine that is only what the witness looks at: one path whose probes the test makes up. */
static struct {
	struct policy policy;
	struct probe_view probe[4096];
	uint32_t n;
	bool usable;
	unsigned used;
	int64_t used_us;
} fake;

const struct policy *engine_policy(const struct engine *e)
{
	(void)e;
	return &fake.policy;
}

bool engine_view_probe(const struct engine *e, unsigned path, uint32_t cursor,
	struct probe_view *ret)
{
	(void)e;
	if (path || cursor >= fake.n)
		return false;
	*ret = fake.probe[cursor % 4096];
	ret->next = cursor + 1;
	return true;
}

bool engine_view_usable(const struct engine *e, unsigned path)
{
	(void)e;
	return !path && fake.usable;
}

unsigned engine_view_used(const struct engine *e, unsigned class, enum family family,
	int64_t *ret_since_us)
{
	(void)e;
	(void)class;
	*ret_since_us = fake.used_us;
	return family == FAMILY_IPV4 ? fake.used : PATHS_MAX;
}

static char folder[] = "/tmp/sitefile-XXXXXX";
static struct sitefile s;
static struct problem problem;
static int64_t now_us;

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[80];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static uint64_t size_of(const char *name)
{
	char path[80];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return stat(path, &st) ? 0 : (uint64_t)st.st_size;
}

static int setup(void **state)
{
	char path[80];

	(void)state;
	snprintf(path, sizeof(path), "%s/site.rec", folder);
	remove(path);
	snprintf(path, sizeof(path), "%s/site.old", folder);
	remove(path);
	memset(&fake, 0, sizeof(fake));
	fake.policy.links = 1;
	strcpy(fake.policy.link[0].name, "wan");
	fake.usable = true;
	fake.used = PATHS_MAX;
	now_us = 100 * USEC_S;
	return 0;
}

static void start(uint64_t limit_bytes, uint64_t day_bytes)
{
	assert_int_equal(sitefile_open(&s, folder, limit_bytes, day_bytes, &problem), 0);
}

static void answer(int64_t rtt_us)
{
	fake.probe[fake.n++ % 4096] = (struct probe_view){.sent_us = now_us, .rtt_us = rtt_us};
}

static void tick(void)
{
	now_us += USEC_S;
	assert_int_equal(sitefile_tick(&s, NULL, now_us, now_us / 1000, &problem), 0);
}

/* The records of a kind in site.rec; ret_bytes is what those of SITELOG_BYTES tell. */
static unsigned count_all(enum sitelog_kind kind, uint64_t *ret_bytes)
{
	static uint8_t data[1 << 20];
	char path[80];
	struct sitelog_record v;
	struct sitelog_reader r;
	size_t n, at = 0;
	unsigned found = 0;
	FILE *f;

	*ret_bytes = 0;
	snprintf(path, sizeof(path), "%s/site.rec", folder);
	f = fopen(path, "rb");
	assert_non_null(f);
	n = fread(data, 1, sizeof(data), f);
	fclose(f);
	for (; at < n; at += r.size) {
		assert_int_equal(sitelog_open(&r, data + at, n - at), 0);
		while (sitelog_next(&r, &v) > 0) {
			found += v.kind == kind;
			*ret_bytes += v.kind == SITELOG_BYTES ? v.bytes : 0;
		}
	}
	return found;
}

static unsigned count(enum sitelog_kind kind)
{
	uint64_t ignored;

	return count_all(kind, &ignored);
}

/* No record whose time is a step away finds room in the block any more. */
static void fill_block(void)
{
	struct sitelog_record v = {.kind = SITELOG_BYTES, .at_us = now_us - 1000 * USEC_S};

	while (!sitelog_put(&s.writer, &v))
		;
}

static void send(uint64_t total_bytes)
{
	struct input in = {.kind = INPUT_COUNTERS, .counters = {.tx_bytes = total_bytes}};

	sitefile_step(&s, &in, NULL);
}

static void a_quiet_link_takes_little(void **state)
{
	(void)state;
	start(1000000, UINT64_MAX);
	fake.used = 0;
	fake.used_us = now_us;
	for (int i = 0; i < 3600; i++) {
		answer(20000 + i % 5 * 1000);
		tick();
	}
	sitefile_close(&s, NULL, now_us);
	/* a row each half minute, one move, and what a block begins with */
	assert_in_range(count(SITELOG_ROW), 120, 140);
	assert_in_range(count(SITELOG_MOVE), 1, 8);
	assert_int_equal(count(SITELOG_END), 1);
	assert_in_range(size_of("site.rec"), 1000, 4000);
}

static void what_changes_is_told_at_once(void **state)
{
	(void)state;
	start(1000000, UINT64_MAX);
	answer(20000);
	tick();
	fake.usable = false;
	tick();
	fake.usable = true;
	for (int i = 0; i < 4; i++)
		tick();
	answer(20000);
	tick();
	answer(90000);
	tick();
	fake.used = 0;
	fake.used_us = now_us;
	for (int i = 0; i < 3; i++)
		tick();
	assert_int_equal(sitefile_flush(&s, NULL, now_us, &problem), 0);
	assert_int_equal(count(SITELOG_ROW), 4);
	assert_int_equal(count(SITELOG_MOVE), 1);
	sitefile_close(&s, NULL, now_us);
	assert_int_equal(s.fd, -1);
}

static void the_files_never_outgrow_their_limit(void **state)
{
	uint64_t most = 0;

	(void)state;
	start(40000, UINT64_MAX);
	for (int i = 0; i < 40000; i++) {
		answer(i % 2 ? 20000 : 200000);
		tick();
		if (i % 100 == 0 && size_of("site.rec") + size_of("site.old") > most)
			most = size_of("site.rec") + size_of("site.old");
	}
	assert_true(most <= 40000);
	assert_true(most > 20000);
	assert_true(s.blocks > 20);
	sitefile_close(&s, NULL, now_us);
}

static void a_days_writes_never_exceed_their_share(void **state)
{
	(void)state;
	start(100000000, 50000);
	for (int i = 0; i < 86400; i++) {
		answer(i % 2 ? 20000 : 2000000);
		tick();
	}
	assert_true(size_of("site.rec") <= 50000);
	assert_true(size_of("site.rec") > 45000);
	assert_true(s.dropped > 0);
	/* the next day has its own */
	for (int i = 0; i < 3600; i++) {
		answer(i % 2 ? 20000 : 2000000);
		tick();
	}
	assert_true(size_of("site.rec") > 50000);
	sitefile_close(&s, NULL, now_us);
}

/* Ahead of the day's pace a link that trembles is looked at less closely, and nothing is left out. */
static void a_trembling_link_is_told_more_coarsely(void **state)
{
	(void)state;
	start(100000000, 250000);
	for (int i = 0; i < 86400; i++) {
		answer(i % 2 ? 20000 : 60000);
		tick();
	}
	assert_int_equal(s.dropped, 0);
	assert_true(size_of("site.rec") <= 250000);
	sitefile_close(&s, NULL, now_us);
}

static void a_full_block_loses_neither_bytes_nor_the_end(void **state)
{
	uint64_t bytes;

	(void)state;
	start(1000000, UINT64_MAX);
	send(0);
	tick();
	fill_block();
	send(500);
	assert_int_equal(sitefile_flush(&s, NULL, now_us, &problem), 0);
	fill_block();
	send(1200);
	for (int i = 0; i < 10; i++) /* one of these writes them */
		tick();
	fill_block();
	sitefile_close(&s, NULL, now_us);
	assert_int_equal(count_all(SITELOG_END, &bytes), 1);
	assert_int_equal(bytes, 1200);
}

static void nothing_is_recorded_when_that_is_wanted(void **state)
{
	(void)state;
	start(0, 1000);
	answer(20000);
	for (int i = 0; i < 700; i++)
		tick();
	assert_int_equal(sitefile_flush(&s, NULL, now_us, &problem), 0);
	sitefile_close(&s, NULL, now_us);
	assert_int_equal(size_of("site.rec"), 0);
}

static void a_folder_that_cannot_be_written_is_told_once(void **state)
{
	(void)state;
	problem.text[0] = '\0';
	assert_int_equal(sitefile_open(&s, "/nonexistent/folder", 1000, 1000, &problem), -ENOENT);
	assert_non_null(strstr(problem.text, "record"));
	tick();
	sitefile_close(&s, NULL, now_us);
}

static void a_full_disk_ends_it_and_is_told_once(void **state)
{
	int full = open("/dev/full", O_WRONLY);

	(void)state;
	if (full < 0)
		skip();
	start(1000000, UINT64_MAX);
	close(s.fd);
	s.fd = full;
	answer(20000);
	tick();
	assert_int_equal(sitefile_flush(&s, NULL, now_us, &problem), -ENOSPC);
	assert_false(sitefile_active(&s));
	tick();
	sitefile_close(&s, NULL, now_us);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_quiet_link_takes_little, setup),
		cmocka_unit_test_setup(what_changes_is_told_at_once, setup),
		cmocka_unit_test_setup(the_files_never_outgrow_their_limit, setup),
		cmocka_unit_test_setup(a_days_writes_never_exceed_their_share, setup),
		cmocka_unit_test_setup(a_trembling_link_is_told_more_coarsely, setup),
		cmocka_unit_test_setup(a_full_block_loses_neither_bytes_nor_the_end, setup),
		cmocka_unit_test_setup(nothing_is_recorded_when_that_is_wanted, setup),
		cmocka_unit_test_setup(a_folder_that_cannot_be_written_is_told_once, setup),
		cmocka_unit_test_setup(a_full_disk_ends_it_and_is_told_once, setup),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
