#include "replay/scenario.h"

#include <errno.h>
#include <json-c/json.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32.h"
#include "base/usec.h"
#include "core/names.h"
#include "replay/event_line.h"
#include "replay/recorder.h"

#define SCENARIO_SIZE_MAX (1 << 20)
#define GATEWAY_RTT_US 500

/* ---- reading ---- */

static int64_t seconds(struct json_object *o, const char *key, double otherwise, bool *ret_good)
{
	struct json_object *v;
	double s = otherwise;

	if (json_object_object_get_ex(o, key, &v)) {
		s = json_object_get_double(v);
		*ret_good &= json_object_is_type(v, json_type_double) ||
			     json_object_is_type(v, json_type_int);
	}
	if (!isfinite(s) || fabs(s) > 1e9) {
		*ret_good = false;
		return 0;
	}
	return llround(s * 1e6);
}

static bool flag(struct json_object *o, const char *key)
{
	struct json_object *v;

	return json_object_object_get_ex(o, key, &v) && json_object_get_boolean(v);
}

static const char *text(struct json_object *o, const char *key)
{
	struct json_object *v;

	if (!json_object_object_get_ex(o, key, &v) || !json_object_is_type(v, json_type_string))
		return NULL;
	return json_object_get_string(v);
}

static enum link_kind kind_of(const char *class)
{
	for (unsigned k = 0; class && k < LINK_KIND_COUNT; k++) {
		if (!strcmp(class, link_kind_name((enum link_kind)k)))
			return (enum link_kind)k;
	}
	return LINK_KIND_OTHER;
}

static int load_link(const struct scenario_link *first, struct scenario_link *link,
	struct json_object *o, const char *file, const char *traces_dir, struct problem *ret)
{
	const char *name = text(o, "name"), *recording = text(o, "file");
	bool good = true;
	int64_t offset_us;
	char path[4096];

	offset_us = seconds(o, "offset_s", 0, &good);
	if (!name || !*name || strlen(name) >= NAME_SIZE || !recording || !good) {
		problem_set(ret, file, 0,
			"link %s needs a name of less than %d characters, a file and, if it has "
			"one, a number as offset_s",
			name ? name : "without a name", NAME_SIZE);
		return -EINVAL;
	}
	if ((size_t)snprintf(path, sizeof(path), "%s/%s", traces_dir, recording) >= sizeof(path)) {
		problem_set(ret, file, 0, "the file name of link %s is too long", name);
		return -ENAMETOOLONG;
	}
	for (const struct scenario_link *other = first; other < link; other++)
		if (!strcmp(other->name, name)) {
			problem_set(ret, file, 0, "two links are called %s", name);
			return -EINVAL;
		}
	strcpy(link->name, name);
	link->kind = kind_of(text(o, "class"));
	link->metered = flag(o, "metered");
	link->source = crc32_add(0, recording, strlen(recording));
	return recording_load(&link->recording, path, offset_us, flag(o, "compact"), ret);
}

static int load_links(struct scenario *s, struct json_object *root, const char *file,
	const char *traces_dir, struct problem *ret)
{
	struct json_object *links;
	size_t n = 0;
	int error = 0;

	if (json_object_object_get_ex(root, "links", &links) &&
		json_object_is_type(links, json_type_array))
		n = json_object_array_length(links);
	if (!n || n > LINKS_MAX) {
		problem_set(ret, file, 0, "\"links\" must be a list of 1 to %d links", LINKS_MAX);
		return -EINVAL;
	}
	for (size_t i = 0; i < n && !error; i++) {
		struct scenario_link *link = &s->link[s->n_links];

		error = load_link(s->link, link, json_object_array_get_idx(links, i), file,
			traces_dir, ret);
		if (error)
			break;
		s->n_links++;
		/* as the scorer: a world ends where its first recording does */
		s->t1_us = usec_min(s->t1_us, link->recording.row[link->recording.n - 1].at_us);
	}
	return error;
}

