// SPDX-License-Identifier: Apache-2.0
//
// The one set of error codes of Rill, and the text that is wrapped around one on its way up. errno, SQLite's
// and nng's codes are translated at the function that called them and go no further. The client library shows
// the codes up to REFUSED to its users (rill.h), so these keep their values.
#pragma once

#include <stddef.h>

#define RILL_ERR_TABLE(X)                                                                                    \
    X(OK, "ok")                                                                                              \
    X(NO_MEMORY, "out of memory")                                                                            \
    X(INVALID, "invalid")                                                                                    \
    X(LIMIT, "limit reached")                                                                                \
    X(NOT_FOUND, "not found")                                                                                \
    X(EXISTS, "exists already")                                                                              \
    X(AGAIN, "not ready yet")                                                                                \
    X(UNSUPPORTED, "not supported")                                                                          \
    X(DENIED, "permission denied")                                                                           \
    X(LOCKED, "in use by another process")                                                                   \
    X(NO_SPACE, "no space left on device")                                                                   \
    X(IO, "input/output error")                                                                              \
    X(DAMAGED, "damaged data")                                                                               \
    X(READ_ONLY, "read-only after an earlier error")                                                         \
    X(CLOSED, "closed")                                                                                      \
    X(TIMEOUT, "timed out")                                                                                  \
    X(DISCONNECTED, "not connected")                                                                         \
    X(NO_RESPONDERS, "nobody listens")                                                                       \
    X(REFUSED, "refused by the server")                                                                      \
    X(FULL_MESSAGES, "maximum messages exceeded")                                                            \
    X(FULL_BYTES, "maximum bytes exceeded")                                                                  \
    X(FULL_SUBJECT, "maximum messages per subject exceeded")                                                 \
    X(UNAVAILABLE, "not available")

enum rill_err {
#define RILL_ERR_ENUM(name, text) RILL_ERR_##name,
    RILL_ERR_TABLE(RILL_ERR_ENUM)
#undef RILL_ERR_ENUM
};

#define RILL_OK         RILL_ERR_OK
#define RILL_MUST_CHECK __attribute__((warn_unused_result))

/* The text of a code; static, never NULL. */
const char *rill_err_text(enum rill_err err);

/* The code for an errno value: ENOSPC and EDQUOT are NO_SPACE, ENOMEM is NO_MEMORY, anything unknown is IO.
 */
enum rill_err rill_err_from_errno(int errno_value);

/* A reason, built from the inside out: the function that failed sets it, its callers put their own words in
   front. "open stream ORDERS: segment 7: record 812: checksum". Cut at its end when it grows too long; always
   terminated. */
struct rill_error_text {
    char text[256];
};

void rill_error_text_set(struct rill_error_text *why, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Puts the formatted words and ": " in front of what is there. */
void rill_error_text_wrap(struct rill_error_text *why, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
