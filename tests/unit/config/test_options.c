/* The option table against the structs that it fills. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/options.h"
#include "config/suggest.h"

/* Fields that no option fills, because they follow from something else. */
struct exception {
	const char *owner, *field;
	size_t size;
};

#define EXCEPTION(owner, field)                                                                    \
	{                                                                                          \
#owner, #field, sizeof(((struct owner *)0)->field)                                 \
	}

static const struct exception exceptions[] = {
	/* sections of their own, and counts of them */
	EXCEPTION(config, link),
	EXCEPTION(config, n_links),
	EXCEPTION(config, link_default),
	EXCEPTION(config, match),
	EXCEPTION(config, n_matches),
	EXCEPTION(config, class_links), /* option link of config class */
	EXCEPTION(policy, link),
	EXCEPTION(policy, links),
	EXCEPTION(policy, class),
	EXCEPTION(policy, n_classes),
	EXCEPTION(policy, target),
	EXCEPTION(policy, n_targets),
	EXCEPTION(policy, observe), /* mode */
	EXCEPTION(link_policy, order),
	EXCEPTION(link_policy, shared),
	EXCEPTION(config, bypass_mark),
	EXCEPTION(config, foreign_mask),
	EXCEPTION(config_link, set),
	EXCEPTION(config_link, line),
	EXCEPTION(option_target, family),
};

/* Structs by owner, and where their rows are. */
static const struct {
	const char *owner, *file;
	size_t size;
	enum option_section first, last;
	size_t begin; /* of the struct in the section's struct */
} structs[] = {
	{"policy", "src/core/policy.h", sizeof(struct policy), OPTION_SECTION_MAIN,
		OPTION_SECTION_STEER, offsetof(struct config, policy)},
	{"config", "src/config/config.h", sizeof(struct config), OPTION_SECTION_MAIN,
		OPTION_SECTION_STEER, 0},
	{"link_policy", "src/core/policy.h", sizeof(struct link_policy), OPTION_SECTION_LINK,
		OPTION_SECTION_LINK, offsetof(struct config_link, policy)},
	{"class_policy", "src/core/policy.h", sizeof(struct class_policy), OPTION_SECTION_CLASS,
		OPTION_SECTION_CLASS, 0},
	{"class_match", "src/config/config.h", sizeof(struct class_match), OPTION_SECTION_MATCH,
		OPTION_SECTION_MATCH, 0},
	{"target", "src/core/policy.h", sizeof(struct target), OPTION_SECTION_TARGET,
		OPTION_SECTION_TARGET, offsetof(struct option_target, target)},
};

#define STRUCTS (sizeof(structs) / sizeof(structs[0]))

static bool in_struct(size_t i, const struct option *o)
{
	/* policy is part of config: its rows count there and nowhere else */
	size_t policy = offsetof(struct config, policy), end = policy + sizeof(struct policy);

	if (o->section < structs[i].first || o->section > structs[i].last)
		return false;
	if (!strcmp(structs[i].owner, "config"))
		return o->offset < policy || o->offset >= end;
	return o->offset >= structs[i].begin && o->offset < structs[i].begin + structs[i].size;
}

static size_t excepted(const char *owner, unsigned *ret_n)
{
	size_t sum = 0;

	*ret_n = 0;
	for (size_t i = 0; i < sizeof(exceptions) / sizeof(exceptions[0]); i++)
		if (!strcmp(exceptions[i].owner, owner)) {
			sum += exceptions[i].size;
			(*ret_n)++;
		}
	return sum;
}

/*
 * Rows overlap nowhere, and rows and exceptions together leave nothing but padding (less than
 * PADDING_MAX bytes).
 */
