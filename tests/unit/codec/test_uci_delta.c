/* Changes to a document.  Rows were compared with what uci 2025-12 makes of the same file and delta. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec/uci_delta.h"
#include "codec/uci_rewrite.h"

static char memory[1 << 20], again_memory[1 << 20];

static void refuse(void *user, int line, const char *text)
{
	(void)user;
	fail_msg("%d: %s", line, text);
}

static void read_document(struct uci_document *d, const char *text)
{
	uci_document_init(d, memory, sizeof(memory));
	assert_int_equal(uci_document_parse(d, text, strlen(text), refuse, NULL), 0);
}

/* The document in one line, without quotes where that is clear. */
static const char *print_line(const struct uci_document *d)
{
	static char out[4096];
	char *to = out;

	uci_document_print(d, out, sizeof(out));
	for (const char *from = out; *from; from++)
		if (!strchr("\n\t'", *from))
			*to++ = *from;
		else if (*from == '\n' && to > out && to[-1] != ' ')
			*to++ = ' ';
	while (to > out && to[-1] == ' ')
		to--;
	*to = '\0';
	return out;
}

#define BASE                                                                                       \
	"config a 'one'\n\toption x '1'\n\tlist l 'p'\n\tlist l 'q'\n\tlist l 'p'\nconfig b\n"     \
	"\toption y '2'\n"

