// SPDX-License-Identifier: Apache-2.0
//
// jansson makes a tree of the text; this walks the tree along the descriptors. How deep it goes is bounded by
// the schema, which has no type that holds itself. Whatever fails, the half-built message is one that
// protobuf-c can free: lists count what they really hold, and a pointer is stored as soon as it is allocated.
#include "proto/json_codec.h"

#include "base/assert.h"
#include "model.h"
#include "proto/base64.h"
#include "proto/jetstream.pb-c.h"
#include "proto/message.h"
#include "proto/rfc3339.h"
#include "trim.h"

#include <jansson.h>
#include <stdlib.h>
#include <strings.h>

struct decoder {
    enum rill_json_flags flags;
    struct rill_error_text *why;
};

static enum rill_err decode_object(struct decoder *in, const json_t *json, ProtobufCMessage *message);

// ---- Reasons, in Go's words
// -----------------------------------------------------------------------------------------

static const char *json_type_name(const json_t *json)
{
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        return "object";
    case JSON_ARRAY:
        return "array";
    case JSON_STRING:
        return "string";
    case JSON_INTEGER:
    case JSON_REAL:
        return "number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "bool";
    default:
        return "null";
    }
}

static const char *field_type_name(const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
        return "int32";
    case PROTOBUF_C_TYPE_INT64:
        return "int64";
    case PROTOBUF_C_TYPE_UINT32:
        return "uint32";
    case PROTOBUF_C_TYPE_UINT64:
        return "uint64";
    case PROTOBUF_C_TYPE_BOOL:
        return "bool";
    case PROTOBUF_C_TYPE_BYTES:
        return "[]uint8";
    case PROTOBUF_C_TYPE_MESSAGE:
        return model_message_of(field)->short_name;
    default:
        return "string";
    }
}

static enum rill_err mismatch(struct decoder *in, const ProtobufCMessage *owner,
                              const ProtobufCFieldDescriptor *field, const json_t *json)
{
    const bool list = field->label == PROTOBUF_C_LABEL_REPEATED && !model_is_map(field);
    rill_error_text_set(in->why, "json: cannot unmarshal %s into Go struct field %s.%s of type %s%s",
                        json_type_name(json), owner->descriptor->short_name, field->name, list ? "[]" : "",
                        field_type_name(field));
    return RILL_ERR_INVALID;
}

static enum rill_err unknown_field(struct decoder *in, const char *name)
{
    if (in->flags & RILL_JSON_UNKNOWN_IGNORED)
        return RILL_OK;
    rill_error_text_set(in->why, "json: unknown field \"%s\"", name);
    return RILL_ERR_INVALID;
}

// ---- Allocation
// -----------------------------------------------------------------------------------------------------

static enum rill_err message_new(const ProtobufCMessageDescriptor *type, ProtobufCMessage **slot)
{
    ProtobufCMessage *message = malloc(type->sizeof_message);
    if (!message)
        return RILL_ERR_NO_MEMORY;
    protobuf_c_message_init(type, message);
    *slot = message;
    return RILL_OK;
}

static enum rill_err string_new(struct rill_bytes text, char **slot)
{
    char *copy = rill_bytes_to_cstr(text);
    if (!copy)
        return RILL_ERR_NO_MEMORY;
    *slot = copy;
    return RILL_OK;
}

static struct rill_bytes json_text(const json_t *json)
{
    return rill_bytes_of(json_string_value(json), json_string_length(json));
}

// ---- One value
// ------------------------------------------------------------------------------------------------------

static bool decode_integer(const ProtobufCFieldDescriptor *field, const json_t *json, void *slot)
{
    if (!json_is_integer(json))
        return false;
    const int64_t value = json_integer_value(json);
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
        *(int32_t *)slot = (int32_t)value;
        return value >= INT32_MIN && value <= INT32_MAX;
    case PROTOBUF_C_TYPE_UINT32:
        *(uint32_t *)slot = (uint32_t)value;
        return value >= 0 && value <= UINT32_MAX;
    case PROTOBUF_C_TYPE_INT64:
        *(int64_t *)slot = value;
        return true;
    case PROTOBUF_C_TYPE_UINT64:
        *(uint64_t *)slot = (uint64_t)value;
        return value >= 0;
    default:
        RILL_UNREACHABLE(); // a type that jetstream.proto does not use
    }
}

static enum rill_err decode_enum(struct decoder *in, const ProtobufCFieldDescriptor *field,
                                 const json_t *json, int *slot)
{
    const struct rill_bytes name = json_text(json);
    const bool absent = name.len == 0 && field->label == PROTOBUF_C_LABEL_OPTIONAL;
    if (absent || model_enum_value(field, name, slot))
        return RILL_OK;
    rill_error_text_set(in->why, "can not unmarshal \"%s\" into %s", json_string_value(json), field->name);
    return RILL_ERR_INVALID;
}

