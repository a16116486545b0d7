#include "daemon/crashes.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FILE_SIZE 160

static void name(const char *run_dir, char ret[FILE_SIZE])
{
	snprintf(ret, FILE_SIZE, "%s/starts", run_dir);
}

/* "COUNT SECOND": starts, and when the first was, by the clock that a boot sets to zero. */
static bool read_starts(const char *file, unsigned *ret_starts, int64_t *ret_first_s)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	char text[64], *end;
	ssize_t size;

	if (fd < 0)
		return false;
	size = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (size <= 0)
		return false;
	text[size] = '\0';
	*ret_starts = (unsigned)(strtoul(text, &end, 10) & 0xffff);
	*ret_first_s = strtoll(end, NULL, 10);
	return true;
}

unsigned crashes_count(const char *run_dir, unsigned limit, int64_t now_us)
{
	int64_t now_s = now_us / USEC_S, first_s = now_s;
	char file[FILE_SIZE], text[64];
	unsigned starts = 0;
	int fd, size;

	name(run_dir, file);
	if (!read_starts(file, &starts, &first_s) || first_s > now_s ||
		now_s - first_s > CRASHES_WINDOW_US / USEC_S) {
		starts = 0;
		first_s = now_s;
	}
	if (limit && starts >= limit) {
		unlink(file);
		return starts;
	}
	fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return starts;
	size = snprintf(text, sizeof(text), "%u %" PRId64 "\n", starts + 1, first_s);
	/* a file that could not be written counts for nothing */
	if (write(fd, text, (size_t)size) != size)
		unlink(file);
	close(fd);
	return starts;
}

void crashes_forget(const char *run_dir)
{
	char file[FILE_SIZE];

	name(run_dir, file);
	unlink(file);
}
