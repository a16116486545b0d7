/*
 * A file of /etc/config as others edit it too: uci, LuCI, scripts.  Who wants to change it opens the store, which
 * locks as uci does, looks at what is there now, and replaces the whole or closes again.
 *
 *   closed --uci_store_open--> open (locked, read) --uci_store_replace--> open (written) --uci_store_close--> closed
 *
 * uci's own commit has two gaps: who waits for its lock may be given it on a file that has been renamed away, and it
 * lets go of the lock before it renames.  So the inode is compared after every wait, a temporary file of uci's is
 * waited for, and what was replaced is written into the old inodes as well: a uci that waits on one of them reads the
 * new text.  What two uci programs lose between them is theirs.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/problem.h"

#define UCI_STORE_PATH_SIZE 256
#define UCI_STORE_PAST 8
#define UCI_STORE_SIZE_MAX (1 << 20) /* of a file, bytes */

struct uci_store {
	const char *delta_dir; /* instead of uci's own; NULL: uci's, for files in /etc/config */
	char path[UCI_STORE_PATH_SIZE];
	char folder[UCI_STORE_PATH_SIZE]; /* where uci makes its temporary files */
	int fd, delta_fd;                 /* locked; -1: there is none */
	char *text, *delta; /* the file, and what `uci set` has staged; "" when there is none */
	size_t size, delta_size;
	int past[UCI_STORE_PAST]; /* inodes that were replaced and that somebody may still wait on */
	bool created;
};

void uci_store_init(struct uci_store *s);

/*
 * 0; -EBUSY when others hold the file for longer than a moment: try again later; -errno.  ret (may be NULL) says what
 * to do.  A file that does not exist reads as an empty one.
 */
int uci_store_open(struct uci_store *s, const char *file, struct problem *ret);

/*
 * Puts text in the file's place: whole or not at all, synced, with its mode and owner, through symbolic links.
 * -EBUSY: somebody replaced the file meanwhile.  Once between open and close.
 */
int uci_store_replace(struct uci_store *s, const char *text, size_t size, struct problem *ret);
void uci_store_unstage(struct uci_store *s); /* what was staged is in the file now */
void uci_store_close(struct uci_store *s);

/* Writes what was read to another file, whole or not at all; it is for us alone (mode 0600).  0 or -errno. */
int uci_store_keep(const struct uci_store *s, const char *path);
/* And it stays removed over a power cut.  0, also when it is not there, or -errno. */
int uci_store_remove(const char *path);

/* Lets go of the inodes of the past; some seconds after the last replacement. */
void uci_store_forget(struct uci_store *s);

/*
 * Only looks: the file, and what is staged for it.  0 with two texts that the caller frees; -ENOENT when there are
 * neither; -EBADF when it is no file, -EFBIG, -errno.
 */
int uci_store_read(const char *file, const char *delta_dir, size_t max, char **ret_text,
	size_t *ret_size, char **ret_delta, size_t *ret_delta_size);

/* The file at this very path, without what is staged: 0 with a text that the caller frees, or -errno as above. */
int uci_store_read_path(const char *path, size_t max, char **ret_text, size_t *ret_size);

/* The package that a file of /etc/config is: its name without the folder. */
const char *uci_store_package(const char *file);
