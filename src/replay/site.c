#include "replay/site.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/usec.h"
#include "core/names.h"
#include "core/sitelog.h"
#include "replay/tracefile.h"

#define FILE_BYTES_MAX (64 * 1024 * 1024)
#define ROWS_AT_ONCE 64
#define LOOK_US (200 * USEC_MS)
#define SPAN_MAX_US (400 * USEC_DAY)
#define CLOCK_STEP_US USEC_MIN

/* While it is put together: the slots of the daemon are not the links of the scenario. */
struct building {
	struct site *site;
	struct sitelog_link link[LINKS_MAX]; /* of the scenario */
	uint8_t link_of_slot[LINKS_MAX];     /* LINKS_MAX: none */
	enum family family;
	bool measuring; /* only how long it is: no rows */
	int64_t cut_us; /* of what is before it only the last row of a link matters */
	int64_t end_us;
	int64_t dated_us;  /* when the clock was first known; USEC_NEVER: never */
	int64_t offset_us; /* from the block's time to the scenario's */
	int64_t time_us;   /* of the last block */
	unsigned used;     /* link of the scenario that class 0 used last; LINKS_MAX: none */
};

/* ---- rows ---- */

static void begin_building(struct building *b, struct site *s, enum family family)
{
	memset(b, 0, sizeof(*b));
	memset(s, 0, sizeof(*s));
	memset(b->link_of_slot, LINKS_MAX, sizeof(b->link_of_slot));
	b->site = s;
	b->family = family;
	b->dated_us = USEC_NEVER;
	b->cut_us = INT64_MIN;
	b->used = LINKS_MAX;
	snprintf(s->scenario.name, sizeof(s->scenario.name), "site");
}

/* The same link is known by its name, whatever slot it has. */
static void take_link(struct building *b, const struct sitelog_link *l)
{
	struct scenario *s = &b->site->scenario;
	unsigned i = 0;

	while (i < s->n_links && strcmp(b->link[i].name, l->name) != 0)
		i++;
	if (i == LINKS_MAX || !l->name[0])
		return;
	if (i == s->n_links) {
		s->n_links++;
		s->link[i].recording.hold_us = SITE_HOLD_US;
	}
	b->link[i] = *l;
	for (unsigned k = 0; k < LINKS_MAX; k++)
		if (b->link_of_slot[k] == i)
			b->link_of_slot[k] = LINKS_MAX;
	b->link_of_slot[l->slot] = (uint8_t)i;
}

static int take_row(struct building *b, const struct witness_row *row)
{
	unsigned link = b->link_of_slot[path_link(row->path)];
	struct recording_row r = {.at_us = row->at_us + b->offset_us, .rtt_us = row->rtt_us};
	struct recording *to;
	int error;

	b->end_us = usec_max(b->end_us, r.at_us);
	if (path_family(row->path) != b->family || link == LINKS_MAX || b->measuring)
		return 0;
	r.loss = row->usable ? (uint32_t)((uint64_t)row->loss_permille * UINT32_MAX / 1000)
			     : UINT32_MAX;
	if (!row->usable)
		r.rtt_us = -1;
	to = &b->site->scenario.link[link].recording;
	/* between two blocks the clock may have been corrected a little */
	if (to->n && to->row[to->n - 1].at_us - r.at_us < USEC_S)
		r.at_us = usec_max(r.at_us, to->row[to->n - 1].at_us);
	if (to->n && r.at_us < b->cut_us && r.at_us >= to->row[to->n - 1].at_us)
		to->n--;
	error = recording_append(to, &r);
	b->site->backwards += error == -EINVAL;
	return error == -ENOMEM ? error : 0;
}

static int take_move(struct building *b, const struct witness_move *move)
{
	struct judge_moves *m = &b->site->moves;
	int64_t at_us = move->at_us + b->offset_us;
	unsigned link = LINKS_MAX;

	if (move->family != b->family || b->measuring)
		return 0;
	if (move->path < PATHS_MAX)
		link = b->link_of_slot[path_link(move->path)];
	if (m->n && link == b->used)
		return 0;
	b->used = link;
	/* a block repeats what its predecessor said, at its own begin */
	if (m->n)
		at_us = usec_max(at_us, m->move[m->n - 1].at_us);
	judge_note(m, at_us, link);
	return m->incomplete ? -ENOMEM : 0;
}

