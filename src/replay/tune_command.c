#include "replay/tune_command.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/usec.h"
#include "replay/settings.h"
#include "replay/subject.h"
#include "replay/tune.h"

#define PIECES 5
#define PIECE_MIN_US USEC_H

static const char usage[] =
	"usage: autonomy-replay tune --scenario FILE.json [FILE.json ...] --traces DIR\n"
	"                       [--option NAME=VALUE,VALUE...] [--seeds N] [--config FILE]\n"
	"       autonomy-replay tune [--record PATH] [--since DURATION|all] [--config FILE]\n"
	"                       [--option ...] [--family ipv4|ipv6] [--write FILE]\n"
	"       both: [--minutes N] [--json] [--quiet] [--background]\n"
	"\n"
	"  --scenario FILE  the training set; what shares a recording is held out together\n"
	"  --record PATH    the daemon's record, in five pieces (default /var/lib/autonomy)\n"
	"  --option N=V,... search these values of this option (several; default: those that\n"
	"                   decide when traffic moves)\n"
	"  --seeds N        of each recording (default 1)\n"
	"  --minutes N      search no longer (default 0: to the end)\n"
	"  --write FILE     the configuration with the proposal; empty when there is none\n";

struct task {
	struct subject_options common;
	const char *scenario[TUNE_RECORDINGS_MAX];
	unsigned n_scenarios;
	const char *write;
	long minutes;
	bool config_given;
	struct tune_run run;
	struct tune_result result;
	struct subject subject; /* with --record */
	struct scenario *world[TUNE_RECORDINGS_MAX];
};

/* ---- what is to be tuned on ---- */

static bool share(const struct scenario *a, const struct scenario *b)
{
	for (unsigned i = 0; i < a->n_links; i++)
		for (unsigned k = 0; k < b->n_links; k++)
			if (a->link[i].source == b->link[k].source)
				return true;
	return false;
}

/* Recordings that share a file, also by way of a third, get the number of one group. */
static void group(struct tune_run *run)
{
	unsigned of[TUNE_RECORDINGS_MAX] = {0}, number[TUNE_RECORDINGS_MAX] = {0};

	for (unsigned i = 0; i < run->n_recordings; i++)
		of[i] = i;
	for (unsigned i = 0; i < run->n_recordings; i++)
		for (unsigned k = 0; k < i; k++) {
			unsigned was = of[i];

			if (!share(run->recording[i].scenario, run->recording[k].scenario))
				continue;
			for (unsigned j = 0; j < run->n_recordings; j++)
				of[j] = of[j] == was ? of[k] : of[j];
		}
	run->n_groups = 0;
	for (unsigned i = 0; i < run->n_recordings; i++) {
		if (of[i] == i)
			number[i] = run->n_groups++;
		else
			number[i] = number[of[i]];
		run->recording[i].group = number[i];
	}
}

static int load_scenarios(struct task *t, struct problem *ret)
{
	struct tune_run *run = &t->run;

	for (unsigned i = 0; i < t->n_scenarios; i++) {
		struct scenario *s = t->world[i] = calloc(1, sizeof(*s));
		struct tune_recording *r = &run->recording[i];
		int error = -ENOMEM;

		if (s)
			error = scenario_load(s, t->scenario[i], t->common.traces_dir, ret);
		else
			problem_set(ret, "", 0, "no memory");
		if (error)
			return error;
		snprintf(r->name, sizeof(r->name), "%s", s->name);
		r->scenario = s;
		r->t0_us = s->t0_us;
		r->t1_us = s->t1_us;
		run->n_recordings++;
	}
	run->all_known = true;
	group(run);
	return 0;
}

static int load_record(struct task *t, struct problem *ret)
{
	struct tune_run *run = &t->run;
	struct scenario *s = &t->subject.site.scenario;
	int error = subject_load(&t->subject, &t->common, ret);
	int64_t span_us;

	if (error)
		return error;
	span_us = s->t1_us - s->t0_us;
	if (span_us < PIECES * PIECE_MIN_US) {
		problem_set(ret, t->common.record, 0,
			"%s recorded is too little to tell anything: five hours are the least, "
			"days "
			"are better",
			subject_span(span_us).text);
		return -ENODATA;
	}
	for (unsigned i = 0; i < PIECES; i++) {
		struct tune_recording *r = &run->recording[i];

		r->scenario = s;
		r->t0_us = s->t0_us + span_us / PIECES * i;
		r->t1_us = s->t0_us + span_us / PIECES * (i + 1);
		r->group = i;
		snprintf(r->name, sizeof(r->name), "from %s",
			subject_when(&t->subject, r->t0_us).text);
	}
	run->n_recordings = run->n_groups = PIECES;
	return 0;
}

