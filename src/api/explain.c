#include "api/explain.h"

#include <string.h>

#include "api/words.h"
#include "base/usec.h"
#include "core/names.h"

struct writer {
	const struct snapshot *s;
	unsigned class;
	enum family family;
	const struct decision_view *d;
	int64_t wall_us;
	struct explanation *out;
};

const char *topic_name(enum topic topic)
{
	static const char *const name[] = {"now", "why", "user", "why-not", "fault", "waiting",
		"forecast", "change"};

	return (unsigned)topic < TOPIC_COUNT ? name[topic] : NULL;
}

const char *explain_family(enum family family)
{
	return family == FAMILY_IPV6 ? "IPv6" : "IPv4";
}

const char *explain_verdict(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_NONE:
		return "nothing is wrong";
	case VERDICT_NO_CARRIER:
		return "no carrier: the cable, radio or modem";
	case VERDICT_NO_ADDRESS:
		return "no address: the provider's DHCP, PPP or router advertisement has given "
		       "none";
	case VERDICT_NO_GATEWAY:
		return "no default route: the provider has announced no gateway";
	case VERDICT_GATEWAY_SILENT:
		return "not even the gateway answers: the cable, radio or modem";
	case VERDICT_PROVIDER:
		return "the gateway answers, nothing beyond it does: the provider's fault";
	case VERDICT_SILENT:
		return "nothing answers, and the gateway cannot be asked: the line or the provider";
	case VERDICT_LOSS:
		return "too many packets are lost: the line or the provider";
	case VERDICT_DELAY:
		return "answers take too long: the line or the provider";
	case VERDICT_JITTER:
		return "answers come too unevenly: the line or the provider";
	case VERDICT_CONGESTION:
		return "our own traffic fills the line: not the link's fault";
	case VERDICT_DNS:
		return "names do not resolve, the rest works: the DNS servers' fault";
	case VERDICT_PORTAL:
		return "a captive portal answers in place of the Internet: somebody has to log in";
	case VERDICT_MTU:
		return "large packets vanish: a router on the way breaks path MTU discovery";
	case VERDICT_TARGET:
		return "a target is dead on every link: its own fault";
	case VERDICT_LOCAL:
		return "this router itself could not send";
	case VERDICT_WEB:
		return "ping is answered, but TCP connections do not open: a filter on the way";
	case VERDICT_COUNT:
		break;
	}
	return "?";
}

/* A new line of that topic, or the last one again when the table is full. */
static struct words line(const struct writer *w, enum topic topic, unsigned path)
{
	struct explanation *e = w->out;
	struct explanation_line *l =
		&e->line[e->n < EXPLANATION_LINES_MAX ? e->n++ : EXPLANATION_LINES_MAX - 1];
	struct words words;

	l->topic = topic;
	l->path = (uint8_t)path;
	words_init(&words, l->text, sizeof(l->text));
	return words;
}

static const char *name(const struct snapshot *s, unsigned path)
{
	return snapshot_path_link(s, path);
}

/* "in 23 s (at 14:03:22)" */
static void add_due(struct words *out, const struct writer *w, int64_t due_us)
{
	int64_t left_us = due_us - w->s->now_us;

	if (due_us == USEC_NEVER)
		return;
	if (left_us < 0)
		left_us = 0;
	words_add(out, "in %s (at %s)", word_span(left_us).text,
		word_clock(w->wall_us + left_us, w->wall_us).text);
}

/* "43 min more (until 14:46:00)", or "until it is taken back" */
static void add_until(struct words *out, const struct writer *w, int64_t until_us)
{
	if (until_us == USEC_NEVER) {
		words_add(out, "until it is taken back");
		return;
	}
	words_add(out, "for %s more (until %s)", word_span(until_us - w->s->now_us).text,
		word_clock(w->wall_us + until_us - w->s->now_us, w->wall_us).text);
}

/* ", 8.1 ms, 0.2 % loss, score 93" */
static void add_numbers(struct words *out, const struct path_view *v, unsigned class)
{
	if (v->rtt_us >= 0)
		words_add(out, ", %s", word_span(v->rtt_us).text);
	if (v->loss_ppm > 0)
		words_add(out, ", %s loss", word_percent(v->loss_ppm).text);
	else if (v->loss_ppm == 0)
		words_add(out, ", no loss");
	if (v->rtt_us >= 0)
		words_add(out, ", score %d", v->score[class]);
}

