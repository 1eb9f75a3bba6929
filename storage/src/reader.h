// SPDX-License-Identifier: Apache-2.0
//
// A window on a segment file for the replay: bytes by offset, read ahead, with what the disk cannot read as
// zeros. Blocking; one owner.
#pragma once

#include "record.h"

struct log_reader {
    struct rill_disk_file *file;
    uint64_t size;
    uint64_t seed; // of the segment
    uint8_t *window;
    size_t window_capacity;
    uint64_t window_offset;
    size_t window_len;
    bool unreadable; // the disk failed to read some of it
};

enum rill_err reader_open(struct log_reader *reader, struct rill_disk *disk,
                          const char *path) RILL_MUST_CHECK;
void reader_close(struct log_reader *reader);

/* `len` bytes from `offset`, all within the file; valid until the next call. NO_MEMORY. */
enum rill_err reader_get(struct log_reader *reader, uint64_t offset, size_t len,
                         const uint8_t **ret) RILL_MUST_CHECK;

/* The commit record at `offset` that may follow the commit `last` and the sequence `sequence` (V8).
   NOT_FOUND. */
enum rill_err reader_commit_at(struct log_reader *reader, uint64_t offset, uint64_t last, uint64_t sequence,
                               struct record_commit *ret) RILL_MUST_CHECK;

struct reader_search {
    bool found;
    uint64_t offset; // of the commit record; the end of the file when none was found
    struct record_commit commit;
    uint64_t used; // the end of the last 8 bytes before it that are not zero
};

/* Searches from `offset` on for such a commit record. */
enum rill_err reader_next_commit(struct log_reader *reader, uint64_t offset, uint64_t last, uint64_t sequence,
                                 struct reader_search *ret) RILL_MUST_CHECK;
