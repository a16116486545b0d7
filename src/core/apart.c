#include "core/apart.h"

#include "base/usec.h"

#define LOOK_US (250 * USEC_MS)
#define LOOK_STALE_US USEC_S
#define LOOK_PACKETS 4 /* answers to users in that time: some 16 a second */
#define KEEP_US                                                                                    \
	(30 * USEC_S) /* what is usual is learned anew when it begins: not for every pause */

bool apart_ask(struct apart *a, bool busy, int64_t now_us)
{
	if (now_us >= a->until_us && (!busy || now_us < a->look_us))
		return false;
	a->look_us = now_us + LOOK_US;
	return true;
}

/* Both families' packets have been answered since the last look. */
static bool both_flow(const struct apart *a, const struct input_counters *c)
{
	for (unsigned f = 0; f < FAMILY_COUNT; f++)
		if (c->rx_of[f] < a->rx[f] ||
			c->rx_of[f] - a->rx[f] < (uint64_t)a->own_rx[f] + LOOK_PACKETS)
			return false;
	return true;
}

static void look(struct apart *a, const struct input_counters *c, int64_t now_us)
{
	if (a->looked_us && now_us - a->looked_us < LOOK_US)
		return;
	if (a->looked_us && now_us - a->looked_us < LOOK_STALE_US && both_flow(a, c))
		a->until_us = now_us + KEEP_US;
	a->looked_us = now_us;
	for (unsigned f = 0; f < FAMILY_COUNT; f++) {
		a->rx[f] = c->rx_of[f];
		a->own_rx[f] = 0;
	}
}

bool apart_read(struct apart *a, const struct input_counters *c,
	const struct passive family[FAMILY_COUNT], int64_t now_us)
{
	bool was_known = a->known;

	a->known = c->apart;
	for (unsigned f = 0; f < FAMILY_COUNT; f++)
		a->own_rx[f] += family[f].own_rx;
	/* asked for and not given: another device, without IPv6 */
	if (!c->apart)
		a->until_us = 0;
	else
		look(a, c, now_us);
	return c->apart && was_known && now_us < a->until_us;
}
