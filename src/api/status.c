#include "api/status.h"

#include <arpa/inet.h>
#include <string.h>

#include "api/explain.h"
#include "api/json.h"
#include "base/usec.h"
#include "core/names.h"

static void put_address(struct json_object *o, const char *key, enum family family,
	const uint8_t address[16], bool known)
{
	char text[INET6_ADDRSTRLEN];

	if (known &&
		inet_ntop(family == FAMILY_IPV6 ? AF_INET6 : AF_INET, address, text, sizeof(text)))
		json_put_text(o, key, text);
	else
		json_object_object_add(o, key, NULL);
}

/* A moment of the monotonic clock as one of the wall clock; null for 0 (never was) and for USEC_NEVER. */
static void put_wall(struct json_object *o, const char *key, const struct snapshot *s,
	int64_t at_us, int64_t wall_us)
{
	if (at_us == 0 || at_us == USEC_NEVER)
		json_object_object_add(o, key, NULL);
	else
		json_put_int(o, key, (wall_us + at_us - s->now_us) / USEC_MS);
}

static void put_scores(struct json_object *o, const struct snapshot *s, const struct path_view *v)
{
	struct json_object *scores = json_object_new_object();

	for (unsigned class = 0; class < s->policy->n_classes && class < CLASSES_MAX; class ++)
		json_put_int(scores, s->policy->class[class].name, v->score[class]);
	json_object_object_add(o, "score", scores);
}

static void put_facts(struct json_object *o, enum family family, const struct path_facts *f)
{
	static const uint8_t none[16];

	json_put_bool(o, "present", f->present);
	json_put_bool(o, "carrier", f->carrier);
	put_address(o, "address", family, f->address, f->has_address);
	put_address(o, "gateway", family, f->gateway,
		f->has_gateway && memcmp(f->gateway, none, sizeof(none)) != 0);
	json_put_int(o, "mtu", f->mtu);
}

static void put_forecasts(struct json_object *o, const struct path_view *v)
{
	struct json_object *all = json_object_new_object();

	for (unsigned h = 0; h < HAZARD_HORIZONS; h++) {
		const struct forecast_view *f = &v->forecast[h];
		struct json_object *one = json_object_new_object(), *bins = json_object_new_array();

		for (unsigned i = 0; i < FORECAST_BINS; i++) {
			json_object_array_add(bins, json_object_new_int64(f->bin_n[i]));
			json_object_array_add(bins, json_object_new_int64(f->bin_happened[i]));
		}
		json_put_percent(one, "chance_percent", f->chance_ppm);
		json_put_text(one, "trust", trust_name(f->trust));
		json_put_int(one, "skill_percent", f->skill_ppm / 10000);
		json_put_percent(one, "said_percent", f->said_ppm);
		json_put_percent(one, "happened_percent", f->happened_ppm);
		json_put_int(one, "forecasts", f->n);
		json_put_int(one, "outages", f->onsets);
		json_object_object_add(one, "reliability", bins);
		json_object_object_add(all, horizon_name((enum horizon)h), one);
	}
	json_object_object_add(o, "forecast", all);
}

static void put_deep(struct json_object *o, const struct path_view *v)
{
	json_put_bool(o, "installed", v->installed);
	json_put_ms(o, "patience_ms", v->patience_us);
	json_put_int(o, "silences_healed", v->silences_healed);
	json_put_int(o, "silences_dead", v->silences_dead);
	json_put_ms(o, "heartbeat_ms", v->heartbeat_us);
	json_put_int(o, "probes_sent", v->probes_sent);
	json_put_int(o, "probes_answered", v->probes_answered);
	json_put_int(o, "probes_late", v->probes_late);
	json_put_int(o, "probe_bytes", v->probe_bytes);
	if (v->budget_left_bytes >= 0)
		json_put_int(o, "budget_left_bytes", v->budget_left_bytes);
	if (v->quota_used_bytes >= 0)
		json_put_int(o, "quota_used_bytes", v->quota_used_bytes);
	json_put_ms(o, "hold_ms", v->hold_us);
	json_put_int(o, "relapses", v->relapses);
	put_forecasts(o, v);
}

