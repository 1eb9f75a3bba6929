// SPDX-License-Identifier: Apache-2.0
//
// Requests for messages that come while their stream's log is still read. A client that connects again after a restart
// pulls at once; it would take the answer "nobody is there" for the end of its consumer. So its pulls wait for the stream; their
// time begins when that is there. Owned by the stream; loop thread only.
#pragma once

#include "stream.h"

/* False when there are too many already. */
bool early_pulls_add(struct stream *stream, struct rill_bytes consumer, struct rill_bytes reply,
                     struct rill_bytes body);
/* The stream is there, or never will be: all of them are carried out, or told that nobody is there. */
void early_pulls_end(struct stream *stream);
/* MSG.NEXT for this consumer; its stream may be in any state, or NULL. */
void early_pulls_carry_out(struct jetstream *js, struct stream *stream, struct rill_bytes consumer,
                           struct rill_bytes reply, struct rill_bytes body);
