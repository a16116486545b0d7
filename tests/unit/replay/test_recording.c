/* The recordings' format and the semantics of the scorer's world, and whatever else may be in such
   a file. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "replay/recording.h"

#define HEADER "t_s,rtt_ms,loss,state\n"

static char file[] = "/tmp/recording-XXXXXX";
static struct recording rec;
static struct problem problem;

static void save(const char *text)
{
	FILE *f = fopen(file, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int load(const char *text)
{
	save(text);
	memset(&problem, 0, sizeof(problem));
	return recording_load(&rec, file, 0, false, &problem);
}

static int make_file(void **state)
{
	int fd = mkstemp(file);

	(void)state;
	if (fd < 0)
		return -1;
	return close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(file);
}

static void rows_hold_until_the_next_and_no_longer_than_1600_ms(void **state)
{
	struct recording_state s;

	(void)state;
	assert_int_equal(load(HEADER "10,40,0,\n11,60,0.25,\n20,80,1,\n"), 0);
	assert_false(recording_at(&rec, 9999999).known);
	s = recording_at(&rec, 10500000);
	assert_true(s.known);
	assert_int_equal(s.rtt_us, 40000);
	assert_int_equal(s.loss, 0);
	s = recording_at(&rec, 12600000);
	assert_true(s.known);
	assert_int_equal(s.loss, UINT32_MAX / 4);
	s = recording_at(&rec, 12600001);
	assert_false(s.known);
	assert_int_equal(s.rtt_us, 60000); /* the median */
	assert_int_equal(s.loss, 0);
	assert_int_equal(recording_at(&rec, 20000000).loss, UINT32_MAX);
	/* back in time again */
	assert_int_equal(recording_at(&rec, 10500000).rtt_us, 40000);
	recording_free(&rec);
}

static void a_late_answer_is_lost_and_a_loss_has_the_median_round_trip(void **state)
{
	(void)state;
	assert_int_equal(load(HEADER "0,1000.1,0,\n1,,1,\n2,40,,\n3,50,0,\n"), 0);
	assert_int_equal(rec.median_us, 50000);
	assert_int_equal(recording_at(&rec, 0).loss, UINT32_MAX);
	assert_int_equal(recording_at(&rec, 0).rtt_us, 50000);
	assert_int_equal(recording_at(&rec, 1000000).rtt_us, 50000);
	assert_int_equal(recording_at(&rec, 2000000).loss, 0);
	recording_free(&rec);
}

static void pieces_are_laid_end_to_end(void **state)
{
	(void)state;
	save(HEADER "100,40,0,\n101,41,0,\n500,42,0,\n501,43,0,\n");
	assert_int_equal(recording_load(&rec, file, 60000000, true, &problem), 0);
	assert_int_equal(rec.row[0].at_us, 0);
	assert_int_equal(rec.row[1].at_us, 1000000);
	assert_int_equal(rec.row[2].at_us, 1200000);
	assert_int_equal(rec.row[3].at_us, 2200000);
	recording_free(&rec);
}

static void columns_may_be_in_any_order_and_rows_short(void **state)
{
	(void)state;
	assert_int_equal(load("state,loss,t_s,x,rtt_ms\nA,0,1,,40\r\nA,1,2\nA\n"), 0);
	assert_int_equal(rec.n, 2);
	assert_int_equal(rec.row[0].rtt_us, 40000);
	assert_int_equal(rec.absurd, 1);
	recording_free(&rec);
}

static void nonsense_is_left_out_and_counted(void **state)
{
	(void)state;
	assert_int_equal(load(HEADER "1,40,0,\n"
				     "2,nan,0,\n"
				     "3,inf,0,\n"
				     "4,40,1.5,\n"
				     "5,40,-1,\n"
				     "x,40,0,\n"
				     "1e300,40,0,\n"
				     ",40,0,\n"
				     "6,40,0 ,\n"
				     "0.5,40,0,\n"
				     "7,1e12,0,\n"
				     "8,,,\n"
				     "9,40,0,\n"),
		0);
	assert_int_equal(rec.n, 2);
	assert_int_equal(rec.absurd, 9);
	assert_int_equal(rec.backwards, 1);
	recording_free(&rec);
}

static void says_what_is_wrong_and_where(void **state)
{
	static char longer[8192];

	(void)state;
	assert_int_equal(load(""), -EINVAL);
	assert_string_equal(problem.place, file);
	assert_int_equal(load("t_s,loss\n1,0\n"), -EINVAL);
	assert_int_equal(problem.line, 1);
	assert_non_null(strstr(problem.text, "rtt_ms"));
	assert_int_equal(load(HEADER), -EINVAL);
	assert_int_equal(load(HEADER "1,,,\n"), -EINVAL);
	memset(longer, '1', sizeof(longer) - 1);
	memcpy(longer, HEADER, strlen(HEADER));
	assert_int_equal(load(longer), -EINVAL);
	assert_int_equal(problem.line, 2);
	assert_int_equal(recording_load(&rec, "/nowhere/at/all", 0, false, &problem), -ENOENT);
}

static void a_cut_off_gzip_file_is_an_error(void **state)
{
	gzFile z = gzopen(file, "wb");
	unsigned char bytes[65536];
	size_t n;
	FILE *f;

	(void)state;
	assert_non_null(z);
	gzputs(z, HEADER);
	for (int i = 0; i < 5000; i++)
		gzprintf(z, "%d,%d.%d,0,\n", i, i * 7919 % 1000, i * 104729 % 1000);
	gzclose(z);
	assert_int_equal(recording_load(&rec, file, 0, false, &problem), 0);
	assert_int_equal(rec.n, 5000);
	recording_free(&rec);
	f = fopen(file, "rb");
	n = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	f = fopen(file, "wb");
	fwrite(bytes, 1, n / 2, f);
	fclose(f);
	assert_int_equal(recording_load(&rec, file, 0, false, &problem), -EIO);
	assert_non_null(strstr(problem.text, "cut off"));
	assert_true(problem.line > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_hold_until_the_next_and_no_longer_than_1600_ms),
		cmocka_unit_test(a_late_answer_is_lost_and_a_loss_has_the_median_round_trip),
		cmocka_unit_test(pieces_are_laid_end_to_end),
		cmocka_unit_test(columns_may_be_in_any_order_and_rows_short),
		cmocka_unit_test(nonsense_is_left_out_and_counted),
		cmocka_unit_test(says_what_is_wrong_and_where),
		cmocka_unit_test(a_cut_off_gzip_file_is_an_error),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
