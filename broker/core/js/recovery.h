// SPDX-License-Identifier: Apache-2.0
//
// A stream as its log tells it: configuration, consumers and message ids, built by replaying off the loop thread and handed
// to the stream when the job is back. Owned by the job until then.
#pragma once

#include "stream.h"
#include "stream_place.h"

struct recovery {
    // given
    struct stream *stream; // only as the address that durables and the store's checkpoint will belong to
    int64_t now_wall_ns;

    // found
    Rill__StreamRecord *record;
    uint64_t consumer_number_last;
    struct durable *durables; // uthash by name
    struct dedupe dedupe;
    bool is_told;           // there was a message
    uint64_t told_sequence; // of the last one
    struct rill_buf last_msg_id;
    uint64_t lost_messages;
    struct rill_store *store;
    struct rill_store_report report;
};

void recovery_init(struct recovery *recovery, struct stream *stream, uint64_t seed, int64_t now_wall_ns);
void recovery_fini(struct recovery *recovery);
/* Any thread; waits for the disk. */
enum rill_err recovery_run(struct recovery *recovery, const struct rill_store_options *options,
                           struct rill_error_text *why) RILL_MUST_CHECK;
/* The same thread: what was read was the definition of a stream in memory, which is empty again. */
enum rill_err recovery_begin_anew(struct recovery *recovery, struct stream_place *place,
                                  struct rill_error_text *why) RILL_MUST_CHECK;
/* Loop thread: moves everything to the stream. */
void recovery_attach(struct recovery *recovery);
