/*
 * The text format of /etc/config, as OpenWrt's uci programs read and write it: a reader that hands
 * out one statement after the other, a document that can be changed and written back, and a
 * writer.  Bytes and structs only: no files, no clock, no allocation.
 *
 *      config link 'wan'            a section: type and name; without a name it is called cfgXXYYYY
 *              option device 'eth1' one value; the last one counts; '' is passed over
 *              list target '1.1.1.1' an item; the items of a name are kept in order
 *
 * Words are bare, 'literal', "with \ escapes" or joined from such pieces ('a'"b"c).  '#' outside
 * quotes starts a comment, also inside a word; ';' outside quotes ends a statement; backslash and
 * end of line join two lines; a quoted word may span lines.  Keywords may be shortened to their
 * first letter.  A document knows no comments; uci_rewrite.h keeps them in a text.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reader */

enum uci_keyword {
	UCI_KEYWORD_PACKAGE, /* word[0]: name */
	UCI_KEYWORD_CONFIG,  /* word[0]: type, word[1]: name or "" */
	UCI_KEYWORD_OPTION,  /* word[0]: name, word[1]: value or "" */
	UCI_KEYWORD_LIST,    /* word[0]: name, word[1]: item or "" */
};

struct uci_statement {
	enum uci_keyword keyword;
	int line;            /* where it begins, from 1 */
	size_t begin, end;   /* from the keyword to behind the last word */
	const char *word[2]; /* in the reader's scratch: valid until the next call */
};

#define UCI_PROBLEM_SIZE 160

struct uci_reader {
	const char *text;
	size_t size, pos, line_end, comment; /* comment: where the last one begins */
	int line;
	char *scratch;
	size_t scratch_size, scratch_used;
	int problem_line;
	/* a config statement is at fault: the options below it belong nowhere */
	bool problem_in_config;
	char problem[UCI_PROBLEM_SIZE];
};

/*
 * Both text and scratch belong to the caller.  A statement's words must fit into scratch, each with
 * a final NUL.
 */
void uci_reader_init(struct uci_reader *r, const char *text, size_t size, char *scratch,
	size_t scratch_size);

/*
 * 1: a statement; 0: the end; -EINVAL or -ENOSPC (words longer than the scratch): r->problem_line
 * and r->problem say what is wrong.  The next call goes on after the line at fault, so that all
 * problems can be told at once.
 */
int uci_reader_next(struct uci_reader *r, struct uci_statement *ret);

bool uci_name_valid(const char *name);    /* of a section or option: letters, digits and _ */
bool uci_type_valid(const char *type);    /* printable ASCII without blanks */
bool uci_package_valid(const char *name); /* of a file: as a name, and - */

/* For other formats of the same words: the one word of the next line.  Results as uci_reader_next(). */
int uci_reader_line(struct uci_reader *r, char **ret);
/* -EINVAL: the rest of the line is passed over. */
int uci_reader_fail(struct uci_reader *r, const char *text);

/* Document */

struct uci_item {
	struct uci_item *next;
	const char *text;
	int line;
	uint32_t place; /* of its statement in the text, from 1; 0: not from a text */
};

struct uci_option {
	struct uci_option *next;
	const char *name;
	struct uci_item *item; /* at least one */
	bool list;
	int line;
	uint32_t place; /* of its last statement */
};

struct uci_section {
	struct uci_section *next;
	const char *type;
	const char *name; /* made up (cfgXXYYYY) when anonymous */
	bool anonymous;
	int line; /* 0: not from a file */
	uint32_t place;
	struct uci_option *option;
};

struct uci_document {
	char *memory;
	size_t size, used;
	unsigned n_sections; /* there ever were; numbers the anonymous ones */
	struct uci_section *section, *last;
	bool twins; /* one name may stand for sections of different types: for files that uci would refuse */
};

/*
 * The document lives in memory, which belongs to the caller and is never grown; what is replaced is
 * not reused.
 */
void uci_document_init(struct uci_document *d, void *memory, size_t size);

/* Enough memory for any text of this size. */
size_t uci_document_room(size_t text_size);

typedef void uci_problem_fn(void *user, int line, const char *text);

/*
 * Adds what a file says.  0; -EINVAL when there were problems (each was told; the rest has been
 * read); -ENOMEM when the memory is used up (told as well).  Only after 0 does the document mean
 * what uci would make of the file.
 */
int uci_document_parse(struct uci_document *d, const char *text, size_t size, uci_problem_fn *tell,
	void *user);

struct uci_section *uci_document_section(const struct uci_document *d, const char *name);
/* @type[index]: from 0, negative from the end. */
struct uci_section *uci_document_typed(const struct uci_document *d, const char *type, int index);
struct uci_option *uci_section_option(const struct uci_section *s, const char *name);
/* The option's value, or the list's last item; NULL when it is not there. */
const char *uci_section_value(const struct uci_section *s, const char *name);

/* name NULL: anonymous.  -EEXIST, -EINVAL (malformed name or type), -ENOMEM. */
int uci_document_add(struct uci_document *d, const char *type, const char *name,
	struct uci_section **ret_section);
void uci_document_remove(struct uci_document *d, struct uci_section *s);
/* As `uci set`: replaces an option or a whole list; an empty value removes it. */
int uci_section_set(struct uci_document *d, struct uci_section *s, const char *name,
	const char *value);
/* As `uci add_list`: an option becomes the first item. */
int uci_section_append(struct uci_document *d, struct uci_section *s, const char *name,
	const char *item);
void uci_section_remove(struct uci_section *s, const char *name);
/* As `uci set section=type`. */
int uci_section_retype(struct uci_document *d, struct uci_section *s, const char *type);
/* Puts the section where others stand before it; at the end when there are not so many. */
void uci_document_place(struct uci_document *d, struct uci_section *s, int place);
/* A copy in the document's memory; NULL: it is used up. */
const char *uci_document_text(struct uci_document *d, const char *text);

/* Writer: bytes beyond size are counted, not written; the text is NUL-terminated when size > 0. */

struct uci_writer {
	char *buffer;
	size_t size, length; /* length: of the whole text, as snprintf would say */
};

void uci_writer_init(struct uci_writer *w, char *buffer, size_t size);
void uci_write_section(struct uci_writer *w, const char *type,
	const char *name); /* NULL: anonymous */
void uci_write_option(struct uci_writer *w, const char *name, const char *value);
void uci_write_item(struct uci_writer *w, const char *name, const char *item);
/* One comment line; indented when it belongs to an option.  Line ends in text become blanks. */
void uci_write_comment(struct uci_writer *w, bool indented, const char *text);
void uci_write_end(struct uci_writer *w);
void uci_write_text(struct uci_writer *w, const char *text);   /* as it is */
void uci_write_quoted(struct uci_writer *w, const char *text); /* 'text' */
void uci_write_bytes(struct uci_writer *w, const char *bytes, size_t n);

/* The whole document in uci's own layout; the bytes needed, as snprintf. */
size_t uci_document_print(const struct uci_document *d, char *buffer, size_t size);
