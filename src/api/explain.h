/*
 * Why it is as it is, in plain sentences: why this link, why not the others, whose fault, what is waited for, and what
 * would change it.  Composed from a snapshot alone, so that a test can hold every sentence against its numbers.
 */
#pragma once

#include "api/snapshot.h"

enum topic {
	TOPIC_NOW,      /* what carries the traffic */
	TOPIC_WHY,      /* the step that settled it */
	TOPIC_USER,     /* pins, holds, drains */
	TOPIC_WHY_NOT,  /* of each other path: the step at which it loses */
	TOPIC_FAULT,    /* of each path with a verdict */
	TOPIC_WAITING,  /* what holds a move back, and until when */
	TOPIC_FORECAST, /* how likely an outage of what is used is, and whether that is heeded */
	TOPIC_CHANGE,   /* what would lead to another choice */
	TOPIC_COUNT,
};

#define EXPLANATION_TEXT_SIZE 320
#define EXPLANATION_LINES_MAX (6 * LINKS_MAX)

struct explanation_line {
	enum topic topic;
	uint8_t path; /* that it is about; PATHS_MAX: none */
	char text[EXPLANATION_TEXT_SIZE];
};

struct explanation {
	unsigned n;
	struct explanation_line line[EXPLANATION_LINES_MAX];
};

const char *topic_name(enum topic topic);

/* wall_us: the snapshot's moment on the wall clock, for "until 14:03:22". */
void explain(const struct snapshot *s, unsigned class, enum family family, int64_t wall_us,
	struct explanation *ret);

/* Why a class uses what it uses, in half a sentence: "preferred to lte (100 over 50)". */
void explain_choice(const struct snapshot *s, unsigned class, enum family family, char *text,
	size_t size);

/* "up, 8.1 ms, no loss, score 93", "dead for 14 s: nothing came back for 2.3 s (patience 900 ms)" */
void explain_path(const struct snapshot *s, unsigned class, unsigned path, char *text, size_t size);

/* "the gateway answers, nothing beyond it does: the provider's fault" */
const char *explain_verdict(enum verdict verdict);
/* "IPv4" */
const char *explain_family(enum family family);
