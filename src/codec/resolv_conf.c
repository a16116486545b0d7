#include "codec/resolv_conf.h"

#include <errno.h>
#include <string.h>

#define MARK_LENGTH (sizeof(RESOLV_CONF_MARK) - 1)
#define SERVER_SIZE 64 /* an address and a device */

struct line {
	const char *text;
	size_t length; /* with the newline, if it has one */
};

static bool next_line(const char **text, size_t *size, struct line *ret)
{
	const char *end = *size ? memchr(*text, '\n', *size) : NULL;

	ret->text = *text;
	ret->length = end ? (size_t)(end - *text) + 1 : *size;
	*text += ret->length;
	*size -= ret->length;
	if (ret->length > MARK_LENGTH && !memcmp(ret->text, RESOLV_CONF_MARK, MARK_LENGTH)) {
		ret->text += MARK_LENGTH;
		ret->length -= MARK_LENGTH;
	}
	return ret->length > 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The address of a nameserver line; false for every other line. */
static bool read_server(const struct line *l, char ret[SERVER_SIZE])
{
	static const char word[] = "nameserver";
	size_t at = sizeof(word) - 1, length = 0;

	if (l->length <= at || memcmp(l->text, word, at) != 0 || !is_blank(l->text[at]))
		return false;
	while (at < l->length && is_blank(l->text[at]))
		at++;
	while (at + length < l->length && !is_blank(l->text[at + length]) && l->text[at + length])
		length++;
	if (!length || length >= SERVER_SIZE)
		return false;
	memcpy(ret, l->text + at, length);
	ret[length] = '\0';
	return true;
}

static bool leaves_none(const char *text, size_t size, resolv_conf_fn *unwanted, void *user)
{
	char server[SERVER_SIZE];
	struct line line;

	while (next_line(&text, &size, &line))
		if (read_server(&line, server) && !unwanted(user, server))
			return false;
	return true;
}

static bool append(char *to, size_t size, size_t *used, const char *text, size_t length)
{
	if (length > size - *used)
		return false;
	memcpy(to + *used, text, length);
	*used += length;
	return true;
}

int resolv_conf_filter(const char *text, size_t size, resolv_conf_fn *unwanted, void *user,
	char *ret, size_t ret_size, size_t *ret_used)
{
	char server[SERVER_SIZE];
	struct line line;
	size_t used = 0;

	if (unwanted && leaves_none(text, size, unwanted, user))
		unwanted = NULL;
	while (next_line(&text, &size, &line)) {
		if (unwanted && read_server(&line, server) && unwanted(user, server) &&
			!append(ret, ret_size, &used, RESOLV_CONF_MARK, MARK_LENGTH))
			return -ENOSPC;
		if (!append(ret, ret_size, &used, line.text, line.length))
			return -ENOSPC;
	}
	*ret_used = used;
	return 0;
}
