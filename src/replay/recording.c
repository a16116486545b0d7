#include "replay/recording.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define LINE_SIZE 4096
#define COLUMNS_MAX 64
/* A recording longer than this, or that begins later, is not one. */
#define SECONDS_MAX 1e9
#define ROWS_MAX (SIZE_MAX / sizeof(struct recording_row) / 4)

enum column {
	COLUMN_T,
	COLUMN_RTT,
	COLUMN_LOSS,
	COLUMN_COUNT,
};

static const char *const column_name[COLUMN_COUNT] = {"t_s", "rtt_ms", "loss"};

struct csv {
	gzFile file;
	const char *name;
	int line;
	int place[COLUMN_COUNT];
	char text[LINE_SIZE];
	char *field[COLUMNS_MAX];
	int n_fields;
	struct problem *problem;
};

static int complain(struct csv *csv, int line, const char *text)
{
	problem_set(csv->problem, csv->name, line, "%s", text);
	return -EINVAL;
}

/* 1 with a line; 0 at the end; -errno. */
static int next_line(struct csv *csv)
{
	const char *why;
	size_t length;
	int code;

	if (!gzgets(csv->file, csv->text, sizeof(csv->text))) {
		why = gzerror(csv->file, &code);
		if (code == Z_OK || code == Z_STREAM_END)
			return 0;
		problem_set(csv->problem, csv->name, csv->line, "cannot be read further: %s",
			code == Z_BUF_ERROR ? "the file is cut off" : why);
		return -EIO;
	}
	csv->line++;
	length = strlen(csv->text);
	if (length + 1 == sizeof(csv->text) && csv->text[length - 1] != '\n')
		return complain(csv, csv->line, "the line is too long for a recording");
	while (length && (csv->text[length - 1] == '\n' || csv->text[length - 1] == '\r'))
		csv->text[--length] = '\0';
	return 1;
}

static void split(struct csv *csv)
{
	char *at = csv->text;

	csv->n_fields = 0;
	while (at && csv->n_fields < COLUMNS_MAX) {
		csv->field[csv->n_fields++] = at;
		at = strchr(at, ',');
		if (at)
			*at++ = '\0';
	}
}

static int read_header(struct csv *csv)
{
	int error = next_line(csv);

	if (error < 0)
		return error;
	if (!error)
		return complain(csv, 1, "the file is empty");
	split(csv);
	for (unsigned c = 0; c < COLUMN_COUNT; c++) {
		csv->place[c] = -1;
		for (int i = 0; i < csv->n_fields; i++) {
			if (!strcmp(csv->field[i], column_name[c]))
				csv->place[c] = i;
		}
		if (csv->place[c] < 0) {
			problem_set(csv->problem, csv->name, csv->line,
				"the header has no column %s; is this a recording?",
				column_name[c]);
			return -EINVAL;
		}
	}
	return 0;
}

/* A number within min..max.  1, 0 when the field is empty, -EINVAL when it is anything else. */
static int number(const struct csv *csv, enum column column, double min, double max, double *ret)
{
	const char *text;
	char *end;
	double v;

	if (csv->place[column] >= csv->n_fields)
		return 0;
	text = csv->field[csv->place[column]];
	if (!*text)
		return 0;
	v = strtod(text, &end);
	if (*end || !isfinite(v) || v < min || v > max)
		return -EINVAL;
	*ret = v;
	return 1;
}

