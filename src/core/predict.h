/*
 * Forecasts of one path: once a second its probes are handed to the model (hazard.h), and what the model said before is
 * set against what has happened (forecast.h).  Nothing follows from a forecast that has not earned it here.
 */
#pragma once

#include "core/path.h"

/* At most once a second; call it after the path was judged. */
void predict_run(struct path *p, const struct step_env *env);

/* An outage is likely enough within the horizon to be ready for it, and forecasts are trusted at least so far. */
bool predict_warns(const struct path *p, const struct policy *policy, enum trust least);

/* An outage has been so likely that leaving costs less than waiting until it is noticed, no longer ago than a failback
   is held. */
bool predict_doomed(const struct path *p, const struct policy *policy, int64_t now_us);
