/* What is wrong with a configuration file, as JSON; needs no daemon. */
#pragma once

#include <json-c/json.h>

#include "config/config.h"

/* One object a problem: place, line, warning, text. */
struct json_object *config_problems_json(const struct config_problems *p);

/* The result of config.check for text, which is called file in messages; or, with text NULL, for what file holds.
   NULL: out of memory. */
struct json_object *config_check_json(const char *file, const char *text);
