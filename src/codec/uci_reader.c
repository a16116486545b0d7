#include "codec/uci_text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/*
 * The reader follows uci's own, quirks included, because the same file must mean the same to both.
 * uci reads a line, and a further one only where a quote is open or a backslash stands at the end;
 * a comment, a blank and a keyword never reach past what has been read.  line_end is that border.
 *
 * Two things that uci drops without a word are problems here: NUL bytes, and what follows a ';'
 * that touches a bare word ("option a b;option c d" loses c).
 */

void uci_reader_init(struct uci_reader *r, const char *text, size_t size, char *scratch,
	size_t scratch_size)
{
	*r = (struct uci_reader){.text = text, .size = size};
	r->scratch = scratch;
	r->scratch_size = scratch_size;
}

__attribute__((format(printf, 4, 5))) static int reader_fail(struct uci_reader *r, int line,
	int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(r->problem, sizeof(r->problem), format, args);
	va_end(args);
	r->problem_line = line;
	r->pos = r->line_end;
	return error;
}

/* The character under the cursor; 0 at the border, as in uci's buffer. */
static char reader_peek(const struct uci_reader *r)
{
	if (r->pos == r->line_end)
		return '\0';
	return r->text[r->pos];
}

/* Moves the border one line on. */
static void reader_extend(struct uci_reader *r)
{
	const char *newline;

	r->pos = r->line_end;
	if (r->line_end == r->size)
		return;
	newline = memchr(r->text + r->line_end, '\n', r->size - r->line_end);
	r->line_end = newline ? (size_t)(newline - r->text) + 1 : r->size;
	r->line++;
}

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static void reader_skip_blanks(struct uci_reader *r)
{
	while (is_blank(reader_peek(r)))
		r->pos++;
}

/* Adds one byte to the word. */
static int reader_keep(struct uci_reader *r, char c)
{
	if (r->scratch_used == r->scratch_size)
		return reader_fail(r, r->line, -ENOSPC,
			"this statement is longer than the %zu bytes there is room for",
			r->scratch_size);
	r->scratch[r->scratch_used++] = c;
	return 0;
}

/* The byte under the cursor into the word. */
static int reader_take(struct uci_reader *r)
{
	char c = reader_peek(r);
	int error;

	if (c == '\0')
		return reader_fail(r, r->line, -EINVAL, "a NUL byte: this is no text file");
	if ((error = reader_keep(r, c)))
		return error;
	r->pos++;
	return 0;
}

/*
 * Past a backslash.  True: the character that follows is literal; false: it was an end of line, now
 * joined.
 */
static bool reader_unescape(struct uci_reader *r)
{
	char c;

	r->pos++;
	c = reader_peek(r);
	if (r->pos == r->line_end || c == '\n' ||
		(c == '\r' && r->pos + 2 == r->line_end && r->text[r->pos + 1] == '\n')) {
		reader_extend(r);
		return false;
	}
	return true;
}

static int reader_quoted(struct uci_reader *r, char quote)
{
	int opened = r->line, error;

	r->pos++;
	for (;;) {
		char c = reader_peek(r);

		if (r->pos == r->line_end) {
			if (r->line_end == r->size)
				return reader_fail(r, opened, -EINVAL,
					"the quote %c that opens here is never closed", quote);
			reader_extend(r);
			continue;
		}
		if (c == quote) {
			r->pos++;
			return 0;
		}
		if (c == '\\' && quote == '"' && !reader_unescape(r))
			continue;
		if ((error = reader_take(r)))
			return error;
	}
}

/* After a bare word that a ';' touches: uci forgets the rest of the line, so there must be none. */
static int reader_nothing_follows(struct uci_reader *r)
{
	r->pos++;
	reader_skip_blanks(r);
	if (r->pos < r->line_end && reader_peek(r) != '#')
		return reader_fail(r, r->line, -EINVAL,
			"uci would ignore what follows this ';': put a blank before it, "
			"or the next statement on a line of its own");
	r->pos = r->line_end;
	return 0;
}

/*
 * A quoted piece, or one character.  bare stays true as long as the word stands in the file as it
 * is.
 */
static int reader_piece(struct uci_reader *r, bool *bare)
{
	char c = reader_peek(r);

	if (c == '\'' || c == '"') {
		*bare = false;
		return reader_quoted(r, c);
	}
	if (c == '\\') {
		*bare = false;
		if (!reader_unescape(r))
			return 0;
	}
	return reader_take(r);
}

/* One word into the scratch, with its NUL; "" where the statement has ended. */
static int reader_word(struct uci_reader *r, const char **ret)
{
	size_t begin = r->scratch_used;
	bool bare = true, ended = false;
	int error;

	reader_skip_blanks(r);
	if (reader_peek(r) == ';') {
		r->pos++;
		ended = true;
	}
	while (!ended && r->pos < r->line_end) {
		char c = reader_peek(r);

		if (c == '#') {
			r->comment = r->pos;
			r->pos = r->line_end;
		} else if (c == ';') {
			if (bare && (error = reader_nothing_follows(r)))
				return error;
			ended = true;
		} else if ((error = reader_piece(r, &bare))) {
			return error;
		} else if (r->pos < r->line_end && is_blank(reader_peek(r))) {
			r->pos++;
			ended = true;
		}
	}
	*ret = r->scratch + begin;
	return reader_keep(r, '\0');
}

bool uci_name_valid(const char *name)
{
	if (!*name)
		return false;
	for (; *name; name++) {
		char c = *name;

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			    c == '_'))
			return false;
	}
	return true;
}

