/*
 * Messages of OpenWrt's bus: a frame of 12 bytes and attributes behind it.  All numbers are big-endian.
 *
 *      version 0, type, seq (2), peer (4), length of what follows with these 4 bytes (4), attributes
 *
 * Who starts an exchange chooses seq; every answer repeats it.  peer is the object that a client calls, or, towards the
 * owner of an object, the client that calls it.
 */
#pragma once

#include "codec/ubus_blob.h"

#define UBUS_HEADER_SIZE 12
#define UBUS_BODY_MAX (1048576 - 4) /* of attributes; ubusd closes a connection that sends more */

enum ubus_type {
	UBUS_HELLO,
	UBUS_STATUS,
	UBUS_DATA,
	UBUS_PING,
	UBUS_LOOKUP,
	UBUS_INVOKE,
	UBUS_ADD_OBJECT,
	UBUS_REMOVE_OBJECT,
	UBUS_SUBSCRIBE,
	UBUS_UNSUBSCRIBE,
	UBUS_NOTIFY,
	UBUS_MONITOR,
	UBUS_TYPE_COUNT,
};

enum ubus_status {
	UBUS_OK,
	UBUS_INVALID_COMMAND,
	UBUS_INVALID_ARGUMENT,
	UBUS_METHOD_NOT_FOUND,
	UBUS_NOT_FOUND,
	UBUS_NO_DATA,
	UBUS_PERMISSION_DENIED,
	UBUS_TIMEOUT,
	UBUS_NOT_SUPPORTED,
	UBUS_UNKNOWN_ERROR,
	UBUS_CONNECTION_FAILED,
	UBUS_NO_MEMORY,
	UBUS_PARSE_ERROR,
	UBUS_SYSTEM_ERROR,
	UBUS_STATUS_COUNT,
};

enum ubus_attribute {
	UBUS_ATTRIBUTE_STATUS = 1,
	UBUS_ATTRIBUTE_PATH,
	UBUS_ATTRIBUTE_OBJECT,
	UBUS_ATTRIBUTE_METHOD,
	UBUS_ATTRIBUTE_METHODS_ID, /* of a table of methods that the daemon knows */
	UBUS_ATTRIBUTE_SIGNATURE, /* a table a method; each argument is an int32, whose value is an enum blob_type */
	UBUS_ATTRIBUTE_DATA,
	UBUS_ATTRIBUTE_TARGET,
	UBUS_ATTRIBUTE_ACTIVE,
	UBUS_ATTRIBUTE_NO_REPLY,
	UBUS_ATTRIBUTE_SUBSCRIBERS,
	UBUS_ATTRIBUTE_USER,
	UBUS_ATTRIBUTE_GROUP,
	UBUS_ATTRIBUTE_COUNT,
};

/* Objects that the daemon itself has. */
#define UBUS_OBJECT_EVENT 1 /* methods: register, send */

struct ubus_header {
	enum ubus_type type;
	uint16_t seq;
	uint32_t peer;
	size_t body_size; /* of the attributes that follow */
};

/*
 * -EPROTO: a version that is not 0, or a type that there is not (the frame's length may then still be used: ret is
 * filled); -EBADMSG: no possible length; -EMSGSIZE: more than UBUS_BODY_MAX.
 */
int ubus_header_read(const uint8_t bytes[UBUS_HEADER_SIZE], struct ubus_header *ret);

/* What a message says; an attribute of the wrong size, or text without its end, counts as missing. */
struct ubus_message {
	uint32_t has; /* bit 1 << enum ubus_attribute */
	uint32_t status, object, methods_id, target;
	bool active, no_reply;
	const char *path, *method, *user, *group; /* NULL: missing; in the buffer */
	struct blob data, signature;
};

static inline bool ubus_message_has(const struct ubus_message *m, enum ubus_attribute attribute)
{
	return m->has >> attribute & 1;
}

/* 0, or -EBADMSG when the attributes do not fill the body. */
int ubus_message_read(const uint8_t *body, size_t size, struct ubus_message *ret);

/* Begins a frame; blob_put_attribute... follow, then ubus_message_end() with the mark. */
size_t ubus_message_begin(struct blob_writer *w, enum ubus_type type, uint16_t seq, uint32_t peer);
void ubus_message_end(struct blob_writer *w, size_t mark);

/* "not found", for the log; NULL for numbers out of range. */
const char *ubus_status_name(unsigned status);