int recording_append(struct recording *r, const struct recording_row *row)
{
	if (r->n && row->at_us < r->row[r->n - 1].at_us) {
		r->backwards++;
		return -EINVAL;
	}
	if (r->n == r->room) {
		size_t room = r->room ? 2 * r->room : 4096;
		struct recording_row *more =
			room > ROWS_MAX ? NULL : realloc(r->row, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		r->row = more;
		r->room = room;
	}
	r->row[r->n++] = *row;
	return 0;
}

/* One row: appended, left out because it says nothing, or left out and counted. */
static int take_row(struct recording *r, const struct csv *csv, int64_t offset_us)
{
	double t = 0, rtt = 0, loss = 0;
	int has_t = number(csv, COLUMN_T, -SECONDS_MAX, SECONDS_MAX, &t);
	int has_rtt = number(csv, COLUMN_RTT, 0, 1e6, &rtt);
	int has_loss = number(csv, COLUMN_LOSS, 0, 1, &loss);
	struct recording_row row = {.rtt_us = -1};
	int error;

	if (has_t <= 0 || has_rtt < 0 || has_loss < 0) {
		r->absurd++;
		r->absurd_line = r->absurd_line ? r->absurd_line : csv->line;
		return 0;
	}
	if (!has_rtt && !has_loss)
		return 0;
	row.at_us = (int64_t)llround(t * 1e6) - offset_us;
	if (has_rtt)
		row.rtt_us = (int32_t)lround(rtt * 1e3);
	row.loss = (uint32_t)(loss * UINT32_MAX);
	if (row.rtt_us > RECORDING_LATE_US)
		row.loss = UINT32_MAX;
	error = recording_append(r, &row);
	if (error == -EINVAL && !r->backwards_line)
		r->backwards_line = csv->line;
	return error == -ENOMEM ? -ENOMEM : 0;
}

static int by_value(const void *a, const void *b)
{
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

	return (x > y) - (x < y);
}

int recording_finish(struct recording *r)
{
	int32_t *known = malloc(r->n * sizeof(*known));
	size_t n = 0;

	if (!known)
		return -ENOMEM;
	for (size_t i = 0; i < r->n; i++) {
		if (r->row[i].rtt_us >= 0)
			known[n++] = r->row[i].rtt_us;
	}
	qsort(known, n, sizeof(*known), by_value);
	r->median_us = !n ? 50000 : n % 2 ? known[n / 2] : (known[n / 2 - 1] + known[n / 2]) / 2;
	free(known);
	return 0;
}

static void lay_end_to_end(struct recording *r)
{
	int64_t was = r->row[0].at_us, shift = was;

	for (size_t i = 0; i < r->n; i++) {
		int64_t at = r->row[i].at_us;

		if (at - was > RECORDING_HOLD_US)
			shift += at - was - RECORDING_GAP_US;
		was = at;
		r->row[i].at_us = at - shift;
	}
}

static int read_rows(struct recording *r, struct csv *csv, int64_t offset_us)
{
	int error = read_header(csv);

	while (!error && (error = next_line(csv)) > 0) {
		split(csv);
		error = take_row(r, csv, offset_us);
		if (error)
			problem_set(csv->problem, csv->name, csv->line, "no memory for it");
	}
	if (!error && !r->n)
		error = complain(csv, csv->line, "no row says anything of rtt_ms or loss");
	return error;
}

int recording_load(struct recording *r, const char *file, int64_t offset_us, bool compact,
	struct problem *ret)
{
	struct csv csv = {.name = file, .problem = ret};
	int error;

	memset(r, 0, sizeof(*r));
	r->hold_us = RECORDING_HOLD_US;
	errno = 0;
	csv.file = gzopen(file, "rb");
	if (!csv.file) {
		error = errno ? -errno : -ENOMEM;
		problem_set(ret, file, 0, "cannot open: %s", strerror(-error));
		return error;
	}
	gzbuffer(csv.file, 1 << 16);
	error = read_rows(r, &csv, offset_us);
	gzclose(csv.file);
	if (!error)
		error = recording_finish(r);
	if (!error && compact)
		lay_end_to_end(r);
	if (error)
		recording_free(r);
	return error;
}

void recording_free(struct recording *r)
{
	free(r->row);
	r->row = NULL;
	r->n = r->room = 0;
}

/* The last row at or before at_us, or -1.  Looks mostly go forward by a little. */
static ptrdiff_t find(struct recording *r, int64_t at_us)
{
	size_t low = 0, high = r->n;

	if (r->cursor < r->n && r->row[r->cursor].at_us <= at_us) {
		for (unsigned steps = 0; steps < 8; steps++) {
			if (r->cursor + 1 >= r->n || r->row[r->cursor + 1].at_us > at_us)
				return (ptrdiff_t)r->cursor;
			r->cursor++;
		}
		low = r->cursor;
	}
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (r->row[middle].at_us <= at_us)
			low = middle + 1;
		else
			high = middle;
	}
	r->cursor = low ? low - 1 : 0;
	return (ptrdiff_t)low - 1;
}

struct recording_state recording_at(struct recording *r, int64_t at_us)
{
	ptrdiff_t i = find(r, at_us);
	struct recording_state state = {.rtt_us = r->median_us};

	if (i < 0 || at_us - r->row[i].at_us > r->hold_us)
		return state;
	state.known = true;
	state.loss = r->row[i].loss;
	if (r->row[i].rtt_us >= 0 && r->row[i].rtt_us <= RECORDING_LATE_US)
		state.rtt_us = r->row[i].rtt_us;
	return state;
}
