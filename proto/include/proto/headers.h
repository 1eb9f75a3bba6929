// SPDX-License-Identifier: Apache-2.0
//
// NATS/1.0 header blocks: what stands between the control line and the payload of HPUB and HMSG.
//
//     NATS/1.0 503 No Responders\r\n     version, optionally a status and its description
//     Nats-Subject: orders.new\r\n       name, colon, value; names are case-sensitive
//     \r\n                               an empty line ends the block
//
// Reading gives views into the block, which live as long as it does, and copes with any bytes: a block that
// is not valid has no headers. Any thread. Source: NATS' ADR-4.
#pragma once

#include "base/buf.h"

/* Begins with the version, ends with an empty line and not before, and each line between has a name and a
 * colon. */
bool rill_headers_are_valid(struct rill_bytes block);

/* The value of the first header of that name without blanks around it. False when there is none; then *ret is
   untouched. */
bool rill_headers_find(struct rill_bytes block, struct rill_bytes name, struct rill_bytes *ret_value);

/* The status behind the version, "404 No Messages" gives 404 and the text. False when the line has none. */
bool rill_headers_status(struct rill_bytes block, uint32_t *ret_code, struct rill_bytes *ret_text);

/* Visits the headers in order. A line without a colon is passed over. */
struct rill_headers_cursor {
    struct rill_bytes rest;
};

struct rill_headers_cursor rill_headers_cursor_of(struct rill_bytes block);
bool rill_headers_next(struct rill_headers_cursor *cursor, struct rill_bytes *ret_name,
                       struct rill_bytes *ret_value);

/* Building: begin, any number of add, end. `status` is "" or "404 No Messages". INVALID for a line break in a
   status, name or value, or a name that is empty or has a colon; LIMIT, NO_MEMORY. A call that fails appended
   nothing. */
enum rill_err rill_headers_begin(struct rill_buf *buf, struct rill_bytes status) RILL_MUST_CHECK;
enum rill_err rill_headers_add(struct rill_buf *buf, struct rill_bytes name,
                               struct rill_bytes value) RILL_MUST_CHECK;
enum rill_err rill_headers_end(struct rill_buf *buf) RILL_MUST_CHECK;
