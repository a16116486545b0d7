/* From struct config back to text: what is printed reads back to the same config. */
#include <stdio.h>
#include <string.h>

#include "codec/uci_text.h"
#include "config/options.h"

#define ROW_SIZE ((size_t)LINKS_MAX * (NAME_SIZE + 1))

/* What says which rows of a section are printed. */
struct section_print {
	struct uci_writer *w;
	const struct config *config;
	bool only_set;
};

static void print_row(const struct section_print *p, const struct option *o, const void *base)
{
	char text[OPTION_TEXT_SIZE];

	for (unsigned i = 0; option_print(o, p->config, base, i, text); i++) {
		if (option_is_list(o))
			uci_write_item(p->w, o->name, text);
		else
			uci_write_option(p->w, o->name, text);
	}
}

static bool row_differs(const struct option *o, const struct config *config, const void *base,
	const void *other)
{
	char is[ROW_SIZE], was[ROW_SIZE];

	option_print_all(o, config, base, is, sizeof(is));
	option_print_all(o, config, other, was, sizeof(was));
	return strcmp(is, was) != 0;
}

/* A section of which there is one, compared with the default configuration. */
static void print_single(const struct section_print *p, enum option_section kind,
	const struct config *defaults)
{
	const struct option_section_info *info = option_section(kind);
	bool open = false;
	unsigned n;
	const struct option *o = option_first(kind, &n);

	for (; n--; o++) {
		if (p->only_set && !row_differs(o, p->config, p->config, defaults))
			continue;
		if (!open)
			uci_write_section(p->w, info->type, info->name);
		open = true;
		print_row(p, o, p->config);
	}
}

/*
 * What is open is guessed or inherited: setting it here would end that, so it is shown as a comment
 * at most.
 */
static void print_link_rows(const struct section_print *p, enum option_section kind,
	const struct config_link *l, uint64_t shown)
{
	char text[OPTION_TEXT_SIZE], line[OPTION_TEXT_SIZE + 64];
	unsigned n;
	const struct option *o = option_first(kind, &n);

	for (; n--; o++) {
		bool set = l->set & (UINT64_C(1) << option_link_bit(o));

		if (set && shown & (UINT64_C(1) << option_link_bit(o))) {
			print_row(p, o, l);
		} else if (!set && !p->only_set && option_print(o, p->config, l, 0, text)) {
			snprintf(line, sizeof(line), "option %s '%s'", o->name, text);
			uci_write_comment(p->w, true, line);
		}
	}
}

static void print_defaults(const struct section_print *p)
{
	const struct config_link *l = &p->config->link_default;
	const struct option_section_info *info = option_section(OPTION_SECTION_DEFAULTS);

	if (p->only_set && !l->set)
		return;
	uci_write_section(p->w, info->type, info->name);
	print_link_rows(p, OPTION_SECTION_DEFAULTS, l, UINT64_MAX);
}

/*
 * Whether a link or class can be named by its section: no - or dot, and no other section of the
 * name before it.
 */
static bool names_section(const struct config *c, const char *name, unsigned n_links)
{
	if (!uci_name_valid(name))
		return false;
	for (unsigned k = 0; k < OPTION_SECTION_COUNT; k++) {
		const char *taken = option_section((enum option_section)k)->name;

		if (taken && !strcmp(taken, name))
			return false;
	}
	for (unsigned i = 0; i < n_links; i++)
		if (!strcmp(c->link[i].policy.name, name))
			return false;
	return true;
}

static void print_link(const struct section_print *p, const struct config_link *l)
{
	const struct config *c = p->config;
	const struct config_link *d = &c->link_default;
	bool named = names_section(c, l->policy.name, 0);
	uint64_t shown = UINT64_MAX;
	unsigned n;
	const struct option *o = option_first(OPTION_SECTION_LINK, &n);

	for (; n--; o++) {
		uint64_t bit = UINT64_C(1) << option_link_bit(o);

		if (d->set & bit && !row_differs(o, c, l, d))
			shown &= ~bit;
		if (!strcmp(o->name, "name") && named)
			shown &= ~bit;
		if (!strcmp(o->name, "device") && !strcmp(l->policy.name, l->policy.device))
			shown &= ~bit;
	}
	uci_write_section(p->w, option_section(OPTION_SECTION_LINK)->type,
		named ? l->policy.name : NULL);
	print_link_rows(p, OPTION_SECTION_LINK, l, shown);
}

