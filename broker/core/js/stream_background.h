// SPDX-License-Identifier: Apache-2.0
//
// What a stream's store does when nobody waits for it, and what questions to it may have to wait for: files that are
// spent, segments that are made anew, the index. Loop thread only.
//
//      a question says AGAIN ──► stream_await_index ──► a job, or a moment ──► stream_serve_waiting: it is asked again
#pragma once

#include "stream.h"

/* Has done what there is to do. Ask when a commit has finished. */
void stream_background(struct stream *stream);
/* A question about subjects said AGAIN: whoever waits at the stream (asked.h, durable_wait_for_stream) is tried again when
   the index has gone on. */
void stream_await_index(struct stream *stream);
