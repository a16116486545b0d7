/* An event as one line of JSON. */
#pragma once

#include <stdio.h>

#include "core/output.h"

void event_line_print(FILE *to, const struct event *e);