static void print_class(const struct section_print *p, const struct class_policy *class)
{
	const struct config *c = p->config;
	bool named = names_section(c, class->name, c->n_links);
	unsigned n;
	const struct option *o = option_first(OPTION_SECTION_CLASS, &n);

	uci_write_section(p->w, option_section(OPTION_SECTION_CLASS)->type,
		named ? class->name : NULL);
	for (; n--; o++) {
		bool standard = !strcmp(o->name, "min_score")
					? class->min_score == config_class_min_score(class->need)
				: !strcmp(o->name, "need")
					? class->need == CLASS_NEED_DEFAULT
					: !strcmp(o->name, "balance") && !class->balance;

		if ((standard && p->only_set) || (named && !strcmp(o->name, "name")))
			continue;
		print_row(p, o, class);
	}
}

static bool class_is_default(const struct config *c)
{
	const struct class_policy *class = &c->policy.class[0];

	return class->need == CLASS_NEED_DEFAULT && !class->balance && !c->class_links[0].n &&
	       class->min_score == config_class_min_score(class->need);
}

static void print_match(const struct section_print *p, const struct class_match *m)
{
	unsigned n;
	const struct option *o = option_first(OPTION_SECTION_MATCH, &n);

	uci_write_section(p->w, option_section(OPTION_SECTION_MATCH)->type, NULL);
	for (; n--; o++)
		if (strcmp(o->name, "family") != 0 || m->family != FAMILY_COUNT)
			print_row(p, o, m);
}

static bool targets_differ(const struct config *c, const struct config *defaults,
	enum family family)
{
	const struct policy *a = &c->policy, *b = &defaults->policy;

	if (a->n_targets[family] != b->n_targets[family])
		return true;
	for (unsigned i = 0; i < a->n_targets[family]; i++) {
		const struct target *x = &a->target[family][i], *y = &b->target[family][i];

		if (memcmp(x->address, y->address, sizeof(x->address)) != 0 ||
			x->tcp_port != y->tcp_port || x->methods != y->methods)
			return true;
	}
	return false;
}

static void print_targets(const struct section_print *p, const struct config *defaults,
	enum family family)
{
	const struct policy *policy = &p->config->policy;

	if (p->only_set && !targets_differ(p->config, defaults, family))
		return;
	for (unsigned i = 0; i < policy->n_targets[family]; i++) {
		struct option_target t = {policy->target[family][i], family};
		unsigned n;
		const struct option *o = option_first(OPTION_SECTION_TARGET, &n);

		uci_write_section(p->w, option_section(OPTION_SECTION_TARGET)->type, NULL);
		for (; n--; o++)
			if (!p->only_set || strcmp(o->name, "tcp_port") != 0 ||
				t.target.tcp_port != o->def)
				print_row(p, o, &t);
	}
}

size_t config_print(const struct config *config, bool only_set, char *buffer, size_t size)
{
	struct uci_writer w;
	struct section_print p = {&w, config, only_set};
	struct config defaults;

	config_default(&defaults);
	uci_writer_init(&w, buffer, size);
	for (unsigned k = OPTION_SECTION_MAIN; k <= OPTION_SECTION_STEER; k++)
		print_single(&p, (enum option_section)k, &defaults);
	print_defaults(&p);
	for (unsigned i = 0; i < config->n_links; i++)
		print_link(&p, &config->link[i]);
	for (unsigned i = 0; i < config->policy.n_classes; i++)
		if (i > 0 || !only_set || !class_is_default(config))
			print_class(&p, &config->policy.class[i]);
	for (unsigned i = 0; i < config->n_matches; i++)
		print_match(&p, &config->match[i]);
	print_targets(&p, &defaults, FAMILY_IPV4);
	print_targets(&p, &defaults, FAMILY_IPV6);
	uci_write_end(&w);
	return w.length;
}
