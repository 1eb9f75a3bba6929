// SPDX-License-Identifier: Apache-2.0
//
// What the streams' side of a core consists of. Included by the parts of this folder only. Loop thread only.
//
//      jetstream ── streams by name ── durables by name ── consumer (a pure state machine)
//                        │
//                        └── store (the log), what waits for its next commit
#pragma once

#include "api_audit.h"
#include "core_state.h"
#include "held.h"
#include "jetstream.h"
#include "job.h"
#include "proto/jetstream.pb-c.h"
#include "proto/stream_log.pb-c.h"
#include "recovery_progress.h"
#include "route.h"
#include "storage/shared.h"

struct durable;
struct push;
struct restore;
struct source_filter;
struct stream;

/* What a deadline of this folder is embedded in. */
enum {
    DEADLINE_DURABLE = DEADLINE_JETSTREAM,
    DEADLINE_STREAM,
    DEADLINE_STREAM_AGE,
    DEADLINE_STREAM_SYNC,
    DEADLINE_SNAPSHOT,
    DEADLINE_RESTORE,
    DEADLINE_FILTERS,
};

struct jetstream {
    struct rill_core *core;
    struct account *account;          // whose subject space the streams are in: $G
    struct rill_disk *disk;           // borrowed
    struct rill_disk *memory_disk;    // of the streams in memory
    struct rill_store_shared *shared; // with all stores of files; NULL until the store is taken
    char *store_dir;
    struct rill_jetstream_limits limits;
    bool lenient;
    int64_t sync_interval_ns;    // 0: always; else all streams acknowledge before the disk has it
    char *domain;                // NULL: none
    int64_t free_bytes_at_start; // of the disk; 0: not known
    uint64_t file_bytes;         // of the messages in all streams
    uint64_t memory_bytes;       // the same of those in memory
    uint64_t recovered_bytes;    // of the files that were there at the start
    uint64_t segment_bytes;      // 0 is the store's default
    uint64_t cache_bytes_max;    // 0 is the store's default
    uint64_t index_log_bytes;    // 0 is the store's default

    struct sub *api_sub;
    struct sub *system_sub; // in the system's account
    struct sub *domain_sub; // NULL without a domain
    struct sub *ack_sub;
    struct sub *flow_sub;
    struct sub *buried_sub; // hears whether dead letters are stored
    struct stream *unfed;   // whose indexes are to be told of a commit, when its publishers have been
    struct interest_memo last_acknowledged; // publisher
    struct interest_memo last_delivered;    // pull, or deliver subject

    struct stream *streams;     // uthash by name
    struct push *pushes;        // uthash by deliver subject
    bool listed;                // the store's folder was read: all names are known
    bool list_failed;           // it could not be read: nothing will ever be known
    struct kept_messages early; // requests that came before the names were known
    uint32_t held_count;        // requests that wait, all streams' too
    struct restore *restores;   // under way
    struct recovery_progress recovery;
    bool stopping;

    struct stream *touched;  // have something to commit, or to end
    struct durable *serving; // shall be offered messages at the end of the turn; first of a queue
    struct durable *serving_last;

    struct source_filter *filters; // of consumers; a list, see source.h
    uint32_t filter_count;
    struct rill_deadline filters_due; // the first of them goes

    struct rill_buf json;    // scratch of an answer
    struct rill_buf event;   // scratch of an event or checkpoint
    struct rill_buf headers; // scratch of a delivery's header block

    struct rill_buf subject; // scratch of a transformed subject

    struct audits audits;

    uint64_t api_total;
    uint64_t api_errors;
    uint64_t commits_failed;
    uint64_t publishes_refused; // those of a failed commit, too
    uint64_t api_ignored;       // requests that nobody waits for
    uint64_t acks_unknown;      // acknowledgements of what is not there
};

/* The answer of the API to whoever waits at `reply`. */
void js_respond(struct jetstream *js, struct rill_bytes reply, const ProtobufCMessage *response);
/* The same with a block of headers. */
void js_respond_with(struct jetstream *js, struct rill_bytes reply, struct rill_bytes headers,
                     const ProtobufCMessage *response);
/* An answer without a payload; `headers` is a whole block or empty. */
void js_send_status(struct jetstream *js, struct rill_bytes reply, struct rill_bytes headers);
