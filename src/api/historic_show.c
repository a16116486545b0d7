/* What there was to see. */
#include <stdio.h>
#include <string.h>

#include "api/historic_own.h"
#include "api/json.h"
#include "api/snapshot.h"
#include "base/usec.h"
#include "core/eventring.h"
#include "core/names.h"

#define SAMPLES_SPAN_S 600
#define RECENT 10

static void move_member(struct json_object *to, const char *key, struct json_object *from,
	const char *name)
{
	struct json_object *value = NULL;

	json_object_object_get_ex(from, name, &value);
	json_object_object_add(to, key, json_object_get(value));
}

static int64_t wall_s(const struct api *api, int64_t at_us)
{
	return (api->now_wall_us + at_us - api->now_us) / USEC_S;
}

/* ---- members ---- */

/* IPv4, or IPv6 where there is only that. */
static unsigned member_path(const struct snapshot *s, unsigned link)
{
	unsigned v4 = path_of(link, FAMILY_IPV4), v6 = path_of(link, FAMILY_IPV6);

	return !s->path[v4].exists || (!s->path[v4].facts.present && s->path[v6].facts.present)
		       ? v6
		       : v4;
}

static bool is_eligible(const struct snapshot *s, unsigned link)
{
	const struct path_view *v = &s->path[member_path(s, link)];

	return s->policy->link[link].enabled && !v->drained_us && v->exists &&
	       (v->health == HEALTH_UP || v->health == HEALTH_SUSPECT ||
		       v->health == HEALTH_DEGRADED || v->health == HEALTH_RECOVERING);
}

static bool is_used(const struct snapshot *s, unsigned link)
{
	return decision_uses(&s->decision[0][FAMILY_IPV4], path_of(link, FAMILY_IPV4)) ||
	       decision_uses(&s->decision[0][FAMILY_IPV6], path_of(link, FAMILY_IPV6));
}

static struct json_object *member_json(const struct api *api, const struct snapshot *s,
	unsigned link)
{
	const struct link_policy *l = &s->policy->link[link];
	const struct path_view *v = &s->path[member_path(s, link)];
	struct json_object *o = json_object_new_object(), *score = json_object_new_object(),
			   *metrics = json_object_new_object();
	bool eligible = is_eligible(s, link);

	json_put_text(o, "name", l->name);
	json_put_text(o, "class", link_kind_name(l->kind));
	json_put_text(o, "iface", l->device);
	json_put_bool(o, "eligible", eligible);
	json_put_int(score, "instant", v->score[0]);
	json_put_int(score, "ewma", v->score[0]);
	json_put_int(score, "final", v->score[0]);
	json_object_object_add(o, "score", score);
	json_put_ms(metrics, "lat_ms", v->rtt_us);
	json_put_percent(metrics, "loss_pct", v->loss_ppm);
	json_put_ms(metrics, "jitter_ms", v->jitter_us);
	json_object_object_add(o, "metrics", metrics);
	json_put_int(o, "last_update",
		v->sample_age_us < 0 ? 0 : wall_s(api, s->now_us - v->sample_age_us));
	json_put_text(o, "state", health_name(v->health));
	json_put_text(o, "status", is_used(s, link) ? "active" : eligible ? "standby" : "offline");
	return o;
}

static struct json_object *members_json(const struct api *api, const struct snapshot *s)
{
	struct json_object *list = json_object_new_array();

	for (unsigned link = 0; link < LINKS_MAX; link++)
		if (snapshot_link_exists(s, link))
			json_object_array_add(list, member_json(api, s, link));
	return list;
}

int historic_members(const struct asked *q, struct json_object **ret, struct api_error *ret_error)
{
	struct snapshot s;

	(void)ret_error;
	snapshot_take(&s, q->api->engine, q->api->now_us);
	*ret = json_object_new_object();
	json_object_object_add(*ret, "members", members_json(q->api, &s));
	return 0;
}

/* ---- status ---- */

/* Larger is earlier in the ranking: in use, fit for use, preferred, better, first in the file. */
static int64_t rank_of(const struct snapshot *s, unsigned link)
{
	const struct link_policy *l = &s->policy->link[link];
	int64_t key = is_used(s, link);

	key = key * 2 + is_eligible(s, link);
	key = key * 4096 + l->preference + 2048;
	key = key * 128 + s->path[member_path(s, link)].score[0];
	return key * LINKS_MAX + (LINKS_MAX - 1 - l->order % LINKS_MAX);
}

