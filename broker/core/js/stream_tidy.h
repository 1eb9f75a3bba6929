// SPDX-License-Identifier: Apache-2.0
//
// What a stream's store has to do when nobody waits for it, one job at a time: overwriting what is to be erased, removing
// and compressing files, writing the index. Each piece that is done asks for the next. Only who asked for a message to be
// erased does wait: for its bytes to be gone. Loop thread only.
#pragma once

#include "stream.h"

/* Has the next piece done, if there is one and none is out. */
void stream_tidy(struct stream *stream);
/* A commit has come back: in the next turn the index is told of it, and work in the background goes on. */
void stream_feed_later(struct stream *stream);
/* Does that now, if it is due. */
void stream_feed(struct stream *stream);
/* A question about subjects said AGAIN: whoever waits at the stream (asked.h, durable_wait_for_stream) is tried again when
   the index has gone on. */
void stream_await_index(struct stream *stream);
/* Says in the log, once, that the index was made anew without all ids of the old one. */
void stream_log_forgotten_ids(struct stream *stream);
/* Answers those whose message's bytes are overwritten by now; with an error all who wait for that. */
void stream_answer_overwritten(struct stream *stream, const struct rill_js_error *error);
