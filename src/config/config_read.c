/*
 * From text to struct config.
 *
 *      text -> UCI document -> sections, in the order of enum option_section
 *           -> rows of the table -> checks across rows
 *
 * Reading goes on after a problem, so that one look at the file is enough to find them all.  What
 * is built is a draft on the heap; the caller's config is written once, at the end, and only if
 * there was no error.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "codec/uci_delta.h"
#include "config/legacy.h"
#include "config/options.h"
#include "config/suggest.h"
#include "config/uci_store.h"
#include "config/value.h"
#include "core/names.h"

struct reading {
	const char *name; /* of the file */
	const struct uci_document *document;
	struct config *config;
	struct config_problems *problems;
	int errors;
	int legacy, legacy_line;        /* sections and options of old; where the first is */
	bool own_targets[FAMILY_COUNT]; /* the built-in ones are gone */
};

static bool problems_full(const struct config_problems *p)
{
	return p->n == CONFIG_PROBLEMS_MAX;
}

/* When there are too many, an error drives out the last warning. */
static struct problem *problem_place(struct config_problems *p, bool warning)
{
	int i = p->n;

	if (!problems_full(p)) {
		p->n++;
	} else {
		p->more++;
		if (warning)
			return NULL;
		for (i = p->n - 1; i >= 0 && !p->warning[i]; i--)
			;
		if (i < 0)
			return NULL;
	}
	p->warning[i] = warning;
	return &p->problem[i];
}

__attribute__((format(printf, 4, 5))) static void tell(struct reading *r, bool warning, int line,
	const char *format, ...)
{
	struct problem *p = problem_place(r->problems, warning);
	char text[PROBLEM_TEXT_SIZE];
	va_list args;

	if (!warning)
		r->errors++;
	if (!p)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	problem_set(p, r->name, line, "%s", text);
}

#define ERROR false
#define WARNING true

static void tell_syntax(void *user, int line, const char *text)
{
	tell(user, ERROR, line, "%s", text);
}

/* "link 'wan'", for messages. */
#define LABEL_SIZE 68
static const char *label(const struct uci_section *s, char ret[LABEL_SIZE])
{
	if (s->anonymous)
		snprintf(ret, LABEL_SIZE, "%.20s", s->type);
	else
		snprintf(ret, LABEL_SIZE, "%.20s '%.40s'", s->type, s->name);
	return ret;
}

static void count_legacy(struct reading *r, int line)
{
	if (!r->legacy++ || line < r->legacy_line)
		r->legacy_line = line;
}

static void unknown_option(struct reading *r, const struct uci_section *s, enum option_section kind,
	const struct uci_option *found)
{
	char where[LABEL_SIZE];
	struct suggestion near;
	unsigned n;
	const struct option *o = option_first(kind, &n);

	if (legacy_knows(s->type, found->name))
		count_legacy(r, found->line);
	if (problems_full(r->problems)) {
		/* counted; what could be meant is not worth the search when nobody will read it */
		tell(r, WARNING, found->line, "%s", found->name);
		return;
	}
	label(s, where);
	if (legacy_knows(s->type, found->name)) {
		tell(r, WARNING, found->line, "%s: '%.40s' is of an older version, it is ignored",
			where, found->name);
		return;
	}
	for (unsigned k = 0; k < OPTION_SECTION_COUNT; k++)
		if (option_find((enum option_section)k, found->name)) {
			tell(r, WARNING, found->line,
				"%s: '%.40s' is ignored: it belongs into config %s", where,
				found->name, option_section((enum option_section)k)->type);
			return;
		}
	suggest_begin(&near, found->name);
	for (; n--; o++)
		suggest_consider(&near, o->name);
	if (near.nearest)
		tell(r, WARNING, found->line,
			"%s: there is no option '%.40s', it is ignored: did you mean '%s'?", where,
			found->name, near.nearest);
	else
		tell(r, WARNING, found->line, "%s: there is no option '%.40s', it is ignored",
			where, found->name);
}

/*
 * An item of a list may hold several words, as a list written as one option does.  Without any word
 * it is not given.
 */