static struct json_object *ranking_json(const struct snapshot *s)
{
	struct json_object *list = json_object_new_array();
	uint32_t left = 0;

	for (unsigned link = 0; link < LINKS_MAX; link++)
		if (snapshot_link_exists(s, link))
			left |= UINT32_C(1) << link;
	while (left) {
		struct json_object *o = json_object_new_object();
		unsigned best = LINKS_MAX;

		for (unsigned link = 0; link < LINKS_MAX; link++)
			if ((left >> link & 1) &&
				(best == LINKS_MAX || rank_of(s, link) > rank_of(s, best)))
				best = link;
		left &= ~(UINT32_C(1) << best);
		json_put_text(o, "name", s->policy->link[best].name);
		json_put_text(o, "class", link_kind_name(s->policy->link[best].kind));
		json_put_int(o, "final", s->path[member_path(s, best)].score[0]);
		json_put_bool(o, "eligible", is_eligible(s, best));
		json_object_array_add(list, o);
	}
	return list;
}

/* backup: another enabled link that the current one's class may use is preferred to it. */
static const char *old_state(const struct snapshot *s)
{
	unsigned current = snapshot_current_link(s);

	switch (snapshot_state(s)) {
	case STATE_HEALTHY:
		return "primary";
	case STATE_DEAD:
	case STATE_OFFLINE:
	case STATE_STARTING:
	case STATE_COUNT:
		return "degraded";
	case STATE_DEGRADED:
		break;
	}
	for (unsigned link = 0; current < LINKS_MAX && link < LINKS_MAX; link++)
		if (snapshot_link_exists(s, link) && snapshot_class_allows(s, 0, link) &&
			s->policy->link[link].enabled &&
			s->policy->link[link].preference > s->policy->link[current].preference)
			return "backup";
	return "degraded";
}

static struct json_object *last_switch_json(const struct api *api)
{
	const struct eventring *ring = api->events;
	const struct policy *p = engine_policy(api->engine);
	struct eventring_entry entry;

	for (uint64_t seq = ring ? ring->next : 0; ring && seq > eventring_oldest(ring); seq--) {
		uint64_t cursor = seq - 1, lost;
		const struct event *e = &entry.event;
		struct json_object *o;

		if (!eventring_read(ring, &cursor, &entry, 1, &lost) || e->kind != EVENT_SWITCH)
			continue;
		o = json_object_new_object();
		json_put_int(o, "ts", wall_s(api, e->at_us));
		json_put_text(o, "type", event_kind_name(e->kind));
		json_put_text(o, "reason", step_name((enum step)e->step));
		json_put_text(o, "from",
			e->from < PATHS_MAX ? p->link[path_link(e->from)].name : NULL);
		json_put_text(o, "to", e->to < PATHS_MAX ? p->link[path_link(e->to)].name : NULL);
		return o;
	}
	return NULL;
}

/* What of the configuration it named. */
static void put_config(const struct asked *q, const struct snapshot *s, struct json_object *o)
{
	struct json_object *config = json_object_new_object(), *mwan3 = json_object_new_object();
	enum config_mode mode = q->api->config->mode;
	bool steered = mode == CONFIG_MODE_MWAN3 ||
		       (mode == CONFIG_MODE_AUTO && json_get_array(o, "steering"));

	json_put_bool(config, "predictive", s->policy->prediction == PREDICTION_ON);
	json_put_bool(config, "use_mwan3", steered);
	json_put_int(config, "switch_margin", 0);
	json_object_object_add(o, "config", config);
	json_put_bool(mwan3, "enabled", steered);
	if (steered)
		move_member(mwan3, "details", o, "steering");
	json_object_object_add(o, "mwan3", mwan3);
}

