#include "replay/whatif.h"

#include <errno.h>
#include <string.h>

#include "base/usec.h"

#define APART_US (60 * USEC_S) /* differences closer than this are one moment */

struct playing {
	const struct whatif_run *run;
	struct judge_moves *moves;
	unsigned part, parts;
};

static void moved(void *user, int64_t at_us, unsigned link)
{
	struct playing *p = user;

	judge_note(p->moves, at_us, link);
}

static void progress(void *user, unsigned permille)
{
	struct playing *p = user;

	if (p->run->progress)
		p->run->progress(p->run->user, (1000 * p->part + permille) / p->parts);
}

int whatif_play(const struct whatif_run *run, const struct config *config, unsigned part,
	unsigned parts, struct judge_moves *ret_moves, struct judge_cost *ret)
{
	struct judge_moves moves = {0};
	struct playing p = {.run = run, .moves = &moves, .part = part, .parts = parts};
	struct scenario_run play = {.config = config,
		.seed = run->seed,
		.moved = moved,
		.progress = progress,
		.user = &p};
	struct scenario_result result;
	int error = scenario_play(run->scenario, &play, &result);

	if (!error && (result.stuck || moves.incomplete))
		error = moves.incomplete ? -ENOMEM : -EDEADLK;
	if (!error)
		*ret = judge(run->scenario, &moves, run->traffic, run->n_traffic, run->all_known);
	if (!error && ret_moves)
		*ret_moves = moves;
	else
		judge_forget(&moves);
	return error;
}

/* How much of a moment matters: time that one of them was bad and the other was not. */
static int64_t weight_us(const struct whatif_moment *m)
{
	int64_t us = m->was_bad_us - m->would_bad_us;

	return us < 0 ? -us : us;
}

/* Keeps the moments of the most weight. */
static void keep(struct whatif *w, const struct whatif_moment *m)
{
	unsigned least = 0;

	if (w->n_moments < WHATIF_MOMENTS_MAX) {
		w->moment[w->n_moments++] = *m;
		return;
	}
	w->moments_more++;
	for (unsigned i = 1; i < WHATIF_MOMENTS_MAX; i++)
		if (weight_us(&w->moment[i]) < weight_us(&w->moment[least]))
			least = i;
	if (weight_us(m) <= weight_us(&w->moment[least]))
		return;
	memmove(&w->moment[least], &w->moment[least + 1],
		(WHATIF_MOMENTS_MAX - 1 - least) * sizeof(w->moment[0]));
	w->moment[WHATIF_MOMENTS_MAX - 1] = *m;
}

struct follower {
	const struct judge_moves *moves;
	size_t at;
	unsigned link;
};

static void follow(struct follower *f, int64_t at_us)
{
	while (f->at < f->moves->n && f->moves->move[f->at].at_us <= at_us)
		f->link = f->moves->move[f->at++].link;
}

/*
 * How far the play of what was configured is what really happened.  To be asked right after that play: which of the
 * recorded bytes were probes, and on which link, is not known, so those of the play stand for them in all columns alike.
 */
static void compare_happened(const struct whatif_run *run, const struct judge_moves *was,
	struct whatif *ret)
{
	struct follower real = {.moves = run->happened, .link = LINKS_MAX};
	struct follower play = {.moves = was, .link = LINKS_MAX};
	struct scenario *s = run->scenario;

	ret->has_happened = true;
	ret->happened = judge(s, run->happened, run->traffic, run->n_traffic, false);
	for (int64_t at_us = s->t0_us; at_us < s->t1_us; at_us += JUDGE_SLOT_US) {
		follow(&real, at_us);
		follow(&play, at_us);
		if (!real.at)
			continue;
		ret->happened_us += JUDGE_SLOT_US;
		ret->same_us += real.link == play.link ? JUDGE_SLOT_US : 0;
	}
}

static void compare(struct scenario *s, const struct judge_moves *was,
	const struct judge_moves *would, struct whatif *ret)
{
	struct follower a = {.moves = was, .link = LINKS_MAX};
	struct follower b = {.moves = would, .link = LINKS_MAX};
	struct whatif_moment m = {0};

	for (int64_t at_us = s->t0_us; at_us < s->t1_us; at_us += JUDGE_SLOT_US) {
		struct judge_slot x, y;

		follow(&a, at_us);
		follow(&b, at_us);
		x = judge_at(s, a.link, at_us);
		y = judge_at(s, b.link, at_us);
		ret->both_known_us += x.known && y.known ? JUDGE_SLOT_US : 0;
		if (a.link == b.link)
			continue;
		if (m.until_us && at_us - m.until_us > APART_US) {
			keep(ret, &m);
			m = (struct whatif_moment){0};
		}
		if (!m.until_us)
			m = (struct whatif_moment){.from_us = at_us,
				.was = a.link,
				.would = b.link};
		m.until_us = at_us + JUDGE_SLOT_US;
		m.was_bad_us += x.bad ? JUDGE_SLOT_US : 0;
		m.would_bad_us += y.bad ? JUDGE_SLOT_US : 0;
	}
	if (m.until_us)
		keep(ret, &m);
}

int whatif(const struct whatif_run *run, struct whatif *ret)
{
	struct judge_moves was = {0}, would = {0};
	int error;

	memset(ret, 0, sizeof(*ret));
	ret->span_us = run->scenario->t1_us - run->scenario->t0_us;
	error = whatif_play(run, run->was, 0, 2, &was, &ret->was);
	if (!error && run->happened && run->happened->n)
		compare_happened(run, &was, ret);
	if (!error)
		error = whatif_play(run, run->would, 1, 2, &would, &ret->would);
	if (!error)
		compare(run->scenario, &was, &would, ret);
	judge_forget(&was);
	judge_forget(&would);
	return error;
}
