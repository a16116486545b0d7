#include "ctl/watch_draw.h"

#include <stdio.h>
#include <string.h>

#include "api/json.h"
#include "api/words.h"
#include "base/usec.h"

/* Columns of the table of links; what is right of the bars keeps its distance from the right edge. */
enum {
	AT_FAMILY = 14,
	AT_HEALTH = 17,
	AT_FOR = 34,
	AT_WHY = 46,
	END_RTT = 35,
	END_LOSS = 42,
	END_SCORE = 47,
	AT_BARS = 48,
	RATE_WIDTH = 7,
	RATES_WIDTH = 2 * RATE_WIDTH + 1,
};

static size_t length(struct json_object *array)
{
	return array ? json_object_array_length(array) : 0;
}

static struct json_object *item(struct json_object *array, size_t i)
{
	return json_object_array_get_idx(array, i);
}

static struct json_object *links_of(const struct watch *w)
{
	return json_get_array(w->status, "links");
}

void watch_init(struct watch *w)
{
	memset(w, 0, sizeof(*w));
}

void watch_done(struct watch *w)
{
	json_object_put(w->status);
	json_object_put(w->explanation);
	for (int i = 0; i < w->n_events; i++)
		json_object_put(w->event[i]);
	watch_init(w);
}

void watch_take_status(struct watch *w, struct json_object *status)
{
	json_object_put(w->status);
	w->status = status;
}

void watch_take_event(struct watch *w, struct json_object *event)
{
	if (w->n_events == WATCH_EVENTS_MAX) {
		json_object_put(w->event[0]);
		for (int i = 1; i < WATCH_EVENTS_MAX; i++)
			w->event[i - 1] = w->event[i];
		w->n_events--;
	}
	w->event[w->n_events++] = event;
}

static void scores_add(struct watch_scores *s, int value)
{
	if (s->n == WATCH_SCORES) {
		memmove(s->value, s->value + 1, sizeof(s->value) - sizeof(s->value[0]));
		s->n--;
	}
	s->value[s->n++] = value;
}

static int family_index(struct json_object *o)
{
	return strcmp(json_get_text(o, "family", ""), "ipv6") == 0;
}

static int score_of(struct json_object *path)
{
	struct json_object *scores = json_get_object(path, "score");

	if (scores) {
		json_object_object_foreach(scores, key, value)
		{
			(void)key;
			return json_object_get_int(value);
		}
	}
	return -1;
}

static struct watch_scores *scores_of(struct watch *w, struct json_object *link, int family)
{
	int64_t slot = json_get_int(link, "slot", -1);

	return slot >= 0 && slot < WATCH_LINKS_MAX ? &w->scores[slot][family] : NULL;
}

void watch_take_second(struct watch *w)
{
	struct json_object *links = links_of(w);

	for (size_t i = 0; i < length(links); i++) {
		struct json_object *paths = json_get_array(item(links, i), "paths");

		for (size_t k = 0; k < length(paths); k++) {
			struct json_object *path = item(paths, k);
			struct watch_scores *s = scores_of(w, item(links, i), family_index(path));

			if (s)
				scores_add(s, score_of(path));
		}
	}
}

void watch_take_history(struct watch *w, unsigned slot, struct json_object *history)
{
	struct json_object *families = json_get_array(history, "families");

	for (size_t i = 0; slot < WATCH_LINKS_MAX && i < length(families); i++) {
		struct json_object *points = json_get_array(item(families, i), "points");
		struct watch_scores *s = &w->scores[slot][family_index(item(families, i))];
		struct watch_scores since = *s;

		s->n = 0;
		for (size_t k = 0; k < length(points); k++)
			scores_add(s, (int)json_get_int(item(points, k), "score", -1));
		for (int k = 0; k < since.n; k++)
			scores_add(s, since.value[k]);
	}
}

const char *watch_link(const struct watch *w, unsigned place)
{
	struct json_object *links = links_of(w);

	return place < length(links) ? json_get_text(item(links, place), "link", NULL) : NULL;
}

