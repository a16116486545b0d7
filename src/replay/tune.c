#include "replay/tune.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/usec.h"
#include "config/value.h"

#define ROUNDS_MAX 3
/* A difference of less in the share left is none. */
#define GAIN_MIN 0.005
/* What the cross-validated gain must be to change anything. */
#define CLEAR_SHARE 0.03
#define CLEAR_ERRORS 2
#define AVOIDABLE_MIN_US (30 * USEC_S)
#define SETTING_SIZE 96

const struct tune_option tune_option_table[] = {
	{"default.hold",
		{10 * USEC_S, 20 * USEC_S, 40 * USEC_S, 60 * USEC_S, 120 * USEC_S, 300 * USEC_S},
		6},
	{"failover.bad_hold", {200 * USEC_MS, 500 * USEC_MS, USEC_S, 2 * USEC_S, 4 * USEC_S}, 5},
	{"failover.unsteady",
		{0, 200 * USEC_MS, 500 * USEC_MS, USEC_S, 2 * USEC_S, 5 * USEC_S, 15 * USEC_S}, 7},
	{"failover.switch_cost", {200 * USEC_MS, 500 * USEC_MS, USEC_S, 2 * USEC_S, 5 * USEC_S}, 5},
	{"detect.timeout_max", {500 * USEC_MS, USEC_S, 2 * USEC_S}, 3},
	{"detect.false_switch_period", {30 * USEC_DAY, 365 * USEC_DAY, 3650 * USEC_DAY}, 3},
};
const unsigned tune_option_count = sizeof(tune_option_table) / sizeof(tune_option_table[0]);

int tune_option_parse(const char *text, struct tune_option *ret, struct problem *ret_problem)
{
	size_t n = strcspn(text, "=");
	struct tune_option o = {.n = 0};
	const char *at = text + n;

	if (!n || n >= sizeof(o.name) || !*at)
		goto bad;
	memcpy(o.name, text, n);
	while (*at && o.n < TUNE_VALUES_MAX) {
		char word[32];

		at++;
		n = strcspn(at, ",");
		if (n >= sizeof(word))
			goto bad;
		memcpy(word, at, n);
		word[n] = '\0';
		if (value_duration(word, &o.value_us[o.n++]))
			goto bad;
		at += n;
	}
	if (*at)
		goto bad;
	*ret = o;
	return 0;
bad:
	problem_set(ret_problem, text, 0,
		"write OPTION=VALUE,VALUE..., at most %d durations: failover.bad_hold=500ms,1s",
		TUNE_VALUES_MAX);
	return -EINVAL;
}

void tune_setting(const struct tune_option *o, int64_t value_us, char *ret, size_t size)
{
	char value[VALUE_TEXT_SIZE];

	value_print_duration(value_us, value, sizeof(value));
	snprintf(ret, size, "%s=%s", o->name, value);
}

double tune_left(const struct tune_recording *r, int64_t cost_us)
{
	int64_t avoidable_us = usec_max(r->first_us - r->least_us, AVOIDABLE_MIN_US);

	return (double)(cost_us - r->least_us) / (double)avoidable_us;
}

/* ---- costs, each computed once ---- */

struct tried {
	struct tune_point point;
	uint32_t known; /* bit mask of recordings */
	bool refused;   /* these values do not go together */
	int64_t cost_us[TUNE_RECORDINGS_MAX];
};

struct search {
	struct tune_run *run;
	struct tried *tried;
	unsigned n;
	struct config config;
	bool out_of_time;
	int error;
	double best;
};

static int64_t clock_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * USEC_S + t.tv_nsec / 1000;
}

static struct tried *find(struct search *s, const struct tune_point *p)
{
	for (unsigned i = 0; i < s->n; i++)
		if (!memcmp(&s->tried[i].point, p, sizeof(*p)))
			return &s->tried[i];
	if (s->n == TUNE_POINTS_MAX) {
		s->out_of_time = true;
		return NULL;
	}
	s->tried[s->n] = (struct tried){.point = *p};
	return &s->tried[s->n++];
}

