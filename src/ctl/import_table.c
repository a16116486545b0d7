#include "ctl/import_table.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define MEASURED "that is measured and learned now, for each link"
#define ELSEWHERE "it belongs to autonomy-agent or autonomy-sense, which have settings of their own"
#define FIXED "memory and times of that kind are fixed now"
#define UNUSED "the predecessor never read it"
#define PER_LINK "data limits belong to a link now: budget and quota in config link"
#define RELATION "there are no points any more: preference of a link goes first, then quality"

#define DROP(type_, section_, option_, why)                                                        \
	{                                                                                          \
		.type = (type_), .section = (section_), .option = (option_),                       \
		.how = IMPORT_HOW_DROP, .reason = (why)                                            \
	}

static const struct import_rule table[] = {
	{"autonomy", NULL, "enable", IMPORT_HOW_WORD, "1", "main", "mode",
		"0=observe|off=observe|no=observe|false=observe|1=|on=|yes=|true=", NULL},
	{"autonomy", NULL, "use_mwan3", IMPORT_HOW_WORD, "1", "main", "mode",
		"0=kernel|off=kernel|no=kernel|false=kernel|1=|on=|yes=|true=", NULL},
	{"autonomy", NULL, "log_level", IMPORT_HOW_WORD, NULL, "main", "log_level",
		"trace=debug|debug=debug|verbose=debug|info=info|notice=notice|warn=warning|"
		"warning=warning|error=error|err=error|fatal=error|panic=error",
		NULL},
	{"autonomy", NULL, "predictive", IMPORT_HOW_WORD, "1", "failover", "prediction",
		"0=off|off=off|no=off|false=off|1=|on=|yes=|true=", NULL},
	{"autonomy", NULL, "min_uptime_s", IMPORT_HOW_SECONDS, "20", "defaults", "hold", NULL,
		NULL},
	DROP("autonomy", NULL, "cooldown_s", "the hold after a return doubles with every relapse"),
	DROP("autonomy", NULL, "switch_margin", RELATION),
	DROP("autonomy", NULL, "poll_interval_ms", UNUSED),
	DROP("autonomy", NULL, "decision_interval_ms", UNUSED),
	DROP("autonomy", NULL, "discovery_interval_ms", UNUSED),
	DROP("autonomy", NULL, "cleanup_interval_ms", UNUSED),
	DROP("autonomy", NULL, "history_window_s", FIXED),
	DROP("autonomy", NULL, "retention_hours", FIXED),
	DROP("autonomy", NULL, "max_ram_mb", FIXED),
	DROP("autonomy", NULL, "data_cap_mode", PER_LINK),
	DROP("autonomy", NULL, "metrics_listener", ELSEWHERE),
	DROP("autonomy", NULL, "health_listener", ELSEWHERE),
	DROP("autonomy", NULL, "log_file", "messages go to syslog, or to standard error"),
	DROP("autonomy", NULL, "performance_profiling", "there is no profiler in the daemon"),
	DROP("autonomy", NULL, "profiling_enabled", "there is no profiler in the daemon"),
	DROP("autonomy", NULL, "security_auditing", ELSEWHERE),
	DROP("autonomy", NULL, "auditing_enabled", ELSEWHERE),
	DROP("autonomy", NULL, "max_failed_attempts", ELSEWHERE),
	DROP("autonomy", NULL, "block_duration", ELSEWHERE),
	DROP("autonomy", NULL, "adaptive_sampling_*", MEASURED),
	DROP("autonomy", NULL, "rate_optimizer_*", MEASURED),
	DROP("autonomy", NULL, "connection_detection_*", MEASURED),

	{"thresholds", "failover", "min_duration_s", IMPORT_HOW_SECONDS, "10", "failover",
		"bad_hold", NULL, NULL},
	{"thresholds", "restore", "min_duration_s", IMPORT_HOW_SECONDS, "30", "defaults", "hold",
		NULL, NULL},
	DROP("thresholds", "failover", "loss", MEASURED),
	DROP("thresholds", "failover", "latency", MEASURED),
	DROP("thresholds", "restore", "loss", MEASURED),
	DROP("thresholds", "restore", "latency", MEASURED),
	DROP("thresholds", "weights", "respect_user_weights", RELATION),
	DROP("thresholds", "weights", "dynamic_adjustment", RELATION),
	DROP("thresholds", "weights", "emergency_override", RELATION),
	DROP("thresholds", "weights", "only_emergency_override", RELATION),
	DROP("thresholds", "weights", "restore_timeout_s", RELATION),
	DROP("thresholds", "weights", "minimal_adjustment_points", RELATION),
	DROP("thresholds", "weights", "temporary_*", RELATION),
	DROP("thresholds", "weights", "emergency_*", RELATION),
	DROP("thresholds", "intelligence", "starlink_obstruction", MEASURED),
	DROP("thresholds", "intelligence", "cellular_signal", MEASURED),
	DROP("thresholds", "intelligence", "latency_degradation", MEASURED),
	DROP("thresholds", "intelligence", "loss", MEASURED),

	{"ml", NULL, "enabled", IMPORT_HOW_WORD, NULL, "failover", "prediction",
		"0=off|off=off|no=off|false=off|1=|on=|yes=|true=", NULL},
	DROP("ml", NULL, "model_path", "the models are part of the program"),
	DROP("ml", NULL, "training", "autonomyctl tune learns from this router's own record"),
	DROP("ml", NULL, "prediction", "see prediction in config failover"),

	DROP("starlink", NULL, "host", ELSEWHERE),
	DROP("starlink", NULL, "port", ELSEWHERE),
	DROP("starlink", NULL, "timeout_s", ELSEWHERE),
	DROP("starlink", NULL, "grpc_first", ELSEWHERE),
	DROP("starlink", NULL, "http_first", ELSEWHERE),

	DROP("monitoring", NULL, "broker", ELSEWHERE),
	DROP("monitoring", NULL, "port", ELSEWHERE),
	DROP("monitoring", NULL, "topic*", ELSEWHERE),
	DROP("monitoring", NULL, "client_id", ELSEWHERE),
	DROP("monitoring", NULL, "username", ELSEWHERE),
	DROP("monitoring", NULL, "password", ELSEWHERE),
	DROP("monitoring", NULL, "qos", ELSEWHERE),
	DROP("monitoring", NULL, "retain", ELSEWHERE),

	DROP("notifications", NULL, "pushover_*", ELSEWHERE),
	DROP("notifications", NULL, "email_*", ELSEWHERE),
	DROP("notifications", NULL, "slack_*", ELSEWHERE),
	DROP("notifications", NULL, "discord_*", ELSEWHERE),
	DROP("notifications", NULL, "telegram_*", ELSEWHERE),
	DROP("notifications", NULL, "webhook_*", ELSEWHERE),
	DROP("notifications", NULL, "event_*", ELSEWHERE),
	DROP("notifications", NULL, "priority_*", ELSEWHERE),
	DROP("notifications", NULL, "threshold", ELSEWHERE),
	DROP("notifications", NULL, "acknowledgment_tracking", ELSEWHERE),
	DROP("notifications", NULL, "location_enabled", ELSEWHERE),
	DROP("notifications", NULL, "rich_context_enabled", ELSEWHERE),
	DROP("notifications", NULL, "cooldown_s", ELSEWHERE),
	DROP("notifications", NULL, "max_per_hour", ELSEWHERE),

	DROP("metered", NULL, "enabled",
		"metered belongs to a link now: option metered in config link"),
	DROP("metered", NULL, "warning", PER_LINK),
	DROP("metered", NULL, "critical", PER_LINK),
	DROP("metered", NULL, "hysteresis_margin", PER_LINK),
	DROP("metered", NULL, "stability_delay", PER_LINK),
	DROP("metered", NULL, "reconnect_method", "clients are not reconnected"),
	DROP("metered", NULL, "debug", "see log_level in config autonomy"),

	/* some hundred options of three collectors, known by their sections */
	DROP("gps", NULL, NULL, ELSEWHERE),
	DROP("wifi", NULL, NULL, ELSEWHERE),
	DROP("adaptive_monitoring", NULL, NULL, MEASURED),
	DROP("adaptive_sampling*", NULL, NULL, MEASURED),
	DROP("rate_optimizer*", NULL, NULL, MEASURED),
	DROP("connection_detection*", NULL, NULL, MEASURED),
	DROP("maintenance", NULL, NULL,
		"the predecessor never read it; the daemon mends only what is its own"),
	DROP("system_management", NULL, NULL,
		"the predecessor never read it; the daemon mends only what is its own"),

	{"member", NULL, "detect", IMPORT_HOW_WORD, "auto", NULL, "enabled",
		"disable=0|disabled=0|off=0|0=0|auto=|force=|on=|1=", NULL},
	{"member", NULL, "enabled", IMPORT_HOW_BOOL, "1", NULL, "enabled", NULL, NULL},
	{"member", NULL, "class", IMPORT_HOW_WORD, NULL, NULL, "kind",
		"starlink=starlink|cellular=cellular|wifi=wifi|lan=wired|wired=wired|ethernet="
		"wired|"
		"vpn=vpn|other=other",
		NULL},
	{"member", NULL, "weight", IMPORT_HOW_COPY, NULL, NULL, "preference", NULL, NULL},
	{"member", NULL, "min_uptime_s", IMPORT_HOW_SECONDS, NULL, NULL, "hold", NULL, NULL},
	{"member", NULL, "metered", IMPORT_HOW_BOOL, NULL, NULL, "metered", NULL, NULL},
	{"member", NULL, "interface", IMPORT_HOW_COPY, NULL, NULL, "interface", NULL, NULL},
	{"member", NULL, "iface", IMPORT_HOW_COPY, NULL, NULL, "interface", NULL, NULL},
	{"member", NULL, "device", IMPORT_HOW_COPY, NULL, NULL, "device", NULL, NULL},
	DROP("member", NULL, "cooldown_s", "the hold after a return doubles with every relapse"),
	DROP("member", NULL, "prefer_roaming", ELSEWHERE),
};

/* NULL in the rule fits everything. */
static bool fits(const char *rule, const char *word)
{
	size_t n = rule ? strlen(rule) : 0;

	if (!rule)
		return true;
	if (n && rule[n - 1] == '*')
		return !strncmp(rule, word, n - 1);
	return !strcmp(rule, word);
}

const struct import_rule *import_rule(const char *type, const char *section, const char *option)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (fits(table[i].type, type) && fits(table[i].section, section) &&
			fits(table[i].option, option))
			return &table[i];
	return NULL;
}
