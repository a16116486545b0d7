#include "api/event_text.h"

#include <syslog.h>

#include "api/explain.h"
#include "api/words.h"
#include "base/imath.h"
#include "base/usec.h"
#include "core/names.h"

struct teller {
	const struct event *e;
	const struct policy *policy;
	struct words *out;
};

static const char *path_name(const struct teller *t, unsigned path)
{
	unsigned link = path_link(path);

	if (path >= PATHS_MAX || !(t->policy->links & (UINT32_C(1) << link)))
		return path >= PATHS_MAX ? "none" : "a link that is gone";
	return t->policy->link[link].name;
}

static const char *class_name(const struct teller *t)
{
	return t->e->class < t->policy->n_classes && t->e->class < CLASSES_MAX
		       ? t->policy->class[t->e->class].name
		       : "all classes";
}

static enum family event_family(const struct event *e)
{
	unsigned path = e->to < PATHS_MAX ? e->to : e->from < PATHS_MAX ? e->from : e->path;

	return path_family(path);
}

static void add_verdict(const struct teller *t)
{
	if (t->e->verdict != VERDICT_NONE && t->e->verdict < VERDICT_COUNT)
		words_add(t->out, "; %s", explain_verdict((enum verdict)t->e->verdict));
}

/* "wan ipv6"; IPv4 is what people mean without saying it */
static void add_path_name(const struct teller *t, unsigned path)
{
	words_add(t->out, "%s%s", path_name(t, path),
		path < PATHS_MAX && path_family(path) == FAMILY_IPV6 ? " ipv6" : "");
}

static const char *known(const char *word)
{
	return word ? word : "?";
}

static bool is_bad(unsigned health)
{
	return health == HEALTH_SUSPECT || health == HEALTH_DEGRADED || health == HEALTH_DEAD;
}

static void tell_health_numbers(const struct teller *t)
{
	const struct event *e = t->e;
	int64_t silence_us = e->value[0], lost = e->value[1], loss_ppm = e->value[2];
	const char *between = ": ";

	if (silence_us > 0 && is_bad(e->to)) {
		words_add(t->out, "%snothing came back for %s", between,
			word_span(silence_us).text);
		if (e->limit_us > 0)
			words_add(t->out, " (patience %s)", word_span(e->limit_us).text);
		between = ", ";
	}
	if (lost > 0 && is_bad(e->to)) {
		words_add(t->out, "%s%lld probe%s lost", between, (long long)lost,
			lost == 1 ? "" : "s");
		between = ", ";
	}
	if (e->to == HEALTH_DEAD)
		return;
	if (loss_ppm > 0) {
		words_add(t->out, "%sloss %s", between, word_percent(loss_ppm).text);
		between = ", ";
	}
	if (e->value[3] > 0)
		words_add(t->out, "%sround trip %s", between, word_span(e->value[3]).text);
}

static void tell_health(const struct teller *t)
{
	const struct event *e = t->e;

	add_path_name(t, e->path);
	words_add(t->out, ": %s -> %s", known(health_name((enum health)e->from)),
		known(health_name((enum health)e->to)));
	if (e->to != HEALTH_ABSENT && e->to != HEALTH_DOWN)
		tell_health_numbers(t);
	add_verdict(t);
}

static void tell_switch(const struct teller *t)
{
	const struct event *e = t->e;

	words_add(t->out, "%s %s: ", class_name(t), family_name(event_family(e)));
	if (e->from >= PATHS_MAX) {
		words_add(t->out, "uses %s, score %lld", path_name(t, e->to),
			(long long)e->value[2]);
		return;
	}
	words_add(t->out, "%s -> %s", path_name(t, e->from), path_name(t, e->to));
	if (e->step != STEP_NONE && e->step < STEP_COUNT)
		words_add(t->out, ", settled at step %d (%s)", e->step,
			step_name((enum step)e->step));
	words_add(t->out, ", score %lld -> %lld", (long long)e->value[1], (long long)e->value[2]);
	if (e->value[0] > 0)
		words_add(t->out, ", %s in trouble for %s", path_name(t, e->from),
			word_span(e->value[0]).text);
	add_verdict(t);
}

static void tell_canary(const struct teller *t)
{
	const struct event *e = t->e;

	words_add(t->out, "%s %s: new flows go back from %s to %s", class_name(t),
		family_name(event_family(e)), path_name(t, e->from), path_name(t, e->to));
	if (e->step != STEP_NONE && e->step < STEP_COUNT)
		words_add(t->out, ", settled at step %d (%s)", e->step,
			step_name((enum step)e->step));
	if (e->value[0] > 0)
		words_add(t->out, ", after %s without trouble", word_span(e->value[0]).text);
	words_add(t->out, ", score %lld -> %lld", (long long)e->value[1], (long long)e->value[2]);
}