static enum rill_err decode_bytes(struct decoder *in, const ProtobufCFieldDescriptor *field,
                                  const json_t *json, ProtobufCBinaryData *slot)
{
    const struct rill_bytes text = json_text(json);
    struct rill_buf buf;
    rill_buf_init(&buf, text.len + 64);
    const enum rill_err err = rill_base64_decode(text, &buf);
    if (err) {
        rill_buf_fini(&buf);
        rill_error_text_set(in->why, "illegal base64 data in %s", field->name);
        return err;
    }
    *slot = (ProtobufCBinaryData){.data = buf.data, .len = buf.len};
    return RILL_OK;
}

static enum rill_err decode_time(struct decoder *in, const ProtobufCFieldDescriptor *field,
                                 const json_t *json, ProtobufCMessage **slot)
{
    const enum rill_err err = message_new(model_message_of(field), slot);
    if (err)
        return err;
    if (rill_rfc3339_parse(json_text(json), &((Rill__Timestamp *)*slot)->unix_ns))
        return RILL_OK;
    rill_error_text_set(in->why, "parsing time \"%s\": not RFC 3339, or outside 1678 to 2261",
                        json_string_value(json));
    return RILL_ERR_INVALID;
}

static enum rill_err decode_submessage(struct decoder *in, const ProtobufCFieldDescriptor *field,
                                       const json_t *json, ProtobufCMessage **slot)
{
    const enum rill_err err = message_new(model_message_of(field), slot);
    return err ? err : decode_object(in, json, *slot);
}

static bool json_type_fits(const ProtobufCFieldDescriptor *field, const json_t *json)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_BOOL:
        return json_is_boolean(json);
    case PROTOBUF_C_TYPE_ENUM:
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
        return json_is_string(json);
    case PROTOBUF_C_TYPE_MESSAGE:
        return model_is_timestamp(field) ? json_is_string(json) : json_is_object(json);
    default:
        return json_is_integer(json);
    }
}

// Decodes into a slot that holds nothing yet. `owner` is only for the reason.
static enum rill_err decode_value(struct decoder *in, const ProtobufCMessage *owner,
                                  const ProtobufCFieldDescriptor *field, const json_t *json, void *slot)
{
    if (!json_type_fits(field, json))
        return mismatch(in, owner, field, json);
    switch (field->type) {
    case PROTOBUF_C_TYPE_BOOL:
        *(protobuf_c_boolean *)slot = json_is_true(json);
        return RILL_OK;
    case PROTOBUF_C_TYPE_ENUM:
        return decode_enum(in, field, json, slot);
    case PROTOBUF_C_TYPE_STRING:
        return string_new(json_text(json), slot);
    case PROTOBUF_C_TYPE_BYTES:
        return decode_bytes(in, field, json, slot);
    case PROTOBUF_C_TYPE_MESSAGE:
        return model_is_timestamp(field) ? decode_time(in, field, json, slot)
                                         : decode_submessage(in, field, json, slot);
    default:
        return decode_integer(field, json, slot) ? RILL_OK : mismatch(in, owner, field, json);
    }
}

// ---- One field
// ------------------------------------------------------------------------------------------------------

static void string_clear_empty(char **slot)
{
    free(*slot);
    *slot = NULL;
}

// An optional field that holds its zero is absent, so that equal meanings are equal messages; but not when the
// .proto file gives it a default, for then zero may mean something else.
static enum rill_err decode_single(struct decoder *in, ProtobufCMessage *owner,
                                   const ProtobufCFieldDescriptor *field, const json_t *json)
{
    void *slot = model_slot(owner, field);
    const enum rill_err err = decode_value(in, owner, field, json, slot);
    if (err || field->label != PROTOBUF_C_LABEL_OPTIONAL)
        return err;
    protobuf_c_boolean *has = model_has(owner, field);
    if (has)
        *has = field->default_value || !model_is_zero(field, slot);
    else if (field->type == PROTOBUF_C_TYPE_STRING && model_is_zero(field, slot))
        string_clear_empty(slot);
    return RILL_OK;
}

// An array of `count` zeroed elements; the count of the field stays 0 until they are filled.
static enum rill_err list_new(ProtobufCMessage *owner, const ProtobufCFieldDescriptor *field, size_t count,
                              char **ret)
{
    char *elements = calloc(count, model_element_size(field));
    if (!elements)
        return RILL_ERR_NO_MEMORY;
    *(char **)model_slot(owner, field) = elements;
    *ret = elements;
    return RILL_OK;
}