static bool configure(struct search *s, const struct tune_point *p)
{
	char text[TUNE_OPTIONS_MAX][SETTING_SIZE];
	const char *setting[TUNE_OPTIONS_MAX];
	unsigned n = 0;

	for (unsigned i = 0; i < s->run->n_options; i++) {
		if (p->value_us[i] == TUNE_AS_CONFIGURED)
			continue;
		tune_setting(&s->run->option[i], p->value_us[i], text[n], SETTING_SIZE);
		setting[n] = text[n];
		n++;
	}
	return !s->run->configure(s->run->user, setting, n, &s->config);
}

static int play(struct search *s, const struct tune_recording *r, int64_t *ret_us)
{
	struct whatif_run w = {.scenario = r->scenario, .all_known = s->run->all_known};
	int64_t sum_us = 0;

	r->scenario->t0_us = r->t0_us;
	r->scenario->t1_us = r->t1_us;
	for (unsigned seed = 1; seed <= s->run->seeds; seed++) {
		struct judge_cost cost;
		int error;

		w.seed = seed;
		error = whatif_play(&w, &s->config, 0, 1, NULL, &cost);
		if (error)
			return error;
		sum_us += judge_total_us(&cost);
	}
	*ret_us = s->run->seeds ? sum_us / s->run->seeds : 0;
	return 0;
}

/* What a point costs in a recording; false when that cannot be known any more. */
static bool cost_of(struct search *s, const struct tune_point *p, unsigned recording,
	int64_t *ret_us)
{
	struct tune_run *run = s->run;
	struct tried *t = find(s, p);

	if (!t || t->refused || s->error)
		return false;
	if (!(t->known & (UINT32_C(1) << recording))) {
		if (run->deadline_us && clock_us() > run->deadline_us)
			s->out_of_time = true;
		if (s->out_of_time)
			return false;
		if (run->progress)
			run->progress(run->user, s->n, s->best);
		t->refused = !configure(s, p);
		if (t->refused)
			return false;
		s->error = play(s, &run->recording[recording], &t->cost_us[recording]);
		if (s->error)
			return false;
		t->known |= UINT32_C(1) << recording;
	}
	*ret_us = t->cost_us[recording];
	return true;
}

/* Mean share left over the recordings outside of one group (or all, without = n_groups). */
static bool objective(struct search *s, const struct tune_point *p, unsigned without, double *ret)
{
	double sum = 0;
	unsigned n = 0;

	for (unsigned i = 0; i < s->run->n_recordings; i++) {
		const struct tune_recording *r = &s->run->recording[i];
		int64_t cost_us;

		if (r->group == without)
			continue;
		if (!cost_of(s, p, i, &cost_us))
			return false;
		sum += tune_left(r, cost_us);
		n++;
	}
	*ret = n ? sum / n : 0;
	return true;
}

/* ---- the search ---- */

/* Takes the value over when the point is better with it. */
static bool attempt(struct search *s, struct tune_point *p, unsigned option, int64_t value_us,
	unsigned without)
{
	struct tune_point next = *p;
	double v;

	next.value_us[option] = value_us;
	if (!objective(s, &next, without, &v) || v > s->best - GAIN_MIN)
		return false;
	*p = next;
	s->best = v;
	return true;
}

static void search_grid(struct search *s, struct tune_point *p, unsigned without)
{
	bool better = true;

	for (unsigned round = 0; better && round < ROUNDS_MAX; round++) {
		better = false;
		for (unsigned i = 0; i < s->run->n_options; i++)
			for (unsigned k = 0; k < s->run->option[i].n; k++)
				better |= attempt(s, p, i, s->run->option[i].value_us[k], without);
	}
}

static void search_near(struct search *s, struct tune_point *p, unsigned without)
{
	for (unsigned i = 0; i < s->run->n_options; i++) {
		int64_t at_us = p->value_us[i];

		if (at_us == TUNE_AS_CONFIGURED || !at_us)
			continue;
		/* whole milliseconds, so that they read well */
		if (!attempt(s, p, i, at_us * 7 / 10 / USEC_MS * USEC_MS, without))
			attempt(s, p, i, at_us * 14 / 10 / USEC_MS * USEC_MS, without);
	}
}