static void add_silence(struct words *out, const struct path_view *v)
{
	if (v->silence_us <= 0)
		return;
	words_add(out, "nothing has come back for %s", word_span(v->silence_us).text);
	if (v->patience_us > 0)
		words_add(out, " (patience %s)", word_span(v->patience_us).text);
}

/* A verdict in few words, with the number behind it where the view has one. */
static void add_cause(struct words *out, const struct path_view *v)
{
	switch (v->verdict) {
	case VERDICT_LOSS:
		words_add(out, "%s lost, %s usually", word_percent(v->loss_ppm).text,
			word_percent(v->loss_usual_ppm).text);
		break;
	case VERDICT_DELAY:
		words_add(out, "round trip %s", word_span(v->rtt_us).text);
		if (v->rtt_usual_us >= 0)
			words_add(out, ", %s usually", word_span(v->rtt_usual_us).text);
		break;
	case VERDICT_JITTER:
		words_add(out, "jitter %s", word_span(v->jitter_us).text);
		break;
	case VERDICT_CONGESTION:
		words_add(out, "sending %s, receiving %s, round trip %s", word_rate(v->tx_bps).text,
			word_rate(v->rx_bps).text, word_span(v->rtt_us).text);
		break;
	case VERDICT_NONE:
	case VERDICT_NO_CARRIER:
	case VERDICT_NO_ADDRESS:
	case VERDICT_NO_GATEWAY:
	case VERDICT_GATEWAY_SILENT:
	case VERDICT_PROVIDER:
	case VERDICT_SILENT:
	case VERDICT_DNS:
	case VERDICT_PORTAL:
	case VERDICT_MTU:
	case VERDICT_TARGET:
	case VERDICT_LOCAL:
	case VERDICT_WEB:
	case VERDICT_COUNT:
		break;
	}
}

/* Lives, but something that people need does not work over it. */
static bool lacks_service(enum verdict verdict)
{
	return verdict == VERDICT_PORTAL || verdict == VERDICT_WEB || verdict == VERDICT_MTU ||
	       verdict == VERDICT_DNS;
}

static const char *verdict_short(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_NO_CARRIER:
		return "no carrier";
	case VERDICT_NO_ADDRESS:
		return "no address";
	case VERDICT_NO_GATEWAY:
		return "no default route";
	case VERDICT_NONE:
	case VERDICT_GATEWAY_SILENT:
	case VERDICT_PROVIDER:
	case VERDICT_SILENT:
	case VERDICT_LOSS:
	case VERDICT_DELAY:
	case VERDICT_JITTER:
	case VERDICT_CONGESTION:
	case VERDICT_DNS:
	case VERDICT_PORTAL:
	case VERDICT_MTU:
	case VERDICT_TARGET:
	case VERDICT_LOCAL:
	case VERDICT_WEB:
	case VERDICT_COUNT:
		break;
	}
	return NULL;
}

static void add_path(struct words *out, const struct snapshot *s, unsigned class, unsigned path)
{
	const struct path_view *v = &s->path[path];
	const char *cause = verdict_short(v->verdict);
	int64_t since_us = s->now_us - v->health_since_us;

	words_add(out, "%s", health_name(v->health));
	switch (v->health) {
	case HEALTH_ABSENT:
	case HEALTH_DOWN:
		words_add(out, " for %s", word_span(since_us).text);
		if (cause)
			words_add(out, ": %s", cause);
		break;
	case HEALTH_DEAD:
		words_add(out, " for %s", word_span(since_us).text);
		if (v->silence_us > 0) {
			words_add(out, ": ");
			add_silence(out, v);
		}
		break;
	case HEALTH_SUSPECT:
		if (v->silence_us > 0) {
			words_add(out, ": ");
			add_silence(out, v);
		} else {
			add_numbers(out, v, class);
		}
		break;
	case HEALTH_RECOVERING:
		words_add(out, " for %s", word_span(since_us).text);
		add_numbers(out, v, class);
		break;
	case HEALTH_UNKNOWN:
	case HEALTH_UP:
	case HEALTH_DEGRADED:
	case HEALTH_COUNT:
		add_numbers(out, v, class);
		break;
	}
}

void explain_path(const struct snapshot *s, unsigned class, unsigned path, char *text, size_t size)
{
	struct words out;

	words_init(&out, text, size);
	add_path(&out, s, class, path);
}

