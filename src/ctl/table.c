#include "ctl/table.h"

#include <stdlib.h>
#include <string.h>

#define GAP 2

static const char *const sequence[COLOUR_COUNT] = {"", "\033[32m", "\033[33m", "\033[31m",
	"\033[2m", "\033[1m"};

const char *colour_on(enum colour colour, bool wanted)
{
	return wanted ? sequence[colour] : "";
}

const char *colour_off(enum colour colour, bool wanted)
{
	return wanted && colour != COLOUR_NONE ? "\033[0m" : "";
}

enum colour colour_of(const char *word)
{
	static const struct {
		const char *word;
		enum colour colour;
	} table[] = {
		{"up", COLOUR_GOOD},
		{"healthy", COLOUR_GOOD},
		{"suspect", COLOUR_DOUBTFUL},
		{"degraded", COLOUR_DOUBTFUL},
		{"recovering", COLOUR_DOUBTFUL},
		{"starting", COLOUR_DOUBTFUL},
		{"dead", COLOUR_BAD},
		{"down", COLOUR_BAD},
		{"offline", COLOUR_BAD},
		{"absent", COLOUR_FAINT},
		{"unknown", COLOUR_FAINT},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (!strcmp(table[i].word, word))
			return table[i].colour;
	return COLOUR_NONE;
}

int text_width(const char *text)
{
	int n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

char *text_printable(const char *text, char *out, size_t size)
{
	size_t n = 0;

	for (; *text && n + 1 < size; text++) {
		unsigned char c = (unsigned char)*text;
		/* C1 control characters are 0xc2 0x80..0x9f in UTF-8 */
		bool c1 = c == 0xc2 && (unsigned char)text[1] < 0xa0;

		out[n++] = (char)(c < 0x20 || c == 0x7f || c1 ? '?' : *text);
		if (c1 && text[1])
			text++;
	}
	/* not in the middle of a character */
	while (*text && n > 0 && ((unsigned char)*text & 0xc0) == 0x80)
		text = out + --n;
	out[n] = '\0';
	return out;
}

void table_init(struct table *t, const char *heads)
{
	memset(t, 0, sizeof(*t));
	t->cell = calloc((size_t)TABLE_COLUMNS_MAX * TABLE_ROWS_MAX, sizeof(*t->cell));
	t->columns = TABLE_COLUMNS_MAX;
	table_row(t);
	for (const char *p = heads; *p;) {
		size_t n = strcspn(p, "|");
		char head[TABLE_CELL_SIZE];
		bool right = *p == '>';

		snprintf(head, sizeof(head), "%.*s", (int)n - right, p + right);
		t->right[t->column] = right;
		table_cell(t, COLOUR_FAINT, head);
		p += n + (p[n] == '|');
	}
	t->columns = t->column;
	t->rows = 1;
}

void table_done(struct table *t)
{
	free(t->cell);
	t->cell = NULL;
}

void table_row(struct table *t)
{
	if (t->rows < TABLE_ROWS_MAX)
		t->rows++;
	t->column = 0;
}

static struct table_cell *cell_at(const struct table *t, int row, int column)
{
	return &t->cell[row * TABLE_COLUMNS_MAX + column];
}

void table_cell(struct table *t, enum colour colour, const char *text)
{
	struct table_cell *cell;

	if (!t->cell || t->column >= t->columns)
		return;
	cell = cell_at(t, t->rows - 1, t->column++);
	text_printable(text, cell->text, sizeof(cell->text));
	cell->colour = colour;
}

static int column_width(const struct table *t, int column)
{
	int width = 0;

	for (int row = 0; row < t->rows; row++) {
		int n = text_width(cell_at(t, row, column)->text);

		if (n > width)
			width = n;
	}
	return width;
}

/* Bytes of the first columns of text. */
static int bytes_of(const char *text, int columns)
{
	const char *p = text;

	while (*p && columns > 0) {
		p++;
		while (((unsigned char)*p & 0xc0) == 0x80)
			p++;
		columns--;
	}
	return (int)(p - text);
}

void table_print(const struct table *t, FILE *out, bool colours, int width)
{
	int widths[TABLE_COLUMNS_MAX];

	if (!t->cell)
		return;
	for (int i = 0; i < t->columns; i++)
		widths[i] = column_width(t, i);
	for (int row = 0; row < t->rows; row++) {
		int at = 0;

		for (int i = 0; i < t->columns; i++) {
			const struct table_cell *cell = cell_at(t, row, i);
			bool last = i == t->columns - 1;
			int n = text_width(cell->text), pad = widths[i] - n;

			if (last && width && at + n > width)
				n = width > at ? width - at : 0;
			fprintf(out, "%*s%s%.*s%s", t->right[i] ? pad : 0, "",
				colour_on(cell->colour, colours), bytes_of(cell->text, n),
				cell->text, colour_off(cell->colour, colours));
			if (!last)
				fprintf(out, "%*s", GAP + (t->right[i] ? 0 : pad), "");
			at += widths[i] + GAP;
		}
		fputc('\n', out);
	}
}

void text_wrap(FILE *out, const char *text, int indent, int width)
{
	int at = indent;
	bool first = true;

	while (*text) {
		size_t n = strcspn(text, " \n");
		char word[512];
		int columns;

		snprintf(word, sizeof(word), "%.*s", (int)n, text);
		columns = text_width(word);
		if (!first && width && at + 1 + columns > width) {
			fprintf(out, "\n%*s", indent, "");
			at = indent;
			first = true;
		}
		fprintf(out, "%s%s", first ? "" : " ", word);
		at += columns + !first;
		first = false;
		text += n;
		text += *text != '\0';
	}
	fputc('\n', out);
}
