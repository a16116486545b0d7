/* The reader of answers, against a query whose zone comes from the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "codec/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t query[DNS_QUERY_MAX];
	char zone[64] = "example.org";
	struct dns_answer answer;
	size_t length;

	if (!dns_parse_answer(data, size, &answer)) {
		if (answer.question + answer.question_size > data + size)
			abort();
		if (!dns_build_query(answer.id, 0, zone, query, &length))
			dns_answers(&answer, query, length);
	}
	memset(zone, 0, sizeof(zone));
	memcpy(zone, data, size < sizeof(zone) ? size : sizeof(zone) - 1);
	if (!dns_build_query(0, 0, zone, query, &length)) {
		/* what we ask is what we understand */
		query[2] |= 0x80;
		if (dns_parse_answer(query, length, &answer) ||
			!dns_answers(&answer, query, length))
			abort();
	}
	return 0;
}
