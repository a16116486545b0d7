/* Any file: what is taken out comes back byte for byte, and doing it twice changes nothing more. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec/resolv_conf.h"

#define TEXT_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_even(void *user, const char *server)
{
	(void)user;
	return !(strlen(server) % 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char plain[TEXT_MAX], once[64 * TEXT_MAX], twice[64 * TEXT_MAX];
	size_t n_plain, n_once, n_twice;

	if (size > TEXT_MAX || resolv_conf_filter((const char *)data, size, NULL, NULL, plain,
				       sizeof(plain), &n_plain))
		return 0;
	if (resolv_conf_filter(plain, n_plain, is_even, NULL, once, sizeof(once), &n_once))
		abort();
	if (resolv_conf_filter(once, n_once, is_even, NULL, twice, sizeof(twice), &n_twice) ||
		n_twice != n_once || memcmp(once, twice, n_once) != 0)
		abort();
	/* a line may hold the mark twice: only one is ours */
	if (memmem(plain, n_plain, RESOLV_CONF_MARK, sizeof(RESOLV_CONF_MARK) - 1))
		return 0;
	if (resolv_conf_filter(once, n_once, NULL, NULL, twice, sizeof(twice), &n_twice) ||
		n_twice != n_plain || memcmp(plain, twice, n_plain) != 0)
		abort();
	return 0;
}