static void put_outlook(struct json_object *o, const struct snapshot *s, const struct path_view *v)
{
	const struct forecast_view *f = &v->forecast[s->policy->horizon];
	bool known = f->chance_ppm && s->policy->prediction != PREDICTION_OFF;

	json_put_percent(o, "outage_chance_percent", known ? (int64_t)f->chance_ppm : -1);
	json_put_text(o, "outage_trust", trust_name(f->trust));
}

static struct json_object *path_json(const struct snapshot *s, unsigned path, bool deep)
{
	const struct path_view *v = &s->path[path];
	struct json_object *o = json_object_new_object();
	char text[EXPLANATION_TEXT_SIZE];

	json_put_text(o, "family", family_name(path_family(path)));
	json_put_text(o, "health", health_name(v->health));
	json_put_text(o, "verdict", verdict_name(v->verdict));
	json_put_int(o, "health_for_ms", (s->now_us - v->health_since_us) / USEC_MS);
	explain_path(s, 0, path, text, sizeof(text));
	json_put_text(o, "text", text);
	put_facts(o, path_family(path), &v->facts);
	json_put_ms(o, "rtt_ms", v->rtt_us);
	json_put_ms(o, "rtt_usual_ms", v->rtt_usual_us);
	json_put_ms(o, "jitter_ms", v->jitter_us);
	json_put_percent(o, "loss_percent", v->loss_ppm);
	json_put_percent(o, "loss_usual_percent", v->loss_usual_ppm);
	put_scores(o, s, v);
	json_put_ms(o, "sample_age_ms", v->sample_age_us);
	json_put_ms(o, "silence_ms", v->silence_us);
	json_put_bool(o, "congested", v->congested);
	json_put_bool(o, "flapping", v->flapping);
	json_put_ms(o, "hold_left_ms", v->hold_left_us == USEC_NEVER ? -1 : v->hold_left_us);
	put_outlook(o, s, v);
	if (deep)
		put_deep(o, v);
	return o;
}

static bool link_is_used(const struct snapshot *s, unsigned link)
{
	for (unsigned class = 0; class < s->policy->n_classes && class < CLASSES_MAX; class ++)
		for (unsigned family = 0; family < FAMILY_COUNT; family++)
			if (decision_uses(&s->decision[class][family],
				    path_of(link, (enum family)family)))
				return true;
	return false;
}

struct json_object *status_link_json(const struct snapshot *s, unsigned link, bool deep)
{
	const struct link_policy *l = &s->policy->link[link];
	const struct path_view *v = &s->path[path_of(link, FAMILY_IPV4)];
	struct json_object *o = json_object_new_object(), *paths = json_object_new_array();

	json_put_text(o, "link", l->name);
	json_put_text(o, "device", l->device);
	json_put_text(o, "kind", link_kind_name(l->kind));
	json_put_int(o, "slot", link);
	json_put_bool(o, "enabled", l->enabled);
	json_put_bool(o, "metered", l->metered);
	json_put_int(o, "preference", l->preference);
	json_put_bool(o, "in_use", link_is_used(s, link));
	json_put_bool(o, "drained", v->drained_us != 0);
	/* counters are the device's: both families show the same */
	json_put_int(o, "rx_bps", v->rx_bps);
	json_put_int(o, "tx_bps", v->tx_bps);
	if (deep) {
		json_put_int(o, "weight", l->weight);
		json_put_int(o, "budget_bytes", l->budget_bytes);
		json_put_int(o, "quota_bytes", l->quota_bytes);
	}
	for (unsigned family = 0; family < FAMILY_COUNT; family++) {
		unsigned path = path_of(link, (enum family)family);

		if (s->path[path].exists && (family == FAMILY_IPV4 || s->policy->ipv6))
			json_object_array_add(paths, path_json(s, path, deep));
	}
	json_object_object_add(o, "paths", paths);
	return o;
}

struct json_object *status_links_json(const struct snapshot *s)
{
	struct json_object *links = json_object_new_array();

	for (unsigned link = 0; link < LINKS_MAX; link++)
		if (snapshot_link_exists(s, link))
			json_object_array_add(links, status_link_json(s, link, false));
	return links;
}

