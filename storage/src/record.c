// SPDX-License-Identifier: Apache-2.0
#include "record.h"

#include "base/assert.h"

#include <assert.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static_assert(RECORD_HEADER_BYTES % RECORD_ALIGN == 0, "a body begins aligned");
static_assert(RECORD_COMMIT_BYTES % RECORD_ALIGN == 0, "what follows a commit record is aligned");
static_assert(RECORD_DELETE_BYTES % RECORD_ALIGN == 0 && RECORD_PURGE_BYTES % RECORD_ALIGN == 0 &&
                  RECORD_ERASE_BYTES % RECORD_ALIGN == 0 && RECORD_MERGED_BYTES % RECORD_ALIGN == 0,
              "their length is their size");

size_t record_message_size(const struct rill_store_message *message)
{
    return record_align(RECORD_MESSAGE_BYTES + message->subject.len + message->headers.len +
                        message->payload.len);
}

size_t record_body_size(size_t body_len)
{
    return record_align(RECORD_HEADER_BYTES + body_len);
}

static uint64_t record_checksum(const uint8_t *at, size_t size, uint64_t seed)
{
    return XXH3_64bits_withSeed(at + 8, size - 8, seed);
}

static uint8_t *put_bytes(uint8_t *at, struct rill_bytes bytes)
{
    if (bytes.len)
        memcpy(at, bytes.data, bytes.len);
    return at + bytes.len;
}

static void put_header(uint8_t *at, size_t len, uint8_t type, size_t subject_len, uint64_t sequence,
                       int64_t time_ns)
{
    RILL_ASSERT(len <= UINT32_MAX - RECORD_ALIGN && subject_len <= UINT16_MAX);
    le_put_u32(at + 8, (uint32_t)len);
    at[12] = type;
    at[13] = 0;
    le_put_u16(at + 14, (uint16_t)subject_len);
    le_put_u64(at + 16, sequence);
    le_put_u64(at + 24, (uint64_t)time_ns);
}

void record_put_message(uint8_t *at, uint64_t seed, const struct rill_store_message *message)
{
    const size_t size = record_message_size(message);
    // Zeros the padding; what is not padding of these 8 bytes is written below.
    le_put_u64(at + size - 8, 0);
    put_header(at, RECORD_MESSAGE_BYTES + message->subject.len + message->headers.len + message->payload.len,
               RECORD_MESSAGE, message->subject.len, message->sequence, message->time_ns);
    le_put_u32(at + RECORD_HEADER_BYTES, (uint32_t)message->headers.len);
    uint8_t *end = put_bytes(at + RECORD_MESSAGE_BYTES, message->subject);
    end = put_bytes(end, message->headers);
    end = put_bytes(end, message->payload);
    le_put_u64(at, record_checksum(at, size, seed));
}

void record_put_body(uint8_t *at, uint64_t seed, uint8_t type, uint64_t sequence, int64_t time_ns,
                     struct rill_bytes body)
{
    const size_t size = record_body_size(body.len);
    le_put_u64(at + size - 8, 0);
    put_header(at, RECORD_HEADER_BYTES + body.len, type, 0, sequence, time_ns);
    put_bytes(at + RECORD_HEADER_BYTES, body);
    le_put_u64(at, record_checksum(at, size, seed));
}

void record_put_commit(uint8_t *at, uint64_t seed, const struct record_commit *commit)
{
    const bool is_merged = commit->head_bytes == RECORD_MERGED_BYTES;
    const size_t size = is_merged ? RECORD_MERGED_BYTES : RECORD_COMMIT_BYTES;
    RILL_ASSERT(is_merged || (commit->message_count <= commit->record_count && !commit->merged));
    put_header(at, size, RECORD_COMMIT, 0, commit->sequence, commit->time_ns);
    le_put_u64(at + 32, commit->number);
    le_put_u32(at + 40, commit->bytes);
    le_put_u32(at + 44, commit->record_count);
    le_put_u32(at + 48, commit->message_count);
    le_put_u32(at + 52, commit->merged);
    if (is_merged)
        le_put_u64(at + 56, commit->last);
    record_seal(at, seed);
}

void record_seal(uint8_t *at, uint64_t seed)
{
    le_put_u64(at, record_checksum(at, record_align(le_get_u32(at + 8)), seed));
}

