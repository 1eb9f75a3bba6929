// SPDX-License-Identifier: Apache-2.0
#include "msg.h"

#include "proto/headers.h"
#include "proto/writer.h"

#include <stdlib.h>

struct rill_msg *msg_create(const struct rill_command *command)
{
    const size_t bytes =
        command->subject.len + command->reply.len + command->headers.len + command->payload.len + 3;
    struct rill_msg *msg = malloc(sizeof *msg + bytes);
    if (!msg)
        return NULL;
    msg->next = NULL;
    atomic_init(&msg->refs, 1);
    atomic_init(&msg->acked, false);
    msg->subject_bytes = (uint32_t)command->subject.len;
    msg->reply_bytes = (uint32_t)command->reply.len;
    msg->headers_bytes = (uint32_t)command->headers.len;
    msg->payload_bytes = command->payload.len;
    uint8_t *at = rill_put((uint8_t *)msg->bytes, command->subject);
    *at++ = '\0';
    at = rill_put(at, command->reply);
    *at++ = '\0';
    at = rill_put(at, command->headers);
    at = rill_put(at, command->payload);
    *at = '\0';
    return msg;
}

struct rill_msg *rill_msg_ref(struct rill_msg *msg)
{
    (void)atomic_fetch_add_explicit(&msg->refs, 1, memory_order_relaxed);
    return msg;
}

void rill_msg_unref(struct rill_msg *msg)
{
    // Whoever has the only share needs no atomic exchange to know it.
    if (msg && (atomic_load_explicit(&msg->refs, memory_order_acquire) == 1 ||
                atomic_fetch_sub_explicit(&msg->refs, 1, memory_order_acq_rel) == 1))
        free(msg);
}

void msg_unref_chain(struct rill_msg *first)
{
    while (first) {
        struct rill_msg *next = first->next;
        rill_msg_unref(first);
        first = next;
    }
}

const char *rill_msg_subject(const struct rill_msg *msg)
{
    return msg->bytes;
}

const char *rill_msg_reply(const struct rill_msg *msg)
{
    return msg->reply_bytes ? (const char *)msg_reply(msg).data : NULL;
}

const void *rill_msg_data(const struct rill_msg *msg)
{
    return msg_payload(msg).data;
}

size_t rill_msg_data_bytes(const struct rill_msg *msg)
{
    return msg->payload_bytes;
}

static struct rill_text text_of(struct rill_bytes bytes)
{
    return (struct rill_text){(const char *)bytes.data, bytes.len};
}

bool rill_msg_header(const struct rill_msg *msg, const char *name, struct rill_text *ret_value)
{
    struct rill_bytes value;
    if (!msg->headers_bytes || !rill_headers_find(msg_headers(msg), rill_bytes_from_cstr(name), &value))
        return false;
    *ret_value = text_of(value);
    return true;
}

/* The cursor is how many bytes of the block are behind us, 0 before the first header. */
bool rill_msg_header_next(const struct rill_msg *msg, size_t *cursor, struct rill_text *ret_name,
                          struct rill_text *ret_value)
{
    const struct rill_bytes block = msg_headers(msg);
    struct rill_headers_cursor at = rill_headers_cursor_of(block);
    if (*cursor)
        at.rest = rill_bytes_from(block, *cursor);
    struct rill_bytes name, value;
    if (!rill_headers_next(&at, &name, &value))
        return false;
    *cursor = block.len - at.rest.len;
    *ret_name = text_of(name);
    *ret_value = text_of(value);
    return true;
}

uint32_t rill_msg_status(const struct rill_msg *msg)
{
    uint32_t code = 0;
    struct rill_bytes text;
    return msg->headers_bytes && rill_headers_status(msg_headers(msg), &code, &text) ? code : 0;
}

bool msg_is_no_responders(const struct rill_msg *msg)
{
    return msg->headers_bytes && msg->payload_bytes == 0 && rill_msg_status(msg) == 503;
}
