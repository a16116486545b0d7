/* The word for every value of the core's enums, as shown, logged and configured.  NULL only for values out of range. */
#pragma once

#include "core/forecast.h"
#include "core/output.h"

const char *family_name(enum family family);       /* ipv4 ipv6 */
const char *link_kind_name(enum link_kind kind);   /* other wired starlink cellular wifi vpn */
const char *class_need_name(enum class_need need); /* default realtime bulk */
const char *probe_method_name(enum probe_method method); /* icmp tcp dns http neighbour big */
const char *health_name(enum health health);
const char *verdict_name(enum verdict verdict);
const char *step_name(enum step step);
const char *stay_name(enum stay stay);
const char *event_kind_name(enum event_kind kind);
const char *input_kind_name(enum input_kind kind);
const char *sample_outcome_name(enum sample_outcome outcome);
const char *hint_kind_name(enum hint_kind kind);
const char *command_verb_name(enum command_verb verb);
const char *prediction_name(enum prediction prediction); /* off observe on */
const char *horizon_name(enum horizon horizon);          /* 1s 10s 60s */
const char *trust_name(enum trust trust);
