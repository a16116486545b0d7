#include "journal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define GAP_NOTABLE_US 100000

void journal_init(struct journal *journal, const char *mode, const char *to, FILE *follow,
	int64_t now_us)
{
	*journal = (struct journal){
		.mode = mode,
		.to = to,
		.follow = follow,
		.start_us = now_us,
		.end_us = -1,
		.last_answer_us = -1,
	};
}

void journal_done(struct journal *journal)
{
	free(journal->samples);
	free(journal->events);
	*journal = (struct journal){0};
}

static void *grow(void *memory, size_t n, size_t *size, size_t each)
{
	if (n < *size)
		return memory;
	*size = *size ? *size * 2 : 1024;
	memory = realloc(memory, *size * each);
	if (!memory) {
		fputs("labflow: out of memory: run it for a shorter time\n", stderr);
		exit(1);
	}
	return memory;
}

size_t journal_send(struct journal *journal, int64_t sent_us)
{
	journal->samples = grow(journal->samples, journal->n_samples, &journal->samples_size,
		sizeof(*journal->samples));
	journal->samples[journal->n_samples] = (struct sample){.sent_us = sent_us,
		.connected_us = -1,
		.served_us = -1,
		.answered_us = -1,
		.bytes = -1};
	return journal->n_samples++;
}

struct sample *journal_sample(struct journal *journal, size_t index)
{
	return index < journal->n_samples ? &journal->samples[index] : NULL;
}

static bool is_known(const struct in6_addr *address)
{
	return memcmp(address, &in6addr_any, sizeof(*address)) != 0;
}

static const char *event_name(enum event_kind kind)
{
	static const char *const names[] = {
		[EVENT_CONNECTED] = "connected",
		[EVENT_FAILED] = "failed",
		[EVENT_BROKEN] = "broken",
		[EVENT_STALLED] = "stalled",
	};

	return names[kind];
}

static void print_address(const struct in6_addr *address, FILE *file)
{
	char text[INET6_ADDRSTRLEN];

	if (IN6_IS_ADDR_V4MAPPED(address))
		inet_ntop(AF_INET, &address->s6_addr[12], text, sizeof(text));
	else
		inet_ntop(AF_INET6, address, text, sizeof(text));
	fprintf(file, "\"%s\"", text);
}

static void print_time(const char *name, int64_t time_us, FILE *file)
{
	if (time_us >= 0)
		fprintf(file, ",\"%s\":%" PRId64, name, time_us);
	else
		fprintf(file, ",\"%s\":null", name);
}

static void print_error(int error, FILE *file)
{
	const char *name = strerrorname_np(error);

	if (error)
		fprintf(file, ",\"error\":\"%s\"", name ? name : "EUNKNOWN");
}

static void write_sample(const struct sample *sample, size_t index, FILE *file)
{
	fprintf(file, "{\"seq\":%zu,\"sent_us\":%" PRId64, index, sample->sent_us);
	if (sample->connected_us >= 0)
		print_time("connected_us", sample->connected_us, file);
	print_time("served_us", sample->served_us, file);
	print_time("answered_us", sample->answered_us, file);
	if (sample->bytes >= 0)
		fprintf(file, ",\"bytes\":%" PRId64, sample->bytes);
	if (sample->status)
		fprintf(file, ",\"status\":%d", sample->status);
	if (is_known(&sample->observed)) {
		fputs(",\"via\":", file);
		print_address(&sample->observed, file);
	}
	print_error(sample->error, file);
	fputs("}\n", file);
}

static void write_event(const struct event *event, FILE *file)
{
	fprintf(file, "{\"event\":\"%s\",\"at_us\":%" PRId64, event_name(event->kind),
		event->at_us);
	print_error(event->error, file);
	fputs("}\n", file);
}

static void follow_sample(const struct journal *journal, size_t index)
{
	if (journal->follow && index < journal->n_followed)
		write_sample(&journal->samples[index], index, journal->follow);
}

static void count_via(struct journal *journal, const struct in6_addr *observed)
{
	size_t i;

	if (is_known(&journal->last_observed) &&
		memcmp(&journal->last_observed, observed, sizeof(*observed)) != 0)
		journal->via_changes++;
	journal->last_observed = *observed;
	for (i = 0; i < journal->n_vias; i++)
		if (memcmp(&journal->vias[i].observed, observed, sizeof(*observed)) == 0)
			break;
	if (i == JOURNAL_VIAS_MAX)
		return;
	if (i == journal->n_vias)
		journal->vias[journal->n_vias++] = (struct via){.observed = *observed};
	journal->vias[i].answers++;
}

void journal_answer(struct journal *journal, size_t index, int64_t answered_us, int64_t served_us,
	const struct in6_addr *observed)
{
	struct sample *sample = journal_sample(journal, index);

	if (!sample || sample->answered_us >= 0)
		return;
	sample->answered_us = answered_us;
	sample->served_us = served_us;
	sample->error = 0;
	journal->n_answered++;
	journal->last_answer_us = answered_us;
	if (observed && is_known(observed)) {
		sample->observed = *observed;
		count_via(journal, observed);
	}
	follow_sample(journal, index);
}

void journal_fail(struct journal *journal, size_t index, int error)
{
	struct sample *sample = journal_sample(journal, index);

	if (!sample || sample->answered_us >= 0)
		return;
	sample->error = error;
	follow_sample(journal, index);
}

void journal_follow(struct journal *journal)
{
	while (journal->n_followed < journal->n_samples) {
		journal->n_followed++;
		follow_sample(journal, journal->n_followed - 1);
	}
}