static void add_needs_reason(struct words *out, const struct snapshot *s, unsigned class,
	unsigned winner, unsigned loser)
{
	int score = s->path[loser].score[class], needed = s->policy->class[class].min_score;

	if (lacks_service(s->path[loser].verdict))
		words_add(out, "lacks nothing, on %s %s", name(s, loser),
			explain_verdict(s->path[loser].verdict));
	else
		words_add(out, "meets the needs of %s better (score %d, at least %d) than %s (%d)",
			s->policy->class[class].name, s->path[winner].score[class], needed,
			name(s, loser), score);
}

static const struct forecast_view *forecast_of(const struct snapshot *s, unsigned path)
{
	return &s->path[path].forecast[s->policy->horizon];
}

/* "37 % within 10s" */
static void add_chance(struct words *out, const struct snapshot *s, unsigned path)
{
	words_add(out, "%s within %s", word_percent(forecast_of(s, path)->chance_ppm).text,
		horizon_name(s->policy->horizon));
}

/* "lte has announced an outage", "lte will probably fail (37 % within 10s)" */
static void add_doom(struct words *out, const struct snapshot *s, unsigned path)
{
	words_add(out, "%s ", name(s, path));
	if (forecast_of(s, path)->trust < TRUST_FULL) {
		words_add(out, "has announced an outage");
		return;
	}
	words_add(out, "will probably fail (");
	add_chance(out, s, path);
	words_add(out, ")");
}

/* Why winner goes before loser at a step, seen from the winner: "is preferred to lte (100 over 50)". */
static void add_reason(struct words *out, const struct snapshot *s, unsigned class, enum step step,
	unsigned winner, unsigned loser)
{
	const struct link_policy *won = &s->policy->link[path_link(winner)];
	const struct link_policy *lost = &s->policy->link[path_link(loser)];
	const char *other = name(s, loser);

	switch (step) {
	case STEP_NONE:
		words_add(out, "is the only one to choose");
		break;
	case STEP_USABLE:
		words_add(out, "is usable, %s is not", other);
		break;
	case STEP_ALIVE:
		words_add(out, "answers, %s is %s", other, health_name(s->path[loser].health));
		break;
	case STEP_PIN:
		words_add(out, "is pinned by the user, whatever %s offers", other);
		break;
	case STEP_QUOTA:
		if (s->path[loser].drained_us)
			words_add(out, "is not drained, %s is", other);
		else
			words_add(out, "has data left, %s has used up its quota", other);
		break;
	case STEP_NEEDS:
		add_needs_reason(out, s, class, winner, loser);
		break;
	case STEP_STEADY:
		words_add(out, "gives less trouble than %s (", other);
		words_add(out, "%s against ", word_span(s->path[winner].trouble_us).text);
		words_add(out, "%s in an hour)", word_span(s->path[loser].trouble_us).text);
		break;
	case STEP_FORECAST:
		words_add(out, "is expected to stay, ");
		add_doom(out, s, loser);
		break;
	case STEP_PREFERENCE:
		words_add(out, "is preferred to %s (%d over %d)", other, won->preference,
			lost->preference);
		break;
	case STEP_SCORE:
		words_add(out, "scores better than %s (%d over %d)", other,
			s->path[winner].score[class], s->path[loser].score[class]);
		break;
	case STEP_INCUMBENT:
		words_add(out, "carries the traffic already, and %s is no better (%d over %d)",
			other, s->path[winner].score[class], s->path[loser].score[class]);
		break;
	case STEP_ORDER:
		words_add(out, "comes before %s in the configuration, all else is equal", other);
		break;
	case STEP_COUNT:
		break;
	}
}

/* Another path is the better one, and something holds the move back. */
static bool is_waiting(const struct decision_view *d)
{
	return d->wanted < PATHS_MAX && !decision_uses(d, d->wanted);
}

void explain_choice(const struct snapshot *s, unsigned class, enum family family, char *text,
	size_t size)
{
	const struct decision_view *d = &s->decision[class][family];
	char reason[EXPLANATION_TEXT_SIZE];
	struct words out;

	words_init(&out, reason, sizeof(reason));
	if (!d->n)
		words_add(&out, "no link is usable");
	else if (d->fail_open)
		words_add(&out, "all are dead; the last one stays");
	else if (is_waiting(d))
		words_add(&out, "until %s may take over (%s)", name(s, d->wanted),
			stay_name(d->stay));
	else if (d->runner_up >= PATHS_MAX || d->step == STEP_NONE)
		words_add(&out, "the only one to choose");
	else
		add_reason(&out, s, class, d->step, d->path[0], d->runner_up);
	words_init(&out, text, size);
	words_add(&out, "%s", reason + (strncmp(reason, "is ", 3) ? 0 : 3));
}

