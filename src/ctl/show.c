#include "ctl/show.h"

#include <string.h>
#include <time.h>

#include "api/json.h"
#include "api/words.h"
#include "base/usec.h"
#include "ctl/table.h"

static size_t length(struct json_object *array)
{
	return array ? json_object_array_length(array) : 0;
}

static struct json_object *item(struct json_object *array, size_t i)
{
	return json_object_array_get_idx(array, i);
}

static const struct word dash = {"-"};

/* "-" for what is not known. */
static struct word span_or_dash(struct json_object *o, const char *key)
{
	int64_t us = json_get_us(o, key);

	return us < 0 ? dash : word_span(us);
}

static struct word percent_or_dash(struct json_object *o, const char *key)
{
	int64_t ppm = json_get_ppm(o, key);

	return ppm < 0 ? dash : word_percent(ppm);
}

static struct word clock_of(struct json_object *o, const char *key, int64_t now_us)
{
	int64_t us = json_get_us(o, key);

	return us < 0 ? dash : word_clock(us, now_us);
}

static struct word number(int64_t value)
{
	struct word word;

	snprintf(word.text, sizeof(word.text), "%lld", (long long)value);
	return word;
}

static int64_t wall_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * USEC_S + t.tv_nsec / 1000;
}

enum exit_code show_state_code(const char *state)
{
	static const struct {
		const char *state;
		enum exit_code code;
	} table[] = {{"healthy", EXIT_OK}, {"degraded", EXIT_DEGRADED}, {"dead", EXIT_DEAD},
		{"offline", EXIT_OFFLINE}, {"starting", EXIT_STARTING}};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (!strcmp(table[i].state, state))
			return table[i].code;
	return EXIT_REFUSED;
}

/* Wrapped to the terminal, without control characters. */
static void paragraph(const struct show *s, const char *text, int indent)
{
	char clean[1024];

	text_wrap(s->out, text_printable(text, clean, sizeof(clean)), indent, s->width);
}

/* "wan", or "wan 60, lte 40" */
static void links_in_use(struct json_object *decision, char *text, size_t size)
{
	struct json_object *links = json_get_array(decision, "links");
	struct words w;

	words_init(&w, text, size);
	for (size_t i = 0; i < length(links); i++) {
		struct json_object *link = item(links, i);

		words_add(&w, "%s%s", i ? ", " : "", json_get_text(link, "link", "?"));
		if (length(links) > 1)
			words_add(&w, " %d", (int)json_get_int(link, "weight", 0));
	}
	if (!w.used)
		words_add(&w, "-");
}

static void classes_table(const struct show *s, struct json_object *classes)
{
	struct table t;
	char used[TABLE_CELL_SIZE];

	table_init(&t, "CLASS|FAMILY|USES|FOR|WHY");
	for (size_t i = 0; i < length(classes); i++) {
		struct json_object *d = item(classes, i);
		const char *state = json_get_text(d, "state", "?");

		links_in_use(d, used, sizeof(used));
		table_row(&t);
		table_cell(&t, COLOUR_NONE, json_get_text(d, "class", "?"));
		table_cell(&t, COLOUR_NONE, json_get_text(d, "family", "?"));
		table_cell(&t, colour_of(state), used);
		table_cell(&t, COLOUR_NONE, span_or_dash(d, "for_ms").text);
		table_cell(&t, COLOUR_NONE, json_get_text(d, "why", ""));
	}
	table_print(&t, s->out, s->colours, s->width);
	table_done(&t);
}

/* The score of the first class; null for a link that has no path. */
static struct word first_score(struct json_object *path)
{
	struct json_object *scores = json_get_object(path, "score");

	if (scores) {
		json_object_object_foreach(scores, key, value)
		{
			(void)key;
			return number(json_object_get_int64(value));
		}
	}
	return dash;
}

/* IPv6 that a link never had is no news. */
static bool is_unused_family(struct json_object *path)
{
	return !strcmp(json_get_text(path, "family", ""), "ipv6") &&
	       !strcmp(json_get_text(path, "verdict", ""), "no-address") &&
	       json_get_us(path, "sample_age_ms") < 0;
}

