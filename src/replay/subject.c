#include "replay/subject.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/usec.h"
#include "config/value.h"
#include "core/names.h"
#include "replay/settings.h"

#define CONFIG_FILE "/etc/config/autonomy"
#define RECORD_DIR "/var/lib/autonomy"
#define BACKGROUND_SECONDS_MAX (4 * 3600) /* daemon/study.c and docs/replay.md count on it */

/* ---- options ---- */

void subject_options_init(struct subject_options *o)
{
	memset(o, 0, sizeof(*o));
	o->record = RECORD_DIR;
	o->config = CONFIG_FILE;
	o->traces_dir = ".";
	o->since_us = 7 * USEC_DAY;
	o->seed = 1;
}

static bool complain(const char *option, const char *value, const char *wanted)
{
	fprintf(stderr, "--%s %s: %s\n", option, value, wanted);
	return false;
}

/* Nobody waits for it and the router has better things to do. */
static void step_back(void)
{
	struct sched_param none = {0};
	FILE *f = fopen("/proc/self/oom_score_adj", "we");

	if (setpriority(PRIO_PROCESS, 0, 19))
		fprintf(stderr, "cannot lower the priority: %s\n", strerror(errno));
	sched_setscheduler(0, SCHED_IDLE, &none);
	if (f) {
		fputs("1000", f);
		fclose(f);
	}
	alarm(BACKGROUND_SECONDS_MAX);
}

/* "a.b=c d.e=f": words with an equals sign begin a setting; value is cut into pieces. */
static bool take_settings(struct subject_options *o, char *value)
{
	char *begin = value;

	for (char *c = value; *c; c++) {
		if (*c != ' ' || !strchr(c, '=') || strcspn(c + 1, " ") < strcspn(c + 1, "="))
			continue;
		*c = '\0';
		if (o->n_set == SUBJECT_SETTINGS_MAX)
			break;
		o->set[o->n_set++] = begin;
		begin = c + 1;
	}
	if (o->n_set == SUBJECT_SETTINGS_MAX)
		return complain("set", begin, "these are too many settings");
	o->set[o->n_set++] = begin;
	return true;
}

static bool take_since(struct subject_options *o, const char *value)
{
	if (!strcmp(value, "all") || !strcmp(value, "forever")) {
		o->since_us = 0;
		return true;
	}
	if (value_duration(value, &o->since_us) || o->since_us <= 0)
		return complain("since", value, "how far back? write 7d, 12h, 30min or all");
	return true;
}

bool subject_seed(const char *value, uint64_t *ret)
{
	unsigned long long seed;
	char *end;

	errno = 0;
	seed = strtoull(value, &end, 0);
	if (errno || !*value || *end || *value == '-')
		return complain("seed", value, "a number is wanted");
	*ret = seed;
	return true;
}

static bool take_family(struct subject_options *o, const char *value)
{
	for (unsigned i = 0; i < FAMILY_COUNT; i++) {
		if (strcmp(value, family_name((enum family)i)) != 0)
			continue;
		o->family = (enum family)i;
		return true;
	}
	return complain("family", value, "ipv4 or ipv6?");
}

bool subject_option(struct subject_options *o, int option, char *value)
{
	switch (option) {
	case 'r':
		o->record = value;
		return true;
	case 'd':
		o->traces_dir = value;
		return true;
	case 'c':
		o->config = value;
		return true;
	case 's':
		return take_settings(o, value);
	case 'a':
		return take_since(o, value);
	case 'n':
		return subject_seed(value, &o->seed);
	case 'f':
		return take_family(o, value);
	case 'j':
		o->json = true;
		return true;
	case 'q':
		o->quiet = true;
		return true;
	case 'b':
		step_back();
		return true;
	case 'h':
		o->help = true;
		return true;
	default:
		return false;
	}
}

/* ---- what is to be played ---- */

int subject_load(struct subject *s, const struct subject_options *o, struct problem *ret)
{
	size_t n = strlen(o->record);

	memset(s, 0, sizeof(*s));
	s->is_scenario = n > 5 && !strcmp(o->record + n - 5, ".json");
	if (s->is_scenario)
		return scenario_load(&s->site.scenario, o->record, o->traces_dir, ret);
	return site_load(&s->site, o->record, o->family, o->since_us, ret);
}

void subject_free(struct subject *s)
{
	site_free(&s->site);
}

int subject_configs(const struct subject_options *o, struct config *ret_was,
	struct config *ret_would, struct problem *ret_problem)
{
	int error = settings_load(o->config, NULL, 0, ret_was, NULL, ret_problem);

	if (error)
		return error;
	return settings_load(o->config, o->set, o->n_set, ret_would, NULL, ret_problem);
}

