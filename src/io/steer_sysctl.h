/*
 * The kernel settings that steering needs: a loose reverse path filter on uplinks (answers may
 * come in where the route to their sender does not go out, RFC 3704 §2.4), and hashing by ports
 * where flows are spread over links.  What they were is remembered, also for a successor process
 * where there is a file for it, and put back on release if still as we set them.
 */
#pragma once

#include "core/limits.h"

#define STEER_SYSCTL_NAME_SIZE 64 /* below /proc/sys */
#define STEER_SYSCTLS_MAX (LINKS_MAX + 2)

struct steer_sysctl {
	char file[128]; /* "": remembered by this process only */
	unsigned n;
	struct steer_setting {
		char name[STEER_SYSCTL_NAME_SIZE];
		int was, set;
	} setting[STEER_SYSCTLS_MAX];
};

void steer_sysctl_init(struct steer_sysctl *s);

/* Where settings are remembered over restarts; reads what an earlier process left there. */
void steer_sysctl_remember(struct steer_sysctl *s, const char *run_dir);

/* Says what would keep established TCP flows from being moved. */
void steer_sysctl_check(void);

void steer_sysctl_uplink(struct steer_sysctl *s, const char *device);
void steer_sysctl_balance(struct steer_sysctl *s);
void steer_sysctl_restore(struct steer_sysctl *s);
