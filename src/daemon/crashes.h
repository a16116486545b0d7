/*
 * How often the daemon has ended without a word of late.  Each start is counted in <run_dir>/starts, each orderly end
 * takes the file away; so what it says at a start is the number of crashes, unless the first is too long ago.  After
 * the limit the daemon stays down: whatever the kernel holds goes on as it is, instead of being touched every second.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/usec.h"

#define CRASHES_WINDOW_US (5 * USEC_MIN)

/* A start.  How many crashes preceded it; from limit (0: none) on the file is gone and the next start is the first. */
unsigned crashes_count(const char *run_dir, unsigned limit, int64_t now_us);

/* An orderly end. */
void crashes_forget(const char *run_dir);
