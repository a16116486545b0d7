/* The reader of responses: pieces of any size must come to the same as the whole. */
#include <stdlib.h>
#include <string.h>

#include "codec/http204.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http204 whole, pieces;
	size_t step = size ? data[0] % 7 + 1 : 1;

	http204_init(&whole);
	http204_init(&pieces);
	http204_read(&whole, data, size);
	for (size_t i = 0; i < size; i += step)
		http204_read(&pieces, data + i, size - i < step ? size - i : step);
	if (whole.state != pieces.state || whole.status != pieces.status ||
		whole.has_body != pieces.has_body || whole.status > 999 ||
		whole.read > HTTP204_RESPONSE_MAX)
		abort();
	return 0;
}
