// SPDX-License-Identifier: Apache-2.0
//
// A batch: what was fed and deleted since the last one, in memory.
//
//     messages[]   offset 0 1 2 3 5 6 ...      in the order of the log; offset = sequence - base
//                  subject 0 1 0 2 0 1         index in subjects[], BATCH_NONE when it was deleted
//     subjects[]   "orders.new" offsets 0 2 5  sorted, without the deleted ones; of the first `listed` messages
//                               deleted 12 17  sequences of older layers, sorted
//     blocks[]     where each sealed block's messages begin and end
//     ids          of messages that have one, deleted or not
//     expiries     of messages that have one
//     summary      for the file, with the batch
//
// While a job writes a batch nobody changes it, but that the owner, who may query it meanwhile, goes on with the lists of
// offsets: a job does not look at them, nor at `listed`.
#pragma once

#include "base/assert.h"
#include "expiry.h"
#include "id_set.h"
#include "index.h"

#define BATCH_NONE UINT32_MAX

enum {
    BATCH_INLINE = 4,
    BATCH_LISTED_BYTES = 2 * sizeof(uint32_t), // that a message takes at most in a list, which doubles
};

struct batch_message {
    uint32_t offset;
    uint32_t subject;
};

struct batch_deleted {
    uint32_t count;
    uint32_t capacity;
    uint64_t sequences[]; // sorted
};

/* Most batches have many subjects and few messages of each: what is looked at for a message is one line of the processor's
   cache, here and in the table that leads here. */
struct batch_subject {
    struct rill_bytes text; // in the arena
    uint32_t start;         // offsets before it were deleted
    uint32_t end;
    uint32_t capacity;
    union {
        uint32_t few[BATCH_INLINE];
        uint32_t *many;
    } offsets;
    struct batch_deleted *deleted; // NULL while there are none
    uint64_t live_from;            // no message of an older layer is live below; of the owner's thread alone
};

static_assert(sizeof(struct batch_subject) == 64, "one line");

struct batch_slot {
    uint32_t hash;
    uint32_t number; // index in subjects[] + 1; 0: it is free
};

struct batch_block {
    struct rill_index_block place;
    uint32_t message_end; // index of the first message behind it
};

struct batch_chunk;

struct batch {
    uint64_t base; // sequence of the first message; meaningless without one
    struct batch_message *messages;
    uint32_t message_count, message_capacity;
    uint32_t listed; // of the owner's thread alone, as the lists are
    struct batch_subject *subjects;
    uint32_t subject_count, subject_capacity;
    struct batch_slot *slots; // hash table
    uint32_t slot_count;
    struct batch_block *blocks;
    uint32_t block_count, block_capacity;
    struct batch_chunk *chunks; // of the arena
    size_t chunk_used;
    bool deleted_since_seal; // the log would say it again behind the last block
    uint64_t deleted_count;  // of older layers
    uint64_t first_sequence; // at its end: set when it becomes ready
    int64_t id_window_ns;    // at its end: set when it becomes ready
    struct id_set ids;
    struct expiry_list expiries;
    int64_t last_time_ns;               // of the messages
    struct rill_index_summary *summary; // NULL without one; its views are into the same allocation
    uint64_t bytes;                     // without ids and expiries, and as if all were listed
    uint64_t serial;                    // tells batches apart
};

struct batch *batch_create(uint64_t serial);
void batch_destroy(struct batch *batch);

/* The indexes of the subjects of up to RILL_INDEX_RUN_MAX messages, made where they are not there. NO_MEMORY. */
enum rill_err batch_subjects(struct batch *batch, const struct rill_index_message *messages, size_t count,
                             uint32_t *ret_subjects) RILL_MUST_CHECK;
/* Feeds those in front that have neither id nor expiry, of a run; *ret_fed of them, also when LIMIT. NO_MEMORY. */
enum rill_err batch_feed_plain(struct batch *batch, const struct rill_index_message *messages,
                               const uint32_t *subjects, size_t count, size_t *ret_fed) RILL_MUST_CHECK;
/* `id` is NULL without one. NO_MEMORY, LIMIT. */
enum rill_err batch_feed(struct batch *batch, const struct rill_index_message *message, uint32_t subject,
                         const struct id_hash *id) RILL_MUST_CHECK;
/* Goes on with the lists by up to `count_max` messages. AGAIN when there are more, NO_MEMORY. */
enum rill_err batch_list(struct batch *batch, uint32_t count_max) RILL_MUST_CHECK;
enum rill_err batch_seal(struct batch *batch, const struct rill_index_block *block) RILL_MUST_CHECK;
enum rill_err batch_set_summary(struct batch *batch,
                                const struct rill_index_summary *summary) RILL_MUST_CHECK;
uint64_t batch_bytes(const struct batch *batch);
/* A message of this batch. False when it is not there. */
bool batch_remove(struct batch *batch, uint64_t sequence, struct rill_bytes subject);
/* A message of an older layer. */
enum rill_err batch_delete_older(struct batch *batch, uint64_t sequence,
                                 struct rill_bytes subject) RILL_MUST_CHECK;

static inline uint64_t batch_end(const struct batch *batch)
{
    return batch->message_count ? batch->base + batch->messages[batch->message_count - 1].offset + 1 : 0;
}

/* Is nothing behind the last block? */
static inline bool batch_is_sealed(const struct batch *batch)
{
    const uint32_t sealed = batch->block_count ? batch->blocks[batch->block_count - 1].message_end : 0;
    return !batch->deleted_since_seal && sealed == batch->message_count;
}

static inline bool batch_is_live(const struct batch *batch, uint32_t message)
{
    return batch->messages[message].subject != BATCH_NONE;
}

/* NULL when the batch has nothing about it. */
struct batch_subject *batch_find(const struct batch *batch, struct rill_bytes subject);
/* Index of the first message at or after the sequence. */
uint32_t batch_message_at(const struct batch *batch, uint64_t sequence);
/* All from here on are of what is listed. */
const uint32_t *batch_offsets(const struct batch_subject *subject);
/* Position among the offsets of the first at or after the sequence; subject->end when there is none. */
uint32_t batch_offset_at(const struct batch *batch, const struct batch_subject *subject, uint64_t sequence);
/* How many deleted sequences of older layers are at or after `from`. */
uint32_t batch_deleted_from(const struct batch_subject *subject, uint64_t from);
/* Is this sequence among them? */
bool batch_has_deleted(const struct batch_subject *subject, uint64_t sequence);
