/*
 * Whatever the lab's link emulator reads: the first byte chooses.  't': a trace in CSV.  'c': lines
 * of the control language.  'p': an Ethernet frame.
 */
#include "../lab/emulator/command.h"
#include "../lab/emulator/impair.h"
#include "../lab/emulator/packet.h"
#include "../lab/emulator/trace.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONS_TEXT_MAX 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
	if (!condition)
		abort();
}

static void run_trace(const uint8_t *data, size_t size)
{
	struct trace trace;

	if (trace_parse((const char *)data, size, &trace) < 0)
		return;
	check(trace.n_rows > 0 && trace.length_us > 0);
	for (size_t i = 0; i < trace.n_rows; i++) {
		struct trace_point point = trace_at(&trace, trace.rows[i].t_us);
		int32_t one_way_ppm = trace_one_way_ppm(point.loss_ppm);

		check(i == 0 || trace.rows[i].t_us > trace.rows[i - 1].t_us);
		check(point.rtt_us == trace.rows[i].rtt_us);
		check(point.loss_ppm == trace.rows[i].loss_ppm);
		check(one_way_ppm >= 0 && one_way_ppm <= point.loss_ppm);
		check(one_way_ppm * 2 + 1 >= point.loss_ppm);
	}
	trace_at(&trace, INT64_MAX);
	trace_done(&trace);
}

/* Options that were taken, printed and read again are the same options. */
static void check_options(const struct impair_policy *policy)
{
	char text[OPTIONS_TEXT_MAX];
	struct impair_policy again = {0};
	char *rest = text;
	char *name;

	check((size_t)impair_print(policy, text, sizeof(text)) < sizeof(text));
	while ((name = strsep(&rest, " ")) && *name) {
		const char *value = strsep(&rest, " ");

		check(value && !impair_option(&again, name, value));
	}
	check(again.delay_us == policy->delay_us && again.jitter_us == policy->jitter_us);
	check(again.loss_ppm == policy->loss_ppm && again.burst_milli == policy->burst_milli);
	check(again.rate_bps == policy->rate_bps && again.queue_us == policy->queue_us);
	check(again.queue_bytes == policy->queue_bytes && again.n_filters == policy->n_filters);
	check(again.mtu_bytes == policy->mtu_bytes && again.blackhole == policy->blackhole);
}

static void judge_some(const struct impair_policy *policy)
{
	struct packet packet = {.family = 4, .ip_bytes = 1500, .echo_request = true};
	struct trace_point playing = {.rtt_us = 40000, .loss_ppm = 100000};
	struct impair impair;
	int64_t last_us = 0;

	impair_init(&impair, 1);
	impair_set_policy(&impair, policy);
	for (int64_t now_us = 1000000; now_us < 1100000; now_us += 1000) {
		struct verdict verdict = impair_judge(&impair, &packet, 1514,
			now_us % 2000 ? &playing : NULL, now_us);

		if (verdict.drop)
			continue;
		check(verdict.due_us >= now_us);
		check(policy->reorder || verdict.due_us >= last_us);
		last_us = verdict.due_us;
	}
}

static void run_line(char *line)
{
	struct impair_policy policy = {0};
	struct command command;

	if (command_parse(line, &command) || command.kind != COMMAND_SET)
		return;
	for (size_t i = 0; i < command.n_words; i += 2)
		if (!command.words[i + 1])
			policy = (struct impair_policy){0};
		else if (impair_option(&policy, command.words[i], command.words[i + 1]))
			return;
	if (impair_check(&policy))
		return;
	check_options(&policy);
	judge_some(&policy);
}

static void run_commands(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	char *rest = text;
	char *line;

	if (!text)
		return;
	memcpy(text, data, size);
	text[size] = '\0';
	while ((line = strsep(&rest, "\n")))
		run_line(line);
	free(text);
}

static void run_packet(const uint8_t *data, size_t size)
{
	struct packet packet;

	packet_classify(data, size, &packet);
	check(packet.family == 0 || packet.family == 4 || packet.family == 6);
	check(packet.source_port >= -1 && packet.source_port <= 65535);
	check(packet.family || packet.protocol == -1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	if (data[0] == 't')
		run_trace(data + 1, size - 1);
	else if (data[0] == 'c')
		run_commands(data + 1, size - 1);
	else if (data[0] == 'p')
		run_packet(data + 1, size - 1);
	return 0;
}
