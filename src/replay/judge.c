#include "replay/judge.h"

#include <stdlib.h>

#include "base/usec.h"

#define RATING_NEEDED 70.0

void judge_note(struct judge_moves *m, int64_t at_us, unsigned link)
{
	if (m->n == m->room) {
		size_t room = m->room ? 2 * m->room : 64;
		struct judge_move *more = realloc(m->move, room * sizeof(*more));

		if (!more) {
			m->incomplete = true;
			return;
		}
		m->move = more;
		m->room = room;
	}
	m->move[m->n++] = (struct judge_move){at_us, link};
}

void judge_forget(struct judge_moves *m)
{
	free(m->move);
	*m = (struct judge_moves){0};
}

int64_t judge_total_us(const struct judge_cost *c)
{
	return c->bad_us + c->switches * JUDGE_SWITCH_US;
}

static double rating(double rtt_ms, double loss)
{
	double delay_ms = rtt_ms / 2 + 40, percent = 100 * loss;
	double id = 0.024 * delay_ms + (delay_ms > 177.3 ? 0.11 * (delay_ms - 177.3) : 0);

	return 93.2 - id - 95 * percent / (percent + 25.1);
}

struct judge_slot judge_at(struct scenario *s, unsigned link, int64_t at_us)
{
	struct judge_slot slot = {.known = true, .bad = true, .out = true};
	struct recording_state state;
	double loss;

	if (link >= s->n_links)
		return slot; /* on no link nothing works, and that is known */
	state = recording_at(&s->link[link].recording, at_us);
	loss = (double)state.loss / UINT32_MAX;
	slot.known = state.known;
	slot.bad = state.known && rating(state.rtt_us / 1e3, loss) < RATING_NEEDED;
	slot.out = state.known && loss > 0.999;
	return slot;
}

static bool every_link_known(struct scenario *s, int64_t at_us)
{
	for (unsigned i = 0; i < s->n_links; i++)
		if (!recording_at(&s->link[i].recording, at_us).known)
			return false;
	return true;
}

struct judge_cost judge(struct scenario *s, const struct judge_moves *m,
	const struct judge_traffic traffic[], size_t n_traffic, bool all_known)
{
	struct judge_cost c = {0};
	unsigned active = LINKS_MAX;
	size_t move = 0, flow = 0;

	for (int64_t at_us = s->t0_us; at_us < s->t1_us; at_us += JUDGE_SLOT_US) {
		struct judge_slot slot;

		if (all_known && !every_link_known(s, at_us))
			continue;
		while (move < m->n && m->move[move].at_us <= at_us) {
			c.switches += move && m->move[move].link != active &&
				      m->move[move].at_us > s->t0_us;
			active = m->move[move++].link;
		}
		for (; flow < n_traffic && traffic[flow].at_us <= at_us; flow++)
			if (traffic[flow].at_us > s->t0_us && active < s->n_links &&
				s->link[active].metered)
				c.metered_bytes += traffic[flow].bytes;
		if (!move)
			continue; /* nobody knows what was used */
		slot = judge_at(s, active, at_us);
		c.known_us += slot.known ? JUDGE_SLOT_US : 0;
		c.bad_us += slot.bad ? JUDGE_SLOT_US : 0;
		c.out_us += slot.out ? JUDGE_SLOT_US : 0;
	}
	for (unsigned i = 0; i < s->n_links; i++)
		c.metered_bytes += s->link[i].metered ? s->link[i].probe_bytes : 0;
	return c;
}

static int64_t least_of(const int64_t cost_us[], unsigned n)
{
	int64_t least_us = cost_us[0];

	for (unsigned i = 1; i < n; i++)
		least_us = usec_min(least_us, cost_us[i]);
	return least_us;
}

void judge_bounds(struct scenario *s, int64_t *ret_least_us, int64_t *ret_first_us)
{
	int64_t cost_us[LINKS_MAX] = {0}, first_us = 0;

	for (int64_t at_us = s->t0_us; at_us < s->t1_us; at_us += JUDGE_SLOT_US) {
		struct judge_slot slot[LINKS_MAX] = {{0}};
		int64_t moved_us = least_of(cost_us, s->n_links) + JUDGE_SWITCH_US;
		bool known = true;

		for (unsigned i = 0; i < s->n_links; i++) {
			slot[i] = judge_at(s, i, at_us);
			known &= slot[i].known;
		}
		if (!known)
			continue;
		for (unsigned i = 0; i < s->n_links; i++)
			cost_us[i] =
				usec_min(cost_us[i], moved_us) + (slot[i].bad ? JUDGE_SLOT_US : 0);
		first_us += slot[0].bad ? JUDGE_SLOT_US : 0;
	}
	*ret_least_us = least_of(cost_us, s->n_links);
	*ret_first_us = first_us;
}