static void read_items(struct reading *r, const struct uci_section *s, const struct option *o,
	const struct uci_option *found, void *base)
{
	char where[LABEL_SIZE], why[OPTION_WHY_SIZE], word[OPTION_TEXT_SIZE];
	bool first = true;

	for (const struct uci_item *i = found->item; i; i = i->next) {
		const char *text = i->text;

		for (text += strspn(text, " \t\n"); *text; text += strspn(text, " \t\n")) {
			size_t n = strcspn(text, " \t\n");

			if (first)
				option_clear(o, base);
			first = false;
			snprintf(word, sizeof(word), "%.*s", n < sizeof(word) ? (int)n : 0, text);
			if (option_read(o, r->config, base, word, why))
				tell(r, ERROR, i->line, "%s: %s: %s", label(s, where), o->name,
					why);
			text += n;
		}
	}
}

static void read_option(struct reading *r, const struct uci_section *s, const struct option *o,
	const struct uci_option *found, void *base)
{
	char where[LABEL_SIZE], why[OPTION_WHY_SIZE];

	if (option_is_list(o)) {
		read_items(r, s, o, found, base);
		return;
	}
	if (found->item->next) {
		tell(r, ERROR, found->item->next->line,
			"%s: %s holds one value: write option instead of list", label(s, where),
			o->name);
		return;
	}
	if (option_read(o, r->config, base, found->item->text, why))
		tell(r, ERROR, found->item->line, "%s: %s: %s", label(s, where), o->name, why);
}

/* All options of a section into its struct, in the order of the table; set: see config_link.set. */
static void read_section(struct reading *r, const struct uci_section *s, enum option_section kind,
	void *base, uint64_t *set)
{
	unsigned n;
	const struct option *o = option_first(kind, &n);

	for (; n--; o++) {
		const struct uci_option *found = uci_section_option(s, o->name);

		if (!found)
			continue;
		read_option(r, s, o, found, base);
		if (set)
			*set |= UINT64_C(1) << option_link_bit(o);
	}
	for (const struct uci_option *found = s->option; found; found = found->next)
		if (!option_find(kind, found->name))
			unknown_option(r, s, kind, found);
}

static void section_default(enum option_section kind, void *base)
{
	unsigned n;
	const struct option *o = option_first(kind, &n);

	for (; n--; o++)
		option_default(o, base);
}

/* The option name, or the section's own name; "" when it has neither. */
static const char *given_name(const struct uci_section *s)
{
	const char *name = uci_section_value(s, "name");

	return name ? name : s->anonymous ? "" : s->name;
}

static void check_hold(struct reading *r, const struct config_link *l, const struct uci_section *s)
{
	char where[LABEL_SIZE];

	/* what is inherited was checked where it was set */
	if (!uci_section_option(s, "hold") && !uci_section_option(s, "hold_max"))
		return;
	if (l->policy.hold_us > l->policy.hold_max_us)
		tell(r, ERROR, s->line,
			"%s: hold is longer than hold_max: make one equal the other",
			label(s, where));
}

static void read_defaults(struct reading *r, const struct uci_section *s)
{
	struct config_link *l = &r->config->link_default;

	l->line = s->line;
	read_section(r, s, OPTION_SECTION_DEFAULTS, l, &l->set);
	check_hold(r, l, s);
}

/* Fills the names that were left out; false when that cannot be done. */
static bool name_link(struct reading *r, const struct uci_section *s, struct config_link *l)
{
	struct link_policy *p = &l->policy;
	char where[LABEL_SIZE];

	if (!*p->name && !s->anonymous) {
		if (strlen(s->name) >= sizeof(p->name)) {
			tell(r, ERROR, s->line, "%s: its name is longer than %d characters",
				label(s, where), NAME_SIZE - 1);
			return false;
		}
		memcpy(p->name, s->name, strlen(s->name));
	}
	if (!*p->name)
		snprintf(p->name, sizeof(p->name), "%s", *l->interface ? l->interface : p->device);
	if (!*p->device && strlen(p->name) < sizeof(p->device))
		memcpy(p->device, p->name, strlen(p->name));
	if (!*p->name || (!*p->device && !uci_section_option(s, "interface"))) {
		tell(r, ERROR, s->line,
			"%s: add option device with the name of the kernel's device",
			label(s, where));
		return false;
	}
	if (value_name(p->name)) {
		tell(r, ERROR, s->line, "%s: add option name: '%s' does not do for one",
			label(s, where), p->name);
		return false;
	}
	return true;
}

