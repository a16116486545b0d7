/* An import in place, while others edit the file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../scratch.h"

#include "ctl/import_command.h"

#define OLD "config autonomy 'main'\n\toption enable '1'\n"
#define EDITED OLD "\tlist interface 'wan'\n"

static char file[96], why[512];
static const char *edit; /* is made once the import has read the file; NULL: none */

int flock(int fd, int operation)
{
	const char *text = edit;

	/* shared to read, exclusive to write */
	if (operation & LOCK_EX && text) {
		edit = NULL;
		put(file, text);
	}
	return (int)syscall(SYS_flock, fd, operation);
}

static enum exit_code import(const char *output)
{
	const struct arguments a = {.local = LOCAL_IMPORT, .word = file, .output = output};

	why[0] = '\0';
	return import_command(&a, why, sizeof(why));
}

static int setup(void **state)
{
	(void)state;
	scratch_make();
	snprintf(file, sizeof(file), "%s/autonomy", scratch_folder);
	put(file, OLD);
	edit = NULL;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return scratch_remove();
}

static void in_place_it_becomes_the_new_file(void **state)
{
	(void)state;
	assert_int_equal(import(file), EXIT_OK);
	assert_string_not_equal(get(file), OLD);
}

static void an_edit_made_meanwhile_is_not_lost(void **state)
{
	(void)state;
	edit = EDITED;
	assert_int_equal(import(file), EXIT_REFUSED);
	assert_non_null(strstr(why, "import it again"));
	assert_string_equal(get(file), EDITED);
	assert_int_equal(import(file), EXIT_OK);
}

static void another_file_is_not_replaced(void **state)
{
	char other[128];

	(void)state;
	snprintf(other, sizeof(other), "%s/new", scratch_folder);
	put(other, "mine\n");
	assert_int_equal(import(other), EXIT_REFUSED);
	assert_non_null(strstr(why, "there already"));
	assert_string_equal(get(other), "mine\n");
	unlink(other);
	assert_int_equal(import(other), EXIT_OK);
	assert_string_equal(get(file), OLD);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(in_place_it_becomes_the_new_file),
		CASE(an_edit_made_meanwhile_is_not_lost),
		CASE(another_file_is_not_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
