#include "daemon/quota.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/usec.h"

#define WRITE_US (10 * USEC_MIN)
#define TELL_BYTES 1000000

/* "DEVICE YYYYMM BYTES\n" */
static bool read_line(const char *line, struct quota_link *ret)
{
	size_t n = strcspn(line, " \n");
	long month;
	char *end;

	if (!n || n >= sizeof(ret->device))
		return false;
	month = strtol(line + n, &end, 10);
	if (month < 202001 || month > 999912 || *end != ' ')
		return false;
	errno = 0;
	ret->bytes = strtoull(end, &end, 10);
	if (errno || *end != '\n')
		return false;
	memcpy(ret->device, line, n);
	ret->month = (int32_t)month;
	return true;
}

int quota_open(struct quota *q, const char *state_dir)
{
	char line[128];
	unsigned n = 0;
	int bad = 0;
	FILE *f;

	memset(q, 0, sizeof(*q));
	if (snprintf(q->file, sizeof(q->file), "%s/quota", state_dir) >= (int)sizeof(q->file)) {
		q->file[0] = '\0';
		return 0;
	}
	f = fopen(q->file, "re");
	if (!f)
		return 0;
	while (n < LINKS_MAX && fgets(line, sizeof(line), f)) {
		struct quota_link l = {0};

		if (read_line(line, &l))
			q->link[n++] = l;
		else
			bad++;
	}
	fclose(f);
	return bad;
}

/* The link's own place; what the file said of its device moves there. */
static struct quota_link *place(struct quota *q, unsigned link, const char *device)
{
	struct quota_link *l = &q->link[link];

	if (!strcmp(l->device, device))
		return l;
	for (unsigned i = 0; i < LINKS_MAX; i++) {
		if (strcmp(q->link[i].device, device) == 0) {
			struct quota_link other = *l;

			*l = q->link[i];
			q->link[i] = other;
			l->counting = false;
			return l;
		}
	}
	memset(l, 0, sizeof(*l));
	snprintf(l->device, sizeof(l->device), "%s", device);
	return l;
}

void quota_count(struct quota *q, unsigned link, const char *device, const struct input_counters *c,
	int32_t month)
{
	struct quota_link *l = place(q, link, device);
	uint64_t now = c->tx_bytes + c->rx_bytes;

	if (month && l->month && month != l->month) {
		l->bytes = l->told = 0;
		q->dirty = true;
	}
	if (month)
		l->month = month;
	/* a fall is a new device that counts from zero */
	if (l->counting && now != l->last) {
		l->bytes += now > l->last ? now - l->last : now;
		q->dirty = true;
	}
	l->last = now;
	l->counting = true;
}

bool quota_hint(struct quota *q, unsigned link, struct input *ret)
{
	struct quota_link *l = &q->link[link];

	if (!l->counting || (l->told && l->bytes - l->told < TELL_BYTES) ||
		l->bytes > INT64_MAX / 4)
		return false;
	l->told = l->bytes ? l->bytes : 1;
	memset(ret, 0, sizeof(*ret));
	ret->kind = INPUT_HINT;
	ret->hint.link = (uint8_t)link;
	ret->hint.kind = HINT_QUOTA_USED;
	ret->hint.value = (int64_t)l->bytes;
	return true;
}

int quota_write(struct quota *q, int64_t now_us, bool at_end)
{
	char temporary[sizeof(q->file) + 8];
	FILE *f;
	int error = 0;

	if (!q->file[0] || !q->dirty || (!at_end && now_us - q->written_us < WRITE_US))
		return 0;
	q->written_us = now_us;
	snprintf(temporary, sizeof(temporary), "%s.new", q->file);
	f = fopen(temporary, "we");
	if (!f)
		return -errno;
	for (unsigned i = 0; i < LINKS_MAX; i++)
		if (q->link[i].device[0] && q->link[i].month)
			fprintf(f, "%s %" PRId32 " %" PRIu64 "\n", q->link[i].device,
				q->link[i].month, q->link[i].bytes);
	if (fflush(f) || fdatasync(fileno(f)))
		error = -errno;
	if (fclose(f) && !error)
		error = -errno;
	if (!error && rename(temporary, q->file) < 0)
		error = -errno;
	if (!error)
		q->dirty = false;
	return error;
}
