/* The engine's memory, for engine.c and view.c alone; everybody else takes view.h. */
#pragma once

#include "core/apart.h"
#include "core/choice.h"
#include "core/plan.h"
#include "core/probing.h"

struct link {
	struct passive passive[FAMILY_COUNT]; /* of each path */
	struct apart apart;
	struct budget budget;
	int64_t count_us;         /* next reading of the counters */
	int64_t drained_until_us; /* 0: not drained */
	int64_t quota_used_bytes; /* -1: not known */
};

struct engine {
	struct policy policy;
	struct path path[PATHS_MAX];
	struct link link[LINKS_MAX];
	struct class_state wish[CLASSES_MAX];
	struct choice choice[CLASSES_MAX][FAMILY_COUNT];
	struct plan plan;

	uint32_t
		usable; /* bit mask of the paths for which path_usable(); the others need no look at each step */
	uint32_t shared; /* of those whose link has flows of its own beside any class */
	uint32_t drained, over_quota; /* bit masks of links */
	int64_t wishes_due_us;        /* when the first pin, hold or drain ends */
	int64_t now_us, started_us;
	uint32_t action_seq;
	uint64_t random;
	uint8_t proven[FAMILY_COUNT][TARGETS_MAX]; /* see struct step_env */
	uint32_t target_fault[FAMILY_COUNT]; /* bit mask of targets found at fault on every path */
	bool released;
	uint64_t inputs, actions, events, ignored, time_corrections, dropped_events;
};