static enum rill_err decode_list(struct decoder *in, ProtobufCMessage *owner,
                                 const ProtobufCFieldDescriptor *field, const json_t *json)
{
    const size_t count = json_array_size(json);
    if (!json_is_array(json))
        return mismatch(in, owner, field, json);
    if (count == 0)
        return RILL_OK;
    char *element = NULL;
    enum rill_err err = list_new(owner, field, count, &element);
    for (size_t i = 0; i < count && !err; i++) {
        // Counted before it is decoded: a failure may leave a half-built sub-message in it, which must be
        // freed.
        *model_count(owner, field) = i + 1;
        err =
            decode_value(in, owner, field, json_array_get(json, i), element + i * model_element_size(field));
    }
    return err;
}

static int entry_compare(const void *a, const void *b)
{
    const ProtobufCMessage *entry_a = *(ProtobufCMessage *const *)a;
    const ProtobufCMessage *entry_b = *(ProtobufCMessage *const *)b;
    const ProtobufCFieldDescriptor *key = &entry_a->descriptor->fields[0];
    return strcmp(*(char *const *)model_slot_const(entry_a, key),
                  *(char *const *)model_slot_const(entry_b, key));
}

static enum rill_err decode_entry(struct decoder *in, const ProtobufCFieldDescriptor *map, const char *key,
                                  const json_t *value, ProtobufCMessage **slot)
{
    const ProtobufCMessageDescriptor *type = model_message_of(map);
    enum rill_err err = message_new(type, slot);
    if (!err)
        err = string_new(rill_bytes_from_cstr(key), model_slot(*slot, &type->fields[0]));
    if (err || json_is_null(value))
        return err;
    return decode_single(in, *slot, &type->fields[1], value);
}

static enum rill_err decode_map(struct decoder *in, ProtobufCMessage *owner,
                                const ProtobufCFieldDescriptor *field, json_t *json)
{
    const size_t count = json_object_size(json);
    if (!json_is_object(json))
        return mismatch(in, owner, field, json);
    if (count == 0)
        return RILL_OK;
    char *array = NULL;
    enum rill_err err = list_new(owner, field, count, &array);
    ProtobufCMessage **entries = (ProtobufCMessage **)(void *)array;
    for (void *at = json_object_iter(json); at && !err; at = json_object_iter_next(json, at)) {
        const size_t i = (*model_count(owner, field))++;
        err = decode_entry(in, field, json_object_iter_key(at), json_object_iter_value(at), &entries[i]);
    }
    if (!err)
        qsort(entries, count, sizeof entries[0], entry_compare);
    return err;
}

static enum rill_err decode_field(struct decoder *in, ProtobufCMessage *owner,
                                  const ProtobufCFieldDescriptor *field, json_t *json)
{
    if (json_is_null(json))
        return RILL_OK;
    if (model_is_map(field))
        return decode_map(in, owner, field, json);
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return decode_list(in, owner, field, json);
    return decode_single(in, owner, field, json);
}

// ---- One message
// ----------------------------------------------------------------------------------------------------

// As Go finds fields: the exact name, else one that differs in letter case only.
static const ProtobufCFieldDescriptor *find_own(const ProtobufCMessageDescriptor *type, const char *name)
{
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field_by_name(type, name);
    for (unsigned i = 0; i < type->n_fields && !field; i++) {
        if (strcasecmp(type->fields[i].name, name) == 0)
            field = &type->fields[i];
    }
    return field && !model_is_inline(field) ? field : NULL;
}

// Finds the field in the message, else in one of its inline messages, which is made if need be; *owner
// becomes the message that has it. *ret_field stays NULL when there is none.
static enum rill_err find_field(ProtobufCMessage **owner, const char *name,
                                const ProtobufCFieldDescriptor **ret_field)
{
    const ProtobufCMessageDescriptor *type = (*owner)->descriptor;
    *ret_field = find_own(type, name);
    for (unsigned i = 0; i < type->n_fields && !*ret_field; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        *ret_field = model_is_inline(field) ? find_own(model_message_of(field), name) : NULL;
        if (!*ret_field)
            continue;
        ProtobufCMessage **inner = model_slot(*owner, field);
        const enum rill_err err = *inner ? RILL_OK : message_new(model_message_of(field), inner);
        if (err)
            return err;
        *owner = *inner;
    }
    return RILL_OK;
}

static enum rill_err complete(ProtobufCMessage *message);

