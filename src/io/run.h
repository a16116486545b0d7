/*
 * Runs a program and waits for it: for start, reload and changes of devices only, never in steady
 * state.  No shell, own process group, SIGKILL after a time-out; what it writes to stderr becomes
 * the problem's text.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/problem.h"

/* True when name (no slash) is an executable file in PATH. */
bool run_finds(const char *name);

/*
 * argv ends with NULL.  input (may be NULL) goes to its stdin.  ret_output, unless NULL, receives
 * what it wrote to stdout, with a final NUL; the caller frees it.  0; -ENOENT when there is no
 * such program; -ETIMEDOUT; -EIO with ret filled when it ended with another code than 0.
 */
int run_program(const char *const argv[], const char *input, char **ret_output,
	struct problem *ret);