static void forget(struct task *t)
{
	for (unsigned i = 0; i < t->n_scenarios; i++) {
		if (t->world[i])
			scenario_free(t->world[i]);
		free(t->world[i]);
	}
	if (!t->n_scenarios)
		subject_free(&t->subject);
}

/* ---- the search's questions ---- */

static int configure(void *user, const char *const setting[], unsigned n, struct config *ret)
{
	const struct task *t = user;
	struct problem ignored;

	return settings_load(t->common.config, setting, n, ret, NULL, &ignored);
}

static void progress(void *user, unsigned points, double best)
{
	static time_t told;
	time_t now = time(NULL);

	(void)user;
	if (now == told || !isatty(STDERR_FILENO))
		return;
	told = now;
	fprintf(stderr, "\r%u combinations tried, share left %.3f\033[K", points, best);
}

/* ---- for people ---- */

static struct subject_word value(const struct tune_run *run, const struct tune_point *p,
	unsigned option)
{
	struct subject_word w = {"as configured"};
	char text[128];

	if (p->value_us[option] == TUNE_AS_CONFIGURED)
		return w;
	tune_setting(&run->option[option], p->value_us[option], text, sizeof(text));
	snprintf(w.text, sizeof(w.text), "%.40s", strchr(text, '=') + 1);
	return w;
}

static void print_options(const struct task *t)
{
	const struct tune_run *run = &t->run;

	printf("\n%-30s %-16s found without each group in turn\n", "option", "found on all");
	for (unsigned i = 0; i < run->n_options; i++) {
		printf("%-30s %-16s", run->option[i].name, value(run, &t->result.found, i).text);
		for (unsigned g = 0; g < run->n_groups; g++) {
			struct subject_word w = value(run, &t->result.fold[g].found, i);

			printf(" %-7s", w.text[0] == 'a' ? "-" : w.text);
		}
		puts("");
	}
}

static void print_recordings(const struct task *t)
{
	const struct tune_run *run = &t->run;

	printf("\n%-28s %5s %10s %10s %10s %10s\n", "held out", "group", "least", "first link",
		"before", "after");
	for (unsigned i = 0; i < run->n_recordings; i++) {
		const struct tune_recording *r = &run->recording[i];

		printf("%-28s %5u %10s %10s %10s %10s\n", r->name, r->group + 1,
			subject_span(r->least_us).text, subject_span(r->first_us).text,
			subject_span(t->result.cost_before_us[i]).text,
			subject_span(t->result.cost_after_us[i]).text);
	}
}

static void print_verdict(const struct tune_result *r)
{
	printf("\nshare of the avoidable cost that is left: %.3f -> %.3f on all (seen by the "
	       "search), "
	       "%.3f -> %.3f held out; the gain's standard error is %.3f\n",
		r->before, r->after, r->held_before, r->held_after, r->gain_error);
	if (r->out_of_time)
		puts("the search was cut short, so nothing is proposed");
	else if (!r->clear)
		puts("that is no clear gain: nothing is proposed");
	else
		puts("that is a clear gain: the values found on all are proposed");
}

static void print(const struct task *t)
{
	const struct tune_run *run = &t->run;

	if (!t->n_scenarios)
		subject_print_extent(&t->subject);
	printf("%u recordings in %u groups, %u seeds, %u combinations tried\n", run->n_recordings,
		run->n_groups, run->seeds, t->result.points);
	print_options(t);
	print_recordings(t);
	print_verdict(&t->result);
}

/* ---- for programs ---- */

static struct json_object *json_point(const struct tune_run *run, const struct tune_point *p)
{
	struct json_object *list = json_object_new_array();

	for (unsigned i = 0; i < run->n_options; i++) {
		char text[128];

		if (p->value_us[i] == TUNE_AS_CONFIGURED)
			continue;
		tune_setting(&run->option[i], p->value_us[i], text, sizeof(text));
		json_object_array_add(list, json_object_new_string(text));
	}
	return list;
}

static void add_share(struct json_object *to, const char *key, double share)
{
	char text[32];

	snprintf(text, sizeof(text), "%.4f", share);
	json_object_object_add(to, key, json_object_new_double_s(share, text));
}

