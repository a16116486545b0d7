/* Reads mwan3's configuration; see mwan3.h. */
#include "config/mwan3.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "codec/uci_text.h"
#include "config/uci_store.h"
#include "config/value.h"

#define MASK_DEFAULT 0x3f00
#define MASK_BITS 3  /* at least: mwan3 keeps the three highest numbers for itself */
#define WORDS_MAX 16 /* of one list of ports or addresses */
#define WORD_SIZE 64

struct words {
	unsigned n;
	char word[WORDS_MAX][WORD_SIZE];
};

uint32_t mwan3_mark(uint32_t mask, unsigned id)
{
	uint32_t mark = 0;

	for (; mask; mask &= mask - 1, id >>= 1) {
		if (id & 1)
			mark |= mask & -mask;
	}
	return mark;
}

static void tell_problem(void *user, int line, const char *text)
{
	struct problem *p = user;

	if (!p->text[0])
		problem_set(p, "mwan3", line, "%s", text);
}

static const char *value(const struct uci_section *s, const char *option, const char *otherwise)
{
	const char *text = uci_section_value(s, option);

	return text ? text : otherwise;
}

static int64_t number(const struct uci_section *s, const char *option, int64_t min, int64_t max,
	int64_t otherwise)
{
	const char *text = uci_section_value(s, option);
	int64_t n;

	return text && !value_integer(text, &n) && n >= min && n <= max ? n : otherwise;
}

static int add_interface(struct mwan3_config *c, const struct uci_section *s)
{
	struct mwan3_interface *i = &c->interface[c->n_interfaces];
	bool enabled = false;

	if (c->n_interfaces == MWAN3_INTERFACES_MAX)
		return -EINVAL;
	(void)value_bool(value(s, "enabled", "0"), &enabled);
	/* one with a longer name has its number, but nobody can be meant by it */
	if (strlen(s->name) < sizeof(i->name))
		memcpy(i->name, s->name, strlen(s->name) + 1);
	i->enabled = enabled && i->name[0];
	i->family = strcmp(value(s, "family", "ipv4"), "ipv6") == 0 ? FAMILY_IPV6 : FAMILY_IPV4;
	c->n_interfaces++;
	return 0;
}

static int find_interface(const struct mwan3_config *c, const char *name)
{
	for (unsigned i = 0; i < c->n_interfaces; i++) {
		if (strcmp(c->interface[i].name, name) == 0)
			return (int)i;
	}
	return -1;
}

static void add_member(struct mwan3_config *c, struct mwan3_policy *p,
	const struct uci_document *document, const char *name)
{
	const struct uci_section *s = uci_document_section(document, name);
	int interface = s && strcmp(s->type, "member") == 0
				? find_interface(c, value(s, "interface", ""))
				: -1;
	int64_t metric = s ? number(s, "metric", 1, INT32_MAX, 1) : 0;

	if (interface < 0 || metric > MWAN3_METRIC_MAX || p->n_members == MWAN3_MEMBERS_MAX)
		return;
	p->member[p->n_members++] = (struct mwan3_member){
		.interface = (uint16_t)interface,
		.metric = (uint16_t)metric,
		.weight = (uint16_t)number(s, "weight", 1, 1000, 1),
	};
	if (!p->lowest || metric < p->lowest)
		p->lowest = (uint16_t)metric;
}

static int add_policy(struct mwan3_config *c, const struct uci_document *document,
	const struct uci_section *s)
{
	struct mwan3_policy *p = &c->policy[c->n_policies];
	const struct uci_option *members = uci_section_option(s, "use_member");

	if (strlen(s->name) >= sizeof(p->name))
		return 0;
	if (c->n_policies == MWAN3_POLICIES_MAX)
		return -EINVAL;
	memcpy(p->name, s->name, strlen(s->name) + 1);
	for (const struct uci_item *i = members ? members->item : NULL; i; i = i->next)
		add_member(c, p, document, i->text);
	c->n_policies++;
	return 0;
}

static struct mwan3_policy *find_policy(struct mwan3_config *c, const char *name)
{
	for (unsigned i = 0; i < c->n_policies; i++) {
		if (strcmp(c->policy[i].name, name) == 0)
			return &c->policy[i];
	}
	return NULL;
}

/* Policies with the same members in the same order do the same. */
static void classify(struct mwan3_config *c, struct mwan3_policy *p)
{
	if (p->used)
		return;
	p->used = true;
	for (unsigned i = 0; i < c->n_policies; i++) {
		const struct mwan3_policy *other = &c->policy[i];

		if (other != p && other->used && other->n_members == p->n_members &&
			memcmp(other->member, p->member, sizeof(p->member)) == 0) {
			p->class = other->class;
			return;
		}
	}
	if (c->n_classes < CLASSES_MAX)
		p->class = c->n_classes++;
}