static void path_row(struct table *t, struct json_object *link, struct json_object *path,
	bool first)
{
	const char *health = json_get_text(path, "health", "absent");
	char name[TABLE_CELL_SIZE];

	snprintf(name, sizeof(name), "%s%s", json_get_bool(link, "in_use") ? "*" : " ",
		json_get_text(link, "link", "?"));
	table_row(t);
	table_cell(t, COLOUR_NONE, first ? name : "");
	table_cell(t, COLOUR_NONE, first ? json_get_text(link, "device", "?") : "");
	table_cell(t, COLOUR_NONE, path ? json_get_text(path, "family", "?") : "-");
	table_cell(t, colour_of(health), health);
	table_cell(t, COLOUR_NONE, span_or_dash(path, "rtt_ms").text);
	table_cell(t, COLOUR_NONE, percent_or_dash(path, "loss_percent").text);
	table_cell(t, COLOUR_NONE, first_score(path).text);
	table_cell(t,
		strcmp(json_get_text(path, "outage_trust", "none"), "none") ? COLOUR_NONE
									    : COLOUR_FAINT,
		percent_or_dash(path, "outage_chance_percent").text);
	table_cell(t, COLOUR_NONE, first ? word_rate(json_get_int(link, "rx_bps", 0)).text : "");
	table_cell(t, COLOUR_NONE, first ? word_rate(json_get_int(link, "tx_bps", 0)).text : "");
}

static void links_table(const struct show *s, struct json_object *links)
{
	struct table t;

	table_init(&t, "LINK|DEVICE|FAMILY|HEALTH|>RTT|>LOSS|>SCORE|>RISK|>DOWN|>UP");
	for (size_t i = 0; i < length(links); i++) {
		struct json_object *link = item(links, i), *paths = json_get_array(link, "paths");

		for (size_t k = 0; k < length(paths); k++)
			if (k == 0 || !is_unused_family(item(paths, k)))
				path_row(&t, link, item(paths, k), k == 0);
		if (!length(paths))
			path_row(&t, link, NULL, true);
	}
	table_print(&t, s->out, s->colours, s->width);
	table_done(&t);
}

/* What is out of order, one line a path. */
static void troubles(const struct show *s, struct json_object *links)
{
	for (size_t i = 0; i < length(links); i++) {
		struct json_object *link = item(links, i), *paths = json_get_array(link, "paths");

		for (size_t k = 0; k < length(paths); k++) {
			struct json_object *path = item(paths, k);
			const char *verdict = json_get_text(path, "verdict", "none");
			char text[512];

			if (!strcmp(verdict, "none") || is_unused_family(path))
				continue;
			snprintf(text, sizeof(text), "%s %s: %s (%s)",
				json_get_text(link, "link", "?"), json_get_text(path, "family", ""),
				json_get_text(path, "text", ""), verdict);
			paragraph(s, text, 2);
		}
	}
}

/* Moves that are held back, and what the user has asked for. */
static void waits(const struct show *s, struct json_object *classes, int64_t now_us)
{
	for (size_t i = 0; i < length(classes); i++) {
		struct json_object *d = item(classes, i);
		const char *wanted = json_get_text(d, "wanted", NULL),
			   *pinned = json_get_text(d, "pinned", NULL);
		char text[256];
		struct words w;

		words_init(&w, text, sizeof(text));
		words_add(&w, "%s %s:", json_get_text(d, "class", "?"),
			json_get_text(d, "family", "?"));
		if (pinned)
			words_add(&w, " pinned to %s until %s", pinned,
				clock_of(d, "pinned_until_wall_ms", now_us).text);
		if (json_get_bool(d, "held"))
			words_add(&w, " held until %s",
				clock_of(d, "held_until_wall_ms", now_us).text);
		if (wanted)
			words_add(&w, " waits to move to %s (%s), due %s", wanted,
				json_get_text(d, "stay", "?"),
				clock_of(d, "due_wall_ms", now_us).text);
		if (pinned || wanted || json_get_bool(d, "held"))
			paragraph(s, text, 2);
	}
}

/* How another program is steered. */
static void show_steering(const struct show *s, struct json_object *o)
{
	struct json_object *list = json_get_array(o, "steering");

	for (size_t i = 0; i < length(list); i++)
		paragraph(s, json_object_get_string(item(list, i)), 2);
}

static enum exit_code show_status(const struct show *s, struct json_object *o)
{
	const char *state = json_get_text(o, "state", "?");
	struct json_object *classes = json_get_array(o, "classes"),
			   *links = json_get_array(o, "links");
	int64_t confirm_us = json_get_us(o, "config_confirm_ms");

	fprintf(s->out, "%s%s%s, autonomy %s, running for %s, mode %s\n\n",
		colour_on(colour_of(state), s->colours), state,
		colour_off(colour_of(state), s->colours), json_get_text(o, "version", "?"),
		span_or_dash(o, "uptime_ms").text, json_get_text(o, "mode", "?"));
	classes_table(s, classes);
	fputc('\n', s->out);
	links_table(s, links);
	fputc('\n', s->out);
	troubles(s, links);
	waits(s, classes, json_get_us(o, "wall_ms"));
	show_steering(s, o);
	if (confirm_us >= 0)
		fprintf(s->out, "The configuration is rolled back in %s unless confirmed.\n",
			word_span(confirm_us).text);
	return show_state_code(state);
}