int watch_place_of_key(int key)
{
	if (key >= '1' && key <= '9')
		return key - '1';
	return key >= 'a' && key <= 'g' ? key - 'a' + 9 : -1;
}

/* ---- drawing ---- */

static void right(struct canvas *c, int until, enum colour colour, const char *text)
{
	canvas_tab(c, until - text_width(text));
	canvas_put(c, colour, text);
}

static void draw_head(const struct watch *w, struct canvas *c)
{
	const char *state = json_get_text(w->status, "state", w->connected ? "..." : "no daemon");
	int64_t uptime_us = json_get_us(w->status, "uptime_ms");

	canvas_put(c, COLOUR_STRONG, "autonomy ");
	canvas_put(c, COLOUR_NONE, json_get_text(w->status, "version", ""));
	canvas_print(c, COLOUR_NONE, "  %s", json_get_text(w->status, "mode", ""));
	if (uptime_us >= 0)
		canvas_print(c, COLOUR_NONE, ", up %s", word_span(uptime_us).text);
	canvas_tab(c, (c->columns - text_width(state)) / 2 + 4);
	canvas_put(c, w->connected ? colour_of(state) : COLOUR_BAD, state);
	right(c, c->columns, COLOUR_NONE, word_clock(w->wall_us, w->wall_us).text);
	canvas_end(c);
	canvas_end(c);
}

static void draw_uses(struct canvas *c, struct json_object *d)
{
	struct json_object *links = json_get_array(d, "links");
	enum colour colour = colour_of(json_get_text(d, "state", ""));

	if (!length(links))
		canvas_put(c, COLOUR_BAD, "-");
	for (size_t i = 0; i < length(links); i++) {
		canvas_put(c, COLOUR_NONE, i ? "+" : "");
		canvas_put(c, colour, json_get_text(item(links, i), "link", "?"));
	}
}

static void draw_wait(const struct watch *w, struct canvas *c, struct json_object *d)
{
	const char *wanted = json_get_text(d, "wanted", NULL),
		   *pinned = json_get_text(d, "pinned", NULL);
	int64_t due_us = json_get_us(d, "due_wall_ms");

	if (!wanted && !pinned && !json_get_bool(d, "held"))
		return;
	canvas_tab(c, AT_HEALTH);
	if (pinned)
		canvas_print(c, COLOUR_DOUBTFUL, "pinned to %s  ", pinned);
	if (json_get_bool(d, "held"))
		canvas_put(c, COLOUR_DOUBTFUL, "held  ");
	if (wanted)
		canvas_print(c, COLOUR_DOUBTFUL, "%s would be better, waits (%s)", wanted,
			json_get_text(d, "stay", "?"));
	if (wanted && due_us > w->wall_us)
		canvas_print(c, COLOUR_DOUBTFUL, ", %s more", word_span(due_us - w->wall_us).text);
	canvas_end(c);
}

static void draw_classes(const struct watch *w, struct canvas *c)
{
	struct json_object *classes = json_get_array(w->status, "classes");

	canvas_put(c, COLOUR_FAINT, "  CLASS       AF USES             FOR         WHY");
	canvas_end(c);
	for (size_t i = 0; i < length(classes); i++) {
		struct json_object *d = item(classes, i);
		int64_t for_us = json_get_us(d, "for_ms");

		canvas_print(c, COLOUR_NONE, "  %.11s", json_get_text(d, "class", "?"));
		canvas_tab(c, AT_FAMILY);
		canvas_put(c, COLOUR_NONE, family_index(d) ? "v6" : "v4");
		canvas_tab(c, AT_HEALTH);
		draw_uses(c, d);
		canvas_print(c, COLOUR_NONE, " ");
		canvas_tab(c, AT_FOR);
		if (for_us >= 0 && length(json_get_array(d, "links")))
			canvas_put(c, COLOUR_NONE, word_span(for_us).text);
		canvas_print(c, COLOUR_NONE, " ");
		canvas_tab(c, AT_WHY);
		canvas_put(c, COLOUR_NONE, json_get_text(d, "why", ""));
		canvas_end(c);
		draw_wait(w, c, d);
	}
	canvas_end(c);
}

