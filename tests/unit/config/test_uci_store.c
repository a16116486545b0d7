/* A file that others edit too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../scratch.h"

#include "config/uci_store.h"

static const char *const folder = scratch_folder;
static char file[96], other[96];
static struct uci_store s;
static int folders_synced;
static void (*at_sync)(void); /* when a file is synced; once */

int fsync(int fd)
{
	void (*call)(void) = at_sync;
	struct stat st;

	if (!fstat(fd, &st) && S_ISDIR(st.st_mode)) {
		folders_synced++;
	} else if (call) {
		at_sync = NULL;
		call();
	}
	return 0;
}

static int setup(void **state)
{
	(void)state;
	scratch_make();
	snprintf(file, sizeof(file), "%s/net-work", folder);
	snprintf(other, sizeof(other), "%s/real", folder);
	put(file, "old");
	uci_store_init(&s);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	uci_store_close(&s);
	uci_store_forget(&s);
	return scratch_remove();
}

static void replace(const char *text)
{
	assert_int_equal(uci_store_open(&s, file, NULL), 0);
	assert_int_equal(uci_store_replace(&s, text, strlen(text), NULL), 0);
	uci_store_close(&s);
}

static void what_is_there_is_read_and_replaced(void **state)
{
	struct stat st;

	(void)state;
	chmod(file, 0640);
	assert_int_equal(uci_store_open(&s, file, NULL), 0);
	assert_string_equal(s.text, "old");
	assert_int_equal(uci_store_replace(&s, "new", 3, NULL), 0);
	uci_store_close(&s);
	assert_string_equal(get(file), "new");
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
}

static void a_missing_file_is_made(void **state)
{
	(void)state;
	unlink(file);
	assert_int_equal(uci_store_open(&s, file, NULL), 0);
	assert_string_equal(s.text, "");
	assert_int_not_equal(access(file, F_OK), 0);
	assert_int_equal(uci_store_replace(&s, "new", 3, NULL), 0);
	uci_store_close(&s);
	assert_string_equal(get(file), "new");
}