int historic_status(const struct asked *q, struct json_object **ret, struct api_error *ret_error)
{
	struct json_object *o = NULL;
	struct snapshot s;
	unsigned current;

	if (asked_call(q, "status", NULL, &o, ret_error))
		return -1;
	snapshot_take(&s, q->api->engine, q->api->now_us);
	current = snapshot_current_link(&s);
	move_member(o, "health", o, "state");
	json_put_text(o, "state", old_state(&s));
	json_put_text(o, "current", current < LINKS_MAX ? s.policy->link[current].name : NULL);
	json_put_bool(o, "metered", current < LINKS_MAX && s.policy->link[current].metered);
	json_object_object_add(o, "rank", ranking_json(&s));
	json_object_object_add(o, "last_event", last_switch_json(q->api));
	put_config(q, &s, o);
	*ret = o;
	return 0;
}

/* ---- samples ---- */

/* The family that has more to tell. */
static struct json_object *points_of(struct json_object *history)
{
	struct json_object *families = json_get_array(history, "families"), *best = NULL;

	for (size_t i = 0; families && i < json_object_array_length(families); i++) {
		struct json_object *points =
			json_get_array(json_object_array_get_idx(families, i), "points");

		if (!best || json_object_array_length(points) > json_object_array_length(best))
			best = points;
	}
	return best;
}

static struct json_object *samples_json(struct json_object *history, size_t limit)
{
	struct json_object *list = json_object_new_array(), *points = points_of(history);
	size_t n = points ? json_object_array_length(points) : 0;

	for (size_t i = n > limit ? n - limit : 0; i < n; i++) {
		struct json_object *point = json_object_array_get_idx(points, i),
				   *o = json_object_new_object();

		json_put_int(o, "ts", json_get_int(point, "wall_ms", 0) / 1000);
		move_member(o, "lat_ms", point, "rtt_ms");
		move_member(o, "loss_pct", point, "loss_percent");
		move_member(o, "instant", point, "score");
		json_object_array_add(list, o);
	}
	return list;
}

static int get_samples(const struct asked *q, const char *link, int64_t since_s, size_t limit,
	struct json_object **ret, struct api_error *ret_error)
{
	char span[24];
	const char *const arguments[] = {"link", link, "span", span, NULL};
	struct json_object *history = NULL;

	snprintf(span, sizeof(span), "%lld", (long long)since_s);
	if (asked_call(q, "history", arguments, &history, ret_error))
		return -1;
	*ret = samples_json(history, limit);
	json_object_put(history);
	return 0;
}

int historic_samples(const struct asked *q, struct json_object **ret, struct api_error *ret_error)
{
	int64_t since_s = q->number[ASKED_SINCE], limit = q->number[ASKED_LIMIT];
	struct json_object *list = NULL;

	if (!asked_link(q))
		return api_fail(ret_error, API_INVALID_PARAMS, "give the name of a member");
	if (!since_s)
		since_s = q->number[ASKED_HOURS] * 3600;
	if (get_samples(q, asked_link(q), since_s ? since_s : SAMPLES_SPAN_S,
		    limit ? (size_t)limit : HISTORIC_SAMPLES_MAX, &list, ret_error))
		return -1;
	*ret = json_object_new_object();
	json_put_text(*ret, "name", asked_link(q));
	json_object_object_add(*ret, "samples", list);
	return 0;
}

int historic_events(const struct asked *q, struct json_object **ret, struct api_error *ret_error)
{
	static const char *const all[] = {"limit", "200", NULL};
	int64_t limit = q->number[ASKED_LIMIT] ? q->number[ASKED_LIMIT] : 50;
	struct json_object *result = NULL, *events, *list;
	size_t n, first;

	if (asked_call(q, "events", all, &result, ret_error))
		return -1;
	events = json_get_array(result, "events");
	list = json_object_new_array();
	for (n = first = json_object_array_length(events); first && limit > 0; first--)
		limit -= !q->text[ASKED_KIND] ||
			 !strcmp(json_get_text(json_object_array_get_idx(events, first - 1), "kind",
					 ""),
				 q->text[ASKED_KIND]);
	for (size_t i = first; i < n; i++) {
		struct json_object *e = json_object_array_get_idx(events, i);

		if (!q->text[ASKED_KIND] ||
			!strcmp(json_get_text(e, "kind", ""), q->text[ASKED_KIND]))
			json_object_array_add(list, json_object_get(e));
	}
	json_object_object_add(result, "events", list);
	*ret = result;
	return 0;
}