static void read_link(struct reading *r, const struct uci_section *s)
{
	struct config *c = r->config;
	struct config_link *l = &c->link[c->n_links];
	char where[LABEL_SIZE];

	if (c->n_links == LINKS_MAX) {
		tell(r, ERROR, s->line, "%s: more than %d links", label(s, where), LINKS_MAX);
		return;
	}
	*l = c->link_default;
	l->line = s->line;
	l->policy.order = c->n_links;
	read_section(r, s, OPTION_SECTION_LINK, l, &l->set);
	l->set |= UINT64_C(1) << option_link_bit(option_find(OPTION_SECTION_LINK, "name"));
	l->set |= UINT64_C(1) << option_link_bit(option_find(OPTION_SECTION_LINK, "device"));
	check_hold(r, l, s);
	if (!name_link(r, s, l))
		return;
	for (unsigned i = 0; i < c->n_links; i++) {
		const struct link_policy *other = &c->link[i].policy;

		if (!strcmp(other->name, l->policy.name) ||
			(*other->device && !strcmp(other->device, l->policy.device))) {
			tell(r, ERROR, s->line,
				"%s: the link of line %d has the same %s: take one of them away",
				label(s, where), c->link[i].line,
				strcmp(other->name, l->policy.name) ? "device" : "name");
			return;
		}
	}
	c->n_links++;
}

/* The place of a class: 0 for the default one, which exists already; -1 when there is none left. */
static int class_place(struct reading *r, const struct uci_section *s, const char *name)
{
	struct policy *p = &r->config->policy;
	char where[LABEL_SIZE];

	if (!*name) {
		tell(r, ERROR, s->line, "a class needs a name: write config class 'NAME'");
		return -1;
	}
	for (int i = 0; i < p->n_classes; i++)
		if (!strcmp(p->class[i].name, name)) {
			if (i == 0)
				return 0;
			tell(r, ERROR, s->line, "%s: there is another class of that name",
				label(s, where));
			return -1;
		}
	if (p->n_classes == CLASSES_MAX) {
		tell(r, ERROR, s->line, "%s: more than %d classes, with the default one",
			label(s, where), CLASSES_MAX);
		return -1;
	}
	return p->n_classes;
}

static void read_class(struct reading *r, const struct uci_section *s)
{
	const char *name = given_name(s);
	int place = class_place(r, s, name);
	struct class_policy *p;
	char where[LABEL_SIZE];

	if (place < 0)
		return;
	p = &r->config->policy.class[place];
	if (strlen(name) >= sizeof(p->name)) {
		tell(r, ERROR, s->line, "%s: its name is longer than %d characters",
			label(s, where), NAME_SIZE - 1);
		return;
	}
	section_default(OPTION_SECTION_CLASS, p);
	memcpy(p->name, name, strlen(name));
	read_section(r, s, OPTION_SECTION_CLASS, p, NULL);
	if (!uci_section_option(s, "min_score"))
		p->min_score = config_class_min_score(p->need);
	if (place == r->config->policy.n_classes)
		r->config->policy.n_classes++;
}

static bool has_ports(uint8_t protocol)
{
	return protocol == 6 || protocol == 17 || protocol == 132 || protocol == 136;
}

static void read_match(struct reading *r, const struct uci_section *s)
{
	struct config *c = r->config;
	struct class_match *m = &c->match[c->n_matches];
	char where[LABEL_SIZE];
	int errors = r->errors;

	label(s, where);
	if (c->n_matches == CONFIG_MATCHES_MAX) {
		tell(r, ERROR, s->line, "%s: more than %d matches", where, CONFIG_MATCHES_MAX);
		return;
	}
	memset(m, 0, sizeof(*m));
	section_default(OPTION_SECTION_MATCH, m);
	read_section(r, s, OPTION_SECTION_MATCH, m, NULL);
	c->n_matches++;
	if (m->port_first && !has_ports(m->protocol))
		tell(r, ERROR, s->line,
			"%s: a port needs a protocol that has ports: add option protocol 'udp' or "
			"'tcp', and a second match for the other",
			where);
	if (r->errors == errors && m->family == FAMILY_COUNT && !m->protocol && m->dscp < 0 &&
		!*m->device && !m->source_bits && !m->destination_bits && !m->port_first)
		tell(r, ERROR, s->line,
			"%s: it would match everything: add a port, address, dscp or device",
			where);
}

