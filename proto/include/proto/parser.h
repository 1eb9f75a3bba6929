// SPDX-License-Identifier: Apache-2.0
//
// The NATS text protocol, read. A pure function from bytes to one command, the same for both directions: a
// broker reads PUB, HPUB, SUB, UNSUB, CONNECT, PING, PONG; a client reads INFO, MSG, HMSG, +OK, -ERR, PING,
// PONG.
//
// The parser keeps no state. It is given bytes that begin where a command begins and either finds the whole
// command, or says that there is more to come, or what is wrong. The caller keeps what was not consumed and
// offers it again with more behind it; `bytes_needed` tells when that is worth a try. Everything in a command
// is a view into the input.
//
// Source: NATS client protocol; leniencies (letter case, tabs, runs of blanks, a bare LF) as nats-server has
// them.
#pragma once

#include "base/bytes.h"

enum rill_op {
    RILL_OP_PUB,
    RILL_OP_HPUB,
    RILL_OP_SUB,
    RILL_OP_UNSUB,
    RILL_OP_CONNECT,
    RILL_OP_PING,
    RILL_OP_PONG,
    RILL_OP_INFO,
    RILL_OP_MSG,
    RILL_OP_HMSG,
    RILL_OP_OK,
    RILL_OP_ERR,
};

/* Which commands the reader takes; all others are unknown operations to it. */
enum rill_side {
    RILL_SIDE_BROKER,
    RILL_SIDE_CLIENT,
};

enum rill_parse_status {
    RILL_PARSE_DONE,
    RILL_PARSE_MORE,
    RILL_PARSE_UNKNOWN_OP,        // not a command, or one for the other side
    RILL_PARSE_BAD_ARGS,          // a wrong number of arguments, or a size or count that is not one
    RILL_PARSE_CONTROL_LINE_LONG, // arguments longer than control_line_bytes_max
    RILL_PARSE_PAYLOAD_LARGE,     // announced size above payload_bytes_max; the payload is not waited for
    RILL_PARSE_BAD_HEADER_SIZE,   // header size above the total size
    RILL_PARSE_BAD_PAYLOAD_END,   // the payload is not followed by CR LF
};

struct rill_parse_limits {
    enum rill_side side;
    size_t control_line_bytes_max;
    size_t payload_bytes_max; // headers and payload together
};

struct rill_command {
    enum rill_op op;
    size_t bytes;        // DONE: how much of the input it took
    size_t bytes_needed; // MORE: input shorter than this cannot hold the command; at least the input's length
                         // + 1

    struct rill_bytes subject; // PUB HPUB SUB MSG HMSG
    struct rill_bytes reply;   // PUB HPUB MSG HMSG; empty when there is none
    struct rill_bytes queue;   // SUB; empty when there is none
    struct rill_bytes sid;     // SUB UNSUB MSG HMSG
    struct rill_bytes args;    // CONNECT INFO: the JSON; -ERR: the text with its quotes
    struct rill_bytes headers; // HPUB HMSG: the header block; else empty
    struct rill_bytes payload; // PUB HPUB MSG HMSG
    uint64_t max;              // UNSUB: messages in total; 0 when not given

    // PUB HPUB: the input from the first size through the CR LF behind the payload when that is exactly what
    // a MSG or HMSG of this message ends with, so that a broker copies it in one piece; else empty.
    struct rill_bytes tail;
};

/* Reads one command from the front of `input`. `ret` is defined for DONE (all fields of the op) and MORE
   (bytes_needed); on errors it holds nothing. */
enum rill_parse_status rill_parse(const struct rill_parse_limits *limits, struct rill_bytes input,
                                  struct rill_command *ret);
