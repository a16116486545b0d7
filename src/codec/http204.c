#include "codec/http204.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define STATUS_NO_CONTENT 204
#define STATUS_FIRST 9 /* column of the status in "HTTP/1.1 204 No Content", RFC 9112 §4 */
#define STATUS_END 12

static const uint8_t content_length[] = "content-length:";
#define CONTENT_LENGTH_SIZE (sizeof(content_length) - 1)

static bool visible(const char *s)
{
	if (!*s)
		return false;
	for (; *s; s++) {
		if (*s <= ' ' || *s > '~')
			return false;
	}
	return true;
}

int http204_build_request(const char *host, const char *path, char *out, size_t room,
	size_t *ret_size)
{
	int n;

	if (!visible(host) || !visible(path) || path[0] != '/')
		return -EINVAL;
	n = snprintf(out, room,
		"GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: autonomy\r\nConnection: close\r\n\r\n",
		path, host);
	if (n < 0 || (size_t)n >= room)
		return -ENOSPC;
	*ret_size = (size_t)n;
	return 0;
}

void http204_init(struct http204 *h)
{
	*h = (struct http204){.state = HTTP204_STATUS_LINE};
}

static enum http204_state after_status_line(const struct http204 *h)
{
	if (h->status == STATUS_NO_CONTENT)
		return HTTP204_HEADER;
	return h->status < 200 ? HTTP204_INTERIM : HTTP204_DONE;
}

static enum http204_state read_status_line(struct http204 *h, uint8_t c)
{
	static const uint8_t version[] = "HTTP/1.";
	unsigned column = h->column;

	if (c == '\n') {
		h->column = 0;
		return column >= STATUS_END ? after_status_line(h) : HTTP204_MALFORMED;
	}
	h->column++;
	if (column < sizeof(version) - 1)
		return c == version[column] ? HTTP204_STATUS_LINE : HTTP204_MALFORMED;
	if (column == STATUS_FIRST - 1)
		return c == ' ' ? HTTP204_STATUS_LINE : HTTP204_MALFORMED;
	if (column < STATUS_FIRST)
		return c >= '0' && c <= '9' ? HTTP204_STATUS_LINE : HTTP204_MALFORMED;
	if (column < STATUS_END) {
		if (c < '0' || c > '9' || (column == STATUS_FIRST && c == '0'))
			return HTTP204_MALFORMED;
		h->status = (uint16_t)(h->status * 10 + (c - '0'));
		return HTTP204_STATUS_LINE;
	}
	if (column == STATUS_END)
		return c == ' ' || c == '\r' ? HTTP204_STATUS_LINE : HTTP204_MALFORMED;
	return HTTP204_STATUS_LINE;
}

/* Watches for a Content-Length other than zero; says whether the header has ended. */
static bool header_ended(struct http204 *h, uint8_t c)
{
	if (c == '\n') {
		bool empty = !h->column;

		h->column = 0;
		h->matched = 0;
		return empty;
	}
	if (c == '\r')
		return false;
	if (h->matched == CONTENT_LENGTH_SIZE) {
		if (c >= '1' && c <= '9')
			h->has_body = true;
	} else if (h->matched == h->column) {
		uint8_t low = c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;

		if (low == content_length[h->matched])
			h->matched++;
	}
	h->column++;
	return false;
}

static enum http204_state read_byte(struct http204 *h, uint8_t c)
{
	switch (h->state) {
	case HTTP204_STATUS_LINE:
		return read_status_line(h, c);
	case HTTP204_HEADER:
		return header_ended(h, c) ? HTTP204_DONE : HTTP204_HEADER;
	case HTTP204_INTERIM:
		if (!header_ended(h, c))
			return HTTP204_INTERIM;
		h->status = 0;
		h->has_body = false;
		return HTTP204_STATUS_LINE;
	case HTTP204_DONE:
	case HTTP204_MALFORMED:
		break;
	}
	return h->state;
}

enum http204_state http204_read(struct http204 *h, const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (h->state == HTTP204_DONE) {
			h->has_body = true;
			break;
		}
		if (h->state == HTTP204_MALFORMED)
			break;
		if (h->read == HTTP204_RESPONSE_MAX) {
			h->state = HTTP204_MALFORMED;
			break;
		}
		h->read++;
		h->state = read_byte(h, data[i]);
	}
	return h->state;
}