static char place_key(size_t place)
{
	return (char)(place < 9 ? '1' + (int)place : 'a' + (int)place - 9);
}

static void draw_link_name(const struct watch *w, struct canvas *c, struct json_object *link,
	size_t place)
{
	bool used = json_get_bool(link, "in_use");

	if (w->prompt != WATCH_PROMPT_NONE)
		canvas_print(c, COLOUR_STRONG, "%c ", place_key(place));
	else
		canvas_put(c, COLOUR_STRONG, used ? "> " : "  ");
	canvas_print(c, used ? COLOUR_STRONG : COLOUR_NONE, "%.12s",
		json_get_text(link, "link", "?"));
}

/* "12.3M" */
static struct word short_rate(int64_t bps)
{
	struct word word = word_rate(bps < 0 ? 0 : bps);
	char *space = strchr(word.text, ' ');

	if (space) {
		char unit = space[1];

		space[0] = (char)(unit == 'b' ? '\0' : unit);
		space[1] = '\0';
	}
	return word;
}

static void draw_rates(struct canvas *c, struct json_object *link)
{
	right(c, c->columns - RATE_WIDTH, COLOUR_NONE,
		short_rate(json_get_int(link, "rx_bps", 0)).text);
	right(c, c->columns, COLOUR_NONE, short_rate(json_get_int(link, "tx_bps", 0)).text);
}

static void draw_path(const struct watch *w, struct canvas *c, struct json_object *link,
	struct json_object *path)
{
	const char *health = json_get_text(path, "health", "absent");
	int64_t rtt_us = json_get_us(path, "rtt_ms"), loss_ppm = json_get_ppm(path, "loss_percent");
	int64_t slot = json_get_int(link, "slot", WATCH_LINKS_MAX);
	int width = c->columns - AT_BARS - RATES_WIDTH, score = score_of(path);

	canvas_tab(c, AT_FAMILY);
	canvas_put(c, COLOUR_NONE, family_index(path) ? "v6" : "v4");
	canvas_tab(c, AT_HEALTH);
	canvas_put(c, colour_of(health), health);
	right(c, END_RTT, COLOUR_NONE, rtt_us < 0 ? "-" : word_span(rtt_us).text);
	right(c, END_LOSS, COLOUR_NONE, loss_ppm < 0 ? "-" : word_percent(loss_ppm).text);
	if (score >= 0) {
		char text[16];

		snprintf(text, sizeof(text), "%d", score);
		right(c, END_SCORE, COLOUR_NONE, text);
	}
	canvas_tab(c, AT_BARS);
	if (slot >= 0 && slot < WATCH_LINKS_MAX && width > 0) {
		const struct watch_scores *s = &w->scores[slot][family_index(path)];

		canvas_bars(c, s->value, s->n, width);
	}
}

static void draw_links(const struct watch *w, struct canvas *c)
{
	struct json_object *links = links_of(w);

	canvas_put(c, COLOUR_FAINT, "  LINK        AF HEALTH         RTT   LOSS  SCR HISTORY");
	right(c, c->columns - RATE_WIDTH, COLOUR_FAINT, "DOWN");
	right(c, c->columns, COLOUR_FAINT, "UP");
	canvas_end(c);
	for (size_t i = 0; i < length(links); i++) {
		struct json_object *link = item(links, i), *paths = json_get_array(link, "paths");

		draw_link_name(w, c, link, i);
		for (size_t k = 0; k < length(paths); k++) {
			/* a family that a link never had takes no row */
			if (k &&
				!strcmp(json_get_text(item(paths, k), "verdict", ""), "no-address"))
				continue;
			if (k)
				canvas_end(c);
			draw_path(w, c, link, item(paths, k));
			if (!k)
				draw_rates(c, link);
		}
		canvas_end(c);
	}
	canvas_end(c);
}

