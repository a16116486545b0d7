/* Frames under way: a fixed pool, and the line each direction keeps them in until they are due. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define FRAME_MAX 2016
#define FRAME_POOL 65536

struct frame {
	struct frame *next;
	struct frame *previous;
	int64_t due_us;
	uint32_t len;
	uint8_t data[FRAME_MAX];
};

struct frame_pool {
	struct frame *memory; /* touched only as far as ever needed at once */
	size_t n_touched;
	struct frame *free;
};

/* Ordered by due_us, first come first served among equals. */
struct frame_line {
	struct frame *first;
	struct frame *last;
	size_t n;
};

/* Returns 0 or -ENOMEM. */
int frame_pool_init(struct frame_pool *pool);
void frame_pool_done(struct frame_pool *pool);

/* NULL: all are in use. */
struct frame *frame_take(struct frame_pool *pool);
void frame_give_back(struct frame_pool *pool, struct frame *frame);

void frame_line_add(struct frame_line *line, struct frame *frame);

/* The first frame if it is due, taken off the line; else NULL. */
struct frame *frame_line_due(struct frame_line *line, int64_t now_us);