static void put_path_link(struct json_object *o, const char *key, const struct snapshot *s,
	unsigned path)
{
	json_put_text(o, key, path < PATHS_MAX ? snapshot_path_link(s, path) : NULL);
}

static struct json_object *used_json(const struct snapshot *s, const struct decision_view *d)
{
	struct json_object *used = json_object_new_array();

	for (unsigned i = 0; i < d->n && i < ROUTE_PATHS_MAX; i++) {
		struct json_object *o = json_object_new_object();

		put_path_link(o, "link", s, d->path[i]);
		json_put_int(o, "weight", d->weight[i]);
		json_object_array_add(used, o);
	}
	return used;
}

static struct json_object *decision_json(const struct snapshot *s, unsigned class,
	enum family family, int64_t wall_us)
{
	const struct decision_view *d = &s->decision[class][family];
	struct json_object *o = json_object_new_object();
	char text[EXPLANATION_TEXT_SIZE];
	bool waits = d->wanted < PATHS_MAX && !decision_uses(d, d->wanted);

	json_put_text(o, "class", s->policy->class[class].name);
	json_put_text(o, "family", family_name(family));
	json_put_text(o, "state", state_name(snapshot_class_state(s, class, family)));
	json_object_object_add(o, "links", used_json(s, d));
	json_put_text(o, "step", step_name(d->step));
	explain_choice(s, class, family, text, sizeof(text));
	json_put_text(o, "why", text);
	put_path_link(o, "runner_up", s, d->runner_up);
	json_put_bool(o, "confirmed", d->confirmed);
	json_put_bool(o, "fail_open", d->fail_open);
	json_put_int(o, "for_ms", (s->now_us - d->since_us) / USEC_MS);
	put_path_link(o, "wanted", s, waits ? d->wanted : PATHS_MAX);
	json_put_text(o, "stay", waits ? stay_name(d->stay) : NULL);
	put_wall(o, "due_wall_ms", s, waits ? d->due_us : 0, wall_us);
	json_put_text(o, "pinned",
		d->pinned_until_us && d->pinned_link < LINKS_MAX
			? s->policy->link[d->pinned_link].name
			: NULL);
	put_wall(o, "pinned_until_wall_ms", s, d->pinned_until_us, wall_us);
	json_put_bool(o, "held", d->held_until_us != 0);
	put_wall(o, "held_until_wall_ms", s, d->held_until_us, wall_us);
	json_put_int(o, "switches", d->switches);
	return o;
}

struct json_object *status_json(const struct snapshot *s, int64_t wall_us)
{
	struct json_object *o = json_object_new_object(), *classes = json_object_new_array();

	json_put_text(o, "state", state_name(snapshot_state(s)));
	json_put_text(o, "mode",
		s->engine.released   ? "released"
		: s->policy->observe ? "observe"
				     : "steer");
	json_put_int(o, "wall_ms", wall_us / USEC_MS);
	for (unsigned class = 0; class < s->policy->n_classes && class < CLASSES_MAX; class ++)
		for (unsigned family = 0; family < FAMILY_COUNT; family++)
			if (snapshot_has_family(s, class, (enum family)family))
				json_object_array_add(classes,
					decision_json(s, class, (enum family)family, wall_us));
	json_object_object_add(o, "classes", classes);
	json_object_object_add(o, "links", status_links_json(s));
	return o;
}

struct json_object *status_explanation_json(const struct snapshot *s, unsigned class,
	enum family family, int64_t wall_us)
{
	struct json_object *o = json_object_new_object(), *lines = json_object_new_array();
	struct explanation explanation;

	explain(s, class, family, wall_us, &explanation);
	json_put_text(o, "class", s->policy->class[class].name);
	json_put_text(o, "family", family_name(family));
	for (unsigned i = 0; i < explanation.n; i++) {
		const struct explanation_line *line = &explanation.line[i];
		struct json_object *l = json_object_new_object();

		json_put_text(l, "topic", topic_name(line->topic));
		put_path_link(l, "link", s, line->path);
		json_put_text(l, "text", line->text);
		json_object_array_add(lines, l);
	}
	json_object_object_add(o, "lines", lines);
	return o;
}
