/*
 * The identifier names the path's socket, the sequence number the slot, the cookie proves it.
 * Everything else that is ICMP on this machine stays in the kernel: first by type (ICMP_FILTER),
 * then by a classic BPF program that looks for the identifier, in a reply or in the packet that an
 * error quotes.  A NAT on the way may change the identifier; it changes it back in what it lets
 * through.
 */
#include "io/probe_icmp.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <sys/uio.h>
#include <unistd.h>

#include "codec/icmp.h"
#include "io/probe.h"

#define SNAP_SIZE                                                                                  \
	128 /* headers of an error, the packet quoted in it, our ICMP header, the cookie */
#define FILL_MAX 9216 /* largest PROBE_BIG, IP bytes */

#define LENGTH(array) (unsigned short)(sizeof(array) / sizeof((array)[0]))

static uint8_t fill[FILL_MAX]; /* zeros, never written */

static int attach(int fd, struct sock_filter *code, unsigned short n)
{
	struct sock_fprog program = {n, code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) ? -errno : 0;
}

/* Raw IPv4 sockets see the packet from its IP header on. */
static int filter4(int fd, uint16_t id)
{
	const struct icmp_filter types = {
		~(1U << ICMP_ECHOREPLY | 1U << ICMP_DEST_UNREACH | 1U << ICMP_TIME_EXCEEDED)};
	struct sock_filter code[] = {
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0), /* X = length of the IP header */
		BPF_STMT(BPF_LD | BPF_B | BPF_IND, 0),  /* ICMP type */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ICMP_ECHOREPLY, 8, 0),
		BPF_STMT(BPF_LD | BPF_B | BPF_IND, 8 + 9), /* protocol of the quoted packet */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMP, 0, 9),
		BPF_STMT(BPF_LD | BPF_B | BPF_IND, 8), /* X += 8 + length of its header */
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 15),
		BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 2),
		BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
		BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 8),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, 4), /* the identifier, in either case */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, id, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SNAP_SIZE),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};

	if (setsockopt(fd, SOL_RAW, ICMP_FILTER, &types, sizeof(types)))
		return -errno;
	return attach(fd, code, LENGTH(code));
}

/* Raw ICMPv6 sockets see it from the ICMPv6 header on. */
static int filter6(int fd, uint16_t id)
{
	struct icmp6_filter types;
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0), /* type */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ICMP6_ECHO_REPLY, 4, 0),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 8 + 6), /* next header of the quoted packet */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMPV6, 0, 5),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 8 + ICMP_IPV6_HEADER_SIZE + 4),
		BPF_STMT(BPF_JMP | BPF_JA, 1),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, id, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SNAP_SIZE),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};

	ICMP6_FILTER_SETBLOCKALL(&types);
	ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &types);
	ICMP6_FILTER_SETPASS(ICMP6_DST_UNREACH, &types);
	ICMP6_FILTER_SETPASS(ICMP6_PACKET_TOO_BIG, &types);
	ICMP6_FILTER_SETPASS(ICMP6_TIME_EXCEEDED, &types);
	if (setsockopt(fd, SOL_ICMPV6, ICMP6_FILTER, &types, sizeof(types)))
		return -errno;
	return attach(fd, code, LENGTH(code));
}

/*
 * Never fragment, whatever the kernel has learned of the path's MTU: finding that out is what
 * PROBE_BIG is for.
 */
static int set_options(const struct probe_icmp *icmp, enum family family)
{
	int on = 1, probe4 = IP_PMTUDISC_PROBE, probe6 = IPV6_PMTUDISC_PROBE;

	if (family == FAMILY_IPV4) {
		if (setsockopt(icmp->fd, SOL_IP, IP_MTU_DISCOVER, &probe4, sizeof(probe4)))
			return -errno;
		return filter4(icmp->fd, icmp->id);
	}
	if (setsockopt(icmp->fd, SOL_IPV6, IPV6_MTU_DISCOVER, &probe6, sizeof(probe6)) ||
		setsockopt(icmp->fd, SOL_IPV6, IPV6_DONTFRAG, &on, sizeof(on)))
		return -errno;
	return filter6(icmp->fd, icmp->id);
}

static bool is_ours(const struct probe_path *path, const struct probe_slot *slot,
	const struct probe_packet *packet, const struct icmp_message *m)
{
	enum family family = path->binding.family;
	const uint8_t *target =
		m->kind == ICMP_KIND_REPLY ? probe_address_bytes(family, &packet->from) : m->target;

	return (slot->method == PROBE_ICMP || slot->method == PROBE_BIG) &&
	       (!m->has_cookie || m->echo.cookie == slot->cookie) &&
	       probe_same_address(family, target, slot->target);
}

