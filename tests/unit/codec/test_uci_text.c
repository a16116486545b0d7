/*
 * The format of /etc/config.  Rows marked uci were compared with what `uci show` makes of the same
 * text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec/uci_text.h"

struct told {
	char text[4096];
	size_t length;
};

static void tell(void *user, int line, const char *text)
{
	struct told *t = user;

	t->length += (size_t)snprintf(t->text + t->length, sizeof(t->text) - t->length, "%d: %s\n",
		line, text);
	assert_true(t->length < sizeof(t->text));
}

static char memory[1 << 20];

/* What a text means, in one line: section{option=value list=[item,item]} ... */
static const char *meaning(const char *text, size_t size, struct told *told)
{
	static char out[1 << 16];
	struct uci_document d;
	size_t n = 0;

	*told = (struct told){0};
	uci_document_init(&d, memory, uci_document_room(size));
	if (uci_document_parse(&d, text, size, tell, told))
		return "refused";
	out[0] = '\0';
#define ADD(...) (n += (size_t)snprintf(out + n, sizeof(out) - n, __VA_ARGS__))
	for (struct uci_section *s = d.section; s; s = s->next) {
		ADD("%s%s %s%s{", n ? " " : "", s->type, s->anonymous ? "@" : "", s->name);
		for (struct uci_option *o = s->option; o; o = o->next) {
			ADD("%s%s=%s", o == s->option ? "" : " ", o->name, o->list ? "[" : "");
			for (struct uci_item *i = o->item; i; i = i->next)
				ADD("%s%s", i == o->item ? "" : ",", i->text);
			ADD("%s", o->list ? "]" : "");
		}
		ADD("}");
	}
	assert_true(n < sizeof(out));
	return out;
}

struct row {
	const char *text, *meaning;
};

static void check_rows(const struct row *row, size_t n)
{
	struct told told;

	for (size_t i = 0; i < n; i++) {
		const char *is = meaning(row[i].text, strlen(row[i].text), &told);

		if (strcmp(is, row[i].meaning) != 0)
			fail_msg("row %zu:\n%s\nis     %s\nwanted %s\n%s", i, row[i].text, is,
				row[i].meaning, told.text);
	}
}

#define CHECK(rows) check_rows(rows, sizeof(rows) / sizeof((rows)[0]))

static void reads_words_in_every_quoting(void **state)
{
	static const struct row rows[] = {
		{"config t n\noption a b\n", "t n{a=b}"},
		{"config 't' \"n\"\n option 'a' 'b c'\n", "t n{a=b c}"},
		{"config t n\noption a 'a'\"b\"c\n", "t n{a=abc}"},
		{"config t n\noption a 'it'\\''s'\n", "t n{a=it's}"},
		{"config t n\noption a \"say \\\"x\\\" \\n\"\n", "t n{a=say \"x\" n}"},
		{"config t n\noption a 'no \\n escape'\n", "t n{a=no \\n escape}"},
		{"config t n\noption a x\\ y\\#\\;\n", "t n{a=x y#;}"},
		{"config t n\noption a '#;'\n", "t n{a=#;}"},
		{"config t n\noption a 'l1\nl2'\n", "t n{a=l1\nl2}"},
		{"config t n\noption a \"l1\\\nl2\"\n", "t n{a=l1l2}"},
		{"config t n\noption a l1\\\nl2\n", "t n{a=l1l2}"},
		{"config t n\noption a l1\\\r\nl2\n", "t n{a=l1l2}"},
		{"config t n\noption a \xc3\xa9\n", "t n{a=\xc3\xa9}"},
		{"config t n\noption 'a'\n", "t n{}"},
	};

	(void)state;
	CHECK(rows);
}

