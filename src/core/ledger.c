#include "core/ledger.h"

#include "base/usec.h"

#define INDEX(seq) ((size_t)((seq) % LEDGER_SIZE))

/* The same refusal again within this time is the same entry. */
#define REPEAT_US (60 * USEC_S)
/* A daemon that was stopped for longer has not watched. */
#define UPDATE_MAX_US (5 * USEC_S)
/* Evidence older than three heartbeats and this is stale. */
#define FRESH_SLACK_US (2 * USEC_S)

void ledger_init(struct ledger *l)
{
	l->next = 1;
	l->held = 0;
	l->updated_us = 0;
}

uint64_t ledger_oldest(const struct ledger *l)
{
	return l->next - l->held;
}

static struct ledger_entry *entry(struct ledger *l, uint64_t seq)
{
	return &l->ring[INDEX(seq)];
}

const struct ledger_entry *ledger_get(const struct ledger *l, uint64_t seq)
{
	if (seq >= l->next || seq < ledger_oldest(l))
		return NULL;
	return &l->ring[INDEX(seq)];
}

int64_t ledger_gain_us(const struct ledger_entry *e)
{
	int64_t saved_us = e->from_bad_us - e->to_bad_us;

	return e->kind == EVENT_STAY ? -saved_us : saved_us;
}

/* ---- what is taken down at the decision ---- */

static int32_t narrow(int64_t v)
{
	return v > INT32_MAX ? INT32_MAX : (int32_t)v;
}

static void take_down(struct ledger_path *ret, unsigned path, unsigned class, int64_t now_us,
	ledger_view_fn *view, void *user)
{
	struct path_view v;

	*ret = (struct ledger_path){.path = PATHS_MAX, .rtt_us = -1, .loss_ppm = -1};
	if (path >= PATHS_MAX)
		return;
	view(user, path, now_us, &v);
	ret->path = (uint8_t)path;
	ret->health = (uint8_t)v.health;
	ret->verdict = (uint8_t)v.verdict;
	ret->score = v.score[class < CLASSES_MAX ? class : 0];
	ret->rtt_us = narrow(v.rtt_us);
	ret->loss_ppm = v.loss_ppm;
	ret->silence_us = v.silence_us;
	ret->patience_us = v.patience_us;
}

static enum family family_of(unsigned from, unsigned to)
{
	return path_family(to < PATHS_MAX ? to : from < PATHS_MAX ? from : 0);
}

static struct ledger_entry *append(struct ledger *l)
{
	struct ledger_entry *e = entry(l, l->next);

	*e = (struct ledger_entry){.seq = l->next++};
	if (l->held < LEDGER_SIZE)
		l->held++;
	return e;
}

static bool repeats(const struct ledger_entry *old, const struct event *e)
{
	return old->kind == EVENT_STAY && e->kind == EVENT_STAY && old->class == e->class &&
	       old->from.path == e->from && old->to.path == e->to &&
	       old->stay == (uint8_t)e->value[0] &&
	       e->at_us - old->at_us <= REPEAT_US + usec_min(old->watched_us, LEDGER_WATCH_US);
}

/* Traffic has moved: new flows at the least. */
static bool is_move(unsigned kind)
{
	return kind == EVENT_SWITCH || kind == EVENT_CANARY;
}

/* A new switch ends the comparison that the ones before it began, and tells whether they were worth
   it. */
static void close_earlier(struct ledger *l, const struct ledger_entry *now)
{
	for (uint64_t seq = ledger_oldest(l); seq < now->seq; seq++) {
		struct ledger_entry *e = entry(l, seq);

		if (e->closed || e->class != now->class || e->family != now->family)
			continue;
		if (is_move(e->kind) && e->to.path == now->from.path &&
			(now->verdict || now->from.verdict))
			e->relapse = true;
		e->closed = true;
	}
}

static void decided(struct ledger *l, const struct event *ev, ledger_view_fn *view, void *user)
{
	struct ledger_entry *e = append(l);

	e->kind = (uint8_t)ev->kind;
	e->class = ev->class;
	e->family = (uint8_t)family_of(ev->from, ev->to);
	e->step = ev->step;
	e->stay = ev->kind == EVENT_STAY ? (uint8_t)ev->value[0] : (uint8_t)STAY_COUNT;
	e->verdict = ev->verdict;
	e->at_us = ev->at_us;
	e->fault_us = ev->kind == EVENT_SWITCH ? ev->value[0] : -1;
	e->apply_us = e->from_well_us = -1;
	take_down(&e->from, ev->from, ev->class, ev->at_us, view, user);
	take_down(&e->to, ev->to, ev->class, ev->at_us, view, user);
	if (is_move(ev->kind))
		close_earlier(l, e);
	/* without two paths there is nothing to compare */
	e->closed = e->from.path == PATHS_MAX || e->to.path == PATHS_MAX;
}

