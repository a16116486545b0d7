/*
 * The data path by hand: one command a line on stdin, each answered by what it left in the inbox
 * and then "ok".
 *
 *      link SLOT DEVICE                    nolink SLOT
 *      path SLOT FAMILY GATEWAY|- [ADDRESS]        nopath SLOT FAMILY
 *      route CLASS FAMILY [SLOT[:WEIGHT]...]
 *      flows SLOT FAMILY [CLASS]
 *      match CLASS PROTOCOL PORT           classes N        (then: configure)
 *      set KEY NUMBER                      firewall nft|iptables|none|auto        (then: configure)
 *      configure                           wait MS          release          rss          quit
 *
 * usage: steer_console [KEY=NUMBER|firewall=WORD|run=DIRECTORY]...
 */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/names.h"
#include "io/log.h"
#include "io/steer.h"

#define WORDS_MAX 40

static struct event_base *base;
static struct inbox inbox;
static struct config config;
static struct policy policy;
static struct steer *steer;
static uint32_t seq;

static enum family family_of(const char *word)
{
	return strcmp(word, "ipv6") == 0 ? FAMILY_IPV6 : FAMILY_IPV4;
}

static void set_number(const char *key, uint32_t value)
{
	static const struct {
		const char *key;
		uint32_t *field;
	} numbers[] = {
		{"table_base", &config.table_base},
		{"rule_base", &config.rule_base},
		{"nexthop_base", &config.nexthop_base},
		{"mark_mask", &config.mark_mask},
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (strcmp(key, numbers[i].key) == 0)
			*numbers[i].field = value;
	}
	if (strcmp(key, "objects") == 0)
		config.nexthop_objects = value;
	if (strcmp(key, "protocol") == 0)
		config.protocol = (uint8_t)value;
}

static void set_firewall(const char *word)
{
	config.firewall = strcmp(word, "nft") == 0        ? CONFIG_FIREWALL_NFT
			  : strcmp(word, "iptables") == 0 ? CONFIG_FIREWALL_IPTABLES
			  : strcmp(word, "none") == 0     ? CONFIG_FIREWALL_NONE
							  : CONFIG_FIREWALL_AUTO;
}

static void tell(const struct input *in)
{
	const struct input_drift *d = &in->drift;

	if (in->kind == INPUT_APPLIED)
		printf("applied %d %u\n", in->applied.error, in->applied.took_us);
	else if (in->kind == INPUT_ADOPTED)
		printf("adopted %u %s %u\n", in->adopted.class,
			family_name((enum family)in->adopted.family), path_link(in->adopted.path));
	else if (in->kind == INPUT_DRIFT && d->kind == DRIFT_PATH)
		printf("drift path %u %s\n", path_link(d->path), family_name(path_family(d->path)));
	else if (in->kind == INPUT_DRIFT && d->kind == DRIFT_CLASS)
		printf("drift class %u %s\n", d->class, family_name((enum family)d->family));
	else if (in->kind == INPUT_DRIFT)
		printf("drift flows\n");
}

static void tell_inbox(void)
{
	struct input in;

	while (inbox_take(&inbox, &in))
		tell(&in);
}

static void wait_ms(long ms)
{
	struct timeval wait = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	event_base_loopexit(base, &wait);
	event_base_dispatch(base);
}

static void apply(struct action a)
{
	a.seq = ++seq;
	steer_apply(steer, &a);
}

static void apply_path(char *word[], int n, bool install)
{
	unsigned slot = (unsigned)atoi(word[1]) % LINKS_MAX;
	enum family family = family_of(word[2]);
	struct action a = {.kind = ACTION_PATH,
		.path = {.path = (uint8_t)path_of(slot, family), .install = install}};
	struct path_facts *facts = &a.path.facts;

	facts->present = facts->carrier = facts->has_address = facts->has_gateway = true;
	facts->ifindex = if_nametoindex(policy.link[slot].device);
	if (n > 3 && strcmp(word[3], "-") != 0)
		inet_pton(family == FAMILY_IPV6 ? AF_INET6 : AF_INET, word[3], facts->gateway);
	if (n > 4)
		inet_pton(family == FAMILY_IPV6 ? AF_INET6 : AF_INET, word[4], facts->address);
	apply(a);
}

static void apply_route(char *word[], int n)
{
	struct action a = {.kind = ACTION_ROUTE,
		.route = {.class = (uint8_t)atoi(word[1]), .family = (uint8_t)family_of(word[2])}};

	for (int i = 3; i < n && a.route.n < ROUTE_PATHS_MAX; i++) {
		const char *weight = strchr(word[i], ':');

		a.route.path[a.route.n] = (uint8_t)path_of((unsigned)atoi(word[i]) % LINKS_MAX,
			(enum family)a.route.family);
		a.route.weight[a.route.n++] = (uint8_t)(weight ? atoi(weight + 1) : 100);
	}
	apply(a);
}

