// SPDX-License-Identifier: Apache-2.0
#include "proto/message.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <stdlib.h>

enum rill_err rill_message_pack(const ProtobufCMessage *message, struct rill_buf *buf)
{
    const size_t size = protobuf_c_message_get_packed_size(message);
    const enum rill_err err = rill_buf_reserve(buf, size);
    if (err || size == 0)
        return err;
    const size_t written = protobuf_c_message_pack(message, buf->data + buf->len);
    RILL_ASSERT(written == size);
    buf->len += size;
    return RILL_OK;
}

enum rill_err rill_message_unpack(const ProtobufCMessageDescriptor *descriptor, struct rill_bytes packed,
                                  ProtobufCMessage **ret_message)
{
    ProtobufCMessage *message = protobuf_c_message_unpack(descriptor, NULL, packed.len, packed.data);
    if (!message)
        return RILL_ERR_DAMAGED;
    *ret_message = message;
    return RILL_OK;
}

// The packed form on the heap, at least one byte of it.
static uint8_t *pack_whole(const ProtobufCMessage *message, size_t *ret_len)
{
    const size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *packed = rill_alloc_zero(1, size + 1);
    *ret_len = protobuf_c_message_pack(message, packed);
    RILL_ASSERT(*ret_len == size);
    return packed;
}

ProtobufCMessage *rill_message_copy(const ProtobufCMessage *message)
{
    size_t len = 0;
    uint8_t *packed = pack_whole(message, &len);
    ProtobufCMessage *copy = protobuf_c_message_unpack(message->descriptor, NULL, len, packed);
    free(packed);
    RILL_ASSERT(copy != NULL);
    return copy;
}

bool rill_message_equal(const ProtobufCMessage *a, const ProtobufCMessage *b)
{
    if (a->descriptor != b->descriptor)
        return false;
    size_t a_len = 0, b_len = 0;
    uint8_t *packed_a = pack_whole(a, &a_len);
    uint8_t *packed_b = pack_whole(b, &b_len);
    const bool equal = rill_bytes_equal(rill_bytes_of(packed_a, a_len), rill_bytes_of(packed_b, b_len));
    free(packed_a);
    free(packed_b);
    return equal;
}

void rill_message_free(ProtobufCMessage *message)
{
    if (message)
        protobuf_c_message_free_unpacked(message, NULL);
}
