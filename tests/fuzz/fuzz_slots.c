/* The slot file: any bytes give a table without doubles, and what is printed of it reads the same
   again. */
#include <stdlib.h>
#include <string.h>

#include "io/links_slots.h"

#undef NDEBUG
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ignore(void *user, const struct problem *problem)
{
	(void)user;
	assert(problem->line > 0 && problem->text[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slots slots, again;
	char text[1024];
	size_t length;

	slots_parse(&slots, "slots", (const char *)data, size, 1, ignore, NULL);
	for (int i = 0; i < LINKS_MAX; i++)
		assert(!slots.slot[i].device[0] || slots_find(&slots, slots.slot[i].device) == i);
	length = slots_print(&slots, text, sizeof(text));
	assert(length < sizeof(text));
	slots_parse(&again, "slots", text, length, 1, ignore, NULL);
	assert(!memcmp(&slots, &again, sizeof(slots)));
	return 0;
}