static void show_explain(const struct show *s, struct json_object *o)
{
	static const struct {
		const char *topic, *head;
	} heads[] = {{"now", ""}, {"why", "Why: "}, {"user", "You: "}, {"why-not", "Other: "},
		{"fault", "Fault: "}, {"waiting", "Waiting: "}, {"forecast", "Forecast: "},
		{"change", "Change: "}};
	struct json_object *list = json_get_array(o, "explanations");

	for (size_t i = 0; i < length(list); i++) {
		struct json_object *lines = json_get_array(item(list, i), "lines");

		if (i)
			fputc('\n', s->out);
		for (size_t k = 0; k < length(lines); k++) {
			const char *topic = json_get_text(item(lines, k), "topic", "");
			char text[512] = "";

			for (size_t h = 0; h < sizeof(heads) / sizeof(heads[0]); h++)
				if (!strcmp(heads[h].topic, topic))
					snprintf(text, sizeof(text), "%s%s", heads[h].head,
						json_get_text(item(lines, k), "text", ""));
			if (strcmp(topic, "now") != 0)
				fputs("  ", s->out);
			paragraph(s, text, strcmp(topic, "now") == 0 ? 2 : 4);
		}
	}
	show_steering(s, o);
}

void show_event(const struct show *s, struct json_object *event)
{
	int64_t now_us = wall_now_us();
	int64_t lost = json_get_int(event, "lost", 0);
	int level = (int)json_get_int(event, "level", 6);
	enum colour colour = level <= 3   ? COLOUR_BAD
			     : level == 4 ? COLOUR_DOUBTFUL
			     : level == 5 ? COLOUR_NONE
					  : COLOUR_FAINT;
	struct word when = clock_of(event, "wall_ms", now_us);

	if (lost > 0)
		fprintf(s->out, "(%lld events were lost: read too slowly)\n", (long long)lost);
	fprintf(s->out, "%s  %s", when.text, colour_on(colour, s->colours));
	paragraph(s, json_get_text(event, "text", "?"), text_width(when.text) + 2);
	fputs(colour_off(colour, s->colours), s->out);
}

static void show_events(const struct show *s, struct json_object *o)
{
	struct json_object *events = json_get_array(o, "events");
	int64_t lost = json_get_int(o, "lost", 0);

	if (lost > 0)
		fprintf(s->out, "(%lld older events are no longer held)\n", (long long)lost);
	for (size_t i = 0; i < length(events); i++)
		show_event(s, item(events, i));
}

static void history_table(const struct show *s, struct json_object *points)
{
	int64_t now_us = wall_now_us();
	struct table t;

	table_init(&t, "TIME|HEALTH|>RTT|>LOSS|>SCORE|>OUT|>DOWN|>UP|IN USE");
	for (size_t i = 0; i < length(points); i++) {
		struct json_object *p = item(points, i);
		const char *health = json_get_text(p, "health", "?");

		if (t.rows == TABLE_ROWS_MAX) {
			table_print(&t, s->out, s->colours, s->width);
			t.rows = 1;
		}
		table_row(&t);
		table_cell(&t, COLOUR_NONE, clock_of(p, "wall_ms", now_us).text);
		table_cell(&t, colour_of(health), health);
		table_cell(&t, COLOUR_NONE, span_or_dash(p, "rtt_ms").text);
		table_cell(&t, COLOUR_NONE, percent_or_dash(p, "loss_percent").text);
		table_cell(&t, COLOUR_NONE, number(json_get_int(p, "score", 0)).text);
		table_cell(&t, COLOUR_NONE, percent_or_dash(p, "out_percent").text);
		table_cell(&t, COLOUR_NONE, word_rate(json_get_int(p, "rx_bps", 0)).text);
		table_cell(&t, COLOUR_NONE, word_rate(json_get_int(p, "tx_bps", 0)).text);
		table_cell(&t, COLOUR_NONE, json_get_bool(p, "in_use") ? "yes" : "");
	}
	table_print(&t, s->out, s->colours, s->width);
	table_done(&t);
}

static void show_history(const struct show *s, struct json_object *o)
{
	struct json_object *families = json_get_array(o, "families");

	for (size_t i = 0; i < length(families); i++) {
		struct json_object *f = item(families, i), *points = json_get_array(f, "points");

		if (!length(points))
			continue;
		fprintf(s->out, "%s%s %s, one row for %s\n", i ? "\n" : "",
			json_get_text(o, "link", "?"), json_get_text(f, "family", "?"),
			span_or_dash(f, "resolution_ms").text);
		history_table(s, points);
	}
}

