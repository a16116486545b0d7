/*
 * One DNS question and the head of its answer: enough to prove that names are answered.  RFC 1035
 * §4.1.  The question is for the A record of <13 letters and digits>.<zone>, a name that no cache
 * can know; the letters are the cookie.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DNS_PORT 53
#define DNS_LABEL_SIZE 13 /* a 64 bit cookie, five bits a letter */
#define DNS_QUERY_MAX (12 + 255 + 4)

#define DNS_RCODE_NO_ERROR 0
#define DNS_RCODE_NAME_ERROR 3 /* NXDOMAIN */

/*
 * zone: labels of at most 63 bytes with single dots between them and perhaps one at the end; "" and
 * "." are the root. -EINVAL when it is none, or when the name is longer than 255 bytes.
 */
int dns_build_query(uint16_t id, uint64_t cookie, const char *zone, uint8_t out[DNS_QUERY_MAX],
	size_t *ret_size);

struct dns_answer {
	uint16_t id;
	uint8_t rcode;
	bool truncated;
	const uint8_t *question; /* within data: name, type, class */
	size_t question_size;
};

/* -EBADMSG: not a response to a standard query with exactly one question, written out in full. */
int dns_parse_answer(const uint8_t *data, size_t size, struct dns_answer *ret);

/*
 * True when the answer repeats the question of the query, id included; case aside, which RFC 4343
 * lets servers change.
 */
bool dns_answers(const struct dns_answer *answer, const uint8_t *query, size_t size);
