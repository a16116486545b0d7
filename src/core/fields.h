/*
 * One walk over the fields of every struct that is written down, for both directions
 * (base/pack.h).  The order of the fields is the format: new ones go to the end, with a new version
 * of what they are part of.  Reading checks all ranges.
 */
#pragma once

#include "base/pack.h"
#include "core/output.h"

void fields_policy(struct pack *p, struct policy *v);
void fields_learned(struct pack *p, struct path_learned *v);
void fields_action(struct pack *p, struct action *v);
void fields_event(struct pack *p, struct event *v);

/* Kind and body, without the time.  policy: where a policy is read to; in->policy then points
   there. */
void fields_input(struct pack *p, struct input *v, struct policy *policy);
