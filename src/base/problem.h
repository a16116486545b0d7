/* What went wrong, for a person: where, and what to do about it.  The caller owns it. */
#pragma once

#include <stdarg.h>

#define PROBLEM_PLACE_SIZE 96
#define PROBLEM_TEXT_SIZE 256

struct problem {
	char place[PROBLEM_PLACE_SIZE]; /* a file, a section, a method; "" when there is none */
	int line;                       /* from 1; 0 when the place has no lines */
	char text[PROBLEM_TEXT_SIZE];   /* a sentence that says what to do */
};

#if defined(__GNUC__)
__attribute__((format(printf, 4, 5)))
#endif
void problem_set(struct problem *p, const char *place, int line, const char *format, ...);
