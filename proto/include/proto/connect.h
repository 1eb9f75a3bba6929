// SPDX-License-Identifier: Apache-2.0
//
// What a client says about itself: the JSON of CONNECT, read by the broker and written by the client. The
// options are the message ConnectOptions of handshake.proto. A CONNECT may leave everything out: a string
// that is absent or empty is NULL, and has_verbose and its like say which of the others were given, `false`
// included. Unknown fields are ignored, as a newer client may send them. Any thread.
#pragma once

#include "base/buf.h"
#include "proto/handshake.pb-c.h"

enum {
    RILL_CONNECT_BYTES_MAX = 64 * 1024
}; // of the JSON, and so of all its strings together (JWTs are long)

/* Parses the argument of CONNECT: one JSON object, blanks around it allowed. *ret_options belongs to the
   caller. LIMIT when the text is too long, INVALID with a reason when it is not JSON or a field has the wrong
   type, NO_MEMORY. */
enum rill_err rill_connect_parse(struct rill_bytes json, Rill__ConnectOptions **ret_options,
                                 struct rill_error_text *why) RILL_MUST_CHECK;

/* What a client starts from: everything said, echo on, all else off; strings are NULL. On the heap, never
   NULL; strings that are hung into it must be on the heap too. */
Rill__ConnectOptions *rill_connect_default(void) __attribute__((returns_nonnull));

/* NULL is harmless. Overwrites the secrets first. */
void rill_connect_free(Rill__ConnectOptions *options);

/* Appends the line "CONNECT {...}\r\n". LIMIT or NO_MEMORY leave the buffer as it was. */
enum rill_err rill_connect_append(const Rill__ConnectOptions *options, struct rill_buf *buf) RILL_MUST_CHECK;
