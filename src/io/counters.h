/* Reads packet counters of links (RTM_GETSTATS, IFLA_STATS_LINK_64; RTM_GETLINK where that is missing): one small
   request a link, answered at once by the kernel, no polling of its own: the engine asks with ACTION_COUNT. */
#pragma once

#include "io/inbox.h"

struct counters;

struct counters *counters_new(struct inbox *inbox); /* NULL with errno */
void counters_free(struct counters *c);
void counters_set_link(struct counters *c, unsigned link, uint32_t ifindex); /* 0: gone */
void counters_read(struct counters *c, uint32_t links); /* leaves INPUT_COUNTERS, one a link */
