/* Whatever is in a recording, packed or not, or in a scenario: an error or a world that can be
   asked, never a crash. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "replay/scenario.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(struct recording *r)
{
	static const int64_t times_us[] = {INT64_MIN / 4, -1, 0, 1, 1000000, 99999999, 12345,
		3600000000, INT64_MAX / 4};

	for (size_t i = 0; i < sizeof(times_us) / sizeof(times_us[0]); i++)
		recording_at(r, times_us[i]);
	for (size_t i = 1; i < r->n; i++) {
		if (r->row[i].at_us < r->row[i - 1].at_us)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	static char file[64];
	static struct scenario s;
	struct recording r;
	struct problem problem = {.text = ""};

	if (fd < 0) {
		fd = memfd_create("fuzz", 0);
		snprintf(file, sizeof(file), "/proc/self/fd/%d", fd);
	}
	if (fd < 0 || ftruncate(fd, 0) < 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
		abort();
	if (!recording_load(&r, file, 5, size & 1, &problem)) {
		ask(&r);
		recording_free(&r);
	} else if (!problem.text[0]) {
		abort();
	}
	/* as a scenario, whose recordings are the same bytes */
	if (!scenario_load(&s, file, "/proc/self", &problem))
		scenario_free(&s);
	return 0;
}