static struct json_object *json_recording(const struct task *t, unsigned i)
{
	const struct tune_recording *r = &t->run.recording[i];
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "name", json_object_new_string(r->name));
	json_object_object_add(o, "group", json_object_new_int((int)r->group + 1));
	json_object_object_add(o, "least_ms", json_object_new_int64(r->least_us / USEC_MS));
	json_object_object_add(o, "first_link_ms", json_object_new_int64(r->first_us / USEC_MS));
	json_object_object_add(o, "before_ms",
		json_object_new_int64(t->result.cost_before_us[i] / USEC_MS));
	json_object_object_add(o, "after_ms",
		json_object_new_int64(t->result.cost_after_us[i] / USEC_MS));
	return o;
}

static void print_json(const struct task *t, const char *text)
{
	const struct tune_result *r = &t->result;
	struct json_object *root = json_object_new_object(), *folds = json_object_new_array(),
			   *recordings = json_object_new_array();

	if (!t->n_scenarios)
		subject_json_extent(&t->subject, root);
	for (unsigned g = 0; g < t->run.n_groups; g++) {
		struct json_object *o = json_object_new_object();

		json_object_object_add(o, "found", json_point(&t->run, &r->fold[g].found));
		add_share(o, "left_before", r->fold[g].before);
		add_share(o, "left_after", r->fold[g].after);
		json_object_array_add(folds, o);
	}
	for (unsigned i = 0; i < t->run.n_recordings; i++)
		json_object_array_add(recordings, json_recording(t, i));
	json_object_object_add(root, "recordings", recordings);
	json_object_object_add(root, "folds", folds);
	json_object_object_add(root, "found", json_point(&t->run, &r->found));
	add_share(root, "left_before", r->held_before);
	add_share(root, "left_after", r->held_after);
	add_share(root, "gain_error", r->gain_error);
	json_object_object_add(root, "clear", json_object_new_boolean(r->clear));
	json_object_object_add(root, "out_of_time", json_object_new_boolean(r->out_of_time));
	json_object_object_add(root, "combinations", json_object_new_int((int)r->points));
	if (r->clear) {
		json_object_object_add(root, "proposal", json_point(&t->run, &r->found));
		json_object_object_add(root, "text", json_object_new_string(text));
	}
	puts(json_object_to_json_string_ext(root,
		JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(root);
}

/* ---- the command ---- */

/* The configuration with the proposal; "" when there is none. */
static int make_text(const struct task *t, char *text, struct problem *ret)
{
	char word[TUNE_OPTIONS_MAX][128];
	const char *setting[TUNE_OPTIONS_MAX];
	struct config *config = malloc(sizeof(*config));
	unsigned n = 0;
	int error = config ? 0 : -ENOMEM;

	text[0] = '\0';
	for (unsigned i = 0; i < t->run.n_options && t->result.clear; i++) {
		int64_t v = t->result.found.value_us[i];

		if (v == TUNE_AS_CONFIGURED)
			continue;
		tune_setting(&t->run.option[i], v, word[n], sizeof(word[n]));
		setting[n] = word[n];
		n++;
	}
	if (!error && n)
		error = settings_load(t->common.config, setting, n, config, text, ret);
	free(config);
	return error;
}

static int write_text(const char *file, const char *text, struct problem *ret)
{
	FILE *f = fopen(file, "we");
	bool good = f && fputs(text, f) >= 0;

	if (f)
		good &= !fclose(f);
	if (!good)
		problem_set(ret, file, 0, "cannot be written: %s", strerror(errno));
	return good ? 0 : -EIO;
}

static int run(struct task *t, struct problem *ret)
{
	struct timespec now;
	char *text = malloc(CONFIG_FILE_MAX);
	struct config *config = malloc(sizeof(*config));
	int error = text && config ? 0 : -ENOMEM;

	problem_set(ret, "", 0, "no memory for it");
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (t->minutes)
		t->run.deadline_us = now.tv_sec * USEC_S + t->minutes * USEC_MIN;
	/* a mistake in it would only make every combination impossible */
	if (!error)
		error = settings_load(t->common.config, NULL, 0, config, NULL, ret);
	if (!error)
		error = t->n_scenarios ? load_scenarios(t, ret) : load_record(t, ret);
	if (!error) {
		error = tune(&t->run, &t->result);
		/* the pieces of a record are one again */
		t->subject.site.scenario.t0_us = t->run.recording[0].t0_us;
		t->subject.site.scenario.t1_us = t->run.recording[t->run.n_recordings - 1].t1_us;
		if (!t->common.quiet && isatty(STDERR_FILENO))
			fputs("\r\033[K", stderr);
		if (error == -EDEADLK)
			problem_set(ret, "", 0, "the engine made no progress");
	}
	if (!error)
		error = make_text(t, text, ret);
	if (!error && t->write)
		error = write_text(t->write, text, ret);
	if (!error && t->common.json)
		print_json(t, text);
	else if (!error)
		print(t);
	free(text);
	free(config);
	return error;
}

static bool take_number(const char *name, const char *text, long max, long *ret)
{
	char *end;
	long v = strtol(text, &end, 10);

	if (!*text || *end || v < 0 || v > max) {
		fprintf(stderr, "--%s %s: a number up to %ld is wanted\n", name, text, max);
		return false;
	}
	*ret = v;
	return true;
}

static bool take_option(struct task *t, const char *text)
{
	struct problem problem;

	if (t->run.n_options == TUNE_OPTIONS_MAX) {
		fprintf(stderr, "--option %s: at most %d options\n", text, TUNE_OPTIONS_MAX);
		return false;
	}
	if (tune_option_parse(text, &t->run.option[t->run.n_options++], &problem)) {
		fprintf(stderr, "--option %s: %s\n", text, problem.text);
		return false;
	}
	if (settings_is_duration(text))
		return true;
	fprintf(stderr, "--option %s: no duration has that name; there are\n", text);
	settings_print_durations(stderr);
	return false;
}

static bool take_scenario(struct task *t, const char *file)
{
	if (t->n_scenarios == TUNE_RECORDINGS_MAX) {
		fprintf(stderr, "at most %d scenarios\n", TUNE_RECORDINGS_MAX);
		return false;
	}
	t->scenario[t->n_scenarios++] = file;
	return true;
}

enum { OPTION_SCENARIO = 256, OPTION_OPTION, OPTION_SEEDS, OPTION_MINUTES, OPTION_WRITE };

static bool take(struct task *t, int option)
{
	long n = 0;

	switch (option) {
	case OPTION_SCENARIO:
		return take_scenario(t, optarg);
	case OPTION_OPTION:
		return take_option(t, optarg);
	case OPTION_SEEDS:
		if (!take_number("seeds", optarg, 1000, &n) || !n)
			return false;
		t->run.seeds = (unsigned)n;
		return true;
	case OPTION_MINUTES:
		return take_number("minutes", optarg, 100000, &t->minutes);
	case OPTION_WRITE:
		t->write = optarg;
		return true;
	default:
		t->config_given |= option == 'c';
		return subject_option(&t->common, option, optarg);
	}
}

static bool parse(int argc, char **argv, struct task *t)
{
	static const struct option long_option[] = {SUBJECT_LONG_OPTIONS,
		{"scenario", required_argument, NULL, OPTION_SCENARIO},
		{"option", required_argument, NULL, OPTION_OPTION},
		{"seeds", required_argument, NULL, OPTION_SEEDS},
		{"minutes", required_argument, NULL, OPTION_MINUTES},
		{"write", required_argument, NULL, OPTION_WRITE}, {NULL, 0, NULL, 0}};
	bool good = true;
	int c;

	while ((c = getopt_long(argc, argv, "h", long_option, NULL)) != -1)
		good &= take(t, c);
	for (; optind < argc; optind++)
		good &= t->n_scenarios && take_scenario(t, argv[optind]);
	/* recordings of elsewhere have nothing to do with this machine's configuration */
	if (t->n_scenarios && !t->config_given)
		t->common.config = NULL;
	if (!t->run.n_options) {
		memcpy(t->run.option, tune_option_table,
			tune_option_count * sizeof(t->run.option[0]));
		t->run.n_options = tune_option_count;
	}
	return good && !t->common.n_set;
}

int tune_command(int argc, char **argv)
{
	struct task *t = calloc(1, sizeof(*t));
	struct problem problem;
	int code = SUBJECT_EXIT_INPUT;
	bool good;

	if (!t) {
		fputs("no memory\n", stderr);
		return code;
	}
	subject_options_init(&t->common);
	t->run.seeds = 1;
	t->run.configure = configure;
	t->run.user = t;
	good = parse(argc, argv, t);
	t->run.progress = t->common.quiet ? NULL : progress;
	if (t->common.help || !good) {
		fputs(usage, t->common.help ? stdout : stderr);
		code = t->common.help ? 0 : SUBJECT_EXIT_USAGE;
	} else {
		code = run(t, &problem) ? subject_fail(&t->common, &problem) : 0;
		forget(t);
	}
	free(t);
	return code;
}
