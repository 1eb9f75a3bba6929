// SPDX-License-Identifier: Apache-2.0
//
// A stream that is being sent to somebody who keeps it elsewhere: $JS.API.STREAM.SNAPSHOT. What is sent is a backup
// (storage/backup.h) of the stream as it was when it was asked for, in chunks to the deliver subject, at most a window of
// them unanswered: each has a reply subject that the receiver answers. The end is an empty message with the status 204; 408
// when the receiver is not there, or says nothing for SNAPSHOT_ANSWER_NS; 500 when the stream cannot be read.
//
//      request ──► read a part (job) ──► send while the window has room ◄── an answer
//                        ▲                       │ all sent that was read
//                        └───────────────────────┘
//
// One at a time of a stream. Its segments are not removed meanwhile, and while a part is being read nothing in them is
// overwritten (stream_tidy.h). Owned by its stream; loop thread only. Memory: one part, and the window in the output of
// the receiver's connection.
#pragma once

#include "stream.h"

/* How long a receiver may be silent. */
#define SNAPSHOT_ANSWER_NS (5 * RILL_NS_PER_S)

struct snapshot_options {
    struct rill_bytes deliver_subject; // valid
    bool without_consumers;
    int64_t chunk_bytes;  // 0 is 128 KiB; so the next
    int64_t window_bytes; // 8 MiB
};

/* The stream has none yet, and is ready. */
void snapshot_begin(struct stream *stream, const struct snapshot_options *options);
/* Ends it with this status, "204" or another one and its reason. Nothing of it is out. Fine when there is none. */
void snapshot_end(struct stream *stream, const char *status);
/* Is a part being read, or to be read next? */
bool snapshot_is_reading(const struct stream *stream);
/* The stream's files may be read again. */
void snapshot_go_on(struct stream *stream);
/* A deadline has come. */
void snapshot_due(struct rill_deadline *due);
