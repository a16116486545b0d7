/* The live view: autonomyctl watch. */
#pragma once

#include "ctl/arguments.h"

enum exit_code watch_run(const char *socket);
