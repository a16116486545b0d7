/* The commands that tell what was. */
#include "api/memory.h"

#include <stdlib.h>
#include <string.h>

#include "api/event_text.h"
#include "api/explain.h"
#include "api/json.h"
#include "api/request.h"
#include "api/words.h"
#include "base/usec.h"
#include "core/history.h"
#include "core/ledger.h"
#include "core/names.h"

#define READ_CHUNK 32
#define HISTORY_POINTS_MAX 720
#define HISTORY_POINTS_WANTED 360

static int64_t wall_ms(const struct api *api, int64_t at_us)
{
	return (api->now_wall_us + at_us - api->now_us) / USEC_MS;
}

static void put_link(struct json_object *o, const char *key, const struct policy *p, unsigned path)
{
	unsigned link = path_link(path);
	bool known = path < PATHS_MAX && (p->links & (UINT32_C(1) << link));

	json_put_text(o, key, known ? p->link[link].name : NULL);
}

static bool moves(const struct event *e)
{
	return e->kind == EVENT_SWITCH || e->kind == EVENT_STAY || e->kind == EVENT_CANARY;
}

bool event_concerns(const struct event *e, unsigned link)
{
	if (moves(e))
		return (e->from < PATHS_MAX && path_link(e->from) == link) ||
		       (e->to < PATHS_MAX && path_link(e->to) == link);
	return e->path < PATHS_MAX && path_link(e->path) == link;
}

static void put_health(struct json_object *o, const struct event *e)
{
	json_put_text(o, "from", health_name((enum health)e->from));
	json_put_text(o, "to", health_name((enum health)e->to));
	json_put_ms(o, "silence_ms", e->value[0]);
	json_put_int(o, "probes_lost", e->value[1]);
	json_put_percent(o, "loss_percent", e->value[2]);
	json_put_ms(o, "rtt_ms", e->to == HEALTH_DEAD ? -1 : e->value[3]);
	if (e->limit_us > 0)
		json_put_ms(o, "patience_ms", e->limit_us);
}

static void put_move(struct json_object *o, const struct event *e, const struct policy *p)
{
	put_link(o, "from", p, e->from);
	put_link(o, "to", p, e->to);
	if (e->kind == EVENT_STAY) {
		bool known = e->value[0] >= 0 && e->value[0] < STAY_COUNT;

		json_put_text(o, "stay", known ? stay_name((enum stay)e->value[0]) : NULL);
		json_put_ms(o, "due_ms", e->value[1]);
		return;
	}
	json_put_text(o, "step", step_name((enum step)e->step));
	json_put_ms(o, e->kind == EVENT_CANARY ? "hold_ms" : "trouble_ms", e->value[0]);
	json_put_int(o, "from_score", e->value[1]);
	json_put_int(o, "to_score", e->value[2]);
}

struct json_object *event_json(const struct api *api, const struct eventring_entry *entry)
{
	const struct policy *p = engine_policy(api->engine);
	const struct event *e = &entry->event;
	struct json_object *o = json_object_new_object();
	char text[EVENT_TEXT_SIZE];

	json_put_int(o, "seq", (int64_t)entry->seq);
	json_put_int(o, "wall_ms", wall_ms(api, e->at_us));
	json_put_text(o, "kind", event_kind_name(e->kind));
	json_put_int(o, "level", event_level(e));
	if (e->path < PATHS_MAX)
		put_link(o, "link", p, e->path);
	if (e->path < PATHS_MAX && e->kind != EVENT_COMMAND && e->kind != EVENT_EXPIRED)
		json_put_text(o, "family", family_name(path_family(e->path)));
	if (e->class < p->n_classes && e->class < CLASSES_MAX)
		json_put_text(o, "class", p->class[e->class].name);
	if (e->kind == EVENT_HEALTH)
		put_health(o, e);
	if (moves(e))
		put_move(o, e, p);
	if (e->verdict != VERDICT_NONE)
		json_put_text(o, "verdict", verdict_name((enum verdict)e->verdict));
	event_text(e, p, text, sizeof(text));
	json_put_text(o, "text", text);
	return o;
}

