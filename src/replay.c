/*
 * autonomy-replay: the daemon's engine in virtual time.
 *
 *      autonomy-replay TRACE                every input of a trace: are the decisions the same?
 *      autonomy-replay --scenario FILE ...  recorded links as a world: what would be decided?
 *      autonomy-replay whatif ...           the same with other options: what would have been?
 *      autonomy-replay tune ...             which options would have been better?
 *
 * A trace is read block by block in bounded memory, plain or gzip.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/names.h"
#include "replay/event_line.h"
#include "replay/scenario.h"
#include "replay/subject.h"
#include "replay/tracefile.h"
#include "replay/tune_command.h"
#include "replay/whatif_command.h"

enum {
	EXIT_DIFFERS = 1, /* the replay came to other decisions than the recording */
	EXIT_USAGE = 2,
	EXIT_INPUT = 3, /* a file cannot be read or used */
};

struct options {
	const char *trace, *scenario, *traces_dir, *config, *timeline, *events, *record;
	uint64_t seed;
	enum scenario_traffic traffic;
	bool outputs, quiet, help;
};

static const char usage[] =
	"usage: autonomy-replay TRACE [--outputs] [--events FILE]\n"
	"       autonomy-replay --scenario FILE.json --traces DIR [--seed N] [--config FILE]\n"
	"                       [--timeline OUT.csv] [--events OUT.jsonl] [--traffic "
	"none|voip|web]\n"
	"       autonomy-replay whatif --help\n"
	"       autonomy-replay tune --help\n"
	"\n"
	"  TRACE            recorded by the daemon (autonomyctl trace start), plain or gzip\n"
	"  --outputs        print every action and event of the replay\n"
	"  --scenario FILE  recorded links as the world that answers the engine's probes\n"
	"  --traces DIR     folder of the recordings that the scenario names\n"
	"  --seed N         of the world's chance and the engine's (default 1)\n"
	"  --config FILE    in the format of /etc/config/autonomy; links by their scenario's "
	"names\n"
	"  --timeline FILE  the link in use: t_s,link\n"
	"  --events FILE    every event as a line of JSON\n"
	"  --record FILE    the engine's inputs as a trace\n"
	"  --traffic KIND   what a user sends over the link in use (default none: probes only)\n"
	"  --quiet          no progress\n";

static double clock_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void print_problem(const struct problem *p)
{
	if (p->line)
		fprintf(stderr, "%s:%d: %s\n", p->place, p->line, p->text);
	else if (p->place[0])
		fprintf(stderr, "%s: %s\n", p->place, p->text);
	else
		fprintf(stderr, "%s\n", p->text);
}

static FILE *open_output(const char *file, struct problem *ret)
{
	FILE *f = fopen(file, "w");

	if (!f)
		problem_set(ret, file, 0, "cannot create: %s", strerror(errno));
	return f;
}

/* False, with the problem, when something could not be written. */
static bool close_output(FILE *f, const char *file, struct problem *ret)
{
	if (!f)
		return true;
	bool good = !ferror(f);
	good &= !fclose(f);
	if (!good)
		problem_set(ret, file, 0, "cannot write: %s", strerror(errno));
	return good;
}

/* ---- a trace ---- */

struct replay {
	const struct options *options;
	FILE *events;
	struct engine *engine;
	uint64_t inputs, compared, lost;
	struct output out;
	struct tracefile trace;
};

static void print_action(const struct action *a)
{
	printf("  action %u ", a->seq);
	switch (a->kind) {
	case ACTION_PROBE:
		printf("probe %u path %u method %u target %u\n", a->probe.probe, a->probe.path,
			a->probe.method, a->probe.target);
		break;
	case ACTION_COUNT:
		printf("count links %#x apart %#x\n", a->count.links, a->count.apart);
		break;
	case ACTION_PATH:
		printf("path %u %s\n", a->path.path, a->path.install ? "install" : "remove");
		break;
	case ACTION_ROUTE:
		printf("route class %u family %u:", a->route.class, a->route.family);
		for (unsigned i = 0; i < a->route.n; i++)
			printf(" %u(%u)", a->route.path[i], a->route.weight[i]);
		puts("");
		break;
	case ACTION_FLOWS:
		printf("flows path %u class %u\n", a->flows.path, a->flows.class);
		break;
	case ACTION_RELEASE:
		puts("release");
		break;
	case ACTION_KIND_COUNT:
		break;
	}
}