bool uci_type_valid(const char *type)
{
	if (!*type)
		return false;
	for (; *type; type++)
		if (*type < 33 || *type > 126)
			return false;
	return true;
}

bool uci_package_valid(const char *name)
{
	char c;

	if (!*name)
		return false;
	for (; (c = *name); name++) {
		char one[2] = {c, '\0'};

		if (c != '-' && !uci_name_valid(one))
			return false;
	}
	return true;
}

static const struct {
	const char *word;
	enum uci_keyword keyword;
} keyword_table[] = {
	{"package", UCI_KEYWORD_PACKAGE},
	{"config", UCI_KEYWORD_CONFIG},
	{"option", UCI_KEYWORD_OPTION},
	{"list", UCI_KEYWORD_LIST},
};

/* A keyword reaches to the next space or tab; nothing is unquoted in it. */
static int reader_keyword(struct uci_reader *r, enum uci_keyword *ret)
{
	const char *begin = r->text + r->pos;
	size_t length = 0;

	while (r->pos + length < r->line_end && begin[length] != ' ' && begin[length] != '\t')
		length++;
	for (size_t i = 0; i < sizeof(keyword_table) / sizeof(keyword_table[0]); i++) {
		const char *word = keyword_table[i].word;

		if (*begin != *word || (length != 1 && (length != strlen(word) ||
							       memcmp(begin, word, length) != 0)))
			continue;
		r->pos += length;
		*ret = keyword_table[i].keyword;
		return 0;
	}
	while (length > 0 && is_blank(begin[length - 1]))
		length--;
	if (length == 0)
		return reader_fail(r, r->line, -EINVAL,
			"nothing follows the ';': take it away, or end it with #");
	return reader_fail(r, r->line, -EINVAL,
		"'%.*s' is no statement: write config, option or list, then a blank and a name",
		length > 40 ? 40 : (int)length, begin);
}

static int reader_check(struct uci_reader *r, const struct uci_statement *s)
{
	const char *name = s->word[0];

	if (!*name)
		return reader_fail(r, s->line, -EINVAL, "a %s follows the word %s: there is none",
			s->keyword == UCI_KEYWORD_CONFIG ? "type" : "name",
			keyword_table[s->keyword].word);
	switch (s->keyword) {
	case UCI_KEYWORD_PACKAGE:
		if (uci_package_valid(name))
			return 0;
		break;
	case UCI_KEYWORD_CONFIG:
		if (!uci_type_valid(name))
			return reader_fail(r, s->line, -EINVAL,
				"'%.40s' cannot be a type: only printable ASCII without blanks",
				name);
		if (!*s->word[1] || uci_name_valid(s->word[1]))
			return 0;
		name = s->word[1];
		break;
	case UCI_KEYWORD_OPTION:
	case UCI_KEYWORD_LIST:
		if (uci_name_valid(name))
			return 0;
		break;
	}
	return reader_fail(r, s->line, -EINVAL,
		"'%.40s' cannot be a name: only letters, digits and _ (no - or .)", name);
}

/* The words of a statement, and then nothing. */
static int reader_words(struct uci_reader *r, struct uci_statement *s)
{
	unsigned n = s->keyword == UCI_KEYWORD_PACKAGE ? 1 : 2;
	const char *extra;
	int error;

	s->word[1] = "";
	for (unsigned i = 0; i < n; i++)
		if ((error = reader_word(r, &s->word[i])))
			return error;
	s->end = r->pos;
	if (r->comment > s->begin)
		s->end = r->comment;
	if (s->end > s->begin && is_blank(r->text[s->end - 1]))
		s->end--;
	/* "option a; ..." ends with the ';' that stood for the value */
	if ((error = reader_word(r, &extra)))
		return error;
	if (*extra)
		return reader_fail(r, s->line, -EINVAL,
			"'%.40s' is one word too many: put quotes around a value with blanks",
			extra);
	return 0;
}

int uci_reader_next(struct uci_reader *r, struct uci_statement *ret)
{
	struct uci_statement s = {0};
	int error;

	r->scratch_used = 0;
	for (;;) {
		if (r->pos == r->line_end) {
			if (r->line_end == r->size)
				return 0;
			reader_extend(r);
			reader_skip_blanks(r);
		}
		while (reader_peek(r) == ' ' || reader_peek(r) == '\t')
			r->pos++;
		if (reader_peek(r) == '#')
			r->pos = r->line_end;
		if (r->pos < r->line_end)
			break;
	}
	s.line = r->line;
	s.begin = r->pos;
	r->problem_in_config = false;
	if ((error = reader_keyword(r, &s.keyword)))
		return error;
	r->problem_in_config = s.keyword == UCI_KEYWORD_CONFIG;
	if ((error = reader_words(r, &s)) || (error = reader_check(r, &s)))
		return error;
	*ret = s;
	return 1;
}

int uci_reader_fail(struct uci_reader *r, const char *text)
{
	return reader_fail(r, r->line, -EINVAL, "%s", text);
}

int uci_reader_line(struct uci_reader *r, char **ret)
{
	const char *word;
	int error;

	r->scratch_used = 0;
	if (r->line_end == r->size)
		return 0;
	reader_extend(r);
	if ((error = reader_word(r, &word)))
		return error;
	if (r->pos < r->line_end)
		return uci_reader_fail(r, "more than one word");
	*ret = r->scratch + (word - r->scratch);
	return 1;
}