#define PADDING_MAX 32
static void every_byte_of_a_struct_has_one_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < STRUCTS; i++) {
		uint8_t *seen = calloc(1, structs[i].size);
		size_t sum = 0, padding;
		unsigned n;

		for (unsigned k = 0; k < option_count; k++) {
			const struct option *o = &option_table[k];

			if (!in_struct(i, o))
				continue;
			for (size_t b = 0; b < o->size; b++) {
				assert_int_equal(seen[o->offset - structs[i].begin + b], 0);
				seen[o->offset - structs[i].begin + b] = 1;
			}
			sum += o->size;
		}
		sum += excepted(structs[i].owner, &n);
		if (!strcmp(structs[i].owner, "config"))
			sum += sizeof(struct policy);
		assert_true(sum <= structs[i].size);
		padding = structs[i].size - sum;
		if (padding >= PADDING_MAX)
			fail_msg("struct %s: %zu bytes without a row", structs[i].owner, padding);
		free(seen);
	}
}

/* The source of a header, found from this file's own place. */
static char *read_source(const char *path)
{
	static char text[1 << 16];
	char name[1024];
	const char *tests = strstr(__FILE__, "tests/unit/");
	FILE *f;
	size_t n;

	snprintf(name, sizeof(name), "%.*s%s", (int)(tests - __FILE__), __FILE__, path);
	f = fopen(name, "r");
	if (!f)
		return NULL;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	return text;
}

static void blank_comments(char *text)
{
	for (char *begin; (begin = strstr(text, "/*"));) {
		char *end = strstr(begin, "*/");

		assert_non_null(end);
		memset(begin, ' ', (size_t)(end + 2 - begin));
	}
}

/*
 * How many fields the header declares: a small one hides in padding and would not show by its size.
 */
static unsigned declared_fields(const char *path, const char *owner)
{
	char *text = read_source(path), head[64], *p, *end;
	unsigned n = 0;

	if (!text)
		skip();
	blank_comments(text);
	snprintf(head, sizeof(head), "\nstruct %s {", owner);
	p = strstr(text, head);
	assert_non_null(p);
	end = strstr(p, "\n};");
	assert_non_null(end);
	for (p += strlen(head); p < end; p++)
		n += *p == ';' || *p == ',';
	return n;
}

static void every_field_in_the_headers_has_a_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < STRUCTS; i++) {
		unsigned n, rows = 0;

		for (unsigned k = 0; k < option_count; k++)
			if (in_struct(i, &option_table[k]))
				rows += option_table[k].type == OPTION_TYPE_PORTS ||
							option_table[k].type == OPTION_TYPE_PREFIX
						? 2
						: 1;
		excepted(structs[i].owner, &n);
		rows += n;
		if (!strcmp(structs[i].owner, "config"))
			rows++; /* policy */
		if (rows != declared_fields(structs[i].file, structs[i].owner))
			fail_msg("struct %s declares %u fields, the table knows %u: a new field "
				 "needs a row in src/config/option_rows.h",
				structs[i].owner,
				declared_fields(structs[i].file, structs[i].owner), rows);
	}
}

static void rows_are_complete_and_unique(void **state)
{
	(void)state;
	for (unsigned i = 0; i < option_count; i++) {
		const struct option *o = &option_table[i];
		size_t length = strlen(option_text(o));

		assert_true(length > 0 && option_text(o)[length - 1] == '.');
		assert_true(o->type < OPTION_TYPE_COUNT);
		assert_true(o->min <= o->def && o->def <= o->max);
		assert_ptr_equal(option_find(o->section, o->name), o);
		if (i > 0)
			assert_true(o->section >= option_table[i - 1].section);
		if (o->def_text)
			assert_true(strlen(o->def_text) < (option_is_list(o) ? 100 : o->size));
	}
}

static void the_defaults_of_the_table_are_those_of_the_core(void **state)
{
	static struct policy policy;
	static struct config config;

	(void)state;
	policy_default(&policy);
	config_default(&config);
	assert_memory_equal(&policy, &config.policy, sizeof(policy));
}

static void defaults_of_links_and_defaults_are_the_same_rows(void **state)
{
	unsigned n;
	const struct option *o = option_first(OPTION_SECTION_DEFAULTS, &n);

	(void)state;
	for (; n--; o++) {
		const struct option *link = option_find(OPTION_SECTION_LINK, o->name);

		assert_non_null(link);
		assert_int_equal(link->offset, o->offset);
		assert_int_equal(link->def, o->def);
		assert_int_equal(option_link_bit(link), option_link_bit(o));
		assert_true(option_link_bit(o) < 64);
	}
}

