// SPDX-License-Identifier: Apache-2.0
#include "batch.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum {
    CHUNK_BYTES = 64 * 1024,
    SLOTS_FIRST = 64,
    ARRAY_FIRST = 64,
    SUBJECTS_NEAR = 4096, // so many are in the processor's cache anyway
};

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
    const uint32_t more = *capacity ? *capacity * 2 : ARRAY_FIRST;
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

/* As rill_bytes_equal(); most subjects are two words of the processor. */
static inline bool is_same(struct rill_bytes a, struct rill_bytes b)
{
    uint64_t words[4];
    if (a.len != b.len || a.len < sizeof words[0] || a.len > 2 * sizeof words[0])
        return rill_bytes_equal(a, b);
    memcpy(&words[0], a.data, sizeof words[0]);
    memcpy(&words[1], b.data, sizeof words[0]);
    memcpy(&words[2], a.data + a.len - sizeof words[0], sizeof words[0]);
    memcpy(&words[3], b.data + b.len - sizeof words[0], sizeof words[0]);
    return words[0] == words[1] && words[2] == words[3];
}

static inline struct batch_slot *slot_of(const struct batch *batch, struct rill_bytes subject, uint32_t hash)
{
    for (uint32_t i = hash;; i++) {
        struct batch_slot *slot = &batch->slots[i & (batch->slot_count - 1)];
        if (!slot->number || (slot->hash == hash && is_same(batch->subjects[slot->number - 1].text, subject)))
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

static struct batch_subject *subject_get(struct batch *batch, struct rill_bytes text, uint32_t hash)
{
    const struct batch_slot *slot = slot_of(batch, text, hash);
    return slot->number ? &batch->subjects[slot->number - 1] : subject_add(batch, text, hash);
}

/* Asks the memory for what the last step will look at, which is not in the processor's cache when there are many
   subjects: each step for all of the run, so that it is waited for once. */
static void prefetch_subjects(const struct batch *batch, const uint32_t *hashes, size_t count)
{
    uint32_t numbers[RILL_INDEX_RUN_MAX];
    for (size_t i = 0; i < count; i++)
        __builtin_prefetch(&batch->slots[hashes[i] & (batch->slot_count - 1)]);
    for (size_t i = 0; i < count; i++) {
        numbers[i] = batch->slots[hashes[i] & (batch->slot_count - 1)].number;
        __builtin_prefetch(&batch->subjects[numbers[i] ? numbers[i] - 1 : 0]);
    }
    for (size_t i = 0; i < count; i++)
        __builtin_prefetch(numbers[i] ? batch->subjects[numbers[i] - 1].text.data : NULL);
}

enum rill_err batch_subjects(struct batch *batch, const struct rill_index_message *messages, size_t count,
                             uint32_t *ret_subjects)
{
    uint32_t hashes[RILL_INDEX_RUN_MAX];
    RILL_ASSERT(count <= RILL_INDEX_RUN_MAX);
    for (size_t i = 0; i < count; i++)
        hashes[i] = hash_of(messages[i].subject);
    if (batch->subject_count > SUBJECTS_NEAR)
        prefetch_subjects(batch, hashes, count);
    for (size_t i = 0; i < count; i++) {
        const uint32_t number = slot_of(batch, messages[i].subject, hashes[i])->number;
        if (!number && !subject_add(batch, messages[i].subject, hashes[i]))
            return RILL_ERR_NO_MEMORY;
        ret_subjects[i] = (number ? number : batch->subject_count) - 1;
    }
    return RILL_OK;
}

static void note_fed(struct batch *batch, uint64_t base, uint32_t count, int64_t last_time_ns)
{
    batch->base = base;
    batch->message_count += count;
    batch->last_time_ns = last_time_ns;
    batch->bytes += count * (sizeof batch->messages[0] + BATCH_LISTED_BYTES);
}

static bool has_room(struct batch *batch, size_t count)
{
    static_assert((int)RILL_INDEX_RUN_MAX <= (int)ARRAY_FIRST, "an array that doubles has room for a run");
    RILL_ASSERT(count && count <= RILL_INDEX_RUN_MAX);
    return grow((void **)&batch->messages, batch->message_count + (uint32_t)count - 1,
                &batch->message_capacity, sizeof batch->messages[0]);
}

static bool is_plain(const struct rill_index_message *message)
{
    return !message->id.len && !message->expire_ns;
}

enum rill_err batch_feed_plain(struct batch *batch, const struct rill_index_message *messages,
                               const uint32_t *subjects, size_t count, size_t *ret_fed)
{
    const uint64_t base = batch->message_count ? batch->base : messages[0].sequence;
    uint64_t end = batch_end(batch);
    uint32_t fed = 0;
    if (!has_room(batch, count))
        return RILL_ERR_NO_MEMORY;
    struct batch_message *to = &batch->messages[batch->message_count];
    for (; fed < count && is_plain(&messages[fed]); fed++) {
        const uint64_t sequence = messages[fed].sequence;
        RILL_ASSERT(sequence >= end && subjects[fed] < batch->subject_count);
        if (sequence - base >= UINT32_MAX)
            break;
        to[fed] = (struct batch_message){(uint32_t)(sequence - base), subjects[fed]};
        end = sequence + 1;
    }
    *ret_fed = fed;
    if (fed)
        note_fed(batch, base, fed, messages[fed - 1].time_ns);
    return fed < count && is_plain(&messages[fed]) ? RILL_ERR_LIMIT : RILL_OK;
}

/* Everything that can fail, so that a message is there whole or not at all. */
static enum rill_err feed_reserve(struct batch *batch, const struct rill_index_message *message,
                                  const struct id_hash *id)
{
    if (!has_room(batch, 1))
        return RILL_ERR_NO_MEMORY;
    const struct expiry expiry = {message->expire_ns, batch->message_count};
    enum rill_err err =
        id ? id_set_put(&batch->ids, &(struct id_entry){*id, message->sequence, message->time_ns}) : RILL_OK;
    if (!err && message->expire_ns)
        err = expiry_add(&batch->expiries, &expiry);
    return err;
}

enum rill_err batch_feed(struct batch *batch, const struct rill_index_message *message, uint32_t subject,
                         const struct id_hash *id)
{
    const uint64_t sequence = message->sequence, base = batch->message_count ? batch->base : sequence;
    RILL_ASSERT(sequence >= batch_end(batch) && subject < batch->subject_count);
    if (sequence - base >= UINT32_MAX)
        return RILL_ERR_LIMIT;
    const enum rill_err err = feed_reserve(batch, message, id);
    if (err)
        return err;
    batch->messages[batch->message_count] = (struct batch_message){(uint32_t)(sequence - base), subject};
    note_fed(batch, base, 1, message->time_ns);
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
    struct batch_subject *subject = subject_get(batch, text, hash_of(text));
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
