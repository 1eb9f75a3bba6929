// SPDX-License-Identifier: Apache-2.0
//
// A connection that takes messages in as they come: a wire with a large input, read frame by frame. For rows
// that do not know in advance what bytes they will get.
#pragma once

#include "base/buf.h"
#include "wire.h"

enum { LINK_INPUT_BYTES = 1 << 20 };

struct link {
    struct wire wire;
    uint8_t *input; // heap
    size_t from;    // what was taken up to here
    size_t to;      // what was received up to here
};

struct link_message {
    struct rill_bytes subject;
    struct rill_bytes reply; // empty when there is none
    struct rill_bytes headers;
    struct rill_bytes payload;
};

/* Joins, and subscribes to `subject` when it is not NULL. link_close is due also on failure. */
enum rill_err link_open(struct link *link, uint16_t port, const char *subject,
                        struct rill_error_text *why) RILL_MUST_CHECK;
void link_close(struct link *link);

/* The next message that has come whole; a PING on the way is answered. NOT_FOUND when none has. The views live until
   the next link_receive. INVALID when the server says something else. */
enum rill_err link_take(struct link *link, struct link_message *ret,
                        struct rill_error_text *why) RILL_MUST_CHECK;
/* Waits for bytes. */
enum rill_err link_receive(struct link *link, struct rill_error_text *why) RILL_MUST_CHECK;
/* The next message, waiting for it. */
enum rill_err link_next(struct link *link, struct link_message *ret,
                        struct rill_error_text *why) RILL_MUST_CHECK;

/* $JS.ACK.<stream>.<consumer>.<delivered>.<stream sequence>...: the number behind so many dots; 0 when there is none. */
uint64_t link_number_at(struct rill_bytes reply, unsigned place);

/* Sends a request whose reply comes to `inbox`, which the link has subscribed to, and waits for it: it must hold no
   "error". */
enum rill_err link_request(struct link *link, const char *subject, const char *inbox, const char *payload,
                           struct rill_error_text *why) RILL_MUST_CHECK;
/* Makes the stream BENCH of all subjects below "bench.", kept in files. */
enum rill_err link_make_stream(struct link *link, const char *inbox,
                               struct rill_error_text *why) RILL_MUST_CHECK;
