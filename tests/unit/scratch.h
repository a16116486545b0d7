/* A folder for one test, and files in it.  To be included after cmocka.h. */
#pragma once

#include <stdio.h>
#include <stdlib.h>

static char scratch_folder[64];

static inline void scratch_make(void)
{
	snprintf(scratch_folder, sizeof(scratch_folder), "/tmp/autonomy-test-XXXXXX");
	assert_non_null(mkdtemp(scratch_folder));
}

static inline int scratch_remove(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", scratch_folder);
	return system(command);
}

/* As any editor without manners: the same inode, no lock. */
static inline void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* "" also for a file that is not there. */
static inline const char *get(const char *path)
{
	static char text[4096];
	FILE *f = fopen(path, "r");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

	if (f)
		fclose(f);
	text[n] = '\0';
	return text;
}
