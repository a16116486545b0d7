/* Preloaded into qemu-user: what guest.c asked for becomes what it meant. */
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int socket(int domain, int type, int protocol)
{
	int flags = type & (SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (domain == AF_NETLINK && protocol == NETLINK_KOBJECT_UEVENT) {
		protocol = NETLINK_ROUTE;
		if ((type & ~flags) == SOCK_DGRAM)
			protocol = NETLINK_NETFILTER;
		if ((type & ~flags) == SOCK_SEQPACKET)
			protocol = NETLINK_SOCK_DIAG;
		type = SOCK_RAW | flags;
	}
	return (int)syscall(SYS_socket, domain, type, protocol);
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t size)
{
	if (level == SOL_SOCKET && name == SO_PRIORITY)
		name = SO_MARK;
	return (int)syscall(SYS_setsockopt, fd, level, name, value, size);
}