static int load_root(struct scenario *s, struct json_object *root, const char *file,
	const char *traces_dir, struct problem *ret)
{
	const char *name = text(root, "name");
	bool good = true;
	int error;

	snprintf(s->name, sizeof(s->name), "%s", name ? name : file);
	s->t0_us = seconds(root, "t0_s", NAN, &good);
	s->t1_us = seconds(root, "t1_s", NAN, &good);
	if (!good) {
		problem_set(ret, file, 0, "t0_s and t1_s must be numbers of seconds");
		return -EINVAL;
	}
	error = load_links(s, root, file, traces_dir, ret);
	if (!error && s->t1_us <= s->t0_us) {
		problem_set(ret, file, 0,
			"nothing is left between t0_s (%.1f) and the end of the first recording "
			"or t1_s (%.1f)",
			(double)s->t0_us / 1e6, (double)s->t1_us / 1e6);
		error = -EINVAL;
	}
	return error;
}

static int line_of(const char *text, size_t at)
{
	int line = 1;

	for (size_t i = 0; i < at; i++)
		line += text[i] == '\n';
	return line;
}

static struct json_object *parse_file(const char *file, struct problem *ret)
{
	char *buffer = malloc(SCENARIO_SIZE_MAX);
	FILE *f = fopen(file, "rb");
	struct json_object *root = NULL;
	struct json_tokener *tok = json_tokener_new();

	if (!f || !buffer || !tok) {
		problem_set(ret, file, 0, "cannot open: %s", strerror(errno));
	} else {
		size_t n = fread(buffer, 1, SCENARIO_SIZE_MAX, f);

		root = json_tokener_parse_ex(tok, buffer, (int)n);
		if (!root || !json_object_is_type(root, json_type_object)) {
			problem_set(ret, file, line_of(buffer, json_tokener_get_parse_end(tok)),
				"not a scenario: %s",
				root                     ? "not an object"
				: n == SCENARIO_SIZE_MAX ? "the file is too large"
				: json_tokener_get_error(tok) == json_tokener_continue
					? "the file ends in the middle"
					: json_tokener_error_desc(json_tokener_get_error(tok)));
			json_object_put(root);
			root = NULL;
		}
	}
	if (f)
		fclose(f);
	if (tok)
		json_tokener_free(tok);
	free(buffer);
	return root;
}

int scenario_load(struct scenario *s, const char *file, const char *traces_dir, struct problem *ret)
{
	struct json_object *root = parse_file(file, ret);
	int error;

	memset(s, 0, sizeof(*s));
	if (!root)
		return -EINVAL;
	error = load_root(s, root, file, traces_dir, ret);
	json_object_put(root);
	if (error)
		scenario_free(s);
	return error;
}

void scenario_free(struct scenario *s)
{
	for (unsigned i = 0; i < s->n_links; i++)
		recording_free(&s->link[i].recording);
	s->n_links = 0;
}

/* ---- the world ---- */

struct play {
	struct scenario *s;
	const struct scenario_run *run;
	struct scenario_result *result;
	struct recorder recorder;
	uint64_t random;
	unsigned active; /* slot in use by class 0; LINKS_MAX: none */
};

/* xorshift64*, its upper half */
static uint32_t draw(struct play *p)
{
	p->random ^= p->random >> 12;
	p->random ^= p->random << 25;
	p->random ^= p->random >> 27;
	return (uint32_t)(p->random * UINT64_C(0x2545f4914f6cdd1d) >> 32);
}

static bool lost(struct play *p, const struct recording_state *state)
{
	return draw(p) < state->loss;
}

static void answer_probe(void *user, int64_t now_us, const struct action_probe *a,
	struct input_sample *ret)
{
	struct play *p = user;
	struct scenario_link *link = &p->s->link[path_link(a->path)];
	struct probe_size size = probe_size(a);
	struct recording_state state;

	ret->outcome = SAMPLE_ANSWERED;
	ret->rtt_us = GATEWAY_RTT_US;
	if (a->method == PROBE_NEIGHBOUR)
		return;
	state = recording_at(&link->recording, now_us);
	link->probes++;
	link->probe_bytes += size.out;
	probe_leaves(&link->counters, &size);
	if (lost(p, &state)) {
		link->probes_lost++;
		ret->outcome = SAMPLE_LOST;
		return;
	}
	link->probe_bytes += size.back;
	ret->rtt_us = (uint32_t)state.rtt_us;
	probe_answers_add(&link->answers, &link->counters, now_us + ret->rtt_us, &size);
	ret->detail = a->method == PROBE_HTTP ? 20 : 0;
}

