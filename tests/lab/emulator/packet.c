#include "packet.h"

#include <arpa/inet.h>
#include <net/ethernet.h>
#include <string.h>

#define VLAN_TAG_BYTES 4
#define IPV4_MIN_BYTES 20
#define IPV6_BYTES 40
#define FRAGMENT_OFFSET_MASK 0x1fff
#define ICMP_ECHO_REQUEST 8
#define ICMP6_ECHO_REQUEST_TYPE 128
#define EXTENSIONS_MAX 4

static uint16_t read_u16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static void map_ipv4(const uint8_t *at, struct in6_addr *ret_address)
{
	memset(ret_address, 0, sizeof(*ret_address));
	ret_address->s6_addr[10] = 0xff;
	ret_address->s6_addr[11] = 0xff;
	memcpy(&ret_address->s6_addr[12], at, 4);
}

static void classify_payload(const uint8_t *at, size_t len, int protocol, struct packet *packet)
{
	packet->protocol = protocol == IPPROTO_ICMPV6 ? IPPROTO_ICMP : protocol;
	if ((protocol == IPPROTO_TCP || protocol == IPPROTO_UDP) && len >= 4) {
		packet->source_port = read_u16(at);
		packet->destination_port = read_u16(at + 2);
	}
	if (protocol == IPPROTO_ICMP && len >= 1)
		packet->echo_request = at[0] == ICMP_ECHO_REQUEST;
	if (protocol == IPPROTO_ICMPV6 && len >= 1)
		packet->echo_request = at[0] == ICMP6_ECHO_REQUEST_TYPE;
}

static void classify_ipv4(const uint8_t *at, size_t len, struct packet *packet)
{
	size_t header_bytes;

	if (len < IPV4_MIN_BYTES || at[0] >> 4 != 4)
		return;
	packet->family = 4;
	packet->ip_bytes = read_u16(at + 2);
	map_ipv4(at + 12, &packet->source);
	map_ipv4(at + 16, &packet->destination);
	header_bytes = (size_t)(at[0] & 0xf) * 4;
	if (header_bytes < IPV4_MIN_BYTES || header_bytes > len)
		return;
	if (read_u16(at + 6) & FRAGMENT_OFFSET_MASK)
		packet->protocol = at[9];
	else
		classify_payload(at + header_bytes, len - header_bytes, at[9], packet);
}

static bool is_extension(int header)
{
	return header == IPPROTO_HOPOPTS || header == IPPROTO_ROUTING || header == IPPROTO_DSTOPTS;
}

static void classify_ipv6(const uint8_t *at, size_t len, struct packet *packet)
{
	size_t offset = IPV6_BYTES;
	int header;

	if (len < IPV6_BYTES || at[0] >> 4 != 6)
		return;
	packet->family = 6;
	packet->ip_bytes = IPV6_BYTES + read_u16(at + 4);
	memcpy(&packet->source, at + 8, sizeof(packet->source));
	memcpy(&packet->destination, at + 24, sizeof(packet->destination));
	packet->link_local = IN6_IS_ADDR_MULTICAST(&packet->destination) ||
			     IN6_IS_ADDR_LINKLOCAL(&packet->destination) ||
			     IN6_IS_ADDR_LINKLOCAL(&packet->source);
	header = at[6];
	for (int i = 0; i < EXTENSIONS_MAX && is_extension(header); i++) {
		if (offset + 8 > len)
			return;
		header = at[offset];
		offset += ((size_t)at[offset + 1] + 1) * 8;
	}
	if (offset <= len)
		classify_payload(at + offset, len - offset, header, packet);
}

void packet_classify(const uint8_t *frame, size_t len, struct packet *ret_packet)
{
	size_t offset = ETHER_HDR_LEN;
	uint16_t ethertype;

	*ret_packet = (struct packet){.protocol = -1, .source_port = -1, .destination_port = -1};
	if (len < ETHER_HDR_LEN)
		return;
	ethertype = read_u16(frame + 12);
	if (ethertype == ETHERTYPE_VLAN && len >= ETHER_HDR_LEN + VLAN_TAG_BYTES) {
		ethertype = read_u16(frame + 16);
		offset += VLAN_TAG_BYTES;
	}
	if (ethertype == ETHERTYPE_IP)
		classify_ipv4(frame + offset, len - offset, ret_packet);
	else if (ethertype == ETHERTYPE_IPV6)
		classify_ipv6(frame + offset, len - offset, ret_packet);
}

bool packet_address(const char *text, struct in6_addr *ret_address)
{
	struct in_addr ipv4;
	struct in6_addr ipv6;

	if (inet_pton(AF_INET, text, &ipv4) == 1) {
		map_ipv4((const uint8_t *)&ipv4, ret_address);
		return true;
	}
	if (inet_pton(AF_INET6, text, &ipv6) != 1)
		return false;
	*ret_address = ipv6;
	return true;
}