void record_put_delete(uint8_t *at, uint64_t seed, uint64_t sequence, int64_t time_ns,
                       const struct record_delete *removal)
{
    uint8_t body[RECORD_DELETE_BYTES - RECORD_HEADER_BYTES];
    le_put_u64(body, removal->sequence);
    le_put_u32(body + 8, removal->bytes);
    le_put_u32(body + 12, 0);
    record_put_body(at, seed, RECORD_DELETE, sequence, time_ns, rill_bytes_of(body, sizeof body));
}

void record_put_purge(uint8_t *at, uint64_t seed, uint64_t sequence, int64_t time_ns, uint64_t first_kept)
{
    uint8_t body[RECORD_PURGE_BYTES - RECORD_HEADER_BYTES];
    le_put_u64(body, first_kept);
    record_put_body(at, seed, RECORD_PURGE, sequence, time_ns, rill_bytes_of(body, sizeof body));
}

void record_put_erase(uint8_t *at, uint64_t seed, uint64_t sequence, int64_t time_ns,
                      const struct record_erase *erase)
{
    put_header(at, RECORD_ERASE_BYTES, RECORD_ERASE, 0, sequence, time_ns);
    le_put_u64(at + 32, erase->sequence);
    le_put_u32(at + 40, erase->bytes);
    le_put_u32(at + 44, 0);
    le_put_u64(at + 48, erase->segment);
    le_put_u64(at + 56, erase->offset);
    record_seal(at, seed);
}

void record_put_erased(uint8_t *at, uint64_t seed, uint64_t sequence, size_t size)
{
    RILL_ASSERT(size >= RECORD_ERASED_BYTES_MIN && size % RECORD_ALIGN == 0);
    memset(at, 0, size);
    put_header(at, size, RECORD_ERASED, 0, sequence, 0);
    record_seal(at, seed);
}

void record_put_packed(uint8_t *at, uint64_t seed, const struct record_packed *packed)
{
    const size_t len = RECORD_PACKED_BYTES + packed->run.len;
    RILL_ASSERT(packed->run.data == at + RECORD_PACKED_BYTES);
    memset(at + len, 0, record_align(len) - len);
    put_header(at, len, RECORD_PACKED, 0, packed->sequence, 0);
    le_put_u32(at + 32, packed->bytes);
    le_put_u32(at + 36, packed->record_count);
    le_put_u32(at + 40, packed->message_count);
    le_put_u32(at + 44, packed->codec);
    le_put_u64(at + 48, packed->last);
    record_seal(at, seed);
}

struct record_commit record_commit_of(const struct record *record)
{
    RILL_ASSERT(record->type == RECORD_COMMIT);
    const uint8_t *body = record->body.data;
    return (struct record_commit){
        .number = le_get_u64(body),
        .sequence = record->sequence,
        .time_ns = record->time_ns,
        .bytes = le_get_u32(body + 8),
        .record_count = le_get_u32(body + 12),
        .message_count = le_get_u32(body + 16),
        .merged = le_get_u32(body + 20),
        .head_bytes = (uint32_t)record->size,
    };
}

struct record_erase record_erase_of(const struct record *record)
{
    const uint8_t *body = record->body.data;
    RILL_ASSERT(record->type == RECORD_ERASE);
    return (struct record_erase){le_get_u64(body), le_get_u32(body + 8), le_get_u64(body + 16),
                                 le_get_u64(body + 24)};
}

struct record_packed record_packed_of(const struct record *record)
{
    const uint8_t *body = record->body.data;
    const size_t fields = RECORD_PACKED_BYTES - RECORD_HEADER_BYTES;
    RILL_ASSERT(record->type == RECORD_PACKED && record->body.len >= fields);
    return (struct record_packed){
        .sequence = record->sequence,
        .last = le_get_u64(body + 16),
        .bytes = le_get_u32(body),
        .record_count = le_get_u32(body + 4),
        .message_count = le_get_u32(body + 8),
        .codec = body[12],
        .run = rill_bytes_of(body + fields, record->body.len - fields),
    };
}

struct record_delete record_delete_of(const struct record *record)
{
    RILL_ASSERT(record->type == RECORD_DELETE || record->type == RECORD_ERASE);
    return (struct record_delete){le_get_u64(record->body.data), le_get_u32(record->body.data + 8)};
}

uint64_t record_purge_of(const struct record *record)
{
    RILL_ASSERT(record->type == RECORD_PURGE);
    return le_get_u64(record->body.data);
}

