/* Between world_links.c and world_run.c. */
#pragma once

#include "sim/world.h"

const struct world_fault *world_fault_now(const struct world_link *l, enum fault_kind kind,
	int64_t at_us);
bool world_packet_lost(struct world *w, struct world_link *l, int64_t at_us);
int64_t world_round_trip_us(struct world *w, struct world_link *l, int64_t at_us);
void world_probe(void *user, int64_t now_us, const struct action_probe *a,
	struct input_sample *ret);
void world_count(void *user, int64_t now_us, unsigned link, struct input_counters *ret);
void world_count_user(struct world *w, unsigned link, int64_t now_us);