static enum rill_err complete_list(ProtobufCMessage *owner, const ProtobufCFieldDescriptor *field)
{
    ProtobufCMessage **elements = *(ProtobufCMessage ***)model_slot(owner, field);
    enum rill_err err = RILL_OK;
    for (size_t i = 0; i < *model_count(owner, field) && !err; i++)
        err = complete(elements[i]);
    return err;
}

static enum rill_err complete_submessage(const ProtobufCFieldDescriptor *field, ProtobufCMessage **slot)
{
    const bool missing = !*slot && field->label == PROTOBUF_C_LABEL_REQUIRED;
    const enum rill_err err = missing ? message_new(model_message_of(field), slot) : RILL_OK;
    if (err || !*slot)
        return err;
    if (missing && model_is_timestamp(field))
        ((Rill__Timestamp *)*slot)->unix_ns = RILL_TIME_ZERO_NS;
    return complete(*slot);
}

static enum rill_err complete_field(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    void *slot = model_slot(message, field);
    if (field->type == PROTOBUF_C_TYPE_STRING)
        return field->label == PROTOBUF_C_LABEL_REQUIRED && !*(char **)slot
                   ? string_new(rill_bytes_of(NULL, 0), slot)
                   : RILL_OK;
    if (field->type != PROTOBUF_C_TYPE_MESSAGE)
        return RILL_OK;
    return field->label == PROTOBUF_C_LABEL_REPEATED ? complete_list(message, field)
                                                     : complete_submessage(field, slot);
}

// Gives required strings and messages that were absent their empty form; the generated init did so for the
// others.
static enum rill_err complete(ProtobufCMessage *message)
{
    enum rill_err err = RILL_OK;
    for (unsigned i = 0; i < message->descriptor->n_fields && !err; i++)
        err = complete_field(message, &message->descriptor->fields[i]);
    return err;
}

static enum rill_err decode_object(struct decoder *in, const json_t *json, ProtobufCMessage *message)
{
    json_t *object = (json_t *)json; // jansson's iterators want it so
    for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
        const char *name = json_object_iter_key(at);
        const ProtobufCFieldDescriptor *field = NULL;
        ProtobufCMessage *owner = message;
        enum rill_err err = find_field(&owner, name, &field);
        if (!err)
            err =
                field ? decode_field(in, owner, field, json_object_iter_value(at)) : unknown_field(in, name);
        if (err)
            return err;
    }
    return RILL_OK;
}

// ---- The whole
// ------------------------------------------------------------------------------------------------------

static enum rill_err json_parse(struct rill_bytes text, struct rill_error_text *why, json_t **ret)
{
    json_error_t error;
    json_t *json = json_loadb((const char *)text.data, text.len, 0, &error);
    if (!json) {
        rill_error_text_set(why, "%s", error.text);
        return json_error_code(&error) == json_error_out_of_memory ? RILL_ERR_NO_MEMORY : RILL_ERR_INVALID;
    }
    *ret = json;
    return RILL_OK;
}

static enum rill_err decode_root(struct decoder *in, const ProtobufCMessageDescriptor *type,
                                 const json_t *json, ProtobufCMessage **ret_message)
{
    if (!json_is_object(json)) {
        rill_error_text_set(in->why, "json: cannot unmarshal %s into Go value of type %s",
                            json_type_name(json), type->short_name);
        return RILL_ERR_INVALID;
    }
    ProtobufCMessage *message = NULL;
    enum rill_err err = message_new(type, &message);
    if (!err)
        err = decode_object(in, json, message);
    if (!err)
        err = complete(message);
    if (err)
        rill_message_free(message);
    else
        *ret_message = message;
    return err;
}

enum rill_err rill_json_decode(const ProtobufCMessageDescriptor *descriptor, struct rill_bytes json,
                               enum rill_json_flags flags, ProtobufCMessage **ret_message,
                               struct rill_error_text *why)
{
    struct decoder in = {.flags = flags, .why = why};
    struct rill_bytes text = trim(json);
    rill_error_text_set(why, "%s", rill_err_text(RILL_ERR_NO_MEMORY)); // until there is a better reason
    // null for an object says nothing, in Go as here.
    if ((text.len == 0 && (flags & RILL_JSON_EMPTY_ALLOWED)) || rill_bytes_equal_cstr(text, "null"))
        text = RILL_BYTES("{}");
    if (text.len == 0) {
        rill_error_text_set(why, "unexpected end of JSON input");
        return RILL_ERR_INVALID;
    }
    json_t *tree = NULL;
    enum rill_err err = json_parse(text, why, &tree);
    if (err)
        return err;
    err = decode_root(&in, descriptor, tree, ret_message);
    json_decref(tree);
    return err;
}
