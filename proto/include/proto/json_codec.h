// SPDX-License-Identifier: Apache-2.0
//
// NATS' JSON from and to the messages of jetstream.proto and handshake.proto. One codec walks the descriptors
// that protobuf-c generated; the rules by which JSON follows from a .proto file are written at the head of
// jetstream.proto. Pure functions; any thread.
//
// It does not check values (a negative max_age is decoded as it stands), keeps no unknown fields, and
// finds a field by its exact name, else by one in another letter case, as Go does. null is an empty object.
// Numbers above INT64_MAX are refused.
#pragma once

#include "base/buf.h"

#include <protobuf-c/protobuf-c.h>

enum rill_json_flags {
    RILL_JSON_STRICT = 0,              // an unknown field is an error: what requests get
    RILL_JSON_EMPTY_ALLOWED = 1 << 0,  // an empty or blank body is {}
    RILL_JSON_UNKNOWN_IGNORED = 1 << 1 // for what a newer peer may send: CONNECT, INFO, responses
};

/* Decodes an object. *ret_message belongs to the caller, freed with protobuf_c_message_free_unpacked(message,
   NULL). Required fields that are absent get their defaults, so the message can always be packed. INVALID
   with the reason in Go's words (`json: unknown field "x"`; the caller wraps them into error 10025),
   NO_MEMORY. */
enum rill_err rill_json_decode(const ProtobufCMessageDescriptor *descriptor, struct rill_bytes json,
                               enum rill_json_flags flags, ProtobufCMessage **ret_message,
                               struct rill_error_text *why) RILL_MUST_CHECK;

/* Appends the message as one JSON object without blanks. A required string that is NULL is written as "", a
   required time that is NULL as the zero time, another required message that is NULL as {}. LIMIT or
   NO_MEMORY leave the buffer as it was. Call as rill_json_encode(&info.base, &buf). */
enum rill_err rill_json_encode(const ProtobufCMessage *message, struct rill_buf *buf) RILL_MUST_CHECK;

/* Appends text as a JSON string with its quotes, escaped as Go's encoding/json does: also < > & and U+2028,
   U+2029; bytes that are not UTF-8 become U+FFFD. LIMIT, NO_MEMORY; then a part may have been appended. */
enum rill_err rill_json_append_string(struct rill_buf *buf, struct rill_bytes text) RILL_MUST_CHECK;