static void read_target(struct reading *r, const struct uci_section *s)
{
	struct policy *p = &r->config->policy;
	struct option_target t = {.family = FAMILY_IPV4};
	char where[LABEL_SIZE];
	uint8_t *n;

	label(s, where);
	section_default(OPTION_SECTION_TARGET, &t);
	read_section(r, s, OPTION_SECTION_TARGET, &t, NULL);
	if (!uci_section_option(s, "address")) {
		tell(r, ERROR, s->line, "%s: add option address", where);
		return;
	}
	if (!memcmp(t.target.address, (uint8_t[16]){0}, sizeof(t.target.address)))
		return; /* it was refused, and that has been told */
	n = &p->n_targets[t.family];
	if (!r->own_targets[t.family])
		*n = 0;
	r->own_targets[t.family] = true;
	for (unsigned i = 0; i < *n; i++)
		if (!memcmp(p->target[t.family][i].address, t.target.address,
			    sizeof(t.target.address))) {
			tell(r, ERROR, s->line, "%s: another target has the same address", where);
			return;
		}
	if (*n == TARGETS_MAX) {
		tell(r, ERROR, s->line, "%s: more than %d targets for %s", where, TARGETS_MAX,
			family_name(t.family));
		return;
	}
	p->target[t.family][(*n)++] = t.target;
}

/* Sections that there is one of: a second one is read over the first. */
static void read_single(struct reading *r, const struct uci_section *s, enum option_section kind)
{
	char where[LABEL_SIZE];

	if (uci_document_typed(r->document, s->type, 0) != s)
		tell(r, WARNING, s->line, "%s: there is another config %s: put both into one",
			label(s, where), s->type);
	read_section(r, s, kind, r->config, NULL);
}

static void read_kind(struct reading *r, const struct uci_section *s, enum option_section kind)
{
	switch (kind) {
	case OPTION_SECTION_MAIN:
	case OPTION_SECTION_DETECT:
	case OPTION_SECTION_FAILOVER:
	case OPTION_SECTION_STEER:
		read_single(r, s, kind);
		break;
	case OPTION_SECTION_DEFAULTS:
		read_defaults(r, s);
		break;
	case OPTION_SECTION_LINK:
		read_link(r, s);
		break;
	case OPTION_SECTION_CLASS:
		read_class(r, s);
		break;
	case OPTION_SECTION_MATCH:
		read_match(r, s);
		break;
	case OPTION_SECTION_TARGET:
		read_target(r, s);
		break;
	case OPTION_SECTION_COUNT:
		break;
	}
}

static void unknown_section(struct reading *r, const struct uci_section *s)
{
	bool legacy = legacy_knows(s->type, NULL);
	struct suggestion near;
	char where[LABEL_SIZE];

	if (legacy)
		count_legacy(r, s->line);
	if (problems_full(r->problems)) {
		tell(r, WARNING, s->line, "%s", s->type);
		return;
	}
	label(s, where);
	suggest_begin(&near, s->type);
	for (unsigned k = 0; k < OPTION_SECTION_COUNT; k++)
		suggest_consider(&near, option_section((enum option_section)k)->type);
	if (legacy)
		tell(r, WARNING, s->line, "%s is of an older version, it is ignored", where);
	else if (near.nearest)
		tell(r, WARNING, s->line,
			"%s: there is no such section, it is ignored: did you mean config %s?",
			where, near.nearest);
	else
		tell(r, WARNING, s->line, "%s: there is no such section, it is ignored", where);
}

