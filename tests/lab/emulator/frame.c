#include "frame.h"

#include <errno.h>
#include <sys/mman.h>

int frame_pool_init(struct frame_pool *pool)
{
	void *memory = mmap(NULL, FRAME_POOL * sizeof(struct frame), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		return -ENOMEM;
	*pool = (struct frame_pool){.memory = memory};
	return 0;
}

void frame_pool_done(struct frame_pool *pool)
{
	if (pool->memory)
		munmap(pool->memory, FRAME_POOL * sizeof(struct frame));
	*pool = (struct frame_pool){0};
}

struct frame *frame_take(struct frame_pool *pool)
{
	struct frame *frame = pool->free;

	if (frame)
		pool->free = frame->next;
	else if (pool->n_touched < FRAME_POOL)
		frame = &pool->memory[pool->n_touched++];
	return frame;
}

void frame_give_back(struct frame_pool *pool, struct frame *frame)
{
	frame->next = pool->free;
	pool->free = frame;
}

void frame_line_add(struct frame_line *line, struct frame *frame)
{
	struct frame *before = line->last;

	while (before && before->due_us > frame->due_us)
		before = before->previous;
	frame->previous = before;
	frame->next = before ? before->next : line->first;
	if (frame->next)
		frame->next->previous = frame;
	else
		line->last = frame;
	if (before)
		before->next = frame;
	else
		line->first = frame;
	line->n++;
}

struct frame *frame_line_due(struct frame_line *line, int64_t now_us)
{
	struct frame *frame = line->first;

	if (!frame || frame->due_us > now_us)
		return NULL;
	line->first = frame->next;
	if (line->first)
		line->first->previous = NULL;
	else
		line->last = NULL;
	line->n--;
	return frame;
}
