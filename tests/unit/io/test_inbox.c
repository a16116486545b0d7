#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "io/inbox.h"

static struct inbox inbox;

static struct input numbered(unsigned number)
{
	return (struct input){.kind = INPUT_APPLIED,
		.now_us = number,
		.applied = {.action = number}};
}

static void hands_out_in_order(void **state)
{
	struct input in;

	(void)state;
	inbox_init(&inbox);
	/* several times round the ring, with every distance between the ends */
	for (unsigned put = 0, taken = 0; put < 5 * INBOX_SIZE;) {
		for (unsigned i = 0; i < 1 + put % 7 && inbox_room(&inbox); i++) {
			in = numbered(put++);
			assert_true(inbox_put(&inbox, &in));
		}
		for (unsigned i = 0; i < 1 + put % 5 && inbox_take(&inbox, &in); i++)
			assert_int_equal(in.applied.action, taken++);
	}
	assert_int_equal(inbox.refused, 0);
}

static void refuses_and_counts_when_full(void **state)
{
	struct input in;

	(void)state;
	inbox_init(&inbox);
	for (unsigned i = 0; i < INBOX_SIZE; i++) {
		assert_int_equal(inbox_room(&inbox), INBOX_SIZE - i);
		in = numbered(i);
		assert_true(inbox_put(&inbox, &in));
	}
	in = numbered(INBOX_SIZE);
	assert_false(inbox_put(&inbox, &in));
	assert_int_equal(inbox.refused, 1);
	assert_int_equal(inbox_room(&inbox), 0);
	for (unsigned i = 0; i < INBOX_SIZE; i++) {
		assert_true(inbox_take(&inbox, &in));
		assert_int_equal(in.applied.action, i);
	}
}

static void empty_leaves_the_output_alone(void **state)
{
	struct input in = numbered(7);

	(void)state;
	inbox_init(&inbox);
	assert_false(inbox_take(&inbox, &in));
	assert_int_equal(in.applied.action, 7);
}

static void clock_does_not_run_backwards(void **state)
{
	int64_t was_us = inbox_clock_us();

	(void)state;
	for (int i = 0; i < 10000; i++) {
		int64_t is_us = inbox_clock_us();

		assert_true(is_us >= was_us);
		was_us = is_us;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hands_out_in_order),
		cmocka_unit_test(refuses_and_counts_when_full),
		cmocka_unit_test(empty_leaves_the_output_alone),
		cmocka_unit_test(clock_does_not_run_backwards),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