static void reads_statements_in_every_layout(void **state)
{
	static const struct row rows[] = {
		{"", ""},
		{"\n \t\n# only a comment\n\t# another", ""},
		{"c t n\no a b\nl d e\nl d f\n", "t n{a=b d=[e,f]}"},
		{"  config\tt \t n  \r\n\toption\ta\tb\r\n", "t n{a=b}"},
		{"config t n # comment\noption a b# comment\n", "t n{a=b}"},
		{"config t n\noption a b#c d e ; f\n", "t n{a=b}"},
		{"config t 'n'; option a 'b'; option c 'd'\n", "t n{a=b c=d}"},
		{"config t n\noption a 'b' ; option c 'd'\n", "t n{a=b c=d}"},
		{"config t n\noption a b;\n", "t n{a=b}"},
		{"config t n\noption a b; # and no more\n", "t n{a=b}"},
		{"package autonomy\n\nconfig t n\n", "t n{}"},
		{"config t n\noption a b", "t n{a=b}"},
	};

	(void)state;
	CHECK(rows);
}

static void merges_sections_options_and_lists(void **state)
{
	static const struct row rows[] = {
		{"config t n\noption a 1\noption b 2\noption a 3\n", "t n{a=3 b=2}"},
		{"config t n\noption a 1\nconfig t m\nconfig t n\noption b 2\n",
			"t n{a=1 b=2} t m{}"},
		{"config t n\noption a 1\nlist a 2\n", "t n{a=[1,2]}"},
		{"config t n\nlist a 1\nlist a 2\noption a 3\n", "t n{a=3}"},
		{"config t n\nlist a ''\nlist a 1\n", "t n{a=[,1]}"},
		/* an empty value in a file is passed over: uci deletes only on `uci set` */
		{"config t n\noption a 1\noption a ''\n", "t n{a=1}"},
		{"config t n\noption a ''\n", "t n{}"},
	};

	(void)state;
	CHECK(rows);
}

static void names_anonymous_sections_as_uci_does(void **state)
{
	static const struct row rows[] = {
		{"config system\n", "system @cfg01e48a{}"},
		{"config wifi-device 'a'\nconfig wifi-iface 'b'\nconfig wifi-iface\n",
			"wifi-device a{} wifi-iface b{} wifi-iface @cfg033579{}"},
		{"config t ''\n", "t @cfg01b619{}"},
		/* by its made-up name a section can be reached, and merged */
		{"config t\nconfig t 'cfg01b619'\noption a 1\n", "t @cfg01b619{a=1}"},
	};

	(void)state;
	CHECK(rows);
}

static void says_what_is_wrong_and_where(void **state)
{
	static const struct {
		const char *text, *told;
	} rows[] = {
		{"option a b\n",
			"1: an option belongs to a section: write a config line above it\n"},
		{"\nconfig\n", "2: 'config' is no statement: write config, option or list, then a "
			       "blank and a name\n"},
		{"config \n", "1: a type follows the word config: there is none\n"},
		{"config t n m\n",
			"1: 'm' is one word too many: put quotes around a value with blanks\n"},
		{"config t a-b\n",
			"1: 'a-b' cannot be a name: only letters, digits and _ (no - or .)\n"},
		{"config 'a b'\n",
			"1: 'a b' cannot be a type: only printable ASCII without blanks\n"},
		{"config t n\noption a 'x\ny\n",
			"2: the quote ' that opens here is never closed\n"},
		{"config t n\noption a b;option c d\n", "2: uci would ignore what follows this "
							"';': put a blank before it, or the next "
							"statement on a line of its own\n"},
		{"config t 'n';\n", "1: nothing follows the ';': take it away, or end it with #\n"},
		{"config t n\nconfig u n\noption a b\n",
			"2: section 'n' is of type 't' already (line 1): choose another name\n"},
		{"config t a-b\noption a b\nconfgi t n\noption a b\n",
			"1: 'a-b' cannot be a name: only letters, digits and _ (no - or .)\n"
			"3: 'confgi' is no statement: write config, option or list, then a blank "
			"and a name\n"},
		{"config t n\noption a b c\nfoo\noption d.e f\n",
			"2: 'c' is one word too many: put quotes around a value with blanks\n"
			"3: 'foo' is no statement: write config, option or list, then a blank and "
			"a "
			"name\n"
			"4: 'd.e' cannot be a name: only letters, digits and _ (no - or .)\n"},
	};
	struct told told;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_string_equal(meaning(rows[i].text, strlen(rows[i].text), &told), "refused");
		assert_string_equal(told.text, rows[i].told);
	}
	assert_string_equal(meaning("config t n\noption a \0b\n", 23, &told), "refused");
	assert_string_equal(told.text, "2: a NUL byte: this is no text file\n");
}