static int take_bytes(struct building *b, int64_t at_us, uint64_t bytes)
{
	struct site *s = b->site;

	b->end_us = usec_max(b->end_us, at_us + b->offset_us);
	if (!bytes || b->measuring || at_us + b->offset_us < b->cut_us)
		return 0;
	if (s->n_traffic == s->traffic_room) {
		size_t room = s->traffic_room ? 2 * s->traffic_room : 1024;
		struct judge_traffic *more = realloc(s->traffic, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		s->traffic = more;
		s->traffic_room = room;
	}
	s->traffic[s->n_traffic++] = (struct judge_traffic){at_us + b->offset_us, bytes};
	return 0;
}

/* ---- site files ---- */

static int take_record(struct building *b, const struct sitelog_record *v)
{
	switch (v->kind) {
	case SITELOG_LINK:
		take_link(b, &v->link);
		break;
	case SITELOG_ROW:
		return take_row(b, &v->row);
	case SITELOG_BYTES:
		return take_bytes(b, v->at_us, v->bytes);
	case SITELOG_MOVE:
		return take_move(b, &v->move);
	case SITELOG_END:
		b->end_us = usec_max(b->end_us, v->at_us + b->offset_us);
		break;
	case SITELOG_KIND_COUNT:
		break;
	}
	return 0;
}

/*
 * Places the block in time.  A boot without a clock, and a clock that was set back, go on where
 * the record was.
 */
static void date(struct building *b, const struct sitelog_reader *r)
{
	int64_t offset_us = r->wall_ms * USEC_MS - r->time_us;
	bool same_boot = r->time_us >= b->time_us;

	if (r->wall_ms && (b->dated_us == USEC_NEVER ||
				  r->time_us + offset_us >= b->end_us - CLOCK_STEP_US)) {
		b->offset_us = offset_us;
		b->dated_us = usec_min(b->dated_us, r->time_us + offset_us);
	} else {
		b->site->undated += !b->measuring;
		if (!same_boot)
			b->offset_us = b->end_us + USEC_S - r->time_us;
	}
	b->time_us = r->time_us;
}

static int take_block(struct building *b, struct sitelog_reader *r)
{
	struct sitelog_record v;
	int got, error = 0;

	b->site->blocks += !b->measuring;
	date(b, r);
	b->end_us = usec_max(b->end_us, r->time_us + b->offset_us);
	while (!error && (got = sitelog_next(r, &v)) > 0)
		error = take_record(b, &v);
	if (!error && got < 0)
		b->site->damaged += !b->measuring;
	return error;
}

static int take_blocks(struct building *b, const uint8_t *data, size_t size)
{
	struct sitelog_reader r;
	size_t at = 0;

	while (at < size) {
		int error = sitelog_open(&r, data + at, size - at);

		if (error) {
			b->site->damaged += !b->measuring;
			do
				at++;
			while (at < size && (size - at < 4 || memcmp(data + at, "ASB1", 4) != 0));
			continue;
		}
		error = take_block(b, &r);
		if (error)
			return error;
		at += r.size;
	}
	return 0;
}

/* 0, also when there is no such file and that is no matter. */
static int take_file(struct building *b, const char *path, bool must, struct problem *ret)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data = NULL;
	struct stat st;
	size_t n = 0;
	int error = 0;

	if (!f && errno == ENOENT && !must)
		return 0;
	if (!f || fstat(fileno(f), &st))
		error = -errno;
	else if (st.st_size > FILE_BYTES_MAX)
		error = -EFBIG;
	else if (!(data = malloc((size_t)st.st_size + 1)))
		error = -ENOMEM;
	else
		n = fread(data, 1, (size_t)st.st_size, f);
	if (!error)
		error = take_blocks(b, data, n);
	if (error)
		problem_set(ret, path, 0, "cannot be read: %s", strerror(-error));
	free(data);
	if (f)
		fclose(f);
	return error;
}

static int take_folder(struct building *b, const char *dir, struct problem *ret)
{
	static const char *const name[] = {"site.old", "site.rec"};
	int error = 0;

	for (unsigned i = 0; i < 2 && !error; i++) {
		char path[4096];

		if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir, name[i]) >= sizeof(path)) {
			problem_set(ret, dir, 0, "the name is too long");
			return -ENAMETOOLONG;
		}
		error = take_file(b, path, false, ret);
	}
	return error;
}

/* ---- traces ---- */

struct replaying {
	struct engine *engine;
	struct tracefile trace;
	struct witness witness;
	struct output out;
	int64_t looked_us;
};

