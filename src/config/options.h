/*
 * The option table (option_rows.h): the master copy of everything that can be configured.  A row names an option,
 * the field it fills, its range, default and text.  Reading and printing of /etc/config/autonomy,
 * the reload diff, docs/options.md and the schema for user interfaces are loops over it; a new
 * option is one row (and its field in a policy or in struct config).
 */
#pragma once

#include <stdio.h>

#include "config/config.h"

/*
 * In the order in which sections are read: a match names a class, a link starts from the defaults.
 */
enum option_section {
	OPTION_SECTION_MAIN,     /* struct config */
	OPTION_SECTION_DETECT,   /* struct config */
	OPTION_SECTION_FAILOVER, /* struct config */
	OPTION_SECTION_STEER,    /* struct config */
	OPTION_SECTION_DEFAULTS, /* struct config_link */
	OPTION_SECTION_LINK,     /* struct config_link */
	OPTION_SECTION_CLASS,    /* struct class_policy */
	OPTION_SECTION_MATCH,    /* struct class_match */
	OPTION_SECTION_TARGET,   /* struct option_target */
	OPTION_SECTION_COUNT,
};

/* What a target section fills; the policy keeps targets by family. */
struct option_target {
	struct target target;
	enum family family;
};

enum option_type {
	OPTION_TYPE_BOOL,
	OPTION_TYPE_INTEGER,
	OPTION_TYPE_MASK, /* hexadecimal */
	OPTION_TYPE_MODE, /* octal */
	OPTION_TYPE_DURATION,
	OPTION_TYPE_BYTES,
	OPTION_TYPE_WORD, /* one of a few */
	OPTION_TYPE_NAME,
	OPTION_TYPE_DEVICE,
	OPTION_TYPE_HOST,
	OPTION_TYPE_PATH,
	OPTION_TYPE_PROTOCOL,
	OPTION_TYPE_PORTS,
	OPTION_TYPE_DSCP,
	OPTION_TYPE_ADDRESS,
	OPTION_TYPE_PREFIX,
	OPTION_TYPE_CLASS,
	OPTION_TYPE_METHODS, /* list */
	OPTION_TYPE_LINKS,   /* list */
	OPTION_TYPE_COUNT,
};

struct option {
	enum option_section section;
	enum option_type type;
	const char *name;
	uint16_t offset, size; /* of the field in the section's struct */
	bool live;             /* takes effect at reload; the others at the next start */
	int64_t def, min, max; /* of numbers, in the field's unit */
	const char *def_text;  /* of texts and lists */
	const char *(*word)(int64_t value); /* of OPTION_TYPE_WORD and _METHODS, from min to max */
	const char *text;                   /* see option_text() */
};

extern const struct option option_table[];
extern const unsigned option_count;

struct option_section_info {
	const char *type; /* config TYPE */
	const char *name; /* of the one section there is; NULL: there may be many */
	const char *text;
};

/* The texts of rows and sections are for documents: options_text.c has them, the tables of a program do not. */
const char *option_text(const struct option *o);
const char *option_section_text(enum option_section section);

const struct option_section_info *option_section(enum option_section section);
const char *option_type_name(enum option_type type); /* for documents and schemas */
bool option_is_list(const struct option *o);

/* The rows of a section are neighbours. */
const struct option *option_first(enum option_section section, unsigned *ret_n);
/* NULL: there is no such option. */
const struct option *option_find(enum option_section section, const char *name);
/*
 * The bit in config_link.set that belongs to a row of SECTION_LINK or the row of the same name in
 * SECTION_DEFAULTS.
 */
unsigned option_link_bit(const struct option *o);

#define OPTION_TEXT_SIZE 192
#define OPTION_WHY_SIZE 256

/*
 * Reads one value, or one item of a list (further items are added), into base, the struct of the
 * option's section, which is part of config or, for targets, stands beside it.  0 or -EINVAL with
 * the reason, a sentence, in ret_why.
 */
int option_read(const struct option *o, struct config *config, void *base, const char *text,
	char ret_why[OPTION_WHY_SIZE]);

/* All zero: the field of a list before its first item. */
void option_clear(const struct option *o, void *base);

/* Sets the row's default. */
void option_default(const struct option *o, void *base);

/* The value, or the list's item of that number, as it would be written.  False: there is none. */
bool option_print(const struct option *o, const struct config *config, const void *base,
	unsigned item, char ret[OPTION_TEXT_SIZE]);
/* A list's items in one line, with blanks between them; "" when there is nothing. */
void option_print_all(const struct option *o, const struct config *config, const void *base,
	char *ret, size_t size);

/* What may be written, for people: "1 to 100", "kernel or observe". */
void option_print_range(const struct option *o, char *ret, size_t size);

/* Documents made from the table (options_document.c). */
void options_print_markdown(FILE *f); /* docs/options.md */
void options_print_uci(FILE *f);      /* a commented /etc/config/autonomy */
