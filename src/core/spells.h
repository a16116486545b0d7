/*
 * How long a path's troubles last when left alone, and what follows for leaving it: a histogram of spells (of silence, or
 * of badness) by length, and the patience that would have cost this path's users least over the spells it remembers.
 *
 * A spell shorter than the patience d costs its length; a longer one costs d and the price of leaving and coming back:
 *
 *      cost(d) = sum of the lengths of the spells shorter than d + (number of the others) * (d + 2 * switch cost)
 *
 * A path that often comes back within 300 ms is given 300 ms; one that never does is given the floor.  Before anything
 * is known the spells that are usual for its kind of link count.
 */
#pragma once

#include "core/input.h"

struct spells_prior {
	uint8_t ended[LEARNED_SPELLS];
	uint8_t lasting;
};

/* A spell has ended by itself after length_us. */
void spells_add(struct spells *s, int64_t length_us);

/* A spell has outlasted the histogram. */
void spells_add_lasting(struct spells *s);

/* The wait that costs least, at least floor_us. */
int64_t spells_patience_us(const struct spells *s, const struct spells_prior *prior,
	int64_t floor_us, int64_t switch_cost_us);

/* Rounded counts, for people. */
uint32_t spells_ended(const struct spells *s);
uint32_t spells_lasting(const struct spells *s);

/* The longest spell that the histogram tells apart. */
int64_t spells_longest_us(void);