static int look(struct building *b, struct replaying *r, int64_t now_us)
{
	struct witness_row row[ROWS_AT_ONCE];
	struct witness_move move;
	int error = 0;
	size_t n;

	r->looked_us = now_us;
	do {
		n = witness_look(&r->witness, r->engine, now_us, row, ROWS_AT_ONCE);
		for (size_t i = 0; i < n && !error; i++)
			error = take_row(b, &row[i]);
	} while (n == ROWS_AT_ONCE && !error);
	while (!error && witness_moved(&r->witness, r->engine, &move))
		error = take_move(b, &move);
	return error ? error : take_bytes(b, now_us, witness_take_bytes(&r->witness));
}

static void take_policy(struct building *b, const struct policy *policy)
{
	for (unsigned i = 0; i < LINKS_MAX; i++) {
		struct sitelog_link l = {.slot = (uint8_t)i,
			.kind = (uint8_t)policy->link[i].kind,
			.metered = policy->link[i].metered,
			.preference = policy->link[i].preference,
			.order = policy->link[i].order};

		memcpy(l.name, policy->link[i].name, sizeof(l.name));
		if (policy->links & (UINT32_C(1) << i))
			take_link(b, &l);
	}
}

static int take_input(struct building *b, struct replaying *r, const struct input *in)
{
	engine_step(r->engine, in, &r->out);
	witness_input(&r->witness, in);
	if (in->kind == INPUT_POLICY || !b->site->scenario.n_links)
		take_policy(b, engine_policy(r->engine));
	return in->now_us - r->looked_us >= LOOK_US ? look(b, r, in->now_us) : 0;
}

/* Which probes were sent is not known of half an engine, or of one of another build. */
static bool engine_missing(const struct tracefile *t)
{
	return t->header.engine != trace_engine_tag(engine_size()) ||
	       (t->state_bytes && t->state_bytes != engine_size());
}

/* Where inputs are missing the record ends: the engine would wait for answers that came, and call that an outage. */
static int take_records(struct building *b, struct replaying *r, struct problem *ret)
{
	struct tracefile *t = &r->trace;
	struct trace_record rec;
	bool taken = false;
	int error = 0;

	engine_init(r->engine, t->header.start_us, t->header.seed);
	witness_init(&r->witness);
	if (t->header.wall_ms > 0) {
		b->offset_us = t->header.wall_ms * USEC_MS - t->header.start_us;
		b->dated_us = t->header.wall_ms * USEC_MS;
	}
	while (!error && tracefile_next(t, &rec)) {
		if (rec.kind == TRACE_STATE)
			tracefile_take_state(t, &rec, r->engine);
		if (rec.kind == TRACE_LOST || (rec.kind == TRACE_INPUT && !t->exact)) {
			b->site->damaged++;
			break;
		}
		if (rec.kind == TRACE_INPUT)
			error = take_input(b, r, &rec.input);
		taken |= rec.kind == TRACE_INPUT;
	}
	b->site->damaged += t->blocks_damaged;
	if (!taken && t->begun && engine_missing(t)) {
		problem_set(ret, t->file, 0,
			"it began in the middle, with an engine of another build: which "
			"probes were sent is not known");
		return -EINVAL;
	}
	return error;
}

static int take_trace(struct building *b, const char *path, struct problem *ret)
{
	struct replaying *r = calloc(1, sizeof(*r));
	int error = -ENOMEM;

	if (r)
		r->engine = calloc(1, engine_size());
	if (!r || !r->engine)
		problem_set(ret, path, 0, "no memory for it");
	else
		error = tracefile_open(&r->trace, path, ret);
	if (!error) {
		error = take_records(b, r, ret);
		if (error == -ENOMEM)
			problem_set(ret, path, 0, "no memory for it");
		tracefile_close(&r->trace);
	}
	if (r)
		free(r->engine);
	free(r);
	return error;
}

/* ---- the scenario ---- */