static void print_output(const struct output *out)
{
	for (unsigned i = 0; i < out->n_actions; i++)
		print_action(&out->action[i]);
	for (unsigned i = 0; i < out->n_events; i++) {
		fputs("  event ", stdout);
		event_line_print(stdout, &out->event[i]);
	}
	printf("  wake %" PRId64 "\n", out->wake_us);
}

static void step(struct replay *r, const struct input *in)
{
	engine_step(r->engine, in, &r->out);
	r->inputs++;
	for (unsigned i = 0; r->events && i < r->out.n_events; i++)
		event_line_print(r->events, &r->out.event[i]);
	if (r->options->outputs) {
		printf("input %" PRIu64 " %s at %" PRId64 "\n", r->inputs,
			input_kind_name(in->kind), in->now_us);
		print_output(&r->out);
	}
}

/* The first output that is not as recorded ends the replay: what follows from it would only hide it. */
static int differs(struct replay *r)
{
	printf("%s: input %" PRIu64 " (%" PRId64 " us, in the block at byte %" PRIu64
	       "): the output is not the recorded one\nnow:\n",
		r->trace.file, r->inputs, r->trace.reader.time_us, r->trace.offset);
	print_output(&r->out);
	return EXIT_DIFFERS;
}

static int compare(struct replay *r, uint32_t recorded, const struct output *whole)
{
	if (!r->trace.exact || !r->trace.begun)
		return 0;
	r->compared++;
	if (trace_digest(&r->out) == recorded)
		return 0;
	int code = differs(r);
	if (whole) {
		puts("recorded:");
		print_output(whole);
	}
	return code;
}

static int take_record(struct replay *r, const struct trace_record *rec)
{
	switch (rec->kind) {
	case TRACE_INPUT:
		step(r, &rec->input);
		break;
	case TRACE_DIGEST:
		return compare(r, rec->digest, NULL);
	case TRACE_OUTPUT:
		return compare(r, trace_digest(&r->trace.reader.output), &r->trace.reader.output);
	case TRACE_STATE:
		tracefile_take_state(&r->trace, rec, r->engine);
		break;
	case TRACE_LOST:
		r->lost += rec->lost;
		r->trace.exact = false;
		break;
	case TRACE_KIND_COUNT:
		break;
	}
	return 0;
}

static void complain(void *user, uint64_t offset, const char *text)
{
	const struct replay *r = user;

	fprintf(stderr, "%s: at byte %" PRIu64 ": %s\n", r->trace.file, offset, text);
}

static int report(const struct replay *r, double seconds)
{
	const struct tracefile *t = &r->trace;

	printf("%s: %s, %" PRIu64 " inputs in %.2f s (%.2f million a second)\n", t->file,
		t->header.program, r->inputs, seconds, (double)r->inputs / seconds / 1e6);
	if (t->exact)
		printf("%" PRIu64 " outputs compared with the recording: all the same\n",
			r->compared);
	else
		printf("not an exact replay: %s; %" PRIu64 " outputs were the same before\n",
			r->lost             ? "the recording lacks inputs"
			: t->blocks_damaged ? "the file is damaged"
			: t->state_bytes || t->header.engine != trace_engine_tag(engine_size())
				? "it began in the middle, with an engine of another build"
				: "blocks are missing",
			r->compared);
	return t->blocks_damaged ? EXIT_INPUT : 0;
}

