#include "config/options.h"

#include <errno.h>
#include <string.h>

#include "base/usec.h"
#include "config/value.h"
#include "core/names.h"

#define OPTION_TABLE option_table
#define SAYS(words) .text = NULL
#include "config/option_rows.h"

const unsigned option_count = sizeof(option_table) / sizeof(option_table[0]);

const struct option_section_info *option_section(enum option_section section)
{
	return &section_table[section];
}

const struct option *option_first(enum option_section section, unsigned *ret_n)
{
	unsigned first = 0, n = 0;

	while (first < option_count && option_table[first].section != section)
		first++;
	while (first + n < option_count && option_table[first + n].section == section)
		n++;
	*ret_n = n;
	return &option_table[first];
}

const struct option *option_find(enum option_section section, const char *name)
{
	unsigned n;
	const struct option *o = option_first(section, &n);

	for (; n--; o++)
		if (!strcmp(o->name, name))
			return o;
	return NULL;
}

unsigned option_link_bit(const struct option *o)
{
	const struct option *row = option_find(OPTION_SECTION_LINK, o->name);
	unsigned n;

	return (unsigned)(row - option_first(OPTION_SECTION_LINK, &n));
}
