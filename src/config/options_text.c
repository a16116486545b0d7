#include "config/options.h"

/* The same rows again, with their texts. */
extern const struct option option_table_described[];
#define OPTION_TABLE option_table_described
#define SAYS(words) .text = (words)
#include "config/option_rows.h"

const char *option_text(const struct option *o)
{
	return option_table_described[o - option_table].text;
}

const char *option_section_text(enum option_section section)
{
	return section_table[section].text;
}