static int replay_records(struct replay *r)
{
	struct trace_record rec;
	int code = 0;

	engine_init(r->engine, r->trace.header.start_us, r->trace.header.seed);
	while (!code && tracefile_next(&r->trace, &rec))
		code = take_record(r, &rec);
	return code;
}

static int replay_trace(const struct options *o)
{
	struct replay *r = calloc(1, sizeof(*r));
	struct problem problem = {.text = "no memory"};
	int code = EXIT_INPUT;
	double begin_s = clock_s();

	if (r)
		r->engine = calloc(1, engine_size());
	if (!r || !r->engine || tracefile_open(&r->trace, o->trace, &problem)) {
		print_problem(&problem);
		goto out;
	}
	r->options = o;
	r->trace.complain = complain;
	r->trace.user = r;
	if (o->events && !(r->events = open_output(o->events, &problem))) {
		print_problem(&problem);
	} else {
		code = replay_records(r);
		if (!code)
			code = report(r, clock_s() - begin_s + 1e-9);
	}
	if (!close_output(r->events, o->events, &problem)) {
		print_problem(&problem);
		code = EXIT_INPUT;
	}
	tracefile_close(&r->trace);
out:
	if (r)
		free(r->engine);
	free(r);
	return code;
}

/* ---- a scenario ---- */

struct progress {
	double begun_s, told_s;
	bool shown;
};

static void show_progress(void *user, unsigned permille)
{
	struct progress *p = user;
	double now_s = clock_s();

	if (now_s - p->told_s < 1 && !(p->shown && permille == 1000))
		return;
	fprintf(stderr, "\r%5.1f %%  %.0f s%s", permille / 10.0, now_s - p->begun_s,
		permille == 1000 ? "\n" : "");
	p->told_s = now_s;
	p->shown = true;
}

static int load_config(const char *file, struct config *ret)
{
	static struct config_problems problems;
	int error;

	config_default(ret);
	if (!file)
		return 0;
	error = config_load(file, ret, &problems);
	for (int i = 0; i < problems.n; i++)
		print_problem(&problems.problem[i]);
	if (error == -ENOENT)
		fprintf(stderr, "%s: there is no such file\n", file);
	return error;
}

static void print_scenario(const struct scenario *s, const struct scenario_result *result,
	double seconds)
{
	double span_s = (double)(s->t1_us - s->t0_us) / 1e6;

	printf("%s: %.0f s of %u links in %.2f s: %" PRIu64 " inputs (%.2f million a second), "
	       "%u switches\n",
		s->name, span_s, s->n_links, seconds, result->steps,
		(double)result->steps / seconds / 1e6, result->switches);
	for (unsigned i = 0; i < s->n_links; i++) {
		const struct scenario_link *l = &s->link[i];

		printf("  %-16s %8" PRIu64 " probes, %6" PRIu64 " lost, %.1f kB, %.1f B/s%s\n",
			l->name, l->probes, l->probes_lost, (double)l->probe_bytes / 1e3,
			(double)l->probe_bytes / span_s, l->metered ? ", metered" : "");
		if (l->recording.backwards)
			printf("  %-16s left out: %zu rows back in time, the first in line %d\n",
				"", l->recording.backwards, l->recording.backwards_line);
		if (l->recording.absurd)
			printf("  %-16s left out: %zu rows with values that cannot be, the first "
			       "in "
			       "line %d\n",
				"", l->recording.absurd, l->recording.absurd_line);
	}
}

static int play(struct scenario *s, const struct options *o, const struct config *config,
	struct problem *ret)
{
	struct progress progress = {.begun_s = clock_s(), .told_s = clock_s()};
	struct scenario_run run = {.config = config,
		.seed = o->seed,
		.traffic = o->traffic,
		.progress = o->quiet ? NULL : show_progress,
		.user = &progress};
	struct scenario_result result;
	int error = -EIO;

