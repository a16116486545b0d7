#include "io/inbox.h"

#include <time.h>

#include "base/usec.h"

void inbox_init(struct inbox *b)
{
	/* the ring is written before it is read: its pages stay untouched until they are used */
	b->head = 0;
	b->count = 0;
	b->refused = 0;
}

bool inbox_put(struct inbox *b, const struct input *in)
{
	if (b->count == INBOX_SIZE) {
		b->refused++;
		return false;
	}
	b->ring[(b->head + b->count) % INBOX_SIZE] = *in;
	b->count++;
	return true;
}

bool inbox_take(struct inbox *b, struct input *ret)
{
	if (!b->count)
		return false;
	*ret = b->ring[b->head];
	b->head = (b->head + 1) % INBOX_SIZE;
	b->count--;
	return true;
}

size_t inbox_room(const struct inbox *b)
{
	return INBOX_SIZE - b->count;
}

int64_t inbox_clock_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * USEC_S + t.tv_nsec / 1000;
}