static void refuses_what_does_not_fit_and_keeps_within_its_memory(void **state)
{
	static const char text[] = "config t n\noption a b\nlist c d\nlist c e\nconfig t\n";
	struct uci_document d;
	struct told told;
	int enough = 0;

	(void)state;
	for (size_t size = 0; size < uci_document_room(sizeof(text) - 1); size++) {
		char *exact = malloc(size ? size : 1);

		told = (struct told){0};
		uci_document_init(&d, exact, size);
		if (!uci_document_parse(&d, text, sizeof(text) - 1, tell, &told))
			enough++;
		else
			assert_non_null(strstr(told.text, "larger than there is room for"));
		free(exact);
	}
	assert_true(enough > 0);
}

static void room_is_enough_for_the_densest_text(void **state)
{
	static const char *const line[] = {"c t\n", "c t\nl a b\n", "c t\no a b\n", "c t\nl a ''\n",
		"c t;c t;", "c 't';l a 'b';l a 'b';l a 'b';"};
	static char text[60000];
	struct told told;

	(void)state;
	for (size_t i = 0; i < sizeof(line) / sizeof(line[0]); i++) {
		size_t n = 0;

		while (n + 64 < sizeof(text) / 8)
			n += (size_t)sprintf(text + n, "%s", line[i]);
		meaning(text, n, &told);
		assert_null(strstr(told.text, "room"));
	}
}

static void documents_can_be_edited_and_written_back(void **state)
{
	static const char before[] = "config link 'wan'\n\toption device 'eth1'\n\tlist t 'a'\n"
				     "config link\n\toption device 'eth2'\n";
	static const char after[] =
		"\nconfig link 'wan'\n\toption device 'eth9'\n\tlist t 'a'\n"
		"\tlist t 'b '\\''c'\\'''\n\tlist u 'x'\n\nconfig class 'calls'\n"
		"\toption need 'realtime'\n\n";
	struct uci_document d;
	struct uci_section *s;
	struct told told = {0};
	char out[512];

	(void)state;
	uci_document_init(&d, memory, sizeof(memory));
	assert_int_equal(uci_document_parse(&d, before, sizeof(before) - 1, tell, &told), 0);
	s = uci_document_section(&d, "wan");
	assert_non_null(s);
	assert_ptr_equal(s, uci_document_typed(&d, "link", -2));
	assert_null(uci_document_typed(&d, "link", 2));
	assert_int_equal(uci_section_set(&d, s, "device", "eth9"), 0);
	assert_int_equal(uci_section_set(&d, s, "none", ""), 0);
	assert_int_equal(uci_section_append(&d, s, "t", "b 'c'"), 0);
	assert_int_equal(uci_section_set(&d, s, "u", "x"), 0);
	assert_int_equal(uci_section_append(&d, s, "u", "y"), 0);
	assert_int_equal(uci_section_set(&d, s, "u", ""), 0);
	assert_int_equal(uci_section_append(&d, s, "u", "x"), 0);
	assert_int_equal(uci_section_set(&d, s, "bad-name", "x"), -22);
	uci_document_remove(&d, uci_document_typed(&d, "link", -1));
	assert_int_equal(uci_document_add(&d, "class", "wan", &s), -17);
	assert_int_equal(uci_document_add(&d, "class", "a b", &s), -22);
	assert_int_equal(uci_document_add(&d, "class", "calls", &s), 0);
	assert_int_equal(uci_section_set(&d, s, "need", "realtime"), 0);
	assert_string_equal(uci_section_value(s, "need"), "realtime");
	assert_int_equal(uci_document_print(&d, out, sizeof(out)), sizeof(after) - 1);
	assert_string_equal(out, after);
}