static void say_used(const struct writer *w, struct words *out)
{
	const struct decision_view *d = w->d;

	if (d->n == 1) {
		const struct link_policy *l = &w->s->policy->link[path_link(d->path[0])];

		words_add(out, "has used %s (%s, %s)", l->name, link_kind_name(l->kind), l->device);
	} else {
		words_add(out, "has spread new flows over");
		for (unsigned i = 0; i < d->n && i < ROUTE_PATHS_MAX; i++)
			words_add(out, "%s %s (weight %d)",
				i == 0         ? ""
				: i + 1 < d->n ? ","
					       : " and",
				name(w->s, d->path[i]), d->weight[i]);
	}
	words_add(out, " for %s", word_span(w->s->now_us - d->since_us).text);
}

static void say_now(const struct writer *w)
{
	const struct decision_view *d = w->d;
	struct words out = line(w, TOPIC_NOW, d->n ? d->path[0] : PATHS_MAX);

	words_add(&out, "%s over %s ", w->s->policy->class[w->class].name,
		explain_family(w->family));
	if (!d->n) {
		words_add(&out,
			"uses no link of ours; it follows the system's own routes, if any.");
		return;
	}
	say_used(w, &out);
	if (d->fail_open)
		words_add(&out, "; every link is dead, so traffic stays where it was");
	else if (!d->confirmed && !w->s->policy->observe && !w->s->engine.released)
		words_add(&out, "; the kernel has not confirmed it yet");
	words_add(&out, ".");
	if (w->s->engine.released || w->s->policy->observe) {
		out = line(w, TOPIC_NOW, PATHS_MAX);
		words_add(&out, w->s->engine.released ? "Released by the user: nothing is steered, "
							"this is only what would be "
							"done."
						      : "Observing: nothing is steered, this is "
							"only what would be done.");
	}
}

static void say_why(const struct writer *w)
{
	const struct decision_view *d = w->d;
	struct words out;

	if (!d->n)
		return;
	out = line(w, TOPIC_WHY, d->path[0]);
	if (d->fail_open) {
		words_add(&out, "No link answers; moving would help nobody. All are probed on.");
		return;
	}
	if (is_waiting(d)) {
		words_add(&out, "%s stays in use for now, although %s ", name(w->s, d->path[0]),
			name(w->s, d->wanted));
		add_reason(&out, w->s, w->class, d->against[d->wanted], d->wanted, d->path[0]);
		words_add(&out, "; %s is ", name(w->s, d->path[0]));
		add_path(&out, w->s, w->class, d->path[0]);
		words_add(&out, ".");
		return;
	}
	words_add(&out, "%s ", name(w->s, d->path[0]));
	if (d->runner_up >= PATHS_MAX || d->step == STEP_NONE)
		words_add(&out, "is the only one to choose");
	else
		add_reason(&out, w->s, w->class, d->step, d->path[0], d->runner_up);
	words_add(&out, "; it is ");
	add_path(&out, w->s, w->class, d->path[0]);
	words_add(&out, ".");
}

static void say_user(const struct writer *w)
{
	const struct decision_view *d = w->d;
	struct words out;

	if (d->pinned_until_us && d->pinned_link < LINKS_MAX) {
		out = line(w, TOPIC_USER, path_of(d->pinned_link, w->family));
		words_add(&out, "Pinned to %s ", name(w->s, path_of(d->pinned_link, w->family)));
		add_until(&out, w, d->pinned_until_us);
		words_add(&out, ".");
	}
	if (d->held_until_us) {
		out = line(w, TOPIC_USER, PATHS_MAX);
		words_add(&out, "Held: no switch except away from a dead link, ");
		add_until(&out, w, d->held_until_us);
		words_add(&out, ".");
	}
	for (unsigned link = 0; link < LINKS_MAX; link++) {
		unsigned path = path_of(link, w->family);

		if (!snapshot_link_exists(w->s, link) || !w->s->path[path].drained_us)
			continue;
		out = line(w, TOPIC_USER, path);
		words_add(&out, "%s is drained ", name(w->s, path));
		add_until(&out, w, w->s->path[path].drained_us);
		words_add(&out, ".");
	}
}

