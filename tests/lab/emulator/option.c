/*
 * The options of "set": one table is the master copy of names, kinds, limits and how each is
 * printed.
 */
#include "impair.h"

#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPTION_TEXT_MAX 128

enum kind {
	KIND_SWITCH,
	KIND_DURATION,
	KIND_RATIO,
	KIND_MEAN,
	KIND_RATE,
	KIND_COUNT,
	KIND_QUEUE,
	KIND_FILTERS,
};

struct option {
	const char *name;
	enum kind kind;
	size_t offset; /* of an int64_t, for a switch of a bool, in struct impair_policy */
	double max;    /* in the unit of the field */
	const char *usage;
};

#define FIELD(name) offsetof(struct impair_policy, name)

static const struct option options[] = {
	{"delay", KIND_DURATION, FIELD(delay_us), 60e6, "delay needs a time up to 60s, e.g. 20ms"},
	{"jitter", KIND_DURATION, FIELD(jitter_us), 60e6,
		"jitter needs a time up to 60s, e.g. 2ms"},
	{"loss", KIND_RATIO, FIELD(loss_ppm), 1e6, "loss needs a percentage, e.g. 2%"},
	{"burst", KIND_MEAN, FIELD(burst_milli), 1e9,
		"burst needs a mean length of at least 1 frame, e.g. 5, or off"},
	{"rate", KIND_RATE, FIELD(rate_bps), 1e11, "rate needs e.g. 20mbit or 512kbit, or off"},
	{"queue", KIND_QUEUE, FIELD(queue_us), 60e6, "queue needs e.g. 100ms or 64kB, or off"},
	{"mtu", KIND_COUNT, FIELD(mtu_bytes), 65535,
		"mtu needs the longest IP packet in bytes, or off"},
	{"icmp_rate", KIND_COUNT, FIELD(icmp_per_s), 1e6,
		"icmp_rate needs echo requests per second and destination, or off"},
	{"duplicate", KIND_RATIO, FIELD(duplicate_ppm), 1e6,
		"duplicate needs a percentage, e.g. 1%"},
	{"corrupt", KIND_RATIO, FIELD(corrupt_ppm), 1e6, "corrupt needs a percentage, e.g. 1%"},
	{"blackhole", KIND_SWITCH, FIELD(blackhole), 1, "blackhole needs on or off"},
	{"upstream_dead", KIND_SWITCH, FIELD(upstream_dead), 1, "upstream_dead needs on or off"},
	{"ipv4_dead", KIND_SWITCH, FIELD(ipv4_dead), 1, "ipv4_dead needs on or off"},
	{"ipv6_dead", KIND_SWITCH, FIELD(ipv6_dead), 1, "ipv6_dead needs on or off"},
	{"reorder", KIND_SWITCH, FIELD(reorder), 1, "reorder needs on or off"},
	{"drop", KIND_FILTERS, FIELD(filters), 0,
		"drop needs up to 8 of icmp, udp, tcp, udp/PORT, tcp/PORT, joined by commas, or "
		"none"},
};

#define N_OPTIONS (sizeof(options) / sizeof(options[0]))

static int64_t *integer_of(struct impair_policy *policy, const struct option *option)
{
	return (int64_t *)(void *)((char *)policy + option->offset);
}

static bool *switch_of(struct impair_policy *policy, const struct option *option)
{
	return (bool *)(void *)((char *)policy + option->offset);
}

struct unit {
	const char *name;
	double factor;
};

static const struct unit duration_units[] = {{"us", 1}, {"ms", 1e3}, {"s", 1e6}, {NULL, 0}};
static const struct unit ratio_units[] = {{"%", 1e4}, {"", 1e4}, {"ppm", 1}, {NULL, 0}};
static const struct unit mean_units[] = {{"", 1e3}, {NULL, 0}};
static const struct unit rate_units[] = {{"bit", 1}, {"kbit", 1e3}, {"mbit", 1e6}, {"gbit", 1e9},
	{NULL, 0}};
