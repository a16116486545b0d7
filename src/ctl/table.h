/* Text in columns, as wide as they need to be; colour where the terminal has it. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

enum colour {
	COLOUR_NONE,
	COLOUR_GOOD,
	COLOUR_DOUBTFUL,
	COLOUR_BAD,
	COLOUR_FAINT,
	COLOUR_STRONG,
	COLOUR_COUNT,
};

/* "" when there is to be none. */
const char *colour_on(enum colour colour, bool wanted);
const char *colour_off(enum colour colour, bool wanted);
/* For the words of enum health, of the state, and of log levels. */
enum colour colour_of(const char *word);

#define TABLE_COLUMNS_MAX 12
#define TABLE_ROWS_MAX 256
#define TABLE_CELL_SIZE 96

struct table_cell {
	char text[TABLE_CELL_SIZE];
	enum colour colour;
};

struct table {
	int columns, rows, column; /* column: of the next cell in the last row */
	bool right[TABLE_COLUMNS_MAX];
	struct table_cell *cell; /* row by row */
};

/* heads: words separated by "|"; one that begins with ">" is a column of numbers, flush right. */
void table_init(struct table *t, const char *heads);
void table_done(struct table *t);
void table_row(struct table *t);
/* text is made printable: no control character reaches the terminal. */
void table_cell(struct table *t, enum colour colour, const char *text);
/* width: of the terminal; the last column is cut to it.  0: as wide as it is. */
void table_print(const struct table *t, FILE *out, bool colours, int width);

/* Columns that a UTF-8 text takes. */
int text_width(const char *text);
/* A copy without control characters; returns out. */
char *text_printable(const char *text, char *out, size_t size);
/* Prints text in lines of at most width columns, each after the first indented. */
void text_wrap(FILE *out, const char *text, int indent, int width);
