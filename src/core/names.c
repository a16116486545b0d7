#include "core/names.h"

#include <stddef.h>

/* The tables are indexed by enum; a missing row would leave a hole that tests/unit/core/test_names.c finds. */
#define NAME_OF(table, value)                                                                      \
	((unsigned)(value) < sizeof(table) / sizeof((table)[0]) ? (table)[(unsigned)(value)] : NULL)

const char *family_name(enum family family)
{
	static const char *const name[] = {"ipv4", "ipv6"};

	return NAME_OF(name, family);
}

const char *link_kind_name(enum link_kind kind)
{
	static const char *const name[] = {"other", "wired", "starlink", "cellular", "wifi", "vpn"};

	return NAME_OF(name, kind);
}

const char *class_need_name(enum class_need need)
{
	static const char *const name[] = {"default", "realtime", "bulk"};

	return NAME_OF(name, need);
}

const char *probe_method_name(enum probe_method method)
{
	static const char *const name[] = {"icmp", "tcp", "dns", "http", "neighbour", "big"};

	return NAME_OF(name, method);
}

const char *health_name(enum health health)
{
	static const char *const name[] = {"absent", "down", "unknown", "up", "suspect", "degraded",
		"dead", "recovering"};

	return NAME_OF(name, health);
}

const char *verdict_name(enum verdict verdict)
{
	static const char *const name[] = {"none", "no-carrier", "no-address", "no-gateway",
		"gateway-silent", "provider", "silent", "loss", "delay", "jitter", "congestion",
		"dns", "portal", "mtu", "target", "local", "web"};

	return NAME_OF(name, verdict);
}

const char *step_name(enum step step)
{
	static const char *const name[] = {"none", "usable", "alive", "pin", "quota", "needs",
		"forecast", "steady", "preference", "score", "incumbent", "order"};

	return NAME_OF(name, step);
}

const char *stay_name(enum stay stay)
{
	static const char *const name[] = {"no-better", "unproven", "hold", "wait", "congestion"};

	return NAME_OF(name, stay);
}

const char *event_kind_name(enum event_kind kind)
{
	static const char *const name[] = {"health", "switch", "stay", "canary", "fail-open",
		"path-facts", "target", "verdict", "applied", "drift", "command", "expired",
		"policy", "budget", "flap", "time", "forecast"};

	return NAME_OF(name, kind);
}

const char *input_kind_name(enum input_kind kind)
{
	static const char *const name[] = {"tick", "policy", "path", "sample", "counters", "hint",
		"command", "applied", "drift", "learned", "adopted"};

	return NAME_OF(name, kind);
}

const char *sample_outcome_name(enum sample_outcome outcome)
{
	static const char *const name[] = {"answered", "refused", "portal", "unreachable",
		"too-big", "send-failed", "lost"};

	return NAME_OF(name, outcome);
}

const char *hint_kind_name(enum hint_kind kind)
{
	static const char *const name[] = {"signal-dbm", "sinr-cdb", "obstructed", "no-service",
		"outage-at", "quota-used"};

	return NAME_OF(name, kind);
}

const char *command_verb_name(enum command_verb verb)
{
	static const char *const name[] = {"pin", "unpin", "hold", "unhold", "drain", "undrain",
		"recheck", "release", "steer"};

	return NAME_OF(name, verb);
}

const char *prediction_name(enum prediction prediction)
{
	static const char *const name[] = {"off", "observe", "on"};

	return NAME_OF(name, prediction);
}

const char *horizon_name(enum horizon horizon)
{
	static const char *const name[] = {"1s", "10s", "60s"};

	return NAME_OF(name, horizon);
}

const char *trust_name(enum trust trust)
{
	static const char *const name[] = {"none", "untried", "some", "full"};

	return NAME_OF(name, trust);
}