/* uci would refuse these; files of old are full of them, and are to be told what they are. */
static void check_twins(struct reading *r, const struct uci_section *s)
{
	const struct uci_section *first = uci_document_section(r->document, s->name);

	if (first != s && !legacy_knows(s->type, NULL) && !legacy_knows(first->type, NULL))
		tell(r, ERROR, s->line,
			"section '%.40s' is of type '%.40s' already (line %d): choose another name",
			s->name, first->type, first->line);
}

static void read_sections(struct reading *r)
{
	const struct uci_section *s;

	for (s = r->document->section; s; s = s->next) {
		unsigned k = 0;

		if (!s->anonymous)
			check_twins(r, s);
		while (k < OPTION_SECTION_COUNT &&
			strcmp(s->type, option_section((enum option_section)k)->type) != 0)
			k++;
		if (k == OPTION_SECTION_COUNT)
			unknown_section(r, s);
	}
	for (unsigned k = 0; k < OPTION_SECTION_COUNT; k++)
		for (s = r->document->section; s; s = s->next)
			if (!strcmp(s->type, option_section((enum option_section)k)->type))
				read_kind(r, s, (enum option_section)k);
}

/*
 * The line that set an option last, for checks that concern more than one; 0 when it has its
 * default.
 */
static int line_of(const struct reading *r, enum option_section kind, const char *option)
{
	const char *type = option_section(kind)->type;
	int line = 0;

	for (const struct uci_section *s = r->document->section; s; s = s->next) {
		const struct uci_option *o;

		if (!strcmp(s->type, type) && (o = uci_section_option(s, option)))
			line = o->line;
	}
	return line;
}

static void check_mark_mask(struct reading *r)
{
	uint32_t mask = r->config->mark_mask, low = mask & -mask;

	/* neighbours: adding the lowest bit carries through all of them */
	if (__builtin_popcount(mask) >= CONFIG_MARK_BITS && !((mask + low) & mask))
		return;
	tell(r, ERROR, line_of(r, OPTION_SECTION_STEER, "mark_mask"),
		"steer: mark_mask: 0x%x is not %d or more neighbouring bits: write for instance "
		"0x7f000000",
		mask, CONFIG_MARK_BITS);
}

static void check_targets(struct reading *r, enum family family)
{
	const struct policy *p = &r->config->policy;
	unsigned n = 0;

	if (!r->own_targets[family])
		return;
	for (unsigned i = 0; i < p->n_targets[family]; i++)
		n += (p->target[family][i].methods & ~(UINT32_C(1) << PROBE_HTTP)) !=
		     0; /* http only confirms */
	if (n < CONFIG_TARGETS_ENOUGH)
		tell(r, WARNING, line_of(r, OPTION_SECTION_TARGET, "address"),
			"only %u %s target%s with icmp, tcp or dns: with fewer than %d a target's "
			"own "
			"trouble can be taken for the link's",
			n, family_name(family), n == 1 ? "" : "s", CONFIG_TARGETS_ENOUGH);
}

/*
 * A class may name a link without a section: one that is yet to be found.  It may also be a slip of
 * the pen.
 */
static void check_class_link(struct reading *r, const char *class, const char *name)
{
	const struct config *c = r->config;
	int line = line_of(r, OPTION_SECTION_CLASS, "link");
	struct suggestion near;

	suggest_begin(&near, name);
	for (unsigned i = 0; i < c->n_links; i++) {
		if (!strcmp(c->link[i].policy.name, name))
			return;
		suggest_consider(&near, c->link[i].policy.name);
	}
	if (near.nearest)
		tell(r, WARNING, line, "class '%s': link '%s' has no section: did you mean '%s'?",
			class, name, near.nearest);
	else if (!c->zero_config)
		tell(r, WARNING, line, "class '%s': link '%s' has no section and discover is 0",
			class, name);
}

static void check_rows_together(struct reading *r)
{
	const struct config *c = r->config;

	check_mark_mask(r);
	if (c->policy.timeout_floor_us > c->policy.timeout_max_us)
		tell(r, ERROR, line_of(r, OPTION_SECTION_DETECT, "timeout_min"),
			"detect: timeout_min is longer than timeout_max");
	check_targets(r, FAMILY_IPV4);
	check_targets(r, FAMILY_IPV6);
	for (unsigned i = 0; i < c->policy.n_classes; i++)
		for (unsigned k = 0; k < c->class_links[i].n; k++)
			check_class_link(r, c->policy.class[i].name, c->class_links[i].name[k]);
	if (!c->zero_config && c->n_links == 0)
		tell(r, WARNING, line_of(r, OPTION_SECTION_MAIN, "discover"),
			"autonomy: discover is 0 and there is no config link: nothing to do");
}

