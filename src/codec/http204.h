/*
 * The check for captive portals: a GET whose right answer is status 204, without a body (RFC 9110
 * §15.3.5).  The reader takes the response in pieces of any size and keeps nothing of it but where
 * it is.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * -EINVAL when host or path is empty or holds anything but visible ASCII; -ENOSPC when it does not
 * fit.
 */
int http204_build_request(const char *host, const char *path, char *out, size_t room,
	size_t *ret_size);

#define HTTP204_RESPONSE_MAX 4096 /* bytes of status line and header that are read at most */

enum http204_state {
	HTTP204_STATUS_LINE, /* reading it */
	HTTP204_HEADER,      /* of a 204: reading on to its end */
	HTTP204_INTERIM,     /* of a 1xx: the real one follows, RFC 9110 §15.2 */
	HTTP204_DONE,        /* a whole header; status is valid */
	HTTP204_MALFORMED,   /* not HTTP/1.x, or too long */
};

struct http204 {
	enum http204_state state;
	uint16_t status; /* from the end of the status line on */
	bool has_body;   /* a 204 that claims or brings content: somebody sits between */
	uint16_t read;   /* bytes so far */
	uint16_t column; /* in the line being read */
	uint8_t matched; /* bytes of "content-length:" this line has begun with */
};

void http204_init(struct http204 *h);

/* Reads on.  A status of 200 and above other than 204 is DONE as soon as its line is. */
enum http204_state http204_read(struct http204 *h, const uint8_t *data, size_t size);