/* What a user sends at once, and what comes back for it. */
struct burst {
	int64_t gap_us; /* between two */
	unsigned sent, sent_bytes, back, back_bytes;
};

static const struct burst burst_of[SCENARIO_TRAFFIC_COUNT] = {
	[SCENARIO_TRAFFIC_VOIP] = {50 * USEC_MS, 1, 200, 1, 200},
	[SCENARIO_TRAFFIC_WEB] = {10 * USEC_S, 60, 100, 300, 1400},
};

static void count_sent(struct scenario_link *link, const struct burst *b, int64_t until_us)
{
	int64_t n = until_us / b->gap_us - link->sent_until_us / b->gap_us;

	link->counters.tx_packets += (uint64_t)n * b->sent;
	link->counters.tx_bytes += (uint64_t)n * b->sent * b->sent_bytes;
	link->sent_until_us = until_us;
}

static void count_back(struct play *p, struct scenario_link *link, const struct burst *b,
	int64_t until_us)
{
	int64_t at = (link->back_until_us / b->gap_us + 1) * b->gap_us;

	for (; at <= until_us; at += b->gap_us) {
		struct recording_state state = recording_at(&link->recording, at);

		for (unsigned i = 0; i < b->back; i++) {
			if (lost(p, &state))
				continue;
			link->counters.rx_packets++;
			link->counters.rx_bytes += b->back_bytes;
		}
	}
	link->back_until_us = usec_max(until_us, link->back_until_us);
}

/* Counts in what a user has sent over a link since the last look, and what has come back: a round
   trip later. */
static void count_traffic(struct play *p, unsigned slot, int64_t now_us)
{
	struct scenario_link *link = &p->s->link[slot];
	const struct burst *b = &burst_of[p->run->traffic];

	if (p->run->traffic == SCENARIO_TRAFFIC_NONE)
		return;
	if (slot != p->active) {
		link->sent_until_us = link->back_until_us = now_us;
		return;
	}
	count_sent(link, b, now_us);
	count_back(p, link, b, now_us - recording_at(&link->recording, now_us).rtt_us);
}

static void answer_count(void *user, int64_t now_us, unsigned slot, struct input_counters *ret)
{
	struct play *p = user;
	uint8_t link = ret->link;

	if (slot >= p->s->n_links)
		return;
	count_traffic(p, slot, now_us);
	probe_answers_count(&p->s->link[slot].answers, &p->s->link[slot].counters, now_us);
	*ret = p->s->link[slot].counters;
	ret->link = link;
}

static void note_route(struct play *p, int64_t now_us, const struct action_route *route)
{
	unsigned link = route->n ? path_link(route->path[0]) : LINKS_MAX;

	if (route->class || route->family != FAMILY_IPV4 || link == p->active)
		return;
	for (unsigned i = 0; i < p->s->n_links; i++)
		count_traffic(p, i, now_us);
	if (p->active < LINKS_MAX)
		p->result->switches++;
	p->active = link;
	if (p->run->moved)
		p->run->moved(p->run->user, now_us, link);
	if (p->run->timeline)
		fprintf(p->run->timeline, "%.6f,%s\n", (double)now_us / 1e6,
			link < p->s->n_links ? p->s->link[link].name : "");
}

static void stepped(void *user, const struct input *in, const struct output *out)
{
	struct play *p = user;

	for (unsigned i = 0; i < out->n_actions; i++) {
		if (out->action[i].kind == ACTION_ROUTE)
			note_route(p, in->now_us, &out->action[i].route);
	}
	for (unsigned i = 0; p->run->events && i < out->n_events; i++)
		event_line_print(p->run->events, &out->event[i]);
	if (p->run->record)
		recorder_step(&p->recorder, in, out);
}

/* ---- the play ---- */

/* The configuration's section of that name, or its defaults; what the user has not set is as the
   scenario says. */
static void fill_link(const struct scenario_link *link, const struct config *config,
	struct link_policy *ret)
{
	const struct config_link *l = &config->link_default;