/* Why a path that is not usable is not: the nearest cause. */
static void add_unusable(struct words *out, const struct writer *w, unsigned path)
{
	const struct path_view *v = &w->s->path[path];
	const struct link_policy *l = &w->s->policy->link[path_link(path)];

	if (!l->enabled)
		words_add(out, "disabled in the configuration");
	else if (!snapshot_class_allows(w->s, w->class, path_link(path)))
		words_add(out, "%s may not use it (option links)",
			w->s->policy->class[w->class].name);
	else if (v->drained_us)
		words_add(out, "drained by the user");
	else if (v->flapping)
		words_add(out, "held down after %d relapses, %s%s", v->relapses,
			v->hold_left_us == USEC_NEVER ? "until it lives"
						      : word_span(v->hold_left_us).text,
			v->hold_left_us == USEC_NEVER ? "" : " more");
	else
		add_path(out, w->s, w->class, path);
}

/* The numbers with which a path loses at a step. */
static void add_loss(struct words *out, const struct writer *w, unsigned path, enum step step)
{
	const struct snapshot *s = w->s;
	unsigned chosen = w->d->path[0];
	const struct path_view *v = &s->path[path];

	switch (step) {
	case STEP_USABLE:
		add_unusable(out, w, path);
		return;
	case STEP_ALIVE:
		break;
	case STEP_PIN:
		words_add(out, "%s is pinned; ", name(s, chosen));
		break;
	case STEP_QUOTA:
		if (v->drained_us) {
			words_add(out, "drained by the user; ");
			break;
		}
		words_add(out, "%s of %s used; ", word_bytes(v->quota_used_bytes).text,
			word_bytes(s->policy->link[path_link(path)].quota_bytes).text);
		break;
	case STEP_NEEDS:
		if (lacks_service(v->verdict))
			break;
		words_add(out, "score %d, %s needs %d; ", v->score[w->class],
			s->policy->class[w->class].name, s->policy->class[w->class].min_score);
		break;
	case STEP_STEADY:
		words_add(out, "%s of trouble in an hour; ", word_span(v->trouble_us).text);
		break;
	case STEP_FORECAST:
		add_doom(out, s, path);
		words_add(out, "; ");
		break;
	case STEP_PREFERENCE:
		words_add(out, "%d against %d; ", s->policy->link[path_link(path)].preference,
			s->policy->link[path_link(chosen)].preference);
		break;
	case STEP_SCORE:
	case STEP_INCUMBENT:
		words_add(out, "%d against %d; ", v->score[w->class],
			s->path[chosen].score[w->class]);
		break;
	case STEP_ORDER:
		words_add(out, "all else is equal; ");
		break;
	case STEP_NONE:
	case STEP_COUNT:
		break;
	}
	add_path(out, s, w->class, path);
}

static void say_why_not(const struct writer *w)
{
	for (unsigned link = 0; link < LINKS_MAX; link++) {
		unsigned path = path_of(link, w->family);
		enum step step = w->d->against[path];
		struct words out;

		if (!snapshot_link_exists(w->s, link) || decision_uses(w->d, path) ||
			!w->s->path[path].exists)
			continue;
		out = line(w, TOPIC_WHY_NOT, path);
		if (is_waiting(w->d) && path == w->d->wanted) {
			words_add(&out, "%s would be better, but something holds the move back: ",
				name(w->s, path));
			add_path(&out, w->s, w->class, path);
		} else if (step == STEP_NONE || !w->d->n) {
			words_add(&out, "%s is no candidate: ", name(w->s, path));
			add_unusable(&out, w, path);
		} else {
			words_add(&out, "%s loses at step %d (%s): ", name(w->s, path), (int)step,
				step_name(step));
			add_loss(&out, w, path, step);
		}
		words_add(&out, ".");
	}
}

static void say_faults(const struct writer *w)
{
	for (unsigned link = 0; link < LINKS_MAX; link++) {
		unsigned path = path_of(link, w->family);
		const struct path_view *v = &w->s->path[path];
		struct words out;

		if (!snapshot_link_exists(w->s, link) || !v->exists || v->verdict == VERDICT_NONE)
			continue;
		/* IPv6 that was never there is no fault */
		if (path_family(path) == FAMILY_IPV6 && !v->facts.has_address &&
			v->sample_age_us < 0)
			continue;
		out = line(w, TOPIC_FAULT, path);
		words_add(&out, "%s: ", name(w->s, path));
		if (out.used)
			add_cause(&out, v);
		if (out.used && out.text[out.used - 1] != ' ')
			words_add(&out, "; ");
		words_add(&out, "%s.", explain_verdict(v->verdict));
	}
}

