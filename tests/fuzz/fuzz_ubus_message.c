/* A stream of frames, as the daemon takes them off its socket; what is read is written again and must read the same. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec/ubus_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_again(const struct ubus_header *h, const struct ubus_message *m)
{
	static uint8_t bytes[UBUS_HEADER_SIZE + UBUS_BODY_MAX];
	struct ubus_header header;
	struct ubus_message message;
	struct blob_writer w;
	size_t frame;

	blob_writer_init(&w, bytes, sizeof(bytes));
	frame = ubus_message_begin(&w, h->type, h->seq, h->peer);
	if (ubus_message_has(m, UBUS_ATTRIBUTE_STATUS))
		blob_put_attribute_u32(&w, UBUS_ATTRIBUTE_STATUS, m->status);
	if (m->path)
		blob_put_attribute_text(&w, UBUS_ATTRIBUTE_PATH, m->path);
	if (m->method)
		blob_put_attribute_text(&w, UBUS_ATTRIBUTE_METHOD, m->method);
	if (ubus_message_has(m, UBUS_ATTRIBUTE_NO_REPLY))
		blob_put_attribute_u8(&w, UBUS_ATTRIBUTE_NO_REPLY, m->no_reply);
	if (ubus_message_has(m, UBUS_ATTRIBUTE_DATA))
		blob_put_attribute(&w, UBUS_ATTRIBUTE_DATA, m->data.at, m->data.size);
	ubus_message_end(&w, frame);
	if (w.error || ubus_header_read(bytes, &header) || header.seq != h->seq ||
		header.peer != h->peer || header.body_size != w.used - UBUS_HEADER_SIZE ||
		ubus_message_read(bytes + UBUS_HEADER_SIZE, header.body_size, &message))
		abort();
	if (message.status != m->status || message.no_reply != m->no_reply ||
		message.data.size != m->data.size || !message.path != !m->path ||
		(m->path && strcmp(message.path, m->path) != 0))
		abort();
	if (m->data.size && memcmp(message.data.at, m->data.at, m->data.size) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	while (size >= UBUS_HEADER_SIZE) {
		struct ubus_header h;
		struct ubus_message m;
		int r = ubus_header_read(data, &h);

		data += UBUS_HEADER_SIZE;
		size -= UBUS_HEADER_SIZE;
		if (r && r != -EPROTO) /* that one may be passed over */
			break;
		if (h.body_size > size || h.body_size > UBUS_BODY_MAX)
			break;
		if (!r && !ubus_message_read(data, h.body_size, &m))
			write_again(&h, &m);
		data += h.body_size;
		size -= h.body_size;
	}
	return 0;
}