static void a_symbolic_link_stays_one(void **state)
{
	struct stat st;

	(void)state;
	unlink(file);
	put(other, "far");
	assert_int_equal(symlink("real", file), 0);
	replace("new");
	assert_int_equal(lstat(file, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_string_equal(get(other), "new");
}

static void who_holds_the_lock_is_not_disturbed(void **state)
{
	int fd = open(file, O_RDWR);
	struct problem problem;

	(void)state;
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(uci_store_open(&s, file, &problem), -EBUSY);
	assert_non_null(strstr(problem.text, "try again"));
	flock(fd, LOCK_UN);
	assert_int_equal(uci_store_open(&s, file, NULL), 0);
	close(fd);
}

static void a_commit_about_to_be_renamed_is_waited_for(void **state)
{
	char temporary[128];

	(void)state;
	snprintf(temporary, sizeof(temporary), "%s/.net-work.uci-Ab12Cd", folder);
	put(temporary, "theirs");
	assert_int_equal(uci_store_open(&s, file, NULL), -EBUSY);
	assert_int_equal(rename(temporary, file), 0);
	assert_int_equal(uci_store_open(&s, file, NULL), 0);
	assert_string_equal(s.text, "theirs");
	/* of another package */
	snprintf(temporary, sizeof(temporary), "%s/.net.uci-Ab12Cd", folder);
	put(temporary, "");
	uci_store_close(&s);
	assert_int_equal(uci_store_open(&s, file, NULL), 0);
}

static void what_a_crash_left_is_not_waited_for(void **state)
{
	const struct timespec long_ago[2] = {{1, 0}, {1, 0}};
	char temporary[128];

	(void)state;
	snprintf(temporary, sizeof(temporary), "%s/.net-work.uci-Ab12Cd", folder);
	put(temporary, "theirs");
	assert_int_equal(utimensat(AT_FDCWD, temporary, long_ago, 0), 0);
	assert_int_equal(uci_store_open(&s, file, NULL), 0);
}

/* uci opens, waits for the lock, and then reads: from a file that has been renamed away meanwhile. */
static void who_waits_on_an_old_file_reads_the_new_text(void **state)
{
	char text[32] = "";
	int first = open(file, O_RDWR), second;

	(void)state;
	replace("something longer");
	second = open(file, O_RDWR);
	replace("second");
	assert_int_equal(flock(first, LOCK_EX | LOCK_NB), 0);
	assert_int_equal(read(first, text, sizeof(text)), 6);
	assert_string_equal(text, "second");
	assert_int_equal(flock(second, LOCK_EX | LOCK_NB), 0);
	assert_int_equal(read(second, text, sizeof(text)), 6);
	/* and while it works on that, nobody else does */
	assert_int_equal(uci_store_open(&s, file, NULL), -EBUSY);
	close(first);
	close(second);
	assert_int_equal(uci_store_open(&s, file, NULL), 0);
}

static void what_was_replaced_meanwhile_is_not_lost(void **state)
{
	(void)state;
	assert_int_equal(uci_store_open(&s, file, NULL), 0);
	put(other, "of somebody without locks");
	assert_int_equal(rename(other, file), 0);
	assert_int_equal(uci_store_replace(&s, "new", 3, NULL), -EBUSY);
	assert_string_equal(get(file), "of somebody without locks");
}

static void put_another_there(void)
{
	put(other, "theirs");
	assert_int_equal(rename(other, file), 0);
}

/* The file that was made is replaced before ours is: it is not the one that we made any more. */
static void what_somebody_else_made_is_not_taken_away(void **state)
{
	(void)state;
	unlink(file);
	assert_int_equal(uci_store_open(&s, file, NULL), 0);
	at_sync = put_another_there;
	assert_int_equal(uci_store_replace(&s, "new", 3, NULL), -EBUSY);
	assert_string_equal(get(file), "theirs");
}

static void what_is_removed_stays_so_over_a_power_cut(void **state)
{
	(void)state;
	folders_synced = 0;
	assert_int_equal(uci_store_remove(file), 0);
	assert_int_not_equal(access(file, F_OK), 0);
	assert_int_equal(folders_synced, 1);
	assert_int_equal(uci_store_remove(file), 0);
	assert_int_equal(folders_synced, 1);
	assert_true(uci_store_remove(folder) < 0);
}

static void staged_changes_are_read_and_taken_away(void **state)
{
	char staged[160], save[96], *text, *delta;
	size_t size, delta_size;

	(void)state;
	snprintf(save, sizeof(save), "%s/save", folder);
	snprintf(staged, sizeof(staged), "%s/net-work", save);
	assert_int_equal(mkdir(save, 0700), 0);
	put(staged, "net-work.a='b'\n");
	assert_int_equal(uci_store_read(file, save, 100, &text, &size, &delta, &delta_size), 0);
	assert_string_equal(text, "old");
	assert_string_equal(delta, "net-work.a='b'\n");
	free(text);
	free(delta);
	s.delta_dir = save;
	assert_int_equal(uci_store_open(&s, file, NULL), 0);
	assert_string_equal(s.delta, "net-work.a='b'\n");
	assert_int_equal(uci_store_replace(&s, "new", 3, NULL), 0);
	uci_store_unstage(&s);
	uci_store_close(&s);
	assert_string_equal(get(staged), "");
	unlink(file);
	assert_int_equal(uci_store_read(file, save, 100, &text, &size, &delta, &delta_size),
		-ENOENT);
}

static void what_cannot_be_a_configuration_is_refused(void **state)
{
	char *text, *delta;
	size_t size, delta_size;

	(void)state;
	assert_int_equal(uci_store_read(folder, NULL, 100, &text, &size, &delta, &delta_size),
		-EBADF);
	assert_int_equal(uci_store_read(file, NULL, 2, &text, &size, &delta, &delta_size), -EFBIG);
	unlink(file);
	assert_int_equal(uci_store_read(file, NULL, 2, &text, &size, &delta, &delta_size), -ENOENT);
	assert_int_equal(mkfifo(file, 0600), 0);
	assert_int_equal(uci_store_read(file, NULL, 2, &text, &size, &delta, &delta_size), -EBADF);
	assert_int_equal(uci_store_open(&s, file, NULL), -EBADF);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(what_is_there_is_read_and_replaced),
		CASE(a_missing_file_is_made),
		CASE(a_symbolic_link_stays_one),
		CASE(who_holds_the_lock_is_not_disturbed),
		CASE(a_commit_about_to_be_renamed_is_waited_for),
		CASE(what_a_crash_left_is_not_waited_for),
		CASE(who_waits_on_an_old_file_reads_the_new_text),
		CASE(what_was_replaced_meanwhile_is_not_lost),
		CASE(what_somebody_else_made_is_not_taken_away),
		CASE(what_is_removed_stays_so_over_a_power_cut),
		CASE(staged_changes_are_read_and_taken_away),
		CASE(what_cannot_be_a_configuration_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