bool record_type_is_known(uint8_t type)
{
    switch (type) {
    case RECORD_COMMIT:
    case RECORD_MESSAGE:
    case RECORD_CHECKPOINT:
    case RECORD_DELETE:
    case RECORD_PURGE:
    case RECORD_ERASED:
    case RECORD_PACKED:
    case RECORD_ERASE:
#define EVENT_CASE(name, number, text) case number:
        RILL_STORE_EVENT_TABLE(EVENT_CASE)
#undef EVENT_CASE
        return true;
    default:
        return false;
    }
}

/* V7, for a record of `len` bytes that are there. */
static bool fields_fit(const uint8_t *at, size_t len)
{
    const size_t subject_len = le_get_u16(at + 14);
    switch (at[12]) {
    case RECORD_MESSAGE:
        return len >= RECORD_MESSAGE_BYTES && subject_len <= len - RECORD_MESSAGE_BYTES &&
               le_get_u32(at + RECORD_HEADER_BYTES) <= len - RECORD_MESSAGE_BYTES - subject_len;
    case RECORD_COMMIT:
        return (len == RECORD_COMMIT_BYTES || len == RECORD_MERGED_BYTES) && subject_len == 0;
    case RECORD_DELETE:
        return len == RECORD_DELETE_BYTES && subject_len == 0;
    case RECORD_PURGE:
        return len == RECORD_PURGE_BYTES && subject_len == 0;
    case RECORD_ERASE:
        return len == RECORD_ERASE_BYTES && subject_len == 0;
    case RECORD_ERASED:
        return len >= RECORD_ERASED_BYTES_MIN && len % RECORD_ALIGN == 0 && subject_len == 0;
    case RECORD_PACKED:
        return len >= RECORD_PACKED_BYTES && subject_len == 0;
    default:
        return subject_len == 0;
    }
}

bool record_get(const uint8_t *at, size_t room, uint64_t seed, struct record *ret)
{
    if (room < RECORD_HEADER_BYTES || !record_type_is_known(at[12]) || at[13] != 0)
        return false;
    return record_get_any(at, room, seed, ret);
}

static bool length_fits(const uint8_t *at, size_t room)
{
    const size_t len = room < RECORD_HEADER_BYTES ? 0 : le_get_u32(at + 8);
    if (len < RECORD_HEADER_BYTES || len > room || record_align(len) > room)
        return false;
    return !record_type_is_known(at[12]) || fields_fit(at, len);
}

bool record_get_any(const uint8_t *at, size_t room, uint64_t seed, struct record *ret)
{
    if (!length_fits(at, room) ||
        le_get_u64(at) != record_checksum(at, record_align(le_get_u32(at + 8)), seed))
        return false;
    *ret = record_view(at);
    return true;
}

bool record_get_bare(const uint8_t *at, size_t room, struct record *ret)
{
    if (!length_fits(at, room) || !record_type_is_known(at[12]) || at[13] != 0)
        return false;
    *ret = record_view(at);
    return true;
}

static bool plain_fits(const struct record_commit *commit)
{
    return commit->message_count <= commit->record_count && commit->merged == 0;
}

static bool merged_fits(const uint8_t *at, struct record_commit *commit)
{
    const uint64_t last = le_get_u64(at + 56);
    if (last < commit->last || last == UINT64_MAX || commit->merged >= commit->number)
        return false;
    commit->last = last;
    return true;
}

bool record_get_commit(const uint8_t *at, size_t room, uint64_t seed, uint64_t last, uint64_t sequence,
                       struct record_commit *ret)
{
    struct record record;
    // Cheap first: a search tries this at every eighth byte.
    if (room < RECORD_COMMIT_BYTES || at[12] != RECORD_COMMIT || !record_get(at, room, seed, &record))
        return false;
    struct record_commit commit = record_commit_of(&record);
    if (commit.sequence > UINT64_MAX - commit.message_count)
        return false;
    commit.last = commit.sequence + commit.message_count;
    if (!(record_commit_is_merged(&commit) ? merged_fits(at, &commit) : plain_fits(&commit)))
        return false;
    if (commit.number - commit.merged <= last || commit.sequence < sequence ||
        commit.bytes % RECORD_ALIGN != 0 ||
        commit.bytes < commit.head_bytes + (uint64_t)commit.record_count * RECORD_HEADER_BYTES)
        return false;
    *ret = commit;
    return true;
}
