/*
 * The values of options as people write them.  Parsers return NULL, or the reason as the end of a
 * sentence that begins with the value ("'5x' has no unit: ..."), and leave ret alone then.
 * Printers write the shortest text that reads back to the same value.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/policy.h"

#define VALUE_TEXT_SIZE 128

const char *value_bool(const char *text, bool *ret);
const char *value_integer(const char *text, int64_t *ret); /* decimal, or 0x... */
const char *value_octal(const char *text, int64_t *ret);
/* "30s", "500ms", "1h30m", "1.5s", "0"; us ms s m h d w. */
const char *value_duration(const char *text, int64_t *ret_us);
/*
 * "5MB", "1.5GB", "64KiB", "4096"; k M G T are powers of 1000, Ki Mi Gi Ti of 1024, the B may be
 * left out.
 */
const char *value_bytes(const char *text, int64_t *ret);
const char *value_ports(const char *text, uint16_t *ret_first, uint16_t *ret_last);
const char *value_protocol(const char *text, uint8_t *ret);
const char *value_dscp(const char *text, int16_t *ret);
const char *value_address(const char *text, uint8_t ret[16], enum family *ret_family);
const char *value_prefix(const char *text, uint8_t ret[16], uint8_t *ret_bits,
	enum family *ret_family);
const char *value_name(const char *text);   /* of a link or class: letters, digits, _ . - */
const char *value_device(const char *text); /* what the kernel takes for a device's name */
const char *value_host(const char *text);
const char *value_path(const char *text); /* begins with / */

void value_print_duration(int64_t us, char *ret, size_t size);
void value_print_bytes(int64_t bytes, char *ret, size_t size);
void value_print_ports(uint16_t first, uint16_t last, char *ret, size_t size);
void value_print_protocol(uint8_t protocol, char *ret, size_t size);
void value_print_dscp(int16_t dscp, char *ret, size_t size);
void value_print_address(const uint8_t address[16], enum family family, char *ret, size_t size);
