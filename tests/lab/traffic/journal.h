/*
 * What a flow lived through: a sample per packet, request or connection, an event per turn of
 * fate, and from these the log and the summary.  Times are CLOCK_MONOTONIC in microseconds; -1
 * where something did not happen.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct sample {
	int64_t sent_us;
	int64_t connected_us; /* TCP: when the connection stood */
	int64_t served_us;    /* when the server had it */
	int64_t answered_us;
	int64_t bytes;            /* bulk: so far on this connection */
	int error;                /* errno that ended it, 0: none, or merely no answer */
	int status;               /* HTTP status; 0: none */
	struct in6_addr observed; /* the address the server saw; all zero: not known */
};

enum event_kind {
	EVENT_CONNECTED,
	EVENT_FAILED,  /* a connection attempt */
	EVENT_BROKEN,  /* a connection that stood: error says how */
	EVENT_STALLED, /* given up by us after a silence */
};

struct event {
	int64_t at_us;
	enum event_kind kind;
	int error;
};

struct via {
	struct in6_addr observed;
	uint64_t answers;
};

#define JOURNAL_VIAS_MAX 40

struct journal {
	const char *mode;
	const char *to;
	int64_t start_us;
	int64_t end_us; /* when sending ended */
	FILE *follow;   /* NULL: none; not owned */
	size_t n_followed;
	struct sample *samples;
	size_t n_samples;
	size_t samples_size;
	struct event *events;
	size_t n_events;
	size_t events_size;
	/* kept up as answers come in */
	size_t n_answered;
	int64_t last_answer_us;
	struct in6_addr last_observed;
	struct via vias[JOURNAL_VIAS_MAX];
	size_t n_vias;
	uint64_t via_changes;
	int64_t bytes; /* bulk: in all; kept by the flow */
};

/*
 * follow, if any, is written as things happen, one JSON object a line: one when a sample is sent,
 * one more with all that is known when it is answered or fails, so that of several lines with the
 * same "seq" the last one counts; and one for each event.
 */
void journal_init(struct journal *journal, const char *mode, const char *to, FILE *follow,
	int64_t now_us);
void journal_done(struct journal *journal);

/* Adds a sample and returns its index.  Running out of memory ends the program: exit(1). */
size_t journal_send(struct journal *journal, int64_t sent_us);
struct sample *journal_sample(struct journal *journal, size_t index);

/* Notes an answer, the first of a sample only.  observed: NULL where it is not known. */
void journal_answer(struct journal *journal, size_t index, int64_t answered_us, int64_t served_us,
	const struct in6_addr *observed);

/* Notes what ended a sample that has no answer. */
void journal_fail(struct journal *journal, size_t index, int error);
void journal_event(struct journal *journal, int64_t at_us, enum event_kind kind, int error);

/* Writes the samples sent since the last call to follow. */
void journal_follow(struct journal *journal);

/* One JSON object a line: samples in the order of sending, then events. */
void journal_write_log(const struct journal *journal, FILE *file);

/* One JSON object, one line. */
void journal_write_summary(const struct journal *journal, FILE *file);
void journal_write_live(const struct journal *journal, int64_t now_us, FILE *file);
