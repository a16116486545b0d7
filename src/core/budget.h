/*
 * Probe bytes of one link, as a token bucket: a tenth of the month's budget may be saved up for bursts, the rest flows
 * in evenly, so that no span of 30 days ever takes more than the budget.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct budget {
	int64_t budget_bytes; /* per 30 days; 0: no limit */
	int64_t level_mb;     /* thousandths of a byte ("milli-bytes") in the bucket */
	int64_t filled_us;    /* up to when it has been filled */
	int64_t spent_bytes;  /* since the start */
	bool tight;           /* the last refusal is not long ago */
};

/* What may be spent for; each leaves a part of the bucket to those after it. */
enum budget_use {
	BUDGET_BURST,     /* is the path dead: everything */
	BUDGET_HEARTBEAT, /* leaves a third */
	BUDGET_CHECK,     /* DNS, HTTP, large packets; is it bad: leaves two thirds */
};

/* A new limit keeps what is in the bucket, as far as it fits. */
void budget_set(struct budget *b, int64_t budget_bytes, int64_t now_us);

bool budget_allows(struct budget *b, enum budget_use use, int64_t bytes, int64_t now_us);
void budget_spend(struct budget *b, int64_t bytes, int64_t now_us);

/* The interval at which probes of bytes each use up just what flows in; 0: no limit. */
int64_t budget_interval_us(const struct budget *b, int64_t bytes);

/* Part of the bucket that is filled, in percent; 100 without a limit. */
int budget_percent(const struct budget *b);
int64_t budget_left_bytes(const struct budget *b); /* -1: no limit */
