/* autonomyctl config import OLD [--output FILE] [--dry-run]: without the daemon. */
#pragma once

#include "ctl/arguments.h"

enum exit_code import_command(const struct arguments *a, char *ret_error, size_t size);