static void show_ledger(const struct show *s, struct json_object *o)
{
	struct json_object *decisions = json_get_array(o, "decisions");
	int64_t now_us = wall_now_us();

	for (size_t i = 0; i < length(decisions); i++) {
		struct word when = clock_of(item(decisions, i), "wall_ms", now_us);

		fprintf(s->out, "%s  ", when.text);
		paragraph(s, json_get_text(item(decisions, i), "text", "?"),
			text_width(when.text) + 2);
	}
}

/* Any object as "key  value" lines; numbers keep the unit that their name carries. */
static void show_members(const struct show *s, struct json_object *o, int indent)
{
	json_object_object_foreach(o, key, value)
	{
		if (json_object_is_type(value, json_type_array)) {
			for (size_t i = 0; i < length(value); i++)
				if (json_object_is_type(item(value, i), json_type_object)) {
					fputc('\n', s->out);
					show_members(s, item(value, i), indent + 2);
				}
			continue;
		}
		fprintf(s->out, "%*s%-*s  ", indent, "", 20, key);
		if (json_object_is_type(value, json_type_string))
			paragraph(s, json_object_get_string(value), indent + 22);
		else
			fprintf(s->out, "%s\n", value ? json_object_get_string(value) : "-");
	}
}

static enum exit_code show_problems(const struct show *s, struct json_object *o)
{
	struct json_object *problems = json_get_array(o, "problems");
	bool valid = json_get_bool(o, "valid");

	for (size_t i = 0; i < length(problems); i++) {
		struct json_object *p = item(problems, i);
		char text[512];

		snprintf(text, sizeof(text), "%s:%d: %s%s", json_get_text(p, "place", "?"),
			(int)json_get_int(p, "line", 0),
			json_get_bool(p, "warning") ? "warning: " : "",
			json_get_text(p, "text", "?"));
		paragraph(s, text, 2);
	}
	if (json_get_int(o, "more", 0) > 0)
		fprintf(s->out, "and %d more\n", (int)json_get_int(o, "more", 0));
	fprintf(s->out, valid ? "The file is valid.\n" : "The file is not valid.\n");
	return valid ? EXIT_OK : EXIT_REFUSED;
}

static void show_differences(const struct show *s, struct json_object *o)
{
	struct json_object *list = json_get_array(o, "differences");
	int64_t confirm_us = json_get_us(o, "confirm_ms");

	for (size_t i = 0; i < length(list); i++) {
		struct json_object *d = item(list, i);
		char text[512];

		snprintf(text, sizeof(text), "%s.%s: %s -> %s%s", json_get_text(d, "section", "?"),
			json_get_text(d, "option", "?"), json_get_text(d, "was", "(none)"),
			json_get_text(d, "is", "(none)"),
			json_get_bool(d, "live") ? "" : " (after a restart)");
		paragraph(s, text, 2);
	}
	if (!length(list))
		fputs("No difference.\n", s->out);
	if (confirm_us > 0)
		fprintf(s->out,
			"In use. It is rolled back in %s unless you say: autonomyctl config "
			"confirm\n",
			word_span(confirm_us).text);
}

static void show_metrics(const struct show *s, struct json_object *o)
{
	struct json_object *list = json_get_array(o, "metrics");
	struct table t;

	table_init(&t, "COUNTER|>VALUE|WHAT");
	for (size_t i = 0; i < length(list); i++) {
		table_row(&t);
		table_cell(&t, COLOUR_NONE, json_get_text(item(list, i), "name", "?"));
		table_cell(&t, COLOUR_NONE, number(json_get_int(item(list, i), "value", 0)).text);
		table_cell(&t, COLOUR_NONE, json_get_text(item(list, i), "text", ""));
	}
	table_print(&t, s->out, s->colours, s->width);
	table_done(&t);
}

static void show_commands(const struct show *s, struct json_object *o)
{
	struct json_object *list = json_get_array(o, "commands");
	struct table t;

	table_init(&t, "METHOD|PERMISSION|WHAT");
	for (size_t i = 0; i < length(list); i++) {
		table_row(&t);
		table_cell(&t, COLOUR_NONE, json_get_text(item(list, i), "name", "?"));
		table_cell(&t, COLOUR_NONE, json_get_text(item(list, i), "permission", "?"));
		table_cell(&t, COLOUR_NONE, json_get_text(item(list, i), "text", ""));
	}
	table_print(&t, s->out, s->colours, s->width);
	table_done(&t);
}

