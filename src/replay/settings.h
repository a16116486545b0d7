/*
 * A configuration file with some options changed: what-if and tuning ask for "failover.unsteady=1s".
 *
 *      SECTION.OPTION=VALUE    SECTION: default (of links), detect, failover, main, class.NAME,
 *                              or the name of a link; the VALUE of a list is its items with
 *                              blanks between them, an empty one takes the option out
 */
#pragma once

#include <stdio.h>

#include "config/config.h"

/*
 * Reads file (NULL or missing: defaults) with the settings in it.  ret_text, unless NULL, becomes
 * the whole file (without comments) and must have CONFIG_FILE_MAX bytes.  0 or -errno with
 * ret_problem filled: a mistake in a setting, and a word of it that is not understood, names the
 * setting as its place.
 */
int settings_load(const char *file, const char *const setting[], unsigned n, struct config *ret,
	char *ret_text, struct problem *ret_problem);

/* Whether there is such an option, and its value is a duration; the value itself is not looked at. */
bool settings_is_duration(const char *setting);
void settings_print_durations(FILE *to); /* those of the sections that decide when traffic moves */

/* The same with the file's text at hand; name stands for it in messages. */
int settings_parse(const char *name, const char *text, size_t size, const char *const setting[],
	unsigned n, struct config *ret, char *ret_text, struct problem *ret_problem);
