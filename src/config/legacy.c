#include "config/legacy.h"

#include <stddef.h>
#include <string.h>

#define BY_MEASUREMENT "take it away: that is measured now"
#define NOT_HERE "take it away: this version does not have it"

static const struct {
	const char *type, *option; /* option NULL: the section */
	const char *advice;
} legacy_table[] = {
	{"member", NULL, "write a section config link 'NAME' with option device"},
	{"thresholds", NULL, BY_MEASUREMENT},
	{"ml", NULL, BY_MEASUREMENT},
	{"adaptive_monitoring", NULL, BY_MEASUREMENT},
	{"metered", NULL, "set metered, budget and quota in config link"},
	{"starlink", NULL, NOT_HERE},
	{"monitoring", NULL, NOT_HERE},
	{"notifications", NULL, NOT_HERE},
	{"gps", NULL, NOT_HERE},
	{"wifi", NULL, NOT_HERE},
	{"maintenance", NULL, NOT_HERE},
	{"system_management", NULL, NOT_HERE},

	{"autonomy", "enable", "stop the service instead, or set mode to observe"},
	{"autonomy", "use_mwan3", NOT_HERE},
	{"autonomy", "poll_interval_ms", "see heartbeat_active in config detect"},
	{"autonomy", "history_window_s", BY_MEASUREMENT},
	{"autonomy", "retention_hours", NOT_HERE},
	{"autonomy", "max_ram_mb", "take it away: memory is fixed"},
	{"autonomy", "data_cap_mode", "set budget and quota in config link"},
	{"autonomy", "predictive", BY_MEASUREMENT},
	{"autonomy", "switch_margin", "see switch_cost in config failover"},
	{"autonomy", "min_uptime_s", "see hold in config defaults"},
	{"autonomy", "cooldown_s", "see hold in config defaults"},
	{"autonomy", "metrics_listener", NOT_HERE},
	{"autonomy", "health_listener", NOT_HERE},
	{"autonomy", "log_file", "take it away: messages go to syslog"},
	{"autonomy", "performance_profiling", NOT_HERE},
	{"autonomy", "security_auditing", NOT_HERE},
};

const char *legacy_advice(const char *type, const char *option)
{
	for (size_t i = 0; i < sizeof(legacy_table) / sizeof(legacy_table[0]); i++) {
		const char *known = legacy_table[i].option;

		if (!strcmp(legacy_table[i].type, type) &&
			(option && known ? !strcmp(option, known) : option == known))
			return legacy_table[i].advice;
	}
	return NULL;
}
