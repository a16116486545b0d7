/* What a reload changes, row by row. */
#include <stdio.h>
#include <string.h>

#include "config/options.h"
#include "config/value.h"

struct diff {
	const struct config *was, *is;
	config_diff_fn *tell;
	void *user;
	int n;
};

#define LABEL_SIZE 64
#define ROW_SIZE ((size_t)LINKS_MAX * (NAME_SIZE + 1))

static void diff_tell(struct diff *d, const char *section, const char *option, const char *was,
	const char *is, bool live)
{
	d->n++;
	if (d->tell)
		d->tell(d->user, section, option, was, is, live);
}

static void diff_section(struct diff *d, const char *label, bool was, bool is)
{
	if (was != is)
		diff_tell(d, label, "", was ? "present" : "absent", is ? "present" : "absent",
			true);
}

/* NULL stands for sections whose options are always set. */
static void row_text(const struct option *o, const struct config *config, const void *base,
	const uint64_t *set, char ret[ROW_SIZE])
{
	ret[0] = '\0';
	if (!set || *set & (UINT64_C(1) << option_link_bit(o)))
		option_print_all(o, config, base, ret, ROW_SIZE);
}

static void diff_rows(struct diff *d, enum option_section kind, const char *label,
	const void *base_was, const void *base_is, const uint64_t *set_was, const uint64_t *set_is)
{
	char was[ROW_SIZE], is[ROW_SIZE];
	unsigned n;
	const struct option *o = option_first(kind, &n);

	for (; n--; o++) {
		row_text(o, d->was, base_was, set_was, was);
		row_text(o, d->is, base_is, set_is, is);
		if (strcmp(was, is) != 0)
			diff_tell(d, label, o->name, was, is, o->live);
	}
}

static const struct config_link *find_link(const struct config *c, const char *name)
{
	for (unsigned i = 0; i < c->n_links; i++)
		if (!strcmp(c->link[i].policy.name, name))
			return &c->link[i];
	return NULL;
}

static void diff_links(struct diff *d)
{
	char label[LABEL_SIZE], was_order[8], is_order[8];

	for (unsigned i = 0; i < d->was->n_links; i++) {
		const char *name = d->was->link[i].policy.name;

		snprintf(label, sizeof(label), "link %s", name);
		diff_section(d, label, true, find_link(d->is, name) != NULL);
	}
	for (unsigned i = 0; i < d->is->n_links; i++) {
		const struct config_link *is = &d->is->link[i];
		const struct config_link *was = find_link(d->was, is->policy.name);

		snprintf(label, sizeof(label), "link %s", is->policy.name);
		diff_section(d, label, was != NULL, true);
		if (!was)
			was = &d->was->link_default;
		else if (was->policy.order != is->policy.order) {
			snprintf(was_order, sizeof(was_order), "%u", was->policy.order + 1U);
			snprintf(is_order, sizeof(is_order), "%u", is->policy.order + 1U);
			diff_tell(d, label, "order", was_order, is_order, true);
		}
		diff_rows(d, OPTION_SECTION_LINK, label, was, is, &was->set, &is->set);
	}
}

static const struct class_policy *find_class(const struct config *c, const char *name)
{
	for (unsigned i = 0; i < c->policy.n_classes; i++)
		if (!strcmp(c->policy.class[i].name, name))
			return &c->policy.class[i];
	return NULL;
}

static void diff_classes(struct diff *d)
{
	char label[LABEL_SIZE];

	for (unsigned i = 0; i < d->was->policy.n_classes; i++) {
		const char *name = d->was->policy.class[i].name;

		snprintf(label, sizeof(label), "class %s", name);
		diff_section(d, label, true, find_class(d->is, name) != NULL);
	}
	for (unsigned i = 0; i < d->is->policy.n_classes; i++) {
		const struct class_policy *is = &d->is->policy.class[i];
		const struct class_policy *was = find_class(d->was, is->name);

		snprintf(label, sizeof(label), "class %s", is->name);
		diff_section(d, label, was != NULL, true);
		if (was)
			diff_rows(d, OPTION_SECTION_CLASS, label, was, is, NULL, NULL);
	}
}

static void diff_matches(struct diff *d)
{
	char label[LABEL_SIZE];

	for (unsigned i = 0; i < d->was->n_matches || i < d->is->n_matches; i++) {
		bool was = i < d->was->n_matches, is = i < d->is->n_matches;

		snprintf(label, sizeof(label), "match %u", i + 1);
		diff_section(d, label, was, is);
		if (was && is)
			diff_rows(d, OPTION_SECTION_MATCH, label, &d->was->match[i],
				&d->is->match[i], NULL, NULL);
	}
}

static const struct target *find_target(const struct policy *p, enum family family,
	const uint8_t address[16])
{
	for (unsigned i = 0; i < p->n_targets[family]; i++)
		if (!memcmp(p->target[family][i].address, address, 16))
			return &p->target[family][i];
	return NULL;
}

static void target_label(const struct target *t, enum family family, char ret[LABEL_SIZE])
{
	char address[VALUE_TEXT_SIZE];

	value_print_address(t->address, family, address, sizeof(address));
	snprintf(ret, LABEL_SIZE, "target %.48s", address);
}

static void diff_targets(struct diff *d, enum family family)
{
	const struct policy *was = &d->was->policy, *is = &d->is->policy;
	char label[LABEL_SIZE];

	for (unsigned i = 0; i < was->n_targets[family]; i++) {
		const struct target *t = &was->target[family][i];

		target_label(t, family, label);
		diff_section(d, label, true, find_target(is, family, t->address) != NULL);
	}
	for (unsigned i = 0; i < is->n_targets[family]; i++) {
		const struct target *t = &is->target[family][i];
		const struct target *old = find_target(was, family, t->address);
		struct option_target b = {*t, family}, a = {old ? *old : *t, family};

		target_label(t, family, label);
		diff_section(d, label, old != NULL, true);
		diff_rows(d, OPTION_SECTION_TARGET, label, &a, &b, NULL, NULL);
	}
}

int config_diff(const struct config *was, const struct config *is, config_diff_fn *tell, void *user)
{
	struct diff d = {was, is, tell, user, 0};

	for (unsigned k = OPTION_SECTION_MAIN; k <= OPTION_SECTION_STEER; k++)
		diff_rows(&d, (enum option_section)k, option_section((enum option_section)k)->type,
			was, is, NULL, NULL);
	diff_rows(&d, OPTION_SECTION_DEFAULTS, "defaults", &was->link_default, &is->link_default,
		&was->link_default.set, &is->link_default.set);
	diff_links(&d);
	diff_classes(&d);
	diff_matches(&d);
	diff_targets(&d, FAMILY_IPV4);
	diff_targets(&d, FAMILY_IPV6);
	return d.n;
}
