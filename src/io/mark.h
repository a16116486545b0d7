/*
 * The fwmark that binds a packet to a link's table: a number of the link from 1 on, placed under
 * the configured mask.
 */
#pragma once

#include "config/config.h"

/* 0 when the mask is empty.  With the bits that keep another program's policies off our packets. */
static inline uint32_t steer_mark(const struct config *config, unsigned link)
{
	uint32_t mask = config->mark_mask;

	return (mask ? ((uint32_t)(link + 1) << __builtin_ctz(mask)) & mask : 0) |
	       config->bypass_mark;
}
