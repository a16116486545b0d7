/* A snapshot as JSON: the results of status, links, link and explain. */
#pragma once

#include <json-c/json.h>

#include "api/snapshot.h"

/* Members state, state_text, classes[], links[]. */
struct json_object *status_json(const struct snapshot *s, int64_t wall_us);
/* deep: also what was learned, and the counters of probes. */
struct json_object *status_link_json(const struct snapshot *s, unsigned link, bool deep);
struct json_object *status_links_json(const struct snapshot *s);
struct json_object *status_explanation_json(const struct snapshot *s, unsigned class,
	enum family family, int64_t wall_us);
