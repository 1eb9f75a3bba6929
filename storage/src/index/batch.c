// SPDX-License-Identifier: Apache-2.0
#include "batch.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <stdlib.h>
#include <xxhash.h>

enum { CHUNK_BYTES = 64 * 1024, SLOTS_FIRST = 64 };

struct batch_chunk {
    struct batch_chunk *next;
    size_t capacity;
    uint8_t bytes[];
};

struct batch *batch_create(uint64_t serial)
{
    struct batch *batch = rill_alloc_zero(1, sizeof *batch);
    batch->serial = serial;
    batch->slot_count = SLOTS_FIRST;
    batch->slots = rill_alloc_zero(SLOTS_FIRST, sizeof batch->slots[0]);
    return batch;
}

void batch_destroy(struct batch *batch)
{
    if (!batch)
        return;
    for (uint32_t i = 0; i < batch->subject_count; i++) {
        if (batch->subjects[i].capacity > BATCH_INLINE)
            free(batch->subjects[i].offsets.many);
        free(batch->subjects[i].deleted);
    }
    while (batch->chunks) {
        struct batch_chunk *next = batch->chunks->next;
        free(batch->chunks);
        batch->chunks = next;
    }
    id_set_fini(&batch->ids);
    expiry_fini(&batch->expiries);
    free(batch->summary);
    free(batch->messages);
    free(batch->subjects);
    free(batch->slots);
    free(batch->blocks);
    free(batch);
}

/* Room for one more in an array that doubles. */
static bool grow(void **array, uint32_t count, uint32_t *capacity, size_t size)
{
    if (count < *capacity)
        return true;
    const uint32_t more = *capacity ? *capacity * 2 : 64;
    void *grown = count < UINT32_MAX / 4 ? realloc(*array, more * size) : NULL;
    if (!grown)
        return false;
    *array = grown;
    *capacity = more;
    return true;
}

static uint8_t *arena_take(struct batch *batch, size_t len)
{
    if (!batch->chunks || batch->chunks->capacity - batch->chunk_used < len) {
        const size_t capacity = len > CHUNK_BYTES ? len : CHUNK_BYTES;
        struct batch_chunk *chunk = malloc(sizeof *chunk + capacity);
        if (!chunk)
            return NULL;
        chunk->capacity = capacity;
        chunk->next = batch->chunks;
        batch->chunks = chunk;
        batch->chunk_used = 0;
    }
    uint8_t *at = batch->chunks->bytes + batch->chunk_used;
    batch->chunk_used += len;
    return at;
}

static uint32_t hash_of(struct rill_bytes subject)
{
    return (uint32_t)XXH3_64bits(subject.data, subject.len);
}

static struct batch_slot *slot_of(const struct batch *batch, struct rill_bytes subject, uint32_t hash)
{
    for (uint32_t i = hash;; i++) {
        struct batch_slot *slot = &batch->slots[i & (batch->slot_count - 1)];
        if (!slot->number ||
            (slot->hash == hash && rill_bytes_equal(batch->subjects[slot->number - 1].text, subject)))
            return slot;
    }
}

static bool rehash(struct batch *batch)
{
    const uint32_t count = batch->slot_count * 2;
    struct batch_slot *slots = calloc(count, sizeof *slots);
    if (!slots)
        return false;
    for (uint32_t i = 0; i < batch->slot_count; i++) {
        uint32_t at = batch->slots[i].hash;
        while (batch->slots[i].number && slots[at & (count - 1)].number)
            at++;
        if (batch->slots[i].number)
            slots[at & (count - 1)] = batch->slots[i];
    }
    free(batch->slots);
    batch->slots = slots;
    batch->slot_count = count;
    return true;
}

struct batch_subject *batch_find(const struct batch *batch, struct rill_bytes subject)
{
    const struct batch_slot *slot = slot_of(batch, subject, hash_of(subject));
    return slot->number ? &batch->subjects[slot->number - 1] : NULL;
}

static struct batch_subject *subject_add(struct batch *batch, struct rill_bytes text, uint32_t hash)
{
    if (!grow((void **)&batch->subjects, batch->subject_count, &batch->subject_capacity,
              sizeof batch->subjects[0]))
        return NULL;
    if (batch->subject_count >= batch->slot_count / 2 && !rehash(batch))
        return NULL;
    uint8_t *copy = arena_take(batch, text.len);
    if (!copy)
        return NULL;
    if (text.len)
        memcpy(copy, text.data, text.len);
    *slot_of(batch, text, hash) = (struct batch_slot){hash, ++batch->subject_count};
    struct batch_subject *subject = &batch->subjects[batch->subject_count - 1];
    *subject = (struct batch_subject){.text = rill_bytes_of(copy, text.len), .capacity = BATCH_INLINE};
    batch->bytes += sizeof *subject + text.len + 4 * sizeof batch->slots[0];
    return subject;
}

