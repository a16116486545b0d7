#include "trace.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define US_PER_S 1e6
#define US_PER_MS 1e3
#define PPM 1e6
#define SECONDS_MAX 1e8 /* three years: keeps every time far inside an int64_t */
#define RTT_MS_MAX 60e3
#define FIELD_MAX 32

enum column { COLUMN_T, COLUMN_RTT, COLUMN_LOSS, COLUMN_COUNT };

static const char *const column_names[COLUMN_COUNT] = {"t_s", "rtt_ms", "loss"};

struct field {
	const char *at;
	size_t len;
};

struct line_reader {
	const char *at;
	const char *end;
};

static bool next_line(struct line_reader *reader, struct field *ret_line)
{
	const char *newline;

	if (reader->at == reader->end)
		return false;
	newline = memchr(reader->at, '\n', (size_t)(reader->end - reader->at));
	ret_line->at = reader->at;
	ret_line->len = (size_t)((newline ? newline : reader->end) - reader->at);
	reader->at = newline ? newline + 1 : reader->end;
	if (ret_line->len && ret_line->at[ret_line->len - 1] == '\r')
		ret_line->len--;
	return true;
}

/* Takes the next comma-separated field off the front of *line; false: the line is used up. */
static bool next_field(struct field *line, struct field *ret_field)
{
	const char *comma;

	if (!line->at)
		return false;
	comma = memchr(line->at, ',', line->len);
	ret_field->at = line->at;
	ret_field->len = comma ? (size_t)(comma - line->at) : line->len;
	if (comma) {
		line->len -= ret_field->len + 1;
		line->at = comma + 1;
	} else {
		line->at = NULL;
	}
	return true;
}

static bool find_columns(struct field line, int index_of[COLUMN_COUNT])
{
	struct field field;

	for (int c = 0; c < COLUMN_COUNT; c++)
		index_of[c] = -1;
	for (int i = 0; next_field(&line, &field); i++)
		for (int c = 0; c < COLUMN_COUNT; c++)
			if (field.len == strlen(column_names[c]) &&
				memcmp(field.at, column_names[c], field.len) == 0)
				index_of[c] = i;
	return index_of[COLUMN_T] >= 0 && (index_of[COLUMN_RTT] >= 0 || index_of[COLUMN_LOSS] >= 0);
}

/* An empty field is NaN.  Returns false for what is neither empty nor a number within limits. */
static bool parse_number(struct field field, double max, double *ret_value)
{
	char text[FIELD_MAX + 1];
	double value;
	char *end;

	if (field.len == 0) {
		*ret_value = NAN;
		return true;
	}
	if (field.len > FIELD_MAX)
		return false;
	memcpy(text, field.at, field.len);
	text[field.len] = '\0';
	value = strtod(text, &end);
	if (end != text + field.len || !isfinite(value) || value < 0 || value > max)
		return false;
	*ret_value = value;
	return true;
}

/* Returns false if the line is to be skipped. */
static bool parse_row(struct field line, const int index_of[COLUMN_COUNT],
	struct trace_row *ret_row)
{
	static const double limits[COLUMN_COUNT] = {SECONDS_MAX, RTT_MS_MAX, 1};
	double values[COLUMN_COUNT] = {NAN, NAN, NAN};
	struct field field;

	for (int i = 0; next_field(&line, &field); i++)
		for (int c = 0; c < COLUMN_COUNT; c++)
			if (index_of[c] == i && !parse_number(field, limits[c], &values[c]))
				return false;
	if (isnan(values[COLUMN_T]))
		return false;
	ret_row->t_us = (int64_t)(values[COLUMN_T] * US_PER_S + 0.5);
	ret_row->rtt_us = -1;
	ret_row->loss_ppm = 0;
	if (!isnan(values[COLUMN_RTT]))
		ret_row->rtt_us = (int32_t)(values[COLUMN_RTT] * US_PER_MS + 0.5);
	if (!isnan(values[COLUMN_LOSS]))
		ret_row->loss_ppm = (int32_t)(values[COLUMN_LOSS] * PPM + 0.5);
	return true;
}

static int append(struct trace *trace, size_t *capacity, struct trace_row row)
{
	size_t grown = *capacity ? *capacity * 2 : 1024;
	struct trace_row *rows;

	if (trace->n_rows == TRACE_ROWS_MAX)
		return -EFBIG;
	if (trace->n_rows == *capacity) {
		rows = realloc(trace->rows, grown * sizeof(*rows));
		if (!rows)
			return -ENOMEM;
		trace->rows = rows;
		*capacity = grown;
	}
	trace->rows[trace->n_rows++] = row;
	return 0;
}

/* Times count from the first row; the last row holds as long as the one before it did. */
static void settle(struct trace *trace)
{
	struct trace_row *rows = trace->rows;
	int64_t origin_us = rows[0].t_us;
	int64_t last_us = TRACE_HOLD_US;

	for (size_t i = 0; i < trace->n_rows; i++) {
		rows[i].t_us -= origin_us;
		if (i > 0 && rows[i].rtt_us < 0)
			rows[i].rtt_us = rows[i - 1].rtt_us;
	}
	if (trace->n_rows > 1)
		last_us = rows[trace->n_rows - 1].t_us - rows[trace->n_rows - 2].t_us;
	if (last_us > TRACE_HOLD_US)
		last_us = TRACE_HOLD_US;
	trace->length_us = rows[trace->n_rows - 1].t_us + last_us;
}

int trace_parse(const char *text, size_t len, struct trace *ret_trace)
{
	struct line_reader reader = {.at = text, .end = text + len};
	struct trace trace = {0};
	int index_of[COLUMN_COUNT];
	int64_t last_us = -1;
	size_t capacity = 0;
	struct trace_row row;
	struct field line;
	int error;

	if (!next_line(&reader, &line) || !find_columns(line, index_of))
		return -ENOMSG;
	while (next_line(&reader, &line)) {
		if (!parse_row(line, index_of, &row) || row.t_us <= last_us) {
			trace.n_skipped++;
			continue;
		}
		last_us = row.t_us;
		error = append(&trace, &capacity, row);
		if (error) {
			trace_done(&trace);
			return error;
		}
	}
	if (!trace.n_rows) {
		trace_done(&trace);
		return -ENOMSG;
	}
	settle(&trace);
	*ret_trace = trace;
	return 0;
}

void trace_done(struct trace *trace)
{
	free(trace->rows);
	*trace = (struct trace){0};
}

struct trace_point trace_at(const struct trace *trace, int64_t t_us)
{
	const struct trace_row *row;
	size_t low = 0;
	size_t high = trace->n_rows;

	t_us %= trace->length_us;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (trace->rows[middle].t_us <= t_us)
			low = middle;
		else
			high = middle;
	}
	row = &trace->rows[low];
	return (struct trace_point){
		.rtt_us = row->rtt_us,
		.loss_ppm = t_us - row->t_us < TRACE_HOLD_US ? row->loss_ppm : 0,
	};
}

int32_t trace_one_way_ppm(int32_t round_trip_ppm)
{
	return (int32_t)(PPM * (1 - sqrt(1 - round_trip_ppm / PPM)) + 0.5);
}
