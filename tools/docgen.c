/*
 * Prints the documents that are made from tables in the source: docgen DOCUMENT > FILE.  `./dev
 * docs` writes them all, and a check compares them with what is in the tree.
 */
#include <stdio.h>
#include <string.h>

#include "config/options.h"

static const struct {
	const char *name;
	void (*print)(FILE *f);
	const char *text;
} document_table[] = {
	{"options", options_print_markdown, "docs/options.md"},
	{"uci", options_print_uci, "package/config/autonomy"},
};

#define DOCUMENTS (sizeof(document_table) / sizeof(document_table[0]))

int main(int argc, char **argv)
{
	for (size_t i = 0; argc == 2 && i < DOCUMENTS; i++)
		if (!strcmp(argv[1], document_table[i].name)) {
			document_table[i].print(stdout);
			return fflush(stdout) || ferror(stdout) ? 1 : 0;
		}
	fprintf(stderr, "usage: %s DOCUMENT\n", argv[0]);
	for (size_t i = 0; i < DOCUMENTS; i++)
		fprintf(stderr, "  %-10s %s\n", document_table[i].name, document_table[i].text);
	return 2;
}
