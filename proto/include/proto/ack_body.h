// SPDX-License-Identifier: Apache-2.0
//
// The payload of an acknowledgement. Any thread.
//
//     empty, "+ACK", "+OK"             done
//     "-NAK", "-NAK 5s", "-NAK {json}" again, at once or after a delay
//     "+WPI"                           work in progress: the ack wait starts anew
//     "+TERM", "+TERM reason"          never again
//     "+NXT", "+NXT <pull request>"    done, and another pull
#pragma once

#include "base/bytes.h"

enum rill_ack_kind {
    RILL_ACK_UNKNOWN, // ignored, as nats-server does
    RILL_ACK_DONE,
    RILL_ACK_AGAIN,
    RILL_ACK_PROGRESS,
    RILL_ACK_TERMINATE,
    RILL_ACK_NEXT,
};

struct rill_ack_body {
    enum rill_ack_kind kind;
    int64_t delay_ns;       // AGAIN; 0 also when the delay could not be read
    struct rill_bytes rest; // TERMINATE: the reason; NEXT: the pull request, for rill_pull_request_parse
};

/* `rest` points into `body`. */
struct rill_ack_body rill_ack_body_parse(struct rill_bytes body);