static const char *heeded(const struct writer *w, enum trust trust)
{
	if (w->s->policy->prediction == PREDICTION_OBSERVE)
		return "only watched (prediction observe)";
	switch (trust) {
	case TRUST_NONE:
		return "not heeded: such forecasts have shown no skill here";
	case TRUST_UNTRIED:
		return "heeded for being ready only: too little has happened here to tell their "
		       "worth";
	case TRUST_SOME:
		return "heeded for being ready and for asking sooner";
	case TRUST_FULL:
		return "heeded, for leaving in time too";
	case TRUST_COUNT:
		break;
	}
	return "?";
}

static void say_forecast(const struct writer *w)
{
	const struct forecast_view *f;
	struct words out;

	if (!w->d->n || w->s->policy->prediction == PREDICTION_OFF)
		return;
	f = forecast_of(w->s, w->d->path[0]);
	if (!f->chance_ppm)
		return;
	out = line(w, TOPIC_FORECAST, w->d->path[0]);
	words_add(&out, "%s fails with a chance of ", name(w->s, w->d->path[0]));
	add_chance(&out, w->s, w->d->path[0]);
	if (f->n)
		words_add(&out, " (%s is usual here)", word_percent(f->happened_ppm).text);
	words_add(&out, "; %s.", heeded(w, f->trust));
}

static void say_stay(const struct writer *w)
{
	const struct decision_view *d = w->d;
	const char *wanted = name(w->s, d->wanted);
	const char *used = d->n ? name(w->s, d->path[0]) : "none";
	const struct path_view *v = &w->s->path[d->wanted];
	struct words out = line(w, TOPIC_WAITING, d->wanted);

	words_add(&out, "%s would be the choice, but ", wanted);
	switch (d->stay) {
	case STAY_NO_BETTER:
		words_add(&out, "it is not measured to be better than %s", used);
		break;
	case STAY_UNPROVEN:
		words_add(&out, "it has not answered a fresh burst of probes yet");
		break;
	case STAY_HOLD:
		if (d->held_until_us)
			words_add(&out, "the user holds %s", used);
		else
			words_add(&out, "it has to stay well for %s after its failure",
				word_span(v->hold_us).text);
		if (v->relapses)
			words_add(&out, " (%d relapse%s)", v->relapses,
				v->relapses == 1 ? "" : "s");
		break;
	case STAY_WAIT:
		v = d->n ? &w->s->path[d->path[0]] : v;
		words_add(&out,
			"%s usually comes back sooner than a switch pays: silent for %s, patience "
			"%s, %u such silences healed and %u did not",
			used, word_span(v->silence_us).text, word_span(v->patience_us).text,
			v->silences_healed, v->silences_dead);
		break;
	case STAY_CONGESTION:
		words_add(&out, "our own traffic is the cause, and %s would suffer it too", wanted);
		break;
	case STAY_COUNT:
		break;
	}
	if (d->due_us != USEC_NEVER) {
		words_add(&out, "; due ");
		add_due(&out, w, d->due_us);
	}
	words_add(&out, ".");
}

static void say_waiting(const struct writer *w)
{
	struct words out;

	if (is_waiting(w->d))
		say_stay(w);
	for (unsigned link = 0; link < LINKS_MAX; link++) {
		unsigned path = path_of(link, w->family);
		const struct path_view *v = &w->s->path[path];

		if (!snapshot_link_exists(w->s, link) || !v->exists || path == w->d->wanted ||
			decision_uses(w->d, path) || v->hold_left_us <= 0 ||
			v->hold_left_us == USEC_NEVER || health_is_down(v->health))
			continue;
		out = line(w, TOPIC_WAITING, path);
		words_add(&out, "%s may take traffic back after %s without trouble (hold %s); due ",
			name(w->s, path), word_span(v->hold_left_us).text,
			word_span(v->hold_us).text);
		add_due(&out, w, w->s->now_us + v->hold_left_us);
		words_add(&out, ".");
	}
}

