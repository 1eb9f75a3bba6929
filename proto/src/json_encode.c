// SPDX-License-Identifier: Apache-2.0
#include "proto/json_codec.h"

#include "base/assert.h"
#include "model.h"
#include "proto/base64.h"
#include "proto/decimal.h"
#include "proto/jetstream.pb-c.h"
#include "proto/rfc3339.h"

// The first error sticks and turns what follows into nothing, so the walk needs no checks.
struct encoder {
    struct rill_buf *buf;
    enum rill_err err;
};

static void encode_message(struct encoder *out, const ProtobufCMessage *message);

static void put(struct encoder *out, struct rill_bytes bytes)
{
    if (!out->err)
        out->err = rill_buf_append(out->buf, bytes);
}

static void put_string(struct encoder *out, struct rill_bytes text)
{
    if (!out->err)
        out->err = rill_json_append_string(out->buf, text);
}

static void put_unsigned(struct encoder *out, uint64_t value)
{
    char digits[RILL_DECIMAL_BYTES_MAX];
    put(out, rill_bytes_of(digits, rill_decimal_write(value, digits)));
}

static void put_signed(struct encoder *out, int64_t value)
{
    if (value < 0)
        put(out, RILL_BYTES("-"));
    put_unsigned(out, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

static void put_base64(struct encoder *out, const ProtobufCBinaryData *bytes)
{
    put(out, RILL_BYTES("\""));
    if (!out->err)
        out->err = rill_base64_encode(rill_bytes_of(bytes->data, bytes->len), out->buf);
    put(out, RILL_BYTES("\""));
}

static void put_time(struct encoder *out, const Rill__Timestamp *time)
{
    char text[RILL_RFC3339_BYTES_MAX];
    const size_t len = rill_rfc3339_format(time ? time->unix_ns : RILL_TIME_ZERO_NS, text);
    put_string(out, rill_bytes_of(text, len));
}

static void put_enum(struct encoder *out, const ProtobufCFieldDescriptor *field, int value)
{
    char name[MODEL_ENUM_NAME_BYTES_MAX];
    put_string(out, model_enum_name(field, value, name));
}

static void encode_submessage(struct encoder *out, const ProtobufCFieldDescriptor *field, const void *slot)
{
    const ProtobufCMessage *message = *(ProtobufCMessage *const *)slot;
    if (model_is_timestamp(field))
        put_time(out, (const Rill__Timestamp *)message);
    else if (message)
        encode_message(out, message);
    else
        put(out, RILL_BYTES("{}"));
}

static void encode_value(struct encoder *out, const ProtobufCFieldDescriptor *field, const void *slot)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
        return put_signed(out, *(const int32_t *)slot);
    case PROTOBUF_C_TYPE_INT64:
        return put_signed(out, *(const int64_t *)slot);
    case PROTOBUF_C_TYPE_UINT32:
        return put_unsigned(out, *(const uint32_t *)slot);
    case PROTOBUF_C_TYPE_UINT64:
        return put_unsigned(out, *(const uint64_t *)slot);
    case PROTOBUF_C_TYPE_BOOL:
        return put(out, *(const protobuf_c_boolean *)slot ? RILL_BYTES("true") : RILL_BYTES("false"));
    case PROTOBUF_C_TYPE_ENUM:
        return put_enum(out, field, *(const int *)slot);
    case PROTOBUF_C_TYPE_STRING:
        return put_string(out, rill_bytes_from_cstr(*(char *const *)slot));
    case PROTOBUF_C_TYPE_BYTES:
        return put_base64(out, slot);
    case PROTOBUF_C_TYPE_MESSAGE:
        return encode_submessage(out, field, slot);
    default:
        RILL_UNREACHABLE(); // a type that jetstream.proto does not use
    }
}

static void encode_list(struct encoder *out, const ProtobufCMessage *message,
                        const ProtobufCFieldDescriptor *field)
{
    const char *element = *(char *const *)model_slot_const(message, field);
    const size_t count = model_count_const(message, field);
    put(out, RILL_BYTES("["));
    for (size_t i = 0; i < count && !out->err; i++) {
        if (i)
            put(out, RILL_BYTES(","));
        encode_value(out, field, element + i * model_element_size(field));
    }
    put(out, RILL_BYTES("]"));
}

static void encode_map(struct encoder *out, const ProtobufCMessage *message,
                       const ProtobufCFieldDescriptor *field)
{
    ProtobufCMessage *const *entries = *(ProtobufCMessage * *const *)model_slot_const(message, field);
    const size_t count = model_count_const(message, field);
    const ProtobufCFieldDescriptor *key = &model_message_of(field)->fields[0];
    const ProtobufCFieldDescriptor *value = &model_message_of(field)->fields[1];
    put(out, RILL_BYTES("{"));
    for (size_t i = 0; i < count && !out->err; i++) {
        if (i)
            put(out, RILL_BYTES(","));
        encode_value(out, key, model_slot_const(entries[i], key));
        put(out, RILL_BYTES(":"));
        encode_value(out, value, model_slot_const(entries[i], value));
    }
    put(out, RILL_BYTES("}"));
}

static bool is_written(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    if (field->label == PROTOBUF_C_LABEL_REQUIRED)
        return true;
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return model_count_const(message, field) > 0 || field->id >= MODEL_ALWAYS_WRITTEN_FROM;
    const bool has_member = field->type != PROTOBUF_C_TYPE_STRING && field->type != PROTOBUF_C_TYPE_MESSAGE;
    if (has_member &&
        !*(const protobuf_c_boolean *)(const void *)((const char *)message + field->quantifier_offset))
        return false;
    return (has_member && field->default_value) || !model_is_zero(field, model_slot_const(message, field));
}

static void encode_field(struct encoder *out, const ProtobufCMessage *message,
                         const ProtobufCFieldDescriptor *field)
{
    put_string(out, rill_bytes_from_cstr(field->name));
    put(out, RILL_BYTES(":"));
    if (model_is_map(field))
        encode_map(out, message, field);
    else if (field->label == PROTOBUF_C_LABEL_REPEATED)
        encode_list(out, message, field);
    else
        encode_value(out, field, model_slot_const(message, field));
}

// Writes the message's fields with commas between; `*written` counts over the inline messages too.
static void encode_fields(struct encoder *out, const ProtobufCMessage *message, size_t *written)
{
    for (unsigned i = 0; i < message->descriptor->n_fields && !out->err; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        if (model_is_inline(field)) {
            const ProtobufCMessage *inner = *(ProtobufCMessage *const *)model_slot_const(message, field);
            if (inner)
                encode_fields(out, inner, written);
        } else if (is_written(message, field)) {
            if ((*written)++)
                put(out, RILL_BYTES(","));
            encode_field(out, message, field);
        }
    }
}

static void encode_message(struct encoder *out, const ProtobufCMessage *message)
{
    size_t written = 0;
    put(out, RILL_BYTES("{"));
    encode_fields(out, message, &written);
    put(out, RILL_BYTES("}"));
}

enum rill_err rill_json_encode(const ProtobufCMessage *message, struct rill_buf *buf)
{
    RILL_ASSERT(message->descriptor && message->descriptor != &rill__timestamp__descriptor);
    struct encoder out = {.buf = buf};
    const size_t start = buf->len;
    encode_message(&out, message);
    if (out.err)
        buf->len = start;
    return out.err;
}
