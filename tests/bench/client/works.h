// SPDX-License-Identifier: Apache-2.0
//
// The works that client libraries are measured by, each through a client of its own. work_request fills the samples, too.
// False after saying why on stderr.
#pragma once

#include "side.h"

struct worked {
    double per_s;  // messages a second
    double cpu_us; // the client's processor time for one message: what neighbours on the machine cannot spoil
};

typedef bool work_fn(const struct side *side, struct work *work, struct worked *ret);

work_fn work_publish;        // nobody listens
work_fn work_take;           // one subscriber, message by message
work_fn work_callback;       // one subscriber, a callback
work_fn work_request;        // one after the other
work_fn work_stream_publish; // asynchronous
work_fn work_pull;           // fetches of 500, each message acknowledged