/* By line, those without a line last; what was told first stays first. */
static void sort_problems(struct config_problems *p)
{
	for (int i = 1; i < p->n; i++)
		for (int k = i; k > 0; k--) {
			unsigned above = (unsigned)p->problem[k - 1].line - 1;
			struct problem problem = p->problem[k];
			bool warning = p->warning[k];

			if ((unsigned)problem.line - 1 >= above)
				break;
			p->problem[k] = p->problem[k - 1];
			p->warning[k] = p->warning[k - 1];
			p->problem[k - 1] = problem;
			p->warning[k - 1] = warning;
		}
}

/* Text and, when delta_size is not 0, what is staged for it. */
static int parse(const char *name, const char *text, size_t size, const char *delta,
	size_t delta_size, struct config *ret, struct config_problems *ret_problems)
{
	size_t room = uci_document_room(size + delta_size);
	struct uci_document document;
	struct reading r = {.name = name, .document = &document, .problems = ret_problems};
	void *memory = NULL;
	int staged = 0;

	memset(ret_problems, 0, sizeof(*ret_problems));
	if (size > CONFIG_FILE_MAX || delta_size > CONFIG_FILE_MAX) {
		tell(&r, ERROR, 0, "it is larger than %d bytes", CONFIG_FILE_MAX);
		return -EFBIG;
	}
	r.config = malloc(sizeof(*r.config));
	memory = malloc(room);
	if (!r.config || !memory) {
		tell(&r, ERROR, 0, "there is not enough memory to read it");
		free(r.config);
		free(memory);
		return -ENOMEM;
	}
	config_default(r.config);
	uci_document_init(&document, memory, room);
	document.twins = true;
	if (!uci_document_parse(&document, text, size, tell_syntax, &r)) {
		if (delta_size)
			staged = uci_document_apply(&document, uci_store_package(name), delta,
				delta_size);
		read_sections(&r);
		check_rows_together(&r);
	}
	if (staged < 0)
		tell(&r, ERROR, 0, "there is not enough memory to read what is staged");
	if (staged > 0)
		tell(&r, WARNING, 1,
			"%d changes are staged and not committed; they count already: uci changes "
			"%s",
			staged, uci_store_package(name));
	if (r.legacy)
		tell(&r, WARNING, r.legacy_line,
			"%d sections and options are of an older version: autonomyctl config "
			"import %s tells "
			"what became of them and makes a file of today",
			r.legacy, name);
	sort_problems(ret_problems);
	r.config->policy.observe = r.config->mode == CONFIG_MODE_OBSERVE;
	if (!r.errors)
		*ret = *r.config;
	free(memory);
	free(r.config);
	return r.errors ? -EINVAL : 0;
}

int config_parse(const char *name, const char *text, size_t size, struct config *ret,
	struct config_problems *ret_problems)
{
	return parse(name, text, size, "", 0, ret, ret_problems);
}

int config_load(const char *file, struct config *ret, struct config_problems *ret_problems)
{
	struct reading r = {.name = file, .problems = ret_problems};
	char *text = NULL, *delta = NULL;
	size_t size, delta_size;
	int result = uci_store_read(file, NULL, CONFIG_FILE_MAX, &text, &size, &delta, &delta_size);

	memset(ret_problems, 0, sizeof(*ret_problems));
	if (!result)
		result = parse(file, text, size, delta, delta_size, ret, ret_problems);
	else if (result == -ENOENT)
		config_default(ret);
	else if (result == -EFBIG)
		tell(&r, ERROR, 0, "it is larger than %d bytes", CONFIG_FILE_MAX);
	else if (result == -EBADF)
		tell(&r, ERROR, 0, "it is not a file");
	else
		tell(&r, ERROR, 0, "it cannot be read: %s", strerror(-result));
	free(text);
	free(delta);
	return result;
}