	if ((o->timeline && !(run.timeline = open_output(o->timeline, ret))) ||
		(o->events && !(run.events = open_output(o->events, ret))) ||
		(o->record && !(run.record = open_output(o->record, ret))))
		goto out;
	error = scenario_play(s, &run, &result);
	if (error == -ENOMEM)
		problem_set(ret, o->scenario, 0, "no memory for it");
out:
	if (!close_output(run.timeline, o->timeline, ret) ||
		!close_output(run.events, o->events, ret) ||
		!close_output(run.record, o->record, ret))
		error = -EIO;
	if (error)
		return error;
	print_scenario(s, &result, clock_s() - progress.begun_s + 1e-9);
	if (result.stuck) {
		problem_set(ret, o->scenario, 0, "the engine made no progress at %.6f s",
			(double)result.stuck_us / 1e6);
		return -EDEADLK;
	}
	return 0;
}

static int replay_scenario(const struct options *o)
{
	struct scenario *s = calloc(1, sizeof(*s));
	struct config *config = calloc(1, sizeof(*config));
	struct problem problem = {.text = "no memory"};
	int code = EXIT_INPUT;

	if (s && config && !load_config(o->config, config)) {
		if (!scenario_load(s, o->scenario, o->traces_dir, &problem) &&
			!play(s, o, config, &problem))
			code = 0;
		else
			print_problem(&problem);
	}
	if (s)
		scenario_free(s);
	free(s);
	free(config);
	return code;
}

/* ---- command line ---- */

static bool parse_traffic(const char *word, enum scenario_traffic *ret)
{
	static const char *const name[SCENARIO_TRAFFIC_COUNT] = {"none", "voip", "web"};

	for (unsigned i = 0; i < SCENARIO_TRAFFIC_COUNT; i++) {
		if (!strcmp(word, name[i])) {
			*ret = (enum scenario_traffic)i;
			return true;
		}
	}
	return false;
}

static bool parse(int argc, char **argv, struct options *o)
{
	static const struct option long_option[] = {
		{"scenario", required_argument, NULL, 's'},
		{"traces", required_argument, NULL, 'd'},
		{"seed", required_argument, NULL, 'n'},
		{"config", required_argument, NULL, 'c'},
		{"timeline", required_argument, NULL, 't'},
		{"events", required_argument, NULL, 'e'},
		{"record", required_argument, NULL, 'r'},
		{"traffic", required_argument, NULL, 'u'},
		{"outputs", no_argument, NULL, 'o'},
		{"quiet", no_argument, NULL, 'q'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	bool good = true;
	int c;

	while ((c = getopt_long(argc, argv, "h", long_option, NULL)) != -1) {
		switch (c) {
		case 's':
			o->scenario = optarg;
			break;
		case 'd':
			o->traces_dir = optarg;
			break;
		case 'n':
			good &= subject_seed(optarg, &o->seed);
			break;
		case 'c':
			o->config = optarg;
			break;
		case 't':
			o->timeline = optarg;
			break;
		case 'e':
			o->events = optarg;
			break;
		case 'r':
			o->record = optarg;
			break;
		case 'u':
			good &= parse_traffic(optarg, &o->traffic);
			break;
		case 'o':
			o->outputs = true;
			break;
		case 'q':
			o->quiet = true;
			break;
		case 'h':
			o->help = true;
			break;
		default:
			good = false;
		}
	}
	if (optind < argc)
		o->trace = argv[optind++];
	return good && optind == argc;
}

int main(int argc, char **argv)
{
	struct options o = {.seed = 1, .traces_dir = "."};
	bool good;

	if (argc > 1 && !strcmp(argv[1], "whatif"))
		return whatif_command(argc - 1, argv + 1);
	if (argc > 1 && !strcmp(argv[1], "tune"))
		return tune_command(argc - 1, argv + 1);
	good = parse(argc, argv, &o);
	if (o.help) {
		fputs(usage, stdout);
		return 0;
	}
	if (!good || !o.trace == !o.scenario) {
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
	return o.trace ? replay_trace(&o) : replay_scenario(&o);
}
