/* autonomyctl as a function; src/autonomyctl.c only calls it. */
#pragma once

int ctl_run(int argc, char **argv);
