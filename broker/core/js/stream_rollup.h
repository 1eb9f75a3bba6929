// SPDX-License-Identifier: Apache-2.0
//
// Nats-Rollup: a message that takes the place of all before it, of the stream or of its subject. Of the stream that is one
// record in the same commit. Of a subject it is, too, when all that goes is durable and little; else what goes is removed
// in steps behind the message, and the message is acknowledged when nothing of it is left. Loop thread only.
#pragma once

#include "stream.h"

/* The message that was just appended replaces everything. */
void stream_roll_up_all(struct stream *stream);
/* The same for its subject; `reply` is acknowledged when that is done (empty: nobody waits). */
void stream_roll_up_subject(struct stream *stream, struct rill_bytes subject, uint64_t sequence,
                            struct rill_bytes reply);
