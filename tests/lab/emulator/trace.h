/*
 * A recorded link: round-trip time and loss over time, read from CSV with one header line.
 * Columns are found by name: t_s (seconds, rising), rtt_ms, loss (0..1, of the round trip);
 * others are ignored and an empty field means "not known".
 *
 * A row holds until the next one, but for at most TRACE_HOLD_US: after that, and where loss is not
 * known, nothing is lost.  Where the RTT is not known the last known one stays.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define TRACE_HOLD_US 1600000
#define TRACE_ROWS_MAX 4000000

struct trace_row {
	int64_t t_us;     /* from the first row */
	int32_t rtt_us;   /* -1: not known yet */
	int32_t loss_ppm; /* of the round trip */
};

struct trace {
	struct trace_row *rows; /* t_us rising; owned */
	size_t n_rows;          /* > 0 */
	size_t n_skipped;       /* lines that made no sense */
	int64_t length_us;      /* of one round of play, > 0 */
};

struct trace_point {
	int64_t rtt_us; /* -1: not known */
	int32_t loss_ppm;
};

/*
 * Return 0 or a negative errno: -ENOMSG no usable row or no such columns, -EFBIG more rows or
 * bytes than fit, -ENOMEM, or what opening and reading the file gave.  The file may be gzipped.
 */
int trace_parse(const char *text, size_t len, struct trace *ret_trace);
int trace_load(const char *path, struct trace *ret_trace);
void trace_done(struct trace *trace);

/* What the link does t_us after the start; the trace repeats for ever.  t_us >= 0. */
struct trace_point trace_at(const struct trace *trace, int64_t t_us);

/* Loss of one direction that, lost independently in both, gives this loss of the round trip. */
int32_t trace_one_way_ppm(int32_t round_trip_ppm);