static uint64_t newest_cursor(const struct api *api, int link, uint64_t limit)
{
	const struct eventring *ring = api->events;
	uint64_t oldest = eventring_oldest(ring), cursor = ring->next;

	while (cursor > oldest && limit) {
		struct eventring_entry entry;
		uint64_t at = --cursor, lost;

		if (eventring_read(ring, &at, &entry, 1, &lost) && link >= 0 &&
			!event_concerns(&entry.event, (unsigned)link))
			continue;
		limit--;
	}
	return cursor;
}

int memory_events(struct api *api, const struct request *r, struct json_object **ret_result,
	struct api_error *ret_error)
{
	const struct argument_value *since = request_value(r, "since"),
				    *name = request_value(r, "link");
	int64_t limit = request_value(r, "limit")->number;
	struct eventring_entry entry[READ_CHUNK];
	struct json_object *list;
	uint64_t cursor, lost = 0;
	size_t n;
	int link = -1;

	if (!api->events)
		return api_fail(ret_error, API_UNAVAILABLE, "this daemon keeps no events");
	if (name->given && (link = request_link(api, name, ret_error)) < 0)
		return -1;
	cursor = since->given ? (uint64_t)since->number : newest_cursor(api, link, (uint64_t)limit);
	list = json_object_new_array();
	while (limit > 0) {
		uint64_t missed = 0;

		n = limit < READ_CHUNK ? (size_t)limit : READ_CHUNK;
		n = eventring_read(api->events, &cursor, entry, n, &missed);
		lost += missed;
		if (!n)
			break;
		for (size_t i = 0; i < n; i++) {
			if (link >= 0 && !event_concerns(&entry[i].event, (unsigned)link))
				continue;
			json_object_array_add(list, event_json(api, &entry[i]));
			limit--;
		}
	}
	*ret_result = json_object_new_object();
	json_object_object_add(*ret_result, "events", list);
	json_put_int(*ret_result, "next", (int64_t)cursor);
	json_put_int(*ret_result, "lost", (int64_t)lost);
	json_put_bool(*ret_result, "follow", request_value(r, "follow")->number != 0);
	if (link >= 0)
		json_put_text(*ret_result, "link", name->text);
	return 0;
}

static struct json_object *point_json(const struct api *api, const struct history_point *point)
{
	struct json_object *o = json_object_new_object();

	json_put_int(o, "wall_ms", wall_ms(api, point->at_us));
	json_put_ms(o, "rtt_ms", point->rtt_us);
	json_put_percent(o, "loss_percent", point->loss_ppm);
	json_put_int(o, "score", point->score);
	json_put_text(o, "health", health_name(point->health));
	json_put_bool(o, "in_use", point->in_use);
	json_put_percent(o, "out_percent", point->out_ppm);
	json_put_int(o, "rx_bps", point->rx_bps);
	json_put_int(o, "tx_bps", point->tx_bps);
	return o;
}

static enum history_resolution nearest_resolution(int64_t wanted_us)
{
	enum history_resolution nearest = HISTORY_1S;

	for (unsigned i = 0; i < HISTORY_RESOLUTION_COUNT; i++) {
		int64_t step_us = history_step_us((enum history_resolution)i);

		if (llabs(step_us - wanted_us) < llabs(history_step_us(nearest) - wanted_us))
			nearest = (enum history_resolution)i;
	}
	return nearest;
}

static struct json_object *points_json(const struct api *api, unsigned path,
	enum history_resolution resolution, int64_t from_us)
{
	struct history_point point[READ_CHUNK];
	struct json_object *points = json_object_new_array();
	size_t n;

	do {
		n = history_read(api->history, path, resolution, from_us, api->now_us, point,
			READ_CHUNK);
		for (size_t i = 0; i < n; i++)
			json_object_array_add(points, point_json(api, &point[i]));
		if (n)
			from_us = point[n - 1].at_us + 1;
	} while (n == READ_CHUNK);
	return points;
}