static void defaults_read_back(void **state)
{
	static union {
		struct config config;
		struct config_link link;
		struct class_policy class;
		struct class_match match;
		struct option_target target;
	} a, b;
	static struct config config;
	char text[OPTION_TEXT_SIZE], why[OPTION_WHY_SIZE];

	(void)state;
	for (unsigned i = 0; i < option_count; i++) {
		const struct option *o = &option_table[i];

		if (o->type == OPTION_TYPE_LINKS || o->type == OPTION_TYPE_CLASS ||
			o->type == OPTION_TYPE_ADDRESS)
			continue;
		memset(&a, 0, sizeof(a));
		memset(&b, 0, sizeof(b));
		option_default(o, &a);
		if (o->type == OPTION_TYPE_DSCP)
			option_default(o, &b); /* -1: not given, and not written */
		for (unsigned k = 0; option_print(o, &config, &a, k, text); k++)
			if (option_read(o, &config, &b, text, why))
				fail_msg("%s: %s", o->name, why);
		assert_memory_equal(&a, &b, sizeof(a));
	}
}

static void suggests_the_nearest_word(void **state)
{
	static const char *const known[] = {"hold", "hold_max", "heartbeat", "metered", "device"};
	static const struct {
		const char *word, *nearest;
	} rows[] = {
		{"holdd", "hold"},
		{"hlod", "hold"},
		{"hold-max", "hold_max"},
		{"Device", "device"},
		{"hartbeat", "heartbeat"},
		{"meterd", "metered"},
		{"zzz", NULL},
		{"x", NULL},
		{"", NULL},
		{"a_word_that_is_far_longer_than_anything_that_could_be_an_option", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct suggestion s;

		suggest_begin(&s, rows[i].word);
		for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++)
			suggest_consider(&s, known[k]);
		if (!rows[i].nearest)
			assert_null(s.nearest);
		else
			assert_string_equal(s.nearest, rows[i].nearest);
	}
}

/* What is in the tree is what the table says now. */
static void check_document(const char *path, const char *made)
{
	const char *text = read_source(path);

	if (text && strcmp(text, made) != 0)
		fail_msg("%s is not up to date: write it with docgen", path);
}

/* The documents name every option, and the UCI file is one that changes nothing. */
static void documents_are_complete(void **state)
{
	static struct config config, fresh;
	static struct config_problems problems;
	char *uci = NULL, *markdown = NULL, line[64];
	size_t uci_size, markdown_size;
	FILE *f;

	(void)state;
	f = open_memstream(&uci, &uci_size);
	options_print_uci(f);
	fclose(f);
	f = open_memstream(&markdown, &markdown_size);
	options_print_markdown(f);
	fclose(f);
	for (unsigned i = 0; i < option_count; i++) {
		snprintf(line, sizeof(line), "| `%s` |", option_table[i].name);
		assert_non_null(strstr(markdown, line));
	}
	assert_int_equal(config_parse("uci", uci, uci_size, &config, &problems), 0);
	assert_int_equal(problems.n, 0);
	config_default(&fresh);
	config.link_default.line = 0;
	assert_memory_equal(&config, &fresh, sizeof(config));
	check_document("docs/options.md", markdown);
	check_document("package/config/autonomy", uci);
	free(uci);
	free(markdown);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_byte_of_a_struct_has_one_row),
		cmocka_unit_test(every_field_in_the_headers_has_a_row),
		cmocka_unit_test(rows_are_complete_and_unique),
		cmocka_unit_test(the_defaults_of_the_table_are_those_of_the_core),
		cmocka_unit_test(defaults_of_links_and_defaults_are_the_same_rows),
		cmocka_unit_test(defaults_read_back),
		cmocka_unit_test(suggests_the_nearest_word),
		cmocka_unit_test(documents_are_complete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