static const struct unit count_units[] = {{"", 1}, {NULL, 0}};
static const struct unit byte_units[] = {{"B", 1}, {"kB", 1e3}, {"MB", 1e6}, {NULL, 0}};

static bool parse_quantity(const char *text, const struct unit units[], double max,
	int64_t *ret_value)
{
	double value;
	char *end;

	errno = 0;
	value = strtod(text, &end);
	if (end == text || errno || !isfinite(value) || value < 0)
		return false;
	for (; units->name; units++)
		if (strcmp(end, units->name) == 0)
			break;
	if (!units->name || value * units->factor > max)
		return false;
	*ret_value = (int64_t)(value * units->factor + 0.5);
	return true;
}

static bool parse_switch(const char *text, bool *ret_value)
{
	if (strcmp(text, "on") != 0 && strcmp(text, "off") != 0)
		return false;
	*ret_value = strcmp(text, "on") == 0;
	return true;
}

static bool parse_queue(const char *text, double max_us, struct impair_policy *policy)
{
	int64_t value;

	if (strcmp(text, "off") == 0) {
		policy->queue_us = 0;
		policy->queue_bytes = 0;
	} else if (parse_quantity(text, duration_units, max_us, &value)) {
		policy->queue_us = value;
		policy->queue_bytes = 0;
	} else if (parse_quantity(text, byte_units, 1e9, &value)) {
		policy->queue_us = 0;
		policy->queue_bytes = value;
	} else {
		return false;
	}
	return true;
}

static const struct {
	const char *name;
	int protocol;
} protocols[] = {{"icmp", IPPROTO_ICMP}, {"tcp", IPPROTO_TCP}, {"udp", IPPROTO_UDP}};

#define N_PROTOCOLS (sizeof(protocols) / sizeof(protocols[0]))

static bool parse_filter(char *text, struct impair_filter *ret_filter)
{
	char *slash = strchr(text, '/');
	char *end;
	long port = -1;

	if (slash) {
		*slash = '\0';
		port = strtol(slash + 1, &end, 10);
		if (end == slash + 1 || *end || port < 0 || port > 65535)
			return false;
	}
	for (size_t i = 0; i < N_PROTOCOLS; i++) {
		if (strcmp(text, protocols[i].name) != 0)
			continue;
		*ret_filter = (struct impair_filter){protocols[i].protocol, (int)port};
		return !slash || protocols[i].protocol != IPPROTO_ICMP;
	}
	return false;
}

static bool parse_filters(const char *text, struct impair_policy *policy)
{
	struct impair_filter filters[IMPAIR_FILTERS_MAX] = {0};
	char copy[OPTION_TEXT_MAX];
	size_t n_filters = 0;
	char *rest = copy;
	char *word;

	if (strlen(text) >= sizeof(copy))
		return false;
	strcpy(copy, text);
	if (strcmp(copy, "none") != 0) {
		while ((word = strsep(&rest, ","))) {
			if (n_filters == IMPAIR_FILTERS_MAX ||
				!parse_filter(word, &filters[n_filters]))
				return false;
			n_filters++;
		}
	}
	memcpy(policy->filters, filters, n_filters * sizeof(filters[0]));
	policy->n_filters = n_filters;
	return true;
}

static bool parse_option(struct impair_policy *policy, const struct option *option,
	const char *text)
{
	int64_t *integer = integer_of(policy, option);
	int64_t value;

	switch (option->kind) {
	case KIND_SWITCH:
		return parse_switch(text, switch_of(policy, option));
	case KIND_QUEUE:
		return parse_queue(text, option->max, policy);
	case KIND_FILTERS:
		return parse_filters(text, policy);
	case KIND_DURATION:
		return parse_quantity(text, duration_units, option->max, integer);
	case KIND_RATIO:
		return parse_quantity(text, ratio_units, option->max, integer);
	case KIND_MEAN:
	case KIND_RATE:
	case KIND_COUNT:
		break;
	}
	value = 0;
	if (strcmp(text, "off") != 0) {
		const struct unit *units = option->kind == KIND_MEAN   ? mean_units
					   : option->kind == KIND_RATE ? rate_units
								       : count_units;

		if (!parse_quantity(text, units, option->max, &value) || value <= 0 ||
			(option->kind == KIND_MEAN && value < 1000))
			return false;
	}
	*integer = value;
	return true;
}

