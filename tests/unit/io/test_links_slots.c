#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/links_slots.h"

static struct slots slots;
static int told;
static int told_line[32];

static void tell(void *user, const struct problem *problem)
{
	(void)user;
	assert_string_equal(problem->place, "slots");
	assert_non_null(strstr(problem->text, "skipped"));
	told_line[told++] = problem->line;
}

static void parse(const char *text)
{
	told = 0;
	slots_parse(&slots, "slots", text, strlen(text), 5, tell, NULL);
}

static void fill(void)
{
	memset(&slots, 0, sizeof(slots));
	for (int i = 0; i < LINKS_MAX; i++) {
		char name[DEVICE_SIZE], was[DEVICE_SIZE];

		snprintf(name, sizeof(name), "w%d", i);
		assert_int_equal(slots_allot(&slots, name, false, was), i);
		assert_string_equal(was, "");
	}
}

static void reads_what_it_prints(void **state)
{
	struct slots again;
	char text[1024];

	(void)state;
	fill();
	memset(&slots.slot[3], 0, sizeof(slots.slot[3]));
	strcpy(slots.slot[4].interface, "wan");
	strcpy(slots.slot[5].interface, "thirty-one.letters_long.xxxxxxx");
	assert_true(slots_print(&slots, text, sizeof(text)) < sizeof(text));
	again = slots;
	parse(text);
	assert_int_equal(told, 0);
	for (int i = 0; i < LINKS_MAX; i++) {
		assert_string_equal(slots.slot[i].device, again.slot[i].device);
		assert_string_equal(slots.slot[i].interface, again.slot[i].interface);
		assert_int_equal(slots.slot[i].absent_since_us, i == 3 ? 0 : 5);
	}
}

static void bad_lines_are_told_and_skipped(void **state)
{
	static const int lines[] = {2, 3, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 18, 19};

	(void)state;
	parse("# slot device\n"
	      "nonsense\n"
	      "16 eth9\n"
	      "3 eth1\n"
	      "3 eth4\n"
	      "4 eth1\n"
	      "5 a/b\n"
	      "6  eth6\n"
	      "7 ..\n"
	      "8 sixteen-letters-\n"
	      "18446744073709551617 eth9\n"
	      "15 wwan0\n"
	      "-1 eth7\n"
	      "\n"
	      "9 eth9 and more than fits into any line of this file, which is long\n"
	      "10 last\n"
	      "11 eth11 \n"
	      "11 eth11 two words\n"
	      "11 eth11 thirty-two.letters_long.xxxxxxxx\n"
	      "11 eth11 wan");
	assert_int_equal(told, (int)(sizeof(lines) / sizeof(lines[0])));
	assert_memory_equal(told_line, lines, sizeof(lines));
	assert_int_equal(slots_find(&slots, "eth1"), 3);
	assert_int_equal(slots_find(&slots, "wwan0"), 15);
	assert_int_equal(slots_find(&slots, "last"), 10);
	assert_int_equal(slots_find(&slots, "eth9"), -1);
	assert_string_equal(slots.slot[11].interface, "wan");
}

static void bytes_that_are_no_text(void **state)
{
	static const char text[] = "1 eth\0 1\n2 e\x01h\n3 good\n";

	(void)state;
	told = 0;
	slots_parse(&slots, "slots", text, sizeof(text) - 1, 5, tell, NULL);
	assert_int_equal(told, 2);
	assert_int_equal(slots_find(&slots, "good"), 3);
	assert_int_equal(slots_find(&slots, "eth"), -1);
}

static void longest_absent_slot_is_recycled(void **state)
{
	char was[DEVICE_SIZE] = "untouched";

	(void)state;
	fill();
	assert_int_equal(slots_allot(&slots, "new", false, was), -1);
	assert_string_equal(was, "untouched");
	slots.slot[4].absent_since_us = 300;
	slots.slot[9].absent_since_us = 100;
	slots.slot[2].absent_since_us = 50;
	slots.slot[2].kept = true;
	assert_int_equal(slots_allot(&slots, "new", false, was), 9);
	assert_string_equal(was, "w9");
	assert_int_equal(slots.slot[9].absent_since_us, 0);
	assert_int_equal(slots_find(&slots, "w9"), -1);
	assert_int_equal(slots_find(&slots, "new"), 9);
}

static void configured_device_takes_the_newest_that_is_not(void **state)
{
	char was[DEVICE_SIZE];

	(void)state;
	fill();
	slots.slot[15].kept = true;
	assert_int_equal(slots_allot(&slots, "must", true, was), 14);
	assert_string_equal(was, "w14");
	for (int i = 0; i < LINKS_MAX; i++)
		slots.slot[i].kept = true;
	assert_int_equal(slots_allot(&slots, "more", true, was), -1);
}

static void file_is_replaced_as_a_whole(void **state)
{
	char folder[] = "/tmp/test_links_slots.XXXXXX", file[64], other[80];
	struct slots again;
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(file, sizeof(file), "%s/slots", folder);
	snprintf(other, sizeof(other), "%s.new", file);
	assert_int_equal(slots_load(&again, file, 5, tell, NULL), -ENOENT);
	assert_int_equal(again.slot[0].device[0], 0);
	fill();
	assert_int_equal(slots_save(&slots, file), 0);
	assert_int_equal(stat(other, &st), -1);
	assert_int_equal(slots_load(&again, file, 5, tell, NULL), 0);
	assert_string_equal(again.slot[7].device, "w7");

	/* what cannot be written leaves the old one */
	assert_int_equal(mkdir(other, 0700), 0);
	memset(&slots, 0, sizeof(slots));
	assert_int_equal(slots_save(&slots, file), -EISDIR);
	assert_int_equal(slots_load(&again, file, 5, tell, NULL), 0);
	assert_string_equal(again.slot[7].device, "w7");
	assert_int_equal(rmdir(other), 0);
	assert_int_equal(unlink(file), 0);
	assert_int_equal(rmdir(folder), 0);
	assert_int_equal(slots_save(&slots, file), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_it_prints),
		cmocka_unit_test(bad_lines_are_told_and_skipped),
		cmocka_unit_test(bytes_that_are_no_text),
		cmocka_unit_test(longest_absent_slot_is_recycled),
		cmocka_unit_test(configured_device_takes_the_newest_that_is_not),
		cmocka_unit_test(file_is_replaced_as_a_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
