// SPDX-License-Identifier: Apache-2.0
//
// Something asked of a stream that cannot always be done at once: a block of the log has to be in memory first, the index
// is behind, a commit is on its way, or it is more than one turn's work. What is asked is tried when it comes, and again
// whenever one of these has gone on, in its order, until it says that it is done. Loop thread only.
#pragma once

#include "stream.h"

enum asked_outcome {
    ASKED_DONE,
    ASKED_WAITS, // for a block that asked_load brings, the index (stream_await_index) or a commit (stream_settle)
    ASKED_GOES_ON, // in the next turn
};

struct asked {
    struct asked *next;
    enum asked_outcome (*step)(struct stream *stream, struct asked *asked);
    const ProtobufCMessageDescriptor *response; // of the error when the stream ends meanwhile; NULL: a status
    ProtobufCMessage *request;                  // owned; NULL: none
    bool direct;                                // answered by messages, not by JSON
    enum stream_wait what;                      // of what is about a consumer
    uint64_t consumer;                          // its number
    struct start *start;                        // owned: of one that is to be made; NULL: none
    uint64_t commit;                            // that it waits for; 0: none
    uint64_t sequence;                          // where it is
    uint64_t left;                              // of a batch
    uint64_t bytes_left;
    uint64_t sent_sequence; // last one; 0: none
    uint64_t pending;       // of a batch: messages from `sequence` on
    uint64_t counted_at;    // when that was counted: last committed sequence plus one; 0: never
    void *own;              // what the steps keep from one to the next
    void (*release)(void *own);
    size_t reply_len;
    uint8_t reply[];
};

enum { ASKED_MAX = 4096 }; // waiting at one stream; more are told that there are too many

/* A copy of the request is made. The first step is made before it returns. */
void asked_begin(struct stream *stream, const struct asked *what, const ProtobufCMessage *request,
                 struct rill_bytes reply);
static inline struct rill_bytes asked_reply(const struct asked *asked)
{
    return rill_bytes_of(asked->reply, asked->reply_len);
}

/* Puts `sequence` where the first message at or after the time is. AGAIN: wait; NOT_FOUND; else as the store. */
enum rill_err asked_find_time(struct stream *stream, struct asked *asked, int64_t unix_ns) RILL_MUST_CHECK;
/* Has the block of this sequence brought into memory. */
void asked_load(struct stream *stream, uint64_t sequence);
/* How a step ends that could not go on: AGAIN waits for what was set going, anything else is the answer. */
enum asked_outcome asked_stop(struct stream *stream, const struct asked *asked, enum rill_err err);
/* One more step of everything that waits. */
void asked_go_on(struct stream *stream);
/* Everybody who waits is answered with the error. */
void asked_fail(struct stream *stream, const struct rill_js_error *error);
