#include "codec/nd.h"

#include <errno.h>
#include <string.h>

#define TYPE_SOLICITATION 135
#define TYPE_ADVERTISEMENT 136
#define FIXED_SIZE 24 /* header, flags, target */
#define OPTION_SOURCE_LINK_LAYER 1
#define OPTION_UNIT 8 /* option lengths count eight bytes, §4.6 */

#define FLAG_ROUTER 0x80
#define FLAG_SOLICITED 0x40
#define FLAG_OVERRIDE 0x20

void nd_solicited_node(const uint8_t target[16], uint8_t out[16])
{
	static const uint8_t prefix[13] = {0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff};

	memcpy(out, prefix, sizeof(prefix));
	memcpy(out + sizeof(prefix), target + sizeof(prefix), 16 - sizeof(prefix));
}

void nd_build_solicitation(const uint8_t target[16], const uint8_t hardware[ND_HARDWARE_SIZE],
	uint8_t out[ND_SOLICITATION_SIZE])
{
	memset(out, 0, 8);
	out[0] = TYPE_SOLICITATION;
	memcpy(out + 8, target, 16);
	out[FIXED_SIZE] = OPTION_SOURCE_LINK_LAYER;
	out[FIXED_SIZE + 1] = 1;
	memcpy(out + FIXED_SIZE + 2, hardware, ND_HARDWARE_SIZE);
}

/* §7.1.2: every option has a length above zero and ends within the packet. */
static bool options_valid(const uint8_t *option, size_t size)
{
	while (size) {
		size_t length;

		if (size < 2 || !option[1])
			return false;
		length = (size_t)option[1] * OPTION_UNIT;
		if (length > size)
			return false;
		option += length;
		size -= length;
	}
	return true;
}

int nd_parse_advertisement(const uint8_t *data, size_t size, struct nd_advertisement *ret)
{
	if (size < 1)
		return -EBADMSG;
	if (data[0] != TYPE_ADVERTISEMENT)
		return -ENOMSG;
	if (size < FIXED_SIZE || data[1] != 0 || data[8] == 0xff)
		return -EBADMSG;
	if (!options_valid(data + FIXED_SIZE, size - FIXED_SIZE))
		return -EBADMSG;
	ret->router = data[4] & FLAG_ROUTER;
	ret->solicited = data[4] & FLAG_SOLICITED;
	ret->override = data[4] & FLAG_OVERRIDE;
	memcpy(ret->target, data + 8, 16);
	return 0;
}
