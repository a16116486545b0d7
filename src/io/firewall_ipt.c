/*
 * The ruleset as chains AUTONOMY-* in table mangle, for systems that have only iptables (legacy
 * or nft back end): one iptables-save and one iptables-restore --noflush a family, each an atomic
 * replacement of our chains.
 *
 * An empty chain AUTONOMY-<crc of the rules> is how a successor recognises the ruleset as the one
 * that it would install; the number of rules and the jumps from the built-in chains say whether
 * it is still whole.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/crc32.h"
#include "io/firewall_rules.h"
#include "io/run.h"

#define PREFIX "AUTONOMY-"
#define ID_SIZE 24
#define CHAIN_SIZE 32
#define LEFTOVERS_MAX 16

/* linux/netfilter_ipv4/ip_tables.h cannot be had beside netinet/in.h everywhere.  IPv6 has the same
   struct and number. */
#define GET_INFO 64
struct table_info {
	char name[32];
	unsigned valid_hooks, hook_entry[5], underflow[5];
	unsigned num_entries, size;
};

static const char *const save_program[FAMILY_COUNT] = {"iptables-save", "ip6tables-save"};
static const char *const restore_program[FAMILY_COUNT] = {"iptables-restore", "ip6tables-restore"};

static const struct hook {
	const char *chain, *ours;
} hooks[] = {
	{"PREROUTING", PREFIX "PRE"},
	{"OUTPUT", PREFIX "OUT"},
	{"POSTROUTING", PREFIX "POST"},
};
#define HOOKS (sizeof(hooks) / sizeof(hooks[0]))

static const char *const chain_name[FIREWALL_CHAIN_COUNT] = {
	[FIREWALL_PREROUTING] = PREFIX "PRE",
	[FIREWALL_OUTPUT] = PREFIX "OUT",
	[FIREWALL_POSTROUTING] = PREFIX "POST",
	[FIREWALL_INSIDE] = PREFIX "INSIDE",
	[FIREWALL_CLASS] = PREFIX "CLASS",
};

/* Text that grows; only at start, reload and when devices change. */
struct writer {
	char *text;
	size_t size, capacity;
	unsigned rules;
	int error;
};

__attribute__((format(printf, 2, 3))) static void write_text(struct writer *w, const char *format,
	...)
{
	va_list args;
	int size;

	if (w->capacity - w->size < 1024) {
		size_t capacity = 2 * w->capacity + 4096;
		char *text = realloc(w->text, capacity);

		if (!text) {
			w->error = -ENOMEM;
			return;
		}
		w->text = text;
		w->capacity = capacity;
	}
	va_start(args, format);
	size = vsnprintf(w->text + w->size, w->capacity - w->size, format, args);
	va_end(args);
	if (size < 0 || (size_t)size >= w->capacity - w->size)
		w->error = -E2BIG;
	else
		w->size += (size_t)size;
}

/* iptables reads a final + as "any name that begins so", and its restore format has quotes and
   escapes. */
static bool writable_device(const char *device)
{
	if (device[0] == '-')
		return false;
	for (const char *c = device; *c; c++) {
		if (!isalnum((unsigned char)*c) && !strchr("._-@", *c))
			return false;
	}
	return true;
}

static void write_marks(struct writer *w, const struct firewall_rule *rule)
{
	if (rule->original)
		write_text(w, " -m conntrack --ctdir ORIGINAL");
	if (rule->fresh)
		write_text(w, " -m conntrack --ctstate NEW");
	if (rule->flow_is.mask)
		write_text(w, " -m connmark --mark 0x%x/0x%x", rule->flow_is.value,
			rule->flow_is.mask);
	if (rule->packet_is.mask)
		write_text(w, " -m mark --mark 0x%x/0x%x", rule->packet_is.value,
			rule->packet_is.mask);
	if (rule->packet_any)
		write_text(w, " -m mark ! --mark 0x0/0x%x", rule->packet_any);
}

static void write_prefix(struct writer *w, char option, enum family family,
	const uint8_t address[16], unsigned bits)
{
	unsigned most = family == FAMILY_IPV6 ? 128 : 32;
	char text[INET6_ADDRSTRLEN];

	if (!bits)
		return;
	inet_ntop(family == FAMILY_IPV6 ? AF_INET6 : AF_INET, address, text, sizeof(text));
	write_text(w, " -%c %s/%u", option, text, bits < most ? bits : most);
}

static const char *ports_module(uint8_t protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return "tcp --dport";
	case IPPROTO_UDP:
		return "udp --dport";
	case IPPROTO_SCTP:
		return "sctp --dport";
	default: /* UDP-Lite has no module of its own */
		return "multiport --dports";
	}
}

static void write_match(struct writer *w, const struct class_match *match, enum family family)
{
	unsigned last = match->port_last > match->port_first ? match->port_last : match->port_first;

	write_prefix(w, 's', family, match->source, match->source_bits);
	write_prefix(w, 'd', family, match->destination, match->destination_bits);
	if (match->protocol)
		write_text(w, " -p %u", match->protocol);
	if (last)
		write_text(w, " -m %s %u:%u", ports_module(match->protocol), match->port_first,
			last);
	if (match->dscp >= 0)
		write_text(w, " -m dscp --dscp 0x%02x", (unsigned)match->dscp & 63);
}

