// SPDX-License-Identifier: Apache-2.0
//
// What every message of the data model can do: be packed as protobuf, unpacked, copied and compared. Thin
// functions over protobuf-c in our own types. Messages made here are freed with rill_message_free. Any
// thread.
#pragma once

#include "base/buf.h"

#include <protobuf-c/protobuf-c.h>

/* Appends the protobuf form. LIMIT or NO_MEMORY leave the buffer as it was. */
enum rill_err rill_message_pack(const ProtobufCMessage *message, struct rill_buf *buf) RILL_MUST_CHECK;

/* DAMAGED when the bytes are not such a message, or a required field is missing, or memory is out. */
enum rill_err rill_message_unpack(const ProtobufCMessageDescriptor *descriptor, struct rill_bytes packed,
                                  ProtobufCMessage **ret_message) RILL_MUST_CHECK;

/* A copy that shares nothing with the original; aborts when memory is out. Unknown protobuf fields are kept.
 */
ProtobufCMessage *rill_message_copy(const ProtobufCMessage *message) __attribute__((returns_nonnull));

/* Same type and same packed bytes: for messages decoded from JSON that is equality of meaning. */
bool rill_message_equal(const ProtobufCMessage *a, const ProtobufCMessage *b);

/* NULL is harmless. Only for messages from rill_message_* and rill_json_decode. */
void rill_message_free(ProtobufCMessage *message);