static void every_prefix_does_what_uci_does(void **state)
{
	static const struct {
		const char *delta;
		int n;
		const char *result;
	} row[] = {
		{"t.one.x='5'\n", 1,
			"config a one option x 5 list l p list l q list l p config b option y 2"},
		{"t.one.n='it'\\''s'\n", 1,
			"config a one option x 1 list l p list l q list l p option n it\\s config "
			"b option y 2"},
		{"t.one.x=''\n", 1, "config a one list l p list l q list l p config b option y 2"},
		{"t.two='c'\nt.two.k='v'\n", 2,
			"config a one option x 1 list l p list l q list l p config b option y 2 "
			"config c two option k v"},
		{"t.one='longer'\n", 1,
			"config longer one option x 1 list l p list l q list l p config b option y "
			"2"},
		{"-t.one\n", 1, "config b option y 2"},
		{"t.one=''\n", 1, "config b option y 2"},
		{"-t.one.x\n", 1, "config a one list l p list l q list l p config b option y 2"},
		{"-t.one.l='1'\n", 1,
			"config a one option x 1 list l p list l p config b option y 2"},
		{"-t.one.l='9'\n", 1,
			"config a one option x 1 list l p list l q list l p config b option y 2"},
		{"-t.one.l='z'\n", 0,
			"config a one option x 1 list l p list l q list l p config b option y 2"},
		{"-t.one.none\n", 0,
			"config a one option x 1 list l p list l q list l p config b option y 2"},
		{"+t.cfg03b607='b'\n", 1,
			"config a one option x 1 list l p list l q list l p config b option y 2 "
			"config b"},
		{"@t.one='uno'\n", 1,
			"config a uno option x 1 list l p list l q list l p config b option y 2"},
		{"@t.one.x='z'\n", 1,
			"config a one option z 1 list l p list l q list l p config b option y 2"},
		{"@t.one='no good'\n", 0,
			"config a one option x 1 list l p list l q list l p config b option y 2"},
		{"^t.one='9'\n", 1,
			"config b option y 2 config a one option x 1 list l p list l q list l p"},
		{"|t.one.l='r'\n", 1,
			"config a one option x 1 list l p list l q list l p list l r config b "
			"option y 2"},
		{"|t.one.x='2'\n", 1,
			"config a one list x 1 list x 2 list l p list l q list l p config b option "
			"y 2"},
		{"~t.one.l='p'\n", 1, "config a one option x 1 list l q config b option y 2"},
		{"~t.one.l='p'\n~t.one.l='q'\n|t.one.l='r'\n", 3,
			"config a one option x 1 list l r config b option y 2"},
		{"~t.one.l='p'\n~t.one.l='q'\n", 2, "config a one option x 1 config b option y 2"},
		{"other.one.x='5'\nt.@a[0].x='5'\nnonsense\n\n#t\nt.one.x='a' "
		 "b\n=\nt.one.x='\x01'\n",
			0,
			"config a one option x 1 list l p list l q list l p config b option y 2"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct uci_document d;

		read_document(&d, BASE);
		print_message("%s", row[i].delta);
		assert_int_equal(uci_document_apply(&d, "t", row[i].delta, strlen(row[i].delta)),
			row[i].n);
		assert_string_equal(print_line(&d), row[i].result);
	}
}

static void a_change_is_written_and_read_back(void **state)
{
	static const struct uci_change row[] = {
		{UCI_COMMAND_SET, 1, "net-work", "lan", "ip", "it's\n\"all\""},
		{UCI_COMMAND_SET, 1, "n", "lan", NULL, "interface"},
		{UCI_COMMAND_DELETE, 1, "n", "lan", NULL, NULL},
		{UCI_COMMAND_DELETE, 1, "n", "lan", "ip", "2"},
		{UCI_COMMAND_ADD, 1, "n", "cfg01e48a", NULL, "system"},
		{UCI_COMMAND_RENAME, 1, "n", "lan", "ip", "ipaddr"},
		{UCI_COMMAND_ORDER, 1, "n", "lan", NULL, "0"},
		{UCI_COMMAND_APPEND, 1, "n", "lan", "dns", ""},
		{UCI_COMMAND_REMOVE, 1, "n", "lan", "dns", "a=b.c"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		char text[200], scratch[200];
		struct uci_writer w;
		struct uci_reader r;
		struct uci_change c;

		uci_writer_init(&w, text, sizeof(text));
		uci_write_change(&w, &row[i]);
		uci_reader_init(&r, text, w.length, scratch, sizeof(scratch));
		assert_int_equal(uci_delta_next(&r, &c), 1);
		assert_int_equal(c.command, row[i].command);
		assert_string_equal(c.package, row[i].package);
		assert_string_equal(c.section, row[i].section);
		assert_true(!c.option == !row[i].option && !c.value == !row[i].value);
		assert_true(!c.option || !strcmp(c.option, row[i].option));
		assert_true(!c.value || !strcmp(c.value, row[i].value));
		assert_int_equal(uci_delta_next(&r, &c), 0);
	}
}

static void comments_and_layout_stay(void **state)
{
	static const char text[] =
		"# mine\n\nconfig a one   # first\n"
		"  option x  \"1\"  # why\n\n  # list\n  list l p\n  list l 'q'\n"
		"\n# of b\nconfig b\n\toption y 2";
	static const struct {
		const char *delta, *result;
		bool kept;
	} row[] = {
		{"", text, true},
		{"t.one.x='5'\n",
			"# mine\n\nconfig a one   # first\n  option x '5'  # why\n\n  # list\n"
			"  list l p\n  list l 'q'\n\n# of b\nconfig b\n\toption y 2\n",
			true},
		{"-t.one.x\nt.one.z='1'\n~t.one.l='p'\n|t.one.l='r'\n",
			"# mine\n\nconfig a one   # first\n\n  # list\n  list l 'q'\n\tlist l 'r'\n"
			"\toption z '1'\n\n# of b\nconfig b\n\toption y 2\n",
			true},
		{"t.new='c'\nt.new.k='v'\nt.cfg02b607.w='1'\nt.one.l='s'\n",
			"# mine\n\nconfig a one   # first\n  option x  \"1\"  # why\n\n  # list\n"
			"  option l 's'\n\n# of b\nconfig b\n\toption y 2\n\toption w '1'\n"
			"\nconfig c 'new'\n\toption k 'v'\n",
			true},
		{"-t.one\n", "# mine\n\n\n  # list\n\n# of b\nconfig b\n\toption y 2\n", true},
		{"^t.one='1'\n",
			"\nconfig b\n\toption y '2'\n\nconfig a 'one'\n\toption x '1'\n\tlist l "
			"'p'\n"
			"\tlist l 'q'\n\n",
			false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct uci_document d;
		char out[2048];
		size_t n;

		read_document(&d, text);
		uci_document_apply(&d, "t", row[i].delta, strlen(row[i].delta));
		print_message("%s", row[i].delta);
		assert_int_equal(uci_rewrite(&d, text, strlen(text), out, sizeof(out), again_memory,
					 sizeof(again_memory), &n),
			row[i].kept);
		if (i)
			assert_string_equal(out, row[i].result);
		assert_int_equal(strlen(out), n);
	}
}

static void without_room_it_says_how_much_it_needs(void **state)
{
	struct uci_document d;
	char out[4];
	size_t n;

	(void)state;
	read_document(&d, BASE);
	assert_false(uci_rewrite(&d, BASE, strlen(BASE), out, sizeof(out), again_memory,
		sizeof(again_memory), &n));
	assert_int_equal(n, uci_document_print(&d, NULL, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_prefix_does_what_uci_does),
		cmocka_unit_test(a_change_is_written_and_read_back),
		cmocka_unit_test(comments_and_layout_stay),
		cmocka_unit_test(without_room_it_says_how_much_it_needs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