static int by_preference(const void *a, const void *b)
{
	const struct sitelog_link *x = a, *y = b;

	if (x->preference != y->preference)
		return x->preference > y->preference ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* The user's preference decides the order; a link of which nothing is known is none. */
static void order_links(struct building *b)
{
	struct scenario *s = &b->site->scenario;
	struct recording recording[LINKS_MAX] = {{0}};
	unsigned place[LINKS_MAX], n = 0;

	for (unsigned i = 0; i < s->n_links; i++) {
		place[i] = LINKS_MAX;
		recording[i] = s->link[i].recording;
		b->link[i].slot = (uint8_t)i;
	}
	qsort(b->link, s->n_links, sizeof(b->link[0]), by_preference);
	for (unsigned i = 0; i < s->n_links; i++) {
		struct scenario_link *l = &s->link[n];
		const struct sitelog_link *from = &b->link[i];

		if (!recording[from->slot].n)
			continue;
		memset(l, 0, sizeof(*l));
		memcpy(l->name, from->name, sizeof(l->name));
		place[from->slot] = n;
		l->placed = true;
		l->preference = from->preference;
		l->kind = (enum link_kind)from->kind;
		l->metered = from->metered;
		l->recording = recording[from->slot];
		n++;
	}
	memset(&s->link[n], 0, (LINKS_MAX - n) * sizeof(s->link[0]));
	s->n_links = n;
	for (size_t i = 0; i < b->site->moves.n; i++) {
		struct judge_move *m = &b->site->moves.move[i];

		m->link = m->link < LINKS_MAX ? place[m->link] : LINKS_MAX;
	}
}

static int64_t known_us(const struct recording *r, int64_t t0_us, int64_t t1_us)
{
	int64_t sum_us = 0;

	for (size_t i = 0; i < r->n; i++) {
		int64_t next_us = i + 1 < r->n ? r->row[i + 1].at_us : t1_us;
		int64_t from_us = usec_max(r->row[i].at_us, t0_us);

		next_us = usec_min(next_us, r->row[i].at_us + r->hold_us);
		sum_us += usec_max(usec_min(next_us, t1_us) - from_us, 0);
	}
	return sum_us;
}

static int complain(const char *path, struct problem *ret, const char *text)
{
	problem_set(ret, path, 0, "%s", text);
	return -ENODATA;
}

static int finish(struct building *b, const char *path, int64_t since_us, struct problem *ret)
{
	struct site *site = b->site;
	struct scenario *s = &site->scenario;
	int error = 0;

	order_links(b);
	if (!s->n_links) {
		problem_set(ret, path, 0, "nothing is recorded there of any link's %s",
			family_name(b->family));
		return -ENODATA;
	}
	site->wall = b->dated_us != USEC_NEVER;
	s->t0_us = USEC_NEVER;
	s->t1_us = b->end_us;
	for (unsigned i = 0; i < s->n_links; i++) {
		s->t0_us = usec_min(s->t0_us, s->link[i].recording.row[0].at_us);
		error = error ? error : recording_finish(&s->link[i].recording);
	}
	if (site->wall)
		s->t0_us = usec_max(s->t0_us, b->dated_us);
	if (since_us)
		s->t0_us = usec_max(s->t0_us, s->t1_us - usec_min(since_us, s->t1_us));
	for (unsigned i = 0; i < s->n_links; i++)
		site->probed_us[i] = known_us(&s->link[i].recording, s->t0_us, s->t1_us);
	if (error)
		problem_set(ret, path, 0, "no memory for it");
	else if (s->t0_us >= s->t1_us)
		error = complain(path, ret, "nothing is recorded there yet");
	else if (s->t1_us - s->t0_us > SPAN_MAX_US)
		error = complain(path, ret,
			"that is more than a year: say how much of it, since when");
	return error;
}

/* A trace begins otherwise than a site file. */
static int take_path(struct building *b, const char *path, bool is_folder, struct problem *ret)
{
	char magic[4] = "";
	FILE *f;

	if (is_folder)
		return take_folder(b, path, ret);
	f = fopen(path, "rb");
	if (f && fread(magic, 1, sizeof(magic), f) != sizeof(magic))
		magic[0] = '\0';
	if (f)
		fclose(f);
	if (!memcmp(magic, "ASB1", 4))
		return take_file(b, path, true, ret);
	/* a trace tells its rows once only */
	return b->measuring ? 0 : take_trace(b, path, ret);
}

int site_load(struct site *s, const char *path, enum family family, int64_t since_us,
	struct problem *ret)
{
	struct building b;
	struct stat st;
	int error;

	begin_building(&b, s, family);
	if (stat(path, &st)) {
		error = -errno;
		problem_set(ret, path, 0, "cannot open: %s", strerror(-error));
		return error;
	}
	if (since_us) {
		b.measuring = true;
		error = take_path(&b, path, S_ISDIR(st.st_mode), ret);
		if (error)
			return error;
		if (b.end_us)
			b.cut_us = b.end_us - usec_min(since_us, b.end_us);
		b.dated_us = USEC_NEVER;
		b.end_us = b.offset_us = b.time_us = 0;
		b.measuring = false;
	}
	error = take_path(&b, path, S_ISDIR(st.st_mode), ret);
	if (!error)
		error = finish(&b, path, since_us, ret);
	if (error)
		site_free(s);
	return error;
}

void site_free(struct site *s)
{
	scenario_free(&s->scenario);
	judge_forget(&s->moves);
	free(s->traffic);
	s->traffic = NULL;
	s->n_traffic = s->traffic_room = 0;
}
