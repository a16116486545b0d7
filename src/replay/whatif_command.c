#include "replay/whatif_command.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/usec.h"
#include "replay/subject.h"

static const char usage[] =
	"usage: autonomy-replay whatif --set SECTION.OPTION=VALUE [--set ...]\n"
	"                       [--record PATH] [--since DURATION|all] [--config FILE]\n"
	"                       [--family ipv4|ipv6] [--seed N] [--json] [--quiet] [--background]\n"
	"       autonomy-replay whatif --file SCENARIO.json --traces DIR --set ...\n"
	"\n"
	"  --set S.O=V      an option as it would be: default.hold=10s, failover.bad_hold=1s,\n"
	"                   wan.preference=10, class.calls.min_score=60\n"
	"  --record PATH    the daemon's record (folder or file), or a trace; --file is the same\n"
	"                   (default /var/lib/autonomy)\n"
	"  --since WHEN     how far back from its end (default 7d)\n"
	"  --config FILE    the options as they are (default /etc/config/autonomy)\n"
	"  --background     at the lowest priority, for four hours at the most\n";

struct difference {
	const char *separator;
	struct json_object *list; /* NULL: print */
	unsigned n;
};

static void tell_difference(void *user, const char *section, const char *option, const char *was,
	const char *is, bool live)
{
	struct difference *d = user;
	struct json_object *o;

	(void)live;
	d->n++;
	if (!d->list) {
		printf("%s.%s: %s -> %s\n", section, option, *was ? was : "(left open)",
			*is ? is : "(left open)");
		return;
	}
	o = json_object_new_object();
	json_object_object_add(o, "section", json_object_new_string(section));
	json_object_object_add(o, "option", json_object_new_string(option));
	json_object_object_add(o, "was", json_object_new_string(was));
	json_object_object_add(o, "is", json_object_new_string(is));
	json_object_array_add(d->list, o);
}

/* ---- for people ---- */

static void print_row(const struct whatif *w, const char *what, struct subject_word happened,
	struct subject_word was, struct subject_word would)
{
	printf("%-22s", what);
	if (w->has_happened)
		printf(" %18s", happened.text);
	printf(" %18s %18s\n", was.text, would.text);
}

static struct subject_word count(unsigned n)
{
	struct subject_word w;

	snprintf(w.text, sizeof(w.text), "%u", n);
	return w;
}

static void print_costs(const struct whatif *w)
{
	const struct judge_cost *h = &w->happened, *a = &w->was, *b = &w->would;

	print_row(w, "", (struct subject_word){"as it happened"},
		(struct subject_word){"as configured"}, (struct subject_word){"as changed"});
	print_row(w, "outage", subject_span(h->out_us), subject_span(a->out_us),
		subject_span(b->out_us));
	print_row(w, "bad, with outage", subject_span(h->bad_us), subject_span(a->bad_us),
		subject_span(b->bad_us));
	print_row(w, "switches", count(h->switches), count(a->switches), count(b->switches));
	print_row(w, "metered data", subject_bytes(h->metered_bytes),
		subject_bytes(a->metered_bytes), subject_bytes(b->metered_bytes));
	print_row(w, "of time known", subject_span(h->known_us), subject_span(a->known_us),
		subject_span(b->known_us));
}

static void print_moments(const struct subject *s, const struct whatif *w)
{
	if (!w->n_moments) {
		puts("\nthe two never differ");
		return;
	}
	printf("\nwhere the two differ%s:\n", w->moments_more ? " (those that matter most)" : "");
	for (unsigned i = 0; i < w->n_moments; i++) {
		const struct whatif_moment *m = &w->moment[i];

		printf("  %s  %-12s %s (%s bad) -> %s (%s bad)\n", subject_when(s, m->from_us).text,
			subject_span(m->until_us - m->from_us).text, subject_link(s, m->was),
			subject_span(m->was_bad_us).text, subject_link(s, m->would),
			subject_span(m->would_bad_us).text);
	}
	if (w->moments_more)
		printf("  and %u more\n", w->moments_more);
}

static void print(const struct subject *s, const struct config *was, const struct config *would,
	const struct whatif *w)
{
	struct difference d = {0};

	subject_print_extent(s);
	if (!config_diff(was, would, tell_difference, &d))
		puts("the settings are what is configured: nothing changes");
	puts("");
	print_costs(w);
	if (w->has_happened)
		printf("\nas configured, the replay was on the link that was really used %.1f %% "
		       "of "
		       "the time\n",
			w->happened_us ? 100.0 * (double)w->same_us / (double)w->happened_us : 0.0);
	print_moments(s, w);
}