static struct json_object *family_history_json(const struct api *api, const struct request *r,
	unsigned link, enum family family)
{
	const struct argument_value *resolution_wanted = request_value(r, "resolution");
	unsigned path = path_of(link, family);
	int64_t from_us = api->now_us - request_value(r, "span")->number, step_us;
	enum history_resolution resolution;
	struct json_object *o = json_object_new_object();

	resolution = resolution_wanted->given ? nearest_resolution(resolution_wanted->number)
					      : history_choose(from_us, api->now_us, api->now_us,
							HISTORY_POINTS_WANTED);
	step_us = history_step_us(resolution);
	from_us = usec_max(from_us, api->now_us - HISTORY_POINTS_MAX * step_us);
	json_put_text(o, "family", family_name(family));
	json_put_int(o, "resolution_ms", step_us / USEC_MS);
	json_put_int(o, "from_wall_ms", wall_ms(api, from_us));
	json_object_object_add(o, "points", points_json(api, path, resolution, from_us));
	return o;
}

int memory_history(struct api *api, const struct request *r, struct json_object **ret_result,
	struct api_error *ret_error)
{
	const struct argument_value *wanted = request_value(r, "family");
	const struct policy *p = engine_policy(api->engine);
	struct json_object *families;
	int link;

	if (!api->history)
		return api_fail(ret_error, API_UNAVAILABLE, "this daemon keeps no history");
	link = request_link(api, request_value(r, "link"), ret_error);
	if (link < 0)
		return -1;
	families = json_object_new_array();
	for (unsigned f = 0; f < FAMILY_COUNT; f++) {
		enum family family = (enum family)f;

		if (wanted->given ? strcmp(wanted->text, family_name(family)) != 0
				  : family == FAMILY_IPV6 && !p->ipv6)
			continue;
		json_object_array_add(families,
			family_history_json(api, r, (unsigned)link, family));
	}
	*ret_result = json_object_new_object();
	json_put_text(*ret_result, "link", p->link[link].name);
	json_object_object_add(*ret_result, "families", families);
	return 0;
}

static struct json_object *ledger_path_json(const struct policy *p, const struct ledger_path *path)
{
	struct json_object *o;

	if (path->path >= PATHS_MAX)
		return NULL;
	o = json_object_new_object();
	put_link(o, "link", p, path->path);
	json_put_text(o, "health", health_name((enum health)path->health));
	json_put_text(o, "verdict", verdict_name((enum verdict)path->verdict));
	json_put_int(o, "score", path->score);
	json_put_ms(o, "rtt_ms", path->rtt_us);
	json_put_percent(o, "loss_percent", path->loss_ppm);
	json_put_ms(o, "silence_ms", path->silence_us);
	json_put_ms(o, "patience_ms", path->patience_us);
	return o;
}

static const char *ledger_link(const struct policy *p, const struct ledger_path *path)
{
	unsigned link = path_link(path->path);

	if (path->path >= PATHS_MAX)
		return "none";
	return p->links & (UINT32_C(1) << link) ? p->link[link].name : "a link that is gone";
}

/* What became of it: "wan was in trouble for 9 min of the 10 min after, lte for 0 ms: 9 min saved". */
static void add_outcome(struct words *w, const struct policy *p, const struct ledger_entry *e)
{
	int64_t gain_us = ledger_gain_us(e);

	if (e->kind == EVENT_FAIL_OPEN || e->from.path >= PATHS_MAX || e->to.path >= PATHS_MAX)
		return;
	if (!e->known_us) {
		words_add(w, "; not known yet how the other would have been");
		return;
	}
	words_add(w, "; of the %s after it %s was in trouble for %s, %s for %s",
		word_span(e->known_us).text, ledger_link(p, &e->from),
		word_span(e->from_bad_us).text, ledger_link(p, &e->to),
		word_span(e->to_bad_us).text);
	if (gain_us > 0)
		words_add(w, ": %s saved", word_span(gain_us).text);
	else if (gain_us < 0)
		words_add(w, ": %s lost", word_span(-gain_us).text);
	if (e->relapse)
		words_add(w, "; it had to be left again");
}

