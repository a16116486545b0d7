/*
 * For a program under qemu-user, which lets it have few kinds of netlink and few messages of those: preloaded into the
 * program, this asks for the one kind that qemu passes on untouched and tells the kind that is meant by the socket's
 * type, which netlink does not look at.  host.c, preloaded into qemu, undoes it.  Bytes stay as they are, so both
 * CPUs must have the same order of bytes.
 */
#include <errno.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int socket(int domain, int type, int protocol)
{
	int flags = type & (SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (domain == AF_NETLINK && protocol == NETLINK_ROUTE)
		type = SOCK_RAW | flags;
	else if (domain == AF_NETLINK && protocol == NETLINK_NETFILTER)
		type = SOCK_DGRAM | flags;
	else if (domain == AF_NETLINK && protocol == NETLINK_SOCK_DIAG)
		type = SOCK_SEQPACKET | flags;
	else if (domain == AF_NETLINK) {
		errno = EPROTONOSUPPORT;
		return -1;
	}
	return (int)syscall(SYS_socket, domain, type,
		domain == AF_NETLINK ? NETLINK_KOBJECT_UEVENT : protocol);
}

/*
 * A mark goes as a priority.  Time stamps of packets are not known to qemu either; without them the time of reading counts.
 */
int setsockopt(int fd, int level, int name, const void *value, socklen_t size)
{
	if (level == SOL_SOCKET && name == SO_TIMESTAMPNS)
		return 0;
	if (level == SOL_SOCKET && name == SO_MARK)
		name = SO_PRIORITY;
	return (int)syscall(SYS_setsockopt, fd, level, name, value, size);
}
