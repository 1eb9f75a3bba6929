// SPDX-License-Identifier: Apache-2.0
//
// The inside of a replay, shared by replay.c (segments and commits) and replay_records.c (what is in them).
#pragma once

#include "catalog.h"
#include "reader.h"
#include "store_impl.h"

struct replay {
    struct rill_store *store;
    const struct rill_store_visitor *visitor;
    struct rill_store_report *report;
    struct replay_tail *tail;
    struct log_mark at;
    struct log_reader reader;
    bool is_last;            // the segment being read is the last one
    bool rewritten;          // it was rewritten, as far as that is known
    bool left_out;           // what is missing in front of the next record was removed, and is left out (W2)
    uint64_t sequence_limit; // no message of this segment has a higher one
    bool ends_block;         // the next record begins a block
    uint64_t end_offset;     // of the log in its last segment; 0: it goes to the end of the file
    uint64_t from;           // offset in the segment being read where the replay begins
    bool is_muted;           // no event is told before a checkpoint is
    bool head_is_missing;    // segments in front of the first
    uint64_t head_sequence;  // the last message in them
    uint8_t *unpacked;       // what was in the last packed record
    size_t unpacked_capacity;
};

/* replay.c: from the first segment on, as it says; then each; then what follows from all together, for readers. */
void replay_begin(struct replay *replay, const struct catalog_entry *first);
enum rill_err replay_segment(struct replay *replay, const struct catalog *catalog, size_t index,
                             struct rill_error_text *why) RILL_MUST_CHECK;
enum rill_err replay_finish(struct replay *replay, const struct catalog *catalog) RILL_MUST_CHECK;

/* The commits of the file that the reader has. Behind them is at.offset. */
enum rill_err replay_commits(struct replay *replay) RILL_MUST_CHECK;
/* This is missing between what was told before and what comes now; no messages when last < first. */
enum rill_err replay_lost(struct replay *replay, uint64_t first, uint64_t last) RILL_MUST_CHECK;
/* Puts a record into the last block, or into a new one: behind a gap in the file or in the sequences, in a
   new segment, or when the last is full. So the sequences in a block have no gaps, but for those that were left out.
   `first_sequence` is what the next message has. */
enum rill_err replay_note_block(struct replay *replay, uint64_t offset, size_t size,
                                uint64_t first_sequence) RILL_MUST_CHECK;
/* Tells the visitor, and does as it says. */
enum rill_err replay_tell_checkpoint(struct rill_store *store, const struct rill_store_visitor *visitor,
                                     struct rill_bytes bytes) RILL_MUST_CHECK;
enum rill_err replay_tell_event(struct rill_store *store, const struct rill_store_visitor *visitor,
                                const struct record *record) RILL_MUST_CHECK;
/* A valid record that stands at `offset`. One that does not fit in here is passed over, and shows as a gap. */
enum rill_err replay_deliver(struct replay *replay, const struct record *record, uint64_t offset,
                             uint64_t limit) RILL_MUST_CHECK;
/* The sequence up to which everything was there: what was not found is lost, or was left out. */
enum rill_err replay_gap(struct replay *replay, uint64_t sequence) RILL_MUST_CHECK;
