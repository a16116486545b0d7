#include "config/uci_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* What uci has built in. */
#define UCI_FOLDER "/etc/config/"
#define UCI_OVERRIDE_FOLDER "/var/run/uci/"
#define UCI_DELTA_FOLDER "/tmp/.uci"
#define UCI_TEMPORARY ".uci-"

#define TRIES 20
#define TRY_NS 1000000
#define ABANDONED_S 5 /* a temporary file this old is left over from a crash */

static void pause_a_moment(void)
{
	nanosleep(&(struct timespec){0, TRY_NS}, NULL);
}

const char *uci_store_package(const char *file)
{
	const char *slash = strrchr(file, '/');

	return slash ? slash + 1 : file;
}

static bool in_uci_folder(const char *file)
{
	size_t n = sizeof(UCI_FOLDER) - 1;

	return !strncmp(file, UCI_FOLDER, n) && !strchr(file + n, '/');
}

/* As uci: what lies in /var/run/uci goes before /etc/config. */
static int place_of(const char *file, char *path)
{
	struct stat st;
	int n;

	if (in_uci_folder(file)) {
		n = snprintf(path, UCI_STORE_PATH_SIZE, UCI_OVERRIDE_FOLDER "%s",
			uci_store_package(file));
		if (n > 0 && n < UCI_STORE_PATH_SIZE && !stat(path, &st))
			return 0;
	}
	n = snprintf(path, UCI_STORE_PATH_SIZE, "%s", file);
	return n < 0 || n >= UCI_STORE_PATH_SIZE ? -ENAMETOOLONG : 0;
}

/* False: nothing can be staged for this file. */
static bool delta_place(const char *file, const char *delta_dir, char *path)
{
	int n;

	if (!delta_dir && !in_uci_folder(file))
		return false;
	n = snprintf(path, UCI_STORE_PATH_SIZE, "%s/%s", delta_dir ? delta_dir : UCI_DELTA_FOLDER,
		uci_store_package(file));
	return n > 0 && n < UCI_STORE_PATH_SIZE;
}

static int lock(int fd, int how)
{
	if (!flock(fd, how | LOCK_NB) || errno == ENOSYS)
		return 0;
	return errno == EWOULDBLOCK || errno == EINTR ? -EBUSY : -errno;
}

/* All of it, with a NUL behind; the caller frees it. */
static int read_all(int fd, size_t max, char **ret_text, size_t *ret_size)
{
	struct stat st;
	size_t size = 0, room;
	char *text;
	ssize_t n;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EBADF;
	if (st.st_size > (off_t)max)
		return -EFBIG;
	/* it may grow while it is read */
	room = (size_t)st.st_size + 1;
	text = malloc(room + 1);
	if (!text)
		return -ENOMEM;
	do {
		n = pread(fd, text + size, room - size, (off_t)size);
		if (n > 0)
			size += (size_t)n;
	} while ((n > 0 && size < room) || (n < 0 && errno == EINTR));
	if (n < 0 || size == room) {
		n = n < 0 ? -errno : -EBUSY;
		free(text);
		return (int)n;
	}
	text[size] = '\0';
	*ret_text = text;
	*ret_size = size;
	return 0;
}

int uci_store_read_path(const char *path, size_t max, char **ret_text, size_t *ret_size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), r;

	if (fd < 0)
		return -errno;
	/* who does not let go is not waited for long: a file that is renamed into place is whole anyway */
	for (int i = 0; lock(fd, LOCK_SH) == -EBUSY && i < TRIES; i++)
		pause_a_moment();
	r = read_all(fd, max, ret_text, ret_size);
	close(fd);
	return r;
}

int uci_store_read(const char *file, const char *delta_dir, size_t max, char **ret_text,
	size_t *ret_size, char **ret_delta, size_t *ret_delta_size)
{
	char path[UCI_STORE_PATH_SIZE], *text = NULL, *delta = NULL;
	size_t size = 0, delta_size = 0;
	int r = place_of(file, path), r_delta = -ENOENT;

	if (!r)
		r = uci_store_read_path(path, max, &text, &size);
	if (r && r != -ENOENT)
		return r;
	if (delta_place(file, delta_dir, path))
		r_delta = uci_store_read_path(path, UCI_STORE_SIZE_MAX, &delta, &delta_size);
	if (r && (r_delta || !delta_size)) {
		free(delta);
		return r;
	}
	if (!text)
		text = calloc(1, 1);
	if (!delta)
		delta = calloc(1, 1);
	if (!text || !delta) {
		free(text);
		free(delta);
		return -ENOMEM;
	}
	*ret_text = text;
	*ret_size = size;
	*ret_delta = delta;
	*ret_delta_size = delta_size;
	return 0;
}

