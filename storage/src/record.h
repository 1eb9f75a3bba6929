// SPDX-License-Identifier: Apache-2.0
//
// Records: bytes in, fields out, and the other way. Pure functions; docs/STORAGE-FORMAT.md, "Record", has the
// layout and the conditions V4 to V10.
//
//      0        8      12   13    14        16        24      32
//     ┌────────┬────────┬────┬─────┬─────────┬─────────┬───────┬──────────────────────────┬───────┐
//     │checksum│ length │type│flags│subj. len│sequence │ time  │ body                     │zeros  │
//     └────────┴────────┴────┴─────┴─────────┴─────────┴───────┴──────────────────────────┴───────┘
//              └──────────────────── covered by the checksum, seeded by the place ────────────────┘
#pragma once

#include "le.h"
#include "storage/store.h"

enum {
    RECORD_ALIGN = 8,
    RECORD_HEADER_BYTES = 32,
    RECORD_MESSAGE_BYTES = 36, // a message's fields in front of its subject
    RECORD_COMMIT_BYTES = 56,
    RECORD_MERGED_BYTES = 64, // a commit record of a segment that was rewritten
    RECORD_PACKED_BYTES = 56, // a packed record's fields in front of what is in it
    RECORD_DELETE_BYTES = 48,
    RECORD_PURGE_BYTES = 40,
    RECORD_ERASE_BYTES = 64,
    RECORD_ERASED_BYTES_MIN = 40,
};

enum record_type {
    RECORD_COMMIT = 1,
    RECORD_MESSAGE = 2,
    RECORD_CHECKPOINT = 3,
    RECORD_DELETE = 4,
    RECORD_PURGE = 5,
    RECORD_ERASED = 6, // stands where a message stood
    RECORD_PACKED = 7,
    RECORD_ERASE = 8,
    // and those of enum rill_store_event
};

struct record {
    uint8_t type;
    uint64_t sequence;
    int64_t time_ns;
    size_t size;               // in the log, with padding
    struct rill_bytes subject; // of a message
    struct rill_bytes headers; // of a message
    struct rill_bytes body;    // the payload of a message, all that follows the header of the others
};

struct record_commit {
    uint64_t number;
    uint64_t sequence; // of the last message before it
    int64_t time_ns;
    uint32_t bytes; // with the commit record
    uint32_t record_count;
    uint32_t message_count; // numbered records
    uint32_t merged;        // commits in front of it that it stands for as well
    uint32_t head_bytes;    // of the commit record itself: RECORD_MERGED_BYTES makes it a merged one
    uint64_t last;          // the last sequence that it covers
};

static inline bool record_commit_is_merged(const struct record_commit *commit)
{
    return commit->head_bytes == RECORD_MERGED_BYTES;
}

/* The first of the commits that it stands for. */
static inline uint64_t record_commit_first(const struct record_commit *commit)
{
    return commit->number - commit->merged;
}

struct record_delete {
    uint64_t sequence; // of the message
    uint32_t bytes;    // of its record
};

struct record_erase {
    uint64_t sequence;
    uint32_t bytes;
    uint64_t segment; // where that record is
    uint64_t offset;  // 0 in a segment of version 2
};

struct record_packed {
    uint64_t sequence; // what all in it follow
    uint64_t last;     // of the last message in it
    uint32_t bytes;    // of the records in it
    uint32_t record_count;
    uint32_t message_count; // numbered ones
    uint8_t codec;
    struct rill_bytes run; // as it is in the file
};

static inline size_t record_align(size_t len)
{
    return (len + RECORD_ALIGN - 1) & ~(size_t)(RECORD_ALIGN - 1);
}

/* The size in the log of a message or of a record with this body. The parts must have been checked to be
   small. */
size_t record_message_size(const struct rill_store_message *message);
size_t record_body_size(size_t body_len);

/* Encode at `at`, which has room for the size. `seed` is that of the place: segment seed + offset in the
   file. */
void record_put_message(uint8_t *at, uint64_t seed, const struct rill_store_message *message);
void record_put_body(uint8_t *at, uint64_t seed, uint8_t type, uint64_t sequence, int64_t time_ns,
                     struct rill_bytes body);
/* `sequence` and `time_ns` are those before the record. */
void record_put_delete(uint8_t *at, uint64_t seed, uint64_t sequence, int64_t time_ns,
                       const struct record_delete *removal);
void record_put_purge(uint8_t *at, uint64_t seed, uint64_t sequence, int64_t time_ns, uint64_t first_kept);
void record_put_erase(uint8_t *at, uint64_t seed, uint64_t sequence, int64_t time_ns,
                      const struct record_erase *erase);
/* Fills `size` bytes. */
void record_put_erased(uint8_t *at, uint64_t seed, uint64_t sequence, size_t size);
/* The run stands behind the fields already. */
void record_put_packed(uint8_t *at, uint64_t seed, const struct record_packed *packed);
/* Writes `head_bytes` bytes; 0 stands for those of a commit that is not merged. */
void record_put_commit(uint8_t *at, uint64_t seed, const struct record_commit *commit);
/* Calculates the checksum of a record that came without, or from another place. */
void record_seal(uint8_t *at, uint64_t seed);

/* Is there a valid record (V4 to V7) in these bytes, of which `room` follow? The views in *ret point into
   them. */
bool record_get(const uint8_t *at, size_t room, uint64_t seed, struct record *ret);
/* The same for any type and any flags, for tools that look at what a newer Rill may have written. Of an unknown type
   only the header's fields are known; its `body` is all that follows. */
bool record_get_any(const uint8_t *at, size_t room, uint64_t seed, struct record *ret);
bool record_type_is_known(uint8_t type);
/* Has it a sequence of its own? */
static inline bool record_is_numbered(uint8_t type)
{
    return type == RECORD_MESSAGE || type == RECORD_ERASED;
}
/* Is there a record in these bytes, but for its checksum (V4, V5, V7)? For what a packed record's checksum covers. */
bool record_get_bare(const uint8_t *at, size_t room, struct record *ret);
/* The fields of a record that is known to be valid. */
static inline struct record record_view(const uint8_t *at)
{
    const size_t len = le_get_u32(at + 8);
    struct record record = {
        .type = at[12],
        .sequence = le_get_u64(at + 16),
        .time_ns = (int64_t)le_get_u64(at + 24),
        .size = record_align(len),
        .body = rill_bytes_of(at + RECORD_HEADER_BYTES, len - RECORD_HEADER_BYTES),
    };
    if (record.type != RECORD_MESSAGE)
        return record;
    const size_t subject_len = le_get_u16(at + 14);
    const size_t headers_len = le_get_u32(at + RECORD_HEADER_BYTES);
    record.subject = rill_bytes_of(at + RECORD_MESSAGE_BYTES, subject_len);
    record.headers = rill_bytes_of(record.subject.data + subject_len, headers_len);
    record.body = rill_bytes_of(record.headers.data + headers_len,
                                len - RECORD_MESSAGE_BYTES - subject_len - headers_len);
    return record;
}
/* As it says; `last` is for the caller to find out. */
struct record_commit record_commit_of(const struct record *record);
/* Of a delete or an erase. */
struct record_delete record_delete_of(const struct record *record);
struct record_erase record_erase_of(const struct record *record);
struct record_packed record_packed_of(const struct record *record);
uint64_t record_purge_of(const struct record *record);
/* Is there a valid commit record that may follow the commit `last`, after the sequence `sequence` (V8)? */
bool record_get_commit(const uint8_t *at, size_t room, uint64_t seed, uint64_t last, uint64_t sequence,
                       struct record_commit *ret);
