/* What became of each section and option of the predecessor. */
#pragma once

enum import_how {
	IMPORT_HOW_DROP,
	IMPORT_HOW_COPY,    /* the value as it is */
	IMPORT_HOW_BOOL,    /* 1 or 0 */
	IMPORT_HOW_WORD,    /* by the rule's words */
	IMPORT_HOW_SECONDS, /* a number of seconds becomes a duration; the longest counts */
};

struct import_rule {
	const char *type;    /* of the section; ends in * for a beginning */
	const char *section; /* its name; NULL: any */
	const char
		*option; /* NULL: every one without a rule of its own; ends in * for a beginning */
	enum import_how how;
	const char
		*shipped; /* the predecessor's own default; such a value says nothing; NULL: none */
	const char *to_section; /* as config_edit.h; NULL: the link that the member becomes */
	const char *to_option;
	const char *words;  /* "old=new|old=new"; a new "" leaves the default */
	const char *reason; /* of what is dropped */
};

/* The first that fits counts; NULL: there is none. */
const struct import_rule *import_rule(const char *type, const char *section, const char *option);
