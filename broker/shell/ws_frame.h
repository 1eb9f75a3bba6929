// SPDX-License-Identifier: Apache-2.0
//
// WebSocket frames (RFC 6455, section 5), read from a client and written to one: pure functions on bytes. The
// decoder never collects a frame; payload is unmasked in place and handed on as it comes, so the size of a
// frame costs nothing.
//
//      0                   1                   2                   3
//     +-+-+-+-+-------+-+-------------+-------------------------------+
//     |F| RSV | opcode|M| length 0-125| 16 bits (126) or 64 bits (127)|   then 4 bytes of mask, then the
//     payload
//     +-+-+-+-+-------+-+-------------+-------------------------------+
//
// Any thread; a decoder belongs to one connection.
#pragma once

#include "base/bytes.h"

enum { WS_HEAD_BYTES_MAX = 14, WS_CONTROL_BYTES_MAX = 125 };

enum ws_opcode {
    WS_CONTINUATION = 0,
    WS_TEXT = 1,
    WS_BINARY = 2,
    WS_CLOSE = 8,
    WS_PING = 9,
    WS_PONG = 10,
};

enum ws_close_code {
    WS_CLOSE_NORMAL = 1000,
    WS_CLOSE_PROTOCOL_ERROR = 1002,
};

/* All zero is a decoder at the beginning of a connection. */
struct ws_decoder {
    uint64_t payload_left; // of the current frame
    uint8_t head[WS_HEAD_BYTES_MAX];
    uint8_t head_len; // how much of the head is here; with in_payload: all of it
    uint8_t opcode;
    uint8_t mask[4];
    uint8_t mask_phase; // which byte of the mask comes next
    bool in_payload;
    bool in_message; // the last data frame was not final
    uint8_t control_len;
    uint8_t control[WS_CONTROL_BYTES_MAX]; // payload of a ping, pong or close
};

enum ws_event {
    WS_EVENT_MORE,    // the input is used up
    WS_EVENT_DATA,    // payload of a text or binary frame: a view into the input
    WS_EVENT_CONTROL, // decoder->opcode, and its payload: a view into the decoder
    WS_EVENT_BAD,     // against the protocol: close with 1002
};

/* Reads from the front of `input`, whose payload bytes are unmasked in place, up to the next event. *ret_used
   is what it took; call again with the rest until MORE. *ret_payload is set with DATA and CONTROL. */
enum ws_event ws_decode(struct ws_decoder *decoder, uint8_t *input, size_t input_bytes, size_t *ret_used,
                        struct rill_bytes *ret_payload);

/* Writes the head of an unmasked final frame; returns its length. */
size_t ws_encode_head(uint8_t out[WS_HEAD_BYTES_MAX], enum ws_opcode opcode, uint64_t payload_bytes);