/* Lists are separated by commas; false when it holds more than there is room for. */
static bool split(const char *text, struct words *ret)
{
	ret->n = 0;
	while (*text) {
		size_t n = strcspn(text, ",");

		if (ret->n == WORDS_MAX || n >= WORD_SIZE)
			return false;
		memcpy(ret->word[ret->n], text, n);
		ret->word[ret->n++][n] = '\0';
		text += n + (text[n] == ',');
	}
	return true;
}

/* Any number of addresses, ports ...: none means all, as one empty word. */
static bool split_option(const struct uci_section *s, const char *option, struct words *ret)
{
	bool good = split(value(s, option, ""), ret);

	if (!good)
		ret->n = 0;
	if (!ret->n)
		ret->word[ret->n++][0] = '\0';
	return good;
}

/* 1; 0 when it matches nothing in this family; -1 when it cannot be read. */
static int set_prefix(const char word[WORD_SIZE], uint8_t address[16], uint8_t *bits,
	struct class_match *m)
{
	size_t n = strcspn(word, "/");
	char text[WORD_SIZE];
	enum family family;
	int64_t length;

	if (!word[0])
		return 1;
	memcpy(text, word, n);
	text[n] = '\0';
	if (value_address(text, address, &family))
		return -1;
	length = family == FAMILY_IPV6 ? 128 : 32;
	if (word[n] && (value_integer(word + n + 1, &length) || length < 0 ||
			       length > (family == FAMILY_IPV6 ? 128 : 32)))
		return -1;
	*bits = (uint8_t)length;
	/* bits beyond its length do not matter to iptables */
	for (unsigned i = (unsigned)length; i < 128; i++)
		address[i / 8] &= (uint8_t) ~(0x80U >> i % 8);
	if (m->family == FAMILY_COUNT)
		m->family = (uint8_t)family;
	return m->family == family;
}

static bool set_ports(const char *word, struct class_match *m)
{
	return !word[0] || !value_ports(word, &m->port_first, &m->port_last);
}

/* False when there is no more room. */
static bool add_match(struct mwan3_config *c, const struct class_match *m)
{
	if (c->n_matches == CONFIG_MATCHES_MAX)
		return false;
	c->match[c->n_matches++] = *m;
	return true;
}

struct rule {
	struct words source, destination, ports;
	struct class_match match; /* what is common to all */
	bool exact;               /* false: it matches less than this */
};

static void read_rule(const struct uci_section *s, struct rule *ret)
{
	const char *family = value(s, "family", "any"), *protocol = value(s, "proto", "all");
	struct class_match *m = &ret->match;
	bool known = strcmp(protocol, "all") == 0 || !value_protocol(protocol, &m->protocol);
	/* mwan3 heeds ports with these alone */
	bool ports = strcmp(protocol, "tcp") == 0 || strcmp(protocol, "udp") == 0;

	m->dscp = -1;
	m->family = strcmp(family, "ipv4") == 0   ? FAMILY_IPV4
		    : strcmp(family, "ipv6") == 0 ? FAMILY_IPV6
						  : FAMILY_COUNT;
	ret->exact = split_option(s, "src_ip", &ret->source);
	ret->exact &= split_option(s, "dest_ip", &ret->destination);
	ret->exact &= split_option(s, "dest_port", &ret->ports);
	ret->exact &= known && !uci_section_value(s, "ipset") && !uci_section_value(s, "src_iface");
	if (!ports) {
		ret->ports.n = 1;
		ret->ports.word[0][0] = '\0';
	} else if (uci_section_value(s, "src_port")) {
		ret->exact = false;
	}
}

/* One matcher for each combination of a source, a destination and a port; false when there is no
   room, or one of them cannot be read. */
static bool expand(struct mwan3_config *c, const struct rule *r)
{
	unsigned n = r->source.n * r->destination.n * r->ports.n;

	for (unsigned i = 0; i < n; i++) {
		const char *source = r->source.word[i % r->source.n];
		const char *destination = r->destination.word[i / r->source.n % r->destination.n];
		const char *ports = r->ports.word[i / r->source.n / r->destination.n];
		struct class_match m = r->match;
		int fits = set_prefix(source, m.source, &m.source_bits, &m);

		if (fits > 0)
			fits = set_prefix(destination, m.destination, &m.destination_bits, &m);
		if (fits < 0 || (fits && (!set_ports(ports, &m) || !add_match(c, &m))))
			return false;
	}
	return true;
}