void uci_store_init(struct uci_store *s)
{
	memset(s, 0, sizeof(*s));
	s->fd = s->delta_fd = -1;
	for (unsigned i = 0; i < UCI_STORE_PAST; i++)
		s->past[i] = -1;
}

void uci_store_forget(struct uci_store *s)
{
	for (unsigned i = 0; i < UCI_STORE_PAST; i++) {
		if (s->past[i] >= 0)
			close(s->past[i]);
		s->past[i] = -1;
	}
}

static bool is_current(const struct uci_store *s)
{
	struct stat now, locked;

	return !stat(s->path, &now) && !fstat(s->fd, &locked) && now.st_ino == locked.st_ino &&
	       now.st_dev == locked.st_dev;
}

/* Whether a uci has let go of its lock and is about to rename. */
static bool rename_pending(const struct uci_store *s, const char *package)
{
	DIR *folder = opendir(s->folder);
	char begin[NAME_MAX + 1];
	bool pending = false;
	struct dirent *entry;
	struct stat st;
	size_t n;

	if (!folder)
		return false;
	n = (size_t)snprintf(begin, sizeof(begin), ".%s" UCI_TEMPORARY, package);
	while (!pending && n < sizeof(begin) && (entry = readdir(folder)))
		pending = !strncmp(entry->d_name, begin, n) &&
			  !fstatat(dirfd(folder), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) &&
			  llabs((long long)time(NULL) - st.st_mtime) <= ABANDONED_S;
	closedir(folder);
	return pending;
}

/* The place that a chain of symbolic links ends at, and the folder it is reached by. */
static int resolve(struct uci_store *s, const char *file)
{
	char *real;
	int r = place_of(file, s->folder);

	if (r)
		return r;
	real = realpath(s->folder, NULL);
	r = snprintf(s->path, sizeof(s->path), "%s", real ? real : s->folder);
	free(real);
	if (r < 0 || r >= (int)sizeof(s->path))
		return -ENAMETOOLONG;
	if (strchr(s->folder, '/'))
		strrchr(s->folder, '/')[1] = '\0';
	else
		memcpy(s->folder, "./", 3);
	return 0;
}