static void handle(struct probe_path *path, const struct probe_packet *packet)
{
	struct probes *p = path->probes;
	enum family family = path->binding.family;
	struct icmp_message m;
	struct probe_slot *slot;
	int error = family == FAMILY_IPV4 ? icmp_parse4(packet->data, packet->size, &m)
					  : icmp_parse6(packet->data, packet->size, &m);

	if (error == -EBADMSG)
		p->stats.malformed++;
	/* what came in before the filter was attached may be anybody's */
	if (error || m.echo.id != path->icmp.id)
		return;
	slot = probe_find(p, path, m.echo.seq);
	if (!slot || !is_ours(path, slot, packet, &m)) {
		p->stats.spoofed++;
		return;
	}
	switch (m.kind) {
	case ICMP_KIND_REPLY:
		probe_answer(p, slot, SAMPLE_ANSWERED, 0, packet->arrived_us);
		break;
	case ICMP_KIND_UNREACHABLE:
	case ICMP_KIND_EXPIRED:
		/* a host that refuses pings has been reached */
		if (m.has_cookie &&
			probe_same_address(family, probe_address_bytes(family, &packet->from),
				slot->target))
			probe_answer(p, slot, SAMPLE_REFUSED, m.code, packet->arrived_us);
		else
			probe_note(p, slot, SAMPLE_UNREACHABLE, m.code, packet->arrived_us);
		break;
	case ICMP_KIND_TOO_BIG:
		probe_note(p, slot, SAMPLE_TOO_BIG, m.code, packet->arrived_us);
		break;
	}
}

static void icmp_close(struct probe_path *path)
{
	if (!path->icmp.open)
		return;
	event_del(path->icmp.readable);
	close(path->icmp.fd);
	path->icmp.open = false;
}

static void readable(evutil_socket_t fd, short what, void *user)
{
	struct probe_path *path = user;

	(void)what;
	if (probe_socket_dead(probe_read(path, fd, handle)))
		icmp_close(path);
}

static int icmp_open(struct probe_path *path)
{
	struct probe_icmp *icmp = &path->icmp;
	enum family family = path->binding.family;
	int error = probe_socket_open(&path->binding, SOCK_RAW,
		family == FAMILY_IPV4 ? IPPROTO_ICMP : IPPROTO_ICMPV6, &icmp->fd);

	if (error)
		return error;
	icmp->id = (uint16_t)probe_random(path->probes);
	error = set_options(icmp, family);
	if (error) {
		close(icmp->fd);
		return error;
	}
	event_assign(icmp->readable, path->probes->base, icmp->fd, EV_READ | EV_PERSIST, readable,
		path);
	event_add(icmp->readable, NULL);
	icmp->open = true;
	return 0;
}

/* Bytes of ICMP for an IP packet of slot->size; 0: it cannot be built. */
static size_t icmp_size(enum family family, const struct probe_slot *slot)
{
	size_t header = family == FAMILY_IPV4 ? ICMP_IPV4_HEADER_SIZE : ICMP_IPV6_HEADER_SIZE;

	if (slot->method == PROBE_ICMP)
		return ICMP_ECHO_SIZE;
	if (slot->size < header + ICMP_ECHO_SIZE || slot->size > FILL_MAX)
		return 0;
	return slot->size - header;
}

static int icmp_send(struct probe_path *path, struct probe_slot *slot)
{
	enum family family = path->binding.family;
	size_t size = icmp_size(family, slot);
	uint8_t echo[ICMP_ECHO_SIZE];
	struct iovec vector[] = {{echo, sizeof(echo)}, {fill, size - (size ? sizeof(echo) : 0)}};
	union probe_address to;
	struct msghdr h = {.msg_name = &to, .msg_iov = vector, .msg_iovlen = 2};
	struct icmp_echo e = {.seq = probe_wire(path->probes, slot), .cookie = slot->cookie};
	int error;

	if (!size)
		return -EMSGSIZE;
	if (!path->icmp.open && (error = icmp_open(path)))
		return error;
	e.id = path->icmp.id;
	if (family == FAMILY_IPV4)
		icmp_build_echo4(&e, echo);
	else
		icmp_build_echo6(&e, echo);
	h.msg_namelen = probe_address_make(&path->binding, slot->target, 0, &to);
	slot->sent_us = inbox_clock_us();
	if (sendmsg(path->icmp.fd, &h, 0) >= 0)
		return 0;
	error = -errno;
	if (probe_socket_dead(error))
		icmp_close(path);
	return error;
}

const struct probe_method_ops probe_icmp = {.send = icmp_send, .close = icmp_close};
