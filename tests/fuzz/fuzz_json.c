// SPDX-License-Identifier: Apache-2.0
//
// The first byte chooses a message, the rest is its JSON. It is refused with a reason, or the message
// survives being packed, and its own JSON reads back to an equal message.
#include "base/assert.h"
#include "proto/jetstream.pb-c.h"
#include "proto/json_codec.h"
#include "proto/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const ProtobufCMessageDescriptor *const types[] = {
    &rill__stream_create_request__descriptor,
    &rill__stream_create_response__descriptor,
    &rill__stream_info_request__descriptor,
    &rill__stream_info_response__descriptor,
    &rill__stream_page_request__descriptor,
    &rill__stream_list_response__descriptor,
    &rill__stream_purge_request__descriptor,
    &rill__msg_get_request__descriptor,
    &rill__msg_get_response__descriptor,
    &rill__consumer_create_request__descriptor,
    &rill__consumer_create_response__descriptor,
    &rill__consumer_list_response__descriptor,
    &rill__pull_request__descriptor,
    &rill__account_info_response__descriptor,
    &rill__pub_ack__descriptor,
};

static void check_json(const ProtobufCMessage *message)
{
    struct rill_buf json;
    ProtobufCMessage *back = NULL;
    struct rill_error_text why;
    rill_buf_init(&json, 64 << 20);
    RILL_ASSERT(rill_json_encode(message, &json) == RILL_OK);
    RILL_ASSERT(!rill_json_decode(message->descriptor, rill_buf_bytes(&json), RILL_JSON_STRICT, &back, &why));
    RILL_ASSERT(rill_message_equal(message, back));
    rill_message_free(back);
    rill_buf_fini(&json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const ProtobufCMessageDescriptor *type = types[data[0] % (sizeof types / sizeof types[0])];
    const enum rill_json_flags flags = data[0] & 0x80 ? RILL_JSON_UNKNOWN_IGNORED : RILL_JSON_EMPTY_ALLOWED;
    ProtobufCMessage *message = NULL;
    struct rill_error_text why = {.text = ""};
    if (rill_json_decode(type, rill_bytes_of(data + 1, size - 1), flags, &message, &why)) {
        RILL_ASSERT(message == NULL && why.text[0]);
        return 0;
    }
    RILL_ASSERT(protobuf_c_message_check(message));
    ProtobufCMessage *copy = rill_message_copy(message);
    RILL_ASSERT(rill_message_equal(message, copy));
    check_json(copy);
    rill_message_free(copy);
    rill_message_free(message);
    return 0;
}
