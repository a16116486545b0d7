#include "codec/dns.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"

#define HEADER_SIZE 12
#define NAME_MAX_SIZE 255 /* with length bytes and the root's zero, RFC 1035 §2.3.4 */
#define LABEL_MAX 63
#define TYPE_A 1
#define CLASS_IN 1

#define FLAG_RESPONSE 0x8000
#define FLAG_TRUNCATED 0x0200
#define FLAG_RECURSION_DESIRED 0x0100
#define OPCODE_MASK 0x7800
#define RCODE_MASK 0x000f

static void put_label(uint64_t cookie, uint8_t out[DNS_LABEL_SIZE])
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";

	for (int i = 0; i < DNS_LABEL_SIZE; i++, cookie >>= 5)
		out[i] = (uint8_t)letters[cookie & 31];
}

/*
 * Writes the zone's labels and the root's zero; returns the bytes used, 0 when it is not a zone or
 * does not fit.
 */
static size_t put_zone(const char *zone, uint8_t *out, size_t room)
{
	size_t used = 0;

	if (zone[0] == '.' && !zone[1])
		zone++;
	while (*zone) {
		size_t length = strcspn(zone, ".");

		if (!length || length > LABEL_MAX || used + 1 + length + 1 > room)
			return 0;
		out[used++] = (uint8_t)length;
		memcpy(out + used, zone, length);
		used += length;
		zone += length;
		if (*zone == '.')
			zone++;
	}
	out[used++] = 0;
	return used;
}

int dns_build_query(uint16_t id, uint64_t cookie, const char *zone, uint8_t out[DNS_QUERY_MAX],
	size_t *ret_size)
{
	uint8_t *p = out + HEADER_SIZE;
	size_t used;

	memset(out, 0, HEADER_SIZE);
	bytes_put_be16(out, id);
	bytes_put_be16(out + 2, FLAG_RECURSION_DESIRED);
	bytes_put_be16(out + 4, 1);
	*p++ = DNS_LABEL_SIZE;
	put_label(cookie, p);
	p += DNS_LABEL_SIZE;
	used = put_zone(zone, p, NAME_MAX_SIZE - 1 - DNS_LABEL_SIZE);
	if (!used)
		return -EINVAL;
	p += used;
	bytes_put_be16(p, TYPE_A);
	bytes_put_be16(p + 2, CLASS_IN);
	*ret_size = (size_t)(p + 4 - out);
	return 0;
}

/*
 * Bytes of the uncompressed name at p, 0 when it is none.  A question, the first name of a message,
 * has nothing to point back to.
 */
static size_t name_size(const uint8_t *p, size_t size)
{
	size_t used = 0;

	while (used < size && used < NAME_MAX_SIZE) {
		uint8_t length = p[used++];

		if (!length)
			return used;
		if (length > LABEL_MAX)
			return 0;
		used += length;
	}
	return 0;
}

int dns_parse_answer(const uint8_t *data, size_t size, struct dns_answer *ret)
{
	uint16_t flags;
	size_t name;

	if (size < HEADER_SIZE)
		return -EBADMSG;
	flags = bytes_get_be16(data + 2);
	if (!(flags & FLAG_RESPONSE) || flags & OPCODE_MASK || bytes_get_be16(data + 4) != 1)
		return -EBADMSG;
	name = name_size(data + HEADER_SIZE, size - HEADER_SIZE);
	if (!name || size - HEADER_SIZE - name < 4)
		return -EBADMSG;
	*ret = (struct dns_answer){
		.id = bytes_get_be16(data),
		.rcode = flags & RCODE_MASK,
		.truncated = flags & FLAG_TRUNCATED,
		.question = data + HEADER_SIZE,
		.question_size = name + 4,
	};
	return 0;
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

bool dns_answers(const struct dns_answer *answer, const uint8_t *query, size_t size)
{
	if (size < HEADER_SIZE || answer->id != bytes_get_be16(query) ||
		answer->question_size != size - HEADER_SIZE)
		return false;
	for (size_t i = 0; i < answer->question_size; i++) {
		if (lower(answer->question[i]) != lower(query[HEADER_SIZE + i]))
			return false;
	}
	return true;
}
