/* Both ICMP readers; the first byte picks the family. */
#include <stdlib.h>

#include "codec/icmp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct icmp_message m;
	int error;

	if (!size)
		return 0;
	error = data[0] & 1 ? icmp_parse6(data + 1, size - 1, &m)
			    : icmp_parse4(data + 1, size - 1, &m);
	if (!error && m.kind == ICMP_KIND_REPLY && !m.has_cookie)
		abort();
	return 0;
}
