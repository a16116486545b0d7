/*
 * The one queue between the adapters and the engine.  An adapter knows this and nothing else of the daemon: it builds a
 * struct input and puts it here; autonomyd.c empties the queue after each wake-up of the loop.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/input.h"

#define INBOX_SIZE 256

struct inbox {
	struct input ring[INBOX_SIZE];
	size_t head, count;
	uint64_t refused; /* puts that found it full */
};

void inbox_init(struct inbox *b);

/* False when full: stop reading, the kernel holds what is to come; or, where it cannot, count the loss. */
bool inbox_put(struct inbox *b, const struct input *in);

/* False when empty. */
bool inbox_take(struct inbox *b, struct input *ret);

size_t inbox_room(const struct inbox *b);

/* CLOCK_MONOTONIC, µs: the one place that reads the clock for inputs. */
int64_t inbox_clock_us(void);