static const char *stay_text(enum stay stay)
{
	switch (stay) {
	case STAY_NO_BETTER:
		return "no path is measured to be better";
	case STAY_UNPROVEN:
		return "the other has not answered a fresh burst yet";
	case STAY_HOLD:
		return "a hold is in force";
	case STAY_WAIT:
		return "the link usually comes back sooner than a switch would pay";
	case STAY_CONGESTION:
		return "our own traffic is the cause, another link would suffer it too";
	case STAY_COUNT:
		break;
	}
	return "?";
}

static void tell_stay(const struct teller *t)
{
	const struct event *e = t->e;

	words_add(t->out, "%s %s: stays on %s", class_name(t), family_name(event_family(e)),
		path_name(t, e->from));
	if (e->to < PATHS_MAX)
		words_add(t->out, ", %s was wanted", path_name(t, e->to));
	words_add(t->out, ": %s",
		e->value[0] >= 0 && e->value[0] < STAY_COUNT ? stay_text((enum stay)e->value[0])
							     : "?");
	if (e->value[1] > 0)
		words_add(t->out, ", due in %s", word_span(e->value[1]).text);
	add_verdict(t);
}

/* value[0]: for how long, -1 without an end. */
static void tell_command(const struct teller *t)
{
	const struct event *e = t->e;
	bool ends = e->from == COMMAND_PIN || e->from == COMMAND_HOLD || e->from == COMMAND_DRAIN;

	words_add(t->out, "user: %s", known(command_verb_name((enum command_verb)e->from)));
	if (e->path < PATHS_MAX)
		words_add(t->out, " %s", path_name(t, e->path));
	if (e->class < CLASSES_MAX)
		words_add(t->out, ", class %s", class_name(t));
	if (ends && e->value[0] > 0)
		words_add(t->out, ", for %s", word_span(e->value[0]).text);
	else if (ends)
		words_add(t->out, ", until it is taken back");
}

static void tell_expired(const struct teller *t)
{
	const struct event *e = t->e;

	words_add(t->out, "%s", known(command_verb_name((enum command_verb)e->from)));
	if (e->path < PATHS_MAX)
		words_add(t->out, " of %s", path_name(t, e->path));
	if (e->class < CLASSES_MAX)
		words_add(t->out, ", class %s,", class_name(t));
	words_add(t->out, " has ended");
}

static void tell_applied(const struct teller *t)
{
	const struct event *e = t->e;

	if (e->path < PATHS_MAX)
		add_path_name(t, e->path);
	else
		words_add(t->out, "%s", class_name(t));
	if (e->value[1])
		words_add(t->out, ": the kernel refused the route change (error %lld); tried again",
			(long long)e->value[1]);
	else
		words_add(t->out, ": the kernel has taken the route change, %s",
			word_span(e->value[0]).text);
}

static void tell_drift(const struct teller *t)
{
	const struct event *e = t->e;

	if (e->path < PATHS_MAX) {
		add_path_name(t, e->path);
		words_add(t->out, ": its route or rule was gone from the kernel; put back");
	} else if (e->class < CLASSES_MAX) {
		words_add(t->out, "%s: the kernel's routes were not ours; put back", class_name(t));
	} else {
		words_add(t->out, "the ruleset that marks flows was gone; put back");
	}
}

static void tell_flap(const struct teller *t)
{
	const struct event *e = t->e;

	add_path_name(t, e->path);
	words_add(t->out, ": held down for %s after %lld relapse%s", word_span(e->value[0]).text,
		(long long)e->value[1], e->value[1] == 1 ? "" : "s");
}

static void tell_target(const struct teller *t)
{
	const struct event *e = t->e;

	words_add(t->out, "probe target %lld (%s): %s", (long long)e->value[0],
		known(e->value[1] == FAMILY_IPV4 || e->value[1] == FAMILY_IPV6
				? family_name((enum family)e->value[1])
				: NULL),
		e->to ? "dead on every link, its own fault; it no longer counts"
		      : "well again, it counts");
}

static void tell_forecast(const struct teller *t)
{
	const struct event *e = t->e;

	add_path_name(t, e->path);
	words_add(t->out, ": forecasts of outages within %lld s %s", (long long)e->value[3],
		e->to == TRUST_NONE ? "are no longer heeded" : "are heeded");
	words_add(t->out, ": %s was the mean forecast, ", word_percent(e->value[1]).text);
	words_add(t->out, "%s came true, skill ", word_percent(e->value[2]).text);
	words_add(t->out, "%s%s", e->value[0] < 0 ? "-" : "",
		word_percent(imath_abs(e->value[0])).text);
}