static uint8_t class_of_rule(struct mwan3_config *c, const struct uci_section *s)
{
	struct mwan3_policy *p = find_policy(c, value(s, "use_policy", ""));

	return p ? p->class : 0;
}

static bool is_rule(const struct uci_section *s)
{
	return strcmp(s->type, "rule") == 0 && strlen(s->name) < MWAN3_NAME_SIZE &&
	       uci_section_value(s, "use_policy");
}

/* Whether all rules after this one lead to the same class: then it does not matter what it takes. */
static bool followed_by_same(struct mwan3_config *c, const struct uci_section *s, uint8_t class)
{
	for (s = s->next; s; s = s->next) {
		if (is_rule(s) && class_of_rule(c, s) != class)
			return false;
	}
	return true;
}

/* What cannot be told apart, and all that comes after what there is no room for, stays in class 0. */
static void add_rules(struct mwan3_config *c, const struct uci_document *document)
{
	bool room = true;

	for (const struct uci_section *s = document->section; s; s = s->next) {
		struct rule r = {0};
		uint8_t class;

		if (!is_rule(s))
			continue;
		class = class_of_rule(c, s);
		read_rule(s, &r);
		if (!r.exact && followed_by_same(c, s, class))
			continue;
		r.match.class = r.exact ? class : 0;
		if (!r.exact && c->left_out < UINT8_MAX)
			c->left_out++;
		room = room && expand(c, &r);
		if (!room) {
			c->left_out =
				c->left_out < UINT8_MAX ? (uint8_t)(c->left_out + 1) : UINT8_MAX;
			return;
		}
	}
}

static void use_policies(struct mwan3_config *c, const struct uci_document *document)
{
	c->n_classes = 1;
	c->main_policy = -1;
	for (const struct uci_section *s = document->section; s; s = s->next) {
		struct mwan3_policy *p =
			is_rule(s) ? find_policy(c, value(s, "use_policy", "")) : NULL;

		if (!p)
			continue;
		classify(c, p);
		c->main_policy = (int8_t)(p - c->policy);
	}
}

static int read_sections(struct mwan3_config *c, const struct uci_document *document,
	struct problem *ret)
{
	const struct uci_section *globals = uci_document_section(document, "globals");
	int64_t mask = MASK_DEFAULT;
	int bits, error = 0;

	if (globals)
		mask = number(globals, "mmx_mask", 1, UINT32_MAX, MASK_DEFAULT);
	c->mask = (uint32_t)mask;
	for (const struct uci_section *s = document->section; s && !error; s = s->next) {
		if (strcmp(s->type, "interface") == 0)
			error = add_interface(c, s);
	}
	for (const struct uci_section *s = document->section; s && !error; s = s->next) {
		if (strcmp(s->type, "policy") == 0)
			error = add_policy(c, document, s);
	}
	if (error) {
		problem_set(ret, "mwan3", 0, "more than %d interfaces or %d policies",
			MWAN3_INTERFACES_MAX, MWAN3_POLICIES_MAX);
		return error;
	}
	bits = __builtin_popcount(c->mask);
	if (bits < MASK_BITS || c->n_interfaces > (UINT64_C(1) << bits) - 4) {
		problem_set(ret, "mwan3", 0, "mmx_mask 0x%x has too few bits for its interfaces",
			c->mask);
		return -EINVAL;
	}
	use_policies(c, document);
	add_rules(c, document);
	return 0;
}

int mwan3_parse(const char *text, size_t size, struct mwan3_config *ret,
	struct problem *ret_problem)
{
	struct problem problem = {0};
	struct uci_document document;
	struct mwan3_config *c = calloc(1, sizeof(*c));
	size_t room = uci_document_room(size);
	void *memory = size <= CONFIG_FILE_MAX ? malloc(room) : NULL;
	int error = -ENOMEM;

	if (c && memory) {
		uci_document_init(&document, memory, room);
		error = uci_document_parse(&document, text, size, tell_problem, &problem);
		if (!error)
			error = read_sections(c, &document, &problem);
	}
	if (!error)
		*ret = *c;
	else
		*ret_problem = problem;
	free(memory);
	free(c);
	return error;
}

int mwan3_load(const char *file, struct mwan3_config *ret, struct problem *ret_problem)
{
	char *text = NULL;
	size_t size;
	int error = uci_store_read_path(file, CONFIG_FILE_MAX, &text, &size);

	if (error) {
		problem_set(ret_problem, file, 0, "%s", strerror(-error));
		return error;
	}
	error = mwan3_parse(text, size, ret, ret_problem);
	free(text);
	return error;
}