static void answered(struct ledger *l, const struct event *ev)
{
	for (uint64_t seq = l->next; seq-- > ledger_oldest(l);) {
		struct ledger_entry *e = entry(l, seq);

		if (e->apply_us >= 0 || e->class != ev->class || e->kind == EVENT_STAY)
			continue;
		if (ev->path < PATHS_MAX && path_family(ev->path) != (enum family)e->family)
			continue;
		e->apply_us = usec_max(ev->at_us - e->at_us, 0);
		e->apply_error = (int32_t)ev->value[1];
		return;
	}
}

void ledger_event(struct ledger *l, const struct event *ev, ledger_view_fn *view, void *user)
{
	struct ledger_entry *last = l->held ? entry(l, l->next - 1) : NULL;

	switch (ev->kind) {
	case EVENT_SWITCH:
	case EVENT_STAY:
	case EVENT_CANARY:
	case EVENT_FAIL_OPEN:
		if (last && repeats(last, ev))
			last->repeats++;
		else
			decided(l, ev, view, user);
		break;
	case EVENT_APPLIED:
		answered(l, ev);
		break;
	case EVENT_HEALTH:
	case EVENT_PATH_FACTS:
	case EVENT_TARGET:
	case EVENT_VERDICT:
	case EVENT_DRIFT:
	case EVENT_COMMAND:
	case EVENT_EXPIRED:
	case EVENT_POLICY:
	case EVENT_BUDGET:
	case EVENT_FLAP:
	case EVENT_TIME:
	case EVENT_FORECAST:
	case EVENT_KIND_COUNT:
		break;
	}
}

/* ---- what became of it ---- */

/* Each path is looked at once an update, however many entries ask. */
struct glance {
	uint32_t seen, fresh, bad; /* bit masks of paths */
};
_Static_assert(PATHS_MAX <= 32, "a bit a path");

static bool is_fresh(const struct path_view *v)
{
	if (!v->exists)
		return false;
	if (v->health == HEALTH_ABSENT || v->health == HEALTH_DOWN || v->silence_us > 0)
		return true;
	return v->sample_age_us >= 0 && v->sample_age_us <= 3 * v->heartbeat_us + FRESH_SLACK_US;
}

static bool is_bad(const struct path_view *v)
{
	switch (v->health) {
	case HEALTH_ABSENT:
	case HEALTH_DOWN:
	case HEALTH_DEAD:
	case HEALTH_DEGRADED:
		return true;
	case HEALTH_SUSPECT:
	case HEALTH_UP:
	case HEALTH_RECOVERING:
		return v->silence_us > 0;
	case HEALTH_UNKNOWN:
	case HEALTH_COUNT:
		break;
	}
	return false;
}

static void look(struct glance *g, unsigned path, int64_t now_us, ledger_view_fn *view, void *user)
{
	uint32_t bit = UINT32_C(1) << path;
	struct path_view v;

	if (g->seen & bit)
		return;
	view(user, path, now_us, &v);
	g->seen |= bit;
	if (is_fresh(&v))
		g->fresh |= bit;
	if (is_bad(&v))
		g->bad |= bit;
}

static void follow(struct ledger_entry *e, const struct glance *g, int64_t now_us,
	int64_t passed_us)
{
	uint32_t from = UINT32_C(1) << e->from.path, to = UINT32_C(1) << e->to.path;
	uint32_t idle = e->kind == EVENT_STAY ? to : from;

	e->watched_us += passed_us;
	if (g->fresh & idle) {
		e->known_us += passed_us;
		if (g->bad & from)
			e->from_bad_us += passed_us;
		if (g->bad & to)
			e->to_bad_us += passed_us;
	}
	if (e->from_well_us < 0 && (g->fresh & from) && !(g->bad & from))
		e->from_well_us = now_us - e->at_us;
	if (now_us - e->at_us >= LEDGER_WATCH_US)
		e->closed = true;
}

void ledger_update(struct ledger *l, int64_t now_us, ledger_view_fn *view, void *user)
{
	struct glance g = {0};

	for (uint64_t seq = l->next; seq-- > ledger_oldest(l);) {
		struct ledger_entry *e = entry(l, seq);
		int64_t since_us = usec_max(l->updated_us, e->at_us);

		/* they are in the order of time, and what is too old was closed when it became
		   so */
		if (now_us - e->at_us > LEDGER_WATCH_US + UPDATE_MAX_US) {
			if (e->closed)
				break;
			e->closed = true;
		}
		if (e->closed || now_us <= since_us)
			continue;
		look(&g, e->from.path, now_us, view, user);
		look(&g, e->to.path, now_us, view, user);
		follow(e, &g, now_us, usec_min(now_us - since_us, UPDATE_MAX_US));
	}
	l->updated_us = usec_max(l->updated_us, now_us);
}

void ledger_restore(struct ledger *l, const struct ledger_entry *e)
{
	if (e->seq < l->next)
		return;
	/* a hole in the numbers: what is before it is not held any more */
	if (e->seq > l->next)
		l->held = 0;
	l->next = e->seq;
	*append(l) = *e;
	entry(l, e->seq)->closed = true;
}