void journal_event(struct journal *journal, int64_t at_us, enum event_kind kind, int error)
{
	journal->events = grow(journal->events, journal->n_events, &journal->events_size,
		sizeof(*journal->events));
	journal->events[journal->n_events++] =
		(struct event){.at_us = at_us, .kind = kind, .error = error};
	if (journal->follow)
		write_event(&journal->events[journal->n_events - 1], journal->follow);
}

void journal_write_log(const struct journal *journal, FILE *file)
{
	for (size_t i = 0; i < journal->n_samples; i++)
		write_sample(&journal->samples[i], i, file);
	for (size_t i = 0; i < journal->n_events; i++)
		write_event(&journal->events[i], file);
}

static int compare_times(const void *a, const void *b)
{
	const int64_t *left = a;
	const int64_t *right = b;

	return (*left > *right) - (*left < *right);
}

struct silence {
	int64_t longest_us;
	int64_t from_us;
	int64_t to_us;
	size_t n_notable;
};

/* Times without an answer, from start to end; answers[0..n-1] rising. */
static struct silence find_silence(const struct journal *journal, const int64_t answers[], size_t n)
{
	struct silence silence = {.from_us = journal->start_us, .to_us = journal->start_us};
	int64_t from_us = journal->start_us;

	for (size_t i = 0; i <= n; i++) {
		int64_t to_us = i < n ? answers[i] : journal->end_us;

		if (to_us - from_us >= GAP_NOTABLE_US)
			silence.n_notable++;
		if (to_us - from_us > silence.longest_us) {
			silence.longest_us = to_us - from_us;
			silence.from_us = from_us;
			silence.to_us = to_us;
		}
		from_us = to_us;
	}
	return silence;
}

static void print_quantiles(const char *name, int64_t times[], size_t n, FILE *file)
{
	static const int percents[] = {0, 50, 90, 99, 100};
	static const char *const names[] = {"min", "p50", "p90", "p99", "max"};

	fprintf(file, ",\"%s\":{", name);
	qsort(times, n, sizeof(times[0]), compare_times);
	for (size_t i = 0; n && i < sizeof(percents) / sizeof(percents[0]); i++)
		fprintf(file, "%s\"%s\":%" PRId64, i ? "," : "", names[i],
			times[(n - 1) * (size_t)percents[i] / 100]);
	fputs("}", file);
}

static size_t count_events(const struct journal *journal, enum event_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < journal->n_events; i++)
		n += journal->events[i].kind == kind;
	return n;
}

static void print_vias(const struct journal *journal, FILE *file)
{
	fputs(",\"via\":{", file);
	for (size_t i = 0; i < journal->n_vias; i++) {
		fputs(i ? "," : "", file);
		print_address(&journal->vias[i].observed, file);
		fprintf(file, ":%" PRIu64, journal->vias[i].answers);
	}
	fprintf(file, "},\"via_changes\":%" PRIu64, journal->via_changes);
}

void journal_write_summary(const struct journal *journal, FILE *file)
{
	int64_t *answers = calloc(journal->n_samples + 1, sizeof(*answers));
	int64_t *trips = calloc(journal->n_samples + 1, sizeof(*trips));
	struct silence silence;
	size_t n_errors = 0;
	size_t n = 0;

	if (!answers || !trips) {
		fputs("labflow: out of memory: run it for a shorter time\n", stderr);
		exit(1);
	}
	for (size_t i = 0; i < journal->n_samples; i++) {
		const struct sample *sample = &journal->samples[i];

		n_errors += sample->error != 0;
		if (sample->answered_us < 0)
			continue;
		answers[n] = sample->answered_us;
		trips[n++] = sample->answered_us - sample->sent_us;
	}
	qsort(answers, n, sizeof(*answers), compare_times);
	silence = find_silence(journal, answers, n);
	fprintf(file,
		"{\"mode\":\"%s\",\"to\":\"%s\",\"start_us\":%" PRId64 ",\"end_us\":%" PRId64
		",\"sent\":%zu,\"answered\":%zu,\"lost\":%zu,\"errors\":%zu,\"loss_pct\":%.3f",
		journal->mode, journal->to, journal->start_us, journal->end_us, journal->n_samples,
		n, journal->n_samples - n, n_errors,
		journal->n_samples
			? 100.0 * (double)(journal->n_samples - n) / (double)journal->n_samples
			: 0.0);
	print_quantiles("rtt_us", trips, n, file);
	fprintf(file,
		",\"longest_silence_us\":%" PRId64 ",\"silence_from_us\":%" PRId64
		",\"silence_to_us\":%" PRId64 ",\"silences_over_100ms\":%zu",
		silence.longest_us, silence.from_us, silence.to_us, silence.n_notable);
	print_vias(journal, file);
	fprintf(file, ",\"connects\":%zu,\"connect_failures\":%zu,\"resets\":%zu,\"stalls\":%zu",
		count_events(journal, EVENT_CONNECTED), count_events(journal, EVENT_FAILED),
		count_events(journal, EVENT_BROKEN), count_events(journal, EVENT_STALLED));
	fprintf(file, ",\"bytes\":%" PRId64 "}\n", journal->bytes);
	free(answers);
	free(trips);
}

void journal_write_live(const struct journal *journal, int64_t now_us, FILE *file)
{
	int64_t since_us =
		journal->last_answer_us >= 0 ? journal->last_answer_us : journal->start_us;

	fprintf(file,
		"{\"live_us\":%" PRId64 ",\"sent\":%zu,\"answered\":%zu,\"silence_us\":%" PRId64,
		now_us, journal->n_samples, journal->n_answered, now_us - since_us);
	if (is_known(&journal->last_observed)) {
		fputs(",\"via\":", file);
		print_address(&journal->last_observed, file);
	}
	fputs("}\n", file);
	fflush(file);
}
