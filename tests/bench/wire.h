// SPDX-License-Identifier: Apache-2.0
//
// One blocking connection to a server on loopback, at the level of bytes. It knows just enough of the
// protocol to introduce itself and to answer the server's PING. Every read and write gives up after
// WIRE_TIMEOUT_S.
#pragma once

#include "base/bytes.h"
#include "base/err.h"

enum { WIRE_TIMEOUT_S = 10, WIRE_INPUT_BYTES = 8192 };

struct wire {
    int fd; // -1 when closed
    size_t input_len;
    char input[WIRE_INPUT_BYTES]; // received and not yet expected
};

/* Connects and reads the INFO line. RILL_ERR_CLOSED when nobody listens, at once. */
enum rill_err wire_open(struct wire *wire, uint16_t port, struct rill_error_text *why) RILL_MUST_CHECK;
/* wire_open, then CONNECT and a first PING that is answered. */
enum rill_err wire_join(struct wire *wire, uint16_t port, struct rill_error_text *why) RILL_MUST_CHECK;
/* Closes with a reset, so that thousands of connections leave no TIME_WAIT behind. Harmless when closed. */
void wire_close(struct wire *wire);

enum rill_err wire_send(struct wire *wire, struct rill_bytes bytes,
                        struct rill_error_text *why) RILL_MUST_CHECK;
/* Reads until exactly these bytes have come; a PING of the server in front of them is answered and left out.
   Anything else is an error that shows it. */
enum rill_err wire_expect(struct wire *wire, struct rill_bytes bytes,
                          struct rill_error_text *why) RILL_MUST_CHECK;
/* PING, and the PONG: the server has taken in all that was sent before. */
enum rill_err wire_flush(struct wire *wire, struct rill_error_text *why) RILL_MUST_CHECK;
/* SUB, flushed. */
enum rill_err wire_subscribe(struct wire *wire, const char *subject,
                             struct rill_error_text *why) RILL_MUST_CHECK;
