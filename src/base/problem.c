#include "base/problem.h"

#include <stdio.h>

void problem_set(struct problem *p, const char *place, int line, const char *format, ...)
{
	va_list args;

	if (!p)
		return;
	snprintf(p->place, sizeof(p->place), "%s", place ? place : "");
	p->line = line;
	va_start(args, format);
	vsnprintf(p->text, sizeof(p->text), format, args);
	va_end(args);
}
