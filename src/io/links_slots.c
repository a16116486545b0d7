#include "io/links_slots.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config/value.h"

#define TEXT_SIZE 1024 /* LINKS_MAX lines of at most 51 bytes, and some comment */

int slots_find(const struct slots *s, const char *device)
{
	for (int i = 0; i < LINKS_MAX; i++) {
		if (s->slot[i].device[0] && !strcmp(s->slot[i].device, device))
			return i;
	}
	return -1;
}

/* The one to recycle, or -1. */
static int oldest_absent(const struct slots *s)
{
	int oldest = -1;

	for (int i = 0; i < LINKS_MAX; i++) {
		const struct slot *slot = &s->slot[i];

		if (slot->kept || !slot->absent_since_us)
			continue;
		if (oldest < 0 || slot->absent_since_us < s->slot[oldest].absent_since_us)
			oldest = i;
	}
	return oldest;
}

static int last_unkept(const struct slots *s)
{
	for (int i = LINKS_MAX - 1; i >= 0; i--) {
		if (!s->slot[i].kept)
			return i;
	}
	return -1;
}

int slots_allot(struct slots *s, const char *device, bool must, char ret_was[DEVICE_SIZE])
{
	int i;

	for (i = 0; i < LINKS_MAX && s->slot[i].device[0]; i++)
		;
	if (i == LINKS_MAX)
		i = oldest_absent(s);
	if (i < 0 && must)
		i = last_unkept(s);
	if (i < 0)
		return -1;
	memcpy(ret_was, s->slot[i].device, DEVICE_SIZE);
	memset(&s->slot[i], 0, sizeof(s->slot[i]));
	snprintf(s->slot[i].device, DEVICE_SIZE, "%s", device);
	return i;
}

/* What the kernel accepts as a device's name, dev_valid_name(). */
static bool is_device_name(const char *name, size_t length)
{
	if (!length || length >= DEVICE_SIZE || !strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	for (size_t i = 0; i < length; i++) {
		if (name[i] == '/' || name[i] == ':' || (unsigned char)name[i] <= ' ')
			return false;
	}
	return true;
}

/*
 * Why the line cannot be used; NULL when it was used.  "" and comments are used by doing nothing.
 */
static const char *parse_line(struct slots *s, char *line, int64_t now_us)
{
	unsigned number = 0;
	char *interface;
	size_t digits = strspn(line, "0123456789");
	const char *name;

	if (!line[0] || line[0] == '#')
		return NULL;
	for (size_t i = 0; i < digits && number < LINKS_MAX; i++)
		number = 10 * number + (unsigned)(line[i] - '0');
	if (!digits || line[digits] != ' ')
		return "a line is a slot's number, a blank and a device's name";
	name = line + digits + 1;
	interface = strchr(name, ' ');
	if (interface)
		*interface++ = '\0';
	if (number >= LINKS_MAX)
		return "there are slots 0 to 15 only";
	if (!is_device_name(name, strlen(name)))
		return "this is not the name of a device";
	if (s->slot[number].device[0])
		return "this slot is given away further up";
	if (slots_find(s, name) >= 0)
		return "this device has a slot further up";
	if (interface && (value_name(interface) || strlen(interface) >= NAME_SIZE))
		return "this is not the name of an interface";
	snprintf(s->slot[number].device, DEVICE_SIZE, "%s", name);
	snprintf(s->slot[number].interface, NAME_SIZE, "%s", interface ? interface : "");
	s->slot[number].absent_since_us = now_us;
	return NULL;
}

_Static_assert(LINKS_MAX == 16, "a message above says 0 to 15");

void slots_parse(struct slots *ret, const char *file, const char *text, size_t size, int64_t now_us,
	slots_problem_fn *tell, void *user)
{
	struct slots s = {0};
	size_t at = 0;

	for (int number = 1; at < size; number++) {
		const char *end = memchr(text + at, '\n', size - at);
		size_t length = end ? (size_t)(end - text) - at : size - at;
		const char *why = "this line is too long";
		char line[64];

		if (length < sizeof(line)) {
			memcpy(line, text + at, length);
			line[length] = '\0';
			why = strlen(line) < length ? "this is not text"
						    : parse_line(&s, line, now_us);
		}
		if (why) {
			struct problem problem;

			problem_set(&problem, file, number, "%s; the line is skipped", why);
			tell(user, &problem);
		}
		at += length + 1;
	}
	*ret = s;
}

size_t slots_print(const struct slots *s, char *buffer, size_t size)
{
	size_t used = 0;

	used += (size_t)snprintf(buffer, size, "# slot device interface\n");
	for (int i = 0; i < LINKS_MAX; i++) {
		if (s->slot[i].device[0])
			used += (size_t)snprintf(used < size ? buffer + used : NULL,
				used < size ? size - used : 0, "%d %s%s%s\n", i, s->slot[i].device,
				s->slot[i].interface[0] ? " " : "", s->slot[i].interface);
	}
	return used;
}

int slots_load(struct slots *ret, const char *file, int64_t now_us, slots_problem_fn *tell,
	void *user)
{
	char text[TEXT_SIZE];
	size_t size = 0;
	ssize_t got;
	int error = 0;
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	memset(ret, 0, sizeof(*ret));
	if (fd < 0)
		return -errno;
	while (size < sizeof(text)) {
		got = read(fd, text + size, sizeof(text) - size);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			error = -errno;
		if (got <= 0)
			break;
		size += (size_t)got;
	}
	close(fd);
	if (error)
		return error;
	slots_parse(ret, file, text, size, now_us, tell, user);
	return 0;
}

int slots_save(const struct slots *s, const char *file)
{
	char text[TEXT_SIZE], other[PATH_MAX];
	size_t size = slots_print(s, text, sizeof(text));
	ssize_t written;
	int error = 0;
	int fd;

	if ((size_t)snprintf(other, sizeof(other), "%s.new", file) >= sizeof(other))
		return -ENAMETOOLONG;
	fd = open(other, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	written = write(fd, text, size);
	if (written < 0)
		error = -errno;
	else if ((size_t)written != size)
		error = -ENOSPC;
	if (close(fd) < 0 && !error)
		error = -errno;
	if (!error && rename(other, file) < 0)
		error = -errno;
	if (error)
		(void)unlink(other);
	return error;
}