/* ---- for programs ---- */

static struct json_object *json_moments(const struct subject *s, const struct whatif *w)
{
	struct json_object *list = json_object_new_array();

	for (unsigned i = 0; i < w->n_moments; i++) {
		const struct whatif_moment *m = &w->moment[i];
		struct json_object *o = json_object_new_object();

		json_object_object_add(o, s->site.wall ? "from_wall_ms" : "from_ms",
			json_object_new_int64(
				(m->from_us - (s->site.wall ? 0 : s->site.scenario.t0_us)) /
				USEC_MS));
		json_object_object_add(o, "span_ms",
			json_object_new_int64((m->until_us - m->from_us) / USEC_MS));
		json_object_object_add(o, "was", json_object_new_string(subject_link(s, m->was)));
		json_object_object_add(o, "would",
			json_object_new_string(subject_link(s, m->would)));
		json_object_object_add(o, "was_bad_ms",
			json_object_new_int64(m->was_bad_us / USEC_MS));
		json_object_object_add(o, "would_bad_ms",
			json_object_new_int64(m->would_bad_us / USEC_MS));
		json_object_array_add(list, o);
	}
	return list;
}

static void print_json(const struct subject *s, const struct config *was,
	const struct config *would, const struct whatif *w)
{
	struct json_object *root = json_object_new_object();
	struct difference d = {.list = json_object_new_array()};

	subject_json_extent(s, root);
	config_diff(was, would, tell_difference, &d);
	json_object_object_add(root, "changes", d.list);
	if (w->has_happened) {
		json_object_object_add(root, "happened", subject_json_cost(&w->happened));
		json_object_object_add(root, "compared_ms",
			json_object_new_int64(w->happened_us / USEC_MS));
		json_object_object_add(root, "same_link_ms",
			json_object_new_int64(w->same_us / USEC_MS));
	}
	json_object_object_add(root, "configured", subject_json_cost(&w->was));
	json_object_object_add(root, "changed", subject_json_cost(&w->would));
	json_object_object_add(root, "moments", json_moments(s, w));
	json_object_object_add(root, "moments_more", json_object_new_int64(w->moments_more));
	puts(json_object_to_json_string_ext(root,
		JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(root);
}

/* ---- the command ---- */

static int run(struct subject *s, const struct subject_options *o, const struct config *was,
	const struct config *would)
{
	struct whatif_run run = {.scenario = &s->site.scenario,
		.traffic = s->site.traffic,
		.n_traffic = s->site.n_traffic,
		.happened = &s->site.moves,
		.was = was,
		.would = would,
		.seed = o->seed,
		.progress = o->quiet ? NULL : subject_progress};
	struct whatif w;
	int error = whatif(&run, &w);

	if (error) {
		struct problem p;

		problem_set(&p, o->record, 0,
			error == -ENOMEM ? "no memory for it" : "the engine made no progress");
		return subject_fail(o, &p);
	}
	if (o->json)
		print_json(s, was, would, &w);
	else
		print(s, was, would, &w);
	return 0;
}

static bool parse(int argc, char **argv, struct subject_options *o)
{
	static const struct option long_option[] = {SUBJECT_LONG_OPTIONS, {NULL, 0, NULL, 0}};
	bool good = true;
	int c;

	while ((c = getopt_long(argc, argv, "h", long_option, NULL)) != -1)
		good &= subject_option(o, c, optarg);
	return good && optind == argc;
}

int whatif_command(int argc, char **argv)
{
	struct subject_options o;
	struct subject *s = calloc(1, sizeof(*s));
	struct config *config = calloc(2, sizeof(*config));
	struct problem problem = {.text = "no memory"};
	int code = SUBJECT_EXIT_INPUT;
	bool good;

	subject_options_init(&o);
	good = parse(argc, argv, &o);
	if (o.help || !good || !o.n_set) {
		fputs(usage, o.help ? stdout : stderr);
		code = o.help ? 0 : SUBJECT_EXIT_USAGE;
	} else if (!s || !config || subject_configs(&o, &config[0], &config[1], &problem) ||
		   subject_load(s, &o, &problem)) {
		subject_fail(&o, &problem);
	} else {
		code = run(s, &o, &config[0], &config[1]);
		subject_free(s);
	}
	free(s);
	free(config);
	return code;
}
