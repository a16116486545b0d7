/*
 * autonomy-replay tune: option values that would have cost less, on a set of scenarios or on this site's own record.
 */
#pragma once

/* argv[0] is "tune".  The exit code. */
int tune_command(int argc, char **argv);