/* A rule here has one target, so a rule of the list becomes one for each of its changes and
   its verdict; none of its conditions looks at what the ones before changed. */
static void write_begin(struct writer *w, const struct firewall_rule *rule, enum family family)
{
	write_text(w, "-A %s", chain_name[rule->chain]);
	if (rule->in[0])
		write_text(w, " -i %.*s", DEVICE_SIZE, rule->in);
	if (rule->out[0])
		write_text(w, " -o %.*s", DEVICE_SIZE, rule->out);
	if (rule->matches)
		write_match(w, &rule->match, family);
	write_marks(w, rule);
	w->rules++;
}

static void write_rule(struct writer *w, const struct firewall_rule *rule, enum family family)
{
	if (rule->flow_set.mask) {
		write_begin(w, rule, family);
		write_text(w, " -j CONNMARK --set-xmark 0x%x/0x%x\n", rule->flow_set.value,
			rule->flow_set.mask);
	}
	if (rule->packet_set.mask) {
		write_begin(w, rule, family);
		write_text(w, " -j MARK --set-xmark 0x%x/0x%x\n", rule->packet_set.value,
			rule->packet_set.mask);
	}
	if (rule->verdict == FIREWALL_RETURN) {
		write_begin(w, rule, family);
		write_text(w, " -j RETURN\n");
	} else if (rule->verdict == FIREWALL_JUMP) {
		write_begin(w, rule, family);
		write_text(w, " -j %s\n", chain_name[rule->jump]);
	}
}

static int write_rules(struct writer *w, const struct config *config,
	const struct firewall_link link[LINKS_MAX], enum family family, char ret_id[ID_SIZE])
{
	struct firewall_rules *rules = malloc(sizeof(*rules));

	if (!rules)
		return -ENOMEM;
	firewall_rules(config, link, rules);
	for (unsigned i = 0; i < rules->n; i++) {
		const struct firewall_rule *rule = &rules->rule[i];

		if (!rule->matches || firewall_match_families(&rule->match) & 1U << family)
			write_rule(w, rule, family);
	}
	free(rules);
	if (!w->error)
		snprintf(ret_id, ID_SIZE, PREFIX "%08x", (unsigned)crc32_add(0, w->text, w->size));
	return w->error;
}

/* What iptables-save shows of ours. */
struct saved {
	bool hook[HOOKS];
	bool id;        /* the identifying chain that was asked for */
	unsigned rules; /* in our chains */
	unsigned n_chains;
	char chain[LEFTOVERS_MAX][CHAIN_SIZE];
};

static void take_line(struct saved *saved, const char *line, size_t size, const char *id)
{
	char text[128];

	snprintf(text, sizeof(text), "%.*s", (int)size, line);
	for (unsigned i = 0; i < HOOKS; i++) {
		char jump[64];

		snprintf(jump, sizeof(jump), "-A %s -j %s", hooks[i].chain, hooks[i].ours);
		if (strcmp(text, jump) == 0)
			saved->hook[i] = true;
	}
	if (strncmp(text, "-A " PREFIX, strlen("-A " PREFIX)) == 0)
		saved->rules++;
	if (strncmp(text, ":" PREFIX, strlen(":" PREFIX)) == 0) {
		size_t length = strcspn(text + 1, " ");

		if (length == strlen(id) && strncmp(text + 1, id, length) == 0)
			saved->id = true;
		if (length < CHAIN_SIZE && saved->n_chains < LEFTOVERS_MAX)
			snprintf(saved->chain[saved->n_chains++], CHAIN_SIZE, "%.*s", (int)length,
				text + 1);
	}
}

static int save(enum family family, const char *id, struct saved *ret, struct problem *problem)
{
	const char *const argv[] = {save_program[family], "-t", "mangle", NULL};
	char *output = NULL;
	int error = run_program(argv, NULL, &output, problem);

	memset(ret, 0, sizeof(*ret));
	if (error)
		return error;
	for (const char *line = output; *line;) {
		size_t size = strcspn(line, "\n");

		take_line(ret, line, size, id);
		line += size + (line[size] == '\n');
	}
	free(output);
	return 0;
}

static int restore(enum family family, const char *text, struct problem *problem)
{
	/* -w: another program may hold the lock of the legacy tables for a moment */
	const char *const argv[] = {restore_program[family], "--noflush", "-w", "5", NULL};

	return run_program(argv, text, NULL, problem);
}

static void write_chains(struct writer *w, const struct saved *saved, const char *id)
{
	/* naming a chain that is there empties it */
	for (unsigned i = 0; i < FIREWALL_CHAIN_COUNT; i++)
		write_text(w, ":%s - [0:0]\n", chain_name[i]);
	write_text(w, ":%s - [0:0]\n", id);
	for (unsigned i = 0; i < HOOKS; i++) {
		if (!saved->hook[i])
			write_text(w, "-A %s -j %s\n", hooks[i].chain, hooks[i].ours);
	}
}