static struct batch_subject *subject_get(struct batch *batch, struct rill_bytes text)
{
    const uint32_t hash = hash_of(text);
    const struct batch_slot *slot = slot_of(batch, text, hash);
    return slot->number ? &batch->subjects[slot->number - 1] : subject_add(batch, text, hash);
}

const uint32_t *batch_offsets(const struct batch_subject *subject)
{
    return subject->capacity > BATCH_INLINE ? subject->offsets.many : subject->offsets.few;
}

static uint32_t *offsets_of(struct batch_subject *subject)
{
    return subject->capacity > BATCH_INLINE ? subject->offsets.many : subject->offsets.few;
}

static bool offsets_grow(struct batch *batch, struct batch_subject *subject)
{
    if (subject->end < subject->capacity)
        return true;
    const uint32_t more = subject->capacity * 2;
    const bool is_few = subject->capacity == BATCH_INLINE;
    uint32_t *grown = realloc(is_few ? NULL : subject->offsets.many, more * sizeof *grown);
    if (!grown)
        return false;
    if (is_few)
        memcpy(grown, subject->offsets.few, sizeof subject->offsets.few);
    batch->bytes += (uint64_t)(more - subject->capacity) * sizeof *grown;
    subject->offsets.many = grown;
    subject->capacity = more;
    return true;
}

/* Everything that can fail, so that a message is there whole or not at all. */
static enum rill_err feed_reserve(struct batch *batch, const struct rill_index_message *message,
                                  const struct id_hash *id, struct batch_subject **ret_subject)
{
    struct batch_subject *subject = subject_get(batch, message->subject);
    if (!subject || !offsets_grow(batch, subject) ||
        !grow((void **)&batch->messages, batch->message_count, &batch->message_capacity,
              sizeof batch->messages[0]))
        return RILL_ERR_NO_MEMORY;
    *ret_subject = subject;
    const struct expiry expiry = {message->expire_ns, batch->message_count};
    enum rill_err err =
        id ? id_set_put(&batch->ids, &(struct id_entry){*id, message->sequence, message->time_ns}) : RILL_OK;
    if (!err && message->expire_ns)
        err = expiry_add(&batch->expiries, &expiry);
    return err;
}

enum rill_err batch_feed(struct batch *batch, const struct rill_index_message *message,
                         const struct id_hash *id)
{
    const uint64_t sequence = message->sequence, base = batch->message_count ? batch->base : sequence;
    RILL_ASSERT(sequence >= batch_end(batch));
    if (sequence - base >= UINT32_MAX)
        return RILL_ERR_LIMIT;
    struct batch_subject *subject;
    const enum rill_err err = feed_reserve(batch, message, id, &subject);
    if (err)
        return err;
    batch->base = base;
    const uint32_t offset = (uint32_t)(sequence - base);
    offsets_of(subject)[subject->end++] = offset;
    batch->messages[batch->message_count++] =
        (struct batch_message){offset, (uint32_t)(subject - batch->subjects)};
    batch->last_time_ns = message->time_ns;
    batch->bytes += sizeof batch->messages[0];
    return RILL_OK;
}

uint64_t batch_bytes(const struct batch *batch)
{
    return batch->bytes + id_set_bytes(&batch->ids) + expiry_bytes(&batch->expiries);
}

static struct rill_bytes copy_bytes(uint8_t **at, struct rill_bytes bytes)
{
    if (bytes.len)
        memcpy(*at, bytes.data, bytes.len);
    *at += bytes.len;
    return rill_bytes_of(*at - bytes.len, bytes.len);
}

/* One allocation: the summary, its segments, the bytes of state and details. */
enum rill_err batch_set_summary(struct batch *batch, const struct rill_index_summary *summary)
{
    const size_t rows = summary->segment_count * sizeof summary->segments[0];
    size_t len = sizeof *summary + rows + summary->state.len;
    for (size_t i = 0; i < summary->segment_count; i++)
        len += summary->segments[i].detail.len;
    struct rill_index_summary *copy = malloc(len);
    if (!copy)
        return RILL_ERR_NO_MEMORY;
    struct rill_index_segment *segments = (struct rill_index_segment *)(copy + 1);
    uint8_t *at = (uint8_t *)segments + rows;
    *copy = *summary;
    copy->segments = segments;
    copy->state = copy_bytes(&at, summary->state);
    for (size_t i = 0; i < summary->segment_count; i++) {
        segments[i] = summary->segments[i];
        segments[i].detail = copy_bytes(&at, summary->segments[i].detail);
    }
    RILL_ASSERT(at == (uint8_t *)copy + len);
    batch->summary = copy;
    return RILL_OK;
}

