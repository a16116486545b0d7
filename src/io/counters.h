/*
 * Reads packet counters of links: one request a link, answered at once by the kernel, no polling of its own: the engine
 * asks with ACTION_COUNT.  RTM_GETSTATS with IFLA_STATS_LINK_64; RTM_GETLINK where that is missing, and where the families are
 * wanted apart: only there are IPv6's own counters (RFC 4293 by device, IFLA_INET6_STATS).
 */
#pragma once

#include "io/inbox.h"

struct counters;

struct counters *counters_new(struct inbox *inbox); /* NULL with errno */
void counters_free(struct counters *c);
void counters_set_link(struct counters *c, unsigned link, uint32_t ifindex); /* 0: gone */
/* Leaves INPUT_COUNTERS, one a link.  apart: those of which the families are wanted apart; they are not where the kernel has
   no IPv6 on the device. */
void counters_read(struct counters *c, uint32_t links, uint32_t apart);
