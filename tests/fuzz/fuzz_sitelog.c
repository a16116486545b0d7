/* Whatever is in a site's record: an error or a world that can be asked, never a crash; and what was read of a block is
   written the same way again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/crc32.h"
#include "core/sitelog.h"
#include "replay/site.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(struct site *s)
{
	struct scenario *world = &s->scenario;

	if (world->t0_us >= world->t1_us || !world->n_links)
		abort();
	for (unsigned i = 0; i < world->n_links; i++) {
		struct recording *r = &world->link[i].recording;

		for (size_t k = 1; k < r->n; k++)
			if (r->row[k].at_us < r->row[k - 1].at_us)
				abort();
		recording_at(r, world->t0_us);
		recording_at(r, world->t1_us);
	}
	for (size_t i = 0; i < s->moves.n; i++)
		if (s->moves.move[i].link > LINKS_MAX ||
			(i && s->moves.move[i].at_us < s->moves.move[i - 1].at_us))
			abort();
}

static void load(const uint8_t *data, size_t size, int64_t since_us)
{
	static int fd = -1;
	static char file[64];
	static struct site s;
	struct problem problem = {.text = ""};

	if (fd < 0) {
		fd = memfd_create("fuzz", 0);
		snprintf(file, sizeof(file), "/proc/self/fd/%d", fd);
	}
	if (fd < 0 || ftruncate(fd, 0) < 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
		abort();
	if (!site_load(&s, file, FAMILY_IPV4, since_us, &problem)) {
		ask(&s);
		site_free(&s);
	} else if (!problem.text[0]) {
		abort();
	}
}

/* Each block's length and checksum made right, so that what is behind them is met. */
static void mend(uint8_t *data, size_t size)
{
	for (size_t at = 0; at + SITELOG_HEADER_SIZE <= size;) {
		size_t length = pack_get_le(data + at + 4, 2) % SITELOG_BLOCK_SIZE;

		if (length > size - at - SITELOG_HEADER_SIZE)
			length = size - at - SITELOG_HEADER_SIZE;
		if (length > SITELOG_BLOCK_SIZE - SITELOG_HEADER_SIZE)
			length = SITELOG_BLOCK_SIZE - SITELOG_HEADER_SIZE;
		memcpy(data + at, "ASB1", 4);
		pack_put_le(data + at + 4, length, 4);
		pack_put_le(data + at + 8,
			crc32_add(0, data + at + 12, SITELOG_HEADER_SIZE - 12 + length), 4);
		at += SITELOG_HEADER_SIZE + length;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size + 1);

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	load(copy, size, size & 1 ? 0 : 60000000);
	mend(copy, size);
	load(copy, size, size & 2 ? 0 : 3600000000);
	free(copy);
	return 0;
}