enum rill_err batch_seal(struct batch *batch, const struct rill_index_block *block)
{
    if (!grow((void **)&batch->blocks, batch->block_count, &batch->block_capacity, sizeof batch->blocks[0]))
        return RILL_ERR_NO_MEMORY;
    batch->blocks[batch->block_count++] = (struct batch_block){*block, batch->message_count};
    batch->deleted_since_seal = false;
    batch->bytes += sizeof batch->blocks[0];
    return RILL_OK;
}

uint32_t batch_message_at(const struct batch *batch, uint64_t sequence)
{
    uint32_t low = 0, high = batch->message_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (batch->base + batch->messages[middle].offset < sequence)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint32_t batch_offset_at(const struct batch *batch, const struct batch_subject *subject, uint64_t sequence)
{
    const uint32_t *offsets = batch_offsets(subject);
    uint32_t low = subject->start, high = subject->end;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (batch->base + offsets[middle] < sequence)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Moves the shorter side. */
static void offsets_remove(struct batch_subject *subject, uint32_t at)
{
    uint32_t *offsets = offsets_of(subject);
    if (at - subject->start < subject->end - at) {
        memmove(offsets + subject->start + 1, offsets + subject->start,
                (at - subject->start) * sizeof offsets[0]);
        subject->start++;
    } else {
        memmove(offsets + at, offsets + at + 1, (subject->end - at - 1) * sizeof offsets[0]);
        subject->end--;
    }
}

bool batch_remove(struct batch *batch, uint64_t sequence, struct rill_bytes text)
{
    struct batch_subject *subject = batch_find(batch, text);
    const uint32_t index = batch_message_at(batch, sequence);
    if (!subject || index == batch->message_count ||
        batch->base + batch->messages[index].offset != sequence ||
        batch->messages[index].subject != (uint32_t)(subject - batch->subjects))
        return false;
    const uint32_t at = batch_offset_at(batch, subject, sequence);
    RILL_ASSERT(at < subject->end && batch->base + batch_offsets(subject)[at] == sequence);
    offsets_remove(subject, at);
    batch->messages[index].subject = BATCH_NONE;
    batch->deleted_since_seal = true;
    return true;
}

static uint32_t deleted_at(const struct batch_deleted *deleted, uint64_t sequence)
{
    uint32_t low = 0, high = deleted->count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (deleted->sequences[middle] < sequence)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool deleted_grow(struct batch *batch, struct batch_subject *subject)
{
    const uint32_t capacity = subject->deleted ? subject->deleted->capacity : 0;
    if (subject->deleted && subject->deleted->count < capacity)
        return true;
    const uint32_t more = capacity ? capacity * 2 : 4;
    struct batch_deleted *grown =
        realloc(subject->deleted, sizeof *grown + more * sizeof grown->sequences[0]);
    if (!grown)
        return false;
    if (!subject->deleted)
        grown->count = 0;
    grown->capacity = more;
    subject->deleted = grown;
    batch->bytes += (more - capacity) * sizeof grown->sequences[0];
    return true;
}

enum rill_err batch_delete_older(struct batch *batch, uint64_t sequence, struct rill_bytes text)
{
    struct batch_subject *subject = subject_get(batch, text);
    if (!subject || !deleted_grow(batch, subject))
        return RILL_ERR_NO_MEMORY;
    struct batch_deleted *deleted = subject->deleted;
    const uint32_t at = deleted_at(deleted, sequence);
    memmove(deleted->sequences + at + 1, deleted->sequences + at,
            (deleted->count - at) * sizeof deleted->sequences[0]);
    deleted->sequences[at] = sequence;
    deleted->count++;
    batch->deleted_count++;
    batch->deleted_since_seal = true;
    return RILL_OK;
}

uint32_t batch_deleted_from(const struct batch_subject *subject, uint64_t from)
{
    return subject && subject->deleted ? subject->deleted->count - deleted_at(subject->deleted, from) : 0;
}

bool batch_has_deleted(const struct batch_subject *subject, uint64_t sequence)
{
    if (!subject || !subject->deleted)
        return false;
    const uint32_t at = deleted_at(subject->deleted, sequence);
    return at < subject->deleted->count && subject->deleted->sequences[at] == sequence;
}