static bool is_needed(const char *chain, const char *id)
{
	for (unsigned i = 0; i < FIREWALL_CHAIN_COUNT; i++) {
		if (strcmp(chain, chain_name[i]) == 0)
			return true;
	}
	return strcmp(chain, id) == 0;
}

static int install_family(const struct config *config, const struct firewall_link link[LINKS_MAX],
	enum family family, struct problem *problem)
{
	struct writer rules = {0}, w = {0};
	struct saved saved;
	char id[ID_SIZE];
	int error = write_rules(&rules, config, link, family, id);

	if (!error)
		error = save(family, id, &saved, problem);
	if (error)
		goto out;
	write_text(&w, "*mangle\n");
	write_chains(&w, &saved, id);
	for (unsigned i = 0; i < saved.n_chains; i++) {
		if (!is_needed(saved.chain[i], id))
			write_text(&w, "-F %s\n-X %s\n", saved.chain[i], saved.chain[i]);
	}
	for (const char *line = rules.text; line && *line; line += strcspn(line, "\n") + 1)
		write_text(&w, "%.*s\n", (int)strcspn(line, "\n"), line);
	write_text(&w, "COMMIT\n");
	error = w.error ? w.error : restore(family, w.text, problem);
out:
	free(rules.text);
	free(w.text);
	return error;
}

static int install(const struct config *config, const struct firewall_link link[LINKS_MAX],
	struct problem *ret)
{
	for (unsigned i = 0; i < LINKS_MAX; i++) {
		if (link[i].mark && !writable_device(link[i].device)) {
			problem_set(ret, "iptables", 0,
				"cannot name device \"%s\": rename it, or use nft", link[i].device);
			return -EINVAL;
		}
	}
	for (enum family family = FAMILY_IPV4; family < FAMILY_COUNT; family++) {
		int error = install_family(config, link, family, ret);

		/* a system without ip6tables has no IPv6 to be marked */
		if (error && !(family == FAMILY_IPV6 && error == -ENOENT))
			return error;
	}
	return 0;
}

static int remove_family(enum family family, struct problem *problem)
{
	struct saved saved;
	struct writer w = {0};
	int error = save(family, "", &saved, problem);

	if (error == -ENOENT)
		return 0;
	if (error || !saved.n_chains)
		return error;
	write_text(&w, "*mangle\n");
	for (unsigned i = 0; i < HOOKS; i++) {
		if (saved.hook[i])
			write_text(&w, "-D %s -j %s\n", hooks[i].chain, hooks[i].ours);
	}
	for (unsigned i = 0; i < saved.n_chains; i++)
		write_text(&w, "-F %s\n", saved.chain[i]);
	for (unsigned i = 0; i < saved.n_chains; i++)
		write_text(&w, "-X %s\n", saved.chain[i]);
	write_text(&w, "COMMIT\n");
	error = w.error ? w.error : restore(family, w.text, problem);
	free(w.text);
	return error;
}

static int remove_chains(struct problem *ret)
{
	int first = 0;

	for (enum family family = FAMILY_IPV4; family < FAMILY_COUNT; family++) {
		int error = remove_family(family, ret);

		if (error && !first)
			first = error;
	}
	return first;
}

static bool present(const struct config *config, const struct firewall_link link[LINKS_MAX])
{
	bool answer = true;

	for (enum family family = FAMILY_IPV4; family < FAMILY_COUNT && answer; family++) {
		struct writer rules = {0};
		struct saved saved = {0};
		char id[ID_SIZE];
		int error = write_rules(&rules, config, link, family, id);

		if (!error)
			error = save(family, id, &saved, NULL);
		answer = family == FAMILY_IPV6 && error == -ENOENT;
		if (!error)
			answer = saved.id && saved.rules == rules.rules && saved.hook[0] &&
				 saved.hook[1] && saved.hook[2];
		free(rules.text);
	}
	return answer;
}

static bool available(void)
{
	return run_finds(restore_program[FAMILY_IPV4]) && run_finds(save_program[FAMILY_IPV4]);
}

/* Entries and bytes of the legacy table of one family; 0 when there is none, as with the nft back
   end. */
static uint32_t measure(int af, int level)
{
	struct table_info info = {.name = "mangle"};
	socklen_t size = sizeof(info);
	int fd = socket(af, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	uint32_t answer = 0;

	if (fd < 0)
		return 0;
	if (getsockopt(fd, level, GET_INFO, &info, &size) == 0)
		answer = info.num_entries << 16 ^ info.size;
	close(fd);
	return answer;
}

static uint32_t fingerprint(void)
{
	return measure(AF_INET, IPPROTO_IP) ^ measure(AF_INET6, IPPROTO_IPV6) << 8;
}

const struct firewall_ops firewall_ipt = {
	.name = "iptables",
	.available = available,
	.install = install,
	.remove = remove_chains,
	.present = present,
	.fingerprint = fingerprint,
};
