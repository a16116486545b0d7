#include "codec/icmp.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"

#define HEADER_SIZE 8
#define PROTOCOL_ICMP 1
#define PROTOCOL_ICMPV6 58

enum type4 {
	TYPE4_ECHO_REPLY = 0,
	TYPE4_UNREACHABLE = 3,
	TYPE4_ECHO = 8,
	TYPE4_EXPIRED = 11,
};

enum type6 {
	TYPE6_UNREACHABLE = 1,
	TYPE6_TOO_BIG = 2,
	TYPE6_EXPIRED = 3,
	TYPE6_ECHO = 128,
	TYPE6_ECHO_REPLY = 129,
};

#define CODE4_FRAGMENTATION_NEEDED 4 /* RFC 1191 §4 */

/* RFC 1071 */
static uint16_t checksum(const uint8_t *p, size_t size)
{
	uint32_t sum = 0;

	for (; size > 1; p += 2, size -= 2)
		sum += bytes_get_be16(p);
	if (size)
		sum += (uint32_t)*p << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void build_echo(uint8_t type, const struct icmp_echo *echo, uint8_t out[ICMP_ECHO_SIZE])
{
	out[0] = type;
	out[1] = 0;
	bytes_put_be16(out + 2, 0);
	bytes_put_be16(out + 4, echo->id);
	bytes_put_be16(out + 6, echo->seq);
	bytes_put_be64(out + 8, echo->cookie);
}

void icmp_build_echo4(const struct icmp_echo *echo, uint8_t out[ICMP_ECHO_SIZE])
{
	build_echo(TYPE4_ECHO, echo, out);
	bytes_put_be16(out + 2, checksum(out, ICMP_ECHO_SIZE));
}

void icmp_build_echo6(const struct icmp_echo *echo, uint8_t out[ICMP_ECHO_SIZE])
{
	build_echo(TYPE6_ECHO, echo, out);
}

/* data is an ICMP header of at least HEADER_SIZE bytes and what of the cookie is there. */
static void read_echo(const uint8_t *data, size_t size, struct icmp_message *m)
{
	m->echo.id = bytes_get_be16(data + 4);
	m->echo.seq = bytes_get_be16(data + 6);
	m->has_cookie = size >= ICMP_ECHO_SIZE;
	m->echo.cookie = m->has_cookie ? bytes_get_be64(data + 8) : 0;
}

/*
 * Header length of the IPv4 packet at data, or 0 when it is none with a first fragment of ICMP in
 * it.
 */
static size_t ipv4_header(const uint8_t *data, size_t size)
{
	size_t length;

	if (size < ICMP_IPV4_HEADER_SIZE || data[0] >> 4 != 4)
		return 0;
	length = (size_t)(data[0] & 0x0f) * 4;
	if (length < ICMP_IPV4_HEADER_SIZE || length > size)
		return 0;
	if (data[9] != PROTOCOL_ICMP || bytes_get_be16(data + 6) & 0x1fff)
		return 0;
	return length;
}

static int read_quote4(const uint8_t *data, size_t size, struct icmp_message *m)
{
	size_t header = ipv4_header(data, size);
	const uint8_t *icmp = data + header;

	if (!header || size - header < HEADER_SIZE || icmp[0] != TYPE4_ECHO || icmp[1] != 0)
		return -ENOMSG;
	read_echo(icmp, size - header, m);
	memcpy(m->target, data + 16, 4);
	return 0;
}

int icmp_parse4(const uint8_t *data, size_t size, struct icmp_message *ret)
{
	struct icmp_message m = {0};
	size_t header = ipv4_header(data, size);
	const uint8_t *icmp = data + header;
	size_t total;

	if (!header || size - header < HEADER_SIZE)
		return -EBADMSG;
	total = bytes_get_be16(data + 2);
	if (total < header + HEADER_SIZE)
		return -EBADMSG;
	if (size >= total) {
		size = total;
		if (checksum(icmp, size - header))
			return -EBADMSG;
	}
	size -= header;
	m.code = icmp[1];
	switch (icmp[0]) {
	case TYPE4_ECHO_REPLY:
		m.kind = ICMP_KIND_REPLY;
		read_echo(icmp, size, &m);
		if (!m.has_cookie)
			return -ENOMSG;
		break;
	case TYPE4_UNREACHABLE:
	case TYPE4_EXPIRED:
		m.kind = icmp[0] == TYPE4_EXPIRED               ? ICMP_KIND_EXPIRED
			 : m.code == CODE4_FRAGMENTATION_NEEDED ? ICMP_KIND_TOO_BIG
								: ICMP_KIND_UNREACHABLE;
		if (read_quote4(icmp + HEADER_SIZE, size - HEADER_SIZE, &m))
			return -ENOMSG;
		break;
	default:
		return -ENOMSG;
	}
	*ret = m;
	return 0;
}

static int read_quote6(const uint8_t *data, size_t size, struct icmp_message *m)
{
	const uint8_t *icmp = data + ICMP_IPV6_HEADER_SIZE;

	/* our echo has no extension headers */
	if (size < ICMP_IPV6_HEADER_SIZE + HEADER_SIZE || data[0] >> 4 != 6 ||
		data[6] != PROTOCOL_ICMPV6 || icmp[0] != TYPE6_ECHO || icmp[1] != 0)
		return -ENOMSG;
	read_echo(icmp, size - ICMP_IPV6_HEADER_SIZE, m);
	memcpy(m->target, data + 24, 16);
	return 0;
}

int icmp_parse6(const uint8_t *data, size_t size, struct icmp_message *ret)
{
	struct icmp_message m = {0};

	if (size < HEADER_SIZE)
		return -EBADMSG;
	m.code = data[1];
	switch (data[0]) {
	case TYPE6_ECHO_REPLY:
		m.kind = ICMP_KIND_REPLY;
		read_echo(data, size, &m);
		if (!m.has_cookie)
			return -ENOMSG;
		break;
	case TYPE6_UNREACHABLE:
	case TYPE6_TOO_BIG:
	case TYPE6_EXPIRED:
		m.kind = data[0] == TYPE6_UNREACHABLE ? ICMP_KIND_UNREACHABLE
			 : data[0] == TYPE6_TOO_BIG   ? ICMP_KIND_TOO_BIG
						      : ICMP_KIND_EXPIRED;
		if (read_quote6(data + HEADER_SIZE, size - HEADER_SIZE, &m))
			return -ENOMSG;
		break;
	default:
		return -ENOMSG;
	}
	*ret = m;
	return 0;
}