static int open_locked(struct uci_store *s, const char *file)
{
	int r = resolve(s, file);

	if (r)
		return r;
	s->fd = open(s->path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (s->fd < 0)
		return errno == ENOENT ? 0 : -errno;
	r = lock(s->fd, LOCK_EX);
	if (!r && (rename_pending(s, uci_store_package(file)) || !is_current(s)))
		r = -EBUSY;
	if (r) {
		close(s->fd);
		s->fd = -1;
	}
	return r;
}

static int open_delta(struct uci_store *s, const char *file)
{
	char path[UCI_STORE_PATH_SIZE];
	int r;

	if (!delta_place(file, s->delta_dir, path))
		return 0;
	s->delta_fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	if (s->delta_fd < 0)
		return errno == ENOENT ? 0 : -errno;
	r = lock(s->delta_fd, LOCK_EX);
	if (!r)
		r = read_all(s->delta_fd, UCI_STORE_SIZE_MAX, &s->delta, &s->delta_size);
	return r;
}

static int lock_past(struct uci_store *s)
{
	int r = 0;

	for (unsigned i = 0; !r && i < UCI_STORE_PAST; i++)
		if (s->past[i] >= 0)
			r = lock(s->past[i], LOCK_EX);
	return r;
}

/* Once: -EBUSY to be tried again. */
static int open_once(struct uci_store *s, const char *file)
{
	int r = lock_past(s);

	if (!r)
		r = open_locked(s, file);
	if (!r && s->fd >= 0)
		r = read_all(s->fd, UCI_STORE_SIZE_MAX, &s->text, &s->size);
	if (!r)
		r = open_delta(s, file);
	if (!r && !s->text && !(s->text = calloc(1, 1)))
		r = -ENOMEM;
	if (!r && !s->delta && !(s->delta = calloc(1, 1)))
		r = -ENOMEM;
	return r;
}

int uci_store_open(struct uci_store *s, const char *file, struct problem *ret)
{
	int r = -EBUSY;

	for (int i = 0; r == -EBUSY && i < TRIES; i++) {
		if (i)
			pause_a_moment();
		r = open_once(s, file);
		if (r)
			uci_store_close(s);
	}
	if (!r)
		return 0;
	if (r == -EBUSY)
		problem_set(ret, file, 0, "another program is changing the file: try again");
	else
		problem_set(ret, file, 0, "cannot open the file to change it: %s", strerror(-r));
	return r;
}

static int write_all(int fd, const char *data, size_t size)
{
	off_t at = 0;

	while (size) {
		ssize_t n = pwrite(fd, data, size, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		at += n;
		size -= (size_t)n;
	}
	return 0;
}

/* A file of its own beside its later place, with the mode and owner of another; path ends in XXXXXX. */
static int write_temporary(char *path, const struct stat *like, const char *text, size_t size)
{
	int fd = mkostemp(path, O_CLOEXEC), r;

	if (fd < 0)
		return -errno;
	r = write_all(fd, text, size);
	/* the owner is kept where we may; without that the file is ours, and nothing is lost */
	if (!r && fchown(fd, like->st_uid, like->st_gid) && errno != EPERM)
		r = -errno;
	if (!r && (fchmod(fd, like->st_mode & 07777) || fsync(fd)))
		r = -errno;
	close(fd);
	if (r)
		unlink(path);
	return r;
}

static void temporary_beside(const char *path, char *temporary, size_t size)
{
	const char *name = uci_store_package(path);

	snprintf(temporary, size, "%.*s.%s" UCI_TEMPORARY "XXXXXX", (int)(name - path), path, name);
}

static void sync_folder(const char *path)
{
	char folder[UCI_STORE_PATH_SIZE];
	char *slash;
	int fd;

	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (slash)
		slash[slash == folder] = '\0';
	fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

/* Who still waits on an inode of the past reads there what is true now. */
static void tell_past(struct uci_store *s, const char *text, size_t size)
{
	if (s->past[UCI_STORE_PAST - 1] >= 0)
		close(s->past[UCI_STORE_PAST - 1]);
	memmove(s->past + 1, s->past, sizeof(s->past) - sizeof(s->past[0]));
	s->past[0] = s->fd;
	s->fd = -1;
	for (unsigned i = 0; i < UCI_STORE_PAST; i++)
		if (s->past[i] >= 0 && !write_all(s->past[i], text, size))
			(void)!ftruncate(s->past[i], (off_t)size);
}

/* Nothing to lock yet: an empty file is made, and whoever comes now waits for it. */
static int create(struct uci_store *s)
{
	s->fd = open(s->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (s->fd < 0)
		return errno == EEXIST ? -EBUSY : -errno;
	s->created = true;
	return lock(s->fd, LOCK_EX);
}

static int replace(struct uci_store *s, const char *text, size_t size)
{
	char temporary[UCI_STORE_PATH_SIZE + 16];
	struct stat st;
	int r = s->fd < 0 ? create(s) : 0;

	if (!r && fstat(s->fd, &st))
		r = -errno;
	if (r)
		return r;
	temporary_beside(s->path, temporary, sizeof(temporary));
	r = write_temporary(temporary, &st, text, size);
	if (r)
		return r;
	if (!is_current(s))
		r = -EBUSY;
	else if (rename(temporary, s->path))
		r = -errno;
	if (r)
		unlink(temporary);
	return r;
}

int uci_store_replace(struct uci_store *s, const char *text, size_t size, struct problem *ret)
{
	int r = replace(s, text, size);

	if (r && s->created && is_current(s))
		unlink(s->path);
	if (r == -EBUSY)
		problem_set(ret, s->path, 0, "another program has changed the file: try again");
	else if (r)
		problem_set(ret, s->path, 0, "cannot write the file: %s", strerror(-r));
	if (r)
		return r;
	sync_folder(s->path);
	tell_past(s, text, size);
	return 0;
}

void uci_store_unstage(struct uci_store *s)
{
	if (s->delta_fd >= 0)
		(void)!ftruncate(s->delta_fd, 0);
}

int uci_store_keep(const struct uci_store *s, const char *path)
{
	char temporary[UCI_STORE_PATH_SIZE + 16];
	const struct stat st = {.st_mode = 0600, .st_uid = geteuid(), .st_gid = getegid()};
	int r;

	temporary_beside(path, temporary, sizeof(temporary));
	r = write_temporary(temporary, &st, s->text, s->size);
	if (!r && rename(temporary, path)) {
		r = -errno;
		unlink(temporary);
	}
	if (!r)
		sync_folder(path);
	return r;
}

int uci_store_remove(const char *path)
{
	if (unlink(path))
		return errno == ENOENT ? 0 : -errno;
	sync_folder(path);
	return 0;
}

void uci_store_close(struct uci_store *s)
{
	for (unsigned i = 0; i < UCI_STORE_PAST; i++)
		if (s->past[i] >= 0)
			flock(s->past[i], LOCK_UN);
	if (s->fd >= 0)
		close(s->fd);
	if (s->delta_fd >= 0)
		close(s->delta_fd);
	free(s->text);
	free(s->delta);
	s->fd = s->delta_fd = -1;
	s->text = s->delta = NULL;
	s->size = s->delta_size = 0;
	s->created = false;
}