int subject_fail(const struct subject_options *o, const struct problem *p)
{
	char line[PROBLEM_PLACE_SIZE + PROBLEM_TEXT_SIZE + 16];

	if (p->line)
		snprintf(line, sizeof(line), "%s:%d: %s", p->place, p->line, p->text);
	else
		snprintf(line, sizeof(line), "%s%s%s", p->place, p->place[0] ? ": " : "", p->text);
	if (o->json) {
		struct json_object *root = json_object_new_object();

		json_object_object_add(root, "error", json_object_new_string(line));
		puts(json_object_to_json_string_ext(root,
			JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
		json_object_put(root);
	} else {
		fprintf(stderr, "%s\n", line);
	}
	return SUBJECT_EXIT_INPUT;
}

void subject_progress(void *user, unsigned permille)
{
	static time_t told;
	time_t now = time(NULL);

	(void)user;
	if (!told)
		told = now;
	if (now - told < 1 || !isatty(STDERR_FILENO))
		return;
	fprintf(stderr, "\r%5.1f %%%s", permille / 10.0, permille == 1000 ? "\r\033[K" : "");
	told = now;
}

/* ---- words ---- */

struct subject_word subject_span(int64_t us)
{
	struct subject_word w;
	int64_t s = us / USEC_S;

	if (us < 100 * USEC_S)
		snprintf(w.text, sizeof(w.text), "%.1f s", (double)us / 1e6);
	else if (us < 100 * USEC_MIN)
		snprintf(w.text, sizeof(w.text), "%" PRId64 " min %" PRId64 " s", s / 60, s % 60);
	else if (us < 2 * USEC_DAY)
		snprintf(w.text, sizeof(w.text), "%" PRId64 " h %" PRId64 " min", s / 3600,
			s / 60 % 60);
	else
		snprintf(w.text, sizeof(w.text), "%" PRId64 " d %" PRId64 " h", s / 86400,
			s / 3600 % 24);
	return w;
}

struct subject_word subject_when(const struct subject *s, int64_t at_us)
{
	struct subject_word w;
	time_t t = (time_t)(at_us / USEC_S);
	struct tm local;

	if (!s->site.wall || !localtime_r(&t, &local) ||
		!strftime(w.text, sizeof(w.text), "%Y-%m-%d %H:%M:%S", &local))
		snprintf(w.text, sizeof(w.text), "%.1f s",
			(double)(at_us - s->site.scenario.t0_us) / 1e6);
	return w;
}

struct subject_word subject_bytes(uint64_t bytes)
{
	struct subject_word w;

	snprintf(w.text, sizeof(w.text), "%.2f MB", (double)bytes / 1e6);
	return w;
}

const char *subject_link(const struct subject *s, unsigned link)
{
	return link < s->site.scenario.n_links ? s->site.scenario.link[link].name : "none";
}

/* ---- how much there was ---- */

static int64_t span_us(const struct subject *s)
{
	return s->site.scenario.t1_us - s->site.scenario.t0_us;
}

void subject_print_extent(const struct subject *s)
{
	const struct scenario *world = &s->site.scenario;

	printf("%s recorded", subject_span(span_us(s)).text);
	if (s->site.wall)
		printf(", from %s to %s", subject_when(s, world->t0_us).text,
			subject_when(s, world->t1_us).text);
	puts("");
	for (unsigned i = 0; i < world->n_links && !s->is_scenario; i++)
		printf("  %-16s known %5.1f %% of the time%s\n", world->link[i].name,
			100.0 * (double)s->site.probed_us[i] / (double)span_us(s),
			world->link[i].metered ? ", metered" : "");
	if (s->site.damaged)
		printf("  %" PRIu64 " damaged pieces were left out\n", s->site.damaged);
	if (s->site.undated)
		printf("  %" PRIu64 " of %" PRIu64 " pieces were recorded without a clock\n",
			s->site.undated, s->site.blocks);
	if (s->site.backwards)
		printf("  %" PRIu64 " rows whose time ran backwards were left out\n",
			s->site.backwards);
}

static void add_us(struct json_object *to, const char *key, int64_t us)
{
	json_object_object_add(to, key, json_object_new_int64(us / USEC_MS));
}

void subject_json_extent(const struct subject *s, struct json_object *to)
{
	const struct scenario *world = &s->site.scenario;
	struct json_object *links = json_object_new_array(), *recorded = json_object_new_object();

	add_us(recorded, "span_ms", span_us(s));
	if (s->site.wall) {
		add_us(recorded, "from_wall_ms", world->t0_us);
		add_us(recorded, "to_wall_ms", world->t1_us);
	}
	for (unsigned i = 0; i < world->n_links; i++) {
		struct json_object *l = json_object_new_object();

		json_object_object_add(l, "link", json_object_new_string(world->link[i].name));
		json_object_object_add(l, "metered",
			json_object_new_boolean(world->link[i].metered));
		if (!s->is_scenario)
			add_us(l, "known_ms", s->site.probed_us[i]);
		json_object_array_add(links, l);
	}
	json_object_object_add(recorded, "links", links);
	json_object_object_add(recorded, "damaged",
		json_object_new_int64((int64_t)s->site.damaged));
	json_object_object_add(recorded, "undated",
		json_object_new_int64((int64_t)s->site.undated));
	json_object_object_add(to, "recorded", recorded);
}

struct json_object *subject_json_cost(const struct judge_cost *c)
{
	struct json_object *o = json_object_new_object();

	add_us(o, "outage_ms", c->out_us);
	add_us(o, "bad_ms", c->bad_us);
	add_us(o, "known_ms", c->known_us);
	add_us(o, "cost_ms", judge_total_us(c));
	json_object_object_add(o, "switches", json_object_new_int64(c->switches));
	json_object_object_add(o, "metered_bytes",
		json_object_new_int64((int64_t)c->metered_bytes));
	return o;
}