/* ---- the daemon ---- */

struct counted {
	int64_t resident_kb, samples, events;
};

static void count(void *to, const char *name, int64_t value, const char *text)
{
	struct counted *c = to;

	(void)text;
	if (!strcmp(name, "resident_max_kb"))
		c->resident_kb = value;
	else if (!strcmp(name, "probes_answered"))
		c->samples = value;
	else if (!strcmp(name, "events"))
		c->events = value;
}

static int64_t switches(const struct snapshot *s)
{
	int64_t n = 0;

	for (unsigned c = 0; c < s->policy->n_classes && c < CLASSES_MAX; c++)
		for (unsigned f = 0; f < FAMILY_COUNT; f++)
			n += s->decision[c][f].switches;
	return n;
}

int historic_info(const struct asked *q, struct json_object **ret, struct api_error *ret_error)
{
	struct json_object *o = json_object_new_object(), *stats = json_object_new_object();
	struct counted c = {0};
	struct snapshot s;

	(void)ret_error;
	snapshot_take(&s, q->api->engine, q->api->now_us);
	if (q->api->hooks->metrics)
		q->api->hooks->metrics(q->api->user, count, &c);
	json_put_text(o, "version", AUTONOMY_VERSION);
	json_put_text(o, "build", AUTONOMY_VERSION);
	json_put_int(o, "uptime", (q->api->now_us - q->api->started_us) / USEC_S);
	json_put_int(o, "memory", c.resident_kb * 1024);
	json_put_int(stats, "switches", switches(&s));
	json_put_int(stats, "samples", c.samples);
	json_put_int(stats, "events", c.events);
	json_object_object_add(o, "stats", stats);
	*ret = o;
	return 0;
}

static struct json_object *member_telemetry(const struct asked *q, const char *link)
{
	struct json_object *o = json_object_new_object(), *samples = NULL, *recent;
	struct api_error error;
	size_t n;

	json_put_text(o, "name", link);
	if (get_samples(q, link, SAMPLES_SPAN_S, HISTORIC_SAMPLES_MAX, &samples, &error))
		samples = json_object_new_array();
	n = json_object_array_length(samples);
	recent = json_object_new_array();
	for (size_t i = n > RECENT ? n - RECENT : 0; i < n; i++)
		json_object_array_add(recent,
			json_object_get(json_object_array_get_idx(samples, i)));
	json_put_int(o, "sample_count", (int64_t)n);
	json_object_object_add(o, "last",
		n ? json_object_get(json_object_array_get_idx(samples, n - 1)) : NULL);
	json_object_object_add(o, "recent", recent);
	json_object_put(samples);
	return o;
}

int historic_telemetry(const struct asked *q, struct json_object **ret, struct api_error *ret_error)
{
	static const char *const few[] = {"limit", "10", NULL};
	struct json_object *members = json_object_new_array(), *events = NULL,
			   *summary = json_object_new_object();
	struct snapshot s;

	if (asked_call(q, "events", few, &events, ret_error)) {
		json_object_put(members);
		json_object_put(summary);
		return -1;
	}
	snapshot_take(&s, q->api->engine, q->api->now_us);
	for (unsigned link = 0; link < LINKS_MAX; link++)
		if (snapshot_link_exists(&s, link))
			json_object_array_add(members,
				member_telemetry(q, s.policy->link[link].name));
	json_put_int(summary, "members", (int64_t)json_object_array_length(members));
	json_put_int(summary, "switches", switches(&s));
	json_put_text(summary, "state", old_state(&s));
	*ret = json_object_new_object();
	json_object_object_add(*ret, "members", members);
	move_member(*ret, "events", events, "events");
	json_object_object_add(*ret, "summary", summary);
	json_object_put(events);
	return 0;
}

int historic_audit(const struct asked *q, struct json_object **ret, struct api_error *ret_error)
{
	char limit[8];
	const char *const arguments[] = {"limit", limit, NULL};
	int64_t n = q->number[ASKED_LIMIT];

	snprintf(limit, sizeof(limit), "%d", n ? (int)usec_min(n, 200) : 20);
	return asked_call(q, "ledger", arguments, ret, ret_error);
}
