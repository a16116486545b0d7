/* The memory of a site as bytes: what is written is read back, and nothing else is. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/usec.h"
#include "core/sitelog.h"

#define NOW_US (1000 * USEC_S)
#define WALL_MS INT64_C(1790000000000)

static struct sitelog_writer w;
static struct policy policy;

static int setup(void **state)
{
	(void)state;
	sitelog_init(&w);
	memset(&policy, 0, sizeof(policy));
	policy.links = 5;
	strcpy(policy.link[0].name, "wan");
	policy.link[0].preference = -7;
	strcpy(policy.link[2].name, "lte");
	policy.link[2].metered = true;
	policy.link[2].kind = LINK_KIND_CELLULAR;
	policy.link[2].order = 3;
	return 0;
}

static int put_row(const struct witness_row *row)
{
	struct sitelog_record v = {.kind = SITELOG_ROW, .at_us = row->at_us, .row = *row};

	return sitelog_put(&w, &v);
}

static int put_move(const struct witness_move *move)
{
	struct sitelog_record v = {.kind = SITELOG_MOVE, .at_us = move->at_us, .move = *move};

	return sitelog_put(&w, &v);
}

/* The records of the block that was written last. */
static unsigned read_back(struct sitelog_record ret[], unsigned max)
{
	struct sitelog_reader r;
	unsigned n = 0;
	int got;

	assert_int_equal(sitelog_open(&r, w.bytes, sizeof(w.bytes)), 0);
	while (n < max && (got = sitelog_next(&r, &ret[n])) > 0)
		n++;
	assert_int_equal(got, 0);
	return n;
}

static void a_block_comes_back_as_it_was_written(void **state)
{
	struct sitelog_record v[16];
	struct witness_row row = {.at_us = NOW_US + 3 * USEC_S,
		.path = 4,
		.usable = true,
		.loss_permille = 250,
		.rtt_us = 43200};
	struct witness_move move = {.at_us = NOW_US + USEC_S, .path = 4};
	struct sitelog_record bytes = {.kind = SITELOG_BYTES,
		.at_us = NOW_US + 4 * USEC_S,
		.bytes = 123456};
	struct sitelog_record end = {.kind = SITELOG_END, .at_us = NOW_US + 5 * USEC_S};
	unsigned n;

	(void)state;
	assert_true(sitelog_set_links(&w, &policy));
	assert_false(sitelog_set_links(&w, &policy));
	sitelog_begin(&w, NOW_US, WALL_MS);
	assert_int_equal(put_row(&row), 0);
	assert_int_equal(put_move(&move), 0); /* times may go back a little */
	assert_int_equal(sitelog_put(&w, &bytes), 0);
	assert_int_equal(sitelog_put(&w, &end), 0);
	assert_true(sitelog_end(&w) > SITELOG_HEADER_SIZE);
	n = read_back(v, 16);
	assert_int_equal(n, 6);
	assert_string_equal(v[0].link.name, "wan");
	assert_int_equal(v[0].link.preference, -7);
	assert_string_equal(v[1].link.name, "lte");
	assert_int_equal(v[1].link.slot, 2);
	assert_true(v[1].link.metered);
	assert_int_equal(v[1].link.kind, LINK_KIND_CELLULAR);
	assert_int_equal(v[2].row.at_us, row.at_us);
	assert_int_equal(v[2].row.loss_permille, 250);
	assert_int_equal(v[2].row.rtt_us, 43200);
	assert_true(v[2].row.usable);
	assert_int_equal(v[3].kind, SITELOG_MOVE);
	assert_int_equal(v[3].move.at_us, move.at_us);
	assert_int_equal(v[3].move.path, 4);
	assert_int_equal(v[4].bytes, 123456);
	assert_int_equal(v[5].kind, SITELOG_END);
	assert_int_equal(v[5].at_us, NOW_US + 5 * USEC_S);
}

static void the_next_block_stands_alone(void **state)
{
	struct sitelog_record v[16];
	struct witness_row row = {.at_us = NOW_US, .path = 4, .usable = true, .rtt_us = -1};
	struct witness_move move = {.at_us = NOW_US, .path = 4};

	(void)state;
	sitelog_set_links(&w, &policy);
	sitelog_begin(&w, NOW_US, WALL_MS);
	put_row(&row);
	put_move(&move);
	sitelog_end(&w);
	sitelog_begin(&w, NOW_US + 10 * USEC_S, 0);
	sitelog_end(&w);
	assert_int_equal(read_back(v, 16), 4);
	assert_int_equal(v[2].row.at_us, NOW_US);
	assert_int_equal(v[2].row.rtt_us, -1);
	assert_int_equal(v[3].move.path, 4);
	assert_int_equal(v[3].at_us, NOW_US + 10 * USEC_S);
	/* what was said long ago is not repeated */
	sitelog_begin(&w, NOW_US + WITNESS_REFRESH_US + USEC_S, 0);
	sitelog_end(&w);
	assert_int_equal(read_back(v, 16), 3);
}

static void a_full_block_says_so_and_stays_whole(void **state)
{
	static struct sitelog_record v[2000];
	struct witness_row row = {.at_us = NOW_US, .path = 0, .usable = true};
	unsigned n = 0;

	(void)state;
	sitelog_set_links(&w, &policy);
	assert_int_equal(put_row(&row), -ENOSPC); /* none is open */
	sitelog_begin(&w, NOW_US, WALL_MS);
	while (!put_row(&row)) {
		row.at_us += USEC_S;
		n++;
	}
	assert_true(n > 400);
	assert_true(sitelog_end(&w) <= SITELOG_BLOCK_SIZE);
	assert_int_equal(sitelog_end(&w), 0);
	assert_int_equal(read_back(v, 2000), n + 2);
}

static void any_flipped_bit_is_noticed(void **state)
{
	struct witness_row row = {.at_us = NOW_US, .path = 31, .usable = true, .rtt_us = 999};
	struct sitelog_reader r;
	size_t size;

	(void)state;
	sitelog_set_links(&w, &policy);
	sitelog_begin(&w, NOW_US, WALL_MS);
	put_row(&row);
	size = sitelog_end(&w);
	for (size_t i = 0; i < 8 * size; i++) {
		w.bytes[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_int_not_equal(sitelog_open(&r, w.bytes, size), 0);
		w.bytes[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	for (size_t i = 0; i < size; i++)
		assert_int_equal(sitelog_open(&r, w.bytes, i), -ENODATA);
	assert_int_equal(sitelog_open(&r, w.bytes, size), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_block_comes_back_as_it_was_written, setup),
		cmocka_unit_test_setup(the_next_block_stands_alone, setup),
		cmocka_unit_test_setup(a_full_block_says_so_and_stays_whole, setup),
		cmocka_unit_test_setup(any_flipped_bit_is_noticed, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
