// SPDX-License-Identifier: Apache-2.0
#include "model.h"

#include "base/assert.h"
#include "proto/jetstream.pb-c.h"

static const struct rill_bytes inline_prefix = {(const uint8_t *)"inline_", 7};
static const struct rill_bytes entry_suffix = {(const uint8_t *)"Entry", 5};

const ProtobufCMessageDescriptor *model_message_of(const ProtobufCFieldDescriptor *field)
{
    RILL_ASSERT(field->type == PROTOBUF_C_TYPE_MESSAGE && field->descriptor);
    return field->descriptor;
}

bool model_is_timestamp(const ProtobufCFieldDescriptor *field)
{
    return field->type == PROTOBUF_C_TYPE_MESSAGE && field->descriptor == &rill__timestamp__descriptor;
}

bool model_is_inline(const ProtobufCFieldDescriptor *field)
{
    return field->type == PROTOBUF_C_TYPE_MESSAGE && field->label != PROTOBUF_C_LABEL_REPEATED &&
           rill_bytes_has_prefix(rill_bytes_from_cstr(field->name), inline_prefix);
}

bool model_is_map(const ProtobufCFieldDescriptor *field)
{
    if (field->label != PROTOBUF_C_LABEL_REPEATED || field->type != PROTOBUF_C_TYPE_MESSAGE)
        return false;
    const ProtobufCMessageDescriptor *entry = model_message_of(field);
    const struct rill_bytes name = rill_bytes_from_cstr(entry->short_name);
    return name.len > entry_suffix.len && entry->n_fields == 2 &&
           rill_bytes_equal(rill_bytes_from(name, name.len - entry_suffix.len), entry_suffix) &&
           rill_bytes_equal_cstr(rill_bytes_from_cstr(entry->fields[0].name), "key") &&
           entry->fields[0].type == PROTOBUF_C_TYPE_STRING;
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

// The values of PersistMode begin with "PERSIST_MODE_": an underscore before each inner capital, and one at
// the end.
static size_t enum_prefix_len(const ProtobufCEnumDescriptor *type)
{
    size_t len = 0;
    for (const char *c = type->short_name; *c; c++)
        len += 1u + (c != type->short_name && is_upper(*c));
    return len + 1;
}

static struct rill_bytes enum_json_name(const ProtobufCEnumDescriptor *type, const ProtobufCEnumValue *value,
                                        char ret_name[MODEL_ENUM_NAME_BYTES_MAX])
{
    const struct rill_bytes name = rill_bytes_from(rill_bytes_from_cstr(value->name), enum_prefix_len(type));
    RILL_ASSERT(name.len > 0 && name.len < MODEL_ENUM_NAME_BYTES_MAX);
    for (size_t i = 0; i < name.len; i++)
        ret_name[i] = (char)(is_upper((char)name.data[i]) ? name.data[i] + ('a' - 'A') : name.data[i]);
    return rill_bytes_of(ret_name, name.len);
}

struct rill_bytes model_enum_name(const ProtobufCFieldDescriptor *field, int value,
                                  char ret_name[MODEL_ENUM_NAME_BYTES_MAX])
{
    const ProtobufCEnumDescriptor *type = field->descriptor;
    const ProtobufCEnumValue *found = protobuf_c_enum_descriptor_get_value(type, value);
    return found ? enum_json_name(type, found, ret_name) : rill_bytes_of(NULL, 0);
}

bool model_enum_value(const ProtobufCFieldDescriptor *field, struct rill_bytes name, int *ret_value)
{
    const ProtobufCEnumDescriptor *type = field->descriptor;
    char candidate[MODEL_ENUM_NAME_BYTES_MAX];
    for (unsigned i = 0; i < type->n_values; i++) {
        if (rill_bytes_equal(enum_json_name(type, &type->values[i], candidate), name)) {
            *ret_value = type->values[i].value;
            return true;
        }
    }
    return false;
}

size_t model_element_size(const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_ENUM:
        return sizeof(int32_t);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_UINT64:
        return sizeof(int64_t);
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    default:
        RILL_UNREACHABLE(); // a type that jetstream.proto does not use
    }
}

bool model_is_zero(const ProtobufCFieldDescriptor *field, const void *slot)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING: {
        const char *text = *(char *const *)slot;
        return !text || !*text;
    }
    case PROTOBUF_C_TYPE_MESSAGE:
        return *(void *const *)slot == NULL;
    case PROTOBUF_C_TYPE_BYTES:
        return ((const ProtobufCBinaryData *)slot)->len == 0;
    default: {
        static const int64_t zero = 0;
        return memcmp(slot, &zero, model_element_size(field)) == 0;
    }
    }
}
