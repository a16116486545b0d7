/*
 * Is a path bad?  Loss, delay and jitter of its window against the needs of each class.  Beyond doubt means: likelier
 * by far than this path's usual loss, corrected for its burstiness; delay counts after it has lasted.
 */
#pragma once

#include "core/path.h"

/* Brings loss, delay, jitter, scores and bad[] up to date when something has ended since the last time.  passive is its link's. */
void assess_path(struct path *p, const struct step_env *env, struct passive *passive, bool active);

/* Notes whether it is in trouble now, and that time passes. */
void assess_trouble(struct path *p, const struct step_env *env, bool active);

/* The next time it wants to look again by itself; USEC_NEVER: whenever there is another step. */
int64_t assess_due_us(const struct path *p);
