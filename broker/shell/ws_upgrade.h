// SPDX-License-Identifier: Apache-2.0
//
// The WebSocket handshake (RFC 6455, section 4.2), the server's side: pure functions on text. Extensions and
// subprotocols that a client offers are not taken. Any thread.
#pragma once

#include "http_request.h"

enum { WS_ANSWER_BYTES_MAX = 256 };

/* Formats the answer to a request into `out` (not terminated) and returns its length. *ret_accepted: with 101
   Switching Protocols; otherwise it is an error, to be sent before closing. */
size_t ws_upgrade_answer(const struct http_request *request, char out[WS_ANSWER_BYTES_MAX],
                         bool *ret_accepted);
/* The answer to what is not an HTTP request. */
size_t ws_upgrade_refuse(char out[WS_ANSWER_BYTES_MAX]);
