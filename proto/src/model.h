// SPDX-License-Identifier: Apache-2.0
//
// What the conventions at the head of jetstream.proto mean for a descriptor, and where a field of a generated
// struct lies. Shared by the two halves of the codec; internal to this folder.
#pragma once

#include "base/bytes.h"

#include <protobuf-c/protobuf-c.h>

enum {
    MODEL_ALWAYS_WRITTEN_FROM = 1000, // lists with such numbers are written even when empty
    MODEL_ENUM_NAME_BYTES_MAX = 64,
};

bool model_is_timestamp(const ProtobufCFieldDescriptor *field);
bool model_is_inline(const ProtobufCFieldDescriptor *field);
/* A map is to protobuf a list of entries {key = 1, value = 2}. */
bool model_is_map(const ProtobufCFieldDescriptor *field);

/* The field's sub-message type; only for fields of message type. */
const ProtobufCMessageDescriptor *model_message_of(const ProtobufCFieldDescriptor *field);

/* The name of an enum's value in JSON: STORAGE_FILE of Storage is "file". Written into ret_name, which the
   view that is returned points into; empty for a number that the enum does not have. */
struct rill_bytes model_enum_name(const ProtobufCFieldDescriptor *field, int value,
                                  char ret_name[MODEL_ENUM_NAME_BYTES_MAX]);
/* False when the enum has no value of that name. */
bool model_enum_value(const ProtobufCFieldDescriptor *field, struct rill_bytes name, int *ret_value);

/* Bytes that one element takes in the array of a repeated field. */
size_t model_element_size(const ProtobufCFieldDescriptor *field);
/* Is the scalar, string or bytes at `slot` what proto calls its zero? NULL and "" both are. */
bool model_is_zero(const ProtobufCFieldDescriptor *field, const void *slot);

static inline void *model_slot(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    return (char *)message + field->offset;
}

static inline const void *model_slot_const(const ProtobufCMessage *message,
                                           const ProtobufCFieldDescriptor *field)
{
    return (const char *)message + field->offset;
}

/* The count of a repeated field. */
static inline size_t *model_count(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    return (size_t *)(void *)((char *)message + field->quantifier_offset);
}

static inline size_t model_count_const(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    return *(const size_t *)(const void *)((const char *)message + field->quantifier_offset);
}

/* The has_ member of an optional scalar, enum or bytes; NULL for strings and messages, which are present when
 * set. */
static inline protobuf_c_boolean *model_has(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    if (field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE)
        return NULL;
    return (protobuf_c_boolean *)(void *)((char *)message + field->quantifier_offset);
}