static bool is_decision(struct json_object *event)
{
	const char *kind = json_get_text(event, "kind", "");

	return !strcmp(kind, "switch") || !strcmp(kind, "stay") || !strcmp(kind, "canary") ||
	       !strcmp(kind, "fail-open");
}

/* Rows that a text takes after indent columns. */
static int rows_of(const char *text, int indent, int columns, int max)
{
	int room = columns - indent > 10 ? columns - indent : 10;
	int rows = (text_width(text) + room - 1) / room;

	/* words do not fill rows to the end */
	if (rows > 1 && text_width(text) % room > room * 3 / 4)
		rows++;
	return rows < 1 ? 1 : rows > max ? max : rows;
}

#define EVENT_ROWS_MAX 3
#define EVENT_INDENT 10

/* The newest at the bottom: as many as there is room for. */
static void draw_events(const struct watch *w, struct canvas *c)
{
	int room = c->rows - c->row - 2, first = w->n_events;

	canvas_put(c, COLOUR_FAINT, "WHAT HAPPENED");
	canvas_end(c);
	while (first > 0) {
		room -= rows_of(json_get_text(w->event[first - 1], "text", ""), EVENT_INDENT,
			c->columns, EVENT_ROWS_MAX);
		if (room < 0)
			break;
		first--;
	}
	for (int i = first; i < w->n_events; i++) {
		struct json_object *e = w->event[i];
		int64_t at_us = json_get_us(e, "wall_ms");
		enum colour colour = is_decision(e)                    ? COLOUR_STRONG
				     : json_get_int(e, "level", 6) > 5 ? COLOUR_FAINT
								       : COLOUR_NONE;

		if (c->row >= c->rows - 1)
			return;
		canvas_put(c, COLOUR_FAINT, word_clock(at_us, at_us).text);
		canvas_tab(c, EVENT_INDENT);
		canvas_wrap(c, colour, json_get_text(e, "text", ""), EVENT_INDENT, EVENT_ROWS_MAX);
	}
}

static void draw_explanation(const struct watch *w, struct canvas *c)
{
	struct json_object *list = json_get_array(w->explanation, "explanations");

	canvas_put(c, COLOUR_FAINT, "WHY");
	canvas_end(c);
	for (size_t i = 0; i < length(list); i++) {
		struct json_object *lines = json_get_array(item(list, i), "lines");

		for (size_t k = 0; k < length(lines) && c->row < c->rows - 1; k++) {
			bool now = !strcmp(json_get_text(item(lines, k), "topic", ""), "now");

			canvas_tab(c, now ? 0 : 2);
			canvas_wrap(c, now ? COLOUR_STRONG : COLOUR_NONE,
				json_get_text(item(lines, k), "text", ""), 4, 3);
		}
	}
}

static const char *prompt_text(enum watch_prompt prompt)
{
	switch (prompt) {
	case WATCH_PROMPT_PIN:
		return "pin all traffic to which link for 1 h? its number, or another key for none";
	case WATCH_PROMPT_DRAIN:
		return "drain (or no longer drain) which link? its number, or another key for none";
	case WATCH_PROMPT_RECHECK:
		return "probe which link afresh? its number, or another key for none";
	case WATCH_PROMPT_NONE:
		break;
	}
	return "q quit  p pin  u unpin  d drain  r recheck  e explain";
}

static void draw_foot(const struct watch *w, struct canvas *c)
{
	c->row = c->rows - 1;
	memset(&c->line[c->row], 0, sizeof(c->line[c->row]));
	if (w->prompt != WATCH_PROMPT_NONE)
		canvas_put(c, COLOUR_STRONG, prompt_text(w->prompt));
	else if (*w->message)
		canvas_put(c, COLOUR_STRONG, w->message);
	else
		canvas_put(c, COLOUR_FAINT, prompt_text(WATCH_PROMPT_NONE));
}

void watch_draw(const struct watch *w, struct canvas *c)
{
	draw_head(w, c);
	if (w->status) {
		draw_classes(w, c);
		draw_links(w, c);
	}
	if (w->explanation)
		draw_explanation(w, c);
	else
		draw_events(w, c);
	draw_foot(w, c);
}
