#include "codec/ubus_message.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"

int ubus_header_read(const uint8_t bytes[UBUS_HEADER_SIZE], struct ubus_header *ret)
{
	uint32_t size = bytes_get_be32(bytes + 8) & BLOB_SIZE_MAX;

	if (size < BLOB_HEADER_SIZE)
		return -EBADMSG;
	/* the next frame begins on a multiple of 4, whatever the last attribute says */
	size = (size + 3) & ~UINT32_C(3);
	if (size - BLOB_HEADER_SIZE > UBUS_BODY_MAX)
		return -EMSGSIZE;
	*ret = (struct ubus_header){
		.type = (enum ubus_type)bytes[1],
		.seq = bytes_get_be16(bytes + 2),
		.peer = bytes_get_be32(bytes + 4),
		.body_size = size - BLOB_HEADER_SIZE,
	};
	return bytes[0] || bytes[1] >= UBUS_TYPE_COUNT ? -EPROTO : 0;
}

static bool take_text(struct blob payload, const char **ret)
{
	*ret = blob_read_text(payload);
	return *ret != NULL;
}

static bool take_flag(struct blob payload, bool *ret)
{
	uint8_t byte;

	if (!blob_read_u8(payload, &byte))
		return false;
	*ret = byte != 0;
	return true;
}

static bool take(const struct blob_attribute *a, struct ubus_message *m)
{
	switch ((enum ubus_attribute)a->id) {
	case UBUS_ATTRIBUTE_STATUS:
		return blob_read_u32(a->payload, &m->status);
	case UBUS_ATTRIBUTE_OBJECT:
		return blob_read_u32(a->payload, &m->object);
	case UBUS_ATTRIBUTE_METHODS_ID:
		return blob_read_u32(a->payload, &m->methods_id);
	case UBUS_ATTRIBUTE_TARGET:
		return blob_read_u32(a->payload, &m->target);
	case UBUS_ATTRIBUTE_PATH:
		return take_text(a->payload, &m->path);
	case UBUS_ATTRIBUTE_METHOD:
		return take_text(a->payload, &m->method);
	case UBUS_ATTRIBUTE_USER:
		return take_text(a->payload, &m->user);
	case UBUS_ATTRIBUTE_GROUP:
		return take_text(a->payload, &m->group);
	case UBUS_ATTRIBUTE_ACTIVE:
		return take_flag(a->payload, &m->active);
	case UBUS_ATTRIBUTE_NO_REPLY:
		return take_flag(a->payload, &m->no_reply);
	case UBUS_ATTRIBUTE_DATA:
		m->data = a->payload;
		return true;
	case UBUS_ATTRIBUTE_SIGNATURE:
		m->signature = a->payload;
		return true;
	case UBUS_ATTRIBUTE_SUBSCRIBERS:
		return true;
	case UBUS_ATTRIBUTE_COUNT:
		break;
	}
	return false;
}

int ubus_message_read(const uint8_t *body, size_t size, struct ubus_message *ret)
{
	struct blob rest = {.at = body, .size = size};
	struct blob_attribute a;
	struct ubus_message m = {0};
	int r;

	while ((r = blob_next_attribute(&rest, &a)) == 1)
		if (a.id < UBUS_ATTRIBUTE_COUNT && take(&a, &m))
			m.has |= UINT32_C(1) << a.id;
	if (r < 0)
		return r;
	*ret = m;
	return 0;
}

size_t ubus_message_begin(struct blob_writer *w, enum ubus_type type, uint16_t seq, uint32_t peer)
{
	size_t mark = w->used;
	uint8_t *p = w->to ? w->to + mark : NULL;

	if (w->error || w->size - w->used < UBUS_HEADER_SIZE) {
		w->error = -ENOSPC;
		return mark;
	}
	w->used += UBUS_HEADER_SIZE;
	if (p) {
		memset(p, 0, UBUS_HEADER_SIZE);
		p[1] = (uint8_t)type;
		bytes_put_be16(p + 2, seq);
		bytes_put_be32(p + 4, peer);
	}
	return mark;
}

void ubus_message_end(struct blob_writer *w, size_t mark)
{
	blob_close(w, mark + UBUS_HEADER_SIZE - BLOB_HEADER_SIZE);
	if (!w->error && w->used - mark > UBUS_HEADER_SIZE + UBUS_BODY_MAX)
		w->error = -ENOSPC;
}

const char *ubus_status_name(unsigned status)
{
	static const char *const name[UBUS_STATUS_COUNT] = {"ok", "invalid command",
		"invalid argument", "method not found", "not found", "no data", "permission denied",
		"timed out", "not supported", "unknown error", "connection failed", "out of memory",
		"parse error", "system error"};

	return status < UBUS_STATUS_COUNT ? name[status] : NULL;
}
