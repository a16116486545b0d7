/* Events, history and ledger as JSON. */
#pragma once

#include "api/api.h"
#include "core/eventring.h"

/* seq, wall_ms, kind, link, class ..., text */
struct json_object *event_json(const struct api *api, const struct eventring_entry *entry);

/* Whether the event concerns the link: is about it, or leads to or away from it. */
bool event_concerns(const struct event *e, unsigned link);