/* What makes no difference goes back to what is configured. */
static void forget_idle(struct search *s, struct tune_point *p, unsigned without)
{
	for (unsigned i = 0; i < s->run->n_options; i++) {
		struct tune_point next = *p;
		double v;

		if (p->value_us[i] == TUNE_AS_CONFIGURED)
			continue;
		next.value_us[i] = TUNE_AS_CONFIGURED;
		if (!objective(s, &next, without, &v) || v > s->best + GAIN_MIN)
			continue;
		*p = next;
		s->best = v;
	}
}

static struct tune_point as_configured(void)
{
	struct tune_point p;

	for (unsigned i = 0; i < TUNE_OPTIONS_MAX; i++)
		p.value_us[i] = TUNE_AS_CONFIGURED;
	return p;
}

static struct tune_point search(struct search *s, unsigned without)
{
	struct tune_point p = as_configured();

	if (!objective(s, &p, without, &s->best))
		return p;
	search_grid(s, &p, without);
	search_near(s, &p, without);
	forget_idle(s, &p, without);
	return p;
}

/* ---- what it is worth ---- */

/* One group with the values that were found without it; false when time is up. */
static bool judge_fold(struct search *s, unsigned group, struct tune_result *ret)
{
	const struct tune_point configured = as_configured();
	struct tune_fold *f = &ret->fold[group];
	unsigned n = 0;

	for (unsigned i = 0; i < s->run->n_recordings; i++) {
		const struct tune_recording *r = &s->run->recording[i];

		if (r->group != group)
			continue;
		if (!cost_of(s, &configured, i, &ret->cost_before_us[i]) ||
			!cost_of(s, &f->found, i, &ret->cost_after_us[i]))
			return false;
		f->before += tune_left(r, ret->cost_before_us[i]);
		f->after += tune_left(r, ret->cost_after_us[i]);
		n++;
	}
	f->before /= n ? n : 1;
	f->after /= n ? n : 1;
	return true;
}

static void sum_up(const struct tune_run *run, struct tune_result *ret)
{
	unsigned n = run->n_groups;
	double gain = 0, spread = 0;

	for (unsigned g = 0; g < n; g++) {
		ret->held_before += ret->fold[g].before / n;
		ret->held_after += ret->fold[g].after / n;
	}
	gain = ret->held_before - ret->held_after;
	for (unsigned g = 0; g < n; g++) {
		double d = ret->fold[g].before - ret->fold[g].after - gain;

		spread += d * d;
	}
	ret->gain_error = n > 1 ? sqrt(spread / (n - 1) / n) : 0;
	ret->clear = n > 2 && !ret->out_of_time && gain > CLEAR_ERRORS * ret->gain_error &&
		     gain > CLEAR_SHARE * ret->held_before;
}

static void set_bounds(struct tune_run *run)
{
	for (unsigned i = 0; i < run->n_recordings; i++) {
		struct tune_recording *r = &run->recording[i];

		r->scenario->t0_us = r->t0_us;
		r->scenario->t1_us = r->t1_us;
		judge_bounds(r->scenario, &r->least_us, &r->first_us);
	}
}

int tune(struct tune_run *run, struct tune_result *ret)
{
	struct search *s = calloc(1, sizeof(*s));
	const struct tune_point configured = as_configured();
	int error = -ENOMEM;

	memset(ret, 0, sizeof(*ret));
	run->seeds = run->seeds ? run->seeds : 1;
	if (s)
		s->tried = calloc(TUNE_POINTS_MAX, sizeof(*s->tried));
	if (s && s->tried) {
		s->run = run;
		set_bounds(run);
		ret->found = search(s, run->n_groups);
		objective(s, &configured, run->n_groups, &ret->before);
		objective(s, &ret->found, run->n_groups, &ret->after);
		for (unsigned g = 0; g < run->n_groups; g++) {
			ret->fold[g].found = search(s, g);
			judge_fold(s, g, ret);
		}
		ret->out_of_time = s->out_of_time;
		ret->points = s->n;
		sum_up(run, ret);
		error = s->error;
	}
	if (s)
		free(s->tried);
	free(s);
	return error;
}
