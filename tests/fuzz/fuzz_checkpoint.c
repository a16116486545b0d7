/* Whatever is in a checkpoint file: no read past its end, and what was read is spelled the same way
   again. */
#include <stdlib.h>
#include <string.h>

#include "base/crc32.h"
#include "base/pack.h"
#include "io/checkpoint_image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_block(const uint8_t *data, size_t size)
{
	static struct checkpoint_item item, back;
	uint8_t again[CHECKPOINT_BLOCK_MAX];
	int n = checkpoint_block_decode(data, size, &item), m;

	if (n < 0)
		return;
	m = checkpoint_block_encode(&item, again);
	/* columns have more than one spelling, but never a longer one of ours */
	if (m < 0 || m > n)
		abort();
	if (checkpoint_block_decode(again, (size_t)m, &back) != m ||
		memcmp(&item, &back, sizeof(item)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy;
	size_t at;

	checkpoint_check(data, size, &at);
	read_block(data, size);
	if (size < 8)
		return 0;
	/* the same with length and checksum right, so that the fuzzer gets behind them */
	copy = malloc(size);
	if (!copy)
		abort();
	memcpy(copy, data, size);
	pack_put_le(copy, size - 8, 2);
	copy[3] = 0;
	pack_put_le(copy + 4, crc32_add(crc32_add(0, copy + 2, 1), copy + 8, size - 8), 4);
	read_block(copy, size);
	free(copy);
	return 0;
}
