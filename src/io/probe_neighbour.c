/*
 * Neither ARP nor neighbour discovery carries a number of ours, so an answer is taken for the one
 * to the newest request that waits: right whenever the gateway answers faster than we ask, and if
 * it does not, the sum over all is still right. While the gateway answers it is asked under its own
 * hardware address; after one silence everybody is asked, since the address may have moved to
 * another box.
 */
#include "io/probe_neighbour.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/bytes.h"
#include "codec/arp.h"
#include "codec/nd.h"
#include "io/probe.h"

#define LENGTH(array) (unsigned short)(sizeof(array) / sizeof((array)[0]))

static void neighbour_close(struct probe_path *path)
{
	struct probe_neighbour *n = &path->neighbour;

	if (!n->open)
		return;
	event_del(n->readable);
	close(n->fd);
	n->open = false;
	n->gateway_known = false;
}

static void neighbour_forget(struct probe_path *path, struct probe_slot *slot)
{
	struct probes *p = path->probes;
	uint16_t *link = &path->neighbour.newest;

	while (*link != PROBE_NO_SLOT) {
		if (*link == probe_index(p, slot)) {
			*link = slot->older;
			return;
		}
		link = &p->slot[*link].older;
	}
}

static void answered(struct probe_path *path, const struct probe_packet *packet)
{
	struct probes *p = path->probes;

	if (path->neighbour.newest == PROBE_NO_SLOT)
		p->stats.duplicate++;
	else
		probe_answer(p, &p->slot[path->neighbour.newest], SAMPLE_ANSWERED, 0,
			packet->arrived_us);
}

static void handle_arp(struct probe_path *path, const struct probe_packet *packet)
{
	struct probe_neighbour *n = &path->neighbour;
	struct probes *p = path->probes;
	struct arp arp;

	if (arp_parse(packet->data, packet->size, &arp)) {
		p->stats.malformed++;
		return;
	}
	/* what came in before the filter was attached may be anything */
	if (arp.operation != ARP_OPERATION_REPLY ||
		!probe_same_address(FAMILY_IPV4, arp.sender, n->target))
		return;
	if (!probe_same_address(FAMILY_IPV4, arp.target, path->binding.facts.address)) {
		p->stats.spoofed++;
		return;
	}
	memcpy(n->gateway_hardware, arp.sender_hardware, sizeof(n->gateway_hardware));
	n->gateway_known = true;
	answered(path, packet);
}

static void handle_nd(struct probe_path *path, const struct probe_packet *packet)
{
	struct probes *p = path->probes;
	struct nd_advertisement na;
	int error = nd_parse_advertisement(packet->data, packet->size, &na);

	if (error == -EBADMSG)
		p->stats.malformed++;
	if (error || !na.solicited ||
		!probe_same_address(FAMILY_IPV6, na.target, path->neighbour.target))
		return;
	if (packet->hop_limit != ND_HOP_LIMIT) {
		p->stats.spoofed++;
		return;
	}
	answered(path, packet);
}

static void readable(evutil_socket_t fd, short what, void *user)
{
	struct probe_path *path = user;
	bool ipv4 = path->binding.family == FAMILY_IPV4;

	(void)what;
	if (probe_socket_dead(probe_read(path, fd, ipv4 ? handle_arp : handle_nd)))
		neighbour_close(path);
}

/* Replies of the gateway only; a busy segment's other ARP does not wake us. */
static int filter_arp(int fd, const uint8_t target[4])
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 6), /* operation */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARP_OPERATION_REPLY, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 14), /* sender's address */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, bytes_get_be32(target), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, ARP_SIZE),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = {LENGTH(code), code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) ? -errno : 0;
}

static int filter_nd(int fd, const uint8_t target[16])
{
	struct icmp6_filter types;
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 8), /* target */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, bytes_get_be32(target), 0, 7),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 12),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, bytes_get_be32(target + 4), 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 16),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, bytes_get_be32(target + 8), 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 20),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, bytes_get_be32(target + 12), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, PROBE_PACKET_SIZE),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = {LENGTH(code), code};

	ICMP6_FILTER_SETBLOCKALL(&types);
	ICMP6_FILTER_SETPASS(ND_NEIGHBOR_ADVERT, &types);
	if (setsockopt(fd, SOL_ICMPV6, ICMP6_FILTER, &types, sizeof(types)) ||
		setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)))
		return -errno;
	return 0;
}

static int open_arp(const struct probe_binding *b, const uint8_t target[16], int *ret_fd)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ARP),
		.sll_ifindex = (int)b->facts.ifindex};
	int on = 1, error;
	/* protocol 0: nothing comes in before bind() */
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	error = filter_arp(fd, target);
	if (!error && (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) ||
			      bind(fd, (const struct sockaddr *)&at, sizeof(at))))
		error = -errno;
	if (error) {
		close(fd);
		return error;
	}
	*ret_fd = fd;
	return 0;
}

/*
 * Not bound to the path's address: the kernel picks a source that suits the gateway's scope.  No
 * mark either, neighbours are not routed to.
 */