static bool may_follow(const struct writer *w, unsigned path)
{
	enum health health;

	if (path >= PATHS_MAX || !snapshot_class_allows(w->s, w->class, path_link(path)))
		return false;
	health = w->s->path[path].health;
	return (health == HEALTH_UP || health == HEALTH_SUSPECT || health == HEALTH_DEGRADED ||
		       health == HEALTH_RECOVERING) &&
	       !w->s->path[path].drained_us;
}

static void say_change_of_used(const struct writer *w)
{
	const struct decision_view *d = w->d;
	const struct path_view *v = &w->s->path[d->path[0]];
	const struct class_policy *c = &w->s->policy->class[w->class];
	const char *used = name(w->s, d->path[0]);
	struct words out = line(w, TOPIC_CHANGE, d->path[0]);

	if (d->fail_open) {
		words_add(&out, "The first link that answers a burst of probes is used at once.");
		return;
	}
	if (!may_follow(w, d->runner_up)) {
		words_add(&out, "Nothing moves traffic off %s: no other link is usable.", used);
		return;
	}
	words_add(&out, "%s takes over when %s ", name(w->s, d->runner_up), used);
	if (v->patience_us > 0)
		words_add(&out, "is silent for %s, ", word_span(v->patience_us).text);
	words_add(&out, "loses carrier, or scores under %d for %s.", c->min_score,
		word_span(w->s->policy->bad_hold_us).text);
}

static void say_change_of_other(const struct writer *w, unsigned path)
{
	const struct path_view *v = &w->s->path[path];
	const char *link = name(w->s, path);
	enum step step = w->d->against[path];
	struct words out = line(w, TOPIC_CHANGE, path);

	if (health_is_down(v->health) || v->health == HEALTH_UNKNOWN) {
		words_add(&out, "%s counts again once it %s", link,
			v->health == HEALTH_DEAD || v->health == HEALTH_UNKNOWN
				? "answers"
				: "has carrier, address and gateway");
		if (v->hold_us > 0)
			words_add(&out, " and has stayed well for %s", word_span(v->hold_us).text);
		words_add(&out, ".");
		return;
	}
	switch (step) {
	case STEP_PREFERENCE:
		words_add(&out,
			"%s is used before %s with a preference above %d, or now by: autonomyctl "
			"pin %s.",
			link, name(w->s, w->d->path[0]),
			w->s->policy->link[path_link(w->d->path[0])].preference, link);
		break;
	case STEP_PIN:
		words_add(&out, "The pin is taken back by: autonomyctl unpin.");
		break;
	case STEP_NEEDS:
		if (lacks_service(v->verdict))
			words_add(&out, "%s counts again once that works over it.", link);
		else
			words_add(&out, "%s counts again with a score of at least %d.", link,
				w->s->policy->class[w->class].min_score);
		break;
	case STEP_QUOTA:
		words_add(&out, "%s counts again in the next quota period.", link);
		break;
	case STEP_STEADY:
		words_add(&out, "%s counts again as its trouble fades, or after %s without any.",
			link, word_span(w->s->policy->link[path_link(path)].hold_max_us).text);
		break;
	case STEP_USABLE:
	case STEP_NONE:
	case STEP_ALIVE:
	case STEP_FORECAST:
	case STEP_SCORE:
	case STEP_INCUMBENT:
	case STEP_ORDER:
	case STEP_COUNT:
		words_add(&out, "%s is used now by: autonomyctl pin %s.", link, link);
		break;
	}
}

static void say_change(const struct writer *w)
{
	if (w->d->n)
		say_change_of_used(w);
	for (unsigned link = 0; link < LINKS_MAX; link++) {
		unsigned path = path_of(link, w->family);
		const struct path_view *v = &w->s->path[path];

		if (!v->exists || decision_uses(w->d, path) || v->drained_us ||
			!snapshot_class_allows(w->s, w->class, link))
			continue;
		if (path_family(path) == FAMILY_IPV6 && !v->facts.has_address &&
			v->sample_age_us < 0)
			continue;
		say_change_of_other(w, path);
	}
}

void explain(const struct snapshot *s, unsigned class, enum family family, int64_t wall_us,
	struct explanation *ret)
{
	const struct writer w = {
		.s = s,
		.class = class,
		.family = family,
		.d = &s->decision[class][family],
		.wall_us = wall_us,
		.out = ret,
	};

	ret->n = 0;
	say_now(&w);
	say_why(&w);
	say_user(&w);
	say_why_not(&w);
	say_faults(&w);
	say_waiting(&w);
	say_forecast(&w);
	say_change(&w);
}
