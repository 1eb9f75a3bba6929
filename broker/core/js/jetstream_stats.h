// SPDX-License-Identifier: Apache-2.0
//
// What there is to know about streams as a whole, and how each one is, for monitoring. Loop thread only.
#pragma once

#include "jetstream.h"
#include "js_limits.h"

struct stream;

struct jetstream_stats {
    const char *store_dir;
    const char *domain; // NULL: none
    bool strict;
    int64_t sync_interval_ns; // 0: always
    struct rill_jetstream_limits limits;
    int64_t storage_bytes_max; // in force, configured or not; 0 is none
    struct js_usage usage;
    uint64_t messages;
    uint64_t bytes;      // of the messages, as NATS counts them
    uint64_t disk_bytes; // of the files
    uint64_t api_requests;
    uint64_t api_errors;
    bool listed;                // the names of all streams are known
    bool list_failed;           // and never will be
    uint64_t recovering;        // streams that are not ready yet
    uint64_t replayed_messages; // that their recovery has read so far
    uint64_t unavailable;       // streams that take no messages: offline, read-only or full
    uint64_t lost_messages;     // to damage, of all streams
    uint64_t commits_failed;    // since the start
    uint64_t publishes_refused; // since the start
};

/* Without JetStream (NULL) everything is zero. */
void jetstream_stats(const struct jetstream *jetstream, struct jetstream_stats *ret);

enum stream_health {
    STREAM_HEALTH_OK,
    STREAM_HEALTH_RECOVERING, // its log is being read
    STREAM_HEALTH_OFFLINE,    // its log could not be opened
    STREAM_HEALTH_READ_ONLY,  // its log takes no more after an error
    STREAM_HEALTH_FULL,       // its last commit found no room; it goes on when there is some
    STREAM_HEALTH_INDEXING,   // it takes and gives messages, and its index is being made again
};

/* For people and for JSON. */
const char *stream_health_name(enum stream_health health);

/* `ret_reason` is a sentence, empty when all is well. */
enum stream_health stream_health(const struct stream *stream, struct rill_error_text *ret_reason);

/* Is it one that clients know of: not on its way in or out? */
bool stream_is_shown(const struct stream *stream);
