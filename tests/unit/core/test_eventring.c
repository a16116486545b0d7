#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/eventring.h"

static void put(struct eventring *r, int n)
{
	struct event e = {.kind = EVENT_HEALTH};

	for (int i = 0; i < n; i++) {
		e.at_us = (int64_t)r->next;
		eventring_put(r, &e);
	}
}

static void a_reader_gets_every_event_once(void **state)
{
	static struct eventring r;
	struct eventring_entry got[4];
	uint64_t cursor = 0, lost, want = 1;
	size_t n;

	(void)state;
	eventring_init(&r, 1);
	put(&r, 10);
	while ((n = eventring_read(&r, &cursor, got, 4, &lost))) {
		assert_int_equal(lost, 0);
		for (size_t i = 0; i < n; i++, want++) {
			assert_int_equal(got[i].seq, want);
			assert_int_equal(got[i].event.at_us, want);
		}
	}
	assert_int_equal(want, 11);
	put(&r, 1);
	assert_int_equal(eventring_read(&r, &cursor, got, 4, &lost), 1);
	assert_int_equal(got[0].seq, 11);
}

static void a_slow_reader_is_told_what_it_lost(void **state)
{
	static struct eventring r;
	struct eventring_entry got[1];
	uint64_t cursor = 3, lost;

	(void)state;
	eventring_init(&r, 1);
	put(&r, EVENTRING_SIZE + 100);
	assert_int_equal(eventring_read(&r, &cursor, got, 1, &lost), 1);
	assert_int_equal(got[0].seq, 101);
	assert_int_equal(lost, 98);
	assert_int_equal(eventring_read(&r, &cursor, got, 1, &lost), 1);
	assert_int_equal(lost, 0);
}

static void numbers_go_on_after_a_restart(void **state)
{
	static struct eventring r;
	struct eventring_entry got[1];
	uint64_t cursor = 990, lost;

	(void)state;
	eventring_init(&r, 1000);
	assert_int_equal(eventring_oldest(&r), 1000);
	assert_int_equal(eventring_read(&r, &cursor, got, 1, &lost), 0);
	assert_int_equal(lost, 10);
	put(&r, 1);
	assert_int_equal(eventring_read(&r, &cursor, got, 1, &lost), 1);
	assert_int_equal(got[0].seq, 1000);
}

static void a_cursor_from_the_future_waits_at_the_end(void **state)
{
	static struct eventring r;
	struct eventring_entry got[1];
	uint64_t cursor = UINT64_MAX, lost;

	(void)state;
	eventring_init(&r, 0);
	put(&r, 2);
	assert_int_equal(eventring_read(&r, &cursor, got, 1, &lost), 0);
	assert_int_equal(cursor, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reader_gets_every_event_once),
		cmocka_unit_test(a_slow_reader_is_told_what_it_lost),
		cmocka_unit_test(numbers_go_on_after_a_restart),
		cmocka_unit_test(a_cursor_from_the_future_waits_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
