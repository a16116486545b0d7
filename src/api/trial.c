#include "api/trial.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/usec.h"

#define PATH_SIZE 256
#define OLD_FILE_MAX (1 << 20)

/*
 * ".autonomy.before" beside "autonomy": on the same file system, so that a rename is atomic and survives a power cut,
 * and hidden, because uci takes every visible file of /etc/config for a package.
 */
static int beside(const char *file, const char *suffix, char *path, size_t size)
{
	const char *slash = strrchr(file, '/');
	int folder = slash ? (int)(slash - file) + 1 : 0;
	int n = snprintf(path, size, "%.*s.%s.%s", folder, file, file + folder, suffix);

	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

static void sync_folder(const char *file)
{
	char path[PATH_SIZE];
	char *slash;
	int fd;

	snprintf(path, sizeof(path), "%s", file);
	slash = strrchr(path, '/');
	if (slash)
		slash[slash == path] = '\0';
	fd = open(slash ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

static int write_all(int fd, const char *data, size_t size)
{
	while (size) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		size -= (size_t)n;
	}
	return 0;
}

/* The file's permissions are kept when it exists: a configuration may be hidden from others. */
static int replace(const char *file, const char *text, size_t size)
{
	char path[PATH_SIZE];
	struct stat st;
	mode_t mode = 0644;
	int fd, r;

	r = beside(file, "new", path, sizeof(path));
	if (r)
		return r;
	if (!stat(file, &st))
		mode = st.st_mode & 0777;
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	r = write_all(fd, text, size);
	if (!r && (fchmod(fd, mode) || fsync(fd)))
		r = -errno;
	close(fd);
	if (!r && rename(path, file))
		r = -errno;
	if (r)
		unlink(path);
	else
		sync_folder(file);
	return r;
}

/* The content of file, or of an empty one when there is none; the caller frees it. */
static int read_whole(const char *file, char **ret_text, size_t *ret_size)
{
	FILE *f = fopen(file, "re");
	char *text = malloc(OLD_FILE_MAX);
	size_t size = 0;
	int r = 0;

	if (!text)
		r = -ENOMEM;
	else if (!f && errno != ENOENT)
		r = -errno;
	else if (f) {
		size = fread(text, 1, OLD_FILE_MAX, f);
		r = ferror(f) ? -EIO : size == OLD_FILE_MAX ? -EFBIG : 0;
	}
	if (f)
		fclose(f);
	if (r) {
		free(text);
		return r;
	}
	*ret_text = text;
	*ret_size = size;
	return 0;
}

static int keep_old(const char *file, const char *before)
{
	char *text;
	size_t size;
	int r;

	r = read_whole(file, &text, &size);
	if (r)
		return r;
	r = replace(before, text, size);
	free(text);
	return r;
}

int trial_begin(struct trial *t, const char *file, const char *text, size_t size, int64_t due_us,
	struct problem *ret)
{
	char before[PATH_SIZE];
	bool on_trial = due_us != USEC_NEVER;
	int r;

	if (t->running) {
		problem_set(ret, file, 0,
			"a configuration waits for confirmation; confirm or roll it back first");
		return -EBUSY;
	}
	r = beside(file, "before", before, sizeof(before));
	if (!r && on_trial)
		r = keep_old(file, before);
	if (r) {
		problem_set(ret, file, 0,
			"cannot keep the old configuration (%s); apply without --confirm or make "
			"room",
			strerror(-r));
		return r;
	}
	r = replace(file, text, size);
	if (r) {
		if (on_trial)
			unlink(before);
		problem_set(ret, file, 0, "cannot write the file: %s", strerror(-r));
		return r;
	}
	if (!on_trial)
		unlink(before);
	t->running = on_trial;
	t->due_us = due_us;
	return 0;
}

int trial_confirm(struct trial *t, const char *file, struct problem *ret)
{
	char before[PATH_SIZE];
	int r = beside(file, "before", before, sizeof(before));

	if (!r && unlink(before) && errno != ENOENT)
		r = -errno;
	if (r) {
		problem_set(ret, file, 0, "cannot remove the kept copy: %s", strerror(-r));
		return r;
	}
	sync_folder(file);
	t->running = false;
	t->due_us = USEC_NEVER;
	return 0;
}

int trial_roll_back(struct trial *t, const char *file, struct problem *ret)
{
	char before[PATH_SIZE];
	int r = beside(file, "before", before, sizeof(before));

	if (!r && rename(before, file))
		r = -errno;
	if (r) {
		problem_set(ret, file, 0, "cannot bring the old file back: %s", strerror(-r));
		return r;
	}
	sync_folder(file);
	t->running = false;
	t->due_us = USEC_NEVER;
	return 0;
}

int trial_recover(const char *file)
{
	struct trial t = {.running = true};
	int r = trial_roll_back(&t, file, NULL);

	return r == -ENOENT ? 0 : r ? r : 1;
}
