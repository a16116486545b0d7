/*
 * labexec: runs a program in a network namespace, with its /sys and a resolv.conf of its own.  Does
 * what "ip netns exec" does, but takes the file for resolv.conf as an argument, so that nothing has
 * to be left in /etc.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#define NAMESPACES "/run/netns/"

static int fail(const char *what)
{
	fprintf(stderr, "labexec: %s: %s\n", what, strerror(errno));
	return 125;
}

int main(int argc, char **argv)
{
	char path[256];
	int fd;

	if (argc < 4) {
		fputs("usage: labexec NAMESPACE RESOLV_CONF|- PROGRAM ARGUMENT...\n", stderr);
		return 125;
	}
	snprintf(path, sizeof(path), NAMESPACES "%s", argv[1]);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		return fail(argv[1]);
	if (unshare(CLONE_NEWNS) < 0 || mount("", "/", "none", MS_SLAVE | MS_REC, NULL) < 0)
		return fail("cannot make a mount namespace");
	umount2("/sys", MNT_DETACH);
	if (mount(argv[1], "/sys", "sysfs", 0, NULL) < 0)
		return fail("cannot mount /sys");
	if (strcmp(argv[2], "-") != 0 &&
		mount(argv[2], "/etc/resolv.conf", "none", MS_BIND, NULL) < 0)
		return fail("cannot bind /etc/resolv.conf");
	execvp(argv[3], argv + 3);
	fail(argv[3]);
	return errno == ENOENT ? 127 : 126;
}