static void tell_path_facts(const struct teller *t)
{
	static const char *const fact[] = {"device", "carrier", "address", "gateway", "MTU"};
	const char *between = ": new from the kernel: ";

	add_path_name(t, t->e->path);
	for (unsigned i = 0; i < sizeof(fact) / sizeof(fact[0]); i++) {
		if (!(t->e->value[0] & (1 << i)))
			continue;
		words_add(t->out, "%s%s", between, fact[i]);
		between = ", ";
	}
	if (!(t->e->value[0] & 31))
		words_add(t->out, ": looked at again");
	add_verdict(t);
}

static void tell_verdict(const struct teller *t)
{
	const struct event *e = t->e;
	bool over = e->verdict == VERDICT_NONE;
	unsigned verdict = over ? e->from : e->verdict;

	add_path_name(t, e->path);
	words_add(t->out, over ? ": no longer so: %s" : ": %s",
		verdict < VERDICT_COUNT ? explain_verdict((enum verdict)verdict) : "?");
}

static void tell_fail_open(const struct teller *t)
{
	const struct event *e = t->e;
	bool ipv6 = e->value[2] == FAMILY_IPV6;

	words_add(t->out, "%s %s: no link answers; ", class_name(t),
		family_name(ipv6 ? FAMILY_IPV6 : FAMILY_IPV4));
	if (e->path < PATHS_MAX)
		words_add(t->out, "traffic stays on %s until one does", path_name(t, e->path));
	else
		words_add(t->out, "traffic follows the system's own routes until one does");
}

static void tell(const struct teller *t)
{
	const struct event *e = t->e;

	switch (e->kind) {
	case EVENT_HEALTH:
		tell_health(t);
		return;
	case EVENT_SWITCH:
		tell_switch(t);
		return;
	case EVENT_STAY:
		tell_stay(t);
		return;
	case EVENT_CANARY:
		tell_canary(t);
		return;
	case EVENT_FAIL_OPEN:
		tell_fail_open(t);
		return;
	case EVENT_PATH_FACTS:
		tell_path_facts(t);
		return;
	case EVENT_TARGET:
		tell_target(t);
		return;
	case EVENT_VERDICT:
		tell_verdict(t);
		return;
	case EVENT_APPLIED:
		tell_applied(t);
		return;
	case EVENT_DRIFT:
		tell_drift(t);
		return;
	case EVENT_COMMAND:
		tell_command(t);
		return;
	case EVENT_EXPIRED:
		tell_expired(t);
		return;
	case EVENT_POLICY:
		words_add(t->out, "configuration taken");
		return;
	case EVENT_BUDGET:
		add_path_name(t, e->path);
		words_add(t->out, e->to ? ": the probe budget is spent; probes come more slowly"
					: ": the probe budget suffices again");
		return;
	case EVENT_FLAP:
		tell_flap(t);
		return;
	case EVENT_TIME:
		words_add(t->out, "an input's time ran backwards by %s and was corrected",
			word_span(e->value[0]).text);
		return;
	case EVENT_FORECAST:
		tell_forecast(t);
		return;
	case EVENT_KIND_COUNT:
		break;
	}
	words_add(t->out, "unknown event %d", (int)e->kind);
}

void event_text(const struct event *e, const struct policy *policy, char *text, size_t size)
{
	struct words out;

	words_init(&out, text, size);
	tell(&(struct teller){.e = e, .policy = policy, .out = &out});
}

static int health_level(const struct event *e)
{
	switch ((enum health)e->to) {
	case HEALTH_DEAD:
	case HEALTH_DOWN:
	case HEALTH_ABSENT:
	case HEALTH_DEGRADED:
	case HEALTH_UP:
		return e->from == HEALTH_SUSPECT && e->to == HEALTH_UP ? LOG_INFO : LOG_NOTICE;
	case HEALTH_UNKNOWN:
	case HEALTH_SUSPECT:
	case HEALTH_RECOVERING:
	case HEALTH_COUNT:
		break;
	}
	return LOG_INFO;
}

int event_level(const struct event *e)
{
	switch (e->kind) {
	case EVENT_HEALTH:
		return health_level(e);
	case EVENT_APPLIED:
		return e->value[1] ? LOG_ERR : LOG_INFO;
	case EVENT_FAIL_OPEN:
	case EVENT_DRIFT:
		return LOG_WARNING;
	case EVENT_SWITCH:
	case EVENT_CANARY:
	case EVENT_VERDICT:
	case EVENT_TARGET:
	case EVENT_COMMAND:
	case EVENT_EXPIRED:
	case EVENT_POLICY:
	case EVENT_FLAP:
		return LOG_NOTICE;
	case EVENT_STAY:
	case EVENT_PATH_FACTS:
	case EVENT_BUDGET:
	case EVENT_TIME:
	case EVENT_FORECAST:
		return LOG_INFO;
	case EVENT_KIND_COUNT:
		break;
	}
	return LOG_DEBUG;
}

unsigned event_link(const struct event *e)
{
	return e->path < PATHS_MAX ? path_link(e->path) : LINKS_MAX;
}