const char *impair_option(struct impair_policy *policy, const char *name, const char *value)
{
	struct impair_policy changed = *policy;

	for (size_t i = 0; i < N_OPTIONS; i++) {
		if (strcmp(options[i].name, name) != 0)
			continue;
		if (!parse_option(&changed, &options[i], value))
			return options[i].usage;
		*policy = changed;
		return NULL;
	}
	return "no such option: use one of delay jitter loss burst rate queue mtu icmp_rate "
	       "duplicate "
	       "corrupt blackhole upstream_dead ipv4_dead ipv6_dead reorder drop reset";
}

const char *impair_check(const struct impair_policy *policy)
{
	/* A burst must start at most once a frame: loss / (1 - loss) <= mean length. */
	if (policy->burst_milli && policy->loss_ppm < 1000000 &&
		policy->loss_ppm * 1000 > (1000000 - policy->loss_ppm) * policy->burst_milli)
		return "so much loss does not come in bursts so short: lower loss or raise burst";
	return NULL;
}

static void print_filters(const struct impair_policy *policy, char *text, size_t size)
{
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < policy->n_filters && len < size; i++) {
		const struct impair_filter *filter = &policy->filters[i];
		const char *name = "";

		for (size_t p = 0; p < N_PROTOCOLS; p++)
			if (protocols[p].protocol == filter->protocol)
				name = protocols[p].name;
		len += (size_t)snprintf(text + len, size - len, "%s%s", i ? "," : "", name);
		if (filter->port >= 0 && len < size)
			len += (size_t)snprintf(text + len, size - len, "/%d", filter->port);
	}
}

/* The empty string for an option that is as on a wire. */
static void print_option(const struct impair_policy *policy, const struct option *option,
	char *text, size_t size)
{
	struct impair_policy copy = *policy;
	long long value;

	text[0] = '\0';
	switch (option->kind) {
	case KIND_SWITCH:
		if (*switch_of(&copy, option))
			snprintf(text, size, "on");
		return;
	case KIND_FILTERS:
		print_filters(policy, text, size);
		return;
	case KIND_QUEUE:
		if (policy->queue_bytes)
			snprintf(text, size, "%lldB", (long long)policy->queue_bytes);
		else if (policy->queue_us)
			snprintf(text, size, "%.12gms", (double)policy->queue_us / 1e3);
		return;
	case KIND_DURATION:
	case KIND_RATIO:
	case KIND_MEAN:
	case KIND_RATE:
	case KIND_COUNT:
		break;
	}
	value = *integer_of(&copy, option);
	if (!value)
		return;
	if (option->kind == KIND_DURATION)
		snprintf(text, size, "%.12gms", (double)value / 1e3);
	else if (option->kind == KIND_RATIO)
		snprintf(text, size, "%.12g%%", (double)value / 1e4);
	else if (option->kind == KIND_MEAN)
		snprintf(text, size, "%.12g", (double)value / 1e3);
	else if (option->kind == KIND_RATE)
		snprintf(text, size, "%.12gmbit", (double)value / 1e6);
	else
		snprintf(text, size, "%lld", value);
}

int impair_print(const struct impair_policy *policy, char *text, size_t size)
{
	char value[OPTION_TEXT_MAX];
	size_t len = 0;

	if (size)
		text[0] = '\0';
	for (size_t i = 0; i < N_OPTIONS; i++) {
		print_option(policy, &options[i], value, sizeof(value));
		if (value[0])
			len += (size_t)snprintf(len < size ? text + len : NULL,
				len < size ? size - len : 0, "%s%s %s", len ? " " : "",
				options[i].name, value);
	}
	return (int)len;
}
