/* docs/api.md: methods from the command table, and the objects that they return. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "api/command.h"

void generate_api(FILE *out);

/* Whether a member of an object ("status", "choice", "link", "path", "event") is described. */
bool generate_api_has(const char *object, const char *member);
