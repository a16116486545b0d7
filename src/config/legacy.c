#include "config/legacy.h"

#include <string.h>

/* "NAME " one after the other: smaller than pointers to each. */
static const char types[] =
	"member thresholds ml adaptive_monitoring metered starlink monitoring notifications gps "
	"wifi maintenance system_management ";
static const char options[] =
	"enable use_mwan3 poll_interval_ms decision_interval_ms discovery_interval_ms "
	"cleanup_interval_ms history_window_s retention_hours max_ram_mb data_cap_mode predictive "
	"switch_margin min_uptime_s cooldown_s metrics_listener health_listener log_file "
	"performance_profiling security_auditing profiling_enabled auditing_enabled "
	"max_failed_attempts block_duration ";

static bool lists(const char *names, const char *name)
{
	size_t n = strlen(name);

	for (const char *at = names; *at; at += strcspn(at, " ") + 1)
		if (!strncmp(at, name, n) && at[n] == ' ')
			return true;
	return false;
}

bool legacy_knows(const char *type, const char *option)
{
	return option ? !strcmp(type, "autonomy") && lists(options, option) : lists(types, type);
}
