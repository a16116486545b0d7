/*
 * autonomy-replay whatif: this site's record, or another file, played with other options.  Also run by
 * autonomyctl, and by the daemon when somebody asks it over RPC or ubus.
 */
#pragma once

/* argv[0] is "whatif".  The exit code. */
int whatif_command(int argc, char **argv);