	for (unsigned k = 0; k < config->n_links; k++) {
		if (!strcmp(config->link[k].policy.name, link->name))
			l = &config->link[k];
	}
	config_link_resolve(l, link->kind, ret);
	if (!config_link_has(l, "metered"))
		ret->metered = link->metered;
	if (!config_link_has(l, "budget"))
		ret->budget_bytes = ret->metered ? CONFIG_METERED_BUDGET_BYTES : 0;
	if (link->placed && !config_link_has(l, "preference"))
		ret->preference = link->preference;
}

static void fill_policy(const struct scenario *s, const struct config *config, struct policy *ret)
{
	*ret = config->policy;
	memset(ret->link, 0, sizeof(ret->link));
	ret->links = 0;
	ret->ipv6 = false;
	for (unsigned i = 0; i < s->n_links; i++) {
		struct link_policy *l = &ret->link[i];

		fill_link(&s->link[i], config, l);
		memcpy(l->name, s->link[i].name, NAME_SIZE);
		snprintf(l->device, sizeof(l->device), "link%u", i);
		l->enabled = true;
		if (!s->link[i].placed)
			l->preference = (int32_t)(s->n_links - i);
		l->order = (uint16_t)i;
		ret->links |= UINT32_C(1) << i;
	}
}

static void begin(const struct scenario *s, const struct config *config, struct runner *r)
{
	struct policy policy;
	struct input in = {.kind = INPUT_POLICY, .now_us = s->t0_us, .policy = &policy};

	fill_policy(s, config, &policy);
	runner_step(r, &in);
	for (unsigned i = 0; i < s->n_links; i++) {
		in = (struct input){.kind = INPUT_PATH,
			.now_us = s->t0_us,
			.path = {.path = (uint8_t)path_of(i, FAMILY_IPV4),
				.facts = {.present = true,
					.carrier = true,
					.has_address = true,
					.has_gateway = true,
					.address = {10, 0, (uint8_t)i, 2},
					.gateway = {10, 0, (uint8_t)i, 1},
					.ifindex = i + 1,
					.mtu = 1500,
					.metric = i}}};
		runner_step(r, &in);
	}
}

int scenario_play(struct scenario *s, const struct scenario_run *run, struct scenario_result *ret)
{
	static struct play play; /* a block of a trace is in it */
	struct runner_world world = {.user = &play,
		.probe = answer_probe,
		.count = answer_count,
		.stepped = stepped};
	struct runner *r = malloc(sizeof(*r));
	void *engine = malloc(engine_size());
	int error = r && engine ? 0 : -ENOMEM;

	memset(ret, 0, sizeof(*ret));
	play = (struct play){.s = s, .run = run, .result = ret};
	play.random = (run->seed + 1) * UINT64_C(0x9e3779b97f4a7c15) | 1;
	for (unsigned i = 0; i < s->n_links; i++) {
		s->link[i].counters = (struct input_counters){.link = (uint8_t)i};
		s->link[i].answers.n = 0;
		s->link[i].sent_until_us = s->link[i].back_until_us = s->t0_us;
		s->link[i].probes = s->link[i].probes_lost = s->link[i].probe_bytes = 0;
		s->link[i].recording.cursor = 0;
	}
	if (run->timeline)
		/* until the engine has chosen, table main leads over the link of the least metric */
		fprintf(run->timeline, "t_s,link\n%.6f,%s\n", (double)s->t0_us / 1e6,
			s->link[0].name);
	if (run->moved)
		run->moved(run->user, s->t0_us, 0);
	if (!error) {
		runner_init(r, engine, &world, s->t0_us, run->seed);
		if (run->record)
			recorder_begin(&play.recorder, run->record, s->t0_us, run->seed);
		begin(s, run->config, r);
	}
	for (unsigned permille = 1; !error && permille <= 1000 && !r->stuck; permille++) {
		runner_run(r, s->t0_us + (s->t1_us - s->t0_us) / 1000 * permille);
		if (run->progress)
			run->progress(run->user, permille);
	}
	if (!error && run->record)
		recorder_end(&play.recorder);
	if (!error) {
		ret->steps = r->steps;
		ret->probes = r->probes;
		ret->stuck = r->stuck;
		ret->stuck_us = r->now_us;
	}
	free(engine);
	free(r);
	return error;
}
