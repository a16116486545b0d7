#include "core/eventring.h"

void eventring_init(struct eventring *r, uint64_t first)
{
	r->first = r->next = first ? first : 1;
}

uint64_t eventring_put(struct eventring *r, const struct event *e)
{
	r->ring[r->next % EVENTRING_SIZE] = *e;
	return r->next++;
}

uint64_t eventring_oldest(const struct eventring *r)
{
	uint64_t held = r->next - r->first;

	return held > EVENTRING_SIZE ? r->next - EVENTRING_SIZE : r->first;
}

size_t eventring_read(const struct eventring *r, uint64_t *cursor, struct eventring_entry ret[],
	size_t max, uint64_t *ret_lost)
{
	uint64_t oldest = eventring_oldest(r), lost = 0;
	size_t n = 0;

	if (!*cursor)
		*cursor = oldest;
	if (*cursor > r->next)
		*cursor = r->next;
	if (*cursor < oldest) {
		lost = oldest - *cursor;
		*cursor = oldest;
	}
	while (n < max && *cursor < r->next) {
		ret[n].seq = *cursor;
		ret[n++].event = r->ring[*cursor % EVENTRING_SIZE];
		(*cursor)++;
	}
	*ret_lost = lost;
	return n;
}
