/*
 * A list of resolvers as resolv.conf(5) has it, with those taken out that are not to be asked.  They stay in the file as
 * comments, so that the file itself says what was done and how to undo it:
 *
 *      nameserver 10.1.0.53     <->     #autonomy: not asked, its link does not work: nameserver 10.1.0.53
 *
 * Everything else stays as it is, byte for byte.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define RESOLV_CONF_MARK "#autonomy: not asked, its link does not work: "

/* server: "10.1.0.53", "fe80::1%eth1". */
typedef bool resolv_conf_fn(void *user, const char *server);

/*
 * Lines that were taken out come back first, then those of which unwanted(user, server) says so are taken out (NULL: none;
 * also when none would be left).  0, or -ENOSPC when ret is too small.
 */
int resolv_conf_filter(const char *text, size_t size, resolv_conf_fn *unwanted, void *user,
	char *ret, size_t ret_size, size_t *ret_used);
