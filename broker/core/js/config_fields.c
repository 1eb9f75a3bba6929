// SPDX-License-Identifier: Apache-2.0
#include "config_fields.h"

#include "base/assert.h"

#include <ctype.h>
#include <string.h>

enum { NAME_BYTES_MAX = 255 };

static bool is_given(const ProtobufCMessage *config, const ProtobufCFieldDescriptor *field)
{
    const char *member = (const char *)config + field->offset;
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return *(const size_t *)((const char *)config + field->quantifier_offset) > 0;
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING: {
        const char *text = *(char *const *)member;
        return text && *text;
    }
    case PROTOBUF_C_TYPE_MESSAGE:
        return *(void *const *)member != NULL;
    case PROTOBUF_C_TYPE_BOOL:
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_ENUM:
        return *(const int32_t *)member != 0;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_UINT64:
        return *(const int64_t *)member != 0;
    default:
        RILL_UNREACHABLE(); // configurations have no others
    }
}

const char *config_first_given(const ProtobufCMessage *config, const char *const *names)
{
    for (; *names; names++) {
        const ProtobufCFieldDescriptor *field =
            protobuf_c_message_descriptor_get_field_by_name(config->descriptor, *names);
        RILL_ASSERT(field);
        if (is_given(config, field))
            return *names;
    }
    return NULL;
}

bool config_name_is_valid(const char *name)
{
    const size_t len = name ? strlen(name) : 0;
    if (len == 0 || len > NAME_BYTES_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (strchr(".*>/\\", name[i]) || (unsigned char)name[i] <= ' ' || name[i] == 0x7f)
            return false;
    }
    return true;
}