static void ledger_text(const struct policy *p, const struct ledger_entry *e, char *text,
	size_t size)
{
	struct words w;

	words_init(&w, text, size);
	if (e->class < CLASSES_MAX && e->class < p->n_classes)
		words_add(&w, "%s %s: ", p->class[e->class].name,
			family_name((enum family)e->family));
	if (e->kind == EVENT_STAY)
		words_add(&w, "stayed on %s (%s), %s was wanted", ledger_link(p, &e->from),
			e->stay < STAY_COUNT ? stay_name((enum stay)e->stay) : "?",
			ledger_link(p, &e->to));
	else if (e->kind == EVENT_FAIL_OPEN)
		words_add(&w, "every link dead, stayed on %s",
			ledger_link(p, e->to.path < PATHS_MAX ? &e->to : &e->from));
	else
		words_add(&w, "%s -> %s%s", ledger_link(p, &e->from), ledger_link(p, &e->to),
			e->kind == EVENT_CANARY ? " (new flows)" : "");
	if (e->step != STEP_NONE && e->step < STEP_COUNT)
		words_add(&w, " at step %d (%s)", e->step, step_name((enum step)e->step));
	if (e->from.path < PATHS_MAX && e->from.silence_us > 0)
		words_add(&w, ", silent for %s (patience %s)", word_span(e->from.silence_us).text,
			word_span(e->from.patience_us).text);
	if (e->repeats)
		words_add(&w, ", %u times more", e->repeats);
	add_outcome(&w, p, e);
}

static struct json_object *ledger_json(const struct api *api, const struct ledger_entry *e)
{
	const struct policy *p = engine_policy(api->engine);
	struct json_object *o = json_object_new_object();
	char text[EVENT_TEXT_SIZE];

	json_put_int(o, "seq", (int64_t)e->seq);
	json_put_int(o, "wall_ms", wall_ms(api, e->at_us));
	json_put_text(o, "kind", event_kind_name((enum event_kind)e->kind));
	if (e->class < CLASSES_MAX && e->class < p->n_classes)
		json_put_text(o, "class", p->class[e->class].name);
	json_put_text(o, "family", family_name((enum family)e->family));
	json_put_text(o, "step", step_name((enum step)e->step));
	json_put_text(o, "stay",
		e->kind == EVENT_STAY && e->stay < STAY_COUNT ? stay_name((enum stay)e->stay)
							      : NULL);
	json_put_text(o, "verdict", verdict_name((enum verdict)e->verdict));
	json_put_int(o, "repeats", e->repeats);
	json_object_object_add(o, "from", ledger_path_json(p, &e->from));
	json_object_object_add(o, "to", ledger_path_json(p, &e->to));
	json_put_ms(o, "fault_ms", e->fault_us);
	json_put_ms(o, "apply_ms", e->apply_us);
	json_put_int(o, "apply_error", e->apply_error);
	json_put_ms(o, "watched_ms", e->watched_us);
	json_put_ms(o, "known_ms", e->known_us);
	json_put_ms(o, "from_bad_ms", e->from_bad_us);
	json_put_ms(o, "to_bad_ms", e->to_bad_us);
	json_put_ms(o, "from_well_ms", e->from_well_us);
	json_put_int(o, "gain_ms", ledger_gain_us(e) / USEC_MS);
	json_put_bool(o, "relapse", e->relapse);
	json_put_bool(o, "closed", e->closed);
	ledger_text(p, e, text, sizeof(text));
	json_put_text(o, "text", text);
	return o;
}

int memory_ledger(struct api *api, const struct request *r, struct json_object **ret_result,
	struct api_error *ret_error)
{
	int64_t limit = request_value(r, "limit")->number;
	struct json_object *list;

	if (!api->ledger)
		return api_fail(ret_error, API_UNAVAILABLE, "this daemon keeps no ledger");
	list = json_object_new_array();
	for (uint64_t seq = api->ledger->next, oldest = ledger_oldest(api->ledger);
		limit > 0 && seq > oldest; limit--) {
		const struct ledger_entry *e = ledger_get(api->ledger, --seq);

		if (e)
			json_object_array_add(list, ledger_json(api, e));
	}
	*ret_result = json_object_new_object();
	json_object_object_add(*ret_result, "decisions", list);
	return 0;
}