static void made_up_names_never_clash(void **state)
{
	static const char text[] = "config t\nconfig t\n";
	struct uci_document d;
	struct uci_section *s;
	struct told told = {0};

	(void)state;
	uci_document_init(&d, memory, sizeof(memory));
	assert_int_equal(uci_document_parse(&d, text, sizeof(text) - 1, tell, &told), 0);
	uci_document_remove(&d, d.section);
	assert_int_equal(uci_document_add(&d, "t", NULL, &s), 0);
	assert_string_equal(s->name, "cfg03b619");
	assert_true(s->anonymous);
}

static void printing_counts_what_it_cannot_write(void **state)
{
	static const char text[] = "config t n\noption a 'it'\\''s'\nlist b c\n";
	struct uci_document d;
	struct told told = {0};
	char whole[256];
	size_t n;

	(void)state;
	uci_document_init(&d, memory, sizeof(memory));
	assert_int_equal(uci_document_parse(&d, text, sizeof(text) - 1, tell, &told), 0);
	n = uci_document_print(&d, whole, sizeof(whole));
	assert_int_equal(uci_document_print(&d, NULL, 0), n);
	for (size_t size = 1; size < n + 2; size++) {
		char *part = malloc(size);

		assert_int_equal(uci_document_print(&d, part, size), n);
		assert_int_equal(strlen(part), size - 1 < n ? size - 1 : n);
		assert_memory_equal(part, whole, strlen(part));
		free(part);
	}
}

/* xorshift; the seed is fixed, so a failure repeats */
static uint32_t seed = 2463534242u;
static unsigned any(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed % n;
}

/* Any bytes but NUL survive writing and reading. */
static void every_value_survives_a_round_trip(void **state)
{
	static char again[1 << 20];
	struct uci_document d, e;
	struct uci_section *s;
	struct told told = {0};
	char value[64], text[2048];

	(void)state;
	for (int i = 0; i < 20000; i++) {
		size_t n = any(sizeof(value) - 1), length;

		for (size_t k = 0; k < n; k++)
			value[k] = any(3) ? "'\"\\#; \n\r\t"[any(9)] : (char)(1 + any(255));
		value[n] = '\0';
		uci_document_init(&d, memory, sizeof(memory));
		assert_int_equal(uci_document_add(&d, "t#';", any(2) ? "n" : NULL, &s), 0);
		assert_int_equal(uci_section_append(&d, s, "k", value), 0);
		length = uci_document_print(&d, text, sizeof(text));
		uci_document_init(&e, again, sizeof(again));
		assert_int_equal(uci_document_parse(&e, text, length, tell, &told), 0);
		assert_string_equal(e.section->type, "t#';");
		assert_string_equal(uci_section_value(e.section, "k"), value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_words_in_every_quoting),
		cmocka_unit_test(reads_statements_in_every_layout),
		cmocka_unit_test(merges_sections_options_and_lists),
		cmocka_unit_test(names_anonymous_sections_as_uci_does),
		cmocka_unit_test(says_what_is_wrong_and_where),
		cmocka_unit_test(refuses_what_does_not_fit_and_keeps_within_its_memory),
		cmocka_unit_test(room_is_enough_for_the_densest_text),
		cmocka_unit_test(documents_can_be_edited_and_written_back),
		cmocka_unit_test(made_up_names_never_clash),
		cmocka_unit_test(printing_counts_what_it_cannot_write),
		cmocka_unit_test(every_value_survives_a_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
