#include "trace.h"

#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

#define FILE_MAX (256u << 20)

static int read_all(gzFile file, char **ret_text, size_t *ret_len)
{
	size_t capacity = 1u << 20;
	char *text = malloc(capacity);
	size_t len = 0;
	char *grown;
	int got;

	while (text) {
		got = gzread(file, text + len, (unsigned)(capacity - len));
		if (got < 0) {
			free(text);
			return -EIO;
		}
		if (got == 0) {
			*ret_text = text;
			*ret_len = len;
			return 0;
		}
		len += (size_t)got;
		if (len < capacity)
			continue;
		if (capacity >= FILE_MAX) {
			free(text);
			return -EFBIG;
		}
		capacity *= 2;
		grown = realloc(text, capacity);
		if (!grown)
			free(text);
		text = grown;
	}
	return -ENOMEM;
}

int trace_load(const char *path, struct trace *ret_trace)
{
	gzFile file;
	size_t len;
	char *text;
	int error;

	errno = ENOMEM;
	file = gzopen(path, "rbe");
	if (!file)
		return -errno;
	error = read_all(file, &text, &len);
	gzclose(file);
	if (error)
		return error;
	error = trace_parse(text, len, ret_trace);
	free(text);
	return error;
}
