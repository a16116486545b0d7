/* CRC-32 as in IEEE 802.3 and zlib (reflected, polynomial 0xEDB88320). */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* crc: 0 to begin, or the result for the bytes before these. */
uint32_t crc32_add(uint32_t crc, const void *data, size_t size);