static int open_nd(const struct probe_binding *b, const uint8_t target[16], int *ret_fd)
{
	int on = 1, hops = ND_HOP_LIMIT, device = (int)b->facts.ifindex, error;
	int fd = socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMPV6);

	if (fd < 0)
		return -errno;
	error = filter_nd(fd, target);
	if (!error &&
		(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, b->device,
			 (socklen_t)strlen(b->device)) ||
			setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) ||
			setsockopt(fd, SOL_IPV6, IPV6_MULTICAST_IF, &device, sizeof(device)) ||
			setsockopt(fd, SOL_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof(hops)) ||
			setsockopt(fd, SOL_IPV6, IPV6_RECVHOPLIMIT, &on, sizeof(on))))
		error = -errno;
	if (error) {
		close(fd);
		return error;
	}
	*ret_fd = fd;
	return 0;
}

/* -EOPNOTSUPP: a device without neighbours, or one whose addresses are not Ethernet's. */
static int read_hardware(int fd, const struct probe_binding *b, uint8_t ret[6])
{
	struct ifreq r = {0};

	memcpy(r.ifr_name, b->device, sizeof(b->device));
	if (ioctl(fd, SIOCGIFFLAGS, &r))
		return -errno;
	if (r.ifr_flags & (IFF_NOARP | IFF_POINTOPOINT | IFF_LOOPBACK))
		return -EOPNOTSUPP;
	if (ioctl(fd, SIOCGIFHWADDR, &r))
		return -errno;
	if (r.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		return -EOPNOTSUPP;
	memcpy(ret, r.ifr_hwaddr.sa_data, 6);
	return 0;
}

static int neighbour_open(struct probe_path *path, const uint8_t target[16])
{
	struct probe_neighbour *n = &path->neighbour;
	const struct probe_binding *b = &path->binding;
	int error;

	if (!b->facts.present || !b->facts.ifindex)
		return -ENODEV;
	if (b->family == FAMILY_IPV4 && !b->facts.has_address)
		return -EADDRNOTAVAIL;
	error = b->family == FAMILY_IPV4 ? open_arp(b, target, &n->fd) : open_nd(b, target, &n->fd);
	if (error)
		return error;
	error = read_hardware(n->fd, b, n->hardware);
	if (error) {
		close(n->fd);
		return error;
	}
	memcpy(n->target, target, sizeof(n->target));
	event_assign(n->readable, path->probes->base, n->fd, EV_READ | EV_PERSIST, readable, path);
	event_add(n->readable, NULL);
	n->open = true;
	return 0;
}

static int send_arp(const struct probe_path *path)
{
	const struct probe_neighbour *n = &path->neighbour;
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ARP),
		.sll_ifindex = (int)path->binding.facts.ifindex,
		.sll_halen = sizeof(n->gateway_hardware)};
	struct arp arp = {.operation = ARP_OPERATION_REQUEST};
	uint8_t packet[ARP_SIZE];

	memset(to.sll_addr, 0xff, sizeof(n->gateway_hardware));
	if (n->gateway_known)
		memcpy(to.sll_addr, n->gateway_hardware, sizeof(n->gateway_hardware));
	memcpy(arp.sender_hardware, n->hardware, sizeof(arp.sender_hardware));
	memcpy(arp.sender, path->binding.facts.address, sizeof(arp.sender));
	memcpy(arp.target, n->target, sizeof(arp.target));
	arp_build(&arp, packet);
	return sendto(n->fd, packet, sizeof(packet), 0, (const struct sockaddr *)&to, sizeof(to)) <
			       0
		       ? -errno
		       : 0;
}

static int send_nd(const struct probe_path *path)
{
	const struct probe_neighbour *n = &path->neighbour;
	uint8_t packet[ND_SOLICITATION_SIZE], group[16];
	union probe_address to;
	socklen_t length;

	nd_solicited_node(n->target, group);
	nd_build_solicitation(n->target, n->hardware, packet);
	length = probe_address_make(&path->binding, group, 0, &to);
	return sendto(n->fd, packet, sizeof(packet), 0, &to.any, length) < 0 ? -errno : 0;
}

static int neighbour_send(struct probe_path *path, struct probe_slot *slot)
{
	static const uint8_t none[16];
	struct probe_neighbour *n = &path->neighbour;
	enum family family = path->binding.family;
	int error;

	if (probe_same_address(family, slot->target, none))
		return -EOPNOTSUPP; /* point to point */
	if (n->open && !probe_same_address(family, n->target, slot->target))
		neighbour_close(path);
	if (!n->open && (error = neighbour_open(path, slot->target)))
		return error;
	slot->sent_us = inbox_clock_us();
	error = family == FAMILY_IPV4 ? send_arp(path) : send_nd(path);
	if (error) {
		if (probe_socket_dead(error))
			neighbour_close(path);
		return error;
	}
	n->gateway_known = false; /* until it answers this one */
	slot->older = n->newest;
	n->newest = probe_index(path->probes, slot);
	return 0;
}

const struct probe_method_ops probe_neighbour = {.send = neighbour_send,
	.forget = neighbour_forget,
	.close = neighbour_close};