static void set_link(char *word[], int n, bool there)
{
	unsigned slot = (unsigned)atoi(word[1]) % LINKS_MAX;
	uint32_t bit = UINT32_C(1) << slot;

	policy.links = there ? policy.links | bit : policy.links & ~bit;
	if (there && n > 2)
		snprintf(policy.link[slot].device, DEVICE_SIZE, "%.15s", word[2]);
	steer_set_links(steer, &policy);
}

static void add_match(char *word[])
{
	struct class_match *m = &config.match[config.n_matches++ % CONFIG_MATCHES_MAX];

	*m = (struct class_match){.class = (uint8_t)atoi(word[1]),
		.family = FAMILY_COUNT,
		.protocol = (uint8_t)atoi(word[2]),
		.port_first = (uint16_t)atoi(word[3]),
		.port_last = (uint16_t)atoi(word[3]),
		.dscp = -1};
}

static void configure(void)
{
	struct problem problem = {0};

	if (steer_configure(steer, &config, &problem) < 0)
		printf("problem %s: %s\n", problem.place, problem.text);
}

static void tell_rss(void)
{
	char line[128];
	FILE *f = fopen("/proc/self/status", "re");

	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, "VmRSS", 5) == 0 || strncmp(line, "RssAnon", 7) == 0)
			fputs(line, stdout);
	}
	if (f)
		fclose(f);
}

static void obey(char *word[], int n)
{
	const char *verb = word[0];

	if (strcmp(verb, "wait") == 0 && n > 1)
		wait_ms(atol(word[1]));
	else if (strcmp(verb, "link") == 0 && n > 2)
		set_link(word, n, true);
	else if (strcmp(verb, "nolink") == 0 && n > 1)
		set_link(word, n, false);
	else if (strcmp(verb, "path") == 0 && n > 3)
		apply_path(word, n, true);
	else if (strcmp(verb, "nopath") == 0 && n > 2)
		apply_path(word, n, false);
	else if (strcmp(verb, "route") == 0 && n > 2)
		apply_route(word, n);
	else if (strcmp(verb, "flows") == 0 && n > 2)
		apply((struct action){.kind = ACTION_FLOWS,
			.flows = {.path = (uint8_t)path_of((unsigned)atoi(word[1]) % LINKS_MAX,
					  family_of(word[2])),
				.class = (uint8_t)(n > 3 ? atoi(word[3]) : CLASSES_MAX)}});
	else if (strcmp(verb, "release") == 0)
		apply((struct action){.kind = ACTION_RELEASE});
	else if (strcmp(verb, "classes") == 0 && n > 1)
		config.policy.n_classes = (uint8_t)atoi(word[1]);
	else if (strcmp(verb, "match") == 0 && n > 3)
		add_match(word);
	else if (strcmp(verb, "set") == 0 && n > 2)
		set_number(word[1], (uint32_t)strtoul(word[2], NULL, 0));
	else if (strcmp(verb, "firewall") == 0 && n > 1)
		set_firewall(word[1]);
	else if (strcmp(verb, "configure") == 0)
		configure();
	else if (strcmp(verb, "rss") == 0)
		tell_rss();
	else
		printf("unknown %s\n", verb);
}

static void read_arguments(int argc, char *argv[], const char **ret_run)
{
	for (int i = 1; i < argc; i++) {
		char *value = strchr(argv[i], '=');

		if (!value)
			continue;
		*value++ = '\0';
		if (strcmp(argv[i], "firewall") == 0)
			set_firewall(value);
		else if (strcmp(argv[i], "run") == 0)
			*ret_run = value;
		else
			set_number(argv[i], (uint32_t)strtoul(value, NULL, 0));
	}
}

static int split(char *line, char *word[])
{
	int n = 0;

	for (char *w = strtok(line, " \n"); w && n < WORDS_MAX; w = strtok(NULL, " \n"))
		word[n++] = w;
	return n;
}

int main(int argc, char *argv[])
{
	struct problem problem = {0};
	char *word[WORDS_MAX];
	const char *run_dir = NULL;
	char line[512];

	log_open("steer_console", LOG_INFO, false);
	config_default(&config);
	policy_default(&policy);
	read_arguments(argc, argv, &run_dir);
	inbox_init(&inbox);
	base = event_base_new();
	steer = steer_new(base, &inbox, &config, &problem);
	if (!steer) {
		fprintf(stderr, "%s: %s\n", problem.place, problem.text);
		return 1;
	}
	if (run_dir)
		steer_set_run_dir(steer, run_dir);
	event_base_loop(base, EVLOOP_NONBLOCK);
	tell_inbox();
	printf("ok\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		int n = split(line, word);

		if (n && strcmp(word[0], "quit") == 0)
			break;
		if (n)
			obey(word, n);
		event_base_loop(base, EVLOOP_NONBLOCK);
		tell_inbox();
		printf("ok\n");
		fflush(stdout);
	}
	steer_free(steer);
	event_base_free(base);
	return 0;
}
