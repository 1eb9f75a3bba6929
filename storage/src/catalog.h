// SPDX-License-Identifier: Apache-2.0
//
// Which segments a folder has, and which of them are the stream's: names and headers, before any record is
// read.
#pragma once

#include "segment.h"

struct catalog_entry {
    struct segment_header header; // number is that of the name; the rest is meaningless without has_header
    bool has_header;
    bool unreadable; // the disk could not read a header
    uint64_t size;
};

struct catalog {
    struct catalog_entry *entries; // in the order of their numbers, without the foreign ones
    size_t count;
    size_t capacity;
    uint64_t foreign;
    uint64_t highest; // number of any segment file, foreign ones too
    uint8_t identity[RILL_STORE_IDENTITY_BYTES];
};

/* NOT_FOUND when there is no segment, DAMAGED when no header is valid, UNSUPPORTED, IO (also when none could be read), NO_MEMORY. On success
   the caller ends with catalog_fini(). */
enum rill_err catalog_read(struct catalog *catalog, struct rill_disk *disk, const char *folder,
                           struct rill_error_text *why) RILL_MUST_CHECK;
void catalog_fini(struct catalog *catalog);