static enum exit_code show_text(const struct show *s, struct json_object *o)
{
	const char *text = json_get_text(o, "text", NULL);

	if (!text)
		show_members(s, o, 0);
	else
		fprintf(s->out, "%s%s", text, *text && text[strlen(text) - 1] == '\n' ? "" : "\n");
	return EXIT_OK;
}

static void show_config_value(const struct show *s, struct json_object *value)
{
	size_t n =
		json_object_is_type(value, json_type_array) ? json_object_array_length(value) : 0;
	char clean[400];

	if (!json_object_is_type(value, json_type_array))
		fprintf(s->out, "%s\n",
			text_printable(json_object_get_string(value), clean, sizeof(clean)));
	for (size_t i = 0; i < n; i++)
		fprintf(s->out, "%s%s",
			text_printable(json_object_get_string(json_object_array_get_idx(value, i)),
				clean, sizeof(clean)),
			i + 1 < n ? " " : "\n");
	if (json_object_is_type(value, json_type_array) && !n)
		fputs("\n", s->out);
}

/* One value, bare for scripts; or a line an option, as config set takes it. */
static void show_config(const struct show *s, struct json_object *result)
{
	struct json_object *value = NULL, *sections = json_get_object(result, "config");
	char clean[200];

	if (json_object_object_get_ex(result, "value", &value)) {
		show_config_value(s, value);
		return;
	}
	if (!sections)
		return;
	json_object_object_foreach(sections, name, section)
	{
		json_object_object_foreach(section, option, one)
		{
			if (*option == '.')
				continue;
			fprintf(s->out, "%s.%s=", text_printable(name, clean, sizeof(clean)),
				option);
			show_config_value(s, one);
		}
	}
}

static bool is_blank(const char *text)
{
	return !text[strspn(text, " \t\n")];
}

enum exit_code show_result(const struct show *s, const struct command *c,
	struct json_object *result)
{
	switch ((enum command_id)(c - command_table)) {
	case COMMAND_ID_STATUS:
		return show_status(s, result);
	case COMMAND_ID_LINKS:
		links_table(s, json_get_array(result, "links"));
		return EXIT_OK;
	case COMMAND_ID_EXPLAIN:
		show_explain(s, result);
		return EXIT_OK;
	case COMMAND_ID_EVENTS:
		show_events(s, result);
		return EXIT_OK;
	case COMMAND_ID_HISTORY:
		show_history(s, result);
		return EXIT_OK;
	case COMMAND_ID_LEDGER:
		show_ledger(s, result);
		return EXIT_OK;
	case COMMAND_ID_CONFIG_CHECK:
		return show_problems(s, result);
	case COMMAND_ID_CONFIG_SHOW:
		if (!is_blank(json_get_text(result, "text", "")))
			return show_text(s, result);
		fputs("# everything is at its default; --all shows it\n", s->out);
		return EXIT_OK;
	case COMMAND_ID_CONFIG_DIFF:
	case COMMAND_ID_CONFIG_APPLY:
	case COMMAND_ID_CONFIG_SET:
	case COMMAND_ID_CONFIG_RELOAD:
		show_differences(s, result);
		return EXIT_OK;
	case COMMAND_ID_CONFIG_GET:
		show_config(s, result);
		return EXIT_OK;
	case COMMAND_ID_METRICS:
		show_metrics(s, result);
		return EXIT_OK;
	case COMMAND_ID_COMMANDS:
		show_commands(s, result);
		return EXIT_OK;
	case COMMAND_ID_LINK:
	case COMMAND_ID_TRACE_START:
	case COMMAND_ID_TRACE_STOP:
	case COMMAND_ID_TRACE_STATUS:
	case COMMAND_ID_LOG:
	case COMMAND_ID_VERSION:
	case COMMAND_ID_RECORDING:
	case COMMAND_ID_WHATIF:
	case COMMAND_ID_TUNE:
		show_members(s, result, 0);
		return EXIT_OK;
	case COMMAND_ID_PIN:
	case COMMAND_ID_UNPIN:
	case COMMAND_ID_HOLD:
	case COMMAND_ID_UNHOLD:
	case COMMAND_ID_DRAIN:
	case COMMAND_ID_UNDRAIN:
	case COMMAND_ID_RECHECK:
	case COMMAND_ID_RELEASE:
	case COMMAND_ID_STEER:
	case COMMAND_ID_CONFIG_CONFIRM:
	case COMMAND_ID_CONFIG_ROLLBACK:
		return show_text(s, result);
	case COMMAND_ID_COUNT:
		break;
	}
	return EXIT_OK;
}
