/*
 * A screen of text in the making, row by row, clipped to the terminal.  Pure: what to send to the terminal is what
 * differs from the canvas before, so a slow serial line gets only the rows that changed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "ctl/table.h"

#define CANVAS_ROWS_MAX 120
#define CANVAS_COLUMNS_MAX 240
#define CANVAS_ROW_SIZE 1400

struct canvas_row {
	char text[CANVAS_ROW_SIZE];
	size_t used;
	int column;
};

struct canvas {
	int rows, columns; /* of the terminal */
	bool colours, unicode;
	int row; /* being written */
	struct canvas_row line[CANVAS_ROWS_MAX];
};

void canvas_init(struct canvas *c, int rows, int columns, bool colours, bool unicode);

/* Appends to the present row; what does not fit into its columns is cut.  Control characters become '?'. */
void canvas_put(struct canvas *c, enum colour colour, const char *text);
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
void canvas_print(struct canvas *c, enum colour colour, const char *format, ...);
/* Fills with blanks up to a column. */
void canvas_tab(struct canvas *c, int column);
void canvas_end(struct canvas *c); /* of the row */
/* text in at most max rows, all but the first indented; returns the rows used, the present one ended. */
int canvas_wrap(struct canvas *c, enum colour colour, const char *text, int indent, int max);
/* A row of 0..100 as small bars, the newest at the right end of width columns; -1: not known. */
void canvas_bars(struct canvas *c, const int *value, int n, int width);

/* What changes the terminal from before (NULL: unknown, all is sent) to now.  Returns bytes, at most size. */
size_t canvas_diff(const struct canvas *before, const struct canvas *now, char *out, size_t size);
#define CANVAS_DIFF_SIZE (CANVAS_ROWS_MAX * (CANVAS_ROW_SIZE + 32))
