/* Names of autonomy's predecessor: so that a file written for it is known for what it is. */
#pragma once

#include <stdbool.h>

/*
 * Whether a section type, or an option of config autonomy (option not NULL), is of old.  What became of each is told by
 * autonomyctl config import (ctl/import_table.c).
 */
bool legacy_knows(const char *type, const char *option);
