/*
 * Whose packets are unanswered?  The kernel's counters of a link are of both families together, those of IPv6 alone are dear to
 * ask for.  So they are asked for every quarter of a second where both families use the link, and with every
 * reading for as long as packets of both come in.
 */
#pragma once

#include "core/passive.h"

struct apart {
	int64_t look_us; /* next reading that wants the families apart, if only to see whether they both have traffic */
	int64_t looked_us;             /* the last of these; 0: none */
	uint64_t rx[FAMILY_COUNT];     /* counted then */
	uint32_t own_rx[FAMILY_COUNT]; /* of our probes, since then */
	int64_t until_us;              /* both had traffic lately: until then every reading */
	bool known;                    /* the last reading had them */
};

/* Is the next reading to have the families apart?  busy: the link carries traffic. */
bool apart_ask(struct apart *a, bool busy, int64_t now_us);

/* Takes note of a reading before passive does; true: its packets can be told apart, and should. */
bool apart_read(struct apart *a, const struct input_counters *c,
	const struct passive family[FAMILY_COUNT], int64_t now_us);
