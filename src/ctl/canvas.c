#include "ctl/canvas.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void canvas_init(struct canvas *c, int rows, int columns, bool colours, bool unicode)
{
	memset(c, 0, sizeof(*c));
	c->rows = rows < 1 ? 1 : rows > CANVAS_ROWS_MAX ? CANVAS_ROWS_MAX : rows;
	c->columns = columns < 1 ? 1 : columns > CANVAS_COLUMNS_MAX ? CANVAS_COLUMNS_MAX : columns;
	c->colours = colours;
	c->unicode = unicode;
}

static struct canvas_row *row_of(struct canvas *c)
{
	return c->row < c->rows ? &c->line[c->row] : NULL;
}

static void append(struct canvas_row *row, const char *bytes, size_t size)
{
	if (row->used + size >= sizeof(row->text))
		return;
	memcpy(row->text + row->used, bytes, size);
	row->used += size;
	row->text[row->used] = '\0';
}

static size_t character_bytes(const char *p)
{
	size_t n = 1;

	while (((unsigned char)p[n] & 0xc0) == 0x80)
		n++;
	return n;
}

static void append_text(struct canvas *c, struct canvas_row *row, const char *text)
{
	while (*text && row->column < c->columns) {
		unsigned char byte = (unsigned char)*text;
		size_t n = character_bytes(text);

		bool control = byte < 0x20 || byte == 0x7f ||
			       (byte == 0xc2 && (unsigned char)text[1] < 0xa0);

		if (control || (byte >= 0x80 && !c->unicode))
			append(row, "?", 1);
		else
			append(row, text, n);
		row->column++;
		text += n;
	}
}

void canvas_put(struct canvas *c, enum colour colour, const char *text)
{
	struct canvas_row *row = row_of(c);
	const char *on = colour_on(colour, c->colours), *off = colour_off(colour, c->colours);

	if (!row || row->column >= c->columns)
		return;
	append(row, on, strlen(on));
	append_text(c, row, text);
	append(row, off, strlen(off));
}

void canvas_print(struct canvas *c, enum colour colour, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	canvas_put(c, colour, text);
}

void canvas_tab(struct canvas *c, int column)
{
	struct canvas_row *row = row_of(c);

	while (row && row->column < column && row->column < c->columns) {
		append(row, " ", 1);
		row->column++;
	}
}

void canvas_end(struct canvas *c)
{
	if (c->row < c->rows)
		c->row++;
}

/* Bytes of the longest run of whole words that takes at most columns; of the first word if that is longer. */
static size_t words_within(const char *text, int columns)
{
	size_t fits = 0, at = 0;
	int width = 0;

	for (;;) {
		size_t n = strcspn(text + at, " ");

		for (size_t i = 0; i < n; i++)
			width += ((unsigned char)text[at + i] & 0xc0) != 0x80;
		at += n;
		if (width > columns && fits)
			return fits;
		fits = at;
		if (!text[at])
			return fits;
		at++;
		width++;
	}
}

int canvas_wrap(struct canvas *c, enum colour colour, const char *text, int indent, int max)
{
	int rows = 0;

	while (row_of(c)) {
		size_t n = words_within(text, c->columns - row_of(c)->column);

		canvas_print(c, colour, "%.*s", (int)n, text);
		canvas_end(c);
		rows++;
		text += n;
		text += *text == ' ';
		if (!*text || rows == max)
			break;
		canvas_tab(c, indent);
	}
	return rows;
}

void canvas_bars(struct canvas *c, const int *value, int n, int width)
{
	static const char *const unicode[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	static const char *const ascii[] = {"_", ".", ":", "-", "=", "+", "*", "#"};
	int first = n > width ? n - width : 0;

	for (int i = n; i < width; i++)
		canvas_put(c, COLOUR_NONE, " ");
	for (int i = first; i < n; i++) {
		int level = value[i] < 0 ? -1 : value[i] >= 100 ? 7 : value[i] * 8 / 100;
		enum colour colour = level < 3   ? COLOUR_BAD
				     : level < 5 ? COLOUR_DOUBTFUL
						 : COLOUR_GOOD;

		if (level < 0)
			canvas_put(c, COLOUR_NONE, " ");
		else
			canvas_put(c, colour, (c->unicode ? unicode : ascii)[level]);
	}
}

size_t canvas_diff(const struct canvas *before, const struct canvas *now, char *out, size_t size)
{
	bool all = !before || before->rows != now->rows || before->columns != now->columns;
	size_t used = 0;

	if (all)
		used += (size_t)snprintf(out, size, "\033[H\033[2J");
	for (int i = 0; i < now->rows && used < size; i++) {
		const char *text = now->line[i].text;

		if (all ? !*text : !strcmp(text, before->line[i].text))
			continue;
		used += (size_t)snprintf(out + used, size - used, "\033[%d;1H%s\033[K", i + 1,
			text);
	}
	return used < size ? used : size - 1;
}
